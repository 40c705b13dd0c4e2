"""The values that written models are made of: quantities, bounded numbers, names, dates.

Each type parses what an author wrote and says what is wrong with it in the author's words; a written model
already holds internal units.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function

from trialsim import units
from trialsim.spec.rules import Rule


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
#: 1e9/L.
Neutrophils = Annotated[
    float,
    BeforeValidator(_quantity("neutrophils")),
    WithJsonSchema({"type": "string", "pattern": _NUMBER + "(1e9/L|/L|/uL)\\s*$", "examples": ["1.5e9/L", "1500 /uL"]}),
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


def wrong_name(name: str) -> tuple[str, str] | None:
    """What is wrong with a name, and what to write instead; None if nothing is."""
    if not re.fullmatch(NAME_PATTERN, name):
        return f"`{name}` is not a name", re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    if len(name) > MOST_LETTERS:
        return f"a name of {len(name)} letters is too long (at most {MOST_LETTERS})", ""
    return None


def _read_name(value: object) -> object:
    if isinstance(value, str) and (wrong := wrong_name(value)) is not None:
        raise broken(Rule.NAME, *wrong)
    return value


def read_date(value: object) -> object:
    """An ISO date as text; what is not text is left to the type."""
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


#: The letters of a name, at most.
MOST_LETTERS = 80
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
Name = Annotated[
    str,
    BeforeValidator(_read_name),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$", "maxLength": MOST_LETTERS}),
]
Text = Annotated[str, BeforeValidator(_read_text)]
Whole = Annotated[int, Strict()]
IsoDate = Annotated[
    str, BeforeValidator(read_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
]
FormatVersion = Annotated[int, BeforeValidator(_read_version), WithJsonSchema({"const": 1})]
Listed = Field(min_length=1, max_length=1000)
#: Marks the branches of a union in the ``loc`` of an error, so that none is taken for a key of the file.
TAG = "kind:"
#: The branch of a distribution that does not say what it is.
NO_BRANCH = "none"


def inside(low: float, high: float) -> AfterValidator:
    """A number between two others, and neither of them."""

    def check(value: float) -> float:
        if not low < value < high:
            raise broken(Rule.RANGE, f"`{value:g}` is out of range: above {low:g} and below {high:g}")
        return value

    return AfterValidator(check)
