"""Survival data as the analysis wants them: checked once, in days, with ties made exact."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialsim.errors import UsageError

#: Times closer than this, relative to the mean distinct time, are the same time (R calls it ``timefix``).
TIE_TOLERANCE = 1e-9

#: Arm names that are taken for the reference when nobody names one, in this order.
_USUAL_REFERENCES = ("control", "placebo", "standard", "reference", "observation", "untreated", "none", "no")

#: A category with more levels than this is more likely an identifier, or a number with a slip in it.
MOST_LEVELS = 20

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")
_ENDLESS = re.compile(r"[-+]?inf(inity)?\Z", re.IGNORECASE)

ReferenceBy = Literal["asked", "name", "order"]
Labels = NDArray[np.object_]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """`` (did you mean "x"?)`` when an option is close, else the empty string."""
    by_lower = {option.lower(): option for option in options}
    close = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.5)
    # A name cut short ("p53" for "p53_status") is far from it by edit distance.
    longer = [option for option in by_lower if len(word) > 2 and word.lower() in option]
    best = next(iter(close or longer), None)
    return "" if best is None else f' (did you mean "{by_lower[best]}"?)'


def level_text(value: Any) -> str:
    """A category as text, with 1.0 read as 1: a column of codes with a gap in it arrives as floats."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def number_of(text: str) -> float:
    """The number that a text is, infinite where it says so; NaN where it is none."""
    return float(text) if _NUMBER.match(text) or _ENDLESS.match(text) else math.nan


def level_order(levels: Iterable[str]) -> list[str]:
    """Levels sorted as people sort them: numbers by value, then words by alphabet."""

    def key(level: str) -> tuple[int, float, str]:
        # A level called nan must not be compared as the number that is neither above nor below another.
        value = number_of(level)
        return (0, value, level) if math.isfinite(value) else (1, 0.0, level)

    return sorted(set(levels), key=key)


def close_ties(times: Floats) -> Floats:
    """Make near-tied times exactly equal.

    Times computed in floating point (days / 30.4375, 0.1 * 3) differ in their last digits where the events
    were on the same day, and a test that sees two times sees another risk set. Distinct times whose gap to the one
    before is at most :data:`TIE_TOLERANCE` times the mean distinct time take the earliest time of their
    group. The rule is R ``survival::aeqSurv`` with a tighter tolerance and without its absolute clause, so
    that it does not depend on the unit of time.
    """
    if times.size == 0:
        return times
    distinct, inverse = np.unique(times, return_inverse=True)
    tolerance = TIE_TOLERANCE * float(np.mean(np.abs(distinct)))
    starts = np.concatenate(([True], np.diff(distinct) > tolerance))
    firsts = distinct[starts]
    fixed: Floats = firsts[np.cumsum(starts) - 1][inverse]
    return fixed


