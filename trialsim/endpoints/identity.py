"""Names, numbers and dates that every table shares."""

from __future__ import annotations

import math
from datetime import date, timedelta

from trialsim.records import PatientRecord
from trialsim.spec.resolved import ResolvedProtocol


def subjid(patient: int) -> str:
    """A patient's number within the study, padded so that text sorts as numbers do."""
    return f"{patient:05d}"


def usubjid(protocol: ResolvedProtocol, patient: int) -> str:
    """A patient's number among all studies."""
    return f"{protocol.name}-{subjid(patient)}"


def siteid(record: PatientRecord) -> str:
    return f"{record.site:03d}"


def arm_number(protocol: ResolvedProtocol, arm: str) -> int:
    """An arm's place in canonical order, from 1."""
    return list(protocol.arms).index(arm) + 1


def calendar_date(protocol: ResolvedProtocol, day: float) -> str:
    """The ISO date that a calendar day falls on; day 0 is the date on which the trial opens."""
    return (date.fromisoformat(protocol.accrual.opens) + timedelta(days=math.floor(day))).isoformat()


def study_date(protocol: ResolvedProtocol, record: PatientRecord, day: float | None) -> str:
    """The ISO date of a patient's study day; empty when there is none."""
    return "" if day is None else calendar_date(protocol, record.randomised_day + day)


def days_from_randomisation(record: PatientRecord, day: float) -> int:
    """Dates between randomisation and a study day, counting both: ADT - STARTDT + 1."""
    return math.floor(record.randomised_day + day) - math.floor(record.randomised_day) + 1
