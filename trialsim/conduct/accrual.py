"""When patients arrive.

Arrivals of a unit-rate process (or 1, 2, 3, ... when they are evenly spaced) are mapped through the inverse of the
expected count (`trialsim.spec.expected_accrual`; Cinlar's time change), which keeps the first n arrivals the same when
an (n+1)th patient is added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.calendar_grid import all_on_grid
from trialsim.rng import Purpose, stream
from trialsim.spec.expected_accrual import Floats, day_of_count
from trialsim.spec.resolved import Accrual


def arrival_days(accrual: Accrual, *, rng: np.random.Generator) -> Floats:
    """Calendar days on which patients 1, 2, ... ``accrual.patients`` arrive, ascending, without pauses."""
    if accrual.arrivals == "fixed":
        counts = np.arange(1.0, accrual.patients + 1.0)
    else:
        counts = np.cumsum(rng.standard_exponential(accrual.patients))
    return all_on_grid(day_of_count(accrual, counts))


def draw_arrivals(accrual: Accrual, *, seed: int, replicate: int = 0) -> Floats:
    """The arrivals of a run without pauses, sites that open late or screening."""
    return arrival_days(accrual, rng=stream(seed, Purpose.ACCRUAL, replicate=replicate))


def pauses_after(accrual: Accrual) -> Sequence[tuple[int, float]]:
    """Pauses that wait for a number of patients: that number, and how long."""
    return [(p.after_patients, p.for_days) for p in accrual.pauses if p.after_patients is not None]
