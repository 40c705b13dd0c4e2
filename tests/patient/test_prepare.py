"""Every trait, dose and gain reaches the number it is meant for, and no other.

A trait that is read nowhere, or in the wrong place, changes no mean by much; so each is held to its formula here.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.patient.lived import Lived
from tests.patient.protocols import arm, order, shipped, typical_patient, with_agents, with_gains
from trialsim.biology import host
from trialsim.biology.populations import DORMANT, RESIDUAL, SENESCENT, SPONTANEOUS, senescent
from trialsim.biology.rates import Rates, Target
from trialsim.biology.secretome import load_secretome
from trialsim.patient.prepare import lesion_rates, prepare
from trialsim.patient.state import PATIENT, Patient, view_in_python
from trialsim.spec.agents import INDUCERS, Cytotoxic, Senolytic
from trialsim.spec.resolved import Order
from trialsim.spec.traits import GAINS as GAINS_OF_THE_MODEL
from trialsim.treatment.library import load_library

PROTOCOL = with_agents(shipped())
GAINS = PROTOCOL.biology
DOXORUBICIN = load_library()["doxorubicin"]
NAVITOCLAX = load_library()["navitoclax"]
assert isinstance(DOXORUBICIN, Cytotoxic)
assert isinstance(NAVITOCLAX, Senolytic)

#: A patient in whom every coupling does something. The load at rest is that of the host, so that what moves senescent
#: cells of the tumour does not move it.
COUPLED = typical_patient(
    spontaneous_senescence_rate=0.0,
    escaper_establishment=3.0,
    age=60.0,
    host_senescence=1.2,
    immune_kill_rate=0.004,
    seeding_rate=1e-9,
    sasp_intensity=1.5,
    sasp_growth=1.3,
    sasp_seeding=2.5,
    sasp_waking=1.8,
    sasp_immunosuppression=0.6,
    sasp_arrest=0.002,
    sasp_clearance=1.7,
    f3_boost=3.0,
    escape_brake=3.0,
)
#: Rates that a gain multiplies.
HALVED = {
    *("clearance", "escape", "crowding", "spontaneous_rate", "reversal", "latent_resistance", "immune_kill"),
    *("seeding", "sasp_growth", "sasp_seeding", "sasp_immune", "sasp_arrest", "sasp_clearance", "sasp_f3", "wake"),
}


def changed(before: Rates, after: Rates) -> set[str]:
    """Rates that differ by more than rounding."""
    return {
        name
        for name in Rates.__annotations__
        if not np.allclose(getattr(before, name), getattr(after, name), rtol=1e-9, atol=0.0, equal_nan=True)
    }


def prepared(*orders: Order, gains: dict[str, float] | None = None, seed: int = 1, **traits: float | str) -> Patient:
    protocol = with_gains(PROTOCOL, **(gains or {}))
    return view_in_python(prepare(typical_patient(**traits), arm(*orders), protocol, patient=1, seed=seed), PATIENT)


def in_host_of(age: float) -> float:
    """Clearance in tumours of a typical host of this age, against that of sixty years in whom it is stated."""
    return (host.KAPPA + host.rest_burden(60.0, 1.0)) / (host.KAPPA + host.rest_burden(age, 1.0))


def test_what_treatment_does_to_the_stroma_leaves_clearance_alone() -> None:
    """A senolytic on the stroma alone, or damage to it alone, moves the host's burden and no cell of a tumour but by
    the load, which is switched off here. Catches clearance that follows the stroma within a trial."""
    nothing = NAVITOCLAX.host_effect.model_copy(update={"value": 0.0})
    alone = NAVITOCLAX.model_copy(update={"effect_by_inducer": dict.fromkeys(NAVITOCLAX.effect_by_inducer, nothing)})
    protocol = with_gains(PROTOCOL, **{gain: 0.0 for gain in GAINS if gain.startswith("sasp.")})
    protocol = protocol.model_copy(update={"agents": {**protocol.agents, "navitoclax": alone}})
    left, burden = [], []
    for doses in ((), range(14)):
        given = arm(order("navitoclax", 150.0, [float(day) for day in doses]))
        course = Lived(1, given, typical_patient(spontaneous_senescence_rate=1e-3), protocol, seed=1)
        for day in doses:
            course.advance(float(day))
            course.give(0, 1.0)
        course.advance(60.0)
        left.append(int(course.state.cells[:, SENESCENT:].sum()))
        burden.append(float(course.state.host.burden))
    assert burden[1] < 0.9 * burden[0]
    assert left[0] > 1e4
    assert abs(left[1] - left[0]) < 5 * math.sqrt(left[0] + left[1])


def test_lesion_rates_are_the_traits() -> None:
    """Catches a trait that is read nowhere or in another's place."""
    rates = lesion_rates(
        typical_patient(
            age=40.0,
            birth_rate=0.2,
            doubling_time=50.0,
            spontaneous_senescence_rate=0.003,
            maturation_time=5.0,
            escape_latency=25.0,
            senescent_clearance_rate=0.011,
            senescence_escape_rate=3e-6,
            polyploid_fraction=0.37,
            senolytic_resistant_fraction=0.02,
            dormancy_escape_rate=7e-5,
            carrying_capacity=1e12,
            doubling_time_burden=1e8,
        ),
        GAINS,
    )
    expected = {
        "birth": 0.2,
        "death": 0.2 - 0.003 - math.log(2) / 50.0,
        "spontaneous_rate": 0.003,
        "maturation": 1 / 5.0,
        "competence": 1 / 20.0,
        "clearance": 0.011 * in_host_of(40.0),
        "escape": 3e-6,
        "polyploid_share": 0.37,
        "latent_resistance": 0.02,
        "wake": 7e-5,
        "capacity": 1e12,
        "reference": 1e8,
        "crowding": 1.0,
    }
    assert {name: getattr(rates, name) for name in expected} == pytest.approx(expected)


