"""A cohort as its author writes it.

The parameters of a distribution stay as written here, because their unit depends on the trait that they
belong to; `trialsim.spec.distributions` turns them into numbers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema

from trialsim.spec.agents import Confidence
from trialsim.spec.resolved_values import MOST_SLOPE
from trialsim.spec.rules import Rule
from trialsim.spec.values import (
    NO_BRANCH,
    TAG,
    Bounded,
    FormatVersion,
    Fraction,
    Listed,
    Name,
    PositiveTime,
    RatePerYear,
    Text,
    broken,
)
from trialsim.spec.written import Written

_VALUE_SCHEMA = WithJsonSchema(
    {"type": ["number", "string"], "examples": ["103 d", "0.14 /d", "1e4 cells", 0.4, "40 %"]}
)
#: A number with the trait's unit, as written.
Value = Annotated[Any, _VALUE_SCHEMA]
_ABSENT: Any = None


class _Sourced(Written):
    source: Text | None = Field(None, description="Where the numbers come from.")
    confidence: Confidence | None = Field(None, description="How far they may be trusted.")
    note: Text | None = Field(None, description="A remark for the report.")


class _Truncated(_Sourced):
    min: Value = Field(_ABSENT, description="No patient is below this.")
    max: Value = Field(_ABSENT, description="No patient is above this.")


class WrittenConstant(_Sourced):
    """One value for every patient."""

    value: Value = Field(description="A number with its unit, or a level.")


class WrittenNormal(_Truncated):
    """Normal; `min` is required, since no trait can be negative."""

    distribution: Literal["normal"]
    mean: Value
    sd: Value


class WrittenLognormal(_Truncated):
    """Lognormal: `median` with `cv`, `gsd` or `sd_log10`; or `mean` with `sd`."""

    distribution: Literal["lognormal"]
    median: Value = _ABSENT
    cv: Value = Field(_ABSENT, description="Coefficient of variation, e.g. 0.4 or 40 %.")
    gsd: Value = Field(_ABSENT, description="Geometric standard deviation, above 1.")
    sd_log10: Value = Field(_ABSENT, description="Standard deviation of the decimal logarithm.")
    mean: Value = _ABSENT
    sd: Value = _ABSENT


class WrittenUniform(_Sourced):
    """Uniform between `low` and `high`."""

    distribution: Literal["uniform"]
    low: Value
    high: Value


class WrittenLoguniform(_Sourced):
    """Uniform on the logarithm between `low` and `high`."""

    distribution: Literal["loguniform"]
    low: Value
    high: Value


class WrittenBeta(_Truncated):
    """Beta: `mean` with `sd`, or `a` with `b`."""

    distribution: Literal["beta"]
    mean: Value = _ABSENT
    sd: Value = _ABSENT
    a: Value = _ABSENT
    b: Value = _ABSENT


class WrittenCategorical(_Sourced):
    """Levels with probabilities that sum to 1."""

    distribution: Literal["categorical"]
    probabilities: dict[str, Fraction] = Field(min_length=1)


def _distribution_form(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    if "distribution" in value:
        return TAG + str(value["distribution"])
    return TAG + ("constant" if "value" in value else NO_BRANCH)


def _trait_form(value: Any) -> str | None:
    return TAG + "by" if isinstance(value, dict) and "by" in value else _distribution_form(value)


_Distributions = (
    Annotated[WrittenConstant, Tag(TAG + "constant")]
    | Annotated[WrittenNormal, Tag(TAG + "normal")]
    | Annotated[WrittenLognormal, Tag(TAG + "lognormal")]
    | Annotated[WrittenUniform, Tag(TAG + "uniform")]
    | Annotated[WrittenLoguniform, Tag(TAG + "loguniform")]
    | Annotated[WrittenBeta, Tag(TAG + "beta")]
    | Annotated[WrittenCategorical, Tag(TAG + "categorical")]
)
WrittenDistribution = Annotated[_Distributions, Discriminator(_distribution_form)]


class WrittenCases(_Sourced):
    """A distribution for each level of another trait; source and confidence may be given once, here."""

    by: Name = Field(description="A categorical trait.")
    cases: dict[str, WrittenDistribution] = Field(min_length=1)


WrittenTrait = Annotated[
    Annotated[WrittenCases, Tag(TAG + "by")] | _Distributions,
    Discriminator(_trait_form),
]


class WrittenCorrelation(Written):
    """Gaussian-copula correlation between two numeric traits."""

    traits: Annotated[list[Name], Listed] = Field(description="Two numeric traits.")
    rho: Annotated[float, Bounded(-0.999, 0.999)]
    source: Text | None = None


def _gentle(slope: float) -> float:
    if slope > MOST_SLOPE:
        raise broken(Rule.RANGE, f"`{slope:g} /yr` is out of range: at most {MOST_SLOPE:g} /yr", "0.0928 /yr")
    return slope


class WrittenGompertz(Written):
    """Death from other causes: hazard at age x is rate60 exp(slope (x - 60))."""

    rate60: RatePerYear = Field(description="Hazard at 60, e.g. 0.00688 /yr.")
    slope: Annotated[RatePerYear, AfterValidator(_gentle)] = Field(
        description="Rise of its logarithm with age, e.g. 0.0928 /yr."
    )
    source: Text
    confidence: Confidence


class WrittenMortality(Written):
    """Death from other causes, by sex."""

    female: WrittenGompertz
    male: WrittenGompertz


class WrittenPostRelapse(Written):
    """Death from cancer after relapse: exponential."""

    local_median: PositiveTime = Field(description="Median survival after a local relapse.")
    distant_median: PositiveTime = Field(description="Median survival after a distant relapse.")
    source: Text
    confidence: Confidence


class WrittenCohort(Written):
    """The patients of a trial."""

    trialsim_cohort: FormatVersion = Field(alias="trialsim-cohort", description="Version of the format.")
    name: Name = Field(description="Short name.")
    title: Text | None = Field(None, description="The population in a line.")
    description: Text | None = Field(None, description="Who these patients are, and how the file was made.")
    cells: bool = Field(
        True, description="Whether patients have tumour cells; without, they suit arms with a `model` only."
    )
    traits: dict[str, WrittenTrait] = Field(
        description="A distribution for every trait of the model; without cells `age` and `sex` are enough."
    )
    correlations: list[WrittenCorrelation] = Field([], description="Correlations between numeric traits.")
    focus_spread: Annotated[float, Bounded(0.0, 10.0)] = Field(
        1.0, description="Lesion-to-lesion standard deviation of ln(cells) around the patient's median focus."
    )
    mortality: WrittenMortality = Field(description="Death from other causes, by sex.")
    post_relapse: WrittenPostRelapse = Field(description="Death from cancer after relapse.")
