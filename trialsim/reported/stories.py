"""Single patients: what they were given, what was seen, and what the simulator knows. Days are study days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DoseGiven:
    day: float
    agent: str
    label: str
    fraction: float
    """Of the planned dose."""


@dataclass(frozen=True)
class ScanSeen:
    day: float
    found: bool


@dataclass(frozen=True)
class PanelSeen:
    day: float
    panel: str
    positive: bool
    truth: bool
    markers: Mapping[str, bool]


@dataclass(frozen=True)
class RelapseStory:
    site: str
    latent_day: float | None
    """When the lesion reached the detection limit; None where a scan called it early."""
    detected_day: float
    cells: float | None
    limit: float
    cause: str
    lineage: Mapping[str, float]


@dataclass(frozen=True)
class PlateletCounts:
    time: Sequence[float]
    value: Sequence[float]


@dataclass(frozen=True)
class LesionStory:
    site: str
    cells: int
    first_escape_day: float | None
    crossed_limit_day: float | None


@dataclass(frozen=True)
class PatientStory:
    patient: int
    usubjid: str
    arm: str
    arm_label: str
    traits: Mapping[str, float | str]
    outcome: str
    """A sentence."""
    doses: tuple[DoseGiven, ...]
    scans: tuple[ScanSeen, ...]
    biomarkers: tuple[PanelSeen, ...]
    withheld: tuple[str, ...]
    """Orders not given since their panel was negative."""
    relapse: RelapseStory | None
    death_day: float | None
    time: Sequence[float]
    series: Mapping[str, Sequence[float]]
    """Cells by state at each ``time``."""
    platelets: PlateletCounts
    lesions: tuple[LesionStory, ...]


@dataclass(frozen=True)
class PatientStories:
    selection: str
    """How the patients were chosen."""
    detection_limit: float
    patients: tuple[PatientStory, ...]
