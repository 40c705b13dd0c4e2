"""One lesion as a reaction network: species, parameters, reactions.

This is the third account of the biology, beside the kernel and its exact twin, and it is written from docs/model.md
and from neither of them, so that a simulator of others (`trialsim.biology.sbml`) can say whether all three agree.

Rate laws are infix formulas as SBML Level 3 reads them; a number is followed by its unit. A law's value is in events
per day.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.spec.agents import INDUCERS
from trialsim.structured import Counts

#: Units of parameters and definitions.
PER_DAY, DIMENSIONLESS, CELLS, DAYS = "per_day", "dimensionless", "item", "day"

#: Ids of quantities that follow from the counts (sections 7.2, 7.4 and 7.5 of docs/model.md).
TOTAL, CROWDING, LOAD = "total_cells", "crowding_factor", "sasp_load"
#: The infiltrate of immune cells: the species that counts it, and its units per unit of the load.
INFILTRATE, UNITS_PER_LOAD = "infiltrate", 1000
_ONE_CELL = "one_cell"
_LEVEL, _SHARE, _KILLING, _CLEARING = "infiltrate_level", "senescent_share", "immune_killing", "clearing"

_PLOIDIES, _RESPONSES, _AGES = ("diploid", "polyploid"), ("sensitive", "resistant"), ("immature", "mature", "competent")
_REVERSIBLE = ("cell_cycle", "enzalutamide")


@dataclass(frozen=True)
class Species:
    """A population of the lesion and its cells at the start."""

    id: str
    name: str
    count: int


@dataclass(frozen=True)
class Parameter:
    """A constant. ``unit`` is ``per_day``, ``day``, ``dimensionless`` or ``item`` (cells)."""

    id: str
    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Definition:
    """A quantity that follows from the others at every moment."""

    id: str
    name: str
    unit: str
    formula: str


@dataclass(frozen=True)
class Reaction:
    """Cells that go in, cells that come out (by species id), and the law: events per day.

    Where ``needs`` names species, the law is 0 as long as all of them are empty.
    """

    id: str
    name: str
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    law: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A lesion's reactions, without those that cannot happen from the counts it starts with."""

    species: tuple[Species, ...]
    parameters: tuple[Parameter, ...]
    definitions: tuple[Definition, ...]
    reactions: tuple[Reaction, ...]
    left_out: tuple[str, ...]
    """Rates that are at work and that no reaction stands for, by their names in `trialsim.biology.rates`."""


def lesion_network(cells: Counts, rates: r.Rates, infiltrate: float = 0.0) -> Network:
    """The network of one lesion, alone in its patient, under constant rates.

    ``cells`` are the counts at the start, one per population; ``rates`` those of the lesion, without a drug or, with
    hazards of killing in them, at a constant exposure; ``infiltrate`` that of immune cells at the start. The host's
    part in the secretome's load is constant. Mass action everywhere, but for

    * what the load of the secretome and the infiltrate change, which are definitions that laws read;
    * division, whose rate falls as the lesion fills up, b(n) = b + (f(n) - 1) r, where crowding is on;
    * waking, one reaction that turns all dormant cells into cycling ones: N dormant -> N awakened with the law
      w x dormant / N, which is w until the lesion wakes and 0 after. Dormant cells neither divide nor die, so N, their
      number at the start, is their number until then;
    * the infiltrate, which in the model has no noise: it is a species of `UNITS_PER_LOAD` units per unit of the load,
      born at load x units / time constant and dying at 1 / time constant each, so that its mean is that of the model
      and its noise some hundredths of it. Where nothing reads it, it is left out.
    """
    start = {p.names()[at]: int(count) for at, count in enumerate(cells)}
    possible = [*_proliferation(rates), *_senescence(rates), *_waking(rates, start["dormant"]), *_infiltration(rates)]
    reached = _reachable({_id(name) for name, count in start.items() if count > 0}, possible)
    species = [Species(_id(name), name, count) for name, count in start.items() if _id(name) in reached]
    reactions = tuple(reaction for reaction in possible if _can_happen(reaction, reached))
    definitions = _read_by(reactions, list(_definitions(rates, reached)))
    if _LEVEL in {definition.id for definition in definitions}:
        species.append(Species(INFILTRATE, "infiltrate of immune cells", round(UNITS_PER_LOAD * infiltrate)))
    used = _words([*(reaction.law for reaction in reactions), *(definition.formula for definition in definitions)])
    parameters = tuple(parameter for parameter in _parameters(rates, start["dormant"]) if parameter.id in used)
    return Network(tuple(species), parameters, definitions, reactions, _left_out(rates))


