"""Dose rules in the trial: when a dose is held, reduced or given up.

The rule itself is `trialsim.treatment.dose_rules`, one for the trial's process and for the bank's compiled loop.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from enum import IntEnum
from typing import NamedTuple

from trialsim.patient.schedule import SAME_TIME
from trialsim.spec.resolved import DoseRule, ResolvedArm
from trialsim.treatment import dose_rules


class Decision(IntEnum):
    """What becomes of a dose that is due."""

    GIVE = dose_rules.GIVE
    RESUME = dose_rules.RESUME
    """Given, for the first time at the reduced dose."""
    HOLD = dose_rules.HOLD
    STOP = dose_rules.STOP
    """Held, and the order ends."""


class DoseState(NamedTuple):
    """Where an order stands with its rule."""

    fraction: float = 1.0
    """The current dose as a fraction of the planned one."""
    on_hold: bool = False
    holds: int = 0


def decide(
    rule: DoseRule | None, state: DoseState, platelets: float | None, neutrophils: float | None = None
) -> tuple[Decision, DoseState]:
    """What to do with a dose that is due, and the state that follows.

    ``platelets`` and ``neutrophils`` are the last laboratory values, 1e9/L; None when there was none, which holds
    nothing.
    """
    if rule is None:
        return Decision.GIVE, state
    made, fraction, on_hold, holds = dose_rules.decide(
        rule.hold_below,
        rule.resume_above,
        rule.neutrophils_hold_below,
        rule.neutrophils_resume_above,
        1.0 - rule.reduce_percent / 100.0,
        rule.stop_after_holds,
        *state,
        platelets=math.nan if platelets is None else platelets,
        neutrophils=math.nan if neutrophils is None else neutrophils,
    )
    return Decision(made), DoseState(fraction, on_hold, holds)


class OrderProgress:
    """One order of one patient: how much is to come, how much was given."""

    __slots__ = ("delayed_on", "given", "remaining", "shift", "state", "stopped", "waited", "withheld")

    def __init__(self, administrations: int) -> None:
        self.remaining = administrations
        self.given = 0.0
        """Sum of the fractions of planned doses that were given."""
        self.state = DoseState()
        self.stopped = False
        self.withheld = False
        """Not given since its panel was negative."""
        self.shift = 0.0
        """Days by which what is to come was moved; of orders that are delayed together, the first one's counts."""
        self.waited = 0.0
        """Days that the dose that is due has waited."""
        self.delayed_on = -1.0
        """Study day of the last delay."""


def dose_intensity(arm: ResolvedArm, progress: list[OrderProgress], until: float) -> tuple[int, float]:
    """Administrations planned by study day ``until``, and amount given over amount planned.

    The ratio is averaged over the orders that had anything planned by then; 1 when none had. Nothing was planned of an
    order whose panel was negative.
    """
    planned = [
        0 if done.withheld else bisect_right(order.days, until + SAME_TIME)
        for done, order in zip(progress, arm.orders, strict=True)
    ]
    ratios = [done.given / n for done, n in zip(progress, planned, strict=True) if n]
    return sum(planned), (sum(ratios) / len(ratios) if ratios else 1.0)
