"""From plain data to typed forms, and from pydantic's errors to problems with a place."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from trialsim.errors import InvalidInput, Problem
from trialsim.spec.rules import Rule
from trialsim.spec.source import Document, KeyPath
from trialsim.spec.values import NO_BRANCH, TAG, did_you_mean, shown, wrong_name


@dataclass
class Findings:
    """The problems of one document, as they are found."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    _told: set[tuple[KeyPath, Rule, str]] = field(default_factory=set)

    def add(self, path: KeyPath, message: str, rule: Rule, remedy: str = "", *, at_key: bool = False) -> None:
        """Note a problem; the same rule is told once for the same path."""
        if (path, rule, message if rule is Rule.REQUIRED_KEY else "") in self._told:
            return
        self._told.add((path, rule, message if rule is Rule.REQUIRED_KEY else ""))
        self.problems.append(self.document.problem(path, message, rule, remedy, at_key=at_key))

    def raise_if_any(self) -> None:
        if self.problems:
            raise InvalidInput(tuple(self.problems))


def read_form(findings: Findings, path: KeyPath, kind: Any, without: Collection[str] = ()) -> Any:
    """The value at ``path`` as ``kind``; None when it breaks the form, with its problems noted.

    Keys in ``without`` are left to the caller.

    Sections are read one by one, so that an error in one does not hide those of another. ``kind`` may be
    any annotation that pydantic knows.
    """
    value = findings.document.get(path)
    if without and isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key not in without}
    return check_form(findings, path, value, kind)


def check_form(findings: Findings, path: KeyPath, value: object, kind: Any, context: str = "") -> Any:
    """A value that stands at ``path``, or that what stands there was made into, as ``kind``; None with its problems.

    ``context`` is for validators that ask where they are.
    """
    try:
        return _adapter(kind).validate_python(value, context=context)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _note(findings, path, detail, kind)
        return None


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read_entries(findings: Findings, path: KeyPath, kind: Any) -> dict[str, Any]:
    """Each entry of the mapping at ``path`` as ``kind``, None for those that break the form."""
    data = findings.document.get(path)
    if not isinstance(data, dict):
        findings.add(path, f"{shown(data)} stands where a mapping belongs", Rule.TYPE)
        return {}
    for name in data:
        check_name(findings, (*path, name), name)
    return {name: read_form(findings, (*path, name), kind) for name in data}


def check_name(findings: Findings, path: KeyPath, name: str) -> bool:
    """Whether the key at ``path`` is a name; noted if not."""
    wrong = wrong_name(name)
    if wrong is not None:
        findings.add(path, wrong[0], Rule.NAME, wrong[1], at_key=True)
    return wrong is None


def read_sections(findings: Findings, model: type[BaseModel], entries: Collection[str] = ()) -> dict[str, Any]:
    """The sections of a file by field name, each read on its own; None for one that is broken or missing.

    A section that may be left out has its default. The sections named in ``entries`` are mappings that the
    caller reads entry by entry, and are left to it.
    """
    data, known = findings.document.data, _keys(model)
    for key in data:
        if key not in known:
            message = f"`{key}` is not a key of the file"
            findings.add((key,), message, Rule.KNOWN_KEY, did_you_mean(key, known), at_key=True)
    result: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key not in data:
            result[name] = None if info.is_required() else info.get_default(call_default_factory=True)
            if info.is_required():
                findings.add((), f"the file has no `{key}`", Rule.REQUIRED_KEY, f"add `{key}:`")
        elif name not in entries:
            kind = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
            result[name] = read_form(findings, (key,), kind)
    return result


def _keys(model: type[BaseModel]) -> Mapping[str, Any]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _note(findings: Findings, base: KeyPath, detail: ErrorDetails, kind: Any) -> None:
    """Translate one error of pydantic into a problem."""
    path, models = _locate(findings.document, base, detail["loc"], kind)
    error, context = detail["type"], detail.get("ctx", {})
    owner = _owner(path)
    if error == "trialsim":
        findings.add(path, str(context["message"]), Rule[context["rule"]], str(context["remedy"]))
    elif error == "extra_forbidden":
        known = [key for model in models for key in _keys(model)]
        message = f"`{path[-1]}` is not a key of {owner}"
        findings.add(path, message, Rule.KNOWN_KEY, did_you_mean(path[-1], known), at_key=True)
    elif error == "missing":
        message = f"{owner} has no `{path[-1]}`"
        findings.add(path, message, Rule.REQUIRED_KEY, f"add `{path[-1]}: ...`")
    elif error == "value_error":
        findings.add(path, str(context["error"]), Rule.AGENT)
    elif error == "union_tag_invalid":
        _note_branch(findings, path, context)
    else:
        message, rule, remedy = _plain_words(error, detail)
        findings.add(path, message, rule, remedy)


