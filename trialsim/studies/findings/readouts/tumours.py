"""Readouts of tumours over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trialsim.studies.estimates import Estimate, bootstrap, share
from trialsim.studies.experiment import CYCLING, SENESCENTS, Watched
from trialsim.studies.findings.readouts.register import Floats, Rng, percent, readout, twins


def time_to_size(group: Watched, cells: float) -> Floats:
    """Day on which each tumour first reached a size, interpolated on the logarithm; infinite if it did not."""
    return np.array([_first_crossing(group.days, row, cells, 0) for row in group.tumour])


def time_to_regrowth(group: Watched) -> Floats:
    """Day on which each tumour was again as large as on day 0, counted after its smallest size; infinite if never.

    A tumour that never shrank is back on day 0.
    """
    tumour = group.tumour
    lowest = np.nanargmin(tumour, axis=1)
    return np.array([_first_crossing(group.days, row, row[0], int(at)) for row, at in zip(tumour, lowest, strict=True)])


def _first_crossing(days: Floats, sizes: Floats, size: float, start: int) -> float:
    above = np.flatnonzero(sizes[start:] >= size)
    if above.size == 0:
        return math.inf
    at = start + int(above[0])
    if at == 0 or sizes[at - 1] >= size:
        return float(days[at])
    below = max(float(sizes[at - 1]), 1.0)
    part = math.log(size / below) / math.log(sizes[at] / below)
    return float(days[at - 1] + part * (days[at] - days[at - 1]))


def at_day(group: Watched, values: Floats, day: float) -> Floats:
    """One value per subject, at the look on a day."""
    looks = np.flatnonzero(group.days == day)
    if looks.size == 0:
        raise ValueError(f"nobody looked on day {day:g}")
    found = values[:, int(looks[0])]
    if np.isnan(found).any():
        raise ValueError(f"{int(np.isnan(found).sum())} subjects had been taken out by day {day:g}")
    return np.asarray(found, np.float64)


def mean(x: Floats) -> Floats:
    return np.asarray(np.mean(x, axis=-1))


def median(x: Floats) -> Floats:
    # numpy's own median of two infinities is nan.
    ordered = np.sort(x, axis=-1)
    n = x.shape[-1]
    low, high = ordered[..., (n - 1) // 2], ordered[..., n // 2]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(low == high, low, low + 0.5 * (high - low)))


@readout
def regression(groups: Sequence[Watched], *, rng: Rng) -> Estimate:
    """Largest shrinkage from the size on day 0, %, mean over subjects."""
    (group,) = groups
    tumour = group.tumour
    return bootstrap(mean, 100.0 * (1.0 - np.nanmin(tumour, axis=1) / tumour[:, 0]), rng=rng)


@readout
def days_to_regrowth(groups: Sequence[Watched], *, rng: Rng, since: float = 0.0) -> Estimate:
    """Median days from `since` until a tumour is again as large as on day 0."""
    (group,) = groups
    return bootstrap(median, time_to_regrowth(group) - since, rng=rng)


@readout
def days_to_size(groups: Sequence[Watched], *, rng: Rng, cells: float, since: float = 0.0) -> Estimate:
    """Median days from `since` until a tumour reaches a size."""
    (group,) = groups
    return bootstrap(median, time_to_size(group, cells) - since, rng=rng)


@readout
def time_ratio(groups: Sequence[Watched], *, rng: Rng, cells: float | None = None, since: float = 0.0) -> Estimate:
    """Ratio of the median days from `since` to a size, or back to the size on day 0 where none is named."""
    times = [time_to_regrowth(g) if cells is None else time_to_size(g, cells) for g in groups]
    first, second = (np.maximum(t - since, 0.0) for t in times)
    return bootstrap(_median_ratio, first, second, rng=rng, twins=twins(groups))


def _median_ratio(a: Floats, b: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(median(a) / median(b))


@readout
def growth_change(groups: Sequence[Watched], *, rng: Rng, cells: float) -> Estimate:
    """Change of the mean growth rate on the way to a size, %, from the median times to it."""
    first, second = (time_to_size(g, cells) for g in groups)

    def change(a: Floats, b: Floats) -> Floats:
        return np.asarray(100.0 * (_median_ratio(b, a) - 1.0))

    return bootstrap(change, first, second, rng=rng, twins=twins(groups))


@readout
def size_ratio(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Ratio of the geometric mean tumour sizes on a day."""
    first, second = (_log_size(g, day) for g in groups)
    return bootstrap(lambda a, b: np.asarray(np.exp(mean(a) - mean(b))), first, second, rng=rng, twins=twins(groups))


