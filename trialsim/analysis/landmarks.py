"""Landmarks: the days at which survival is told, and what each is called."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.reported.analysis import Landmark
from trialsim.units import DAYS_PER_MONTH

#: Months nearer to a whole number than this are that number of months.
_WHOLE = 1e-9


def named_landmarks(days: Sequence[float]) -> list[Landmark]:
    """The landmarks at some days, no two with one key.

    The key is the number of months: ``36`` for 1095.75 days, ``32.9`` for 1000. It has as many decimals as tell it
    from the other landmarks and from a whole number of months that it is not: 364 days are ``11.96``.
    """
    months = [float(day) / DAYS_PER_MONTH for day in days]
    digits = 1
    while len(keys := [_key(month, digits) for month in months]) > len(set(keys)):
        digits += 1
    return [
        Landmark(float(day), month, key, _label(float(day), month, key))
        for day, month, key in zip(days, months, keys, strict=True)
    ]


def _key(month: float, digits: int) -> str:
    if abs(month - round(month)) <= _WHOLE * max(1.0, month):
        return str(round(month))
    while round(month, digits) == round(month):
        digits += 1
    return f"{month:.{digits}f}".rstrip("0")


def _label(day: float, month: float, key: str) -> str:
    """``36 months``; with its days where it is no whole number of months: ``364 d (11.96 months)``."""
    unit = "month" if key == "1" else "months"
    return f"{key} {unit}" if key == str(round(month)) else f"{day:g} d ({key} {unit})"