@dataclass(frozen=True, eq=False)
class SurvivalData:
    """One row per patient, all columns of one length.

    Lists are taken for arrays. ``strata``, ``event_type`` (``relapse`` or ``death``; what kind of event) and
    ``cause`` are labels by row; the last two only matter where ``event`` is true. ``reference`` names the
    arm that others are compared with; left empty, it is ``control``, ``placebo``, ``standard`` or
    ``reference`` if an arm has that name, else the first arm in order.

    Raises
    ------
    UsageError
        No rows; columns of different lengths; a time that is missing, infinite or negative; or a reference
        that is no arm.
    """

    time_days: Floats
    event: Bools
    arm: Labels
    strata: Labels | None = None
    strata_names: tuple[str, ...] = ()
    event_type: Labels | None = None
    cause: Labels | None = None
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)
    reference: str = ""
    reference_by: ReferenceBy | None = None
    """How ``reference`` was found: ``asked`` for, by its usual ``name``, or the first in ``order``: a guess."""
    arm_variable: str = ""
    """The column that the arms are levels of, where a table names it."""
    dropped: int = 0
    """Rows left out because a needed value was missing."""
    notes: tuple[str, ...] = ()
    """What a reader should know about how the data were read."""

    def __post_init__(self) -> None:
        time = np.asarray(self.time_days, dtype=float)
        _check_times(time)
        put = object.__setattr__
        put(self, "time_days", close_ties(time))
        put(self, "event", np.asarray(self.event, dtype=bool))
        for name in ("arm", "strata", "event_type", "cause"):
            values = getattr(self, name)
            if values is not None:
                put(self, name, np.asarray([level_text(v) for v in values], dtype=object))
        if self.covariates.shape[1] == 0:
            put(self, "covariates", pd.DataFrame(index=range(time.size)))
        else:
            put(self, "covariates", self.covariates.reset_index(drop=True))
        self._check_lengths()
        reference, by = _choose_reference(self.reference, self.arms)
        put(self, "reference", reference)
        put(self, "reference_by", self.reference_by or by)

    def _check_lengths(self) -> None:
        lengths = {"time_days": self.n, "event": len(self.event), "arm": len(self.arm)}
        lengths["covariates"] = len(self.covariates)
        for name in ("strata", "event_type", "cause"):
            if getattr(self, name) is not None:
                lengths[name] = len(getattr(self, name))
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise UsageError(f"columns of survival data differ in length: {told}")

    @property
    def n(self) -> int:
        return int(self.time_days.size)

    @property
    def arms(self) -> list[str]:
        """Names of the arms that have patients, in order."""
        return level_order(self.arm)

    def take(self, rows: NDArray[Any]) -> SurvivalData:
        """The rows of a mask or an index, as data of the same kind."""
        part = object.__new__(SurvivalData)
        for name in self.__dataclass_fields__:
            object.__setattr__(part, name, getattr(self, name))
        for name in ("time_days", "event", "arm", "strata", "event_type", "cause"):
            values = getattr(self, name)
            object.__setattr__(part, name, None if values is None else values[rows])
        object.__setattr__(part, "covariates", self.covariates.iloc[rows].reset_index(drop=True))
        return part

    def at_days(self, named: Iterable[float]) -> SurvivalData:
        """The same patients, with times that are nearly a day that somebody names made exactly that day.

        A time in months becomes days with an error in the last digit; a patient with the event on day 510 must have had
        it at a landmark of 510 d. Nearly is as in :func:`close_ties`.
        """
        times = self.time_days.copy()
        tolerance = TIE_TOLERANCE * float(np.mean(np.unique(times))) if times.size else 0.0
        for day in named:
            times[np.abs(times - day) <= tolerance] = day
        same = self.take(np.arange(self.n))
        object.__setattr__(same, "time_days", times)
        return same

    def of_arm(self, arm: str) -> SurvivalData:
        """One arm's patients; possibly none."""
        return self.take(np.asarray(self.arm == arm, dtype=bool))

    def sorted(self) -> SurvivalData:
        """The same patients in an order that does not depend on the file's.

        Sums of floats depend on their order in the last digit. Sorted by every column, rows that tie are
        alike in all of them, so an analysis of the sorted rows gives the same bytes for any order of rows.
        """
        keys = [self.covariates[column].astype(str).to_numpy(dtype=str) for column in self.covariates]
        keys += [values.astype(str) for values in (self.cause, self.event_type, self.strata) if values is not None]
        return self.take(np.lexsort([*keys, self.arm.astype(str), ~self.event, self.time_days]))


def _check_times(time: Floats) -> None:
    if time.ndim != 1 or time.size == 0:
        raise UsageError("survival data need at least one row")
    for wrong, what in ((~np.isfinite(time), "missing or infinite"), (time < 0, "negative")):
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise UsageError(
                f"{int(wrong.sum())} time(s) are {what}; the first is {time[first]:g} in row {first + 1}. "
                "Times count from randomisation and are zero or more."
            )


def _choose_reference(wanted: str, arms: list[str]) -> tuple[str, ReferenceBy]:
    if wanted:
        if wanted not in arms:
            raise UsageError(
                f'reference "{wanted}" is not one of the arms {", ".join(arms)}{did_you_mean(wanted, arms)}'
            )
        return wanted, "asked"
    lowered = {arm.lower(): arm for arm in reversed(arms)}
    usual = next((lowered[name] for name in _USUAL_REFERENCES if name in lowered), None)
    return (arms[0], "order") if usual is None else (usual, "name")
