"""The same subjects under two conditions: means, and each subject's difference.

Intervals are two-sided at 95 % and tell the Monte-Carlo error alone (`trialsim.studies.estimates`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.studies.estimates import CONFIDENCE, Estimate, critical_z
from trialsim.studies.estimates import share as exact_share

Floats = NDArray[np.float64]


class PairedComparison(NamedTuple):
    """What a condition (a switch, an arm) does to the mean of an outcome."""

    on: Estimate
    off: Estimate
    effect: Estimate
    """Mean of each subject's on - off: what the condition does."""
    changed: int
    """Subjects whose own value is another one."""


def compare(on: Floats, off: Floats, *, shares: bool = False) -> PairedComparison:
    """Compare subjects with themselves. ``shares``: every value is 0 or 100."""
    effect = _paired_shares(on, off) if shares else mean(on - off)
    estimate = _share if shares else mean
    return PairedComparison(estimate(on), estimate(off), effect, int(np.count_nonzero(on != off)))


def mean(values: Floats) -> Estimate:
    """A mean with Student's interval."""
    middle = float(values.mean()) if values.size else math.nan
    if values.size < 2:
        # Nothing is known of an outcome that one subject has.
        return Estimate(middle, math.nan, math.nan)
    from scipy.special import stdtrit

    half = float(stdtrit(values.size - 1, 0.5 + CONFIDENCE / 2.0) * values.std(ddof=1) / math.sqrt(values.size))
    return Estimate(middle, middle - half, middle + half)


def _share(values: Floats) -> Estimate:
    if not values.size:
        return Estimate(math.nan, math.nan, math.nan)
    return Estimate(*(100.0 * x for x in exact_share(int(np.count_nonzero(values)), values.size)))


def _paired_shares(on: Floats, off: Floats) -> Estimate:
    """Difference of two shares among the same subjects.

    The interval is that of Agresti and Min 2005 (Stat Med 24:729): half a subject is added to each of the four kinds of
    pair, so that no pair that differs does not mean no error.
    """
    if not on.size:
        return Estimate(math.nan, math.nan, math.nan)
    gained, lost, n = int(np.sum(on > off)), int(np.sum(on < off)), on.size
    gap = (gained - lost) / (n + 2.0)
    variance = ((gained + lost + 1.0) / (n + 2.0) - gap**2) / (n + 2.0)
    half = critical_z() * math.sqrt(variance)
    return Estimate(100.0 * (gained - lost) / n, 100.0 * (gap - half), 100.0 * (gap + half))
