"""From traits, an arm and a protocol to a patient at randomisation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from trialsim.biology import host
from trialsim.biology import rates as r
from trialsim.biology.rates import Target
from trialsim.biology.secretome import load_secretome
from trialsim.chance.stream import Stream, short_seed, start
from trialsim.compiling import allocating, compiled
from trialsim.patient import state as s
from trialsim.patient.kinetics import BODY_TRAITS, OwnKinetics, all_alike, own_kinetics
from trialsim.patient.markers import draw_errors, make_assays, make_panels
from trialsim.patient.plan import Mover, Plan, make_plan
from trialsim.patient.state import counted_view
from trialsim.patient.untreated import (
    Person,
    World,
    chosen_gains,
    draw_foci,
    draw_lesions,
    person,
    scaled,
    set_lesion_rates,
)
from trialsim.records import Traits
from trialsim.rng import Purpose
from trialsim.spec.agents import INDUCERS, Cytotoxic, Pharmacokinetics, Radiation, Senolytic, Targeted
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol
from trialsim.structured import Bytes, Floats, Rows, as_bytes, dtype_of, named, one, rows
from trialsim.treatment.damage import chemotherapy_hits, cross_hits, radiation_hits
from trialsim.treatment.fate import fate_shares
from trialsim.treatment.neutrophils import set_marrow_at_rest
from trialsim.treatment.pharmacology import Drug
from trialsim.treatment.platelets import set_at_rest
from trialsim.treatment.toxic_death import draw_outlived

T = TypeVar("T")

#: What compiled code makes arrays of.
_STREAM, _RATES = dtype_of(Stream), dtype_of(r.Rates)
#: Rows of the trace of one patient; the kernel stops writing when they are full.
TRACE_ROWS = 8192
#: The reference fraction of radiation, Gy, against which a fate's dose shift is counted.
_REFERENCE_GRAY = 2.0
#: Age (years) of the typical host in which waking, and clearance in tumours, were measured (assumed; Willis 2010 for
#: waking).
_WAKING_MEASURED_AT = _CLEARANCE_MEASURED_AT = 60.0
#: Arms whose recipes are kept.
_KEPT = 16


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
    """The lesion rates of a patient without any drug (`trialsim.patient.untreated.set_lesion_rates`)."""
    rates = one(r.Rates)
    set_lesion_rates(rates, person(traits), _world(gains, 1.0, math.inf))
    return rates


def _drug(agent: Senolytic | Targeted, gains: Mapping[str, float]) -> Drug:
    """A drug in a patient of typical clearance."""
    drug = one(Drug)
    _set_kinetics(drug, agent.pk)
    drug.ec50 = agent.ec50.value
    drug.hill = agent.hill.value if agent.hill is not None else 1.0
    if isinstance(agent, Senolytic) and agent.platelets is not None:
        drug.platelet_emax = agent.platelets.emax.value * gains["toxicity"]
        drug.platelet_ec50 = agent.platelets.ec50.value
    return drug


def _toxin(agent: Cytotoxic, gains: Mapping[str, float]) -> Drug:
    """What harms the marrow."""
    assert agent.pk is not None
    assert agent.marrow is not None
    toxin = one(Drug)
    _set_kinetics(toxin, agent.pk)
    toxin.marrow_slope = agent.marrow.slope.value * gains["toxicity"]
    return toxin


def _set_kinetics(drug: Drug, kinetics: Pharmacokinetics) -> None:
    volume = kinetics.volume.value
    drug.absorption = 24.0 * kinetics.absorption.value if kinetics.absorption is not None else 0.0
    drug.elimination = 24.0 * kinetics.clearance.value / volume
    drug.per_mg = 1000.0 / (kinetics.molar_mass.value * volume)
    if kinetics.exchange is not None and kinetics.tissue_volume is not None:
        drug.outward = 24.0 * kinetics.exchange.value / volume
        drug.back = 24.0 * kinetics.exchange.value / kinetics.tissue_volume.value
    drug.lag = kinetics.lag.value / 24.0 if kinetics.lag is not None else 0.0
    drug.infusion = kinetics.infusion.value / 24.0 if kinetics.infusion is not None else 0.0


def _senolytic_hazards(
    agent: Senolytic, bcl2_class: str, gains: Mapping[str, float]
) -> Iterator[tuple[Target, int, float]]:
    """Hazards per day at full effect, by target and inducer, in a patient of typical sensitivity."""
    emax = agent.emax.value * gains["senolytic_kill"]
    by_class: Mapping[str, float] = {k: v.value for k, v in agent.effect_by_class.items()}
    own = emax * by_class[bcl2_class]
    by_inducer: Mapping[str, float] = {k: v.value for k, v in agent.effect_by_inducer.items()}
    mean = sum(by_inducer.values()) / len(by_inducer)
    specific = gains["inducer_specificity"]
    for at, inducer in enumerate(INDUCERS):
        yield Target.SENOLYTIC_KILL, at, own * max(0.0, mean + specific * (by_inducer[inducer] - mean))
    yield Target.KILL_CYCLING, 0, emax * agent.cycling_effect.value
    yield Target.HOST_KILL, 0, emax * agent.host_effect.value


#: The rate that each target of a targeted agent multiplies.
_TARGETS = {
    "growth": Target.GROWTH,
    "immune_killing": Target.IMMUNE_KILL,
    "escape": Target.ESCAPE,
    "reversal": Target.REVERSAL,
    "damage_senescence": Target.DAMAGE_ODDS,
    "sasp.growth": Target.SASP_GROWTH,
    "sasp.seeding": Target.SASP_SEEDING,
    "sasp.immune": Target.SASP_IMMUNE,
    "sasp.arrest": Target.SASP_ARREST,
    "sasp.clearance": Target.SASP_CLEARANCE,
    "sasp.waking": Target.SASP_WAKING,
    "sasp.f3": Target.SASP_F3,
}


def _effects(row: int, agent: Senolytic | Targeted, bcl2_class: str, gains: Mapping[str, float]) -> list[s.Effect]:
    """What a drug does to the lesion's rates; what does nothing is left out."""
    hazards: list[tuple[Target, int, float]] = []
    folds: list[tuple[Target, float]] = []
    if isinstance(agent, Senolytic):
        hazards += _senolytic_hazards(agent, bcl2_class, gains)
    else:
        folds += [(_TARGETS[k], scaled(v.value, gains["modulation"])) for k, v in agent.effects.items()]
        if agent.kill is not None:
            hazards.append((Target.KILL_CYCLING, 0, agent.kill.value))
        if agent.senescence is not None:
            driven = agent.senescence.rate.value * gains["targeted_senescence"]
            hazards.append((Target.DRIVEN_ARREST, INDUCERS.index(agent.senescence.inducer), driven))
    lines = [(target, inducer, True, hazard) for target, inducer, hazard in hazards if hazard > 0.0]
    lines += [(target, 0, False, fold) for target, fold in folds if fold != 1.0]
    out = []
    for target, inducer, is_hazard, value in lines:
        effect = one(s.Effect)
        effect.drug, effect.target, effect.inducer, effect.is_hazard, effect.value = (
            row, target, inducer, is_hazard, value,
        )  # fmt: skip
        out.append(effect)
    return out


