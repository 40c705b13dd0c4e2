"""Many simulated trials of conventional arms: what a design does, with its Monte-Carlo error.

Blocks of trials have streams of their own, keyed by the block's number, so more replicates change none that were
there, and the answer does not depend on how they are spread. 400 patients and three looks take about 0.03 ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trialsim.designs import replicate_kernel as kernel
from trialsim.designs.boundaries import Boundaries, DesignError
from trialsim.designs.spending import Floats
from trialsim.designs.survival import Steps
from trialsim.rng import Purpose, stream

#: Trials that share a stream. Part of the definition of a run: another number gives other draws.
BLOCK = 256


@dataclass(frozen=True)
class Arm:
    """Hazards of the event and of dropout in each stratum, by time since entry."""

    hazard: tuple[Steps, ...]
    dropout: tuple[Steps, ...]


@dataclass(frozen=True)
class Population:
    """Who enters such a trial, and what awaits them. Times in any unit, the same throughout."""

    patients: int
    accrual: Steps
    """Rate of entry; the last value goes on until everybody has come."""
    arms: tuple[Arm, ...]
    """The first is the control."""
    ratio: tuple[int, ...] = (1, 1)
    blocks: tuple[int, ...] = (4,)
    shares: tuple[float, ...] = (1.0,)
    """Chance of each stratum; blocks are permuted within strata."""

    def __post_init__(self) -> None:
        if self.accrual.values[-1] <= 0.0:
            raise DesignError("accrual ends before everybody has come", "a last rate above 0")
        if len(self.ratio) != len(self.arms) or any(size % sum(self.ratio) for size in self.blocks):
            raise DesignError("blocks are whole multiples of the ratio's sum, and the ratio has a part for each arm")
        if any(len(arm.hazard) != len(self.shares) or len(arm.dropout) != len(self.shares) for arm in self.arms):
            raise DesignError("every arm has a hazard and a dropout for each stratum")
        if not math.isclose(sum(self.shares), 1.0):
            raise DesignError("the shares of the strata add up to 1")


@dataclass(frozen=True)
class Schedule:
    """When a trial is looked at, and where it stops. One entry for each look."""

    events: tuple[int, ...]
    """The look is at this event; 0 leaves it to ``earliest``."""
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    sided: int = 1
    earliest: tuple[float, ...] = ()
    latest: tuple[float, ...] = ()
    stratified: bool = False
    weights: tuple[float, float] = (0.0, 0.0)
    """Fleming-Harrington (rho, gamma); (0, 0) is the log-rank test."""


def at_events(design: Boundaries, events: float, **more: object) -> Schedule:
    """Looks at shares of a number of events, rounded up, with the boundaries of a design."""
    targets = tuple(math.ceil(round(share * events, 9)) for share in design.information)
    return Schedule(targets, design.upper, design.lower, design.sided, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class MonteCarloEstimate:
    """A share or mean over the trials, and its Monte-Carlo standard error."""

    value: float
    se: float


@dataclass(frozen=True)
class Replicates:
    """What every trial's looks saw and how it ended."""

    cut: Floats
    """Calendar time of each look of each trial; NaN after the stop."""
    events: Floats
    z: Floats
    looks: NDArray[np.int64]
    ended: NDArray[np.int64]
    """As in :mod:`~trialsim.designs.replicate_kernel`: not shown, efficacy, futility, harm."""
    _rows: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", np.arange(len(self.looks)))

    def __len__(self) -> int:
        return len(self.looks)

    def share(self, chosen: NDArray[np.bool_]) -> MonteCarloEstimate:
        """Share of the trials that are chosen."""
        p = float(chosen.mean())
        return MonteCarloEstimate(p, math.sqrt(p * (1.0 - p) / len(self)))

    @property
    def power(self) -> MonteCarloEstimate:
        """Trials that stop for efficacy at any look (the type I error where there is no effect)."""
        return self.share(self.ended == kernel.EFFICACY)

    def rejected_by(self, look: int) -> MonteCarloEstimate:
        """Trials that have stopped for efficacy by a look, counted from 1."""
        return self.share((self.ended == kernel.EFFICACY) & (self.looks <= look))

    @property
    def expected_events(self) -> MonteCarloEstimate:
        """Events at the stop."""
        return self._mean(self.events)

    @property
    def expected_duration(self) -> MonteCarloEstimate:
        """Calendar time of the stop."""
        return self._mean(self.cut)

    def _mean(self, values: Floats) -> MonteCarloEstimate:
        last = values[self._rows, self.looks - 1]
        return MonteCarloEstimate(float(last.mean()), float(last.std(ddof=1) / math.sqrt(len(self))))


