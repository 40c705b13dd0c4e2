"""What the review says must show in a patient: p53 steers fate, senolytics need something to kill.

Each claim is run on a few hundred patients who differ in one thing only and share their random streams.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tests.patient.lived import Lived, Seen
from tests.patient.protocols import arm, order, shipped, typical_patient, with_agents, with_gains
from trialsim.biology.populations import (
    AWAKENED,
    DORMANT,
    ESCAPED,
    PER_INDUCER,
    RESIDUAL,
    SEEDED,
    SENESCENT,
    escaped,
    senescent,
)
from trialsim.biology.rates import Target
from trialsim.patient import cells as cells_of
from trialsim.patient.prepare import prepare
from trialsim.patient.state import LOCAL, PATIENT, Patient, view_in_python
from trialsim.spec.agents import INDUCERS, Cytotoxic, Senolytic, Targeted
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.structured import named

PATIENTS = 60
#: A tumour large enough to be measured, and small against the detection limit's capacity.
MEASURABLE = 1e8
DOXORUBICIN = arm(order("doxorubicin", 60.0, [0.0]))


def protocol(**gains: float) -> ResolvedProtocol:
    return with_gains(with_agents(shipped()), **gains)


@dataclass(frozen=True)
class Response:
    """Means over patients after one dose into a measurable tumour."""

    senescent: float
    regression: float
    """Largest fall of the total, as a share of the start."""
    days_to_regrowth: float
    """Until the total is back at its start."""


def respond(patient: dict[str, float | str], given: ResolvedArm, trial: ResolvedProtocol) -> Response:
    senescent, regression, regrowth = [], [], []
    for number in range(1, PATIENTS + 1):
        course = Lived(number, given, patient, trial, seed=7)
        start = course.state.cells.sum()
        course.give(0, 1.0)
        lowest, day = course.state.cells.sum(), 0.0
        senescent.append(course.state.cells[:, SENESCENT:].sum())
        while course.state.cells.sum() < start and day < 2000.0:
            day += 7.0
            course.advance(day)
            lowest = min(lowest, course.state.cells.sum())
        regression.append(1.0 - lowest / start)
        regrowth.append(day)
    return Response(float(np.mean(senescent)), float(np.mean(regression)), float(np.mean(regrowth)))


def responses(trial: ResolvedProtocol) -> tuple[Response, Response]:
    """Wild type and mutant, alike in all else."""
    wild, mutant = (
        respond(typical_patient(residual_burden=MEASURABLE, p53_status=status), DOXORUBICIN, trial)
        for status in ("wild_type", "mutant")
    )
    return wild, mutant


def test_wild_type_senesces_more_regresses_less_and_relapses_sooner() -> None:
    """M6. Catches a p53 that acts on the amount of damage only, or with the wrong sign."""
    wild, mutant = responses(protocol())
    assert wild.senescent > 2.0 * mutant.senescent
    assert wild.regression < mutant.regression - 0.1
    assert wild.days_to_regrowth < 0.8 * mutant.days_to_regrowth


def test_without_steering_p53_changes_nothing() -> None:
    """The mutant of the test above: with the steering gain at 0 both statuses live the same course, to the bit."""
    wild, mutant = responses(protocol(p53_steering=0.0))
    assert wild == mutant


NAVITOCLAX_DAYS = tuple(float(day) for day in range(7))


def cells_after(
    patient: dict[str, float | str],
    given: ResolvedArm,
    trial: ResolvedProtocol,
    until: float,
    *,
    skipped: tuple[str, ...] = (),
) -> np.ndarray:
    """Final counts (patient x population), doses given on the arm's days; those of ``skipped`` agents are not given."""
    out = []
    schedule = sorted((day, index) for index, line in enumerate(given.orders) for day in line.days)
    for number in range(1, PATIENTS + 1):
        course = Lived(number, given, patient, trial, seed=11)
        for day, index in schedule:
            course.advance(day)
            course.give(index, 0.0 if given.orders[index].agent in skipped else 1.0)
        course.advance(until)
        out.append(course.state.cells.sum(axis=0))
    return np.array(out)


def without_effect_on_cycling_cells(trial: ResolvedProtocol) -> ResolvedProtocol:
    agent = trial.agents["navitoclax"]
    assert isinstance(agent, Senolytic)
    spared = agent.model_copy(update={"cycling_effect": agent.cycling_effect.model_copy(update={"value": 0.0})})
    return trial.model_copy(update={"agents": {**trial.agents, "navitoclax": spared}})


