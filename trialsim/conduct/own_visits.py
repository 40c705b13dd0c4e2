"""A patient's own visits: the arm's, with scans that come early, late or not at all, and what else falls on a day."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from trialsim.conduct.calendar_grid import all_on_grid
from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.schedule import Task, Visit
from trialsim.records import SameDay
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import FollowUp

#: The task of a scan that is missed, beside that of one that is made.
MISSED: Task = (SameDay.SCAN, 1)


def own_visits(
    visits: tuple[Visit, ...],
    follow_up: FollowUp,
    times: CompetingTimes,
    patient: int,
    *,
    seed: int,
    replicate: int = 0,
) -> tuple[Visit, ...]:
    """The visits of one patient; the arm's own where nothing about them is the patient's.

    Scan k moves by the k-th draw, uniform within the window on either side, and is missed by the k-th draw of another
    stream. The draws depend neither on the arm nor on how long the schedule is.
    """
    moves = follow_up.window_days > 0.0 or follow_up.missed > 0.0
    if not moves and math.isinf(times.event) and math.isinf(times.new_therapy):
        return visits
    tasks: defaultdict[float, list[Task]] = defaultdict(list)
    scans: list[float] = []
    for day, planned in visits:
        for task in planned:
            if moves and task[0] is SameDay.SCAN:
                scans.append(day)
            else:
                tasks[day].append(task)
    for day, task in _moved(scans, follow_up, patient, seed, replicate):
        tasks[day].append(task)
    for day, kind in ((times.event, SameDay.RELAPSE), (times.new_therapy, SameDay.NEW_THERAPY)):
        if not math.isinf(day):
            tasks[day].append((kind, 0))
    return tuple((day, tuple(sorted(tasks[day]))) for day in sorted(tasks))


def _moved(
    scans: list[float], follow_up: FollowUp, patient: int, seed: int, replicate: int
) -> list[tuple[float, Task]]:
    """Where scans that are planned for some days fall, and which are missed."""
    if not scans:
        return []
    window = stream(seed, Purpose.VISIT_WINDOW, subject=patient, replicate=replicate)
    missed = stream(seed, Purpose.MISSED_VISIT, subject=patient, replicate=replicate)
    days = all_on_grid(np.array(scans) + follow_up.window_days * (2.0 * window.random(len(scans)) - 1.0))
    made = missed.random(len(scans)) >= follow_up.missed
    return [(float(day), (SameDay.SCAN, 0) if kept else MISSED) for day, kept in zip(days, made, strict=True)]
