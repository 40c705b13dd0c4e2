"""One patient on the calendar: a SimPy process that has the visits done on their days.

The process asks the course when the next visit is, waits for it, has it done, and writes down what happened. Death,
withdrawal and loss end the visits. After relapse only the times to death, withdrawal and loss still run. Where places
for treatment are limited, a dose that is due asks for one and waits if there is none; the schedule moves with it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator
from copy import copy
from operator import itemgetter
from typing import Any, cast

import simpy

from trialsim.calendar_grid import on_grid
from trialsim.conduct.capacity import Clinic
from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.course import Entry, PatientCourse, QueuedCourse
from trialsim.conduct.queue import Queue
from trialsim.records import (
    NEUTROPHILS,
    PLATELETS,
    Event,
    EventKind,
    Happened,
    IntercurrentEvent,
    PatientRecord,
    Relapse,
)
from trialsim.spec.resolved import ResolvedArm
from trialsim.spec.resolved_conduct import AfterRelapse

CANCER = "cancer"
OTHER_CAUSES = "other causes"
ANY_CAUSE = "any cause"
TOXICITY = "toxicity"
#: Reasons for stopping treatment.
FOR_DEATH, FOR_WITHDRAWAL, FOR_LOSS = "death", "withdrew", "lost"
FOR_PLATELETS, FOR_NEUTROPHILS = "platelets", "neutrophils"
_REASONS = {Happened.RELAPSE: "relapse", Happened.NEW_THERAPY: "new therapy", Happened.TOXIC_DEATH: FOR_DEATH}
_COUNT_UNIT = "1e9/L"
#: Two planned times closer than this are the same time, in days.
_SAME_TIME = 1e-6


def _said(positive: bool) -> str:
    return "positive" if positive else "negative"


def _count_of(value: float) -> str:
    """The count for which treatment is held or stopped."""
    return FOR_NEUTROPHILS if value > 0.0 else FOR_PLATELETS


class PatientProcess:
    """A patient from randomisation to the end of follow-up. ``follow`` is the SimPy process.

    ``log`` takes every event, ``post_relapse`` draws the days from relapse at a site to death from cancer,
    ``after_relapse`` is what the patient would be given then, ``clinic`` has the places for treatment where they are
    limited. ``lethal``: whether toxicity may kill.
    """

    __slots__ = (
        "_after_relapse",
        "_arm",
        "_course",
        "_lethal",
        "_log",
        "_post_relapse",
        "_queue",
        "_seen",
        "_start",
        "_times",
        "_write",
        "closed",
        "record",
    )

    def __init__(
        self,
        record: PatientRecord,
        arm: ResolvedArm,
        course: PatientCourse,
        times: CompetingTimes,
        *,
        log: Callable[[Event], None],
        post_relapse: Callable[[str], float],
        after_relapse: AfterRelapse | None = None,
        clinic: Clinic | None = None,
        lethal: bool = False,
    ) -> None:
        self.record = record
        self.closed = False
        self._arm = arm
        self._course = course
        self._times = times
        self._log = log
        self._post_relapse = post_relapse
        self._after_relapse = after_relapse
        self._start = record.randomised_day
        self._queue: Queue | None = None
        if clinic is not None:
            # Only a patient without cells, to whom nothing is given, has no plan that can wait.
            self._queue = Queue(clinic, arm, cast("QueuedCourse", course), record.patient, self._start)
        #: Study day on which something was last seen of the patient.
        self._seen = 0.0
        self._lethal = lethal
        self._write: dict[int, Callable[[float, int, float], None]] = {
            Happened.PLATELETS: self._write_platelets,
            Happened.NEUTROPHILS: self._write_neutrophils,
            Happened.DOSE: self._write_dose,
            Happened.REDUCED: self._write_reduced,
            Happened.FORGOTTEN: self._write_forgotten,
            Happened.HELD: self._write_held,
            Happened.DELAYED: self._write_delayed,
            Happened.ORDER_STOPPED: self._write_order_stopped,
            Happened.ALL_HELD: self._write_all_held,
            Happened.COMPLETED: self._write_completed,
            Happened.TREATMENT_STOPPED: self._write_stopped,
            Happened.PANEL: self._write_panel,
            Happened.WITHHELD: self._write_withheld,
            Happened.SCAN: self._write_scan,
            Happened.SCAN_MISSED: self._write_missed,
            Happened.RELAPSE: self._write_relapse,
            Happened.NEW_THERAPY: self._write_new_therapy,
            Happened.TOXIC_DEATH: self._write_toxic_death,
        }

    def follow(self, env: simpy.Environment) -> Iterator[Any]:
        """The patient's visits, then the wait for death, withdrawal or loss."""
        start, record = self._start, self.record
        ends, cancer = self._times.ends, math.inf
        if self._queue is not None:
            record.waits = self._queue.waits
            yield from self._follow_the_queue(env, self._queue)
        else:
            yield from self._follow_the_plan(env)
        if self.closed:
            return
        if record.relapse is not None:
            cancer = record.relapse.detected + self._survival_after(record.relapse)
            ends = min(ends, cancer)
        if ends < math.inf:
            yield env.timeout(start + ends - env.now)
            self._end(ends, cancer)

    def _follow_the_plan(self, env: simpy.Environment) -> Iterator[Any]:
        """The visits, each on its day; death, withdrawal and loss go before the visit they fall on."""
        ends, day = self._times.ends, self._course.next_day()
        while self.record.relapse is None and not self.closed:
            if self._lethal and (yield from self._dies_before(env, ends)):
                return
            if day >= ends or day == math.inf:
                return
            yield env.timeout(self._start + day - env.now)
            on, (day, entries) = day, self._course.visit(day)
            self._write_down(on, entries)

    def _follow_the_queue(self, env: simpy.Environment, queue: Queue) -> Iterator[Any]:
        """The visits of a patient whose treatments may have to wait for a place."""
        ends = self._times.ends
        while self.record.relapse is None and not self.closed:
            day = self._course.next_day()
            if (yield from queue.wait(env, min(day, ends))):
                continue
            if self._lethal and (yield from self._dies_before(env, ends)):
                return
            if day >= ends or day == math.inf:
                return
            yield env.timeout(self._start + day - env.now)
            self._visit_in_queue(day, queue)

    def _visit_in_queue(self, day: float, queue: Queue) -> None:
        """What is due on a day, line by line; a dose that is to be given needs a place."""
        course = queue.course
        while self.record.relapse is None:
            line, when = course.next_line()
            if line < 0 or when != day:
                return
            order, counted = course.would_give(line, day)
            self._write_down(day, counted)
            if order >= 0:
                waited = queue.days_waited(day, order, line, begun=course.has_begun(order))
                if waited is None:
                    continue
                if waited > 0.0:
                    self._write_delayed(day, order, waited)
            self._write_down(day, course.do_line(line, day))

    def _dies_before(self, env: simpy.Environment, ends: float) -> Generator[Any, Any, bool]:
        """Whether toxicity kills before the next visit; waits for that day, if so."""
        died = self._course.death_before(ends)
        if died == math.inf:
            return False
        yield env.timeout(self._start + died - env.now)
        self._write_down(died, self._course.die(died))
        return True

    def close_at_cut(self, cut_day: float) -> None:
        """End the follow-up of a patient who is still in it at the data cut (a calendar day)."""
        day = cut_day - self._start
        died = self._course.death_before(math.inf, day) if self._lethal else math.inf
        if died < math.inf:
            self._write_down(died, self._course.die(died))
        else:
            self._close(day)

    def as_of(self, day: float) -> PatientRecord:
        """The record as it would be with a data cut now, on a calendar day; for the eye, not to be changed."""
        record = copy(self.record)
        if not self.closed:
            record.last_contact = day - self._start
        return record

    def settle(self, cut_day: float) -> None:
        """Fill in what can only be counted when the day of the data cut is known."""
        record = self.record
        record.doses_planned, record.dose_intensity = dose_intensity(
            self._arm, self._course.given(), cut_day - self._start
        )

    def _write_down(self, day: float, entries: list[Entry]) -> None:
        for kind, index, value in entries:
            self._write[kind](day, index, value)

    def _tell(self, day: float, kind: EventKind, detail: str = "", value: float | None = None, unit: str = "") -> None:
        self._seen = day
        self._log(Event(self._start + day, self.record.patient, day, kind, detail, value, unit))

    def _tell_dose(self, day: float, kind: EventKind, index: int, fraction: float) -> None:
        order = self._arm.orders[index]
        self._tell(day, kind, order.id, order.dose * fraction, order.dose_unit)

    def _note(self, kind: str, day: float) -> None:
        """Something came in between."""
        if all(earlier.kind != kind for earlier in self.record.intercurrent):
            self.record.intercurrent.append(IntercurrentEvent(kind, day, self.record.last_scan))

    def _write_platelets(self, day: float, _: int, value: float) -> None:
        lowest = self.record.platelet_nadir
        self.record.platelet_nadir = value if lowest is None else min(lowest, value)
        self._tell(day, EventKind.LABORATORY, PLATELETS, value, _COUNT_UNIT)

    def _write_neutrophils(self, day: float, _: int, value: float) -> None:
        lowest = self.record.neutrophil_nadir
        self.record.neutrophil_nadir = value if lowest is None else min(lowest, value)
        self._tell(day, EventKind.LABORATORY, NEUTROPHILS, value, _COUNT_UNIT)

    def _write_dose(self, day: float, index: int, fraction: float) -> None:
        record = self.record
        record.treated = True
        if record.first_dose is None:
            record.first_dose = day
        record.last_dose = day
        self._tell_dose(day, EventKind.DOSE, index, fraction)

    def _write_reduced(self, day: float, index: int, fraction: float) -> None:
        self._tell_dose(day, EventKind.DOSE_REDUCED, index, fraction)

    def _write_forgotten(self, day: float, index: int, fraction: float) -> None:
        self._tell_dose(day, EventKind.DOSE_MISSED, index, fraction)

    def _write_held(self, day: float, index: int, fraction: float) -> None:
        self._tell_dose(day, EventKind.DOSE_HELD, index, fraction)

    def _write_delayed(self, day: float, index: int, days: float) -> None:
        self._tell(day, EventKind.DOSE_DELAYED, self._arm.orders[index].id, days, "days")

    def _write_order_stopped(self, day: float, index: int, value: float) -> None:
        reason = _count_of(value)
        self._note_stop(day, reason)
        self._tell(day, EventKind.TREATMENT_STOPPED, f"{reason}: {self._arm.orders[index].id}")

    def _write_all_held(self, day: float, _: int, value: float) -> None:
        """Every dose was held."""
        self._note_stop(day, _count_of(value))
        self._tell(day, EventKind.TREATMENT_STOPPED, _count_of(value))

    def _write_completed(self, day: float, _: int, __: float) -> None:
        self._tell(day, EventKind.TREATMENT_COMPLETED)

    def _write_stopped(self, day: float, _: int, why: float) -> None:
        self._treatment_stopped(day, _REASONS[Happened(int(why))])

    def _treatment_stopped(self, day: float, reason: str) -> None:
        if self._queue is not None:
            self.record.waited_for = self._queue.waiting_for
            self._queue.leave(day)
        self._note_stop(day, reason)
        self._tell(day, EventKind.TREATMENT_STOPPED, reason)

    def _note_stop(self, day: float, reason: str) -> None:
        """Why treatment was first stopped early; its own rules bring about an intercurrent event."""
        if not self.record.treatment_stopped:
            self.record.treatment_stopped = reason
            if reason in (FOR_PLATELETS, FOR_NEUTROPHILS):
                self._note("discontinuation", day)

    def _write_panel(self, day: float, index: int, _: float) -> None:
        """A panel, told biomarker by biomarker."""
        record = self.record
        result = self._course.panel(index)
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

    def _write_withheld(self, day: float, index: int, _: float) -> None:
        """An order whose panel is negative is never given."""
        order = self._arm.orders[index]
        self.record.withheld.append(order.id)
        panel = order.give_if.panel if order.give_if is not None else ""
        self._tell(day, EventKind.NOT_GIVEN, f"{order.id}: {panel} negative")

    def _write_scan(self, day: float, lesion: int, _: float) -> None:
        self._tell(day, EventKind.SCAN, "clear" if lesion < 0 else "relapse seen")
        if lesion < 0:
            self.record.last_scan = day

    def _write_missed(self, day: float, _: int, __: float) -> None:
        self._log(Event(self._start + day, self.record.patient, day, EventKind.SCAN_MISSED))

    def _write_relapse(self, day: float, _: int, cells: float) -> None:
        relapse = self.record.relapse = self._course.relapse()
        size = (None, "") if math.isnan(cells) else (cells, "cells")
        self._tell(day, EventKind.RELAPSE, relapse.site, *size)
        if not self.record.watched:
            self.record.last_scan = day

    def _write_new_therapy(self, day: float, _: int, __: float) -> None:
        """Therapy that is not the trial's: study treatment ends, scans go on."""
        self._note("new_therapy", day)
        self._tell(day, EventKind.NEW_THERAPY)

    def _write_toxic_death(self, day: float, _: int, died: float) -> None:
        self.record.death_day, self.record.death_cause = died, TOXICITY
        self._tell(died, EventKind.DEATH, TOXICITY)
        self._close(died)

    def _survival_after(self, relapse: Relapse) -> float:
        """Days from a relapse to death from cancer, with what is given after it."""
        plan, days = self._after_relapse, self._post_relapse(relapse.site)
        if plan is None:
            return days
        self._note("crossover" if plan.to else "rescue", relapse.detected)
        self._tell(relapse.detected, EventKind.CROSSED_OVER if plan.to else EventKind.RESCUE, plan.to)
        return on_grid(days * plan.survival_ratio)

    def _stop_treatment(self, day: float, reason: str) -> None:
        """Stop everything that is still to come; says nothing when nothing is."""
        if self._course.stop_treatment():
            self._treatment_stopped(day, reason)

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
            self._close(seen, ended=day)
            return
        self._close(day)

    def _close(self, day: float, *, ended: float | None = None) -> None:
        """The last day on which the patient's state is known, and the one on which follow-up ended."""
        record = self.record
        if self._queue is not None:
            record.waits_for = self._queue.waiting_for
        record.last_contact = day
        self._course.finish(day if ended is None else ended)
        record.true_platelet_nadir, record.true_neutrophil_nadir = self._course.true_nadirs()
        self.closed = True


def dose_intensity(arm: ResolvedArm, given: list[tuple[float, bool]], until: float) -> tuple[int, float]:
    """Administrations planned by study day ``until``, and amount given over amount planned.

    ``given``: by order, the sum of the fractions of planned doses, and whether the order was withheld. The ratio is
    averaged over the orders that had anything planned by then; 1 when none had. Nothing was planned of an order whose
    panel was negative.
    """
    planned = [
        0 if withheld else bisect_right(order.days, until + _SAME_TIME)
        for (_, withheld), order in zip(given, arm.orders, strict=True)
    ]
    ratios = [done / n for (done, _), n in zip(given, planned, strict=True) if n]
    return sum(planned), (sum(ratios) / len(ratios) if ratios else 1.0)
