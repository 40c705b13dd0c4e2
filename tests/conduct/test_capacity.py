"""Places for treatment: who gets one, what waiting moves, and that places for all are no limit."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from tests.saved import saved
from trialsim.conduct import conduct_one_patient, conduct_trial
from trialsim.conduct.capacity import Places, place_of
from trialsim.endpoints import adsl_frame, adtte_frame, csv_text, events_frame, waiting_times
from trialsim.records import Event, EventKind, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import Capacity, Cut
from trialsim.treatment.library import load_library

FIXED = settings(max_examples=25, deadline=None, derandomize=True)
EVERY_DAY = tuple(range(7))
#: The protocol of this layer's tests opens on a Thursday.
THURSDAY = 3


def crowded(patients: int = 60, *, chairs: int | None, **changes: object) -> ResolvedProtocol:
    """Both drugs of the make-believe arms are infusions; nobody dies or leaves, so that only places matter."""
    base = example.with_patients(example.protocol(), patients)
    immortal = {sex: law.model_copy(update={"rate60_per_year": 0.0}) for sex, law in base.cohort.mortality.items()}
    capacity = None
    if chairs is not None:
        capacity = Capacity(**({"places": {"infusion_chairs": chairs}, "open_days": EVERY_DAY} | changes))
    return base.model_copy(
        update={
            "cohort": base.cohort.model_copy(update={"mortality": immortal}),
            "follow_up": base.follow_up.model_copy(update={"dropout_per_day": 0.0}),
            "capacity": capacity,
        }
    )


def run(protocol: ResolvedProtocol, courses: object = None, **options: object) -> TrialRecord:
    return conduct_trial(
        protocol,
        seed=7,
        traits=example.all_traits(protocol.accrual.patients),
        new_course=courses or example.Courses(),  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )


healthy = example.all_alike(example.MakeBelieveCourse)


def ask(places: int, asked: list[tuple[float, bool, int]], open_days: tuple[int, ...] = EVERY_DAY) -> dict[int, int]:
    """The day on which each patient gets a place; ``asked`` are the time, whether begun, and the number."""
    env = simpy.Environment()
    clinic = Places(env, places, open_days, 0)
    given: dict[int, int] = {}

    def patient(time: float, begun: bool, number: int):
        yield env.timeout(time)
        given[number] = yield clinic.ask(begun=begun, due=time, patient=number)

    for request in asked:
        env.process(patient(*request))
    env.run()
    return given


def test_places_go_to_those_who_have_begun_then_to_who_was_due_first() -> None:
    """Catches a queue by number, by time alone, and a place that is given twice."""
    asked = [(0.2, False, 1), (0.3, False, 5), (0.3, False, 4), (0.6, True, 9), (1.5, True, 2)]
    assert ask(1, asked) == {1: 0, 9: 1, 2: 2, 4: 3, 5: 4}
    assert ask(2, asked) == {1: 0, 5: 0, 9: 1, 4: 1, 2: 2}
    assert ask(5, asked) == {1: 0, 5: 0, 4: 0, 9: 0, 2: 1}


def test_closed_days_have_no_places() -> None:
    """Day 0 is a Monday here. Catches a queue that never wakes after a weekend."""
    weekdays = (0, 1, 2, 3, 4)
    assert ask(1, [(4.5, False, 1), (4.6, False, 2), (5.5, False, 3), (7.1, False, 4)], weekdays) == {
        1: 4,
        2: 7,
        3: 8,
        4: 9,
    }


def test_who_leaves_the_queue_takes_no_place() -> None:
    """Catches a cancelled request that is served."""
    env = simpy.Environment()
    clinic = Places(env, 1, EVERY_DAY, 0)
    first, second, third = (clinic.ask(begun=False, due=0.0, patient=n) for n in (1, 2, 3))
    second.cancel()
    env.run()
    assert (first.value, third.value) == (0, 1)
    assert not second.triggered


def test_what_takes_which_place() -> None:
    """Catches tablets that take a chair, and antibodies that take none."""
    library = load_library()
    kinds = {name: place_of(library[name]) for name in ("radiation", "doxorubicin", "rituximab", "navitoclax")}
    assert kinds == {
        "radiation": "radiotherapy_slots",
        "doxorubicin": "infusion_chairs",
        "rituximab": "infusion_chairs",
        "navitoclax": None,
    }


@pytest.mark.parametrize("per_site", [False, True])
def test_places_for_all_are_the_trial_without_the_key(per_site: bool) -> None:
    """Bit for bit, with relapses, deaths and platelet rules. Catches a clinic that costs time, moves a visit, draws a
    number, or drops a laboratory visit that two orders share.
    """
    base = example.with_patients(example.protocol(), 80)
    many = Capacity(places={"infusion_chairs": 10**6}, open_days=EVERY_DAY, per_site=per_site)
    limited = base.model_copy(update={"capacity": many})
    plain, roomy = run(base), run(limited)
    assert roomy.events == plain.events
    for frame in (adsl_frame, adtte_frame, events_frame):
        assert csv_text(frame(roomy, limited)) == csv_text(frame(plain, base))
    assert all(days == 0.0 for record in roomy.patients for _, days in record.waits)
    assert sum(len(record.waits) for record in roomy.patients) == sum(e.kind is EventKind.DOSE for e in plain.events)


def infusions(trial: TrialRecord) -> Counter[int]:
    """Patients who were infused on each calendar day."""
    return Counter(day for _, day in {(e.patient, math.floor(e.day)) for e in trial.events if e.kind is EventKind.DOSE})


@FIXED
@given(st.integers(1, 12), st.sets(st.integers(0, 6), min_size=2))
def test_no_day_has_more_patients_than_places(chairs: int, open_days: set[int]) -> None:
    """Catches a place that is given twice, a closed day that is open, and the wrong day of the week."""
    trial = run(crowded(30, chairs=chairs, open_days=tuple(sorted(open_days))), healthy)
    used = infusions(trial)
    assert used
    assert max(used.values()) <= chairs
    assert {(day + THURSDAY) % 7 for day in used} <= open_days


def test_nobody_waits_while_there_is_a_place() -> None:
    """On every day that a patient waited through, all places were taken: catches a queue that sleeps."""
    chairs = 3
    trial = run(crowded(chairs=chairs), healthy)
    used = infusions(trial)
    waited = 0
    for event in trial.events:
        if event.kind is EventKind.DOSE_DELAYED:
            assert event.value is not None
            due = event.day - event.value
            for day in range(math.floor(due), math.floor(event.day)):
                waited += 1
                assert used[day] == chairs
    assert waited > 500


def test_the_queue_is_the_recursion_of_its_arrivals() -> None:
    """One infusion each: the number left over every evening is that of the day before and of the day's arrivals, less
    the places. Catches places that are lost overnight or saved up.
    """
    once = example.order("doxorubicin", (0.0,), (0.0,))
    protocol = crowded(80, chairs=1)
    protocol = protocol.model_copy(
        update={"arms": {name: example.arm(name, once) for name in protocol.arms}, "capacity": protocol.capacity}
    )
    trial = run(protocol, healthy)
    came = Counter(math.floor(record.randomised_day) for record in trial.patients)
    given_on = infusions(trial)
    left, longest = 0, 0
    for day in range(math.ceil(trial.cut_day)):
        left = max(0, left + came[day] - 1)
        waiting = sum(n for at, n in came.items() if at <= day) - sum(n for at, n in given_on.items() if at <= day)
        assert waiting == left
        longest = max(longest, left)
    assert longest >= 4


def test_a_delay_moves_what_follows_by_whole_days() -> None:
    """Within an order doses are never closer than planned; an order that begins later never overtakes one that waits;
    scans stay. Catches an order that catches up, and a cycle that begins before the last one's wait is over.
    """
    protocol = crowded(chairs=3)
    trial = run(protocol, healthy)
    scans = {e.study_day for e in run(crowded(chairs=None), healthy).events if e.kind is EventKind.SCAN}
    moved = 0
    for record in trial.patients:
        doses = defaultdict(list)
        for event in trial.events:
            if event.patient == record.patient and event.kind in (EventKind.DOSE, EventKind.DOSE_HELD):
                doses[event.detail].append(event.study_day)
        shift = 0.0
        for order in protocol.arms[record.arm].orders:
            planned = order.days[: len(doses[order.id])]
            late = [day - due for due, day in zip(planned, doses[order.id], strict=True)]
            assert all(days.is_integer() for days in late)
            assert all(before <= after for before, after in pairwise([shift, *late]))
            shift = late[-1] if late else shift
        moved += shift > 0.0
    assert moved > 30
    assert {e.study_day for e in trial.events if e.kind is EventKind.SCAN} <= scans


def test_the_count_before_a_cycle_is_of_the_day_of_its_first_dose() -> None:
    """However late the cycle begins: catches a rule that decides on a count from before the wait."""
    trial = run(crowded(chairs=3), healthy)
    late = 0
    for record in trial.patients:
        own = [e for e in trial.events if e.patient == record.patient]
        counts = {e.study_day for e in own if e.kind is EventKind.LABORATORY}
        due = [e.study_day for e in own if e.kind in (EventKind.DOSE, EventKind.DOSE_HELD) and e.detail == "navitoclax"]
        assert set(due[::7]) <= counts
        late += bool(due) and due[0] > 70.0
    assert late > 15


def first_dose(trial: TrialRecord) -> list[float]:
    return [record.first_dose for record in trial.patients if record.first_dose is not None]


def test_halving_places_lengthens_the_time_to_treatment() -> None:
    """Catches places that are counted by site where they are shared, and a limit that does nothing."""
    means = []
    for chairs in (8, 4, 2):
        trial = run(crowded(chairs=chairs), healthy)
        means.append(sum(first_dose(trial)) / len(trial.patients))
        (entry, *_) = saved(waiting_times(trial, crowded(chairs=chairs)))
        assert entry["place"] == "infusion_chairs"
        assert entry["delayed"] <= entry["administrations"]
    assert means[0] < means[1] < means[2]


def test_places_of_each_site_are_its_own() -> None:
    """Two places a site and seven sites: catches sites that share, by the day's total and by each site's."""
    trial = run(crowded(chairs=1, per_site=True), healthy)
    site = {record.patient: record.site for record in trial.patients}
    used = Counter(
        (site[p], d) for p, d in {(e.patient, math.floor(e.day)) for e in trial.events if e.kind is EventKind.DOSE}
    )
    assert max(used.values()) == 1
    assert max(infusions(trial).values()) > 3


def test_waiting_ends_with_relapse_and_is_told_at_the_cut() -> None:
    """Who relapses in the queue is never treated; who waits at the cut is told. Catches a place for who has left, and a
    patient who is called back after a relapse.
    """
    protocol = crowded(60, chairs=1)
    trial = run(protocol, example.all_alike(lambda: example.MakeBelieveCourse(relapse_day=100.0)))
    relapsed = {e.patient: e.day for e in trial.events if e.kind is EventKind.RELAPSE}
    assert not [e for e in trial.events if e.kind is EventKind.DOSE and e.day > relapsed.get(e.patient, math.inf)]
    entries = saved(waiting_times(trial, protocol))
    assert sum(entry["in_vain"] for entry in entries) == sum(bool(r.waited_for) for r in trial.patients) > 5
    stuck = run(crowded(60, chairs=1), healthy)
    assert sum(e["waiting_at_cut"] for e in saved(waiting_times(stuck, protocol))) == sum(
        bool(r.waits_for) for r in stuck.patients
    )
    assert sum(bool(record.waits_for) for record in stuck.patients) > 5


def test_observers_and_lone_patients_see_the_same_trial() -> None:
    """Catches a lone patient who finds the clinic empty, and an observer who takes a place."""
    protocol = crowded(40, chairs=2)
    seen: list[Event] = []
    trial = run(protocol, observe=seen.append)
    assert trial == run(protocol)
    for number in (3, 31):
        alone = conduct_one_patient(
            protocol, number, seed=7, traits=example.all_traits(40), new_course=example.Courses()
        )
        assert alone.patients == [trial.patients[number - 1]]
        assert alone.events == [event for event in trial.events if event.patient == number]


def test_the_log_of_an_earlier_cut_is_the_beginning_of_a_later_one() -> None:
    """Catches a queue that looks at who is to come: nothing after a cut may reach what is before it."""
    limited = crowded(60, chairs=2)

    def until(day: float) -> TrialRecord:
        cut = Cut(events=None, day=day, when="earliest", no_later_than_days=day)
        follow_up = limited.follow_up.model_copy(update={"cut": cut, "minimum_days": 0.0})
        return run(limited.model_copy(update={"follow_up": follow_up}))

    late = until(600.0)
    for day in (60.0, 200.5, 410.25):
        early = until(day)
        assert early.events[:-1] == [event for event in late.events[:-1] if event.day <= day]
        assert any(event.kind is EventKind.DOSE_DELAYED for event in early.events)
