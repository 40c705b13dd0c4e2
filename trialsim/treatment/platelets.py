"""Platelets under a drug that kills them in the blood.

Navitoclax removes *circulating* platelets, so counts fall within days and rise again on drug as production answers; a
transit model of marrow suppression (Friberg) has the wrong shape here (Kaefer 2014). With C the count, B its
baseline, G the progenitor pool relative to rest and k(t) the drug's killing::

    C' = turnover * (B * G * D - C) - k(t) * C
    D' = ((B / C) ** feedback - D) / lag
    G' = renewal * (1 - G) - depletion * G * (D - 1)      (only while D > 1)

At rest C = B, D = G = 1. Production D answers low counts after a lag, the time in which megakaryocytes mature, so the
nadir falls on days 3-5 and counts rise while the drug goes on. Raised production drains the pool, which renews slowly:
on continuous dosing counts drift down again after their first recovery, as is seen beyond a year of treatment.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import compiled
from trialsim.treatment.pharmacokinetics import GUT, PLASMA, RATE, TISSUE, moved, shares_of_step
from trialsim.treatment.pharmacology import (
    ABSORPTION,
    BACK,
    ELIMINATION,
    OUTWARD,
    PER_MG,
    PLATELET_EC50,
    PLATELET_EMAX,
    effect,
    is_simple,
    is_there,
    shares_after,
)

Array = NDArray[np.float64]

#: Platelets live about nine days.
TURNOVER = 1.0 / 9.0
#: Chosen, with the drug's Emax and EC50, for the nadir and its day in ASCO 2009 abs 3505; the pool's two rates are
#: order-of-magnitude assumptions for the slow decline on continuous dosing (Kaefer 2014).
FEEDBACK = 1.0
LAG = 3.0
RENEWAL = 0.05
DEPLETION = 0.01
#: Longest Runge-Kutta step, days: while a drug is absorbed or infused; while it kills; and where it kills less than
#: ``_WEAK`` per day, a third of the lag. Below ``_NONE`` nothing is killed.
_LONGEST_ABSORBING, _LONGEST_KILLING, _LONGEST = 0.25, 0.5, 1.0
_WEAK, _NONE = 2e-2, 1e-9

#: Places in the vector of a patient's platelet state: count, progenitor pool, production drive, lowest count so far,
#: days spent below ``SEVERE``, how many of them the patient outlives, and the study day on which these were used up
#: (infinite: never).
COUNT, POOL, DRIVE, LOWEST, SEVERE_DAYS, OUTLIVES, FATAL_ON = range(7)
N_PLATELETS = 7
#: CTCAE v5: a count below 25e9/L is thrombocytopenia of grade 4.
SEVERE = 25.0


@compiled
def platelets_of(baseline: float) -> Array:
    """A patient's platelets before any drug."""
    state = np.ones(N_PLATELETS)
    state[COUNT] = state[LOWEST] = baseline
    state[SEVERE_DAYS] = 0.0
    state[OUTLIVES] = state[FATAL_ON] = math.inf
    return state


@compiled
def _add_killing(amounts: Array, drug: Array, h: float, steps: int, killing: Array) -> None:
    """Add a drug's killing at 0, h/2, h, 3h/2, ... days to ``killing``; amounts are taken on by half steps."""
    gut, plasma, tissue = amounts[GUT], amounts[PLASMA], amounts[TISSUE]
    if is_simple(amounts, drug):
        kept_gut, kept, absorbed = shares_after(drug[ABSORPTION], drug[ELIMINATION], 0.5 * h)
        for i in range(2 * steps + 1):
            killing[i] += effect(plasma * drug[PER_MG], drug[PLATELET_EMAX], drug[PLATELET_EC50])
            gut, plasma = gut * kept_gut, plasma * kept + gut * absorbed
        return
    shares = shares_of_step(drug[ABSORPTION], drug[ELIMINATION], drug[OUTWARD], drug[BACK], 0.5 * h)
    for i in range(2 * steps + 1):
        killing[i] += effect(plasma * drug[PER_MG], drug[PLATELET_EMAX], drug[PLATELET_EC50])
        gut, plasma, tissue = moved((gut, plasma, tissue), amounts[RATE], shares)


