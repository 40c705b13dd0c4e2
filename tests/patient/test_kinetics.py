"""A patient's own kinetics: the course follows the closed forms, body and kidneys count, agents vary by themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.patient.lived import Lived
from tests.patient.protocols import arm, order, shipped, typical_patient
from trialsim.biology.populations import SENESCENT
from trialsim.patient.kinetics import BodySize, body, draw_deviates, folds
from trialsim.patient.prepare import prepare
from trialsim.patient.state import PATIENT, Patient, view_in_python
from trialsim.spec.agents import Agent, Pharmacokinetics, Senolytic, Sourced
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol
from trialsim.treatment import pharmacokinetics as kin
from trialsim.treatment.library import load_library

LIBRARY = load_library()
#: The deviates of two thousand patients, whose mean and spread are known to within BOUND standard errors (alpha 1e-6).
N, BOUND = 2000, 4.9


def number(value: float) -> Sourced:
    return Sourced(value=value, unit="made up", source="chosen for a test", confidence="low")


def with_pk(name: str, **changes: float | None) -> ResolvedProtocol:
    """The flagship with numbers of one agent's kinetics changed; None takes one away."""
    agent = LIBRARY[name]
    own = agent.pk  # type: ignore[union-attr]
    assert own is not None
    data: dict[str, Any] = {key: None if value is None else number(value) for key, value in changes.items()}
    agents: dict[str, Agent] = dict(LIBRARY)
    agents[name] = agent.model_copy(update={"pk": Pharmacokinetics.model_validate({**dict(own), **data})})
    return shipped().model_copy(update={"agents": agents})


def prepared(traits: dict[str, float | str], given: ResolvedArm, protocol: ResolvedProtocol) -> Patient:
    return view_in_python(prepare(traits, given, protocol, patient=1, seed=1), PATIENT)


def rates_of(kinetics: Pharmacokinetics) -> kin.Disposition:
    volume = kinetics.volume.value
    assert kinetics.exchange is not None
    assert kinetics.tissue_volume is not None
    return kin.Disposition(
        0.0 if kinetics.absorption is None else 24.0 * kinetics.absorption.value,
        24.0 * kinetics.clearance.value / volume,
        24.0 * kinetics.exchange.value / volume,
        24.0 * kinetics.exchange.value / kinetics.tissue_volume.value,
    )


@pytest.mark.parametrize(
    ("changes", "lag", "infusion"),
    [
        ({"lag": 1.5, "exchange": 8.0, "tissue_volume": 300.0}, 1.5, 0.0),
        ({"absorption": None, "infusion": 3.0, "exchange": 8.0, "tissue_volume": 300.0}, 0.0, 3.0),
        ({"absorption": None, "infusion": 20.0, "lag": 2.0, "exchange": 8.0, "tissue_volume": 300.0}, 2.0, 20.0),
    ],
    ids=["oral with a lag", "infusion", "long infusion after a lag"],
)
def test_a_course_follows_the_closed_form(changes: dict[str, float | None], lag: float, infusion: float) -> None:
    """Plasma at odd times between doses, to 1e-8: through whatever steps cells and platelets make the course take.

    Catches a dose let in twice, too early or not at all, an infusion that outlives its end, and a course at rest that
    forgets a dose in its lag.
    """
    protocol = with_pk("navitoclax", **changes)
    agent = protocol.agents["navitoclax"]
    assert isinstance(agent, Senolytic)
    days = [0.0, 1.0, 2.0, 9.0]
    given = order("navitoclax", 150.0, days)
    # Without cells the patient is at rest between the third and the fourth dose's end.
    course = Lived(1, arm(given), typical_patient(local_residual_prob=0.0), protocol, seed=1)
    whole = Lived(1, arm(given), typical_patient(), protocol, seed=1)
    for one in (course, whole):
        doses: list[tuple[float, float]] = []
        for day in (0.0, 0.01, 0.04, 0.11, 0.5, 1.0, 1.03, 1.9, 2.0, 2.05, 2.8, 3.6, 5.0, 9.0, 9.07, 9.4, 10.5):
            one.advance(day)
            now = kin.plasma_amount(rates_of(agent.pk), doses, day, lag=lag / 24.0, infusion=infusion / 24.0)
            assert one.state.drugs["plasma"][0] == pytest.approx(now, rel=1e-8, abs=1e-5)
            if day in days:
                one.give(0, 1.0)
                doses.append((day, 150.0))
        assert len(doses) == 4


