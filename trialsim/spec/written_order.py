"""Lines of treatment as an author writes them: doses, starts, cycles, weekdays, conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from trialsim import units
from trialsim.spec.rules import Rule
from trialsim.spec.values import NAME_PATTERN, TAG, Bounded, Listed, Name, PositiveTime, Whole, broken, shown
from trialsim.spec.written import Written

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: The days of the study week; study day 1 is a Monday.
WEEKDAYS: tuple[str, ...] = get_args(Weekday)


@dataclass(frozen=True)
class Dose:
    """An amount with the unit as written."""

    amount: float
    unit: str


@dataclass(frozen=True)
class Start:
    """When an order begins or ends: on a day, or by the doses of another treatment."""

    kind: Literal["day", "after", "before", "with"]
    days: float
    """Days since randomisation for ``day``, the time between for ``after`` and ``before``, 0 for ``with``."""
    reference: str
    """The treatment that it counts from; empty for ``day`` and for a cycle of the arm's first order."""
    text: str
    cycle: int | None = None
    """The cycle of ``reference`` that it counts from; None for all of it."""


def _read_dose(value: object) -> Dose:
    try:
        return Dose(*units.parse_dose(value))
    except units.UnitError as error:
        raise broken(Rule.UNIT, error.message, error.remedy) from None


_START_FORMS = "day 57, or 28 d after paclitaxel, or with navitoclax, or with cycle 2 of doxorubicin"
_REFERENCE = r"(?:cycle (?P<cycle>[1-9]\d{0,3})(?: of (?P<of>\S+))?|(?P<name>\S+))"


def _read_start(value: object) -> Start:
    if isinstance(value, Start):
        return value
    text = " ".join(value.split()) if isinstance(value, str) else str(value)
    if match := re.fullmatch(r"day ([-+]?\d{1,9}(?:\.\d+)?)", text):
        day = float(match[1])
        if day < 1:
            raise broken(Rule.START_DAY, f"`{text}` is before the trial begins", "day 1 is randomisation")
        return Start("day", day - 1.0, "", text)
    if match := re.fullmatch(rf"with {_REFERENCE}", text):
        return Start("with", 0.0, match["of"] or match["name"] or "", text, _cycle(match))
    if match := re.fullmatch(rf"(?P<time>.+) (?P<way>after|before) {_REFERENCE}", text):
        way: Literal["after", "before"] = "after" if match["way"] == "after" else "before"
        try:
            days = units.parse(match["time"], "time")
        except units.UnitError as error:
            raise broken(Rule.UNIT, error.message, error.remedy) from None
        return Start(way, days, match["of"] or match["name"] or "", text, _cycle(match))
    raise broken(Rule.START_SYNTAX, f"{shown(value)} is not a start", _START_FORMS)


def _cycle(match: re.Match[str]) -> int | None:
    return int(match["cycle"]) if match["cycle"] else None


_DOSE_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": r"^\s*[0-9.]+([eE][-+]?[0-9]+)?\s*(mg/m2|mg|mg/kg|AUC|Gy)\s*$",
        "examples": ["75 mg/m2", "150 mg", "5 AUC", "2.67 Gy"],
    }
)
_START_PATTERN = r"(day [0-9]+|(with|[0-9.]+ *(d|wk|mo|yr) (after|before)) (cycle [0-9]+( of \S+)?|\S+))"
_START_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": rf"^\s*{_START_PATTERN}\s*$",
        "examples": ["day 1", "28 d after paclitaxel", "with navitoclax", "with cycle 2 of doxorubicin"],
    }
)
WrittenDose = Annotated[Dose, BeforeValidator(_read_dose), _DOSE_SCHEMA]
WrittenStart = Annotated[Start, BeforeValidator(_read_start), _START_SCHEMA]

#: The words of `until` for treatment that goes on until relapse.
PROGRESSION = "progression"