#: What follows the load of a lesion at rest, which hangs on how its spontaneously senescent cells come and go.
AT_REST = {"death", "escaped_death", "growth_at_rest"}


@pytest.mark.parametrize(
    ("gain", "moved"),
    [
        ("clearance", {"clearance", *AT_REST}),
        ("escape", {"escape", *AT_REST}),
        ("awakening", {"wake"}),
        ("crowding", {"crowding", "escaped_birth", "escaped_death"}),
        ("spontaneous_senescence", {"spontaneous_rate", "death", "escaped_death"}),
        ("escape_brake", {"escape", *AT_REST}),
        ("polyploidy", {"diploid_escape"}),
        ("reversal", {"reversal"}),
        ("senolytic_resistance", {"latent_resistance"}),
        ("immune_killing", {"immune_kill", "death", "escaped_death"}),
        ("seeding", {"seeding"}),
        ("escaper.establishment", {"escaped_birth", "escaped_death"}),
        ("escaper.growth", {"escaped_birth", "escaped_death", "escaped_net"}),
        ("sasp.growth", {"sasp_growth", "growth_at_rest"}),
        ("sasp.seeding", {"sasp_seeding"}),
        ("sasp.immune", {"sasp_immune", "death", "escaped_death"}),
        ("sasp.arrest", {"sasp_arrest", *AT_REST}),
        ("sasp.clearance", {"sasp_clearance", *AT_REST}),
        ("sasp.f3", {"sasp_f3"}),
        ("p53_steering", set()),
        ("chemo_senescence", set()),
        ("radiation_senescence", set()),
        ("targeted_senescence", set()),
        ("modulation", set()),
        ("senolytic_kill", set()),
        ("inducer_specificity", set()),
        ("toxicity", set()),
        ("biomarker_error", set()),
        ("escaper.resistance", set()),
    ],
)
def test_a_gain_moves_its_own_rates_only(gain: str, moved: set[str]) -> None:
    """Catches a gain that is ignored, and one that leaks into another mechanism."""
    patient = typical_patient() if gain == "spontaneous_senescence" else COUPLED
    whole, half = lesion_rates(patient, GAINS), lesion_rates(patient, {**GAINS, gain: 0.5})
    assert changed(whole, half) == moved
    for at in moved & HALVED - ({"escape"} if gain == "escape_brake" else set()):
        assert getattr(half, at) == pytest.approx(0.5 * getattr(whole, at))


def test_the_gains_that_move_more_move_that_only() -> None:
    """Waking is measured with the load of the usual host, and the host's age is in the load at rest."""
    whole = lesion_rates(COUPLED, GAINS)
    for gain, moved in (
        ("sasp.waking", {"sasp_waking", "wake"}),
        ("host_senescence", {"host_share", "clearance", "growth_at_rest", "death", "escaped_death", "wake"}),
    ):
        half = lesion_rates(COUPLED, {**GAINS, gain: 0.5})
        assert changed(whole, half) == moved


