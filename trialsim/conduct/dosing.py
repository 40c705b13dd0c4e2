"""Platelet rules: when a dose is held, reduced or given up.

The rule looks at the last laboratory value before each dose. A value below ``hold_below`` starts a hold;
doses are skipped, not shifted, until a dose is due whose last value is at least ``resume_above``, and from
there ``reduce_percent`` is off the current dose. The hold that makes ``stop_after_holds`` ends the order.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import IntEnum
from typing import NamedTuple

from trialsim.conduct.schedule import SAME_TIME
from trialsim.spec.resolved import DoseRule, ResolvedArm


class Decision(IntEnum):
    """What becomes of a dose that is due."""

    GIVE = 0
    RESUME = 1
    """Given, for the first time at the reduced dose."""
    HOLD = 2
    STOP = 3
    """Held, and the order ends."""


class DoseState(NamedTuple):
    """Where an order stands with its rule."""

    fraction: float = 1.0
    """The current dose as a fraction of the planned one."""
    on_hold: bool = False
    holds: int = 0


def decide(rule: DoseRule | None, state: DoseState, platelets: float | None) -> tuple[Decision, DoseState]:
    """What to do with a dose that is due, and the state that follows.

    ``platelets`` is the last laboratory value, 1e9/L; None when there was none, which holds nothing.
    """
    if rule is None or platelets is None:
        return Decision.GIVE, state
    if state.on_hold:
        if platelets < rule.resume_above:
            return Decision.HOLD, state
        reduced = state.fraction * (1.0 - rule.reduce_percent / 100.0)
        return Decision.RESUME, DoseState(reduced, False, state.holds)
    if platelets >= rule.hold_below:
        return Decision.GIVE, state
    held = DoseState(state.fraction, True, state.holds + 1)
    return (Decision.STOP if held.holds >= rule.stop_after_holds else Decision.HOLD), held


class OrderProgress:
    """One order of one patient: how much is to come, how much was given."""

    __slots__ = ("given", "remaining", "state", "stopped")

    def __init__(self, administrations: int) -> None:
        self.remaining = administrations
        self.given = 0.0
        """Sum of the fractions of planned doses that were given."""
        self.state = DoseState()
        self.stopped = False


def dose_intensity(arm: ResolvedArm, progress: list[OrderProgress], until: float) -> tuple[int, float]:
    """Administrations planned by study day ``until``, and amount given over amount planned.

    The ratio is averaged over the orders that had anything planned by then; 1 when none had.
    """
    planned = [bisect_right(order.days, until + SAME_TIME) for order in arm.orders]
    ratios = [done.given / n for done, n in zip(progress, planned, strict=True) if n]
    return sum(planned), (sum(ratios) / len(ratios) if ratios else 1.0)
