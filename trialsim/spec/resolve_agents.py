"""The section ``agents`` of a protocol: agents of its own, and changes to those of the library.

An entry has the schema of the library's files. Under the name of a library agent it changes what it names and leaves
the rest; ``like`` begins a new agent with another one's numbers. A number that is changed is a bare number, a number
with its unit, or the whole of it with its source; what a number is changed to has the source "set in the protocol"
unless it says otherwise. A null takes an optional part away.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from trialsim.spec.agent_ranges import check_ranges
from trialsim.spec.agents import UNITS, Agent, Cytotoxic, Radiation, Senolytic, Sourced, Targeted
from trialsim.spec.form import Findings, check_form, check_name
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean, shown
from trialsim.units import UnitError, split

#: The section's key in a protocol file.
SECTION = "agents"
#: The source of a number that a protocol changes without saying why.
HERE = "set in the protocol"
_KINDS: dict[str, Any] = {
    "cytotoxic": Cytotoxic,
    "radiation": Radiation,
    "senolytic": Senolytic,
    "targeted": Targeted,
}
_NUMBER = frozenset(Sourced.model_fields)
_KIND_FORMS = "kind: targeted, or like: palbociclib to begin with another agent's numbers"


def resolve_agents(findings: Findings, library: Mapping[str, Agent]) -> Mapping[str, Agent]:
    """The library with the protocol's own agents and changes; an entry that is broken is noted, and left as it was."""
    own: dict[str, Agent] = {}
    agents = ChainMap(own, library)  # type: ignore[arg-type]  # changes go to the first map alone
    section = findings.document.data.get(SECTION)
    if section is None and SECTION not in findings.document.data:
        return agents
    if not isinstance(section, dict):
        findings.add((SECTION,), f"{shown(section)} stands where a mapping belongs", Rule.TYPE)
        return agents
    for name, written in section.items():
        agent = _resolve(findings, name, written, library)
        if agent is not None:
            own[name] = agent
    for name, written in section.items():
        apart = written.get("apart_from") if isinstance(written, dict) else None
        for other in apart if isinstance(apart, dict) else ():
            if other not in agents and other not in section:
                message = f"`{other}` is not in the agent library"
                path = (SECTION, name, "apart_from", other)
                findings.add(path, message, Rule.KNOWN_AGENT, did_you_mean(other, agents), at_key=True)
    return agents


def _resolve(findings: Findings, name: str, written: object, library: Mapping[str, Agent]) -> Agent | None:
    path = (SECTION, name)
    if not isinstance(written, dict):
        findings.add(path, f"{shown(written)} stands where a mapping belongs", Rule.TYPE)
        return None
    if not check_name(findings, path, name):
        return None
    told = len(findings.problems)
    base = _base(findings, path, written, library)
    if len(findings.problems) > told:
        return None
    merged = _merged(findings, path, {k: v for k, v in written.items() if k != "like"}, base)
    kind = merged.get("kind")
    if kind not in _KINDS:
        _note_kind(findings, path, kind)
        return None
    if base is not None and kind != base["kind"]:
        message = f"an agent made from a {base['kind']} one is not {kind}"
        findings.add((*path, "kind"), message, Rule.AGENT, "leave `kind` out, or write a new agent without `like`")
    if merged.get("name", name) != name:
        findings.add((*path, "name"), f"this agent is called `{name}` by its key", Rule.AGENT, "leave `name` out")
    if len(findings.problems) > told:
        return None
    agent: Agent | None = check_form(findings, path, {"label": name, **merged, "name": name}, _KINDS[str(kind)])
    if agent is not None:
        check_ranges(findings, path, agent)
    return agent


def is_written(findings: Findings, name: str) -> bool:
    """Whether the protocol has an entry of this name under ``agents``, sound or broken."""
    section = findings.document.data.get(SECTION)
    return isinstance(section, dict) and name in section


