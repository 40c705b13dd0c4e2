"""Same code, two loops: a patient's course from the trial's process and from the bank is equal bit for bit."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from trialsim.conduct import conduct_trial
from trialsim.conduct.competing_times import draw_competing_times
from trialsim.patient.bank import Lives, follow_all
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import Course, Courses
from trialsim.patient.state import PATIENT, Copies, Patient, view_in_python
from trialsim.records import EventKind, PatientRecord, SameDay, Traits, TrialRecord
from trialsim.schedule import PlannedVisits, Timetable
from trialsim.spec.agents import Cytotoxic, Pharmacokinetics, Senolytic
from trialsim.spec.load import load_protocol
from trialsim.spec.resolve import BUILT_IN_RULES
from trialsim.spec.resolved import Order, Pharmacology, ResolvedArm, ResolvedProtocol
from trialsim.spec.resolved_conduct import NewTherapy
from trialsim.treatment.library import load_library

ROOT = Path(__file__).parents[2]
FLAGSHIP = "breast-adjuvant-navitoclax"
SHIPPED = ROOT / "protocols"
#: Those whose patients have cells: an arm with a law has no course to compare.
PROTOCOLS = sorted(
    path.relative_to(SHIPPED).with_suffix("").as_posix()
    for path in SHIPPED.rglob("*.yaml")
    if "conventional" not in path.parts
)
#: Counts have recovered when the next cycle is due, so that hardly a dose is held; with these limits the rule is busy.
STRICT = {"hold_below": 200.0, "resume_above": 210.0}
PATIENTS = 500
SEED = 20261122


class NotedCourses(Courses):
    """Courses of a trial, all of them kept."""

    def __init__(self, protocol: ResolvedProtocol) -> None:
        super().__init__(protocol, seed=SEED)
        self.made: dict[int, Course] = {}

    def __call__(self, patient: int, arm: ResolvedArm, traits: Traits, visits: PlannedVisits) -> Course:
        self.made[patient] = super().__call__(patient, arm, traits, visits)
        return self.made[patient]


@dataclass(frozen=True)
class Trial:
    """A shipped protocol's trial as its processes ran it."""

    protocol: ResolvedProtocol
    record: TrialRecord
    traits: list[dict[str, float | str]]
    courses: dict[int, Course]

    def of(self, arm: str) -> list[PatientRecord]:
        return [record for record in self.record.patients if record.arm == arm]

    def visits(self, arm: str) -> Timetable:
        return Timetable(self.protocol.arms[arm], self.protocol.follow_up, self.record.cut_day)


def with_rule(protocol: ResolvedProtocol, **change: float) -> ResolvedProtocol:
    """The protocol with every platelet rule changed."""

    def changed(order: Order) -> Order:
        return order.model_copy(update={"rule": order.rule.model_copy(update=change)}) if order.rule else order

    arms = {
        name: arm.model_copy(update={"orders": tuple(map(changed, arm.orders))}) for name, arm in protocol.arms.items()
    }
    return protocol.model_copy(update={"arms": arms})


@lru_cache(maxsize=2)
def conducted(name: str, *, strict: bool = False) -> Trial:
    protocol = load_protocol(ROOT / "protocols" / f"{name}.yaml", load_library(), (f"accrual.patients={PATIENTS}",))
    if strict:
        protocol = with_rule(protocol, **STRICT)
    return conduct(protocol)


def conduct(protocol: ResolvedProtocol) -> Trial:
    """A protocol's trial, with the courses of its patients noted."""
    traits = sample_traits(protocol.cohort, PATIENTS, seed=SEED)
    courses = NotedCourses(protocol)
    record = conduct_trial(protocol, seed=SEED, traits=traits, new_course=courses)
    return Trial(protocol, record, traits, courses.made)


def banked(trial: Trial, arm: str, timetable: Timetable) -> tuple[Lives, dict[int, Patient]]:
    """The arm's patients in the compiled loop, with the trial's ends of follow-up."""
    records, protocol = trial.of(arm), trial.protocol
    traits = {record.patient: trial.traits[record.patient - 1] for record in records}
    times = {p: draw_competing_times(protocol, own, p, seed=SEED) for p, own in traits.items()}
    seen: dict[int, Patient] = {}

    def keep(number: int, copies: Copies) -> None:
        seen[number] = view_in_python(copies, PATIENT)

    lives = follow_all(
        protocol,
        protocol.arms[arm],
        timetable,
        traits,
        seed=SEED,
        ends={p: own.ends for p, own in times.items()},
        cuts={record.patient: trial.record.cut_day - record.randomised_day for record in records},
        new_therapies={p: own.new_therapy for p, own in times.items()},
        observe=keep,
    )
    return lives, seen


