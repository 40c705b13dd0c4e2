"""One patient's process under random arms, courses and times of death and withdrawal.

Days are small whole numbers, so that visits, relapse, death and withdrawal often fall on the same day.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from tests.conduct.plain_course import PlainCourse
from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.patient_process import PatientProcess
from trialsim.records import Event, EventKind, PatientRecord, SameDay
from trialsim.schedule import PlannedVisits, arm_schedule
from trialsim.spec.resolved import ResolvedArm, ScanPeriod

START = 12.5
CUT = 200.0
#: The same examples in every run.
FIXED = settings(max_examples=200, deadline=None, derandomize=True)
SCANS = (ScanPeriod(every_days=14, until_days=None),)


@dataclass
class Lived:
    """What one patient left behind."""

    arm: ResolvedArm
    course: example.MakeBelieveCourse
    record: PatientRecord
    log: list[Event]

    def days(self, kind: EventKind) -> list[float]:
        return [event.study_day for event in self.log if event.kind is kind]

    def one_day(self, kind: EventKind) -> float:
        """The day of an event that happens at most once; infinity when it did not."""
        return min(self.days(kind), default=math.inf)


def live(
    arm: ResolvedArm,
    course: example.MakeBelieveCourse,
    *,
    death: float = math.inf,
    dropout: float = math.inf,
    cancer: float = math.inf,
    cut: float = CUT,
) -> Lived:
    """Run one patient to death, withdrawal or ``cut`` (a study day)."""
    record = PatientRecord(1, arm.name, 1, "all", START, {})
    lived = Lived(arm, course, record, [])

    visits = PlannedVisits(arm_schedule(arm, SCANS, cut))
    process = PatientProcess(
        record,
        arm,
        PlainCourse(course, arm, visits),
        CompetingTimes(death, dropout),
        log=lived.log.append,
        post_relapse=lambda _: cancer,
    )
    env = simpy.Environment(initial_time=START)
    env.process(process.follow(env))
    while env.peek() <= START + cut:
        env.step()
    if not process.closed:
        process.close_at_cut(START + cut)
    process.settle(START + cut)
    return lived


whole_days = st.integers(0, 120).map(float)
perhaps = st.one_of(st.just(math.inf), whole_days)
dose_days = st.lists(whole_days, min_size=1, max_size=15).map(lambda d: tuple(sorted(d)))


@st.composite
def lives(draw: st.DrawFn) -> Lived:
    orders = []
    for name in draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")])):
        days = draw(dose_days)
        starts = tuple(sorted(set(days[:: draw(st.integers(1, 4))])))
        rule = draw(st.sampled_from([None, example.PLATELET_RULE]))
        orders.append(example.order(name, days, starts, rule))
    course = example.MakeBelieveCourse(
        draw(perhaps),
        draw(st.sampled_from(["local", "distant"])),
        np.random.default_rng(draw(st.integers(0, 1000))),
    )
    return live(
        example.arm("x", *orders),
        course,
        death=draw(perhaps),
        dropout=draw(perhaps),
        cancer=draw(st.one_of(st.just(math.inf), st.integers(1, 120).map(float))),
        cut=draw(st.sampled_from([28.0, 60.0, CUT])),
    )


def end_of_visits(lived: Lived) -> float:
    """The first day on which no dose can be given any more."""
    ends = (EventKind.DEATH, EventKind.WITHDREW, EventKind.RELAPSE)
    return min(lived.one_day(kind) for kind in ends)


@FIXED
@given(lives())
def test_every_dose_is_given_or_held_until_something_ends_it(lived: Lived) -> None:
    """Catches doses lost, doubled, shifted after a hold, or given on or after death, relapse or withdrawal."""
    accounted: defaultdict[str, list[float]] = defaultdict(list)
    stopped: dict[str, float] = {}
    for event in lived.log:
        if event.kind in (EventKind.DOSE, EventKind.DOSE_HELD):
            accounted[event.detail].append(event.study_day)
        if event.detail.startswith("platelets: "):
            stopped[event.detail.removeprefix("platelets: ")] = event.study_day
    ends, cut = end_of_visits(lived), lived.record.last_contact
    for order in lived.arm.orders:
        planned = [day for day in order.days if day < ends and day <= cut]
        happened = accounted[order.id]
        if order.id in stopped:
            assert happened == planned[: len(happened)]
            assert happened[-1] == stopped[order.id]
        else:
            assert happened == planned
    given_to_course = [call[1] for call in lived.course.calls if call[0] == "give"]
    assert given_to_course == lived.days(EventKind.DOSE)


@FIXED
@given(lives())
def test_nothing_is_done_after_the_end(lived: Lived) -> None:
    """Catches time that runs back, a dose before that day's scan, and visits of the dead, the withdrawn or relapsed."""
    rank = {"advance": -1, "assess": SameDay.SCAN, "laboratory": SameDay.LABORATORY, "give": SameDay.DOSE}
    calls = [(day, rank[name], order) for name, day, order, _ in lived.course.calls]
    for left_out in ("advance", "laboratory"):  # these two have no order of their own
        others = [call for call in calls if rank[left_out] != call[1] != -1]
        assert others == sorted(others)
    relapse = lived.one_day(EventKind.RELAPSE)
    others_end = min(lived.one_day(EventKind.DEATH), lived.one_day(EventKind.WITHDREW))
    assert all(call[0] < others_end and call[0] <= relapse for call in calls)