def test_a_lag_moves_the_effect_and_two_compartments_prolong_it() -> None:
    """Catches an agent whose new kinetics reach the amounts and not the cells."""
    traits = typical_patient(senescence_escape_rate=0.0)

    def killed(protocol: ResolvedProtocol) -> float:
        course = Lived(
            1, arm(order("doxorubicin", 60.0, [0.0]), order("navitoclax", 325.0, [20.0])), traits, protocol, seed=3
        )
        course.give(0, 1.0)
        course.advance(20.0)
        before = int(course.state.cells[0, SENESCENT:].sum())
        course.give(1, 1.0)
        course.advance(20.6)
        return 1.0 - int(course.state.cells[0, SENESCENT:].sum()) / before

    plain = killed(with_pk("navitoclax"))
    assert killed(with_pk("navitoclax", lag=14.0)) < 0.2 * plain
    assert killed(with_pk("navitoclax", clearance=2.5)) > plain


def test_half_the_clearance_is_twice_the_exposure_of_a_drug_and_of_chemotherapy() -> None:
    """Catches a clearance that moves the half-life of one kind of agent alone. Exact, for both kinds."""
    given = arm(order("navitoclax", 150.0, [0.0]), order("docetaxel", 75.0, [0.0]))
    protocol = with_pk("navitoclax")

    def own(**traits: float) -> Patient:
        return prepared(typical_patient(**traits), given, protocol)

    slow, usual = own(drug_clearance=0.5), own()
    area = [own.drugs["per_mg"][0] / own.drugs["elimination"][0] for own in (slow, usual)]
    assert area[0] == 2.0 * area[1]
    assert slow.orders["hits"][1] == 2.0 * usual.orders["hits"][1]


def test_a_bodys_size_counts_where_a_dose_goes_by_it_and_clearance_does_not() -> None:
    """60 mg/m2 in twice the surface is twice the mg; what clearance follows cancels. Catches flat doses that scale."""
    large = {"body_weight": 140.0, "body_height": 333.2}
    navitoclax, docetaxel = order("navitoclax", 150.0, [0.0]), order("docetaxel", 75.0, [0.0])
    protocol = with_pk("docetaxel", clearance_by_weight=None)

    def own(given: Order, protocol: ResolvedProtocol, traits: dict[str, float]) -> Patient:
        return prepared(typical_patient() | traits, arm(given), protocol)

    assert own(navitoclax, protocol, large).orders["amount"][0] == 150.0
    usual, doubled = (own(docetaxel, protocol, body).orders["hits"][0] for body in ({}, large))
    assert doubled == pytest.approx(2.0 * usual, rel=1e-12)
    with_size = with_pk("docetaxel", clearance_by_weight=1.0)
    assert own(docetaxel, with_size, large).orders["hits"][0] == pytest.approx(usual, rel=1e-12)
    # Without kinetics of its own an agent's clearance goes with the dose: size cancels.
    bare = {**LIBRARY, "docetaxel": LIBRARY["docetaxel"].model_copy(update={"pk": None})}
    without = protocol.model_copy(update={"agents": bare})
    assert own(docetaxel, without, large).orders["hits"][0] == usual
    by_weight = navitoclax.model_copy(update={"dose_unit": "mg/kg", "dose": 2.0})
    assert own(by_weight, protocol, large).orders["amount"][0] == 280.0


