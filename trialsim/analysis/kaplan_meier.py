"""The Kaplan-Meier estimate, by lifelines, with what a survival page shows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.data import Bools, Floats
from trialsim.analysis.landmarks import named_landmarks
from trialsim.analysis.normal import number
from trialsim.analysis.quiet import quietly
from trialsim.analysis.risk_table import risk_table
from trialsim.reported.analysis import CensorMarks, LandmarkSurvival, SurvivalSteps
from trialsim.reported.limits import Interval
from trialsim.units import DAYS_PER_MONTH

# S(t) is a product of ratios, so a curve that is at one half exactly may be stored a rounding error above it.
_HALF = 0.5 + 1e-12


@dataclass(frozen=True)
class KaplanMeier:
    """S(t) as steps: the value of ``survival[i]`` holds from ``times[i]`` (days) until the next.

    ``lower`` and ``upper`` are the pointwise log-log limits (Kalbfleisch & Prentice; R
    ``conf.type = "log-log"``), NaN where S is 0. ``se`` is Greenwood's, on the scale of S.
    ``last`` is the largest time, of an event or not; 0 without patients.
    """

    times: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    se: Floats
    last: float

    @property
    def known_until(self) -> float:
        """The day up to which the curve is known: the last follow-up, and for ever once everybody has had the event."""
        return math.inf if self.survival.size and self.survival[-1] <= 0.0 else self.last

    def at(self, day: float) -> tuple[float, float, float, float]:
        """S, lower, upper and se on ``day``, counting events of that day; NaN where the curve is not known."""
        if day > self.known_until:
            return (float("nan"),) * 4
        i = int(np.searchsorted(self.times, day, side="right")) - 1
        if i < 0:
            return 1.0, 1.0, 1.0, 0.0
        return float(self.survival[i]), float(self.lower[i]), float(self.upper[i]), float(self.se[i])


def kaplan_meier(time: Floats, event: Bools, confidence_level: float) -> KaplanMeier:
    """Fit one group; a group without patients or events has the flat curve 1."""
    last = float(time.max()) if time.size else 0.0
    table = risk_table(time, event)
    if table.times.size == 0:
        none = np.empty(0)
        return KaplanMeier(none, none, none, none, none, last)
    from lifelines import KaplanMeierFitter

    with quietly():
        fit = KaplanMeierFitter(alpha=1.0 - confidence_level).fit(time, event)
        rows = np.searchsorted(fit.survival_function_.index.to_numpy(), table.times)
        survival = fit.survival_function_.to_numpy()[rows, 0]
        band = fit.confidence_interval_.to_numpy()[rows]
        greenwood = np.cumsum(table.events / (table.at_risk * (table.at_risk - table.events)))
        se = survival * np.sqrt(greenwood)
    # At S = 0 the log-log limits and Greenwood's error do not exist; lifelines fills in numbers.
    band[survival <= 0.0] = np.nan
    se[survival <= 0.0] = np.nan
    return KaplanMeier(table.times, survival, band[:, 0], band[:, 1], se, last)


def median_months(km: KaplanMeier) -> Interval:
    """Median with Brookmeyer-Crowley limits, in months.

    The median is the first time at which S <= 1/2; its limits are the first times at which the lower and the
    upper log-log band are. A band that never comes down to 1/2 gives None. (R ``survfit`` differs only
    where S is exactly 1/2 over an interval: it takes the middle of it.)
    """

    def first(curve: Floats) -> float | None:
        reached = np.flatnonzero(curve <= _HALF)
        return float(km.times[reached[0]]) / DAYS_PER_MONTH if reached.size else None

    return Interval(first(km.survival), first(km.lower), first(km.upper))


def landmarks(km: KaplanMeier, time: Floats, days: tuple[float, ...]) -> tuple[LandmarkSurvival, ...]:
    """S at each landmark; ``at_risk`` counts patients whose time is at or after the day."""
    rows = []
    for named in named_landmarks(days):
        estimate, lower, upper, se = map(number, km.at(named.day))
        at_risk = int(np.sum(time >= named.day))
        rows.append(
            LandmarkSurvival(**vars(named), estimate=estimate, lower=lower, upper=upper, se=se, at_risk=at_risk)
        )
    return tuple(rows)


def curve(km: KaplanMeier) -> SurvivalSteps:
    """The steps for drawing: from (0, 1) over every event time to the last follow-up."""
    months = [0.0, *(float(t) / DAYS_PER_MONTH for t in km.times)]
    columns = [[1.0, *map(number, values)] for values in (km.survival, km.lower, km.upper)]
    if km.last / DAYS_PER_MONTH > months[-1]:
        months.append(km.last / DAYS_PER_MONTH)
        columns = [[*values, values[-1]] for values in columns]
    known = None if math.isinf(km.known_until) else km.known_until / DAYS_PER_MONTH
    survival, lower, upper = columns
    return SurvivalSteps(months, survival, lower, upper, known)


def censor_marks(km: KaplanMeier, time: Floats, event: Bools) -> CensorMarks:
    """Where to tick the curve: the distinct censoring times, in months, and S there."""
    times = np.unique(time[~event])
    steps = np.concatenate(([1.0], km.survival))
    heights = steps[np.searchsorted(km.times, times, side="right")]
    return CensorMarks([float(t) / DAYS_PER_MONTH for t in times], heights.tolist())
