"""Interim looks as an author writes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from trialsim.spec.rules import Rule
from trialsim.spec.values import Bounded, Fraction, Listed, Name, broken, inside
from trialsim.spec.written import Written


def _read_spending(value: Any) -> str:
    from trialsim.designs.spending import SpendingError, parse_spending

    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    try:
        return parse_spending(words).name
    except SpendingError as error:
        raise broken(Rule.SPENDING, error.message, error.remedy) from None


#: The name of a spending function, or shares with commas between.
SpendingWords = Annotated[
    str,
    BeforeValidator(_read_spending),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}}],
            "examples": ["obrien-fleming", "hwang-shih-decani(-4)", [0.1, 0.4, 1]],
        }
    ),
]


def _ascending(at: list[float]) -> list[float]:
    # Imported when there are looks: SciPy's solvers take their time.
    from trialsim.designs.boundaries import DesignError, check_information

    try:
        check_information(at)
    except DesignError as error:
        raise broken(Rule.LOOKS, error.message, error.remedy) from None
    if at[-1] != 1.0:
        raise broken(Rule.LOOKS, f"the last look is at `{at[-1]:g}` of the events", "[0.5, 0.75, 1]")
    return at


class WrittenFutility(Written):
    """Stopping for want of effect."""

    beta: Annotated[Fraction, inside(0.0, 1.0)] = Field(
        description="Type II error that the looks may spend, e.g. 10 %: 1 minus the power that is planned."
    )
    spending: SpendingWords = Field("hwang-shih-decani(-2)", description="How beta is spent; as `spending` of alpha.")
    binding: bool = Field(
        False, description="Whether the trial has to stop; only then may the efficacy boundary take credit for it."
    )


def _benefit(hazard_ratio: float) -> float:
    """Looks are for benefit, a longer time to the event; a power for its contrary would be told as one for it."""
    if hazard_ratio >= 1.0:
        raise broken(Rule.RANGE, f"{hazard_ratio:g} is no benefit: a planned hazard ratio is below 1", "e.g. 0.7")
    return hazard_ratio


class WrittenReEstimate(Written):
    """More events where the last interim look is promising."""

    power: Annotated[Fraction, inside(0.0, 1.0)] = Field(
        description="The chance of success aimed at, if the effect goes on as seen, e.g. 90 %."
    )
    lowest: Annotated[Fraction, inside(0.0, 1.0)] = Field(
        0.3, description="Below this chance nothing is added: the zone is promising from here to `power`."
    )
    at_most: Annotated[float, Bounded(1.0, 10.0, open_low=True)] = Field(
        1.5, description="The most events, as a multiple of the plan."
    )

    @model_validator(mode="after")
    def _zone(self) -> WrittenReEstimate:
        if self.lowest >= self.power:
            raise broken(Rule.RE_ESTIMATE, f"the zone from {self.lowest:g} to {self.power:g} is empty", "lowest: 30 %")
        return self


class WrittenFavour(Written):
    """Later patients go more often to the arm that does better."""

    floor: Annotated[Fraction, inside(0.0, 1.0)] = Field(
        0.1, description="The least share of later patients that an open arm gets."
    )


class WrittenEnrich(Written):
    """A look after which the trial may go on in a subgroup alone."""

    factor: Name = Field(description="A categorical trait, e.g. p53_status.")
    level: Name = Field(description="The level that makes the subgroup, e.g. wild_type.")
    others_above: Annotated[float, Bounded(0.01, 100.0)] = Field(
        0.9, description="The trial goes on in the subgroup if the others' hazard ratio is above this at the look."
    )


class WrittenLooks(Written):
    """Interim looks at the primary endpoint, at shares of the events at which the data are cut."""

    at: Annotated[list[Fraction], Listed, AfterValidator(_ascending)] = Field(
        description="Shares of the events, e.g. [50 %, 75 %, 1]; the last is the final analysis."
    )
    spending: SpendingWords = Field(
        "obrien-fleming",
        description="How alpha is spent: obrien-fleming, pocock, hwang-shih-decani(-4), kim-demets(3), or a list of "
        "cumulative shares.",
    )
    futility: WrittenFutility | None = Field(None, description="A boundary for futility; one-sided tests only.")
    re_estimate: WrittenReEstimate | None = Field(None, description="More events where the trial looks promising.")
    favour: WrittenFavour | None = Field(None, description="Later patients go more often to the arm that does better.")
    enrich: WrittenEnrich | None = Field(
        None, description="A look after which the trial may go on in a subgroup alone."
    )
    hazard_ratio: Annotated[float, Bounded(0.01, 100.0), AfterValidator(_benefit)] | None = Field(
        None,
        description="The effect, below 1, that conditional power is told for (default: that of `futility`, if any).",
    )
