"""When patients arrive.

Arrivals form a Poisson process whose rate rises linearly from zero to ``per_day`` over ``ramp_days`` and is
constant from there:

    rate(t) = per_day * t / ramp_days            t <= ramp_days
            = per_day                            t >  ramp_days

Its integral, the expected count, has a closed form and so has the inverse of that. Arrivals of a
unit-rate process are mapped through the inverse (Cinlar's time change), which keeps the first n arrivals
the same when an (n+1)th patient is added.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialsim.conduct.calendar_grid import all_on_grid
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import Accrual


def expected_count(accrual: Accrual, day: ArrayLike) -> NDArray[np.float64]:
    """Expected number of patients enrolled by calendar ``day``, were enrolment never to stop."""
    days = np.maximum(np.asarray(day, dtype=float), 0.0)
    ramp, rate = accrual.ramp_days, accrual.per_day
    within = np.minimum(days, ramp)
    rising = rate * within**2 / (2.0 * ramp) if ramp > 0 else np.zeros_like(days)
    return np.asarray(rising + rate * (days - within))


def day_of_count(accrual: Accrual, count: ArrayLike) -> NDArray[np.float64]:
    """The calendar day by which ``count`` patients are expected: the inverse of `expected_count`."""
    counts = np.asarray(count, dtype=float)
    ramp, rate = accrual.ramp_days, accrual.per_day
    steady = counts / rate + ramp / 2.0
    if ramp <= 0:
        return steady
    return np.where(steady <= ramp, np.sqrt(2.0 * ramp * counts / rate), steady)


def arrival_days(accrual: Accrual, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Calendar days on which patients 1, 2, ... ``accrual.patients`` arrive, ascending."""
    unit_rate = np.cumsum(rng.standard_exponential(accrual.patients))
    return all_on_grid(day_of_count(accrual, unit_rate))


def draw_arrivals(accrual: Accrual, *, seed: int, replicate: int = 0) -> NDArray[np.float64]:
    """The arrivals of a run."""
    return arrival_days(accrual, rng=stream(seed, Purpose.ACCRUAL, replicate=replicate))
