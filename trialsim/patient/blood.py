"""Blood counts as the laboratory reports them, and whom low ones have killed.

Platelets of a later day are foretold in copies, without touching the patient: a visit at which only blood is drawn ends
no step of the cells.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.compiling import compiled
from trialsim.patient.intake import let_in, take_marrow_on
from trialsim.patient.state import BASELINE, DRUG, NOW, State
from trialsim.treatment import neutrophils, platelets
from trialsim.treatment.neutrophils import BASE, CIRC, NEUTROPHIL_ERROR
from trialsim.treatment.pharmacology import advance_all
from trialsim.treatment.platelets import COUNT, advance_platelets

Generator = np.random.Generator

#: Coefficient of variation of a platelet count in the laboratory.
PLATELET_ERROR = 0.05
_MARROW_OUTLIVES, _MARROW_FATAL_ON = neutrophils.OUTLIVES, neutrophils.FATAL_ON
_PLATELETS_FATAL_ON = platelets.FATAL_ON


@compiled
def _platelets_on(state: State, day: float) -> float:
    """The true platelet count, 1e9/L, on a study day that is not past if no dose is given until then; not a number
    where toxicity kills by that day.

    Counts go on in copies of the patient's own numbers, by the steps of the blood alone.
    """
    counts, amounts, inputs, now = state.platelets.copy(), state.amounts.copy(), state.inputs.copy(), state.clock[NOW]
    while now < day:
        goal = let_in(inputs, state.orders, DRUG, amounts, state.drugs, now, day) if inputs.shape[0] > 0 else day
        advance_platelets(counts, state.settings[BASELINE], amounts, state.drugs, now, goal - now)
        advance_all(amounts, state.drugs, goal - now)
        now = goal
    if counts[_PLATELETS_FATAL_ON] < math.inf or _neutropenia_kills(state, day):
        return math.nan
    return float(counts[COUNT])


@compiled
def _neutropenia_kills(state: State, day: float) -> bool:
    """Whether neutropenia kills by a study day if no dose is given until then."""
    if state.marrow.shape[0] == 0 or state.marrow[_MARROW_OUTLIVES] == math.inf:
        return False
    marrow, amounts, inputs = state.marrow.copy(), state.toxin_amounts.copy(), state.toxin_inputs.copy()
    take_marrow_on(state, marrow, amounts, inputs, day)
    return bool(marrow[_MARROW_FATAL_ON] < math.inf)


@compiled
def laboratory(state: State, day: float, rng: Generator) -> float:
    """A platelet count as the laboratory reports it on a study day, now or later, 1e9/L (log-normal error).

    Not a number, and nothing drawn, where toxicity kills by that day.
    """
    count = _platelets_on(state, day)
    if math.isnan(count):
        return math.nan
    return float(count * math.exp(PLATELET_ERROR * rng.standard_normal()))


@compiled
def neutrophil_count(state: State, rng: Generator) -> float:
    """A neutrophil count as the laboratory reports it now, 1e9/L (log-normal error)."""
    count = state.marrow[CIRC] * state.marrow[BASE]
    return float(count * math.exp(NEUTROPHIL_ERROR * rng.standard_normal()))


@compiled
def death_day(state: State) -> float:
    """The study day on which toxicity has killed the patient, up to now; infinite where it has not."""
    fatal = state.platelets[_PLATELETS_FATAL_ON]
    return float(min(fatal, state.marrow[_MARROW_FATAL_ON]) if state.marrow.shape[0] > 0 else fatal)
