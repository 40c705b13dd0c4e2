"""The agent library told in plain text, at most 100 columns wide: what agents do, where their numbers come from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from trialsim.report.numbers import TRUST, filled, plain_number, plural, rounded, words
from trialsim.spec.agents import (
    INDUCER_LABELS,
    TARGET_LABELS,
    Agent,
    Cytotoxic,
    Frozen,
    Pharmacokinetics,
    Radiation,
    Senolytic,
    Sourced,
    Targeted,
)
from trialsim.treatment.pharmacokinetics import Disposition, plasma_amount

#: Names of publications and labels within a source.
_CITED = re.compile(r"(?:FDA label|[A-Z][\w-]+(?:, [A-Z]\w+)*(?: & [A-Z]\w+)? (?:19|20)\d\d)")
#: Numbers whose place in the file says what they are, in words.
_MEANINGS = {
    "reference_dose": "the dose that the other numbers refer to",
    "log_kill": "cycling cells lost, before repair",
    "host_damage": "senescent burden that a reference dose adds to the host's stroma",
    "fates.death_shift": "relative dose at which the odds of senescence have halved in favour of death",
    "pk.clearance": "clearance, of an oral drug over its bioavailability",
    "pk.volume": "volume of distribution, of an oral drug over its bioavailability",
    "pk.absorption": "rate at which a dose that was taken enters plasma",
    "pk.molar_mass": "molar mass",
    "pk.lag": "time before a dose begins to be absorbed or infused",
    "pk.infusion": "length of an infusion",
    "pk.exchange": "flow between plasma and tissue",
    "pk.tissue_volume": "volume of the tissue",
    "pk.clearance_iiv": "spread of clearance between patients, standard deviation of the logarithm",
    "pk.volume_iiv": "spread of the volume between patients, standard deviation of the logarithm",
    "pk.clearance_by_weight": "power of weight / 70 kg that clearance goes by",
    "pk.volume_by_weight": "power of weight / 70 kg that volumes go by",
    "pk.renal_share": "share of clearance that goes by glomerular filtration",
    "repair_half_time": "half-time of the repair of sublethal damage between fractions",
    "marrow.slope": "killing of the marrow's proliferating cells, per umol/L in plasma",
    "hill": "steepness of the effect (Hill exponent)",
    "emax": "killing of mature senescent cells at full effect",
    "ec50": "concentration at half of the full effect",
    "immature_effect": "fold of the killing on cells that have just become senescent",
    "cycling_effect": "fold of the killing on cycling and escaped cells",
    "host_effect": "fold of the killing on senescent cells of the host's stroma",
    "platelets.emax": "killing of circulating platelets at full effect",
    "platelets.ec50": "concentration at half of the full effect on platelets",
    "senescence.rate": "stream of cycling and escaped cells into senescence at full effect",
    "kill": "killing of cycling and escaped cells at full effect",
}
_STATUS = {"wild_type": "p53 wild type", "mutant": "p53 mutant"}
_FATE = {"senescence": "share of lost cells that turn senescent", "repair": "share of hits that is repaired"}
_FOLD = "A fold multiplies what it names: 1 changes nothing, 0 takes it away."
_AT_EFFECT = (
    "A rate at full effect is multiplied by the effect E = C^h / (EC50^h + C^h), where C is the concentration in "
    "plasma and h is 1, or `hill`."
)
_FOLD_AT_EFFECT = "A fold is that at full effect; at E it is 1 + (fold - 1) E."


def list_agents(agents: Mapping[str, Agent]) -> str:
    """The library in a few lines per agent: name, label, kind, what it does, how its numbers are known."""
    blocks = []
    for name, agent in agents.items():
        head = f"{name}: {agent.label} ({agent.kind}, {agent.dose_unit})"
        blocks.append("\n".join([*filled(head), *filled(does(agent), 4), *filled(_known(agent), 4)]))
    foot = "`trialsim agents NAME` explains an agent: every number with its unit, range and source."
    return "\n".join([*blocks, "", foot]) + "\n"


def describe_agent(agent: Agent) -> str:
    """One agent: what it does, how long it stays, and every number with its unit, range, source and confidence."""
    head = f"{agent.label} ({agent.name})"
    blocks = ["\n".join([head, "=" * len(head), *filled(agent.note), *filled(does(agent))])]
    facts = [f"kind: {agent.kind}", f"dose: in {agent.dose_unit}", f"known from: {_known(agent)}"]
    kinetics = _kinetics(agent)
    if kinetics is not None:
        facts[2:2] = [_stay(kinetics), _exposure(kinetics)]
    blocks.append("\n".join(line for fact in facts for line in filled(fact, hanging=4)))
    lines: list[str] = []
    for path, number in numbers(agent):
        lines += [*filled(f"{path}: {_value(number)}", hanging=4), *filled(meaning(path), 2, 2)]
        lines += filled(f"[{TRUST[number.confidence]}] {number.source}", 2, 4)
    blocks.append("\n".join(["Numbers", "-------", *filled(_legend(agent))]))
    blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _legend(agent: Agent) -> str:
    """What a reader needs to know about the numbers that follow."""
    sentences = ["[high], [medium] and [low]: confidence in the source."]
    if isinstance(agent, (Targeted, Senolytic)):
        sentences.append(_AT_EFFECT)
    if any(number.unit == "fold" for _, number in numbers(agent)):
        sentences.append(_FOLD)
    if isinstance(agent, Targeted) and agent.effects:
        sentences.append(_FOLD_AT_EFFECT)
    return " ".join(sentences)


@dataclass(frozen=True)
class AgentSummary:
    """What `list_agents` tells of an agent, for machines."""

    name: str
    label: str
    kind: str
    dose_unit: str
    does: str
    confidence: Mapping[str, int]
    sources: Sequence[str]


@dataclass(frozen=True)
class AgentNumber:
    """A number of an agent: `Sourced`, with its meaning in words."""

    meaning: str
    value: float
    low: float | None
    high: float | None
    unit: str
    source: str
    confidence: str


@dataclass(frozen=True)
class AgentDetails(AgentSummary):
    """What `describe_agent` tells, for machines; ``numbers`` by their place in the agent's file."""

    note: str
    half_life_hours: float | None
    """None for an agent without pharmacokinetics."""
    numbers: Mapping[str, AgentNumber]


