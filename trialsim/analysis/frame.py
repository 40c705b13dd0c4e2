"""From a table's columns to survival data: which column is what, and how an event is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis.data import (
    DAYS_PER_MONTH,
    DAYS_PER_YEAR,
    Bools,
    Floats,
    SurvivalData,
    did_you_mean,
    level_text,
)
from trialsim.errors import UsageError

_DAYS_PER = {"days": 1.0, "months": DAYS_PER_MONTH, "years": DAYS_PER_YEAR}

_TRUE = frozenset(("true", "t", "yes", "y", "event", "1"))
_FALSE = frozenset(("false", "f", "no", "n", "censored", "0"))
_MISSING = frozenset(("", "na", "nan", "none", "null", "."))


def from_frame(
    df: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    event_type: str | None = None,
    cause: str | None = None,
    time_unit: str = "days",
    reference: str | None = None,
) -> SurvivalData:
    """Survival data from the named columns of ``df``.

    Rows without a time, event, arm or stratum are left out and counted in ``notes``; a missing covariate is
    kept. Events may be 0/1, 1/2 (R: 2 is the event), true/false, yes/no or event/censored; a column called
    CNSR is ADaM's, where 0 is the event. A table with several endpoints (PARAMCD) is cut to its first.

    Raises
    ------
    UsageError
        A column is unknown, a time is not a number or is negative, the event coding is none of the
        above, or no row is complete. The message names the column and the value.
    """
    if time_unit not in _DAYS_PER:
        raise UsageError(f'time unit "{time_unit}" is not days, months or years{did_you_mean(time_unit, _DAYS_PER)}')
    optional = [column for column in (event_type, cause) if column]
    _check_columns(df, [time, event, arm, *strata, *covariates, *optional])
    notes: list[str] = []
    df = _first_endpoint(df, notes)
    days = _read_times(df[time], time) * _DAYS_PER[time_unit]
    happened, known = _read_events(df[event], event, notes)
    complete = np.isfinite(days) & known
    for column in (arm, *strata):
        complete &= ~_is_missing(df[column])
    dropped = int((~complete).sum())
    if dropped:
        notes.append(f"{dropped} of {len(df)} rows were left out: a time, event, arm or stratum is missing.")
    if not complete.any():
        raise UsageError(f"no row has a value in all of {', '.join((time, event, arm, *strata))}")
    kept = df.loc[complete]
    return SurvivalData(
        time_days=days[complete],
        event=happened[complete],
        arm=_texts(kept[arm]),
        strata=_strata_labels(kept, strata) if strata else None,
        strata_names=tuple(strata),
        event_type=_texts(kept[event_type]) if event_type else None,
        cause=_texts(kept[cause]) if cause else None,
        covariates=kept[list(dict.fromkeys(covariates))].reset_index(drop=True),
        reference=reference or "",
        dropped=dropped,
        notes=tuple(notes),
    )


def _check_columns(df: pd.DataFrame, wanted: list[str]) -> None:
    present = [str(column) for column in df.columns]
    unknown = [column for column in dict.fromkeys(wanted) if column not in present]
    if unknown:
        told = "; ".join(f'no column "{column}"{did_you_mean(column, present)}' for column in unknown)
        raise UsageError(f"{told}. The table has: {', '.join(present)}")


def _is_missing(values: pd.Series[Any]) -> Bools:
    missing = values.isna().to_numpy()
    if values.dtype == object:
        missing |= np.array([isinstance(v, str) and v.strip().lower() in _MISSING for v in values])
    return np.asarray(missing, dtype=bool)


def _texts(values: pd.Series[Any]) -> Any:
    return np.array(["" if pd.isna(v) else level_text(v).strip() for v in values], dtype=object)


def _strata_labels(df: pd.DataFrame, strata: Sequence[str]) -> Any:
    columns = [_texts(df[column]) for column in strata]
    return np.array([" / ".join(row) for row in zip(*columns, strict=True)], dtype=object)


def _first_endpoint(df: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """ADTTE holds one row per patient and endpoint; taken together, every patient would count several times."""
    if "PARAMCD" not in df or df["PARAMCD"].nunique() < 2:
        return df
    endpoints = [str(value) for value in df["PARAMCD"].dropna().unique()]
    notes.append(f"The table has the endpoints {', '.join(endpoints)}; only {endpoints[0]} was analysed.")
    return df.loc[df["PARAMCD"] == endpoints[0]].reset_index(drop=True)


def _read_times(values: pd.Series[Any], column: str) -> Floats:
    missing = _is_missing(values)
    times = pd.to_numeric(values.where(~missing), errors="coerce").to_numpy(dtype=float)
    checks = (
        (np.isnan(times) & ~missing, "is not a number"),
        (np.isinf(times), "is infinite"),
        (times < 0, "is negative"),
    )
    for wrong, what in checks:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            count = int(wrong.sum())
            more = f" (and {count - 1} more)" if count > 1 else ""
            raise UsageError(f'time column "{column}": "{values.iloc[row]}" in row {row + 1} {what}{more}')
    return times


def _read_events(values: pd.Series[Any], column: str, notes: list[str]) -> tuple[Bools, Bools]:
    """Whether the event happened, and whether that is known."""
    known = ~_is_missing(values)
    texts = np.array([level_text(v).strip().lower() for v in values], dtype=object)
    present = set(texts[known])
    if column.upper() == "CNSR":
        _check_censoring_codes(texts, known)
        notes.append("CNSR was read as ADaM defines it: 0 is an event, anything above is censored.")
        return np.asarray(texts == "0", dtype=bool) & known, known
    if present <= _TRUE | _FALSE:
        return np.array([text in _TRUE for text in texts]) & known, known
    if present <= {"1", "2"}:
        notes.append(f'Event column "{column}" is coded 1/2: 2 was read as the event, 1 as censored.')
        return np.asarray(texts == "2", dtype=bool) & known, known
    shown = sorted(present)[:6]
    more = ", ..." if len(present) > 6 else ""
    raise UsageError(
        f'event column "{column}" holds {", ".join(shown)}{more}. '
        "Write 0/1 (1 is the event), 1/2 (2 is the event), true/false, yes/no or event/censored"
    )


def _check_censoring_codes(texts: Any, known: Bools) -> None:
    wrong = [text for text in texts[known] if not text.isdigit()]
    if wrong:
        raise UsageError(f'CNSR holds "{wrong[0]}"; ADaM has 0 for an event and whole numbers above for censoring')
