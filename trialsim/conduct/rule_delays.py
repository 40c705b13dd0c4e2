"""An arm's schedule for one patient, whose delayed doses move while the patient lives through it.

Doses of orders that share a rule which delays are moved together, by the shift of the first of these orders. All else
stays on its planned day.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trialsim.conduct.dosing import OrderProgress
from trialsim.conduct.schedule import Task, Visit
from trialsim.records import SameDay
from trialsim.spec.resolved import ResolvedArm


def with_delays(arm: ResolvedArm, visits: Sequence[Visit], progress: Sequence[OrderProgress]) -> Iterator[Visit]:
    """The visits in the order of time, each asked for when the one before is over.

    A moving dose is due at its planned day and its order's shift. It is done with when its visit leaves the shift as it
    was, and due again otherwise. Where nothing moves these are the planned visits.
    """
    moving = {at for at, order in enumerate(arm.orders) if order.rule is not None and order.rule.delay_days > 0.0}
    if not moving:
        yield from visits
        return
    fixed, groups = _divided(visits, arm.leaders, moving)
    at, places = 0, dict.fromkeys(groups, 0)
    while True:
        due = {g: groups[g][n][0] + progress[g].shift for g, n in places.items() if n < len(groups[g])}
        day = min([fixed[at][0] if at < len(fixed) else math.inf, *due.values()])
        if day == math.inf:
            return
        tasks: list[Task] = []
        if at < len(fixed) and fixed[at][0] == day:
            tasks += fixed[at][1]
            at += 1
        now = [g for g, when in due.items() if when == day]
        for g in now:
            tasks += groups[g][places[g]][1]
        yield day, tuple(sorted(tasks))
        for g in now:
            if groups[g][places[g]][0] + progress[g].shift == day:
                places[g] += 1


def _divided(
    visits: Sequence[Visit], leaders: Sequence[int], moving: set[int]
) -> tuple[list[Visit], dict[int, list[Visit]]]:
    """What stays, and by the first order of each group its doses."""
    fixed: list[Visit] = []
    groups: dict[int, list[Visit]] = {leaders[order]: [] for order in sorted(moving)}
    for day, tasks in visits:
        stays = tuple(task for task in tasks if not (task[0] is SameDay.DOSE and task[1] in moving))
        if stays:
            fixed.append((day, stays))
        for leader, doses in groups.items():
            own = tuple(t for t in tasks if t[0] is SameDay.DOSE and t[1] in moving and leaders[t[1]] == leader)
            if own:
                doses.append((day, own))
    return fixed, groups
