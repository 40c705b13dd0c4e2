"""Twins: the same patients under every arm of a protocol.

Streams hold no arm, so a patient's twin in another arm has the same tumour and, as far as treatment is the same, the
same luck. Each twin is followed for as long as the protocol follows everybody; nobody is lost or dies of other causes,
so a difference between arms is one of relapse alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.conduct.competing_times import draw_competing_times
from trialsim.errors import UsageError
from trialsim.patient.bank import follow_all
from trialsim.patient.cohort import sample_traits
from trialsim.schedule import Timetable
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.studies.pool import run_tasks
from trialsim.studies.scope import check_scope

Floats = NDArray[np.float64]

#: Patients that one task lives.
_CHUNK = 500

Under = tuple[ResolvedProtocol, str]
"""A protocol and the name of one of its arms."""


class _Task(NamedTuple):
    under: Under
    first: int
    """The number of the first patient, from 1."""
    patients: int
    seed: int


@dataclass(frozen=True)
class Twins:
    """What became of the same patients under one arm; a row for each patient."""

    relapse: Floats
    """Study day on which a scan found relapse; infinite where none did within follow-up."""
    nadir: Floats
    """Lowest true platelet count, 1e9/L."""
    causes: tuple[str, ...]
    """Of relapses; empty without one."""


def live_twins(
    protocol: ResolvedProtocol,
    patients: int,
    *,
    seed: int,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Twins]:
    """The first ``patients`` patients of a protocol's cohort, each under every arm."""
    unders = [(protocol, arm) for arm in protocol.arms]
    lived = live_under(unders, patients, seed=seed, jobs=jobs, on_progress=on_progress)
    return dict(zip(protocol.arms, lived, strict=True))


def live_under(
    unders: Sequence[Under],
    patients: int,
    *,
    seed: int,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Twins]:
    """Patients 1 to ``patients`` under each arm; ``on_progress(done, total)`` counts courses of treatment.

    What comes out depends on the seed, and not on ``jobs`` nor on which other arms there are. Raises
    :class:`UsageError` for what twins do not honour (`trialsim.studies.scope`), for an arm whose patients have no
    cells, and without a common end of follow-up.
    """
    for under in unders:
        _check(*under)
    tasks = [
        _Task(under, first, min(_CHUNK, patients - first + 1), seed)
        for under in unders
        for first in range(1, patients + 1, _CHUNK)
    ]
    done = run_tasks(_live, tasks, jobs=jobs, weight=lambda task: task.patients, on_progress=on_progress)
    parts = math.ceil(patients / _CHUNK)
    return [_joined(done[at : at + parts]) for at in range(0, len(done), parts)]


def _check(protocol: ResolvedProtocol, arm: str) -> None:
    check_scope(protocol, arm, "twins")
    if protocol.follow_up.minimum_days <= 0.0:
        raise UsageError(
            f"twins are followed for `follow_up.minimum`, which {protocol.name} has not: set it with --set"
        )


def _live(task: _Task) -> Twins:
    protocol, arm = task.under[0], task.under[0].arms[task.under[1]]
    # A scan that is planned for later may come by then.
    ends = protocol.follow_up.minimum_days
    timetable = Timetable(arm, protocol.follow_up, ends + protocol.follow_up.window_days)
    traits = sample_traits(protocol.cohort, task.patients, seed=task.seed, first=task.first)
    subjects = dict(enumerate(traits, start=task.first))
    new = {
        number: draw_competing_times(protocol, own, number, seed=task.seed).new_therapy
        for number, own in subjects.items()
    }
    cuts = dict.fromkeys(subjects, ends)
    lives = follow_all(protocol, arm, timetable, subjects, seed=task.seed, cuts=cuts, new_therapies=new)
    relapse = np.where(lives.relapsed, lives.of("relapse"), math.inf)
    return Twins(relapse, lives.of("true_platelet_nadir"), tuple(lives.causes))


def _joined(parts: Sequence[Twins]) -> Twins:
    return Twins(
        np.concatenate([part.relapse for part in parts]),
        np.concatenate([part.nadir for part in parts]),
        tuple(cause for part in parts for cause in part.causes),
    )
