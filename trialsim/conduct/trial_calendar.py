"""The trial from the day it opens to the data cut.

Enrolment is one SimPy process, every patient another. The data are cut ``minimum_days`` after the last
patient was randomised: events on the instant of the cut are in the data, later ones never happen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import simpy

from trialsim.collecting import uncollected
from trialsim.conduct.calendar_grid import on_grid
from trialsim.conduct.competing_times import (
    CompetingTimes,
    draw_competing_times,
    draw_post_relapse_survival,
    times_of_law,
)
from trialsim.conduct.course import Course, NewCourse
from trialsim.conduct.enrolment import Arrival, lay_out
from trialsim.conduct.interruption import deferred
from trialsim.conduct.law_course import LawCourse
from trialsim.conduct.laws import draw_event_day
from trialsim.conduct.own_visits import own_visits
from trialsim.conduct.patient_process import PatientProcess
from trialsim.conduct.randomisation import Randomiser
from trialsim.conduct.schedule import Visit, arm_schedule
from trialsim.errors import UsageError
from trialsim.records import Event, EventKind, PatientRecord, Traits, TrialRecord
from trialsim.rng import TRIAL
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
    replicate: int = 0,
) -> TrialRecord:
    """Run the trial.

    ``traits[i]`` belongs to subject ``i + 1``, who is the ``i + 1``-th to come. ``new_course`` makes the
    patient's course at randomisation. ``on_progress(day, cut_day)`` is called about
    two hundred times as the calendar goes on; ``observe`` sees every event as it happens. Neither can change the trial.
    """
    conduct = _Conduct(protocol, seed, traits, new_course, on_progress, observe, replicate)
    return conduct.run()


def conduct_one_patient(
    protocol: ResolvedProtocol,
    patient: int,
    *,
    seed: int,
    traits: Sequence[Traits],
    new_course: NewCourse,
    arm: str | None = None,
    replicate: int = 0,
) -> TrialRecord:
    """One patient of the trial that :func:`conduct_trial` runs, alone, with the same events on the same days.

    ``arm`` None is the arm that the trial gave; another name shows what the other arm would have brought. Earlier
    patients are randomised, since they decide the arm, but not followed.
    """
    return _Conduct(protocol, seed, traits, new_course, None, None, replicate).run_one(patient, arm)


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
        self._patients: list[PatientProcess] = []
        self._arrivals = lay_out(protocol, traits, seed=seed, replicate=replicate)
        self._randomised = [arrival for arrival in self._arrivals if not arrival.excluded]
        self._randomiser = Randomiser(protocol, seed=seed, replicate=replicate)
        self._schedules = self._make_schedules()

    def run(self) -> TrialRecord:
        self._env.process(self._enrol())
        cut_day = self._cut_day()
        self._step_to(cut_day)
        for patient in self._patients:
            if not patient.closed:
                patient.close_at_cut(cut_day)
            patient.settle(cut_day)
        self._events.sort(key=lambda event: (event.day, event.patient))
        self._log(Event(cut_day, TRIAL, cut_day, EventKind.DATA_CUT))
        return TrialRecord(self._events, [patient.record for patient in self._patients], cut_day)

    def run_one(self, patient: int, arm: str | None) -> TrialRecord:
        for earlier in self._randomised:
            if earlier.subject >= patient:
                break
            self._assign(earlier)
        arrival = next((a for a in self._randomised if a.subject == patient), None)
        if arrival is None:
            raise UsageError(f"no patient with the number {patient} was randomised")
        cut_day = self._cut_day()
        self._env = simpy.Environment(initial_time=arrival.day)
        process = self._randomise(arrival, arm)
        self._step_to(cut_day)
        if not process.closed:
            process.close_at_cut(cut_day)
        process.settle(cut_day)
        return TrialRecord(self._events, [process.record], cut_day)

    def _cut_day(self) -> float:
        return self._randomised[-1].day + on_grid(self._protocol.follow_up.minimum_days)

    def _step_to(self, cut_day: float) -> None:
        """Every event up to and on the instant of the cut (SimPy's own ``until`` would leave out the latter)."""
        env, tell = self._env, self._on_progress or _ignore
        next_told = 0.0
        with uncollected(), deferred() as interruption:
            while env.peek() <= cut_day:
                env.step()
                interruption.stop_if_asked()
                if env.now >= next_told:
                    tell(int(env.now), int(cut_day))
                    next_told += cut_day / _TOLD
        tell(int(cut_day), int(cut_day))

    def _make_schedules(self) -> dict[str, tuple[Visit, ...]]:
        """Each arm's schedule, to the end of the longest follow-up that any patient can have."""
        follow_up = self._protocol.follow_up
        horizon = self._randomised[-1].day - self._randomised[0].day + on_grid(follow_up.minimum_days)
        return {name: arm_schedule(arm, follow_up.scans, horizon) for name, arm in self._protocol.arms.items()}

    def _enrol(self) -> Iterator[Any]:
        env = self._env
        screened = not self._protocol.accrual.screening.is_idle
        for arrival in self._arrivals:
            yield env.timeout(arrival.day - env.now)
            if screened:
                self._log(Event(arrival.day, arrival.subject, 0.0, EventKind.SCREENED, f"site {arrival.site}"))
            if arrival.excluded:
                self._log(Event(arrival.day, arrival.subject, 0.0, EventKind.EXCLUDED, arrival.excluded))
                continue
            self._patients.append(self._randomise(arrival))

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
        process = PatientProcess(record, arm, course, times, log=self._log, post_relapse=post_relapse)
        self._env.process(process.follow(self._env, own_visits(self._schedules[name], times)))
        return process

    def _fate(self, record: PatientRecord, arm: ResolvedArm, traits: Traits) -> tuple[CompetingTimes, Course]:
        """The times that compete with a patient's course, and the course: of cells, or the event of a law."""
        protocol, seed, replicate = self._protocol, self._seed, self._replicate
        times = draw_competing_times(protocol, traits, record.patient, seed=seed, replicate=replicate)
        if arm.model is None:
            return times, self._new_course(record.patient, arm, traits)
        event = draw_event_day(arm.model, record.patient, seed=seed, replicate=replicate)
        record.watched = not protocol.follow_up.scans
        times = times_of_law(protocol, times, event)
        # Where there are scans, a relapse waits for the one that sees it.
        return (times if record.watched else times._replace(event=math.inf)), LawCourse(event)

    def _tee(self, observe: Callable[[Event], None]) -> Callable[[Event], None]:
        def log(event: Event) -> None:
            self._events.append(event)
            observe(event)

        return log
