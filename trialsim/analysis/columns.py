"""What the cells of a user's column mean: missing, a number, a text. One meaning for every column of a kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis.data import Bools, Floats, Labels, level_text
from trialsim.analysis.load import FILE
from trialsim.errors import InvalidInput, Problem, TrialsimError, UsageError

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")
#: A code with zeros in front ("01") is a name: read as a number it would be another one.
_CODE = re.compile(r"[-+]?0[0-9]")
_ENDLESS = re.compile(r"[-+]?inf(inity)?\Z", re.IGNORECASE)
#: What a column of a kind holds.
_RULES = {"time": "a time is a finite number, 0 or more", "covariate": "a covariate is finite numbers, or categories"}
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+\Z")
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


def number_of(text: str) -> float:
    """The number that a text is, infinite where it says so; NaN where it is none."""
    return float(text) if _NUMBER.match(text) or _ENDLESS.match(text) else float("nan")


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

    Raises for an infinite number, which no model can take.
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
        words = [None if gap else text for text, gap in zip(texts(values), missing, strict=True)]
        return pd.Series(words, index=values.index, dtype=object)
    refuse(df, column, "covariate", np.isinf(read), "is infinite")
    return pd.Series(read, index=values.index)


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
    raise invalid(df, message, int(df.index[row]), _RULES[kind], _remedy(value))


def _remedy(value: str) -> str:
    if value.strip().lower() in _USUAL_CODES:
        return f"--missing {value}, if it stands for a missing value"
    if _DECIMAL_COMMA.match(value):
        return f"a decimal point: {value.replace(',', '.')}"
    return "correct the cell, or leave it empty"


def invalid(df: pd.DataFrame, message: str, line: int, rule: str, remedy: str = "") -> TrialsimError:
    """What is wrong with a table: of a file with its place, else as an error of the call's words."""
    if FILE not in df.attrs:
        return UsageError(message)
    return InvalidInput((Problem(df.attrs[FILE], line, 1, message, rule, remedy),))


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
