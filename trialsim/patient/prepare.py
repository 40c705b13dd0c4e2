"""From traits, an arm and a protocol to the arrays of a patient at randomisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from trialsim.biology import host
from trialsim.biology import rates as r
from trialsim.biology.secretome import load_secretome
from trialsim.compiling import compiled, stream_at
from trialsim.patient import state as s
from trialsim.patient import untreated
from trialsim.patient.kinetics import BODY_TRAITS, OwnKinetics, all_alike, own_kinetics
from trialsim.patient.streams import address_of
from trialsim.patient.untreated import Person, World, chosen_gains, draw_lesions, person, scaled
from trialsim.records import Traits
from trialsim.spec.agents import INDUCERS, Cytotoxic, Pharmacokinetics, Radiation, Senolytic, Targeted
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol
from trialsim.treatment import neutrophils
from trialsim.treatment import pharmacology as pk
from trialsim.treatment.damage import chemotherapy_hits, cross_hits, radiation_hits
from trialsim.treatment.fate import fate_shares
from trialsim.treatment.pharmacokinetics import N_AMOUNTS
from trialsim.treatment.platelets import platelets_of

#: Rows of the trace of one patient; the kernel stops writing when they are full.
TRACE_ROWS = 8192
#: The reference fraction of radiation, Gy, against which a fate's dose shift is counted.
_REFERENCE_GRAY = 2.0
#: Age (years) of the typical host in which waking, and clearance in tumours, were measured (assumed; Willis 2010 for
#: waking).
_WAKING_MEASURED_AT = _CLEARANCE_MEASURED_AT = 60.0
#: Arms whose recipes are kept.
_KEPT = 16

_lesion_rates = untreated.lesion_rates


def _world(gains: Mapping[str, float], focus_spread: float, limit_cells: float) -> World:
    """What the patients of a protocol share before any drug."""
    data = load_secretome()
    return World(
        gains=chosen_gains(gains),
        weights=np.array([data.weights[inducer].value for inducer in INDUCERS]),  # type: ignore[index]  # literals
        infiltration_time=data.infiltration_time.value,
        typical_burden=host.rest_burden(_WAKING_MEASURED_AT, gains["host_senescence"]),
        clearance_burden=host.rest_burden(_CLEARANCE_MEASURED_AT, gains["host_senescence"]),
        focus_spread=focus_spread,
        limit_cells=limit_cells,
    )


def lesion_rates(traits: Traits, gains: Mapping[str, float]) -> r.Rates:
    """The lesion rates of a patient without any drug (`trialsim.patient.untreated.lesion_rates`)."""
    return _lesion_rates(person(traits), _world(gains, 1.0, math.inf))


def _pharmacokinetics(agent: Senolytic | Targeted, gains: Mapping[str, float]) -> s.Floats:
    """A drug's vector of constants in a patient of typical clearance."""
    constants = np.zeros(pk.N_DRUG)
    _set_kinetics(constants, agent.pk)
    constants[pk.EC50] = agent.ec50.value
    constants[pk.HILL] = agent.hill.value if agent.hill is not None else 1.0
    if isinstance(agent, Senolytic) and agent.platelets is not None:
        constants[pk.PLATELET_EMAX] = agent.platelets.emax.value * gains["toxicity"]
        constants[pk.PLATELET_EC50] = agent.platelets.ec50.value
    return constants


def _toxin(agent: Cytotoxic, gains: Mapping[str, float]) -> s.Floats:
    """The vector of constants of what harms the marrow."""
    assert agent.pk is not None
    assert agent.marrow is not None
    constants = np.zeros(neutrophils.N_TOXIN)
    _set_kinetics(constants, agent.pk)
    constants[neutrophils.SLOPE] = agent.marrow.slope.value * gains["toxicity"]
    return constants


def _set_kinetics(constants: s.Floats, kinetics: Pharmacokinetics) -> None:
    volume = kinetics.volume.value
    constants[pk.ABSORPTION] = 24.0 * kinetics.absorption.value if kinetics.absorption is not None else 0.0
    constants[pk.ELIMINATION] = 24.0 * kinetics.clearance.value / volume
    constants[pk.PER_MG] = 1000.0 / (kinetics.molar_mass.value * volume)
    if kinetics.exchange is not None and kinetics.tissue_volume is not None:
        constants[pk.OUTWARD] = 24.0 * kinetics.exchange.value / volume
        constants[pk.BACK] = 24.0 * kinetics.exchange.value / kinetics.tissue_volume.value
    constants[pk.LAG] = kinetics.lag.value / 24.0 if kinetics.lag is not None else 0.0
    constants[pk.INFUSION] = kinetics.infusion.value / 24.0 if kinetics.infusion is not None else 0.0


