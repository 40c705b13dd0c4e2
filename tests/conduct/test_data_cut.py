"""Data cuts: on the day that the protocol says, with everything before it and nothing after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.conduct import protocol_for_tests as example
from tests.conduct.plain_course import PlainCourse
from trialsim.conduct import conduct_one_patient, conduct_trial, trial_calendar
from trialsim.conduct.competing_times import CompetingTimes
from trialsim.endpoints import adsl_frame, adtte_frame, csv_text, events_frame, primary_event
from trialsim.errors import TrialsimError, UsageError
from trialsim.records import Event, EventKind, Traits, TrialRecord
from trialsim.schedule import PlannedVisits
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.spec.resolved_conduct import AfterRelapse, Cut, Intercurrent, NewTherapy
from trialsim.spec.resolved_model import EventModel, PiecewiseExponential

SIXTY = example.with_patients(example.protocol(), 60)
#: Patients come so slowly that the first have had their events before the last are there.
BASE = SIXTY.model_copy(update={"accrual": SIXTY.accrual.model_copy(update={"per_day": 0.12})})
LAST = 4000.0
#: Whatever can fall on either side of a cut.
VISITS = {"window_days": 20.0, "missed": 0.1, "lost_per_day": 0.05 / 365.25}
PLANS = Intercurrent(
    new_therapy=NewTherapy(per_day=0.1 / 365.25, hazard_ratio=1.0),
    rescue=AfterRelapse(share=0.5, survival_ratio=1.5, arms=("control", "navitoclax"), to=""),
)
#: The next time after a day on the calendar's grid.
TICK = 2.0**-20


def with_cut(
    *,
    minimum: float = 0.0,
    events: int | None = None,
    day: float | None = None,
    when: str = "latest",
    last: float = LAST,
    base: ResolvedProtocol = BASE,
) -> ResolvedProtocol:
    cut = Cut(events=events, day=day, when=when, no_later_than_days=last)
    follow_up = base.follow_up.model_copy(update={"minimum_days": minimum, "cut": cut, **VISITS})
    return base.model_copy(update={"follow_up": follow_up, "intercurrent": PLANS})


def run(protocol: ResolvedProtocol, courses: object = None, traits: Sequence[Traits] | None = None) -> TrialRecord:
    return conduct_trial(
        protocol,
        seed=7,
        traits=traits or example.all_traits(protocol.accrual.patients),
        new_course=courses or example.Courses(),  # type: ignore[arg-type]
        has_event=primary_event(protocol),
    )


def event_days(trial: TrialRecord, kinds: tuple[EventKind, ...] = (EventKind.RELAPSE, EventKind.DEATH)) -> list[float]:
    """Calendar days of the first event of each patient, ascending."""
    first: dict[int, float] = {}
    for event in trial.events:
        if event.kind in kinds:
            first.setdefault(event.patient, event.day)
    return sorted(first.values())


LONG = run(with_cut(day=LAST))
DAYS = event_days(LONG)
ENROLLED = LONG.patients[-1].randomised_day


@pytest.mark.parametrize(
    ("protocol", "day", "by"),
    [
        (with_cut(events=20), DAYS[19], "20 events"),
        (with_cut(day=700.3), math.floor(700.3 / TICK + 0.5) * TICK, "date"),
        (with_cut(events=20, day=DAYS[19] + 50.0), DAYS[19] + 50.0, "date"),
        (with_cut(events=20, day=DAYS[19] + 50.0, when="earliest"), DAYS[19], "20 events"),
        (with_cut(events=20, day=DAYS[19] - 50.0, when="earliest"), DAYS[19] - 50.0, "date"),
        (with_cut(events=5, minimum=720.0), ENROLLED + 720.0, "minimum follow-up"),
        (with_cut(events=40, minimum=10.0), DAYS[39], "40 events"),
        (with_cut(events=60, last=3000.0), 3000.0, "the last day allowed"),
        (with_cut(events=3, when="earliest", minimum=720.0), DAYS[2], "3 events"),
    ],
    ids=["events", "date", "latest", "earliest-events", "earliest-date", "minimum", "after-minimum", "never", "early"],
)
def test_the_cut_is_on_the_day_that_the_protocol_says(protocol: ResolvedProtocol, day: float, by: str) -> None:
    """The day is counted off a long trial's log. Catches one event too many or too few, patients with two events
    counted twice, the earlier for the later, and a trial that waits for ever for events that do not come.
    """
    trial = run(protocol)
    assert trial.cut_day == day
    assert trial.cut_by == trial.events[-1].detail == by


@pytest.mark.parametrize("events", [3, 20, 40])
def test_the_log_of_a_cut_is_the_beginning_of_a_long_one(events: int) -> None:
    """Catches what is done differently because the end is known: a horizon that drops visits, or a wait cut short."""
    trial = run(with_cut(events=events))
    assert trial.events[:-1] == [event for event in LONG.events[:-1] if event.day <= trial.cut_day]
    assert len(trial.patients) == sum(patient.randomised_day <= trial.cut_day for patient in LONG.patients)
    assert event_days(trial)[-1] == trial.cut_day


def test_everybody_has_the_minimum_follow_up() -> None:
    """Catches a minimum counted from the first randomisation, or dropped beside events."""
    trial = run(with_cut(events=10, minimum=500.0))
    assert trial.cut_day - max(patient.randomised_day for patient in trial.patients) >= 500.0


def test_events_are_those_of_the_primary_endpoint() -> None:
    """Catches relapses that count for overall survival."""
    protocol = with_cut(events=5)
    protocol = protocol.model_copy(update={"endpoint": protocol.endpoint.model_copy(update={"primary": "os"})})
    assert run(protocol).cut_day == event_days(LONG, (EventKind.DEATH,))[4]


#: What is drawn at randomisation and comes later.
FATES = ("death", "dropout", "lost", "new_therapy")


class Poisoned(example.MakeBelieveCourse):
    """A patient who relapses right after the cut and must not be asked about it."""

    latest = math.inf

    def advance(self, until: float) -> None:
        assert until <= self.latest, "the trial looked past its data cut"
        super().advance(until)


@pytest.mark.parametrize(
    "protocol",
    [with_cut(events=4, when="earliest", day=2000.0), with_cut(events=30, minimum=300.0), with_cut(day=900.0)],
    ids=["while-enrolling", "events", "date"],
)
def test_a_poisoned_future_changes_nothing(protocol: ResolvedProtocol, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that would happen after the cut happens at once, and those to come are other patients.

    Tables and records stay the same to the last byte. Catches any look ahead: relapses, deaths or withdrawals known
    before they happen, events of the future that count, and patients who are not in the trial yet.
    """
    honest = run(protocol)
    cut, courses = honest.cut_day, example.Courses()
    start = {patient.patient: patient.randomised_day for patient in LONG.patients}
    changed = 0

    def poison(patient: int, day: float) -> float:
        nonlocal changed
        after = cut - start[patient] + TICK
        changed += day > after
        return min(day, after) if start[patient] <= cut else 0.5

    def new_course(patient: int, arm: ResolvedArm, traits: object, visits: PlannedVisits) -> PlainCourse:
        plain = courses.body(patient)
        body = Poisoned(poison(patient, plain.relapse_day), plain.site, plain.platelet_noise)
        body.latest = cut - start[patient]
        return PlainCourse(body, arm, visits)

    drawn = trial_calendar.draw_competing_times

    def times(rules: ResolvedProtocol, traits: Traits, patient: int, **key: int) -> CompetingTimes:
        own = drawn(rules, traits, patient, **key)
        days = own._asdict() | {name: poison(patient, getattr(own, name)) for name in FATES}
        return CompetingTimes(**days)

    survival = trial_calendar.draw_post_relapse_survival

    def after_relapse(medians: object, site: str, patient: int, **key: int) -> float:
        days = survival(medians, site, patient, **key)  # type: ignore[arg-type]
        seen = next(p for p in honest.patients if p.patient == patient).relapse
        assert seen is not None
        return poison(patient, seen.detected + days) - seen.detected

    monkeypatch.setattr(trial_calendar, "draw_competing_times", times)
    monkeypatch.setattr(trial_calendar, "draw_post_relapse_survival", after_relapse)
    known = len(honest.patients)
    assert (known < 60) == (honest.cut_by == "4 events")
    others: list[dict[str, float | str]] = [
        {**traits, "p53_status": "mutant", "nodes": "positive"} if at >= known else traits
        for at, traits in enumerate(example.all_traits(60))
    ]
    poisoned = run(protocol, new_course, others)
    assert changed > 60
    assert poisoned == honest
    for frame in (adsl_frame, adtte_frame, events_frame):
        assert csv_text(frame(poisoned, protocol)) == csv_text(frame(honest, protocol))


