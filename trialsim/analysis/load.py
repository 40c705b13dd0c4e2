"""Read a table: a CSV file, or one of the data sets that come with lifelines."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pandas as pd

from trialsim.analysis.data import did_you_mean
from trialsim.analysis.quiet import quietly
from trialsim.errors import InvalidInput, Problem, UsageError

_PREFIX = "lifelines:"
_LOADER = "load_"
_RULE = "a data file is delimited text (comma, semicolon or tab) in UTF-8, with one header line"


def load_table(source: str | Path) -> pd.DataFrame:
    """The table at a path, or the data set named by ``lifelines:NAME`` (for example ``lifelines:gbsg2``).

    Raises
    ------
    UsageError
        There is no such file or data set, or it cannot be opened.
    InvalidInput
        The file is empty, not text, or not a table.
    """
    name = str(source)
    return _bundled(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else _read_file(Path(source))


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


def _read_file(path: Path) -> pd.DataFrame:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        hint = " Data sets of lifelines are written lifelines:NAME." if "." not in path.name else ""
        raise UsageError(f"no file {path}.{hint}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    text = _decode(path, raw)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        table = pd.read_csv(io.StringIO(text), sep=delimiter, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        message = f"this is not a table: {str(error).strip().removeprefix('Error tokenizing data. C error: ')}"
        raise _invalid(path, message, int(line.group(1)) if line else 0) from error
    if table.empty:
        raise _invalid(path, "the file has a header and no rows", 1)
    if table.shape[1] == 1:
        raise _invalid(path, f"the header has one column, {table.columns[0]!r}: times, events and arms need three", 1)
    table.columns = pd.Index([str(column).strip() for column in table.columns])
    return table


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


def _invalid(path: Path, message: str, line: int = 0) -> InvalidInput:
    remedy = "save the table as CSV, UTF-8"
    return InvalidInput((Problem(str(path), line, 1 if line else 0, message, _RULE, remedy),))
