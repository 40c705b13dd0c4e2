"""A protocol as its author writes it. Values with units are already in internal units here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    WithJsonSchema,
)

from trialsim import units
from trialsim.spec.agents import Confidence
from trialsim.spec.biomarkers import Measure
from trialsim.spec.rules import Rule
from trialsim.spec.values import (
    TAG,
    Bounded,
    Cells,
    FormatVersion,
    Fraction,
    Listed,
    Name,
    Neutrophils,
    Platelets,
    PositiveTime,
    RatePerDay,
    Text,
    Time,
    Whole,
    broken,
    inside,
    no_repeats,
    shown,
)
from trialsim.spec.written import Written
from trialsim.spec.written_conduct import WrittenAccrual, WrittenRandomisation
from trialsim.spec.written_follow_up import WrittenCapacity, WrittenCut
from trialsim.spec.written_intercurrent import WrittenEndpoint, WrittenIntercurrent
from trialsim.spec.written_looks import WrittenLooks
from trialsim.spec.written_model import ArmModel
from trialsim.spec.written_order import WrittenOrder

#: With more than this the normal quantile of an interval's end is lost in rounding, and at last is infinite.
MOST_CONFIDENCE = 0.999999


@dataclass(frozen=True)
class Every:
    """A scan interval, and until when it holds (None: to the end)."""

    days: float
    until: float | None


def _days_apart(days: float) -> float:
    if days < 1.0:
        raise broken(Rule.RANGE, f"scans {days:g} d apart are more than a day can hold", "1 d, at least")
    return days


def _read_every(value: object) -> Every:
    parts = value.split("until") if isinstance(value, str) else [value]
    if len(parts) > 2:
        raise broken(Rule.SCAN_SYNTAX, f"{shown(value)} is not an interval", "3 mo until 24 mo")
    try:
        times = [units.parse(part, "time") for part in parts]
    except units.UnitError as error:
        raise broken(Rule.UNIT, error.message, error.remedy or "3 mo until 24 mo") from None
    if min(times) <= 0:
        raise broken(Rule.RANGE, "a scan interval must be more than zero")
    return Every(_days_apart(times[0]), times[1] if len(times) == 2 else None)


ScanInterval = Annotated[PositiveTime, AfterValidator(_days_apart)]
_EVERY_SCHEMA = WithJsonSchema({"type": "string", "examples": ["3 mo", "3 mo until 24 mo"]})


Orders = Annotated[list[WrittenOrder], Listed]


class WrittenArm(Written):
    """What one arm gives."""

    label: Text | None = Field(None, description="The arm in tables and figures.")
    give: Annotated[list[Name], AfterValidator(no_repeats)] = Field(
        [], description="Regimens that the arm gives; none for observation."
    )
    add: list[WrittenOrder] = Field([], description="Orders of this arm alone.")
    model: ArmModel | None = Field(
        None, description="A law of the event times, in place of patients of cells; the arm then gives nothing."
    )


class ScanPlan(Written):
    """Scans at one interval and, from some time on, at another."""

    every: Annotated[Every, BeforeValidator(_read_every), _EVERY_SCHEMA] = Field(
        description="An interval, e.g. `3 mo`, or `3 mo until 24 mo`."
    )
    then: ScanInterval | None = Field(None, description="The interval from then on.")


class ScanStep(Written):
    """One interval of a list."""

    every: ScanInterval
    until: PositiveTime | None = Field(None, description="Study time at which the next interval takes over.")


def _scan_form(value: Any) -> str:
    return TAG + ("list" if isinstance(value, list) else "plan")


Scans = Annotated[
    Annotated[ScanPlan, Tag(TAG + "plan")] | Annotated[list[ScanStep], Listed, Tag(TAG + "list")],
    Discriminator(_scan_form),
]


class WrittenFollowUp(Written):
    """How long patients are followed, and how."""

    minimum: PositiveTime | None = Field(
        None, description="The data are cut this long after the last randomisation; may be left out with `cut`."
    )
    scans: Scans | None = Field(
        None, description="When patients are scanned for relapse; may be left out if every arm has a `model`."
    )
    window: Time = Field(0.0, description="A scan is at most this much early or late, at random, e.g. 7 d.")
    missed: Fraction = Field(0.0, description="Chance that a scan is missed.")
    dropout: RatePerDay = Field(0.0, description="Withdrawal, e.g. 2 %/yr.")
    lost: RatePerDay = Field(0.0, description="Loss to follow-up: the patient is not seen again, e.g. 1 %/yr.")
    cut: WrittenCut | None = Field(None, description="A cut by date or by events, beside the minimum follow-up.")


class WrittenDetection(Written):
    """What a scan can see."""

    limit: Cells = Field(1e9, description="Cells at which a lesion is seen.")
    error_sd_log10: Annotated[float, Bounded(0.0, 3.0)] = Field(0.1, description="Measurement error, log10.")
    source: Text | None = None
    confidence: Confidence | None = None


def _short_of_certain(level: float) -> float:
    if level > MOST_CONFIDENCE:
        raise broken(Rule.RANGE, f"`{level!r}` is out of range: at most {MOST_CONFIDENCE:g}", "0.95, or 95 %")
    return level


class WrittenAnalysis(Written):
    """The analysis at the end."""

    alpha: Annotated[Fraction, inside(0.0, 0.5)] = Field(0.025, description="Type I error.")
    sided: Literal[1, 2] = Field(1, description="One-sided for benefit over the reference, or two-sided.")
    test: Literal["logrank", "stratified_logrank"] = "logrank"
    reference: Name = Field("control", description="The arm that others are compared with.")
    confidence_level: Annotated[Fraction, inside(0.5, 1.0), AfterValidator(_short_of_certain)] = Field(
        0.95, description="Of intervals."
    )
    landmarks: Annotated[list[PositiveTime], AfterValidator(no_repeats)] = Field(
        [36 * units.DAYS_PER_MONTH, 60 * units.DAYS_PER_MONTH],
        description="Times at which survival is quoted, e.g. [36 mo, 60 mo].",
    )
    rmst_tau: PositiveTime | None = Field(
        None, description="Horizon of the restricted mean survival time (default: the minimum follow-up)."
    )
    subgroups: Annotated[list[Name], AfterValidator(no_repeats)] = Field(
        [], description="Categorical traits that the effect is shown by."
    )
    looks: WrittenLooks | None = Field(None, description="Interim looks at the primary endpoint.")


def _a_step(days: float) -> float:
    if days < 0.01:
        raise broken(Rule.RANGE, f"a longest step of {days:g} d is too short", "0.01 d, at least")
    return days


class WrittenNumerics(Written):
    """Accuracy of the cell kernel."""

    tolerance: Annotated[float, Bounded(1e-4, 0.5)] = Field(
        0.05, description="Accuracy of a step of the cell kernel; smaller is slower."
    )
    max_step: Annotated[PositiveTime, AfterValidator(_a_step)] = Field(
        100.0, description="Longest step, e.g. 14 d; the tolerance settles the accuracy."
    )


def _some(share: float) -> float:
    if share == 0.0:
        raise broken(Rule.RANGE, "`0` is out of range: above 0 and at most 1", "leave the order out to give nothing")
    return share


class WrittenPharmacology(Written):
    """What is simulated of treatment beside the agents and platelets; nothing unless asked for."""

    neutrophils: Annotated[bool, Strict()] = Field(
        False, description="Chemotherapy lowers neutrophils. On by itself where a rule asks for their count."
    )
    adherence: Annotated[Fraction, AfterValidator(_some)] = Field(
        1.0, description="Share of doses taken, of drugs that are taken at home, e.g. 90 %."
    )
    neutropenic_death: RatePerDay = Field(
        0.0, description="Hazard of death while neutrophils are below 0.5e9/L, e.g. 0.001 /d."
    )
    thrombocytopenic_death: RatePerDay = Field(
        0.0, description="Hazard of death while platelets are below 25e9/L, e.g. 0.0005 /d."
    )


class WrittenLimits(Written):
    """Limits on a neutrophil count."""

    hold_below: Neutrophils = Field(description="Doses are held below this count, e.g. 1.5e9/L.")
    resume_above: Neutrophils = Field(description="Held doses resume at this count.")


class WrittenRule(Written):
    """Dose rules for an order, by platelets, neutrophils or both."""

    hold_below: Platelets | None = Field(None, description="Doses are held below this platelet count, e.g. 50e9/L.")
    resume_above: Platelets | None = Field(None, description="Held doses resume at this platelet count.")
    neutrophils: WrittenLimits | None = Field(None, description="Limits on neutrophils, looked at when a cycle is due.")
    reduce: Fraction = Field(description="Taken off the dose when it resumes, e.g. 33 %.")
    stop_after_holds: Annotated[Whole, Bounded(1, 1000)] = Field(
        description="Treatment stops for good at this many holds."
    )
    delay: PositiveTime | None = Field(
        None,
        description="A held dose waits this long, and moves what follows by the same rule (default: skipped).",
    )
    longest_delay: PositiveTime | None = Field(
        None, description="Treatment stops if a dose would wait longer (default: it waits on)."
    )


@dataclass(frozen=True)
class Amount:
    """A number of cells or a fraction, as what a biomarker measures asks for."""

    value: float
    dimension: Literal["cells", "fraction"]


def _read_amount(value: object) -> Amount:
    try:
        unit = units.split(value, "a number of cells or a fraction")[1]
        dimension: Literal["cells", "fraction"] = "fraction" if unit in ("", "%") else "cells"
        amount = Amount(units.parse(value, dimension), dimension)
    except units.UnitError as error:
        raise broken(Rule.UNIT, error.message, error.remedy or "1e5 cells, or 5 %") from None
    if amount.value == 0:
        raise broken(Rule.RANGE, f"{shown(value)} is reached by everybody", "more than zero")
    return amount


_AMOUNT_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            {"type": "string", "pattern": r"^\s*[0-9.]+([eE][-+]?[0-9]+)?\s*(cells|%)\s*$"},
        ],
        "examples": ["1e5 cells", "5 %"],
    }
)
MarkerAmount = Annotated[Amount, BeforeValidator(_read_amount), _AMOUNT_SCHEMA]


class WrittenMarker(Written):
    """A biomarker, or what changes of one that ships with trialsim."""

    label: Text | None = Field(None, description="The biomarker in tables.")
    measures: Measure | None = Field(None, description="Senescent tumour cells of the patient, or their share.")
    threshold: MarkerAmount | None = Field(
        None, description="At or above it the truth is positive, e.g. 1e5 cells (a share: 5 %)."
    )
    sensitivity: Fraction | None = Field(None, description="Of a test: chance that it finds what is truly positive.")
    specificity: Fraction | None = Field(None, description="Of a test: chance that it clears what is truly negative.")
    noise: Annotated[float, Bounded(0.0, 5.0)] | None = Field(
        None, description="Of a score: standard deviation of its decimal logarithm."
    )
    cutoff: MarkerAmount | None = Field(None, description="Of a score: positive at or above it (default: threshold).")
    background: MarkerAmount | None = Field(
        None, description="Of a score: what it reads in addition to the tumour's (default: 1 cell, or a share of 1e-6)."
    )
    source: Text | None = None
    confidence: Confidence | None = None


@dataclass(frozen=True)
class PositiveIf:
    """How many biomarkers make a panel positive; None for all of them."""

    at_least: int | None


def _read_positive_if(value: object) -> PositiveIf:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if text in ("all", "any"):
        return PositiveIf(None if text == "all" else 1)
    if match := re.fullmatch(r"at least ([1-9]\d{0,3})", text):
        return PositiveIf(int(match[1]))
    raise broken(Rule.PANEL_RULE, f"{shown(value)} does not say when the panel is positive", "all, any, or at least 2")


class WrittenPanel(Written):
    """Biomarkers that are measured together."""

    markers: Annotated[list[Name], Listed, AfterValidator(no_repeats)] = Field(
        description="Biomarkers, of `biomarkers` or shipped."
    )
    positive_if: Annotated[
        PositiveIf,
        BeforeValidator(_read_positive_if),
        WithJsonSchema({"type": "string", "pattern": r"^\s*(all|any|at least [1-9][0-9]*)\s*$"}),
    ] = Field(description="`all`, `any` or `at least 2` of the markers are positive.")


#: An agent is read in `trialsim.spec.resolve_agents`, over the one that it changes.
WrittenAgent = Annotated[
    Any, WithJsonSchema({"type": "object", "examples": [{"ec50": "0.3 umol/L"}, {"like": "navitoclax", "emax": 0.4}]})
]

Gain = Annotated[float, Bounded(0.0, 1000.0)]


class WrittenProtocol(Written):
    """A clinical trial to simulate."""

    trialsim: FormatVersion = Field(description="Version of the protocol format.")
    name: Name = Field(description="Short name; the run's folder is called after it.")
    title: Text | None = Field(None, description="The trial's title.")
    description: Text | None = Field(None, description="What the trial is for, in a paragraph.")
    cohort: Text = Field(description="Path of the cohort file, from this file's folder.")
    agents: dict[str, WrittenAgent] = Field(
        {}, description="Agents of the protocol's own, and changes to those of the library, by name."
    )
    regimens: dict[str, Orders] = Field({}, description="Treatments by name, for arms to give.")
    arms: dict[str, WrittenArm] = Field(description="The arms of the trial; one is the reference.")
    randomisation: WrittenRandomisation = Field(WrittenRandomisation(), description="How patients are allocated.")
    accrual: WrittenAccrual = Field(description="How patients come in.")
    follow_up: WrittenFollowUp = Field(description="How long patients are followed, and how.")
    capacity: WrittenCapacity | None = Field(None, description="Places for treatment; without it nothing waits.")
    intercurrent: WrittenIntercurrent = Field(
        WrittenIntercurrent(), description="New therapy, cross-over and rescue treatment."
    )
    detection: WrittenDetection = Field(WrittenDetection(), description="What a scan can see.")
    endpoint: WrittenEndpoint = Field(WrittenEndpoint(), description="The primary endpoint.")
    analysis: WrittenAnalysis = Field(WrittenAnalysis(), description="The analysis at the end.")
    biology: dict[str, Gain | dict[str, Gain]] = Field(
        {}, description="Gains of mechanisms: 1 as published, 0 off; a group's members nested or with dotted keys."
    )
    numerics: WrittenNumerics = Field(WrittenNumerics(), description="Accuracy of the cell kernel.")
    pharmacology: WrittenPharmacology = Field(WrittenPharmacology(), description="Neutrophils and missed doses.")
    rules: dict[str, WrittenRule] = Field({}, description="Dose rules by name, for orders to use.")
    biomarkers: dict[str, WrittenMarker] = Field(
        {}, description="Biomarkers of senescence by name; a shipped one may be changed."
    )
    panels: dict[str, WrittenPanel] = Field({}, description="Panels of biomarkers by name, for orders to be given by.")
