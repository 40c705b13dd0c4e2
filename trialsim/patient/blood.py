"""Blood counts of a later day, foretold without touching the patient."""

from __future__ import annotations

import math

from trialsim.compiling import compiled
from trialsim.patient.intake import let_in
from trialsim.patient.state import BASELINE, DRUG, NOW, TOXIN, State
from trialsim.treatment import neutrophils, platelets
from trialsim.treatment.neutrophils import take_on
from trialsim.treatment.pharmacology import advance_amounts, is_there
from trialsim.treatment.platelets import COUNT, advance_platelets

_AT = neutrophils.AT
_MARROW_OUTLIVES, _MARROW_FATAL_ON = neutrophils.OUTLIVES, neutrophils.FATAL_ON
_PLATELETS_FATAL_ON = platelets.FATAL_ON


@compiled
def look_ahead_at_blood(state: State, day: float) -> float:
    """The true platelet count, 1e9/L, on a study day that is not past if no dose is given until then; not a number
    where toxicity kills by that day.

    Counts go on in copies of the patient's own numbers, by the steps of the blood alone.
    """
    counts, amounts, inputs, now = state.platelets.copy(), state.amounts.copy(), state.inputs.copy(), state.clock[NOW]
    while now < day:
        goal = let_in(inputs, state.orders, DRUG, amounts, state.drugs, now, day) if inputs.shape[0] > 0 else day
        advance_platelets(counts, state.settings[BASELINE], amounts, state.drugs, now, goal - now)
        for d in range(state.drugs.shape[0]):
            if is_there(amounts, d):
                advance_amounts(amounts[d], state.drugs[d], goal - now)
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
    while marrow[_AT] < day:
        goal = let_in(inputs, state.orders, TOXIN, amounts, state.toxins, marrow[_AT], day)
        take_on(marrow, state.toxins, amounts, goal)
    return bool(marrow[_MARROW_FATAL_ON] < math.inf)
