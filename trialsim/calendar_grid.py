"""The grid that calendar times lie on.

SimPy adds a delay to the clock, and sums of arbitrary floats are rounded: a visit on the day of the data
cut could land a hair after it, and two orders of the same addition could disagree. Every time that reaches
the calendar is therefore a multiple of 2**-20 day (0.08 s). Sums and differences of such times are exact in
double precision, so a tie is a tie and the same-day order decides it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Grid points per day.
POINTS_PER_DAY = 2.0**20


def on_grid(day: float) -> float:
    """The grid point nearest to ``day``; infinity stays infinity."""
    return float(np.rint(day * POINTS_PER_DAY) / POINTS_PER_DAY)


def all_on_grid(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """The grid points nearest to ``days``."""
    snapped: NDArray[np.float64] = np.rint(days * POINTS_PER_DAY) / POINTS_PER_DAY
    return snapped
