"""The visits of a patient, compiled: what is due next, and what happens when it is done.

There is one of everything here: doses under their rules, delays, missed doses, laboratory, panels, scans, relapse and
what it ends. The trial's process asks when the next visit is and has it done; a study does so in a loop
(`trialsim.patient.bank`). What happened at a visit is in the patient's log.

Looking is free. A scan, a blood sample or a biomarker reads a copy, and the patient's cells are stepped where biology
or treatment ends a step, whoever looks and however often:

* blood and biomarkers are those of a copy that is taken on to the day;
* a scan lies in a step. A copy runs ahead through the plan to the end of that step, with copies of the random streams,
  so it takes the very step that the patient will take unless the scan changes treatment. Sizes at the scan lie between
  those at both ends, on the logarithm, which is also how the day on which a lesion crosses the limit is found.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from trialsim.biology.populations import SENESCENT
from trialsim.biology.sasp import total_cells
from trialsim.calendar_grid import POINTS_PER_DAY
from trialsim.chance.samplers import normal
from trialsim.compiling import compiled
from trialsim.patient.advance import advance
from trialsim.patient.agenda import next_line
from trialsim.patient.blood import death_by, neutrophil_count, note_true_nadirs, platelet_count
from trialsim.patient.cells import main_lineage, step_cells
from trialsim.patient.intake import apply_damage, take_drug
from trialsim.patient.markers import measure
from trialsim.patient.plan import Line
from trialsim.patient.state import AHEAD, LOOKED_AT, PATIENT, Copies, OrderState, Patient, copy_patient, view
from trialsim.records import Happened, SameDay
from trialsim.structured import Bytes, Counts
from trialsim.treatment.dose_rules import HOLD, RESUME, STOP, decide

#: A lesion can grow by this factor within a step only by a chance that is never met, if it has so many cells.
_LARGEST_GROWTH, _MANY = 4.0, 10_000.0


@compiled
def note(patient: Patient, kind: int, index: int, value: float) -> None:
    """An entry of the log, where there is one."""
    body = patient.body[0]
    if not body.is_copy and body.logged < patient.log.size:
        entry = patient.log[body.logged]
        body.logged += 1
        entry.kind, entry.index, entry.value = kind, index, value


@compiled
def _on_grid(day: float) -> float:
    return np.rint(day * POINTS_PER_DAY) / POINTS_PER_DAY


@compiled
def _note_lowest(lowest: float, count: float) -> float:
    return lowest if lowest <= count else count


@compiled
def draw_blood(patient: Patient, look: Patient, day: float) -> None:
    """A laboratory visit: one a day, for all orders, unless the patient is dead by then."""
    body = patient.body[0]
    counts = body.counts
    if counts.platelets_on == day:
        return
    advance(patient, day, True)
    count = platelet_count(patient, look, day)
    if not math.isnan(count):
        counts.platelets, counts.platelets_on = count, day
        body.outcome.platelet_nadir = _note_lowest(body.outcome.platelet_nadir, count)
        note(patient, Happened.PLATELETS, 0, count)


@compiled
def count_neutrophils(patient: Patient, look: Patient, line: Line, day: float) -> None:
    """A count before a dose that begins a cycle, once a day, where the order's rule looks at it."""
    body = patient.body[0]
    counts = body.counts
    if line.counts and counts.neutrophils_on != day:
        counts.neutrophils, counts.neutrophils_on = neutrophil_count(patient, look, day), day
        body.outcome.neutrophil_nadir = _note_lowest(body.outcome.neutrophil_nadir, counts.neutrophils)
        note(patient, Happened.NEUTROPHILS, 0, counts.neutrophils)


@compiled
def _decide(patient: Patient, order: OrderState) -> tuple[int, float, bool, int]:
    """What the rule says of a dose that is due, and the state that follows."""
    rule, leader, counts = order.rule, patient.orders[order.leader], patient.body[0].counts
    return decide(
        rule.hold_below,
        rule.resume_above,
        rule.neutrophils_hold_below,
        rule.neutrophils_resume_above,
        rule.kept,
        rule.stop_after,
        leader.fraction,
        leader.on_hold,
        leader.holds,
        counts.platelets,
        counts.neutrophils,
    )


@compiled
def would_give(patient: Patient, look: Patient, at: int, day: float) -> bool:
    """Whether a line is a dose that its rule lets be given on this day; blood is drawn if the rule asks for it."""
    line = patient.lines[at]
    order = patient.orders[line.index]
    if line.kind != SameDay.DOSE or order.stopped or order.withheld:
        return False
    count_neutrophils(patient, look, line, day)
    return _decide(patient, order)[0] <= RESUME