def test_a_senolytic_before_any_senescence_changes_nothing() -> None:
    """M15. With no senescent cell to kill, the course with the drug is the one without it, to the bit.

    Catches a senolytic that kills cycling cells, or whose presence alone costs a draw or a step. The mutant is the
    same test with senescent cells present: the two courses then differ.
    """
    trial = without_effect_on_cycling_cells(protocol(spontaneous_senescence=0.0))
    given = arm(order("navitoclax", 150.0, NAVITOCLAX_DAYS))

    def both(patient: dict[str, float | str], world: ResolvedProtocol) -> tuple[np.ndarray, np.ndarray]:
        treated = cells_after(patient, given, world, 60.0)
        return treated, cells_after(patient, given, world, 60.0, skipped=("navitoclax",))

    treated, untreated = both(typical_patient(), trial)
    assert treated[:, :SENESCENT].sum() > 0
    np.testing.assert_array_equal(treated, untreated)
    treated, untreated = both(typical_patient(), with_gains(trial, spontaneous_senescence=1.0))
    assert treated[:, SENESCENT:].sum() < untreated[:, SENESCENT:].sum()


def navitoclax_from(day: float) -> tuple[float, ...]:
    return tuple(day + k for k in range(7))


def senescent_share_left(start: float) -> float:
    """Senescent cells left at day 40 after doxorubicin on day 14 and navitoclax from ``start``, against none."""
    # The host's own senescent cells are left out: killing them frees the capacity to clear others.
    trial, patient = protocol(spontaneous_senescence=0.0, host_senescence=0.0), typical_patient(residual_burden=1e7)
    doxorubicin = order("doxorubicin", 60.0, [14.0])
    navitoclax = order("navitoclax", 150.0, navitoclax_from(start))
    treated = cells_after(patient, arm(doxorubicin, navitoclax), trial, 40.0)[:, SENESCENT:].sum()
    control = cells_after(patient, arm(doxorubicin), trial, 40.0)[:, SENESCENT:].sum()
    return float(treated / control)


def test_a_senolytic_works_after_chemotherapy_and_not_before() -> None:
    """M15. Given before chemotherapy it changes nothing; when senescent cells are mature it kills most of them.

    Catches a senolytic without pharmacokinetics (its effect never ends) and one that is blind to maturity. The
    mutant that ignores order of treatment gives the same number three times.
    """
    # Washed out by day 14: 7 half-lives and more after the last dose.
    assert senescent_share_left(0.0) == pytest.approx(1.0, abs=0.02)
    too_early, on_time = senescent_share_left(14.0), senescent_share_left(26.0)
    assert on_time < 0.45
    assert on_time < too_early < 1.0


def survivors_of_senolytic(patient: dict[str, float | str]) -> float:
    trial = protocol(spontaneous_senescence=0.0)
    doxorubicin = order("doxorubicin", 60.0, [0.0])
    given = arm(doxorubicin, order("navitoclax", 150.0, navitoclax_from(14.0)))
    return float(cells_after(patient, given, trial, 28.0)[:, SENESCENT:].sum())


def test_mcl1_dependent_tumours_shrug_navitoclax_off() -> None:
    """M15. Catches a senolytic that is blind to the tumour's anti-apoptotic dependence."""
    dependent = survivors_of_senolytic(typical_patient(residual_burden=1e7))
    refractory = survivors_of_senolytic(typical_patient(residual_burden=1e7, bcl2_class="mcl_1"))
    assert refractory > 2.0 * dependent


@pytest.mark.parametrize(
    ("gain", "seen"),
    [
        ("escape", lambda cells: cells[:, ESCAPED:SENESCENT].sum()),
        ("chemo_senescence", lambda cells: cells[:, SENESCENT:].sum()),
        ("awakening", lambda cells: cells[:, 1].sum()),
    ],
)
def test_a_mechanism_that_is_switched_off_is_gone(gain: str, seen: Callable[[np.ndarray], int]) -> None:
    """Catches a switch that is read nowhere: with it on there is something to see, with it off nothing."""
    trial = protocol(spontaneous_senescence=0.0)
    patient = typical_patient(
        residual_burden=1e6,
        senescence_escape_rate=1e-4,
        foci=3.0,
        dormant_prob=1.0,
        dormancy_escape_rate=5e-3,
        spontaneous_senescence_rate=0.0,
    )
    on = cells_after(patient, DOXORUBICIN, trial, 90.0)
    off = cells_after(patient, DOXORUBICIN, with_gains(trial, **{gain: 0.0}), 90.0)
    assert seen(on) > 0
    assert seen(off) == 0


