"""What the conduct of a trial needs of a virtual patient, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from trialsim.records import Assessment, PanelResult, Traits
from trialsim.spec.resolved import ResolvedArm


class Course(Protocol):
    """A patient's body between the visits of the trial. Days are study days, 0 = randomisation.

    The trial calls ``advance`` for each distinct time of the arm's schedule at which there is more to do than to draw
    blood, in order, and then what falls on that time in the order of `trialsim.records.SameDay`. It advances also where
    a dose is held or treatment has ended, so the times at which the biology pauses are the arm's and not the patient's:
    a loop over the same schedule makes the same calls. Laboratory visits look ahead from the last such time.
    """

    def advance(self, until: float) -> None:
        """Run biology and pharmacology up to study day ``until``."""

    def give(self, order: int, fraction: float) -> None:
        """One administration, now, of ``arm.orders[order]`` at ``fraction`` of its planned dose."""

    def assess(self) -> Assessment:
        """A scan, now."""

    def laboratory(self, day: float) -> float | None:
        """The platelet count as measured on study day ``day``, now or later, 1e9/L; None of the dead."""

    def neutrophils(self) -> float:
        """The neutrophil count as measured now, 1e9/L; only where they are simulated."""

    def measure(self, guide: int) -> PanelResult:
        """The panel that ``arm.guides[guide]`` asks for, as measured now."""

    def true_platelet_nadir(self) -> float | None:
        """The lowest true platelet count so far, 1e9/L; None for a patient without a body."""

    def death_day(self) -> float:
        """The study day on which toxicity has killed the patient, up to now; infinite where it has not."""

    def true_neutrophil_nadir(self) -> float | None:
        """The lowest true neutrophil count so far, 1e9/L; None where none are simulated."""


NewCourse: TypeAlias = Callable[[int, ResolvedArm, Traits], Course]
"""Makes the course of patient ``n`` (counted from 1) under an arm."""