def _read_until(value: object) -> Start | str:
    return PROGRESSION if value == PROGRESSION else _read_start(value)


Until = Annotated[
    Start | Literal["progression"],
    BeforeValidator(_read_until),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^\s*(progression|{_START_PATTERN})\s*$",
            "examples": ["progression", "day 365", "7 d before breast-rt"],
        }
    ),
]


class WrittenGuide(Written):
    """What must be positive for an order to be given. One of ``panel`` and ``marker`` is there."""

    panel: Name | None = Field(None, description="A panel; or a biomarker, as a panel of one.")
    marker: Name | None = Field(None, description="A biomarker, in place of `panel`.")
    day: WrittenStart = Field(description="When it is measured, as in `start`; not after the order's first dose.")

    @property
    def name(self) -> str:
        return self.panel or self.marker or ""

    @model_validator(mode="after")
    def _one(self) -> WrittenGuide:
        if (self.panel is None) == (self.marker is None):
            which = "neither `panel` nor `marker`" if self.panel is None else "both `panel` and `marker`"
            raise broken(Rule.GIVE_IF_SYNTAX, f"`give_if` has {which}", _GUIDE_FORMS)
        return self


_GUIDE_FORMS = "tis-panel positive at day 120, or {panel: tis-panel, day: day 120}"
_GUIDE_TEXT = re.compile(rf"({NAME_PATTERN}) positive at (.+)")


def _read_guide(value: object) -> object:
    text = " ".join(value.split()) if isinstance(value, str) else str(value)
    match = _GUIDE_TEXT.fullmatch(text)
    if match is None:
        raise broken(Rule.GIVE_IF_SYNTAX, f"{shown(value)} is not a condition", _GUIDE_FORMS)
    return {"panel": match[1], "day": _read_start(match[2])}


def _guide_form(value: Any) -> str:
    return TAG + ("mapping" if isinstance(value, dict | WrittenGuide) else "text")


_GUIDE_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": rf"^\s*[A-Za-z0-9]\S*\s+positive\s+at\s+{_START_PATTERN}\s*$",
        "examples": ["tis-panel positive at day 120", "p16 positive at 7 d after breast-rt"],
    }
)
GiveIf = Annotated[
    Annotated[WrittenGuide, BeforeValidator(_read_guide), _GUIDE_SCHEMA, Tag(TAG + "text")]
    | Annotated[WrittenGuide, Tag(TAG + "mapping")],
    Discriminator(_guide_form),
]


def _ascending(numbers: list[int]) -> list[int]:
    for before, after in pairwise(numbers):
        if after <= before:
            raise broken(Rule.ASCENDING, f"`{after}` stands after `{before}`")
    return numbers


Counted = Annotated[list[Annotated[Whole, Bounded(1, 1000)]], Listed, AfterValidator(_ascending)]


def _read_weekdays(value: object) -> object:
    """``mon-fri`` or ``[mon, wed, fri]`` as a list in the week's order; other things as they are."""
    if isinstance(value, str):
        first, dash, last = (word.strip() for word in value.partition("-"))
        if dash and first in WEEKDAYS and last in WEEKDAYS and WEEKDAYS.index(first) < WEEKDAYS.index(last):
            return list(WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last) + 1])
        message = f"{shown(value)} is not a stretch of weekdays"
        raise broken(Rule.WEEKDAYS_SYNTAX, message, "mon-fri, or [mon, wed, fri]")
    return value


def _in_week_order(days: list[Weekday]) -> list[Weekday]:
    places = [WEEKDAYS.index(day) for day in days]
    if sorted(set(places)) != places:
        raise broken(Rule.WEEKDAYS_SYNTAX, "these weekdays are not in the week's order", "mon-fri, or [mon, wed, fri]")
    return days


