"""Estimates and their intervals against values from elsewhere, and against their promised coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.studies.estimates import bootstrap, frequency, frequency_ratio, rate, share


def _mean(x: np.ndarray) -> np.ndarray:
    return np.asarray(x.mean(axis=-1))


def test_share_has_exact_limits() -> None:
    """R: binom.test(15, 28) gives 0.339 to 0.725. Catches Wald or Wilson limits in place of Clopper and Pearson's."""
    assert share(15, 28) == pytest.approx((15 / 28, 0.3387, 0.7249), abs=1e-4)
    assert share(0, 52) == pytest.approx((0.0, 0.0, 0.0685), abs=1e-4)


def test_rate_has_exact_limits() -> None:
    """R: poisson.test(10, 200) gives 0.02398 to 0.09195. Catches limits that forget the exposure or use the normal."""
    assert rate(10, 200.0) == pytest.approx((0.05, 0.02398, 0.09195), abs=1e-5)
    assert rate(0, 10.0) == pytest.approx((0.0, 0.0, 0.36889), abs=1e-5)


def test_frequency_is_that_of_the_empty_plates() -> None:
    """37 % of plates of 1e6 empty is one founder in 1e6. Catches the share of plates with colonies taken for it."""
    found = frequency(368, 1000, 1e6)
    assert found.value == pytest.approx(1e-6, rel=1e-3)
    assert found.lower < found.value < found.upper
    assert frequency(0, 50, 1e6).value == math.inf
    assert frequency(50, 50, 1e6) == pytest.approx((0.0, 0.0, -math.log(0.9288783) / 1e6), rel=1e-4)


def test_frequency_ratio_covers_the_truth_as_often_as_it_says() -> None:
    """2000 pairs of assays whose true ratio is 3: 95 % of intervals hold it. False-alarm rate of the bounds 1e-6
    (binomial, normal limits at 4.9 standard errors). Catches a variance that forgets one side or the transform."""
    rng = np.random.default_rng(5)
    n, plated, low, high = 200, 1e5, 5e-6, 1.5e-5
    held = 0
    for _ in range(2000):
        a, b = (int(rng.binomial(n, math.exp(-f * plated))) for f in (high, low))
        found = frequency_ratio((a, n, plated), (b, n, plated))
        held += found.lower <= 3.0 <= found.upper
    assert abs(held / 2000 - 0.95) < 4.9 * math.sqrt(0.95 * 0.05 / 2000) + 0.005


def test_frequency_ratio_without_colonies_on_one_side_says_only_how_low() -> None:
    """Catches a logarithm of zero, and a ratio told as known where a side says nothing."""
    none = frequency_ratio((400, 400, 1e6), (150, 400, 1e5))
    assert none.value == 0.0
    assert 0.0 < none.upper < 0.01
    assert math.isnan(frequency_ratio((10, 10, 1.0), (10, 10, 1.0)).value)
    assert frequency_ratio((0, 10, 1.0), (5, 10, 1.0)).upper == math.inf


def test_bootstrap_has_the_width_of_the_standard_error() -> None:
    """The interval of a mean of 400 is 3.92 standard errors wide. Catches resampling along the wrong axis."""
    sample = np.random.default_rng(2).normal(10.0, 2.0, 400)
    found = bootstrap(_mean, sample, rng=np.random.default_rng(3))
    assert found.value == pytest.approx(sample.mean())
    assert found.upper - found.lower == pytest.approx(3.92 * sample.std() / 20.0, rel=0.08)


def test_bootstrap_of_twins_keeps_pairs_together() -> None:
    """The difference of twins that differ by exactly 1 is known exactly. Catches pairs resampled apart, and independent
    samples resampled together."""
    sample = np.random.default_rng(2).normal(10.0, 2.0, 100)

    def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(a.mean(axis=-1) - b.mean(axis=-1))

    twins = bootstrap(difference, sample + 1.0, sample, rng=np.random.default_rng(3), twins=True)
    assert twins.upper - twins.lower < 1e-9
    apart = bootstrap(difference, sample + 1.0, sample, rng=np.random.default_rng(3))
    assert apart.upper - apart.lower > 0.5


def test_bootstrap_keeps_infinities_as_places() -> None:
    """Half of the subjects never come to the event. Catches an interpolation between a number and infinity."""
    sample = np.array([1.0, 2.0, 3.0, np.inf, np.inf])
    found = bootstrap(lambda x: np.sort(x, axis=-1)[..., x.shape[-1] // 2], sample, rng=np.random.default_rng(4))
    assert found.value == 3.0
    assert found.lower in sample
    assert found.upper == math.inf