def test_dormant_and_senescent_cells_are_spared_by_chemotherapy() -> None:
    """M14. Catches damage that does not ask whether a cell is in cycle."""
    patient = typical_patient(foci=4.0, dormant_prob=1.0, dormancy_escape_rate=0.0)
    for number in range(1, 20):
        course = Lived(number, DOXORUBICIN, patient, protocol(), seed=3)
        before = course.state.cells[:, DORMANT].copy()
        old = course.state.cells[:, SENESCENT:].sum()
        course.give(0, 1.0)
        np.testing.assert_array_equal(course.state.cells[:, DORMANT], before)
        assert course.state.cells[:, SENESCENT:].sum() >= old


def test_radiation_is_local() -> None:
    """M2. Catches a beam that reaches disseminated foci: they keep every cell, the bed loses most."""
    given = arm(order("radiation", 8.0, [0.0], field="local"))
    patient = typical_patient(foci=3.0, dormant_prob=0.0)
    for number in range(1, 20):
        course = Lived(number, given, patient, protocol(), seed=5)
        before = course.state.cells[:, 0].copy()
        course.give(0, 1.0)
        np.testing.assert_array_equal(course.state.cells[1:, 0], before[1:])
        assert course.state.cells[0, 0] < 0.2 * before[0]


# ---- Couplings: each switched off is its neutral trait, to the bit, and changes what it should ---------------------


def days(first: float, count: int, every: float = 1.0) -> tuple[float, ...]:
    return tuple(first + every * k for k in range(count))


def label(inducer: str) -> slice:
    """The senescent populations of an inducer."""
    first = SENESCENT + INDUCERS.index(inducer) * PER_INDUCER
    return slice(first, first + PER_INDUCER)


def cycling(cells: np.ndarray) -> float:
    return float(cells[:, :DORMANT].sum())


def old(cells: np.ndarray) -> float:
    return float(cells[:, SENESCENT:].sum())


def out(cells: np.ndarray) -> float:
    return float(cells[:, ESCAPED:SENESCENT].sum())


def founded(cells: np.ndarray) -> float:
    """Patients in whom an escaped clone lives."""
    return float((cells[:, ESCAPED:SENESCENT].sum(1) > 0).sum())


def resistant_out(cells: np.ndarray) -> float:
    """Share of escaped cells that no senolytic kills once they arrest again."""
    return float(cells[:, ESCAPED + 1 : SENESCENT : 2].sum()) / max(1.0, out(cells))


RADIATION = arm(order("radiation", 2.0, days(0.0, 5), field="local"))
#: Unlike chemotherapy it does nothing to the host.
CASTRATION = arm(order("castration", 22.5, [0.0]))
#: Much senescence, and nothing but what a case adds: no host, no spontaneous senescence.
TIS: dict[str, float] = {"residual_burden": 1e6, "spontaneous_senescence_rate": 0.0, "host_senescence": 0.0}
ESCAPING: dict[str, float] = TIS | {"senescence_escape_rate": 1e-3, "senescent_clearance_rate": 0.005}
#: Five sleeping foci in a host of 85 years.
SLEEPING: dict[str, float] = {
    "foci": 5.0,
    "dormant_prob": 1.0,
    "local_residual_prob": 0.0,
    "dormancy_escape_rate": 2e-3,
    "age": 85.0,
}
BED: dict[str, float] = TIS | {"local_residual_prob": 1.0, "foci": 0.0}


@dataclass(frozen=True)
class Switch:
    """A gain, the trait value that stands for "none of it", one that makes it strong, and what is then seen."""

    gain: str
    trait: str
    none: float
    strong: float
    seen: Callable[[np.ndarray], float]
    more: bool
    """Whether there is more to see with it on."""
    patient: dict[str, float]
    given: ResolvedArm = DOXORUBICIN
    until: float = 120.0


