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
from trialsim.analysis.data import level_order
from trialsim.analysis.frame import joined
from trialsim.analysis.subgroups import level_labels, levels_of
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
    """Catches columns shifted by one, the event taken for the time ("followed up to 0.0 months").

    A row that is wider than the header may end in a delimiter, or begin with a name and end in an empty cell: refused
    with its line. Where the header ends in a delimiter too, nothing is open.
    """
    with pytest.raises(InvalidInput, match=r"data\.csv:2:1: this row has 5 cells, and the header has 4"):
        read(tmp_path, TRAILING)
    named = "site,time,event,arm,note\n" + "".join(f'"{i}",{i},{50 + i},1,A,\n' for i in range(1, 5))
    with pytest.raises(InvalidInput, match="name the first column if rows have names"):
        read(tmp_path, named)
    data = read(tmp_path, TRAILING.replace("sex\n", "sex,\n"), covariates=("sex",))
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
    assert analyse(data, default_plan(data)).reference == "Maintained"


def test_a_delimiter_at_the_end_of_one_row_is_a_cell_too_many(tmp_path: Path) -> None:
    """1,0 for 1.0 in a table of commas. Catches time 1, censored, arm "1", its last cell being empty."""
    with pytest.raises(InvalidInput, match=r"data\.csv:3:1: this row has 5 cells, and the header has 4"):
        read(tmp_path, "time,event,arm,sex\n5,1,a,m\n1,0,1,a,\n6,1,b,f\n")


def test_the_order_of_levels_is_one_order() -> None:
    """Numbers, then words. Catches nan compared as a number: an order, and a guessed reference, by chance."""
    levels = ["nan", "5", "NaN", "inf", "10", "1_0", "zz", "3"]
    for at in range(len(levels)):
        turned = [*levels[at:], *levels[:at]]
        assert level_order(turned) == ["3", "5", "10", "1_0", "NaN", "inf", "nan", "zz"]


@pytest.mark.parametrize(
    ("cells", "line", "message"),
    [
        (["40", "45,5", "50,5", "61"], 3, '"45,5" is not a number (and 1 more)'),
        (["40", "1,250", "", "61"], 3, '"1,250" is not a number'),
        (["40", "NA", "50,5", "61"], 4, '"50,5" is not a number'),
        (["40", "NA", "61", "inf"], 5, '"inf" is infinite'),
        ([*(str(age) for age in range(40, 62)), "4o", "63"], 24, '"4o" is not a number'),
        ([*(str(age) for age in range(40, 62)), ".", "63"], 24, '"." is not a number'),
    ],
)
def test_a_slip_in_numbers_makes_no_category(tmp_path: Path, cells: list[str], line: int, message: str) -> None:
    """The line and the cell. Catches ages with a decimal comma as so many categories, and a bare count of levels."""
    rows = "".join(f"{5 + i};1;{'ab'[i % 2]};{cell}\n" for i, cell in enumerate(cells))
    with pytest.raises(
        InvalidInput, match=re.escape(f'data.csv:{line}:1: covariate column "age": {message}')
    ) as caught:
        read(tmp_path, f"time;event;arm;age\n{rows}", covariates=("age",))
    assert "0 or more" not in str(caught.value)


def test_categories_that_look_a_little_like_numbers_stay(tmp_path: Path) -> None:
    """Catches a refusal of stages, of lines of therapy and of words that end in a number's name."""
    for levels in (("1", "2", "3a", "3b"), ("0", "1,2", "more", "1"), ("inf", "unknown", "inf", "lob")):
        rows = "".join(f"{5 + i};1;a;{level}\n" for i, level in enumerate(levels))
        data = read(tmp_path, f"time;event;arm;stage\n{rows}", covariates=("stage",))
        assert data.covariates["stage"].tolist() == list(levels)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [("1,250", "1250, or 1.250"), ("1,250,000", "a number without separators: 1250000\n"), ("0,250", "point: 0.250")],
)
def test_a_comma_that_may_part_thousands_is_told_as_both(tmp_path: Path, cell: str, remedy: str) -> None:
    """Catches the advice to write 1.250 for 1250: a time a thousand times too short."""
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, f"time;event;arm\n5;1;a\n{cell};1;b\n")
    assert remedy in f"{caught.value}\n"


@pytest.mark.parametrize(("events", "line"), [("1,0,1,9", 5), ("0,dead,1,1", 3), ("0,1,2,1", 4)])
def test_an_unknown_code_of_an_event_has_its_line(tmp_path: Path, events: str, line: int) -> None:
    """Catches the header's line for a code somewhere in a thousand rows."""
    rows = "".join(f"{5 + i},{code},a\n" for i, code in enumerate(events.split(",")))
    with pytest.raises(InvalidInput, match=rf'data\.csv:{line}:1: event column "event" holds'):
        read(tmp_path, f"time,event,arm\n{rows}")
    with pytest.raises(InvalidInput, match=r'data\.csv:4:1: CNSR holds "x"'):
        read(tmp_path, "time,CNSR,arm\n5,1,a\n6,0,b\n7,x,a\n", event="CNSR")


def test_how_events_were_read_is_told_where_they_could_be_censorings(tmp_path: Path) -> None:
    """Catches a flag of censoring read as one of events, and 1/2 with no 2 read as 0/1, both in silence."""
    rows = "5,1,a\n6,0,b\n7,1,a\n"
    note = read(tmp_path, f"time,censored,arm\n{rows}", event="censored").notes[0]
    assert note == 'Event column "censored": 1 was read as the event, not as censoring.'
    alone = read(tmp_path, "time,event,arm\n5,1,a\n6,1,b\n").notes[0]
    assert alone == 'Event column "event" holds 1 alone: every row was read as an event.'
    assert "read as" not in read(tmp_path, f"time,event,arm\n{rows}").notes[0]


def test_names_and_codes_with_a_comma_can_be_said(tmp_path: Path) -> None:
    """In quotes. Catches a column that the reader accepts and that no option can name."""
    rows = "".join(f"{5 + i},1,{'ab'[i % 2]},{'xy'[i // 2 % 2]}\n" for i in range(8))
    path = file(tmp_path, f'time,event,arm,"site, region"\n{rows}')
    found = run(path, "--strata", '"site, region"', "--json")
    assert json.loads(found.stdout)["comparisons"][0]["strata"] == ["site, region"]


def test_levels_that_read_alike_are_shown_as_they_stand() -> None:
    """Catches x_y and x y as two rows of a forest plot with one label."""
    assert level_labels(["x_y", "x y"]) == ["x_y", "x y"]
    assert level_labels(["wild_type", "mutant"]) == ["wild type", "mutant"]


def test_p53_in_other_words_is_a_covariate_like_any(tmp_path: Path) -> None:
    """Catches p53 models of the patients alone whose word is known, the others left out in silence."""
    models = []
    for words in (("wt", "mut"), ("normal", "mutant"), ("2", "3")):
        rows = "".join(f"{5 + i},1,{'ab'[i % 2]},{words[i // 2 % 2]}\n" for i in range(12))
        data = read(tmp_path, f"time,event,arm,p53\n{rows}", covariates=("p53",))
        models.append([row.model for row in analyse(data, default_plan(data)).cox])
    assert models == [["arm", "arm + p53", "arm x p53"], ["arm"], ["arm"]]


def test_codes_of_missing_values_are_for_files() -> None:
    """Catches --missing without effect on a data set of lifelines."""
    with pytest.raises(UsageError, match="--missing is for the cells of a file"):
        load_table("lifelines:gbsg2", ("no",))
