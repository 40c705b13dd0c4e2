"""The compiled course: cells and drugs brought together between clinical events.

``advance``, ``strike`` and ``scan`` are compiled once and called from whoever owns the calendar. Cells
know no drug: here drug amounts become hazards, frozen at their mean over a step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from trialsim.biology.chain import STEP_SHAPE, Chances, step_chances
from trialsim.biology.host import KAPPA, SHARE_PER_UNIT, advance_burden
from trialsim.biology.kernel import (
    Room,
    Span,
    crowding,
    damage,
    found_focus,
    make_room,
    make_span,
    step,
    tell_apart,
    wake,
)
from trialsim.biology.populations import (
    DORMANT,
    ESCAPED,
    N_INDUCERS,
    RESIDUAL,
    REVERSIBLE,
    SENESCENT,
    SPONTANEOUS,
    Counts,
)
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
    LATENT_RESISTANCE,
    MATURATION,
    N_RATES,
    NET,
    REFERENCE,
    RESISTANT_SHARE,
    REVERSAL,
    SASP_ARREST,
    SASP_CLEARANCE,
    SASP_F3,
    SASP_GROWTH,
    SASP_IMMUNE,
    SASP_INTENSITY,
    SASP_WAKING,
    SPONTANEOUS_RATE,
    STREAM,
    WAKE,
    Rates,
)
from trialsim.biology.sasp import (
    ALL,
    ALL_SENESCENT,
    BY_INDUCER,
    DIVIDING,
    HALF_SHARE,
    LARGEST,
    N_SURVEY,
    RIPENING,
    SECRETING,
    Survey,
    load_ahead,
    load_seen,
    look_ahead,
    survey,
    total_cells,
)
from trialsim.compiling import compiled, inlined
from trialsim.patient.intake import advance_marrow, is_waiting, let_in, poison
from trialsim.patient.state import (
    ADDS,
    BASELINE,
    BURDEN,
    CROSS,
    CROSSED,
    DRUG,
    FIRST_ESCAPE,
    GRAY,
    HITS,
    HITS_ESCAPED,
    HOST_DAMAGE,
    IN_USE,
    INDUCER,
    INFILTRATE,
    LAST_FRACTION,
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
    REPAIR,
    SENESCENCE_GAIN,
    SHIFT,
    TOLERANCE,
    TOXIN,
    TRACED,
    UNREPAIRED,
    UNREPAIRED_LOCAL,
    VALUE,
    WAKE_LEFT,
    Floats,
    State,
)
from trialsim.treatment.fate import senescent_share
from trialsim.treatment.neutrophils import BASE, CIRC, NEUTROPHIL_ERROR, is_marrow_at_rest
from trialsim.treatment.pharmacokinetics import GUT, PLASMA, TISSUE
from trialsim.treatment.pharmacology import (
    EC50,
    HILL,
    PER_MG,
    advance_amounts,
    hill_effect,
    is_there,
    mean_effect,
    modulated,
)
from trialsim.treatment.platelets import COUNT, advance_platelets, platelets_at_rest

Generator = np.random.Generator

#: A drug that kills less than this (per day) no longer shortens steps.
_NEGLIGIBLE_HAZARD = 1e-5
#: Longest step while a drug acts, days: over it five quadrature points follow the decay of its effect.
_DRUG_STEP = 3.0
#: Coefficient of variation of a platelet count in the laboratory.
PLATELET_ERROR = 0.05


class Workspace(NamedTuple):
    """Room that a run of steps works in."""

    rates: Rates
    chances: Chances
    present: Floats
    """By inducer: more than 0 where any lesion has, or may come to have, senescent cells of it."""
    seen: Floats
    """Lesion x survey (`trialsim.biology.sasp.survey`)."""
    seeds: Counts
    room: Room


@compiled
def make_workspace(lesions: int) -> Workspace:
    """Room for a patient with so many places for lesions."""
    return Workspace(
        np.empty(N_RATES),
        np.empty(STEP_SHAPE),
        np.empty(N_INDUCERS),
        np.zeros((lesions, N_SURVEY)),
        np.zeros(SENESCENT, np.int64),
        make_room(),
    )


@inlined
def _survey_all(state: State, rates: Rates, space: Workspace) -> bool:
    """Survey every lesion; returns whether any cell is left."""
    cells = 0.0
    for lesion in range(int(state.clock[IN_USE])):
        survey(state.cells[lesion], rates, space.seen[lesion])
        cells += space.seen[lesion, ALL]
    return cells > 0.0


@compiled
def _any_cells(state: State) -> bool:
    lesion, used = 0, int(state.clock[IN_USE])
    while lesion < used and total_cells(state.cells[lesion]) == 0:
        lesion += 1
    return lesion < used


@inlined
def _any_senescent(state: State, space: Workspace) -> bool:
    cells = 0.0
    for lesion in range(int(state.clock[IN_USE])):
        cells += space.seen[lesion, ALL_SENESCENT]
    return cells > 0.0


@inlined
def _any_busy(state: State, space: Workspace) -> bool:
    """Whether any lesion has cells that are not dormant."""
    cells = 0.0
    for lesion in range(int(state.clock[IN_USE])):
        cells += space.seen[lesion, ALL_SENESCENT] + space.seen[lesion, DIVIDING]
    return cells > 0.0


@inlined
def _drug_hazard(state: State, space: Workspace) -> float:
    """Largest hazard per day that a drug may reach from now on for a cell that it acts on; 0 without such a cell.

    A drug without a target thereby shortens no step: it changes nothing, to the bit.
    """
    largest = 0.0
    if state.effects.shape[0] == 0:
        return largest
    senescent = _any_senescent(state, space)
    for e in range(state.effects.shape[0]):
        line = state.effects[e]
        at = int(line[ON_RATE])
        if line[ADDS] == 0.0 or at == HOST_KILL or (at >= KILL and not senescent):
            continue
        d = int(line[ON_DRUG])
        amount = state.amounts[d, GUT] + state.amounts[d, PLASMA] + state.amounts[d, TISSUE]
        if amount <= 0.0:
            continue
        reach = amount * state.drugs[d, PER_MG]
        largest = max(largest, hill_effect(reach, line[VALUE], state.drugs[d, EC50], state.drugs[d, HILL]))
    return largest


@inlined
def _pace_of_load(seen: Survey, rates: Rates) -> float:
    """How fast the secretome's load in a lesion changes now, per day: cells mature, are diluted and cleared."""
    if seen[SECRETING] + seen[RIPENING] == 0.0:
        return 0.0
    share = seen[SECRETING] / seen[ALL] + rates[HOST_SHARE]
    change = max(rates[MATURATION] * seen[RIPENING], (rates[CLEARANCE] + rates[NET]) * seen[SECRETING]) / seen[ALL]
    return rates[SASP_INTENSITY] * LARGEST * HALF_SHARE / (share + HALF_SHARE) ** 2 * change


