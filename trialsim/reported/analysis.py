"""A survival analysis. None stands for what cannot be estimated; times are in days unless a name says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trialsim.records import Departure
from trialsim.reported.limits import HazardRatio, Interval
from trialsim.reported.looks import Enrichment, MonitoredArm

Test = Literal["logrank", "stratified_logrank"]
TestOutcome = Literal["superior", "inferior", "not shown", "not testable"]
Basis = Literal["one analysis", "stages", "weighted z", "closed test"]


@dataclass(frozen=True)
class LogRank:
    """``z`` < 0 means fewer events on the arm than expected, so benefit; ``chisq`` is z squared."""

    chisq: float | None
    z: float | None
    p: float | None


@dataclass(frozen=True)
class StratifiedLogRank(LogRank):
    strata: tuple[str, ...]


@dataclass(frozen=True)
class RestrictedMeanTime:
    """Mean event-free days up to ``tau``, of one arm."""

    tau: float
    estimate: float | None
    se: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class MeanDifference(RestrictedMeanTime):
    """Of two arms."""

    p: float | None


@dataclass(frozen=True)
class PValue:
    p: float | None


@dataclass(frozen=True)
class ProportionalHazards(PValue):
    """Grambsch and Therneau's test, with the transform of time."""

    transform: str


@dataclass(frozen=True)
class Landmark:
    """A time at which survival is reported; ``key`` is its number of months, unique among the landmarks."""

    day: float
    months: float
    key: str
    label: str


@dataclass(frozen=True)
class LandmarkSurvival(Landmark):
    estimate: float | None
    lower: float | None
    upper: float | None
    se: float | None
    at_risk: int


@dataclass(frozen=True)
class LandmarkDifference(Landmark):
    estimate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class SurvivalSteps:
    """A Kaplan-Meier curve for drawing; ``known_months`` is None where it has come down to 0 and stays there."""

    months: Sequence[float]
    survival: Sequence[float | None]
    lower: Sequence[float | None]
    upper: Sequence[float | None]
    known_months: float | None


@dataclass(frozen=True)
class IncidenceSteps:
    """A cumulative incidence for drawing; ``known_months`` is None once everybody has had an event."""

    months: Sequence[float]
    estimate: Sequence[float]
    known_months: float | None


@dataclass(frozen=True)
class CauseOfRelapse:
    """Relapses of one cause, with their cumulative incidence."""

    n: int
    months: Sequence[float]
    estimate: Sequence[float]
    known_months: float | None


@dataclass(frozen=True)
class CensorMarks:
    months: Sequence[float]
    survival: Sequence[float]


@dataclass(frozen=True)
class AtRisk:
    """Counts by the convention that the analysis states (``at_risk_convention``)."""

    months: Sequence[float]
    at_risk: Sequence[int]
    events: Sequence[int]
    censored: Sequence[int]


@dataclass(frozen=True)
class AllPatients:
    """All arms together."""

    n: int
    events: int
    median_months: Interval
    landmarks: tuple[LandmarkSurvival, ...]
    curve: SurvivalSteps


@dataclass(frozen=True)
class ArmEstimates:
    """One arm of the whole trial."""

    label: str
    n: int
    events: int
    censored: int
    median_months: Interval
    landmarks: tuple[LandmarkSurvival, ...]
    rmst_days: RestrictedMeanTime
    curve: SurvivalSteps
    censor_marks: CensorMarks
    at_risk: AtRisk


@dataclass(frozen=True)
class CoxTerm:
    """A covariate's hazard ratio, with coefficient and standard error on the log scale."""

    term: str
    label: str
    hr: float | None
    lower: float | None
    upper: float | None
    p: float | None
    coef: float | None
    se: float | None

    @property
    def estimate(self) -> float | None:
        return self.hr


@dataclass(frozen=True)
class CoxResult:
    """A Cox model; ``likelihood_ratio_p`` compares it with the one named beside it."""

    model: str
    strata: tuple[str, ...]
    n: int
    events: int
    terms: tuple[CoxTerm, ...]
    likelihood_ratio_p: float | None
    likelihood_ratio_against: str


@dataclass(frozen=True)
class SubgroupEffect:
    arm: str
    reference: str
    hr: float | None
    lower: float | None
    upper: float | None
    n: int
    events: int

    @property
    def estimate(self) -> float | None:
        return self.hr


@dataclass(frozen=True)
class Interaction:
    """Likelihood-ratio test of arm x level."""

    arm: str
    reference: str
    p: float | None


@dataclass(frozen=True)
class ArmInSubgroup:
    n: int
    events: int
    curve: SurvivalSteps
    at_risk: AtRisk
    median_months: Interval


@dataclass(frozen=True)
class SubgroupLevel:
    level: str
    label: str
    arms: Mapping[str, ArmInSubgroup]
    comparisons: tuple[SubgroupEffect, ...]


@dataclass(frozen=True)
class Subgroup:
    """A subgroup variable; ``joint_interaction_p`` is the test over all arms at once."""

    variable: str
    label: str
    interactions: tuple[Interaction, ...]
    joint_interaction_p: float | None
    levels: tuple[SubgroupLevel, ...]


