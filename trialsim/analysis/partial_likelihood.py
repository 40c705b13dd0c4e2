"""A small Cox fit for forest plots.

A forest needs some twenty fits and lifelines takes 35 ms for one. This is the same estimate (Newton's method on
Efron's partial likelihood), vectorised over events; tests hold it against lifelines. With strata, each has its own
baseline hazard: the likelihood is the product of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialsim.analysis.data import Bools, Floats, Labels
from trialsim.analysis.strata import within_strata

_ITERATIONS = 25
_TOLERANCE = 1e-10
#: A linear predictor that differs by more than this between patients has run away: separation.
_RUNAWAY = 12.0


@dataclass(frozen=True)
class EfronFit:
    """Coefficients, their covariance, and the log partial likelihood at them."""

    coef: Floats
    covariance: Floats
    log_likelihood: float


@dataclass(frozen=True)
class _Sorted:
    """Rows of one stratum by falling time.

    For each event, ``last_row`` is the last row at risk and ``tied`` the Efron share l/d.
    """

    x: Floats
    x_events: Floats
    last_row: NDArray[np.intp]
    group: NDArray[np.intp]
    event_rows: NDArray[np.intp]
    tied: Floats


def efron_fit(x: Floats, time: Floats, event: Bools, strata: Labels | None = None) -> EfronFit | None:
    """Fit the columns of ``x`` (patients by terms); None when an estimate is not finite or not unique."""
    if not event.any():
        return None
    parts = [_sort(x[own], time[own], event[own]) for own in within_strata(strata, time.size) if event[own].any()]
    coef = np.zeros(x.shape[1])
    value, gradient, information = _likelihood(parts, coef)
    for _ in range(_ITERATIONS):
        step = _newton_step(information, gradient)
        if step is None:
            return None
        new = _likelihood(parts, coef + step)
        while not new[0] >= value - _TOLERANCE and np.abs(step).max() > _TOLERANCE:
            step = step / 2.0
            new = _likelihood(parts, coef + step)
        coef = coef + step
        gained, (value, gradient, information) = new[0] - value, new
        if np.ptp(x @ coef) > _RUNAWAY:
            return None
        if abs(gained) <= _TOLERANCE * (1.0 + abs(value)) and np.abs(step).max() < 1e-7:
            break
    if _newton_step(information, gradient) is None:
        return None
    covariance: Floats = np.linalg.inv(information).astype(np.float64)
    return EfronFit(coef, covariance, float(value))


def _newton_step(information: Floats, gradient: Floats) -> Floats | None:
    diagonal = np.diag(information)
    if not np.all(diagonal > 1e-10) or not np.all(np.isfinite(information)):
        return None
    scaled = information / np.sqrt(np.outer(diagonal, diagonal))
    if np.linalg.cond(scaled) > 1e10:
        return None
    step: Floats = np.linalg.solve(information, gradient).astype(np.float64)
    return step


def _sort(x: Floats, time: Floats, event: Bools) -> _Sorted:
    order = np.argsort(-time, kind="stable")
    x, time, event = x[order], time[order], event[order]
    event_rows = np.flatnonzero(event)
    event_times = time[event_rows]
    last_row = np.searchsorted(-time, -event_times, side="right") - 1
    starts = np.searchsorted(-event_times, -event_times, side="left")
    _, group, sizes = np.unique(starts, return_inverse=True, return_counts=True)
    tied = (np.arange(event_rows.size) - starts) / sizes[group]
    return _Sorted(x, x[event_rows], last_row, group, event_rows, tied)


def _likelihood(parts: list[_Sorted], coef: Floats) -> tuple[float, Floats, Floats]:
    """Log partial likelihood, its gradient and the information matrix at ``coef``, added up over strata."""
    values, gradients, informations = zip(*(_of_stratum(rows, coef) for rows in parts), strict=True)
    return sum(values), np.sum(gradients, axis=0), np.sum(informations, axis=0)


def _of_stratum(rows: _Sorted, coef: Floats) -> tuple[float, Floats, Floats]:
    predictor = rows.x @ coef
    risk = np.exp(predictor)
    first = rows.x * risk[:, None]
    second = first[:, :, None] * rows.x[:, None, :]
    sums = [_at_events(rows, moment) for moment in (risk, first, second)]
    mean = sums[1] / sums[0][:, None]
    spread = sums[2] / sums[0][:, None, None] - mean[:, :, None] * mean[:, None, :]
    value = float(predictor[rows.event_rows].sum() - np.log(sums[0]).sum())
    return value, (rows.x_events - mean).sum(axis=0), spread.sum(axis=0)


def _at_events(rows: _Sorted, moment: Floats) -> Floats:
    """The moment summed over the risk set of each event, less Efron's share of those tied with it."""
    at_risk = np.cumsum(moment, axis=0)[rows.last_row]
    tied_sum = np.zeros((int(rows.group.max()) + 1, *moment.shape[1:]))
    np.add.at(tied_sum, rows.group, moment[rows.event_rows])
    share = rows.tied.reshape(-1, *[1] * (moment.ndim - 1))
    total: Floats = at_risk - share * tied_sum[rows.group]
    return total
