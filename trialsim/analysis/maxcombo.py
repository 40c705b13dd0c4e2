"""MaxCombo: the best of four Fleming-Harrington tests, with the price of choosing paid.

The four scores are jointly normal under no difference, with the covariance that the data give. The p-value
is a probability of that normal distribution, integrated by fixed Gauss-Legendre nodes: no random numbers, so
the same data give the same p to the last digit.
"""

from __future__ import annotations

import numpy as np

from trialsim.analysis.data import Floats, SurvivalData
from trialsim.analysis.logrank import hazard_tables, scores

#: (rho, gamma) of the four tests: log-rank, late, early and middle differences.
WEIGHTS: list[tuple[float, float]] = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]

_NODES = 64
_FAR = 9.0  # the normal distribution beyond nine standard deviations weighs 1e-19
_SINGULAR = 1e-9


def maxcombo_p(
    data: SurvivalData, arm: str, reference: str, *, sided: int = 2, stratified: bool = False
) -> float | None:
    """p-value of MaxCombo for ``arm`` against ``reference``; None when no test can be computed.

    ``sided=1``: the chance that the smallest of the four z is as small or smaller (benefit of the arm).
    ``sided=2``: that the largest \\|z\\| is as large. ``stratified`` adds scores and covariances over the strata of the
    data, each with weights of its own, as the stratified log-rank test does.
    """
    score, covariance = scores(hazard_tables(data, arm, reference, data.strata if stratified else None), WEIGHTS)
    spread = np.sqrt(np.diag(covariance))
    # A test without variance (one event time leaves FH(0,1) none) cannot be the best one.
    usable = spread > _SINGULAR * spread.max(initial=0.0)
    if not usable.any() or spread.max() <= 0.0:
        return None
    z = score[usable] / spread[usable]
    correlation = covariance[np.ix_(usable, usable)] / np.outer(spread[usable], spread[usable])
    return float(min(1.0, _union_p(z, correlation, sided)))


def _union_p(z: Floats, correlation: Floats, sided: int) -> float:
    """P(some z at least as extreme as the best one), as a sum of disjoint events.

    The i-th event is "test i is that extreme and no earlier test is". All terms are positive, so a small
    p keeps its leading digits, which 1 - P(none) would lose.
    """
    total = 0.0
    best = float(z.min()) if sided == 1 else -float(np.abs(z).max())
    for i in range(z.size):
        order = [i, *range(i)]
        lower = np.array([-np.inf, *[best] * i])
        upper = np.array([best, *[np.inf if sided == 1 else -best] * i])
        total += _box_probability(correlation[np.ix_(order, order)], lower, upper)
    return total * (1.0 if sided == 1 else 2.0)


def _factor(correlation: Floats) -> Floats:
    """L with L L' = correlation and as many columns as the rank: log-rank is FH(0,1) + FH(1,0), so it is 3."""
    size = correlation.shape[0]
    factor = np.zeros((size, 0))
    pivots: list[int] = []
    for row in range(size):
        for column, pivot in enumerate(pivots):
            rest = correlation[row, pivot] - factor[row, :column] @ factor[pivot, :column]
            factor[row, column] = rest / factor[pivot, column]
        left = correlation[row, row] - factor[row] @ factor[row]
        if left > _SINGULAR:
            factor = np.hstack([factor, np.zeros((size, 1))])
            factor[row, -1] = np.sqrt(left)
            pivots.append(row)
    factor[np.abs(factor) < np.sqrt(_SINGULAR)] = 0.0
    return factor


def _box_probability(correlation: Floats, lower: Floats, upper: Floats) -> float:
    """P(lower < Z < upper) for Z normal with mean 0 and a correlation matrix that may be singular.

    Z = L y with independent y. Each row of L limits the last y it contains, given the ones before; those
    limits are intersected, all y but the last are put on a grid, and the last is integrated in closed form.
    """
    from scipy.special import ndtr

    factor = _factor(correlation)
    rank = factor.shape[1]
    last = [int(np.flatnonzero(row)[-1]) for row in factor]
    nodes, node_weights = np.polynomial.legendre.leggauss(_NODES)
    grid = np.zeros((1, 0))
    weight = np.ones(1)
    for column in range(rank):
        low, high = np.full(weight.size, -_FAR), np.full(weight.size, _FAR)
        for row in (r for r in range(len(last)) if last[r] == column):
            shift = grid @ factor[row, :column]
            ends = np.array([(lower[row] - shift), (upper[row] - shift)]) / factor[row, column]
            low, high = np.maximum(low, ends.min(axis=0)), np.minimum(high, ends.max(axis=0))
        high = np.maximum(high, low)
        if column == rank - 1:
            return float(weight @ (ndtr(high) - ndtr(low)))
        half = (high - low) / 2.0
        y = (low + half)[:, None] + half[:, None] * nodes
        weight = (weight[:, None] * half[:, None] * node_weights * np.exp(-(y**2) / 2) / np.sqrt(2 * np.pi)).ravel()
        grid = np.hstack([np.repeat(grid, _NODES, axis=0), y.reshape(-1, 1)])
    raise AssertionError("a correlation matrix has a rank of at least one")
