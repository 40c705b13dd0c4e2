"""What falls on one instant is done in the order of `trialsim.records.SameDay`, as docs/model.md tells it.

Everything that can happen to a patient is put on one day, in any combination, and the log of that day is held against
the table read line by line. The data cut is put on the same instant.
"""

from __future__ import annotations

import math
from itertools import combinations

import pytest
import simpy
from hypothesis import example as always
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from tests.conduct.plain_course import PlainCourse
from tests.conduct.test_biomarkers import Measured, guided
from trialsim.conduct import conduct_trial
from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.patient_process import PatientProcess
from trialsim.records import Event, EventKind, PatientRecord, SameDay
from trialsim.schedule import PlannedVisits, Task, Visit, own_visits
from trialsim.spec.biomarkers import Guide
from trialsim.spec.resolved_conduct import Screening

START, DAY = 12.5, 28.0
FIXED = settings(max_examples=300, deadline=None, derandomize=True)
#: The rows of the table that can fall on one day of a patient in the trial, in its order, and what each is in the log.
TOLD = {
    SameDay.DEATH: EventKind.DEATH,
    SameDay.WITHDREW: EventKind.WITHDREW,
    SameDay.LOST: EventKind.LOST,
    SameDay.RELAPSE: EventKind.RELAPSE,
    SameDay.SCAN: EventKind.SCAN,
    SameDay.NEW_THERAPY: EventKind.NEW_THERAPY,
    SameDay.LABORATORY: EventKind.LABORATORY,
    SameDay.BIOMARKER: EventKind.BIOMARKER,
    SameDay.DOSE: EventKind.DOSE,
}
LAST = (SameDay.DEATH, SameDay.WITHDREW, SameDay.LOST)
PLANNED: dict[SameDay, Task] = {
    kind: (kind, 0) for kind in (SameDay.SCAN, SameDay.LABORATORY, SameDay.BIOMARKER, SameDay.DOSE)
}


def happens(kinds: frozenset[SameDay], sees_relapse: bool) -> list[EventKind]:
    """The log of the day by the table: the first ending ends it, a relapse the visit, another therapy the doses."""
    told: list[EventKind] = []
    for kind in (row for row in TOLD if row in kinds):
        if kind is SameDay.DOSE and EventKind.NEW_THERAPY in told:
            continue
        told.append(TOLD[kind])
        if kind in LAST or kind is SameDay.RELAPSE:
            break
        if kind is SameDay.SCAN and sees_relapse:
            told.append(EventKind.RELAPSE)
            break
    return told


def live(kinds: frozenset[SameDay], sees_relapse: bool) -> list[Event]:
    """A patient to whom all of these happen on one day, on which the data are cut."""
    order = guided("drug", (DAY,), Guide(panel="panel", day=DAY, written="day 29"))
    arm = example.arm("x", order)
    times = CompetingTimes(
        death=DAY if SameDay.DEATH in kinds else math.inf,
        dropout=DAY if SameDay.WITHDREW in kinds else math.inf,
        lost=DAY if SameDay.LOST in kinds else math.inf,
        new_therapy=DAY if SameDay.NEW_THERAPY in kinds else math.inf,
        event=DAY if SameDay.RELAPSE in kinds else math.inf,
    )
    # In the wrong order, which own_visits has to put right.
    planned = tuple(PLANNED[kind] for kind in sorted(kinds & PLANNED.keys(), reverse=True))
    visits: tuple[Visit, ...] = ((DAY, tuple(sorted(planned))),) if planned else ()
    body = Measured(relapse_day=DAY if sees_relapse else math.inf, says={0: (True,)}, names=("panel",))
    own = own_visits((), example.protocol().follow_up, times.new_therapy, 1, seed=1)
    if SameDay.RELAPSE in kinds:
        own = (*own, (DAY, SameDay.RELAPSE, 0))
    course = PlainCourse(body, arm, PlannedVisits(visits, own))
    log: list[Event] = []
    process = PatientProcess(
        PatientRecord(1, "x", 1, "all", START, {}),
        arm,
        course,
        times,
        log=log.append,
        post_relapse=lambda _: math.inf,
    )
    env = simpy.Environment(initial_time=START)
    env.process(process.follow(env))
    while env.peek() <= START + DAY:
        env.step()
    return log


EVERYTHING = frozenset(TOLD)


@FIXED
@given(st.frozensets(st.sampled_from(sorted(TOLD))), st.booleans())
@always(EVERYTHING, False)
@always(EVERYTHING - set(LAST), False)
@always(EVERYTHING - set(LAST) - {SameDay.RELAPSE}, True)
@always(EVERYTHING - set(LAST) - {SameDay.RELAPSE}, False)
@always(frozenset({SameDay.WITHDREW, SameDay.LOST}), False)
@always(frozenset({SameDay.NEW_THERAPY, SameDay.DOSE}), False)
def test_the_log_of_a_day_is_the_table_read_line_by_line(kinds: frozenset[SameDay], sees_relapse: bool) -> None:
    """Catches any two rows that are swapped: a visit of the dead, a loss in place of a withdrawal, a dose before its
    count, a new therapy that precedes the relapse of its day; and the loss of what falls on the cut.
    """
    told = [event for event in live(kinds, sees_relapse) if event.study_day == DAY]
    others = (EventKind.TREATMENT_STOPPED, EventKind.TREATMENT_COMPLETED)
    assert [event.kind for event in told if event.kind not in others] == happens(kinds, sees_relapse)


@pytest.mark.parametrize(("first", "second"), list(combinations(TOLD, 2)))
def test_every_pair_is_in_order(first: SameDay, second: SameDay) -> None:
    """The same for each pair alone, so that a failure names its rows."""
    kinds = frozenset({first, second})
    told = [event.kind for event in live(kinds, False) if event.kind in TOLD.values()]
    assert told == happens(kinds, False)


def test_screening_and_randomisation_come_before_the_first_dose() -> None:
    """A first dose on day 1 is on the instant of randomisation. Catches a dose before the arm is known."""
    base = example.with_patients(example.protocol(), 20)
    accrual = base.accrual.model_copy(update={"screening": Screening(failure=0.2)})
    trial = conduct_trial(
        base.model_copy(update={"accrual": accrual}),
        seed=7,
        traits=example.all_traits(60),
        new_course=example.Courses(),
    )
    for record in trial.patients:
        own = [event.kind for event in trial.events if event.patient == record.patient]
        assert own[:4] == [EventKind.SCREENED, EventKind.ENROLLED, EventKind.RANDOMISED, EventKind.DOSE]


def test_the_table_is_covered() -> None:
    """Catches a row that is added to the table and put to no test."""
    tested_otherwise = {SameDay.SCREENED, SameDay.RANDOMISED, SameDay.LOOK, SameDay.DATA_CUT}
    assert set(SameDay) == set(TOLD) | tested_otherwise
