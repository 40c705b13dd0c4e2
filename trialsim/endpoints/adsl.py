"""ADSL: one row per randomised patient, in CDISC's columns.

Beside CDISC's own: DTHCAUS, LSTSCDT (last tumour assessment), P53STAT, SUBTYPE, NODES, DOSEINT (dose
intensity), PLTNADIR (lowest measured platelets, 1e9/L), where neutrophils are simulated ANCNADIR and ANCTRUE (lowest
measured and true, 1e9/L), and of the relapse RELDT, RELSITE and what only a simulator knows: RELCAUSE (its cause) and
RELLATDY (study day on which it became detectable, missing where a scan called it early, by an error of measurement).
For each panel of biomarkers that decides on an order: BMkTEST, BMkDT, BMkRES and, known to the simulator alone,
BMkTRUTH.
"""

from __future__ import annotations

import math

import pandas as pd

from trialsim.endpoints.biomarkers import protocol_guides, result_of
from trialsim.endpoints.identity import (
    arm_number,
    siteid,
    study_date,
    subjid,
    usubjid,
)
from trialsim.endpoints.status import Treatment, completed_treatment, received_treatment, treatment_status
from trialsim.records import PatientRecord, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol

#: Decimals of the columns that are not whole numbers.
ADSL_DECIMALS = {"DOSEINT": 4, "PLTNADIR": 1, "ANCNADIR": 2, "ANCTRUE": 2, "RELLATDY": 4}

#: CDISC terms (codelist NCOMPLT) for the reasons that stop treatment.
STOP_TERMS = {
    "relapse": "DISEASE RELAPSE",
    "death": "DEATH",
    "withdrew": "WITHDRAWAL BY SUBJECT",
    "lost": "LOST TO FOLLOW-UP",
    "new therapy": "OTHER",
    "platelets": "ADVERSE EVENT",
    "neutrophils": "ADVERSE EVENT",
}
TREATMENT_TERMS = {
    Treatment.NEVER_STARTED: "",
    Treatment.COMPLETED: "COMPLETED",
    Treatment.STOPPED: "DISCONTINUED",
    Treatment.ONGOING: "ONGOING",
}
#: Age groups: label and first age that is too old for it.
AGE_GROUPS = (("<50", 50.0), ("50-64", 65.0), (">=65", math.inf))


def age_group(age: float) -> tuple[str, int]:
    """Label and number (from 1) of the age group, AGEGR1 and AGEGR1N."""
    for number, (label, below) in enumerate(AGE_GROUPS, start=1):
        if age < below:
            return label, number
    raise ValueError(f"age {age} is not a number")


def adsl_frame(trial: TrialRecord, protocol: ResolvedProtocol) -> pd.DataFrame:
    """The ADSL table, one row per patient in the order of their numbers. Dates are ISO text."""
    completed = completed_treatment(trial)
    rows = []
    for record in trial.patients:
        row = _identity(protocol, record)
        row |= _treatment(protocol, record, treatment_status(record, completed))
        if protocol.counts_neutrophils:
            row |= _neutrophils(record)
        row |= _study(protocol, record)
        row |= _strata(protocol, record)
        row |= _disease(protocol, record)
        row |= _biomarkers(protocol, record)
        rows.append(row)
    return pd.DataFrame(rows)


def _identity(protocol: ResolvedProtocol, record: PatientRecord) -> dict[str, object]:
    age = float(record.traits["age"])
    group, number = age_group(age)
    return {
        "STUDYID": protocol.name,
        "USUBJID": usubjid(protocol, record.patient),
        "SUBJID": subjid(record.patient),
        "SITEID": siteid(record),
        "AGE": math.floor(age),
        "AGEU": "YEARS",
        "AGEGR1": group,
        "AGEGR1N": number,
        "SEX": "M" if record.traits["sex"] == "male" else "F",
    }


