"""The compiled course: cells and drugs brought together between clinical events.

``advance``, ``swallow``, ``strike`` and ``assess`` are compiled once and called from whoever owns the calendar. Cells
know no drug: here drug amounts become hazards, frozen at their mean over a step.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.biology.chain import STEP_SHAPE, Chances, step_chances
from trialsim.biology.host import KAPPA, SHARE_PER_UNIT, advance_burden
from trialsim.biology.kernel import any_reversible, crowding, damage, found_focus, step, wake
from trialsim.biology.populations import DORMANT, ESCAPED, N_INDUCERS, SENESCENT, Counts
from trialsim.biology.rates import (
    CAPACITY,
    CLEARANCE,
    CROWDING,
    DAMAGE_ODDS,
    ESCAPED_NET,
    HOST_KILL,
    HOST_SHARE,
    IMMUNE_KILL,
    INFILTRATION_TIME,
    KILL,
    MATURATION,
    NET,
    REFERENCE,
    REVERSAL,
    SASP_ARREST,
    SASP_CLEARANCE,
    SASP_GROWTH,
    SASP_IMMUNE,
    SASP_INTENSITY,
    SASP_WAKING,
    SPONTANEOUS_RATE,
    WAKE,
    Rates,
)
from trialsim.biology.sasp import HALF_SHARE, LARGEST, load_ahead, relaxed, ripening, secreting, total_cells, weight
from trialsim.compiling import compiled
from trialsim.patient.state import (
    ADDS,
    AMOUNT,
    BASELINE,
    BURDEN,
    CROSSED,
    DRUG,
    FIRST_ESCAPE,
    HITS,
    HITS_ESCAPED,
    HOST_DAMAGE,
    IN_USE,
    INDUCER,
    INFILTRATE,
    LIMIT,
    LOCAL,
    LOCAL_ONLY,
    LONGEST,
    MEASURED_AT,
    NOW,
    ODDS,
    ON_DRUG,
    ON_RATE,
    PRODUCTION,
    RELATIVE,
    SENESCENCE_GAIN,
    SHIFT,
    TOLERANCE,
    TRACED,
    VALUE,
    WAKE_LEFT,
    Floats,
    State,
)
from trialsim.treatment.fate import senescent_share
from trialsim.treatment.pharmacology import (
    ABSORPTION,
    EC50,
    ELIMINATION,
    PER_MG,
    amounts_after,
    effect,
    give,
    mean_effect,
    modulated,
)
from trialsim.treatment.platelets import COUNT, advance_platelets, platelets_at_rest

Generator = np.random.Generator

#: A drug that kills less than this (per day) no longer shortens steps; below this amount (mg) it is gone.
_NEGLIGIBLE_HAZARD = 1e-5
_NEGLIGIBLE_MG = 1e-6
#: Longest step while a drug acts, days: over it five quadrature points follow the decay of its effect.
_DRUG_STEP = 3.0


@compiled
def _any_cells(state: State) -> bool:
    for lesion in range(int(state.clock[IN_USE])):
        for at in range(state.cells.shape[1]):
            if state.cells[lesion, at] > 0:
                return True
    return False


@compiled
def _any_senescent(state: State) -> bool:
    for lesion in range(int(state.clock[IN_USE])):
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
    for e in range(state.effects.shape[0]):
        line = state.effects[e]
        at = int(line[ON_RATE])
        if line[ADDS] == 0.0 or at == HOST_KILL or (at >= KILL and not senescent):
            continue
        d = int(line[ON_DRUG])
        reach = (state.amounts[d, 0] + state.amounts[d, 1]) * state.drugs[d, PER_MG]
        largest = max(largest, effect(reach, line[VALUE], state.drugs[d, EC50]))
    return largest


@compiled
def _pace_of_load(cells: Counts, rates: Rates) -> float:
    """How fast the secretome's load in a lesion changes now, per day: cells mature, are diluted and cleared."""
    weighted = ripe = 0.0
    for inducer in range(N_INDUCERS):
        weighted += weight(rates, inducer) * secreting(cells, inducer)
        ripe += weight(rates, inducer) * ripening(cells, inducer)
    if weighted + ripe == 0.0:
        return 0.0
    total = total_cells(cells)
    share = weighted / total + rates[HOST_SHARE]
    change = max(rates[MATURATION] * ripe, (rates[CLEARANCE] + rates[NET]) * weighted) / total
    return rates[SASP_INTENSITY] * LARGEST * HALF_SHARE / (share + HALF_SHARE) ** 2 * change


