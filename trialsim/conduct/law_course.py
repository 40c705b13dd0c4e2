"""A patient of an arm with a law: a time, which scans can only see."""

from __future__ import annotations

import math

from trialsim.records import Assessment, PanelResult

#: Where a relapse that comes by a law is said to be.
SITE = "distant"


class LawCourse:
    """The course of a patient who has nothing but the day of an event (`trialsim.conduct.course.Course`)."""

    def __init__(self, event: float) -> None:
        self._event, self._now = event, 0.0

    def advance(self, until: float) -> None:
        self._now = until

    def give(self, order: int, fraction: float) -> None:
        raise AssertionError("an arm with a law gives nothing")

    def assess(self) -> Assessment:
        if self._now < self._event:
            return Assessment(found=False)
        return Assessment(found=True, site=SITE, latent_day=self._event)

    def laboratory(self, day: float) -> float:
        raise AssertionError("an arm with a law has no laboratory visits")

    def neutrophils(self) -> float:
        raise AssertionError("an arm with a law has no laboratory visits")

    def death_day(self) -> float:
        return math.inf

    def measure(self, guide: int) -> PanelResult:
        raise AssertionError("an arm with a law has no biomarkers")

    def true_platelet_nadir(self) -> None:
        return None

    def true_neutrophil_nadir(self) -> None:
        return None
