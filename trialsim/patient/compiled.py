"""The compiled course: cells and drugs brought together between clinical events.

``advance``, ``settle``, ``swallow``, ``strike`` and ``scan`` are compiled once and called from whoever owns the
calendar. Cells know no drug: here drug amounts become hazards, frozen at their mean over a step of the cells, which may
hold several doses.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from trialsim.biology.chain import STEP_SHAPE, Chances, step_chances
from trialsim.biology.host import SHARE_PER_UNIT, advance_burden
from trialsim.biology.kernel import (
    Room,
    Span,
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
    SENESCENT,
    SPONTANEOUS,
    Counts,
)
from trialsim.biology.rates import (
    CLEARANCE,
    DAMAGE_ODDS,
    HOST_KILL,
    HOST_SHARE,
    INFILTRATION_TIME,
    KILL,
    LATENT_RESISTANCE,
    N_RATES,
    RESISTANT_SHARE,
    SASP_ARREST,
    SASP_CLEARANCE,
    SASP_F3,
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
    N_SURVEY,
    Survey,
    load_ahead,
    load_seen,
    look_ahead,
    survey,
    total_cells,
)
from trialsim.compiling import compiled, inlined
from trialsim.patient.intake import advance_marrow, is_waiting, let_in, poison
from trialsim.patient.intake import swallow as take_in
from trialsim.patient.state import (
    ADDS,
    BASELINE,
    BURDEN,
    BURDEN_DAYS,
    CELLS_AT,
    CROSS,
    CROSSED,
    DRUG,
    DUE,
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
    NOW,
    ODDS,
    ON_DRUG,
    ON_RATE,
    PRODUCTION,
    QUIET,
    RELATIVE,
    REPAIR,
    SENESCENCE_GAIN,
    SENESCENT_SEEN,
    SHIFT,
    TOXIN,
    TRACED,
    UNREPAIRED,
    UNREPAIRED_LOCAL,
    VALUE,
    WAKE_LEFT,
    Floats,
    State,
)
from trialsim.patient.step_length import followed, longest_under_drugs, step_length, strongest
from trialsim.treatment.fate import senescent_share
from trialsim.treatment.neutrophils import is_marrow_at_rest
from trialsim.treatment.pharmacokinetics import PLASMA
from trialsim.treatment.pharmacology import (
    EC50,
    HILL,
    PER_MG,
    advance_all,
    hill_effect,
    is_there,
    mean_effect,
    modulated,
)
from trialsim.treatment.platelets import COUNT, advance_platelets, platelets_at_rest

Generator = np.random.Generator


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
        own, seen = state.lesions[lesion], space.seen[lesion]
        if own[QUIET] == 1.0:
            for at in range(N_SURVEY):
                seen[at] = 0.0
            seen[ALL] = state.cells[lesion, DORMANT]
        else:
            survey(state.cells[lesion], rates, seen)
            own[QUIET] = 1.0 if seen[DIVIDING] + seen[ALL_SENESCENT] == 0.0 else 0.0
        cells += seen[ALL]
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
def _hasten(state: State) -> None:
    """Let cells that wait wait no longer than the drugs that are there now allow."""
    clock = state.clock
    if clock[CELLS_AT] < clock[NOW] and clock[DUE] < math.inf:
        killing, others = strongest(state)
        clock[DUE] = min(clock[DUE], max(clock[NOW], clock[CELLS_AT] + longest_under_drugs(state, killing, others)))


@inlined
def _set_drug_effects(state: State, rates: Rates, time: float) -> None:
    """What drugs do to the rates, by their mean effect over the ``time`` days that cells have waited."""
    for d in range(state.drugs.shape[0]):
        if state.exposure[d] <= 0.0:
            continue
        strength = state.exposure[d] / time
        state.exposure[d] = 0.0
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
    """What the host's senescent cells do to the rates, by their mean, and the immune infiltrate, by its middle."""
    rates[HOST_SHARE] = SHARE_PER_UNIT * state.host[BURDEN_DAYS] / time
    state.host[BURDEN_DAYS] = 0.0
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
            rates[CLEARANCE] *= 1.0 + rates[SASP_CLEARANCE] * weighted / total


