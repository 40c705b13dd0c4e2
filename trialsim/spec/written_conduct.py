"""How a trial is run, as its author writes it: enrolment, sites, screening."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from trialsim import units
from trialsim.spec.rules import Rule
from trialsim.spec.values import (
    TAG,
    Bounded,
    Fraction,
    IsoDate,
    Listed,
    Name,
    PositiveTime,
    Time,
    Whole,
    broken,
    no_repeats,
    read_date,
    shown,
)
from trialsim.spec.written import Written


def _read_per_month(value: object) -> float:
    """Patients a day, from ``25`` or ``25 /mo``."""
    is_bare = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return units.parse(f"{value} /mo" if is_bare else value, "rate")
    except units.UnitError as error:
        raise broken(Rule.UNIT, error.message, error.remedy or "25") from None


def _somebody_comes(per_day: float) -> float:
    if per_day <= 0:
        raise broken(Rule.RANGE, "no patient would ever be enrolled", "more than 0 a month")
    return per_day


PatientRate = Annotated[float, BeforeValidator(_read_per_month), WithJsonSchema({"type": ["number", "string"]})]


class AccrualPeriod(Written):
    """One rate of a list."""

    rate: PatientRate = Field(description="Patients a month, e.g. 10; 0 is a pause.")
    until: PositiveTime | None = Field(None, description="Time since the trial opened at which the next takes over.")


def _rate_form(value: Any) -> str:
    return TAG + ("list" if isinstance(value, list) else "rate")


Rates = Annotated[
    Annotated[PatientRate, AfterValidator(_somebody_comes), Tag(TAG + "rate")]
    | Annotated[list[AccrualPeriod], Listed, Tag(TAG + "list")],
    Discriminator(_rate_form),
]


class OpenEvery(Written):
    """Sites that open at even intervals, or at random within a time."""

    every: Time | None = Field(None, description="A site opens this long after the one before it; the first at once.")
    within: PositiveTime | None = Field(None, description="Each site opens at a random time within this.")

    @model_validator(mode="after")
    def _one(self) -> OpenEvery:
        if (self.every is None) == (self.within is None):
            which = "neither `every` nor `within`" if self.every is None else "both `every` and `within`"
            raise broken(Rule.SITES_OPEN, f"`open` has {which}", "open: {every: 2 wk}")
        return self


def _opening_form(value: Any) -> str:
    return TAG + ("list" if isinstance(value, list) else "plan")


SiteOpening = Annotated[
    Annotated[OpenEvery, Tag(TAG + "plan")] | Annotated[list[Time], Listed, Tag(TAG + "list")],
    Discriminator(_opening_form),
]
Share = Annotated[float, Bounded(0.0, 1e6, open_low=True)]


class WrittenSites(Written):
    """Sites that open over time and enrol at rates of their own."""

    number: Annotated[Whole, Bounded(1, 100_000)] = Field(description="Number of sites.")
    open: SiteOpening | None = Field(
        None, description="When they open: {every: 2 wk}, {within: 12 mo}, or a time for each (default: all at once)."
    )
    shares: Annotated[list[Share], Listed] | None = Field(
        None, description="How the rate is divided, one number for each site (default: equally)."
    )
    shape: Annotated[float, Bounded(0.0, 1e6, open_low=True)] | None = Field(
        None, description="Shape of a gamma law by which sites differ beyond that; smaller is more uneven."
    )
    at_most: Annotated[Whole, Bounded(1, 1e7)] | None = Field(
        None, description="Patients that one site randomises at most."
    )


def _sites_form(value: Any) -> str:
    return TAG + ("mapping" if isinstance(value, dict | WrittenSites) else "number")


SitesForm = Annotated[
    Annotated[Whole, Bounded(1, 100_000), Tag(TAG + "number")] | Annotated[WrittenSites, Tag(TAG + "mapping")],
    Discriminator(_sites_form),
]


def _read_moment(value: object) -> object:
    """A calendar date stays text; anything else is a time since the trial opened."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d?-\d\d?", value.strip()):
        return read_date(value.strip())
    try:
        return units.parse(value, "time")
    except units.UnitError as error:
        raise broken(Rule.UNIT, error.message, error.remedy or "12 mo, or 2028-01-31") from None