@dataclass(frozen=True)
class DecidingLook:
    """The look that settled a comparison: ``z`` (large for benefit) and its boundaries."""

    number: int
    planned: int
    stopped_early: bool
    events: int
    planned_events: float
    raised_to: int | None
    z: float
    upper: float | None
    lower: float | None
    decision: str


@dataclass(frozen=True)
class SubgroupClaims:
    """Of a closed test: the ``level`` of the subgroup, and whether ``all`` and ``subgroup`` are claimed."""

    level: str
    all: bool
    subgroup: bool


@dataclass(frozen=True)
class Conclusion:
    """The planned test of one arm against the reference, with its effect."""

    outcome: TestOutcome
    test: Test
    basis: Basis
    """How p, estimate and interval were found: ``stages`` is the stagewise ordering of a group-sequential trial,
    ``weighted z`` the combination with planned weights after events were raised (Cui, Hung & Wang 1999),
    ``closed test`` that of a trial which may go on in a subgroup."""
    sided: int
    alpha: float
    """Of the whole trial."""
    comparisons: int
    """With the reference; more than one share ``alpha`` by Holm's procedure."""
    level: float
    """What p was held against: the part of alpha that this comparison had."""
    p: float | None
    hazard_ratio: Interval | None
    """None where there is none that accounts for the adaptation."""
    adjusted_p: float | None
    """Holm's, to be held against the whole of alpha whatever the other comparisons showed."""
    look: DecidingLook | None
    claims: SubgroupClaims | None

    @property
    def is_adapted(self) -> bool:
        """Whether looks, raised events or a subgroup decided, so that estimates of `analyse` are naive."""
        return self.basis != "one analysis"


@dataclass(frozen=True)
class Estimates:
    """One arm against the reference, before anything is concluded."""

    arm: str
    reference: str
    strata: tuple[str, ...]
    """Of the planned model; empty where it is not stratified."""
    hazard_ratio: HazardRatio
    unstratified_hazard_ratio: HazardRatio
    stratified_hazard_ratio: HazardRatio | None
    logrank: LogRank
    stratified_logrank: StratifiedLogRank | None
    rmst_difference: MeanDifference
    maxcombo: PValue
    proportional_hazards: ProportionalHazards
    landmark_difference: tuple[LandmarkDifference, ...]


@dataclass(frozen=True)
class ArmComparison(Estimates):
    """With the conclusion of the planned test."""

    conclusion: Conclusion


@dataclass(frozen=True)
class AnalysedEndpoint:
    paramcd: str
    label: str


@dataclass(frozen=True)
class SurvivalAnalysis:
    """Everything that an analysis of one endpoint says: the ``analysis`` object of results.json."""

    endpoint: AnalysedEndpoint
    reference: str
    alpha: float
    sided: int
    test: Test
    strata: tuple[str, ...]
    confidence_level: float
    days_per_month: float
    n: int
    events: int
    max_follow_up_months: float
    tau_note: str
    at_risk_convention: str
    notes: tuple[str, ...]
    departures: tuple[Departure, ...]
    overall: AllPatients
    arms: Mapping[str, ArmEstimates]
    comparisons: tuple[ArmComparison, ...]
    cox: tuple[CoxResult, ...]
    subgroups: tuple[Subgroup, ...]
    competing: Mapping[str, Mapping[str, IncidenceSteps]] | None = None
    """By arm and kind of event."""
    causes: Mapping[str, Mapping[str, CauseOfRelapse]] | None = None
    """By arm and cause."""
    looks: tuple[MonitoredArm, ...] | None = None
    enrichment: Enrichment | None = None

    def names(self, comparison: Estimates | SubgroupEffect | MonitoredArm) -> str:
        """``New drug against Standard``: the labels of a comparison's arms."""
        return f"{self.arms[comparison.arm].label} against {self.arms[comparison.reference].label}"

    @property
    def model_strata(self) -> tuple[str, ...]:
        """The strata of the planned models."""
        return self.strata if self.test == "stratified_logrank" else ()

    @property
    def level(self) -> str:
        """``95%``: the confidence level of intervals."""
        return f"{100 * self.confidence_level:g}%"


@dataclass(frozen=True)
class GroupSummary:
    """A group of patients in summary.json; ``rfs_percent`` is keyed by the landmark's month."""

    label: str
    randomised: int
    events: int
    median_rfs_months: float | None
    rfs_percent: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class ComparisonSummary:
    """A comparison in summary.json; what needs strata is left out where the data have none."""

    arm: str
    reference: str
    conclusion: Conclusion
    strata: tuple[str, ...]
    hazard_ratio: HazardRatio
    unstratified_hazard_ratio: HazardRatio | None = None
    logrank: LogRank
    stratified_logrank: LogRank | None = None
    rmst_difference: MeanDifference
    maxcombo: PValue
    proportional_hazards: PValue


@dataclass(frozen=True)
class AnalysisSummary:
    """The short form of an analysis: what ``analyse --json`` prints."""

    reference: str
    notes: tuple[str, ...]
    departures: tuple[str, ...]
    arms: Mapping[str, GroupSummary]
    comparisons: tuple[ComparisonSummary, ...]
    overall: GroupSummary