@pytest.mark.parametrize("filtration", [30.0, 90.0, 140.0])
def test_calvert_reaches_its_area_whatever_the_kidneys(filtration: float) -> None:
    """Carboplatin at 5 AUC has the area aimed at in every patient; a flat dose does not. Catches 25 mL/min left out."""
    agent = LIBRARY["carboplatin"]
    kinetics = agent.pk  # type: ignore[union-attr]
    assert kinetics is not None
    own = BodySize(70.0, 166.6, filtration)
    milligrams = 5.0 * own.per_unit("AUC")
    assert milligrams == kin.calvert_dose(5.0, filtration)
    clearance = kinetics.clearance.value * folds(kinetics, own, (0.0, 0.0)).clearance
    assert milligrams / (clearance * 1000.0 / 60.0) == pytest.approx(5.0, rel=1e-3)
    hits = [
        prepared(
            typical_patient() | {"filtration": mL}, arm(order("carboplatin", 5.0, [0.0])), with_pk("carboplatin")
        ).orders["hits"][0]
        for mL in (filtration, 90.0)
    ]  # fmt: skip
    assert hits[0] == pytest.approx(hits[1], rel=1e-3)


def test_a_body_that_the_cohort_leaves_out_is_typical() -> None:
    """Catches a default that is not the one the clearance refers to: 70 kg, 1.80 m2, 90 mL/min."""
    assert body({}) == BodySize(70.0, 166.6, 90.0)
    assert body({}).per_unit("mg/m2") == pytest.approx(1.8, abs=1e-3)
    with_body = typical_patient() | {"body_weight": 70.0, "body_height": 166.6, "filtration": 90.0}
    given = arm(order("navitoclax", 150.0, [0.0]), order("docetaxel", 75.0, [0.0]))
    protocol = with_pk("navitoclax")
    mine, other = (prepared(traits, given, protocol) for traits in (typical_patient(), with_body))
    for field in Patient._fields:
        assert getattr(mine, field).tobytes() == getattr(other, field).tobytes(), field


def test_patients_vary_by_agent_as_stated() -> None:
    """Mean 0, standard deviation 1 in 2,000 patients, two agents uncorrelated. Catches one stream for all."""
    z = np.array([[draw_deviates(a, p, seed=5) for a in ("navitoclax", "docetaxel")] for p in range(1, N + 1)])
    flat = z.reshape(N, 4)
    assert np.all(np.abs(flat.mean(axis=0)) < BOUND / math.sqrt(N))
    assert np.all(np.abs(flat.var(axis=0) - 1.0) < BOUND * math.sqrt(2.0 / N))
    correlation = np.corrcoef(flat.T)[np.triu_indices(4, 1)]
    assert np.all(np.abs(correlation) < BOUND / math.sqrt(N))


def test_an_agents_variability_touches_only_that_agent() -> None:
    """Clearance exp(0.4 z) of the agent; other agents and lesions to the bit. Catches a stream keyed by arm or row."""
    protocol = with_pk("navitoclax", clearance_iiv=0.4)
    both = arm(order("ruxolitinib", 40.0, [0.0]), order("navitoclax", 150.0, [1.0]))
    alone = arm(order("navitoclax", 150.0, [30.0]))
    for patient in (1, 2, 3):
        plain = Lived(patient, both, typical_patient(), with_pk("navitoclax"), seed=5).state
        own = Lived(patient, both, typical_patient(), protocol, seed=5).state
        z = draw_deviates("navitoclax", patient, seed=5)[0]
        fold = own.drugs["elimination"][1] / plain.drugs["elimination"][1]
        assert fold == pytest.approx(math.exp(0.4 * z), rel=1e-12)
        np.testing.assert_array_equal(own.drugs[0], plain.drugs[0])
        np.testing.assert_array_equal(own.cells, plain.cells)
        other = Lived(patient, alone, typical_patient(), protocol, seed=5).state
        assert other.drugs["elimination"][0] == own.drugs["elimination"][1]
