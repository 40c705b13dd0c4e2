"""Re-estimation of the number of events: alpha, the zone, and the events that give the power."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.designs.test_replicates import LOSS, MEDIAN_24, NULL, TRIALS
from trialsim.designs.boundaries import by_spending
from trialsim.designs.promising import Promising, conditional_power, new_events, weighted_z
from trialsim.designs.replicates import Arm, ManyArms, Population, run_arms
from trialsim.designs.spending import parse_spending
from trialsim.designs.survival import constant

RULE = Promising(lowest=0.3, power=0.9, at_most=1.5)
PLANNED, FIRST = 160, 80
UPPER = by_spending([0.5, 1.0], 0.025, 1, parse_spending("obrien-fleming")).upper


def decided(found: ManyArms, totals: list[int], *, weighted: bool) -> np.ndarray:
    """Which of the trials reject, with new events chosen at the look by the rule."""
    rejected = np.zeros(len(found.z), dtype=bool)
    for trial, z in enumerate(found.z[:, :, 0]):
        if z[0] >= UPPER[0]:
            rejected[trial] = True
            continue
        total = new_events(RULE, 0.5, FIRST, z[0], UPPER[1], PLANNED)
        at = 1 + totals.index(total)
        last = weighted_z(0.5, (FIRST, z[0]), (total, z[at])) if weighted else z[at]
        rejected[trial] = last >= UPPER[1]
    return rejected


def test_alpha_holds_whatever_the_rule_does() -> None:
    """20,480 trials without an effect, all numbers of events the rule can choose. Catches weights by what came."""
    totals = list(range(PLANNED, int(1.5 * PLANNED) + 1))
    found = run_arms(NULL, (FIRST, *totals), TRIALS // 4, seed=41)
    error = decided(found, totals, weighted=True).mean()
    assert abs(error - 0.025) < 4 * math.sqrt(0.025 * 0.975 / (TRIALS // 4))


def test_alpha_is_lost_without_the_weights_where_the_rule_is_greedy() -> None:
    """Raising the events on any result and testing as if it had been planned: what the weights are for. By the law of
    the two parts, with no patients: 400,000 trials."""
    rng = np.random.default_rng(5)
    first, later = rng.normal(size=(2, 400_000))
    # Stop at the plan where the look is good, ten times as many events where it is not.
    more = np.where(first > 1.0, PLANNED - FIRST, 10 * PLANNED)
    plain = (math.sqrt(FIRST) * first + np.sqrt(more) * later) / np.sqrt(FIRST + more)
    kept = math.sqrt(0.5) * first + math.sqrt(0.5) * later
    assert abs((kept >= 1.96).mean() - 0.025) < 0.0012
    assert abs((plain >= 1.96).mean() - 0.025) > 0.003


def test_power_is_bought_where_it_is_promising() -> None:
    """A weak effect: the rule wins power and costs events in the zone only. Catches a zone upside down."""
    weaker = Population(
        400, NULL.accrual, (Arm((MEDIAN_24,), (LOSS,)), Arm((constant(0.68 * math.log(2) / 24),), (LOSS,)))
    )
    totals = list(range(PLANNED, int(1.5 * PLANNED) + 1))
    found = run_arms(weaker, (FIRST, *totals), 4000, seed=42)
    adaptive = decided(found, totals, weighted=True)
    plain = (found.z[:, 0, 0] >= UPPER[0]) | (found.z[:, 1, 0] >= UPPER[1])
    assert adaptive.mean() > plain.mean() + 0.02
    raised = np.array([new_events(RULE, 0.5, FIRST, z, UPPER[1], PLANNED) > PLANNED for z in found.z[:, 0, 0]])
    assert 0.15 < raised.mean() < 0.6
    np.testing.assert_array_equal(adaptive[~raised], plain[~raised])


@given(z=st.floats(-2.0, 2.9), lowest=st.floats(0.05, 0.6))
def test_the_new_events_give_the_power_or_the_most(z: float, lowest: float) -> None:
    """Catches a zone with its ends exchanged, fewer events than planned, one event too few."""
    rule = Promising(lowest, 0.9, 1.5)
    total = new_events(rule, 0.5, FIRST, z, UPPER[1], PLANNED)
    now = conditional_power(0.5, FIRST, z, UPPER[1], PLANNED)
    assert PLANNED <= total <= 1.5 * PLANNED
    if not lowest <= now < 0.9:
        assert total == PLANNED
        return
    reached = conditional_power(0.5, FIRST, z, UPPER[1], total)
    assert reached >= now
    assert total == 240 or reached >= 0.9 - 1e-9
    assert total == PLANNED or conditional_power(0.5, FIRST, z, UPPER[1], total - 1) < 0.9


def test_the_weighted_test_is_the_plain_one_when_all_is_as_planned() -> None:
    """Catches the parts exchanged."""
    assert weighted_z(0.5, (80, 1.3), (160, 2.1)) == pytest.approx(2.1, abs=1e-12)
    assert weighted_z(0.5, (80, 1.3), (240, 2.1)) != pytest.approx(2.1, abs=1e-3)


@pytest.mark.parametrize("z", [0.0, -0.3, -0.8])
def test_no_events_are_added_for_an_effect_the_other_way(z: float) -> None:
    """A zone that reaches down to such a look. Catches the sign of z lost in a square, and a division by z = 0."""
    rule = Promising(1e-9, 0.9, 3.0)
    assert conditional_power(0.5, 100.0, z, 1.96, 200.0) >= rule.lowest
    assert new_events(rule, 0.5, 100.0, z, 1.96, 200) == 200
