"""A patient's own visits: the arm's, and what else falls on a day of theirs."""

from __future__ import annotations

import math

from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.schedule import Task, Visit
from trialsim.records import SameDay


def own_visits(visits: tuple[Visit, ...], times: CompetingTimes) -> tuple[Visit, ...]:
    """The visits of one patient; the arm's own where nothing about them is the patient's."""
    if math.isinf(times.event):
        return visits
    tasks: dict[float, list[Task]] = {day: list(planned) for day, planned in visits}
    tasks.setdefault(times.event, []).append((SameDay.RELAPSE, 0))
    return tuple((day, tuple(sorted(tasks[day]))) for day in sorted(tasks))
