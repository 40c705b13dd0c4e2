"""The exact twin of the kernel: Gillespie's direct method in plain Python.

Slow, short and obviously right. It reads the same counts and the same rates and makes every single event happen, so
the kernel can be held to it: means, variances, extinction, distributions. It is written in the subset that
numba compiles, so that a test which needs many paths can compile this very function.

The infiltrate of immune cells alone is no count: between events it relaxes to the load by its closed form, and the
rates that hang on it are held for at most ``HELD`` days, a five-hundredth or so of its time constant.
"""

from __future__ import annotations

import numpy as np

from trialsim.biology import sasp
from trialsim.biology.populations import (
    AWAKENED,
    COMPETENT,
    DORMANT,
    ESCAPED,
    IMMATURE,
    MATURE,
    N_AGES,
    N_INDUCERS,
    PER_INDUCER,
    RESIDUAL,
    REVERSIBLE,
    SENESCENT,
    SPONTANEOUS,
)
from trialsim.biology.rates import Rates, crowding_factor
from trialsim.structured import Counts

#: Longest time for which the infiltrate is held, days.
HELD = 0.025


def simulate(cells: Counts, rates: Rates, until: float, rng: np.random.Generator, infiltrate: float = 0.0) -> int:
    """Advance a patient's only lesion in place by ``until`` days, event by event; returns the number of events.

    At each event the waiting time is exponential with the total rate, and the event is drawn in proportion to its own
    rate (Gillespie 1977). Cells that leave to found a focus elsewhere are gone from this lesion.
    """
    now, events = 0.0, 0
    # Without immune killing or recruited clearance nothing hangs on the infiltrate, and nothing need be held.
    slow = rates.immune_kill * rates.sasp_immune > 0.0 or rates.sasp_clearance > 0.0
    while True:
        load = sasp.load(cells, rates)
        crowd = crowding_factor(cells.sum(), rates.capacity, rates.reference, rates.crowding)
        growth = crowd * sasp.growth_factor(rates, load)
        killing = rates.kill_cycling + sasp.immune_killing(rates, infiltrate)
        clearance = rates.clearance * (1.0 + rates.sasp_clearance * infiltrate)
        waking = rates.wake * (1.0 + rates.sasp_waking * load)
        total = _total_rate(cells, rates, growth, killing, clearance, load, waking)
        if total == 0.0:
            return events
        wait = rng.exponential(1.0 / total)
        held = slow and wait > HELD
        if held:
            wait = HELD
        if now + wait > until:
            return events
        now += wait
        infiltrate = sasp.relaxed(infiltrate, load, wait, rates.infiltration_time)
        if held:
            continue
        events += 1
        left = rng.random() * total
        if cells[DORMANT] > 0:
            left -= waking
            if left < 0.0:
                cells[AWAKENED] += cells[DORMANT]
                cells[DORMANT] = 0
                continue
        for at in range(cells.size):
            if at != DORMANT and cells[at] > 0:
                rate = _exit_rate(at, rates, growth, killing, clearance, load)
                if left < cells[at] * rate:
                    _one_event(cells, at, rates, growth, killing, clearance, load, left / cells[at], rng)
                    break
                left -= cells[at] * rate


def _total_rate(
    cells: Counts, rates: Rates, growth: float, killing: float, clearance: float, load: float, waking: float
) -> float:
    total = waking if cells[DORMANT] > 0 else 0.0
    for at in range(cells.size):
        if at != DORMANT and cells[at] > 0:
            total += cells[at] * _exit_rate(at, rates, growth, killing, clearance, load)
    return total


def _births(at: int, rates: Rates, growth: float) -> float:
    if at >= ESCAPED:
        return rates.escaped_birth + (growth - 1.0) * rates.escaped_net
    return rates.birth + (growth - 1.0) * rates.net


def _deaths(at: int, rates: Rates, killing: float) -> float:
    return (rates.escaped_death if at >= ESCAPED else rates.death) + killing


def _arrests(rates: Rates, load: float) -> float:
    rate = rates.spontaneous_rate + rates.sasp_arrest * load
    for inducer in range(N_INDUCERS):
        rate += rates.driven_arrest[inducer]
    return rate


