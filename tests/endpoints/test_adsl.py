"""One row per patient, in CDISC's words."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.conduct import protocol_for_tests as example
from tests.endpoints.records_for_tests import HandMade, called_early, patient, relapse, trial_of
from trialsim.endpoints import adsl_frame
from trialsim.endpoints.adsl import age_group
from trialsim.records import Event, EventKind, PatientRecord


def row(record: PatientRecord) -> pd.Series:
    return adsl_frame(trial_of(record), example.protocol()).iloc[0]


def test_identity_and_dates() -> None:
    """Catches dates from elapsed time (the first dose of a patient randomised at 18:00 is that day's), age
    rounded up to a birthday not yet had, and numbers that sort as text in the wrong order."""
    found = row(patient())
    assert found["USUBJID"] == "test-trial-00001"
    assert (found["SITEID"], found["AGE"], found["SEX"]) == ("004", 64, "F")
    assert (found["AGEGR1"], found["AGEGR1N"]) == ("50-64", 2)
    assert (found["RANDDT"], found["TRTSDT"], found["TRTEDT"]) == ("2026-01-25", "2026-01-25", "2026-03-08")
    assert (found["LSTSCDT"], found["LSTALVDT"]) == ("2028-01-26", "2028-03-25")


def test_event_free_patient_is_ongoing() -> None:
    """Catches an end of study for patients whom only the data cut has stopped."""
    found = row(patient())
    assert (found["EOSSTT"], found["EOSDT"], found["DCSREAS"], found["DTHFL"]) == ("ONGOING", "", "", "")


def test_death_and_relapse() -> None:
    """Catches a death dated by the relapse, and the simulator's truth mixed up with what the trial saw: where the scan
    called the relapse early there is none."""
    found = row(patient(relapse=relapse(), death_day=600.0, death_cause="cancer", last_contact=600.0))
    assert (found["DTHFL"], found["DTHDT"], found["DTHCAUS"]) == ("Y", "2027-09-17", "cancer")
    assert (found["EOSSTT"], found["DCSREAS"], found["EOSDT"]) == ("DISCONTINUED", "DEATH", "2027-09-17")
    assert (found["RELDT"], found["RELSITE"], found["RELCAUSE"]) == (
        "2027-01-26",
        "distant",
        "awakened dormancy",
    )
    assert found["RELLATDY"] == 301.23456
    early = row(patient(relapse=called_early()))
    assert early["RELDT"] == "2027-01-26"
    assert math.isnan(early["RELLATDY"])


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({}, "ONGOING", ""),
        ({"treatment_stopped": "relapse"}, "DISCONTINUED", "DISEASE RELAPSE"),
        ({"treatment_stopped": "platelets"}, "DISCONTINUED", "ADVERSE EVENT"),
        ({"treatment_stopped": "death"}, "DISCONTINUED", "DEATH"),
        ({"treatment_stopped": "withdrew"}, "DISCONTINUED", "WITHDRAWAL BY SUBJECT"),
        ({"treated": False, "treatment_stopped": "death", "first_dose": None, "last_dose": None}, "", ""),
    ],
)
def test_end_of_treatment(changes: dict[str, object], status: str, reason: str) -> None:
    """Catches a reason for stopping a treatment that never started, and a missing word of the codelist."""
    found = row(patient(**changes))
    assert (found["EOTSTT"], found["DCTREAS"]) == (status, reason)
    treated = changes.get("treated", True)
    assert found["SAFFL"] == ("Y" if treated else "N")
    assert found["ACTARM"] == ("control" if treated else "")


def test_completed_treatment_is_read_from_the_log() -> None:
    """Catches completion guessed from the number of doses, of which some may have been held."""
    trial = trial_of(patient())
    done = Event(60.0, 1, 49.25, EventKind.TREATMENT_COMPLETED)
    completed = HandMade([*trial.events[:-1], done, trial.events[-1]], trial.patients)
    assert adsl_frame(completed, example.protocol())["EOTSTT"].tolist() == ["COMPLETED"]


def test_strata_are_numbered_by_the_cohort_and_not_by_the_patients() -> None:
    """Catches numbers that follow who was enrolled, and strata that share a number: this one patient is in the
    third of four."""
    traits = patient().traits | {"p53_status": "wild_type", "nodes": "negative"}
    found = row(patient(traits=traits, stratum="wild_type / negative"))
    assert (found["STRATAR"], found["STRATARN"]) == ("wild_type / negative", 3)
    assert (found["STRAT1D"], found["STRAT1R"], found["STRAT1RN"]) == ("p53_status", "wild_type", 2)
    assert (found["STRAT2D"], found["STRAT2R"], found["STRAT2RN"]) == ("nodes", "negative", 1)


def test_names_fit_a_transport_file() -> None:
    """Catches a column that version 5 transport files cannot hold (over 8 characters)."""
    assert all(len(name) <= 8 and name.isascii() for name in row(patient()).index)


def test_age_groups_meet() -> None:
    """Catches a patient of 49.5 or of exactly 65 in no group or in the wrong one."""
    assert [age_group(age) for age in (49.5, 50.0, 64.99, 65.0, 90.0)] == [
        ("<50", 1),
        ("50-64", 2),
        ("50-64", 2),
        (">=65", 3),
        (">=65", 3),
    ]
    with pytest.raises(ValueError, match="age nan"):
        age_group(float("nan"))
