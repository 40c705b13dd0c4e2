"""The compiled course: cells and drugs brought together between clinical events.

``advance``, ``swallow``, ``strike`` and ``assess`` are compiled once and called from whoever owns the calendar. Cells
know no drug: here drug amounts become hazards, frozen at their mean over a step.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.biology.chain import STEP_SHAPE, Chances, step_chances
from trialsim.biology.kernel import crowding, damage, step, wake
from trialsim.biology.populations import DORMANT, ESCAPED, N_INDUCERS, SENESCENT, Counts
from trialsim.biology.rates import (
    BIRTH,
    CAPACITY,
    CROWDING,
    DEATH,
    ESCAPED_BIRTH,
    ESCAPED_DEATH,
    KILL,
    KILL_CYCLING,
    REFERENCE,
    SPONTANEOUS_RATE,
    WAKE,
    Rates,
)
from trialsim.compiling import compiled
from trialsim.patient.state import (
    AMOUNT,
    BASELINE,
    CROSSED,
    DRUG,
    FIRST_ESCAPE,
    HITS,
    HITS_ESCAPED,
    INDUCER,
    LIMIT,
    LOCAL_ONLY,
    LONGEST,
    NOW,
    ODDS,
    RELATIVE,
    SENESCENCE_GAIN,
    SHIFT,
    TOLERANCE,
    TRACED,
    WAKE_LEFT,
    Floats,
    State,
)
from trialsim.treatment.fate import senescent_share
from trialsim.treatment.pharmacology import (
    ABSORPTION,
    CYCLING_SHARE,
    EC50,
    ELIMINATION,
    EMAX,
    PER_MG,
    amounts_after,
    effect,
    mean_effect,
)
from trialsim.treatment.platelets import COUNT, advance_platelets, platelets_at_rest

Generator = np.random.Generator

#: A drug that kills less than this (per day) no longer shortens steps; below this amount (mg) it is gone.
_NEGLIGIBLE_HAZARD = 1e-5
_NEGLIGIBLE_MG = 1e-6
#: Longest step while a drug acts, days: over it five quadrature points follow the decay of its effect.
_DRUG_STEP = 3.0


@compiled
def _total(cells: Counts) -> int:
    """Cells of a lesion. A plain loop: numba's own sum of an array takes ten times as long."""
    total = 0
    for at in range(cells.size):
        total += cells[at]
    return total


@compiled
def _any_cells(state: State) -> bool:
    for lesion in range(state.cells.shape[0]):
        for at in range(state.cells.shape[1]):
            if state.cells[lesion, at] > 0:
                return True
    return False


@compiled
def _any_senescent(state: State) -> bool:
    for lesion in range(state.cells.shape[0]):
        for at in range(SENESCENT, state.cells.shape[1]):
            if state.cells[lesion, at] > 0:
                return True
    return False


@compiled
def _drug_hazard(state: State) -> float:
    """Largest hazard per day that a drug may reach from now on for a cell that it acts on; 0 without such a cell.

    A drug without a target thereby shortens no step: it changes nothing, to the bit.
    """
    senescent = _any_senescent(state)
    largest = 0.0
    for d in range(state.drugs.shape[0]):
        constants = state.drugs[d]
        if state.amounts[d, 0] <= 0.0 and state.amounts[d, 1] <= 0.0:
            continue
        reach = (state.amounts[d, 0] + state.amounts[d, 1]) * constants[PER_MG]
        hazard = effect(reach, constants[EMAX], constants[EC50])
        factor = constants[CYCLING_SHARE]
        if senescent:
            for inducer in range(N_INDUCERS):
                factor = max(factor, state.kill[d, inducer])
        largest = max(largest, factor * hazard)
    return largest