def _senolytic_effects(agent: Senolytic, bcl2_class: str, gains: Mapping[str, float]) -> dict[int, float]:
    """Hazards per day at full effect, by rate, in a patient of typical sensitivity."""
    emax = agent.emax.value * gains["senolytic_kill"]
    by_class: Mapping[str, float] = {k: v.value for k, v in agent.effect_by_class.items()}
    own = emax * by_class[bcl2_class]
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
    row: int, agent: Senolytic | Targeted, bcl2_class: str, gains: Mapping[str, float]
) -> list[list[float]]:
    """What a drug does to the lesion's rates, in lines of `trialsim.patient.state`; what does nothing has no line."""
    if isinstance(agent, Senolytic):
        hazards, folds = _senolytic_effects(agent, bcl2_class, gains), {}
    else:
        folds = {_TARGET_RATES[k]: scaled(v.value, gains["modulation"]) for k, v in agent.effects.items()}
        hazards = {} if agent.kill is None else {r.KILL_CYCLING: agent.kill.value}
        if agent.senescence is not None:
            stream = r.STREAM + INDUCERS.index(agent.senescence.inducer)
            hazards[stream] = agent.senescence.rate.value * gains["targeted_senescence"]
    lines = [[row, rate, 1.0, hazard] for rate, hazard in hazards.items() if hazard > 0.0]
    return lines + [[row, rate, 0.0, fold] for rate, fold in folds.items() if fold != 1.0]


def _damage_order(order: Order, agent: Cytotoxic | Radiation, p53_status: str, gains: Mapping[str, float]) -> s.Floats:
    """An order's vector of constants; hits are those of a patient of typical clearance and sensitivity."""
    line = np.zeros(s.N_ORDER)
    line[s.DRUG] = line[s.TOXIN] = -1.0
    line[s.AMOUNT] = order.dose
    shares = fate_shares(agent.fates, p53_status, steering=gains["p53_steering"])
    if isinstance(agent, Radiation):
        relative = order.dose / _REFERENCE_GRAY
        line[s.GRAY] = order.dose
        if agent.repair_half_time is not None:
            line[s.REPAIR] = 24.0 * math.log(2.0) / agent.repair_half_time.value
        line[s.SENESCENCE_GAIN] = gains["radiation_senescence"]
    else:
        relative = order.dose / agent.reference_dose.value
        line[s.HITS] = chemotherapy_hits(agent.log_kill.value, relative, 1.0) * (1.0 - shares.repair)
        line[s.SENESCENCE_GAIN] = gains["chemo_senescence"]
    line[s.RELATIVE] = relative
    if agent.host_damage is not None:
        line[s.HOST_DAMAGE] = agent.host_damage.value * relative * gains["host_senescence"]
    line[s.ODDS] = shares.senescence / (1.0 - shares.senescence)
    line[s.SHIFT] = agent.fates.death_shift.value
    line[s.INDUCER] = INDUCERS.index(agent.inducer)
    line[s.LOCAL_ONLY] = float(order.field == "local")
    return line


class Recipe(NamedTuple):
    """An arm of a protocol as numbers, for the patients of one p53 status and one BCL-2 class."""

    drugs: s.Floats
    effects: s.Floats
    orders: s.Floats
    inputs: s.Floats
    """An empty line for each order, or none where every dose comes in at once."""
    gray: s.Floats
    """By order: dose of a fraction of radiation, else 0."""
    marrow: s.Floats
    """Neutrophils at rest; empty where nobody counts them."""
    toxins: s.Floats
    toxin_inputs: s.Floats
    immature_kill_share: float
    settings: s.Floats


def _drugs_of(arm: ResolvedArm, protocol: ResolvedProtocol) -> dict[str, Senolytic | Targeted]:
    """The agents of an arm that act while they are in plasma, in the order of a patient's rows."""
    given = {o.agent: protocol.agents[o.agent] for o in arm.orders}
    return {name: agent for name, agent in given.items() if isinstance(agent, Senolytic | Targeted)}


def _toxins_of(arm: ResolvedArm, protocol: ResolvedProtocol) -> dict[str, Cytotoxic]:
    """The agents of an arm that harm the marrow, where neutrophils are counted."""
    if not protocol.counts_neutrophils:
        return {}
    given = {o.agent: protocol.agents[o.agent] for o in arm.orders}
    return {name: a for name, a in given.items() if isinstance(a, Cytotoxic) and a.marrow is not None}


