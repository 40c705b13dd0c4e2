"""Same code, two loops: a patient's course from the trial's process and from the bank is equal bit for bit."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from trialsim.conduct import conduct_trial
from trialsim.conduct.competing_times import draw_competing_times
from trialsim.schedule import Visit, arm_schedule
from trialsim.patient import bank
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import LINEAGES, Course
from trialsim.patient.state import State
from trialsim.records import EventKind, PatientRecord, SameDay, Traits, TrialRecord
from trialsim.spec.agents import Cytotoxic, Pharmacokinetics, Senolytic
from trialsim.spec.load import load_protocol
from trialsim.spec.resolve import BUILT_IN_RULES
from trialsim.spec.resolved import Order, Pharmacology, ResolvedArm, ResolvedProtocol
from trialsim.treatment.library import load_library
from trialsim.treatment.pharmacology import BACK

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


class NotedCourse(Course):
    """A course that notes the doses that the trial's process gave."""

    def __init__(self, patient: int, arm: ResolvedArm, traits: Traits, protocol: ResolvedProtocol) -> None:
        super().__init__(patient, arm, traits, protocol, seed=SEED)
        self.fractions: defaultdict[int, list[float]] = defaultdict(list)

    def give(self, order: int, fraction: float) -> None:
        super().give(order, fraction)
        self.fractions[order].append(fraction)


@dataclass(frozen=True)
class Trial:
    """A shipped protocol's trial as its processes ran it."""

    protocol: ResolvedProtocol
    record: TrialRecord
    traits: list[dict[str, float | str]]
    courses: dict[int, NotedCourse]

    def of(self, arm: str) -> list[PatientRecord]:
        return [record for record in self.record.patients if record.arm == arm]

    def visits(self, arm: str) -> tuple[Visit, ...]:
        return arm_schedule(self.protocol.arms[arm], self.protocol.follow_up.scans, self.record.cut_day)


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
    courses: dict[int, NotedCourse] = {}

    def new_course(patient: int, arm: ResolvedArm, own: Traits) -> Course:
        courses[patient] = NotedCourse(patient, arm, own, protocol)
        return courses[patient]

    return Trial(protocol, conduct_trial(protocol, seed=SEED, traits=traits, new_course=new_course), traits, courses)


def banked(trial: Trial, arm: str, visits: tuple[Visit, ...]) -> tuple[bank.Lives, dict[int, State]]:
    """The arm's patients in the compiled loop, with the trial's ends of follow-up."""
    records, protocol = trial.of(arm), trial.protocol
    traits = {record.patient: trial.traits[record.patient - 1] for record in records}
    states: dict[int, State] = {}
    lives = bank.live_all(
        protocol,
        protocol.arms[arm],
        bank.make_plan(protocol.arms[arm], visits),
        traits,
        seed=SEED,
        ends={p: draw_competing_times(protocol, own, p, seed=SEED).ends for p, own in traits.items()},
        cuts={record.patient: trial.record.cut_day - record.randomised_day for record in records},
        observe=states.__setitem__,
    )
    return lives, states


def expected_outcomes(trial: Trial, record: PatientRecord) -> list[float]:
    """What the trial's process knows of a patient, in the order of the bank's outcomes."""
    relapse, course = record.relapse, trial.courses[record.patient]
    seen = [math.nan] * 6
    if relapse is not None:
        sizes = course.state.cells.sum(axis=1).astype(float)
        (lesion,) = (at for at in np.flatnonzero(sizes == relapse.cells) if (at == 0) == (relapse.site == "local"))
        # Escaped cells of an inducer are one lineage, named by the first of its populations.
        lineage = min(at for at, cause in LINEAGES.items() if cause == relapse.cause)
        crossed = math.nan if relapse.latent_day is None else relapse.latent_day
        seen = [relapse.detected, lesion, crossed, relapse.last_clear, relapse.cells, lineage]
    else:
        seen[3] = record.last_scan
    late = (record.platelet_nadir, record.true_platelet_nadir, record.first_dose, record.last_dose)
    toxic = record.death_day if record.death_cause == "toxicity" else None
    return seen + [math.nan if value is None else value for value in (*late, record.neutrophil_nadir, toxic)]


def _added(fractions: list[float]) -> float:
    """Plain addition in order, as both loops add; Python's own ``sum`` compensates for rounding from 3.12 on."""
    total = 0.0
    for fraction in fractions:
        total += fraction
    return total


def assert_one_course(trial: Trial, arm: str, visits: tuple[Visit, ...]) -> None:
    """Every patient of an arm alike in both loops: outcome, doses, cells, platelets, drugs, lesions, clock."""
    lives, states = banked(trial, arm, visits)
    held, delayed, stopped = defaultdict(int), defaultdict(int), set()
    for event in trial.record.events:
        if event.kind is EventKind.DOSE_HELD:
            held[event.patient, event.detail] += 1
        elif event.kind is EventKind.DOSE_DELAYED:
            delayed[event.patient] += 1
        elif event.kind is EventKind.TREATMENT_STOPPED and ": " in event.detail:
            stopped.add((event.patient, event.detail.partition(": ")[2]))
    for record, outcome, done in zip(trial.of(arm), lives.outcomes, lives.orders, strict=True):
        course = trial.courses[record.patient]
        np.testing.assert_array_equal(outcome, expected_outcomes(trial, record))
        for at, order in enumerate(trial.protocol.arms[arm].orders):
            fractions = course.fractions[at]
            assert list(done[at, [bank.GIVEN, bank.ADMINISTRATIONS]]) == [_added(fractions), len(fractions)]
            assert done[at, bank.HELD] == held[record.patient, order.id]
            assert bool(done[at, bank.STOPPED]) == ((record.patient, order.id) in stopped)
        assert done[:, bank.DELAYED].sum() == delayed[record.patient]
        for name, own, banks in zip(State._fields, course.state, states[record.patient], strict=True):
            np.testing.assert_array_equal(own, banks, err_msg=f"patient {record.patient}: {name}")


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
    assert len({course.state.cells.tobytes() for course in trial.courses.values()}) > PATIENTS // 10


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
    rates = {course.state.drugs[0, BACK] for course in trial.courses.values() if len(course.state.drugs)}
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
        for name, own, other in zip(State._fields, course.state, plain.courses[number].state, strict=True):
            if name not in ("marrow", "toxins", "toxin_amounts", "toxin_inputs", "orders"):
                np.testing.assert_array_equal(own, other, err_msg=name)
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


def _without(visits: tuple[Visit, ...], kind: SameDay) -> tuple[Visit, ...]:
    """The schedule without its third visit for one kind of task: the mutant of a loop that skips an advance."""
    at = [number for number, (_, tasks) in enumerate(visits) if any(task[0] is kind for task in tasks)][2]
    return visits[:at] + visits[at + 1 :]


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