def test_every_gain_is_looked_at() -> None:
    """Catches a gain that is added to the model and to no test here."""
    (cases,) = (mark.args[1] for mark in test_a_gain_moves_its_own_rates_only.pytestmark if mark.name == "parametrize")
    assert {gain for gain, _ in cases} | {"sasp.waking", "host_senescence"} == set(GAINS_OF_THE_MODEL)


def test_couplings_are_the_traits() -> None:
    """Catches a trait of the secretome, of immunity or of the host that is read nowhere or in another's place."""
    rates, data = lesion_rates(COUPLED, GAINS), load_secretome()
    burden = host.rest_burden(COUPLED["age"], 1.2)
    expected = {
        "escape": 1e-6 * 2 / (1 + 3.0),
        "reversal": 0.1,
        "immune_kill": 0.004,
        "seeding": 1e-9,
        "sasp_intensity": 1.5,
        "sasp_growth": 0.3,
        "sasp_seeding": 1.5,
        "sasp_waking": 0.8,
        "sasp_immune": 0.6,
        "sasp_arrest": 0.002,
        "sasp_clearance": 0.7,
        "sasp_f3": 2.0,
        "host_share": 0.01 * burden,
        "infiltration_time": data.infiltration_time.value,
    }
    assert {name: getattr(rates, name) for name in expected} == pytest.approx(expected)
    for at, inducer in enumerate(INDUCERS):
        assert rates.weight[at] == data.weights[inducer].value  # type: ignore[index]


def test_growth_at_rest_is_the_doubling_time_with_every_coupling() -> None:
    """With all that speeds and all that takes cells at the load at rest, net growth is that of the doubling time,
    whatever is switched off. Catches a coupling that makes the tumour grow faster or slower by being there."""
    for gains in ({}, {"sasp.immune": 0.0}, {"sasp.arrest": 0.0}, {"sasp.growth": 0.0}, {"immune_killing": 0.0}):
        rates = lesion_rates(COUPLED, {**GAINS, **gains})
        rest = (rates.growth_at_rest - 1.0) / rates.sasp_growth if rates.sasp_growth > 0 else None
        if rest is None:
            rest = (lesion_rates(COUPLED, GAINS).growth_at_rest - 1.0) / 0.3
        arrest = rates.spontaneous_rate + rates.sasp_arrest * rest
        killed = rates.immune_kill * (1.0 - rates.sasp_immune * rest / (1.0 + rest))
        net = rates.birth - rates.death - arrest - killed
        assert net == pytest.approx(math.log(2) / 100.0)
        assert rates.net == pytest.approx(math.log(2) / 100.0)


def test_growth_is_the_doubling_time_with_or_without_spontaneous_senescence() -> None:
    """Catches a switch that makes the tumour grow faster."""
    for gain in (0.0, 1.0):
        rates = lesion_rates(typical_patient(doubling_time=80.0), {**GAINS, "spontaneous_senescence": gain})
        net = rates.birth - rates.death - rates.spontaneous_rate
        assert net == pytest.approx(math.log(2) / 80.0)


def _chemotherapy(**traits: float | str) -> np.void:
    return prepared(order("doxorubicin", 45.0, [0.0]), **traits).orders[0]


def test_chemotherapy_is_log_kill_by_exposure_sensitivity_and_repair() -> None:
    """Catches a factor that is left out: dose, clearance, sensitivity, repair by p53, resistance of escapers."""
    fates = DOXORUBICIN.fates
    for status, fate in (("wild_type", fates.wild_type), ("mutant", fates.mutant)):
        assert fate.repair is not None
        line = _chemotherapy(p53_status=status, drug_clearance=1.3, chemosensitivity=0.8, escaper_resistance=2.5)
        hits = math.log(10) * DOXORUBICIN.log_kill.value * (45 / 60) / 1.3 * 0.8 * (1 - fate.repair.value)
        assert line["hits"] == pytest.approx(hits)
        assert line["hits_escaped"] == pytest.approx(hits / 2.5)
        share = fate.senescence.value
        assert line["odds"] == pytest.approx(share / (1 - share))
    assert line["relative"] == pytest.approx(0.75)
    assert line["shift"] == fates.death_shift.value
    assert line["local_only"] == 0.0
    assert line["drug"] == -1.0


