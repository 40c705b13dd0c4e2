"""A quantity with its interval, and the ways in which studies come to one.

Intervals are two-sided at 95 %. They tell the Monte-Carlo error of what the simulator says, that is, how far another
seed might be off. They don't tell how far the model's parameters may be off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.reported.studies import SavedEstimate

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
#: Resamples of a bootstrap.
RESAMPLES = 2000
_TAILS = (50.0 * (1.0 - CONFIDENCE), 50.0 * (1.0 + CONFIDENCE))


class Estimate(NamedTuple):
    """A number with its 95 % interval. Infinite where the data set no limit; nan where they say nothing."""

    value: float
    lower: float
    upper: float


def critical_z() -> float:
    """Half-width of the interval of a normal estimate, in standard errors."""
    return NormalDist().inv_cdf(0.5 + CONFIDENCE / 2.0)


def saved(found: Estimate) -> SavedEstimate:
    """An estimate for JSON, which has no infinities, to six figures."""

    def plain(value: float) -> float | str | None:
        if math.isnan(value):
            return None
        return "infinite" if math.isinf(value) else float(f"{value:.6g}")

    return SavedEstimate(*map(plain, found))


def bootstrap(
    statistic: Callable[..., Floats], *samples: Floats, rng: np.random.Generator, twins: bool = False
) -> Estimate:
    """A statistic of samples, with its percentile interval over resampled subjects.

    Samples are resampled apart from each other, but together where they are of the same subjects (``twins``).

    ``statistic`` takes one array per sample, whose **last** axis is the subjects, and reduces that axis; it is
    called once with each sample as it is and once with RESAMPLES resamples of each stacked along the first axis.
    """
    value = float(statistic(*(sample[None, :] for sample in samples))[0])
    rows = [rng.integers(0, sample.size, (RESAMPLES, sample.size)) for sample in (samples[:1] if twins else samples)]
    drawn = [sample[rows[0 if twins else at]] for at, sample in enumerate(samples)]
    spread = statistic(*drawn)
    spread = spread[~np.isnan(spread)]
    if spread.size == 0:
        return Estimate(value, math.nan, math.nan)
    # An infinite resample (a ratio over nothing) is a place in the order, not a number to interpolate from.
    lower, upper = np.percentile(spread, _TAILS, method="closest_observation")
    return Estimate(value, float(lower), float(upper))


def share(successes: int, trials: int) -> Estimate:
    """A proportion with Clopper and Pearson's exact limits."""
    from scipy import stats

    limits = stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="exact")
    return Estimate(successes / trials, float(limits.low), float(limits.high))


def rate(events: int, exposure: float) -> Estimate:
    """Events per unit of exposure with exact Poisson limits (Garwood 1936)."""
    from scipy import stats

    tail = 0.5 * (1.0 - CONFIDENCE)
    lower = stats.chi2.ppf(tail, 2 * events) / 2.0 if events else 0.0
    upper = stats.chi2.ppf(1.0 - tail, 2 * events + 2) / 2.0
    return Estimate(events / exposure, float(lower) / exposure, float(upper) / exposure)


def frequency(without: int, plates: int, plated: float) -> Estimate:
    """How many of the cells on a plate found a colony, from the share of plates without one.

    Colonies are founded independently, so their number on a plate is Poisson and the share of empty plates
    exp(-frequency x plated): the limiting-dilution assay with one dilution. Exact limits of the share carry over.
    """
    empty = share(without, plates)

    def of(empty_share: float) -> float:
        return math.inf if empty_share <= 0.0 else -math.log(empty_share) / plated + 0.0

    return Estimate(of(empty.value), of(empty.upper), of(empty.lower))


def frequency_ratio(first: tuple[int, int, float], second: tuple[int, int, float]) -> Estimate:
    """Ratio of two frequencies, each told as (plates without a colony, plates, cells plated); delta method on the log.

    With p the empty share, ln frequency = ln(-ln p) + const has the variance (1 - p) / (n p ln^2 p). A side with no
    empty plate or nothing but empty ones says only that its frequency is high or low.
    """
    logs, variance = [], 0.0
    for without, plates, plated in (first, second):
        if without in (0, plates):
            return _ratio_at_the_edge(first, second)
        p = without / plates
        logs.append(math.log(-math.log(p) / plated))
        variance += (1.0 - p) / (plates * p * math.log(p) ** 2)
    half = critical_z() * math.sqrt(variance)
    gap = logs[0] - logs[1]
    return Estimate(math.exp(gap), math.exp(gap - half), math.exp(gap + half))


def _ratio_at_the_edge(first: tuple[int, int, float], second: tuple[int, int, float]) -> Estimate:
    """Bounds from the exact limits of both sides, which is wider than a 95 % interval."""
    a, b = frequency(*first), frequency(*second)

    def over(x: float, y: float) -> float:
        if math.isinf(x) and math.isinf(y):
            return math.nan
        return math.inf if y == 0.0 else x / y

    if (math.isinf(a.value) and math.isinf(b.value)) or a.value == b.value == 0.0:
        return Estimate(math.nan, 0.0, math.inf)
    return Estimate(over(a.value, b.value), over(a.lower, b.upper), over(a.upper, b.lower))