def _damage_order(
    order: Order, agent: Cytotoxic | Radiation, p53_status: str, gains: Mapping[str, float]
) -> s.OrderState:
    """A damaging order; hits are those of a patient of typical clearance and sensitivity."""
    line = one(s.OrderState)
    line.drug = line.toxin = -1
    line.amount = order.dose
    shares = fate_shares(agent.fates, p53_status, steering=gains["p53_steering"])
    if isinstance(agent, Radiation):
        relative = order.dose / _REFERENCE_GRAY
        line.gray = order.dose
        if agent.repair_half_time is not None:
            line.repair = 24.0 * math.log(2.0) / agent.repair_half_time.value
        line.senescence_gain = gains["radiation_senescence"]
    else:
        relative = order.dose / agent.reference_dose.value
        line.hits = chemotherapy_hits(agent.log_kill.value, relative, 1.0) * (1.0 - shares.repair)
        line.senescence_gain = gains["chemo_senescence"]
    line.relative = relative
    if agent.host_damage is not None:
        line.host_damage = agent.host_damage.value * relative * gains["host_senescence"]
    line.odds = shares.senescence / (1.0 - shares.senescence)
    line.shift = agent.fates.death_shift.value
    line.inducer = INDUCERS.index(agent.inducer)
    line.local_only = order.field == "local"
    return line


