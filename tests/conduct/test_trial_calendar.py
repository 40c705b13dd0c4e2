"""The whole trial: what may not depend on what, and the data cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.conduct import protocol_for_tests as example
from tests.conduct.plain_course import PlainCourse
from trialsim.conduct import conduct_one_patient, conduct_trial
from trialsim.errors import TrialsimError
from trialsim.records import Event, EventKind, TrialRecord
from trialsim.schedule import PlannedVisits
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.spec.resolved_conduct import AfterRelapse, Intercurrent, NewTherapy

SMALL = example.with_patients(example.protocol(), 50)


def run(protocol: ResolvedProtocol, *, seed: int = 7, courses: object = None, **options: object) -> TrialRecord:
    traits = example.all_traits(protocol.accrual.patients)
    new_course = courses or example.Courses()
    return conduct_trial(protocol, seed=seed, traits=traits, new_course=new_course, **options)  # type: ignore[arg-type]


def eventful(protocol: ResolvedProtocol) -> ResolvedProtocol:
    """What can happen to a patient alone: visits that move, loss, other therapy, treatment after relapse."""
    changes = {"window_days": 14.0, "missed": 0.1, "lost_per_day": 2e-4}
    rescue = AfterRelapse(share=0.5, survival_ratio=1.5, arms=tuple(protocol.arms), to="")
    crossover = AfterRelapse(share=0.5, survival_ratio=2.0, arms=("control",), to="navitoclax")
    new = NewTherapy(per_day=5e-4, hazard_ratio=1.0)
    return protocol.model_copy(
        update={
            "follow_up": protocol.follow_up.model_copy(update=changes),
            "intercurrent": Intercurrent(new_therapy=new, crossover=crossover, rescue=rescue),
        }
    )


@pytest.mark.parametrize("small", [SMALL, eventful(SMALL)], ids=["plain", "eventful"])
def test_one_more_patient_changes_nothing_for_the_others(small: ResolvedProtocol) -> None:
    """Catches a shared stream, a stratum list that shifts, and a schedule that depends on the trial's size.

    One more patient moves the data cut, so the logs are compared up to the earlier cut.
    """
    fifty, more = run(small), run(example.with_patients(small, 51))
    assert more.cut_day > fifty.cut_day
    kept = [event for event in fifty.events if event.kind is not EventKind.DATA_CUT]
    assert kept == [e for e in more.events if 1 <= e.patient <= 50 and e.day <= fifty.cut_day]
    for before, after in zip(fifty.patients, more.patients[:50], strict=True):
        ended = any(day is not None for day in (before.death_day, before.withdrew_day, before.lost_day))
        assert (before == after) if ended else (before.arm, before.site) == (after.arm, after.site)


def test_another_seed_is_another_trial_and_the_same_seed_the_same() -> None:
    """Catches a seed that is not used, and state left over from an earlier run."""
    assert run(SMALL, seed=7) == run(SMALL, seed=7)
    first, other = run(SMALL, seed=7), run(SMALL, seed=8)
    assert first.cut_day != other.cut_day
    assert [p.arm for p in first.patients] != [p.arm for p in other.patients]
    assert [p.site for p in first.patients] != [p.site for p in other.patients]


def test_the_order_in_which_arms_are_written_changes_nothing() -> None:
    """Catches streams or allocations that follow the order of the ratio in the file."""
    rules = SMALL.randomisation.model_copy(update={"ratio": {"navitoclax": 1, "control": 1}})
    assert run(SMALL.model_copy(update={"randomisation": rules})) == run(SMALL)


def test_a_patient_meets_the_same_fate_under_every_arm() -> None:
    """Catches the arm in the key of death, dropout or site: the mutant trials differ in allocation only."""

    def all_to(arm: str) -> TrialRecord:
        ratio = {name: 4 * (name == arm) for name in SMALL.arms}
        rules = SMALL.randomisation.model_copy(update={"ratio": ratio, "block_sizes": (4,)})
        return run(SMALL.model_copy(update={"randomisation": rules}))

    control, navitoclax = all_to("control"), all_to("navitoclax")
    assert {p.arm for p in control.patients} == {"control"}
    for one, two in zip(control.patients, navitoclax.patients, strict=True):
        assert (one.randomised_day, one.site, one.death_day, one.withdrew_day) == (
            two.randomised_day,
            two.site,
            two.death_day,
            two.withdrew_day,
        )


class PoisonedFuture(example.MakeBelieveCourse):
    """Refuses to live past the data cut."""

    latest = np.inf

    def advance(self, until: float) -> None:
        assert until <= self.latest, "the trial looked past its data cut"
        super().advance(until)


def test_nothing_after_the_cut_happens() -> None:
    """Catches patients run to the end of their lives and cut afterwards: their future would leak."""
    cut = run(SMALL).cut_day
    arrivals = {p.patient: p.randomised_day for p in run(SMALL).patients}

    def new_course(patient: int, arm: ResolvedArm, traits: object, visits: PlannedVisits) -> PlainCourse:
        body = PoisonedFuture()
        body.latest = cut - arrivals[patient]
        return PlainCourse(body, arm, visits)

    trial = run(SMALL, courses=new_course)
    assert trial.cut_day == cut
    assert all(event.day <= cut for event in trial.events)
    assert all(p.randomised_day + p.last_contact <= cut for p in trial.patients)


def test_the_cut_is_the_minimum_follow_up_after_the_last_randomisation_and_includes_its_day() -> None:
    """Catches a cut counted from the trial's opening, and the loss of what falls on its instant.

    The last patient's scan at 24 months falls exactly on the cut.
    """
    follow_up = SMALL.follow_up.model_copy(update={"dropout_per_day": 0.0})
    immortal = {sex: law.model_copy(update={"rate60_per_year": 0.0}) for sex, law in SMALL.cohort.mortality.items()}
    cohort = SMALL.cohort.model_copy(update={"mortality": immortal})
    quiet = SMALL.model_copy(update={"follow_up": follow_up, "cohort": cohort})
    trial = run(quiet, courses=example.all_alike(lambda: example.MakeBelieveCourse()))
    last = trial.patients[-1]
    assert trial.cut_day == last.randomised_day + 24 * example.MONTH
    assert trial.events[-1].kind is EventKind.DATA_CUT
    assert last.last_scan == last.last_contact == 24 * example.MONTH


def test_the_log_is_sorted_and_begins_each_patient_with_randomisation() -> None:
    """Catches a log in the order in which SimPy happened to run, and visits before randomisation."""
    trial = run(SMALL)
    keys = [(event.day, event.patient) for event in trial.events[:-1]]
    assert keys == sorted(keys)
    for patient in trial.patients:
        own = [event.kind for event in trial.events if event.patient == patient.patient]
        assert own[:2] == [EventKind.ENROLLED, EventKind.RANDOMISED]
        assert own.count(EventKind.RANDOMISED) == 1


@pytest.mark.parametrize("small", [SMALL, eventful(SMALL)], ids=["plain", "eventful"])
def test_observers_change_nothing_and_see_everything(small: ResolvedProtocol) -> None:
    """Catches an observer whose presence changes the log, and progress that runs back, past its end or stops short."""
    seen: list[Event] = []
    progress: list[tuple[int, int]] = []
    watched = run(small, observe=seen.append, on_progress=lambda day, cut: progress.append((day, cut)))
    assert watched == run(small)
    assert sorted(map(tuple, seen), key=str) == sorted(map(tuple, watched.events), key=str)
    assert progress == sorted(progress)
    assert {cut for _, cut in progress} == {int(watched.cut_day)}
    assert progress[-1][0] == int(watched.cut_day)
    assert 20 < len(progress) <= 202


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TrialsimError("the course broke")])
def test_an_interruption_passes_through(error: BaseException) -> None:
    """Catches a calendar that swallows Ctrl-C, or an error that SimPy cannot rebuild from its arguments."""

    class Broken(example.MakeBelieveCourse):
        def assess(self) -> None:  # type: ignore[override]
            raise error

    with pytest.raises(type(error)):
        run(SMALL, courses=example.all_alike(lambda: Broken()))


def test_replicates_differ() -> None:
    """Catches a replicate number that does not reach the streams."""
    zero, one = run(SMALL, replicate=0), run(SMALL, replicate=1)
    assert zero == run(SMALL)
    assert [p.randomised_day for p in zero.patients] != [p.randomised_day for p in one.patients]


def test_an_arm_that_gives_nothing_is_followed_too() -> None:
    """Catches a completed or stopped treatment reported for patients who were to have none."""
    arms = SMALL.arms | {"control": example.arm("control")}
    trial = run(SMALL.model_copy(update={"arms": arms}))
    untreated = [p for p in trial.patients if p.arm == "control"]
    assert untreated
    for patient in untreated:
        assert (patient.treated, patient.treatment_stopped, patient.doses_planned) == (False, "", 0)
        assert patient.dose_intensity == 1.0
    numbers = {p.patient for p in untreated}
    treatment = (EventKind.TREATMENT_COMPLETED, EventKind.TREATMENT_STOPPED, EventKind.DOSE)
    assert not [e for e in trial.events if e.patient in numbers and e.kind in treatment]


def test_one_patient_is_a_trial() -> None:
    """Catches a horizon or a block that needs two patients."""
    trial = run(example.with_patients(SMALL, 1))
    assert len(trial.patients) == 1
    assert replace(trial).patients[0].patient == 1


def test_ties_between_patients_are_logged_by_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a log whose order at equal times is that in which SimPy made its events.

    Patients arrive in pairs, a week apart, so that many of their visits coincide.
    """
    weekly = np.repeat(np.arange(25) * 7.0, 2)
    monkeypatch.setattr("trialsim.conduct.enrolment.draw_arrivals", lambda *_, **__: weekly)
    trial = run(SMALL)
    keys = [(event.day, event.patient) for event in trial.events[:-1]]
    assert keys == sorted(keys)
    days = [event.day for event in trial.events]
    assert len(set(days)) < len(days) / 3
    for patient in trial.patients:
        own = [event.study_day for event in trial.events if event.patient == patient.patient]
        assert own == sorted(own)


