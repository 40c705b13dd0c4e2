"""What endpoints are derived from, whoever ran the trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trialsim.records import Event, PatientRecord


class TrialData(Protocol):
    """The event log, the randomised patients by number, and the calendar day of the data cut."""

    @property
    def events(self) -> Sequence[Event]:
        """Sorted by calendar day, then patient, then as they happened; the data cut is last."""

    @property
    def patients(self) -> Sequence[PatientRecord]:
        """Every randomised patient, ascending by number."""

    @property
    def cut_day(self) -> float:
        """Calendar day; nothing after it is in the data."""