@compiled
def _step_length(state: State, left: float) -> float:
    """Longest step allowed now.

    With tolerance e a step ends before a cell's chance to arrest, or the logarithm of a population that grows at its
    reference rate, changes by more than sqrt(e): the composition's error is of second order in that. And it ends before
    crowding changes net growth by more than e, which also shortens the steps of small, fast-growing lesions.
    """
    tolerance = state.settings[TOLERANCE]
    length = min(left, state.settings[LONGEST])
    rates = state.rates
    fastest = max(
        rates[SPONTANEOUS_RATE],
        abs(rates[BIRTH] - rates[DEATH]),
        abs(rates[ESCAPED_BIRTH] - rates[ESCAPED_DEATH]),
    )
    if fastest > 0.0:
        length = min(length, math.sqrt(tolerance) / fastest)
    hazard = _drug_hazard(state)
    if hazard > _NEGLIGIBLE_HAZARD:
        length = min(length, _DRUG_STEP, math.sqrt(tolerance) / hazard)
    if rates[CROWDING] > 0.0:
        # Under Gompertz's law the factor f on growth g changes at the rate f g / ln(capacity / reference), and a small
        # lesion's f is large.
        pace = abs(rates[BIRTH] - rates[DEATH]) * rates[CROWDING] / math.log(rates[CAPACITY] / rates[REFERENCE])
        largest = 1.0
        for lesion in range(state.cells.shape[0]):
            largest = max(largest, crowding(state.cells[lesion], rates))
        if pace * largest * length > tolerance:
            length = tolerance / (pace * largest)
    return length


@compiled
def _set_drug_hazards(state: State, rates: Rates, time: float) -> None:
    """Mean killing over the next ``time`` days, into a copy of the lesion rates."""
    for d in range(state.drugs.shape[0]):
        if state.amounts[d, 0] <= 0.0 and state.amounts[d, 1] <= 0.0:
            continue
        constants = state.drugs[d]
        hazard = mean_effect(
            state.amounts[d, 0], state.amounts[d, 1], constants, constants[EMAX], constants[EC50], time
        )
        rates[KILL_CYCLING] += hazard * constants[CYCLING_SHARE]
        for inducer in range(N_INDUCERS):
            rates[KILL + inducer] += hazard * state.kill[d, inducer]


@compiled
def _advance_drugs(state: State, time: float) -> None:
    for d in range(state.drugs.shape[0]):
        if state.amounts[d, 0] > 0.0 or state.amounts[d, 1] > 0.0:
            constants = state.drugs[d]
            gut, plasma = amounts_after(
                state.amounts[d, 0], state.amounts[d, 1], constants[ABSORPTION], constants[ELIMINATION], time
            )
            state.amounts[d, 0] = gut if gut > _NEGLIGIBLE_MG else 0.0
            state.amounts[d, 1] = plasma if plasma > _NEGLIGIBLE_MG else 0.0


@compiled
def _part_step(cells: Counts, rates: Rates, time: float, rng: Generator) -> int:
    """A part of a step, with chances of its own."""
    if time <= 0.0:
        return 0
    chances = np.empty(STEP_SHAPE)
    step_chances(rates, time, chances)
    return int(step(cells, rates, chances, time, rng))


@compiled
def _step_lesion(state: State, lesion: int, rates: Rates, chances: Chances, time: float, rng: Generator) -> None:
    """One lesion over one step, split at the instant it wakes; notes first escape and crossing."""
    cells = state.cells[lesion]
    before = _total(cells)
    if before == 0:
        return
    now = state.clock[NOW]
    escapes = 0
    if cells[DORMANT] > 0 and rates[WAKE] > 0.0:
        until_wake = state.lesions[lesion, WAKE_LEFT] / rates[WAKE]
        if until_wake <= time:
            escapes += _part_step(cells, rates, until_wake, rng)
            wake(cells)
            escapes += _part_step(cells, rates, time - until_wake, rng)
            state.lesions[lesion, WAKE_LEFT] = np.inf
        else:
            escapes += step(cells, rates, chances, time, rng)
            state.lesions[lesion, WAKE_LEFT] -= time * rates[WAKE]
    else:
        escapes += step(cells, rates, chances, time, rng)
    if escapes > 0 and math.isnan(state.lesions[lesion, FIRST_ESCAPE]):
        # Escapes fall uniformly within a step, given their number; the first of k is a minimum of k uniforms.
        state.lesions[lesion, FIRST_ESCAPE] = now + time * (1.0 - rng.random() ** (1.0 / escapes))
    after = _total(cells)
    limit = state.settings[LIMIT]
    if after >= limit and math.isnan(state.lesions[lesion, CROSSED]):
        share = 0.0 if before >= limit else math.log(limit / before) / math.log(after / before)
        state.lesions[lesion, CROSSED] = now + share * time


