"""Subjects put through one arm, with their cells counted by population.

Like `trialsim.studies.experiment`, which sums cells by state. Here the counts keep the population, since mechanisms are
about what made a cell what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.biology.populations import N_POPULATIONS
from trialsim.conduct.competing_times import draw_competing_times
from trialsim.patient.bank import follow_all
from trialsim.patient.cohort import sample_traits
from trialsim.patient.state import LOCAL, Patient
from trialsim.patient.watched import WatchedPatient
from trialsim.records import Traits
from trialsim.rng import Purpose, stream
from trialsim.schedule import Timetable
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.studies.experiment import CHUNK, Plated, plate
from trialsim.studies.scope import check_scope
from trialsim.units import DAYS_PER_YEAR

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Where cells are: in the local bed, or anywhere else.
HERE, ELSEWHERE = 0, 1


@dataclass(frozen=True)
class WatchedCells:
    """Subjects looked at on given days, before that day's doses. Doses are given whatever platelets or panels say."""

    days: Floats
    cells: Integers
    """Subject x day x (HERE, ELSEWHERE) x population."""
    foci: Integers
    """Subject x day: disseminated foci that hold cells."""
    platelets: Floats
    """Subject x day, 1e9/L."""
    host: Floats
    """Subject x day: senescent stroma, in units of Karin 2019."""


@dataclass(frozen=True)
class FollowedPatients:
    """Patients scanned as their protocol says, dosed under its rules and panels, until relapse is seen or they die."""

    ends: float
    """Study day on which follow-up ends."""
    agents: tuple[str, ...]
    """The agent of each of the arm's orders."""
    relapse: Floats
    """Study day, infinite without relapse."""
    site: NDArray[np.str_]
    """``local``, ``distant``, or empty."""
    cause: NDArray[np.str_]
    """As reports name it; empty without relapse."""
    nadir: Floats
    """Lowest true platelet count, 1e9/L."""
    held: Floats
    """Subject x order: doses held."""
    given: Floats
    """Subject x order: doses given, in planned doses."""
    fraction: Floats
    """Subject x order: the dose at the end, as a share of the planned one."""
    stopped: Floats
    """Subject x order: 1 where it was given up."""
    positive: Floats
    """Subject x guide of the arm: 1 where its panel was positive; nan where it was not measured."""
    needed: Floats
    """Subject x guide: 1 where a panel that tells the truth would be; nan where it was not measured."""


Seen = WatchedCells | FollowedPatients


@dataclass(frozen=True)
class Setting:
    """One arm of an experiment, with the switch on or off."""

    protocol: ResolvedProtocol
    arm: str
    subjects: int
    days: tuple[float, ...] = ()
    """Study days of looks, ascending; or"""
    years: float | None = None
    """how long patients are followed."""
    plated: Plated | None = None


class SettingPart(NamedTuple):
    """A task: some subjects of a setting. ``place`` names the subjects: settings with the same place have the same."""

    setting: Setting
    place: int
    number: int
    seed: int

    @property
    def size(self) -> int:
        return min(CHUNK, self.setting.subjects - self.number * CHUNK)

    @property
    def replicate(self) -> int:
        """What keys the subjects' streams, together with their number in the part."""
        return self.place * _PARTS + self.number


#: Most parts of a setting, so that places never share a stream.
_PARTS = 1000


