"""Values with units: a closed grammar, one spelling per unit, one internal unit per dimension.

A value is a number and, where the dimension has one, a unit: ``75 mg/m2``, ``2.67 Gy``, ``21 d``,
``2 %/yr``, ``50e9/L``. The space is optional. Internal units: days, per day, cells, 1e9/L, Gy, /Gy and
years for an age; fractions, folds and counts are plain numbers. 1 mo = 30.4375 d and 1 yr = 365.25 d.

``p %/yr`` is the share p that leaves within a year and converts to the constant hazard that does so,
-ln(1 - p) / 365.25 per day; ``x /yr`` is already a hazard and is divided by 365.25.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from trialsim.errors import UsageError

DAYS_PER_WEEK = 7.0
DAYS_PER_MONTH = 30.4375
DAYS_PER_YEAR = 365.25


class UnitError(UsageError, ValueError):
    """A value that is not in the grammar. ``remedy`` says what to write instead, or is empty."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


Convert = Callable[[float], float]


def _times(factor: float) -> Convert:
    return lambda x: x * factor


def _per(size: float) -> Convert:
    return lambda x: x / size


def _share_per(days: float) -> Convert:
    def convert(percent: float) -> float:
        if percent >= 100.0:
            raise UnitError(f"{percent:g} % would leave nobody", "a share below 100 %")
        return -math.log1p(-percent / 100.0) / days

    return convert


@dataclass(frozen=True)
class Quantity:
    """One dimension: what it is called, the units it takes, and the largest and smallest values that make sense.

    Nothing at all, 0, always does.
    """

    noun: str
    units: dict[str, Convert] = field(default_factory=dict)
    base: str = ""
    bare: bool = False
    highest: float = math.inf
    lowest: float = 0.0


_TIME: dict[str, Convert] = {
    "d": _times(1.0),
    "wk": _times(DAYS_PER_WEEK),
    "mo": _times(DAYS_PER_MONTH),
    "yr": _times(DAYS_PER_YEAR),
}
_LENGTHS = {"d": 1.0, "wk": DAYS_PER_WEEK, "mo": DAYS_PER_MONTH, "yr": DAYS_PER_YEAR}
_RATE: dict[str, Convert] = {f"/{u}": _per(days) for u, days in _LENGTHS.items()} | {
    f"%/{u}": _share_per(days) for u, days in _LENGTHS.items()
}
_PLATELETS: dict[str, Convert] = {
    "1e9/L": _times(1.0),
    "/L": _per(1e9),
    "/uL": _per(1e3),
}

#: Every dimension of a trait (`trialsim.spec.traits`), and a hazard per year.
DIMENSIONS: dict[str, Quantity] = {
    "age": Quantity("an age", {"yr": _times(1.0)}, "yr", highest=130.0, lowest=1e-3),
    "time": Quantity("a time", _TIME, "d", highest=200 * DAYS_PER_YEAR, lowest=1e-5),
    "rate": Quantity("a rate", _RATE, "/d", highest=1000.0, lowest=1e-20),
    "yearly_rate": Quantity("a rate per year", {"/yr": _times(1.0)}, "/yr", highest=1000.0, lowest=1e-9),
    "cells": Quantity("a number of cells", {"cells": _times(1.0)}, "cells", highest=1e15, lowest=1e-6),
    "per_gray": Quantity("a radiosensitivity", {"/Gy": _times(1.0)}, "/Gy", highest=100.0, lowest=1e-6),
    "gray": Quantity("a radiation dose", {"Gy": _times(1.0)}, "Gy", highest=1000.0, lowest=1e-3),
    "fold": Quantity("a multiplier", bare=True, highest=1e9, lowest=1e-9),
    "fraction": Quantity("a fraction", {"%": _per(100.0)}, bare=True, highest=1.0, lowest=1e-15),
    "count": Quantity("a count", bare=True, highest=1e9, lowest=1e-9),
    "weight": Quantity("a body weight", {"kg": _times(1.0)}, "kg", highest=500.0, lowest=1e-3),
    "height": Quantity("a body height", {"cm": _times(1.0), "m": _times(100.0)}, "cm", highest=260.0, lowest=1e-2),
    "filtration": Quantity("a glomerular filtration", {"mL/min": _times(1.0)}, "mL/min", highest=500.0, lowest=1e-3),
    "neutrophils": Quantity("a neutrophil count", _PLATELETS, "1e9/L", highest=100.0, lowest=1e-6),
    "platelets": Quantity("a platelet count", _PLATELETS, "1e9/L", highest=10_000.0, lowest=1e-6),
}
#: Units of a dose; an agent takes one of them.
DOSE_UNITS = ("mg/m2", "mg", "mg/kg", "AUC", "Gy")

_ALIASES = {
    **dict.fromkeys(("day", "days", "D"), "d"),
    **dict.fromkeys(("week", "weeks", "w", "wks"), "wk"),
    **dict.fromkeys(("month", "months", "m", "mos"), "mo"),
    **dict.fromkeys(("year", "years", "y", "a", "yrs"), "yr"),
    **dict.fromkeys(("gy", "GY", "gray", "Gray"), "Gy"),
    **dict.fromkeys(("cell",), "cells"),
    **dict.fromkeys(("percent", "pct"), "%"),
    **dict.fromkeys(("mg/m^2", "mg/m²", "mg/sqm"), "mg/m2"),
    **dict.fromkeys(("1/d", "per day", "/day", "d-1"), "/d"),
    **dict.fromkeys(("1/mo", "per month", "/month"), "/mo"),
    **dict.fromkeys(("1/yr", "per year", "/year", "/y", "/a"), "/yr"),
    **dict.fromkeys(("%/year", "%/y", "% per year", "% /yr"), "%/yr"),
    **dict.fromkeys(("1/Gy", "Gy-1", "/gy"), "/Gy"),
    **dict.fromkeys(("10^9/L", "x10^9/L", "x 10^9/L", "G/L", "1e9/l"), "1e9/L"),
}
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*\Z", re.DOTALL)
_COMMA = re.compile(r"\s*[-+]?\d+,\d+")


