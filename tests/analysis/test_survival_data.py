"""Reading a data frame: what is taken, what is refused, and how that is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import SurvivalData, default_plan, from_frame
from trialsim.analysis.plan import AnalysisPlan
from trialsim.errors import UsageError


def frame(**columns: Any) -> pd.DataFrame:
    plain: dict[str, Any] = {
        "T": [5.0, 8.0, 13.0, 21.0],
        "E": [1, 0, 1, 1],
        "A": ["control", "drug", "control", "drug"],
    }
    return pd.DataFrame(plain | columns)


def read(df: pd.DataFrame, **options: Any) -> SurvivalData:
    return from_frame(df, **({"time": "T", "event": "E", "arm": "A"} | options))


@pytest.mark.parametrize(
    "coding",
    [
        [1, 0, 1, 1],
        [1.0, 0.0, 1.0, 1.0],
        [2, 1, 2, 2],
        [True, False, True, True],
        ["yes", "no", "yes", "yes"],
        ["TRUE", "False", " true", "True"],
        ["event", "censored", "event", "event"],
    ],
)
def test_event_codings(coding: list[Any]) -> None:
    """Each spelling gives the same events. Catches `astype(bool)`, by which "no" and 2 and 1 are all events."""
    data = read(frame(E=coding), reference="control")
    assert data.event.tolist() == [True, False, True, True]
    assert bool(data.notes) == (coding[0] == 2)


def test_adam_censoring_flag_is_the_other_way_round() -> None:
    """CNSR 0 is an event. Catches an ADTTE file read as lifelines codes events, every censoring an event."""
    data = read(frame(CNSR=[0, 1, 0, 3]), event="CNSR")
    assert data.event.tolist() == [True, False, True, False]
    assert "CNSR" in data.notes[0]
    with pytest.raises(UsageError, match=r'CNSR holds "x"'):
        read(frame(CNSR=[0, 1, 0, "x"]), event="CNSR")


def test_only_the_first_endpoint_of_a_long_table() -> None:
    """Catches every patient counted once for each endpoint of ADTTE."""
    data = read(frame(PARAMCD=["RFS", "RFS", "OS", "OS"]))
    assert data.n == 2
    assert "only RFS" in data.notes[0]


def test_units_of_time() -> None:
    """Catches months of 30 days and years of 365."""
    assert read(frame(), time_unit="months").time_days[0] == pytest.approx(5 * 30.4375)
    assert read(frame(), time_unit="years").time_days[0] == pytest.approx(5 * 365.25)
    with pytest.raises(UsageError, match=r'time unit "month" is not days, months or years .did you mean "months"'):
        read(frame(), time_unit="month")


def test_incomplete_rows_are_left_out_and_counted() -> None:
    """Catches NaN in an arm becoming an arm called "nan", and rows lost in silence."""
    df = frame(A=["control", None, "control", "drug"], E=[1, 0, np.nan, 1], S=["a", "a", "a", " "], G=[1, 2, 3, None])
    assert read(df, covariates=("G",)).n == 2
    with pytest.raises(UsageError, match=r"no row|stratum"):
        read(df.iloc[1:3], strata=("S",))
    data = read(df, strata=("S",))
    assert data.n == 1
    assert data.dropped == 3
    assert "3 of 4 rows were left out" in data.notes[0]


def test_strata_of_several_columns() -> None:
    data = read(frame(S=["a", "a", "b", "b"], R=[1, 2, 1, 2]), strata=("S", "R"))
    assert data.strata is not None
    assert data.strata.tolist() == ["a / 1", "a / 2", "b / 1", "b / 2"]
    assert data.strata_names == ("S", "R")


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {"time": "Time_"}, 'no column "Time_".* The table has: T, E, A'),
        ({"months": [1, 2, 3, 4]}, {"time": "month"}, 'no column "month" .did you mean "months"'),
        ({}, {"arm": "X", "strata": ("Y",)}, 'no column "X".*no column "Y"'),
        ({"T": [1, "two", 3, 4]}, {}, '"two" in row 2 is not a number'),
        ({"T": [1, -2, -3, 4]}, {}, r'"-2" in row 2 is negative \(and 1 more\)'),
        ({"T": [1, np.inf, 3, 4]}, {}, "in row 2 is infinite"),
        ({"E": [0, 1, 2, 3]}, {}, 'event column "E" holds 0, 1, 2, 3. Write 0/1'),
        ({"E": ["dead", "alive", "dead", "dead"]}, {}, 'event column "E" holds alive, dead'),
        ({"T": [None] * 4}, {}, "no row has a value in all of T, E, A"),
        (
            {},
            {"reference": "contrl"},
            'reference "contrl" is not one of the arms control, drug .did you mean "control"',
        ),
    ],
)
def test_refusals(columns: dict[str, Any], options: dict[str, Any], message: str) -> None:
    """Each names the column, the value and the way out. Catches coercion to NaN, which loses rows unseen."""
    with pytest.raises(UsageError, match=message):
        read(frame(**columns), **options)


def test_zero_one_two_is_not_guessed() -> None:
    """0/1/2 may be competing risks; catches every non-zero taken for the event."""
    with pytest.raises(UsageError, match=r"holds 0, 1, 2"):
        read(frame(E=[0, 1, 2, 1]))


def test_reference_is_the_arm_with_a_usual_name_else_the_first() -> None:
    """Catches an effect turned upside down because "chemo" sorts before "control"."""
    assert read(frame(A=["chemo", "control", "chemo", "control"])).reference == "control"
    assert read(frame(A=["yes", "no", "no", "yes"])).reference == "no"
    assert read(frame(A=[10, 9, 9, 10])).reference == "9"
    assert read(frame(), reference="drug").reference == "drug"
    assert list(default_plan(read(frame(), reference="drug")).arms) == ["drug", "control"]


def test_arrays_of_different_lengths_are_refused() -> None:
    """Catches broadcasting of a column that lacks a row."""
    with pytest.raises(UsageError, match=r"differ in length: time_days 3, event 2"):
        SurvivalData(np.ones(3), np.ones(2), np.array(["a", "a", "b"]))
    with pytest.raises(UsageError, match=r"at least one row"):
        SurvivalData(np.empty(0), np.empty(0), np.empty(0))
    with pytest.raises(UsageError, match=r"1 time.* negative; the first is -1 in row 2"):
        SurvivalData(np.array([1.0, -1.0]), np.ones(2), np.array(["a", "b"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "contro"}, "did you mean .control"),
        ({"sided": 3}, "sided is 1 or 2"),
        ({"alpha": 0.0}, "alpha lies between 0 and 1"),
        ({"confidence_level": 95}, "confidence_level lies between 0 and 1"),
        ({"rmst_tau_days": 0.0}, "tau is a time above zero"),
    ],
)
def test_plans_that_cannot_be_carried_out(options: dict[str, Any], message: str) -> None:
    """Catches 95 for 0.95 and a typing error in the reference, before any number is computed."""
    with pytest.raises(UsageError, match=message):
        AnalysisPlan(**({"reference": "control", "arms": {"control": "C"}} | options))
