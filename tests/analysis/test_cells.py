"""A user's cells mean what they say: no word is a missing value, no code a number, no row moves by a column."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from trialsim.analysis import SurvivalData, analyse, default_plan, from_frame, load_table
from trialsim.analysis.frame import joined
from trialsim.analysis.subgroups import levels_of
from trialsim.cli import cli
from trialsim.errors import InvalidInput, UsageError

NONE_ARM = """\
time,event,arm,prior
5,1,None,NA
6,1,None,EU
7,0,None,EU
8,1,None,NA
5,0,Drug,NA
9,1,Drug,EU
10,1,Drug,EU
11,0,Drug,NA
"""
TRAILING = """\
time,event,arm,sex
50,1,0,1,
60,0,1,0,
70,1,0,1,
80,1,1,0,
90,1,0,0,
95,1,1,1,
"""
#: R survival::aml (Miller 1997), the arms as R writes them.
AML = "time,event,arm\n" + "".join(
    f"{time},{event},{arm}\n"
    for arm, rows in (
        ("Maintained", "9,1 13,1 13,0 18,1 23,1 28,0 31,1 34,1 45,0 48,1 161,0"),
        ("Nonmaintained", "5,1 5,1 8,1 8,1 12,1 16,0 23,1 27,1 30,1 33,1 43,1 45,1"),
    )
    for time, event in (row.split(",") for row in rows.split())
)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(text)
    return path


def read(tmp_path: Path, text: str, missing: tuple[str, ...] = (), **options: Any) -> SurvivalData:
    names = {"time": "time", "event": "event", "arm": "arm"} | options
    return from_frame(load_table(file(tmp_path, text), missing), **names)


def run(path: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["analyse", str(path), "--time", "time", "--event", "event", "--arm", "arm",
                                    "--quiet", *words])  # fmt: skip


def test_a_delimiter_at_the_end_of_a_row_moves_nothing(tmp_path: Path) -> None:
    """Times of 50 to 95 days. Catches columns shifted by one, the event taken for the time ("up to 0.0 months")."""
    data = read(tmp_path, TRAILING, covariates=("sex",))
    assert data.time_days.tolist() == [50, 60, 70, 80, 90, 95]
    assert data.arm.tolist() == ["0", "1", "0", "1", "0", "1"]
    assert data.covariates["sex"].tolist() == [1, 0, 1, 0, 0, 1]


def test_an_arm_called_none_is_an_arm(tmp_path: Path) -> None:
    """Two arms of 4. Catches an arm that vanishes since a word is taken for a missing value."""
    data = read(tmp_path, NONE_ARM)
    assert {arm: int(np.sum(data.arm == arm)) for arm in data.arms} == {"Drug": 4, "None": 4}
    assert data.dropped == 0
    assert any("say --missing None" in note for note in data.notes)


def test_a_stratum_called_na_is_a_stratum(tmp_path: Path) -> None:
    """8 rows, two strata. Catches half of the rows dropped (North America, TNM, not applicable)."""
    data = read(tmp_path, NONE_ARM, strata=("prior",))
    assert data.strata is not None
    assert data.n == 8
    assert sorted(set(data.strata)) == ["EU", "NA"]
    assert levels_of(read(tmp_path, NONE_ARM, covariates=("prior",)).covariates["prior"], "prior")[0] == ["EU", "NA"]


def test_a_code_of_missing_values_is_what_the_user_says(tmp_path: Path) -> None:
    """Catches --missing that reaches some columns only, or that is compared as a number."""
    data = read(tmp_path, NONE_ARM, ("NA",), strata=("prior",))
    assert (data.n, data.dropped) == (4, 4)
    told = json.loads(run(file(tmp_path, NONE_ARM), "--missing", "None", "--json").stdout)
    assert list(told["arms"]) == ["Drug"]
    assert "4 of 8 rows were left out" in told["notes"][0]


@pytest.mark.parametrize(
    "levels", [("01", "1"), ("1E2", "100"), ("1.0", "1"), ("true", "True"), ("NaN", "nan"), ("-", "0")]
)
def test_levels_that_numbers_would_merge(tmp_path: Path, levels: tuple[str, str]) -> None:
    """Catches two arms, strata or categories made one by reading them as numbers or words of the program."""
    rows = "".join(f"{5 + i},1,{levels[i % 2]},{levels[i // 2 % 2]}\n" for i in range(8))
    data = read(tmp_path, f"time,event,arm,s\n{rows}", strata=("s",), covariates=("s",))
    assert set(data.arms) == set(levels)
    assert data.strata is not None
    assert set(data.strata) == set(levels)


def test_a_covariate_of_codes_is_a_category(tmp_path: Path) -> None:
    """01 and 02 are names of sites. Catches a hazard ratio per unit of a code."""
    rows = "".join(f"{5 + i},1,a,{code},{i}\n" for i, code in enumerate(("01", "02", "01", "10")))
    data = read(tmp_path, f"time,event,arm,site,age\n{rows}", covariates=("site", "age"))
    assert data.covariates["site"].tolist() == ["01", "02", "01", "10"]
    assert data.covariates["age"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("value", ["inf", "-Inf", "Infinity"])
def test_an_infinite_covariate_is_refused_with_its_row(tmp_path: Path, value: str) -> None:
    """Exit 3 and the line. Catches a TypeError out of a library, and a category called inf."""
    path = file(tmp_path, f"time,event,arm,age\n5,1,a,40\n6,1,b,{value}\n7,0,a,50\n")
    found = run(path, "--covariates", "age")
    assert found.exit_code == 3 or isinstance(found.exception, InvalidInput)
    with pytest.raises(InvalidInput, match=rf'data\.csv:3:1: covariate column "age": "{value}" is infinite'):
        read(tmp_path, path.read_text(), covariates=("age",))
    frame = pd.DataFrame({"time": [5.0, 6.0], "event": [1, 1], "arm": ["a", "b"], "age": [40.0, np.inf]})
    with pytest.raises(UsageError, match="in row 2 is infinite"):
        from_frame(frame, time="time", event="event", arm="arm", covariates=("age",))


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [("NA", "--missing NA"), ("12,5", r"12\.5"), ("1_000", "correct the cell"), ("１２", "correct the cell"),
     ("0x10", "correct the cell"), ("twelve", "correct the cell")],
)  # fmt: skip
def test_what_is_no_time_is_told_with_its_line_and_a_remedy(tmp_path: Path, cell: str, remedy: str) -> None:
    """Catches a time that Python reads (1_000, full-width digits), and one lost as missing."""
    with pytest.raises(InvalidInput, match=rf'data\.csv:3:1: time column "time": "{cell}" is not a number') as caught:
        read(tmp_path, f"time;event;arm\n5;1;a\n{cell};1;b\n")
    assert re.search(remedy, str(caught.value))


def test_row_numbers_without_a_name_are_passed_over(tmp_path: Path) -> None:
    """R's write.csv: an empty first name. Catches row numbers taken for a column."""
    data = read(tmp_path, '"","time","event","arm"\n"1",5,1,"a"\n"2",6,0,"b"\n')
    assert data.time_days.tolist() == [5.0, 6.0]