#: What the engine does to a patient; what the calendar does at the end (withdrawal stops treatment) is left out.
ENGINE = ("lesions", "drugs", "toxins", "assays", "panels")
OF_ORDER = ("given", "administrations", "held", "missed", "delays", "given_up", "withheld", "fraction", "holds")
OF_BODY = ("now", "cells_at", "lesions", "host", "platelets", "marrow", "streams", "counts", "outcome")


def expected_outcome(record: PatientRecord) -> dict[str, float]:
    """What the trial's record says of a patient, in the words of the engine's outcome."""
    relapse = record.relapse
    toxic = record.death_day if record.death_cause == "toxicity" else None
    known: dict[str, float | None] = {
        "relapse": None if relapse is None else relapse.detected,
        "latent": None if relapse is None else relapse.latent_day,
        "cells": None if relapse is None else relapse.cells,
        "last_scan": record.last_scan if relapse is None else relapse.last_clear,
        "platelet_nadir": record.platelet_nadir,
        "true_platelet_nadir": record.true_platelet_nadir,
        "neutrophil_nadir": record.neutrophil_nadir,
        "true_neutrophil_nadir": record.true_neutrophil_nadir,
        "first_dose": record.first_dose,
        "last_dose": record.last_dose,
        "toxic_death": toxic,
    }
    return {name: math.nan if value is None else value for name, value in known.items()}


def assert_one_course(trial: Trial, arm: str, timetable: Timetable) -> None:
    """Every patient of an arm alike in both loops: outcome, doses, cells, platelets, drugs, lesions, streams; and in
    the trial's record and log."""
    lives, seen = banked(trial, arm, timetable)
    counted: Counter[tuple[int, EventKind, str]] = Counter()
    for event in trial.record.events:
        counted[event.patient, event.kind, event.detail] += 1
    for row, record in enumerate(trial.of(arm)):
        own, other = trial.courses[record.patient].patient, seen[record.patient]
        said = f"patient {record.patient}"
        for name in ENGINE:
            np.testing.assert_equal(getattr(own, name).tobytes(), getattr(other, name).tobytes(), f"{said}: {name}")
        np.testing.assert_array_equal(own.movers["shift"], other.movers["shift"], said)
        for name in OF_ORDER:
            np.testing.assert_array_equal(own.orders[name], other.orders[name], f"{said}: {name}")
        for name in OF_BODY:
            np.testing.assert_equal(own.body[name].tobytes(), other.body[name].tobytes(), f"{said}: {name}")
        for name, value in expected_outcome(record).items():
            np.testing.assert_equal(lives.of(name)[row], value, f"{said}: {name}")
        if record.relapse is not None:
            assert (lives.sites[row], lives.causes[row]) == (record.relapse.site, record.relapse.cause)
        for at, order in enumerate(trial.protocol.arms[arm].orders):
            for kind, field in (
                (EventKind.DOSE, "administrations"),
                (EventKind.DOSE_HELD, "held"),
                (EventKind.DOSE_MISSED, "missed"),
            ):
                assert counted[record.patient, kind, order.id] == lives.orders[field][row, at]
        names = [order.id for order in trial.protocol.arms[arm].orders]
        delays = sum(counted[record.patient, EventKind.DOSE_DELAYED, name] for name in names)
        assert delays == lives.orders["delays"][row].sum()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_both_loops_live_the_same_course(name: str) -> None:
    """Catches a draw more or less, a visit after death, a pause of the biology that only one of the loops makes.

    500 patients of every shipped protocol, those of experiments too, to the bit. In a trial of patients some relapse;
    of an experiment the courses differ between its subjects, or nothing would be compared.
    """
    trial = conducted(name)
    for arm in trial.protocol.arms:
        assert_one_course(trial, arm, trial.visits(arm))
    if "/" not in name:
        fewest = 10 if name == "prostate-antiandrogen-navitoclax" else 50  # treated until progression, few relapse
        assert fewest < sum(record.relapse is not None for record in trial.record.patients) < PATIENTS
    assert len({course.patient.lesions["cells"].tobytes() for course in trial.courses.values()}) > PATIENTS // 10


def test_both_loops_hold_the_same_doses() -> None:
    """Catches a rule with a limit, a reduction or an end of its own; many doses are held, or nothing is compared."""
    trial = conducted(FLAGSHIP, strict=True)
    assert_one_course(trial, "navitoclax", trial.visits("navitoclax"))
    for kind in (EventKind.DOSE_HELD, EventKind.DOSE_REDUCED):
        assert sum(event.kind is kind for event in trial.record.events) > 20
    assert any(event.detail.startswith("platelets: ") for event in trial.record.events)


