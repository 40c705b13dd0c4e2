"""From plain data to typed forms, and from pydantic's errors to problems with a place.

The scalar types here (:data:`Time`, :data:`Name` and so on) are what the written models are made of. They
parse values with units, so that a written model already holds internal units.
"""

from __future__ import annotations

import datetime
import difflib
import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    Tag,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function

from trialsim import units
from trialsim.errors import InvalidInput, Problem
from trialsim.spec.rules import Rule
from trialsim.spec.source import Document, KeyPath


def broken(rule: Rule, message: str, remedy: str = "") -> PydanticCustomError:
    """An error for a validator to raise, which keeps the rule's name on its way through pydantic."""
    context = {"message": message, "rule": rule.name, "remedy": remedy}
    return PydanticCustomError("trialsim", "{message}", context)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """``did you mean `x`?`` for the nearest known word, otherwise the list of them."""
    names = list(known)
    near = difflib.get_close_matches(str(word), names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"one of: {', '.join(names[:12])}{more}" if names else ""


def shown(value: object) -> str:
    """A value as a message quotes it, in YAML's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"`{value}`"


def _quantity(dimension: str, *, above_zero: bool = False) -> Callable[[object], float]:
    def read(value: object) -> float:
        try:
            number = units.parse(value, dimension)
        except units.UnitError as error:
            raise broken(Rule.UNIT, error.message, error.remedy) from None
        if above_zero and number == 0:
            raise broken(Rule.RANGE, f"{units.DIMENSIONS[dimension].noun} must be more than zero here")
        return number

    return read


_NUMBER = r"^\s*[0-9.]+([eE][-+]?[0-9]+)?\s*"
_TIME_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": _NUMBER + "(d|wk|mo|yr)\\s*$", "examples": ["21 d", "6 mo", "5 yr"]}
)
#: Days.
Time = Annotated[float, BeforeValidator(_quantity("time")), _TIME_SCHEMA]
#: Days, more than zero.
PositiveTime = Annotated[float, BeforeValidator(_quantity("time", above_zero=True)), _TIME_SCHEMA]
#: Per day.
RatePerDay = Annotated[
    float,
    BeforeValidator(_quantity("rate")),
    WithJsonSchema({"type": "string", "pattern": _NUMBER + "%?/(d|wk|mo|yr)\\s*$", "examples": ["2 %/yr", "0.02 /d"]}),
]
#: Per year.
RatePerYear = Annotated[
    float,
    BeforeValidator(_quantity("yearly_rate", above_zero=True)),
    WithJsonSchema({"type": "string", "pattern": _NUMBER + "/yr\\s*$", "examples": ["0.0928 /yr"]}),
]
#: Cells.
Cells = Annotated[
    float,
    BeforeValidator(_quantity("cells", above_zero=True)),
    WithJsonSchema({"type": "string", "pattern": _NUMBER + "cells\\s*$", "examples": ["1e9 cells"]}),
]
#: 1e9/L.
Platelets = Annotated[
    float,
    BeforeValidator(_quantity("platelets")),
    WithJsonSchema({"type": "string", "pattern": _NUMBER + "(1e9/L|/L|/uL)\\s*$", "examples": ["50e9/L", "50 1e9/L"]}),
]
#: 0 to 1, written as such or in per cent.
Fraction = Annotated[
    float,
    BeforeValidator(_quantity("fraction")),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": _NUMBER + "%\\s*$"},
            ],
            "examples": [0.025, "40 %"],
        }
    ),
]


@dataclass(frozen=True)
class Bounded:
    """Marks a plain number, whole or not, from ``low`` (or above it, when ``open_low``) to ``high``."""

    low: float
    high: float
    open_low: bool = False

    def read(self, value: object) -> object:
        """The value, if it is a number in the range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            bare = isinstance(value, str) and value.lstrip("0").isdecimal()
            remedy = f"write {str(value).lstrip('0')}, bare and without leading zeros" if bare else ""
            raise broken(Rule.TYPE, f"{shown(value)} is not a number", remedy)
        if not self.low <= value <= self.high or (self.open_low and value == self.low):
            least = f"above {self.low:,g}" if self.open_low else f"{self.low:,g}"
            most = f"{self.high:,.0f}" if self.high == int(self.high) else f"{self.high:g}"
            raise broken(Rule.RANGE, f"{shown(value)} is out of range: {least} to {most}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        least = "exclusiveMinimum" if self.open_low else "minimum"
        return {**handler(schema), least: self.low, "maximum": self.high}


def _read_name(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(_NAME_PATTERN, value):
        raise broken(Rule.NAME, f"{shown(value)} is not a name", re.sub(r"[^A-Za-z0-9._-]+", "-", value))
    if isinstance(value, str) and len(value) > 80:
        raise broken(Rule.NAME, f"a name of {len(value)} letters is too long (at most 80)")
    return value


def _read_date(value: object) -> object:
    try:
        return datetime.date.fromisoformat(value).isoformat() if isinstance(value, str) else value
    except ValueError:
        raise broken(Rule.DATE, f"{shown(value)} is not a date", "2027-01-04") from None


def _read_version(value: object) -> object:
    if value != 1 or isinstance(value, bool):
        raise broken(Rule.FORMAT_VERSION, f"this is format {shown(value)}, which is not known", "write 1")
    return value


def _read_text(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise broken(Rule.NOT_EMPTY, "nothing is written here", "write a text, or leave the key out")
    return value.strip() if isinstance(value, str) else value


def no_repeats(items: list[Any]) -> list[Any]:
    """The list as it is, if no item comes twice."""
    for i, item in enumerate(items):
        if item in items[:i]:
            raise broken(Rule.NO_REPEATS, f"{shown(item)} is listed twice")
    return items


_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
Name = Annotated[
    str,
    BeforeValidator(_read_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME_PATTERN}$", "maxLength": 80}),
]
Text = Annotated[str, BeforeValidator(_read_text)]
Whole = Annotated[int, Strict()]
IsoDate = Annotated[
    str, BeforeValidator(_read_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
]
FormatVersion = Annotated[int, BeforeValidator(_read_version), WithJsonSchema({"const": 1})]
Listed = Field(min_length=1, max_length=1000)


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
    try:
        value = findings.document.get(path)
        if without and isinstance(value, dict):
            value = {key: inner for key, inner in value.items() if key not in without}
        return _adapter(kind).validate_python(value)
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
        if not re.fullmatch(_NAME_PATTERN, name):
            findings.add((*path, name), f"`{name}` is not a name", Rule.NAME, at_key=True)
    return {name: read_form(findings, (*path, name), kind) for name in data}


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
    if word == NO_BRANCH:
        message = f"`{path[-1]}` has no `value`, no `distribution` and no `by`"
        findings.add(path, message, Rule.TRAIT_SHAPE, "value: 4 d, or distribution: lognormal", at_key=True)
        return
    names = re.findall(rf"'{TAG}(\w+)'", str(context.get("expected_tags", "")))
    known = [name for name in names if name not in ("constant", "by")]
    message = f"`{word}` is not a distribution"
    findings.add((*path, "distribution"), message, Rule.CHOICE, did_you_mean(word, known))


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
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "union_tag_not_found": "a mapping",
}
#: Marks the branches of a union in the ``loc`` of an error, so that none is taken for a key of the file.
TAG = "kind:"
#: The branch of a distribution that does not say what it is.
NO_BRANCH = "none"


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