def test_patients_are_treated_as_their_arm_says() -> None:
    """Catches one arm's schedule, or one arm's orders, used for everybody."""
    trial = run(SMALL, courses=example.all_alike(lambda: example.MakeBelieveCourse(platelets=250.0)))
    for patient in trial.patients:
        held_or_given = (EventKind.DOSE, EventKind.DOSE_HELD)
        own = [e for e in trial.events if e.patient == patient.patient and e.kind in held_or_given]
        for order in SMALL.arms[patient.arm].orders:
            days = [event.study_day for event in own if event.detail == order.id]
            assert days == list(order.days[: len(days)])
            assert len(days) == len(order.days) or patient.treatment_stopped
        assert {event.detail for event in own} <= {order.id for order in SMALL.arms[patient.arm].orders}
    assert {"control", "navitoclax"} == {p.arm for p in trial.patients if not p.treatment_stopped}


@pytest.mark.parametrize("number", [1, 23, 50])
def test_one_patient_alone_lives_as_in_the_trial(number: int) -> None:
    """Catches a lone patient in another arm (blocks not filled by those before), on other days, or past the
    cut."""
    small = eventful(SMALL)
    trial = run(small)
    traits = example.all_traits(50)
    alone = conduct_one_patient(small, number, seed=7, traits=traits, new_course=example.Courses())
    assert alone.patients == [trial.patients[number - 1]]
    assert alone.events == [event for event in trial.events if event.patient == number]
    assert alone.cut_day == trial.cut_day


def test_one_patient_under_another_arm() -> None:
    """Catches a counterfactual that moves the patient's chances or keeps the schedule of the arm given."""
    traits = example.all_traits(50)
    both = {
        arm: conduct_one_patient(
            SMALL, 23, seed=7, traits=traits, new_course=example.all_alike(lambda: example.MakeBelieveCourse()), arm=arm
        )
        for arm in SMALL.arms
    }
    for arm, record in both.items():
        given = {event.detail for event in record.events if event.kind is EventKind.DOSE}
        assert given == {order.id for order in SMALL.arms[arm].orders}
    control, navitoclax = (both[arm].patients[0] for arm in ("control", "navitoclax"))
    assert control.randomised_day == navitoclax.randomised_day
    assert (control.death_day, control.withdrew_day) == (navitoclax.death_day, navitoclax.withdrew_day)
