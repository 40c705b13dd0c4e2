"""The cells of a patient's lesions, taken on over a step: what drugs, host and secretome make of their rates.

Cells know no drug: here drug amounts become hazards, frozen at their mean over a step, which may hold several doses.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.biology.chain import step_chances
from trialsim.biology.host import SHARE_PER_UNIT
from trialsim.biology.kernel import Room, Span, draw_resistance, found_focus, make_span, step, wake
from trialsim.biology.populations import DORMANT, ESCAPED, N_INDUCERS, RESIDUAL, SENESCENT, SPONTANEOUS
from trialsim.biology.rates import Rates, add_hazard, scale_rate
from trialsim.biology.sasp import load_ahead, load_seen, look_ahead, survey, total_cells
from trialsim.chance.samplers import uniform
from trialsim.chance.stream import Stream
from trialsim.compiling import compiled, inlined
from trialsim.patient.state import LOCAL, Body, Lesion, Patient
from trialsim.structured import Counts, Rows
from trialsim.treatment.pharmacology import modulated


@compiled
def count_all(body: Body, lesions: Rows[Lesion], rates: Rates) -> bool:
    """Survey every lesion; returns whether any cell is left."""
    cells = 0.0
    for at in range(body.lesions):
        lesion = lesions[at]
        seen = lesion.survey
        if lesion.quiet:
            seen.dividing = seen.senescent = seen.secreting = seen.ripening = 0.0
            for inducer in range(N_INDUCERS):
                seen.by_inducer[inducer] = 0.0
            seen.all = lesion.cells[DORMANT]
        else:
            survey(lesion.cells, rates, seen)
            lesion.quiet = seen.dividing + seen.senescent == 0.0
        cells += seen.all
    return cells > 0.0


@compiled
def any_cells(body: Body, lesions: Rows[Lesion]) -> bool:
    """Whether any cell is left."""
    at = 0
    while at < body.lesions and total_cells(lesions[at].cells) == 0:
        at += 1
    return bool(at < body.lesions)


@compiled
def any_senescent(body: Body, lesions: Rows[Lesion]) -> bool:
    """Whether any surveyed lesion has senescent cells."""
    cells = 0.0
    for at in range(body.lesions):
        cells += lesions[at].survey.senescent
    return cells > 0.0


@inlined
def _any_busy(body: Body, lesions: Rows[Lesion]) -> bool:
    """Whether any surveyed lesion has cells that are not dormant."""
    cells = 0.0
    for at in range(body.lesions):
        cells += lesions[at].survey.senescent + lesions[at].survey.dividing
    return cells > 0.0


@inlined
def _set_drug_effects(patient: Patient, rates: Rates, time: float) -> None:
    """What drugs do to the rates, by their mean effect over the ``time`` days that cells have waited."""
    for d in range(patient.drugs.size):
        drug = patient.drugs[d]
        if drug.exposure <= 0.0:
            continue
        strength = drug.exposure / time
        drug.exposure = 0.0
        for e in range(patient.effects.size):
            effect = patient.effects[e]
            if effect.drug == d:
                if effect.is_hazard:
                    add_hazard(rates, effect.target, effect.inducer, effect.value * strength)
                else:
                    scale_rate(rates, effect.target, modulated(effect.value, strength))


@inlined
def _set_host_effects(body: Body, lesions: Rows[Lesion], rates: Rates, time: float) -> None:
    """What the host's senescent cells do to the rates, by their mean, and the immune infiltrate, by its middle."""
    rates.host_share = SHARE_PER_UNIT * body.host.burden_days / time
    body.host.burden_days = 0.0
    if rates.sasp_clearance > 0.0:
        weighted = total = 0.0
        quarter, half = look_ahead(rates, 0.25 * time), math.exp(-0.5 * time / rates.infiltration_time)
        for at in range(body.lesions):
            seen = lesions[at].survey
            if seen.all > 0.0:
                total += seen.all
                load = load_ahead(seen, rates, load_seen(seen, rates), quarter)
                weighted += seen.all * (load + (lesions[at].infiltrate - load) * half)
        if total > 0.0:
            rates.clearance *= 1.0 + rates.sasp_clearance * weighted / total


