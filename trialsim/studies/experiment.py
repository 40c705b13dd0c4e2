"""Subjects of an experiment: animals, dishes or patients put through one arm of a protocol and looked at.

This is the only part of the studies that touches cells. It knows a subject through the calls that a trial makes
(`trialsim.patient.course`), and counts cells by what they are.

A *watched* group is looked at on given days, before that day's doses: counts of the primary tumour (the local bed) by
state, the rest of the body, platelets. A *followed* group is scanned as its protocol says, and dies, like the patients
of a trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.biology.populations import (
    DIPLOID,
    DORMANT,
    ESCAPED,
    IMMATURE,
    MATURE,
    POLYPLOID,
    RESIDUAL,
    RESISTANT,
    SENESCENT,
    SENSITIVE,
    senescent,
)
from trialsim.conduct.competing_times import draw_competing_times, draw_post_relapse_survival
from trialsim.patient.bank import follow_all
from trialsim.patient.cohort import sample_traits
from trialsim.patient.state import LOCAL
from trialsim.patient.watched import WatchedPatient
from trialsim.records import Traits
from trialsim.rng import Purpose, stream
from trialsim.schedule import Timetable
from trialsim.spec.agents import INDUCERS, Frozen
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.structured import Counts
from trialsim.studies.scope import check_scope

Floats = NDArray[np.float64]

#: Subjects of one task; part of what a result depends on, since a subject's streams are keyed by task and number.
CHUNK = 100
#: Most chunks of a group, so that groups never share a stream.
_CHUNKS = 1000

#: Columns of a count: the primary tumour by state, then all cells elsewhere.
STATES = ("cycling", "dormant", "escaped", "senescent", "elsewhere")
CYCLING, ASLEEP, ESCAPERS, SENESCENTS, ELSEWHERE = range(5)


class Plated(Frozen):
    """Counted cells put into the animal or dish on day 0, in place of what the cohort would start with."""

    cycling: int = 0
    escaped: int = 0
    senescent: int = 0
    inducer: str = "dna_damage"
    """What made the senescent cells, and those that the escaped ones come from, senescent."""
    mature: bool = True
    """Whether the senescent cells have had days to become what senolytics can kill."""


@dataclass(frozen=True)
class SubjectGroup:
    """Subjects that are treated alike."""

    protocol: ResolvedProtocol
    arm: str
    subjects: int
    days: tuple[float, ...]
    """Study days of the looks, ascending; for a followed group the last one ends follow-up."""
    followed: bool = False
    plated: Plated | None = None


@dataclass(frozen=True)
class Watched:
    """What was counted. A subject taken out (its tumour had reached the detection limit) has nan from the next look."""

    days: Floats
    cells: Floats
    """Subject x day x STATES."""
    platelets: Floats
    """Subject x day, 1e9/L."""
    host: Floats
    """Subject x day: senescent stroma of the host, in units of Karin 2019."""
    place: int = 0
    """Which streams the subjects have: groups with the same are the same subjects (twins)."""

    @property
    def tumour(self) -> Floats:
        """Subject x day: all cells of the primary tumour, alive in whatever state."""
        return np.asarray(self.cells[:, :, :ELSEWHERE].sum(axis=2), np.float64)


@dataclass(frozen=True)
class Followed:
    """What became of patients; study days, infinite where it never happened within follow-up."""

    ends: float
    """The end of follow-up."""
    relapse: Floats
    death: Floats
    """From other causes, or from cancer after relapse."""
    place: int = 0
    """As in `Watched`."""


class Chunk(NamedTuple):
    """A task: some subjects of a group. ``place`` keys their streams, ``part`` is the chunk's number."""

    group: SubjectGroup
    place: int
    part: int
    seed: int

    @property
    def size(self) -> int:
        return min(CHUNK, self.group.subjects - self.part * CHUNK)


def chunks(group: SubjectGroup, place: int, seed: int) -> list[Chunk]:
    """The tasks of a group. Groups with the same ``place`` have the same subjects (twins), others have others.

    Raises :class:`trialsim.errors.UsageError` for what such a group does not honour (`trialsim.studies.scope`).
    """
    check_scope(group.protocol, group.arm, "followed" if group.followed else "watched")
    return [Chunk(group, place, part, seed) for part in range(math.ceil(group.subjects / CHUNK))]


def run_chunk(chunk: Chunk) -> Watched | Followed:
    """Simulate the subjects of a task."""
    replicate = chunk.place * _CHUNKS + chunk.part
    traits = sample_traits(chunk.group.protocol.cohort, chunk.size, seed=chunk.seed, replicate=replicate)
    subjects: Mapping[int, Traits] = dict(enumerate(traits, start=1))
    if chunk.group.followed:
        return replace(_follow(chunk.group, subjects, chunk.seed, replicate), place=chunk.place)
    return replace(_watch(chunk.group, subjects, chunk.seed, replicate), place=chunk.place)


