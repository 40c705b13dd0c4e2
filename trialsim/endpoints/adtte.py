"""ADTTE: times to event in CDISC's columns, one row per patient and endpoint.

======  =============================  ==================================================================
RFS     relapse-free survival          first of relapse (date of the scan that saw it) and death
OS      overall survival               death
TTR     time to relapse                relapse; death without relapse is censored (CNSR 6)
DRFS    distant relapse-free survival  first of distant relapse and death; a local relapse is censored
                                       (CNSR 4), because new therapy follows and distant relapse after it
                                       is not simulated
======  =============================  ==================================================================

CNSR: 0 event; 1 event-free at cut-off; 2 lost to follow-up; 3 withdrew; 4 new therapy; 5 no post-baseline assessment
(day 1); 6 death without relapse. A patient without relapse is censored at the last tumour assessment; OS is censored at
the last contact, and so is everything where events are seen without scans (arms with a law of event times).

AVAL = ADT - STARTDT + 1, in whole days. AVALSIM is the exact study day on which the event truly came about
(for relapse: on which the lesion crossed the detection limit), or of the censoring.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from trialsim.endpoints.adsl import age_group
from trialsim.endpoints.identity import (
    arm_number,
    days_from_randomisation,
    study_date,
    subjid,
    usubjid,
)
from trialsim.endpoints.status import received_treatment
from trialsim.records import EventKind, PatientRecord, Relapse, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol

PARAMETERS = {
    "RFS": "Relapse-Free Survival (days)",
    "OS": "Overall Survival (days)",
    "TTR": "Time to Relapse (days)",
    "DRFS": "Distant Relapse-Free Survival (days)",
}
ADTTE_DECIMALS = {"AVALSIM": 4}

#: What each censoring code means; the words of EVNTDESC.
CENSORING = {
    1: "Event-Free at Cut-Off",
    2: "Lost to Follow-Up",
    3: "Withdrew",
    4: "New Therapy",
    5: "No Post-Baseline Assessment",
    6: "Death Without Relapse",
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
    latent_day: float


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


def primary_event(protocol: ResolvedProtocol) -> Callable[[PatientRecord], bool]:
    """Tells of a patient whether the primary endpoint has come about so far."""
    parameter = protocol.endpoint.primary.upper()
    return lambda record: time_to_event(record, parameter).censor == 0


def adtte_frame(trial: TrialRecord, protocol: ResolvedProtocol, *, replicate: int = 0) -> pd.DataFrame:
    """The ADTTE table, sorted by endpoint as in `PARAMETERS` and then by patient.

    SRCDOM, SRCVAR and SRCSEQ lead to the row of ``events.csv`` that dates the endpoint (its ``seq``), or to
    ADSL.LSTALVDT for those alive at the data cut or lost.
    """
    sequence = _last_row_of_kind(trial)
    shared = [_shared(protocol, record) for record in trial.patients]
    rows = []
    for number, (parameter, label) in enumerate(PARAMETERS.items(), start=1):
        for record, common in zip(trial.patients, shared, strict=True):
            time = time_to_event(record, parameter)
            rows.append(
                common
                | {
                    "PARAMCD": parameter,
                    "PARAM": label,
                    "PARAMN": number,
                    "SIMREP": replicate,
                }
                | _value(protocol, record, time)
                | _source(time, sequence.get((record.patient, time.source)))
            )
    return pd.DataFrame(rows, columns=_columns(rows)).astype({"SRCSEQ": "Int64", "TRTAN": "Int64"})


def _last_row_of_kind(trial: TrialRecord) -> dict[tuple[int, EventKind], int]:
    """Number, among the patient's rows of the log, of the last row of each kind."""
    seen: Counter[int] = Counter()
    last = {}
    for event in trial.events:
        seen[event.patient] += 1
        last[event.patient, event.kind] = seen[event.patient]
    return last


def _shared(protocol: ResolvedProtocol, record: PatientRecord) -> dict[str, object]:
    arm, number = protocol.arms[record.arm], arm_number(protocol, record.arm)
    received = received_treatment(record, arm)
    age = float(record.traits["age"])
    return {
        "STUDYID": protocol.name,
        "USUBJID": usubjid(protocol, record.patient),
        "SUBJID": subjid(record.patient),
        "ARM": arm.name,
        "TRTP": arm.label,
        "TRTPN": number,
        "TRTA": arm.label if received else "",
        "TRTAN": number if received else pd.NA,
        "AGE": math.floor(age),
        "AGEGR1": age_group(age)[0],
        "SEX": "M" if record.traits["sex"] == "male" else "F",
        "P53STAT": record.traits.get("p53_status", ""),
        "SUBTYPE": record.traits.get("subtype", ""),
        "NODES": record.traits.get("nodes", ""),
        "STRATAR": record.stratum,
        "ITTFL": "Y",
        "ANL01FL": "Y",
        "STARTDT": study_date(protocol, record, 0.0),
    }


def _value(protocol: ResolvedProtocol, record: PatientRecord, time: TimeToEvent) -> dict[str, object]:
    days = days_from_randomisation(record, time.day)
    return {
        "AVAL": days,
        "ADT": study_date(protocol, record, time.day),
        "ADY": days,
        "CNSR": time.censor,
        "EVNTDESC": time.description,
        "CNSDTDSC": time.dated_by,
        "AVALSIM": time.latent_day,
    }


def _source(time: TimeToEvent, sequence: int | None) -> dict[str, object]:
    if time.source in (EventKind.DATA_CUT, EventKind.LOST):
        return {"SRCDOM": "ADSL", "SRCVAR": "LSTALVDT", "SRCSEQ": pd.NA}
    return {"SRCDOM": "EVENTS", "SRCVAR": "day", "SRCSEQ": sequence}


def _columns(rows: list[dict[str, object]]) -> list[str]:
    """Identity, the parameter, its value, then the subject's covariates."""
    leading = ["STUDYID", "USUBJID", "SUBJID", "ARM", "TRTP", "TRTPN", "TRTA", "TRTAN"]
    leading += ["PARAM", "PARAMCD", "PARAMN", "AVAL", "STARTDT", "ADT", "ADY", "CNSR", "EVNTDESC"]
    leading += ["CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ", "AVALSIM", "SIMREP", "ITTFL", "ANL01FL", "STRATAR"]
    rest = [name for name in (rows[0] if rows else {}) if name not in leading]
    return leading + rest