def parse(text: object, dimension: str) -> float:
    """The value of ``text`` in the internal unit of ``dimension`` (a key of :data:`DIMENSIONS`).

    Raises :class:`UnitError` when the number or the unit is missing, unknown or of another dimension,
    and when the value is negative, not finite or beyond what can be meant.
    """
    quantity = DIMENSIONS[dimension]
    number, unit = split(text, quantity.noun)
    if not unit and quantity.bare:
        value = number
    elif not unit:
        allowed = _either(quantity.units)
        raise UnitError(f"{quantity.noun} needs a unit: {allowed}", f"{_tidy(number)} {quantity.base}")
    elif unit in quantity.units:
        value = quantity.units[unit](number)
    else:
        raise _wrong_unit(number, unit, quantity)
    if value < 0:
        raise UnitError(f"{quantity.noun} cannot be negative: {_shown(text)}")
    if value > quantity.highest:
        most = f"{quantity.highest:g} {quantity.base}".strip()
        if dimension == "time":
            most = "200 yr"
        hint = f"{_tidy(number)} % or {number / 100:g}" if dimension == "fraction" and number <= 100 else ""
        raise UnitError(f"{_shown(text)} is too large for {quantity.noun} (at most {most})", hint)
    if 0.0 < value < quantity.lowest:
        least = f"{quantity.lowest:g} {quantity.base}".strip()
        raise UnitError(f"{_shown(text)} is too small for {quantity.noun} (0, or at least {least})")
    return value


def parse_dose(text: object) -> tuple[float, str]:
    """The amount and the unit of a dose, e.g. ``75 mg/m2`` -> (75.0, "mg/m2"). Raises UnitError."""
    number, unit = split(text, "a dose")
    if not unit:
        raise UnitError(f"a dose needs a unit: {_either(DOSE_UNITS)}", f"{_tidy(number)} mg")
    if unit not in DOSE_UNITS:
        raise _wrong_unit(number, unit, Quantity("a dose", {u: _times(1.0) for u in DOSE_UNITS}))
    if number <= 0:
        raise UnitError(f"a dose must be more than zero: {_shown(text)}", "leave the line out to give nothing")
    if number > 1e6:
        raise UnitError(f"{_shown(text)} is too large for a dose (at most 1e6)")
    if number < 1e-6:
        raise UnitError(f"{_shown(text)} is too small for a dose (at least 1e-6)", "leave the line out to give nothing")
    return number, unit


def split(text: object, noun: str = "a value") -> tuple[float, str]:
    """The number and the unit (perhaps empty) of a value. Raises UnitError when there is no number."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise UnitError(f"{_shown(text)} is not {noun}: a number is needed")
    match = _NUMBER.match(str(text))
    if _COMMA.match(str(text)):
        raise UnitError(f"{_shown(text)}: the decimal sign is a point", str(text).replace(",", ".", 1))
    if match is None:
        raise UnitError(f"{_shown(text)} is not {noun}: a number is needed")
    number = float(match[1])
    if not math.isfinite(number):
        raise UnitError(f"{_shown(text)} is not a finite number")
    return number, match[2]


def format_quantity(value: float, dimension: str) -> str:
    """``value`` (in internal units) as text that :func:`parse` reads back to the same float."""
    return f"{value!r} {DIMENSIONS[dimension].base}".strip()


def format_time(days: float) -> str:
    """A time for a reader, in the largest unit that leaves a round number: ``6 mo``, ``5 yr``, ``21 d``."""
    for unit in ("yr", "mo"):
        count = days / _LENGTHS[unit]
        if days > 0 and math.isclose(count, round(count), abs_tol=1e-9):
            return f"{round(count)} {unit}"
    return f"{days:g} d"


def _wrong_unit(number: float, unit: str, quantity: Quantity) -> UnitError:
    if not quantity.units:
        return UnitError(f"{quantity.noun} is a plain number, without {unit!r}", _tidy(number))
    allowed = _either(quantity.units)
    other = next((q.noun for q in DIMENSIONS.values() if unit in q.units), "")
    if not other and unit in DOSE_UNITS:
        other = "a dose"
    if other and other != quantity.noun:
        return UnitError(f"{_tidy(number)} {unit} is {other}, not {quantity.noun} (which takes {allowed})")
    near = difflib.get_close_matches(unit, list(quantity.units), n=1, cutoff=0.5)
    alias = _ALIASES.get(unit, near[0] if near else "")
    hint = f"did you mean {_tidy(number)} {alias}?" if alias in quantity.units else ""
    return UnitError(f"unknown unit {unit!r}: {quantity.noun} takes {allowed}", hint)


def _either(units: dict[str, Convert] | tuple[str, ...]) -> str:
    names = list(units)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _tidy(number: float) -> str:
    return f"{number:.12g}"


def _shown(text: object) -> str:
    return "nothing" if text is None else repr(text) if isinstance(text, str) else str(text)
