"""From traits, an arm and a protocol to the arrays of a patient at randomisation."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from trialsim.biology import rates as r
from trialsim.biology.populations import DORMANT, N_POPULATIONS, RESIDUAL, SPONTANEOUS, senescent
from trialsim.patient import state as s
from trialsim.records import Traits
from trialsim.spec.agents import INDUCERS, Cytotoxic, Radiation, Senolytic
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol
from trialsim.treatment import pharmacology as pk
from trialsim.treatment.damage import chemotherapy_hits, radiation_hits
from trialsim.treatment.fate import fate_shares
from trialsim.treatment.platelets import N_PLATELETS

#: Rows of the trace of one patient; the kernel stops writing when they are full.
TRACE_ROWS = 8192
#: The reference fraction of radiation, Gy, against which a fate's dose shift is counted.
_REFERENCE_GRAY = 2.0


def number(traits: Traits, name: str) -> float:
    """A numeric trait."""
    value = traits[name]
    assert isinstance(value, (float, int)), f"{name} is a category"
    return float(value)


def lesion_rates(traits: Traits, gains: Mapping[str, float]) -> r.Rates:
    """The lesion rates of a patient without any drug.

    The volume doubling time is the patient's net growth with all losses in it, whatever gains are set: switching
    spontaneous senescence off must not make the tumour grow faster.
    """
    rates = r.quiet_rates()
    birth = number(traits, "birth_rate")
    spontaneous = number(traits, "spontaneous_senescence_rate") * gains["spontaneous_senescence"]
    death = r.death_rate(birth, number(traits, "doubling_time"), spontaneous)
    rates[r.BIRTH], rates[r.DEATH] = birth, death
    capacity, measured_at = number(traits, "carrying_capacity"), number(traits, "doubling_time_burden")
    rates[r.CAPACITY], rates[r.REFERENCE], rates[r.CROWDING] = capacity, measured_at, gains["crowding"]
    rates[r.ESCAPED_BIRTH], rates[r.ESCAPED_DEATH] = r.escaper_rates(
        birth,
        death,
        spontaneous,
        number(traits, "escaper_establishment"),
        number(traits, "escaper_growth"),
        alone=r.crowding_factor(1.0, capacity, measured_at, gains["crowding"]),
    )
    rates[r.SPONTANEOUS_RATE] = spontaneous
    maturation = number(traits, "maturation_time")
    rates[r.MATURATION] = 1.0 / maturation
    rates[r.COMPETENCE] = 1.0 / max(0.5, number(traits, "escape_latency") - maturation)
    rates[r.CLEARANCE] = number(traits, "senescent_clearance_rate") * gains["clearance"]
    rates[r.ESCAPE] = number(traits, "senescence_escape_rate") * gains["escape"]
    rates[r.POLYPLOID_SHARE] = number(traits, "polyploid_fraction")
    rates[r.RESISTANT_SHARE] = number(traits, "senolytic_resistant_fraction")
    rates[r.WAKE] = number(traits, "dormancy_escape_rate") * gains["awakening"]
    return rates


def _spontaneous_pools(rates: r.Rates, size: int) -> dict[int, float]:
    """Spontaneously senescent cells per cycling cell in a growing tumour of ``size`` cells, by population.

    Steady state of the chain while everything grows at the net rate g of that size: each stage holds
    inflow / (outflow + g).
    """
    crowd = r.crowding_factor(float(size), rates[r.CAPACITY], rates[r.REFERENCE], rates[r.CROWDING])
    growth = crowd * (rates[r.BIRTH] - rates[r.DEATH] - rates[r.SPONTANEOUS_RATE])
    loss = rates[r.CLEARANCE] + max(growth, 1e-4)
    pools: dict[int, float] = {}
    for ploidy, share in ((0, 1.0 - rates[r.POLYPLOID_SHARE]), (1, rates[r.POLYPLOID_SHARE])):
        ripening = rates[r.COMPETENCE] if ploidy else 0.0
        young = rates[r.SPONTANEOUS_RATE] * share / (rates[r.MATURATION] + loss)
        mature = rates[r.MATURATION] * young / (ripening + loss)
        competent = ripening * mature / (loss + rates[r.ESCAPE])
        for age, pool in enumerate((young, mature, competent)):
            for response, part in ((0, 1.0 - rates[r.RESISTANT_SHARE]), (1, rates[r.RESISTANT_SHARE])):
                pools[senescent(SPONTANEOUS, ploidy, response, age)] = pool * part
    return pools


def draw_lesions(
    traits: Traits, rates: r.Rates, focus_spread: float, rng: np.random.Generator
) -> tuple[s.Integers, s.Floats]:
    """The lesions that surgery left: the local bed (perhaps empty) and a Poisson number of foci.

    A focus is dormant, all of it quiescent, or active. Active tumour carries the spontaneously senescent cells
    that its growth has left behind.
    """
    count = 1 + int(rng.poisson(number(traits, "foci")))
    # What each lesion is comes from draws of fixed number, before those whose number depends on sizes.
    chance, spread, patience = rng.random(count), rng.standard_normal(count), rng.standard_exponential(count)
    lesions = np.full((count, s.N_LESION), np.nan)
    lesions[:, s.WAKE_LEFT] = patience
    cells = np.zeros((count, N_POPULATIONS), np.int64)
    if chance[s.LOCAL] < number(traits, "local_residual_prob"):
        cells[s.LOCAL, RESIDUAL] = max(1, round(number(traits, "residual_burden")))
    for lesion in range(s.LOCAL + 1, count):
        size = max(1, round(number(traits, "focus_burden") * math.exp(focus_spread * spread[lesion])))
        cells[lesion, DORMANT if chance[lesion] < number(traits, "dormant_prob") else RESIDUAL] = size
    for lesion in range(count):
        cycling = int(cells[lesion, RESIDUAL])
        if cycling > 0:
            for at, pool in _spontaneous_pools(rates, cycling).items():
                cells[lesion, at] = rng.poisson(cycling * pool)
    return cells, lesions


def _oral_drug(agent: Senolytic, traits: Traits, gains: Mapping[str, float]) -> tuple[s.Floats, s.Floats]:
    constants = np.zeros(pk.N_DRUG)
    volume = agent.pk.volume.value
    clearance = agent.pk.clearance.value * number(traits, "drug_clearance")
    constants[pk.ABSORPTION] = 24.0 * agent.pk.absorption.value if agent.pk.absorption else 0.0
    constants[pk.ELIMINATION] = 24.0 * clearance / volume
    constants[pk.PER_MG] = 1000.0 / (agent.pk.molar_mass.value * volume)
    constants[pk.EMAX], constants[pk.EC50] = agent.emax.value, agent.ec50.value
    constants[pk.IMMATURE_SHARE] = agent.immature_effect.value
    constants[pk.CYCLING_SHARE] = agent.cycling_effect.value * gains["senolytic_kill"]
    if agent.platelets is not None:
        constants[pk.PLATELET_EMAX] = agent.platelets.emax.value
        constants[pk.PLATELET_EC50] = agent.platelets.ec50.value
    by_class: Mapping[str, float] = {k: v.value for k, v in agent.effect_by_class.items()}
    own = by_class[str(traits["bcl2_class"])] * number(traits, "senolytic_sensitivity") * gains["senolytic_kill"]
    by_inducer: Mapping[str, float] = {k: v.value for k, v in agent.effect_by_inducer.items()}
    kill = np.array([own * by_inducer[i] for i in INDUCERS])
    return constants, kill


def _damage_order(order: Order, agent: Cytotoxic | Radiation, traits: Traits, gains: Mapping[str, float]) -> s.Floats:
    line = np.zeros(s.N_ORDER)
    line[s.DRUG] = -1.0
    shares = fate_shares(agent.fates, str(traits["p53_status"]), steering=gains["p53_steering"])
    if isinstance(agent, Radiation):
        hits = radiation_hits(order.dose, number(traits, "radio_alpha"), number(traits, "radio_alpha_beta"))
        line[s.HITS] = line[s.HITS_ESCAPED] = hits
        line[s.RELATIVE] = order.dose / _REFERENCE_GRAY
        line[s.SENESCENCE_GAIN] = gains["radiation_senescence"]
    else:
        relative = order.dose / agent.reference_dose.value
        sensitivity = number(traits, "chemosensitivity") if traits["chemo_response"] == "responsive" else 0.0
        exposure = relative / number(traits, "drug_clearance")
        hits = chemotherapy_hits(agent.log_kill.value, exposure, sensitivity) * (1.0 - shares.repair)
        line[s.HITS] = hits
        line[s.HITS_ESCAPED] = hits / number(traits, "escaper_resistance")
        line[s.RELATIVE] = relative
        line[s.SENESCENCE_GAIN] = gains["chemo_senescence"]
    line[s.ODDS] = shares.senescence / (1.0 - shares.senescence)
    line[s.SHIFT] = agent.fates.death_shift.value
    line[s.INDUCER] = INDUCERS.index(agent.inducer)
    line[s.LOCAL_ONLY] = float(order.field == "local")
    return line


def prepare(
    traits: Traits,
    arm: ResolvedArm,
    protocol: ResolvedProtocol,
    rng: np.random.Generator,
    *,
    traced: bool = False,
) -> s.State:
    """The patient at randomisation, before the first dose.

    ``rng`` draws the lesions; it must be the patient's own stream and hold nothing of the arm.
    """
    gains = protocol.biology
    rates = lesion_rates(traits, gains)
    cells, lesions = draw_lesions(traits, rates, protocol.cohort.focus_spread, rng)

    drug_names = list(dict.fromkeys(o.agent for o in arm.orders if protocol.agents[o.agent].kind == "senolytic"))
    drugs = np.zeros((len(drug_names), pk.N_DRUG))
    kill = np.zeros((len(drug_names), len(INDUCERS)))
    for row, name in enumerate(drug_names):
        agent = protocol.agents[name]
        assert isinstance(agent, Senolytic)
        drugs[row], kill[row] = _oral_drug(agent, traits, gains)
    if drug_names:
        rates[r.IMMATURE_KILL_SHARE] = drugs[0, pk.IMMATURE_SHARE]

    orders = np.zeros((len(arm.orders), s.N_ORDER))
    for row, order in enumerate(arm.orders):
        agent = protocol.agents[order.agent]
        if isinstance(agent, Senolytic):
            orders[row, s.DRUG], orders[row, s.AMOUNT] = drug_names.index(order.agent), order.dose
        else:
            orders[row] = _damage_order(order, agent, traits, gains)

    baseline = number(traits, "platelet_baseline")
    platelets = np.array([baseline, 1.0, 1.0, baseline])
    assert platelets.size == N_PLATELETS
    settings = np.zeros(s.N_SETTINGS)
    settings[s.LIMIT] = protocol.detection.limit_cells
    settings[s.TOLERANCE] = protocol.numerics.tolerance
    settings[s.LONGEST] = protocol.numerics.max_step_days
    settings[s.BASELINE] = baseline
    for lesion in range(cells.shape[0]):
        if cells[lesion].sum() >= protocol.detection.limit_cells:
            lesions[lesion, s.CROSSED] = 0.0
    return s.State(
        cells=cells,
        lesions=lesions,
        clock=np.zeros(s.N_CLOCK),
        platelets=platelets,
        amounts=np.zeros((len(drug_names), 2)),
        rates=rates,
        drugs=drugs,
        kill=kill,
        orders=orders,
        settings=settings,
        trace=np.zeros((TRACE_ROWS if traced else 0, s.N_TRACE)),
    )