def _seeds(rates: Rates, load: float) -> float:
    return rates.seeding * (1.0 + rates.sasp_seeding * load)


def _loss(at: int, rates: Rates, clearance: float) -> float:
    """Clearance and senolytic killing of one senescent cell."""
    family, age = divmod(at - SENESCENT, N_AGES)
    if family % 2 == 1:  # resistant
        return clearance
    kill = rates.senolytic_kill[(at - SENESCENT) // PER_INDUCER]
    return clearance + kill * (rates.immature_kill_share if age == IMMATURE else 1.0)


def _ageing(at: int, rates: Rates) -> float:
    """Rate at which one senescent cell leaves its age for the next, or escapes."""
    family, age = divmod(at - SENESCENT, N_AGES)
    polyploid = (family // 2) % 2 == 1
    if age == IMMATURE:
        return rates.maturation
    if age == MATURE:
        return rates.competence if polyploid or rates.diploid_escape > 0.0 else 0.0
    return rates.escape * (1.0 if polyploid else rates.diploid_escape)


def _reversal(at: int, rates: Rates) -> float:
    inducer = (at - SENESCENT) // PER_INDUCER
    return rates.reversal if inducer == REVERSIBLE[0] or inducer == REVERSIBLE[1] else 0.0


def _exit_rate(at: int, rates: Rates, growth: float, killing: float, clearance: float, load: float) -> float:
    """Total event rate of one cell of population ``at``."""
    if at < SENESCENT:
        return _births(at, rates, growth) + _deaths(at, rates, killing) + _seeds(rates, load) + _arrests(rates, load)
    return _loss(at, rates, clearance) + _reversal(at, rates) + _ageing(at, rates)


def _one_event(
    cells: Counts,
    at: int,
    rates: Rates,
    growth: float,
    killing: float,
    clearance: float,
    load: float,
    pick: float,
    rng: np.random.Generator,
) -> None:
    """Carry out one event of one cell of population ``at``; ``pick`` is uniform on its exit rate."""
    if at >= SENESCENT:
        cells[at] -= 1
        pick -= _loss(at, rates, clearance)
        if pick < 0.0:
            return
        if pick < _reversal(at, rates):
            cells[RESIDUAL] += 1
        elif (at - SENESCENT) % N_AGES == COMPETENT:
            family = (at - SENESCENT) // N_AGES
            resistant = 1 if family % 2 == 1 else int(rng.random() < rates.latent_resistance)
            cells[ESCAPED + 2 * (family // 4) + resistant] += 1
        else:
            cells[at + 1] += 1
        return
    birth = _births(at, rates, growth)
    if pick < birth:
        cells[at] += 1
        return
    pick -= birth + _deaths(at, rates, killing) + _seeds(rates, load)
    if pick >= 0.0:
        inducer = _arrested_by(cells, rates, load, pick)
        polyploid = int(rng.random() < rates.polyploid_share)
        inherits = at >= ESCAPED and (at - ESCAPED) % 2 == 1
        resistant = 1 if inherits else int(rng.random() < rates.resistant_share)
        cells[SENESCENT + inducer * PER_INDUCER + (2 * polyploid + resistant) * N_AGES + IMMATURE] += 1
    cells[at] -= 1


def _arrested_by(cells: Counts, rates: Rates, load: float, pick: float) -> int:
    """The label of a cell that arrests: that of the drug, or of the neighbours, that arrested it; else spontaneous."""
    for inducer in range(N_INDUCERS):
        pick -= rates.driven_arrest[inducer]
        if pick < 0.0:
            return inducer
    pick -= rates.spontaneous_rate
    if pick < 0.0:
        return SPONTANEOUS
    weighted = rates.host_share * cells.sum()
    for inducer in range(N_INDUCERS):
        weighted += sasp.weight(rates, inducer) * sasp.secreting(cells, inducer)
    pick *= weighted / (rates.sasp_arrest * load)
    for inducer in range(N_INDUCERS):
        pick -= sasp.weight(rates, inducer) * sasp.secreting(cells, inducer)
        if pick < 0.0:
            return inducer
    return SPONTANEOUS
