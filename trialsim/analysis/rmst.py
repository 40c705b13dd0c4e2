"""Restricted mean survival time: the area under the Kaplan-Meier curve up to tau.

lifelines' variance of it is wrong (0.516 for 0.0152 on its own ``waltons`` data), so Greenwood's is here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.data import Bools, Floats
from trialsim.analysis.risk_table import risk_table


@dataclass(frozen=True)
class RestrictedMean:
    """Mean time lived without the event up to ``tau`` and its variance, in days and days squared."""

    tau: float
    estimate: float
    variance: float

    @property
    def se(self) -> float:
        return math.sqrt(self.variance)


def restricted_mean(time: Floats, event: Bools, tau: float) -> RestrictedMean:
    r"""RMST of one group.

    .. math:: \mu = \int_0^\tau S(t)\,dt, \quad
              \mathrm{var}(\mu) = \sum_{t_i \le \tau} \Bigl(\int_{t_i}^\tau S\Bigr)^2 \frac{d_i}{n_i (n_i - d_i)}

    (Greenwood; Klein & Moeschberger 2003, 4.5.) When everyone at risk has the event, no area is left and the
    term is 0. Without censoring this is the mean of min(T, tau) and its population variance over n.
    """
    table = risk_table(time, event)
    early = table.times <= tau
    times, n, d = table.times[early], table.at_risk[early], table.events[early]
    heights = np.concatenate(([1.0], np.cumprod(1.0 - d / n)))
    areas = heights * np.diff(np.concatenate(([0.0], times, [tau])))
    after = np.cumsum(areas[:0:-1])[::-1]
    left = n - d
    terms = np.where(left > 0.0, after**2 * d / (n * np.maximum(left, 1.0)), 0.0)
    return RestrictedMean(float(tau), float(areas.sum()), float(terms.sum()))


def usable_tau(wanted: float | None, times_by_arm: Sequence[Floats]) -> tuple[float, str]:
    """The tau that every arm's follow-up supports, and a sentence on how it was chosen.

    A tau beyond the last time, of an event or not, of any arm is cut to the smallest of those.
    """
    shared = min(float(times.max()) for times in times_by_arm)
    if wanted is None:
        return shared, f"tau is the shortest of the arms' longest follow-ups, {shared:g} days."
    if wanted > shared:
        return shared, f"tau was cut from {wanted:g} to {shared:g} days, the shortest of the arms' longest follow-ups."
    return float(wanted), f"tau is {wanted:g} days, as planned."