def population_ids() -> tuple[str, ...]:
    """The species id that each population has in a network, in index order."""
    return tuple(_id(name) for name in p.names())


def _id(name: str) -> str:
    return name.replace(" ", "_")


def _inputs(reaction: Reaction) -> set[str]:
    return {species for species, _ in reaction.inputs}


def _can_happen(reaction: Reaction, reached: set[str]) -> bool:
    return _inputs(reaction) <= reached and (not reaction.needs or not reached.isdisjoint(reaction.needs))


def _reachable(present: set[str], reactions: list[Reaction]) -> set[str]:
    """Species that have cells at the start or that some chain of reactions can give cells to."""
    reached = set(present)
    while True:
        more = {species for x in reactions if _can_happen(x, reached) for species, _ in x.outputs} - reached
        if not more:
            return reached
        reached |= more


def _words(formulas: list[str]) -> set[str]:
    return {word for formula in formulas for word in formula.replace("(", " ").replace(")", " ").split()}


def _read_by(reactions: tuple[Reaction, ...], definitions: list[Definition]) -> tuple[Definition, ...]:
    """The definitions that the laws read, and those that these read; each stands after what it reads."""
    used = _words([reaction.law for reaction in reactions])
    for definition in reversed(definitions):
        if definition.id in used:
            used |= _words([definition.formula])
    return tuple(definition for definition in definitions if definition.id in used)


def _move(
    verb: str, source: str, target: str | None, law: str, tail: str = "", needs: tuple[str, ...] = ()
) -> Reaction:
    """One cell leaves ``source``, for ``target`` or for good; ``law`` is the rate per cell."""
    a, b = _id(source), None if target is None else _id(target)
    name = f"{verb}: {source}" + ("" if target is None else f" -> {target}")
    outputs = () if b is None else ((b, 1),)
    return Reaction(f"{verb}_{a}{tail}", name, ((a, 1),), outputs, f"{law} * {a}", needs)


def _at_load(rates: r.Rates, rate: str, effect: str, name: str) -> str:
    """A rate, times 1 + effect x load where the load has that effect."""
    loaded = getattr(rates, effect) != 0.0 and rates.sasp_intensity > 0.0
    return f"{rate} * ( 1 dimensionless + {name} * {LOAD} )" if loaded else rate


def _is_crowded(rates: r.Rates) -> bool:
    return bool(rates.crowding > 0.0 and math.isfinite(rates.capacity))


def _growth_factor(rates: r.Rates) -> str:
    """Factor on net growth of crowding, drugs and load, against the lesion at rest; empty where it is always 1."""
    factors = [CROWDING] if _is_crowded(rates) else []
    if rates.growth != 1.0:
        factors.append("drug_growth_factor")
    if rates.sasp_growth != 0.0 and rates.sasp_intensity > 0.0:
        factors.append(f"( 1 dimensionless + sasp_growth * {LOAD} )")
    if rates.growth_at_rest != 1.0:
        return " * ".join(factors or ["1 dimensionless"]) + " / growth_at_rest"
    return " * ".join(factors)


