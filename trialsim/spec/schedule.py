"""The orders of an arm -> every administration dated, by following what they refer to.

Study day 1 is randomisation and is time 0. A treatment is named by its order's id, its agent or its
regimen; ``after`` counts from the last administration of all that go by the name, ``before`` and ``with``
from their first. With ``cycle N`` only that cycle of theirs counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from trialsim.spec.agents import Agent
from trialsim.spec.biomarkers import Guide
from trialsim.spec.expansion import MOST_CYCLES, SAME_DAY, Dates, expand, is_open, number_of_cycles, weekday
from trialsim.spec.form import Findings
from trialsim.spec.orders import Item
from trialsim.spec.resolved import DoseRule, Order
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_order import PROGRESSION, Dose, Start, WrittenGuide, WrittenOrder
from trialsim.units import DAYS_PER_YEAR

LATEST_DAY = 200 * DAYS_PER_YEAR


@dataclass
class ArmSchedule:
    """The orders of one arm. ``follow_up``: days for which treatment until progression is repeated."""

    findings: Findings
    arm: str
    items: Sequence[Item]
    agents: Mapping[str, Agent]
    rules: Mapping[str, DoseRule | None]
    follow_up: float = 0.0
    _dated: dict[int, Dates | None] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def orders(self) -> tuple[Order, ...]:
        """Every order that could be dated; the others have their problems noted."""
        ids = self._ids()
        result: list[Order] = []
        for i, item in enumerate(self.items):
            dates = self._dates(i)
            if dates is not None and item.written is not None and item.agent in self.agents:
                result += self._orders(item, item.written, ids[i], dates)
        self._check_apart()
        self._check_doses_apart()
        return tuple(result)

    def _ids(self) -> list[str]:
        """The ids as written, else the agent's name, with ``#2`` and so on for repeats."""
        taken: set[str] = set()
        for item in self.items:
            if item.id in taken:
                message = f"arm `{self.arm}` has two orders with the id `{item.id}`"
                self.findings.add((*item.path, "id"), message, Rule.UNIQUE_ID)
            taken |= {item.id} if item.id else set()
        ids: list[str] = []
        for item in self.items:
            name, count = item.id or item.agent, 1
            while not item.id and (name in ids or name in taken):
                count += 1
                name = f"{item.agent}#{count}"
            ids.append(name)
        return ids

    def _orders(self, item: Item, written: WrittenOrder, name: str, dates: Dates) -> list[Order]:
        """The order; and before it, as an order of its own, its lead-in or its loading doses."""
        guide = self._guide(item, written.give_if, dates.days[0]) if written.give_if is not None else None
        if written.lead_in is not None:
            first, suffix, dose = (len(dates.cycles.get(0, ())), "lead-in", written.lead_in.dose)
        elif written.loading is not None:
            first, suffix, dose = (written.loading.doses, "loading", written.loading.dose)
        else:
            return [self._order(item, written, name, written.dose, dates, guide)]
        if len(dates.days) <= first:
            message = f"no dose follows the {first} of the {suffix}"
            key = "lead_in" if written.lead_in is not None else "loading"
            self.findings.add((*item.path, key), message, Rule.FIRST_DOSES)
            return []
        before, then = _divided(dates, first)
        parts = [(f"{name}.{suffix}", dose, before)] if first else []
        return [self._order(item, written, *part, guide) for part in (*parts, (name, written.dose, then))]

    def _order(
        self, item: Item, written: WrittenOrder, name: str, dose: Dose, dates: Dates, guide: Guide | None
    ) -> Order:
        is_radiation = self.agents[item.agent].kind == "radiation"
        return Order(
            id=name,
            regimen=item.regimen,
            agent=item.agent,
            dose=dose.amount,
            dose_unit=dose.unit,
            days=dates.days,
            cycle_starts=tuple(dates.starts.values()),
            field=written.field or ("local" if is_radiation else "systemic"),
            rule=self.rules.get(written.rules) if written.rules else None,
            written=written.start.text + (f", until {_text(written.until)}" if written.until is not None else ""),
            give_if=guide,
        )

    def _guide(self, item: Item, written: WrittenGuide, begin: float) -> Guide | None:
        """What decides on an order whose first dose is on ``begin``; None if that cannot be told or comes too late."""
        in_words = isinstance(self.findings.document.get((*item.path, "give_if")), str)
        path = (*item.path, "give_if") if in_words else (*item.path, "give_if", "day")
        day = self._day(path, written.day, None)
        if day is None:
            return None
        if day > begin + SAME_DAY:
            message = f"`{written.name}` is measured on day {day + 1:g}, after the first dose on day {begin + 1:g}"
            self.findings.add(path, message, Rule.GIVE_IF_DAY, f"day {begin + 1:g}, or before")
            return None
        return Guide(panel=written.name, day=min(day, begin), written=written.day.text)

    def _dates(self, i: int) -> Dates | None:
        """The administrations of an order, or None when they cannot be told."""
        written = self.items[i].written
        if i in self._dated or written is None:
            return self._dated.get(i)
        self._open.add(i)
        path = self.items[i].path
        begin = self._day((*path, "start"), written.start, i)
        end, told = self._end(path, written, i)
        self._open.discard(i)
        dates = None if begin is None or not told else self._expanded(path, written, begin, end)
        self._dated[i] = dates
        return dates

    def _end(self, path: KeyPath, written: WrittenOrder, i: int) -> tuple[float | None, bool]:
        """The day after which no dose falls (None: there is none), and whether it could be told."""
        if written.until is None or written.until == PROGRESSION:
            return (self.follow_up if written.until == PROGRESSION else None), True
        assert isinstance(written.until, Start)
        end = self._day((*path, "until"), written.until, i)
        return end, end is not None

    def _expanded(self, path: KeyPath, written: WrittenOrder, begin: float, end: float | None) -> Dates | None:
        """The administrations, if there are any and all of them fall where they may."""
        if end is not None and written.until == PROGRESSION and written.every is None:
            return None  # told of the order already
        number = number_of_cycles(written, begin, end)
        if number > MOST_CYCLES:
            message = f"the order would be repeated {number:,} times (at most {MOST_CYCLES:,})"
            self.findings.add((*path, "every"), message, Rule.CYCLES, "every: 28 d, days_on: 28")
            return None
        if written.fractions is not None and not is_open(written, begin):
            message = f"the first fraction falls on day {begin + 1:g}, which is closed ({weekday(begin)})"
            self.findings.add((*path, "start"), message, Rule.OPEN_DAYS)
            return None
        dates = expand(written, begin, end)
        if dates.idle:
            message = f"cycle {dates.idle[0]} has no open weekday"
            self.findings.add((*path, "weekdays"), message, Rule.OPEN_DAYS, "days_on: 7, or other weekdays")
            return None
        if not dates.days:
            message = f"no dose falls between day {begin + 1:g} and day {(end or 0.0) + 1:g}"
            self.findings.add((*path, "until"), message, Rule.UNTIL)
            return None
        reference_fits = begin - (written.start.days if written.start.kind != "before" else 0.0) <= LATEST_DAY
        if dates.days[-1] > LATEST_DAY and reference_fits:
            message = f"the last dose would fall on day {dates.days[-1] + 1:g}"
            self.findings.add((*path, "start"), message, Rule.TIMELINE)
        return dates

    def _day(self, path: KeyPath, at: Start, i: int | None) -> float | None:
        """The study day of a start that stands at ``path`` and belongs to order ``i``; None when it cannot be told."""
        if at.kind == "day":
            return at.days
        named = self._named(path, at, i)
        if not named:
            return None
        found = [self._dates(j) for j in named]
        dated = [dates for dates in found if dates is not None]
        if len(dated) < len(found):
            return None
        spans = [days for dates in dated if (days := dates.days if at.cycle is None else dates.cycles.get(at.cycle))]
        if not spans:
            message = f"`{self.items[named[0]].agent}` has no cycle {at.cycle} in arm `{self.arm}`"
            self.findings.add(path, message, Rule.START_REFERENCE)
            return None
        first = min(days[0] for days in spans)
        if at.kind == "with":
            return first
        if at.kind == "after":
            return max(days[-1] for days in spans) + at.days
        if first - at.days < 0:
            message = f"`{at.text}` is day {first - at.days + 1:g}, before the trial begins"
            self.findings.add(path, message, Rule.START_DAY, "day 1 is randomisation: start the other later")
            return None
        return first - at.days

    def _named(self, path: KeyPath, at: Start, i: int | None) -> list[int]:
        """The orders that a start refers to; none when that cannot be told, with the problem noted."""
        if not at.reference:  # a cycle, of the arm's first order
            others = [j for j in range(len(self.items)) if j != i][:1]
            if not others:
                message = f"arm `{self.arm}` gives nothing else that has cycles"
                self.findings.add(path, message, Rule.START_REFERENCE)
        else:
            named = [j for j, item in enumerate(self.items) if item.goes_by(at.reference)]
            if not named:
                self._unknown_reference(path, at.reference)
                return []
            others = [j for j in named if j != i]
            if not others or (i is not None and i in named and self.items[i].regimen == at.reference):
                return self._circular(path, i or 0, at)
        for j in others:
            if j in self._open:
                return self._circular(self._waits_at(j, path), j, self._start_of(j) or at)
        return others

    def _start_of(self, i: int) -> Start | None:
        written = self.items[i].written
        return written.start if written is not None and written.start.kind != "day" else None

    def _waits_at(self, i: int, otherwise: KeyPath) -> KeyPath:
        return (*self.items[i].path, "start") if self._start_of(i) is not None else otherwise

    def _unknown_reference(self, path: KeyPath, name: str) -> None:
        known = sorted({n for it in self.items for n in (it.id, it.agent, it.regimen) if n not in ("", "add")})
        message = f"arm `{self.arm}` gives no `{name}`"
        self.findings.add(path, message, Rule.START_REFERENCE, did_you_mean(name, known))

    def _circular(self, path: KeyPath, i: int, at: Start) -> list[int]:
        item = self.items[i]
        name = at.reference or at.text
        waits_for_itself = item.goes_by(at.reference)
        message = (
            f"`{item.agent}` waits for itself"
            if waits_for_itself
            else f"`{item.agent}` and `{name}` wait for each other"
        )
        self.findings.add(path, message, Rule.CIRCULAR_START, "start one of them on a day: day 1")
        return []

    def _check_doses_apart(self) -> None:
        """A dose waits for its lag, and is infused, before the next one of the order."""
        for i, item in enumerate(self.items):
            agent, dates = self.agents.get(item.agent), self._dated.get(i)
            kinetics = getattr(agent, "pk", None)
            if dates is None or kinetics is None or len(dates.days) < 2 or kinetics.entry_hours == 0.0:
                continue
            takes, gap = kinetics.entry_hours, 24.0 * min(later - day for day, later in pairwise(dates.days))
            if takes > gap + 1e-9:
                message = f"a dose of {item.agent} takes {takes:g} h and the next follows after {gap:g} h"
                self.findings.add((*item.path, "agent"), message, Rule.DOSES_APART, "let more time pass between doses")

    def _check_apart(self) -> None:
        """Agents that must not overlap keep their distance."""
        for i, item in enumerate(self.items):
            agent, dates = self.agents.get(item.agent), self._dated.get(i)
            if agent is None or dates is None:
                continue
            for j, other in enumerate(self.items):
                gap, others = agent.apart_from.get(other.agent), self._dated.get(j)
                if gap is None or others is None:
                    continue
                near = _nearest(dates.days, others.days)
                if abs(near[0] - near[1]) < gap.value - SAME_DAY:
                    later = max((near[0], i), (near[1], j))[1]
                    message = (
                        f"{item.agent} on day {near[0] + 1:g} and {other.agent} on day {near[1] + 1:g} "
                        f"are less than {gap.value:g} d apart"
                    )
                    remedy = f"`trialsim agents {item.agent}` says why"
                    self.findings.add((*self.items[later].path, "start"), message, Rule.APART, remedy)


def _text(until: Start | str) -> str:
    return until if isinstance(until, str) else until.text


def _nearest(days: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """The pair of days, one of each, that are nearest to each other; ``others`` ascend."""
    pairs = []
    for day in days:
        at = bisect_left(others, day)
        pairs += [(day, other) for other in others[max(at - 1, 0) : at + 1]]
    return min(pairs, key=lambda pair: abs(pair[0] - pair[1]))


def _divided(dates: Dates, first: int) -> tuple[Dates, Dates]:
    """The first administrations, and the others."""
    left = first
    before: dict[int, tuple[float, ...]] = {}
    then: dict[int, tuple[float, ...]] = {}
    for number, days in dates.cycles.items():
        for part, kept in ((before, days[:left]), (then, days[left:])):
            if kept:
                part[number] = kept
        left = max(0, left - len(days))
    return _part(dates, before), _part(dates, then)


def _part(dates: Dates, cycles: dict[int, tuple[float, ...]]) -> Dates:
    return Dates({number: dates.starts[number] for number in cycles}, cycles)
