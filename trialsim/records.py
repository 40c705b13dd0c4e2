"""The records that cross layers: what happened to whom, when.

The event log is the only thing that the conduct of a trial hands on. Endpoints are derived from it, the
flow diagram counts it, the report draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple, TypeAlias

Traits: TypeAlias = Mapping[str, float | str]
"""A patient's traits by name: numbers in internal units, levels of categories."""


class EventKind(StrEnum):
    """Kinds of event in the log; the names are those of ``events.csv``."""

    SCREENED = "screened"
    EXCLUDED = "excluded"
    ENROLLED = "enrolled"
    RANDOMISED = "randomised"
    DOSE = "dose"
    DOSE_DELAYED = "dose delayed"
    DOSE_HELD = "dose held"
    DOSE_REDUCED = "dose reduced"
    DOSE_MISSED = "dose missed"
    TREATMENT_STOPPED = "treatment stopped"
    TREATMENT_COMPLETED = "treatment completed"
    LABORATORY = "laboratory"
    SCAN = "scan"
    SCAN_MISSED = "scan missed"
    BIOMARKER = "biomarker"
    NOT_GIVEN = "not given"
    RELAPSE = "relapse"
    NEW_THERAPY = "new therapy"
    CROSSED_OVER = "crossed over"
    RESCUE = "rescue treatment"
    DEATH = "death"
    WITHDREW = "withdrew"
    LOOK = "look"
    LOST = "lost to follow-up"
    DATA_CUT = "data cut"


#: What a laboratory visit counts: the detail of its events.
PLATELETS, NEUTROPHILS = "platelets", "neutrophils"


class SameDay(IntEnum):
    """The order of things that fall on the same instant; smaller goes first (docs/model.md).

    A patient is screened and randomised before anything else can happen. A look and the data cut are last, so an event
    on their instant is in the data. Death precedes what a dead patient cannot have; withdrawal precedes the visit it
    makes the patient miss, and so does loss to follow-up; a relapse that comes by a law is seen when it happens; a scan
    sees the tumour before that day's treatment, and before other therapy that would no longer precede the relapse; the
    laboratory and biomarkers decide on that day's dose.
    """

    SCREENED = 0
    RANDOMISED = 1
    DEATH = 2
    WITHDREW = 3
    LOST = 4
    RELAPSE = 5
    SCAN = 6
    NEW_THERAPY = 7
    LABORATORY = 8
    BIOMARKER = 9
    DOSE = 10
    LOOK = 19
    DATA_CUT = 20


class Happened(IntEnum):
    """What happened at a visit; what the value of the entry is, is said here."""

    PLATELETS = 0
    """Count, 1e9/L."""
    NEUTROPHILS = 1
    DOSE = 2
    """Given: fraction of the planned dose."""
    REDUCED = 3
    FORGOTTEN = 4
    HELD = 5
    DELAYED = 6
    """Days."""
    ORDER_STOPPED = 7
    """1 for neutrophils, 0 for platelets."""
    ALL_HELD = 8
    """Treatment is over without a dose: likewise."""
    COMPLETED = 9
    TREATMENT_STOPPED = 10
    """What ended it: one of these, or -1."""
    PANEL = 11
    WITHHELD = 12
    SCAN = 13
    """The index is that of the lesion found, or -1."""
    SCAN_MISSED = 14
    RELAPSE = 15
    """Cells; nan where none are simulated."""
    NEW_THERAPY = 16
    TOXIC_DEATH = 17
    """Study day."""


class Event(NamedTuple):
    """One row of the event log.

    ``day`` is the trial's calendar (0 = the day the trial opens), ``study_day`` the patient's own (0 =
    randomisation). ``detail`` is a short word or phrase (the agent, the site of relapse, the cause of
    death), ``value`` a number with the unit named by ``unit``.
    """

    day: float
    patient: int
    study_day: float
    kind: EventKind
    detail: str = ""
    value: float | None = None
    unit: str = ""


class Cause(StrEnum):
    """What made a relapsing lesion. Escape after therapy also names its inducer (see :func:`cause_label`)."""

    RESIDUAL = "residual growth"
    AWAKENED = "awakened dormancy"
    SEEDED = "SASP-aided seeding"
    SPONTANEOUS_ESCAPE = "spontaneous-senescence escape"
    TIS_ESCAPE = "TIS escape"