class Recipe(NamedTuple):
    """An arm of a protocol as numbers, for the patients of one p53 status and one BCL-2 class."""

    body: Rows[s.Body]
    """One row: settings."""
    drugs: Rows[Drug]
    toxins: Rows[Drug]
    effects: Rows[s.Effect]
    orders: Rows[s.OrderState]
    panels: Rows[s.PanelOfGuide]
    assays: Rows[s.Assay]
    immature_kill_share: float


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


def _together(kind: type[T], made: Sequence[T]) -> Rows[T]:
    """Records as rows of an array."""
    out = rows(kind, len(made))
    for at, row in enumerate(made):
        out[at] = row
    return out


def _set_body(body: s.Body, protocol: ResolvedProtocol) -> None:
    """The settings of a protocol, and what has not happened yet."""
    body.limit, body.scan_error = protocol.detection.limit_cells, scan_error(protocol)
    body.tolerance, body.longest_step = protocol.numerics.tolerance, protocol.numerics.max_step_days
    body.counts_neutrophils, body.is_lethal = protocol.counts_neutrophils, protocol.pharmacology.is_lethal
    body.looks_ahead_to = math.inf
    for counted in ("platelets", "platelets_on", "neutrophils", "neutrophils_on"):
        setattr(body.counts, counted, math.nan)
    outcome = body.outcome
    outcome.relapse = outcome.latent = outcome.cells = outcome.toxic_death = math.nan
    outcome.platelet_nadir = outcome.neutrophil_nadir = outcome.first_dose = outcome.last_dose = math.nan
    outcome.true_platelet_nadir = outcome.true_neutrophil_nadir = math.nan
    outcome.lesion = outcome.lineage = -1


def scan_error(protocol: ResolvedProtocol) -> float:
    """Standard deviation of the logarithm of a lesion's measured size."""
    return protocol.detection.error_sd_log10 * math.log(10.0)


def _set_rule(line: s.OrderState, arm: ResolvedArm, number: int) -> None:
    """How an order's doses follow each other: its rule, what it moves with, its panel."""
    order, rule = arm.orders[number], line.rule
    line.leader = line.mover = arm.leaders[number]
    line.guide = -1 if order.give_if is None else arm.guides.index(order.give_if)
    line.remaining, line.fraction = len(order.days), 1.0
    rule.hold_below = rule.resume_above = rule.neutrophils_hold_below = rule.neutrophils_resume_above = -math.inf
    rule.kept, rule.stop_after, rule.longest_delay = 1.0, math.inf, math.inf
    if (written := order.rule) is not None:
        rule.hold_below, rule.resume_above = written.hold_below, written.resume_above
        rule.neutrophils_hold_below = written.neutrophils_hold_below
        rule.neutrophils_resume_above = written.neutrophils_resume_above
        rule.kept, rule.stop_after = 1.0 - written.reduce_percent / 100.0, written.stop_after_holds
        rule.delay = written.delay_days
        if written.longest_delay_days is not None:
            rule.longest_delay = written.longest_delay_days


def _recipe(arm: ResolvedArm, protocol: ResolvedProtocol, p53_status: str, bcl2_class: str) -> Recipe:
    gains = protocol.biology
    drugs, toxins = _drugs_of(arm, protocol), _toxins_of(arm, protocol)
    effects: list[s.Effect] = []
    for row, agent in enumerate(drugs.values()):
        effects += _effects(row, agent, bcl2_class, gains)
    shares = [agent.immature_effect.value for agent in drugs.values() if isinstance(agent, Senolytic)]
    orders = []
    for number, order in enumerate(arm.orders):
        given = protocol.agents[order.agent]
        if isinstance(given, Senolytic | Targeted):
            line = one(s.OrderState)
            line.drug, line.toxin, line.amount = list(drugs).index(order.agent), -1, order.dose
        else:
            line = _damage_order(order, given, p53_status, gains)
            if order.agent in toxins:
                line.toxin = list(toxins).index(order.agent)
        _set_rule(line, arm, number)
        orders.append(line)
    body = rows(s.Body, 1)
    _set_body(named(body)[0], protocol)
    return Recipe(
        body=body,
        drugs=_together(Drug, [_drug(agent, gains) for agent in drugs.values()]),
        toxins=_together(Drug, [_toxin(agent, gains) for agent in toxins.values()]),
        effects=_together(s.Effect, effects),
        orders=_together(s.OrderState, orders),
        panels=make_panels(protocol, arm),
        assays=make_assays(protocol, arm),
        immature_kill_share=max(shares, default=0.0),
    )


