"""One patient on the calendar: a SimPy process that walks through the arm's schedule.

The process waits for each distinct time of the schedule, advances the patient's course to it, and does what
is planned there. Detection of relapse, death, withdrawal and loss end the visits. After relapse only the times to
death, withdrawal and loss still run: biology is no longer advanced. Where places for treatment are limited, a dose that
is due asks for one and waits if there is none; the schedule moves with it (`trialsim.conduct.agenda`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import copy
from operator import itemgetter
from typing import Any

import simpy

from trialsim.conduct.calendar_grid import on_grid
from trialsim.conduct.capacity import Clinic
from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.course import Course
from trialsim.conduct.dosing import Decision, OrderProgress, decide, dose_intensity
from trialsim.conduct.law_course import SITE as SITE_OF_LAW
from trialsim.conduct.own_visits import MISSED
from trialsim.conduct.queue import Queue
from trialsim.conduct.schedule import Task, Visit
from trialsim.records import Event, EventKind, Intercurrent, PatientRecord, Relapse, SameDay
from trialsim.spec.resolved import ResolvedArm
from trialsim.spec.resolved_conduct import AfterRelapse

CANCER = "cancer"
OTHER_CAUSES = "other causes"
ANY_CAUSE = "any cause"
#: Reasons for stopping treatment.
FOR_RELAPSE, FOR_DEATH, FOR_WITHDRAWAL, FOR_PLATELETS = "relapse", "death", "withdrew", "platelets"
FOR_LOSS, FOR_NEW_THERAPY = "lost", "new therapy"


def _said(positive: bool) -> str:
    return "positive" if positive else "negative"


class PatientProcess:
    """A patient from randomisation to the end of follow-up. ``follow`` is the SimPy process.

    ``log`` takes every event, ``post_relapse`` draws the days from relapse at a site to death from cancer,
    ``after_relapse`` is what the patient would be given then, ``clinic`` has the places for treatment where they are
    limited.
    """

    __slots__ = (
        "_after_relapse",
        "_arm",
        "_clinic",
        "_course",
        "_do",
        "_log",
        "_platelets",
        "_post_relapse",
        "_progress",
        "_queue",
        "_seen",
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
        after_relapse: AfterRelapse | None = None,
        clinic: Clinic | None = None,
    ) -> None:
        self.record = record
        self.closed = False
        self._arm = arm
        self._course = course
        self._times = times
        self._log = log
        self._post_relapse = post_relapse
        self._after_relapse = after_relapse
        self._clinic = clinic
        self._queue: Queue | None = None
        self._start = record.randomised_day
        #: Study day on which something was last seen of the patient.
        self._seen = 0.0
        self._platelets: float | None = None
        self._progress = [OrderProgress(len(order.days)) for order in arm.orders]
        #: Doses of all orders that are still to come.
        self._to_come = sum(progress.remaining for progress in self._progress)
        self._do = {
            SameDay.RELAPSE: self._relapse_by_law,
            SameDay.SCAN: self._scan,
            SameDay.NEW_THERAPY: self._begin_new_therapy,
            SameDay.LABORATORY: self._laboratory,
            SameDay.BIOMARKER: self._measure,
            SameDay.DOSE: self._dose,
        }

    def follow(self, env: simpy.Environment, visits: tuple[Visit, ...]) -> Iterator[Any]:
        """The patient's visits, then the wait for death, withdrawal or loss."""
        start, record, course = self._start, self.record, self._course
        ends, cancer = self._times.ends, math.inf
        if self._clinic is not None:
            self._queue = Queue(self._clinic, self._arm, visits, record.patient, start)
            record.waits = self._queue.waits
            yield from self._follow_the_queue(env, self._queue)
            visits = ()
        for day, planned in visits:
            if day >= ends:  # death, withdrawal and loss go before the visit they fall on
                break
            yield env.timeout(start + day - env.now)
            course.advance(day)
            self._visit(day, planned)
            if record.relapse is not None:
                break
        if record.relapse is not None:
            cancer = record.relapse.detected + self._survival_after(record.relapse)
            ends = min(ends, cancer)
        if ends < math.inf:
            yield env.timeout(start + ends - env.now)
            self._end(ends, cancer)

    def _follow_the_queue(self, env: simpy.Environment, queue: Queue) -> Iterator[Any]:
        """The visits of a patient whose treatments may have to wait for a place."""
        ends = self._times.ends
        while self.record.relapse is None:
            day = queue.agenda.next_day()
            if (yield from queue.wait(env, min(day, ends))):
                continue
            if day >= ends or day == math.inf:
                break
            yield env.timeout(self._start + day - env.now)
            planned = queue.agenda.take()
            self._course.advance(day)
            self._visit(day, planned)

    def close_at_cut(self, cut_day: float) -> None:
        """End the follow-up of a patient who is still in it at the data cut (a calendar day)."""
        self._close(cut_day - self._start)

    def as_of(self, day: float) -> PatientRecord:
        """The record as it would be with a data cut now, on a calendar day; for the eye, not to be changed."""
        record = copy(self.record)
        if not self.closed:
            record.last_contact = day - self._start
        return record

    def settle(self, cut_day: float) -> None:
        """Fill in what can only be counted when the day of the data cut is known."""
        record = self.record
        record.doses_planned, record.dose_intensity = dose_intensity(self._arm, self._progress, cut_day - self._start)

    def _tell(self, day: float, kind: EventKind, detail: str = "", value: float | None = None, unit: str = "") -> None:
        self._seen = day
        self._log(Event(self._start + day, self.record.patient, day, kind, detail, value, unit))

    def _visit(self, day: float, planned: tuple[Task, ...]) -> None:
        """Everything planned for one time, in order, until a relapse is seen."""
        do = self._do
        for kind, order in planned:
            do[kind](day, order)
            if self.record.relapse is not None:
                break

    def _scan(self, day: float, which: int) -> None:
        record = self.record
        if which == MISSED[1]:
            self._log(Event(self._start + day, record.patient, day, EventKind.SCAN_MISSED))
            return
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

    def _relapse_by_law(self, day: float, _: int) -> None:
        """The event of a law, seen when it happens."""
        self.record.relapse = Relapse(SITE_OF_LAW, latent_day=day, last_clear=day, detected=day, cause="", cells=0.0)
        self._tell(day, EventKind.RELAPSE, SITE_OF_LAW)

    def _begin_new_therapy(self, day: float, _: int) -> None:
        """Therapy that is not the trial's: study treatment ends, scans go on."""
        self._note("new_therapy", day)
        self._tell(day, EventKind.NEW_THERAPY)
        self._stop_treatment(day, FOR_NEW_THERAPY)

    def _survival_after(self, relapse: Relapse) -> float:
        """Days from a relapse to death from cancer, with what is given after it."""
        plan, days = self._after_relapse, self._post_relapse(relapse.site)
        if plan is None:
            return days
        self._note("crossover" if plan.to else "rescue", relapse.detected)
        self._tell(relapse.detected, EventKind.CROSSED_OVER if plan.to else EventKind.RESCUE, plan.to)
        return on_grid(days * plan.survival_ratio)

    def _note(self, kind: str, day: float) -> None:
        """Something came in between."""
        if all(earlier.kind != kind for earlier in self.record.intercurrent):
            self.record.intercurrent.append(Intercurrent(kind, day, self.record.last_scan))

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
        decision, state = decide(order.rule, progress.state, self._platelets)
        if decision <= Decision.RESUME and not self._has_place(day, index):
            return
        progress.state = state
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

    def _has_place(self, day: float, index: int) -> bool:
        """Whether a dose that is due can be given now; otherwise its order waits."""
        if self._queue is None:
            return True
        waited = self._queue.days_waited(day, index, begun=self._progress[index].given > 0.0)
        if waited:
            self._tell(day, EventKind.DOSE_DELAYED, self._arm.orders[index].id, waited, "days")
        return waited is not None

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
        self._note_stop(day, FOR_PLATELETS)
        self._tell(day, EventKind.TREATMENT_STOPPED, f"{FOR_PLATELETS}: {self._arm.orders[index].id}")

    def _note_stop(self, day: float, reason: str) -> None:
        """Why treatment was first stopped early; its own rules bring about an intercurrent event."""
        if not self.record.treatment_stopped:
            self.record.treatment_stopped = reason
            if reason == FOR_PLATELETS:
                self._note("discontinuation", day)

    def _stop_treatment(self, day: float, reason: str) -> None:
        """Stop everything that is still to come; says nothing when nothing is."""
        if not self._to_come:
            return
        self._to_come = 0
        if self._queue is not None:
            self.record.waited_for = self._queue.waiting_for
            self._queue.leave(day)
        for progress in self._progress:
            progress.stopped, progress.remaining = True, 0
        self._note_stop(day, reason)
        self._tell(day, EventKind.TREATMENT_STOPPED, reason)

    def _complete_treatment(self, day: float) -> None:
        if self._to_come or self.record.treatment_stopped:
            return
        if self.record.treated:
            self._tell(day, EventKind.TREATMENT_COMPLETED)
        elif not all(progress.withheld for progress in self._progress):  # every dose was held
            self._note_stop(day, FOR_PLATELETS)
            self._tell(day, EventKind.TREATMENT_STOPPED, FOR_PLATELETS)

    def _end(self, day: float, cancer: float) -> None:
        """Death, withdrawal or loss on study day ``day``; the event is the last one of the patient."""
        record, times = self.record, self._times
        death = min(times.death, times.death_by_law, cancer)
        if death <= min(times.dropout, times.lost):
            self._stop_treatment(day, FOR_DEATH)
            record.death_day = day
            by_law, others = (times.death_by_law, ANY_CAUSE), (times.death, OTHER_CAUSES)
            record.death_cause = min(others, by_law, (cancer, CANCER), key=itemgetter(0))[1]
            self._tell(day, EventKind.DEATH, record.death_cause)
        elif times.dropout <= times.lost:
            self._stop_treatment(day, FOR_WITHDRAWAL)
            record.withdrew_day = day
            self._tell(day, EventKind.WITHDREW)
        else:
            # Visits stop without a word before a relapse; after it, news comes until the day of loss.
            seen = day if record.watched or record.relapse is not None else self._seen
            self._stop_treatment(day, FOR_LOSS)
            record.lost_day = day
            self._tell(day, EventKind.LOST)
            self._close(seen)
            return
        self._close(day)

    def _close(self, day: float) -> None:
        if self._queue is not None:
            self.record.waits_for = self._queue.waiting_for
        self.record.last_contact = day
        self.record.true_platelet_nadir = self._course.true_platelet_nadir()
        self.record.true_neutrophil_nadir = self._course.true_neutrophil_nadir()
        self.closed = True