def test_both_loops_know_the_same_kinetics() -> None:
    """Two compartments, a lag, infusions, variability and body size. Catches a loop that draws or forgets its own."""
    made_up = {"unit": "made up", "source": "chosen for a test", "confidence": "low"}

    def with_pk(agent: Senolytic | Cytotoxic, **numbers: float) -> Senolytic | Cytotoxic:
        kinetics = {key: {"value": value, **made_up} for key, value in numbers.items()}
        changed = Pharmacokinetics.model_validate({**(dict(agent.pk) if agent.pk else {}), **kinetics})
        return agent.model_copy(update={"pk": changed})

    protocol = with_rule(load_protocol(SHIPPED / f"{FLAGSHIP}.yaml", load_library(), (f"accrual.patients={PATIENTS}",)))
    navitoclax, paclitaxel = protocol.agents["navitoclax"], protocol.agents["paclitaxel"]
    assert isinstance(navitoclax, Senolytic)
    assert isinstance(paclitaxel, Cytotoxic)
    agents = {
        **protocol.agents,
        "navitoclax": with_pk(
            navitoclax, lag=2.0, exchange=9.0, tissue_volume=400.0, clearance_iiv=0.4, volume_iiv=0.2
        ),
        "paclitaxel": with_pk(paclitaxel, clearance_iiv=0.3, clearance_by_weight=0.75),
    }
    trial = conduct(with_rule(protocol.model_copy(update={"agents": agents}), **STRICT))
    assert_one_course(trial, "navitoclax", trial.visits("navitoclax"))
    rates = {float(own.patient.drugs["back"][0]) for own in trial.courses.values() if own.patient.drugs.size}
    assert rates == {24.0 * 9.0 / 400.0}


def counting(protocol: ResolvedProtocol) -> ResolvedProtocol:
    """The protocol with neutrophils simulated."""
    return protocol.model_copy(update={"pharmacology": Pharmacology(neutrophils=True)})


def test_both_loops_count_the_same_neutrophils_and_cells_take_no_notice() -> None:
    """Catches a marrow that pauses or shortens the steps of cells, and one that a patient at rest forgets.

    All but the marrow is equal to the bit to a trial without neutrophils.
    """
    plain = conducted(FLAGSHIP)
    trial = conduct(counting(plain.protocol))
    for arm in trial.protocol.arms:
        assert_one_course(trial, arm, trial.visits(arm))
    assert trial.record.events == plain.record.events
    for number, course in trial.courses.items():
        other = plain.courses[number].patient
        for name in ("lesions", "drugs"):
            assert getattr(course.patient, name).tobytes() == getattr(other, name).tobytes()
        for name in ("now", "cells_at", "host", "platelets"):
            assert course.patient.body[name].tobytes() == other.body[name].tobytes()
    nadirs = [record.true_neutrophil_nadir for record in trial.record.patients]
    assert all(nadir is not None and nadir < 3.0 for nadir in nadirs)
    assert len(set(nadirs)) > PATIENTS // 2


def ruled(protocol: ResolvedProtocol, **change: float) -> ResolvedProtocol:
    """The protocol with its chemotherapy under the built-in neutrophil rule, some numbers of it changed."""
    rule = BUILT_IN_RULES["chemotherapy-neutrophils"].model_copy(update=change)

    def changed(order: Order) -> Order:
        return order.model_copy(update={"rule": rule}) if order.agent in ("doxorubicin", "paclitaxel") else order

    arms = {
        name: arm.model_copy(update={"orders": tuple(map(changed, arm.orders))}) for name, arm in protocol.arms.items()
    }
    return protocol.model_copy(update={"arms": arms})


#: Two-weekly cycles without growth factors: every limit is passed by some.
DELAYS = {"neutrophils_hold_below": 3.0, "neutrophils_resume_above": 3.5, "longest_delay_days": 14.0}


def test_both_loops_delay_the_same_doses() -> None:
    """Catches a delay that one of the loops does not pass on to the orders after it, or that moves what stays.

    Doses wait, are reduced, and treatment is given up for waiting too long and for waiting too often.
    """
    trial = conduct(ruled(conducted(FLAGSHIP).protocol, **DELAYS))
    for arm in trial.protocol.arms:
        assert_one_course(trial, arm, trial.visits(arm))
    count = {kind: sum(e.kind is kind for e in trial.record.events) for kind in EventKind}
    assert min(count[EventKind.DOSE_DELAYED], count[EventKind.DOSE_REDUCED], count[EventKind.DOSE_HELD]) > 20
    assert any(record.treatment_stopped == "neutrophils" for record in trial.record.patients)


@pytest.mark.parametrize(
    "change", [{"delay_days": 6.0}, {"longest_delay_days": 6.0}, {"neutrophils_hold_below": 2.5}], ids=str
)
def test_another_delay_is_caught(change: dict[str, float]) -> None:
    """Mutants: a bank whose rule has one other number is not equal."""
    plain = conducted(FLAGSHIP).protocol
    trial = conduct(ruled(plain, **DELAYS))
    mutant = replace(trial, protocol=ruled(plain, **{**DELAYS, **change}))
    with pytest.raises(AssertionError):
        assert_one_course(mutant, "control", trial.visits("control"))


