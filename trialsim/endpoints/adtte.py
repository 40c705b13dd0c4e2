"""ADTTE: times to event in CDISC's columns, one row per patient and endpoint.

======  =============================  ==================================================================
RFS     relapse-free survival          first of relapse (date of the scan that saw it) and death
OS      overall survival               death
TTR     time to relapse                relapse; death without relapse is censored (CNSR 6)
DRFS    distant relapse-free survival  first of distant relapse and death; a local relapse is censored
                                       (CNSR 4), because new therapy follows and distant relapse after it
                                       is not simulated
======  =============================  ==================================================================

A fifth parameter, with an E behind the primary one's name, is the primary endpoint as its estimand asks for it
(`trialsim.endpoints.estimand`), where that is not treatment policy throughout; ANL01FL is N for who is not of its
principal stratum.

CNSR: 0 event; 1 event-free at cut-off; 2 lost to follow-up; 3 withdrew; 4 new therapy; 5 no post-baseline assessment
(day 1); 6 death without relapse; 7 treatment discontinued. A patient without relapse is censored at the last tumour
assessment; OS is censored at the last contact, and so is everything where events are seen without scans (arms with a
distribution of event times).

AVAL = ADT - STARTDT + 1, in whole days. AVALSIM is the exact study day on which the event truly came about
(for relapse: on which the lesion crossed the detection limit), or of the censoring. It is missing of a relapse that a
scan called early, by an error of measurement: the lesion had not crossed the limit.
"""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd

from trialsim.endpoints.adsl import age_group
from trialsim.endpoints.estimand import primary_parameter, primary_time
from trialsim.endpoints.identity import (
    arm_number,
    days_from_randomisation,
    study_date,
    subjid,
    usubjid,
)
from trialsim.endpoints.status import received_treatment
from trialsim.endpoints.time_to_event import TimeToEvent, time_to_event
from trialsim.records import EventKind, PatientRecord, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol

PARAMETERS = {
    "RFS": "Relapse-Free Survival (days)",
    "OS": "Overall Survival (days)",
    "TTR": "Time to Relapse (days)",
    "DRFS": "Distant Relapse-Free Survival (days)",
}
ADTTE_DECIMALS = {"AVALSIM": 4}


def adtte_frame(trial: TrialRecord, protocol: ResolvedProtocol, *, replicate: int = 0) -> pd.DataFrame:
    """The ADTTE table, sorted by endpoint as in `PARAMETERS` and then by patient.

    SRCDOM, SRCVAR and SRCSEQ lead to the row of ``events.csv`` that dates the endpoint (its ``seq``), or to
    ADSL.LSTALVDT for those alive at the data cut or lost.
    """
    sequence = _rows_of_the_log(trial)
    shared = [_shared(protocol, record) for record in trial.patients]
    analysed = primary_parameter(protocol)
    labels = PARAMETERS if analysed in PARAMETERS else PARAMETERS | {analysed: _estimand_label(protocol)}
    rows = []
    for number, (parameter, label) in enumerate(labels.items(), start=1):
        for record, common in zip(trial.patients, shared, strict=True):
            is_primary = parameter == analysed
            time = primary_time(record, protocol) if is_primary else time_to_event(record, parameter)
            rows.append(
                common
                | {
                    "PARAMCD": parameter,
                    "PARAM": label,
                    "PARAMN": number,
                    "SIMREP": replicate,
                    "ANL01FL": "Y" if record.in_stratum or not is_primary else "N",
                }
                | _value(protocol, record, time)
                | _source(time, sequence.get((record.patient, time.source, time.day)))
            )
    return pd.DataFrame(rows, columns=_columns(rows)).astype({"SRCSEQ": "Int64", "TRTAN": "Int64"})


def _estimand_label(protocol: ResolvedProtocol) -> str:
    return PARAMETERS[protocol.endpoint.primary.upper()].replace(" (", ", Estimand (")


def _rows_of_the_log(trial: TrialRecord) -> dict[tuple[int, EventKind, float], int]:
    """Number, among the patient's rows of the log, of the last row of each kind on each study day."""
    seen: Counter[int] = Counter()
    last = {}
    for event in trial.events:
        seen[event.patient] += 1
        last[event.patient, event.kind, event.study_day] = seen[event.patient]
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
        "AVALSIM": math.nan if time.latent_day is None else time.latent_day,
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