@compiled
def _part_step(lesion: Lesion, room: Room, infiltrate: float, time: float, rng: Stream) -> tuple[int, float]:
    """A part of a step, with a survey and chances of its own."""
    if time <= 0.0:
        return 0, infiltrate
    survey(lesion.cells, room.rates, lesion.survey)
    step_chances(room.rates, time, room.present, room.part)
    span = make_span(room.rates, time)
    return step(lesion.cells, lesion.survey, room.rates, room.part, infiltrate, span, room, rng)


@compiled
def _step_lesion(body: Body, lesion: Lesion, room: Room, span: Span) -> None:
    """One lesion over one step, split at the instant it wakes; notes first escape and crossing."""
    cells, seen, rates = lesion.cells, lesion.survey, room.rates
    before = seen.all
    if before == 0.0:
        return
    began, time, rng = body.cells_at, span.days, body.streams.cells
    infiltrate = lesion.infiltrate
    waking = rates.wake
    if cells[DORMANT] > 0 and waking > 0.0:
        waking *= 1.0 + rates.sasp_waking * load_ahead(seen, rates, load_seen(seen, rates), span.half)
    if cells[DORMANT] > 0 and waking > 0.0 and lesion.wake_left <= waking * time:
        until_wake = lesion.wake_left / waking
        first, infiltrate = _part_step(lesion, room, infiltrate, until_wake, rng)
        wake(cells)
        lesion.wake_left, lesion.quiet = np.inf, False
        then, infiltrate = _part_step(lesion, room, infiltrate, time - until_wake, rng)
        escapes = first + then
    else:
        if cells[DORMANT] > 0:
            lesion.wake_left -= time * waking
        escapes, infiltrate = step(cells, seen, rates, room.chances, infiltrate, span, room, rng)
    lesion.infiltrate = infiltrate
    if lesion.quiet:
        return
    if escapes > 0 and math.isnan(lesion.first_escape):
        # Escapes fall uniformly within a step, given their number; the first of k is a minimum of k uniforms.
        lesion.first_escape = began + time * (1.0 - uniform(rng) ** (1.0 / escapes))
    if math.isnan(lesion.crossed):
        after = total_cells(cells)
        if after >= body.limit:
            share = 0.0 if before >= body.limit else math.log(body.limit / before) / math.log(after / before)
            lesion.crossed = began + share * time
            for at in range(SENESCENT):
                lesion.lineages[at] = cells[at]


@compiled
def _draw_resistance(body: Body, lesions: Rows[Lesion], rates: Rates) -> None:
    """Where a senolytic acts for the first time, draw who is resistant (`trialsim.biology.kernel.draw_resistance`)."""
    kills = False
    for inducer in range(N_INDUCERS):
        kills = kills or rates.senolytic_kill[inducer] > 0.0
    if kills:
        share = body.rates.latent_resistance
        for at in range(body.lesions):
            draw_resistance(lesions[at].cells, share, body.streams.cells)
        body.rates.resistant_share = rates.resistant_share = share
        body.rates.latent_resistance = rates.latent_resistance = 0.0


@inlined
def _set_present(body: Body, lesions: Rows[Lesion], room: Room) -> None:
    """Of the inducers whose cells are killed, those of which there are senescent cells, or may be within the step."""
    rates = room.rates
    for inducer in range(N_INDUCERS):
        if rates.senolytic_kill[inducer] <= 0.0:
            continue
        there = rates.driven_arrest[inducer]
        for at in range(body.lesions):
            there += lesions[at].survey.by_inducer[inducer]
        room.present[inducer] = there
    room.present[SPONTANEOUS] += rates.spontaneous_rate + rates.sasp_arrest


