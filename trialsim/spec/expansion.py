"""One order -> its administrations, dated from the day on which it starts.

Study day 1 is a Monday, and time 0. A cycle is a stretch of ``every`` days; its doses fall on the first ``days_on``
days or on ``on_days``, as far as these are open ``weekdays``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from trialsim.spec.written_order import WEEKDAYS, WrittenOrder

FRACTIONS_PER_WEEK = 5
#: Two days closer than this are the same.
SAME_DAY = 1e-9
#: Cycles that an order without ``cycles`` is repeated for at most.
MOST_CYCLES = 10_000


@dataclass(frozen=True)
class Dates:
    """The administrations of an order, in days since randomisation."""

    starts: dict[int, float]
    """Start of each cycle that has a dose, by its number from 1; the lead-in has number 0."""
    cycles: dict[int, tuple[float, ...]]
    """The administrations of each of these, ascending."""
    idle: tuple[int, ...] = ()
    """Cycles that lost every dose to closed weekdays."""

    @property
    def days(self) -> tuple[float, ...]:
        return tuple(day for days in self.cycles.values() for day in days)


def weekday(day: float) -> str:
    """The weekday of a time in days since randomisation, as `weekdays` writes it."""
    return WEEKDAYS[math.floor(day + SAME_DAY) % 7]


def is_open(order: WrittenOrder, day: float) -> bool:
    """Whether the order may be given on this day of the week."""
    return order.weekdays is None or weekday(day) in order.weekdays


def number_of_cycles(order: WrittenOrder, begin: float, end: float | None) -> int:
    """Cycles as written, or as many as start by ``end``."""
    if order.every is None or order.cycles is not None or end is None:
        return order.cycles or 1
    lead_in = order.lead_in.days if order.lead_in else 0
    return max(0, int((end - begin - lead_in) / order.every + SAME_DAY) + 1)


def expand(order: WrittenOrder, begin: float, end: float | None = None) -> Dates:
    """Every administration of an order that starts on ``begin``, none after ``end``."""
    starts: dict[int, float] = {}
    cycles: dict[int, tuple[float, ...]] = {}
    idle: list[int] = []
    for number, start, planned in _planned(order, begin, end):
        if end is not None and start > end + SAME_DAY:
            break
        open_days = [day for day in planned if is_open(order, day)]
        days = tuple(day for day in open_days if end is None or day <= end + SAME_DAY)
        if days:
            starts[number], cycles[number] = start, days
        elif not open_days:
            idle.append(number)
    return Dates(starts, cycles, tuple(idle))


def _planned(order: WrittenOrder, begin: float, end: float | None) -> Iterator[tuple[int, float, list[float]]]:
    """Number, start and days of each cycle, before closed days and ``end`` take any away."""
    if order.fractions is not None:
        yield 1, begin, [begin + offset for offset in _fractions(order, order.fractions, begin)]
        return
    lead_in = order.lead_in.days if order.lead_in else 0
    if lead_in:
        yield 0, begin, [begin + day for day in range(lead_in)]
    pattern = [day - 1 for day in order.on_days] if order.on_days else range(order.days_on or 1)
    for c in range(min(number_of_cycles(order, begin, end), MOST_CYCLES)):
        if is_given(order, c + 1):
            start = lead_in + c * (order.every or 0.0)
            yield c + 1, begin + start, [begin + (start + day) for day in pattern]


def _fractions(order: WrittenOrder, fractions: int, begin: float) -> list[float]:
    """Days of fractions from the first: one on each open day, or on ``per_week`` consecutive days of each week.

    Without ``weekdays`` fraction k falls on 7 (k // per_week) + k % per_week.
    """
    if order.weekdays is None:
        per_week = order.per_week or FRACTIONS_PER_WEEK
        return [float(7 * (k // per_week) + k % per_week) for k in range(fractions)]
    return [float(day) for day in range(7 * fractions + 7) if is_open(order, begin + day)][:fractions]


def is_given(order: WrittenOrder, number: int) -> bool:
    """Whether the order is given in the cycle with this number, from 1."""
    chosen = order.in_cycles
    if chosen is None:
        return True
    return number % 2 == (chosen == "odd") if isinstance(chosen, str) else number in chosen
