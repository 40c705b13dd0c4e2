"""Words that the terminal and the page share."""

from __future__ import annotations

from trialsim.reported.analysis import Conclusion, DecidingLook

TEST_NAMES = {"logrank": "log-rank", "stratified_logrank": "stratified log-rank"}
#: How p, estimate and interval of an adapted trial were found.
BASES = {
    "one analysis": "",
    "stages": "stagewise ordering",
    "weighted z": "weighted z (Cui-Hung-Wang)",
    "closed test": "closed test",
}


def sides(sided: int) -> str:
    return "one-sided" if sided == 1 else "two-sided"


def named_test(conclusion: Conclusion) -> str:
    """``one-sided stratified log-rank``."""
    return f"{sides(conclusion.sided)} {TEST_NAMES[conclusion.test]}"


def look_words(look: DecidingLook, digits: int) -> str:
    """The look that settled a comparison: its z against the boundary, and whether the trial stopped there."""
    planned = f"{look.planned_events:,.0f}"
    of = planned if look.raised_to is None else f"{look.raised_to:,} (raised from {planned})"
    at = f"look {look.number} of {look.planned}, {look.events:,} of {of} events"
    settled = "stopped early at" if look.stopped_early else "decided at"
    return f"{settled} {at}: z {look.z:.{digits}f}, {_boundary(look, digits)}"


def _boundary(look: DecidingLook, digits: int) -> str:
    """What z was held against: the boundary that it crossed, or did not."""
    if look.decision == "futility":
        return f"below the futility boundary of {look.lower:.{digits}f}"
    if look.decision == "harm":
        return f"beyond the harm boundary of {look.lower:.{digits}f}"
    return "no boundary at this look" if look.upper is None else f"against a boundary of {look.upper:.{digits}f}"
