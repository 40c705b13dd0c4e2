"""Variates against the laws of scipy: distribution functions, tails and moments of a million draws, and the inversions.

A p-value below `LIMIT` fails. There are some 90 of them at fixed seeds: right samplers have one with a chance of 1e-4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from tests.chance.series import following, variates
from trialsim.chance import samplers
from trialsim.chance.samplers import gamma
from trialsim.chance.stream import WORDS, open_stream
from trialsim.rng import Purpose

N = 2_000_000
LIMIT = 1e-6
SHAPES = (0.05, 0.3, 0.7, 0.999, 1.0, 1.001, 1.5, 3.0, 10.0, 100.0, 1e4, 1e6)
LAWS: list[tuple[str, float, Any]] = [
    ("uniform", 0.0, stats.uniform()),
    ("normal", 0.0, stats.norm()),
    ("exponential", 0.0, stats.expon()),
    *[("gamma", shape, stats.gamma(shape)) for shape in SHAPES],
]
Floats = NDArray[np.float64]


def _draw(law: str, shape: float) -> Floats:
    return variates(law, open_stream(20261201, Purpose.TRAITS, subject=5), N, shape)


def _distribution(drawn: Floats, law: Any) -> float:
    """Kolmogorov and Smirnov's test."""
    u = np.sort(law.cdf(drawn))
    steps = np.arange(u.size + 1) / u.size
    distance = max(float((steps[1:] - u).max()), float((u - steps[:-1]).max()))
    return float(special.kolmogorov(distance * math.sqrt(u.size)))


def _tails(drawn: Floats, law: Any) -> float:
    """Numbers beyond the quantiles of 1e-3 to 1e-5, on either side; the least p-value."""
    found = []
    for chance in (1e-3, 1e-4, 1e-5):
        for beyond in (int((drawn > law.isf(chance)).sum()), int((drawn < law.ppf(chance)).sum())):
            count = stats.binom(drawn.size, chance)
            found.append(2.0 * min(count.cdf(beyond), count.sf(beyond - 1)))
    return float(min(found))


def _moments(drawn: Floats, law: Any) -> float:
    """Mean and variance, in standard errors of the law's own; the lesser p-value."""
    mean, variance, excess = (float(value) for value in law.stats("mvk"))
    of_mean = (drawn.mean() - mean) / math.sqrt(variance / drawn.size)
    of_variance = ((drawn - mean) ** 2).mean() / variance - 1.0
    z = max(abs(of_mean), abs(of_variance) / math.sqrt((excess + 2.0) / drawn.size))
    return float(2.0 * stats.norm.sf(z))


TESTS = (_distribution, _tails, _moments)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(
    ("name", "shape", "law"), LAWS, ids=lambda value: str(value) if not hasattr(value, "cdf") else ""
)
def test_laws(name: str, shape: float, law: Any, test: Callable[[Floats, Any], float]) -> None:
    """Catches a wrong constant, a squeeze that lets too much pass, a missing boost, and tails cut off or bent."""
    assert test(_draw(name, shape), law) > LIMIT


@pytest.mark.parametrize(
    ("name", "shape", "fault", "test"),
    [
        ("uniform", 0.0, lambda x: x**1.01, _distribution),
        ("normal", 0.0, lambda x: x * 1.005, _moments),
        ("normal", 0.0, lambda x: x + 0.005, _moments),
        ("normal", 0.0, lambda x: np.where(np.abs(x) > 3.9, 3.9, x), _tails),
        ("exponential", 0.0, lambda x: np.round(x, 2), _distribution),
        ("exponential", 0.0, lambda x: np.minimum(x, 16 * math.log(2.0)), _tails),
        ("gamma", 0.3, lambda x: np.maximum(x, 1e-12), _tails),
        ("gamma", 100.0, lambda x: 100.0 + 10.0 * stats.norm.ppf(stats.gamma(100.0).cdf(x)), _distribution),
        ("gamma", 1e4, lambda x: x * 1.0001, _moments),
    ],
)
def test_the_tests_find_faults(
    name: str, shape: float, fault: Callable[[Floats], Floats], test: Callable[[Floats, Any], float]
) -> None:
    """Catches a test that passes whatever it is given: variates of the right law, spoilt a little."""
    law = next(law for own, at, law in LAWS if (own, at) == (name, shape))
    assert test(fault(_draw(name, shape)), law) < LIMIT


@pytest.mark.parametrize("law", ["uniform", "normal", "exponential", "gamma"])
def test_variates_that_follow_each_other_are_independent(law: str) -> None:
    """Catches a sampler that uses bits twice: normal scores of neighbours, and of their squares, do not correlate."""
    drawn = _draw(law, 2.5)
    z = stats.norm.ppf((stats.rankdata(drawn) - 0.5) / N)
    for score in (z, (z * z - 1.0) / math.sqrt(2.0)):
        assert abs(float((score[1:] * score[:-1]).sum())) / math.sqrt(N) < 4.9


@pytest.mark.parametrize("law", ["uniform", "exponential"])
def test_a_variate_takes_one_word_and_inverts_it(law: str) -> None:
    """Catches a variate that takes more or fewer words, throws bits away, or is not its word's quantile."""
    drawn = variates(law, open_stream(7, Purpose.CELLS, subject=2), 50_000)
    bits = following(open_stream(7, Purpose.CELLS, subject=2), 50_000)
    if law == "uniform":
        np.testing.assert_array_equal(drawn, (bits >> np.uint64(11)).astype(np.float64) / 2.0**53)
    else:
        inside = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
        np.testing.assert_allclose(drawn, -np.log(inside), rtol=1e-15)


def test_the_layers_of_the_normal_density() -> None:
    """256 layers of one area, the lowest with the tail, from its end up to the density's top. Catches a table that is
    cut short, a tail's area that is not its own, and layers that leave a gap at the top."""
    ends, densities = samplers._ENDS, samplers._DENSITIES
    root = math.sqrt(2.0 * math.pi)
    assert ends.size == 257
    assert (np.diff(ends) < 0.0).all()
    np.testing.assert_allclose(densities, root * stats.norm.pdf(ends), rtol=1e-14)
    areas = ends[1:-1] * np.diff(densities[1:])
    tail = ends[1] * densities[1] + root * stats.norm.sf(ends[1])
    np.testing.assert_allclose(areas, tail, rtol=1e-9)
    assert ends[0] * densities[1] == pytest.approx(tail, rel=1e-14)


def test_most_normal_variates_take_one_word() -> None:
    """98.8 % of them, by the areas of rectangles over those of layers. Catches a layer's test that never passes."""
    stream = open_stream(7, Purpose.CELLS, subject=3)
    n = 20_000
    variates("normal", stream, n)
    taken = int(stream.block) * 2 - WORDS + int(stream.at)
    assert 1.010 < taken / n < 1.025


@pytest.mark.parametrize("bits", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_extreme_words(bits: int) -> None:
    """Catches a logarithm of 0, an infinite variate, and a uniform number that is rounded to 1."""
    stream = open_stream(1, Purpose.CELLS)
    stream.buffer[:], stream.at = np.full(WORDS, bits, np.uint64), 0
    assert 0.0 <= variates("uniform", stream, 1)[0] < 1.0
    assert abs(variates("normal", open_stream(1, Purpose.CELLS), 1)[0]) < 9.3
    assert 0.0 < variates("exponential", stream, 1)[0] < 37.0


def test_gamma_without_a_shape_is_nothing() -> None:
    """Catches a division by 0: no clones leave no cells."""
    assert gamma(0.0, open_stream(1, Purpose.CELLS)) == 0.0