@inlined
def _step_length(state: State, space: Workspace, left: float) -> float:
    """Longest step allowed now.

    With tolerance e a step ends before a cell's chance to arrest, or the logarithm of a population that grows at its
    reference rate, changes by more than sqrt(e): the composition's error is of second order in that. It ends before
    crowding changes net growth by more than e, which also shortens the steps of small, fast-growing lesions; and
    before a change of the secretome's load could change the logarithm of a population by more than e.
    """
    tolerance = state.settings[TOLERANCE]
    length = min(left, state.settings[LONGEST])
    rates = state.rates
    arrest = rates[SPONTANEOUS_RATE] + rates[SASP_ARREST] * LARGEST * rates[SASP_INTENSITY]
    fastest = max(arrest, rates[NET], rates[ESCAPED_NET])
    if fastest > 0.0:
        length = min(length, math.sqrt(tolerance) / fastest)
    hazard = _drug_hazard(state, space)
    if hazard > _NEGLIGIBLE_HAZARD:
        length = min(length, _DRUG_STEP, math.sqrt(tolerance) / hazard)
    crowded = rates[CROWDING] > 0.0
    # Under Gompertz's law the factor f on growth g changes at the rate f g / ln(capacity / reference), and a small
    # lesion's f is large.
    pace = rates[NET] * rates[CROWDING] / math.log(rates[CAPACITY] / rates[REFERENCE]) if crowded else 0.0
    # What a unit of load does to a population, per day; immune killing follows the load with a delay.
    force = rates[SASP_GROWTH] * rates[NET] + rates[SASP_ARREST] + 0.5 * rates[SASP_IMMUNE] * rates[IMMUNE_KILL]
    smallest, moving = math.inf, 0.0
    for lesion in range(int(state.clock[IN_USE])):
        seen = space.seen[lesion]
        if seen[ALL] == 0.0:
            continue
        if rates[REVERSAL] > 0.0 and seen[BY_INDUCER + REVERSIBLE[0]] + seen[BY_INDUCER + REVERSIBLE[1]] > 0.0:
            length = min(length, math.sqrt(tolerance) / rates[REVERSAL])
        smallest = min(smallest, seen[ALL])
        if force > 0.0:
            moving = max(moving, force * _pace_of_load(seen, rates))
    if crowded:
        pace *= max(1.0, crowding(smallest, rates))
        if pace * length > tolerance:
            length = tolerance / pace
    if moving * length * length > tolerance:
        length = math.sqrt(tolerance / moving)
    return length


