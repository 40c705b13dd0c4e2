"""Several arms against one control: the family-wise error, and Holm's procedure step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.designs.test_replicates import LOSS, MEDIAN_24, NULL, TRIALS
from trialsim.designs.boundaries import by_spending
from trialsim.designs.multiplicity import Holm, holm_rejections
from trialsim.designs.replicates import Arm, Population, run_arms
from trialsim.designs.spending import parse_spending
from trialsim.designs.survival import constant

OBF = parse_spending("obrien-fleming")
THIRDS = (1 / 3, 2 / 3, 1.0)
ALPHA, OTHERS = 0.025, 3


def bounds() -> list[tuple[float, ...]]:
    """Boundaries with one, two and three comparisons left."""
    return [by_spending(THIRDS, ALPHA / left, 1, OBF).upper for left in range(1, OTHERS + 1)]


def population(*hazard_ratios: float) -> Population:
    treated = [Arm((constant(ratio * math.log(2) / 24),), (LOSS,)) for ratio in hazard_ratios]
    size = 150 * (len(treated) + 1)
    return Population(
        size,
        constant(size / 24),
        (Arm((MEDIAN_24,), (LOSS,)), *treated),
        ratio=(1,) * (len(treated) + 1),
        blocks=(len(treated) + 1,),
    )


def test_the_family_wise_error_holds_with_no_effect() -> None:
    """20,480 trials of three arms and a control; Bonferroni is below alpha. Catches alpha given to each comparison."""
    found = run_arms(population(1.0, 1.0, 1.0), (120, 240, 360), TRIALS, seed=31)
    error = holm_rejections(found.z, bounds()).any(axis=1).mean()
    assert error < 0.0275
    # A shared control makes Bonferroni a little conservative, not idle: about 0.022.
    assert error > 0.018
    each = np.array([by_spending(THIRDS, ALPHA, 1, OBF).upper])
    assert (found.z >= each[0][None, :, None]).any(axis=(1, 2)).mean() > 0.05


def test_the_family_wise_error_holds_where_one_arm_works() -> None:
    """The level that a rejection frees may be used, and no more. Catches a level that is not shared out."""
    found = run_arms(population(0.5, 1.0, 1.0), (120, 240, 360), TRIALS, seed=32)
    rejected = holm_rejections(found.z, bounds())
    false = rejected[:, 1:].any(axis=1).mean()
    assert rejected[:, 0].mean() > 0.95
    assert false < 0.0275
    without = (found.z[:, :, 1:] >= np.array(bounds()[OTHERS - 1])[None, :, None]).any(axis=(1, 2)).mean()
    assert false > without + 0.002


def test_many_trials_and_one_at_a_time_are_the_same_procedure() -> None:
    """Catches a boundary of another look or level in either."""
    found = run_arms(population(0.75, 0.7, 0.9), (120, 240, 360), 300, seed=33)
    together = holm_rejections(found.z, bounds())
    table = bounds()
    for trial in range(300):
        holm = Holm(OTHERS, ALPHA, lambda _which, look, level: table[round(ALPHA / level) - 1][look])
        for look in range(3):
            holm.look(look, found.z[trial, look].tolist())
        assert [k in holm.rejected for k in range(OTHERS)] == together[trial].tolist()
    assert 0.1 < together.mean() < 0.9


def test_a_rejection_helps_the_others_at_the_same_look() -> None:
    """2.2 alone is not enough at a third of alpha; beside 3 it is at a half. Catches a level that waits for the next
    look, and a comparison that is dropped being rejected."""

    def bound(_which: int, _look: int, level: float) -> float:
        return {0.025: 1.96, 0.0125: 2.24, 0.025 / 3: 2.39}[level]

    alone = Holm(3, 0.025, bound)
    assert alone.look(0, [2.3, 0.0, 0.0]) == {0: 2.39, 1: 2.39, 2: 2.39}
    assert alone.rejected == set()
    helped = Holm(3, 0.025, bound)
    assert helped.look(0, [2.3, 3.0, None]) == {0: 2.24, 1: 2.39}
    assert helped.rejected == {0, 1}
    assert helped.level == 0.025


def test_two_arms_of_many_are_the_two_of_two() -> None:
    """With one treated arm the trials, cuts and z are those of `run`. Catches another order of draws."""
    from trialsim.designs.replicates import Schedule, run

    pair = run(NULL, Schedule((80, 160), (math.inf,) * 2, (-math.inf,) * 2), 64, seed=9)
    many = run_arms(NULL, (80, 160), 64, seed=9)
    np.testing.assert_array_equal(many.z[:, :, 0], pair.z)
    np.testing.assert_array_equal(many.cut, pair.cut)


@pytest.mark.parametrize("left", [1, 2, 3])
def test_levels_add_up(left: int) -> None:
    """Catches a level that is not alpha over what is left."""
    holm = Holm(3, 0.025, lambda *_: 2.0)
    holm.rejected = set(range(3 - left))
    assert holm.level == pytest.approx(0.025 / left)
