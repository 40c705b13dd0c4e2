"""How the numbers of an analysis are printed in the terminal."""

from __future__ import annotations

from typing import Any

MISSING = "-"


def chi_square(row: dict[str, Any]) -> str:
    return f"{num(row['chisq'], 4)} ({num(row['z'], 3)})"


def num(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    return MISSING if value is None else f"{100.0 * value:.{digits}f} %"


def p(value: float | None) -> str:
    if value is None:
        return MISSING
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def interval(row: dict[str, Any], digits: int) -> str:
    if row["estimate"] is None:
        return MISSING
    if row["lower"] is None and row["upper"] is None:
        return num(row["estimate"], digits)
    lower, upper = (num(row[key], digits) for key in ("lower", "upper"))
    return f"{num(row['estimate'], digits)} ({lower} to {upper})"


def share_interval(row: dict[str, Any]) -> str:
    keys = ("estimate", "lower", "upper")
    return interval({key: None if row[key] is None else 100.0 * row[key] for key in keys}, 1)
