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

from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.spec.agents import INDUCERS

#: Units of parameters.
PER_DAY, DIMENSIONLESS, CELLS = "per_day", "dimensionless", "item"

#: Ids of the two quantities that follow from the counts (section 7.2 of docs/model.md).
TOTAL, CROWDING = "total_cells", "crowding_factor"
_ONE_CELL = "one_cell"

_PLOIDIES, _RESPONSES, _AGES = ("diploid", "polyploid"), ("sensitive", "resistant"), ("immature", "mature", "competent")


@dataclass(frozen=True)
class Species:
    """A population of the lesion and its cells at the start."""

    id: str
    name: str
    count: int


@dataclass(frozen=True)
class Parameter:
    """A constant. ``unit`` is ``per_day``, ``dimensionless`` or ``item`` (cells)."""

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
    """Cells that go in, cells that come out (by species id), and the law: events per day."""

    id: str
    name: str
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    law: str


@dataclass(frozen=True)
class Network:
    """A lesion's reactions, without those that cannot happen from the counts it starts with."""

    species: tuple[Species, ...]
    parameters: tuple[Parameter, ...]
    definitions: tuple[Definition, ...]
    reactions: tuple[Reaction, ...]
    left_out: tuple[str, ...]
    """Rates that are at work and that no reaction stands for, by their names in `trialsim.biology.rates`."""


def lesion_network(cells: p.Counts, rates: r.Rates) -> Network:
    """The network of one lesion under constant rates.

    ``cells`` are the counts at the start, one per population; ``rates`` those of the lesion, without a drug or, with
    hazards of killing in them, at a constant exposure. Mass action everywhere, but for

    * division, whose rate falls as the lesion fills up, b(n) = b + (f(n) - 1) max(0, b - d - s), where crowding is on;
    * waking, one reaction that turns all dormant cells into cycling ones: N dormant -> N awakened with the law
      w x dormant / N, which is w until the lesion wakes and 0 after. Dormant cells neither divide nor die, so N, their
      number at the start, is their number until then.
    """
    crowded = rates[r.CROWDING] > 0.0 and math.isfinite(rates[r.CAPACITY])
    start = {p.names()[at]: int(count) for at, count in enumerate(cells)}
    possible = [*_proliferation(rates, crowded), *_senescence(rates), *_waking(rates, start["dormant"])]
    reached = _reachable({_id(name) for name, count in start.items() if count > 0}, possible)
    species = tuple(Species(_id(name), name, count) for name, count in start.items() if _id(name) in reached)
    reactions = tuple(reaction for reaction in possible if _inputs(reaction) <= reached)
    definitions = tuple(_crowding_law(species)) if crowded else ()
    formulas = [*(reaction.law for reaction in reactions), *(definition.formula for definition in definitions)]
    used = {word for formula in formulas for word in formula.replace("(", " ").replace(")", " ").split()}
    parameters = tuple(parameter for parameter in _parameters(rates, start["dormant"]) if parameter.id in used)
    return Network(species, parameters, definitions, reactions, _left_out(rates))


def population_ids() -> tuple[str, ...]:
    """The species id that each population has in a network, in index order."""
    return tuple(_id(name) for name in p.names())


def _id(name: str) -> str:
    return name.replace(" ", "_")


def _inputs(reaction: Reaction) -> set[str]:
    return {species for species, _ in reaction.inputs}


def _reachable(present: set[str], reactions: list[Reaction]) -> set[str]:
    """Species that have cells at the start or that some chain of reactions can give cells to."""
    reached = set(present)
    while True:
        more = {species for x in reactions if _inputs(x) <= reached for species, _ in x.outputs} - reached
        if not more:
            return reached
        reached |= more


def _move(verb: str, source: str, target: str | None, law: str, tail: str = "") -> Reaction:
    """One cell leaves ``source``, for ``target`` or for good; ``law`` is the rate per cell."""
    a, b = _id(source), None if target is None else _id(target)
    name = f"{verb}: {source}" + ("" if target is None else f" -> {target}")
    return Reaction(f"{verb}_{a}{tail}", name, ((a, 1),), () if b is None else ((b, 1),), f"{law} * {a}")


