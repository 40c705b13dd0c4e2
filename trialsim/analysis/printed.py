"""How the numbers of an analysis are printed in the terminal."""

from __future__ import annotations

from trialsim.reported.analysis import LogRank
from trialsim.reported.limits import Limits, scaled

MISSING = "-"
#: Columns of a line of text.
WIDTH = 100


def chi_square(test: LogRank) -> str:
    return f"{num(test.chisq, 4)} ({num(test.z, 3)})"


def num(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    return MISSING if value is None else f"{100.0 * value:.{digits}f} %"


def p(value: float | None) -> str:
    if value is None:
        return MISSING
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def interval(found: Limits, digits: int) -> str:
    estimate = num(found.estimate, digits)
    if found.estimate is None or (found.lower is None and found.upper is None):
        return estimate
    return f"{estimate} ({num(found.lower, digits)} to {num(found.upper, digits)})"


def share_interval(found: Limits) -> str:
    return interval(scaled(found, 100.0), 1)
