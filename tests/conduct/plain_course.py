"""The visit engine (`trialsim.patient.visits`) once more, in plain Python, around a body that a test makes up.

Written from docs/model.md and not from the engine, so that the two can be held to each other. A body has ``advance``,
``give``, ``assess`` (None or what a scan sees), ``laboratory``, ``neutrophils``, ``measure`` and ``true_nadirs``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from trialsim.calendar_grid import on_grid
from trialsim.conduct.course import Entry
from trialsim.records import Happened, PanelResult, Relapse, SameDay
from trialsim.schedule import PlannedVisits, laboratory_days
from trialsim.spec.resolved import ResolvedArm

STAYS, OWN = -1, -2


@dataclass
class Line:
    """Something planned: moved by the shift of what it belongs to."""

    day: float
    kind: int
    index: int
    mover: int
    number: int = 0


class PlainCourse:
    """A patient with a plan, whose body is made up."""

    def __init__(self, body: Any, arm: ResolvedArm, visits: PlannedVisits) -> None:
        self.body, self.arm = body, arm
        orders = arm.orders
        self.lines: dict[int, list[Line]] = {mover: [] for mover in (STAYS, OWN, *range(len(orders)))}
        self.shift = dict.fromkeys(self.lines, 0.0)
        self.waits: dict[int, float] = {}
        self._plan(visits)
        self.first = {
            mover: min((line.day for line in lines if line.kind == SameDay.DOSE), default=math.inf)
            for mover, lines in self.lines.items()
        }
        leaders = arm.leaders
        self.leader = list(leaders)
        self.left = [len(order.days) for order in orders]
        self.over, self.withheld, self.sum = [False] * len(orders), [False] * len(orders), [0.0] * len(orders)
        self.fraction, self.on_hold, self.holds = [1.0] * len(orders), [False] * len(orders), [0] * len(orders)
        self.waited = [0.0] * len(orders)
        self.platelets = self.neutrophils = math.nan
        self.drawn_on = self.counted_on = -1.0
        self.stopped = self.treated = False
        self.found: Relapse | None = None
        self.last_scan = 0.0
        self.panels: dict[int, PanelResult] = {}
        self.log: list[Entry] = []

    def _plan(self, visits: PlannedVisits) -> None:
        orders, given = self.arm.orders, [0] * len(self.arm.orders)
        for day, tasks in visits.of_arm:
            for kind, index in tasks:
                mover = STAYS
                if kind is SameDay.DOSE:
                    rule = orders[index].rule
                    if visits.queued:
                        mover = index
                    elif rule is not None and rule.delay_days > 0.0:
                        mover = self.arm.leaders[index]
                    self.lines[mover].append(Line(day, kind, index, mover, given[index]))
                    given[index] += 1
                    continue
                if visits.queued and kind is SameDay.LABORATORY:
                    continue
                if visits.queued and kind is SameDay.BIOMARKER:
                    guide = self.arm.guides[index]
                    mover = min(
                        (i for i, o in enumerate(orders) if o.give_if == guide), key=lambda i: orders[i].days[0]
                    )
                self.lines[mover].append(Line(day, kind, index, mover))
        if visits.queued:
            horizon = visits.of_arm[-1][0] if visits.of_arm else 0.0
            for at, order in enumerate(orders):
                days = [on_grid(day) for day in laboratory_days(order)]
                self.lines[at] += [Line(day, SameDay.LABORATORY, 0, at) for day in days if day <= horizon]
        self.lines[OWN] += [Line(day, kind, index, OWN) for day, kind, index in visits.own]
        for lines in self.lines.values():
            lines.sort(key=lambda line: (line.day, line.kind, line.index))

    def _held(self, mover: int) -> bool:
        if mover in (STAYS, OWN):
            return False
        return mover in self.waits or any(self.first[mover] > since for since in self.waits.values())

    def _due(self) -> Line | None:
        due = []
        for mover, lines in self.lines.items():
            while lines and lines[0].kind == SameDay.DOSE and self.over[lines[0].index]:
                lines.pop(0)
            if lines and not self._held(mover):
                due.append(lines[0])
        return min(due, key=lambda line: (line.day + self.shift[line.mover], line.kind, line.index), default=None)

    def _day(self, line: Line) -> float:
        return line.day + self.shift[line.mover]

    def next_day(self) -> float:
        line = self._due()
        return math.inf if line is None else self._day(line)

    def next_line(self) -> tuple[int, float]:
        line = self._due()
        self.line = line
        return (-1, math.inf) if line is None else (0, self._day(line))

    def visit(self, day: float) -> tuple[float, list[Entry]]:
        self.log = []
        while self.found is None and self.next_day() == day:
            self._do(self._due(), day)
        return self.next_day(), self.log

    def do_line(self, _: int, day: float) -> list[Entry]:
        self.log = []
        self._do(self.line, day)
        return self.log

    def _do(self, line: Line | None, day: float) -> None:
        assert line is not None
        moved = False
        if line.kind == SameDay.SCAN:
            self._scan(line, day)
        elif line.kind == SameDay.LABORATORY:
            if self.drawn_on != day:
                self.drawn_on, self.platelets = day, self.body.laboratory(day)
                self.log.append((Happened.PLATELETS, 0, self.platelets))
        elif line.kind == SameDay.BIOMARKER:
            self._measure(line.index, day)
        elif line.kind == SameDay.RELAPSE:
            self.found = Relapse("distant", day, day, day, "", None)
            self.log.append((Happened.RELAPSE, 0, math.nan))
            self._stop(Happened.RELAPSE)
        elif line.kind == SameDay.NEW_THERAPY:
            self.log.append((Happened.NEW_THERAPY, 0, 0.0))
            self._stop(Happened.NEW_THERAPY)
        else:
            moved = self._dose(line, day)
        if not moved:
            self.lines[line.mover].remove(line)

    def _scan(self, line: Line, day: float) -> None:
        if line.index:
            self.log.append((Happened.SCAN_MISSED, 0, 0.0))
            return
        self.body.advance(day)
        seen = self.body.assess()
        self.log.append((Happened.SCAN, -1 if seen is None else 0, 0.0))
        if seen is None:
            self.last_scan = day
            return
        self.found = replace(seen, last_clear=self.last_scan, detected=day)
        self.log.append((Happened.RELAPSE, 0, math.nan if seen.cells is None else seen.cells))
        self._stop(Happened.RELAPSE)

    def _measure(self, guide: int, day: float) -> None:
        self.body.advance(day)
        result = self.panels[guide] = self.body.measure(guide)
        self.log.append((Happened.PANEL, guide, 0.0))
        if not result.positive:
            for at, order in enumerate(self.arm.orders):
                if order.give_if == self.arm.guides[guide]:
                    self.over[at] = self.withheld[at] = True
                    self.left[at] = 0
                    self.log.append((Happened.WITHHELD, at, 0.0))
            self._complete()

    def _count(self, line: Line, day: float) -> None:
        order = self.arm.orders[line.index]
        starts = [on_grid(start) for start in order.cycle_starts]
        if order.rule is not None and order.rule.limits_neutrophils and line.day in starts and self.counted_on != day:
            self.body.advance(day)
            self.counted_on, self.neutrophils = day, self.body.neutrophils()
            self.log.append((Happened.NEUTROPHILS, 0, self.neutrophils))

    def _decide(self, at: int) -> tuple[str, float, bool, int]:
        rule, first = self.arm.orders[at].rule, self.leader[at]
        fraction, on_hold, holds = self.fraction[first], self.on_hold[first], self.holds[first]
        if rule is None or (math.isnan(self.platelets) and math.isnan(self.neutrophils)):
            return "give", fraction, on_hold, holds
        low = self.platelets < rule.hold_below or self.neutrophils < rule.neutrophils_hold_below
        back = not (self.platelets < rule.resume_above or self.neutrophils < rule.neutrophils_resume_above)
        if on_hold:
            return ("resume", fraction * (1.0 - rule.reduce_percent / 100.0), False, holds) if back else (
                "hold", fraction, True, holds)  # fmt: skip
        if not low:
            return "give", fraction, False, holds
        return "stop" if holds + 1 >= rule.stop_after_holds else "hold", fraction, True, holds + 1

    def would_give(self, _: int, day: float) -> tuple[int, list[Entry]]:
        self.log, line = [], self.line
        assert line is not None
        if line.kind != SameDay.DOSE or self.over[line.index]:
            return -1, []
        self._count(line, day)
        return line.index if self._decide(line.index)[0] in ("give", "resume") else -1, self.log

    def _dose(self, line: Line, day: float) -> bool:
        at, order = line.index, self.arm.orders[line.index]
        if self.over[at]:
            return False
        self._count(line, day)
        first = self.leader[at]
        made, self.fraction[first], self.on_hold[first], self.holds[first] = self._decide(at)
        rule = order.rule
        if made == "hold" and rule is not None and rule.delay_days > 0.0:
            longest = math.inf if rule.longest_delay_days is None else rule.longest_delay_days
            if self.waited[first] + rule.delay_days <= longest:
                self.shift[line.mover] += on_grid(rule.delay_days)
                self.waited[first] += rule.delay_days
                self.log.append((Happened.DELAYED, at, on_grid(rule.delay_days)))
                return True
            made = "stop"
        self.waited[first] = 0.0
        self.left[at] -= 1
        if made in ("give", "resume"):
            if made == "resume":
                self.log.append((Happened.REDUCED, at, self.fraction[first]))
            self.log.append((Happened.DOSE, at, self.fraction[first]))
            self.body.advance(day)
            self.body.give(at, self.fraction[first])
            self.sum[at] += self.fraction[first]
            self.treated = True
        else:
            self.log.append((Happened.HELD, at, self.fraction[first]))
            if made == "stop":
                for other in range(len(self.left)):
                    if self.leader[other] == first and not self.over[other]:
                        self.over[other], self.left[other], self.stopped = True, 0, True
                        self.log.append((Happened.ORDER_STOPPED, other, self._of_neutrophils(other)))
        self._complete()
        return False

    def _of_neutrophils(self, at: int) -> float:
        rule = self.arm.orders[at].rule
        return float(rule is not None and self.neutrophils < rule.neutrophils_resume_above)

    def _complete(self) -> None:
        if any(self.left) or self.stopped or all(self.withheld):
            return
        first = self.withheld.index(False)
        if self.treated or not any(self.holds):
            self.log.append((Happened.COMPLETED, first, 0.0))
        else:
            self.stopped = True
            self.log.append((Happened.ALL_HELD, first, self._of_neutrophils(first)))

    def _stop(self, why: int) -> None:
        if any(self.left):
            self.left, self.over, self.stopped = [0] * len(self.left), [True] * len(self.left), True
            self.log.append((Happened.TREATMENT_STOPPED, 0, float(why)))

    def stop_treatment(self) -> list[Entry]:
        self.log = []
        self._stop(-1)
        return self.log

    def hold_back(self, _: int) -> None:
        assert self.line is not None
        self.waits[self.line.mover] = self.line.day
        if self.drawn_on == self._day(self.line) and any(
            on_grid(day) == self.line.day for day in laboratory_days(self.arm.orders[self.line.index])
        ):
            self.lines[self.line.mover].insert(0, Line(self.line.day, SameDay.LABORATORY, 0, self.line.mover))

    def go_on(self, order: int, day: float) -> None:
        held = [mover for mover in self.lines if self._held(mover)]
        planned = self.waits.pop(order)
        for mover in held:
            if mover == order or self.first[mover] > planned:
                self.shift[mover] = max(self.shift[mover], day - planned)
            lines = self.lines[mover]
            if lines and not self._held(mover) and self._day(lines[0]) < day:
                self.shift[mover] += day - self._day(lines[0])

    def has_begun(self, order: int) -> bool:
        return self.sum[order] > 0.0

    def relapse(self) -> Relapse:
        assert self.found is not None
        return self.found

    def panel(self, guide: int) -> PanelResult:
        return self.panels[guide]

    def given(self) -> list[tuple[float, bool]]:
        return list(zip(self.sum, self.withheld, strict=True))

    def death_before(self, ends: float, cut: float = math.inf) -> float:
        return math.inf

    def die(self, day: float) -> list[Entry]:
        raise AssertionError("nobody dies of toxicity here")

    def finish(self, day: float) -> None:
        return

    def true_nadirs(self) -> tuple[float | None, float | None]:
        return self.body.nadir, None