@compiled
def _is_for_neutrophils(patient: Patient, order: OrderState) -> float:
    """1 where an order is held for neutrophils, 0 for platelets: these unless its rule finds the others low."""
    return 1.0 if patient.body[0].counts.neutrophils < order.rule.neutrophils_resume_above else 0.0


@compiled
def _complete(patient: Patient) -> None:
    """Notes it where the last dose of all is over."""
    body = patient.body[0]
    first, holds = -1, 0
    for at in range(patient.orders.size):
        order = patient.orders[at]
        if not order.withheld and first < 0:
            first = at
        holds += order.holds
    if body.to_come > 0 or body.is_stopped or first < 0:
        return
    if holds == 0 or not math.isnan(body.outcome.first_dose):
        note(patient, Happened.COMPLETED, first, 0.0)
    else:
        body.is_stopped = True
        note(patient, Happened.ALL_HELD, first, _is_for_neutrophils(patient, patient.orders[first]))


@compiled
def stop_treatment(patient: Patient, why: int) -> None:
    """Nothing that is still to come is given; notes it where anything was. ``why``: what happened."""
    body = patient.body[0]
    if body.to_come == 0:
        return
    body.to_come, body.is_stopped = 0, True
    for at in range(patient.orders.size):
        patient.orders[at].stopped, patient.orders[at].remaining = True, 0
    note(patient, Happened.TREATMENT_STOPPED, 0, float(why))


@compiled
def _stop_orders(patient: Patient, leader: int) -> None:
    """The rule gives up the orders that are delayed with one."""
    body = patient.body[0]
    for at in range(patient.orders.size):
        order = patient.orders[at]
        if order.leader == leader and not order.stopped:
            body.to_come -= order.remaining
            order.stopped, order.given_up, order.remaining = True, True, 0
            body.is_stopped = True
            note(patient, Happened.ORDER_STOPPED, at, _is_for_neutrophils(patient, order))


@compiled
def _give(patient: Patient, at: int, day: float, fraction: float) -> bool:
    """A dose, now; returns whether it was given: a copy that looks ahead may have seen enough before."""
    body, order = patient.body[0], patient.orders[at]
    advance(patient, day, False)
    if body.cells_at >= body.looks_ahead_to:
        return False
    if order.drug >= 0:
        take_drug(patient, order, fraction)
    else:
        apply_damage(patient, order, fraction)
    order.given += fraction
    order.administrations += 1
    if math.isnan(body.outcome.first_dose):
        body.outcome.first_dose = day
    body.outcome.last_dose = day
    return True


@compiled
def _dose(patient: Patient, look: Patient, line: Line, day: float) -> bool:
    """A dose that is due, under its rule; returns whether it was moved to a later day."""
    body, at = patient.body[0], line.index
    order = patient.orders[at]
    if order.stopped or order.withheld:
        return False
    count_neutrophils(patient, look, line, day)
    leader, rule = patient.orders[order.leader], order.rule
    decision, leader.fraction, leader.on_hold, leader.holds = _decide(patient, order)
    if decision == HOLD and rule.delay > 0.0:
        if leader.waited + rule.delay <= rule.longest_delay:
            by = _on_grid(rule.delay)
            patient.movers[order.mover].shift += by
            leader.waited += rule.delay
            leader.delays += 1
            note(patient, Happened.DELAYED, at, by)
            return True
        decision = STOP
    leader.waited = 0.0
    order.remaining -= 1
    body.to_come -= 1
    if decision > RESUME:
        order.held += 1
        note(patient, Happened.HELD, at, leader.fraction)
        if decision == STOP:
            _stop_orders(patient, order.leader)
    else:
        if decision == RESUME:
            note(patient, Happened.REDUCED, at, leader.fraction)
        if line.forgotten:
            order.missed += 1
            note(patient, Happened.FORGOTTEN, at, leader.fraction)
        else:
            note(patient, Happened.DOSE, at, leader.fraction)
            if not _give(patient, at, day, leader.fraction):
                return False
    _complete(patient)
    return False


@compiled
def _panel(patient: Patient, look: Patient, guide: int, day: float) -> None:
    """A panel, and what it decides: an order whose panel is negative is never given."""
    body = patient.body[0]
    copy_patient(patient, look)
    look.body[0].looks_ahead_to = math.inf
    advance(look, day, False)
    step_cells(look, False)
    measure(patient, look, guide)
    note(patient, Happened.PANEL, guide, 0.0)
    if patient.panels[guide].positive:
        return
    for at in range(patient.orders.size):
        order = patient.orders[at]
        if order.guide == guide:
            body.to_come -= order.remaining
            order.stopped, order.withheld, order.remaining = True, True, 0
            note(patient, Happened.WITHHELD, at, 0.0)
    _complete(patient)