def test_an_unresponsive_tumour_takes_no_damage() -> None:
    """Catches a response that is drawn and not used."""
    assert _chemotherapy(chemo_response="unresponsive")["hits"] == 0.0


@pytest.mark.parametrize("agent", ["doxorubicin", "cyclophosphamide", "paclitaxel"])
def test_senescent_cells_carry_their_inducer(agent: str) -> None:
    """Catches one inducer for all drugs: a course leaves cells under its own agent's inducer."""
    given = load_library()[agent]
    assert isinstance(given, Cytotoxic)
    course = Lived(1, arm(order(agent, given.reference_dose.value, [0.0])), typical_patient(), PROTOCOL, seed=1)
    course.give(0, 1.0)
    cells = course.state.cells[0]
    own = INDUCERS.index(given.inducer)
    for inducer in range(len(INDUCERS)):
        count = cells[senescent(inducer, 0, 0, 0) : senescent(inducer, 0, 0, 0) + 12].sum()
        assert (count > 0) == (inducer in (own, SPONTANEOUS))


def test_radiation_is_linear_quadratic_in_its_own_dose() -> None:
    """Catches a fixed fraction size, chemotherapy's sensitivity in radiation, and a switch read from chemotherapy."""
    line = prepared(
        order("radiation", 3.0, [0.0], field="local"),
        gains={"radiation_senescence": 0.25, "chemo_senescence": 0.5},
        radio_alpha=0.3,
        radio_alpha_beta=4.0,
        chemosensitivity=5.0,
        chemo_response="unresponsive",
    ).orders[0]
    assert line["hits"] == line["hits_escaped"] == pytest.approx(0.3 * 3.0 * (1 + 3.0 / 4.0))
    assert line["relative"] == pytest.approx(1.5)
    assert line["senescence_gain"] == 0.25
    assert line["inducer"] == INDUCERS.index("radiation")
    assert line["local_only"] == 1.0


def test_a_senolytic_is_its_kinetics_and_the_patients_sensitivity() -> None:
    """Catches clearance on the volume, a class or inducer that is ignored, and killing that no gain switches off."""
    own = {"drug_clearance": 0.7, "senolytic_sensitivity": 1.4, "bcl2_class": "mcl_1"}
    patient = prepared(order("navitoclax", 150.0, [0.0]), gains={"senolytic_kill": 0.5}, **own)
    drug, kinetics = patient.drugs[0], NAVITOCLAX.pk
    assert drug["absorption"] == pytest.approx(24 * kinetics.absorption.value)
    assert drug["elimination"] == pytest.approx(24 * 0.7 * kinetics.clearance.value / kinetics.volume.value)
    assert drug["per_mg"] == pytest.approx(1000 / (kinetics.molar_mass.value * kinetics.volume.value))
    assert drug["ec50"] == NAVITOCLAX.ec50.value
    assert patient.body["rates"]["immature_kill_share"][0] == NAVITOCLAX.immature_effect.value
    factor = NAVITOCLAX.effect_by_class["mcl_1"].value * 1.4 * 0.5 * NAVITOCLAX.emax.value
    expected = [factor * NAVITOCLAX.effect_by_inducer[inducer].value for inducer in INDUCERS]  # type: ignore[index]
    effects = patient.effects
    killing = effects[effects["target"] == Target.SENOLYTIC_KILL]
    np.testing.assert_array_equal(killing["inducer"], range(len(INDUCERS)))
    np.testing.assert_allclose(killing["value"], expected)
    assert (effects["drug"] == 0).all()
    assert effects["is_hazard"].all()
    emax = 0.5 * NAVITOCLAX.emax.value
    # What has no effect (the source saw none on cycling cells) makes no line.
    assert NAVITOCLAX.cycling_effect.value == 0.0
    assert Target.KILL_CYCLING not in effects["target"]
    (on_host,) = effects["value"][effects["target"] == Target.HOST_KILL]
    assert on_host == pytest.approx(emax * NAVITOCLAX.host_effect.value)
    assert patient.orders[0]["amount"] == 150.0


