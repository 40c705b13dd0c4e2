"""Interim looks, as the calendar knows them: when they are due, and whom to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from trialsim.records import TrialRecord


class Told(NamedTuple):
    """What a look comes to."""

    words: str
    """What happened, as the event log says it."""
    stops: bool
    closes: tuple[str, ...] = ()
    """Arms that nobody more is put into; their patients are followed on."""
    events: int | None = None
    """The number of events that cuts the data from now on."""
    shares: Mapping[str, float] | None = None
    """The share of later patients that each open arm gets."""
    only: tuple[str, str] | None = None
    """A categorical trait and the one level of it that is enrolled from now on."""


@dataclass(frozen=True)
class Interim:
    """The looks of a trial before its data cut."""

    targets: tuple[int, ...]
    """Patients with an event of the primary endpoint at which there is a look, ascending."""
    judge: Callable[[TrialRecord], Told]
    """Sees the patients as of the look's day (no event log) and says whether the trial goes on."""