@compiled
def _run_ahead(patient: Patient, ahead: Patient, look: Patient, day: float) -> None:
    """Take a copy through the plan to the end of the step of the cells in which a study day lies, scans aside."""
    copy_patient(patient, ahead)
    body = ahead.body[0]
    body.looks_ahead_to = day
    while body.cells_at < day:
        at, when = next_line(ahead)
        if at < 0:
            advance(ahead, math.inf, False)
            break
        line = ahead.lines[at]
        moved = False
        if line.kind == SameDay.LABORATORY:
            draw_blood(ahead, look, when)
        elif line.kind == SameDay.BIOMARKER:
            _panel(ahead, look, line.index, when)
        elif line.kind == SameDay.DOSE:
            moved = _dose(ahead, look, line, when)
        elif line.kind == SameDay.NEW_THERAPY:
            stop_treatment(ahead, Happened.NEW_THERAPY.value)
        if not moved:
            ahead.movers[line.mover].place += 1


@compiled
def _size(before: float, after: float, share: float) -> float:
    """Cells within a step, a share of it on: between those at its ends on the logarithm, as a crossing is found."""
    if before == 0.0 or after == 0.0:
        return before + share * (after - before)
    return before * (after / before) ** share


@compiled
def _scan(patient: Patient, look: Patient, copies: Copies, day: float) -> None:
    """A scan: of the lesions that it measures at or above the limit, the one that crossed it first.

    Measured size is cells x exp(error), one error drawn for each place of a lesion. Where none has crossed, the largest
    measured one was seen by its error.
    """
    body = patient.body[0]
    advance(patient, day, True)
    largest = 0.0
    for at in range(patient.lesions.size):
        lesion = patient.lesions[at]
        lesion.measured = math.exp(body.scan_error * normal(body.streams.scans)) if body.scan_error > 0.0 else 1.0
        largest = max(largest, total_cells(lesion.cells) * lesion.measured)
    if body.due == math.inf or (body.limit >= _MANY and largest * _LARGEST_GROWTH < body.limit):
        _end_scan(patient, day, -1)
        return
    ahead = view(copies, AHEAD)
    _run_ahead(patient, ahead, look, day)
    began, ended = body.cells_at, ahead.body[0].cells_at
    share = (day - began) / (ended - began) if ended > began else 0.0
    found, earliest, largest = -1, math.inf, 0.0
    for at in range(patient.lesions.size):
        lesion = ahead.lesions[at]
        cells = _size(float(total_cells(patient.lesions[at].cells)), float(total_cells(lesion.cells)), share)
        measured = cells * patient.lesions[at].measured
        if measured < body.limit or cells == 0.0:
            continue
        crossed = lesion.crossed if lesion.crossed <= day else math.inf
        if crossed < earliest or (crossed == earliest and measured > largest):
            found, earliest, largest = at, crossed, measured
            body.outcome.cells = np.rint(cells)
    if found >= 0:
        lesion = ahead.lesions[found]
        body.outcome.latent = lesion.crossed if lesion.crossed <= day else math.nan
        for population in range(SENESCENT):
            body.outcome.lineages[population] = (
                lesion.cells[population] if math.isnan(lesion.crossed) else lesion.lineages[population]
            )
        body.outcome.lineage = main_lineage(body.outcome.lineages)
    _end_scan(patient, day, found)


@compiled
def _end_scan(patient: Patient, day: float, found: int) -> None:
    """What a scan leads to: nothing, or relapse, which ends treatment."""
    outcome = patient.body[0].outcome
    note(patient, Happened.SCAN, found, 0.0)
    if found < 0:
        outcome.last_scan = day
        return
    outcome.relapse, outcome.lesion = day, found
    note(patient, Happened.RELAPSE, found, outcome.cells)
    stop_treatment(patient, Happened.RELAPSE.value)


@compiled
def is_over(patient: Patient) -> bool:
    """Whether relapse or death from toxicity has ended the visits."""
    outcome = patient.body[0].outcome
    return not (math.isnan(outcome.relapse) and math.isnan(outcome.toxic_death))


@compiled
def _do_line(own: Patient, look: Patient, copies: Copies, at: int, day: float) -> None:
    """One line, on its study day."""
    line = own.lines[at]
    own.body[0].visited = day
    moved = False
    if line.kind == SameDay.SCAN and line.index > 0:
        note(own, Happened.SCAN_MISSED, 0, 0.0)
    elif line.kind == SameDay.SCAN:
        _scan(own, look, copies, day)
    elif line.kind == SameDay.LABORATORY:
        draw_blood(own, look, day)
    elif line.kind == SameDay.BIOMARKER:
        _panel(own, look, line.index, day)
    elif line.kind == SameDay.DOSE:
        moved = _dose(own, look, line, day)
    elif line.kind == SameDay.NEW_THERAPY:
        note(own, Happened.NEW_THERAPY, 0, 0.0)
        stop_treatment(own, Happened.NEW_THERAPY.value)
    if not moved:
        own.movers[line.mover].place += 1


