"""Twins: the same patients under every arm of a protocol, and what an arm does to them on average.

Streams hold no arm, so a patient's twin in another arm has the same tumour and, as far as treatment is the same, the same
luck. Each twin is followed for as long as the protocol follows everybody; nobody is lost or dies of other causes, so a
difference between arms is one of relapse alone. Differences are taken within patients, and their intervals (normal, 95 %)
tell the Monte-Carlo error only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.conduct.schedule import arm_schedule
from trialsim.patient import bank
from trialsim.patient.cohort import sample_traits
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.studies.estimates import Estimate
from trialsim.studies.pool import run_tasks

Floats = NDArray[np.float64]

#: Two-sided normal quantile of a 95 % interval.
_Z = 1.959963984540054
#: Patients that one task lives.
_CHUNK = 500


class _Task(NamedTuple):
    protocol: ResolvedProtocol
    arm: str
    first: int
    last: int
    """The numbers of the patients, from 1, both included."""
    seed: int


@dataclass(frozen=True)
class Twins:
    """What became of the same patients under one arm; a row for each patient."""

    relapse: Floats
    """Day on which a scan found relapse; infinite where none did within follow-up."""
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
    starts = range(1, patients + 1, _CHUNK)
    tasks = [
        _Task(protocol, arm, first, min(first + _CHUNK - 1, patients), seed) for arm in protocol.arms for first in starts
    ]
    done = run_tasks(_live, tasks, jobs=jobs, weight=lambda task: task.last - task.first + 1, on_progress=on_progress)
    parts: Mapping[str, list[Twins]] = {arm: [] for arm in protocol.arms}
    for task, part in zip(tasks, done, strict=True):
        parts[task.arm].append(part)
    return {arm: _joined(of_arm) for arm, of_arm in parts.items()}


def _live(task: _Task) -> Twins:
    protocol, arm = task.protocol, task.protocol.arms[task.arm]
    plan = bank.make_plan(arm, arm_schedule(arm, protocol.follow_up.scans, protocol.follow_up.minimum_days))
    traits = sample_traits(protocol.cohort, task.last, seed=task.seed)
    own = {number: traits[number - 1] for number in range(task.first, task.last + 1)}
    lives = bank.live_all(protocol, arm, plan, own, seed=task.seed)
    relapse = np.where(lives.relapsed, lives.outcomes[:, bank.RELAPSE], math.inf)
    return Twins(relapse, lives.outcomes[:, bank.TRUE_NADIR], tuple(lives.causes))


def _joined(parts: Sequence[Twins]) -> Twins:
    return Twins(
        np.concatenate([part.relapse for part in parts]),
        np.concatenate([part.nadir for part in parts]),
        tuple(cause for part in parts for cause in part.causes),
    )


def mean_difference(difference: Floats) -> Estimate:
    """The mean of differences within patients: value, value - 1.96 se, value + 1.96 se."""
    value = float(difference.mean())
    error = _Z * float(difference.std(ddof=1)) / math.sqrt(difference.size)
    return Estimate(value, value - error, value + error)


def relapse_free_days(twins: Twins, until: float) -> Floats:
    """Days without relapse up to ``until``, of each patient: its mean is the restricted mean time to relapse."""
    return np.minimum(twins.relapse, until)


def gained_days(arm: Twins, reference: Twins, until: float) -> Estimate:
    """Days without relapse up to ``until`` that an arm gains over another, on average."""
    return mean_difference(relapse_free_days(arm, until) - relapse_free_days(reference, until))


def relapses_averted(arm: Twins, reference: Twins, until: float) -> Estimate:
    """Relapses up to ``until`` that an arm has less than another, per 100 patients."""
    return mean_difference(100.0 * ((reference.relapse <= until) * 1.0 - (arm.relapse <= until) * 1.0))