def test_lesions_follow_their_distributions() -> None:
    """Poisson foci, log-normal sizes, dormant and residual shares, within 5 standard errors. Catches a fixed size."""
    spread, patients = PROTOCOL.cohort.focus_spread, 1500
    foci, logs, dormant, local = [], [], 0, 0
    for seed in range(patients):
        patient = prepared(seed=seed, foci=3.0, dormant_prob=0.3, local_residual_prob=0.6, focus_burden=1e5)
        cells = patient.lesions["cells"]
        local += int(cells[0, RESIDUAL] > 0)
        foci.append(len(cells) - 1)
        sizes = cells[1:, RESIDUAL] + cells[1:, DORMANT]
        logs += np.log(sizes / 1e5).tolist()
        dormant += int((cells[1:, DORMANT] > 0).sum())
    n = len(logs)
    assert abs(np.mean(foci) - 3.0) < 5 * math.sqrt(3.0 / patients)
    assert abs(np.var(foci) - 3.0) < 5 * math.sqrt((3.0 + 2 * 9.0) / patients)
    assert abs(np.mean(logs)) < 5 * spread / math.sqrt(n)
    assert abs(np.std(logs) - spread) < 5 * spread / math.sqrt(2 * n)
    assert abs(dormant / n - 0.3) < 5 * math.sqrt(0.21 / n)
    assert abs(local / patients - 0.6) < 5 * math.sqrt(0.24 / patients)


@pytest.mark.parametrize(
    ("age", "coupled"),
    [
        (60.0, {}),
        (25.0, {}),
        (60.0, {"sasp_clearance": 2.0}),
        (60.0, {"sasp_arrest": 4e-3, "sasp_immunosuppression": 0.0}),
    ],
    ids=["plain", "young host", "recruited clearance", "paracrine arrest"],
)
def test_a_growing_tumour_starts_with_its_spontaneously_senescent_cells(age: float, coupled: dict[str, float]) -> None:
    """The pool at the start is the one that growth keeps: two months on, its share has not moved.

    Catches a pool that starts empty, or at the steady state of a tumour that does not grow, or of another host's
    clearance.
    """
    share: dict[float, float] = {}
    own = typical_patient(
        residual_burden=1e7, spontaneous_senescence_rate=5e-3, doubling_time=150.0, age=age, **coupled
    )
    for until in (0.0, 60.0):
        cycling = aged = 0
        for number in range(1, 30):
            course = Lived(number, arm(), own, with_gains(PROTOCOL, crowding=0.0), seed=2)
            course.advance(until)
            cells = course.state.cells[0]
            cycling += int(cells[RESIDUAL])
            aged += int(cells[SENESCENT:].sum())
        share[until] = aged / cycling
    assert share[0.0] == pytest.approx(share[60.0], rel=0.01)
    assert share[0.0] > 0.05


def test_a_scan_has_its_error_of_measurement() -> None:
    """A lesion one standard deviation under the limit is seen in 15.9 % of scans. Catches a scan without error."""
    detection = PROTOCOL.detection.model_copy(update={"error_sd_log10": 0.2, "limit_cells": 1e6})
    protocol = PROTOCOL.model_copy(update={"detection": detection})
    own = typical_patient(residual_burden=round(1e6 * 10**-0.2), spontaneous_senescence_rate=1e-12)
    course = Lived(1, arm(), own, protocol, seed=5)
    seen = np.mean([course.assess() is not None for _ in range(3000)])
    assert abs(seen - 0.1587) < 5 * math.sqrt(0.1587 * 0.8413 / 3000)


def test_a_senolytics_effect_on_cycling_cells_is_felt() -> None:
    """Catches an effect on cycling cells that is computed and not applied."""
    harsh = NAVITOCLAX.model_copy(
        update={"cycling_effect": NAVITOCLAX.cycling_effect.model_copy(update={"value": 1.0})}
    )
    protocol = PROTOCOL.model_copy(update={"agents": {**PROTOCOL.agents, "navitoclax": harsh}})
    given = arm(order("navitoclax", 150.0, range(7)))
    left = {}
    for name, world in (("harsh", protocol), ("as published", PROTOCOL)):
        course = Lived(1, given, typical_patient(spontaneous_senescence_rate=1e-9), world, seed=1)
        for day in range(7):
            course.advance(float(day))
            course.give(0, 1.0)
        course.advance(8.0)
        left[name] = int(course.state.cells[0, RESIDUAL])
    assert left["harsh"] < 0.5 * left["as published"]
