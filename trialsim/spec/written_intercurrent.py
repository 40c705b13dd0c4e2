"""What comes in between, and the estimand that says how it is dealt with (ICH E9(R1)), as an author writes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from trialsim.spec.resolved_conduct import Strategy
from trialsim.spec.rules import Rule
from trialsim.spec.values import TAG, Bounded, Fraction, Listed, Name, RatePerDay, broken, no_repeats
from trialsim.spec.written import Written

Ratio = Annotated[float, Bounded(0.0, 1000.0, open_low=True)]


class WrittenNewTherapy(Written):
    """Anticancer therapy that is not the trial's, before a relapse."""

    rate: RatePerDay = Field(description="How often it begins, e.g. 3 %/yr.")
    hazard_ratio: Ratio = Field(
        1.0, description="What it does from then on to the hazard of an arm with a `model`; cells are not changed."
    )


def _listed_names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class WrittenCrossover(Written):
    """Patients of some arms who get another arm's treatment after relapse."""

    origin: Annotated[
        list[Name],
        Listed,
        AfterValidator(no_repeats),
        BeforeValidator(_listed_names),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(alias="from", description="An arm, or a list of arms.")
    to: Name = Field(description="The arm whose treatment they get.")
    share: Fraction = Field(description="Share of those who relapse.")
    survival_ratio: Ratio = Field(1.0, description="Factor of the time from relapse to death from cancer.")


class WrittenRescue(Written):
    """Another treatment after relapse, in any arm."""

    share: Fraction = Field(description="Share of those who relapse and do not cross over.")
    survival_ratio: Ratio = Field(1.0, description="Factor of the time from relapse to death from cancer.")


class WrittenIntercurrent(Written):
    """What may come in between, beside treatment that is stopped."""

    new_therapy: WrittenNewTherapy | None = Field(None, description="Other anticancer therapy before relapse.")
    crossover: WrittenCrossover | None = Field(None, description="Another arm's treatment after relapse.")
    rescue: WrittenRescue | None = Field(None, description="Another treatment after relapse.")


class WrittenStrategies(Written):
    """A strategy for each intercurrent event."""

    discontinuation: Strategy = Field("treatment-policy", description="Study treatment is stopped early.")
    new_therapy: Strategy = Field("treatment-policy", description="Other anticancer therapy before relapse.")
    crossover: Strategy = Field("treatment-policy", description="Another arm's treatment after relapse.")
    rescue: Strategy = Field("treatment-policy", description="Another treatment after relapse.")

    @model_validator(mode="after")
    def _possible(self) -> WrittenStrategies:
        for name in ("new_therapy", "crossover", "rescue"):
            if getattr(self, name) == "principal-stratum":
                message = f"there is no principal stratum for `{name}`, which the arm does not bring about"
                raise broken(Rule.ESTIMAND, message, "discontinuation: principal-stratum")
        return self


def _estimand_form(value: Any) -> str:
    return TAG + ("mapping" if isinstance(value, dict | WrittenStrategies) else "name")


EstimandForm = Annotated[
    Annotated[Strategy, Tag(TAG + "name")] | Annotated[WrittenStrategies, Tag(TAG + "mapping")],
    Discriminator(_estimand_form),
]


class WrittenEndpoint(Written):
    """The primary endpoint and its estimand."""

    primary: Literal["rfs", "ttr", "drfs", "os"] = Field(
        "rfs", description="Relapse-free, time to relapse, distant relapse-free, or overall survival."
    )
    estimand: EstimandForm = Field(
        "treatment-policy",
        description="How intercurrent events are dealt with (ICH E9(R1)): one strategy for all, or one for each.",
    )