def test_a_quoted_delimiter_parts_nothing(tmp_path: Path) -> None:
    """Catches a label cut at its comma, and the delimiter guessed from within quotes."""
    data = read(tmp_path, 'time,event,"arm",note\n5,1,"A, then B","x; y; z; w"\n6,1,"C","; ; ;"\n')
    assert data.arms == ["A, then B", "C"]


def test_strata_that_read_alike_stay_apart() -> None:
    """Catches "a / b" of one column and c of another joined to the label of a and "b / c"."""
    columns = [np.array(["a / b", "a", "a"], dtype=object), np.array(["c", "b / c", "c"], dtype=object)]
    assert len(set(joined(columns))) == 3
    assert joined([np.array(["a", "b"], dtype=object), np.array(["1", "1"], dtype=object)]).tolist() == [
        "a / 1",
        "b / 1",
    ]


@given(st.lists(st.tuples(st.text('a/ "', max_size=4), st.text('a/ "', max_size=4)), min_size=1, max_size=12))
def test_no_two_combinations_of_levels_share_a_label(rows: list[tuple[str, str]]) -> None:
    """Catches strata merged by their names."""
    columns = [np.array(column, dtype=object) for column in zip(*rows, strict=True)]
    assert len(set(joined(columns))) == len(set(rows))


def test_a_guessed_reference_is_told_and_carries_no_one_sided_p(tmp_path: Path) -> None:
    """R's aml: the reference by alphabet is the treatment. Catches p 0.967 for 0.033 in silence."""
    path = file(tmp_path, AML)
    two = run(path)
    assert 'The reference is "Maintained", the first in order, which is a guess' in " ".join(two.stdout.split())
    one = run(path, "--sided", "1")
    assert one.exit_code == 2 or isinstance(one.exception, UsageError)
    assert "--reference: Maintained, Nonmaintained" in str(one.exception)
    told = json.loads(run(path, "--sided", "1", "--reference", "Nonmaintained", "--json").stdout)
    assert told["reference"] == "Nonmaintained"
    assert told["comparisons"][0]["conclusion"]["p"] == pytest.approx(0.0327, abs=5e-5)
    data = read(tmp_path, AML)
    assert data.reference_by == "order"
    assert analyse(data, default_plan(data))["reference"] == "Maintained"
