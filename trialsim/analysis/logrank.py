"""Weighted log-rank tests: plain, Fleming-Harrington, stratified.

lifelines weights by S(t) and has no stratified test, so these are written out; they agree with R
``survdiff`` and ``nph::logrank.test`` on published data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.data import Bools, Floats, Labels, SurvivalData
from trialsim.analysis.normal import p_of_z
from trialsim.analysis.strata import within_strata
from trialsim.reported.analysis import LogRank


@dataclass(frozen=True)
class HazardTable:
    """Two arms at the distinct event times of both: ``observed`` minus ``expected`` events on the arm, the
    hypergeometric ``variance`` of that, and the pooled Kaplan-Meier estimate just before (``survival_before``).
    """

    observed: Floats
    expected: Floats
    variance: Floats
    survival_before: Floats


def hazard_table(time: Floats, event: Bools, on_arm: Bools) -> HazardTable:
    """The table of one stratum. Tied events are taken together: d (n1/n) (n0/n) (n - d) / (n - 1)."""
    times, events = np.unique(time[event], return_counts=True)
    d = events.astype(float)
    n = (time.size - np.searchsorted(np.sort(time), times, side="left")).astype(float)
    arm_times = np.sort(time[on_arm])
    n1 = (arm_times.size - np.searchsorted(arm_times, times, side="left")).astype(float)
    arm_events = np.sort(time[event & on_arm])
    d1 = np.searchsorted(arm_events, times, side="right") - np.searchsorted(arm_events, times, side="left")
    share = n1 / n
    variance = d * share * (1.0 - share) * (n - d) / np.maximum(n - 1.0, 1.0)
    survival = np.cumprod(1.0 - d / n)
    before = np.concatenate(([1.0], survival[:-1])) if d.size else survival
    return HazardTable(d1.astype(float), d * share, variance, before)


def fleming_harrington(survival_before: Floats, rho: float, gamma: float) -> Floats:
    """Weights S(t-)^rho (1 - S(t-))^gamma: (0, 0) is the log-rank test, (0, 1) looks at late differences."""
    weights: Floats = survival_before**rho * (1.0 - survival_before) ** gamma
    return weights


def scores(tables: list[HazardTable], weights: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Weighted score of each (rho, gamma) and their covariance, summed over strata."""
    score = np.zeros(len(weights))
    covariance = np.zeros((len(weights), len(weights)))
    for table in tables:
        w = np.array([fleming_harrington(table.survival_before, *pair) for pair in weights])
        score += w @ (table.observed - table.expected)
        covariance += (w * table.variance) @ w.T
    return score, covariance


def hazard_tables(data: SurvivalData, arm: str, reference: str, strata: Labels | None) -> list[HazardTable]:
    """One table for each stratum, of the patients of these two arms."""
    rows = np.asarray((data.arm == arm) | (data.arm == reference), dtype=bool)
    time, event, on_arm = data.time_days[rows], data.event[rows], np.asarray(data.arm[rows] == arm, dtype=bool)
    parts = within_strata(None if strata is None else strata[rows], time.size)
    return [hazard_table(time[part], event[part], on_arm[part]) for part in parts]


def logrank(
    data: SurvivalData,
    arm: str,
    reference: str,
    *,
    rho: float = 0.0,
    gamma: float = 0.0,
    sided: int = 2,
    stratified: bool = False,
) -> LogRank:
    """Compare ``arm`` with ``reference`` by the Fleming-Harrington(rho, gamma) test.

    Other arms' patients are left out. ``sided=1`` tests for benefit of the arm: p is the chance of a z as small or
    smaller. ``stratified`` adds scores and variances over the strata of the data, each with its own
    risk sets and weights. Its numbers are None when there is nothing to compare (no events, or an arm never at risk).
    """
    strata = data.strata if stratified else None
    score, covariance = scores(hazard_tables(data, arm, reference, strata), [(rho, gamma)])
    if not covariance[0, 0] > 0.0:
        return LogRank(None, None, None)
    z = float(score[0]) / math.sqrt(float(covariance[0, 0]))
    return LogRank(z * z, z, p_of_z(z, sided))