SWITCHES = (
    Switch("sasp.growth", "sasp_growth", 1.0, 2.0, cycling, True, TIS),
    Switch("sasp.arrest", "sasp_arrest", 0.0, 0.02, old, True, TIS),
    Switch("sasp.immune", "sasp_immunosuppression", 0.0, 0.9, cycling, True, TIS | {"immune_kill_rate": 0.02}),
    Switch("sasp.clearance", "sasp_clearance", 1.0, 4.0, old, False, TIS),
    Switch("sasp.waking", "sasp_waking", 1.0, 4.0, lambda c: float((c[:, AWAKENED] > 0).sum()), True, SLEEPING),
    Switch(
        "sasp.seeding",
        "sasp_seeding",
        1.0,
        8.0,
        lambda c: float(c[:, SEEDED].sum()),
        True,
        BED | {"seeding_rate": 3e-6},
    ),
    Switch("sasp.f3", "f3_boost", 1.0, 6.0, cycling, True, TIS | {"sasp_growth": 2.0}, RADIATION),
    Switch("host_senescence", "host_senescence", 0.0, 1.0, old, True, TIS | {"age": 85.0}, CASTRATION),
    Switch("escape_brake", "escape_brake", 1.0, 9.0, out, False, ESCAPING),
    Switch(
        "reversal",
        "senescence_reversal_rate",
        0.0,
        0.2,
        old,
        False,
        TIS,
        arm(order("palbociclib", 125.0, days(0.0, 21))),
    ),
    Switch(
        "senolytic_resistance",
        "senolytic_resistant_fraction",
        0.0,
        0.2,
        old,
        True,
        TIS,
        arm(order("doxorubicin", 60.0, [0.0]), order("navitoclax", 150.0, days(10.0, 7))),
        30.0,
    ),
    Switch(
        "immune_killing",
        "immune_kill_rate",
        0.0,
        0.006,
        cycling,
        False,
        TIS | {"sasp_immunosuppression": 0.0},
        arm(order("anti-pd-1", 200.0, days(0.0, 4, 21.0))),
    ),
    Switch("seeding", "seeding_rate", 0.0, 1e-5, cycling, True, BED | {"sasp_seeding": 2.0}),
    # Readier establishment at the same net growth leaves the mean as it is: clones are fewer or more, not cells.
    Switch(
        "escaper.establishment",
        "escaper_establishment",
        1.0,
        10.0,
        founded,
        True,
        ESCAPING | {"senescence_escape_rate": 1e-7},
    ),
    Switch("escaper.growth", "escaper_growth", 1.0, 3.0, out, True, ESCAPING),
    Switch(
        "escaper.resistance",
        "escaper_resistance",
        1.0,
        6.0,
        out,
        True,
        ESCAPING,
        arm(order("doxorubicin", 60.0, [0.0, 70.0])),
        100.0,
    ),
)


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.gain)
def test_a_switch_takes_its_mechanism_away_and_nothing_else(switch: Switch) -> None:
    """With the gain at 0 a patient with a strong trait lives as one who has none of it, to the bit; with it on, not so.

    Catches a gain that is read nowhere, at half the places, or that takes something else along; and a mechanism with
    the wrong sign.
    """

    def lived(trait: float, gain: float) -> np.ndarray:
        patient = typical_patient(**(switch.patient | {switch.trait: trait}))
        return cells_after(patient, switch.given, protocol(**{switch.gain: gain}), switch.until)

    on, off = lived(switch.strong, 1.0), lived(switch.strong, 0.0)
    if switch.gain != "seeding":
        np.testing.assert_array_equal(off, lived(switch.none, 1.0))
        on_seen, off_seen = switch.seen(on), switch.seen(off)
        assert on_seen != off_seen
        assert (on_seen > off_seen) == switch.more
    else:
        # What is seeded is gone from the bed; that room for it exists changes no draw.
        np.testing.assert_array_equal(off, lived(switch.none, 1.0))
        assert not np.array_equal(on, off)


@pytest.mark.parametrize(
    "name",
    ["f3-inhibitor", "anti-pd-1", "tsp1", "ruxolitinib", "nfkb-inhibitor", "anti-csf1", "anti-cxcl12"],
)
def test_a_drug_without_a_target_changes_nothing(name: str) -> None:
    """No secretome that does anything, no immune killing, no senescent cell: the course is the same to the bit.

    Catches a drug whose presence alone shortens a step or draws a number. (Navitoclax has a test of its own.)
    """
    given = arm(order(name, 200.0, days(0.0, 10)))
    patient = typical_patient(spontaneous_senescence_rate=0.0)
    treated = cells_after(patient, given, protocol(), 60.0)
    np.testing.assert_array_equal(treated, cells_after(patient, given, protocol(), 60.0, skipped=(name,)))


