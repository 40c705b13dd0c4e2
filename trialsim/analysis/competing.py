"""Cumulative incidence when patients can have one of several events (Aalen-Johansen).

Written out because lifelines' AalenJohansenFitter moves tied times apart at random.
"""

from __future__ import annotations

import numpy as np

from trialsim.analysis.data import Floats, Labels, SurvivalData, level_order
from trialsim.analysis.risk_table import risk_table
from trialsim.reported.analysis import CauseOfRelapse, IncidenceSteps
from trialsim.units import DAYS_PER_MONTH

#: Values of the event-type column that have a fixed place in the results.
EVENT_TYPES = ("relapse", "death")


def cumulative_incidence(data: SurvivalData, kinds: Labels, kind: str) -> tuple[Floats, Floats]:
    """Distinct times at which ``kind`` happened (days) and its cumulative incidence at and after each.

    F_k(t) = sum over event times u <= t of S(u-) d_k(u) / n(u), where S is the Kaplan-Meier estimate of being
    free of every kind of event. The incidences of all kinds and S add up to 1.
    """
    table = risk_table(data.time_days, data.event)
    times, counts = np.unique(data.time_days[data.event & np.asarray(kinds == kind, dtype=bool)], return_counts=True)
    survival = np.concatenate(([1.0], np.cumprod(1.0 - table.events / table.at_risk)))
    rows = np.searchsorted(table.times, times)
    return times, np.cumsum(survival[rows] * counts / table.at_risk[rows])


def _steps(data: SurvivalData, kinds: Labels, kind: str) -> IncidenceSteps:
    times, incidence = cumulative_incidence(data, kinds, kind)
    months = [0.0, *(float(t) / DAYS_PER_MONTH for t in times)]
    estimate = [0.0, *(float(f) for f in incidence)]
    last = float(data.time_days.max()) / DAYS_PER_MONTH if data.n else 0.0
    if last > months[-1]:
        months.append(last)
        estimate.append(estimate[-1])
    return IncidenceSteps(months, estimate, None if _is_complete(data) else last)


def _is_complete(data: SurvivalData) -> bool:
    """Whether the last patients at risk have had an event, so that nothing is left to happen."""
    return bool(data.n) and bool(data.event[data.time_days == data.time_days.max()].all())


def competing_risks(data: SurvivalData, arms: list[str]) -> dict[str, dict[str, IncidenceSteps]]:
    """Steps of the cumulative incidence by arm and type of event; relapse and death always have a row."""
    assert data.event_type is not None
    found = level_order(data.event_type[data.event])
    types = [*EVENT_TYPES, *(kind for kind in found if kind and kind not in EVENT_TYPES)]
    result = {}
    for arm in arms:
        part = data.of_arm(arm)
        assert part.event_type is not None
        result[arm] = {kind: _steps(part, part.event_type, kind) for kind in types}
    return result


def incidence_by_cause(data: SurvivalData, arms: list[str]) -> dict[str, dict[str, CauseOfRelapse]]:
    """Count and cumulative incidence of each named cause by arm.

    Events without a cause (deaths without relapse) compete with the causes but have no row of their own.
    Every arm has a row for every cause seen in any arm.
    """
    assert data.cause is not None
    causes = [cause for cause in level_order(data.cause[data.event]) if cause]
    result = {}
    for arm in arms:
        part = data.of_arm(arm)
        assert part.cause is not None
        counts = {cause: int(np.sum(part.event & (part.cause == cause))) for cause in causes}
        result[arm] = {
            cause: CauseOfRelapse(counts[cause], **vars(_steps(part, part.cause, cause))) for cause in causes
        }
    return result
