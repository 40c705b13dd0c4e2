"""Files that are tables, files that are not, and lifelines' own data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialsim.analysis import load_table
from trialsim.errors import InvalidInput, UsageError


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_and_byte_order_marks(tmp_path: Path, delimiter: str) -> None:
    """Catches "\\ufefftime" as a column name, and a semicolon file read as one column."""
    path = tmp_path / "data.csv"
    rows = [["time", "event", "arm"], ["5", "1", "a"], ["7.5", "0", "b"]]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(delimiter.join(row) for row in rows).encode())
    table = load_table(path)
    assert list(table.columns) == ["time", "event", "arm"]
    assert table["time"].tolist() == ["5", "7.5"]
    assert table.index.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"PK\x03\x04\x00\x00", "binary"),
        (b"time,event,arm\n1,0,\xe9\n", "data.csv:2:1: byte 0xe9 is not UTF-8"),
        (b"time,event,arm\n", "data.csv:1:1: the file has a header and no rows"),
        (b"hello\nworld\n", "the header has one column, 'hello'"),
        (b"a,b,c\n1,2,3\n1,2,3,4,5\n", "data.csv:3:1: this row has 5 cells, and the header has 3"),
        (b"a,b,c\n1,2,3\n\n1,2\n", "data.csv:4:1: this row has 2 cells, and the header has 3"),
        (b"time,event,arm\nr1,5,1,a\nr2,6,0,b\n", "data.csv:2:1: this row has 4 cells, and the header has 3"),
        (b'a,b,c\n1,"2\n",3\n4,5\n', "data.csv:4:1: this row has 2 cells"),
        (b"time,arm,time\n1,a,2\n", 'data.csv:1:1: the header has "time" twice'),
        (b'a,b,c\n1,"2,3\n', "data.csv:2:1: this is not a table: unexpected end of data"),
    ],
)
def test_files_that_are_not_tables(tmp_path: Path, content: bytes, message: str) -> None:
    """Exit code 3 and the place. Catches a pandas traceback, and a picture read as one column of text."""
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        load_table(path)
    assert message in str(caught.value)
    assert caught.value.exit_code == 3


def test_places_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file .*none.csv"):
        load_table(tmp_path / "none.csv")
    with pytest.raises(UsageError, match=r"cannot read"):
        load_table(tmp_path)


def test_lifelines_data_sets() -> None:
    """Catches a bad name that ends in AttributeError."""
    assert load_table("lifelines:gbsg2").shape == (686, 10)
    with pytest.raises(UsageError, match=r'no data set "gbsg" .did you mean "gbsg2".* It has: .*waltons'):
        load_table("lifelines:gbsg")
