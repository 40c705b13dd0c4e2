"""Death from causes other than cancer, by Gompertz's law.

The hazard per year at age x is ``rate60 * exp(slope * (x - 60))``. A patient alive at age a has the
cumulative hazard ``h(a) * (exp(slope * t) - 1) / slope`` after t years; setting it to a standard
exponential and solving for t gives the time to death, conditional on being alive at a.
"""

from __future__ import annotations

import math

from trialsim.spec.resolved import BackgroundMortality
from trialsim.units import DAYS_PER_YEAR

#: Below this slope (per year) the hazard is constant to double precision over any life.
LEVEL_SLOPE = 1e-16


def years_to_death(mortality: BackgroundMortality, age: float, cumulative_hazard: float) -> float:
    """Years from ``age`` until the cumulative hazard of death reaches ``cumulative_hazard``.

    Infinite when the law lets the patient live for ever (rate 0, or a falling hazard that sums to less).
    """
    slope = mortality.slope_per_year
    hazard_now = mortality.rate60_per_year * math.exp(slope * (age - 60.0))
    if hazard_now <= 0.0:
        return math.inf
    if abs(slope) < LEVEL_SLOPE:
        return cumulative_hazard / hazard_now
    growth = slope * cumulative_hazard / hazard_now
    return math.log1p(growth) / slope if growth > -1.0 else math.inf


def days_to_death(mortality: BackgroundMortality, age: float, cumulative_hazard: float) -> float:
    """`years_to_death` in days."""
    return years_to_death(mortality, age, cumulative_hazard) * DAYS_PER_YEAR
