"""Values set from the command line: ``--set arms.navitoclax.add.0.dose="100 mg"``."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable
from typing import Any

from trialsim.errors import InvalidInput, Problem
from trialsim.spec.agents import Sourced
from trialsim.spec.gains import SECTION, set_gain
from trialsim.spec.resolve_agents import SECTION as AGENTS
from trialsim.spec.resolve_agents import changed_number
from trialsim.spec.rules import Rule
from trialsim.spec.source import Document, KeyPath, parse_value


def apply_overrides(document: Document, overrides: Iterable[str], prefix: str = "") -> Document:
    """``document`` with each ``KEY.KEY=VALUE`` applied in turn; the given document is left as it was.

    A number in the path is the index of a list's item, from 0. The path must exist, save that its last
    key may be new and that a section missing at the top of the file is made. In ``agents`` and ``biology`` any path may
    be new; in the latter it replaces what the file says of that gain in whichever form. Whether a new key is known is
    for the form check to say. ``prefix`` is taken off each path. Raises :class:`InvalidInput` with every override that
    cannot be applied.
    """
    data = copy.deepcopy(document.data)
    overridden = dict(document.overridden)
    problems: list[Problem] = []
    for words in overrides:
        try:
            parts, value = _parse(words.removeprefix(prefix))
            path = _assign(data, parts, value)
        except _BadOverride as bad:
            problems.append(Problem(f"--set {words}", 0, 0, bad.message, Rule.OVERRIDE, bad.remedy))
        else:
            overridden[path] = words
    if problems:
        raise InvalidInput(tuple(problems))
    return Document(document.file, document.lines, data, document.values, document.keys, overridden)


class _BadOverride(Exception):
    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy


def _parse(words: str) -> tuple[list[str], Any]:
    name, equals, text = words.partition("=")
    path = [part.strip() for part in name.split(".")]
    if not equals:
        raise _BadOverride("there is no `=` in it", "KEY.KEY=VALUE")
    if not all(path):
        raise _BadOverride("its path has an empty key", "KEY.KEY=VALUE")
    try:
        return path, parse_value(text)
    except ValueError as error:
        raise _BadOverride(f"its value is not YAML: {error}", "put quotes around the value") from None


def _assign(data: dict[str, Any], parts: list[str], value: Any) -> KeyPath:
    """Put ``value`` at the path; returns the path with list indices as integers."""
    section, *gain = parts
    if section == SECTION and gain and isinstance(data.setdefault(SECTION, {}), dict):
        return set_gain(data[SECTION], ".".join(gain), value)
    if section == AGENTS:
        parts = _agent_path(parts)
    here: Any = data
    path: KeyPath = ()
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        where = ".".join(str(p) for p in path) or "the file"
        key = _step(here, part, where, may_be_new=last or depth == 0 or section == AGENTS)
        path = (*path, key)
        if last:
            here[key] = changed_number(here.get(key), value) if section == AGENTS else value
        elif isinstance(here, dict) and key not in here:
            here[key] = {}
        here = here[key]
    return path


def _agent_path(parts: list[str]) -> list[str]:
    """The path of a number of an agent; the targets of ``effects`` have dots in their names."""
    if len(parts) < 4 or parts[2] != "effects":
        return parts
    rest = parts[3:]
    own = rest[-1:] if rest[-1] in Sourced.model_fields else []
    return [*parts[:3], ".".join(rest[: len(rest) - len(own)]), *own]


def _step(here: Any, part: str, where: str, *, may_be_new: bool) -> str | int:
    if isinstance(here, dict):
        if part not in here and not may_be_new:
            near = difflib.get_close_matches(part, list(here), n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"{where} has {', '.join(here) or 'nothing'}"
            raise _BadOverride(f"`{where}` has no `{part}`", hint)
        return part
    if isinstance(here, list):
        if not part.isdecimal() or int(part) >= len(here):
            count = len(here)
            hint = f"a number from 0 to {count - 1}" if count > 1 else "0" if count else "the list is empty"
            raise _BadOverride(f"`{where}` is a list of {count} and has no item `{part}`", hint)
        return int(part)
    raise _BadOverride(f"`{where}` is a single value and has no `{part}` in it", f"set `{where}` itself")
