"""What a patient has before them: the visits of their arm in order, and what waiting for a place does to them.

An administration that waits holds back its order and every order that starts after it (whose first administration was
planned later than the one that waits). When it is given, s days after the day for which it was planned, the rest of its
order is s days late, and the later orders are at least that late. Laboratory visits and biomarkers move with their
orders, and the count before a dose that waits is made again on its day; scans do not move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trialsim.conduct.calendar_grid import on_grid
from trialsim.conduct.schedule import Task, Visit, laboratory_days
from trialsim.records import SameDay
from trialsim.spec.biomarkers import Guide
from trialsim.spec.resolved import ResolvedArm


@dataclass
class _Line:
    """What belongs together and moves together: an order, or all that does not move."""

    entries: list[tuple[float, Task]]
    """Planned days and tasks, ascending."""
    first: float = math.inf
    """Planned day of the first administration."""
    at: int = 0
    shift: float = 0.0

    def next_day(self) -> float:
        return self.entries[self.at][0] + self.shift if self.at < len(self.entries) else math.inf


def _first_of(arm: ResolvedArm, guide: Guide) -> int:
    """Of the orders that a panel decides on, the one that begins first: the panel moves with it."""
    return min((i for i, o in enumerate(arm.orders) if o.give_if == guide), key=lambda i: arm.orders[i].days[0])


class MovingAgenda:
    """Visits that move when a treatment has to wait."""

    def __init__(self, arm: ResolvedArm, visits: tuple[Visit, ...]) -> None:
        horizon = visits[-1][0] if visits else 0.0
        lines = [_Line([(on_grid(day), (SameDay.LABORATORY, 0)) for day in laboratory_days(o)]) for o in arm.orders]
        still = _Line([])
        owner = {at: _first_of(arm, guide) for at, guide in enumerate(arm.guides)}
        for day, tasks in visits:
            for kind, index in tasks:
                if kind is SameDay.DOSE:
                    lines[index].entries.append((day, (kind, index)))
                elif kind is SameDay.BIOMARKER:
                    lines[owner[index]].entries.append((day, (kind, index)))
                elif kind is not SameDay.LABORATORY:
                    still.entries.append((day, (kind, index)))
        for line in lines:
            line.entries = sorted(entry for entry in line.entries if entry[0] <= horizon)
            line.first = min((day for day, (kind, _) in line.entries if kind is SameDay.DOSE), default=math.inf)
        self._lines, self._still = lines, still
        #: Orders that wait, and the planned day of what waits.
        self._waiting: dict[int, float] = {}

    def next_day(self) -> float:
        """Study day of the next visit; infinity when there is none."""
        return min((line.next_day() for line in self._moving()), default=math.inf)

    def take(self) -> tuple[Task, ...]:
        """The tasks of the next visit, in order; the visit is then past."""
        day = self.next_day()
        tasks: list[Task] = []
        for line in self._moving():
            while line.next_day() == day:
                task = line.entries[line.at][1]
                line.at += 1
                if task not in tasks or task[0] is SameDay.DOSE:  # one laboratory visit serves all orders
                    tasks.append(task)
        return tuple(sorted(tasks))

    def wait(self, order: int, day: float) -> None:
        """The administration of an order that was due on ``day``, just taken, is to wait."""
        line = self._lines[order]
        task: Task = (SameDay.DOSE, order)
        planned = day - line.shift
        line.at -= 1
        assert line.entries[line.at] == (planned, task)
        if line.at and line.entries[line.at - 1] == (planned, (SameDay.LABORATORY, 0)):
            line.at -= 1  # the count that decides on the dose is made again when there is a place
        self._waiting[order] = planned

    def go_on(self, order: int, day: float) -> None:
        """The administration of an order that waits is to be on ``day``."""
        held = [at for at in range(len(self._lines)) if self._is_held(at)]
        planned = self._waiting.pop(order)
        shift = day - planned
        for at in held:
            line = self._lines[at]
            if at == order or line.first > planned:
                line.shift = max(line.shift, shift)
            # What was held for longer than it is late would now lie in the past.
            if not self._is_held(at) and line.next_day() < day:
                line.shift += day - line.next_day()

    def _moving(self) -> list[_Line]:
        return [self._still, *(line for at, line in enumerate(self._lines) if not self._is_held(at))]

    def _is_held(self, order: int) -> bool:
        """Whether an order waits, or starts after something that waits."""
        first = self._lines[order].first
        return order in self._waiting or any(first > planned for planned in self._waiting.values())