def run(
    population: Population,
    schedule: Schedule,
    replicates: int,
    *,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Replicates:
    """Simulate trials of two arms."""
    if len(population.arms) != 2:
        raise DesignError("these looks compare two arms")
    drawn, looks = as_drawn(population), _as_looked_at(schedule, len(population.shares))

    def work(rng: np.random.Generator, found: Floats, ended: NDArray[np.int64]) -> None:
        kernel.run_block(rng, population.patients, drawn, looks, found, ended)

    return _in_blocks(work, len(schedule.events), replicates, seed, on_progress)


@dataclass(frozen=True)
class LivedCourses:
    """Patients who were lived before, each under both arms: what a trial may draw from."""

    event: Floats
    """(arms, patients): days from randomisation to the event as it is seen; infinite without one. Control first."""
    loss: Floats
    """The same of the end of follow-up without an event."""
    stratum: NDArray[np.int64]
    """The stratum of each patient, from 0."""

    def __post_init__(self) -> None:
        arms, patients = self.event.shape
        if arms != 2 or self.loss.shape != self.event.shape or self.stratum.shape != (patients,) or not patients:
            raise DesignError("courses are those of the same patients under two arms, with a stratum for each patient")


def run_courses(
    courses: LivedCourses,
    patients: int,
    accrual: Steps,
    schedule: Schedule,
    replicates: int,
    *,
    seed: int,
    ratio: tuple[int, int] = (1, 1),
    blocks: tuple[int, ...] = (4,),
    on_progress: Callable[[int, int], None] | None = None,
) -> Replicates:
    """Trials of patients who are drawn from courses, with replacement, as a bootstrap of the cohort.

    The error of the answer has two parts: that of the replicates, which :class:`MonteCarloEstimate` tells, and that of
    the courses, which only more courses make smaller: about as if a trial of so many patients had been run once.
    """
    if accrual.values[-1] <= 0.0 or any(size % sum(ratio) for size in blocks):
        raise DesignError("accrual goes on until everybody has come, and blocks are whole multiples of the ratio's sum")
    strata = int(courses.stratum.max()) + 1
    drawn = kernel.CourseArrays(
        _one(accrual),
        np.array(blocks),
        np.array(ratio),
        np.ascontiguousarray(courses.event, dtype=np.float64),
        np.ascontiguousarray(courses.loss, dtype=np.float64),
        np.ascontiguousarray(courses.stratum, dtype=np.int64),
        strata,
    )
    looks = _as_looked_at(schedule, strata)

    def work(rng: np.random.Generator, found: Floats, ended: NDArray[np.int64]) -> None:
        kernel.run_block_of_courses(rng, patients, drawn, looks, found, ended)

    return _in_blocks(work, len(schedule.events), replicates, seed, on_progress)


def _as_looked_at(schedule: Schedule, strata: int) -> kernel.LookRules:
    """A schedule as the kernel takes it."""
    count = len(schedule.events)
    rho, gamma = map(float, schedule.weights)
    return kernel.LookRules(
        np.array(schedule.events),
        np.array(schedule.earliest or (0.0,) * count),
        np.array(schedule.latest or (math.inf,) * count),
        np.array(schedule.upper),
        np.array(schedule.lower),
        schedule.sided,
        False,
        strata if schedule.stratified else 1,
        rho,
        gamma,
    )


def _in_blocks(
    work: Callable[[np.random.Generator, Floats, NDArray[np.int64]], None],
    looks: int,
    replicates: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None,
) -> Replicates:
    """The work done block by block, each with a stream of its own."""
    found = np.full((replicates, looks, 3), np.nan)
    ended = np.zeros((replicates, 2), dtype=np.int64)
    for first in range(0, replicates, BLOCK):
        block = slice(first, min(first + BLOCK, replicates))
        rng = stream(seed, Purpose.REPLICATES, replicate=first // BLOCK)
        work(rng, found[block], ended[block])
        if on_progress is not None:
            on_progress(block.stop, replicates)
    return Replicates(
        found[:, :, kernel.CUT], found[:, :, kernel.EVENTS], found[:, :, kernel.Z], ended[:, 0], ended[:, 1]
    )


@dataclass(frozen=True)
class ManyArms:
    """Trials of several arms: calendar time, and events and z of each arm against the control, at every look."""

    cut: Floats
    events: Floats
    z: Floats


def run_arms(
    population: Population, targets: Sequence[int], replicates: int, *, seed: int, stratified: bool = False
) -> ManyArms:
    """Simulate trials of several arms with looks at events of all arms, none of which stops anything."""
    looks, others = len(targets), len(population.arms) - 1
    cuts, (events, z) = np.full((replicates, looks), np.nan), np.zeros((2, replicates, looks, others))
    drawn = as_drawn(population)
    for first in range(0, replicates, BLOCK):
        block = slice(first, min(first + BLOCK, replicates))
        rng = stream(seed, Purpose.REPLICATES, replicate=first // BLOCK)
        kernel.run_block_of_arms(
            rng,
            population.patients,
            drawn,
            np.array(targets),
            len(population.shares) if stratified else 1,
            cuts[block],
            events[block],
            z[block],
        )
    return ManyArms(cuts, events, z)


def as_drawn(population: Population) -> kernel.PopulationArrays:
    """A population as the kernel takes it."""
    order = [(stratum, arm) for stratum in range(len(population.shares)) for arm in population.arms]
    return kernel.PopulationArrays(
        _one(population.accrual),
        np.cumsum(population.shares),
        np.array(population.blocks),
        np.array(population.ratio),
        _pieces([arm.hazard[stratum] for stratum, arm in order]),
        _pieces([arm.dropout[stratum] for stratum, arm in order]),
    )


def _one(steps: Steps) -> kernel.Pieces:
    """One step function, without rows."""
    pieces = _pieces([steps])
    return kernel.Pieces(pieces.times[0], pieces.counts[0], pieces.rates[0])


def _pieces(steps: Sequence[Steps]) -> kernel.Pieces:
    """The integral of step functions, a row for each, all of one length.

    Shorter ones are filled up with pieces of no length at the start.
    """
    longest = max(len(each.values) for each in steps)
    times, counts, rates = np.zeros((3, len(steps), longest))
    for row, each in enumerate(steps):
        fill = longest - len(each.values)
        starts = np.array((0.0, *each.ends))
        times[row, fill:], rates[row, fill:] = starts, each.values
        rates[row, :fill] = each.values[0]
        counts[row, fill:] = np.concatenate(([0.0], np.cumsum(np.diff(starts) * np.array(each.values[:-1]))))
    return kernel.Pieces(times, counts, rates)
