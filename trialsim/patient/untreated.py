"""A patient before any drug: the lesion's rates from traits and gains, and the lesions that surgery left. Compiled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from trialsim.biology import host
from trialsim.biology import rates as r
from trialsim.biology.draws import poisson
from trialsim.biology.populations import (
    DORMANT,
    N_AGES,
    N_INDUCERS,
    POLYPLOID,
    RESIDUAL,
    SENESCENT,
    SPONTANEOUS,
)
from trialsim.biology.sasp import immune_killing, load, load_of_share, total_cells
from trialsim.chance.samplers import exponential, normal, uniform
from trialsim.chance.stream import Stream
from trialsim.compiling import compiled
from trialsim.patient import state as s
from trialsim.structured import Counts, Floats, Rows

#: Room for foci that are seeded during a course.
_SPARE_LESIONS = 12


class Person(NamedTuple):
    """The numeric traits of a patient (docs/protocol-file.md says what each is)."""

    age: float
    doubling_time: float
    doubling_time_burden: float
    birth_rate: float
    carrying_capacity: float
    local_residual_prob: float
    residual_burden: float
    foci: float
    focus_burden: float
    dormant_prob: float
    spontaneous_senescence_rate: float
    dormancy_escape_rate: float
    senescence_escape_rate: float
    polyploid_fraction: float
    maturation_time: float
    escape_latency: float
    senescent_clearance_rate: float
    escaper_establishment: float
    escaper_growth: float
    escaper_resistance: float
    chemosensitivity: float
    radio_alpha: float
    radio_alpha_beta: float
    senolytic_sensitivity: float
    senolytic_resistant_fraction: float
    drug_clearance: float
    platelet_baseline: float
    immune_kill_rate: float
    sasp_intensity: float
    sasp_growth: float
    sasp_seeding: float
    sasp_immunosuppression: float
    sasp_arrest: float
    sasp_clearance: float
    sasp_waking: float
    seeding_rate: float
    host_senescence: float
    f3_boost: float
    escape_brake: float
    senescence_reversal_rate: float


class Gains(NamedTuple):
    """The gains that a patient without drugs feels, by their names in a protocol with ``.`` as ``_``."""

    spontaneous_senescence: float
    polyploidy: float
    escape: float
    escape_brake: float
    reversal: float
    awakening: float
    clearance: float
    immune_killing: float
    seeding: float
    host_senescence: float
    crowding: float
    senolytic_resistance: float
    escaper_establishment: float
    escaper_growth: float
    escaper_resistance: float
    sasp_growth: float
    sasp_seeding: float
    sasp_immune: float
    sasp_arrest: float
    sasp_clearance: float
    sasp_waking: float
    sasp_f3: float


def person(traits: Mapping[str, Any]) -> Person:
    """The numeric ones of a patient's traits."""
    return Person(*[float(traits[name]) for name in Person._fields])


def chosen_gains(gains: Mapping[str, float]) -> Gains:
    """A protocol's gains as compiled code reads them."""
    flat = {name.replace(".", "_"): float(gain) for name, gain in gains.items()}
    return Gains(*[flat[name] for name in Gains._fields])


class World(NamedTuple):
    """What all patients of a protocol share."""

    gains: Gains
    weights: Floats
    """Of the inducers' cells in the secretome's load."""
    infiltration_time: float
    typical_burden: float
    """Senescent stroma of the host in whom waking was measured."""
    clearance_burden: float
    """And of the one in whom clearance in tumours was."""
    focus_spread: float
    limit_cells: float


@compiled
def scaled(fold: float, gain: float) -> float:
    """A fold that a gain scales from 1 (none); never negative."""
    return max(0.0, 1.0 + gain * (fold - 1.0))