@FIXED
@given(lives())
def test_the_log_and_the_record_agree(lived: Lived) -> None:
    """Catches a record filled from anything but what happened, and follow-up that ends twice or never."""
    record, log = lived.record, lived.log
    assert [event.study_day for event in log] == sorted(event.study_day for event in log)
    assert all(event.day == START + event.study_day <= START + record.last_contact for event in log)
    assert lived.days(EventKind.DEATH) == ([] if record.death_day is None else [record.death_day])
    assert lived.days(EventKind.WITHDREW) == ([] if record.withdrew_day is None else [record.withdrew_day])
    assert record.death_day is None or record.withdrew_day is None
    assert (record.relapse is None) == (not lived.days(EventKind.RELAPSE))
    if record.death_day is not None or record.withdrew_day is not None:
        assert log[-1].kind in (EventKind.DEATH, EventKind.WITHDREW)
        assert record.last_contact == log[-1].study_day
    doses = lived.days(EventKind.DOSE)
    assert (record.first_dose, record.last_dose) == ((doses[0], doses[-1]) if doses else (None, None))
    assert record.last_scan == max(lived.days(EventKind.SCAN), default=0.0)
    labs = [event.value for event in log if event.kind is EventKind.LABORATORY]
    assert record.platelet_nadir == min(labs, default=None)
    assert len(lived.days(EventKind.TREATMENT_COMPLETED)) <= 1
    stops = [event.detail.partition(":")[0] for event in log if event.kind is EventKind.TREATMENT_STOPPED]
    assert record.treatment_stopped == (stops[0] if stops else "")
    assert not (stops and lived.days(EventKind.TREATMENT_COMPLETED))
    assert 0.0 <= record.dose_intensity <= 1.0


def test_death_goes_before_the_visit_of_its_day_and_before_withdrawal() -> None:
    """Catches a scan of a dead patient and the wrong winner of a tie (`trialsim.records.SameDay`)."""
    arm = example.arm("x", example.chemotherapy())
    died = live(arm, example.MakeBelieveCourse(relapse_day=20.0), death=28.0, dropout=28.0)
    assert died.record.death_day == 28.0
    assert died.record.death_cause == "other causes"
    assert died.record.relapse is None
    assert died.days(EventKind.SCAN) == [14.0]
    assert died.days(EventKind.DOSE) == [0.0, 14.0]
    left = live(arm, example.MakeBelieveCourse(), dropout=28.0)
    assert left.record.withdrew_day == 28.0
    assert left.days(EventKind.DOSE) == [0.0, 14.0]
    assert left.record.treatment_stopped == "withdrew"


def test_relapse_is_interval_censored_and_stops_treatment_of_that_day() -> None:
    """Catches relapse dated by its truth, and a dose given on the day of the scan that saw it."""
    arm = example.arm("x", example.chemotherapy())
    lived = live(arm, example.MakeBelieveCourse(relapse_day=20.0, site="local"), cancer=100.0, death=300.0)
    relapse = lived.record.relapse
    assert relapse is not None
    assert (relapse.last_clear, relapse.latent_day, relapse.detected) == (14.0, 20.0, 28.0)
    assert lived.days(EventKind.DOSE) == [0.0, 14.0]
    assert lived.record.treatment_stopped == "relapse"
    assert (lived.record.death_day, lived.record.death_cause) == (128.0, "cancer")
    assert max(call[1] for call in lived.course.calls) == 28.0


def test_other_deaths_and_withdrawal_still_compete_after_relapse() -> None:
    """Catches a relapse that removes the patient from every risk but death from cancer."""
    arm = example.arm("x", example.chemotherapy())
    course = example.MakeBelieveCourse
    other = live(arm, course(relapse_day=20.0), cancer=100.0, death=50.0).record
    assert (other.death_day, other.death_cause) == (50.0, "other causes")
    left = live(arm, course(relapse_day=20.0), cancer=100.0, dropout=60.0).record
    assert (left.death_day, left.withdrew_day) == (None, 60.0)


def test_a_held_dose_is_skipped_and_treatment_resumes_at_the_reduced_dose() -> None:
    """Catches held doses moved to later days, and a reduction that the course never hears of."""
    starts = (0.0, 7.0, 14.0, 21.0)
    arm = example.arm("x", example.order("a", starts, starts, example.PLATELET_RULE))

    class Scripted(example.MakeBelieveCourse):
        def laboratory(self, day: float) -> float:
            return {0.0: 200.0, 7.0: 60.0, 14.0: 90.0, 21.0: 150.0, 28.0: 150.0}[day]

    lived = live(arm, Scripted())
    assert lived.days(EventKind.DOSE) == [0.0, 21.0]
    assert lived.days(EventKind.DOSE_HELD) == [7.0, 14.0]
    assert lived.days(EventKind.DOSE_REDUCED) == [21.0]
    assert [call[3] for call in lived.course.calls if call[0] == "give"] == [1.0, 0.75]
    assert lived.record.dose_intensity == 1.75 / 4
    assert lived.record.platelet_nadir == 60.0
    assert lived.days(EventKind.TREATMENT_COMPLETED) == [21.0]
