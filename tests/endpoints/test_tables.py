"""The text of the tables, and the baseline table."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd

from tests.conduct import protocol_for_tests as example
from tests.endpoints.records_for_tests import HandMade, patient, trial_of
from tests.saved import saved
from trialsim.conduct import conduct_trial
from trialsim.endpoints import adsl_frame, adtte_frame, baseline_table, csv_text, events_frame
from trialsim.endpoints.adsl import ADSL_DECIMALS
from trialsim.endpoints.adtte import ADTTE_DECIMALS
from trialsim.endpoints.events_frame import EVENTS_DECIMALS
from trialsim.results import to_json
from trialsim.spec.resolved import ResolvedProtocol

SMALL = example.with_patients(example.protocol(), 30)


def texts(protocol: ResolvedProtocol, seed: int = 3) -> list[str]:
    patients = protocol.accrual.patients
    trial = conduct_trial(protocol, seed=seed, traits=example.all_traits(patients), new_course=example.Courses())
    return [
        csv_text(adsl_frame(trial, protocol), ADSL_DECIMALS),
        csv_text(adtte_frame(trial, protocol), ADTTE_DECIMALS),
        csv_text(events_frame(trial, protocol), EVENTS_DECIMALS),
    ]


def test_the_same_run_writes_the_same_bytes() -> None:
    """Catches sets in the order of their hashes, a clock, and platform line ends."""
    first = texts(SMALL)
    assert first == texts(SMALL)
    assert first != texts(SMALL, seed=4)
    assert all("\r" not in text and text.endswith("\n") for text in first)


def test_the_order_of_the_arms_in_the_ratio_moves_no_byte() -> None:
    """Catches arms numbered or sorted by the order in which a file lists them."""
    rules = SMALL.randomisation.model_copy(update={"ratio": {"navitoclax": 1, "control": 1}})
    assert texts(SMALL.model_copy(update={"randomisation": rules})) == texts(SMALL)


def test_numbers_have_fixed_decimals_and_missing_ones_are_empty() -> None:
    """Catches the shortest float text (0.30000000000000004), ``nan``, and integers turned into floats."""
    frame = pd.DataFrame(
        {
            "day": [0.1 + 0.2, np.nan],
            "value": [2.5e9, 100.0],
            "count": pd.array([3, pd.NA], dtype="Int64"),
            "words": ['a "b", c', ""],
        }
    )
    assert csv_text(frame, {"day": 4}) == ('day,value,count,words\n0.3000,2.5e+09,3,"a ""b"", c"\n,100,,\n')


def test_tables_read_back() -> None:
    """Catches a table whose text does not hold what the frame held."""
    text = texts(SMALL)[1]
    back = pd.read_csv(StringIO(text), keep_default_na=False)
    assert len(back) == 4 * 30
    assert set(back["PARAMCD"]) == {"RFS", "OS", "TTR", "DRFS"}
    assert (back["AVAL"] >= 1).all()


def test_the_log_has_a_row_for_the_data_cut() -> None:
    """Catches the cut attributed to a patient, or given a study day."""
    last = events_frame(trial_of(patient()), example.protocol()).iloc[-1]
    assert (last["USUBJID"], last["kind"], last["arm"]) == ("", "data cut", "")
    assert np.isnan(last["study_day"])


def test_baseline_counts_and_quartiles() -> None:
    """Catches levels without patients left out, quartiles over all arms, and NaN for an empty arm."""
    ages = (40.0, 50.0, 60.0, 70.0, 80.0)
    records = [patient(n, traits=patient().traits | {"age": age}) for n, age in enumerate(ages, start=1)]
    table = saved(baseline_table(HandMade([], records), example.protocol()))
    to_json(table)
    rows = {row["trait"]: row for row in table["rows"]}
    assert rows["age"]["arms"]["control"] == {"median": 60.0, "q1": 50.0, "q3": 70.0}
    assert rows["age"]["unit"] == "yr"
    assert rows["age"]["arms"]["navitoclax"] == {"median": None, "q1": None, "q3": None}
    assert rows["p53_status"]["arms"]["control"] == {"levels": {"mutant": 5, "wild_type": 0}}
    assert "foci" not in rows