def _proliferation(rates: r.Rates) -> Iterator[Reaction]:
    """Sections 7.1 to 7.6: cycling and escaped cells divide, die, are killed, seed and arrest."""
    origins = [(f"cycling {origin}", "", "birth", "death", "net") for origin in ("residual", "awakened", "seeded")]
    escaped = [
        (f"escaped {inducer} {response}", "escaped_", "escaped_birth", "escaped_death", "escaped_net")
        for inducer in INDUCERS
        for response in _RESPONSES
    ]
    factor = _growth_factor(rates)
    for name, kind, birth, death, net in origins + escaped:
        own = _id(name)
        per_cell = f"{kind}birth_rate"
        if factor and getattr(rates, net) != 0.0:
            per_cell = f"( {kind}birth_rate + ( {factor} - 1 dimensionless ) * {kind}net_growth )"
        if getattr(rates, birth) > 0.0:
            yield Reaction(f"divide_{own}", f"divide: {name}", ((own, 1),), ((own, 2),), f"{per_cell} * {own}")
        if getattr(rates, death) > 0.0:
            yield _move("die", name, None, f"{kind}death_rate")
        if rates.kill_cycling > 0.0:
            yield _move("kill", name, None, "kill_rate_cycling")
        if rates.immune_kill > 0.0:
            yield _move("attack", name, None, _KILLING if rates.sasp_immune > 0.0 else "immune_kill_rate")
        if rates.seeding > 0.0:
            yield _move("seed", name, None, _at_load(rates, "seeding_rate", "sasp_seeding", "sasp_seeding"))
        yield from _arrests(name, rates)


def _arrests(name: str, rates: r.Rates) -> Iterator[Reaction]:
    """Sections 7.3 and 7.5: senescence of a cycling or escaped cell, by what makes it senescent."""
    if rates.spontaneous_rate > 0.0:
        yield from _arrest("arrest", name, "spontaneous", "arrest_rate", rates)
    for at, inducer in enumerate(INDUCERS):
        if rates.driven_arrest[at] > 0.0:
            yield from _arrest("drive", name, inducer, f"stream_{inducer}", rates, tail=f"_{inducer}")
    if rates.sasp_arrest <= 0.0 or rates.sasp_intensity <= 0.0:
        return
    # The rate c a falls to each source in proportion to its part of the share p; c a x part / p has no 0/0.
    per_share = f"paracrine_rate * 2 dimensionless * sasp_intensity / ( {_SHARE} + half_share )"
    for at, inducer in enumerate(INDUCERS):
        if rates.weight[at] > 0.0:
            law = f"{per_share} * share_{inducer}"
            needs = _secreting(inducer)
            yield from _arrest("persuade", name, inducer, law, rates, tail=f"_by_{inducer}", needs=needs)
    if rates.host_share > 0.0:
        yield from _arrest("persuade", name, "spontaneous", f"{per_share} * host_share", rates, tail="_by_host")


def _arrest(
    verb: str, name: str, inducer: str, law: str, rates: r.Rates, tail: str = "", needs: tuple[str, ...] = ()
) -> Iterator[Reaction]:
    """One way to arrest, by the ploidy and the response of what the cell turns into."""
    polyploid = rates.polyploid_share
    resistant = 1.0 if name.endswith("resistant") else rates.resistant_share
    ploidies = (" * ( 1 dimensionless - polyploid_share )", 1.0 - polyploid), (" * polyploid_share", polyploid)
    responses = (" * ( 1 dimensionless - resistant_share )", 1.0 - resistant), (" * resistant_share", resistant)
    if resistant in (0.0, 1.0):
        responses = ("", 1.0 - resistant), ("", resistant)
    for ploidy, (part, share) in zip(_PLOIDIES, ploidies, strict=True):
        for response, (other_part, other_share) in zip(_RESPONSES, responses, strict=True):
            if share * other_share > 0.0:
                target = f"senescent {inducer} {ploidy} {response} immature"
                yield _move(
                    verb, name, target, law + part + other_part, tail=f"{tail}_{ploidy}_{response}", needs=needs
                )


def _secreting(inducer: str) -> tuple[str, ...]:
    """The species of one inducer that secrete: mature and competent cells (7.4)."""
    return tuple(
        f"senescent_{inducer}_{ploidy}_{response}_{age}"
        for ploidy in _PLOIDIES
        for response in _RESPONSES
        for age in _AGES[1:]
    )


