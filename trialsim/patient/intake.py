"""Doses on their way in: what waits for its lag, and what is being infused; of drugs, and of what harms the marrow."""

from __future__ import annotations

from trialsim.compiling import compiled
from trialsim.patient.state import AMOUNT, BEGINS, DRUG, ENDS, NOW, TO_COME, TOXIN, Floats, State
from trialsim.treatment.neutrophils import AT, take_on
from trialsim.treatment.pharmacokinetics import RATE
from trialsim.treatment.pharmacology import INFUSION, LAG, give


@compiled
def _begin(line: Floats, drug: Floats, milligrams: float, now: float) -> None:
    """Put a dose on its way in: a place of its own order, which the dose before it has left."""
    line[TO_COME], line[BEGINS] = milligrams, now + drug[LAG]
    line[ENDS] = line[BEGINS] + drug[INFUSION]


@compiled
def swallow(state: State, order: int, fraction: float) -> None:
    """One dose of an order's drug, now, at a fraction of the planned dose.

    It is in gut or plasma at once, or waits for the drug's lag and is infused over its time.
    """
    line = state.orders[order]
    drug = int(line[DRUG])
    if state.drugs[drug, LAG] == 0.0 and state.drugs[drug, INFUSION] == 0.0:
        give(state.amounts[drug], state.drugs[drug], fraction * line[AMOUNT])
    else:
        _begin(state.inputs[order], state.drugs[drug], fraction * line[AMOUNT], state.clock[NOW])


@compiled
def is_waiting(inputs: Floats) -> bool:
    """Whether anything of a dose is still to come in."""
    to_come = 0.0
    for order in range(inputs.shape[0]):
        to_come += inputs[order, TO_COME]
    return to_come > 0.0


@compiled
def let_in(
    inputs: Floats, orders: Floats, place: int, amounts: Floats, drugs: Floats, now: float, until: float
) -> float:
    """Let in what is due now, in place; returns the day, at most ``until``, up to which no dose begins or ends.

    A dose without an infusion comes in whole when its lag is over; an infused one at an even rate. ``place`` is where
    an order says which drug it gives.
    """
    for drug in range(amounts.shape[0]):
        amounts[drug, RATE] = 0.0
    for order in range(inputs.shape[0]):
        line = inputs[order]
        if line[TO_COME] <= 0.0:
            continue
        drug = int(orders[order, place])
        if line[BEGINS] > now:
            until = min(until, line[BEGINS])
        elif line[ENDS] > now:
            amounts[drug, RATE] += line[TO_COME] / (line[ENDS] - line[BEGINS])
            until = min(until, line[ENDS])
        else:
            if line[ENDS] == line[BEGINS]:
                give(amounts[drug], drugs[drug], line[TO_COME])
            line[TO_COME] = 0.0
    return until


@compiled
def take_marrow_on(state: State, marrow: Floats, amounts: Floats, inputs: Floats, until: float) -> None:
    """Take a marrow on in place to study day ``until``: the patient's own, or a copy with copies of what is in it."""
    while marrow[AT] < until:
        goal = let_in(inputs, state.orders, TOXIN, amounts, state.toxins, marrow[AT], until)
        take_on(marrow, state.toxins, amounts, goal)


@compiled
def advance_marrow(state: State, until: float) -> None:
    """Take the neutrophils on to study day ``until``, in steps of their own: cells and other drugs do not feel them."""
    take_marrow_on(state, state.marrow, state.toxin_amounts, state.toxin_inputs, until)


@compiled
def poison(state: State, order: int, fraction: float) -> None:
    """What a dose of chemotherapy brings to the marrow, now, at a fraction of the planned dose."""
    now, line = state.clock[NOW], state.orders[order]
    advance_marrow(state, now)
    _begin(state.toxin_inputs[order], state.toxins[int(line[TOXIN])], fraction * line[AMOUNT], now)
