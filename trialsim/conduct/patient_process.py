"""One patient on the calendar: a SimPy process that walks through the arm's schedule.

The process waits for each distinct time of the schedule, advances the patient's course to it, and does what
is planned there. Detection of relapse, death and withdrawal end the visits. After relapse only the times to
death and withdrawal still run: biology is no longer advanced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import simpy

from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.course import Course
from trialsim.conduct.dosing import Decision, OrderProgress, decide, dose_intensity
from trialsim.conduct.schedule import Task, Visit
from trialsim.records import Event, EventKind, PatientRecord, Relapse, SameDay
from trialsim.spec.resolved import ResolvedArm

CANCER = "cancer"
OTHER_CAUSES = "other causes"
#: Reasons for stopping treatment.
FOR_RELAPSE, FOR_DEATH, FOR_WITHDRAWAL, FOR_PLATELETS = "relapse", "death", "withdrew", "platelets"


def _said(positive: bool) -> str:
    return "positive" if positive else "negative"


class PatientProcess:
    """A patient from randomisation to the end of follow-up. ``follow`` is the SimPy process.

    ``log`` takes every event, ``post_relapse`` draws the days from relapse at a site to death from cancer.
    """

    __slots__ = (
        "_arm",
        "_course",
        "_do",
        "_log",
        "_platelets",
        "_post_relapse",
        "_progress",
        "_start",
        "_times",
        "_to_come",
        "closed",
        "record",
    )

    def __init__(
        self,
        record: PatientRecord,
        arm: ResolvedArm,
        course: Course,
        times: CompetingTimes,
        *,
        log: Callable[[Event], None],
        post_relapse: Callable[[str], float],
    ) -> None:
        self.record = record
        self.closed = False
        self._arm = arm
        self._course = course
        self._times = times
        self._log = log
        self._post_relapse = post_relapse
        self._start = record.randomised_day
        self._platelets: float | None = None
        self._progress = [OrderProgress(len(order.days)) for order in arm.orders]
        #: Doses of all orders that are still to come.
        self._to_come = sum(progress.remaining for progress in self._progress)
        self._do = {
            SameDay.SCAN: self._scan,
            SameDay.LABORATORY: self._laboratory,
            SameDay.BIOMARKER: self._measure,
            SameDay.DOSE: self._dose,
        }

    def follow(self, env: simpy.Environment, visits: tuple[Visit, ...]) -> Iterator[Any]:
        """The patient's visits, then the wait for death or withdrawal."""
        start, record, course = self._start, self.record, self._course
        ends, cancer = min(self._times), math.inf
        for day, planned in visits:
            if day >= ends:  # death and withdrawal go before the visit they fall on
                break
            yield env.timeout(start + day - env.now)
            course.advance(day)
            self._visit(day, planned)
            if record.relapse is not None:
                cancer = day + self._post_relapse(record.relapse.site)
                ends = min(ends, cancer)
                break
        if ends < math.inf:
            yield env.timeout(start + ends - env.now)
            self._end(ends, cancer)

    def close_at_cut(self, cut_day: float) -> None:
        """End the follow-up of a patient who is still in it at the data cut (a calendar day)."""
        self._close(cut_day - self._start)

    def settle(self, cut_day: float) -> None:
        """Fill in what can only be counted when the day of the data cut is known."""
        record = self.record
        record.doses_planned, record.dose_intensity = dose_intensity(self._arm, self._progress, cut_day - self._start)

    def _tell(self, day: float, kind: EventKind, detail: str = "", value: float | None = None, unit: str = "") -> None:
        self._log(Event(self._start + day, self.record.patient, day, kind, detail, value, unit))

    def _visit(self, day: float, planned: tuple[Task, ...]) -> None:
        """Everything planned for one time, in order, until a relapse is seen."""
        do = self._do
        for kind, order in planned:
            do[kind](day, order)
            if self.record.relapse is not None:
                break

    def _scan(self, day: float, _: int) -> None:
        record = self.record
        seen = self._course.assess()
        self._tell(day, EventKind.SCAN, "relapse seen" if seen.found else "clear")
        if seen.found:
            record.relapse = Relapse(
                site=seen.site,
                latent_day=seen.latent_day,
                last_clear=record.last_scan,
                detected=day,
                cause=seen.cause,
                cells=seen.cells,
                lineage=seen.lineage,
            )
            self._tell(day, EventKind.RELAPSE, seen.site, seen.cells, "cells")
            self._stop_treatment(day, FOR_RELAPSE)
        record.last_scan = day

    def _laboratory(self, day: float, _: int) -> None:
        value = self._platelets = self._course.laboratory()
        record = self.record
        if record.platelet_nadir is None or value < record.platelet_nadir:
            record.platelet_nadir = value
        self._tell(day, EventKind.LABORATORY, "platelets", value, "1e9/L")

    def _measure(self, day: float, index: int) -> None:
        """A panel, told biomarker by biomarker, and what it decides."""
        record = self.record
        result = self._course.measure(index)
        told = {reading.marker for earlier in record.panels if earlier.day == day for reading in earlier.readings}
        for reading in result.readings:
            if reading.marker not in told:
                words = f"{reading.marker}: {_said(reading.positive)}"
                self._tell(day, EventKind.BIOMARKER, words, reading.value, reading.unit)
        if [reading.marker for reading in result.readings] != [result.panel]:
            positive = float(sum(reading.positive for reading in result.readings))
            words = f"{result.panel}: {_said(result.positive)}"
            self._tell(day, EventKind.BIOMARKER, words, positive, "positive")
        record.panels.append(result)
        if not result.positive:
            guide = self._arm.guides[index]
            for at, order in enumerate(self._arm.orders):
                if order.give_if == guide:
                    self._withhold(day, at)
            self._complete_treatment(day)

    def _withhold(self, day: float, index: int) -> None:
        """An order whose panel is negative is never given."""
        progress, order = self._progress[index], self._arm.orders[index]
        self._to_come -= progress.remaining
        progress.stopped, progress.withheld, progress.remaining = True, True, 0
        self.record.withheld.append(order.id)
        panel = order.give_if.panel if order.give_if is not None else ""
        self._tell(day, EventKind.NOT_GIVEN, f"{order.id}: {panel} negative")

    def _dose(self, day: float, index: int) -> None:
        progress = self._progress[index]
        if progress.stopped:
            return
        order = self._arm.orders[index]
        decision, progress.state = decide(order.rule, progress.state, self._platelets)
        progress.remaining -= 1
        self._to_come -= 1
        amount = order.dose * progress.state.fraction
        if decision <= Decision.RESUME:
            if decision is Decision.RESUME:
                self._tell(day, EventKind.DOSE_REDUCED, order.id, amount, order.dose_unit)
            self._course.give(index, progress.state.fraction)
            self._count_dose(day, progress)
            self._tell(day, EventKind.DOSE, order.id, amount, order.dose_unit)
        else:
            self._tell(day, EventKind.DOSE_HELD, order.id, amount, order.dose_unit)
            if decision is Decision.STOP:
                self._stop_order(day, index)
        self._complete_treatment(day)

    def _count_dose(self, day: float, progress: OrderProgress) -> None:
        progress.given += progress.state.fraction
        record = self.record
        record.treated = True
        if record.first_dose is None:
            record.first_dose = day
        record.last_dose = day

    def _stop_order(self, day: float, index: int) -> None:
        progress = self._progress[index]
        self._to_come -= progress.remaining
        progress.stopped, progress.remaining = True, 0
        self._tell(day, EventKind.TREATMENT_STOPPED, f"{FOR_PLATELETS}: {self._arm.orders[index].id}")
        if not self.record.treatment_stopped:
            self.record.treatment_stopped = FOR_PLATELETS

    def _stop_treatment(self, day: float, reason: str) -> None:
        """Stop everything that is still to come; says nothing when nothing is."""
        if not self._to_come:
            return
        self._to_come = 0
        for progress in self._progress:
            progress.stopped, progress.remaining = True, 0
        self._tell(day, EventKind.TREATMENT_STOPPED, reason)
        if not self.record.treatment_stopped:
            self.record.treatment_stopped = reason

    def _complete_treatment(self, day: float) -> None:
        if self._to_come or self.record.treatment_stopped:
            return
        if self.record.treated:
            self._tell(day, EventKind.TREATMENT_COMPLETED)
        elif not all(progress.withheld for progress in self._progress):  # every dose was held
            self.record.treatment_stopped = FOR_PLATELETS
            self._tell(day, EventKind.TREATMENT_STOPPED, FOR_PLATELETS)

    def _end(self, day: float, cancer: float) -> None:
        """Death or withdrawal on study day ``day``; the event is the last one of the patient."""
        record = self.record
        death = min(self._times.death, cancer)
        if death <= self._times.dropout:
            self._stop_treatment(day, FOR_DEATH)
            record.death_day = day
            record.death_cause = CANCER if cancer < self._times.death else OTHER_CAUSES
            self._tell(day, EventKind.DEATH, record.death_cause)
        else:
            self._stop_treatment(day, FOR_WITHDRAWAL)
            record.withdrew_day = day
            self._tell(day, EventKind.WITHDREW)
        self._close(day)

    def _close(self, day: float) -> None:
        self.record.last_contact = day
        self.record.true_platelet_nadir = self._course.true_platelet_nadir()
        self.record.true_neutrophil_nadir = self._course.true_neutrophil_nadir()
        self.closed = True
