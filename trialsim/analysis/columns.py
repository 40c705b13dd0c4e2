"""What the cells of a user's column mean: missing, a number, a text. One meaning for every column of a kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis.data import MOST_LEVELS, Bools, Floats, Labels, level_text, number_of
from trialsim.analysis.load import FILE
from trialsim.errors import InvalidInput, Problem, TrialsimError, UsageError

#: A code with zeros in front ("01") is a name: read as a number it would be another one.
_CODE = re.compile(r"[-+]?0[0-9]")
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+\Z")
#: A comma that may part thousands as well as decimals.
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?\Z")
_RULES = {"time": "a time is a number of 0 or more", "covariate": "a covariate is a finite number, or a category"}
#: Words that other programs write for a missing value; here they are texts unless the user says otherwise.
_USUAL_CODES = frozenset(("na", "n/a", "nan", "none", "null", ".", "missing", "unknown"))


def is_missing(values: pd.Series[Any]) -> Bools:
    """Cells without a value: NaN, None, and a text of white space alone."""
    missing = values.isna().to_numpy()
    if values.dtype == object:
        missing = missing | np.array([isinstance(v, str) and not v.strip() for v in values], dtype=bool)
    return np.asarray(missing, dtype=bool)


def texts(values: pd.Series[Any]) -> Labels:
    """Each cell as text; the empty string where it is missing."""
    gaps = is_missing(values)
    return np.array(["" if gap else level_text(v).strip() for v, gap in zip(values, gaps, strict=True)], dtype=object)


def numbers(df: pd.DataFrame, column: str, kind: str) -> Floats:
    """A column of finite numbers, NaN where missing; raises for the first cell that is something else."""
    values = df[column]
    missing = is_missing(values)
    read = _as_numbers(values, missing)
    refuse(df, column, kind, np.isnan(read) & ~missing, "is not a number")
    refuse(df, column, kind, np.isinf(read), "is infinite")
    return read


def _as_numbers(values: pd.Series[Any], missing: Bools) -> Floats:
    if values.dtype != object:
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    return np.array(
        [float("nan") if gap else number_of(str(v).strip()) for v, gap in zip(values, missing, strict=True)]
    )


def covariate(df: pd.DataFrame, column: str) -> pd.Series[Any]:
    """A covariate: numbers if every cell that is not missing is one, else texts; missing where it is.

    Raises for an infinite number, which no model can take; for numbers with commas; and for the cell that is no number
    in a column of numbers that has too many values to be a category.
    """
    values = df[column]
    if values.dtype != object:
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            refuse(df, column, "covariate", np.isinf(values.to_numpy(dtype=float)), "is infinite")
        return values
    missing = is_missing(values)
    if not all(isinstance(v, str) for v in values[~missing]):
        return values
    read = _as_numbers(values, missing)
    named = np.array([isinstance(v, str) and bool(_CODE.match(v)) for v in values], dtype=bool)
    if np.isnan(read[~missing]).any() or named.any():
        _refuse_slips(df, column, np.isnan(read) & ~missing, missing)
        words = [None if gap else text for text, gap in zip(texts(values), missing, strict=True)]
        return pd.Series(words, index=values.index, dtype=object)
    refuse(df, column, "covariate", np.isinf(read), "is infinite")
    return pd.Series(read, index=values.index)


def _refuse_slips(df: pd.DataFrame, column: str, words: Bools, missing: Bools) -> None:
    """Raise where the words of a covariate are slips in a column of numbers and would make it a category."""
    cells = texts(df[column])
    comma = np.array([bool(_DECIMAL_COMMA.match(cell) or _THOUSANDS.match(cell)) for cell in cells], dtype=bool)
    codes = np.array([cell.lower() in _USUAL_CODES for cell in cells], dtype=bool)
    endless = np.array([np.isinf(number_of(cell)) for cell in cells], dtype=bool)
    if (~words | comma | codes).all() and not (missing | codes | endless).all():
        refuse(df, column, "covariate", comma, "is not a number")
        refuse(df, column, "covariate", endless, "is infinite")
    of_numbers = 2 * int(words.sum()) < int((~missing).sum())
    if of_numbers and len(set(cells[~missing])) > MOST_LEVELS:
        refuse(df, column, "covariate", words, "is not a number")


def refuse(df: pd.DataFrame, column: str, kind: str, wrong: Bools, what: str) -> None:
    """Raise for the first row that is wrong, if any: with its line where the table is a file's."""
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong)[0])
    value, count = str(df[column].iloc[row]), int(wrong.sum())
    more = f" (and {count - 1} more)" if count > 1 else ""
    if FILE not in df.attrs:
        raise UsageError(f'{kind} column "{column}": "{value}" in row {row + 1} {what}{more}')
    message = f'{kind} column "{column}": "{value}" {what}{more}'
    raise invalid(df, message, row, _RULES[kind], _remedy(value))


def _remedy(value: str) -> str:
    if value.strip().lower() in _USUAL_CODES:
        return f"--missing {value}, if it stands for a missing value"
    if _THOUSANDS.match(value):
        decimal = f", or {value.replace(',', '.')}" if value.count(",") == 1 and "." not in value else ""
        return f"a number without separators: {value.replace(',', '')}{decimal}"
    if _DECIMAL_COMMA.match(value):
        return f"a decimal point: {value.replace(',', '.')}"
    return "correct the cell, or leave it empty"


def invalid(df: pd.DataFrame, message: str, row: int, rule: str, remedy: str = "") -> TrialsimError:
    """What is wrong with a row of a table: of a file with its line, else as an error of the call's words."""
    if FILE not in df.attrs:
        return UsageError(message)
    return InvalidInput((Problem(df.attrs[FILE], int(df.index[row]), 1, message, rule, remedy),))


def codes_to_ask_about(df: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Sentences on texts that other programs write for a missing value and that were read as what they say."""
    told = []
    for column in dict.fromkeys(columns):
        found = [text for text in dict.fromkeys(texts(df[column])) if text.lower() in _USUAL_CODES]
        if found:
            quoted = ", ".join(f'"{text}"' for text in found)
            told.append(
                f'Column "{column}" holds {quoted}, read as a level of its own; if it stands for a missing value, say '
                f"--missing {found[0]}."
            )
    return told
