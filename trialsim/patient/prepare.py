"""From traits, an arm and a protocol to the arrays of a patient at randomisation."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from trialsim.biology import host
from trialsim.biology import rates as r
from trialsim.biology.populations import (
    DORMANT,
    IMMATURE,
    N_AGES,
    N_POPULATIONS,
    RESIDUAL,
    SENESCENT,
    SENSITIVE,
    SPONTANEOUS,
    senescent,
)
from trialsim.biology.sasp import immune_killing, load, load_of_share
from trialsim.biology.secretome import load_secretome
from trialsim.patient import state as s
from trialsim.records import Traits
from trialsim.spec.agents import INDUCERS, Cytotoxic, Radiation, Senolytic, Targeted
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol
from trialsim.treatment import pharmacology as pk
from trialsim.treatment.damage import chemotherapy_hits, radiation_hits
from trialsim.treatment.fate import fate_shares
from trialsim.treatment.platelets import N_PLATELETS

#: Rows of the trace of one patient; the kernel stops writing when they are full.
TRACE_ROWS = 8192
#: The reference fraction of radiation, Gy, against which a fate's dose shift is counted.
_REFERENCE_GRAY = 2.0
#: Age (years) of the typical host in which waking, and clearance in tumours, were measured (assumed).
_WAKING_MEASURED_AT = _CLEARANCE_MEASURED_AT = 60.0
#: Room for foci that are seeded during a course.
_SPARE_LESIONS = 12


def number(traits: Traits, name: str) -> float:
    """A numeric trait."""
    value = traits[name]
    assert isinstance(value, (float, int)), f"{name} is a category"
    return float(value)


def lesion_rates(traits: Traits, gains: Mapping[str, float]) -> r.Rates:
    """The lesion rates of a patient without any drug.

    The volume doubling time is the patient's net growth with all losses in it and all that speeds it, whatever gains
    are set: switching a mechanism off must not make the tumour grow faster.
    """
    rates = r.quiet_rates()
    rates[r.SPONTANEOUS_RATE] = number(traits, "spontaneous_senescence_rate") * gains["spontaneous_senescence"]
    maturation = number(traits, "maturation_time")
    rates[r.MATURATION] = 1.0 / maturation
    rates[r.COMPETENCE] = 1.0 / max(0.5, number(traits, "escape_latency") - maturation)
    rates[r.CLEARANCE] = number(traits, "senescent_clearance_rate") * gains["clearance"]
    brake = _scaled(2.0 / (1.0 + number(traits, "escape_brake")), gains["escape_brake"])
    rates[r.ESCAPE] = number(traits, "senescence_escape_rate") * gains["escape"] * brake
    rates[r.DIPLOID_ESCAPE] = max(0.0, 1.0 - gains["polyploidy"])
    rates[r.REVERSAL] = number(traits, "senescence_reversal_rate") * gains["reversal"]
    rates[r.POLYPLOID_SHARE] = number(traits, "polyploid_fraction")
    rates[r.LATENT_RESISTANCE] = number(traits, "senolytic_resistant_fraction") * gains["senolytic_resistance"]
    rates[r.IMMUNE_KILL] = number(traits, "immune_kill_rate") * gains["immune_killing"]
    rates[r.SEEDING] = number(traits, "seeding_rate") * gains["seeding"]
    capacity, measured_at = number(traits, "carrying_capacity"), number(traits, "doubling_time_burden")
    rates[r.CAPACITY], rates[r.REFERENCE], rates[r.CROWDING] = capacity, measured_at, gains["crowding"]
    _set_secretome(rates, traits, gains)
    rest = _load_at_rest(rates, number(traits, "doubling_time"))
    _set_growth(rates, traits, gains, rest)
    # Waking was measured in women of about sixty (Willis 2010), with what their own stroma adds to it.
    typical = host.rest_burden(_WAKING_MEASURED_AT, gains["host_senescence"])
    usual = load_of_share(host.SHARE_PER_UNIT * typical, _unit_intensity(rates))
    waking = number(traits, "dormancy_escape_rate") * gains["awakening"]
    rates[r.WAKE] = waking / (1.0 + rates[r.SASP_WAKING] * usual)
    return rates


def _scaled(fold: float, gain: float) -> float:
    """A fold that a gain scales from 1 (none); never negative."""
    return max(0.0, 1.0 + gain * (fold - 1.0))


def _set_secretome(rates: r.Rates, traits: Traits, gains: Mapping[str, float]) -> None:
    """The secretome of the patient's senescent cells, and its effects."""
    data = load_secretome()
    rates[r.SASP_INTENSITY] = number(traits, "sasp_intensity")
    rates[r.SASP_GROWTH] = _scaled(number(traits, "sasp_growth"), gains["sasp.growth"]) - 1.0
    rates[r.SASP_SEEDING] = _scaled(number(traits, "sasp_seeding"), gains["sasp.seeding"]) - 1.0
    rates[r.SASP_WAKING] = _scaled(number(traits, "sasp_waking"), gains["sasp.waking"]) - 1.0
    rates[r.SASP_CLEARANCE] = _scaled(number(traits, "sasp_clearance"), gains["sasp.clearance"]) - 1.0
    rates[r.SASP_F3] = _scaled(number(traits, "f3_boost"), gains["sasp.f3"]) - 1.0
    rates[r.SASP_IMMUNE] = min(1.0, number(traits, "sasp_immunosuppression") * gains["sasp.immune"])
    rates[r.SASP_ARREST] = number(traits, "sasp_arrest") * gains["sasp.arrest"]
    rates[r.INFILTRATION_TIME] = data.infiltration_time.value
    for at, inducer in enumerate(INDUCERS):
        rates[r.WEIGHT + at] = data.weights[inducer].value  # type: ignore[index]  # INDUCERS are the literals
    burden = _host_at_rest(traits, gains)
    rates[r.HOST_SHARE] = host.SHARE_PER_UNIT * burden


