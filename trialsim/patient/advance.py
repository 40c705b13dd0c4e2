"""A patient between doses: drugs, blood, the host and the cells, taken on to a day."""

from __future__ import annotations

import math

from trialsim.biology.host import advance_burden
from trialsim.biology.rates import Target
from trialsim.compiling import compiled, inlined
from trialsim.patient.cells import any_senescent, count_all, step_cells
from trialsim.patient.intake import absorb, advance_marrow, is_waiting
from trialsim.patient.state import Patient
from trialsim.patient.step_length import followed, hasten, step_length
from trialsim.treatment.pharmacology import advance_all, is_there, mean_effect
from trialsim.treatment.platelets import advance_platelets


@inlined
def _pass(patient: Patient, time: float) -> None:
    """Let ``time`` days pass for all but the cells: drugs, platelets, the host. What cells will feel of it is kept."""
    body, host = patient.body[0], patient.body[0].host
    kill = 0.0
    cells_wait = body.due < math.inf
    for d in range(patient.drugs.size):
        drug = patient.drugs[d]
        if cells_wait and is_there(drug):
            strength = mean_effect(drug, 1.0, drug.ec50, time)
            drug.exposure += strength * time
            for e in range(patient.effects.size):
                effect = patient.effects[e]
                if effect.drug == d and effect.target == Target.HOST_KILL:
                    kill += effect.value * strength
    if cells_wait:
        before = host.burden
        host.burden = advance_burden(before, host.production, kill, time)
        host.burden_days += 0.5 * (before + host.burden) * time
    advance_platelets(body.platelets, patient.drugs, body.now, time)
    advance_all(patient.drugs, time)


@compiled
def advance(patient: Patient, until: float, halts: bool) -> None:
    """Run biology and pharmacology up to study day ``until``.

    Cells may be left behind, and catch up in one step when the tolerance asks for it, or when they are damaged: an oral
    dose needs no step of its own. With ``halts`` the patient stays where the last stretch of time ended by itself, at
    or before ``until``: nothing happens on that day, and somebody only wants to look. (The marrow has steps of its own,
    which a dose ends, and stays where it is.)
    """
    body, lesions = patient.body[0], patient.lesions
    counted = False
    while body.now < until:
        goal = math.inf
        if body.incoming:
            goal = absorb(patient.orders, patient.drugs, body.now, goal)
            body.incoming = is_waiting(patient.orders)
            hasten(patient)
        if body.due <= body.now:
            step_cells(patient, counted)
            if body.cells_at >= body.looks_ahead_to:
                return
            counted = count_all(body, lesions, body.rates)
            body.senescent = counted and any_senescent(body, lesions)
            body.due = body.now + step_length(patient) if counted else math.inf
        goal = min(goal, body.now + followed(patient.drugs))
        # Steps that end within rounding of the goal end on it.
        if body.due < min(goal, until) - 1e-9:
            goal = body.due
        if goal > until:
            if halts:
                return
            goal = until
        _pass(patient, goal - body.now)
        body.now = goal
    if body.counts_neutrophils and not halts:
        advance_marrow(body.marrow, patient.orders, patient.toxins, until)