def parts(setting: Setting, place: int, seed: int) -> list[SettingPart]:
    """The tasks of a setting. CHUNK is part of what a result depends on; how many processes there are is not.

    Raises :class:`trialsim.errors.UsageError` for what such a setting does not honour (`trialsim.studies.scope`).
    """
    check_scope(setting.protocol, setting.arm, "watched" if setting.years is None else "followed")
    return [SettingPart(setting, place, number, seed) for number in range(-(-setting.subjects // CHUNK))]


def live(part: SettingPart) -> Seen:
    """Simulate the subjects of a task."""
    traits = sample_traits(part.setting.protocol.cohort, part.size, seed=part.seed, replicate=part.replicate)
    subjects = dict(enumerate(traits, start=1))
    return _watch(part, subjects) if part.setting.years is None else _follow(part, subjects, part.setting.years)


def join(seen: Sequence[Seen]) -> Seen:
    """A setting's parts as one."""
    first = seen[0]
    same = {"days", "ends", "agents"}
    own = [f.name for f in fields(first) if f.name not in same]
    joined = {name: np.concatenate([getattr(part, name) for part in seen]) for name in own}
    return type(first)(**{f.name: joined.get(f.name, getattr(first, f.name)) for f in fields(first)})


def _watch(part: SettingPart, subjects: Mapping[int, Traits]) -> WatchedCells:
    setting = part.setting
    arm, shape = setting.protocol.arms[setting.arm], (len(subjects), len(setting.days))
    seen = WatchedCells(
        np.array(setting.days),
        np.zeros((*shape, 2, N_POPULATIONS), np.int64),
        np.zeros(shape, np.int64),
        np.zeros(shape),
        np.zeros(shape),
    )
    timetable = list(_timetable(arm, setting.days))
    for row, (subject, traits) in enumerate(subjects.items()):
        watched = WatchedPatient(
            traits, arm, setting.protocol, patient=subject, seed=part.seed, replicate=part.replicate
        )
        if setting.plated is not None:
            # `SAMPLING` of a subject is used nowhere else: the report samples with the trial's.
            rng = stream(part.seed, Purpose.SAMPLING, subject=subject, replicate=part.replicate)
            plate(watched.lesions, setting.plated, traits, rng)
        for day, look, orders in timetable:
            if look is not None:
                _look(watched.look(day), seen, row, look)
            for order in orders:
                watched.give(order, day)
    return seen


def _timetable(arm: ResolvedArm, days: Sequence[float]) -> Iterator[tuple[float, int | None, list[int]]]:
    """Day, number of the look on it, and the orders of which a dose falls on it, in the arm's order."""
    looks = {day: at for at, day in enumerate(days)}
    doses: dict[float, list[int]] = {}
    for number, order in enumerate(arm.orders):
        for day in order.days:
            doses.setdefault(day, []).append(number)
    for day in sorted({*looks, *doses}):
        if day <= days[-1]:
            yield day, looks.get(day), doses.get(day, [])


def _look(found: Patient, seen: WatchedCells, row: int, look: int) -> None:
    cells = found.lesions["cells"]
    foci = cells[LOCAL + 1 :]
    seen.cells[row, look, HERE] = cells[LOCAL]
    seen.cells[row, look, ELSEWHERE] = foci.sum(axis=0)
    seen.foci[row, look] = np.count_nonzero(foci.any(axis=1))
    seen.platelets[row, look] = found.body["platelets"]["count"][0]
    seen.host[row, look] = found.body["host"]["burden"][0]


def _follow(part: SettingPart, subjects: Mapping[int, Traits], years: float) -> FollowedPatients:
    protocol, ends = part.setting.protocol, years * DAYS_PER_YEAR
    arm = protocol.arms[part.setting.arm]
    timetable = Timetable(arm, protocol.follow_up, ends)
    seed, replicate = part.seed, part.replicate
    times = {
        subject: draw_competing_times(protocol, traits, subject, seed=seed, replicate=replicate)
        for subject, traits in subjects.items()
    }
    death = {subject: own.death for subject, own in times.items()}
    new = {subject: own.new_therapy for subject, own in times.items()}
    lives = follow_all(
        protocol, arm, timetable, subjects, seed=seed, replicate=replicate, ends=death, new_therapies=new
    )
    return FollowedPatients(
        ends,
        tuple(order.agent for order in arm.orders),
        np.where(lives.relapsed, lives.of("relapse"), np.inf),
        np.array(lives.sites, np.str_),
        np.array(lives.causes, np.str_),
        lives.of("true_platelet_nadir"),
        lives.of_orders("held"),
        lives.of_orders("given"),
        lives.of_orders("fraction"),
        lives.of_orders("given_up"),
        lives.of_panels("positive"),
        lives.of_panels("truth"),
    )