def cause_label(cause: Cause, inducer: str = "") -> str:
    """The name of a cause in tables and figures, e.g. ``TIS escape (radiation)``; ``inducer`` is its label."""
    return f"{cause} ({inducer})" if inducer else str(cause)


@dataclass(frozen=True, slots=True)
class Relapse:
    """A relapse as the simulator knows it.

    ``latent_day`` is the study day on which the lesion truly crossed the detection limit, None where the scan called
    it early, by an error of measurement; ``last_clear`` the study day of the last scan that missed it (0: none),
    ``detected`` that of the scan that saw it. ``cells`` is its size at that scan, None of a patient without
    cells, ``lineage`` the share of its proliferating cells by cause.
    """

    site: str
    latent_day: float | None
    last_clear: float
    detected: float
    cause: str
    cells: float | None
    lineage: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one biomarker said of a patient, and the truth. A score has a measured ``value``, a test has none."""

    marker: str
    positive: bool
    truth: bool
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class PanelResult:
    """What a panel said on study day ``day``. Its truth is what it would have said without errors."""

    panel: str
    day: float
    positive: bool
    truth: bool
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class IntercurrentEvent:
    """Something that came in between (ICH E9(R1)).

    ``kind`` is ``discontinuation`` (study treatment stopped early by its own rules), ``new_therapy`` (other anticancer
    therapy before a relapse), ``crossover`` or ``rescue`` (after it). ``last_scan`` is the study day of the last scan
    up to then (0: only the baseline).
    """

    kind: str
    day: float
    last_scan: float


@dataclass(slots=True)
class PatientRecord:
    """One randomised patient, as the trial leaves them. Days are study days unless named calendar."""

    patient: int
    arm: str
    site: int
    stratum: str
    randomised_day: float
    """Calendar day of randomisation."""
    traits: dict[str, float | str]
    relapse: Relapse | None = None
    death_day: float | None = None
    death_cause: str = ""
    """``cancer``, ``other causes``, ``toxicity``; ``any cause`` where a law of overall survival says when."""
    withdrew_day: float | None = None
    lost_day: float | None = None
    """The day from which on the patient does not come any more."""
    last_contact: float = 0.0
    """Study day up to which the patient's state is known."""
    last_scan: float = 0.0
    """Study day of the last scan (0: only the baseline)."""
    treatment_stopped: str = ""
    doses_planned: int = 0
    dose_intensity: float = 1.0
    """Amount given over amount planned by the data cut, averaged over the arm's orders, 0 to 1."""
    platelet_nadir: float | None = None
    """Lowest platelet count seen in a laboratory visit, 1e9/L."""
    true_platelet_nadir: float | None = None
    neutrophil_nadir: float | None = None
    """Lowest neutrophil count seen in the laboratory, 1e9/L."""
    true_neutrophil_nadir: float | None = None
    """None where neutrophils are not simulated."""
    treated: bool = False
    first_dose: float | None = None
    last_dose: float | None = None
    panels: list[PanelResult] = field(default_factory=list)
    """What was measured to decide on orders, as it happened."""
    withheld: list[str] = field(default_factory=list)
    """The orders, by id, that were not given since their panel was negative."""
    intercurrent: list[IntercurrentEvent] = field(default_factory=list)
    """What came in between, as it happened; of each kind the first."""
    in_stratum: bool = True
    """False: the patient is not of the principal stratum that the estimand is about."""
    watched: bool = False
    """Whether events are seen when they happen, without scans, so that the patient's state is known at any time."""
    waits: list[tuple[str, float]] = field(default_factory=list)
    """Of each administration that took a limited place: the kind of place, and the days that it had to wait for it."""
    waits_for: tuple[str, ...] = ()
    """The kinds of place that administrations wait for at the data cut."""
    waited_for: tuple[str, ...] = ()
    """The kinds of place that administrations waited for when relapse, death or withdrawal ended treatment."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Something in which a trial or its data fell short of the plan, so that a conclusion has to be read with it."""

    words: str
    """A sentence."""
    headline: str
    """The same as a clause for the headline; empty where it does not bear on the test."""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What the trial leaves behind.

    ``events`` are sorted by calendar day, then by patient, then as they happened; the last one is the data
    cut. ``patients`` are those randomised, by number. ``cut_day`` is a calendar day, ``cut_by`` says what settled it.
    """

    events: list[Event]
    patients: list[PatientRecord]
    cut_day: float
    cut_by: str = ""