@inlined
def _set_drug_effects(state: State, rates: Rates, time: float) -> None:
    """What drugs do to the rates, by their mean effect over the next ``time`` days."""
    for d in range(state.drugs.shape[0]):
        if not is_there(state.amounts, d):
            continue
        drug = state.drugs[d]
        strength = mean_effect(state.amounts[d], drug, 1.0, drug[EC50], time)
        for e in range(state.effects.shape[0]):
            line = state.effects[e]
            if int(line[ON_DRUG]) == d:
                at = int(line[ON_RATE])
                if line[ADDS] > 0.0:
                    rates[at] += line[VALUE] * strength
                else:
                    rates[at] *= modulated(line[VALUE], strength)


@inlined
def _set_host_effects(state: State, space: Workspace, rates: Rates, time: float) -> None:
    """What the host's senescent cells and the immune infiltrate do to the rates, at the middle of the step."""
    burden = advance_burden(state.host[BURDEN], state.host[PRODUCTION], rates[HOST_KILL], 0.5 * time)
    rates[HOST_SHARE] = SHARE_PER_UNIT * burden
    fold = (KAPPA + state.host[MEASURED_AT]) / (KAPPA + burden)
    if rates[SASP_CLEARANCE] > 0.0:
        weighted = total = 0.0
        quarter, half = look_ahead(rates, 0.25 * time), math.exp(-0.5 * time / rates[INFILTRATION_TIME])
        for lesion in range(int(state.clock[IN_USE])):
            seen = space.seen[lesion]
            if seen[ALL] > 0.0:
                total += seen[ALL]
                load = load_ahead(seen, rates, load_seen(seen, rates), quarter)
                weighted += seen[ALL] * (load + (state.lesions[lesion, INFILTRATE] - load) * half)
        if total > 0.0:
            fold *= 1.0 + rates[SASP_CLEARANCE] * weighted / total
    rates[CLEARANCE] *= fold


@inlined
def _advance_drugs(state: State, time: float) -> None:
    for d in range(state.drugs.shape[0]):
        if is_there(state.amounts, d):
            advance_amounts(state.amounts[d], state.drugs[d], time)


@compiled
def _part_step(
    cells: Counts, seen: Survey, space: Workspace, infiltrate: float, time: float, rng: Generator
) -> tuple[int, float]:
    """A part of a step, with a survey and chances of its own."""
    if time <= 0.0:
        return 0, infiltrate
    survey(cells, space.rates, seen)
    chances = np.empty(STEP_SHAPE)
    step_chances(space.rates, time, space.present, chances)
    span = make_span(space.rates, time)
    return step(cells, seen, space.rates, chances, infiltrate, span, space.room, space.seeds, rng)


@inlined
def _step_lesion(state: State, lesion: int, space: Workspace, span: Span, rng: Generator) -> None:
    """One lesion over one step, split at the instant it wakes; notes first escape and crossing."""
    cells, own, seen, rates = state.cells[lesion], state.lesions[lesion], space.seen[lesion], space.rates
    before = seen[ALL]
    if before == 0.0:
        return
    now, time = state.clock[NOW], span.days
    infiltrate = own[INFILTRATE]
    waking = rates[WAKE]
    if cells[DORMANT] > 0 and waking > 0.0:
        waking *= 1.0 + rates[SASP_WAKING] * load_ahead(seen, rates, load_seen(seen, rates), span.half)
    if cells[DORMANT] > 0 and waking > 0.0 and own[WAKE_LEFT] <= waking * time:
        until_wake = own[WAKE_LEFT] / waking
        first, infiltrate = _part_step(cells, seen, space, infiltrate, until_wake, rng)
        wake(cells)
        own[WAKE_LEFT] = np.inf
        then, infiltrate = _part_step(cells, seen, space, infiltrate, time - until_wake, rng)
        escapes = first + then
    else:
        if cells[DORMANT] > 0:
            own[WAKE_LEFT] -= time * waking
        escapes, infiltrate = step(cells, seen, rates, space.chances, infiltrate, span, space.room, space.seeds, rng)
    own[INFILTRATE] = infiltrate
    if escapes > 0 and math.isnan(own[FIRST_ESCAPE]):
        # Escapes fall uniformly within a step, given their number; the first of k is a minimum of k uniforms.
        own[FIRST_ESCAPE] = now + time * (1.0 - rng.random() ** (1.0 / escapes))
    limit = state.settings[LIMIT]
    if math.isnan(own[CROSSED]):
        after = total_cells(cells)
        if after >= limit:
            share = 0.0 if before >= limit else math.log(limit / before) / math.log(after / before)
            own[CROSSED] = now + share * time


