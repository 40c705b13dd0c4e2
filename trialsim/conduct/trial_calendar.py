"""The trial from the day it opens to the data cut.

Enrolment is one SimPy process, every patient another. The data are cut as `trialsim.conduct.data_cut` says: events on
the instant of the cut are in the data, later ones never happen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import simpy

from trialsim.calendar_grid import on_grid
from trialsim.collecting import uncollected
from trialsim.conduct.capacity import Clinic
from trialsim.conduct.competing_times import (
    CompetingTimes,
    draw_after_relapse,
    draw_competing_times,
    draw_post_relapse_survival,
    times_of_law,
)
from trialsim.conduct.course import NewCourse, PatientCourse
from trialsim.conduct.data_cut import DataCut, HasEvent
from trialsim.conduct.enrolment import Arrival, lay_out
from trialsim.conduct.interim import Interim
from trialsim.conduct.interruption import deferred
from trialsim.conduct.law_course import LawCourse
from trialsim.conduct.laws import draw_event_day
from trialsim.conduct.patient_process import PatientProcess
from trialsim.conduct.randomisation import Randomiser
from trialsim.errors import TrialsimError, UsageError
from trialsim.records import Event, EventKind, PatientRecord, Traits, TrialRecord
from trialsim.rng import TRIAL
from trialsim.schedule import PlannedVisits, Timetable
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol

#: How often progress is told in a trial.
_TOLD = 200


def conduct_trial(
    protocol: ResolvedProtocol,
    *,
    seed: int,
    traits: Sequence[Traits],
    new_course: NewCourse,
    on_progress: Callable[[int, int], None] | None = None,
    observe: Callable[[Event], None] | None = None,
    has_event: HasEvent | None = None,
    interim: Interim | None = None,
    replicate: int = 0,
) -> TrialRecord:
    """Run the trial.

    ``traits[i]`` belongs to subject ``i + 1``, who is the ``i + 1``-th to come. ``new_course`` makes the
    patient's course at randomisation. ``on_progress(day, cut_day)`` is called about
    two hundred times as the calendar goes on; ``observe`` sees every event as it happens. Neither can change the trial.
    ``has_event`` tells what the primary endpoint counts, which a cut by events needs to know. ``interim`` looks at the
    data on the way and may end the trial.

    Raises
    ------
    TrialsimError
        The data are cut before any patient is randomised.
    """
    conduct = _Conduct(protocol, seed, traits, new_course, on_progress, observe, has_event, interim, replicate)
    return conduct.run()


def conduct_one_patient(
    protocol: ResolvedProtocol,
    patient: int,
    *,
    seed: int,
    traits: Sequence[Traits],
    new_course: NewCourse,
    arm: str | None = None,
    has_event: HasEvent | None = None,
    interim: Interim | None = None,
    cut_day: float | None = None,
    replicate: int = 0,
) -> TrialRecord:
    """One patient of the trial that :func:`conduct_trial` runs, alone, with the same events on the same days.

    ``arm`` None is the arm that the trial gave; another name shows what the other arm would have brought. Earlier
    patients are randomised, since they decide the arm, but not followed. The whole trial is run around the patient if
    all wait for the same places, or if events cut the data and the day of the cut is not given.
    """
    conduct = _Conduct(protocol, seed, traits, new_course, None, None, has_event, interim, replicate)
    return conduct.run_one(patient, arm, cut_day)


def conduct_under(
    protocol: ResolvedProtocol,
    arm: str,
    *,
    seed: int,
    traits: Sequence[Traits],
    new_course: NewCourse,
    cut_day: float,
    replicate: int = 0,
) -> TrialRecord:
    """The trial that :func:`conduct_trial` runs, cut on a calendar day, with every patient under one arm."""
    conduct = _Conduct(protocol, seed, traits, new_course, None, None, lambda _: False, None, replicate)
    return conduct.run_under(arm, cut_day)


def _ignore(_day: int, _cut_day: int) -> None:
    """Nobody wants to know about progress."""


class _Conduct:
    """One run of the calendar."""

    def __init__(
        self,
        protocol: ResolvedProtocol,
        seed: int,
        traits: Sequence[Traits],
        new_course: NewCourse,
        on_progress: Callable[[int, int], None] | None,
        observe: Callable[[Event], None] | None,
        has_event: HasEvent | None,
        interim: Interim | None,
        replicate: int,
    ) -> None:
        self._protocol = protocol
        self._seed = seed
        self._replicate = replicate
        self._traits = traits
        self._new_course = new_course
        self._on_progress = on_progress
        self._env = simpy.Environment()
        self._events: list[Event] = []
        self._log = self._events.append if observe is None else self._tee(observe)
        self._patients: dict[int, PatientProcess] = {}
        #: Arms that are given whatever the allocation says.
        self._arms: dict[int, str] = {}
        self._arrivals = lay_out(protocol, traits, seed=seed, replicate=replicate)
        looks = protocol.analysis.looks
        self._enriches = looks is not None and looks.enrich is not None
        #: The one level of a trait that is enrolled, once a look has said so.
        self._only: tuple[str, str] | None = None
        self._randomised = [arrival for arrival in self._arrivals if not arrival.excluded]
        self._randomiser = Randomiser(protocol, seed=seed, replicate=replicate)
        self._interim = interim
        self._targets = list(interim.targets) if interim is not None else []
        self._cut = DataCut(protocol.follow_up, self._randomised[-1].day, has_event)
        if self._cut.day < self._randomised[0].day:
            raise TrialsimError(
                f"the data are cut on day {self._cut.day:g}, before the first patient is randomised on day "
                f"{self._randomised[0].day:.1f}"
            )
        # The end of the longest follow-up that any patient can have; a scan that is planned for later may come by then.
        horizon = self._cut.day - self._randomised[0].day + on_grid(protocol.follow_up.window_days)
        queued = protocol.capacity is not None
        self._timetables = {
            name: Timetable(arm, protocol.follow_up, horizon, queued=queued) for name, arm in protocol.arms.items()
        }
        self._clinics: dict[int, Clinic] = {}

    def run(self) -> TrialRecord:
        self._env.process(self._enrol())
        cut_day = self._step_to_cut()
        for patient in self._patients.values():
            self._close(patient, cut_day)
        # What concerns the trial comes after what happens to its patients at the same instant.
        self._events.sort(key=lambda event: (event.day, math.inf if event.patient == TRIAL else event.patient))
        told = self._cut.by if self._protocol.follow_up.cut is not None else ""
        self._log(Event(cut_day, TRIAL, cut_day, EventKind.DATA_CUT, told))
        return TrialRecord(self._events, [p.record for p in self._patients.values()], cut_day, self._cut.by)

    def run_under(self, arm: str, cut_day: float) -> TrialRecord:
        self._arms = {arrival.subject: arm for arrival in self._randomised}
        self._cut.fix(cut_day)
        return self.run()

    def run_one(self, patient: int, arm: str | None, cut_day: float | None) -> TrialRecord:
        if self._protocol.capacity is not None or (self._cut.follows_events and cut_day is None):
            return self._run_around(patient, arm)
        for earlier in self._randomised:
            if earlier.subject >= patient:
                break
            self._assign(earlier)
        arrival = next((a for a in self._randomised if a.subject == patient), None)
        if arrival is None:
            raise UsageError(f"no patient with the number {patient} was randomised")
        if cut_day is not None:
            self._cut.fix(cut_day)
        if arrival.day > self._cut.day:
            raise UsageError(f"patient {patient} would have come after the data cut")
        self._env = simpy.Environment(initial_time=arrival.day)
        process = self._randomise(arrival, arm)
        cut_day = self._step_to_cut()
        self._close(process, cut_day)
        return TrialRecord(self._events, [process.record], cut_day, self._cut.by)

    def _run_around(self, patient: int, arm: str | None) -> TrialRecord:
        """The whole trial, of which one patient is kept."""
        if arm is not None:
            self._arms[patient] = arm
        trial = self.run()
        if patient not in self._patients:
            raise UsageError(f"no patient with the number {patient} was randomised")
        events = [event for event in trial.events if event.patient == patient]
        return replace(trial, events=events, patients=[self._patients[patient].record])

    def _close(self, patient: PatientProcess, cut_day: float) -> None:
        if not patient.closed:
            patient.close_at_cut(cut_day)
        patient.settle(cut_day)

    def _step_to_cut(self) -> float:
        """Every event up to and on the instant of the cut (SimPy's own ``until`` would leave out the latter)."""
        env, cut, tell = self._env, self._cut, self._on_progress or _ignore
        expected = cut.day
        next_told = 0.0
        with uncollected(), deferred() as interruption:
            while env.peek() <= cut.day:
                env.step()
                interruption.stop_if_asked()
                if self._targets and self._cut.seen >= self._targets[0] and env.peek() > env.now:
                    self._look(env.now)
                if env.now >= next_told:
                    tell(int(env.now), int(expected))
                    next_told += expected / _TOLD
        tell(int(expected), int(expected))
        return cut.day

    def _look(self, day: float) -> None:
        """An interim look, when everything of its instant has happened; it may end the trial there."""
        assert self._interim is not None
        while self._targets and self._cut.seen >= self._targets[0]:
            self._targets.pop(0)
        if day >= self._cut.day:
            return  # the final analysis has come first
        known = TrialRecord([], [patient.as_of(day) for patient in self._patients.values()], day)
        told = self._interim.judge(known)
        self._log(Event(day, TRIAL, day, EventKind.LOOK, told.words))
        self._only = told.only or self._only
        for arm in told.closes:
            self._randomiser.close(arm)
        if told.shares is not None:
            self._randomiser.favour(told.shares)
        if told.events is not None:
            self._cut.wait_for(told.events)
        if told.stops:
            self._cut.stop(day, told.words)

    def _enrol(self) -> Iterator[Any]:
        env = self._env
        screened = not self._protocol.accrual.screening.is_idle or self._enriches
        for arrival in self._arrivals:
            if len(self._patients) == self._protocol.accrual.patients:
                return
            yield env.timeout(arrival.day - env.now)
            if screened:
                self._log(Event(arrival.day, arrival.subject, 0.0, EventKind.SCREENED, f"site {arrival.site}"))
            excluded = arrival.excluded or self._turned_away(arrival)
            if excluded:
                self._log(Event(arrival.day, arrival.subject, 0.0, EventKind.EXCLUDED, excluded))
                continue
            self._randomise(arrival, self._arms.get(arrival.subject))

    def _turned_away(self, arrival: Arrival) -> str:
        """Why somebody who could have been randomised no longer is; empty if they are."""
        if self._only is None:
            return ""
        factor, level = self._only
        own = str(self._traits[arrival.subject - 1][factor])
        return "" if own == level else f"{factor} {own} is closed"

    def _assign(self, arrival: Arrival) -> tuple[str, str]:
        """The next allocation, and the patient's stratum."""
        subject = arrival.subject
        return self._randomiser.assign(self._traits[subject - 1], subject=subject, site=arrival.site)

    def _randomise(self, arrival: Arrival, given: str | None = None) -> PatientProcess:
        """The patient's process, started; under the arm that is ``given`` in place of their own."""
        protocol, seed, replicate = self._protocol, self._seed, self._replicate
        patient, day, site = arrival.subject, arrival.day, arrival.site
        traits = self._traits[patient - 1]
        assigned, stratum = self._assign(arrival)
        name = given or assigned
        arm = protocol.arms[name]
        self._log(Event(day, patient, 0.0, EventKind.ENROLLED, f"site {site}"))
        self._log(Event(day, patient, 0.0, EventKind.RANDOMISED, name))

        def post_relapse(relapse_site: str) -> float:
            medians = protocol.cohort.post_relapse
            return draw_post_relapse_survival(medians, relapse_site, patient, seed=seed, replicate=replicate)

        record = PatientRecord(patient, name, site, stratum, randomised_day=day, traits=dict(traits))
        times, course = self._fate(record, arm, traits)
        process = PatientProcess(
            record,
            arm,
            course,
            times,
            log=self._log_of(record),
            post_relapse=post_relapse,
            after_relapse=draw_after_relapse(protocol, name, patient, seed=seed, replicate=replicate),
            clinic=self._clinic(site),
            lethal=protocol.pharmacology.is_lethal,
        )
        self._patients[patient] = process
        self._env.process(process.follow(self._env))
        return process

    def _fate(self, record: PatientRecord, arm: ResolvedArm, traits: Traits) -> tuple[CompetingTimes, PatientCourse]:
        """The times that compete with a patient's course, and the course: of cells, or the event of a law."""
        protocol, seed, replicate = self._protocol, self._seed, self._replicate
        times = draw_competing_times(protocol, traits, record.patient, seed=seed, replicate=replicate)
        if arm.model is None:
            return times, self._new_course(record.patient, arm, traits, self._visits_of(record, times))
        new = protocol.intercurrent.new_therapy
        changes = [(times.new_therapy, new.hazard_ratio)] if new is not None else []
        event = draw_event_day(arm.model, record.patient, seed=seed, replicate=replicate, changes=changes)
        record.watched = not protocol.follow_up.scans
        times = times_of_law(protocol, times, event)
        return times, LawCourse(times.event, self._visits_of(record, times), watched=record.watched)

    def _visits_of(self, record: PatientRecord, times: CompetingTimes) -> PlannedVisits:
        """The visits that a patient has before them."""
        timetable, seed, replicate = self._timetables[record.arm], self._seed, self._replicate
        return timetable.of(record.patient, times.new_therapy, seed=seed, replicate=replicate)

    def _clinic(self, site: int) -> Clinic | None:
        """Where the patients of a site are treated, if places are limited."""
        capacity = self._protocol.capacity
        if capacity is None:
            return None
        at = site if capacity.per_site else 0
        if at not in self._clinics:
            self._clinics[at] = Clinic(self._env, self._protocol)
        return self._clinics[at]

    def _log_of(self, record: PatientRecord) -> Callable[[Event], None]:
        """The log of one patient: where events cut the data, the cut looks at what is written."""
        if not self._cut.follows_events:
            return self._log

        def log(event: Event) -> None:
            self._log(event)
            self._cut.see(event, record)

        return log

    def _tee(self, observe: Callable[[Event], None]) -> Callable[[Event], None]:
        def log(event: Event) -> None:
            self._events.append(event)
            observe(event)

        return log
