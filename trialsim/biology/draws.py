"""Counts drawn at random: binomial, Poisson, and the cells that a dividing population leaves.

Two regimes, by the variance of what is drawn:

* up to ``MANY``, one uniform number is inverted; most such draws are of something that all but never happens;
* sums of many independent parts, above it, are their Cornish-Fisher expansion about one normal deviate z: mean +
  sd (z + g (z^2 - 1) / 6 + k (z^3 - 3 z) / 24 - g^2 (2 z^3 - 5 z) / 36), g the skewness and k the excess kurtosis,
  rounded. Rounding adds the cumulants of a uniform number (Sheppard), so they are taken off first. Its distribution
  function is then within 0.0002 of the exact one (tests/biology/test_draws.py), with the first four cumulants right;
  a rejection sampler would take five times as long.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.chance.samplers import gamma, normal, uniform
from trialsim.chance.stream import Stream
from trialsim.compiling import compiled

#: Variance from which a count is drawn by its expansion, and clones from which the sum of their sizes is.
MANY, MANY_CLONES = 8.0, 1000.0
#: 1/k, as a loop that divides waits for each division. A count with a variance up to ``MANY`` never comes to the end.
_INVERSE = 1.0 / np.maximum(np.arange(100.0), 1.0)


@compiled
def _expansion(mean: float, variance: float, third: float, fourth: float, rng: Stream) -> int:
    """A count near normal, of which four cumulants are known."""
    # Rounding adds those of a uniform number on (-1/2, 1/2).
    inner = variance - 1.0 / 12.0
    sd = math.sqrt(inner)
    inverse = 1.0 / sd
    skewness = third * inverse * inverse * inverse
    excess = (fourth + 1.0 / 120.0) * (inverse * inverse) * (inverse * inverse)
    z = normal(rng)
    z2 = z * z
    bend = excess * (1.0 / 24.0) * (z2 - 3.0) - skewness * skewness * (1.0 / 36.0) * (2.0 * z2 - 5.0)
    w = z * (1.0 + bend) + skewness * (1.0 / 6.0) * (z2 - 1.0)
    return max(0, math.floor(mean + sd * w + 0.5))


@compiled
def binomial(n: int, chance: float, rng: Stream) -> int:
    """Successes among ``n`` trials."""
    if n == 0 or chance <= 0.0:
        return 0
    if chance >= 1.0:
        return n
    mean = n * chance
    variance = mean * (1.0 - chance)
    if variance > MANY:
        third, fourth = variance * (1.0 - 2.0 * chance), variance * (1.0 - 6.0 * chance * (1.0 - chance))
        return min(n, _expansion(mean, variance, third, fourth, rng))
    return n - _few(n, 1.0 - chance, rng) if chance > 0.5 else _few(n, chance, rng)


@compiled
def _few(n: int, chance: float, rng: Stream) -> int:
    """A binomial count with a small mean, by inversion of one uniform number."""
    u = uniform(rng)
    # None at all has a probability above 1 - mean: draws of what all but never happens end before a power is taken.
    if u < 1.0 - n * chance:
        return 0
    term = _none_of(n, chance)
    odds = chance / (1.0 - chance)
    k = 0
    while u > term and k < min(n, _INVERSE.size - 1):
        u -= term
        k += 1
        term *= odds * (n - k + 1) * _INVERSE[k]
    return k


@compiled
def _none_of(n: int, chance: float) -> float:
    """(1 - chance)^n, by squaring where the chance is not so small that its exponential has two terms."""
    if chance < 1e-4:
        return math.exp(-n * chance * (1.0 + 0.5 * chance))
    power, total = 1.0 - chance, 1.0
    while n > 0:
        if n & 1:
            total *= power
        power *= power
        n >>= 1
    return total


@compiled
def poisson(mean: float, rng: Stream) -> int:
    """Events with a mean."""
    if mean <= 0.0:
        return 0
    if mean > MANY:
        return _expansion(mean, mean, mean, mean, rng)
    u = uniform(rng)
    if u < 1.0 - mean:
        return 0
    k, term = 0, math.exp(-mean)
    while u > term and k < _INVERSE.size - 1:
        u -= term
        k += 1
        term *= mean * _INVERSE[k]
    return k


@compiled
def birth_death(n: int, birth: float, death: float, time: float, rng: Stream) -> int:
    """Cells alive after ``time`` days of a linear birth-death process started from ``n`` cells."""
    if n == 0 or time == 0.0:
        return n
    live, more = clone_chances(birth, death, time)
    return clones(n, live, more, rng)


@compiled
def clone_chances(birth: float, death: float, time: float) -> tuple[float, float]:
    """The clone that one cell leaves after ``time`` days of a linear birth-death process (Bailey 1964, section 8.6).

    With E = exp((b - d) t), it is alive with probability 1 - d (E - 1) / (b E - d) and then geometric on 1, 2, ... with
    mean 1 / (1 - B), B = b (E - 1) / (b E - d). Returns the first probability and B.
    """
    if abs(birth - death) * time < 1e-9:
        part = time / (1.0 + birth * time)
    else:
        grown = math.exp((birth - death) * time)
        part = (grown - 1.0) / (birth * grown - death)
    return max(0.0, 1.0 - death * part), birth * part


@compiled
def clones(n: int, live: float, more: float, rng: Stream) -> int:
    """Cells in the clones of ``n`` cells with `clone_chances`.

    Exact below `MANY_CLONES` surviving clones: one binomial, then a Poisson with a gamma mean; for one cell one uniform
    number is inverted.
    """
    if n == 1:
        return _one_clone(live, more, rng)
    if n * live > MANY_CLONES and n * (live * (1.0 - live) + more) > MANY:
        return _sum_of_clones(n, live, 1.0 / (1.0 - more), rng)
    alive = binomial(n, live, rng)
    if alive == 0 or more <= 0.0:
        return alive
    return alive + poisson(gamma(alive, rng) * (more / (1.0 - more)), rng)


@compiled
def _one_clone(live: float, more: float, rng: Stream) -> int:
    """The clone of one cell: P(more than k cells) = live x more^k, inverted."""
    u = uniform(rng)
    if u >= live:
        return 0
    return 1 + int(math.log(u / live) / math.log(more)) if more > 0.0 and u > 0.0 else 1


@compiled
def _sum_of_clones(n: int, live: float, m: float, rng: Stream) -> int:
    """The sum of ``n`` clones, each empty with probability 1 - ``live``, else geometric with mean ``m``."""
    # Moments of one clone about zero, then its cumulants.
    first = live * m
    second = first * (2.0 * m - 1.0)
    third = first * (6.0 * m * m - 6.0 * m + 1.0)
    fourth = first * (24.0 * m * m * m - 36.0 * m * m + 14.0 * m - 1.0)
    variance = second - first * first
    c3 = third - 3.0 * first * second + 2.0 * first * first * first
    c4 = (
        fourth
        - 4.0 * first * third
        - 3.0 * second * second
        + 12.0 * first * first * second
        - 6.0 * first * first * first * first
    )
    return _expansion(n * first, n * variance, n * c3, n * c4, rng)
