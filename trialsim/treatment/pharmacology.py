"""Pharmacokinetics and concentration-effect of drugs, compiled.

One compartment with first-order absorption: gut' = -ka gut, central' = ka gut - ke central, amounts in mg. An
infusion has ka = 0 and its dose goes straight into plasma; it lasts hours, which is short beside the steps taken here.
Concentration in umol/L is central / V / molar mass x 1000. Solved in closed form between doses, so doses superpose
exactly.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import compiled

#: Places in a drug's vector of constants.
ABSORPTION, ELIMINATION, PER_MG, EC50 = 0, 1, 2, 3
PLATELET_EMAX, PLATELET_EC50 = 4, 5
N_DRUG = 6

#: Gauss-Legendre nodes and weights on [0, 1]; five points are exact to degree 9.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
_NODES = 0.5 * (_NODES + 1.0)
_WEIGHTS = 0.5 * _WEIGHTS


@compiled
def give(amounts: NDArray[np.float64], drug: NDArray[np.float64], dose: float) -> None:
    """Add a dose (mg) in place to a drug's amounts in gut and plasma: to plasma when the drug is infused."""
    amounts[1 if drug[ABSORPTION] == 0.0 else 0] += dose


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
def effect(concentration: float, emax: float, ec50: float) -> float:
    """Emax model: emax C / (ec50 + C)."""
    return emax * concentration / (ec50 + concentration) if concentration > 0.0 else 0.0


@compiled
def modulated(fold: float, at: float) -> float:
    """What a fold at full effect multiplies its target by at an effect ``at`` from 0 to 1: 1 + (fold - 1) at."""
    return 1.0 + (fold - 1.0) * at


@compiled
def mean_effect(gut: float, central: float, drug: NDArray[np.float64], emax: float, ec50: float, time: float) -> float:
    """Time average of the effect over the next ``time`` days (five-point Gauss-Legendre)."""
    total = 0.0
    for i in range(_NODES.size):
        _, plasma = amounts_after(gut, central, drug[ABSORPTION], drug[ELIMINATION], time * _NODES[i])
        total += _WEIGHTS[i] * effect(plasma * drug[PER_MG], emax, ec50)
    return total
