"""Waiting for treatment in patients of cells: glioblastoma, where every week counts.

The same patients meet the same chance with and without limits, so times are compared patient by patient: a mean
difference beyond 5 standard errors (false alarm 3e-7, one-sided), with a fixed seed.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import pytest

from trialsim.conduct import conduct_trial
from trialsim.endpoints import adsl_frame, adtte_frame, csv_text, events_frame, primary_event
from trialsim.endpoints.time_to_event import time_to_event
from trialsim.patient.cohort import traits_of_trial
from trialsim.patient.course import Courses
from trialsim.records import EventKind, TrialRecord
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.treatment.library import load_library

FILE = Path(__file__).parents[2] / "protocols" / "glioblastoma-f3-inhibitor.yaml"
PATIENTS = 600
SEED = 6
ERRORS = 5.0


@functools.cache
def lived(capacity: str = "", patients: int = PATIENTS) -> tuple[ResolvedProtocol, TrialRecord]:
    overrides = [f"accrual.patients={patients}", *([f"capacity={capacity}"] if capacity else [])]
    protocol = load_protocol(FILE, load_library(), overrides)
    record = conduct_trial(
        protocol,
        seed=SEED,
        traits=traits_of_trial(protocol, seed=SEED),
        new_course=Courses(protocol, seed=SEED),
        has_event=primary_event(protocol),
    )
    return protocol, record


def test_unlimited_places_are_the_run_without_the_key() -> None:
    """Bit for bit: catches a visit that pauses the biology elsewhere, and a draw that comes in another order."""
    plain, roomy = lived("", 150), lived("{infusion_chairs: 100000, radiotherapy_slots: 100000}", 150)
    assert roomy[1].events == plain[1].events
    for frame in (adsl_frame, adtte_frame, events_frame):
        assert csv_text(frame(roomy[1], roomy[0])) == csv_text(frame(plain[1], plain[0]))


@pytest.mark.parametrize(
    ("kind", "order"),
    [("radiotherapy_slots", "rt"), ("infusion_chairs", "concurrent")],
    ids=["slots", "chairs"],
)
def test_halving_places_lengthens_the_time_to_treatment_and_worsens_survival(kind: str, order: str) -> None:
    """Catches waiting that delays the log and not the tumour, and a clinic that serves everybody anyhow."""
    whole, halved = (lived(given)[1] for given in (f"{{{kind}: 16}}", f"{{{kind}: 8}}"))
    assert _errors(_starts(halved, order) - _starts(whole, order)) > ERRORS
    assert _errors(_times(whole) - _times(halved)) > ERRORS


def _errors(differences: np.ndarray) -> float:
    """A mean in standard errors."""
    return float(differences.mean() / (differences.std(ddof=1) / math.sqrt(differences.size)))


def _starts(trial: TrialRecord, order: str) -> np.ndarray:
    """Days to each patient's first dose of an order; of who had none, the days that they were followed."""
    first: dict[int, float] = {}
    for event in trial.events:
        if event.kind is EventKind.DOSE and event.detail == order:
            first.setdefault(event.patient, event.study_day)
    return np.array([first.get(record.patient, record.last_contact) for record in trial.patients])


def _times(trial: TrialRecord) -> np.ndarray:
    """Relapse-free days of each patient, by number; who is censored counts with the days that were seen."""
    return np.array([time_to_event(record, "RFS").day for record in trial.patients])