def _proliferation(rates: r.Rates, crowded: bool) -> Iterator[Reaction]:
    """Sections 7.1, 7.2, 7.3 and 7.5: cycling and escaped cells divide, die and arrest."""
    origins = [(f"cycling {origin}", "", r.BIRTH, r.DEATH) for origin in ("residual", "awakened", "seeded")]
    escaped = [(f"escaped {inducer}", "escaped_", r.ESCAPED_BIRTH, r.ESCAPED_DEATH) for inducer in INDUCERS]
    for name, kind, birth, death in origins + escaped:
        own = _id(name)
        per_cell = f"{kind}birth_rate"
        if crowded:
            net = f"max( 0 per_day , {kind}birth_rate - {kind}death_rate - arrest_rate )"
            per_cell = f"( {kind}birth_rate + ( {CROWDING} - 1 dimensionless ) * {net} )"
        if rates[birth] > 0.0:
            yield Reaction(f"divide_{own}", f"divide: {name}", ((own, 1),), ((own, 2),), f"{per_cell} * {own}")
        if rates[death] > 0.0:
            yield _move("die", name, None, f"{kind}death_rate")
        if rates[r.KILL_CYCLING] > 0.0:
            yield _move("kill", name, None, "kill_rate_cycling")
        if rates[r.SPONTANEOUS_RATE] > 0.0:
            yield from _arrests(name, rates)


def _arrests(name: str, rates: r.Rates) -> Iterator[Reaction]:
    """Spontaneous senescence, by what the cell turns into (7.3)."""
    polyploid, resistant = rates[r.POLYPLOID_SHARE], rates[r.RESISTANT_SHARE]
    ploidies = ("1 dimensionless - polyploid_share", 1.0 - polyploid), ("polyploid_share", polyploid)
    responses = ("1 dimensionless - resistant_share", 1.0 - resistant), ("resistant_share", resistant)
    for ploidy, (part, share) in zip(_PLOIDIES, ploidies, strict=True):
        for response, (other_part, other_share) in zip(_RESPONSES, responses, strict=True):
            if share * other_share > 0.0:
                target = f"senescent spontaneous {ploidy} {response} immature"
                law = f"arrest_rate * ( {part} ) * ( {other_part} )"
                yield _move("arrest", name, target, law, tail=f"_{ploidy}_{response}")


def _senescence(rates: r.Rates) -> Iterator[Reaction]:
    """Section 7.4: senescent cells ripen, are cleared or killed; competent ones escape."""
    for at, inducer in enumerate(INDUCERS):
        for ploidy in _PLOIDIES:
            for response in _RESPONSES:
                stages = [f"senescent {inducer} {ploidy} {response} {age}" for age in _AGES]
                immature, mature, competent = stages
                if rates[r.MATURATION] > 0.0:
                    yield _move("mature", immature, mature, "maturation_rate")
                if ploidy == "polyploid" and rates[r.COMPETENCE] > 0.0:
                    yield _move("ripen", mature, competent, "competence_rate")
                if ploidy == "polyploid" and rates[r.ESCAPE] > 0.0:
                    yield _move("escape", competent, f"escaped {inducer}", "escape_rate")
                if rates[r.CLEARANCE] > 0.0:
                    yield from (_move("clear", stage, None, "clearance_rate") for stage in stages)
                if response == "sensitive" and rates[r.KILL + at] > 0.0:
                    kill = f"kill_rate_{inducer}"
                    if rates[r.IMMATURE_KILL_SHARE] > 0.0:
                        yield _move("kill", immature, None, f"immature_kill_share * {kill}")
                    yield from (_move("kill", stage, None, kill) for stage in (mature, competent))


def _waking(rates: r.Rates, dormant: int) -> Iterator[Reaction]:
    """Section 7.6: the lesion wakes as a whole."""
    if rates[r.WAKE] > 0.0 and dormant > 0:
        cells = (("dormant", dormant),), (("cycling_awakened", dormant),)
        yield Reaction("wake", "wake: the whole lesion", *cells, "waking_rate * dormant / dormant_at_start")