def _treatment(protocol: ResolvedProtocol, record: PatientRecord, status: Treatment) -> dict[str, object]:
    arm = protocol.arms[record.arm]
    number = arm_number(protocol, record.arm)
    received = received_treatment(record, arm)
    stopped = STOP_TERMS[record.treatment_stopped] if status is Treatment.STOPPED else ""
    return {
        "ARM": arm.name,
        "ACTARM": arm.name if received else "",
        "TRT01P": arm.label,
        "TRT01PN": number,
        "TRT01A": arm.label if received else "",
        "TRT01AN": number if received else pd.NA,
        "TRTSDT": study_date(protocol, record, record.first_dose),
        "TRTEDT": study_date(protocol, record, record.last_dose),
        "RANDDT": study_date(protocol, record, 0.0),
        "RANDFL": "Y",
        "SAFFL": "Y" if received else "N",
        "ITTFL": "Y",
        "EOTSTT": TREATMENT_TERMS[status],
        "DCTREAS": stopped,
        "DOSEINT": record.dose_intensity,
        "PLTNADIR": math.nan if record.platelet_nadir is None else record.platelet_nadir,
    }


def _neutrophils(record: PatientRecord) -> dict[str, object]:
    """Where neutrophils are simulated: the lowest measured count and the lowest true one."""
    measured, true = record.neutrophil_nadir, record.true_neutrophil_nadir
    return {
        "ANCNADIR": math.nan if measured is None else measured,
        "ANCTRUE": math.nan if true is None else true,
    }


def _study(protocol: ResolvedProtocol, record: PatientRecord) -> dict[str, object]:
    ends = {
        "DEATH": record.death_day,
        "WITHDRAWAL BY SUBJECT": record.withdrew_day,
        "LOST TO FOLLOW-UP": record.last_contact if record.lost_day is not None else None,
    }
    reason, end = next(((why, day) for why, day in ends.items() if day is not None), ("", None))
    return {
        "DTHFL": "Y" if record.death_day is not None else "",
        "DTHDT": study_date(protocol, record, record.death_day),
        "DTHCAUS": record.death_cause,
        "EOSSTT": "DISCONTINUED" if reason else "ONGOING",
        "EOSDT": study_date(protocol, record, end),
        "DCSREAS": reason,
        "LSTSCDT": study_date(protocol, record, record.last_scan) if record.last_scan > 0 else "",
        "LSTALVDT": study_date(protocol, record, record.last_contact),
    }


def _strata(protocol: ResolvedProtocol, record: PatientRecord) -> dict[str, object]:
    factors = protocol.randomisation.strata
    row: dict[str, object] = {"STRATAR": record.stratum}
    number = 0
    columns: dict[str, object] = {}
    for k, factor in enumerate(factors, start=1):
        levels, level = protocol.cohort.traits[factor].levels, str(record.traits[factor])
        place = levels.index(level)
        number = number * len(levels) + place
        columns |= {f"STRAT{k}D": factor, f"STRAT{k}R": level, f"STRAT{k}RN": place + 1}
    return row | {"STRATARN": number + 1} | columns


def _disease(protocol: ResolvedProtocol, record: PatientRecord) -> dict[str, object]:
    relapse, traits = record.relapse, record.traits
    return {
        "P53STAT": traits.get("p53_status", ""),
        "SUBTYPE": traits.get("subtype", ""),
        "NODES": traits.get("nodes", ""),
        "RELDT": study_date(protocol, record, relapse.detected if relapse else None),
        "RELSITE": relapse.site if relapse else "",
        "RELCAUSE": relapse.cause if relapse else "",
        "RELLATDY": math.nan if relapse is None or relapse.latent_day is None else relapse.latent_day,
    }


def _biomarkers(protocol: ResolvedProtocol, record: PatientRecord) -> dict[str, object]:
    """Four columns for each panel that decides on an order; empty for a patient in whom it was not measured."""
    columns: dict[str, object] = {}
    for k, guide in enumerate(protocol_guides(protocol), start=1):
        result = result_of(record, protocol.arms[record.arm], guide)
        columns |= {
            f"BM{k}TEST": result.panel if result else "",
            f"BM{k}DT": study_date(protocol, record, result.day if result else None),
            f"BM{k}RES": _said(result.positive) if result else "",
            f"BM{k}TRUTH": _said(result.truth) if result else "",
        }
    return columns


def _said(positive: bool) -> str:
    return "POSITIVE" if positive else "NEGATIVE"
