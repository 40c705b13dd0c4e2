"""Counts drawn at random: binomial, Poisson, and the cells that a dividing population leaves.

Three regimes, by the size of what is drawn:

* small means are inverted from one uniform number; most such draws are of something that all but never happens;
* moderate ones are NumPy's;
* sums of many independent parts, from the variance ``MANY`` on, are their Cornish-Fisher expansion about one normal
  deviate z: mean + sd (z + g (z^2 - 1) / 6 + k (z^3 - 3 z) / 24 - g^2 (2 z^3 - 5 z) / 36), g the skewness and k the
  excess kurtosis, rounded. Its distribution function is then within 0.001 of the exact one
  (tests/biology/test_draws.py), with the first four cumulants right; a rejection sampler would take five times as long.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.compiling import compiled

Generator = np.random.Generator

#: Variance from which a count is drawn by its expansion, and clones from which the sum of their sizes is.
MANY, MANY_CLONES = 50.0, 1000.0
#: Mean below which a count is drawn by inversion.
FEW = 12.0


@compiled
def _expansion(mean: float, variance: float, skewness: float, excess: float, rng: Generator) -> int:
    """A count near normal, of which four cumulants are known."""
    z = rng.standard_normal()
    z2 = z * z
    bend = excess * (z2 - 3.0) / 24.0 - skewness * skewness * (2.0 * z2 - 5.0) / 36.0
    w = z * (1.0 + bend) + skewness * (z2 - 1.0) / 6.0
    return max(0, math.floor(mean + math.sqrt(variance) * w + 0.5))


@compiled
def binomial(n: int, chance: float, rng: Generator) -> int:
    """Successes among ``n`` trials."""
    if n == 0 or chance <= 0.0:
        return 0
    if chance >= 1.0:
        return n
    mean = n * chance
    variance = mean * (1.0 - chance)
    if variance > MANY:
        skewness = (1.0 - 2.0 * chance) / math.sqrt(variance)
        return min(n, _expansion(mean, variance, skewness, (1.0 - 6.0 * chance * (1.0 - chance)) / variance, rng))
    if chance > 0.5:
        return n - _few(n, 1.0 - chance, rng) if n - mean < FEW else int(rng.binomial(n, chance))
    return _few(n, chance, rng) if mean < FEW else int(rng.binomial(n, chance))


@compiled
def _few(n: int, chance: float, rng: Generator) -> int:
    """A binomial count with a small mean, by inversion of one uniform number."""
    u = rng.random()
    # None at all has a probability above 1 - mean: draws of what all but never happens end before a power is taken.
    if u < 1.0 - n * chance:
        return 0
    odds = chance / (1.0 - chance)
    k, term = 0, math.exp(n * math.log1p(-chance))
    while u > term and k < n:
        u -= term
        k += 1
        term *= odds * (n - k + 1) / k
    return k


@compiled
def poisson(mean: float, rng: Generator) -> int:
    """Events with a mean."""
    if mean <= 0.0:
        return 0
    if mean > MANY:
        return _expansion(mean, mean, 1.0 / math.sqrt(mean), 1.0 / mean, rng)
    if mean > FEW:
        return int(rng.poisson(mean))
    u = rng.random()
    if u < 1.0 - mean:
        return 0
    k, term = 0, math.exp(-mean)
    while u > term and k < 100:
        u -= term
        k += 1
        term *= mean / k
    return k


@compiled
def birth_death(n: int, birth: float, death: float, time: float, rng: Generator) -> int:
    """Cells alive after ``time`` days of a linear birth-death process started from ``n`` cells.

    With E = exp((b - d) t), one cell is extinct with probability a = d (E - 1) / (b E - d) and otherwise geometric on
    1, 2, ... with mean m = 1 / (1 - B), B = b (E - 1) / (b E - d) (Bailey 1964, section 8.6). Exact below
    `MANY_CLONES` surviving clones: one binomial, then a Poisson with a gamma mean.
    """
    if n == 0 or time == 0.0:
        return n
    if abs(birth - death) * time < 1e-9:
        extinct = death * time / (1.0 + birth * time)
        more = birth * time / (1.0 + birth * time)
    else:
        grown = math.exp((birth - death) * time)
        below = birth * grown - death
        extinct = death * (grown - 1.0) / below
        more = birth * (grown - 1.0) / below
    live = max(0.0, 1.0 - extinct)
    if n * live > MANY_CLONES and n * (live * (1.0 - live) + more) > MANY:
        return _sum_of_clones(n, live, 1.0 / (1.0 - more), rng)
    alive = binomial(n, live, rng)
    if alive == 0 or more <= 0.0:
        return alive
    return alive + int(rng.poisson(rng.standard_gamma(alive) * (more / (1.0 - more))))


@compiled
def _sum_of_clones(n: int, live: float, m: float, rng: Generator) -> int:
    """The sum of ``n`` clones, each empty with probability 1 - ``live``, else geometric with mean ``m``."""
    # Moments of one clone about zero, then its cumulants.
    first = live * m
    second = first * (2.0 * m - 1.0)
    third = first * (6.0 * m * m - 6.0 * m + 1.0)
    fourth = first * (24.0 * m * m * m - 36.0 * m * m + 14.0 * m - 1.0)
    variance = second - first * first
    c3 = third - 3.0 * first * second + 2.0 * first**3
    c4 = fourth - 4.0 * first * third - 3.0 * second * second + 12.0 * first * first * second - 6.0 * first**4
    return _expansion(n * first, n * variance, c3 / variance**1.5 / math.sqrt(n), c4 / variance**2 / n, rng)
