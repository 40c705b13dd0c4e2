"""One endpoint of one patient: its day, whether it is an event, what dates it (rules: `trialsim.endpoints.adtte`)."""

from __future__ import annotations

from typing import NamedTuple

from trialsim.records import EventKind, PatientRecord, Relapse

#: What each censoring code means; the words of EVNTDESC.
CENSORING = {
    1: "Event-Free at Cut-Off",
    2: "Lost to Follow-Up",
    3: "Withdrew",
    4: "New Therapy",
    5: "No Post-Baseline Assessment",
    6: "Death Without Relapse",
    7: "Treatment Discontinued",
}
#: EVNTDESC of the events.
DEATH_WITHOUT_RELAPSE = "Death Without Relapse"
RELAPSES = {"local": "Local Relapse", "distant": "Distant Relapse"}


class TimeToEvent(NamedTuple):
    """One endpoint of one patient. Days are study days."""

    day: float
    censor: int
    description: str
    """EVNTDESC: the event, or why there is none."""
    dated_by: str
    """CNSDTDSC: what dates the censoring; empty for an event."""
    source: EventKind
    """The kind of the row in the event log that the day comes from."""
    latent_day: float | None
    """When it truly came about; None where a scan called a relapse before it had."""


def time_to_event(record: PatientRecord, parameter: str) -> TimeToEvent:
    """A patient's RFS, OS, TTR or DRFS."""
    if parameter == "OS":
        return _overall_survival(record)
    relapse, death = record.relapse, record.death_day
    if relapse is not None:
        if parameter == "DRFS" and relapse.site == "local":
            return _censored(relapse.detected, 4, "Date of Local Relapse", EventKind.RELAPSE)
        return _relapse(relapse)
    if death is not None:
        if parameter == "TTR":
            return _censored(death, 6, "Date of Death", EventKind.DEATH)
        return TimeToEvent(death, 0, DEATH_WITHOUT_RELAPSE, "", EventKind.DEATH, death)
    if record.watched:
        return _at_last_contact(record)
    if record.last_scan <= 0:
        return _censored(0.0, 5, "Date of Randomisation", EventKind.RANDOMISED)
    code = 3 if record.withdrew_day is not None else 2 if record.lost_day is not None else 1
    return _censored(record.last_scan, code, "Date of Last Tumour Assessment", EventKind.SCAN)


def _relapse(relapse: Relapse) -> TimeToEvent:
    what = RELAPSES[relapse.site]
    return TimeToEvent(relapse.detected, 0, what, "", EventKind.RELAPSE, relapse.latent_day)


def _overall_survival(record: PatientRecord) -> TimeToEvent:
    if record.death_day is not None:
        what = f"Death From {record.death_cause.title()}"
        return TimeToEvent(record.death_day, 0, what, "", EventKind.DEATH, record.death_day)
    return _at_last_contact(record)


def _at_last_contact(record: PatientRecord) -> TimeToEvent:
    if record.withdrew_day is not None:
        return _censored(record.withdrew_day, 3, "Date of Withdrawal", EventKind.WITHDREW)
    if record.lost_day is not None:
        return _censored(record.last_contact, 2, "Date of Last Contact", EventKind.LOST)
    return _censored(record.last_contact, 1, "Date of Data Cut-Off", EventKind.DATA_CUT)


def _censored(day: float, code: int, dated_by: str, source: EventKind) -> TimeToEvent:
    return TimeToEvent(day, code, CENSORING[code], dated_by, source, day)