def _senescence(rates: r.Rates) -> Iterator[Reaction]:
    """Section 7.7: senescent cells ripen, are cleared or killed, revert; competent ones escape."""
    clearing = _CLEARING if rates.sasp_clearance != 0.0 else "clearance_rate"
    for at, inducer in enumerate(INDUCERS):
        for ploidy in _PLOIDIES:
            escapes = ploidy == "polyploid" or rates.diploid_escape > 0.0
            escape = "escape_rate" if ploidy == "polyploid" else "diploid_escape * escape_rate"
            for response in _RESPONSES:
                stages = [f"senescent {inducer} {ploidy} {response} {age}" for age in _AGES]
                immature, mature, competent = stages
                if rates.maturation > 0.0:
                    yield _move("mature", immature, mature, "maturation_rate")
                if escapes and rates.competence > 0.0:
                    yield _move("ripen", mature, competent, "competence_rate")
                if escapes and rates.escape > 0.0:
                    yield from _escapes(competent, inducer, response, escape, rates)
                if inducer in _REVERSIBLE and rates.reversal > 0.0:
                    yield from (_move("revert", stage, "cycling residual", "reversal_rate") for stage in stages)
                if rates.clearance > 0.0:
                    yield from (_move("clear", stage, None, clearing) for stage in stages)
                if response == "sensitive" and rates.senolytic_kill[at] > 0.0:
                    kill = f"kill_rate_{inducer}"
                    if rates.immature_kill_share > 0.0:
                        yield _move("kill", immature, None, f"immature_kill_share * {kill}")
                    yield from (_move("kill", stage, None, kill) for stage in (mature, competent))


def _escapes(competent: str, inducer: str, response: str, law: str, rates: r.Rates) -> Iterator[Reaction]:
    """Section 7.7, and 7.11: where resistance is latent, an escaping cell that counts as sensitive may be resistant."""
    if response == "sensitive" and rates.latent_resistance > 0.0:
        hidden = f"latent_resistance * {law}"
        yield _move("escape", competent, f"escaped {inducer} resistant", hidden, tail="_resistant")
        law = f"( 1 dimensionless - latent_resistance ) * {law}"
    yield _move("escape", competent, f"escaped {inducer} {response}", law)


def _waking(rates: r.Rates, dormant: int) -> Iterator[Reaction]:
    """Section 7.9: the lesion wakes as a whole, the sooner the greater the load."""
    if rates.wake > 0.0 and dormant > 0:
        cells = (("dormant", dormant),), (("cycling_awakened", dormant),)
        law = _at_load(rates, "waking_rate", "sasp_waking", "sasp_waking")
        yield Reaction("wake", "wake: the whole lesion", *cells, f"{law} * dormant / dormant_at_start")


def _is_infiltrated(rates: r.Rates) -> bool:
    """Whether anything hangs on the infiltrate."""
    suppressed = rates.immune_kill > 0.0 and rates.sasp_immune > 0.0
    return bool(suppressed or (rates.clearance > 0.0 and rates.sasp_clearance != 0.0))


def _infiltration(rates: r.Rates) -> Iterator[Reaction]:
    """Section 7.5: the infiltrate follows the load."""
    if _is_infiltrated(rates):
        one = ((INFILTRATE, 1),)
        if rates.sasp_intensity > 0.0:
            law = f"{LOAD} * units_per_load / infiltration_time"
            yield Reaction("infiltrate_comes", "infiltrate: comes", (), one, law)
        yield Reaction("infiltrate_goes", "infiltrate: goes", one, (), f"{INFILTRATE} / infiltration_time")