class Recipes:
    """The recipes of an arm, made when they are asked for."""

    def __init__(self, arm: ResolvedArm, protocol: ResolvedProtocol) -> None:
        self.arm, self.protocol = arm, protocol
        self.world = _world(protocol.biology, protocol.cohort.focus_spread, protocol.detection.limit_cells)
        self._made: dict[tuple[Any, Any], Recipe] = {}
        self._drugs = (*_drugs_of(arm, protocol), *_toxins_of(arm, protocol))
        self._alike = all_alike(arm, protocol.agents)
        self.unplanned = make_plan(arm, ())
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
def _scale_kinetics(drug: Drug, clearance: float, volume: float, tissue_volume: float) -> None:
    """A drug's kinetics in a patient, against the typical one."""
    drug.elimination *= clearance / volume
    drug.per_mg /= volume
    drug.outward /= volume
    drug.back /= tissue_volume


@compiled
def _scale_order(
    order: s.OrderState, own: Person, responds: bool, world: World, amount: float, exposure: float
) -> None:
    """An order in a patient: how much it is, and how hard it hits."""
    order.amount *= amount
    if order.gray > 0.0:
        order.hits = order.hits_escaped = radiation_hits(order.gray, own.radio_alpha, own.radio_alpha_beta)
        order.cross = cross_hits(1.0, 1.0, own.radio_alpha, own.radio_alpha_beta)
    elif order.drug < 0:
        # Exposure is dose over clearance.
        order.hits *= (own.chemosensitivity if responds else 0.0) / own.drug_clearance * exposure
        order.hits_escaped = order.hits / scaled(own.escaper_resistance, world.gains.escaper_resistance)


@compiled
def _fill(target: Rows[T], source: Rows[T]) -> None:
    for at in range(source.size):
        target[at] = source[at]


class Chance(NamedTuple):
    """What a patient's chance goes by, and what of it was drawn before the first visit."""

    seed: int
    """`trialsim.chance.stream.short_seed`."""
    patient: int
    replicate: int
    outlives_neutropenia: float
    """Days of it that the patient outlives (`trialsim.treatment.toxic_death`)."""
    outlives_thrombocytopenia: float


@compiled
def _open_streams(body: s.Body, chance: Chance) -> None:
    """The patient's streams, at their beginning. The arm is in no key."""
    seed, patient, replicate = chance.seed, chance.patient, chance.replicate
    start(body.streams.cells, seed, Purpose.CELLS, patient, replicate)
    start(body.streams.scans, seed, Purpose.ASSESSMENT, patient, replicate)
    start(body.streams.laboratory, seed, Purpose.VISITS, patient, replicate)
    start(body.streams.neutrophils, seed, Purpose.NEUTROPHILS, patient, replicate)


@compiled
def _set_kinetics_of(drugs: Rows[Drug], first: int, own: Person, kinetics: OwnKinetics) -> None:
    """What is typical of drugs made the patient's own; ``first``: where they stand in ``kinetics``."""
    for d in range(drugs.size):
        clearance = own.drug_clearance * kinetics.clearance[first + d]
        _scale_kinetics(drugs[d], clearance, kinetics.volume[first + d], kinetics.tissue_volume[first + d])


