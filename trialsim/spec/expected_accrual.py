"""How many patients are expected by a day, and by which day so many are.

The rate of arrival is that of the period, piecewise constant, times a ramp that rises linearly from zero to one over
``ramp_days``, and zero in a pause:

    rate(t) = per_day(t) * min(1, t / ramp_days)

Its integral, the expected count, has a closed form and so has the inverse of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        if step.per_day == 0.0:  # nobody comes, and the next rate goes on from the same count
            begin = end
            continue
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


def day_of_last(accrual: Accrual, arrivals: float) -> float:
    """The calendar day by which so many have come, as expected; infinity where they never do.

    Sites that open at random are all taken to open last. A site that is full takes nobody more.
    """
    clock, plan = OpenTime(accrual), accrual.site_plan
    shares, opens, most = [1.0], [0.0], math.inf
    if plan is not None:
        shares, opens = list(plan.shares), list(plan.opens_days) or [plan.within_days or 0.0] * len(plan.shares)
        most = math.inf if plan.at_most is None else float(plan.at_most)
    before = [clock.count(day) for day in opens]

    def come(day: float) -> float:
        now = clock.count(day)
        return sum(min(most, share * max(0.0, now - then)) for share, then in zip(shares, before, strict=True))

    return where_reached(come, arrivals) + sum(p.for_days for p in accrual.pauses if p.after_patients is not None)


def where_reached(count: Callable[[float], float], wanted: float) -> float:
    """Where a count that rises from 0 on comes to ``wanted``; infinity where it never does."""
    low, high = 0.0, 1.0
    while count(high) < wanted:
        low, high = high, 2.0 * high
        if high > _FOR_EVER:
            return math.inf
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if count(middle) >= wanted else (middle, high)
    return high


#: Beyond this nothing is reached any more.
_FOR_EVER = 1e15
