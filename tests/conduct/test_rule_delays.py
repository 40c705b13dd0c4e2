"""Delayed doses move with what follows them; everything else stays."""

from __future__ import annotations

import math

from tests.conduct.protocol_for_tests import PLATELET_RULE, arm, chemotherapy, senolytic
from tests.conduct.test_agenda import Agenda
from trialsim.patient.agenda import next_line
from trialsim.records import SameDay
from trialsim.schedule import Task, Visit, arm_schedule
from trialsim.spec.resolved import Order, ResolvedArm, ScanPeriod

DELAYING = PLATELET_RULE.model_copy(
    update={"name": "delaying", "neutrophils_hold_below": 1.5, "neutrophils_resume_above": 1.5, "delay_days": 7.0}
)
SCANS = (ScanPeriod(every_days=30.0, until_days=None),)


def delayed(order: Order, name: str, days: tuple[float, ...]) -> Order:
    return order.model_copy(update={"id": name, "rule": DELAYING, "days": days, "cycle_starts": days})


def moving_arm() -> ResolvedArm:
    """Two drugs on the same days that wait for each other, a third in between that does not."""
    chemo = chemotherapy()
    return arm(
        "moving",
        delayed(chemo, "a", (0.0, 21.0, 42.0)),
        chemo.model_copy(update={"id": "still", "days": (21.0, 28.0), "cycle_starts": (21.0,), "rule": None}),
        delayed(chemo, "b", (0.0, 21.0)),
    )


def walked(own: ResolvedArm, delays: dict[float, float]) -> list[Visit]:
    """The visits, with the first order's group moved on the given days, as a delay does when its first dose is due."""
    agenda = Agenda(own, arm_schedule(own, SCANS, 90.0), queued=False)
    lines, movers = agenda.patient.lines, agenda.patient.movers
    seen: list[Visit] = []
    while (day := agenda.next_day()) < math.inf:
        tasks: list[Task] = []
        while agenda.next_day() == day:
            at, _ = next_line(agenda.patient)
            mover = int(lines["mover"][at])
            tasks.append((SameDay(int(lines["kind"][at])), int(lines["index"][at])))
            if mover == 0 and day in delays:
                movers["shift"][0] += delays.pop(day)
            else:
                movers["place"][mover] += 1
        seen.append((day, tuple(tasks)))
    return seen


def doses(visits: list[Visit]) -> list[tuple[float, int]]:
    return [(day, index) for day, tasks in visits for kind, index in tasks if kind is SameDay.DOSE]


def test_nothing_moves_without_a_delay() -> None:
    """Catches visits that are not the schedule: another order within a day, a day lost or visited twice."""
    own = moving_arm()
    assert tuple(walked(own, {})) == arm_schedule(own, SCANS, 90.0)
    still = arm("still", chemotherapy(), senolytic())
    assert tuple(walked(still, {})) == arm_schedule(still, SCANS, 90.0)


def test_a_delay_moves_the_group_and_nothing_else() -> None:
    """Day 21 waits twice. Catches a partner left behind, a later cycle left on its day, a scan that moves."""
    visits = walked(moving_arm(), {21.0: 7.0, 28.0: 7.0})
    # On days 21 and 28 the first of the group is due, and all of it waits.
    assert doses(visits) == [
        (0.0, 0), (0.0, 2), (21.0, 0), (21.0, 1), (28.0, 0), (28.0, 1), (35.0, 0), (35.0, 2), (56.0, 0),
    ]  # fmt: skip
    assert [day for day, tasks in visits if tasks[0][0] is SameDay.SCAN] == [30.0, 60.0, 90.0]
    assert [day for day, _ in visits] == sorted({day for day, _ in visits})