def _host_at_rest(traits: Traits, gains: Mapping[str, float]) -> float:
    """Burden of senescent stromal cells before treatment."""
    gain = gains["host_senescence"]
    return host.rest_burden(number(traits, "age"), gain * number(traits, "host_senescence")) if gain > 0.0 else 0.0


def _load_at_rest(rates: r.Rates, doubling_time: float) -> float:
    """The secretome's load in a lesion that grows untreated, at the size at which the doubling time was measured."""
    pools = _spontaneous_pools(rates, r.net_growth(doubling_time))
    secreting = sum(pool for at, pool in pools.items() if (at - SENESCENT) % N_AGES != IMMATURE)
    share = rates[r.WEIGHT + SPONTANEOUS] * secreting / (1.0 + sum(pools.values()))
    return load_of_share(share + rates[r.HOST_SHARE], rates)


def _unit_intensity(rates: r.Rates) -> r.Rates:
    """The same rates with the typical intensity of the secretome."""
    typical = rates.copy()
    typical[r.SASP_INTENSITY] = 1.0
    return typical


def _set_growth(rates: r.Rates, traits: Traits, gains: Mapping[str, float], rest: float) -> None:
    """Birth, death and net growth of cycling and escaped cells, at the load ``rest``."""
    birth, net = number(traits, "birth_rate"), r.net_growth(number(traits, "doubling_time"))
    rates[r.GROWTH_AT_REST] = 1.0 + rates[r.SASP_GROWTH] * rest
    losses = rates[r.SPONTANEOUS_RATE] + rates[r.SASP_ARREST] * rest + immune_killing(rates, rest)
    rates[r.BIRTH], rates[r.DEATH] = birth, r.death_rate(birth, net, losses)
    rates[r.NET] = min(net, birth)
    rates[r.ESCAPED_BIRTH], rates[r.ESCAPED_DEATH], rates[r.ESCAPED_NET] = r.escaper_rates(
        birth,
        rates[r.NET],
        losses,
        r.Multipliers(
            establishment=_scaled(number(traits, "escaper_establishment"), gains["escaper.establishment"]),
            growth=_scaled(number(traits, "escaper_growth"), gains["escaper.growth"]),
        ),
        alone=r.crowding_factor(1.0, rates[r.CAPACITY], rates[r.REFERENCE], rates[r.CROWDING]),
    )


def _spontaneous_pools(rates: r.Rates, growth: float) -> dict[int, float]:
    """Spontaneously senescent cells per cycling cell in a tumour that grows at ``growth`` per day, by population.

    Steady state of the chain while everything grows at that rate: each stage holds inflow / (outflow + growth).
    """
    loss = rates[r.CLEARANCE] + max(growth, 1e-4)
    pools: dict[int, float] = {}
    for ploidy, share in ((0, 1.0 - rates[r.POLYPLOID_SHARE]), (1, rates[r.POLYPLOID_SHARE])):
        ripening = rates[r.COMPETENCE] if ploidy else 0.0
        young = rates[r.SPONTANEOUS_RATE] * share / (rates[r.MATURATION] + loss)
        mature = rates[r.MATURATION] * young / (ripening + loss)
        competent = ripening * mature / (loss + rates[r.ESCAPE])
        for age, pool in enumerate((young, mature, competent)):
            pools[senescent(SPONTANEOUS, ploidy, SENSITIVE, age)] = pool
    return pools


