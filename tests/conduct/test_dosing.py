"""The platelet rule, decision by decision."""

from __future__ import annotations

import math
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct.protocol_for_tests import PLATELET_RULE, arm, chemotherapy, senolytic
from trialsim.conduct.patient_process import dose_intensity
from trialsim.spec.resolved import DoseRule
from trialsim.treatment import dose_rules

#: The same examples in every run.
FIXED = settings(deadline=None, derandomize=True)

GIVE, RESUME, HOLD, STOP = dose_rules.GIVE, dose_rules.RESUME, dose_rules.HOLD, dose_rules.STOP


class DoseState(NamedTuple):
    """Where an order stands with its rule."""

    fraction: float = 1.0
    on_hold: bool = False
    holds: int = 0


def decide(rule: DoseRule, state: DoseState, platelets: float | None) -> tuple[int, DoseState]:
    """The rule's decision by a count of platelets (None: not known yet)."""
    made, *after = dose_rules.decide(
        rule.hold_below, rule.resume_above, rule.neutrophils_hold_below, rule.neutrophils_resume_above,
        1.0 - rule.reduce_percent / 100.0, float(rule.stop_after_holds), *state,
        math.nan if platelets is None else platelets, math.nan,
    )  # fmt: skip
    return made, DoseState(*after)


def run(values: list[float | None]) -> tuple[list[int], DoseState]:
    state, made = DoseState(), []
    for value in values:
        decision, state = decide(PLATELET_RULE, state, value)
        made.append(decision)
    return made, state


def test_a_hold_lasts_until_the_count_is_back() -> None:
    """Catches resuming at ``hold_below`` (at 80 here) and holding at the limit itself (75 is not below 75)."""
    made, state = run([75.0, 74.9, 80.0, 99.9, 100.0, 90.0])
    assert made == [GIVE, HOLD, HOLD, HOLD, RESUME, GIVE]
    assert state == DoseState(0.75, False, 1)


def test_reductions_multiply() -> None:
    """Catches a reduction taken off the planned dose each time (0.5 instead of 0.5625)."""
    made, state = run([60.0, 120.0, 60.0, 120.0])
    assert made == [HOLD, RESUME, HOLD, RESUME]
    assert state.fraction == 0.75**2


def test_the_last_hold_ends_the_order() -> None:
    """Catches counting held doses as holds (stop after the third dose of one hold), and stopping one late."""
    made, _ = run([60.0, 60.0, 60.0, 60.0, 120.0, 60.0, 120.0, 60.0])
    assert made == [HOLD, HOLD, HOLD, HOLD, RESUME, HOLD, RESUME, STOP]


def test_without_a_value_the_dose_is_given() -> None:
    """Catches holding a dose because no laboratory value is known yet."""
    assert run([None])[0] == [GIVE]


@FIXED
@given(st.lists(st.floats(5.0, 400.0), max_size=60))
def test_the_rule_keeps_its_promises(values: list[float]) -> None:
    """No dose while the count is below ``hold_below``; the fraction never rises; holds are counted once.

    Catches a state machine that gives during a hold, or that forgets a hold on resuming.
    """
    state = DoseState()
    for value in values:
        decision, after = decide(PLATELET_RULE, state, value)
        given_now = decision in (GIVE, RESUME)
        assert not (given_now and value < PLATELET_RULE.hold_below)
        assert after.fraction <= state.fraction
        assert after.holds - state.holds == (not given_now and not state.on_hold)
        assert (decision == STOP) == (after.holds >= PLATELET_RULE.stop_after_holds and after.holds > state.holds)
        state = after


def test_dose_intensity_counts_what_was_planned_by_the_cut() -> None:
    """Catches doses planned after the cut in the denominator, and orders weighted by their number of doses."""
    both = arm("x", chemotherapy(), senolytic(start=70.0, cycles=2))
    progress = [(4.0, False), (3.5, False)]
    assert dose_intensity(both, progress, 76.0) == (11, (1.0 + 0.5) / 2)
    assert dose_intensity(both, progress, 60.0) == (4, 1.0)
    assert dose_intensity(arm("none"), [], 500.0) == (0, 1.0)