@inlined
def _found_foci(body: Body, lesions: Rows[Lesion], room: Room, time: float) -> None:
    """Give each cell that was seeded in a step a lesion of its own; without room for any, it is gone."""
    for at in range(SENESCENT):
        for _ in range(room.seeds[at]):
            place = _free_place(body, lesions)
            if place != LOCAL:
                lesions[place].quiet = False
                found_focus(lesions[place].cells, at, room.rates, time, body.streams.cells)
        room.seeds[at] = 0


@compiled
def _free_place(body: Body, lesions: Rows[Lesion]) -> int:
    """The place of a new focus: a dead one's, else unused room, else that of the smallest focus, which it joins.

    ``LOCAL`` where a patient has no room for foci at all.
    """
    used = body.lesions
    smallest, least = LOCAL, 0
    for at in range(LOCAL + 1, used):
        cells = total_cells(lesions[at].cells)
        if smallest == LOCAL or cells < least:
            smallest, least = at, cells
    place = smallest
    if (smallest == LOCAL or least > 0) and used < lesions.size:
        place = used
        body.lesions += 1
    if place == used or (place != LOCAL and least == 0):
        lesion = lesions[place]
        lesion.wake_left = np.inf
        lesion.crossed = lesion.first_escape = np.nan
        lesion.infiltrate = 0.0
    return place


@compiled
def write_trace(patient: Patient) -> None:
    """A row of the trace, where somebody draws and there is room."""
    body = patient.body[0]
    if body.is_copy or body.traced >= patient.trace.size:
        return
    row = patient.trace[body.traced]
    body.traced += 1
    cycling, dormant, escaped, senescent = 0, 0, 0, 0
    for lesion in range(body.lesions):
        cells = patient.lesions[lesion].cells
        dormant += cells[DORMANT]
        for at in range(DORMANT):
            cycling += cells[at]
        for at in range(ESCAPED, SENESCENT):
            escaped += cells[at]
        for at in range(SENESCENT, cells.size):
            senescent += cells[at]
    row.day, row.platelets = body.now, body.platelets.count
    row.cycling, row.dormant, row.senescent, row.escaped = cycling, dormant, senescent, escaped


@compiled
def step_cells(patient: Patient, counted: bool) -> None:
    """Take the cells on to now, in one step. ``counted``: the lesions' surveys are of the cells as they are."""
    body, lesions, room = patient.body[0], patient.lesions, patient.room[0]
    time = body.now - body.cells_at
    if time <= 0.0:
        return
    if body.due < math.inf and (counted or count_all(body, lesions, body.rates)):
        patient.room[0].rates = body.rates
        rates = room.rates
        _set_drug_effects(patient, rates, time)
        if rates.sasp_f3 != body.rates.sasp_f3:
            # A survey holds the weights of what it counts, and a drug acts on one of them.
            count_all(body, lesions, rates)
        if rates.latent_resistance > 0.0:
            _draw_resistance(body, lesions, rates)
        _set_host_effects(body, lesions, rates, time)
        _set_present(body, lesions, room)
        if _any_busy(body, lesions):
            step_chances(rates, time, room.present, room.chances)
        span = make_span(rates, time)
        for at in range(body.lesions):
            _step_lesion(body, lesions[at], room, span)
        _found_foci(body, lesions, room, time)
    body.cells_at = body.due = body.now
    write_trace(patient)


@compiled
def main_lineage(proliferating: Counts) -> int:
    """The lineage that makes up most of a lesion's proliferating cells, the first of equals; residual if none.

    A lineage is named by its first population: escaped cells of one inducer are one, whatever senolytics do to them.
    """
    main, most = RESIDUAL, 0
    for at in range(DORMANT):
        if proliferating[at] > most:
            main, most = at, proliferating[at]
    for at in range(ESCAPED, SENESCENT, 2):
        if proliferating[at] + proliferating[at + 1] > most:
            main, most = at, proliferating[at] + proliferating[at + 1]
    return main