@compiled
def _visit(own: Patient, look: Patient, copies: Copies, day: float) -> None:
    """Everything that is due on a study day, in order, until a relapse is seen.

    What happened is in the log, from its beginning.
    """
    own.body[0].logged = 0
    while not is_over(own):
        at, when = next_line(own)
        if at < 0 or when != day:
            break
        _do_line(own, look, copies, at, day)


@compiled
def order_to_give(copies: Copies, at: int, day: float) -> int:
    """The order of which a dose would be given by a line, or -1; the log begins anew."""
    own = view(copies, PATIENT)
    own.body[0].logged = 0
    return own.lines[at].index if would_give(own, view(copies, LOOKED_AT), at, day) else -1


@compiled
def stop_all(copies: Copies) -> None:
    """`stop_treatment`, from outside; the log begins anew."""
    own = view(copies, PATIENT)
    own.body[0].logged = 0
    stop_treatment(own, -1)


@compiled
def _death_before(own: Patient, look: Patient, ends: float, cut: float) -> float:
    """The study day on which toxicity kills before the next visit is done; infinite where it does not.

    ``ends`` is the study day on which follow-up ends otherwise, ``cut`` the last one that counts. Where there is no
    visit any more, this looks as far as these.
    """
    if not own.body[0].is_lethal or is_over(own):
        return math.inf
    until = next_line(own)[1]
    if until == math.inf:
        until = ends if ends < math.inf else cut
    if until == math.inf:
        return math.inf
    died = max(own.body[0].visited, _on_grid(death_by(own, look, until)))
    return died if died < ends and died <= cut else math.inf


@compiled
def death_before(copies: Copies, ends: float, cut: float) -> float:
    """`_death_before`, from outside."""
    return _death_before(view(copies, PATIENT), view(copies, LOOKED_AT), ends, cut)


@compiled
def die(copies: Copies, day: float) -> None:
    """`_die`, from outside."""
    _die(view(copies, PATIENT), day)


@compiled
def _die(own: Patient, day: float) -> None:
    """Toxicity kills on a study day; the log begins anew."""
    own.body[0].logged = 0
    stop_treatment(own, Happened.TOXIC_DEATH.value)
    own.body[0].outcome.toxic_death = day
    note(own, Happened.TOXIC_DEATH, 0, day)


@compiled
def finish(copies: Copies, day: float) -> None:
    """Follow-up has ended on a study day: the lowest counts are known. A body counts until relapse or death."""
    own = view(copies, PATIENT)
    outcome = own.body[0].outcome
    for ended in (outcome.relapse, outcome.toxic_death):
        if ended < day:
            day = ended
    note_true_nadirs(own, view(copies, LOOKED_AT), own.body[0].now if day == math.inf else day)


class Act(IntEnum):
    """What a patient is to do: `act` is one door to all that is large, so that it is compiled once."""

    VISIT = 0
    """What is due on a day."""
    LINE = 1
    """One line, on a day."""
    FOLLOW = 2
    """All visits up to the end of follow-up."""


@compiled
def act(
    memory: Bytes, layout: Counts, lines: Bytes, what: int, line: int, day: float, ends: float, cut: float
) -> tuple[float, int]:
    """Do something; returns the study day of the next visit, and the entries in the log.

    The first three are those of `trialsim.patient.state.Copies`. ``ends`` is the study day of death or withdrawal,
    which go before a visit on it; a visit on the day of the ``cut`` takes place. Both count for one who is followed.
    """
    copies = Copies(memory, layout, lines)
    own, look = view(copies, PATIENT), view(copies, LOOKED_AT)
    if what == Act.VISIT:
        _visit(own, look, copies, day)
    elif what == Act.LINE:
        _do_line(own, look, copies, line, day)
    else:
        _follow(own, look, copies, ends, cut)
    return next_line(own)[1], own.body[0].logged


@compiled
def _follow(own: Patient, look: Patient, copies: Copies, ends: float, cut: float) -> None:
    """The visits, until relapse is seen, toxicity kills or follow-up ends."""
    while not is_over(own):
        died = _death_before(own, look, ends, cut)
        if died < math.inf:
            _die(own, died)
            break
        at, day = next_line(own)
        if at < 0 or day >= ends or day > cut:
            break
        _visit(own, look, copies, day)
    finish(copies, min(ends, cut))