@compiled
def _step_length(state: State, left: float) -> float:
    """Longest step allowed now.

    With tolerance e a step ends before a cell's chance to arrest, or the logarithm of a population that grows at its
    reference rate, changes by more than sqrt(e): the composition's error is of second order in that. It ends before
    crowding changes net growth by more than e, which also shortens the steps of small, fast-growing lesions; and before
    a change of the secretome's load could change the logarithm of a population by more than e.
    """
    tolerance = state.settings[TOLERANCE]
    length = min(left, state.settings[LONGEST])
    rates = state.rates
    arrest = rates[SPONTANEOUS_RATE] + rates[SASP_ARREST] * LARGEST * rates[SASP_INTENSITY]
    fastest = max(arrest, rates[NET], rates[ESCAPED_NET])
    if fastest > 0.0:
        length = min(length, math.sqrt(tolerance) / fastest)
    hazard = _drug_hazard(state)
    if hazard > _NEGLIGIBLE_HAZARD:
        length = min(length, _DRUG_STEP, math.sqrt(tolerance) / hazard)
    crowded = rates[CROWDING] > 0.0
    # Under Gompertz's law the factor f on growth g changes at the rate f g / ln(capacity / reference), and a small
    # lesion's f is large.
    pace = rates[NET] * rates[CROWDING] / math.log(rates[CAPACITY] / rates[REFERENCE]) if crowded else 0.0
    # What a unit of load does to a population, per day; immune killing follows the load with a delay.
    force = rates[SASP_GROWTH] * rates[NET] + rates[SASP_ARREST] + 0.5 * rates[SASP_IMMUNE] * rates[IMMUNE_KILL]
    largest, moving = 1.0, 0.0
    for lesion in range(int(state.clock[IN_USE])):
        cells = state.cells[lesion]
        if rates[REVERSAL] > 0.0 and any_reversible(cells):
            length = min(length, math.sqrt(tolerance) / rates[REVERSAL])
        if crowded:
            largest = max(largest, crowding(total_cells(cells), rates))
        if force > 0.0:
            moving = max(moving, force * _pace_of_load(cells, rates))
    if pace * largest * length > tolerance:
        length = tolerance / (pace * largest)
    if moving * length * length > tolerance:
        length = math.sqrt(tolerance / moving)
    return length


@compiled
def _set_drug_effects(state: State, rates: Rates, time: float) -> None:
    """What drugs do to the rates, by their mean effect over the next ``time`` days."""
    for d in range(state.drugs.shape[0]):
        if state.amounts[d, 0] <= 0.0 and state.amounts[d, 1] <= 0.0:
            continue
        drug = state.drugs[d]
        strength = mean_effect(state.amounts[d, 0], state.amounts[d, 1], drug, 1.0, drug[EC50], time)
        for e in range(state.effects.shape[0]):
            line = state.effects[e]
            if int(line[ON_DRUG]) == d:
                at = int(line[ON_RATE])
                if line[ADDS] > 0.0:
                    rates[at] += line[VALUE] * strength
                else:
                    rates[at] *= modulated(line[VALUE], strength)


