"""The rates of one lesion, frozen for one step.

The kernel and its exact twin read the same record, so a comparison of the two compares nothing but the method. A drug
is known to biology only by what it does to these rates.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Annotated, NamedTuple

import numpy as np

from trialsim.biology.populations import N_INDUCERS
from trialsim.compiling import compiled
from trialsim.structured import Floats, one, record


@record
class Rates:
    """All are per cell per day unless said otherwise."""

    birth: float
    """Division of cycling cells."""
    death: float
    """Loss of cycling cells, without arrest and immune killing."""
    net: float
    """Net growth that the doubling time states, with every loss in it that a lesion at rest suffers."""
    escaped_birth: float
    escaped_death: float
    escaped_net: float
    growth: float
    """Factor on net growth that a drug sets (1: none, 0: stasis)."""
    spontaneous_rate: float
    """Cycling or escaped cell -> senescent, without treatment."""
    maturation: float
    """Immature -> mature."""
    competence: float
    """Mature -> competent (polyploid cells only)."""
    clearance: float
    """Removal of senescent cells by the immune system."""
    escape: float
    """Competent senescent cell -> escaped."""
    diploid_escape: float
    """The part of that rate at which diploid cells escape too."""
    reversal: float
    """Reversibly senescent cell -> cycling."""
    polyploid_share: float
    """Share of newly senescent cells."""
    resistant_share: float
    """Share of newly senescent cells that are resistant to senolytics; 0 while no senolytic has acted."""
    latent_resistance: float
    """Until then, the share of resistant ones among cells counted as sensitive
    (`trialsim.biology.kernel.draw_resistance`)."""
    wake: float
    """Awakening, per dormant lesion per day, without SASP."""
    kill_cycling: float
    """Senolytic killing of cycling and escaped cells."""
    immature_kill_share: float
    """Senolytic killing of immature cells as a share of that of mature ones."""
    capacity: float
    """Cells at which a lesion stops growing (Gompertz)."""
    reference: float
    """Cells at which the rates above hold."""
    crowding: float
    """Strength of the law (1: Gompertz, 0: exponential at any size)."""
    immune_kill: float
    """Immune killing of cycling and escaped cells where nothing suppresses it."""
    seeding: float
    """New foci per cycling or escaped cell, without SASP."""
    sasp_intensity: float
    """Multiplier of the SASP load."""
    host_share: float
    """The share of senescent neighbours that the host's stroma stands for."""
    sasp_growth: float
    """What the load does to growth: fold at load 1 less 1 (`trialsim.biology.sasp`); so for seeding and waking."""
    sasp_seeding: float
    sasp_waking: float
    sasp_immune: float
    """The largest part of immune killing that the load takes away."""
    sasp_arrest: float
    """Paracrine arrest at load 1, per day."""
    sasp_clearance: float
    """What the load does to clearance: fold at load 1 less 1."""
    growth_at_rest: float
    """What the load makes of growth in a lesion at rest, in which the doubling time was measured (fold)."""
    sasp_f3: float
    """SASP weight of radiation-induced cells through their F3 state: fold less 1."""
    infiltration_time: float
    """Days in which immune cells follow the load."""
    damage_odds: float
    """Multiplier of the odds that a cell lost to damage turns senescent."""
    host_kill: float
    """Senolytic killing of the host's senescent cells."""
    weight: Annotated[Floats, N_INDUCERS]
    """By inducer: weight of a mature senescent cell in the load."""
    driven_arrest: Annotated[Floats, N_INDUCERS]
    """By inducer: arrest of cycling cells that a drug drives."""
    senolytic_kill: Annotated[Floats, N_INDUCERS]
    """By inducer: senolytic killing of mature, sensitive senescent cells."""


class Target(IntEnum):
    """A rate that a drug changes."""

    SENOLYTIC_KILL = 0
    KILL_CYCLING = 1
    HOST_KILL = 2
    DRIVEN_ARREST = 3
    GROWTH = 4
    IMMUNE_KILL = 5
    ESCAPE = 6
    REVERSAL = 7
    DAMAGE_ODDS = 8
    SASP_GROWTH = 9
    SASP_SEEDING = 10
    SASP_WAKING = 11
    SASP_IMMUNE = 12
    SASP_ARREST = 13
    SASP_CLEARANCE = 14
    SASP_F3 = 15


@compiled
def add_hazard(rates: Rates, target: int, inducer: int, hazard: float) -> None:
    """Add a drug's hazard (per day) to its target."""
    if target == Target.SENOLYTIC_KILL:
        rates.senolytic_kill[inducer] += hazard
    elif target == Target.KILL_CYCLING:
        rates.kill_cycling += hazard
    elif target == Target.HOST_KILL:
        rates.host_kill += hazard
    elif target == Target.DRIVEN_ARREST:
        rates.driven_arrest[inducer] += hazard


@compiled
def scale_rate(rates: Rates, target: int, fold: float) -> None:  # noqa: C901  # one line for each target
    """Multiply a drug's target."""
    if target == Target.GROWTH:
        rates.growth *= fold
    elif target == Target.IMMUNE_KILL:
        rates.immune_kill *= fold
    elif target == Target.ESCAPE:
        rates.escape *= fold
    elif target == Target.REVERSAL:
        rates.reversal *= fold
    elif target == Target.DAMAGE_ODDS:
        rates.damage_odds *= fold
    elif target == Target.SASP_GROWTH:
        rates.sasp_growth *= fold
    elif target == Target.SASP_SEEDING:
        rates.sasp_seeding *= fold
    elif target == Target.SASP_WAKING:
        rates.sasp_waking *= fold
    elif target == Target.SASP_IMMUNE:
        rates.sasp_immune *= fold
    elif target == Target.SASP_ARREST:
        rates.sasp_arrest *= fold
    elif target == Target.SASP_CLEARANCE:
        rates.sasp_clearance *= fold
    elif target == Target.SASP_F3:
        rates.sasp_f3 *= fold


def quiet_rates() -> Rates:
    """Rates of a lesion in which nothing happens; tests and callers set what they need."""
    rates = one(Rates)
    rates.capacity, rates.reference = np.inf, 1.0
    rates.growth = rates.growth_at_rest = rates.infiltration_time = rates.damage_odds = 1.0
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
