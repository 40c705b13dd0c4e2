"""From a table's columns to survival data: which column is what, and how an event is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis.columns import (
    codes_to_ask_about,
    covariate,
    invalid,
    is_missing,
    numbers,
    refuse,
    texts,
)
from trialsim.analysis.data import (
    Bools,
    Floats,
    Labels,
    SurvivalData,
    did_you_mean,
    number_of,
)
from trialsim.errors import UsageError
from trialsim.units import DAYS_PER_MONTH, DAYS_PER_YEAR

_DAYS_PER = {"days": 1.0, "months": DAYS_PER_MONTH, "years": DAYS_PER_YEAR}

_TRUE = frozenset(("true", "t", "yes", "y", "event", "1"))
_FALSE = frozenset(("false", "f", "no", "n", "censored", "0"))
_CODING = "Write 0/1 (1 is the event), 1/2 (2 is the event), true/false, yes/no or event/censored"


def from_frame(
    df: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    time_unit: str = "days",
    reference: str | None = None,
) -> SurvivalData:
    """Survival data from the named columns of ``df``, a table of a user's.

    Arms and strata are text; no word among them stands for a missing value. Rows without a time, event, arm or stratum
    are left out and counted in ``notes``; a missing covariate is kept. Events may be 0/1, 1/2 (R: 2 is the event),
    true/false, yes/no or event/censored; a column called CNSR is ADaM's, where 0 is the event. A table with several
    endpoints (PARAMCD) is cut to its first. A covariate is a number where every cell is one.

    Raises
    ------
    UsageError
        A column is unknown, or no row is complete.
    InvalidInput
        A time is not a number or is negative, a covariate is infinite, or the event coding is none of the above; the
        message names the column, the value and the line. Of a table that is not a file's: UsageError, with the row.
    """
    if time_unit not in _DAYS_PER:
        raise UsageError(f'time unit "{time_unit}" is not days, months or years{did_you_mean(time_unit, _DAYS_PER)}')
    _check_columns(df, [time, event, arm, *strata, *covariates])
    notes: list[str] = []
    df = _first_endpoint(df, notes)
    days = _read_times(df, time) * _DAYS_PER[time_unit]
    happened, known = _read_events(df, event, notes)
    complete = np.isfinite(days) & known
    for column in (arm, *strata):
        complete &= ~is_missing(df[column])
    dropped = int((~complete).sum())
    if dropped:
        notes.append(f"{dropped} of {len(df)} rows were left out: a time, event, arm or stratum is missing.")
    if not complete.any():
        raise UsageError(f"no row has a value in all of {', '.join((time, event, arm, *strata))}")
    notes += codes_to_ask_about(df, (arm, *strata, *covariates))
    kept = df.loc[complete]
    kept.attrs = df.attrs
    data = SurvivalData(
        time_days=days[complete],
        event=happened[complete],
        arm=texts(kept[arm]),
        strata=joined([texts(kept[column]) for column in strata]) if strata else None,
        strata_names=tuple(strata),
        covariates=pd.DataFrame(
            {name: covariate(kept, name).reset_index(drop=True) for name in dict.fromkeys(covariates)}
        ),
        reference=reference or "",
        arm_variable=arm,
        dropped=dropped,
        notes=tuple(notes),
    )
    return data if data.reference_by == "asked" or len(data.arms) < 2 else _with_reference_told(data)


def _with_reference_told(data: SurvivalData) -> SurvivalData:
    """The data with a note on the reference that nobody named: the other choice turns a result round."""
    by = "by its name" if data.reference_by == "name" else "the first in order, which is a guess"
    note = f'The reference is "{data.reference}", {by}; another is chosen with --reference.'
    return replace(data, notes=(*data.notes, note))


def _check_columns(df: pd.DataFrame, wanted: list[str]) -> None:
    present = [str(column) for column in df.columns]
    unknown = [column for column in dict.fromkeys(wanted) if column not in present]
    if unknown:
        told = "; ".join(f'no column "{column}"{did_you_mean(column, present)}' for column in unknown)
        raise UsageError(f"{told}. The table has: {', '.join(present)}")


def joined(columns: Sequence[Labels]) -> Labels:
    """One label for each combination of levels: ``a / 1``, in quotes where two combinations would read alike."""
    rows = list(zip(*columns, strict=True))
    plain = [" / ".join(row) for row in rows]
    if len(set(plain)) < len(set(rows)):
        plain = [" / ".join(json.dumps(part, ensure_ascii=False) for part in row) for row in rows]
    return np.array(plain, dtype=object)


def _first_endpoint(df: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """ADTTE holds one row per patient and endpoint; taken together, every patient would count several times."""
    if "PARAMCD" not in df or df["PARAMCD"].nunique() < 2:
        return df
    endpoints = [str(value) for value in df["PARAMCD"].dropna().unique()]
    notes.append(f"The table has the endpoints {', '.join(endpoints)}; only {endpoints[0]} was analysed.")
    first = df.loc[df["PARAMCD"] == endpoints[0]]
    first.attrs = df.attrs
    return first


def _read_times(df: pd.DataFrame, column: str) -> Floats:
    times = numbers(df, column, "time")
    refuse(df, column, "time", times < 0, "is negative")
    return times


def _read_events(df: pd.DataFrame, column: str, notes: list[str]) -> tuple[Bools, Bools]:
    """Whether the event happened, and whether that is known."""
    values = df[column]
    known = ~is_missing(values)
    codes = np.array([_code(text) for text in texts(values)], dtype=object)
    present = set(codes[known])
    if column.upper() == "CNSR":
        _check_censoring_codes(df, codes, known)
        notes.append("CNSR was read as ADaM defines it: 0 is an event, anything above is censored.")
        return np.asarray(codes == "0", dtype=bool) & known, known
    if present <= _TRUE | _FALSE:
        notes += _what_was_an_event(column, present)
        return np.array([code in _TRUE for code in codes]) & known, known
    if present <= {"1", "2"}:
        notes.append(f'Event column "{column}" is coded 1/2: 2 was read as the event, 1 as censored.')
        return np.asarray(codes == "2", dtype=bool) & known, known
    shown = sorted(set(texts(values)[known]))[:6]
    more = ", ..." if len(present) > 6 else ""
    message = f'event column "{column}" holds {", ".join(shown)}{more}. {_CODING}'
    first = int(np.flatnonzero(known & [code not in _TRUE | _FALSE for code in codes])[0])
    raise invalid(df, message, first, "an event happened or did not", "--missing CODE, for a code of missing values")


def _what_was_an_event(column: str, present: set[str]) -> list[str]:
    """How the codes were read, where another reading of them is near and would turn every result round."""
    if present == {"1"}:
        return [f'Event column "{column}" holds 1 alone: every row was read as an event.']
    if "cens" in column.lower() and not present <= {"event", "censored"}:
        events = ", ".join(sorted(present & _TRUE)) or "1"
        return [f'Event column "{column}": {events} was read as the event, not as censoring.']
    return []


def _code(text: str) -> str:
    """A code of an event: 1.0 is the number 1, and capitals do not matter."""
    value = number_of(text)
    return str(int(value)) if np.isfinite(value) and value == int(value) else text.lower()


def _check_censoring_codes(df: pd.DataFrame, codes: Any, known: Bools) -> None:
    wrong = np.flatnonzero([not code.isdigit() for code in codes] & known)
    if wrong.size:
        message = f'CNSR holds "{codes[wrong[0]]}"; ADaM has 0 for an event and whole numbers above for censoring'
        raise invalid(df, message, int(wrong[0]), "CNSR is a whole number, 0 for an event", "")