@compiled
def _set_host_effects(state: State, rates: Rates, time: float) -> None:
    """What the host's senescent cells and the immune infiltrate do to the rates, at the middle of the step."""
    burden = advance_burden(state.host[BURDEN], state.host[PRODUCTION], rates[HOST_KILL], 0.5 * time)
    rates[HOST_SHARE] = SHARE_PER_UNIT * burden
    fold = (KAPPA + state.host[MEASURED_AT]) / (KAPPA + burden)
    if rates[SASP_CLEARANCE] > 0.0:
        weighted = total = 0.0
        for lesion in range(int(state.clock[IN_USE])):
            cells = total_cells(state.cells[lesion])
            if cells > 0:
                total += cells
                ahead = load_ahead(state.cells[lesion], rates, 0.25 * time)
                weighted += cells * relaxed(
                    state.lesions[lesion, INFILTRATE], ahead, 0.5 * time, rates[INFILTRATION_TIME]
                )
        if total > 0.0:
            fold *= 1.0 + rates[SASP_CLEARANCE] * weighted / total
    rates[CLEARANCE] *= fold


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
def _part_step(
    cells: Counts, rates: Rates, infiltrate: float, time: float, seeds: Counts, rng: Generator
) -> tuple[int, float]:
    """A part of a step, with chances of its own."""
    if time <= 0.0:
        return 0, infiltrate
    chances = np.empty(STEP_SHAPE)
    step_chances(rates, time, chances)
    return step(cells, rates, chances, infiltrate, time, seeds, rng)


@compiled
def _step_lesion(
    state: State, lesion: int, rates: Rates, chances: Chances, time: float, seeds: Counts, rng: Generator
) -> None:
    """One lesion over one step, split at the instant it wakes; notes first escape and crossing."""
    cells, own = state.cells[lesion], state.lesions[lesion]
    before = total_cells(cells)
    if before == 0:
        return
    now = state.clock[NOW]
    infiltrate = own[INFILTRATE]
    waking = rates[WAKE]
    if cells[DORMANT] > 0 and waking > 0.0:
        waking *= 1.0 + rates[SASP_WAKING] * load_ahead(cells, rates, 0.5 * time)
    if cells[DORMANT] > 0 and waking > 0.0 and own[WAKE_LEFT] <= waking * time:
        until_wake = own[WAKE_LEFT] / waking
        first, infiltrate = _part_step(cells, rates, infiltrate, until_wake, seeds, rng)
        wake(cells)
        own[WAKE_LEFT] = np.inf
        then, infiltrate = _part_step(cells, rates, infiltrate, time - until_wake, seeds, rng)
        escapes = first + then
    else:
        if cells[DORMANT] > 0:
            own[WAKE_LEFT] -= time * waking
        escapes, infiltrate = step(cells, rates, chances, infiltrate, time, seeds, rng)
    own[INFILTRATE] = infiltrate
    if escapes > 0 and math.isnan(own[FIRST_ESCAPE]):
        # Escapes fall uniformly within a step, given their number; the first of k is a minimum of k uniforms.
        own[FIRST_ESCAPE] = now + time * (1.0 - rng.random() ** (1.0 / escapes))
    after = total_cells(cells)
    limit = state.settings[LIMIT]
    if after >= limit and math.isnan(own[CROSSED]):
        share = 0.0 if before >= limit else math.log(limit / before) / math.log(after / before)
        own[CROSSED] = now + share * time


@compiled
def _found_foci(state: State, rates: Rates, time: float, seeds: Counts, rng: Generator) -> None:
    """Give each cell that was seeded in a step a lesion of its own; without room for any, it is gone."""
    for at in range(seeds.size):
        for _ in range(seeds[at]):
            lesion = _free_lesion(state)
            if lesion != LOCAL:
                found_focus(state.cells[lesion], at, rates, time, rng)
        seeds[at] = 0


@compiled
def _free_lesion(state: State) -> int:
    """The place of a new focus: a dead one's, else unused room, else that of the smallest focus, which it joins.

    ``LOCAL`` where a patient's arrays have no room for foci at all.
    """
    used = int(state.clock[IN_USE])
    smallest, least = LOCAL, 0
    for lesion in range(LOCAL + 1, used):
        cells = total_cells(state.cells[lesion])
        if smallest == LOCAL or cells < least:
            smallest, least = lesion, cells
    place = smallest
    if (smallest == LOCAL or least > 0) and used < state.cells.shape[0]:
        place = used
        state.clock[IN_USE] += 1.0
    if place == used or (place != LOCAL and least == 0):
        state.lesions[place, WAKE_LEFT] = np.inf
        state.lesions[place, CROSSED] = state.lesions[place, FIRST_ESCAPE] = np.nan
        state.lesions[place, INFILTRATE] = 0.0
    return place


