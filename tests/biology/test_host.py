"""The host's senescent cells against an independent solution of Karin's equation, and the scheme that advances them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from trialsim.biology import host

#: Human ages that stand for mice of 3 and of 22 months.
YOUNG, OLD = 3.0 / 22.0 * 75.0, 75.0
_burden = st.floats(0.0, 200.0)


def karin(days: float, eta: float = 0.15, beta: float = 0.27, kappa: float = 1.1) -> float:
    """A mouse's burden at an age in days: X' = eta t - beta X kappa / (kappa + X), t in years (Karin 2019)."""

    def slope(t: float, x: np.ndarray) -> np.ndarray:
        return eta * t / 365.25 - beta * x * kappa / (kappa + x)

    return float(solve_ivp(slope, (0.0, days), [0.0], method="LSODA", rtol=1e-10, atol=1e-12).y[0, -1])


@pytest.mark.parametrize("months", [1.0, 3.0, 8.0, 16.0, 22.0])
@pytest.mark.parametrize("production", [0.5, 1.0, 1.3])
def test_the_burden_at_an_age_is_karins(months: float, production: float) -> None:
    """Within 1 % at the same part of life. Catches years for days, a human's age for a mouse's, and a production that
    multiplies the burden in place of eta."""
    own = host.rest_burden(75.0 * months / 22.0, production)
    assert own == pytest.approx(karin(months / 12.0 * 365.25, eta=0.15 * production), rel=0.01)


def test_removal_slows_with_age() -> None:
    """Karin 2019: half-lives of 5 days in young and 25 in old mice. At 3 and 22 months the rates lie 2.5 to 6 apart.

    Catches a removal that does not saturate (ratio 1), and one that saturates in the wrong place.
    """
    rates = [host.removal_rate(host.rest_burden(age, 1.0)) for age in (YOUNG, OLD)]
    assert 2.5 < rates[0] / rates[1] < 6.0
    # Per day; the same from the independent solution.
    months = [karin(m / 12.0 * 365.25) for m in (3.0, 22.0)]
    np.testing.assert_allclose(rates, [0.27 * 1.1 / (1.1 + x) for x in months], rtol=0.01)
    assert np.log(2.0) / rates[0] < 7.0
    assert 7.0 < np.log(2.0) / rates[1] < 40.0


def test_nothing_is_made_nowhere() -> None:
    """Catches a burden without production, or at birth."""
    assert host.rest_burden(60.0, 0.0) == 0.0
    assert host.rest_burden(0.0, 1.0) == 0.0
    assert host.advance_burden(0.0, 0.0, 0.3, 50.0) == 0.0


@given(_burden, st.floats(0.01, 400.0))
def test_rest_is_a_fixed_point(burden: float, time: float) -> None:
    """Catches a host that drifts in a trial without treatment: any burden stays where its own production holds it."""
    production = host.resting_production(burden)
    assert host.advance_burden(burden, production, 0.0, time) == pytest.approx(burden, rel=1e-12, abs=1e-12)


@given(_burden, st.floats(0.0, 3.0), st.floats(0.0, 1.0), st.floats(0.01, 400.0))
def test_a_burden_is_never_negative_and_production_never_lowers_it(
    burden: float, production: float, kill: float, time: float
) -> None:
    """Catches a scheme that overshoots at long steps (explicit Euler does at 8 days)."""
    after = host.advance_burden(burden, production, kill, time)
    assert after >= 0.0
    assert host.advance_burden(burden, production + 0.1, kill, time) >= after
    # A burden that nothing feeds only falls.
    assert host.advance_burden(burden, 0.0, kill, time) <= burden


def _advanced(steps: int, time: float, burden: float, production: float, kill: float) -> float:
    for _ in range(steps):
        burden = host.advance_burden(burden, production, kill, time / steps)
    return burden


@pytest.mark.parametrize(("burden", "production", "kill"), [(8.0, 0.2, 0.0), (5.0, 0.23, 0.15), (0.2, 0.25, 0.0)])
def test_the_scheme_is_second_order(burden: float, production: float, kill: float) -> None:
    """Halving a step divides its error by about four. Catches a Jacobian with the wrong sign or without the kill, which
    leaves a scheme of first order that looks right."""

    def slope(_t: float, x: np.ndarray) -> np.ndarray:
        return production - (0.27 * 1.1 / (1.1 + x) + kill) * x

    exact = float(solve_ivp(slope, (0.0, 28.0), [burden], method="LSODA", rtol=1e-11, atol=1e-12).y[0, -1])
    errors = [abs(_advanced(n, 28.0, burden, production, kill) - exact) for n in (7, 14, 28)]
    assert errors[0] < 0.02 * exact
    assert 3.0 < errors[0] / errors[1] < 6.0
    assert 3.0 < errors[1] / errors[2] < 6.0