def test_both_loops_miss_the_same_doses() -> None:
    """A fifth of navitoclax is forgotten, under a busy rule. Catches a loop that counts doses from another one."""
    plain = with_rule(conducted(FLAGSHIP).protocol, **STRICT)
    trial = conduct(plain.model_copy(update={"pharmacology": Pharmacology(adherence=0.8)}))
    assert_one_course(trial, "navitoclax", trial.visits("navitoclax"))
    missed = Counter(event.detail for event in trial.record.events if event.kind is EventKind.DOSE_MISSED)
    given = Counter(event.detail for event in trial.record.events if event.kind is EventKind.DOSE)
    assert set(missed) == {"navitoclax"}
    share, total = missed["navitoclax"], missed["navitoclax"] + given["navitoclax"]
    # Five standard errors of a share of 0.2; false alarms below 1e-6.
    assert abs(share / total - 0.2) < 5.0 * math.sqrt(0.2 * 0.8 / total)


def test_both_loops_lose_the_same_patients_to_toxicity() -> None:
    """Catches a hazard that runs on in one loop, a dose after death, and low counts after the last visit without harm.

    At a hazard of 0.1 per day of grade 4 neutropenia many die; at none, nothing is drawn and nothing changes.
    """
    plain = conducted(FLAGSHIP)
    lethal = Pharmacology(neutropenic_death=0.1, thrombocytopenic_death=0.05)
    trial = conduct(plain.protocol.model_copy(update={"pharmacology": lethal}))
    for arm in trial.protocol.arms:
        assert_one_course(trial, arm, trial.visits(arm))
    dead = {r.patient: r.death_day for r in trial.record.patients if r.death_cause == "toxicity"}
    assert 10 < len(dead) < PATIENTS
    for event in trial.record.events:
        if event.patient in dead:
            day = dead[event.patient]
            assert day is not None
            assert event.study_day <= day
    assert all(r.last_contact == r.death_day for r in trial.record.patients if r.patient in dead)


def _without(timetable: Timetable, kind: SameDay) -> Timetable:
    """The schedule without its third visit for one kind of task: the mutant of a loop that skips a visit."""
    visits = timetable.of_arm
    at = [number for number, (_, tasks) in enumerate(visits) if any(task[0] is kind for task in tasks)][2]
    timetable.of_arm = visits[:at] + visits[at + 1 :]
    return timetable


@pytest.mark.parametrize("kind", [SameDay.SCAN, SameDay.LABORATORY, SameDay.DOSE])
def test_a_skipped_visit_is_caught(kind: SameDay) -> None:
    """A mutant of the test above: a bank that leaves out one visit is not equal."""
    trial = conducted(FLAGSHIP, strict=True)
    with pytest.raises(AssertionError):
        assert_one_course(trial, "navitoclax", _without(trial.visits("navitoclax"), kind))


@pytest.mark.parametrize(
    "change",
    [{"hold_below": 205.0}, {"resume_above": 215.0}, {"reduce_percent": 30.0}, {"stop_after_holds": 3}],
    ids=lambda change: next(iter(change)),
)
def test_another_rule_is_caught(change: dict[str, float]) -> None:
    """Mutants: a bank whose platelet rule has one other number is not equal."""
    trial = conducted(FLAGSHIP, strict=True)
    mutant = replace(trial, protocol=with_rule(trial.protocol, **change))
    with pytest.raises(AssertionError):
        assert_one_course(mutant, "navitoclax", trial.visits("navitoclax"))


def test_both_loops_have_the_same_visits_of_the_patients_own() -> None:
    """Scans within a window, some missed, and other therapy. Catches a study for which every scan is on its day."""
    plain = conducted(FLAGSHIP).protocol
    follow_up = plain.follow_up.model_copy(update={"window_days": 14.0, "missed": 0.2})
    new = plain.intercurrent.model_copy(update={"new_therapy": NewTherapy(per_day=0.2 / 365.25, hazard_ratio=1.0)})
    trial = conduct(plain.model_copy(update={"follow_up": follow_up, "intercurrent": new}))
    for arm in trial.protocol.arms:
        assert_one_course(trial, arm, trial.visits(arm))
    count = Counter(event.kind for event in trial.record.events)
    assert min(count[EventKind.SCAN_MISSED], count[EventKind.NEW_THERAPY]) > 50
    with pytest.raises(AssertionError):
        assert_one_course(replace(trial, protocol=plain), "control", conducted(FLAGSHIP).visits("control"))
