"""Readouts of the host: blood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.studies.estimates import Estimate, bootstrap
from trialsim.studies.experiment import Watched
from trialsim.studies.findings.readouts.register import Rng, readout
from trialsim.studies.findings.readouts.tumours import median


@readout
def platelet_nadir(groups: Sequence[Watched], *, rng: Rng, until: float) -> Estimate:
    """Lowest platelet count up to a day, % of the count on day 0, median over patients."""
    (group,) = groups
    counts = group.platelets[:, group.days <= until]
    return bootstrap(median, 100.0 * counts.min(axis=1) / counts[:, 0], rng=rng)


@readout
def nadir_day(groups: Sequence[Watched], *, rng: Rng, until: float, begin: float = 0.0) -> Estimate:
    """Days from `begin` to the lowest platelet count up to a day, median over patients."""
    (group,) = groups
    kept = (group.days >= begin) & (group.days <= until)
    lowest = group.days[kept][group.platelets[:, kept].argmin(axis=1)]
    return bootstrap(median, np.asarray(lowest - begin, np.float64), rng=rng)
