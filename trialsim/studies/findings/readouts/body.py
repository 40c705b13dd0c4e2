"""Readouts of the host: blood, and senescent stroma."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.biology.host import removal_rate
from trialsim.studies.estimates import Estimate, bootstrap
from trialsim.studies.experiment import Watched
from trialsim.studies.findings.readouts.register import Floats, Rng, readout, twins
from trialsim.studies.findings.readouts.tumours import at_day, mean, median


@readout
def platelet_nadir(groups: Sequence[Watched], *, rng: Rng, until: float) -> Estimate:
    """Lowest platelet count up to a day, % of the count on day 0, median over patients."""
    (group,) = groups
    counts = group.platelets[:, group.days <= until]
    return bootstrap(median, 100.0 * counts.min(axis=1) / counts[:, 0], rng=rng)


@readout
def nadir_ratio(groups: Sequence[Watched], *, rng: Rng, until: float) -> Estimate:
    """Ratio of the median lowest platelet counts up to a day, each as a share of the count on day 0."""
    lowest = []
    for group in groups:
        counts = group.platelets[:, group.days <= until]
        lowest.append(counts.min(axis=1) / counts[:, 0])
    return bootstrap(lambda a, b: np.asarray(median(a) / median(b)), *lowest, rng=rng, twins=twins(groups))


@readout
def nadir_day(groups: Sequence[Watched], *, rng: Rng, until: float, begin: float = 0.0) -> Estimate:
    """Days from `begin` to the lowest platelet count up to a day, median over patients."""
    (group,) = groups
    kept = (group.days >= begin) & (group.days <= until)
    lowest = group.days[kept][group.platelets[:, kept].argmin(axis=1)]
    return bootstrap(median, np.asarray(lowest - begin, np.float64), rng=rng)


@readout
def on_drug_recovery(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Platelet count on a day against the lowest until then, fold, median over patients."""
    (group,) = groups
    lowest = group.platelets[:, group.days <= day].min(axis=1)
    return bootstrap(median, at_day(group, group.platelets, day) / lowest, rng=rng)


@readout
def host_removal(groups: Sequence[Watched], *, rng: Rng) -> Estimate:
    """Rate at which a senescent cell of the host is removed before treatment, per day, mean over animals."""
    (group,) = groups
    return bootstrap(mean, _removal(group), rng=rng)


@readout
def host_removal_ratio(groups: Sequence[Watched], *, rng: Rng) -> Estimate:
    """Ratio of the rates at which a senescent cell of the host is removed before treatment."""
    first, second = (_removal(g) for g in groups)
    return bootstrap(lambda a, b: np.asarray(mean(a) / mean(b)), first, second, rng=rng, twins=twins(groups))


def _removal(group: Watched) -> Floats:
    return np.array([removal_rate(burden) for burden in group.host[:, 0]])


@readout
def host_relief_ratio(groups: Sequence[Watched], *, rng: Rng, day: float) -> Estimate:
    """Ratio of the senescent host cells that a senolytic has taken away by a day.

    Groups: the first host with and without the senolytic, the second host with and without.
    """
    burdens = [at_day(g, g.host, day) for g in groups]

    def ratio(with1: Floats, without1: Floats, with2: Floats, without2: Floats) -> Floats:
        return np.asarray((mean(without1) - mean(with1)) / (mean(without2) - mean(with2)))

    return bootstrap(ratio, *burdens, rng=rng, twins=twins(groups))