def draw_lesions(
    traits: Traits, rates: r.Rates, focus_spread: float, rng: np.random.Generator
) -> tuple[s.Integers, s.Floats, int]:
    """The lesions that surgery left: the local bed (perhaps empty) and a Poisson number of foci; and how many.

    After them comes room for foci to be seeded.

    A focus is dormant, all of it quiescent, or active. Active tumour carries the spontaneously senescent cells
    that its growth has left behind.
    """
    count = 1 + int(rng.poisson(number(traits, "foci")))
    # What each lesion is comes from draws of fixed number, before those whose number depends on sizes.
    chance, spread, patience = rng.random(count), rng.standard_normal(count), rng.standard_exponential(count)
    lesions = np.full((count, s.N_LESION), np.nan)
    lesions[:, s.WAKE_LEFT] = patience
    room = _SPARE_LESIONS if rates[r.SEEDING] > 0.0 else 0
    lesions = np.vstack([lesions, np.full((room, s.N_LESION), np.nan)])
    cells = np.zeros((count + room, N_POPULATIONS), np.int64)
    if chance[s.LOCAL] < number(traits, "local_residual_prob"):
        cells[s.LOCAL, RESIDUAL] = max(1, round(number(traits, "residual_burden")))
    for lesion in range(s.LOCAL + 1, count):
        size = max(1, round(number(traits, "focus_burden") * math.exp(focus_spread * spread[lesion])))
        cells[lesion, DORMANT if chance[lesion] < number(traits, "dormant_prob") else RESIDUAL] = size
    for lesion in range(count):
        cycling = int(cells[lesion, RESIDUAL])
        if cycling > 0:
            crowd = r.crowding_factor(float(cycling), rates[r.CAPACITY], rates[r.REFERENCE], rates[r.CROWDING])
            for at, pool in _spontaneous_pools(rates, crowd * rates[r.NET]).items():
                cells[lesion, at] = rng.poisson(cycling * pool)
        lesions[lesion, s.INFILTRATE] = load(cells[lesion], rates)
    return cells, lesions, count


def _pharmacokinetics(agent: Senolytic | Targeted, traits: Traits, gains: Mapping[str, float]) -> s.Floats:
    """A drug's vector of constants."""
    constants = np.zeros(pk.N_DRUG)
    volume = agent.pk.volume.value
    clearance = agent.pk.clearance.value * number(traits, "drug_clearance")
    constants[pk.ABSORPTION] = 24.0 * agent.pk.absorption.value if agent.pk.absorption is not None else 0.0
    constants[pk.ELIMINATION] = 24.0 * clearance / volume
    constants[pk.PER_MG] = 1000.0 / (agent.pk.molar_mass.value * volume)
    constants[pk.EC50] = agent.ec50.value
    if isinstance(agent, Senolytic) and agent.platelets is not None:
        constants[pk.PLATELET_EMAX] = agent.platelets.emax.value * gains["toxicity"]
        constants[pk.PLATELET_EC50] = agent.platelets.ec50.value
    return constants


def _senolytic_effects(agent: Senolytic, traits: Traits, gains: Mapping[str, float]) -> dict[int, float]:
    """Hazards per day at full effect, by rate."""
    emax = agent.emax.value * gains["senolytic_kill"]
    by_class: Mapping[str, float] = {k: v.value for k, v in agent.effect_by_class.items()}
    own = emax * by_class[str(traits["bcl2_class"])] * number(traits, "senolytic_sensitivity")
    by_inducer: Mapping[str, float] = {k: v.value for k, v in agent.effect_by_inducer.items()}
    mean = sum(by_inducer.values()) / len(by_inducer)
    specific = gains["inducer_specificity"]
    hazards = {r.KILL + at: own * max(0.0, mean + specific * (by_inducer[i] - mean)) for at, i in enumerate(INDUCERS)}
    return hazards | {r.KILL_CYCLING: emax * agent.cycling_effect.value, r.HOST_KILL: emax * agent.host_effect.value}


#: The rate that each target of a targeted agent multiplies.
_TARGET_RATES: dict[str, int] = {
    "growth": r.GROWTH,
    "immune_killing": r.IMMUNE_KILL,
    "escape": r.ESCAPE,
    "reversal": r.REVERSAL,
    "damage_senescence": r.DAMAGE_ODDS,
    "sasp.growth": r.SASP_GROWTH,
    "sasp.seeding": r.SASP_SEEDING,
    "sasp.immune": r.SASP_IMMUNE,
    "sasp.arrest": r.SASP_ARREST,
    "sasp.clearance": r.SASP_CLEARANCE,
    "sasp.waking": r.SASP_WAKING,
    "sasp.f3": r.SASP_F3,
}