def _recipe(arm: ResolvedArm, protocol: ResolvedProtocol, p53_status: str, bcl2_class: str) -> Recipe:
    gains = protocol.biology
    given = {o.agent: protocol.agents[o.agent] for o in arm.orders}
    drugs, toxins = _drugs_of(arm, protocol), _toxins_of(arm, protocol)
    effects: list[list[float]] = []
    for row, agent in enumerate(drugs.values()):
        effects += _drug_effects(row, agent, bcl2_class, gains)
    shares = [agent.immature_effect.value for agent in drugs.values() if isinstance(agent, Senolytic)]
    orders, gray = np.zeros((len(arm.orders), s.N_ORDER)), np.zeros(len(arm.orders))
    for row, order in enumerate(arm.orders):
        planned = given[order.agent]
        if isinstance(planned, Senolytic | Targeted):
            orders[row, s.DRUG], orders[row, s.AMOUNT] = list(drugs).index(order.agent), order.dose
            orders[row, s.TOXIN] = -1.0
        else:
            orders[row] = _damage_order(order, planned, p53_status, gains)
            if order.agent in toxins:
                orders[row, s.TOXIN] = list(toxins).index(order.agent)
            gray[row] = order.dose if isinstance(planned, Radiation) else 0.0
    settings = np.zeros(s.N_SETTINGS)
    settings[s.LIMIT] = protocol.detection.limit_cells
    settings[s.TOLERANCE] = protocol.numerics.tolerance
    settings[s.LONGEST] = protocol.numerics.max_step_days
    constants = [_pharmacokinetics(agent, gains) for agent in drugs.values()]
    waits = any(line[pk.LAG] > 0.0 or line[pk.INFUSION] > 0.0 for line in constants)
    return Recipe(
        drugs=np.array(constants, np.float64).reshape(-1, pk.N_DRUG),
        effects=np.array(effects, np.float64).reshape(-1, s.N_EFFECT),
        orders=orders,
        inputs=np.zeros((len(arm.orders) if waits else 0, s.N_INPUT)),
        gray=gray,
        marrow=neutrophils.marrow_at_rest() if protocol.counts_neutrophils else np.zeros(0),
        toxins=np.array([_toxin(agent, gains) for agent in toxins.values()]).reshape(-1, neutrophils.N_TOXIN),
        toxin_inputs=np.zeros((len(arm.orders) if toxins else 0, s.N_INPUT)),
        immature_kill_share=max(shares, default=0.0),
        settings=settings,
    )


class Recipes:
    """The recipes of an arm, made when they are asked for."""

    def __init__(self, arm: ResolvedArm, protocol: ResolvedProtocol) -> None:
        self.arm, self.protocol = arm, protocol
        self.world = _world(protocol.biology, protocol.cohort.focus_spread, protocol.detection.limit_cells)
        self._made: dict[tuple[Any, Any], Recipe] = {}
        self._drugs = (*_drugs_of(arm, protocol), *_toxins_of(arm, protocol))
        self._alike = all_alike(arm, protocol.agents)
        self._usual = own_kinetics(arm, protocol.agents, self._drugs, {}, None, seed=0)

    def kinetics(self, traits: Traits, patient: int | None, *, seed: int = 0, replicate: int = 0) -> OwnKinetics:
        """That of a patient; None for one without deviates of their own."""
        if (self._alike or patient is None) and not BODY_TRAITS & traits.keys():
            return self._usual
        return own_kinetics(
            self.arm, self.protocol.agents, self._drugs, traits, patient, seed=seed, replicate=replicate
        )

    def of(self, p53_status: Any, bcl2_class: Any) -> Recipe:
        """That of patients with this p53 status and BCL-2 class."""
        key = p53_status, bcl2_class
        if key not in self._made:
            self._made[key] = _recipe(self.arm, self.protocol, str(p53_status), str(bcl2_class))
        return self._made[key]

    def own(self, traits: Traits) -> tuple[Person, bool, Recipe]:
        """What `assemble` needs of one patient."""
        recipe = self.of(traits["p53_status"], traits["bcl2_class"])
        return person(traits), traits["chemo_response"] == "responsive", recipe


_recipes: dict[tuple[int, int], Recipes] = {}


def recipes_of(arm: ResolvedArm, protocol: ResolvedProtocol) -> Recipes:
    """An arm's recipes, kept while the arm lives: to work them out costs as much as a patient."""
    key = id(arm), id(protocol)
    kept = _recipes.get(key)
    if kept is None:
        if len(_recipes) >= _KEPT:
            _recipes.clear()
        # It holds both objects, so that no others can come to have their identities.
        kept = _recipes[key] = Recipes(arm, protocol)
    return kept