@inlined
def _pass(state: State, time: float) -> None:
    """Let ``time`` days pass for all but the cells: drugs, platelets, the host. What cells will feel of it is kept."""
    kill = 0.0
    cells_wait = state.clock[DUE] < math.inf
    for d in range(state.drugs.shape[0]):
        if cells_wait and is_there(state.amounts, d):
            drug = state.drugs[d]
            strength = mean_effect(state.amounts[d], drug, 1.0, drug[EC50], time)
            state.exposure[d] += strength * time
            for e in range(state.effects.shape[0]):
                line = state.effects[e]
                if int(line[ON_DRUG]) == d and int(line[ON_RATE]) == HOST_KILL:
                    kill += line[VALUE] * strength
    if cells_wait:
        before = state.host[BURDEN]
        after = advance_burden(before, state.host[PRODUCTION], kill, time)
        state.host[BURDEN], state.host[BURDEN_DAYS] = after, state.host[BURDEN_DAYS] + 0.5 * (before + after) * time
    advance_platelets(state.platelets, state.settings[BASELINE], state.amounts, state.drugs, state.clock[NOW], time)
    advance_all(state.amounts, state.drugs, time)


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
    began, time = state.clock[CELLS_AT], span.days
    infiltrate = own[INFILTRATE]
    waking = rates[WAKE]
    if cells[DORMANT] > 0 and waking > 0.0:
        waking *= 1.0 + rates[SASP_WAKING] * load_ahead(seen, rates, load_seen(seen, rates), span.half)
    if cells[DORMANT] > 0 and waking > 0.0 and own[WAKE_LEFT] <= waking * time:
        until_wake = own[WAKE_LEFT] / waking
        first, infiltrate = _part_step(cells, seen, space, infiltrate, until_wake, rng)
        wake(cells)
        own[WAKE_LEFT], own[QUIET] = np.inf, 0.0
        then, infiltrate = _part_step(cells, seen, space, infiltrate, time - until_wake, rng)
        escapes = first + then
    else:
        if cells[DORMANT] > 0:
            own[WAKE_LEFT] -= time * waking
        escapes, infiltrate = step(cells, seen, rates, space.chances, infiltrate, span, space.room, space.seeds, rng)
    own[INFILTRATE] = infiltrate
    if own[QUIET] == 1.0:
        return
    if escapes > 0 and math.isnan(own[FIRST_ESCAPE]):
        # Escapes fall uniformly within a step, given their number; the first of k is a minimum of k uniforms.
        own[FIRST_ESCAPE] = began + time * (1.0 - rng.random() ** (1.0 / escapes))
    limit = state.settings[LIMIT]
    if math.isnan(own[CROSSED]):
        after = total_cells(cells)
        if after >= limit:
            share = 0.0 if before >= limit else math.log(limit / before) / math.log(after / before)
            own[CROSSED] = began + share * time


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
                state.lesions[lesion, QUIET] = 0.0
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
def _catch_up(state: State, space: Workspace, fresh: bool, rng: Generator) -> None:
    """`settle`; ``fresh``: the surveys in ``space`` are of the cells as they are."""
    clock = state.clock
    time = clock[NOW] - clock[CELLS_AT]
    if time <= 0.0:
        return
    if clock[DUE] < math.inf and (fresh or _survey_all(state, state.rates, space)):
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
        for lesion in range(int(clock[IN_USE])):
            _step_lesion(state, lesion, space, span, rng)
        _found_foci(state, rates, time, space.seeds, rng)
    clock[CELLS_AT] = clock[DUE] = clock[NOW]
    _trace(state)


@compiled
def settle(state: State, space: Workspace, rng: Generator) -> None:
    """Take the cells on to now, in one step."""
    _catch_up(state, space, False, rng)


@inlined
def _run(state: State, until: float, space: Workspace, rng: Generator) -> None:
    """`advance`, with room to work in."""
    clock = state.clock
    fresh = False
    while clock[NOW] < until:
        goal = until
        if state.inputs.shape[0] > 0:
            goal = let_in(state.inputs, state.orders, DRUG, state.amounts, state.drugs, clock[NOW], until)
            _hasten(state)
        if clock[DUE] <= clock[NOW]:
            _catch_up(state, space, fresh, rng)
            fresh = _survey_all(state, state.rates, space)
            clock[SENESCENT_SEEN] = 1.0 if fresh and _any_senescent(state, space) else 0.0
            clock[DUE] = clock[NOW] + step_length(state, space.seen) if fresh else math.inf
        goal = min(goal, clock[NOW] + followed(state))
        # Steps that end within rounding of the goal end on it.
        if clock[DUE] < goal - 1e-9:
            goal = clock[DUE]
        _pass(state, goal - clock[NOW])
        clock[NOW] = goal


@compiled
def advance(state: State, until: float, space: Workspace, rng: Generator) -> bool:
    """Run biology and pharmacology up to study day ``until``; returns whether the patient is then at rest.

    Cells may be left behind, and catch up in one step when the tolerance asks for it, or whoever looks at them, or
    treats them (`settle`): a dose that is swallowed needs no step of its own.
    """
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
def swallow(state: State, order: int, fraction: float) -> None:
    """One dose of an order's drug, now, at a fraction of the planned dose (`trialsim.patient.intake.swallow`)."""
    take_in(state, order, fraction)
    _hasten(state)


@compiled
def strike(state: State, order: int, fraction: float, space: Workspace, rng: Generator) -> None:
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
    if lesions == 1 and total_cells(state.cells[LOCAL]) == 0:
        lesions = 0  # a bed without tumour: cells elsewhere need not know
    else:
        settle(state, space, rng)
    for lesion in range(lesions):
        more = cross_local if lesion == LOCAL else cross
        loss, loss_escaped = -math.expm1(-(hits + more)), -math.expm1(-(hits_escaped + more))
        damage(state.cells[lesion], loss, loss_escaped, share, int(line[INDUCER]), state.rates, rng)
    state.host[BURDEN] += fraction * line[HOST_DAMAGE]
    _trace(state)


@compiled
def scan(state: State, error_sd: float, rng: Generator) -> int:
    """The lesion that a scan finds, or -1: the largest measured one at or above the detection limit. Cells are settled.

    Measured size is cells x exp(error), one error drawn for each place of a lesion.
    """
    found, largest, used = -1, state.settings[LIMIT], int(state.clock[IN_USE])
    for lesion in range(state.cells.shape[0]):
        error = error_sd * rng.standard_normal()
        total = total_cells(state.cells[lesion]) if lesion < used else 0
        if total > 0:
            measured = total * math.exp(error)
            if measured >= largest:
                found, largest = lesion, measured
    return found


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