#: A day of the trial's calendar: a date as text, or days since the trial opened.
Moment = Annotated[
    str | float,
    BeforeValidator(_read_moment),
    WithJsonSchema({"type": "string", "examples": ["12 mo", "2028-01-31"]}),
]


class WrittenPause(Written):
    """A time without enrolment."""

    begin: Moment | None = Field(None, alias="from", description="A date, or a time since the trial opened.")
    after: Annotated[Whole, Bounded(1, 1e7)] | None = Field(
        None, description="In place of `from`: the number of patients at whose last arrival enrolment pauses."
    )
    length: PositiveTime = Field(alias="for", description="How long.")

    @model_validator(mode="after")
    def _one(self) -> WrittenPause:
        if (self.begin is None) == (self.after is None):
            which = "neither `from` nor `after`" if self.begin is None else "both `from` and `after`"
            raise broken(Rule.PAUSE, f"a pause has {which}", "{after: 50, for: 3 mo}")
        return self


def _some_caps(value: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    for name, levels in value.items():
        if not levels:
            raise broken(Rule.NOT_EMPTY, f"the caps of `{shown(name).strip('`')}` are empty", "mutant: 100")
    return value


def _below_one(value: float) -> float:
    if value >= 1.0:
        raise broken(Rule.RANGE, f"`{value:g}` is out of range: nobody would be randomised", "less than 100 %")
    return value


def _a_chance(value: float) -> float:
    if value <= 0.0:
        raise broken(Rule.RANGE, f"`{value:g}` is out of range: the preferred arm would never be given", "0.8")
    return value


class WrittenAccrual(Written):
    """How patients come in. Rates are held per day, like every rate."""

    patients: Annotated[Whole, Bounded(1, 1e7)] = Field(description="Patients to randomise.")
    per_month: Rates = Field(
        description="Patients a month at full rate, over all sites, e.g. 25; or a list: {rate: 10, until: 6 mo}."
    )
    ramp: Time = Field(0.0, description="Time over which the rate rises from zero, e.g. 6 mo.")
    arrivals: Literal["poisson", "fixed"] = Field(
        "poisson", description="A Poisson process, or evenly spaced at the rate."
    )
    sites: SitesForm = Field(1, description="Number of sites; or sites that open over time, at rates of their own.")
    opens: IsoDate = Field("2027-01-04", description="First day on which a patient can be enrolled.")
    screening_failure: Annotated[Fraction, AfterValidator(_below_one)] = Field(
        0.0, description="Chance that a patient who comes is not eligible; `per_month` then counts those who come."
    )
    caps: Annotated[dict[str, dict[str, Annotated[Whole, Bounded(0, 1e7)]]], AfterValidator(_some_caps)] = Field(
        {}, description="Most patients to randomise by level of a categorical trait: {p53_status: {mutant: 100}}."
    )
    pauses: list[WrittenPause] = Field([], description="Times without enrolment.")


class WrittenRandomisation(Written):
    """How patients are allocated: permuted blocks within strata, a coin for each, or minimisation."""

    method: Literal["blocks", "simple", "minimisation"] = Field(
        "blocks", description="Permuted blocks, each patient by chance alone, or minimisation (Pocock-Simon)."
    )
    ratio: dict[str, Annotated[Whole, Bounded(1, 100)]] | None = Field(
        None, description="Patients in each arm for a block of the smallest size (default: equal)."
    )
    blocks: Annotated[list[Annotated[Whole, Bounded(1, 1000)]], Listed] | None = Field(
        None, description="Block sizes, chosen at random; multiples of the ratio's sum (default: twice it)."
    )
    strata: Annotated[list[Name], AfterValidator(no_repeats)] = Field(
        [], description="Categorical traits that randomisation is stratified by; the factors of minimisation."
    )
    by_site: bool = Field(False, description="Whether the site is one more stratum or factor.")
    coin: Annotated[Fraction, AfterValidator(_a_chance)] | None = Field(
        None, description="Of minimisation: chance of the arm that leaves the least imbalance (default 0.8)."
    )
    weights: dict[str, Annotated[float, Bounded(0.0, 1e6, open_low=True)]] | None = Field(
        None, description="Of minimisation: weights of the factors, `site` among them (default: 1 each)."
    )
    imbalance: Literal["range", "variance"] | None = Field(
        None, description="Of minimisation: how the counts of a level are judged (default: range)."
    )