@compiled
def assemble(
    own: Person, responds: bool, world: World, recipe: Recipe, kinetics: OwnKinetics, rows: int, lesions_stream: int
) -> s.State:
    """The patient's arrays, before the first dose: what is typical in a recipe made their own."""
    rates = _lesion_rates(own, world)
    rates[r.IMMATURE_KILL_SHARE] = recipe.immature_kill_share
    cells, lesions, in_use = draw_lesions(own, rates, world, stream_at(lesions_stream))
    drugs = recipe.drugs.copy()
    for d in range(drugs.shape[0]):
        volume = kinetics.volume[d]
        drugs[d, pk.ELIMINATION] *= own.drug_clearance * kinetics.clearance[d] / volume
        drugs[d, pk.PER_MG] /= volume
        drugs[d, pk.OUTWARD] /= volume
        drugs[d, pk.BACK] /= kinetics.tissue_volume[d]
    effects = recipe.effects.copy()
    for e in range(effects.shape[0]):
        if effects[e, s.ON_RATE] >= r.KILL:
            effects[e, s.VALUE] *= own.senolytic_sensitivity
    orders = recipe.orders.copy()
    resistance = scaled(own.escaper_resistance, world.gains.escaper_resistance)
    sensitivity = own.chemosensitivity if responds else 0.0
    for order in range(orders.shape[0]):
        line = orders[order]
        line[s.AMOUNT] *= kinetics.amount[order]
        if recipe.gray[order] > 0.0:
            line[s.HITS] = radiation_hits(recipe.gray[order], own.radio_alpha, own.radio_alpha_beta)
            line[s.HITS_ESCAPED] = line[s.HITS]
            line[s.CROSS] = cross_hits(1.0, 1.0, own.radio_alpha, own.radio_alpha_beta)
        elif line[s.DRUG] < 0.0:
            # Exposure is dose over clearance.
            line[s.HITS] *= sensitivity / own.drug_clearance * kinetics.exposure[order]
            line[s.HITS_ESCAPED] = line[s.HITS] / resistance
    toxins, marrow = recipe.toxins.copy(), recipe.marrow.copy()
    for t in range(toxins.shape[0]):
        row = drugs.shape[0] + t
        toxins[t, pk.ELIMINATION] *= own.drug_clearance * kinetics.clearance[row] / kinetics.volume[row]
        toxins[t, pk.PER_MG] /= kinetics.volume[row]
        toxins[t, pk.OUTWARD] /= kinetics.volume[row]
        toxins[t, pk.BACK] /= kinetics.tissue_volume[row]
    if marrow.shape[0] > 0:
        marrow[neutrophils.BASE] = kinetics.neutrophils
    settings = recipe.settings.copy()
    settings[s.BASELINE] = own.platelet_baseline
    clock = np.zeros(s.N_CLOCK)
    clock[s.IN_USE] = in_use
    around = np.zeros(s.N_HOST)
    burden = rates[r.HOST_SHARE] / host.SHARE_PER_UNIT
    around[s.BURDEN], around[s.PRODUCTION] = burden, host.resting_production(burden)
    return s.State(
        cells,
        lesions,
        clock,
        platelets_of(own.platelet_baseline),
        np.zeros((drugs.shape[0], N_AMOUNTS)),
        rates,
        drugs,
        effects,
        around,
        np.zeros(drugs.shape[0]),
        orders,
        recipe.inputs.copy(),
        marrow,
        toxins,
        np.zeros((toxins.shape[0], N_AMOUNTS)),
        recipe.toxin_inputs.copy(),
        settings,
        np.zeros((rows, s.N_TRACE)),
    )


def prepare(
    traits: Traits,
    arm: ResolvedArm,
    protocol: ResolvedProtocol,
    rng: np.random.Generator,
    *,
    kinetics: OwnKinetics | None = None,
    traced: bool = False,
) -> s.State:
    """The patient at randomisation, before the first dose.

    ``rng`` draws the lesions; it must be the patient's own stream and hold nothing of the arm. ``kinetics`` None: those
    of a patient with these traits and no deviates of their own.
    """
    recipes = recipes_of(arm, protocol)
    whose, responds, recipe = recipes.own(traits)
    kinetics = recipes.kinetics(traits, None) if kinetics is None else kinetics
    rows = TRACE_ROWS if traced else 0
    return assemble(whose, responds, recipes.world, recipe, kinetics, rows, address_of(rng))
