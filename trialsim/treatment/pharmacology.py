"""A patient's drugs between doses, and concentration to effect; compiled.

Amounts move by the closed forms of `trialsim.treatment.pharmacokinetics`. A drug of one compartment that is not being
infused takes the short way, gut' = -ka gut, central' = ka gut - ke central. Without ``absorption`` a dose goes straight
into plasma. Concentration in umol/L is central / V / molar mass x 1000.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.compiling import compiled
from trialsim.structured import Rows, record
from trialsim.treatment.pharmacokinetics import moved, shares_of_step


@record
class Drug:
    """A drug in a patient: constants (times in days, rates per day) and what is in the body (mg)."""

    absorption: float
    """0: into plasma."""
    elimination: float
    outward: float
    """To the tissue; 0: one compartment."""
    back: float
    lag: float
    """Days after which a dose begins to come in, and"""
    infusion: float
    """for which it does."""
    per_mg: float
    """umol/L in plasma per mg there."""
    ec50: float
    """umol/L."""
    hill: float
    platelet_emax: float
    platelet_ec50: float
    marrow_slope: float
    """Effect on the proliferating neutrophil pool per umol/L."""
    gut: float
    """Yet to be absorbed."""
    plasma: float
    tissue: float
    rate: float
    """Of the infusions that run, mg per day."""
    ahead_gut: float
    """Room to work in: what is where within a step of the platelets."""
    ahead_plasma: float
    ahead_tissue: float
    exposure: float
    """Integral of the effect (0 to 1) over the days that cells wait for."""


#: Below this amount (mg) a drug is gone.
NEGLIGIBLE_MG = 1e-6

#: Gauss-Legendre nodes and weights on [0, 1]; five points are exact to degree 9.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
_NODES = 0.5 * (_NODES + 1.0)
_WEIGHTS = 0.5 * _WEIGHTS


@compiled
def give(drug: Drug, dose: float) -> None:
    """Add a dose (mg) in place to a drug's amounts, at once: to plasma when nothing is absorbed, else to the gut."""
    if drug.absorption == 0.0:
        drug.plasma += dose
    else:
        drug.gut += dose


@compiled
def is_there(drug: Drug) -> bool:
    """Whether anything of a drug is in the body, or coming in."""
    return bool(drug.gut > 0.0 or drug.plasma > 0.0 or drug.tissue > 0.0 or drug.rate > 0.0)


@compiled
def is_simple(drug: Drug) -> bool:
    """Whether a drug is of one compartment and not being infused."""
    return bool(drug.outward == 0.0 and drug.rate == 0.0)


@compiled
def plasma_after(drug: Drug, time: float) -> float:
    """Amount (mg) in plasma after ``time`` days in which no dose begins or ends."""
    if is_simple(drug):
        return amounts_after(drug.gut, drug.plasma, drug.absorption, drug.elimination, time)[1]
    shares = shares_of_step(drug.absorption, drug.elimination, drug.outward, drug.back, time)
    return moved((drug.gut, drug.plasma, drug.tissue), drug.rate, shares)[1]


@compiled
def advance_amounts(drug: Drug, time: float) -> None:
    """Take a drug's amounts on in place by ``time`` days in which no dose begins or ends."""
    gut, plasma, tissue = drug.gut, drug.plasma, drug.tissue
    if is_simple(drug):
        gut, plasma = amounts_after(gut, plasma, drug.absorption, drug.elimination, time)
    else:
        shares = shares_of_step(drug.absorption, drug.elimination, drug.outward, drug.back, time)
        gut, plasma, tissue = moved((gut, plasma, tissue), drug.rate, shares)
    drug.gut = gut if gut > NEGLIGIBLE_MG else 0.0
    drug.plasma = plasma if plasma > NEGLIGIBLE_MG else 0.0
    drug.tissue = tissue if tissue > NEGLIGIBLE_MG else 0.0


@compiled
def advance_all(drugs: Rows[Drug], time: float) -> None:
    """`advance_amounts` of every drug that is there."""
    for d in range(drugs.size):
        if is_there(drugs[d]):
            advance_amounts(drugs[d], time)


@compiled
def amounts_after(
    gut: float, central: float, absorption: float, elimination: float, time: float
) -> tuple[float, float]:
    """Amounts (mg) in gut and plasma after ``time`` days without a dose; rates per day."""
    kept_gut, kept, moved = shares_after(absorption, elimination, time)
    return gut * kept_gut, central * kept + gut * moved


@compiled
def shares_after(absorption: float, elimination: float, time: float) -> tuple[float, float, float]:
    """Of the amount in the gut the share that is still there and the share in plasma; of that in plasma what is left.

    In the order: gut that stays, plasma that stays, gut that is in plasma.
    """
    kept_gut, kept = math.exp(-absorption * time), math.exp(-elimination * time)
    gap = elimination - absorption
    if abs(gap) * time < 1e-8:
        return kept_gut, kept, absorption * time * kept
    return kept_gut, kept, absorption * (kept_gut - kept) / gap


@compiled
def slowest_rate(drug: Drug) -> float:
    """The rate, per day, at which the last of a drug leaves the body: the smallest of its exponents."""
    leave, out, back = drug.elimination, drug.outward, drug.back
    if out > 0.0:
        both = leave + out + back
        leave = 2.0 * leave * back / (both + math.sqrt(both * both - 4.0 * leave * back))
    return min(leave, drug.absorption) if drug.absorption > 0.0 else leave


@compiled
def effect(concentration: float, emax: float, ec50: float) -> float:
    """Emax model: emax C / (ec50 + C)."""
    return emax * concentration / (ec50 + concentration) if concentration > 0.0 else 0.0


@compiled
def hill_effect(concentration: float, emax: float, ec50: float, hill: float) -> float:
    """Sigmoid Emax model (Hill): emax C^h / (ec50^h + C^h)."""
    if hill == 1.0 or concentration <= 0.0:
        return effect(concentration, emax, ec50)
    return emax / (1.0 + (ec50 / concentration) ** hill)


@compiled
def reachable_effect(drug: Drug) -> float:
    """The effect, from 0 to 1, if all that is in the body were in plasma: no later one is larger without a dose."""
    amount = drug.gut + drug.plasma + drug.tissue
    return hill_effect(amount * drug.per_mg, 1.0, drug.ec50, drug.hill)


@compiled
def modulated(fold: float, at: float) -> float:
    """What a fold at full effect multiplies its target by at an effect ``at`` from 0 to 1: 1 + (fold - 1) at."""
    return 1.0 + (fold - 1.0) * at


@compiled
def mean_effect(drug: Drug, emax: float, ec50: float, time: float) -> float:
    """Time average of the effect over the next ``time`` days (five-point Gauss-Legendre)."""
    total = 0.0
    for i in range(_NODES.size):
        plasma = plasma_after(drug, time * _NODES[i])
        total += _WEIGHTS[i] * hill_effect(plasma * drug.per_mg, emax, ec50, drug.hill)
    return total
