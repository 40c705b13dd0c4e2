"""What the review says must show in a patient: p53 steers fate, senolytics need something to kill.

Each claim is run on a few hundred patients who differ in one thing only and share their random streams.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tests.patient.protocols import arm, order, shipped, typical_patient, with_agents, with_gains
from trialsim.biology.populations import DORMANT, ESCAPED, SENESCENT
from trialsim.patient.course import Course
from trialsim.spec.agents import Senolytic
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol

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
        course = Course(number, given, patient, trial, seed=7)
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
        course = Course(number, given, patient, trial, seed=11)
        for day, index in schedule:
            course.advance(day)
            if given.orders[index].agent not in skipped:
                course.give(index, 1.0)
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
    trial, patient = protocol(spontaneous_senescence=0.0), typical_patient(residual_burden=1e7)
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
        course = Course(number, DOXORUBICIN, patient, protocol(), seed=3)
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
        course = Course(number, given, patient, protocol(), seed=5)
        before = course.state.cells[:, 0].copy()
        course.give(0, 1.0)
        np.testing.assert_array_equal(course.state.cells[1:, 0], before[1:])
        assert course.state.cells[0, 0] < 0.2 * before[0]
