"""Read a table: a CSV file, or one of the data sets that come with lifelines.

A file's cells stay text; what a number or a code is, the columns that are asked for say (`trialsim.analysis.frame`).
Nothing is inferred: ``NA``, ``None`` and ``01`` are texts, and only an empty cell is missing, or one that holds a code
which the reader was told of.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from trialsim.analysis.data import did_you_mean
from trialsim.analysis.quiet import quietly
from trialsim.errors import InvalidInput, Problem, UsageError

_PREFIX = "lifelines:"
_LOADER = "load_"
_RULE = "a data file is delimited text (comma, semicolon or tab) in UTF-8, with one header line"
_REMEDY = "save the table as CSV, UTF-8"
_DELIMITERS = (",", ";", "\t")

#: In ``attrs`` of a table from a file: its name, for messages. The table's index holds the lines of its rows.
FILE = "file"


def load_table(source: str | Path, missing: Collection[str] = ()) -> pd.DataFrame:
    """The table at a path, or the data set named by ``lifelines:NAME`` (for example ``lifelines:gbsg2``).

    Cells of a file are text, without the white space around them; None where they are empty or hold one of the codes in
    ``missing``.

    Raises
    ------
    UsageError
        There is no such file or data set, or it cannot be opened; codes of missing values for a data set.
    InvalidInput
        The file is empty, not text, or not a table: a row has more or fewer cells than the header.
    """
    name = str(source)
    if name.startswith(_PREFIX):
        if missing:
            raise UsageError("--missing is for the cells of a file; data sets of lifelines have their gaps marked")
        return _bundled(name.removeprefix(_PREFIX))
    path = Path(source)
    return _table(path, _decode(path, _read(path)), frozenset(missing))


def _bundled(name: str) -> pd.DataFrame:
    from lifelines import datasets

    known = [n.removeprefix(_LOADER) for n in dir(datasets) if n.startswith(_LOADER)]
    if name not in known:
        raise UsageError(
            f'lifelines has no data set "{name}"{did_you_mean(name, known)}. It has: {", ".join(sorted(known))}'
        )
    with quietly():
        loaded: Any = getattr(datasets, _LOADER + name)()
    return pd.DataFrame(loaded)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        hint = " Data sets of lifelines are written lifelines:NAME." if "." not in path.name else ""
        raise UsageError(f"no file {path}.{hint}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _decode(path: Path, raw: bytes) -> str:
    if not raw.strip():
        raise _invalid(path, "the file is empty")
    if b"\0" in raw:
        raise _invalid(path, "the file is binary, not text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _invalid(path, f"byte {raw[error.start]:#04x} is not UTF-8", line) from error


def _table(path: Path, text: str, missing: frozenset[str]) -> pd.DataFrame:
    delimiter = _delimiter_of(text)
    records = _records(path, text, delimiter)
    at, names = next(records)
    _check_head(path, at, names)
    found = list(records)
    if not found:
        raise _invalid(path, "the file has a header and no rows", at)
    for line, cells in found:
        _check_width(path, line, cells, names)
    lines = [line for line, _ in found]
    rows = [[None if not cell or cell in missing else cell for cell in cells] for _, cells in found]
    # A column without a name (row numbers, as R writes them) cannot be asked for.
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names) if name}
    table = pd.DataFrame(columns, index=pd.Index(lines, name="line"), dtype=object)
    table.attrs[FILE] = str(path)
    return table


def _delimiter_of(text: str) -> str:
    """The mark that parts the header into most columns; one within quotes parts nothing."""
    head = next(line for line in text.splitlines() if line.strip())
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([head], delimiter=mark, skipinitialspace=True))))


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which each record begins, and its cells; blank lines are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        raise _invalid(path, f"this is not a table: {error}", reader.line_num) from error


def _check_head(path: Path, line: int, names: list[str]) -> None:
    if len(names) == 1:
        message = f"the header has one column, {names[0]!r}: times, events and arms need three"
        raise _invalid(path, message, line)
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise _invalid(path, f'the header has "{twice[0]}" twice', line, "give each column a name of its own")


def _check_width(path: Path, line: int, cells: list[str], names: list[str]) -> None:
    if len(cells) == len(names):
        return
    if len(cells) < len(names):
        remedy = "leave a missing cell empty between its delimiters"
    elif cells[-1]:
        remedy = "quote a cell that holds the delimiter, and name every column (R: write.csv(..., row.names = FALSE))"
    else:
        # Rows that end in a delimiter, or a name in front and an empty last cell: nothing in the file says which.
        remedy = "end the header in a delimiter too if every row does, or name the first column if rows have names"
    raise _invalid(path, f"this row has {len(cells)} cells, and the header has {len(names)}", line, remedy)


def _invalid(path: Path, message: str, line: int = 0, remedy: str = _REMEDY) -> InvalidInput:
    return InvalidInput((Problem(str(path), line, 1 if line else 0, message, _RULE, remedy),))
