"""Doses on their way in: what waits for its lag, and what is being infused."""

from __future__ import annotations

from trialsim.compiling import compiled
from trialsim.patient.state import AMOUNT, BEGINS, DRUG, ENDS, NOW, TO_COME, State
from trialsim.treatment.pharmacokinetics import RATE
from trialsim.treatment.pharmacology import INFUSION, LAG, give


@compiled
def swallow(state: State, order: int, fraction: float) -> None:
    """One dose of an order's drug, now, at a fraction of the planned dose.

    It is in gut or plasma at once, or waits for the drug's lag and is infused over its time.
    """
    line = state.orders[order]
    drug = int(line[DRUG])
    lag, infusion = state.drugs[drug, LAG], state.drugs[drug, INFUSION]
    if lag == 0.0 and infusion == 0.0:
        give(state.amounts[drug], state.drugs[drug], fraction * line[AMOUNT])
        return
    begins = state.clock[NOW] + lag
    state.inputs[order, TO_COME] = fraction * line[AMOUNT]
    state.inputs[order, BEGINS], state.inputs[order, ENDS] = begins, begins + infusion


@compiled
def is_waiting(state: State) -> bool:
    """Whether anything of a dose is still to come in."""
    to_come = 0.0
    for order in range(state.inputs.shape[0]):
        to_come += state.inputs[order, TO_COME]
    return to_come > 0.0


@compiled
def let_in(state: State, until: float) -> float:
    """Let in what is due now, in place; returns the day, at most ``until``, up to which no dose begins or ends.

    A dose without an infusion comes in whole when its lag is over; an infused one at an even rate.
    """
    now = state.clock[NOW]
    for drug in range(state.amounts.shape[0]):
        state.amounts[drug, RATE] = 0.0
    for order in range(state.inputs.shape[0]):
        line, drug = state.inputs[order], int(state.orders[order, DRUG])
        if line[TO_COME] <= 0.0:
            continue
        if line[BEGINS] > now:
            until = min(until, line[BEGINS])
        elif line[ENDS] > now:
            state.amounts[drug, RATE] += line[TO_COME] / (line[ENDS] - line[BEGINS])
            until = min(until, line[ENDS])
        else:
            if line[ENDS] == line[BEGINS]:
                give(state.amounts[drug], state.drugs[drug], line[TO_COME])
            line[TO_COME] = 0.0
    return until
