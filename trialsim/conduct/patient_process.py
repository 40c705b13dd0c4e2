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

from trialsim.calendar_grid import on_grid
from trialsim.conduct.capacity import Clinic
from trialsim.conduct.competing_times import CompetingTimes
from trialsim.conduct.course import Course
from trialsim.conduct.dosing import Decision, OrderProgress, decide, dose_intensity
from trialsim.conduct.law_course import SITE as SITE_OF_LAW
from trialsim.conduct.own_visits import MISSED
from trialsim.conduct.queue import Queue
from trialsim.conduct.rule_delays import with_delays
from trialsim.patient.schedule import Task, Visit
from trialsim.records import NEUTROPHILS, PLATELETS, Event, EventKind, Intercurrent, PatientRecord, Relapse, SameDay
from trialsim.spec.resolved import Order, ResolvedArm
from trialsim.spec.resolved_conduct import AfterRelapse
from trialsim.treatment.adherence import Flags

CANCER = "cancer"
OTHER_CAUSES = "other causes"
ANY_CAUSE = "any cause"
TOXICITY = "toxicity"
#: Reasons for stopping treatment.
FOR_RELAPSE, FOR_DEATH, FOR_WITHDRAWAL = "relapse", "death", "withdrew"
FOR_PLATELETS, FOR_NEUTROPHILS = "platelets", "neutrophils"
FOR_LOSS, FOR_NEW_THERAPY = "lost", "new therapy"


def _said(positive: bool) -> str:
    return "positive" if positive else "negative"


