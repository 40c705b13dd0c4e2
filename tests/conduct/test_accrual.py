"""Arrivals are a Poisson process with the stated ramp. Tolerances are 5 standard errors: a right program
fails such a check with probability 6e-7; seeds are fixed, so it does so never or always."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from trialsim.conduct.accrual import arrival_days, draw_arrivals
from trialsim.spec.expected_accrual import day_of_count, expected_count
from trialsim.spec.resolved import Accrual

#: The same examples in every run.
FIXED = settings(deadline=None, derandomize=True)

RAMPED = Accrual(patients=400, per_day=0.8, ramp_days=180.0, sites=3, opens="2026-01-15")
FLAT = RAMPED.model_copy(update={"ramp_days": 0.0})
REPLICATES = 3000


def counts_by(accrual: Accrual, day: float) -> np.ndarray:
    rng = np.random.default_rng(20260101)
    return np.array([np.sum(arrival_days(accrual, rng=rng) <= day) for _ in range(REPLICATES)])


@pytest.mark.parametrize("accrual", [RAMPED, FLAT], ids=["ramped", "flat"])
def test_expected_count_is_the_integral_of_the_rate(accrual: Accrual) -> None:
    """Catches a ramp that is integrated as a triangle over the wrong side, or forgotten after it ends."""

    def rate(t: float) -> float:
        return accrual.per_day * min(1.0, t / accrual.ramp_days if accrual.ramp_days else 1.0)

    for day in (0.0, 10.0, 90.0, 180.0, 181.0, 400.0):
        by_quadrature = quad(rate, 0.0, day, points=[min(day, 180.0)], epsabs=1e-10)[0]
        assert float(expected_count(accrual, day)) == pytest.approx(by_quadrature, abs=1e-8)


@FIXED
@given(st.floats(0.0, 1e4), st.floats(0.01, 50.0), st.floats(0.0, 1000.0))
def test_the_inverse_undoes_the_expected_count(count: float, rate: float, ramp: float) -> None:
    """Catches an inverse whose two branches do not meet at the end of the ramp."""
    accrual = Accrual(patients=1, per_day=rate, ramp_days=ramp, sites=1, opens="2026-01-15")
    day = float(day_of_count(accrual, count))
    assert float(expected_count(accrual, day)) == pytest.approx(count, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("day", [60.0, 180.0, 300.0])
def test_counts_have_the_mean_and_variance_of_a_poisson_process(day: float) -> None:
    """Catches evenly spaced arrivals (right mean, no variance) and a rate without its ramp (the mutants)."""
    counts = counts_by(RAMPED, day)
    mean = float(expected_count(RAMPED, day))
    assert abs(counts.mean() - mean) < 5 * np.sqrt(mean / REPLICATES)
    variance_error = np.sqrt((mean + 2 * mean**2) / REPLICATES)
    assert abs(counts.var(ddof=1) - mean) < 5 * variance_error

    without_ramp = counts_by(FLAT, day)
    assert abs(without_ramp.mean() - mean) > 5 * np.sqrt(mean / REPLICATES)
    evenly_spaced = np.sum(day_of_count(RAMPED, np.arange(1, 401)) <= day)
    assert abs(np.full(REPLICATES, evenly_spaced).var() - mean) > 5 * variance_error


def test_one_more_patient_moves_no_earlier_arrival() -> None:
    """Catches arrivals drawn as sorted uniforms over the accrual period, or drawn all at once per size."""
    more = RAMPED.model_copy(update={"patients": 401})
    assert np.array_equal(draw_arrivals(RAMPED, seed=3), draw_arrivals(more, seed=3)[:400])
    assert not np.array_equal(draw_arrivals(RAMPED, seed=3), draw_arrivals(RAMPED, seed=4))


def test_arrivals_lie_on_the_grid_where_sums_are_exact() -> None:
    """Catches arrivals off the calendar's grid, for which now + (t - now) may miss t and reorder a tie."""
    arrivals = draw_arrivals(RAMPED, seed=3)
    for now, then in pairwise(arrivals):
        assert now + (then - now) == then
        assert (now + 730.5) - 730.5 == now
