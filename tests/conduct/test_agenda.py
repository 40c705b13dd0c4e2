"""What waiting moves: the rest of the order, and the orders that begin after what waits; nothing else."""

from __future__ import annotations

import math

from tests.conduct import protocol_for_tests as example
from trialsim.biology.kernel import Room
from trialsim.calendar_grid import on_grid
from trialsim.patient.agenda import go_on, hold_back, next_line
from trialsim.patient.plan import make_plan
from trialsim.patient.state import Assay, Body, Effect, Entry, Lesion, OrderState, PanelOfGuide, Patient, TraceRow
from trialsim.records import SameDay
from trialsim.schedule import Task, Visit, arm_schedule
from trialsim.spec.biomarkers import Guide
from trialsim.spec.resolved import ResolvedArm, ScanPeriod
from trialsim.structured import rows
from trialsim.treatment.pharmacology import Drug

SCANS = (ScanPeriod(every_days=30, until_days=60),)
A, B, C, D = range(4)
ARM = example.arm(
    "x",
    example.order("a", (0.0, 14.0, 28.0), (0.0, 14.0, 28.0)),
    example.order("b", (20.0, 40.0), (20.0, 40.0)),
    example.order("c", (10.0, 15.0, 29.0), (10.0,)),
    example.order("d", (50.0,), (50.0,)),
)


class Agenda:
    """What a patient of an arm with queues has before them."""

    def __init__(self, arm: ResolvedArm, visits: tuple[Visit, ...], *, queued: bool = True) -> None:
        plan = make_plan(arm, visits, queued=queued)
        orders = rows(OrderState, len(arm.orders))
        self.patient = Patient(
            rows(Body, 1), rows(Lesion, 0), rows(Drug, 0), rows(Drug, 0), orders, plan.movers, rows(PanelOfGuide, 0),
            rows(Assay, 0), rows(Effect, 0), plan.lines, rows(Entry, 0), rows(TraceRow, 0), rows(Room, 0),
        )  # fmt: skip
        self.taken: dict[int, int] = {}

    def next_day(self) -> float:
        return next_line(self.patient)[1]

    def take(self) -> tuple[Task, ...]:
        """The tasks of the next visit, in order; it is then past. One laboratory visit serves all orders."""
        day, tasks = self.next_day(), []
        while True:
            at, when = next_line(self.patient)
            if at < 0 or when != day:
                return tuple(tasks)
            kind, index, mover = (int(self.patient.lines[name][at]) for name in ("kind", "index", "mover"))
            task = (SameDay(kind), index)
            if task not in tasks or kind == SameDay.DOSE:
                tasks.append(task)
            self.taken[mover] = at
            self.patient.movers["place"][mover] += 1

    def wait(self, order: int, _: float) -> None:
        """The administration of an order, just taken, is to wait."""
        self.patient.movers["place"][order] = self.taken[order]
        hold_back(self.patient, self.taken[order])

    def go_on(self, order: int, day: float) -> None:
        go_on(self.patient, order, day)


def agenda_of(arm: ResolvedArm = ARM) -> Agenda:
    return Agenda(arm, arm_schedule(arm, SCANS, 200.0))


def walk(agenda: Agenda, until: float = math.inf) -> list[tuple[float, Task]]:
    """The days and tasks up to a day, taken."""
    seen: list[tuple[float, Task]] = []
    while agenda.next_day() < until:
        day = agenda.next_day()
        seen += [(day, task) for task in agenda.take()]
    return seen


def doses(seen: list[tuple[float, Task]], order: int) -> list[float]:
    return [day for day, task in seen if task == (SameDay.DOSE, order)]


def test_without_waiting_it_is_the_schedule() -> None:
    """Catches a visit that is split, lost, or out of order; a laboratory visit of two orders made twice."""
    rule = example.PLATELET_RULE
    arm = example.arm("x", *(order.model_copy(update={"rule": rule}) for order in ARM.orders))
    visits = arm_schedule(arm, SCANS, 200.0)
    moving = Agenda(arm, visits)
    for day, tasks in visits:
        assert moving.next_day() == day
        assert moving.take() == tasks
    assert moving.next_day() == math.inf