@readout
def size_fold(groups: Sequence[Watched], *, rng: Rng, begin: float, end: float) -> Estimate:
    """Geometric mean fold by which tumours grew from one day to another."""
    (group,) = groups
    gain = _log_size(group, end) - _log_size(group, begin)
    return bootstrap(lambda x: np.asarray(np.exp(mean(x))), gain, rng=rng)


@readout
def cycling_fold(groups: Sequence[Watched], *, rng: Rng, begin: float, end: float) -> Estimate:
    """Fold of the mean number of cycling cells from one day to another."""
    (group,) = groups
    cycling = group.cells[:, :, CYCLING]
    first, last = at_day(group, cycling, begin), at_day(group, cycling, end)
    value = float(last.mean() / first.mean())
    rows = rng.integers(0, first.size, (2000, first.size))
    folds = last[rows].mean(axis=1) / first[rows].mean(axis=1)
    return Estimate(value, *(float(x) for x in np.percentile(folds, (2.5, 97.5))))


@readout
def synergy(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Effect of two treatments together beyond the sum of each alone, in e-folds of tumour size on a day.

    Groups: neither, the first, the second, both. With v the mean log size, (v_neither - v_both) - (v_neither - v_first)
    - (v_neither - v_second): above 0 is more than additive.
    """
    sizes = [_log_size(g, day) for g in groups]

    def beyond(none: Floats, one: Floats, other: Floats, both: Floats) -> Floats:
        return np.asarray(mean(one) + mean(other) - mean(none) - mean(both))

    return bootstrap(beyond, *sizes, rng=rng, twins=twins(groups))


def _log_size(group: Watched, day: float) -> Floats:
    """Log size of each tumour on a day; an animal taken out before has its last size."""
    tumour = group.tumour
    for at in range(1, tumour.shape[1]):
        gone = np.isnan(tumour[:, at])
        tumour[gone, at] = tumour[gone, at - 1]
    return np.asarray(np.log(np.maximum(at_day(group, tumour, day), 1.0)))


@readout
def response_rate(groups: Sequence[Watched], *, rng: Rng, day: float, below: float) -> Estimate:
    """Share of subjects whose tumour has fewer than `below` cells, of whatever state, on a day, %."""
    del rng
    (group,) = groups
    gone = at_day(group, group.tumour, day) < below
    return percent(share(int(gone.sum()), gone.size))


@readout
def dividing_below(groups: Sequence[Watched], *, rng: Rng, day: float, below: float) -> Estimate:
    """Share of subjects whose tumour has fewer than `below` cells that are not senescent on a day, %."""
    del rng
    (group,) = groups
    dividing = at_day(group, group.tumour - group.cells[:, :, SENESCENTS], day) < below
    return percent(share(int(dividing.sum()), dividing.size))


@readout
def survivors(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Cells, of whatever state, left on a day, % of those of day 0, mean over dishes."""
    (group,) = groups
    left = at_day(group, group.tumour, day) / group.tumour[:, 0]
    return bootstrap(lambda x: np.asarray(100.0 * mean(x)), left, rng=rng)


@readout
def kill_ratio(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Ratio of the shares of senescent cells that a senolytic kills, by inducer.

    Groups: first inducer with and without the senolytic, second inducer with and without. The share killed is 1 - with
    / without, counted on a day.
    """
    counts = [at_day(g, g.cells[:, :, SENESCENTS], day) for g in groups]

    def ratio(with1: Floats, without1: Floats, with2: Floats, without2: Floats) -> Floats:
        killed = 1.0 - mean(with1) / mean(without1)
        other = 1.0 - mean(with2) / mean(without2)
        # Nothing killed there, by chance less than nothing: the ratio has no upper limit.
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(other > 0.0, killed / other, np.inf))

    return bootstrap(ratio, *counts, rng=rng, twins=twins(groups))
