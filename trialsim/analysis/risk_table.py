"""Who is at risk, has had the event, is censored: the counts that every estimate here is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.analysis.data import Bools, Floats
from trialsim.reported.analysis import AtRisk
from trialsim.units import DAYS_PER_MONTH

#: How the rows of an at-risk table count; printed with every table.
AT_RISK_CONVENTION = (
    "At risk: patients whose time is at or after the tick (counted just before it). "
    "Events and censored: cumulative counts before the tick. The three sum to the number of patients."
)

_STEPS_MONTHS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 36.0, 60.0, 120.0)
_MOST_TICKS = 9


@dataclass(frozen=True)
class RiskTable:
    """Counts at the distinct event times, ascending: ``at_risk`` just before each, ``events`` at it."""

    times: Floats
    at_risk: Floats
    events: Floats


def risk_table(time: Floats, event: Bools) -> RiskTable:
    """The table of one group. Patients censored at an event time are at risk for it."""
    times, events = np.unique(time[event], return_counts=True)
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    return RiskTable(times, at_risk.astype(float), events.astype(float))


def default_ticks(max_months: float) -> list[float]:
    """Ticks for an at-risk table, in months: 0, then even steps of a usual length, at most nine in all."""
    fitting = [step for step in _STEPS_MONTHS if max_months / step < _MOST_TICKS]
    step = fitting[0] if fitting else _STEPS_MONTHS[-1] * np.ceil(max_months / _STEPS_MONTHS[-1] / (_MOST_TICKS - 1))
    return [round(float(step) * i, 6) for i in range(int(max_months / step + 1e-9) + 1)]


def counts_at(time: Floats, event: Bools, ticks_months: list[float]) -> AtRisk:
    """The at-risk table at ``ticks_months``, by :data:`AT_RISK_CONVENTION`. Times in days."""
    ticks = np.asarray(ticks_months, dtype=float) * DAYS_PER_MONTH
    events = np.searchsorted(np.sort(time[event]), ticks, side="left")
    censored = np.searchsorted(np.sort(time[~event]), ticks, side="left")
    at_risk = time.size - events - censored
    return AtRisk(list(ticks_months), at_risk.tolist(), events.tolist(), censored.tolist())