def test_a_wait_holds_and_moves_what_begins_after_it() -> None:
    """The dose of day 14 is given on day 19: the rest of its order and the orders that begin later are five days late.
    Catches an order that overtakes the one that waits, one that began before and is moved, and scans that follow.
    """
    agenda = agenda_of()
    walk(agenda, 14.0)
    assert agenda.take() == ((SameDay.DOSE, A),)
    agenda.wait(A, 14.0)
    waiting = walk(agenda, 19.0)
    assert waiting == [(15.0, (SameDay.DOSE, C))]
    agenda.go_on(A, 19.0)
    rest = walk(agenda)
    assert doses(rest, A) == [19.0, 33.0]
    assert doses(rest, B) == [25.0, 45.0]
    assert doses(rest, C) == [29.0]
    assert doses(rest, D) == [55.0]
    assert [day for day, task in rest if task[0] is SameDay.SCAN] == [30.0, 60.0]


def test_what_is_held_back_does_not_come_up_meanwhile() -> None:
    """A long wait: catches an order that begins while the one before it waits, and days that have passed."""
    agenda = agenda_of()
    walk(agenda, 14.0)
    agenda.take()
    agenda.wait(A, 14.0)
    assert [task for _, task in walk(agenda, 100.0)] == [
        (SameDay.DOSE, C), (SameDay.DOSE, C), (SameDay.SCAN, 0), (SameDay.SCAN, 0)]  # fmt: skip
    agenda.go_on(A, 100.0)
    rest = walk(agenda)
    assert doses(rest, A) == [100.0, 114.0]
    assert doses(rest, B) == [106.0, 126.0]
    assert doses(rest, D) == [136.0]


def test_the_longest_wait_counts_where_two_orders_waited() -> None:
    """The last order waits with both. Catches delays that are added up, and a shorter one that takes one back."""
    agenda = agenda_of()
    walk(agenda, 20.0)
    agenda.take()
    agenda.wait(B, 20.0)
    walk(agenda, 27.0)
    agenda.go_on(B, 27.0)  # seven days
    walk(agenda, 28.0)
    agenda.take()
    agenda.wait(A, 28.0)
    agenda.go_on(A, 30.0)  # two days
    rest = walk(agenda)
    assert doses(rest, A) == [30.0]
    assert doses(rest, B) == [47.0]
    assert doses(rest, D) == [57.0]


def test_another_time_of_day_stays_its_own() -> None:
    """A place is found in the morning of day 19 for the evening. Catches an order of the afternoon that is moved along,
    though it does not wait.
    """
    arm = example.arm(
        "x",
        example.order("a", (0.7, 14.7), (0.7, 14.7)),
        example.order("tablets", (0.3, 19.3, 20.3), (0.3,)),
    )
    agenda = agenda_of(arm)
    walk(agenda, on_grid(14.7))
    agenda.take()
    agenda.wait(0, on_grid(14.7))
    assert walk(agenda, 19.0) == []
    agenda.go_on(0, on_grid(14.7) + 5.0)
    rest = walk(agenda)
    assert doses(rest, 1) == [on_grid(19.3), on_grid(20.3)]
    assert doses(rest, 0) == [on_grid(14.7) + 5.0]


def test_the_count_of_the_day_is_made_again() -> None:
    """Catches a dose that is decided on a count from before the wait, and counts of other cycles made twice."""
    arm = example.arm("x", example.order("a", (0.0, 28.0), (0.0, 28.0), example.PLATELET_RULE))
    agenda = agenda_of(arm)
    walk(agenda, 28.0)
    assert agenda.take() == ((SameDay.LABORATORY, 0), (SameDay.DOSE, 0))
    agenda.wait(0, 28.0)
    walk(agenda, 33.0)
    agenda.go_on(0, 33.0)
    rest = walk(agenda)
    assert rest[:2] == [(33.0, (SameDay.LABORATORY, 0)), (33.0, (SameDay.DOSE, 0))]
    counts = [day for day, task in rest if task[0] is SameDay.LABORATORY]
    assert counts == [33.0, 40.0, 47.0, 54.0]


def test_a_panel_moves_with_the_first_order_that_it_decides_on() -> None:
    """Catches a panel that is measured long before the dose that it decides on, or after it."""
    guide = Guide(panel="panel", day=18.0, written="day 19")
    late, early = (order.model_copy(update={"give_if": guide}) for order in (ARM.orders[D], ARM.orders[B]))
    agenda = agenda_of(example.arm("x", ARM.orders[A], late, early))
    walk(agenda, 14.0)
    agenda.take()
    agenda.wait(0, 14.0)
    assert walk(agenda, 16.0) == []
    agenda.go_on(0, 16.0)
    rest = walk(agenda)
    assert [day for day, task in rest if task[0] is SameDay.BIOMARKER] == [20.0]
    assert doses(rest, 2) == [22.0, 42.0]
    assert doses(rest, 1) == [52.0]
