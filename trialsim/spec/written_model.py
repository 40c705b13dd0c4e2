"""An arm's law of event times, as its author writes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from trialsim.spec.rules import Rule
from trialsim.spec.values import (
    NO_BRANCH,
    TAG,
    Bounded,
    Fraction,
    Listed,
    Name,
    PositiveTime,
    RatePerDay,
    Text,
    broken,
)
from trialsim.spec.written import Written

Shape = Annotated[float, Bounded(0.05, 20.0)]
HazardRatio = Annotated[float, Bounded(0.0, 1000.0)]


class ExponentialModel(Written):
    """A constant hazard: `median` or `rate`."""

    kind: Literal["exponential"] = Field(description="The law.")
    median: PositiveTime | None = Field(None, description="Median of the event times, e.g. 24 mo.")
    rate: RatePerDay | None = Field(None, description="Hazard, in place of `median`, e.g. 0.03 /mo.")

    @model_validator(mode="after")
    def _one(self) -> ExponentialModel:
        if (self.median is None) == (self.rate is None):
            which = "neither `median` nor `rate`" if self.median is None else "both `median` and `rate`"
            raise broken(Rule.MODEL, f"the law has {which}", "median: 24 mo")
        return self


class HazardPiece(Written):
    """One hazard of a list."""

    rate: RatePerDay = Field(description="Hazard, e.g. 0.03 /mo; or the share that leaves, e.g. 20 %/yr.")
    until: PositiveTime | None = Field(None, description="Study time at which the next takes over.")


class PiecewiseModel(Written):
    """A hazard that is constant in pieces."""

    kind: Literal["piecewise"] = Field(description="The law.")
    hazards: Annotated[list[HazardPiece], Listed] = Field(description="Hazards that follow each other.")


class WeibullModel(Written):
    """A hazard that rises or falls as a power of time."""

    kind: Literal["weibull"] = Field(description="The law.")
    median: PositiveTime = Field(description="Median of the event times.")
    shape: Shape = Field(description="Above 1 the hazard rises, below 1 it falls.")


def _part(value: float) -> float:
    if not 0.0 < value < 1.0:
        raise broken(Rule.RANGE, f"`{value:g}` is out of range: some are cured and some are not", "40 %")
    return value


class CureModel(Written):
    """A share that never has the event, and a Weibull law for the others."""

    kind: Literal["cure"] = Field(description="The law.")
    cured: Annotated[Fraction, AfterValidator(_part)] = Field(description="Share that never has the event.")
    median: PositiveTime = Field(description="Median of the event times of the others.")
    shape: Shape = Field(1.0, description="Shape of the others' law; 1 is exponential.")


class CurveModel(Written):
    """A survival curve from a table with the columns `time` and `survival`."""

    kind: Literal["curve"] = Field(description="The law.")
    file: Text = Field(description="A CSV file, from this file's folder.")
    unit: Literal["d", "wk", "mo", "yr"] = Field(description="Unit of its times.")
    tail: Literal["exponential", "plateau"] = Field(
        "exponential", description="After the last time: the mean hazard up to it, or no more events."
    )


class RatioPiece(Written):
    """One hazard ratio of a list."""

    ratio: HazardRatio = Field(description="Hazard ratio.")
    until: PositiveTime | None = Field(None, description="Study time at which the next takes over.")


def _ratio_form(value: Any) -> str:
    return TAG + ("list" if isinstance(value, list) else "ratio")


HazardRatios = Annotated[
    Annotated[HazardRatio, Tag(TAG + "ratio")] | Annotated[list[RatioPiece], Listed, Tag(TAG + "list")],
    Discriminator(_ratio_form),
]


class RelativeModel(Written):
    """The law of another arm, its hazard multiplied."""

    kind: Literal["relative"] = Field(description="The law.")
    to: Name = Field(description="An arm with a law of its own.")
    hazard_ratio: HazardRatios = Field(
        description="A number, or a list: [{ratio: 1, until: 6 mo}, {ratio: 0.6}] is a delayed effect."
    )


def _model_form(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return TAG + (str(value["kind"]) if "kind" in value else NO_BRANCH)


ArmModel = Annotated[
    Annotated[ExponentialModel, Tag(TAG + "exponential")]
    | Annotated[PiecewiseModel, Tag(TAG + "piecewise")]
    | Annotated[WeibullModel, Tag(TAG + "weibull")]
    | Annotated[CureModel, Tag(TAG + "cure")]
    | Annotated[CurveModel, Tag(TAG + "curve")]
    | Annotated[RelativeModel, Tag(TAG + "relative")],
    Discriminator(_model_form),
]