def test_an_inhibitor_of_f3_acts_after_radiation_only() -> None:
    """M11. Catches an F3 state that chemotherapy makes, and an inhibitor that acts on the whole secretome."""
    patient = typical_patient(**(TIS | {"f3_boost": 6.0, "sasp_growth": 2.0}))
    drug = order("f3-inhibitor", 700.0, days(0.0, 6, 21.0))
    for base, acts in (
        (order("radiation", 2.0, days(0.0, 5), field="local"), True),
        (order("doxorubicin", 60.0, [0.0]), False),
    ):
        treated = cells_after(patient, arm(base, drug), protocol(), 120.0)
        spared = cells_after(patient, arm(base, drug), protocol(), 120.0, skipped=("f3-inhibitor",))
        if acts:
            assert cycling(treated) < cycling(spared)
        else:
            np.testing.assert_array_equal(treated, spared)


def test_the_secretome_of_an_old_host_wakes_more_and_of_a_young_one_less() -> None:
    """The trait's rate of waking is that of a host of sixty. Catches a load that is added to it and not measured in."""
    woken = {}
    for age in (25.0, 60.0, 85.0):
        for gain in (0.0, 1.0):
            patient = typical_patient(**(SLEEPING | {"age": age, "sasp_waking": 4.0}))
            cells = cells_after(patient, arm(), protocol(**{"sasp.waking": gain}), 120.0)
            woken[age, gain] = float(cells[:, AWAKENED].sum())
    np.testing.assert_allclose([woken[25.0, 0.0], woken[85.0, 0.0]], woken[60.0, 0.0], rtol=0.02)
    np.testing.assert_allclose(woken[60.0, 1.0], woken[60.0, 0.0], rtol=0.02)
    assert woken[25.0, 1.0] < woken[60.0, 1.0] < woken[85.0, 1.0]


def test_only_polyploid_cells_escape_unless_the_gain_says_otherwise() -> None:
    """M10. Catches an escape that is blind to ploidy, and a gain without effect."""
    patient = typical_patient(**(ESCAPING | {"polyploid_fraction": 0.0}))
    assert out(cells_after(patient, DOXORUBICIN, protocol(), 90.0)) == 0.0
    assert out(cells_after(patient, DOXORUBICIN, protocol(polyploidy=0.0), 90.0)) > 0.0


PALBOCICLIB = arm(order("palbociclib", 125.0, days(0.0, 21)))


def test_palbociclib_arrests_and_its_cells_cycle_again_off_the_drug() -> None:
    """M3, M5. Of the cells arrested at the last dose most are back two months later, as residual growth and not as
    escape. Catches reversal on the drug, none off it, and a return that is booked as escape."""
    world = protocol(escape=0.0)
    patient = typical_patient(**TIS)
    on_drug, later = (cells_after(patient, PALBOCICLIB, world, until) for until in (21.0, 80.0))
    arrested = on_drug[:, label("cell_cycle")].sum()
    assert arrested > 0.1 * cycling(on_drug)
    assert later[:, label("cell_cycle")].sum() < 0.1 * arrested
    assert out(later) == 0.0
    # With cells that never come back, fewer cycle, and far more of the arrested are left.
    stuck = cells_after(patient, PALBOCICLIB, with_gains(world, reversal=0.0), 80.0)
    np.testing.assert_array_less(stuck[:, RESIDUAL].sum(), later[:, RESIDUAL].sum())
    assert stuck[:, label("cell_cycle")].sum() > 3.0 * later[:, label("cell_cycle")].sum()


def test_reversal_waits_for_the_drug_to_go() -> None:
    """On the drug, few revert. Catches an effect on `reversal` that is read nowhere."""
    agent = protocol().agents["palbociclib"]
    assert isinstance(agent, Targeted)
    loose = agent.model_copy(update={"effects": {k: v for k, v in agent.effects.items() if k != "reversal"}})
    held = cells_after(typical_patient(**TIS), PALBOCICLIB, protocol(), 21.0)
    world = protocol()
    world = world.model_copy(update={"agents": {**world.agents, "palbociclib": loose}})
    free = cells_after(typical_patient(**TIS), PALBOCICLIB, world, 21.0)
    assert held[:, label("cell_cycle")].sum() > 1.5 * free[:, label("cell_cycle")].sum()


