"""Traits: quantiles, truncation, dependence, copula, and streams that leave other patients alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.patient.protocols import constant, shipped
from trialsim.patient.cohort import quantiles, sample_traits
from trialsim.spec.resolved import Correlation, Distribution, ResolvedTrait

CASES = [
    (Distribution(kind="normal", parameters={"mean": 3, "sd": 2}), stats.norm(3, 2)),
    (Distribution(kind="lognormal", parameters={"mu": 1, "sigma": 0.5}), stats.lognorm(0.5, scale=np.e)),
    (Distribution(kind="uniform", parameters={"low": 2, "high": 5}), stats.uniform(2, 3)),
    (Distribution(kind="loguniform", parameters={"low": 1e-7, "high": 1e-5}), stats.loguniform(1e-7, 1e-5)),
    (Distribution(kind="beta", parameters={"a": 2, "b": 3}), stats.beta(2, 3)),
]


@pytest.mark.parametrize(("own", "reference"), CASES, ids=lambda c: getattr(c, "kind", ""))
def test_quantiles_are_scipys(own: Distribution, reference: stats.rv_continuous) -> None:
    """Catches a mixed-up parameter (sd for variance, log base)."""
    u = np.linspace(0.001, 0.999, 41)
    np.testing.assert_allclose(quantiles(own, u).astype(float), reference.ppf(u), rtol=1e-9)


@given(st.floats(1e-6, 1 - 1e-6))
def test_truncation_keeps_the_shape_inside(u: float) -> None:
    """Catches clipping in place of truncation, which piles patients up on the limits."""
    whole = stats.norm(50, 11)
    low, high = whole.cdf(25), whole.cdf(80)
    cut = Distribution(kind="normal", parameters={"mean": 50, "sd": 11}, lower=25, upper=80)
    assert float(quantiles(cut, np.array([u]))[0]) == pytest.approx(whole.ppf(low + u * (high - low)), rel=1e-6)


def test_levels_have_their_shares() -> None:
    """Catches an off-by-one between levels and cumulative probabilities."""
    own = Distribution(kind="categorical", levels=("a", "b", "c"), probabilities=(0.2, 0.5, 0.3))
    got = quantiles(own, (np.arange(1000) + 0.5) / 1000)
    assert [int((got == level).sum()) for level in "abc"] == [200, 500, 300]


def test_a_trait_follows_the_one_it_depends_on() -> None:
    """Catches a dependence that is drawn and not used: mutation rates by subtype, within 5 standard errors."""
    traits = sample_traits(shipped().cohort, 6000, seed=2)
    for subtype, rate in (("basal", 0.898), ("luminal_a", 0.119)):
        own = [t["p53_status"] == "mutant" for t in traits if t["subtype"] == subtype]
        assert abs(np.mean(own) - rate) < 5 * np.sqrt(rate * (1 - rate) / len(own))


def test_copula_gives_the_rank_correlation() -> None:
    """Spearman = 6/pi asin(rho/2) under a Gaussian copula. Catches mixing of the wrong two slots."""
    cohort = shipped().cohort
    traits = dict(cohort.traits)
    traits["foci"] = ResolvedTrait(name="foci", unit="", cases=constant(1.0))
    pair = Correlation(traits=("senescence_escape_rate", "dormancy_escape_rate"), rho=0.7)
    drawn = sample_traits(cohort.model_copy(update={"traits": traits, "correlations": (pair,)}), 4000, seed=4)
    x, y, other = (
        [t[name] for t in drawn]
        for name in ("senescence_escape_rate", "dormancy_escape_rate", "senescent_clearance_rate")
    )
    expected = 6 / np.pi * np.arcsin(0.35)
    assert abs(stats.spearmanr(x, y).statistic - expected) < 5 * 0.6 / np.sqrt(4000)
    assert abs(stats.spearmanr(x, other).statistic) < 5 / np.sqrt(4000)


def test_more_patients_change_no_earlier_one() -> None:
    """Catches one stream shared by all patients."""
    cohort = shipped().cohort
    assert sample_traits(cohort, 30, seed=9)[:20] == sample_traits(cohort, 20, seed=9)


def test_dropping_a_correlation_or_a_trait_moves_no_other() -> None:
    """Catches draws taken in file order: every trait has its own place in the patient's vector."""
    cohort = shipped().cohort
    fixed = dict(cohort.traits)
    fixed["doubling_time"] = ResolvedTrait(name="doubling_time", unit="", cases=constant(100.0))
    changed = sample_traits(cohort.model_copy(update={"traits": fixed}), 25, seed=3)
    for before, after in zip(sample_traits(cohort, 25, seed=3), changed, strict=True):
        assert {k: v for k, v in before.items() if k != "doubling_time"} == {
            k: v for k, v in after.items() if k != "doubling_time"
        }
