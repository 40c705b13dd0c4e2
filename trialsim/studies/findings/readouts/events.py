"""Readouts of events in time: tumours of a size, relapses, deaths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np

from trialsim.analysis.cox import Term, fit_cox
from trialsim.analysis.kaplan_meier import kaplan_meier
from trialsim.analysis.kaplan_meier import median_months as median_of_curve
from trialsim.analysis.normal import wald
from trialsim.analysis.partial_likelihood import efron_fit
from trialsim.studies.estimates import CONFIDENCE, Estimate, rate, share
from trialsim.studies.experiment import Followed, Watched
from trialsim.studies.findings.readouts.register import Bools, Floats, Rng, Seen, percent, readout, twins
from trialsim.studies.findings.readouts.tumours import time_to_size
from trialsim.units import DAYS_PER_YEAR


def _times(group: Seen, cells: float | None, event: str) -> tuple[Floats, Bools]:
    """Time and whether the event was seen, censored at the end."""
    if isinstance(group, Watched):
        if cells is None:
            raise ValueError("a watched group needs the size that counts as the event")
        times, end = time_to_size(group, cells), float(group.days[-1])
    else:
        end = group.ends
        times = {
            "relapse": group.relapse,
            "death": group.death,
            "either": np.minimum(group.relapse, group.death),
        }[event]
        if event == "relapse":
            return np.minimum(np.minimum(times, group.death), end), times < group.death
    return np.minimum(times, end), np.isfinite(times)


@readout
def hazard_ratio(
    groups: Sequence[Seen],
    *,
    rng: Rng,
    cells: float | None = None,
    event: Literal["relapse", "death", "either"] = "relapse",
) -> Estimate:
    """Hazard ratio (Cox) of a tumour of a size, or, in patients, of relapse or death."""
    del rng
    first, second = (_times(g, cells, event) for g in groups)
    return cox(first, second, same=twins(groups))


def cox(first: tuple[Floats, Bools], second: tuple[Floats, Bools], *, same: bool = False) -> Estimate:
    """Cox hazard ratio of the first sample against the second; nan where it has no finite estimate.

    Where both are of the ``same`` subjects, in the same order, the interval is the grouped robust one.
    """
    time, event = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    indicator = np.repeat((1.0, 0.0), (first[0].size, second[0].size))
    if same:
        pairs = np.tile(np.arange(first[0].size, dtype=np.float64), 2)
        model = fit_cox([Term("arm", "first against second", indicator)], time, event, cluster=pairs)
        found = None if model is None else (float(model.coef[0]), float(model.se[0]))
    else:
        fit = efron_fit(indicator[:, None], time, event)
        found = None if fit is None else (float(fit.coef[0]), math.sqrt(float(fit.covariance[0, 0])))
    if found is None:
        return Estimate(math.nan, math.nan, math.nan)
    lower, upper, _ = wald(*found, CONFIDENCE)
    return Estimate(math.exp(found[0]), math.exp(lower), math.exp(upper))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


@readout
def null_share(
    groups: Sequence[Seen], *, rng: Rng, each: int, cells: float | None = None, event: str = "relapse"
) -> Estimate:
    """Share of experiments with `each` subjects a group whose 95 % interval of the hazard ratio holds 1, %.

    Subjects are taken into experiments in their order, none of them twice. An experiment whose hazard ratio runs to 0
    or infinity does not hold 1; one without an event does.
    """
    del rng
    samples = [_times(g, cells, event) for g in groups]
    count = min(time.size for time, _ in samples) // each
    held = 0
    for at in range(count):
        part = slice(at * each, (at + 1) * each)
        first, second = ((time[part], seen[part]) for time, seen in samples)
        found = cox(first, second)
        held += found.lower <= 1.0 <= found.upper or not (first[1].any() or second[1].any())
    return percent(share(held, count))


@readout
def median_months(
    groups: Sequence[Followed], *, rng: Rng, event: Literal["relapse", "death", "either"] = "death"
) -> Estimate:
    """Median months to death, relapse or either (Kaplan-Meier); infinite where fewer than half come to it."""
    (group,) = groups
    del rng
    found = median_of_curve(kaplan_meier(*_times(group, None, event), CONFIDENCE))
    return Estimate(*(_or(limit, math.inf) for limit in (found.estimate, found.lower, found.upper)))


@readout
def annual_hazard(groups: Sequence[Followed], *, rng: Rng, begin: float, end: float) -> Estimate:
    """Relapses per 100 person-years from one year to another; death and the end of follow-up censor."""
    del rng
    (group,) = groups
    events, years = _yearly(group, np.array([begin, end]))
    return percent(rate(int(events[0]), float(years[0])))


def _yearly(group: Followed, edges: Floats) -> tuple[Floats, Floats]:
    """Relapses and person-years between each two edges (years)."""
    time, seen = _times(group, None, "relapse")
    years = time / DAYS_PER_YEAR
    at_risk = [np.clip(np.minimum(years, high) - low, 0.0, None).sum() for low, high in pairwise(edges)]
    return np.histogram(years[seen], edges)[0].astype(np.float64), np.array(at_risk)


@readout
def crossing_year(groups: Sequence[Followed], *, rng: Rng, last: int = 12) -> Estimate:
    """Year in which the second group's hazard of relapse, at first the higher, falls to the first group's.

    Hazards are taken over three years around the middle of each year, and joined by lines. The interval is from redrawn
    Poisson counts.
    """
    first, second = (_yearly(g, np.arange(last + 1.0)) for g in groups)
    value = float(_crossings(first[0][None], first[1], second[0][None], second[1])[0])
    drawn = [rng.poisson(events, (2000, events.size)).astype(np.float64) for events, _ in (first, second)]
    found = _crossings(drawn[0], first[1], drawn[1], second[1])
    return Estimate(value, *(float(x) for x in np.percentile(found, (2.5, 97.5), method="closest_observation")))


def _crossings(events: Floats, years: Floats, others: Floats, other_years: Floats) -> Floats:
    """One crossing per row of counts; 0 where the second is never above, infinite where it stays so."""
    window = np.ones(3)
    smooth = partial(np.apply_along_axis, lambda row: np.convolve(row, window, mode="same"), -1)
    gap = smooth(others) / smooth(other_years) - smooth(events) / smooth(years)
    found = []
    for row in gap:
        above = row > 0.0
        falls = np.flatnonzero(above[:-1] & ~above[1:])
        if falls.size:
            at = int(falls[0])
            found.append(at + 0.5 + row[at] / (row[at] - row[at + 1]))
        else:
            found.append(math.inf if above.any() else 0.0)
    return np.array(found)
