"""How a patient's treatment and follow-up stand at the data cut, in one word each."""

from __future__ import annotations

from enum import StrEnum

from trialsim.records import EventKind, PatientRecord, TrialRecord
from trialsim.spec.resolved import ResolvedArm


class Treatment(StrEnum):
    """What became of the study treatment."""

    NEVER_STARTED = "never started"
    COMPLETED = "completed"
    STOPPED = "stopped"
    ONGOING = "ongoing"


class Ending(StrEnum):
    """The first thing that ended relapse-free follow-up. Every randomised patient has exactly one."""

    RELAPSED = "relapsed"
    DIED = "died without relapse"
    WITHDREW = "withdrew"
    LOST = "lost to follow-up"
    EVENT_FREE = "event-free at cut-off"


def received_treatment(record: PatientRecord, arm: ResolvedArm) -> bool:
    """Whether a patient had the treatment of the arm: was given something, or was to be given nothing.

    An order is not for a patient whose panel was negative, so an arm of such orders alone leaves nothing to give.
    """
    return record.treated or all(order.id in record.withheld for order in arm.orders)


def completed_treatment(trial: TrialRecord) -> frozenset[int]:
    """The patients whose log says that treatment was completed."""
    return frozenset(e.patient for e in trial.events if e.kind is EventKind.TREATMENT_COMPLETED)


def treatment_status(record: PatientRecord, completed: frozenset[int]) -> Treatment:
    """What became of the treatment; ``completed`` comes from `completed_treatment`."""
    if not record.treated:
        return Treatment.NEVER_STARTED
    if record.patient in completed:
        return Treatment.COMPLETED
    return Treatment.STOPPED if record.treatment_stopped else Treatment.ONGOING


def outcome(record: PatientRecord) -> Ending:
    """The patient's outcome in terms of relapse-free survival."""
    if record.relapse is not None:
        return Ending.RELAPSED
    if record.death_day is not None:
        return Ending.DIED
    if record.withdrew_day is not None:
        return Ending.WITHDREW
    return Ending.LOST if record.lost_day is not None else Ending.EVENT_FREE
