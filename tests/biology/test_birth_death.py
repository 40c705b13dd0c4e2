"""The own flow of dividing cells against the closed forms of a linear birth-death process."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy import stats

from trialsim.biology import draws
from trialsim.biology.rates import Multipliers, escaper_rates
from trialsim.chance.stream import open_stream
from trialsim.rng import Purpose

_birth_death = draws.birth_death


@njit
def _draws(n, birth, death, time, paths, rng):
    out = np.empty(paths, np.int64)
    for i in range(paths):
        out[i] = _birth_death(n, birth, death, time, rng)
    return out


CASES = [(1, 0.14, 0.13, 60.0), (7, 0.3, 0.1, 10.0), (5, 0.1, 0.1, 40.0), (50, 0.05, 0.2, 12.0), (3, 0.2, 0.0, 15.0)]


@pytest.mark.parametrize(("n", "birth", "death", "time"), CASES)
def test_mean_variance_and_extinction(n: int, birth: float, death: float, time: float) -> None:
    """Mean n e^(rt), variance n (b+d)/(b-d) e^(rt)(e^(rt)-1), extinction a^n. Within 4 standard errors (p < 1e-4 each).

    Catches a flow that uses net growth alone: its variance and extinction are wrong though its mean is right.
    """
    x = _draws(n, birth, death, time, 40_000, open_stream(1, Purpose.CELLS)).astype(float)
    r = birth - death
    grown = np.exp(r * time)
    variance = 2 * birth * time if r == 0 else (birth + death) / r * grown * (grown - 1)
    extinct = birth * time / (1 + birth * time) if r == 0 else death * (grown - 1) / (birth * grown - death)
    assert abs(x.mean() - n * grown) < 4 * x.std() / np.sqrt(len(x))
    fourth = ((x - x.mean()) ** 4).mean()
    assert abs(x.var() - n * variance) < 4 * np.sqrt((fourth - x.var() ** 2) / len(x))
    p = extinct**n
    assert abs((x == 0).mean() - p) <= 4 * np.sqrt(p * (1 - p) / len(x))


def test_whole_distribution_of_one_cell() -> None:
    """P(k) = (1-a)(1-B) B^(k-1). Chi-square at 1e-6. Catches a geometric law that starts at the wrong number."""
    b, d, t = 0.2, 0.15, 20.0
    x = _draws(1, b, d, t, 50_000, open_stream(2, Purpose.CELLS))
    grown = np.exp((b - d) * t)
    a, more = d * (grown - 1) / (b * grown - d), b * (grown - 1) / (b * grown - d)
    edges = 15
    expected = [a, *((1 - a) * (1 - more) * more**k for k in range(edges))]
    expected.append(1 - sum(expected))
    counts = np.bincount(np.minimum(x, edges + 1), minlength=edges + 2)
    assert stats.chisquare(counts, np.array(expected) * len(x)).pvalue > 1e-6


def test_nothing_comes_from_nothing() -> None:
    """Catches a law that seeds empty compartments."""
    assert _draws(0, 0.5, 0.1, 30.0, 100, open_stream(3, Purpose.CELLS)).max() == 0


def test_huge_counts_keep_their_mean() -> None:
    """Catches overflow and loss of precision: 1e12 cells, relative error under 1e-5 (six standard errors)."""
    x = _draws(10**12, 0.14, 0.13, 30.0, 200, open_stream(4, Purpose.CELLS)).astype(float)
    assert abs(x.mean() / (1e12 * np.exp(0.3)) - 1) < 1e-5


@pytest.mark.parametrize(("establishment", "growth"), [(3.0, 1.0), (10.0, 1.3), (3.0, 2.0)])
@pytest.mark.parametrize("alone", [1.0, 3.6])
def test_escapers_establish_and_grow_by_their_own_multipliers(
    establishment: float, growth: float, alone: float
) -> None:
    """Catches a model in which faster growth and readier establishment are one number, or crowding is in one only.

    A single cell divides at birth + (alone - 1) net, and its clone survives with probability 1 - losses / birth, where
    losses are death, arrest and immune killing.
    """
    birth, net, losses = 0.14, 0.005, 0.001
    b, d, escaped_net = escaper_rates(birth, net, losses, Multipliers(establishment, growth), alone)
    own = alone * net / (birth + (alone - 1.0) * net)
    assert escaped_net == pytest.approx(growth * net)
    assert b - d - losses == pytest.approx(escaped_net)
    at_one_cell = b + (alone - 1.0) * escaped_net
    assert (at_one_cell - d - losses) / at_one_cell == pytest.approx(min(establishment * own, 0.95))


def test_founding_a_clone_is_never_sure() -> None:
    """Catches an establishment multiplier that takes a probability past 1 (births below losses): 0.95 at most."""
    b, d, net = escaper_rates(0.14, 0.05, 0.0, Multipliers(40.0, 1.0))
    assert (b - d) / b == pytest.approx(0.95)
    assert net == 0.05


def test_a_tumour_that_does_not_grow_has_plain_escapers() -> None:
    """Catches a division by zero: where cycling cells do not grow, escapers have their rates."""
    assert escaper_rates(0.14, 0.0, 0.02, Multipliers(10.0, 1.3)) == (0.14, pytest.approx(0.12), 0.0)
