"""The conduct of a trial: participant flow, baseline, treatment and harm. None: not modelled of an arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trialsim.reported.analysis import ComparisonSummary, GroupSummary, SurvivalAnalysis
from trialsim.reported.stories import PatientStories


@dataclass(frozen=True)
class DataCutoff:
    day: float
    date: str
    by: str
    """What settled it."""


@dataclass(frozen=True)
class ArmFlow:
    """One arm in the flow diagram.

    Two identities hold: ``allocated = relapsed + died_without_relapse + withdrew + lost + event_free_at_cut`` (by what
    came first) and ``started_treatment = completed_treatment + stopped_treatment + on_treatment_at_cut``.
    """

    label: str
    allocated: int
    law: str | None
    """The endpoint whose event times are simulated from a distribution; ``relapsed`` (for ``os``:
    ``died_without_relapse``) then counts its events."""
    started_treatment: int | None
    never_treated: int | None
    completed_treatment: int | None
    stopped_treatment: Mapping[str, int] | None
    """By reason."""
    on_treatment_at_cut: int | None
    relapsed: int | None
    died_without_relapse: int | None
    withdrew: int | None
    lost: int | None
    event_free_at_cut: int
    analysed: int


@dataclass(frozen=True)
class ParticipantFlow:
    """Who went where (CONSORT)."""

    data_cut: DataCutoff
    screened: int
    excluded: Mapping[str, int]
    """By reason, of those screened."""
    enrolled: int
    randomised: int
    arms: Mapping[str, ArmFlow]


@dataclass(frozen=True)
class AllocatedGroup:
    factor: str
    level: str
    arms: Mapping[str, int]
    imbalance: float


@dataclass(frozen=True)
class Allocation:
    """Imbalance of n patients: the largest difference, over arms, between an arm's patients and n times its share."""

    method: str
    rows: tuple[AllocatedGroup, ...]
    largest_in_stratum: float
    largest_at_a_site: float | None = None


@dataclass(frozen=True)
class Levels:
    """Patients by level of a categorical trait."""

    levels: Mapping[str, int]


@dataclass(frozen=True)
class Quartiles:
    """Of a numeric trait; None without patients."""

    median: float | None
    q1: float | None
    q3: float | None


@dataclass(frozen=True)
class BaselineTrait:
    trait: str
    label: str
    unit: str
    arms: Mapping[str, Levels | Quartiles]


@dataclass(frozen=True)
class Baseline:
    rows: tuple[BaselineTrait, ...]


@dataclass(frozen=True)
class CrossedCounts:
    """Patients by what a test said and what is true."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


@dataclass(frozen=True)
class GuidedTreatment:
    """What a panel of biomarkers decided in an arm, against the truth."""

    arm: str
    label: str
    name: str
    at_least: int
    day: float
    orders: tuple[str, ...]
    randomised: int
    measured: int
    needed: int
    """Truly positive, of those measured."""
    given: int
    """Had at least one dose of the orders; ``in_vain`` of them were truly negative."""
    in_vain: int
    missed: int
    """Truly positive and called negative."""
    panel: CrossedCounts
    markers: Mapping[str, CrossedCounts]


@dataclass(frozen=True)
class IntercurrentEvents:
    """Patients with each kind by arm, and the strategy for each kind; ``stratum``: those of the principal stratum."""

    strategies: Mapping[str, str]
    arms: Mapping[str, Mapping[str, int | None]]
    stratum: Mapping[str, int] | None


@dataclass(frozen=True)
class WaitingTimes:
    """How long an arm's treatments waited for one kind of place."""

    arm: str
    label: str
    place: str
    administrations: int
    delayed: int
    mean_days: float | None
    longest_days: float | None
    first_mean_days: float | None
    """Of the patients' first administrations."""
    in_vain: int
    """Patients whose treatment ended while they waited."""
    waiting_at_cut: int


@dataclass(frozen=True)
class Harm:
    """Doses by what became of them, treatment stopped for toxicity, and patients by worst grade, 0 to 4."""

    treated: int | None
    doses: Mapping[str, int | None]
    stopped_for_toxicity: int | None
    grades: Mapping[str, tuple[int, ...] | None]


@dataclass(frozen=True)
class Shown:
    """What results.json holds and the page shows."""

    analysis: SurvivalAnalysis
    flow: ParticipantFlow
    allocation: Allocation
    baseline: Baseline
    biomarkers: tuple[GuidedTreatment, ...]
    intercurrent: IntercurrentEvents
    waiting: tuple[WaitingTimes, ...]
    harm: Mapping[str, Harm]
    stories: PatientStories


@dataclass(frozen=True)
class RelapseSites:
    local: int | None
    distant: int | None


@dataclass(frozen=True)
class ArmSummary(GroupSummary):
    """An arm of a trial in summary.json."""

    relapses: RelapseSites
    deaths_without_relapse: int | None
    censored: Mapping[str, int]
    """By reason."""
    causes: Mapping[str, int] | None
    dose_intensity: float | None
    grade34_thrombocytopenia_percent: float | None


@dataclass(frozen=True)
class ArmSummaryWithNeutropenia(ArmSummary):
    """Where neutrophils are simulated."""

    grade34_neutropenia_percent: float | None


@dataclass(frozen=True)
class Runtime:
    simulation_seconds: float
    analysis_seconds: float


@dataclass(frozen=True)
class TrialSummary:
    """What summary.json holds."""

    protocol: str
    seed: int
    version: str
    digest: str
    reference: str
    departures: tuple[str, ...]
    arms: Mapping[str, ArmSummaryWithNeutropenia | ArmSummary]
    comparisons: tuple[ComparisonSummary, ...]
    runtime: Runtime
