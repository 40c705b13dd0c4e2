"""Readouts of colonies and takes: how many cells can found a clone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trialsim.studies.estimates import Estimate, frequency, frequency_ratio, share
from trialsim.studies.experiment import CYCLING, ESCAPERS, Watched
from trialsim.studies.findings.readouts.register import Rng, percent, readout
from trialsim.studies.findings.readouts.tumours import at_day, time_to_size

_MILLION = 1e6


def _colonies(group: Watched, day: float) -> tuple[int, int, float]:
    """Plates without a dividing cell on a day, plates, and cells plated on day 0."""
    dividing = at_day(group, group.cells[:, :, CYCLING] + group.cells[:, :, ESCAPERS], day)
    return int((dividing == 0).sum()), dividing.size, float(group.tumour[0, 0])


@readout
def escape_frequency(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Colonies of dividing cells by a day, per million cells plated (limiting dilution)."""
    del rng
    (group,) = groups
    return Estimate(*(_MILLION * x for x in frequency(*_colonies(group, day))))


@readout
def escape_ratio(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Ratio of the frequencies of cells that founded a colony by a day (limiting dilution)."""
    del rng
    first, second = groups
    return frequency_ratio(_colonies(first, day), _colonies(second, day))


@readout
def take_rate(groups: Sequence[Watched], *, rng: Rng, cells: float) -> Estimate:
    """Share of animals that got a tumour of a size, %."""
    del rng
    (group,) = groups
    taken = np.isfinite(time_to_size(group, cells))
    return percent(share(int(taken.sum()), taken.size))


@readout
def initiation_ratio(groups: Sequence[Watched], *, rng: Rng, cells: float) -> Estimate:
    """Ratio of the frequencies of tumour-initiating cells, from the animals that got no tumour of a size."""
    del rng
    sides = []
    for group in groups:
        without = int(np.isinf(time_to_size(group, cells)).sum())
        sides.append((without, group.tumour.shape[0], float(group.tumour[0, 0])))
    return frequency_ratio(sides[0], sides[1])


@readout
def scaling(groups: Sequence[Watched], *, rng: Rng, day: float, against: list[float]) -> Estimate:
    """Exponent with which the frequency of escape by a day rises with a quantity set in each group (log-log slope)."""
    del rng
    x, y, weight = [], [], []
    for group, value in zip(groups, against, strict=True):
        without, plates, plated = _colonies(group, day)
        if without in (0, plates):
            return Estimate(math.nan, math.nan, math.nan)
        p = without / plates
        x.append(math.log(value))
        y.append(math.log(-math.log(p) / plated))
        weight.append(plates * p * math.log(p) ** 2 / (1.0 - p))
    w, dx = np.array(weight), np.array(x) - np.average(x, weights=weight)
    slope = float((w * dx * y).sum() / (w * dx**2).sum())
    half = 1.959964 / math.sqrt(float((w * dx**2).sum()))
    return Estimate(slope, slope - half, slope + half)


@readout
def escape_share(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Share of dishes in which, at a look by a day, cells divide that had been senescent, %."""
    del rng
    (group,) = groups
    escaped = np.nanmax(group.cells[:, group.days <= day, ESCAPERS], axis=1) > 0
    return percent(share(int(escaped.sum()), escaped.size))