def _definitions(rates: r.Rates, reached: set[str]) -> Iterator[Definition]:
    """Every quantity that a law may read, each after what it reads itself.

    An empty lesion, in which neither a share nor a logarithm exists, counts as one cell: nothing happens in it.
    """
    populations = [id_ for id_ in population_ids() if id_ in reached]
    yield Definition(TOTAL, "all cells of the lesion", CELLS, " + ".join(populations))
    at_least_one = f"max( {_ONE_CELL} , {TOTAL} )"
    filled = f"ln( carrying_capacity / {at_least_one} ) / ln( carrying_capacity / reference_burden )"
    law = f"1 dimensionless + crowding_strength * ( max( 0 dimensionless , {filled} ) - 1 dimensionless )"
    name = "net growth as a multiple of that at the reference burden (Gompertz)"
    yield Definition(CROWDING, name, DIMENSIONLESS, f"max( 0 dimensionless , {law} )")
    shares = []
    for at, inducer in enumerate(INDUCERS):
        cells = [id_ for id_ in _secreting(inducer) if id_ in reached]
        if cells and rates.weight[at] > 0.0:
            weight = f"weight_{inducer}"
            if inducer == "radiation" and rates.sasp_f3 != 0.0:
                weight += " * ( 1 dimensionless + sasp_f3 )"
            shares.append(f"share_{inducer}")
            name = f"weighted share of cells that secrete ({inducer})"
            formula = f"{weight} * ( {' + '.join(cells)} ) / {at_least_one}"
            yield Definition(shares[-1], name, DIMENSIONLESS, formula)
    if rates.host_share > 0.0 or not shares:
        shares.append("host_share")
    yield Definition(_SHARE, "weighted share of senescent neighbours", DIMENSIONLESS, " + ".join(shares))
    saturating = f"sasp_intensity * 2 dimensionless * {_SHARE} / ( {_SHARE} + half_share )"
    yield Definition(LOAD, "load of the secretome (SASP)", DIMENSIONLESS, saturating)
    yield Definition(_LEVEL, "infiltrate, in units of the load", DIMENSIONLESS, f"{INFILTRATE} / units_per_load")
    spared = f"1 dimensionless - sasp_immunosuppression * {_LEVEL} / ( 1 dimensionless + {_LEVEL} )"
    yield Definition(_KILLING, "immune killing, suppressed", PER_DAY, f"immune_kill_rate * ( {spared} )")
    recruited = f"clearance_rate * ( 1 dimensionless + sasp_clearance * {_LEVEL} )"
    yield Definition(_CLEARING, "clearance, with what the secretome recruits", PER_DAY, recruited)