def agent_summary(agent: Agent) -> AgentSummary:
    return AgentSummary(agent.name, agent.label, agent.kind, agent.dose_unit, does(agent), _trust(agent), _cited(agent))


def agent_details(agent: Agent) -> AgentDetails:
    kinetics = _kinetics(agent)
    return AgentDetails(
        **vars(agent_summary(agent)),
        note=agent.note,
        half_life_hours=None if kinetics is None else kinetics.half_life_hours,
        numbers={path: AgentNumber(meaning(path), **number.model_dump()) for path, number in numbers(agent)},
    )


def numbers(agent: Agent) -> Iterator[tuple[str, Sourced]]:
    """Every number of an agent with its place in the agent's file."""
    yield from _walk(agent, "")


def _walk(node: object, path: str) -> Iterator[tuple[str, Sourced]]:
    if isinstance(node, Sourced):
        yield path, node
        return
    items: Iterable[tuple[str, object]] = ()
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, Frozen):
        items = node
    for key, value in items:
        yield from _walk(value, f"{path}.{key}" if path else str(key))


def meaning(path: str) -> str:
    """What the number at a place of an agent's file means."""
    if path in _MEANINGS:
        return _MEANINGS[path]
    group, _, rest = path.partition(".")
    if group == "fates":
        status, _, what = rest.partition(".")
        return f"{_FATE[what]}, {_STATUS[status]}"
    if group == "effects":
        return f"fold on {TARGET_LABELS[rest]}"
    if group == "effect_by_inducer":
        return f"fold of the killing on cells made senescent by: {INDUCER_LABELS[rest]}"
    if group == "apart_from":
        return f"least days between a dose and one of {rest}"
    assert group == "effect_by_class", path
    return f"fold of the killing in {words(rest)}-dependent tumours"


def does(agent: Agent) -> str:
    """What an agent does, in a sentence or two."""
    if isinstance(agent, Cytotoxic):
        made = INDUCER_LABELS[agent.inducer]
        return f"Damages cycling cells, which repair, die or turn senescent ({made})."
    if isinstance(agent, Radiation):
        return "Damages cycling cells in its field, which die or turn senescent (radiation)."
    if isinstance(agent, Senolytic):
        platelets = " and platelets" if agent.platelets is not None else ""
        return f"Kills mature senescent cells{platelets}, as far as inducer and BCL-2 class let it."
    return _rates_changed(agent)


