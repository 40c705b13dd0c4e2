"""Shares of later patients: the chance of being best against simulation, and what any shares must keep."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsim.designs.favouring import chances_of_best, shares

counts = st.lists(st.tuples(st.integers(0, 400), st.floats(1.0, 1e6)), min_size=2, max_size=5)


@pytest.mark.parametrize(
    ("events", "days"),
    [
        ((30, 20), (20_000, 21_000)),
        ((0, 3), (100, 4000)),
        ((40, 30, 35, 60), (3e4, 3e4, 3.3e4, 3e4)),
        ((200, 195), (1e5, 1e5)),
    ],
)
def test_the_chance_of_being_best_is_that_of_drawn_hazards(events: tuple[int, ...], days: tuple[float, ...]) -> None:
    """400,000 draws; 5 standard errors. Catches rate and scale exchanged, the highest for the lowest."""
    rng = np.random.default_rng(8)
    hazards = rng.gamma(np.array(events) + 0.5, 1.0 / np.array(days), size=(400_000, len(events)))
    seen = np.bincount(hazards.argmin(axis=1), minlength=len(events)) / 400_000
    found = chances_of_best(np.array(events, dtype=float), np.array(days, dtype=float))
    for one, other in zip(found, seen, strict=True):
        assert abs(one - other) < 5 * math.sqrt(max(other * (1 - other), 1e-6) / 400_000)


@given(arms=counts)
def test_chances_are_chances(arms: list[tuple[int, float]]) -> None:
    """Catches a quadrature that misses a narrow law beside a wide one; arms alike have the same chance."""
    events, days = (np.array(column, dtype=float) for column in zip(*arms, strict=True))
    found = chances_of_best(events, days)
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0.0).all()
    np.testing.assert_allclose(found[::-1], chances_of_best(events[::-1], days[::-1]), atol=1e-9)
    twice = chances_of_best(np.repeat(events[:1], 3), np.repeat(days[:1], 3))
    np.testing.assert_allclose(twice, 1 / 3, atol=1e-9)


@given(arms=counts, randomised=st.integers(1, 500), floor=st.floats(0.01, 0.19))
def test_shares_keep_the_floor_and_the_order(arms: list[tuple[int, float]], randomised: int, floor: float) -> None:
    """Catches a floor that takes the sum above 1, and a better arm with a smaller share."""
    events, days = (np.array(column, dtype=float) for column in zip(*arms, strict=True))
    best = dict(enumerate(chances_of_best(events, days).tolist()))
    named = {f"arm {key}": value for key, value in best.items()}
    found = shares(named, randomised, 500, floor)
    assert sum(found.values()) == pytest.approx(1.0)
    assert min(found.values()) >= floor - 1e-12
    ranked = sorted(named, key=lambda arm: named[arm])
    assert all(found[a] <= found[b] + 1e-12 for a, b in pairwise(ranked))


def test_shares_sharpen_as_the_trial_goes_on() -> None:
    """Near equal at the start, the chance's root at the end. Catches a power that falls."""
    best = {"control": 0.1, "new": 0.9}
    early, late = shares(best, 5, 500, 0.05), shares(best, 500, 500, 0.05)
    assert early["new"] == pytest.approx(0.5, abs=0.01)
    assert late["new"] == pytest.approx(3 / 4)
    assert shares({"control": 1e-9, "new": 1.0}, 500, 500, 0.2) == {"control": 0.2, "new": 0.8}