@compiled
def set_lesion_rates(rates: r.Rates, own: Person, world: World) -> None:
    """The lesion rates of a patient without any drug, into ``rates``, which are zero.

    The volume doubling time is the patient's net growth with all losses in it and all that speeds it, whatever gains
    are set: switching a mechanism off must not make the tumour grow faster.
    """
    gains = world.gains
    rates.growth = rates.damage_odds = 1.0
    rates.spontaneous_rate = own.spontaneous_senescence_rate * gains.spontaneous_senescence
    rates.maturation = 1.0 / own.maturation_time
    rates.competence = 1.0 / max(0.5, own.escape_latency - own.maturation_time)
    brake = scaled(2.0 / (1.0 + own.escape_brake), gains.escape_brake)
    rates.escape = own.senescence_escape_rate * gains.escape * brake
    rates.diploid_escape = max(0.0, 1.0 - gains.polyploidy)
    rates.reversal = own.senescence_reversal_rate * gains.reversal
    rates.polyploid_share = own.polyploid_fraction
    rates.latent_resistance = own.senolytic_resistant_fraction * gains.senolytic_resistance
    rates.immune_kill = own.immune_kill_rate * gains.immune_killing
    rates.seeding = own.seeding_rate * gains.seeding
    rates.capacity, rates.reference = own.carrying_capacity, own.doubling_time_burden
    rates.crowding = gains.crowding
    _set_secretome(rates, own, world)
    rates.clearance = own.senescent_clearance_rate * gains.clearance * _host_fold(rates, world)
    _set_growth(rates, own, gains, _load_at_rest(rates, r.net_growth(own.doubling_time)))
    # Waking was measured in a host of its own, with what that host's stroma adds to it at the typical intensity.
    rates.sasp_intensity = 1.0
    usual = load_of_share(host.SHARE_PER_UNIT * world.typical_burden, rates)
    rates.sasp_intensity = own.sasp_intensity
    rates.wake = own.dormancy_escape_rate * gains.awakening / (1.0 + rates.sasp_waking * usual)


@compiled
def _set_secretome(rates: r.Rates, own: Person, world: World) -> None:
    """The secretome of the patient's senescent cells, its effects, and the host's part in it."""
    gains = world.gains
    rates.sasp_intensity = own.sasp_intensity
    rates.sasp_growth = scaled(own.sasp_growth, gains.sasp_growth) - 1.0
    rates.sasp_seeding = scaled(own.sasp_seeding, gains.sasp_seeding) - 1.0
    rates.sasp_waking = scaled(own.sasp_waking, gains.sasp_waking) - 1.0
    rates.sasp_clearance = scaled(own.sasp_clearance, gains.sasp_clearance) - 1.0
    rates.sasp_f3 = scaled(own.f3_boost, gains.sasp_f3) - 1.0
    rates.sasp_immune = min(1.0, own.sasp_immunosuppression * gains.sasp_immune)
    rates.sasp_arrest = own.sasp_arrest * gains.sasp_arrest
    rates.infiltration_time = world.infiltration_time
    for inducer in range(N_INDUCERS):
        rates.weight[inducer] = world.weights[inducer]
    production = gains.host_senescence * own.host_senescence
    burden = host.rest_burden(own.age, production) if gains.host_senescence > 0.0 else 0.0
    rates.host_share = host.SHARE_PER_UNIT * burden


@compiled
def _host_fold(rates: r.Rates, world: World) -> float:
    """Clearance in tumours of this host, against that of the host in whom it was measured (`trialsim.biology.host`).

    It follows the age of the host, as the burden at rest does; what treatment does to the stroma leaves it as it is.
    """
    burden = rates.host_share / host.SHARE_PER_UNIT
    return (host.KAPPA + world.clearance_burden) / (host.KAPPA + burden) if burden > 0.0 else 1.0


@compiled
def _load_at_rest(rates: r.Rates, growth: float) -> float:
    """The secretome's load in a lesion that has grown untreated, at ``growth`` per day.

    The load arrests and clears the cells that make it; the fixed point is found by rounds, each of which takes over a
    tenth or less of the error.
    """
    load = load_of_share(rates.host_share, rates)
    for _ in range(8):
        secreting = cells = 0.0
        for ploidy in range(2):
            young, mature, competent = _spontaneous_pools(rates, growth, load, ploidy)
            secreting += mature + competent
            cells += young + mature + competent
        share = rates.weight[SPONTANEOUS] * secreting / (1.0 + cells) + rates.host_share
        load = load_of_share(share, rates)
    return load