def test_irreversible_senescence_stays() -> None:
    """Cells arrested by castration do not cycle again. Catches reversal of every inducer."""
    patient, given = typical_patient(**TIS), arm(order("castration", 22.5, [0.0]))
    world = protocol(escape=0.0)
    np.testing.assert_array_equal(
        cells_after(patient, given, world, 200.0), cells_after(patient, given, with_gains(world, reversal=0.0), 200.0)
    )
    assert cells_after(patient, given, world, 90.0)[:, label("endocrine")].sum() > 0


@pytest.mark.parametrize(
    ("name", "dose", "inducer"), [("palbociclib", 125.0, "cell_cycle"), ("enzalutamide", 160.0, "enzalutamide")]
)
def test_targeted_senescence_is_its_gain(name: str, dose: float, inducer: str) -> None:
    """Catches a stream under another label, and one that the gain does not stop."""
    given = arm(order(name, dose, days(0.0, 14)))
    on, off = (cells_after(typical_patient(**TIS), given, protocol(targeted_senescence=g), 14.0) for g in (1.0, 0.0))
    assert on[:, label(inducer)].sum() > 0
    assert on[:, SENESCENT:].sum() == on[:, label(inducer)].sum()
    assert off[:, SENESCENT:].sum() == 0


def test_modulation_is_its_gain() -> None:
    """M12. Ruxolitinib takes from growth what the secretome adds; with the gain at 0 it does nothing, to the bit."""
    patient = typical_patient(**(TIS | {"sasp_growth": 2.0}))
    given = arm(order("doxorubicin", 60.0, [0.0]), order("ruxolitinib", 40.0, days(1.0, 90)))
    treated = cells_after(patient, given, protocol(), 120.0)
    spared = cells_after(patient, given, protocol(), 120.0, skipped=("ruxolitinib",))
    assert cycling(treated) < cycling(spared)
    np.testing.assert_array_equal(cells_after(patient, given, protocol(modulation=0.0), 120.0), spared)
    unmoved = cells_after(patient, given, protocol(**{"sasp.growth": 0.0}), 120.0)
    np.testing.assert_array_equal(
        unmoved, cells_after(patient, given, protocol(**{"sasp.growth": 0.0}), 120.0, skipped=("ruxolitinib",))
    )


def test_a_drug_changes_the_odds_of_senescence_while_it_is_there() -> None:
    """Rituximab with doxorubicin: more of the lost cells turn senescent. Catches odds that are read before the drug."""
    patient = typical_patient(**(TIS | {"p53_status": "mutant"}))  # type: ignore[arg-type]
    given = arm(order("rituximab", 700.0, [0.0]), order("doxorubicin", 60.0, [1.0]))
    with_drug = cells_after(patient, given, protocol(), 1.5)[:, label("dna_damage")].sum()
    without = cells_after(patient, given, protocol(), 1.5, skipped=("rituximab",))[:, label("dna_damage")].sum()
    gone = cells_after(patient, given, protocol(modulation=0.0), 1.5)[:, label("dna_damage")].sum()
    assert with_drug > 1.3 * without
    assert gone == pytest.approx(without, rel=0.1)


def test_repeated_senolytics_select_resistant_escapers() -> None:
    """M16. Catches resistance that is drawn anew for cells that inherit it, and courses that select nothing.

    Escapers are driven back into senescence by neighbours, so that senolytics meet them again and again.
    """
    patient = typical_patient(
        **(ESCAPING | {"senolytic_resistant_fraction": 0.1, "sasp_arrest": 0.01, "senescence_escape_rate": 3e-3})
    )
    courses = [day for start in range(14, 14 + 21 * 8, 21) for day in days(float(start), 7)]
    given = arm(order("doxorubicin", 60.0, [0.0]), order("navitoclax", 150.0, courses))
    treated = cells_after(patient, given, protocol(), 190.0)
    spared = cells_after(patient, given, protocol(), 190.0, skipped=("navitoclax",))
    assert out(treated) > 0
    assert resistant_out(spared) < 0.2
    assert resistant_out(treated) > 1.5 * resistant_out(spared)
    none = cells_after(patient, given, protocol(senolytic_resistance=0.0), 190.0)
    assert resistant_out(none) == 0.0


