"""Background death, dropout and death from cancer have the stated laws.

Shares are compared within 5 standard errors (false alarm 6e-7), with fixed seeds.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from tests.conduct import protocol_for_tests as example
from trialsim.conduct.competing_times import draw_competing_times, draw_post_relapse_survival
from trialsim.conduct.mortality import years_to_death
from trialsim.spec.resolved import BackgroundMortality

#: The same examples in every run.
FIXED = settings(deadline=None, derandomize=True)

PATIENTS = 4000
LAW = example.cohort().mortality["female"]


def law(rate: float, slope: float) -> BackgroundMortality:
    return BackgroundMortality(rate60_per_year=rate, slope_per_year=slope, source="test", confidence="low")


def hazard_sum(mortality: BackgroundMortality, age: float, years: float) -> float:
    """The cumulative hazard by quadrature: the law as it is written, not as the program inverts it."""

    def hazard(x: float) -> float:
        return mortality.rate60_per_year * math.exp(mortality.slope_per_year * (x - 60.0))

    return float(quad(hazard, age, age + years, epsabs=0.0, epsrel=1e-11)[0])


@FIXED
@given(st.floats(20.0, 95.0), st.floats(0.01, 40.0), st.floats(1e-4, 0.05), st.floats(-0.05, 0.15))
def test_time_to_death_inverts_the_cumulative_hazard(age: float, years: float, rate: float, slope: float) -> None:
    """Catches a wrong sign, a hazard counted from birth, and days taken for years."""
    mortality = law(rate, slope)
    reached = years_to_death(mortality, age, hazard_sum(mortality, age, years))
    assert reached == pytest.approx(years, rel=1e-6)


def test_limits_of_the_law() -> None:
    """Catches a division by a slope of zero, and a logarithm of a negative number for a falling hazard."""
    assert years_to_death(law(0.01, 0.0), 70.0, 1.0) == pytest.approx(100.0)
    assert years_to_death(law(0.0, 0.09), 70.0, 1.0) == math.inf
    assert years_to_death(law(0.01, -0.5), 60.0, 1.0) == math.inf


@pytest.mark.parametrize("age", [45.0, 75.0])
def test_shares_dead_by_a_time_are_those_of_gompertz(age: float) -> None:
    """Catches age ignored (the mutant: everyone dies as at 60) and the sexes swapped."""
    protocol = example.protocol()
    for sex in ("female", "male"):
        traits = {"age": age, "sex": sex}
        days = [draw_competing_times(protocol, traits, n, seed=11).death for n in range(1, PATIENTS // 2)]
        for years in (5.0, 15.0):
            truth = 1.0 - math.exp(-hazard_sum(protocol.cohort.mortality[sex], age, years))
            error = math.sqrt(truth * (1.0 - truth) / len(days))
            share = np.mean(np.array(days) <= years * 365.25)
            assert abs(share - truth) < 5 * error
            as_at_60 = 1.0 - math.exp(-hazard_sum(protocol.cohort.mortality[sex], 60.0, years))
            assert abs(share - as_at_60) > 5 * error


def test_dropout_is_exponential() -> None:
    """Catches a yearly rate used as a daily one, a probability used as a rate, and dropout at a fixed time."""
    protocol = example.protocol()
    traits = {"age": 50.0, "sex": "female"}
    days = np.array([draw_competing_times(protocol, traits, n, seed=12).dropout for n in range(1, PATIENTS)])
    rate = protocol.follow_up.dropout_per_day
    for t in (365.0, 3652.5, 10000.0):
        truth = 1.0 - math.exp(-rate * t)
        assert abs(np.mean(days <= t) - truth) < 5 * math.sqrt(truth * (1.0 - truth) / len(days))
    nobody = protocol.model_copy(update={"follow_up": protocol.follow_up.model_copy(update={"dropout_per_day": 0.0})})
    assert draw_competing_times(nobody, traits, 1, seed=12).dropout == math.inf


@pytest.mark.parametrize(("site", "median"), [("local", 1200.0), ("distant", 600.0)])
def test_half_the_patients_die_of_cancer_within_the_median(site: str, median: float) -> None:
    """Catches the median used as a mean (share 0.63) and the sites swapped (0.29 or 0.75)."""
    medians = example.cohort().post_relapse
    days = np.array([draw_post_relapse_survival(medians, site, n, seed=13) for n in range(1, PATIENTS)])
    for multiple, truth in ((1.0, 0.5), (2.0, 0.75)):
        share = np.mean(days <= multiple * median)
        assert abs(share - truth) < 5 * math.sqrt(truth * (1.0 - truth) / len(days))


def test_death_and_dropout_have_streams_of_their_own() -> None:
    """Catches one stream for both, under which those who would die early also leave early."""
    protocol = example.protocol()
    traits = {"age": 50.0, "sex": "female"}
    times = np.array([draw_competing_times(protocol, traits, n, seed=14) for n in range(1, PATIENTS)])
    ranks = times.argsort(axis=0).argsort(axis=0)
    assert abs(np.corrcoef(ranks.T)[0, 1]) < 5 / math.sqrt(PATIENTS)


def test_times_lie_on_the_calendar_grid() -> None:
    """Catches a raw time on the calendar, where start + (death - start) can miss death by a rounding."""
    protocol = example.protocol()
    for patient in range(1, 50):
        times = draw_competing_times(protocol, {"age": 50.0, "sex": "female"}, patient, seed=15)
        after = draw_post_relapse_survival(protocol.cohort.post_relapse, "local", patient, seed=15)
        assert all((day * 2**20).is_integer() for day in (times.death, times.dropout, after))
