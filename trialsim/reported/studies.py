"""Studies beside a trial: published findings, mechanisms, twins and sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Setting = bool | int | float | str | list[float]
Settings = dict[str, Setting]
"""Settings of a readout, by name."""


@dataclass(frozen=True)
class SavedEstimate:
    """A number with its 95 % interval; None where nothing is known, ``infinite`` where the data set no limit."""

    value: float | str | None
    lower: float | str | None
    upper: float | str | None


@dataclass(frozen=True)
class MeasureResult:
    """A quantity of a finding: as published, as simulated, and whether its window is met (None: not judged)."""

    name: str
    label: str
    readout: str
    groups: tuple[str, ...]
    settings: Settings
    unit: str
    published: str
    simulated: SavedEstimate
    told: str
    window: str
    met: bool | None
    reason: str
    rule: tuple[str | float, ...] | None = None


@dataclass(frozen=True)
class NumberUsed:
    """A number that the model owes to a finding's paper or to its re-run."""

    parameter: str
    value: str
    where: str
    why: str


@dataclass(frozen=True)
class LookDays:
    every: float
    until: float


@dataclass(frozen=True)
class FindingGroup:
    protocol: str
    arm: str
    subjects: int
    set: tuple[str, ...] = ()
    look: LookDays | None = None
    follow_years: float | None = None
    plated: Settings | None = None


@dataclass(frozen=True)
class FindingResult:
    """A published experiment beside its re-run."""

    id: str
    title: str
    experiment: str
    source: str
    evidence: str
    published: str
    acceptance: str
    rule: str
    assumed: str
    note: str
    twins: bool
    null: bool
    kind: str
    set_here: tuple[NumberUsed, ...]
    rests_on: tuple[NumberUsed, ...]
    groups: Mapping[str, FindingGroup]
    measures: tuple[MeasureResult, ...]
    result: str
    reason: str
    why: str


@dataclass(frozen=True)
class FindingsRun:
    """What findings.json holds."""

    trialsim: str
    seed: int
    passed: int
    total: int
    findings: tuple[FindingResult, ...]


@dataclass(frozen=True)
class MechanismOutcome:
    """What a switch does to one number per subject; ``met`` is None where nothing is demanded."""

    name: str
    arm: str
    minus: str
    readout: str
    settings: Settings
    where: Mapping[str, str | Settings] | None
    unit: str
    subjects: int
    on: SavedEstimate
    off: SavedEstimate
    difference: SavedEstimate
    changed: int
    demand: str
    met: bool | None
    small: bool


@dataclass(frozen=True)
class MechanismExperiment:
    switch: str
    protocol: str
    subjects: int
    set: tuple[str, ...]
    plated: Settings
    why: str
    outcomes: tuple[MechanismOutcome, ...]


@dataclass(frozen=True)
class MechanismResult:
    id: str
    claim: str
    note: str
    experiments: tuple[MechanismExperiment, ...]
    result: str
    short: tuple[str, ...]


@dataclass(frozen=True)
class MechanismsRun:
    """What ``mechanisms --json`` prints."""

    trialsim: str
    seed: int
    margins: Mapping[str, float]
    passed: int
    total: int
    mechanisms: tuple[MechanismResult, ...]


@dataclass(frozen=True)
class ArmOutcome:
    """What became of patients under one arm by the end of follow-up."""

    label: str
    relapsed_percent: SavedEstimate
    relapse_free_days: SavedEstimate
    grade34_thrombocytopenia_percent: SavedEstimate
    causes: Mapping[str, int]
    """Of relapses."""


@dataclass(frozen=True)
class Contrast:
    """What an arm does more than another to the same patients.

    ``relapses_averted`` are per 100 patients. Patients fall in four kinds: ``saved`` relapse under the reference alone,
    ``harmed`` under the arm alone, and the others under both or under neither.
    """

    days_gained: SavedEstimate
    relapses_averted: SavedEstimate
    saved: int
    harmed: int
    relapse_in_both: int
    relapse_in_neither: int
    same_course: int


@dataclass(frozen=True)
class ArmOutcomes:
    """All arms of a protocol, and every other arm against the reference, at the end of follow-up."""

    months: float
    reference: str
    arms: Mapping[str, ArmOutcome]
    contrasts: Mapping[str, Contrast]


@dataclass(frozen=True)
class StudyRun:
    """What was run; ``unused`` are keys that the protocol sets and that have no part in it, each with the reason."""

    trialsim: str
    protocol: str
    seed: int
    patients: int
    unused: Mapping[str, str]


@dataclass(frozen=True)
class TwinsRun(ArmOutcomes, StudyRun):
    """What ``twins --json`` prints."""


@dataclass(frozen=True)
class ValuesSet:
    values: Mapping[str, str]


@dataclass(frozen=True)
class SweepPoint(ArmOutcomes, ValuesSet):
    """The outcomes at one combination of values."""

    against_first: Mapping[str, Contrast]
    """Each arm against itself at the first point."""


@dataclass(frozen=True)
class SweepRun(StudyRun):
    """What ``sweep --json`` prints."""

    varied: tuple[str, ...]
    points: tuple[SweepPoint, ...]
