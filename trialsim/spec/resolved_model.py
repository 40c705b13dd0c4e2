"""Laws of event times, for arms whose patients have no cells. Times in days, rates per day.

Every law is known by its cumulative hazard H, survival being exp(-H).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialsim.spec.agents import Frozen
from trialsim.spec.resolved_values import Days, NotNegative, Positive, Rate, Shape, Share, SomeDays


class PiecewiseExponential(Frozen):
    """A hazard that is constant in pieces; one piece is the exponential law."""

    kind: Literal["piecewise"] = "piecewise"
    rates: tuple[Rate, ...]
    until_days: tuple[SomeDays, ...]
    """Ends of all pieces but the last, which has none."""


class Weibull(Frozen):
    """H(t) = (t / scale)^shape."""

    kind: Literal["weibull"] = "weibull"
    shape: Shape
    scale_days: Positive


class CureMixture(Frozen):
    """A share never has the event, the others' times are Weibull: S = cured + (1 - cured) exp(-(t / scale)^shape)."""

    kind: Literal["cure"] = "cure"
    cured: Share
    shape: Shape
    scale_days: Positive


class SurvivalCurve(Frozen):
    """Survival at some times, exponential between them.

    Beyond the last time the hazard is the mean one up to it; 0 where the curve ends in a plateau.
    """

    kind: Literal["curve"] = "curve"
    days: tuple[Days, ...]
    survival: tuple[Share, ...]
    plateau: bool
    source: str


Law = Annotated[PiecewiseExponential | Weibull | CureMixture | SurvivalCurve, Field(discriminator="kind")]


class EventModel(Frozen):
    """A law, and by what its hazard is multiplied, in pieces."""

    law: Law
    hazard_ratios: tuple[NotNegative, ...] = (1.0,)
    until_days: tuple[SomeDays, ...] = ()
    """Ends of all pieces of ``hazard_ratios`` but the last."""
    relative_to: str = ""
    """The arm whose law it is, where the hazard is relative to another arm's."""