def _crowding_law(species: tuple[Species, ...]) -> Iterator[Definition]:
    """Section 7.2. An empty lesion, whose logarithm does not exist, counts as one cell: nothing divides in it."""
    yield Definition(TOTAL, "all cells of the lesion", CELLS, " + ".join(x.id for x in species))
    filled = f"ln( carrying_capacity / max( {_ONE_CELL} , {TOTAL} ) ) / ln( carrying_capacity / reference_burden )"
    law = f"1 dimensionless + crowding_strength * ( max( 0 dimensionless , {filled} ) - 1 dimensionless )"
    name = "net growth as a multiple of that at the reference burden (Gompertz)"
    yield Definition(CROWDING, name, DIMENSIONLESS, f"max( 0 dimensionless , {law} )")


def _parameters(rates: r.Rates, dormant: int) -> Iterator[Parameter]:
    """Every parameter that a law may name."""
    for id_, name, at in (
        ("birth_rate", "division of a cycling cell", r.BIRTH),
        ("death_rate", "death of a cycling cell", r.DEATH),
        ("escaped_birth_rate", "division of an escaped cell", r.ESCAPED_BIRTH),
        ("escaped_death_rate", "death of an escaped cell", r.ESCAPED_DEATH),
        ("arrest_rate", "spontaneous senescence of a cycling or escaped cell", r.SPONTANEOUS_RATE),
        ("maturation_rate", "immature to mature", r.MATURATION),
        ("competence_rate", "mature to competent, polyploid cells only", r.COMPETENCE),
        ("clearance_rate", "removal of a senescent cell", r.CLEARANCE),
        ("escape_rate", "competent senescent to escaped", r.ESCAPE),
        ("waking_rate", "waking of the dormant lesion as a whole", r.WAKE),
        ("kill_rate_cycling", "senolytic killing of a cycling or escaped cell", r.KILL_CYCLING),
    ):
        yield Parameter(id_, name, float(rates[at]), PER_DAY)
    for at, inducer in enumerate(INDUCERS):
        name = f"senolytic killing of a mature, sensitive senescent cell ({inducer})"
        yield Parameter(f"kill_rate_{inducer}", name, float(rates[r.KILL + at]), PER_DAY)
    for id_, name, at in (
        ("immature_kill_share", "part of the senolytic hazard that immature cells feel", r.IMMATURE_KILL_SHARE),
        ("polyploid_share", "polyploid part of newly senescent cells", r.POLYPLOID_SHARE),
        ("resistant_share", "senolytic-resistant part of newly senescent cells", r.RESISTANT_SHARE),
        ("crowding_strength", "strength of crowding: 1 Gompertz, 0 none", r.CROWDING),
    ):
        yield Parameter(id_, name, float(rates[at]), DIMENSIONLESS)
    yield Parameter("carrying_capacity", "cells at which growth ends", float(rates[r.CAPACITY]), CELLS)
    yield Parameter("reference_burden", "cells at which the rates above hold", float(rates[r.REFERENCE]), CELLS)
    yield Parameter(_ONE_CELL, "one cell", 1.0, CELLS)
    yield Parameter("dormant_at_start", "dormant cells at the start, as a number", float(dormant), DIMENSIONLESS)


def _left_out(rates: r.Rates) -> tuple[str, ...]:
    """Rates that differ from those of a quiet lesion and that nothing here reads."""
    written = {
        *(r.BIRTH, r.DEATH, r.ESCAPED_BIRTH, r.ESCAPED_DEATH, r.SPONTANEOUS_RATE, r.MATURATION, r.COMPETENCE),
        *(r.CLEARANCE, r.ESCAPE, r.POLYPLOID_SHARE, r.RESISTANT_SHARE, r.WAKE, r.KILL_CYCLING, r.IMMATURE_KILL_SHARE),
        *(r.CAPACITY, r.REFERENCE, r.CROWDING, *range(r.KILL, r.KILL + p.N_INDUCERS)),
    }
    quiet = r.quiet_rates()
    names = {at: name for name, at in vars(r).items() if name.isupper() and name[:2] != "N_" and isinstance(at, int)}
    return tuple(
        names.get(at, f"rate {at}") for at in range(rates.size) if at not in written and rates[at] != quiet[at]
    )
