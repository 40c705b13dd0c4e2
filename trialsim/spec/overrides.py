"""Values set from the command line: ``--set arms.navitoclax.add.0.dose="100 mg"``."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable
from typing import Any

from trialsim.errors import InvalidInput, Problem
from trialsim.spec.agents import Sourced
from trialsim.spec.gains import SECTION, set_gain
from trialsim.spec.paths import Word, is_of_cohort, is_there, path_and_value, path_text, readings, words_of
from trialsim.spec.resolve_agents import SECTION as AGENTS
from trialsim.spec.resolve_agents import changed_number
from trialsim.spec.rules import Rule
from trialsim.spec.source import Document, KeyPath, UnreadValue, parse_value


def apply_overrides(document: Document, overrides: Iterable[str], *, of_cohort: bool = False) -> Document:
    """``document`` with each ``KEY.KEY=VALUE`` that is for it applied in turn; the given one is left as it was.

    A number in the path is the index of a list's item, from 0; keys with dots in them are found, and may be quoted
    (`trialsim.spec.paths`). A path that begins with ``cohort`` is for the cohort file, every other one for the
    protocol; ``of_cohort`` says which of the two the document is. The path must exist, save that its last key may be
    new and that a section missing at the top of the file is made. In ``agents`` and ``biology`` any path may be new; in
    the latter it replaces what the file says of that gain in whichever form. Whether a new key is known is for the form
    check to say. Raises :class:`InvalidInput` with every override that cannot be applied.
    """
    data = copy.deepcopy(document.data)
    overridden = dict(document.overridden)
    problems: list[Problem] = []
    for words in overrides:
        if is_of_cohort(words) != of_cohort:
            continue
        try:
            parts, value = _parse(words)
            path = _assign(data, parts[1:] if of_cohort else parts, value)
        except _BadOverride as bad:
            problems.append(Problem(f"--set {words}", 0, 0, bad.message, bad.rule, bad.remedy))
        else:
            overridden[path] = words
    if problems:
        raise InvalidInput(tuple(problems))
    return Document(document.file, document.lines, data, document.values, document.keys, overridden)


class _BadOverride(Exception):
    def __init__(self, message: str, remedy: str = "", rule: Rule = Rule.OVERRIDE) -> None:
        super().__init__(message, remedy, rule)
        self.message = message
        self.remedy = remedy
        self.rule = rule


def _parse(words: str) -> tuple[list[Word], Any]:
    name, equals, text = path_and_value(words)
    path = words_of(name)
    if not equals:
        raise _BadOverride("there is no `=` in it", "KEY.KEY=VALUE")
    if not all(word.text for word in path):
        raise _BadOverride("its path has an empty key", "KEY.KEY=VALUE")
    try:
        return path, parse_value(text)
    except UnreadValue as unread:
        raise _BadOverride(unread.message, unread.remedy, unread.rule) from None


def _assign(data: dict[str, Any], words: list[Word], value: Any) -> KeyPath:
    """Put ``value`` at the path; returns the path with list indices as integers."""
    section, *gain = (word.text for word in words)
    if section == SECTION and gain and isinstance(data.setdefault(SECTION, {}), dict):
        return set_gain(data[SECTION], ".".join(gain), value)
    parts = _agent_path(data, words) if section == AGENTS else _keys(data, words)
    here: Any = data
    path: KeyPath = ()
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        where = path_text(path) or "the file"
        key = _step(here, str(part), where, may_be_new=last or depth == 0 or section == AGENTS)
        path = (*path, key)
        if last:
            here[key] = changed_number(here.get(key), value) if section == AGENTS else value
        elif isinstance(here, dict) and key not in here:
            here[key] = {}
        here = here[key]
    return path


def _keys(data: dict[str, Any], words: list[Word]) -> KeyPath:
    """The keys that the words mean; word by word where the document has no such path, which is then told."""
    found = list(readings(data, words))
    found = [path for path in found if is_there(data, path)] or found
    if len(found) > 1:
        one, other = (path_text(path) for path in found[:2])
        raise _BadOverride(f"its path may mean {one} or {other}", f"put quotes where a key has a dot: '{other}=...'")
    return found[0] if found else tuple(word.text for word in words)


def _agent_path(data: dict[str, Any], words: list[Word]) -> KeyPath:
    """The path of a number of an agent; the targets of ``effects`` have dots in their names."""
    named = len(words)
    while named > 1 and not is_there(data, (AGENTS, ".".join(word.text for word in words[1:named]))):
        named -= 1
    named = max(named, 2)
    parts = (AGENTS, ".".join(word.text for word in words[1:named]), *(word.text for word in words[named:]))
    if len(parts) < 4 or parts[2] != "effects":
        return parts if len(words) > 1 else (AGENTS,)
    rest = parts[3:]
    own = rest[-1:] if rest[-1] in Sourced.model_fields else ()
    return (*parts[:3], ".".join(rest[: len(rest) - len(own)]), *own)


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
