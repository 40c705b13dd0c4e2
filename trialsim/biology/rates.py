"""The rates of one lesion, frozen for one step, and their places in a vector.

All are per cell per day unless said otherwise. The kernel and its exact twin read the same vector, so a
comparison of the two compares nothing but the method. A drug is known to biology only by what it does to this vector.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.biology.populations import N_INDUCERS
from trialsim.compiling import compiled

Rates = NDArray[np.float64]

#: Division and loss of cycling cells, and the net growth that their doubling time states. Loss excludes arrest and
#: immune killing; net growth has every loss in it that a lesion at rest suffers.
BIRTH, DEATH, NET = 0, 1, 2
#: The same for escaped cells.
ESCAPED_BIRTH, ESCAPED_DEATH, ESCAPED_NET = 3, 4, 5
#: Factor on net growth that a drug sets (1: none, 0: stasis).
GROWTH = 6
#: Cycling or escaped cell -> senescent, without treatment.
SPONTANEOUS_RATE = 7
#: Immature -> mature, and mature -> competent (polyploid cells only).
MATURATION, COMPETENCE = 8, 9
#: Removal of senescent cells by the immune system.
CLEARANCE = 10
#: Competent senescent cell -> escaped; the part of that rate at which diploid cells escape too.
ESCAPE, DIPLOID_ESCAPE = 11, 12
#: Reversibly senescent cell -> cycling.
REVERSAL = 13
#: Shares of newly senescent cells (dimensionless). While no senolytic has acted, who is resistant need not be known:
#: RESISTANT_SHARE is then 0, and LATENT_RESISTANCE is the share among cells counted as sensitive
#: (`trialsim.biology.kernel.tell_apart`).
POLYPLOID_SHARE, RESISTANT_SHARE = 14, 15
#: Awakening, per dormant lesion per day, without SASP.
WAKE = 16
#: Senolytic killing: of cycling and escaped cells; of immature cells as a share of mature ones.
KILL_CYCLING, IMMATURE_KILL_SHARE = 17, 18
#: Gompertz growth: cells at which a lesion stops growing, cells at which the rates above hold, and the strength of
#: the law (1: Gompertz, 0: exponential at any size).
CAPACITY, REFERENCE, CROWDING = 19, 20, 21
#: Immune killing of cycling and escaped cells where nothing suppresses it.
IMMUNE_KILL = 22
#: New foci per cycling or escaped cell, without SASP.
SEEDING = 23
#: Multiplier of the SASP load, and the share of senescent neighbours that the host's stroma stands for.
SASP_INTENSITY, HOST_SHARE = 24, 25
#: What the load does (`trialsim.biology.sasp`): growth, seeding and waking, each as fold at load 1 less 1; the largest
#: part of immune killing that it takes away; paracrine arrest at load 1 (per day); clearance, fold at load 1 less 1.
SASP_GROWTH, SASP_SEEDING, SASP_WAKING, SASP_IMMUNE, SASP_ARREST, SASP_CLEARANCE = 26, 27, 28, 29, 30, 31
#: What the load makes of growth in a lesion at rest, in which the doubling time was measured (fold).
GROWTH_AT_REST = 32
#: SASP weight of radiation-induced cells through their F3 state: fold less 1.
SASP_F3 = 33
#: Days in which immune cells follow the load.
INFILTRATION_TIME = 34
#: Multiplier of the odds that a cell lost to damage turns senescent.
DAMAGE_ODDS = 35
#: Senolytic killing of the host's senescent cells.
HOST_KILL = 36
LATENT_RESISTANCE = 37
#: By inducer: weight of a mature senescent cell in the load; stream of cycling cells into senescence that a drug
#: drives; senolytic killing of mature, sensitive senescent cells.
WEIGHT = 38
STREAM = WEIGHT + N_INDUCERS
KILL = STREAM + N_INDUCERS
N_RATES = KILL + N_INDUCERS


def quiet_rates() -> Rates:
    """Rates of a lesion in which nothing happens; tests and callers set what they need."""
    rates = np.zeros(N_RATES)
    rates[CAPACITY], rates[REFERENCE] = np.inf, 1.0
    rates[GROWTH] = rates[GROWTH_AT_REST] = rates[INFILTRATION_TIME] = rates[DAMAGE_ODDS] = 1.0
    return rates


@compiled
def net_growth(doubling_time: float) -> float:
    """Net growth per day that a doubling time states: ln 2 / doubling time."""
    return math.log(2.0) / doubling_time


@compiled
def death_rate(birth: float, net: float, other_losses: float) -> float:
    """Death rate per cell per day that leaves a net growth.

    Net growth = birth - death - other losses (arrest, immune killing), since a volume doubling time is measured with
    all losses in it. Never negative: a tumour cannot double faster than its cells divide without loss.
    """
    return max(0.0, birth - other_losses - net)


@compiled
def crowding_factor(total: float, capacity: float, reference: float, strength: float) -> float:
    """Net growth at ``total`` cells as a multiple of that at ``reference`` cells (Gompertz).

    ln(capacity / total) / ln(capacity / reference), never negative: small lesions grow faster than the ones whose
    doubling time was measured, and growth ends at capacity (Norton 1988). ``strength`` interpolates from 1 (none).
    """
    if strength == 0.0 or capacity == math.inf or total <= 0.0:
        return 1.0
    law = max(0.0, math.log(capacity / total) / math.log(capacity / reference))
    return max(0.0, 1.0 + strength * (law - 1.0))


class Multipliers(NamedTuple):
    """What makes an escaper, against the cycling cells it descends from (fold)."""

    establishment: float
    growth: float


@compiled
def escaper_rates(
    birth: float, net: float, other_losses: float, fold: Multipliers, alone: float = 1.0
) -> tuple[float, float, float]:
    """Birth, death and net growth of escaped cells.

    With net growth r a single cycling cell grows at r1 = ``alone`` x r (``alone`` is the crowding factor of one cell)
    and founds a clone with probability p = r1 / (birth - r + r1). An escaper does so with probability
    ``min(establishment x p, 0.95)`` and its net growth is ``growth`` times that of a cycling cell at any size; these
    two determine its birth and death. Establishment and growth are thereby separate numbers, as the evidence for them
    is (Milanovic 2018; Bajtai 2025). ``other_losses`` are those of a lesion at rest, arrest and immune killing, which
    escapers suffer too; what is lost that way is not lost by death.
    """
    net_alone = alone * net
    if net_alone <= 0.0:
        return birth, death_rate(birth, net, other_losses), net
    found = min(fold.establishment * net_alone / (birth - net + net_alone), 0.95)
    losses_alone = fold.growth * net_alone * (1.0 / found - 1.0)
    death = max(0.0, losses_alone - other_losses)
    return death + other_losses + fold.growth * net, death, fold.growth * net