@compiled
def _tell_apart(state: State, rates: Rates, rng: Generator) -> None:
    """Where a senolytic acts for the first time, draw who is resistant (`trialsim.biology.kernel.tell_apart`)."""
    kills = False
    for inducer in range(N_INDUCERS):
        kills = kills or rates[KILL + inducer] > 0.0
    if kills:
        share = state.rates[LATENT_RESISTANCE]
        for lesion in range(int(state.clock[IN_USE])):
            tell_apart(state.cells[lesion], share, rng)
        for own in (state.rates, rates):
            own[RESISTANT_SHARE], own[LATENT_RESISTANCE] = share, 0.0


@inlined
def _set_present(state: State, space: Workspace) -> None:
    """Of the inducers whose cells are killed, those of which there are senescent cells, or may be within the step."""
    rates = space.rates
    for inducer in range(N_INDUCERS):
        if rates[KILL + inducer] <= 0.0:
            continue
        there = rates[STREAM + inducer]
        for lesion in range(int(state.clock[IN_USE])):
            there += space.seen[lesion, BY_INDUCER + inducer]
        space.present[inducer] = there
    space.present[SPONTANEOUS] += rates[SPONTANEOUS_RATE] + rates[SASP_ARREST]


@inlined
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
        dormant += cells[DORMANT]
        # Plain loops: sums of slices would make this function, which every step calls, count references.
        for at in range(DORMANT):
            cycling += cells[at]
        for at in range(ESCAPED, SENESCENT):
            escaped += cells[at]
        for at in range(SENESCENT, cells.size):
            senescent += cells[at]
    state.trace[row, 1] = cycling
    state.trace[row, 2] = dormant
    state.trace[row, 3] = senescent
    state.trace[row, 4] = escaped
    state.trace[row, 5] = state.platelets[COUNT]


@inlined
def at_rest(state: State) -> bool:
    """No cell is left, no drug, and counts are at their baseline: until the next dose only the clock runs."""
    for d in range(state.amounts.shape[0]):
        if is_there(state.amounts, d):
            return False
    if is_waiting(state.inputs) or _any_cells(state):
        return False
    if state.marrow.shape[0] > 0 and (
        is_waiting(state.toxin_inputs) or not is_marrow_at_rest(state.marrow, state.toxin_amounts)
    ):
        return False
    return bool(platelets_at_rest(state.platelets, state.settings[BASELINE]))


@inlined
def _run(state: State, until: float, space: Workspace, rng: Generator) -> None:
    """`advance`, with room to work in."""
    while state.clock[NOW] < until:
        goal = until
        if state.inputs.shape[0] > 0:
            goal = let_in(state.inputs, state.orders, DRUG, state.amounts, state.drugs, state.clock[NOW], until)
        left = goal - state.clock[NOW]
        alive = _survey_all(state, state.rates, space)
        time = _step_length(state, space, left) if alive else left
        # Steps that end within rounding of the goal end on it.
        if left - time < 1e-9:
            time = left
        if alive:
            rates = space.rates
            for at in range(rates.size):
                rates[at] = state.rates[at]
            _set_drug_effects(state, rates, time)
            if rates[SASP_F3] != state.rates[SASP_F3]:
                # A survey holds the weights of what it counts, and a drug acts on one of them.
                _survey_all(state, rates, space)
            if rates[LATENT_RESISTANCE] > 0.0:
                _tell_apart(state, rates, rng)
            _set_host_effects(state, space, rates, time)
            _set_present(state, space)
            if _any_busy(state, space):
                step_chances(rates, time, space.present, space.chances)
            span = make_span(rates, time)
            for lesion in range(int(state.clock[IN_USE])):
                _step_lesion(state, lesion, space, span, rng)
            _found_foci(state, rates, time, space.seeds, rng)
            state.host[BURDEN] = advance_burden(state.host[BURDEN], state.host[PRODUCTION], rates[HOST_KILL], time)
        advance_platelets(state.platelets, state.settings[BASELINE], state.amounts, state.drugs, time)
        _advance_drugs(state, time)
        state.clock[NOW] = goal if time == left else state.clock[NOW] + time
        _trace(state)