def _owner(path: KeyPath) -> str:
    """What holds the last key of a path, in words."""
    if len(path) > 2 and isinstance(path[-2], int):
        return f"item {path[-2] + 1} of `{path[-3]}`"
    return f"`{path[-2]}`" if len(path) > 1 else "the file"


def _note_branch(findings: Findings, path: KeyPath, context: Mapping[str, Any]) -> None:
    """A union that takes none of its branches: a distribution without a kind, or of an unknown one."""
    word = str(context.get("tag", "")).removeprefix(TAG)
    if path[-1] == "model":
        _note_law(findings, path, word, context)
        return
    if word == NO_BRANCH:
        message = f"`{path[-1]}` has no `value`, no `distribution` and no `by`"
        findings.add(path, message, Rule.TRAIT_SHAPE, "value: 4 d, or distribution: lognormal", at_key=True)
        return
    names = re.findall(rf"'{TAG}(\w+)'", str(context.get("expected_tags", "")))
    known = [name for name in names if name not in ("constant", "by")]
    message = f"`{word}` is not a distribution"
    findings.add((*path, "distribution"), message, Rule.CHOICE, did_you_mean(word, known))


def _note_law(findings: Findings, path: KeyPath, word: str, context: Mapping[str, Any]) -> None:
    """A law of event times without a kind, or of an unknown one."""
    known = re.findall(rf"'{TAG}(\w+)'", str(context.get("expected_tags", "")))
    if word == NO_BRANCH:
        findings.add(path, "`model` has no `kind`", Rule.REQUIRED_KEY, "add `kind: exponential`", at_key=True)
    else:
        findings.add((*path, "kind"), f"`{word}` is not a law of event times", Rule.CHOICE, did_you_mean(word, known))


def _plain_words(error: str, detail: ErrorDetails) -> tuple[str, Rule, str]:
    """What a standard error of pydantic says, in the words of the author of a file."""
    value, context = detail["input"], detail.get("ctx", {})
    if error == "literal_error":
        options = re.findall(r"'([^']*)'|\b(\d+)\b", str(context.get("expected", "")))
        names = [word or number for word, number in options]
        return f"{shown(value)} is not one of {', '.join(names)}", Rule.CHOICE, did_you_mean(value, names)
    if error == "too_short":
        return "this is empty", Rule.NOT_EMPTY, "list something, or leave the key out"
    if error == "too_long":
        return "this list is too long (at most 1000)", Rule.RANGE, ""
    wanted = _WANTED.get(error)
    if wanted:
        return f"{shown(value)} stands where {wanted} belongs", Rule.TYPE, ""
    return str(detail["msg"]), Rule.RANGE, ""


_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "union_tag_not_found": "a mapping",
}


def _locate(
    document: Document, base: KeyPath, loc: tuple[str | int, ...], kind: Any
) -> tuple[KeyPath, list[type[BaseModel]]]:
    """The path in the file of an error's ``loc``, and the models of which the path's last part may be a key."""
    path = base
    branches = list(_branches(kind))
    for i, part in enumerate(loc):
        if isinstance(part, str) and part.startswith(TAG):
            branches = [(tag, model) for tag, model in branches if tag == part] or branches
            continue
        path = (*path, part)
        holders = [model for _, model in branches if isinstance(part, str) and part in _keys(model)]
        if holders and i < len(loc) - 1:
            branches = [found for model in holders for found in _branches(_keys(model)[str(part)].annotation)]
    return path, [model for _, model in branches]


def _branches(kind: Any, tag: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The models that an annotation holds, through unions and containers, with their union tags."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield tag, kind
        return
    arguments = get_args(kind)
    if get_origin(kind) is Annotated:
        tags = [note.tag for note in arguments[1:] if isinstance(note, Tag)]
        yield from _branches(arguments[0], tags[0] if tags else tag)
        return
    for argument in arguments:
        yield from _branches(argument, tag)