def test_without_specificity_a_senolytic_kills_every_inducers_cells_alike() -> None:
    """M15. With the gain at 0 the hazard is the mean over inducers. Catches a gain that scales the killing."""
    agent = protocol().agents["navitoclax"]
    assert isinstance(agent, Senolytic)
    own = [agent.effect_by_inducer[inducer].value for inducer in INDUCERS]  # type: ignore[index]
    given = arm(order("navitoclax", 150.0, [0.0]))
    for gain, expected in ((1.0, own), (0.0, [np.mean(own)] * len(own)), (0.5, 0.5 * (np.mean(own) + np.array(own)))):
        effects = prepared(given, protocol(inducer_specificity=gain)).effects
        killing = effects[effects["target"] == Target.SENOLYTIC_KILL]
        values = dict(zip(killing["inducer"].tolist(), killing["value"].tolist(), strict=True))
        np.testing.assert_allclose([values[i] / agent.emax.value for i in range(len(INDUCERS))], expected)


def test_platelets_fall_by_the_gain_of_toxicity() -> None:
    """Catches a switch of toxicity that is read by the senolytic's killing, or by nothing."""
    given = arm(order("navitoclax", 150.0, days(0.0, 7)))
    for gain, low in ((1.0, True), (0.0, False)):
        course = Lived(1, given, typical_patient(), protocol(toxicity=gain), seed=3)
        for day in days(0.0, 7):
            course.advance(day)
            course.give(0, 1.0)
        course.advance(10.0)
        assert (course.state.platelets.lowest < 200.0) == low


# ---- The host ------------------------------------------------------------------------------------------------------


def test_chemotherapy_ages_the_host_and_a_senolytic_clears_it() -> None:
    """M19. A dose adds its burden at once, which is cleared again; navitoclax takes from it. With the gain at 0 there
    is no host. Catches damage that is not scaled by the dose, and a host that the drug does not reach."""
    agent = protocol().agents["doxorubicin"]
    assert isinstance(agent, Cytotoxic)
    assert agent.host_damage is not None
    given = arm(order("doxorubicin", 30.0, [0.0]), order("navitoclax", 150.0, days(2.0, 7)))
    burdens = {}
    for treated in (False, True):
        course = Lived(1, given, typical_patient(), protocol(), seed=3)
        rest = course.state.host.burden
        course.give(0, 1.0)
        assert course.state.host.burden == pytest.approx(rest + agent.host_damage.value * 30.0 / 60.0)
        for day in days(2.0, 7):
            course.advance(day)
            if treated:
                course.give(1, 1.0)
        course.advance(10.0)
        burdens[treated] = course.state.host.burden
        course.advance(400.0)
        assert course.state.host.burden == pytest.approx(rest, rel=0.02)
    assert burdens[True] < 0.8 * burdens[False]
    without = Lived(1, given, typical_patient(), protocol(host_senescence=0.0), seed=3)
    without.give(0, 1.0)
    assert without.state.host.burden == 0.0


# ---- Seeding -------------------------------------------------------------------------------------------------------


def prepared(given: ResolvedArm, trial: ResolvedProtocol, **traits: float) -> Patient:
    return view_in_python(prepare(typical_patient(**traits), given, trial, patient=1, seed=1), PATIENT)


def seeding_patient(foci: int, cells: int = 1000) -> Patient:
    """A patient with room for foci, of which ``foci`` are in use with so many cells each."""
    patient = prepared(arm(), protocol(), seeding_rate=1e-9)
    assert patient.lesions.size > foci + 1
    for lesion in range(1, foci + 1):
        patient.lesions["cells"][lesion, RESIDUAL] = cells + lesion
    patient.body["lesions"] = foci + 1
    return patient


def free_place(patient: Patient) -> int:
    return cells_of._free_place(named(patient.body)[0], patient.lesions)


def test_a_seed_takes_unused_room() -> None:
    """Catches a seed that joins a living focus while there is room, and room that is used twice."""
    patient = seeding_patient(2)
    assert free_place(patient) == 3
    assert patient.body["lesions"] == 4
    assert patient.lesions["wake_left"][3] == np.inf
    assert np.isnan(patient.lesions["crossed"][3])