class PatientProcess:
    """A patient from randomisation to the end of follow-up. ``follow`` is the SimPy process.

    ``log`` takes every event, ``post_relapse`` draws the days from relapse at a site to death from cancer,
    ``after_relapse`` is what the patient would be given then, ``clinic`` has the places for treatment where they are
    limited. ``missed`` says which doses of each order are forgotten (empty: none), ``lethal`` whether toxicity may
    kill.
    """

    __slots__ = (
        "_after_relapse",
        "_arm",
        "_clinic",
        "_course",
        "_do",
        "_leaders",
        "_lethal",
        "_log",
        "_missed",
        "_neutrophils",
        "_neutrophils_on",
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
        missed: tuple[Flags, ...] = (),
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
        self._clinic = clinic
        self._queue: Queue | None = None
        self._start = record.randomised_day
        #: Study day on which something was last seen of the patient.
        self._seen = 0.0
        self._platelets: float | None = None
        self._neutrophils: float | None = None
        #: Study day of the last neutrophil count.
        self._neutrophils_on = -1.0
        self._leaders = arm.leaders
        self._missed, self._lethal = missed, lethal
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
        start, record = self._start, self.record
        ends, cancer = self._times.ends, math.inf
        if self._clinic is not None:
            self._queue = Queue(self._clinic, self._arm, visits, record.patient, start)
            record.waits = self._queue.waits
            yield from self._follow_the_queue(env, self._queue)
            visits = ()
        for day, planned in with_delays(self._arm, visits, self._progress):
            if day >= ends:  # death, withdrawal and loss go before the visit they fall on
                break
            yield env.timeout(start + day - env.now)
            self._visit(day, planned)
            if self.closed or record.relapse is not None:
                break
        if self.closed:
            return
        if record.relapse is not None:
            cancer = record.relapse.detected + self._survival_after(record.relapse)
            ends = min(ends, cancer)
        if ends < math.inf:
            yield env.timeout(start + ends - env.now)
            if record.relapse is None and self._dies_before(ends):
                return
            self._end(ends, cancer)

    def _follow_the_queue(self, env: simpy.Environment, queue: Queue) -> Iterator[Any]:
        """The visits of a patient whose treatments may have to wait for a place."""
        ends = self._times.ends
        while self.record.relapse is None and not self.closed:
            day = queue.agenda.next_day()
            if (yield from queue.wait(env, min(day, ends))):
                continue
            if day >= ends or day == math.inf:
                break
            yield env.timeout(self._start + day - env.now)
            self._visit(day, queue.agenda.take())

    def close_at_cut(self, cut_day: float) -> None:
        """End the follow-up of a patient who is still in it at the data cut (a calendar day)."""
        day = cut_day - self._start
        if self.record.relapse is not None or not self._dies_before(day):
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
        record.doses_planned, record.dose_intensity = dose_intensity(self._arm, self._progress, cut_day - self._start)

    def _tell(self, day: float, kind: EventKind, detail: str = "", value: float | None = None, unit: str = "") -> None:
        self._seen = day
        self._log(Event(self._start + day, self.record.patient, day, kind, detail, value, unit))

    def _dies_before(self, day: float) -> bool:
        """Whether toxicity kills before the end of follow-up; asked only where it can."""
        if not self._lethal:
            return False
        self._course.advance(day)
        return self._dies_of_toxicity()

    def _dies_of_toxicity(self) -> bool:
        """Death since the last visit, on the day of its own. It stops with the biology, at relapse."""
        died = self._course.death_day() if self._lethal else math.inf
        if died == math.inf:
            return False
        died = on_grid(died)
        self._stop_treatment(died, FOR_DEATH)
        self.record.death_day, self.record.death_cause = died, TOXICITY
        self._tell(died, EventKind.DEATH, TOXICITY)
        self._close(died)
        return True

    def _visit(self, day: float, planned: tuple[Task, ...]) -> None:
        """Everything planned for one time, in order, until a relapse is seen or the patient turns out to be dead.

        To draw blood needs no advance of the patient: a visit for that alone changes nothing.
        """
        do, advanced = self._do, False
        for kind, order in planned:
            if not advanced and kind != SameDay.LABORATORY:
                advanced = True
                self._course.advance(day)
                if self._dies_of_toxicity():
                    break
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
            size = (None, "") if seen.cells is None else (seen.cells, "cells")
            self._tell(day, EventKind.RELAPSE, seen.site, *size)
            self._stop_treatment(day, FOR_RELAPSE)
        record.last_scan = day

    def _relapse_by_law(self, day: float, _: int) -> None:
        """The event of a law, seen when it happens."""
        self.record.relapse = Relapse(SITE_OF_LAW, latent_day=day, last_clear=day, detected=day, cause="", cells=None)
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
        value = self._course.laboratory(day)
        if value is None:  # dead by now, as the next visit finds
            return
        self._platelets = value
        record = self.record
        if record.platelet_nadir is None or value < record.platelet_nadir:
            record.platelet_nadir = value
        self._tell(day, EventKind.LABORATORY, PLATELETS, value, "1e9/L")

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
        progress, leader = self._progress[index], self._progress[self._leaders[index]]
        order = self._arm.orders[index]
        if progress.stopped or leader.delayed_on == day:
            return
        number = len(order.days) - progress.remaining
        self._count_neutrophils(day, order, order.days[number])
        decision, state = decide(order.rule, leader.state, self._platelets, self._neutrophils)
        if decision <= Decision.RESUME and not self._has_place(day, index):
            return
        leader.state = state
        if decision is Decision.HOLD and order.rule is not None and order.rule.delay_days > 0.0:
            longest = order.rule.longest_delay_days
            if longest is None or leader.waited + order.rule.delay_days <= longest:
                self._delay(day, index, order.rule.delay_days)
                return
            decision = Decision.STOP
        leader.waited = 0.0
        progress.remaining -= 1
        self._to_come -= 1
        if decision <= Decision.RESUME:
            forgets = bool(self._missed) and bool(self._missed[index][number])
            self._give(day, index, leader.state.fraction, reduced=decision is Decision.RESUME, forgets=forgets)
        else:
            self._tell(day, EventKind.DOSE_HELD, order.id, order.dose * leader.state.fraction, order.dose_unit)
            if decision is Decision.STOP:
                for at, first in enumerate(self._leaders):
                    if first == self._leaders[index] and not self._progress[at].stopped:
                        self._stop_order(day, at)
        self._complete_treatment(day)

    def _give(self, day: float, index: int, fraction: float, *, reduced: bool, forgets: bool) -> None:
        """A dose that may be given: it is, or the patient forgets it."""
        order, amount = self._arm.orders[index], self._arm.orders[index].dose * fraction
        if reduced:
            self._tell(day, EventKind.DOSE_REDUCED, order.id, amount, order.dose_unit)
        if not forgets:
            self._course.give(index, fraction)
            self._count_dose(day, self._progress[index], fraction)
        self._tell(day, EventKind.DOSE_MISSED if forgets else EventKind.DOSE, order.id, amount, order.dose_unit)

    def _count_neutrophils(self, day: float, order: Order, planned: float) -> None:
        """A count before a dose that begins a cycle, once a day, where the order's rule looks at it."""
        rule = order.rule
        if rule is None or not rule.limits_neutrophils or day == self._neutrophils_on:
            return
        if not any(on_grid(start) == on_grid(planned) for start in order.cycle_starts):
            return
        value = self._neutrophils = self._course.neutrophils()
        self._neutrophils_on = day
        record = self.record
        if record.neutrophil_nadir is None or value < record.neutrophil_nadir:
            record.neutrophil_nadir = value
        self._tell(day, EventKind.LABORATORY, NEUTROPHILS, value, "1e9/L")

    def _delay(self, day: float, index: int, days: float) -> None:
        """The dose, and all that follows by the same rule, moves."""
        leader, by = self._progress[self._leaders[index]], on_grid(days)
        leader.shift += by
        leader.waited += days
        leader.delayed_on = day
        self._tell(day, EventKind.DOSE_DELAYED, self._arm.orders[index].id, by, "days")

    def _has_place(self, day: float, index: int) -> bool:
        """Whether a dose that is due can be given now; otherwise its order waits."""
        if self._queue is None:
            return True
        waited = self._queue.days_waited(day, index, begun=self._progress[index].given > 0.0)
        if waited:
            self._tell(day, EventKind.DOSE_DELAYED, self._arm.orders[index].id, waited, "days")
        return waited is not None

    def _count_dose(self, day: float, progress: OrderProgress, fraction: float) -> None:
        progress.given += fraction
        record = self.record
        record.treated = True
        if record.first_dose is None:
            record.first_dose = day
        record.last_dose = day

    def _stop_order(self, day: float, index: int) -> None:
        progress, reason = self._progress[index], self._reason(index)
        self._to_come -= progress.remaining
        progress.stopped, progress.remaining = True, 0
        self._note_stop(day, reason)
        self._tell(day, EventKind.TREATMENT_STOPPED, f"{reason}: {self._arm.orders[index].id}")

    def _reason(self, index: int) -> str:
        """The count that an order is held for: platelets, unless its rule looks at neutrophils and they are low."""
        rule, count = self._arm.orders[index].rule, self._neutrophils
        low = rule is not None and count is not None and count < rule.neutrophils_resume_above
        return FOR_NEUTROPHILS if low else FOR_PLATELETS

    def _note_stop(self, day: float, reason: str) -> None:
        """Why treatment was first stopped early; its own rules bring about an intercurrent event."""
        if not self.record.treatment_stopped:
            self.record.treatment_stopped = reason
            if reason in (FOR_PLATELETS, FOR_NEUTROPHILS):
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
        if self._to_come or self.record.treatment_stopped or all(progress.withheld for progress in self._progress):
            return
        if self.record.treated or not any(progress.state.holds for progress in self._progress):
            self._tell(day, EventKind.TREATMENT_COMPLETED)
        else:  # every dose was held
            reason = self._reason(next(at for at, progress in enumerate(self._progress) if not progress.withheld))
            self._note_stop(day, reason)
            self._tell(day, EventKind.TREATMENT_STOPPED, reason)

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
