"""Restricted mean survival time: the area under the Kaplan-Meier curve up to tau.

lifelines' variance of it is wrong (0.516 for 0.0152 on its own ``waltons`` data), so Greenwood's is here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.data import Bools, Floats
from trialsim.analysis.kaplan_meier import KaplanMeier
from trialsim.analysis.risk_table import risk_table

_SHARED = "the shortest of the arms' longest follow-ups"


@dataclass(frozen=True)
class RestrictedMean:
    """Mean time without the event up to ``tau`` and its variance, in days and days squared."""

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


@dataclass(frozen=True)
class Tau:
    """The horizon of restricted means, and a sentence on how it was chosen."""

    days: float
    note: str
    cut: bool = False
    """Whether it is shorter than the plan wanted it."""


def usable_tau(wanted: float | None, curves: Sequence[KaplanMeier]) -> Tau:
    """The tau up to which every arm's curve is known.

    A curve is known up to the arm's last time, of an event or not; where it has come down to 0 it is known for ever.
    """
    known = min(km.known_until for km in curves)
    if wanted is not None and wanted > known:
        return Tau(known, f"tau was cut from {wanted:g} to {known:g} days, {_SHARED}.", cut=True)
    if wanted is None:
        shared = max(km.last for km in curves) if math.isinf(known) else known
        why = "the longest follow-up: every curve comes down to 0" if math.isinf(known) else _SHARED
        return Tau(shared, f"tau is {shared:g} days, {why}.")
    return Tau(float(wanted), f"tau is {wanted:g} days, as planned.")