def test_a_dead_focus_makes_room() -> None:
    """Its place is taken, as a lesion that never crossed a limit. Catches dates that outlive their lesion."""
    patient = seeding_patient(3)
    lesion = named(patient.lesions)[2]
    lesion.cells[:] = 0
    lesion.wake_left, lesion.crossed, lesion.first_escape, lesion.infiltrate = 0.4, 12.0, 7.0, 0.9
    assert free_place(patient) == 2
    assert patient.body["lesions"] == 4
    assert np.isnan([lesion.crossed, lesion.first_escape]).all()
    assert (lesion.wake_left, lesion.infiltrate) == (np.inf, 0.0)


def test_without_room_a_seed_joins_the_smallest_focus() -> None:
    """Catches a write past the end of a patient's arrays, and a seed that goes to the local bed."""
    room = seeding_patient(0).lesions.size - 1
    patient = seeding_patient(room - 1)
    patient.lesions["cells"][room, RESIDUAL] = 5000
    patient.body["lesions"] = room + 1
    patient.lesions["crossed"][1] = 3.0
    assert free_place(patient) == 1
    assert patient.body["lesions"] == room + 1
    assert patient.lesions["crossed"][1] == 3.0


def test_a_patient_without_foci_and_room_loses_seeds() -> None:
    """Catches a seed in the bed that it left."""
    patient = prepared(arm(), protocol())
    assert patient.lesions.size == 1
    assert free_place(patient) == LOCAL


def lived(patient: dict[str, float | str], world: ResolvedProtocol, until: float, number: int) -> Seen:
    course = Lived(number, arm(), patient, world, seed=13)
    course.advance(until)
    return course.state


def test_seeds_found_foci_and_most_die_out() -> None:
    """Willis 2010: single cells establish seldom. New foci appear with the gain on and are distant; none with it off.

    Catches seeds that all survive (a clone of one cell is lost with probability near death / birth) and seeds that
    stay at home.
    """
    patient = typical_patient(**(BED | {"seeding_rate": 2e-8, "residual_burden": 1e7}))
    kept = founded = 0
    for number in range(1, 30):
        on, off = (lived(patient, protocol(seeding=gain), 30.0, number) for gain in (1.0, 0.0))
        assert off.cells[1:].sum() == 0
        used = int(on.body.lesions)
        founded += used - 1
        kept += int((on.cells[1:].sum(axis=1) > 0).sum())
        assert on.cells[used:].sum() == 0
    assert founded > 0
    # 2e-7 x 1e7 x 30 days: some six seeds a patient; a place is in use from its first seed on.
    assert 0 < kept < founded


def test_many_seeds_in_few_places_break_nothing() -> None:
    """A seeding rate at which every place is full. Catches an index past the arrays and cells lost without a place."""
    patient = typical_patient(**(BED | {"seeding_rate": 1e-4, "residual_burden": 1e6}))
    for number in range(1, 6):
        state = lived(patient, protocol(), 60.0, number)
        assert state.body.lesions == state.cells.shape[0]
        assert state.cells.min() >= 0
        assert (state.cells[1:].sum(axis=1) > 0).sum() >= state.cells.shape[0] - 3


def test_only_aided_seeds_of_cycling_cells_are_called_so() -> None:
    """Seeds that the load did not add keep their lineage, and so do those of escaped cells; without the load's help no
    cell is of seeded origin, and foci are still seeded. Catches a lineage that seeding rewrites."""
    secretes = BED | {"seeding_rate": 1e-5, "sasp_seeding": 6.0, "age": 85.0, "host_senescence": 2.0}
    foci = {}
    for gain in (1.0, 0.0):
        cells = np.sum(
            [
                lived(typical_patient(**secretes), protocol(**{"sasp.seeding": gain}), 40.0, n).cells[1:]
                for n in range(1, 15)
            ],
            axis=(0, 1),
        )
        foci[gain] = cells
        assert cells[RESIDUAL] > 0
    assert foci[1.0][SEEDED] > 0
    assert foci[0.0][SEEDED] == 0
    course = Lived(1, arm(), typical_patient(seeding_rate=1e-9), protocol(), seed=2)
    cells, rates = course.own.lesions["cells"], named(course.own.body)[0].rates
    cells[:] = 0
    cells[0, escaped(0, 1)], cells[0, senescent(0, 0, 0, 1)] = 10_000, 5_000
    course.own.body["lesions"], course.own.lesions["quiet"] = 1, False
    rates.seeding, rates.sasp_seeding = 0.01, 5.0
    course.advance(20.0)
    left = course.state.cells
    assert left[:, SEEDED].sum() == 0
    assert left[1:, escaped(0, 1)].sum() > 0
