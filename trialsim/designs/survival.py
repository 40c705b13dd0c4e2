r"""Events, information and average hazard ratio of a survival trial, expected at a calendar time.

Patients enter at piecewise-constant rates; event and dropout have piecewise-constant hazards of the time since entry.
All integrals are closed forms. Times may be in any unit, the same throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trialsim.designs.boundaries import DesignError
from trialsim.designs.roots import root
from trialsim.designs.spending import Floats


@dataclass(frozen=True)
class Steps:
    """A step function of time from 0 on: ``values[i]`` up to ``ends[i]``; the last value holds for ever."""

    ends: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.values) != len(self.ends) + 1:
            raise DesignError("a step function has one value more than it has ends")
        if any(b <= a for a, b in zip((0.0, *self.ends), self.ends, strict=False)):
            raise DesignError("the ends of steps ascend from 0")
        if min(self.values) < 0.0 or not all(map(math.isfinite, self.values)):
            raise DesignError("rates are finite and not negative")

    def at(self, time: float) -> float:
        """The value just after ``time``."""
        return self.values[int(np.searchsorted(self.ends, time, side="right"))]

    def integral(self, time: float) -> float:
        """The area up to ``time``."""
        starts = np.array((0.0, *self.ends))
        return float(
            np.array(self.values)
            @ np.clip(np.append(self.ends, math.inf) - starts, 0.0, np.maximum(time - starts, 0.0))
        )

    def scaled(self, factor: float) -> Steps:
        return Steps(self.ends, tuple(factor * value for value in self.values))


def constant(value: float) -> Steps:
    return Steps((), (value,))


def uniform(patients: float, duration: float) -> Steps:
    """Accrual at one rate for a while, then none."""
    return Steps((duration,), (patients / duration, 0.0))


@dataclass(frozen=True)
class Group:
    """One arm: its hazard of the event and of dropout, by time since entry."""

    hazard: Steps
    dropout: Steps = Steps((), (0.0,))

    @cached_property
    def pieces(self) -> tuple[tuple[float, float, float, float], ...]:
        """(start, event hazard, dropout hazard, chance of getting there) of each interval with constant hazards."""
        found, left = [], 1.0
        starts = sorted({0.0, *self.hazard.ends, *self.dropout.ends})
        for start, end in zip(starts, (*starts[1:], math.inf), strict=True):
            event, loss = self.hazard.at(start), self.dropout.at(start)
            found.append((start, event, loss, left))
            if math.isfinite(end):
                left *= math.exp(-(event + loss) * (end - start))
        return tuple(found)

    def had_event(self, follow_up: float) -> float:
        """Chance of an event seen within a follow-up."""
        return sum(
            left * _share(event, event + loss, min(follow_up, end) - start)
            for (start, event, loss, left), end in self._with_ends()
            if start < follow_up
        )

    def events(self, accrual: Steps, time: float) -> Floats:
        r"""Expected events by a calendar time, for each piece of ``hazard``.

        With accrual rate :math:`g` and :math:`\Lambda = \lambda + \eta` on a piece that a patient reaches with chance
        :math:`p`, the integral over entry of :math:`p \lambda \int e^{-\Lambda u}\,du` is closed between any two times
        at which either the accrual or the hazard changes.
        """
        by_piece = np.zeros(len(self.hazard.values))
        for (start, event, loss, left), end in self._with_ends():
            if start >= time or event == 0.0:
                continue
            at = int(np.searchsorted(self.hazard.ends, start, side="right"))
            by_piece[at] += left * event * _area(accrual, time, event + loss, start, end)
        return by_piece

    def _with_ends(self) -> zip[tuple[tuple[float, float, float, float], float]]:
        return zip(self.pieces, (*(piece[0] for piece in self.pieces[1:]), math.inf), strict=True)


def _share(event: float, total: float, length: float) -> float:
    """Chance that the event ends an interval: event / total (1 - exp(-total length))."""
    return event * length if total == 0.0 else event / total * -math.expm1(-total * length)


def _area(accrual: Steps, time: float, rate: float, start: float, end: float) -> float:
    """Integral over entries e of g(e) times that of exp(-rate (u - start)) for u from start to min(time - e, end)."""
    total = 0.0
    starts, ends = (0.0, *accrual.ends), (*accrual.ends, math.inf)
    for begin, stop, g in zip(starts, ends, accrual.values, strict=True):
        # Follow-up beyond the start of the piece, of those who enter in this step of the accrual.
        most, least = time - begin - start, max(time - min(stop, time) - start, 0.0)
        if g == 0.0 or most <= least:
            continue
        whole = max(0.0, most - max(least, end - start))
        total += g * (whole * _inner(rate, end - start) if whole else 0.0)
        most = min(most, end - start)
        if most > least:
            total += g * (_outer(rate, most) - _outer(rate, least))
    return total


def _inner(rate: float, length: float) -> float:
    """Integral of exp(-rate u) from 0 to a length."""
    return length if rate == 0.0 else -math.expm1(-rate * length) / rate


def _outer(rate: float, length: float) -> float:
    """Integral of ``_inner`` from 0 to a length; by its series where the difference would cancel."""
    x = rate * length
    if x < 1e-3:
        return length * length * (0.5 - x / 6.0 + x * x / 24.0 - x**3 / 120.0)
    return (x + math.expm1(-x)) / rate**2


@dataclass(frozen=True)
class Expected:
    """What a trial of two arms is expected to have seen by a calendar time."""

    time: float
    enrolled: float
    control: float
    treated: float
    log_hazard_ratio: float

    @property
    def events(self) -> float:
        return self.control + self.treated

    @property
    def average_hazard_ratio(self) -> float:
        return math.exp(self.log_hazard_ratio)


@dataclass(frozen=True)
class SurvivalTrial:
    """Two arms with one accrual, shared between them as ``ratio`` (treated to control) says."""

    accrual: Steps
    control: Group
    treated: Group
    ratio: float = 1.0

    def expected(self, time: float) -> Expected:
        r"""Events and the average hazard ratio by a calendar time.

        The logarithms of the hazard ratios of the pieces are averaged with the information that each gives,
        :math:`w_j = (1/E_{0j} + 1/E_{1j})^{-1}`, as Mukhopadhyay 2020 and gsDesign2 do.
        """
        share = 1.0 / (1.0 + self.ratio)
        merged = sorted({*self.control.hazard.ends, *self.treated.hazard.ends})
        control, treated = _refined(self.control, merged), _refined(self.treated, merged)
        seen0 = control.events(self.accrual.scaled(share), time)
        seen1 = treated.events(self.accrual.scaled(1.0 - share), time)
        both = (seen0 > 0.0) & (seen1 > 0.0)
        weight = np.zeros(len(seen0))
        weight[both] = 1.0 / (1.0 / seen0[both] + 1.0 / seen1[both])
        logs = np.zeros(len(seen0))
        logs[both] = np.log(np.array(treated.hazard.values)[both] / np.array(control.hazard.values)[both])
        average = float(weight @ logs / weight.sum()) if both.any() else 0.0
        return Expected(time, self.accrual.integral(time), float(seen0.sum()), float(seen1.sum()), average)

    def when(self, events: float) -> float:
        """The calendar time at which so many events are expected. Raises :class:`DesignError` when never."""
        return first_time(lambda time: self.expected(time).events, events)


def first_time(count: Callable[[float], float], wanted: float) -> float:
    """When an expected count that rises with time comes to a number. Raises :class:`DesignError` when never."""
    latest = 1.0
    while count(latest) < wanted:
        latest *= 2.0
        if latest > 1e9:
            raise DesignError(
                f"{wanted:g} events are never reached: {count(latest):.1f} are expected in the end",
                "more patients, or fewer events",
            )
    return root(lambda time: count(time) - wanted, 0.0, latest, xtol=1e-12, rtol=1e-14)


def _refined(group: Group, ends: Sequence[float]) -> Group:
    """The same group with its hazard cut at more times."""
    hazard = Steps(tuple(ends), tuple(group.hazard.at(start) for start in (0.0, *ends)))
    return Group(hazard, group.dropout)