@compiled
def advance(state: State, until: float, space: Workspace, rng: Generator) -> bool:
    """Run biology and pharmacology up to study day ``until``; returns whether the patient is then at rest."""
    _run(state, until, space, rng)
    if state.marrow.shape[0] > 0:
        advance_marrow(state, until)
    return bool(at_rest(state))


@compiled
def _meet_unrepaired(state: State, gray: float, cross: float, repair: float, local_only: float) -> tuple[float, float]:
    """Hits of a fraction by what is left of earlier ones, in the local bed and elsewhere; the fraction joins that."""
    clock = state.clock
    kept = math.exp(-repair * (clock[NOW] - clock[LAST_FRACTION]))
    local, elsewhere = clock[UNREPAIRED_LOCAL] * kept, clock[UNREPAIRED] * kept
    clock[LAST_FRACTION] = clock[NOW]
    clock[UNREPAIRED_LOCAL] = local + gray
    clock[UNREPAIRED] = elsewhere if local_only > 0.0 else elsewhere + gray
    return cross * gray * local, cross * gray * elsewhere


@compiled
def strike(state: State, order: int, fraction: float, rng: Generator) -> None:
    """One damaging dose of an order (an infusion, a fraction of radiation), now, at a fraction of the planned dose.

    A drug in the blood may change the odds that a lost cell turns senescent.
    """
    line = state.orders[order]
    if line[TOXIN] >= 0.0:
        poison(state, order, fraction)
    odds = line[ODDS] * state.rates[DAMAGE_ODDS]
    for e in range(state.effects.shape[0]):
        what = state.effects[e]
        if int(what[ON_RATE]) == DAMAGE_ODDS:
            d = int(what[ON_DRUG])
            concentration = state.amounts[d, PLASMA] * state.drugs[d, PER_MG]
            strength = hill_effect(concentration, 1.0, state.drugs[d, EC50], state.drugs[d, HILL])
            odds *= modulated(what[VALUE], strength)
    hits, hits_escaped = fraction * line[HITS], fraction * line[HITS_ESCAPED]
    cross_local = cross = 0.0
    if line[REPAIR] > 0.0:
        cross_local, cross = _meet_unrepaired(state, fraction * line[GRAY], line[CROSS], line[REPAIR], line[LOCAL_ONLY])
    share = line[SENESCENCE_GAIN] * senescent_share(odds, fraction * line[RELATIVE], line[SHIFT])
    lesions = 1 if line[LOCAL_ONLY] > 0.0 else int(state.clock[IN_USE])
    for lesion in range(lesions):
        more = cross_local if lesion == LOCAL else cross
        loss, loss_escaped = -math.expm1(-(hits + more)), -math.expm1(-(hits_escaped + more))
        damage(state.cells[lesion], loss, loss_escaped, share, int(line[INDUCER]), state.rates, rng)
    state.host[BURDEN] += fraction * line[HOST_DAMAGE]
    _trace(state)


@compiled
def scan(state: State, error_sd: float, rng: Generator) -> int:
    """The lesion that a scan finds now, or -1: the largest measured one at or above the detection limit.

    Measured size is cells x exp(error), one error drawn for each place of a lesion.
    """
    found, largest = -1, state.settings[LIMIT]
    for lesion in range(state.cells.shape[0]):
        error = error_sd * rng.standard_normal()
        total = total_cells(state.cells[lesion])
        if total > 0:
            measured = total * math.exp(error)
            if measured >= largest:
                found, largest = lesion, measured
    return found


@compiled
def laboratory(state: State, rng: Generator) -> float:
    """A platelet count as the laboratory reports it now, 1e9/L (log-normal error)."""
    return float(state.platelets[COUNT] * math.exp(PLATELET_ERROR * rng.standard_normal()))


@compiled
def neutrophils(state: State, rng: Generator) -> float:
    """A neutrophil count as the laboratory reports it now, 1e9/L (log-normal error)."""
    count = state.marrow[CIRC] * state.marrow[BASE]
    return float(count * math.exp(NEUTROPHIL_ERROR * rng.standard_normal()))


@compiled
def main_lineage(cells: Counts) -> int:
    """The lineage that makes up most of a lesion's proliferating cells, the first of equals; residual if none.

    A lineage is named by its first population: escaped cells of one inducer are one, whatever senolytics do to them.
    """
    main, most = RESIDUAL, 0
    for at in range(DORMANT):
        if cells[at] > most:
            main, most = at, cells[at]
    for at in range(ESCAPED, SENESCENT, 2):
        if cells[at] + cells[at + 1] > most:
            main, most = at, cells[at] + cells[at + 1]
    return main
