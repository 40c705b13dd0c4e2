"""The platelet rule on a dose that is due, in plain numbers: called by the trial's process, compiled for the bank.

The rule looks at the last laboratory value before each dose. A value below ``hold_below`` starts a hold; doses are
skipped, not shifted, until a dose is due whose last value is at least ``resume_above``, and from there a share is off
the current dose. The hold that makes ``stop_after_holds`` ends the order.
"""

from __future__ import annotations

import math

#: What becomes of a dose that is due: given; given, for the first time at the reduced dose; held; held, and the order
#: ends.
GIVE, RESUME, HOLD, STOP = 0, 1, 2, 3


def decide(
    hold_below: float,
    resume_above: float,
    kept: float,
    stop_after: float,
    fraction: float,
    on_hold: bool,
    holds: int,
    platelets: float,
) -> tuple[int, float, bool, int]:
    """What to do with a dose that is due, and the order's state that follows: fraction, on hold, holds so far.

    Parameters
    ----------
    hold_below, resume_above
        Limits, 1e9/L.
    kept
        Share of the current dose that is given after a hold.
    fraction, on_hold, holds
        The current dose as a fraction of the planned one, whether the order is on hold, and how often it was held.
    platelets
        The last laboratory value, 1e9/L; nan when there was none, which holds nothing.
    """
    if math.isnan(platelets):
        return GIVE, fraction, on_hold, holds
    if on_hold:
        if platelets < resume_above:
            return HOLD, fraction, on_hold, holds
        return RESUME, fraction * kept, False, holds
    if platelets >= hold_below:
        return GIVE, fraction, on_hold, holds
    holds += 1
    return (STOP if holds >= stop_after else HOLD), fraction, True, holds