def _base(
    findings: Findings, path: KeyPath, written: dict[str, Any], library: Mapping[str, Agent]
) -> dict[str, Any] | None:
    """The agent that an entry begins with, as plain data; None for one that is all its own."""
    like = written.get("like", path[-1])
    if like in library:
        return library[str(like)].model_dump(mode="json", exclude_none=True, exclude={"name"})
    if "like" in written:
        remedy = did_you_mean(like, library)
        findings.add((*path, "like"), f"{shown(like)} is not in the agent library", Rule.KNOWN_AGENT, remedy)
    return None


def _note_kind(findings: Findings, path: KeyPath, kind: object) -> None:
    if kind is None:
        findings.add(path, f"`{path[-1]}` has no `kind`", Rule.REQUIRED_KEY, _KIND_FORMS, at_key=True)
        return
    message = f"{shown(kind)} is not one of {', '.join(_KINDS)}"
    findings.add((*path, "kind"), message, Rule.CHOICE, did_you_mean(kind, _KINDS))


def _merged(findings: Findings, path: KeyPath, written: dict[str, Any], base: dict[str, Any] | None) -> dict[str, Any]:
    """What is written, over what was there."""
    result = dict(base or {})
    for key, value in written.items():
        here, before = (*path, key), result.get(key)
        if value is None:
            result.pop(key, None)
        elif _is_number(here, value, before):
            result[key] = _number(findings, here, value, before)
        elif isinstance(value, dict):
            result[key] = _merged(findings, here, value, before if isinstance(before, dict) else None)
        else:
            result[key] = value
    return result


def _unit_of(path: KeyPath) -> str:
    """The unit that a number at a place must have; empty where any words will do."""
    return UNITS.get(".".join(str(part) for part in path[2:]), "")


def _is_number(path: KeyPath, value: object, before: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return True
    known = (isinstance(before, dict) and "source" in before) or _unit_of(path) != ""
    if isinstance(value, dict):
        return bool(value) and value.keys() <= _NUMBER
    return isinstance(value, str) and known


def _number(findings: Findings, path: KeyPath, value: Any, before: Any) -> dict[str, Any]:
    """A number with its source, from any of its forms."""
    changed = isinstance(before, dict)
    unit = _unit_of(path) or (str(before["unit"]) if changed else "fold")
    written = value if isinstance(value, dict) else {"value": value}
    if isinstance(written.get("value"), str):
        amount = _with_unit(findings, path, written["value"], unit)
        if amount is None:
            return written
        written = {**written, "value": amount}
    given = written.get("unit", unit)
    if _unit_of(path) and given != unit:
        message = f"`{path[-1]}` is in {unit}, not in {given}"
        findings.add((*path, "unit"), message, Rule.UNIT, f"convert it to {unit}")
    if not changed and _is_all_new(findings, path):
        if not isinstance(value, dict):
            message = f"`{path[-1]}` has no `source`"
            remedy = f"{{value: {written['value']:g}, unit: {unit}, source: ..., confidence: low}}"
            findings.add(path, message, Rule.SOURCED, remedy)
        return written
    if "value" not in written:
        return {**(before if changed else {}), **written}
    return {"unit": unit, "source": HERE, "confidence": "low", **written}


def changed_number(before: object, value: object) -> object:
    """What a value from the command line makes of what stands at the place of a number with its source."""
    if isinstance(before, dict) and "value" in before and not isinstance(value, dict):
        return {"value": value, "unit": before.get("unit", ""), "source": HERE, "confidence": "low"}
    return value


def _with_unit(findings: Findings, path: KeyPath, words: str, unit: str) -> float | None:
    try:
        number, given = split(words, f"a number in {unit}")
    except UnitError as error:
        findings.add(path, error.message, Rule.UNIT, error.remedy)
        return None
    if given != unit:
        findings.add(
            path, f"`{path[-1]}` is in {unit}, not in {given or 'nothing'}", Rule.UNIT, f"convert it to {unit}"
        )
    return number


def _is_all_new(findings: Findings, path: KeyPath) -> bool:
    """Whether the number's agent has nothing to begin with, so that each of its numbers needs a source."""
    entry = findings.document.get(path[:2])
    return "kind" in entry and "like" not in entry