@compiled
def _trace(state: State) -> None:
    row = int(state.clock[TRACED])
    if row >= state.trace.shape[0]:
        return
    state.clock[TRACED] += 1.0
    state.trace[row, 0] = state.clock[NOW]
    cycling, dormant, escaped, senescent = 0, 0, 0, 0
    for lesion in range(int(state.clock[IN_USE])):
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
def _run(state: State, until: float, rates: Rates, chances: Chances, seeds: Counts, rng: Generator) -> None:
    """`advance`, with room for a step's rates, chances and seeds."""
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
            _set_drug_effects(state, rates, time)
            _set_host_effects(state, rates, time)
            step_chances(rates, time, chances)
            for lesion in range(int(state.clock[IN_USE])):
                _step_lesion(state, lesion, rates, chances, time, seeds, rng)
            _found_foci(state, rates, time, seeds, rng)
            state.host[BURDEN] = advance_burden(state.host[BURDEN], state.host[PRODUCTION], rates[HOST_KILL], time)
        advance_platelets(state.platelets, state.settings[BASELINE], state.amounts, state.drugs, time)
        _advance_drugs(state, time)
        state.clock[NOW] = until if time == left else state.clock[NOW] + time
        _trace(state)


@compiled
def advance(state: State, until: float, rng: Generator) -> bool:
    """Run biology and pharmacology up to study day ``until``; returns whether the patient is then at rest."""
    _run(state, until, state.rates.copy(), np.empty(STEP_SHAPE), np.zeros(SENESCENT, np.int64), rng)
    return bool(at_rest(state))


@compiled
def swallow(state: State, order: int, fraction: float) -> None:
    """One dose of an order's drug, now, at a fraction of the planned dose: into the gut, or by infusion into plasma."""
    line = state.orders[order]
    drug = int(line[DRUG])
    give(state.amounts[drug], state.drugs[drug], fraction * line[AMOUNT])


@compiled
def strike(state: State, order: int, fraction: float, rng: Generator) -> None:
    """One damaging dose of an order (an infusion, a fraction of radiation), now, at a fraction of the planned dose.

    A drug in the blood may change the odds that a lost cell turns senescent.
    """
    line = state.orders[order]
    odds = line[ODDS] * state.rates[DAMAGE_ODDS]
    for e in range(state.effects.shape[0]):
        what = state.effects[e]
        if int(what[ON_RATE]) == DAMAGE_ODDS:
            d = int(what[ON_DRUG])
            strength = effect(state.amounts[d, 1] * state.drugs[d, PER_MG], 1.0, state.drugs[d, EC50])
            odds *= modulated(what[VALUE], strength)
    loss = -math.expm1(-fraction * line[HITS])
    loss_escaped = -math.expm1(-fraction * line[HITS_ESCAPED])
    share = line[SENESCENCE_GAIN] * senescent_share(odds, fraction * line[RELATIVE], line[SHIFT])
    lesions = 1 if line[LOCAL_ONLY] > 0.0 else int(state.clock[IN_USE])
    for lesion in range(lesions):
        damage(state.cells[lesion], loss, loss_escaped, share, int(line[INDUCER]), state.rates, rng)
    state.host[BURDEN] += fraction * line[HOST_DAMAGE]
    _trace(state)


@compiled
def assess(state: State, errors: Floats) -> int:
    """The lesion that a scan finds, or -1: the largest measured one at or above the detection limit.

    Measured size is cells x exp(error); ``errors`` holds one normal deviate (natural log) per lesion.
    """
    found, largest = -1, state.settings[LIMIT]
    for lesion in range(state.cells.shape[0]):
        total = total_cells(state.cells[lesion])
        if total > 0:
            measured = total * math.exp(errors[lesion])
            if measured >= largest:
                found, largest = lesion, measured
    return found