@allocating
def assemble(
    own: Person,
    responds: bool,
    world: World,
    body_row: Rows[s.Body],
    drug_rows: Rows[Drug],
    toxin_rows: Rows[Drug],
    effect_rows: Rows[s.Effect],
    order_rows: Rows[s.OrderState],
    panel_rows: Rows[s.PanelOfGuide],
    assay_rows: Rows[s.Assay],
    immature_kill_share: float,
    clearance: Floats,
    volume: Floats,
    tissue_volume: Floats,
    amount: Floats,
    exposure: Floats,
    neutrophils: float,
    seed: int,
    number: int,
    replicate: int,
    outlives_neutropenia: float,
    outlives_thrombocytopenia: float,
    lines: Bytes,
    movers: Rows[Mover],
    traced: int,
) -> s.Copies:
    """The patient before the first dose: what is typical in a recipe made their own.

    After the first three the parameters are the fields of `Recipe`, `OwnKinetics` and `Chance`, one by one
    (`trialsim.patient.visits.act` says why). ``traced``: rows of the trace.
    """
    recipe = Recipe(
        body_row, drug_rows, toxin_rows, effect_rows, order_rows, panel_rows, assay_rows, immature_kill_share
    )
    kinetics = OwnKinetics(clearance, volume, tissue_volume, amount, exposure, neutrophils)
    chance = Chance(seed, number, replicate, outlives_neutropenia, outlives_thrombocytopenia)
    stream, rates = np.zeros(1, _STREAM), np.zeros(1, _RATES)
    set_lesion_rates(rates[0], own, world)
    rates[0].immature_kill_share = recipe.immature_kill_share
    start(stream[0], chance.seed, Purpose.LESIONS, chance.patient, chance.replicate)
    foci, places = draw_foci(own, rates[0], stream[0])
    copies = s.make_copies(
        places,
        recipe.drugs.size,
        recipe.toxins.size,
        recipe.orders.size,
        movers.size,
        recipe.panels.size,
        recipe.assays.size,
        recipe.effects.size,
        4 * recipe.orders.size + recipe.panels.size + 8,
        traced,
        lines,
    )
    patient = counted_view(copies, s.PATIENT)
    patient.body[0] = recipe.body[0]
    body = patient.body[0]
    body.rates, body.lesions = rates[0], foci
    _open_streams(body, chance)
    draw_lesions(own, body.rates, world, patient.lesions, foci, stream[0])
    _fill(patient.drugs, recipe.drugs)
    _fill(patient.toxins, recipe.toxins)
    _fill(patient.effects, recipe.effects)
    _fill(patient.orders, recipe.orders)
    _fill(patient.movers, movers)
    _fill(patient.panels, recipe.panels)
    _fill(patient.assays, recipe.assays)
    _set_kinetics_of(patient.drugs, 0, own, kinetics)
    _set_kinetics_of(patient.toxins, recipe.drugs.size, own, kinetics)
    for e in range(patient.effects.size):
        if patient.effects[e].target == Target.SENOLYTIC_KILL:
            patient.effects[e].value *= own.senolytic_sensitivity
    for o in range(patient.orders.size):
        _scale_order(patient.orders[o], own, responds, world, kinetics.amount[o], kinetics.exposure[o])
        body.to_come += patient.orders[o].remaining
    set_at_rest(body.platelets, own.platelet_baseline)
    body.platelets.outlives = chance.outlives_thrombocytopenia
    set_marrow_at_rest(body.marrow, kinetics.neutrophils)
    if body.counts_neutrophils:
        body.marrow.outlives = chance.outlives_neutropenia
    body.host.burden = body.rates.host_share / host.SHARE_PER_UNIT
    body.host.production = host.resting_production(body.host.burden)
    return copies


def prepare(
    traits: Traits,
    arm: ResolvedArm,
    protocol: ResolvedProtocol,
    plan: Plan | None = None,
    *,
    patient: int,
    seed: int,
    replicate: int = 0,
    traced: bool = False,
) -> s.Copies:
    """A patient at randomisation, before the first dose.

    Parameters
    ----------
    plan
        Their visits (`trialsim.patient.plan`); None: none.
    patient
        Number from 1; with ``seed`` and ``replicate`` it names the patient's streams. The arm is in no key, so
        the same patient meets the same lesions and the same errors of measurement under every arm.
    traced
        Keep what the kernel passes through, for drawing. Changes nothing else.
    """
    recipes = recipes_of(arm, protocol)
    whose, responds, recipe = recipes.own(traits)
    plan = recipes.unplanned if plan is None else plan
    neutropenic, thrombocytopenic = draw_outlived(protocol.pharmacology, patient, seed=seed, replicate=replicate)
    made = assemble(
        whose,
        responds,
        recipes.world,
        *recipe,
        *recipes.kinetics(traits, patient, seed=seed, replicate=replicate),
        *Chance(short_seed(seed), patient, replicate, neutropenic, thrombocytopenic),
        as_bytes(plan.lines),
        plan.movers,
        TRACE_ROWS if traced else 0,
    )
    if arm.guides:
        errors = draw_errors(protocol, arm, patient, seed=seed, replicate=replicate)
        s.view_in_python(made, s.PATIENT).assays["error"] = errors
    if plan.queued:
        # Each order, with what belongs to it, moves by itself.
        s.view_in_python(made, s.PATIENT).orders["mover"] = range(len(arm.orders))
    return made
