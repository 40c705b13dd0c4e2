"""What the conduct of a trial needs of a virtual patient, and nothing more."""

from __future__ import annotations

import math
from typing import Protocol, TypeAlias

from trialsim.records import PanelResult, Relapse, Traits
from trialsim.schedule import PlannedVisits
from trialsim.spec.resolved import ResolvedArm

Entry: TypeAlias = tuple[int, int, float]
"""What happened at a visit (`trialsim.records.Happened`), of which order or guide of the arm, and its value."""


class PatientCourse(Protocol):
    """A patient with a plan of visits. Days are study days, 0 = randomisation.

    The trial asks when the next visit is, waits for it and has it done; nothing happens by itself in between. Days
    only go forward.
    """

    def next_day(self) -> float:
        """Study day of the next visit; infinite when there is none."""

    def visit(self, day: float) -> tuple[float, list[Entry]]:
        """Do what is due on a study day; returns the day of the next visit, and what happened, in order."""

    def death_before(self, ends: float, cut: float = math.inf) -> float:
        """The study day on which toxicity kills before the next visit, ``ends`` or the ``cut``; infinite if not."""

    def die(self, day: float) -> list[Entry]:
        """Toxicity kills on a study day."""

    def stop_treatment(self) -> list[Entry]:
        """Nothing that is still to come is given."""

    def finish(self, day: float) -> None:
        """Follow-up has ended on a study day."""

    def relapse(self) -> Relapse:
        """The relapse, when a visit has found it."""

    def panel(self, guide: int) -> PanelResult:
        """What the panel that ``arm.guides[guide]`` asks for said."""

    def given(self) -> list[tuple[float, bool]]:
        """By order: the sum of the fractions of planned doses that were given, and whether it was withheld."""

    def true_nadirs(self) -> tuple[float | None, float | None]:
        """The lowest true counts of platelets and neutrophils, 1e9/L, once it is over; None where not simulated."""


class QueuedCourse(PatientCourse, Protocol):
    """A patient whose doses may have to wait for a place: the visit is done line by line."""

    def next_line(self) -> tuple[int, float]:
        """The line that is next, or -1, and its study day."""

    def would_give(self, line: int, day: float) -> tuple[int, list[Entry]]:
        """The order of which a dose would be given by a line that is due, or -1; and the counts that decide on it."""

    def do_line(self, line: int, day: float) -> list[Entry]:
        """Do one line, on its study day."""

    def hold_back(self, line: int) -> None:
        """The dose of a line, which is due, waits for a place."""

    def go_on(self, order: int, day: float) -> None:
        """The dose of an order that waits is to be on a study day."""

    def has_begun(self, order: int) -> bool:
        """Whether a dose of an order was given."""


class NewCourse(Protocol):
    """Makes the course of a patient (numbered from 1) under an arm."""

    def __call__(self, patient: int, arm: ResolvedArm, traits: Traits, visits: PlannedVisits) -> QueuedCourse: ...
