"""A patient of an arm whose event times follow a distribution: a time, which scans can only see."""

from __future__ import annotations

import math

from trialsim.conduct.course import Entry
from trialsim.records import Happened, PanelResult, Relapse, SameDay
from trialsim.schedule import PlannedVisits

#: Where a relapse that comes by a distribution is said to be.
SITE = "distant"
_NO_CELLS = "a patient without cells is given nothing"


class LawCourse:
    """The course of a patient who has nothing but the day of an event (`trialsim.conduct.course.PatientCourse`).

    ``watched``: the event is seen when it happens, not by scans.
    """

    def __init__(self, event: float, planned: PlannedVisits, *, watched: bool) -> None:
        self._event = event
        self._relapse: Relapse | None = None
        self._last_clear = 0.0
        visits = [(day, kind, index) for day, tasks in planned.of_arm for kind, index in tasks]
        visits += planned.own
        visits += [(event, SameDay.RELAPSE, 0)] if watched and event < math.inf else []
        self._visits = sorted(visits, reverse=True)

    def next_day(self) -> float:
        return self._visits[-1][0] if self._visits else math.inf

    def visit(self, day: float) -> tuple[float, list[Entry]]:
        happened: list[Entry] = []
        while self._visits and self._visits[-1][0] == day and self._relapse is None:
            _, kind, missed = self._visits.pop()
            if kind == SameDay.RELAPSE:
                happened.append(self._seen(day, day))
            elif kind == SameDay.NEW_THERAPY:
                happened.append((Happened.NEW_THERAPY, 0, 0.0))
            elif missed:
                happened.append((Happened.SCAN_MISSED, 0, 0.0))
            elif day < self._event:
                happened.append((Happened.SCAN, -1, 0.0))
                self._last_clear = day
            else:
                happened += [(Happened.SCAN, 0, 0.0), self._seen(day, self._last_clear)]
        return self.next_day(), happened

    def _seen(self, day: float, last_clear: float) -> Entry:
        self._relapse = Relapse(SITE, self._event, last_clear, detected=day, cause="", cells=None)
        return Happened.RELAPSE, 0, math.nan

    def relapse(self) -> Relapse:
        assert self._relapse is not None
        return self._relapse

    def death_before(self, ends: float, cut: float = math.inf) -> float:
        return math.inf

    def die(self, day: float) -> list[Entry]:
        raise AssertionError(_NO_CELLS)

    def stop_treatment(self) -> list[Entry]:
        return []

    def finish(self, day: float) -> None:
        return

    def panel(self, guide: int) -> PanelResult:
        raise AssertionError(_NO_CELLS)

    def given(self) -> list[tuple[float, bool]]:
        return []

    def true_nadirs(self) -> tuple[float | None, float | None]:
        return None, None