@compiled
def _set_growth(rates: r.Rates, own: Person, gains: Gains, rest: float) -> None:
    """Birth, death and net growth of cycling and escaped cells, at the load ``rest``."""
    birth, net = own.birth_rate, r.net_growth(own.doubling_time)
    rates.growth_at_rest = 1.0 + rates.sasp_growth * rest
    losses = rates.spontaneous_rate + rates.sasp_arrest * rest + immune_killing(rates, rest)
    rates.birth, rates.death = birth, r.death_rate(birth, net, losses)
    rates.net = min(net, birth)
    rates.escaped_birth, rates.escaped_death, rates.escaped_net = r.escaper_rates(
        birth,
        rates.net,
        losses,
        r.Multipliers(
            scaled(own.escaper_establishment, gains.escaper_establishment),
            scaled(own.escaper_growth, gains.escaper_growth),
        ),
        r.crowding_factor(1.0, rates.capacity, rates.reference, rates.crowding),
    )


@compiled
def _spontaneous_pools(rates: r.Rates, growth: float, load: float, ploidy: int) -> tuple[float, float, float]:
    """Spontaneously senescent cells per cycling cell in a tumour that grows at ``growth`` per day, by age.

    Steady state of the chain while everything grows at that rate: each stage holds inflow / (outflow + growth). Cells
    that neighbours arrested are among them, since without treatment the neighbours are spontaneously senescent too.
    """
    loss = rates.clearance * (1.0 + rates.sasp_clearance * load) + max(growth, 1e-4)
    arrest = rates.spontaneous_rate + rates.sasp_arrest * load
    share = rates.polyploid_share if ploidy == POLYPLOID else 1.0 - rates.polyploid_share
    ripening = rates.competence if ploidy == POLYPLOID else 0.0
    young = arrest * share / (rates.maturation + loss)
    mature = rates.maturation * young / (ripening + loss)
    return young, mature, ripening * mature / (loss + rates.escape)


@compiled
def draw_foci(own: Person, rates: r.Rates, rng: Stream) -> tuple[int, int]:
    """How many lesions surgery left, the local bed among them, and with room for foci to be seeded."""
    count = 1 + poisson(own.foci, rng)
    return count, count + (_SPARE_LESIONS if rates.seeding > 0.0 else 0)


@compiled
def draw_lesions(own: Person, rates: r.Rates, world: World, lesions: Rows[s.Lesion], count: int, rng: Stream) -> None:
    """The lesions that surgery left, into ``lesions``: the local bed (perhaps empty) and the foci.

    A focus is dormant, all of it quiescent, or active. Active tumour carries the spontaneously senescent cells
    that its growth has left behind.
    """
    for at in range(lesions.size):
        lesion = lesions[at]
        lesion.wake_left = lesion.crossed = lesion.first_escape = lesion.infiltrate = np.nan
    # What each lesion is comes from draws of fixed number, before those whose number depends on sizes.
    for at in range(count):
        cells = lesions[at].cells
        chance, spread = uniform(rng), normal(rng)
        lesions[at].wake_left = exponential(rng)
        if at == s.LOCAL:
            if chance < own.local_residual_prob:
                cells[RESIDUAL] = max(1, round(own.residual_burden))
        else:
            size = max(1, round(own.focus_burden * math.exp(world.focus_spread * spread)))
            cells[DORMANT if chance < own.dormant_prob else RESIDUAL] = size
    for at in range(count):
        lesion = lesions[at]
        _add_senescent(lesion.cells, rates, rng)
        lesion.infiltrate = load(lesion.cells, rates)
        if total_cells(lesion.cells) >= world.limit_cells:
            lesion.crossed = 0.0
            for population in range(SENESCENT):
                lesion.lineages[population] = lesion.cells[population]


@compiled
def _add_senescent(cells: Counts, rates: r.Rates, rng: Stream) -> None:
    """The spontaneously senescent cells of a lesion that has grown untreated to its cycling cells."""
    cycling = cells[RESIDUAL]
    if cycling == 0:
        return
    crowd = r.crowding_factor(float(cycling), rates.capacity, rates.reference, rates.crowding)
    growth = crowd * rates.net
    load = _load_at_rest(rates, growth)
    for ploidy in range(2):
        # The families of an inducer are ploidy by response: the sensitive one of each ploidy.
        first = SENESCENT + SPONTANEOUS * 4 * N_AGES + ploidy * 2 * N_AGES
        for age, pool in enumerate(_spontaneous_pools(rates, growth, load, ploidy)):
            cells[first + age] = poisson(cycling * pool, rng)
