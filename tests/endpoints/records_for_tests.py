"""Hand-made patients, so that each endpoint rule can be read off a table."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from trialsim.records import Event, EventKind, PatientRecord, Relapse
from trialsim.reported.analysis import GroupSummary

#: Calendar day of randomisation: late in the day, so that dates and day counts can disagree.
RANDOMISED = 10.75
CUT = 800.0


@dataclass(frozen=True)
class HandMade:
    """Satisfies `trialsim.records.TrialRecord`."""

    events: list[Event]
    patients: list[PatientRecord]
    cut_day: float = CUT
    cut_by: str = "minimum follow-up"


def patient(number: int = 1, arm: str = "control", **changes: object) -> PatientRecord:
    """A treated patient who is event-free at the cut, but for ``changes``."""
    record = PatientRecord(
        patient=number,
        arm=arm,
        site=4,
        stratum="mutant / positive",
        randomised_day=RANDOMISED,
        traits={
            "age": 64.9,
            "sex": "female",
            "subtype": "basal",
            "nodes": "positive",
            "p53_status": "mutant",
            "doubling_time": 100.0,
            "residual_burden": 1e4,
            "platelet_baseline": 250.0,
        },
        last_contact=CUT - RANDOMISED,
        last_scan=730.5,
        doses_planned=4,
        treated=True,
        first_dose=0.0,
        last_dose=42.0,
    )
    for name, value in changes.items():
        setattr(record, name, value)
    return record


def relapse(site: str = "distant") -> Relapse:
    return Relapse(
        site=site,
        latent_day=301.23456,
        last_clear=274.0,
        detected=365.25,
        cause="awakened dormancy",
        cells=3e9,
        lineage={"awakened dormancy": 1.0},
    )


def called_early(site: str = "distant") -> Relapse:
    """A relapse that a scan called by its error of measurement: the lesion is still below the limit of 1e9 cells."""
    return replace(relapse(site), latent_day=None, cells=9.8e8)


def log_of(record: PatientRecord) -> list[Event]:
    """The rows that the endpoints refer to, in the order of time."""
    rows: list[tuple[float, EventKind]] = [(0.0, EventKind.ENROLLED), (0.0, EventKind.RANDOMISED)]
    if record.last_scan > 0:
        rows.append((record.last_scan, EventKind.SCAN))
    if record.relapse is not None:
        rows.append((record.relapse.detected, EventKind.RELAPSE))
    if record.death_day is not None:
        rows.append((record.death_day, EventKind.DEATH))
    if record.withdrew_day is not None:
        rows.append((record.withdrew_day, EventKind.WITHDREW))
    return [Event(record.randomised_day + day, record.patient, day, kind) for day, kind in rows]


def trial_of(*records: PatientRecord) -> HandMade:
    events = [event for record in records for event in log_of(record)]
    events.sort(key=lambda event: (event.day, event.patient))
    return HandMade([*events, Event(CUT, 0, CUT, EventKind.DATA_CUT)], list(records))


#: In place of what an analysis says of each arm, for tables that are counted from the records.
NO_ESTIMATES = defaultdict(lambda: GroupSummary("", 0, 0, None, {}))