def join(parts: list[Watched | Followed]) -> Watched | Followed:
    """A group's chunks as one."""
    first = parts[0]
    if isinstance(first, Watched):
        watched = [part for part in parts if isinstance(part, Watched)]
        cells, platelets, host = (
            np.concatenate([getattr(p, name) for p in watched]) for name in ("cells", "platelets", "host")
        )
        return replace(first, cells=cells, platelets=platelets, host=host)
    followed = [part for part in parts if isinstance(part, Followed)]
    relapse, death = (np.concatenate([getattr(p, name) for p in followed]) for name in ("relapse", "death"))
    return replace(first, relapse=relapse, death=death)


def _watch(group: SubjectGroup, subjects: Mapping[int, Traits], seed: int, replicate: int) -> Watched:
    days = np.array(group.days)
    cells = np.full((len(subjects), days.size, len(STATES)), np.nan)
    platelets, host = (np.full((len(subjects), days.size), np.nan) for _ in range(2))
    timetable = list(_timetable(group))
    limit = group.protocol.detection.limit_cells
    for row, (subject, traits) in enumerate(subjects.items()):
        arm = group.protocol.arms[group.arm]
        watched = WatchedPatient(traits, arm, group.protocol, patient=subject, seed=seed, replicate=replicate)
        if group.plated is not None:
            # `SAMPLING` of a subject is used nowhere else: the report samples with the trial's.
            rng = stream(seed, Purpose.SAMPLING, subject=subject, replicate=replicate)
            plate(watched.lesions, group.plated, traits, rng)
        for day, look, orders in timetable:
            if look is not None:
                seen = watched.look(day)
                cells[row, look] = count(seen.lesions["cells"])
                platelets[row, look] = seen.body["platelets"]["count"][0]
                host[row, look] = seen.body["host"]["burden"][0]
                if cells[row, look, :ELSEWHERE].sum() >= limit:
                    break
            for order in orders:
                watched.give(order, day)
    return Watched(days, cells, platelets, host)


def _timetable(group: SubjectGroup) -> Iterator[tuple[float, int | None, list[int]]]:
    """Day, number of the look on it, and the orders of which a dose falls on it, in the arm's order."""
    looks = {day: at for at, day in enumerate(group.days)}
    doses: dict[float, list[int]] = {}
    for number, order in enumerate(group.protocol.arms[group.arm].orders):
        for day in order.days:
            doses.setdefault(day, []).append(number)
    for day in sorted({*looks, *doses}):
        if day <= group.days[-1]:
            yield day, looks.get(day), doses.get(day, [])


def count(cells: Counts) -> Floats:
    """Cells by STATES, of a subject's lesions (lesion x population)."""
    local = cells[LOCAL]
    by_state = np.empty(len(STATES))
    by_state[CYCLING] = local[:DORMANT].sum()
    by_state[ASLEEP] = local[DORMANT]
    by_state[ESCAPERS] = local[ESCAPED:SENESCENT].sum()
    by_state[SENESCENTS] = local[SENESCENT:].sum()
    by_state[ELSEWHERE] = cells.sum() - local.sum()
    return by_state


def plate(lesions: NDArray[np.void], plated: Plated, traits: Traits, rng: np.random.Generator) -> None:
    """Replace all cells of a subject by counted ones.

    Senescent cells are polyploid and resistant to senolytics in the shares of the subject's traits, by lot.
    """
    inducer = INDUCERS.index(plated.inducer)
    lesions["cells"] = 0
    lesions["infiltrate"] = 0.0
    local = lesions["cells"][LOCAL]
    local[RESIDUAL], local[ESCAPED + inducer] = plated.cycling, plated.escaped
    age = MATURE if plated.mature else IMMATURE
    polyploid = int(rng.binomial(plated.senescent, float(traits["polyploid_fraction"])))
    for ploidy, number in ((DIPLOID, plated.senescent - polyploid), (POLYPLOID, polyploid)):
        resistant = int(rng.binomial(number, float(traits["senolytic_resistant_fraction"])))
        local[senescent(inducer, ploidy, SENSITIVE, age)] = number - resistant
        local[senescent(inducer, ploidy, RESISTANT, age)] = resistant


def _follow(group: SubjectGroup, subjects: Mapping[int, Traits], seed: int, replicate: int) -> Followed:
    protocol, ends = group.protocol, group.days[-1]
    arm = protocol.arms[group.arm]
    timetable = Timetable(arm, protocol.follow_up, ends)
    times = {
        subject: draw_competing_times(protocol, traits, subject, seed=seed, replicate=replicate)
        for subject, traits in subjects.items()
    }
    death = {subject: own.death for subject, own in times.items()}
    new = {subject: own.new_therapy for subject, own in times.items()}
    lives = follow_all(
        protocol, arm, timetable, subjects, seed=seed, replicate=replicate, ends=death, new_therapies=new
    )
    relapse = np.where(lives.relapsed, lives.of("relapse"), np.inf)
    died = np.empty(len(subjects))
    for row, (subject, site) in enumerate(zip(subjects, lives.sites, strict=True)):
        died[row] = death[subject]
        if site:
            medians = protocol.cohort.post_relapse
            survival = draw_post_relapse_survival(medians, site, subject, seed=seed, replicate=replicate)
            died[row] = min(died[row], relapse[row] + survival)
    return Followed(ends, relapse, np.where(died <= ends, died, np.inf))
