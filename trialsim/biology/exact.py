"""The exact twin of the kernel: Gillespie's direct method in plain Python.

Slow, short and obviously right. It reads the same counts and the same rates and makes every single event happen, so
the kernel can be held to it: means, variances, extinction, distributions. It is written in the subset that
numba compiles, so that a test which needs many paths can compile this very function.
"""

from __future__ import annotations

import numpy as np

from trialsim.biology.populations import (
    AWAKENED,
    COMPETENT,
    DORMANT,
    ESCAPED,
    IMMATURE,
    MATURE,
    N_AGES,
    PER_INDUCER,
    SENESCENT,
    SPONTANEOUS,
    Counts,
)
from trialsim.biology.rates import (
    BIRTH,
    CAPACITY,
    CLEARANCE,
    COMPETENCE,
    CROWDING,
    DEATH,
    ESCAPE,
    ESCAPED_BIRTH,
    ESCAPED_DEATH,
    IMMATURE_KILL_SHARE,
    KILL,
    KILL_CYCLING,
    MATURATION,
    POLYPLOID_SHARE,
    REFERENCE,
    RESISTANT_SHARE,
    SPONTANEOUS_RATE,
    WAKE,
    Rates,
    crowding_factor,
)


def simulate(cells: Counts, rates: Rates, until: float, rng: np.random.Generator) -> int:
    """Advance a lesion in place by ``until`` days, event by event; returns the number of events.

    At each event the waiting time is exponential with the total rate, and the event is drawn in proportion to
    its own rate (Gillespie 1977).
    """
    now, events = 0.0, 0
    while True:
        crowd = crowding_factor(cells.sum(), rates[CAPACITY], rates[REFERENCE], rates[CROWDING])
        total = rates[WAKE] if cells[DORMANT] > 0 else 0.0
        for at in range(cells.size):
            if at != DORMANT and cells[at] > 0:
                total += cells[at] * _exit_rate(at, rates, crowd)
        if total == 0.0:
            return events
        now += rng.exponential(1.0 / total)
        if now > until:
            return events
        events += 1
        left = rng.random() * total
        if cells[DORMANT] > 0:
            left -= rates[WAKE]
            if left < 0.0:
                cells[AWAKENED] += cells[DORMANT]
                cells[DORMANT] = 0
                continue
        for at in range(cells.size):
            if at != DORMANT and cells[at] > 0:
                rate = _exit_rate(at, rates, crowd)
                if left < cells[at] * rate:
                    _one_event(cells, at, rates, crowd, (left / cells[at]), rng)
                    break
                left -= cells[at] * rate


def _births(at: int, rates: Rates, crowd: float) -> float:
    escaped = at >= ESCAPED
    birth = rates[ESCAPED_BIRTH] if escaped else rates[BIRTH]
    death = rates[ESCAPED_DEATH] if escaped else rates[DEATH]
    return birth + (crowd - 1.0) * max(0.0, birth - death - rates[SPONTANEOUS_RATE])


def _deaths(at: int, rates: Rates) -> float:
    return (rates[ESCAPED_DEATH] if at >= ESCAPED else rates[DEATH]) + rates[KILL_CYCLING]


def _loss(at: int, rates: Rates) -> float:
    """Clearance and senolytic killing of one senescent cell."""
    family, age = divmod(at - SENESCENT, N_AGES)
    if family % 2 == 1:  # resistant
        return rates[CLEARANCE]
    kill = rates[KILL + (at - SENESCENT) // PER_INDUCER]
    return rates[CLEARANCE] + kill * (rates[IMMATURE_KILL_SHARE] if age == IMMATURE else 1.0)


def _ageing(at: int, rates: Rates) -> float:
    """Rate at which one senescent cell leaves its age for the next, or escapes."""
    family, age = divmod(at - SENESCENT, N_AGES)
    polyploid = (family // 2) % 2 == 1
    if age == IMMATURE:
        return rates[MATURATION]
    if not polyploid:
        return 0.0
    return rates[COMPETENCE] if age == MATURE else rates[ESCAPE]


def _exit_rate(at: int, rates: Rates, crowd: float) -> float:
    """Total event rate of one cell of population ``at``."""
    if at < SENESCENT:
        return _births(at, rates, crowd) + _deaths(at, rates) + rates[SPONTANEOUS_RATE]
    return _loss(at, rates) + _ageing(at, rates)


def _one_event(cells: Counts, at: int, rates: Rates, crowd: float, pick: float, rng: np.random.Generator) -> None:
    """Carry out one event of one cell of population ``at``; ``pick`` is uniform on its exit rate."""
    if at >= SENESCENT:
        cells[at] -= 1
        if pick >= _loss(at, rates):
            age = (at - SENESCENT) % N_AGES
            if age == COMPETENT:
                cells[ESCAPED + (at - SENESCENT) // PER_INDUCER] += 1
            else:
                cells[at + 1] += 1
        return
    birth = _births(at, rates, crowd)
    if pick < birth:
        cells[at] += 1
        return
    cells[at] -= 1
    if pick >= birth + _deaths(at, rates):
        polyploid = int(rng.random() < rates[POLYPLOID_SHARE])
        resistant = int(rng.random() < rates[RESISTANT_SHARE])
        cells[SENESCENT + SPONTANEOUS * PER_INDUCER + (2 * polyploid + resistant) * N_AGES + IMMATURE] += 1