def _parameters(rates: r.Rates, dormant: int) -> Iterator[Parameter]:
    """Every parameter that a law may name."""
    for id_, name, rate in (
        ("birth_rate", "division of a cycling cell", "birth"),
        ("death_rate", "death of a cycling cell", "death"),
        ("net_growth", "net growth of cycling cells, all losses in it, in a lesion at rest", "net"),
        ("escaped_birth_rate", "division of an escaped cell", "escaped_birth"),
        ("escaped_death_rate", "death of an escaped cell", "escaped_death"),
        ("escaped_net_growth", "net growth of escaped cells, all losses in it, in a lesion at rest", "escaped_net"),
        ("arrest_rate", "spontaneous senescence of a cycling or escaped cell", "spontaneous_rate"),
        ("paracrine_rate", "paracrine senescence of a cycling or escaped cell at load 1", "sasp_arrest"),
        ("immune_kill_rate", "immune killing of a cycling or escaped cell, unsuppressed", "immune_kill"),
        ("seeding_rate", "cells that leave to found foci, per cycling or escaped cell, without load", "seeding"),
        ("maturation_rate", "immature to mature", "maturation"),
        ("competence_rate", "mature to competent", "competence"),
        ("clearance_rate", "removal of a senescent cell", "clearance"),
        ("escape_rate", "competent senescent to escaped", "escape"),
        ("reversal_rate", "reversibly senescent to cycling", "reversal"),
        ("waking_rate", "waking of the dormant lesion as a whole, without load", "wake"),
        ("kill_rate_cycling", "senolytic or targeted killing of a cycling or escaped cell", "kill_cycling"),
    ):
        yield Parameter(id_, name, float(getattr(rates, rate)), PER_DAY)
    for at, inducer in enumerate(INDUCERS):
        name = f"senolytic killing of a mature, sensitive senescent cell ({inducer})"
        yield Parameter(f"kill_rate_{inducer}", name, float(rates.senolytic_kill[at]), PER_DAY)
        name = f"senescence of a cycling or escaped cell that a drug drives ({inducer})"
        yield Parameter(f"stream_{inducer}", name, float(rates.driven_arrest[at]), PER_DAY)
        name = f"what a mature senescent cell secretes, against a fibroblast of the stroma ({inducer})"
        yield Parameter(f"weight_{inducer}", name, float(rates.weight[at]), DIMENSIONLESS)
    for id_, name, rate in (
        ("immature_kill_share", "part of the senolytic hazard that immature cells feel", "immature_kill_share"),
        ("diploid_escape", "escape of diploid cells, against polyploid ones", "diploid_escape"),
        ("polyploid_share", "polyploid part of newly senescent cells", "polyploid_share"),
        ("resistant_share", "senolytic-resistant part of newly senescent cells", "resistant_share"),
        (
            "latent_resistance",
            "senolytic-resistant part of senescent cells that count as sensitive",
            "latent_resistance",
        ),
        ("crowding_strength", "strength of crowding: 1 Gompertz, 0 none", "crowding"),
        ("drug_growth_factor", "factor on net growth that drugs set", "growth"),
        ("growth_at_rest", "what the load makes of net growth in a lesion at rest (fold)", "growth_at_rest"),
        ("sasp_intensity", "multiplier of the load", "sasp_intensity"),
        ("host_share", "share of senescent neighbours that the host's stroma stands for", "host_share"),
        ("sasp_growth", "net growth at load 1: fold less 1", "sasp_growth"),
        ("sasp_seeding", "seeding at load 1: fold less 1", "sasp_seeding"),
        ("sasp_waking", "waking at load 1: fold less 1", "sasp_waking"),
        ("sasp_clearance", "clearance at infiltrate 1: fold less 1", "sasp_clearance"),
        ("sasp_immunosuppression", "largest part of immune killing that is suppressed", "sasp_immune"),
        ("sasp_f3", "weight of radiation-induced cells through their F3 state: fold less 1", "sasp_f3"),
    ):
        yield Parameter(id_, name, float(getattr(rates, rate)), DIMENSIONLESS)
    yield Parameter(
        "half_share", "share of senescent neighbours at which the load is half its largest", 0.1, DIMENSIONLESS
    )
    time = float(rates.infiltration_time)
    yield Parameter("infiltration_time", "time constant with which immune cells follow the load", time, DAYS)
    yield Parameter("units_per_load", "units of infiltrate per unit of the load", float(UNITS_PER_LOAD), CELLS)
    yield Parameter("carrying_capacity", "cells at which growth ends", float(rates.capacity), CELLS)
    yield Parameter("reference_burden", "cells at which the rates above hold", float(rates.reference), CELLS)
    yield Parameter(_ONE_CELL, "one cell", 1.0, CELLS)
    yield Parameter("dormant_at_start", "dormant cells at the start, as a number", float(dormant), DIMENSIONLESS)


#: Rates that act on nothing in a lesion: on damage at a dose, and on the host's own senescent cells.
_ELSEWHERE = {"damage_odds", "host_kill"}


def _left_out(rates: r.Rates) -> tuple[str, ...]:
    """Rates that differ from those of a quiet lesion and that nothing here reads."""
    quiet = r.quiet_rates()
    changed = [name for name in r.Rates.__annotations__ if np.any(getattr(rates, name) != getattr(quiet, name))]
    return tuple(name for name in changed if name not in _READ and name not in _ELSEWHERE)


#: The rates that a reaction, a definition or a parameter above reads.
_READ = {
    *("birth", "death", "net", "escaped_birth", "escaped_death", "escaped_net", "growth", "spontaneous_rate"),
    *("maturation", "competence", "clearance", "escape", "diploid_escape", "reversal", "polyploid_share"),
    *("resistant_share", "latent_resistance", "wake", "kill_cycling", "immature_kill_share", "capacity"),
    *("reference", "crowding", "immune_kill", "seeding", "sasp_intensity", "host_share", "sasp_growth"),
    *("sasp_seeding", "sasp_waking", "sasp_immune", "sasp_arrest", "sasp_clearance", "sasp_f3", "growth_at_rest"),
    *("infiltration_time", "weight", "driven_arrest", "senolytic_kill"),
}
