"""Counts drawn at random, held to their exact distributions.

Both regimes of `trialsim.biology.draws` are compared with scipy's distribution functions: below the expansion
by a Kolmogorov-Smirnov distance at fixed seeds, in the expansion by its distribution function itself, without draws.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from trialsim.biology import draws
from trialsim.chance.stream import open_stream
from trialsim.compiling import compiled
from trialsim.rng import Purpose

N = 100_000
#: Asymptotic 1e-6 point of the Kolmogorov-Smirnov distance at N draws.
LIMIT = 2.69 / math.sqrt(N)

_binomial, _poisson, _birth_death = draws.binomial, draws.poisson, draws.birth_death


@compiled
def _binomials(n, chance, out, rng):
    for i in range(out.size):
        out[i] = _binomial(n, chance, rng)


@compiled
def _poissons(mean, out, rng):
    for i in range(out.size):
        out[i] = _poisson(mean, rng)


@compiled
def _populations(n, birth, death, time, out, rng):
    for i in range(out.size):
        out[i] = _birth_death(n, birth, death, time, rng)


def _distance(drawn: np.ndarray, cdf: np.ndarray, low: int) -> float:
    """Largest gap between the empirical distribution function and ``cdf``, given at low, low + 1, ..."""
    counts = np.bincount(np.clip(drawn - low, 0, cdf.size - 1), minlength=cdf.size)
    return float(np.abs(np.cumsum(counts) / drawn.size - cdf)[:-1].max())


@pytest.mark.parametrize(
    ("n", "chance"),
    [
        *[(3, 0.02), (3, 0.9), (10**6, 1e-9), (50, 0.3), (50, 0.95), (10**4, 0.0011), (10**4, 0.004), (450, 0.4)],
        *[(10**4, 0.0102), (10**9, 1.1e-7), (10**8, 0.999)],
    ],
)
def test_binomial(n: int, chance: float) -> None:
    """Catches a wrong inversion of rare counts, a wrong skewness or rounding in the expansion, and a wrong tail."""
    out = np.empty(N, np.int64)
    _binomials(n, chance, out, open_stream(1, Purpose.CELLS))
    mean, sd = n * chance, math.sqrt(n * chance * (1 - chance))
    low = max(0, int(mean - 8 * sd) - 1)
    grid = np.arange(low, min(n, int(mean + 8 * sd) + 12) + 1)
    assert _distance(out, stats.binom.cdf(grid, n, chance), low) < LIMIT + 0.001
    assert abs(out.mean() - mean) < 5 * sd / math.sqrt(N) + 1e-12


@pytest.mark.parametrize("mean", [1e-6, 0.05, 3.0, 11.9, 30.0, 80.0, 1e5])
def test_poisson(mean: float) -> None:
    """Catches the same for Poisson counts."""
    out = np.empty(N, np.int64)
    _poissons(mean, out, open_stream(2, Purpose.CELLS))
    low = max(0, int(mean - 8 * math.sqrt(mean)) - 1)
    grid = np.arange(low, int(mean + 8 * math.sqrt(mean)) + 12)
    assert _distance(out, stats.poisson.cdf(grid, mean), low) < LIMIT + 0.001


@pytest.mark.parametrize(
    ("n", "birth", "death", "time"),
    [
        (1, 0.14, 0.13, 20.0),
        (40, 0.14, 0.13, 10.0),
        (3000, 0.14, 0.13, 10.0),
        (20_000, 0.5, 0.28, 10.0),
        (5000, 0.1, 0.2, 9.0),
    ],
)
def test_a_dividing_population(n: int, birth: float, death: float, time: float) -> None:
    """Catches wrong third and fourth moments of a clone: the expansion against the negative binomial mixture."""
    out = np.empty(N, np.int64)
    _populations(n, birth, death, time, out, open_stream(3, Purpose.CELLS))
    grown = math.exp((birth - death) * time)
    below = birth * grown - death
    live, more = 1.0 - death * (grown - 1.0) / below, birth * (grown - 1.0) / below
    # Exact: a binomial number of clones, then the negative binomial sum of their sizes, by NumPy.
    rng = np.random.default_rng(4)
    alive = rng.binomial(n, live, N)
    exact = alive + np.where(alive > 0, rng.negative_binomial(np.maximum(alive, 1), 1.0 - more), 0)
    # Two-sample distance: its 1e-6 point is sqrt(2) that of one sample.
    assert stats.ks_2samp(out, exact).statistic < math.sqrt(2.0) * LIMIT + 0.001
    error = 5 * out.std() / math.sqrt(N)
    assert abs(out.mean() - n * grown) < error


def test_the_expansion_at_its_threshold() -> None:
    """States its error: largest gap of distribution functions at its threshold, without the noise of draws.

    The map from z to the count is increasing, so its distribution function is that of z at the inverse; a wrong sign of
    the skewness term makes this gap 0.01 and more.
    """
    worst = 0.0
    for chance in (0.001, 0.01, 0.1, 0.3, 0.5, 0.9):
        n = math.ceil(draws.MANY / (chance * (1 - chance)))
        mean, sd = n * chance, math.sqrt(n * chance * (1 - chance))
        # Without the uniform number that rounding adds: variance 1/12, fourth cumulant -1/120.
        inner = sd**2 - 1 / 12
        g = sd**2 * (1 - 2 * chance) / inner**1.5
        k = (sd**2 * (1 - 6 * chance * (1 - chance)) + 1 / 120) / inner**2
        z = np.linspace(-6, 6, 240_001)
        w = z + g * (z**2 - 1) / 6 + z * (k * (z**2 - 3) / 24 - g * g * (2 * z**2 - 5) / 36)
        assert (np.diff(w) > 0).all()
        count = np.arange(int(mean - 5 * sd), int(mean + 5 * sd))
        approximate = stats.norm.cdf(np.interp((count + 0.5 - mean) / math.sqrt(inner), w, z))
        worst = max(worst, float(np.abs(approximate - stats.binom.cdf(count, n, chance)).max()))
    assert worst < 2e-4
