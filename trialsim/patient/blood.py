"""Blood on a study day that is not past: counts as the laboratory reports them, and whom low ones kill.

Blood goes on in a copy of the patient, by steps of its own, as if no dose were given until then: to draw it changes
nothing.
"""

from __future__ import annotations

import math

from trialsim.chance.samplers import normal
from trialsim.compiling import compiled
from trialsim.patient.intake import absorb, advance_marrow
from trialsim.patient.state import Patient, copy_body
from trialsim.treatment.neutrophils import NEUTROPHIL_ERROR
from trialsim.treatment.pharmacology import advance_all
from trialsim.treatment.platelets import advance_platelets

#: Coefficient of variation of a platelet count in the laboratory.
PLATELET_ERROR = 0.05


@compiled
def advance_blood(patient: Patient, day: float) -> None:
    """Take platelets, neutrophils and the drugs that they feel on to a study day; not the cells."""
    body = patient.body[0]
    while body.now < day:
        goal = absorb(patient.orders, patient.drugs, body.now, day)
        advance_platelets(body.platelets, patient.drugs, body.now, goal - body.now)
        advance_all(patient.drugs, goal - body.now)
        body.now = goal
    if body.counts_neutrophils:
        advance_marrow(body.marrow, patient.orders, patient.toxins, day)


@compiled
def death_by(patient: Patient, look: Patient, day: float) -> float:
    """The study day, up to ``day``, on which toxicity kills if no dose is given until then; infinite if it does not."""
    if not patient.body[0].is_lethal:
        return math.inf
    copy_body(patient, look)
    advance_blood(look, day)
    return min(look.body[0].platelets.fatal_on, look.body[0].marrow.fatal_on)


@compiled
def platelet_count(patient: Patient, look: Patient, day: float) -> float:
    """A platelet count as the laboratory reports it on a study day, 1e9/L (log-normal error).

    Not a number, and nothing drawn, where toxicity kills by that day.
    """
    copy_body(patient, look)
    advance_blood(look, day)
    body = look.body[0]
    if min(body.platelets.fatal_on, body.marrow.fatal_on) < math.inf:
        return math.nan
    return body.platelets.count * math.exp(PLATELET_ERROR * normal(patient.body[0].streams.laboratory))


@compiled
def neutrophil_count(patient: Patient, look: Patient, day: float) -> float:
    """A neutrophil count as the laboratory reports it on a study day, 1e9/L (log-normal error)."""
    copy_body(patient, look)
    advance_blood(look, day)
    marrow = look.body[0].marrow
    error = NEUTROPHIL_ERROR * normal(patient.body[0].streams.neutrophils)
    return marrow.circ * marrow.baseline * math.exp(error)


@compiled
def note_true_nadirs(patient: Patient, look: Patient, day: float) -> None:
    """The lowest true counts up to a study day that is not past, in the patient's outcome."""
    copy_body(patient, look)
    advance_blood(look, day)
    body, outcome = look.body[0], patient.body[0].outcome
    outcome.true_platelet_nadir = body.platelets.lowest
    outcome.true_neutrophil_nadir = body.marrow.lowest * body.marrow.baseline if body.counts_neutrophils else math.nan
