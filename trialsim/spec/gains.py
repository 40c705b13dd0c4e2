"""The section ``biology`` of a protocol, in each of its forms -> one number for each gain.

A member of a group is written nested (``sasp: {immune: 0}``) or with a dotted key (``sasp.immune: 0``); a number for
the group (``sasp: 0``) stands for every member. A member's own number goes before that of its group, so
``{sasp: 0, sasp.immune: 1}`` leaves one effect of the SASP at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trialsim.spec.form import Findings, read_form
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.traits import GAIN_GROUPS, GAINS
from trialsim.spec.values import did_you_mean, shown
from trialsim.spec.written_protocol import Gain

#: The section's key in a protocol file.
SECTION = "biology"


def members(group: str) -> tuple[str, ...]:
    """The gains of a group, by their short names: ``members("escaper")`` is establishment, growth, resistance."""
    return tuple(name.removeprefix(f"{group}.") for name in GAINS if name.startswith(f"{group}."))


def read_gains(findings: Findings) -> dict[str, float]:
    """Every gain of the model by its full name, 1 where the document does not say; problems are noted."""
    section = findings.document.data.get(SECTION, {})
    if not isinstance(section, dict):
        findings.add((SECTION,), f"{shown(section)} stands where a mapping belongs", Rule.TYPE)
        return dict.fromkeys(GAINS, 1.0)
    groups: dict[str, float] = {}
    places: dict[str, KeyPath] = {}
    singles: dict[str, float] = {}
    for name, path in _written(findings, section):
        if name in places:
            message = f"`{name}` is scaled twice"
            findings.add(path, message, Rule.GAIN_ONCE, "keep one of the two", at_key=True)
            continue
        places[name] = path
        value = read_form(findings, path, Gain)
        if value is not None:
            (groups if name in GAIN_GROUPS else singles)[name] = float(value)
    return {name: singles.get(name, groups.get(name.partition(".")[0], 1.0)) for name in GAINS}


def set_gain(section: dict[str, Any], name: str, value: Any) -> KeyPath:
    """Put ``value`` for a gain or a group into the data of the section; returns its path in the document.

    Whatever the section says of ``name`` itself or of its members, in either form, gives way.
    """
    _drop(section, name, "")
    section[name] = value
    return SECTION, name


def _drop(section: dict[str, Any], name: str, prefix: str) -> None:
    for key, inner in list(section.items()):
        full = prefix + key
        if full == name or full.startswith(f"{name}."):
            del section[key]
        elif isinstance(inner, dict) and name.startswith(f"{full}."):
            _drop(inner, name, f"{full}.")


def _written(findings: Findings, section: dict[str, Any]) -> Iterator[tuple[str, KeyPath]]:
    """Gains and groups that are given a single value, by full name with their paths; problems are noted."""
    for key, value in section.items():
        path: KeyPath = (SECTION, key)
        if key in GAIN_GROUPS and isinstance(value, dict):
            for member in value:
                if f"{key}.{member}" in GAINS:
                    yield f"{key}.{member}", (*path, member)
                else:
                    _unknown(findings, (*path, member), f"{key}.{member}", did_you_mean(member, members(key)))
        elif key in GAIN_GROUPS and (isinstance(value, bool) or not isinstance(value, int | float)):
            message = f"{shown(value)} stands where a number or a mapping belongs"
            findings.add(path, message, Rule.TYPE, f"{key}: 0, or {key}: {{{members(key)[0]}: 0}}")
        elif key in GAINS or key in GAIN_GROUPS:
            yield key, path
        else:
            _unknown(findings, path, key, did_you_mean(key, [*GAINS, *GAIN_GROUPS]))


def _unknown(findings: Findings, path: KeyPath, name: str, remedy: str) -> None:
    findings.add(path, f"`{name}` is not a mechanism of the model", Rule.KNOWN_GAIN, remedy, at_key=True)