def test_a_poisoned_law_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of a law that would come after the cut come right after it. Catches a law that is counted when drawn."""
    law = EventModel(law=PiecewiseExponential(rates=(1 / 700.0,), until_days=()))
    arms = {name: example.arm(name).model_copy(update={"model": law}) for name in BASE.arms}
    base = BASE.model_copy(update={"arms": arms, "follow_up": BASE.follow_up.model_copy(update={"scans": ()})})
    protocol = with_cut(events=25, base=base)
    honest = run(protocol)
    assert len(event_days(honest)) == 25
    drawn, changed = trial_calendar.draw_event_day, 0

    def poisoned(model: EventModel, patient: int, **key: Any) -> float:
        nonlocal changed
        day, after = drawn(model, patient, **key), honest.cut_day - LONG.patients[patient - 1].randomised_day + TICK
        changed += day > after
        return min(day, after) if after > 0.0 else 0.5

    monkeypatch.setattr(trial_calendar, "draw_event_day", poisoned)
    assert run(protocol) == honest
    assert changed > 15


def test_one_patient_alone_is_cut_with_the_trial() -> None:
    """Catches a lone patient who is followed to the last day allowed, since nobody else has events."""
    protocol = with_cut(events=20)
    trial = run(protocol)
    for cut_day in (trial.cut_day, None):
        record = alone(protocol, 11, cut_day)
        assert record.patients == [trial.patients[10]]
        assert record.events == [event for event in trial.events if event.patient == 11]
        assert record.cut_day == trial.cut_day


def test_who_would_come_after_the_cut_is_nobody() -> None:
    """Catches a patient with a negative follow-up."""
    protocol = with_cut(events=3)
    trial = run(protocol)
    assert len(trial.patients) < 60
    for cut_day in (trial.cut_day, None):
        with pytest.raises(UsageError):
            alone(protocol, 60, cut_day)


def alone(protocol: ResolvedProtocol, patient: int, cut_day: float | None) -> TrialRecord:
    return conduct_one_patient(
        protocol,
        patient,
        seed=7,
        traits=example.all_traits(60),
        new_course=example.Courses(),
        has_event=primary_event(protocol),
        cut_day=cut_day,
    )


def test_a_cut_before_the_first_patient_is_told() -> None:
    """Catches an empty trial that is analysed."""
    with pytest.raises(TrialsimError, match="before the first patient"):
        run(with_cut(day=0.001))


def test_a_cut_by_events_needs_to_know_them() -> None:
    """Catches a trial that silently runs to the last day allowed."""
    make: Callable[..., TrialRecord] = conduct_trial
    with pytest.raises(ValueError, match="what an event is"):
        make(with_cut(events=5), seed=7, traits=example.all_traits(60), new_course=example.Courses())


def test_observers_do_not_move_a_cut_by_events() -> None:
    """Catches a cut that counts in the log that an observer wraps."""
    seen: list[Event] = []
    protocol = with_cut(events=15)
    watched = conduct_trial(
        protocol, seed=7, traits=example.all_traits(60), new_course=example.Courses(),
        has_event=primary_event(protocol), observe=seen.append,
    )  # fmt: skip
    assert watched == run(protocol)
    assert len(seen) == len(watched.events)
