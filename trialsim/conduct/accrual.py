"""When patients arrive.

The rate of arrival is that of the period, piecewise constant, times a ramp that rises linearly from zero to one over
``ramp_days``, and zero in a pause:

    rate(t) = per_day(t) * min(1, t / ramp_days)

Its integral, the expected count, has a closed form and so has the inverse of that. Arrivals of a unit-rate process (or
1, 2, 3, ... when they are evenly spaced) are mapped through the inverse (Cinlar's time change), which keeps the first n
arrivals the same when an (n+1)th patient is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialsim.conduct.calendar_grid import all_on_grid
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import Accrual

Floats = NDArray[np.float64]


def expected_count(accrual: Accrual, day: ArrayLike) -> Floats:
    """Expected number of patients who arrived by calendar ``day``, without pauses, were enrolment never to stop."""
    days = np.maximum(np.asarray(day, dtype=float), 0.0)
    if not accrual.steps:
        return np.asarray(accrual.per_day * _ramped(accrual.ramp_days, days))
    total, begin = np.zeros_like(days), 0.0
    for step in accrual.steps:
        end = math.inf if step.until_days is None else step.until_days
        within = np.clip(days, begin, end)
        total = total + step.per_day * (_ramped(accrual.ramp_days, within) - _ramped(accrual.ramp_days, begin))
        begin = end
    return np.asarray(total)


def day_of_count(accrual: Accrual, count: ArrayLike) -> Floats:
    """The calendar day by which ``count`` patients are expected: the inverse of `expected_count`."""
    counts = np.asarray(count, dtype=float)
    if not accrual.steps:
        return _unramped(accrual.ramp_days, counts, accrual.per_day)
    days, passed, begin = np.zeros_like(counts), 0.0, 0.0
    for step in accrual.steps:
        end = math.inf if step.until_days is None else step.until_days
        start = float(_ramped(accrual.ramp_days, begin))
        inside = _unramped(accrual.ramp_days, (counts - passed) / step.per_day + start, 1.0)
        days = np.where(counts > passed, inside, days)
        if end < math.inf:
            passed += step.per_day * float(_ramped(accrual.ramp_days, end) - start)
        begin = end
    return days


def _ramped(ramp: float, day: ArrayLike) -> Floats:
    """The integral of min(1, t / ramp) from 0 to ``day``."""
    days = np.asarray(day, dtype=float)
    within = np.minimum(days, ramp)
    rising = within**2 / (2.0 * ramp) if ramp > 0 else np.zeros_like(days)
    return np.asarray(rising + (days - within))


def _unramped(ramp: float, count: Floats, rate: float) -> Floats:
    """The day at which ``rate`` times `_ramped` reaches ``count``."""
    steady = count / rate + ramp / 2.0
    if ramp <= 0:
        return steady
    # A count below zero is before the period that asks, which its caller sorts out.
    return np.where(steady <= ramp, np.sqrt(2.0 * ramp * np.maximum(count, 0.0) / rate), steady)


def arrival_days(accrual: Accrual, *, rng: np.random.Generator) -> Floats:
    """Calendar days on which patients 1, 2, ... ``accrual.patients`` arrive, ascending, without pauses."""
    if accrual.arrivals == "fixed":
        counts = np.arange(1.0, accrual.patients + 1.0)
    else:
        counts = np.cumsum(rng.standard_exponential(accrual.patients))
    return all_on_grid(day_of_count(accrual, counts))


def draw_arrivals(accrual: Accrual, *, seed: int, replicate: int = 0) -> Floats:
    """The arrivals of a run without pauses, sites that open late or screening."""
    return arrival_days(accrual, rng=stream(seed, Purpose.ACCRUAL, replicate=replicate))


class OpenTime:
    """The trial's expected count with its pauses, which may be added as the trial goes on."""

    def __init__(self, accrual: Accrual) -> None:
        self._accrual = accrual
        self._pauses: list[tuple[float, float]] = []
        for pause in accrual.pauses:
            if pause.from_day is not None:
                self.pause(pause.from_day, pause.from_day + pause.for_days)

    def pause(self, begin: float, end: float) -> None:
        """Add a pause; one that touches others is joined with them."""
        begin, end = max(begin, 0.0), max(end, 0.0)
        apart = [(a, b) for a, b in self._pauses if b < begin or a > end]
        joined = [pair for pair in self._pauses if pair not in apart]
        begin, end = min([begin, *(a for a, _ in joined)]), max([end, *(b for _, b in joined)])
        self._pauses = sorted([*apart, (begin, end)])

    def count(self, day: float) -> float:
        """Expected number of arrivals by ``day``."""
        lost = sum(self._between(a, min(b, day)) for a, b in self._pauses if a < day)
        return float(expected_count(self._accrual, day)) - lost

    def day(self, count: float) -> float:
        """The day by which ``count`` arrivals are expected."""
        for begin, end in self._pauses:
            if float(day_of_count(self._accrual, count)) <= begin:
                break
            count += self._between(begin, end)
        return float(day_of_count(self._accrual, count))

    def _between(self, begin: float, end: float) -> float:
        before, after = expected_count(self._accrual, np.array([begin, end]))
        return float(after - before)


def pauses_after(accrual: Accrual) -> Sequence[tuple[int, float]]:
    """Pauses that wait for a number of patients: that number, and how long."""
    return [(p.after_patients, p.for_days) for p in accrual.pauses if p.after_patients is not None]
