"""The rates of one lesion, frozen for one step, and their places in a vector.

All are per cell per day unless said otherwise. The kernel and its exact twin read the same vector, so a
comparison of the two compares nothing but the method.
"""

from __future__ import annotations

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
#: Cells at which a lesion stops growing, and the strength of that brake (1: logistic, 0: none).
CAPACITY, CROWDING = 14, 15
#: Senolytic killing of mature, sensitive senescent cells, one per inducer.
KILL = 16
N_RATES = KILL + N_INDUCERS


def quiet_rates() -> Rates:
    """Rates of a lesion in which nothing happens; tests and callers set what they need."""
    rates = np.zeros(N_RATES)
    rates[CAPACITY] = np.inf
    return rates


def death_rate(birth: float, doubling_time: float, spontaneous: float) -> float:
    """Death rate per cell per day that gives a doubling time.

    Net growth ln 2 / doubling_time = birth - death - spontaneous senescence, since a volume doubling time is
    measured with all losses in it. Never negative: a tumour cannot double faster than its cells divide
    without loss.
    """
    return max(0.0, birth - spontaneous - np.log(2.0) / doubling_time)


def escaper_rates(
    birth: float, death: float, spontaneous: float, establishment: float, growth: float
) -> tuple[float, float]:
    """Birth and death of escaped cells from two multipliers against the cycling cells they descend from.

    A single cycling cell founds a clone with probability p = r / birth, where r = birth - death - spontaneous
    is its net growth. An escaper does so with probability ``min(establishment * p, 0.95)`` and grows at
    ``growth * r``; these two determine its birth and death. Establishment and growth are thereby separate
    numbers, as the evidence for them is (Milanovic 2018; Bajtai 2025).
    """
    net = birth - death - spontaneous
    if net <= 0.0:
        return birth, death
    found = min(establishment * net / birth, 0.95)
    escaped_net = growth * net
    escaped_birth = escaped_net / found
    # Escapers senesce spontaneously too; what is lost that way is not lost by death.
    return escaped_birth, max(0.0, escaped_birth - escaped_net - spontaneous)
