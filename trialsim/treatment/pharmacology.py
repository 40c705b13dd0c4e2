"""A patient's drugs between doses, and concentration to effect; compiled.

Amounts move by the closed forms of `trialsim.treatment.pharmacokinetics`. A drug of one compartment that is not being
infused takes the short way, gut' = -ka gut, central' = ka gut - ke central. Without ``absorption`` a dose goes straight
into plasma. Concentration in umol/L is central / V / molar mass x 1000.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import compiled
from trialsim.treatment.pharmacokinetics import GUT, PLASMA, RATE, TISSUE, moved, shares_of_step

#: Places in a drug's vector of constants; times in days, rates per day. ``OUTWARD`` and ``BACK`` lead to the tissue and
#: from it, ``LAG`` and ``INFUSION`` say when and for how long a dose comes in.
ABSORPTION, ELIMINATION, PER_MG, EC50 = 0, 1, 2, 3
PLATELET_EMAX, PLATELET_EC50 = 4, 5
OUTWARD, BACK, LAG, INFUSION, HILL = 6, 7, 8, 9, 10
N_DRUG = 11
#: Below this amount (mg) a drug is gone.
NEGLIGIBLE_MG = 1e-6

#: Gauss-Legendre nodes and weights on [0, 1]; five points are exact to degree 9.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
_NODES = 0.5 * (_NODES + 1.0)
_WEIGHTS = 0.5 * _WEIGHTS


@compiled
def give(amounts: NDArray[np.float64], drug: NDArray[np.float64], dose: float) -> None:
    """Add a dose (mg) in place to a drug's amounts, at once: to plasma when nothing is absorbed, else to the gut."""
    amounts[PLASMA if drug[ABSORPTION] == 0.0 else GUT] += dose


@compiled
def is_there(amounts: NDArray[np.float64], drug: int) -> bool:
    """Whether anything of a drug is in the body, or coming in."""
    return bool(
        amounts[drug, GUT] > 0.0
        or amounts[drug, PLASMA] > 0.0
        or amounts[drug, TISSUE] > 0.0
        or amounts[drug, RATE] > 0.0
    )


@compiled
def is_simple(amounts: NDArray[np.float64], drug: NDArray[np.float64]) -> bool:
    """Whether a drug is of one compartment and not being infused."""
    return bool(drug[OUTWARD] == 0.0 and amounts[RATE] == 0.0)


@compiled
def plasma_after(amounts: NDArray[np.float64], drug: NDArray[np.float64], time: float) -> float:
    """Amount (mg) in plasma after ``time`` days in which no dose begins or ends."""
    if is_simple(amounts, drug):
        return amounts_after(amounts[GUT], amounts[PLASMA], drug[ABSORPTION], drug[ELIMINATION], time)[1]
    shares = shares_of_step(drug[ABSORPTION], drug[ELIMINATION], drug[OUTWARD], drug[BACK], time)
    return moved((amounts[GUT], amounts[PLASMA], amounts[TISSUE]), amounts[RATE], shares)[1]


@compiled
def advance_amounts(amounts: NDArray[np.float64], drug: NDArray[np.float64], time: float) -> None:
    """Take a drug's amounts on in place by ``time`` days in which no dose begins or ends."""
    gut, plasma, tissue = amounts[GUT], amounts[PLASMA], amounts[TISSUE]
    if is_simple(amounts, drug):
        gut, plasma = amounts_after(gut, plasma, drug[ABSORPTION], drug[ELIMINATION], time)
    else:
        shares = shares_of_step(drug[ABSORPTION], drug[ELIMINATION], drug[OUTWARD], drug[BACK], time)
        gut, plasma, tissue = moved((gut, plasma, tissue), amounts[RATE], shares)
    amounts[GUT] = gut if gut > NEGLIGIBLE_MG else 0.0
    amounts[PLASMA] = plasma if plasma > NEGLIGIBLE_MG else 0.0
    amounts[TISSUE] = tissue if tissue > NEGLIGIBLE_MG else 0.0


@compiled
def advance_all(amounts: NDArray[np.float64], drugs: NDArray[np.float64], time: float) -> None:
    """`advance_amounts` of every drug that is there."""
    for d in range(drugs.shape[0]):
        if is_there(amounts, d):
            advance_amounts(amounts[d], drugs[d], time)


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
def slowest_rate(drug: NDArray[np.float64]) -> float:
    """The rate, per day, at which the last of a drug leaves the body: the smallest of its exponents."""
    leave, out, back = drug[ELIMINATION], drug[OUTWARD], drug[BACK]
    if out > 0.0:
        both = leave + out + back
        leave = 2.0 * leave * back / (both + math.sqrt(both * both - 4.0 * leave * back))
    return min(leave, drug[ABSORPTION]) if drug[ABSORPTION] > 0.0 else leave


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
def reachable_effect(amounts: NDArray[np.float64], drug: NDArray[np.float64]) -> float:
    """The effect, from 0 to 1, if all that is in the body were in plasma: no later one is larger without a dose."""
    amount = amounts[GUT] + amounts[PLASMA] + amounts[TISSUE]
    return hill_effect(amount * drug[PER_MG], 1.0, drug[EC50], drug[HILL])


@compiled
def modulated(fold: float, at: float) -> float:
    """What a fold at full effect multiplies its target by at an effect ``at`` from 0 to 1: 1 + (fold - 1) at."""
    return 1.0 + (fold - 1.0) * at


@compiled
def mean_effect(
    amounts: NDArray[np.float64], drug: NDArray[np.float64], emax: float, ec50: float, time: float
) -> float:
    """Time average of the effect over the next ``time`` days (five-point Gauss-Legendre)."""
    total = 0.0
    for i in range(_NODES.size):
        plasma = plasma_after(amounts, drug, time * _NODES[i])
        total += _WEIGHTS[i] * hill_effect(plasma * drug[PER_MG], emax, ec50, drug[HILL])
    return total