@compiled
def _trace(state: State) -> None:
    row = int(state.clock[TRACED])
    if row >= state.trace.shape[0]:
        return
    state.clock[TRACED] += 1.0
    state.trace[row, 0] = state.clock[NOW]
    cycling, dormant, escaped, senescent = 0, 0, 0, 0
    for lesion in range(state.cells.shape[0]):
        cells = state.cells[lesion]
        cycling += cells[:DORMANT].sum()
        dormant += cells[DORMANT]
        escaped += cells[ESCAPED:SENESCENT].sum()
        senescent += cells[SENESCENT:].sum()
    state.trace[row, 1] = cycling
    state.trace[row, 2] = dormant
    state.trace[row, 3] = senescent
    state.trace[row, 4] = escaped
    state.trace[row, 5] = state.platelets[COUNT]


@compiled
def at_rest(state: State) -> bool:
    """No cell is left, no drug, and platelets are at their baseline: until the next dose only the clock runs."""
    for d in range(state.amounts.shape[0]):
        if state.amounts[d, 0] > 0.0 or state.amounts[d, 1] > 0.0:
            return False
    return not _any_cells(state) and platelets_at_rest(state.platelets, state.settings[BASELINE])


@compiled
def _run(state: State, until: float, rates: Rates, chances: Chances, rng: Generator) -> None:
    """`advance`, with room for a step's rates and chances."""
    while state.clock[NOW] < until:
        left = until - state.clock[NOW]
        alive = _any_cells(state)
        time = _step_length(state, left) if alive else left
        # Steps that end within rounding of the goal end on it.
        if left - time < 1e-9:
            time = left
        if alive:
            for at in range(rates.size):
                rates[at] = state.rates[at]
            _set_drug_hazards(state, rates, time)
            step_chances(rates, time, chances)
            for lesion in range(state.cells.shape[0]):
                _step_lesion(state, lesion, rates, chances, time, rng)
        advance_platelets(state.platelets, state.settings[BASELINE], state.amounts, state.drugs, time)
        _advance_drugs(state, time)
        state.clock[NOW] = until if time == left else state.clock[NOW] + time
        _trace(state)


@compiled
def advance(state: State, until: float, rng: Generator) -> bool:
    """Run biology and pharmacology up to study day ``until``; returns whether the patient is then at rest."""
    _run(state, until, state.rates.copy(), np.empty(STEP_SHAPE), rng)
    return bool(at_rest(state))


@compiled
def swallow(state: State, order: int, fraction: float) -> None:
    """One oral dose of an order, now, at a fraction of the planned dose."""
    line = state.orders[order]
    state.amounts[int(line[DRUG]), 0] += fraction * line[AMOUNT]


@compiled
def strike(state: State, order: int, fraction: float, rng: Generator) -> None:
    """One damaging dose of an order (an infusion, a fraction of radiation), now, at a fraction of the planned dose."""
    line = state.orders[order]
    loss = -math.expm1(-fraction * line[HITS])
    loss_escaped = -math.expm1(-fraction * line[HITS_ESCAPED])
    share = line[SENESCENCE_GAIN] * senescent_share(line[ODDS], fraction * line[RELATIVE], line[SHIFT])
    lesions = 1 if line[LOCAL_ONLY] > 0.0 else state.cells.shape[0]
    for lesion in range(lesions):
        damage(state.cells[lesion], loss, loss_escaped, share, int(line[INDUCER]), state.rates, rng)
    _trace(state)


@compiled
def assess(state: State, errors: Floats) -> int:
    """The lesion that a scan finds, or -1: the largest measured one at or above the detection limit.

    Measured size is cells x exp(error); ``errors`` holds one normal deviate (natural log) per lesion.
    """
    found, largest = -1, state.settings[LIMIT]
    for lesion in range(state.cells.shape[0]):
        total = _total(state.cells[lesion])
        if total > 0:
            measured = total * math.exp(errors[lesion])
            if measured >= largest:
                found, largest = lesion, measured
    return found
