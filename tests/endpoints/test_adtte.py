"""Each endpoint of each kind of patient, against the conventions of the table."""

from __future__ import annotations

import io
import math

import pandas as pd
import pytest

from tests.conduct.protocol_for_tests import protocol
from tests.endpoints.records_for_tests import CUT, RANDOMISED, called_early, patient, relapse, trial_of
from trialsim.endpoints import adtte_frame
from trialsim.endpoints.adtte import ADTTE_DECIMALS
from trialsim.endpoints.csv_text import csv_text
from trialsim.records import PatientRecord

EVENT_FREE = patient()
LOCAL = patient(relapse=relapse("local"), last_scan=365.25, withdrew_day=500.0, last_contact=500.0)
DISTANT = patient(relapse=relapse(), last_scan=365.25, death_day=600.5, death_cause="cancer", last_contact=600.5)
DIED = patient(last_scan=274.0, death_day=300.5, death_cause="other causes", last_contact=300.5)
WITHDREW = patient(last_scan=274.0, withdrew_day=300.5, last_contact=300.5)
NEVER_SCANNED = patient(last_scan=0.0, withdrew_day=30.0, last_contact=30.0)
DIED_AT_ONCE = patient(last_scan=0.0, death_day=0.1, death_cause="other causes", last_contact=0.1)

CUT_OFF = "Event-Free at Cut-Off"
LAST_SCAN = "Date of Last Tumour Assessment"
UNSEEN = "No Post-Baseline Assessment"
NO_RELAPSE = "Death Without Relapse"


def row(record: PatientRecord, parameter: str) -> pd.Series:
    table = adtte_frame(trial_of(record), protocol())
    return table[table["PARAMCD"] == parameter].iloc[0]


@pytest.mark.parametrize(
    ("record", "parameter", "day", "code", "description", "dated_by"),
    [
        (EVENT_FREE, "RFS", 730.5, 1, CUT_OFF, LAST_SCAN),
        (EVENT_FREE, "TTR", 730.5, 1, CUT_OFF, LAST_SCAN),
        (EVENT_FREE, "DRFS", 730.5, 1, CUT_OFF, LAST_SCAN),
        (EVENT_FREE, "OS", CUT - RANDOMISED, 1, CUT_OFF, "Date of Data Cut-Off"),
        (LOCAL, "RFS", 365.25, 0, "Local Relapse", ""),
        (LOCAL, "TTR", 365.25, 0, "Local Relapse", ""),
        (LOCAL, "DRFS", 365.25, 4, "New Therapy", "Date of Local Relapse"),
        (LOCAL, "OS", 500.0, 3, "Withdrew", "Date of Withdrawal"),
        (DISTANT, "RFS", 365.25, 0, "Distant Relapse", ""),
        (DISTANT, "DRFS", 365.25, 0, "Distant Relapse", ""),
        (DISTANT, "OS", 600.5, 0, "Death From Cancer", ""),
        (DIED, "RFS", 300.5, 0, NO_RELAPSE, ""),
        (DIED, "DRFS", 300.5, 0, NO_RELAPSE, ""),
        (DIED, "TTR", 300.5, 6, NO_RELAPSE, "Date of Death"),
        (DIED, "OS", 300.5, 0, "Death From Other Causes", ""),
        (WITHDREW, "RFS", 274.0, 3, "Withdrew", LAST_SCAN),
        (WITHDREW, "OS", 300.5, 3, "Withdrew", "Date of Withdrawal"),
        (NEVER_SCANNED, "RFS", 0.0, 5, UNSEEN, "Date of Randomisation"),
        (NEVER_SCANNED, "OS", 30.0, 3, "Withdrew", "Date of Withdrawal"),
        (DIED_AT_ONCE, "RFS", 0.1, 0, NO_RELAPSE, ""),
    ],
)
def test_codes_words_and_days(
    record: PatientRecord, parameter: str, day: float, code: int, description: str, dated_by: str
) -> None:
    """Catches CNSR coded as lifelines codes events, RFS censored at last contact instead of the last scan,
    relapse dated by its truth, and AVAL counted in elapsed days instead of dates (randomisation is at 18:00
    here, so the two differ)."""
    found = row(record, parameter)
    assert (found["CNSR"], found["EVNTDESC"], found["CNSDTDSC"]) == (code, description, dated_by)
    assert found["AVAL"] == int(RANDOMISED + day) - int(RANDOMISED) + 1
    assert found["ADY"] == found["AVAL"]
    dates = pd.to_datetime([found["STARTDT"], found["ADT"]])
    assert found["AVAL"] == (dates[1] - dates[0]).days + 1
    assert found["STARTDT"] == "2026-01-25"


def test_the_latent_time_is_the_truth() -> None:
    """Catches AVALSIM filled from the scan that saw the relapse."""
    assert row(DISTANT, "RFS")["AVALSIM"] == 301.23456
    assert row(DISTANT, "OS")["AVALSIM"] == 600.5
    assert row(EVENT_FREE, "RFS")["AVALSIM"] == 730.5


def test_a_relapse_that_was_called_early_has_no_true_day() -> None:
    """Catches the day of the scan, or of randomisation, in place of a truth that is not there; in the file it is empty,
    and death after it keeps its own."""
    early = patient(relapse=called_early(), last_scan=365.25, death_day=600.5, death_cause="cancer", last_contact=600.5)
    for parameter in ("RFS", "TTR", "DRFS"):
        found = row(early, parameter)
        assert (found["CNSR"], found["EVNTDESC"]) == (0, "Distant Relapse")
        assert math.isnan(found["AVALSIM"])
    assert row(early, "OS")["AVALSIM"] == 600.5
    written = csv_text(adtte_frame(trial_of(early, EVENT_FREE), protocol()), ADTTE_DECIMALS)
    column = pd.read_csv(io.StringIO(written), dtype=str, keep_default_na=False)["AVALSIM"]
    assert list(column[:4]) == ["", "730.5000", "600.5000", "789.2500"]


@pytest.mark.parametrize(
    ("record", "parameter", "kind"),
    [(DISTANT, "RFS", "relapse"), (DISTANT, "OS", "death"), (WITHDREW, "RFS", "scan")],
)
def test_the_source_leads_to_the_row_of_the_log(record: PatientRecord, parameter: str, kind: str) -> None:
    """Catches sequence numbers counted over the whole log, or from 0."""
    trial = trial_of(record, patient(2))
    table = adtte_frame(trial, protocol())
    found = table[(table["PARAMCD"] == parameter) & (table["SUBJID"] == "00001")].iloc[0]
    own = [event for event in trial.events if event.patient == 1]
    source = own[found["SRCSEQ"] - 1]
    assert (found["SRCDOM"], found["SRCVAR"]) == ("EVENTS", "day")
    assert str(source.kind) == kind


def test_alive_at_the_cut_is_dated_by_adsl() -> None:
    """Catches a source in the patient's log for a date that is the trial's."""
    found = row(EVENT_FREE, "OS")
    assert (found["SRCDOM"], found["SRCVAR"]) == ("ADSL", "LSTALVDT")
    assert pd.isna(found["SRCSEQ"])