Weekdays = Annotated[
    list[Weekday],
    Listed,
    BeforeValidator(_read_weekdays),
    AfterValidator(_in_week_order),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"enum": list(WEEKDAYS)}, "minItems": 1, "uniqueItems": True},
                {"type": "string", "pattern": rf"^\s*({'|'.join(WEEKDAYS)})\s*-\s*({'|'.join(WEEKDAYS)})\s*$"},
            ],
            "examples": ["mon-fri", ["mon", "wed", "fri"]],
        }
    ),
]


def _read_in_cycles(value: object) -> object:
    if isinstance(value, str) and value not in ("odd", "even"):
        raise broken(Rule.IN_CYCLES, f"{shown(value)} does not name cycles", "odd, even, or [1, 3]")
    return value


def _in_cycles_form(value: Any) -> str:
    return TAG + ("word" if isinstance(value, str) else "list")


InCycles = Annotated[
    Annotated[
        Annotated[Literal["odd", "even"], Tag(TAG + "word")] | Annotated[Counted, Tag(TAG + "list")],
        Discriminator(_in_cycles_form),
    ],
    BeforeValidator(_read_in_cycles),
]


class WrittenLeadIn(Written):
    """Daily doses before the first cycle."""

    dose: WrittenDose = Field(description="One dose of the lead-in, in the agent's unit.")
    days: Annotated[Whole, Bounded(1, 365)] = Field(description="Days of one dose each; cycle 1 follows.")


class WrittenLoading(Written):
    """First doses that differ from the others."""

    dose: WrittenDose = Field(description="One loading dose, in the agent's unit.")
    doses: Annotated[Whole, Bounded(1, 1000)] = Field(1, description="How many of the first doses are loading doses.")


class WrittenOrder(Written):
    """One line of treatment: an agent, its dose and its days."""

    agent: Name = Field(description="An agent of the library, e.g. doxorubicin, radiation, navitoclax.")
    dose: WrittenDose = Field(
        description="Dose of one administration, in the agent's unit; for radiation, of one fraction."
    )
    start: WrittenStart = Field(
        description="`day N` (day 1 is randomisation), `T after X` (X's last dose), `T before X` or `with X` (its "
        "first); X may be a cycle: `with cycle 2 of X`."
    )
    every: PositiveTime | None = Field(None, description="Length of a cycle.")
    cycles: Annotated[Whole, Bounded(1, 1000)] | None = Field(None, description="Number of cycles.")
    days_on: Annotated[Whole, Bounded(1, 1000)] | None = Field(
        None, description="Consecutive days of dosing at the start of each cycle (default 1)."
    )
    on_days: Counted | None = Field(
        None, description="Days of each cycle on which a dose falls, e.g. [1, 8, 15], in place of `days_on`."
    )
    in_cycles: InCycles | None = Field(
        None, description="Cycles in which the order is given: `odd`, `even` or a list (default: all)."
    )
    weekdays: Weekdays | None = Field(
        None, description="Days of the week that are open, e.g. `mon-fri`; study day 1 is a Monday (default: all)."
    )
    until: Until | None = Field(
        None, description="No dose falls after this day, written as in `start`; or `progression`."
    )
    lead_in: WrittenLeadIn | None = Field(None, description="Daily doses before the first cycle.")
    loading: WrittenLoading | None = Field(None, description="First doses that differ from the others.")
    fractions: Annotated[Whole, Bounded(1, 100)] | None = Field(None, description="Fractions of radiation.")
    per_week: Annotated[Whole, Bounded(1, 7)] | None = Field(
        None, description="Fractions a week, on consecutive days (default 5)."
    )
    field: Literal["local", "systemic"] | None = Field(
        None, description="What radiation reaches: the local bed (default) or the whole body."
    )
    rules: Name | None = Field(None, description="Dose rules, from `rules` or `navitoclax-platelets`.")
    give_if: GiveIf | None = Field(
        None, description="Give this order only to patients whose panel is positive: `tis-panel positive at day 120`."
    )
    id: Name | None = Field(None, description="A name for this order, for `start` to refer to.")