def _rates_changed(agent: Targeted) -> str:
    parts = []
    if agent.kill is not None:
        parts.append(f"die ({plain_number(agent.kill.value)} a day)")
    if agent.senescence is not None:
        rate, made = plain_number(agent.senescence.rate.value), INDUCER_LABELS[agent.senescence.inducer]
        parts.append(f"turn senescent ({made}, {rate} a day)")
    sentences = [f"cycling and escaped cells {' and '.join(parts)}"] if parts else []
    if agent.effects:
        folds = (f"{_target(target)} x {plain_number(fold.value)}" for target, fold in agent.effects.items())
        sentences.append(", ".join(folds))
    return f"At full effect, {'; '.join(sentences)}."


def _target(target: str) -> str:
    return words(target.replace(".", "_"))


def _kinetics(agent: Agent) -> Pharmacokinetics | None:
    return agent.pk if isinstance(agent, (Senolytic, Targeted, Cytotoxic)) else None


def _stay(kinetics: Pharmacokinetics) -> str:
    if kinetics.absorption is None:
        return f"half-life: {_hours(kinetics.half_life_hours)} in plasma, infused"
    intake = kinetics.absorption_half_life_hours
    slow = intake is not None and intake > kinetics.half_life_hours
    how = "released from a depot" if slow else "absorbed"
    return f"half-life: {_hours(kinetics.half_life_hours)} in plasma; {how} with {_hours(intake or 0.0)}"


def _exposure(kinetics: Pharmacokinetics) -> str:
    """Peak and area of a single dose of 100 mg in the typical patient."""
    volume, per_hour = kinetics.volume.value, kinetics.clearance.value / kinetics.volume.value
    out = back = 0.0
    if kinetics.exchange is not None and kinetics.tissue_volume is not None:
        out, back = kinetics.exchange.value / volume, kinetics.exchange.value / kinetics.tissue_volume.value
    taken = 0.0 if kinetics.absorption is None else kinetics.absorption.value
    rates = Disposition(taken, per_hour, out, back)
    lag = 0.0 if kinetics.lag is None else kinetics.lag.value
    infusion = 0.0 if kinetics.infusion is None else kinetics.infusion.value
    # From minutes to years by steps of 2 %: an infusion peaks at its end.
    hours = [kinetics.entry_hours, *(lag + 0.01 * 1.02**k for k in range(800))]
    dose = 1e5 / kinetics.molar_mass.value
    peak, when = max((plasma_amount(rates, [(0.0, dose)], h, lag=lag, infusion=infusion) / volume, h) for h in hours)
    area = f"area {rounded(dose / kinetics.clearance.value)} umol/L h"
    return f"100 mg: {area}, peak {rounded(peak)} umol/L after {_hours(when)}"


def _hours(hours: float) -> str:
    return f"{rounded(hours)} h" if hours < 72 else f"{rounded(hours / 24)} d"


def _value(number: Sourced) -> str:
    low, high = number.low, number.high
    if low is not None and high is not None:
        span = f" ({plain_number(low)} to {plain_number(high)})"
    else:
        span = f" (at least {plain_number(low)})" if low is not None else ""
        span += f" (at most {plain_number(high)})" if high is not None else ""
    return f"{plain_number(number.value)}{span} {number.unit}"


def _trust(agent: Agent) -> dict[str, int]:
    levels = [TRUST[number.confidence] for _, number in numbers(agent)]
    return {level: levels.count(level) for level in ("high", "medium", "low")}


def _cited(agent: Agent) -> list[str]:
    """Publications and labels that the agent's sources name, in the order of the file."""
    return list(dict.fromkeys(cited for _, number in numbers(agent) for cited in _CITED.findall(number.source)))


def _known(agent: Agent) -> str:
    trust = _trust(agent)
    counts = ", ".join(f"{count} {level}" for level, count in trust.items() if count)
    cited = ", ".join(_cited(agent)) or "all assumed"
    return f"{plural(sum(trust.values()), 'number')}, confidence {counts}; {cited}"
