"""What an arm has planned, as one sorted list of times.

Doses, scans, laboratory visits and biomarkers are merged; what falls on the same instant is sorted by
`trialsim.records.SameDay` and then by the order's place in the arm. Days are study days on the calendar's
grid.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from trialsim.calendar_grid import all_on_grid, on_grid
from trialsim.records import SameDay
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import FollowUp, Order, ResolvedArm, ScanPeriod

Task: TypeAlias = tuple[SameDay, int]
"""A kind of task and an index in the arm: of the order, of the guide of biomarkers; 0 for the others."""
Visit: TypeAlias = tuple[float, tuple[Task, ...]]
"""A study day and its tasks, in the order in which they are done."""

Own: TypeAlias = tuple[tuple[float, SameDay, int], ...]
"""What is one patient's own: study day, kind, and 1 for a scan that is missed."""


class PlannedVisits(NamedTuple):
    """The visits of one patient under an arm."""

    of_arm: tuple[Visit, ...]
    """What stands for every patient of the arm."""
    own: Own = ()
    """Scans that come early, late or not at all, and other therapy, where the patient has any of their own."""
    queued: bool = False
    """Whether doses may have to wait for a place."""


DAYS_PER_WEEK = 7.0
#: How long the laboratory follows an order of a single cycle after its last dose, in days.
LONE_CYCLE_FOLLOW_UP = 28.0
#: Two planned times closer than this are the same time, in days.
SAME_TIME = 1e-6


def scan_days(periods: tuple[ScanPeriod, ...], horizon: float) -> list[float]:
    """Days of scans in (0, ``horizon``].

    A period's scans are ``every_days`` apart, counted from the last scan of the period before it, up to
    and including ``until_days``.
    """
    days: list[float] = []
    start = 0.0
    for period in periods:
        end = horizon if period.until_days is None else min(period.until_days, horizon)
        count = int((end - start + SAME_TIME) // period.every_days)
        days += [on_grid(start + k * period.every_days) for k in range(1, count + 1)]
        start += max(count, 0) * period.every_days
    return days


def laboratory_days(order: Order) -> list[float]:
    """Days of the laboratory visits that an order's platelet rule asks for; none without one.

    At each cycle's start and weekly from there (days 1, 8, 15, ... of the cycle) until the next cycle. The
    last cycle is as long as the one before it; a single cycle is followed for 28 days after its last dose.
    """
    if order.rule is None or not order.rule.limits_platelets or not order.cycle_starts:
        return []
    starts = list(order.cycle_starts)
    alone = len(starts) == 1
    last_end = order.days[-1] + LONE_CYCLE_FOLLOW_UP if alone else 2 * starts[-1] - starts[-2]
    ends = [*starts[1:], last_end]
    days: list[float] = []
    for start, end in zip(starts, ends, strict=True):
        weeks = 0
        while weeks == 0 or start + weeks * DAYS_PER_WEEK < end - SAME_TIME:
            days.append(on_grid(start + weeks * DAYS_PER_WEEK))
            weeks += 1
    return days


def arm_schedule(arm: ResolvedArm, scans: tuple[ScanPeriod, ...], horizon: float) -> tuple[Visit, ...]:
    """Every planned time of an arm up to study day ``horizon``, ascending, each with its tasks in order."""
    tasks: defaultdict[float, list[Task]] = defaultdict(list)
    for day in scan_days(scans, horizon):
        tasks[day].append((SameDay.SCAN, 0))
    for day in {day for order in arm.orders for day in laboratory_days(order)}:
        tasks[day].append((SameDay.LABORATORY, 0))
    for index, guide in enumerate(arm.guides):
        tasks[on_grid(guide.day)].append((SameDay.BIOMARKER, index))
    for index, order in enumerate(arm.orders):
        for planned in order.days:
            tasks[on_grid(planned)].append((SameDay.DOSE, index))
    return tuple((day, tuple(sorted(tasks[day]))) for day in sorted(tasks) if day <= horizon)


def without_scans(visits: tuple[Visit, ...]) -> tuple[Visit, ...]:
    """An arm's visits but for its scans."""
    kept = ((day, tuple(task for task in tasks if task[0] is not SameDay.SCAN)) for day, tasks in visits)
    return tuple((day, tasks) for day, tasks in kept if tasks)


def has_own_scans(follow_up: FollowUp) -> bool:
    """Whether scans move, or are missed, patient by patient."""
    return follow_up.window_days > 0.0 or follow_up.missed > 0.0


def own_visits(
    scans: Sequence[float], follow_up: FollowUp, new_therapy: float, patient: int, *, seed: int, replicate: int = 0
) -> Own:
    """What of a patient's visits is their own. ``scans`` are the planned days, ``new_therapy`` the day it begins.

    Scan k moves by the k-th draw, uniform within the window on either side, and is missed by the k-th draw of another
    stream. The draws depend neither on the arm nor on how long the schedule is.
    """
    own: list[tuple[float, SameDay, int]] = []
    if has_own_scans(follow_up) and len(scans):
        window = stream(seed, Purpose.VISIT_WINDOW, subject=patient, replicate=replicate)
        missed = stream(seed, Purpose.MISSED_VISIT, subject=patient, replicate=replicate)
        days = all_on_grid(np.array(scans) + follow_up.window_days * (2.0 * window.random(len(scans)) - 1.0))
        made = missed.random(len(scans)) >= follow_up.missed
        own += [(day, SameDay.SCAN, int(not yes)) for day, yes in zip(days.tolist(), made.tolist(), strict=True)]
    if new_therapy < math.inf:
        own.append((new_therapy, SameDay.NEW_THERAPY, 0))
    return tuple(sorted(own))


class Timetable:
    """The visits of an arm's patients up to a study day."""

    def __init__(self, arm: ResolvedArm, follow_up: FollowUp, horizon: float, *, queued: bool = False) -> None:
        self._follow_up, self._queued = follow_up, queued
        self._scans = scan_days(follow_up.scans, horizon)
        visits = arm_schedule(arm, follow_up.scans, horizon)
        self.of_arm = without_scans(visits) if has_own_scans(follow_up) else visits

    def of(self, patient: int, new_therapy: float, *, seed: int, replicate: int = 0) -> PlannedVisits:
        """Those of one patient, who begins other therapy on a study day (infinite: does not)."""
        own = own_visits(self._scans, self._follow_up, new_therapy, patient, seed=seed, replicate=replicate)
        return PlannedVisits(self.of_arm, own, self._queued)