@compiled
def _reach(amounts: Array, constants: Array) -> tuple[float, float]:
    """The most that drugs kill per day from now on, by what is still to be absorbed or infused, and by all of it."""
    to_come = reach = 0.0
    for d in range(constants.shape[0]):
        drug = constants[d]
        if drug[PLATELET_EMAX] > 0.0:
            if amounts[d, RATE] > 0.0:
                return drug[PLATELET_EMAX], drug[PLATELET_EMAX]
            amount = amounts[d, GUT] + amounts[d, PLASMA] + amounts[d, TISSUE]
            to_come += effect(amounts[d, GUT] * drug[PER_MG], drug[PLATELET_EMAX], drug[PLATELET_EC50])
            reach += effect(amount * drug[PER_MG], drug[PLATELET_EMAX], drug[PLATELET_EC50])
    return to_come, reach


@compiled
def _slopes(count: float, pool: float, drive: float, baseline: float, killing: float) -> tuple[float, float, float]:
    wanted = baseline / max(count, 1e-3)
    if FEEDBACK != 1.0:  # settled when it is compiled
        wanted = wanted**FEEDBACK
    return (
        TURNOVER * (baseline * pool * drive - count) - killing * count,
        RENEWAL * (1.0 - pool) - DEPLETION * pool * max(0.0, drive - 1.0),
        (wanted - drive) * (1.0 / LAG),
    )


@compiled
def platelets_at_rest(state: Array, baseline: float) -> bool:
    """Within 1e-6 of the steady state without a drug."""
    off_baseline = abs(state[COUNT] - baseline) / baseline
    return bool(max(off_baseline, abs(state[POOL] - 1.0), abs(state[DRIVE] - 1.0)) < 1e-6)


@compiled
def advance_platelets(state: Array, baseline: float, amounts: Array, constants: Array, now: float, time: float) -> None:
    """Advance a platelet state in place by ``time`` days from the study day ``now`` (classical Runge-Kutta).

    ``amounts`` holds each drug's mg in gut, plasma and tissue at the start, and the rate of its infusion;
    ``constants`` its vector of constants.
    """
    to_come, reach = _reach(amounts, constants)
    if reach < _NONE and platelets_at_rest(state, baseline):
        return
    count, pool, drive = state[COUNT], state[POOL], state[DRIVE]
    longest = _LONGEST_ABSORBING if to_come > _WEAK else _LONGEST_KILLING if reach > _WEAK else _LONGEST
    steps = max(1, math.ceil(time / longest))
    h = time / steps
    sixth = h / 6.0
    killing = np.zeros(2 * steps + 1)
    for d in range(constants.shape[0]):
        if constants[d, PLATELET_EMAX] > 0.0 and is_there(amounts, d):
            _add_killing(amounts[d], constants[d], h, steps, killing)
    for i in range(steps):
        before, middle, after = killing[2 * i], killing[2 * i + 1], killing[2 * i + 2]
        c1, p1, d1 = _slopes(count, pool, drive, baseline, before)
        c2, p2, d2 = _slopes(count + 0.5 * h * c1, pool + 0.5 * h * p1, drive + 0.5 * h * d1, baseline, middle)
        c3, p3, d3 = _slopes(count + 0.5 * h * c2, pool + 0.5 * h * p2, drive + 0.5 * h * d2, baseline, middle)
        c4, p4, d4 = _slopes(count + h * c3, pool + h * p3, drive + h * d3, baseline, after)
        count += sixth * (c1 + 2.0 * c2 + 2.0 * c3 + c4)
        pool += sixth * (p1 + 2.0 * p2 + 2.0 * p3 + p4)
        drive += sixth * (d1 + 2.0 * d2 + 2.0 * d3 + d4)
        state[LOWEST] = min(state[LOWEST], count)
        if count < SEVERE:
            state[SEVERE_DAYS] += h
            if state[SEVERE_DAYS] >= state[OUTLIVES] and state[FATAL_ON] == math.inf:
                state[FATAL_ON] = now + (i + 1) * h - (state[SEVERE_DAYS] - state[OUTLIVES])
    state[COUNT], state[POOL], state[DRIVE] = count, pool, drive
