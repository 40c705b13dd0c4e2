"""Response-adaptive randomisation: later patients to the arms that do better (Thall & Wathen 2007).

With d events in a follow-up of T patient-days an arm's hazard has the posterior law Gamma(d + 1/2, T), by Jeffreys'
prior. The chance that it is the lowest of all, raised to the power n / (2 N) with n patients randomised of N, is the
arm's weight: near equal while little is known, and sharper as the trial goes on. No arm falls below a floor.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import gammaincc, gammainccinv, gammaincinv, gammaln

from trialsim.designs.spending import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def chances_of_best(events: Floats, follow_up: Floats) -> Floats:
    r"""The chance of each arm that its hazard is the lowest; they add up to 1.

    .. math:: P_a = \int f_a(x) \prod_{b \ne a} S_b(x)\,dx
    """
    shape = np.asarray(events, dtype=np.float64) + 0.5
    rate = np.maximum(np.asarray(follow_up, dtype=np.float64), 1e-9)
    # Where any of the hazards can be, on the scale of the logarithm; 1e-12 of each tail is left out.
    low = np.log(np.maximum(gammaincinv(shape, 1e-12) / rate, 1e-300)).min()
    high = np.log(gammainccinv(shape, 1e-12) / rate).max()
    log_x = (low + high) / 2.0 + (high - low) / 2.0 * _NODES
    x = np.exp(log_x)[None, :]
    density = shape[:, None] * np.log(rate[:, None] * x) - rate[:, None] * x - gammaln(shape)[:, None]
    survival = gammaincc(shape[:, None], rate[:, None] * x)
    chances = np.empty(len(shape))
    for arm in range(len(shape)):
        others = np.prod(np.delete(survival, arm, axis=0), axis=0)
        chances[arm] = float((np.exp(density[arm]) * others) @ _WEIGHTS) * (high - low) / 2.0
    return np.asarray(chances / chances.sum())


def shares(best: Mapping[str, float], randomised: int, planned: int, floor: float) -> dict[str, float]:
    """The share of later patients that each arm gets: at least ``floor``, together 1."""
    power = randomised / (2.0 * planned)
    weights = np.array([max(chance, 1e-12) ** power for chance in best.values()])
    given = weights / weights.sum()
    free = np.ones(len(given), dtype=np.bool_)
    while free.any() and (given[free] < floor).any():
        free &= given >= floor
        left = 1.0 - floor * (~free).sum()
        given = np.where(free, weights, 0.0)
        given = np.where(free, left * given / max(given.sum(), 1e-300), floor)
    return dict(zip(best, given.tolist(), strict=True))
