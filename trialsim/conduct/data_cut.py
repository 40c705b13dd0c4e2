"""When the data are cut: so long after the last randomisation, on a date, or when enough events have been seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from trialsim.calendar_grid import on_grid
from trialsim.records import Event, EventKind, PatientRecord
from trialsim.spec.resolved import FollowUp

HasEvent: TypeAlias = Callable[[PatientRecord], bool]
"""Tells whether a patient has had an event of the primary endpoint by now."""

#: The events of the log that can bring one about.
_TELLING = (EventKind.RELAPSE, EventKind.DEATH, EventKind.NEW_THERAPY, EventKind.TREATMENT_STOPPED,
            EventKind.CROSSED_OVER, EventKind.RESCUE)  # fmt: skip


class DataCut:
    """The day of the cut as far as it is known now, and what settles it.

    As long as events are wanting that day is the last one allowed; the event that makes up the number brings it forward
    to its own instant, or leaves it to the minimum follow-up or the date.
    """

    def __init__(self, follow_up: FollowUp, last_randomised: float, has_event: HasEvent | None) -> None:
        cut = follow_up.cut
        self._days: dict[str, float] = {}
        if cut is None or follow_up.minimum_days > 0.0:
            self._days["minimum follow-up"] = last_randomised + on_grid(follow_up.minimum_days)
        if cut is not None and cut.day is not None:
            self._days["date"] = on_grid(cut.day)
        self._wanted = cut.events if cut is not None else None
        if self._wanted is not None:
            if has_event is None:
                raise ValueError("a cut by events needs to be told what an event is")
            self._days[self._by_events] = math.inf
        self._has_event = has_event
        self._counted: set[int] = set()
        self._last = on_grid(cut.no_later_than_days) if cut is not None else math.inf
        self._settle = min if cut is not None and cut.when == "earliest" else max
        self.day, self.by = self._now()

    @property
    def follows_events(self) -> bool:
        """Whether the day depends on what happens in the trial."""
        return self._wanted is not None

    def see(self, event: Event, record: PatientRecord) -> None:
        """Look at what has just happened to a patient."""
        if self._has_event is None or event.kind not in _TELLING:
            return
        if record.patient not in self._counted and self._has_event(record):
            self._counted.add(record.patient)
            if len(self._counted) == self._wanted:
                self._days[self._by_events] = event.day
                self.day, self.by = self._now()

    @property
    def seen(self) -> int:
        """Patients who have had the event by now."""
        return len(self._counted)

    def wait_for(self, events: int) -> None:
        """Change the number of events that is waited for, before it is there."""
        self._days.pop(self._by_events, None)
        self._wanted = events
        self._days[self._by_events] = math.inf
        self.day, self.by = self._now()

    def stop(self, day: float, why: str) -> None:
        """Cut the data on a calendar day, before anything else would have."""
        self.fix(day)
        self.by = why

    def fix(self, day: float) -> None:
        """Cut the data on a calendar day that is known from elsewhere, whatever happens."""
        self._has_event = None
        self.day = day

    @property
    def _by_events(self) -> str:
        return f"{self._wanted} events"

    def _now(self) -> tuple[float, str]:
        day = self._settle(self._days.values())
        if day > self._last:
            return self._last, "the last day allowed"
        return day, next(name for name, at in self._days.items() if at == day)
