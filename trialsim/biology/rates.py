"""The rates of one lesion, frozen for one step, and their places in a vector.

All are per cell per day unless said otherwise. The kernel and its exact twin read the same vector, so a
comparison of the two compares nothing but the method.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.biology.populations import N_INDUCERS

Rates = NDArray[np.float64]

#: Division and loss of cycling cells. Loss excludes senescence.
BIRTH, DEATH = 0, 1
#: The same for escaped cells.
ESCAPED_BIRTH, ESCAPED_DEATH = 2, 3
#: Cycling or escaped cell -> senescent, without treatment.
SPONTANEOUS_RATE = 4
#: Immature -> mature, and mature -> competent (polyploid cells only).
MATURATION, COMPETENCE = 5, 6
#: Removal of senescent cells by the immune system.
CLEARANCE = 7
#: Competent senescent cell -> escaped.
ESCAPE = 8
#: Shares of newly senescent cells (dimensionless).
POLYPLOID_SHARE, RESISTANT_SHARE = 9, 10
#: Awakening, per dormant lesion per day.
WAKE = 11
#: Senolytic killing: of cycling and escaped cells; of immature cells as a share of mature ones.
KILL_CYCLING, IMMATURE_KILL_SHARE = 12, 13
#: Gompertz growth: cells at which a lesion stops growing, cells at which the rates above hold, and the strength of
#: the law (1: Gompertz, 0: exponential at any size).
CAPACITY, REFERENCE, CROWDING = 14, 15, 16
#: Senolytic killing of mature, sensitive senescent cells, one per inducer.
KILL = 17
N_RATES = KILL + N_INDUCERS


def quiet_rates() -> Rates:
    """Rates of a lesion in which nothing happens; tests and callers set what they need."""
    rates = np.zeros(N_RATES)
    rates[CAPACITY], rates[REFERENCE] = np.inf, 1.0
    return rates


def death_rate(birth: float, doubling_time: float, spontaneous: float) -> float:
    """Death rate per cell per day that gives a doubling time.

    Net growth ln 2 / doubling_time = birth - death - spontaneous senescence, since a volume doubling time is
    measured with all losses in it. Never negative: a tumour cannot double faster than its cells divide
    without loss.
    """
    return max(0.0, birth - spontaneous - math.log(2.0) / doubling_time)


def crowding_factor(total: float, capacity: float, reference: float, strength: float) -> float:
    """Net growth at ``total`` cells as a multiple of that at ``reference`` cells (Gompertz).

    ln(capacity / total) / ln(capacity / reference), never negative: small lesions grow faster than the ones whose
    doubling time was measured, and growth ends at capacity (Norton 1988). ``strength`` interpolates from 1 (none).
    """
    if strength == 0.0 or capacity == math.inf or total <= 0.0:
        return 1.0
    law = max(0.0, math.log(capacity / total) / math.log(capacity / reference))
    return max(0.0, 1.0 + strength * (law - 1.0))


def escaper_rates(
    birth: float, death: float, spontaneous: float, establishment: float, growth: float, alone: float = 1.0
) -> tuple[float, float]:
    """Birth and death of escaped cells from two multipliers against the cycling cells they descend from.

    With net growth r = birth - death - spontaneous, a single cycling cell grows at r1 = ``alone`` x r (``alone`` is the
    crowding factor of one cell) and founds a clone with probability p = r1 / (birth - r + r1). An escaper does so with
    probability ``min(establishment x p, 0.95)`` and its net growth is ``growth`` times that of a cycling cell at any
    size; these two determine its birth and death. Establishment and growth are thereby separate numbers, as the
    evidence for them is (Milanovic 2018; Bajtai 2025).
    """
    net = birth - death - spontaneous
    if net <= 0.0:
        return birth, death
    net_alone = alone * net
    found = min(establishment * net_alone / (birth - net + net_alone), 0.95)
    birth_alone = growth * net_alone / found
    # Escapers senesce spontaneously too; what is lost that way is not lost by death.
    escaped_death = max(0.0, birth_alone - growth * net_alone - spontaneous)
    return escaped_death + spontaneous + growth * net, escaped_death
