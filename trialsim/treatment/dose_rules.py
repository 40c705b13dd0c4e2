"""The dose rule on a dose that is due, in plain numbers.

The rule looks at the last laboratory values before each dose. A value below its ``hold_below`` starts a hold; doses are
held until one is due whose last values are all at least their ``resume_above``, and from there a share is off the
current dose. The hold that makes ``stop_after_holds`` ends the order.
"""

from __future__ import annotations

import math

from trialsim.compiling import compiled

#: What becomes of a dose that is due: given; given, for the first time at the reduced dose; held; held, and the order
#: ends.
GIVE, RESUME, HOLD, STOP = 0, 1, 2, 3


@compiled
def decide(
    hold_below: float,
    resume_above: float,
    neutrophils_hold_below: float,
    neutrophils_resume_above: float,
    kept: float,
    stop_after: float,
    fraction: float,
    on_hold: bool,
    holds: int,
    platelets: float,
    neutrophils: float,
) -> tuple[int, float, bool, int]:
    """What to do with a dose that is due, and the order's state that follows: fraction, on hold, holds so far.

    Parameters
    ----------
    hold_below, resume_above
        Limits on platelets, 1e9/L; those on neutrophils likewise.
    kept
        Share of the current dose that is given after a hold.
    fraction, on_hold, holds
        The current dose as a fraction of the planned one, whether the order is on hold, and how often it was held.
    platelets, neutrophils
        The last laboratory values, 1e9/L; nan where there was none, which holds nothing.
    """
    if math.isnan(platelets) and math.isnan(neutrophils):
        return GIVE, fraction, on_hold, holds
    if on_hold:
        if platelets < resume_above or neutrophils < neutrophils_resume_above:
            return HOLD, fraction, on_hold, holds
        return RESUME, fraction * kept, False, holds
    if not (platelets < hold_below or neutrophils < neutrophils_hold_below):
        return GIVE, fraction, on_hold, holds
    holds += 1
    return (STOP if holds >= stop_after else HOLD), fraction, True, holds
