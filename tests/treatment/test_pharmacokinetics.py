"""Linear pharmacokinetics against textbook formulas, the matrix exponential and SciPy's ODE solver."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm

from trialsim.structured import one
from trialsim.treatment import pharmacokinetics as kin
from trialsim.treatment import pharmacology as pk

#: One and two compartments, into plasma or absorbed, per day: docetaxel-like, navitoclax-like, slow tissue, flip-flop.
ONE_IV = kin.Disposition(0.0, 2.1, 0.0, 0.0)
ONE_ORAL = kin.Disposition(8.4, 1.0, 0.0, 0.0)
TWO_IV = kin.Disposition(0.0, 73.3, 17.7, 2.0)
TWO_ORAL = kin.Disposition(8.4, 2.0, 3.0, 0.7)
FLIP_FLOP = kin.Disposition(0.2, 5.0, 1.0, 4.0)
ALL = (ONE_IV, ONE_ORAL, TWO_IV, TWO_ORAL, FLIP_FLOP)
DAYS = (0.0, 0.01, 0.3, 1.0, 2.7, 9.0)


def matrix(k: kin.Disposition) -> np.ndarray:
    """The system's matrix with a fourth state that holds an infusion's rate."""
    return np.array(
        [
            [-k.absorption, 0.0, 0.0, 0.0],
            [k.absorption, -k.elimination - k.outward, k.back, 1.0],
            [0.0, k.outward, -k.back, 0.0],
            [0.0, 0.0, 0.0, 0.0],
        ]
    )


@pytest.mark.parametrize("time", DAYS)
@pytest.mark.parametrize("k", ALL)
def test_a_step_is_the_matrix_exponential(k: kin.Disposition, time: float) -> None:
    """All nine shares to 1e-8. Catches any wrong residue, root or sign, in a compartment or on the way between two."""
    s = kin.shares_of_step(*k, time)
    mine = np.array(
        [
            [s.gut, 0.0, 0.0, 0.0],
            [s.gut_to_plasma, s.plasma, s.tissue_to_plasma, s.rate_to_plasma],
            [s.gut_to_tissue, s.plasma_to_tissue, s.tissue, s.rate_to_tissue],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )
    np.testing.assert_allclose(mine, expm(matrix(k) * time), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("time", DAYS)
def test_textbook_formulas_of_one_compartment(time: float) -> None:
    """Bolus, Bateman, infusion and its wash-out to 1e-8 (Gibaldi & Perrier 1982). Catches a lag that is not waited."""
    ke, ka, length, lag = 1.0, 8.4, 0.125, 0.02
    bolus = kin.plasma_of_dose(kin.Disposition(0.0, ke, 0.0, 0.0), 0.0, 0.0, time)
    assert bolus == pytest.approx(math.exp(-ke * time), rel=1e-8)
    since = time - lag
    bateman = ka / (ka - ke) * (math.exp(-ke * since) - math.exp(-ka * since)) if since > 0.0 else 0.0
    assert kin.plasma_of_dose(ONE_ORAL, lag, 0.0, time) == pytest.approx(bateman, rel=1e-8)
    risen = -math.expm1(-ke * min(time, length)) / ke / length
    infused = risen * math.exp(-ke * max(0.0, time - length))
    assert kin.plasma_of_dose(kin.Disposition(0.0, ke, 0.0, 0.0), 0.0, length, time) == pytest.approx(infused, rel=1e-8)


@pytest.mark.parametrize("time", DAYS)
def test_textbook_formula_of_two_compartments(time: float) -> None:
    """A e^(-alpha t) + B e^(-beta t) with A = (alpha - k21)/(alpha - beta), to 1e-8. Catches the two roots swapped."""
    _, k10, k12, k21 = TWO_IV
    beta, alpha = sorted(np.roots([1.0, -(k10 + k12 + k21), k10 * k21]).real)
    expected = ((alpha - k21) * math.exp(-alpha * time) + (k21 - beta) * math.exp(-beta * time)) / (alpha - beta)
    assert kin.plasma_of_dose(TWO_IV, 0.0, 0.0, time) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("k", [TWO_ORAL, FLIP_FLOP])
def test_two_compartments_with_absorption_and_lag_follow_the_ode(k: kin.Disposition) -> None:
    """Three doses by mouth after a lag, against solve_ivp at 1e-12, to 1e-6. Catches a lag counted from the first."""
    lag, doses, y, at = 0.03, [(0.0, 150.0), (1.0, 100.0), (2.5, 325.0)], np.zeros(4), 0.0
    for day, mg in doses:
        y = solve_ivp(lambda _, y: matrix(k) @ y, (at, day + lag), y, rtol=1e-12, atol=1e-12).y[:, -1]
        y[0] += mg
        at = day + lag
    for later in (2.6, 3.4, 7.0):
        y = solve_ivp(lambda _, y: matrix(k) @ y, (at, later), y, rtol=1e-12, atol=1e-12).y[:, -1]
        at = later
        assert kin.plasma_amount(k, doses, later, lag=lag) == pytest.approx(y[1], rel=1e-6)


_POSITIVE = st.floats(0.01, 50.0)


@given(
    st.builds(kin.Disposition, st.one_of(st.just(0.0), _POSITIVE), _POSITIVE, _POSITIVE, _POSITIVE),
    st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(1.0, 500.0)), min_size=1, max_size=6),
)
def test_steps_superpose(k: kin.Disposition, plan: list[tuple[float, float]]) -> None:
    """Dose by dose through `advance_amounts` is the sum of single doses. Catches a dose lost or counted twice."""
    drug, day, doses = one(pk.Drug), 0.0, []
    drug.absorption, drug.elimination, drug.outward, drug.back = k
    for gap, mg in plan:
        pk.give(drug, mg)
        doses.append((day, mg))
        pk.advance_amounts(drug, gap)
        day += gap
    assert drug.plasma == pytest.approx(kin.plasma_amount(k, doses, day), rel=1e-8, abs=1e-5)


@given(st.floats(0.0, 500.0), st.floats(0.0, 500.0), st.floats(0.3, 4.0), st.floats(0.01, 3.0))
def test_more_drug_never_acts_less(low: float, high: float, hill: float, ec50: float) -> None:
    """Raising a dose lowers neither exposure nor effect. Catches a Hill exponent on the wrong side."""
    low, high = min(low, high), max(low, high)
    for time in (0.1, 1.0, 4.0):
        less, more = (kin.plasma_amount(TWO_ORAL, [(0.0, mg)], time) for mg in (low, high))
        assert less <= more
        assert pk.hill_effect(less, 1.0, ec50, hill) <= pk.hill_effect(more, 1.0, ec50, hill) <= 1.0


def test_the_hill_effect_is_half_at_its_ec50() -> None:
    """Catches an exponent on the concentration alone; exponent 1 is the Emax model to the bit."""
    for hill in (0.5, 1.0, 2.0, 7.0):
        assert pk.hill_effect(0.54, 0.8, 0.54, hill) == pytest.approx(0.4)
        assert pk.hill_effect(2 * 0.54, 1.0, 0.54, hill) == pytest.approx(2**hill / (1 + 2**hill))
    assert pk.hill_effect(0.3, 0.21, 0.54, 1.0) == pk.effect(0.3, 0.21, 0.54)


@pytest.mark.parametrize("k", ALL)
def test_the_area_is_dose_over_clearance_and_half_the_clearance_doubles_it(k: kin.Disposition) -> None:
    """Whatever the way in. Catches absorption or tissue that loses drug, and an exchange that eliminates."""
    infusion = 0.0 if k.absorption else 0.04
    edges = [0.0, infusion, 0.1, 1.0, 10.0, 100.0, 1000.0]

    def area(kinetics: kin.Disposition) -> float:
        parts = pairwise(edges)
        return sum(
            quad(lambda t: kin.plasma_of_dose(kinetics, 0.0, infusion, t), a, b, limit=200)[0]
            for a, b in parts
            if b > a
        )

    assert area(k) == pytest.approx(1.0 / k.elimination, rel=1e-6)
    assert area(k._replace(elimination=k.elimination / 2)) == pytest.approx(2.0 / k.elimination, rel=1e-6)


def test_calvert_and_body_surface() -> None:
    """AUC 5 at 100 mL/min is 625 mg (Calvert 1989); 70 kg and 175 cm are 1.84 m2 (Mosteller 1987)."""
    assert kin.calvert_dose(5.0, 100.0) == 625.0
    assert kin.body_surface(70.0, 175.0) == pytest.approx(1.8447, abs=1e-4)