def _drug_effects(
    row: int, agent: Senolytic | Targeted, traits: Traits, gains: Mapping[str, float]
) -> list[list[float]]:
    """What a drug does to the lesion's rates, in lines of `trialsim.patient.state`; what does nothing has no line."""
    if isinstance(agent, Senolytic):
        hazards, folds = _senolytic_effects(agent, traits, gains), {}
    else:
        folds = {_TARGET_RATES[k]: _scaled(v.value, gains["modulation"]) for k, v in agent.effects.items()}
        hazards = {} if agent.kill is None else {r.KILL_CYCLING: agent.kill.value}
        if agent.senescence is not None:
            stream = r.STREAM + INDUCERS.index(agent.senescence.inducer)
            hazards[stream] = agent.senescence.rate.value * gains["targeted_senescence"]
    lines = [[row, rate, 1.0, hazard] for rate, hazard in hazards.items() if hazard > 0.0]
    return lines + [[row, rate, 0.0, fold] for rate, fold in folds.items() if fold != 1.0]


def _damage_order(order: Order, agent: Cytotoxic | Radiation, traits: Traits, gains: Mapping[str, float]) -> s.Floats:
    line = np.zeros(s.N_ORDER)
    line[s.DRUG] = -1.0
    shares = fate_shares(agent.fates, str(traits["p53_status"]), steering=gains["p53_steering"])
    if isinstance(agent, Radiation):
        hits = radiation_hits(order.dose, number(traits, "radio_alpha"), number(traits, "radio_alpha_beta"))
        line[s.HITS] = line[s.HITS_ESCAPED] = hits
        relative = line[s.RELATIVE] = order.dose / _REFERENCE_GRAY
        line[s.SENESCENCE_GAIN] = gains["radiation_senescence"]
    else:
        relative = order.dose / agent.reference_dose.value
        sensitivity = number(traits, "chemosensitivity") if traits["chemo_response"] == "responsive" else 0.0
        exposure = relative / number(traits, "drug_clearance")
        hits = chemotherapy_hits(agent.log_kill.value, exposure, sensitivity) * (1.0 - shares.repair)
        line[s.HITS] = hits
        line[s.HITS_ESCAPED] = hits / _scaled(number(traits, "escaper_resistance"), gains["escaper.resistance"])
        line[s.RELATIVE] = relative
        line[s.SENESCENCE_GAIN] = gains["chemo_senescence"]
    if agent.host_damage is not None:
        line[s.HOST_DAMAGE] = agent.host_damage.value * relative * gains["host_senescence"]
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
    cells, lesions, in_use = draw_lesions(traits, rates, protocol.cohort.focus_spread, rng)

    given = {o.agent: protocol.agents[o.agent] for o in arm.orders}
    drugs = {name: agent for name, agent in given.items() if isinstance(agent, Senolytic | Targeted)}
    constants = np.zeros((len(drugs), pk.N_DRUG))
    effects: list[list[float]] = []
    for row, agent in enumerate(drugs.values()):
        constants[row] = _pharmacokinetics(agent, traits, gains)
        effects += _drug_effects(row, agent, traits, gains)
    for agent in drugs.values():
        if isinstance(agent, Senolytic):
            rates[r.IMMATURE_KILL_SHARE] = max(rates[r.IMMATURE_KILL_SHARE], agent.immature_effect.value)

    orders = np.zeros((len(arm.orders), s.N_ORDER))
    for row, order in enumerate(arm.orders):
        planned = given[order.agent]
        if isinstance(planned, Senolytic | Targeted):
            orders[row, s.DRUG], orders[row, s.AMOUNT] = list(drugs).index(order.agent), order.dose
        else:
            orders[row] = _damage_order(order, planned, traits, gains)

    baseline = number(traits, "platelet_baseline")
    platelets = np.array([baseline, 1.0, 1.0, baseline])
    assert platelets.size == N_PLATELETS
    settings = np.zeros(s.N_SETTINGS)
    settings[s.LIMIT] = protocol.detection.limit_cells
    settings[s.TOLERANCE] = protocol.numerics.tolerance
    settings[s.LONGEST] = protocol.numerics.max_step_days
    settings[s.BASELINE] = baseline
    for lesion in range(in_use):
        if cells[lesion].sum() >= protocol.detection.limit_cells:
            lesions[lesion, s.CROSSED] = 0.0
    clock = np.zeros(s.N_CLOCK)
    clock[s.IN_USE] = in_use
    burden = rates[r.HOST_SHARE] / host.SHARE_PER_UNIT
    measured = host.rest_burden(_CLEARANCE_MEASURED_AT, gains["host_senescence"]) if burden > 0.0 else 0.0
    return s.State(
        cells=cells,
        lesions=lesions,
        clock=clock,
        platelets=platelets,
        amounts=np.zeros((len(drugs), 2)),
        rates=rates,
        drugs=constants,
        effects=np.array(effects, np.float64).reshape(-1, s.N_EFFECT),
        host=np.array([burden, host.resting_production(burden), measured]),
        orders=orders,
        settings=settings,
        trace=np.zeros((TRACE_ROWS if traced else 0, s.N_TRACE)),
    )
