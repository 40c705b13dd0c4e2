"""The looks of a trial: every comparison at every look, and a trial that may go on in a subgroup alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trialsim.reported.limits import HazardRatio, Interval


@dataclass(frozen=True)
class FutilityPlan:
    beta: float
    spending: str
    binding: bool


@dataclass(frozen=True)
class LooksPlan:
    """The boundaries if every look comes as planned; z is large for benefit."""

    events: float
    information: tuple[float, ...]
    upper: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    spending: str
    futility: FutilityPlan | None
    alpha: float
    sided: int


@dataclass(frozen=True)
class ConditionalPower:
    """Under the planned effect, and under the one seen so far."""

    planned: float | None
    trend: float | None


@dataclass(frozen=True)
class LookResult:
    """One look at a comparison."""

    look: int
    day: float
    randomised: int
    events: int
    events_by_arm: Mapping[str, int]
    information: float
    level: float
    z: float
    plain_z: float
    raised_to: int | None
    share: float | None
    """Of later patients to the arm, where the trial adapts its allocation."""
    upper: float | None
    lower: float | None
    alpha_spent: float
    beta_spent: float | None
    hazard_ratio: HazardRatio
    conditional_power: ConditionalPower
    predictive_power: float | None
    decision: str
    binding: bool


@dataclass(frozen=True)
class AdjustedEffect:
    """With the looks taken into account; no hazard ratio where the weights are not those of the data."""

    p: float
    hazard_ratio: Interval | None


@dataclass(frozen=True)
class MonitoredArm:
    """Everything of one arm against the reference, look after look."""

    arm: str
    reference: str
    planned: LooksPlan
    looks: tuple[LookResult, ...]
    stopped_early: bool
    decision: str
    adjusted: AdjustedEffect | None


@dataclass(frozen=True)
class PopulationAtLook:
    events: float
    z: float
    hazard_ratio: float


@dataclass(frozen=True)
class EnrichedPopulation:
    """A population at the look, at the end, after the look, and both stages together."""

    look: PopulationAtLook
    end: PopulationAtLook
    z_after_look: float
    combined_z: float | None


@dataclass(frozen=True)
class IntersectionTest:
    z: float
    p: float


@dataclass(frozen=True)
class EnrichmentClaims:
    all: bool
    subgroup: bool


@dataclass(frozen=True)
class Enrichment:
    """A trial that may go on in a subgroup alone after its interim look."""

    arm: str
    reference: str
    factor: str
    level: str
    others_above: float
    look_day: float | None
    enriched: bool
    bound: float
    intersection: IntersectionTest
    populations: Mapping[str, EnrichedPopulation]
    claims: EnrichmentClaims
