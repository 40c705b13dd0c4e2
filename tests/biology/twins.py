"""Runs the kernel and its exact twin on one lesion, many times, with the same rates."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.biology import exact, host, populations
from trialsim.biology.kernel import Room
from trialsim.biology.rates import Rates
from trialsim.chance.samplers import exponential
from trialsim.chance.stream import open_stream
from trialsim.patient.advance import advance
from trialsim.patient.cells import step_cells
from trialsim.patient.plan import Line, Mover
from trialsim.patient.state import Assay, Body, Effect, Entry, Lesion, OrderState, PanelOfGuide, Patient, TraceRow
from trialsim.rng import Purpose
from trialsim.structured import named, rows
from trialsim.treatment.pharmacology import Drug
from trialsim.treatment.platelets import set_at_rest

Counts = NDArray[np.int64]


#: What the twin is made of, each after all that it calls.
_PARTS = ("_births", "_deaths", "_arrests", "_seeds", "_loss", "_ageing", "_reversal", "_exit_rate", "_arrested_by")


def _compiled_twin(part: str = "", old: str = "", new: str = "") -> Callable[..., int]:
    """The very code of `trialsim.biology.exact`, compiled, without touching the module.

    In the source of the function ``part``, ``old`` is replaced by ``new``: a mutant.
    """
    scope = dict(vars(exact))
    for name in (*_PARTS, "_one_event", "_total_rate", "simulate"):
        plain = types.FunctionType(getattr(exact, name).__code__, scope, name)
        if name == part:
            source = inspect.getsource(getattr(exact, name))
            assert source.count(old) == 1, f"{name} is written otherwise: name another part to mutate"
            exec("from __future__ import annotations\n" + source.replace(old, new), scope)
            plain = scope[name]
        scope[name] = njit(plain)
    return scope["simulate"]


_advance, _step_cells, _exponential = advance, step_cells, exponential


def _many(simulate: Callable[..., int]) -> Callable[..., Counts]:
    """Many paths of a compiled twin."""

    @njit
    def run(start, rates, until, infiltrate, paths, rng):
        out = np.empty((paths, start.size), np.int64)
        for path in range(paths):
            cells = start.copy()
            simulate(cells, rates, until, rng, infiltrate)
            out[path] = cells
        return out

    return run


_exact_paths = _many(_compiled_twin())


@njit
def _kernel_paths(start, patient, until, infiltrate, paths, blank):
    out = np.empty((paths, start.size), np.int64)
    for path in range(paths):
        # Streams go on from one path to the next.
        streams = patient.body[0].streams
        patient.body[0].now = patient.body[0].cells_at = patient.body[0].due = 0.0
        patient.body[0].host.burden_days = 0.0
        patient.body[0].rates = blank[0].rates
        patient.body[0].host.burden = blank[0].host.burden
        patient.body[0].lesions = 1
        lesion = patient.lesions[0]
        for at in range(start.size):
            lesion.cells[at] = start[at]
        lesion.wake_left = _exponential(streams.laboratory)
        lesion.infiltrate = infiltrate
        lesion.first_escape = lesion.crossed = np.nan
        lesion.quiet = False
        _advance(patient, until, False)
        _step_cells(patient, False)
        for at in range(start.size):
            out[path, at] = lesion.cells[at]
    return out


def _lone_lesion(rates: Rates, tolerance: float, longest: float, seed: int) -> Patient:
    """A patient with one lesion and no drug, whose host is at rest: its part of the load is constant."""
    body = rows(Body, 1)
    own = named(body)[0]
    own.rates = rates
    own.limit, own.tolerance, own.longest_step, own.looks_ahead_to = np.inf, tolerance, longest, np.inf
    own.host.burden = rates.host_share / host.SHARE_PER_UNIT
    own.host.production = host.resting_production(own.host.burden)
    set_at_rest(own.platelets, 1.0)
    own.streams.cells = open_stream(seed, Purpose.CELLS, subject=1)
    own.streams.laboratory = open_stream(seed, Purpose.VISITS, subject=1)
    return Patient(
        body, rows(Lesion, 1), rows(Drug, 0), rows(Drug, 0), rows(OrderState, 0), rows(Mover, 0), rows(PanelOfGuide, 0),
        rows(Assay, 0), rows(Effect, 0), rows(Line, 0), rows(Entry, 0), rows(TraceRow, 0), rows(Room, 1),
    )  # fmt: skip


def exact_paths(start: Counts, rates: Rates, until: float, *, paths: int, seed: int, infiltrate: float = 0.0) -> Counts:
    """Final counts (path x population) by Gillespie's direct method."""
    return _exact_paths(start, rates, until, infiltrate, paths, np.random.default_rng(seed))


def mutant_paths(
    change: tuple[str, str, str],
    start: Counts,
    rates: Rates,
    until: float,
    *,
    paths: int,
    seed: int,
    infiltrate: float = 0.0,
) -> Counts:
    """Final counts by an exact twin that is wrong: ``change`` is a function, a piece of its source and another."""
    run = _many(_compiled_twin(*change))
    return run(start, rates, until, infiltrate, paths, np.random.default_rng(seed))


def kernel_paths(
    start: Counts,
    rates: Rates,
    until: float,
    *,
    paths: int,
    seed: int,
    tolerance: float = 0.05,
    longest: float = 100.0,
    infiltrate: float = 0.0,
) -> Counts:
    """Final counts (path x population) by the course that trials use, at its default accuracy."""
    patient = _lone_lesion(rates, tolerance, longest, seed)
    return _kernel_paths(start, patient, until, infiltrate, paths, patient.body.copy())


def groups(counts: Counts) -> dict[str, NDArray[np.float64]]:
    """What is compared: cells per group of populations, per path."""
    e, q, sen = populations.ESCAPED, populations.DORMANT, populations.SENESCENT
    aged = counts[:, sen:].reshape(len(counts), -1, populations.N_AGES)
    return {
        "cycling": counts[:, :q].sum(1).astype(float),
        "awakened": counts[:, populations.AWAKENED].astype(float),
        "dormant": counts[:, q].astype(float),
        "escaped": counts[:, e:sen].sum(1).astype(float),
        "immature": aged[:, :, 0].sum(1).astype(float),
        "mature": aged[:, :, 1].sum(1).astype(float),
        "competent": aged[:, :, 2].sum(1).astype(float),
        "resistant": (counts[:, e + 1 : sen : 2].sum(1) + _resistant(aged)).astype(float),
        "spontaneous": _labelled(counts, populations.SPONTANEOUS).astype(float),
        "all": counts.sum(1).astype(float),
    }


def _resistant(aged: Counts) -> Counts:
    """Senescent cells that no senolytic kills; families lie sensitive, resistant in turn."""
    return aged[:, 1::2, :].sum((1, 2))


def _labelled(counts: Counts, inducer: int) -> Counts:
    """Senescent cells of one inducer."""
    first = populations.SENESCENT + inducer * populations.PER_INDUCER
    return counts[:, first : first + populations.PER_INDUCER].sum(1)


@dataclass(frozen=True)
class Comparison:
    """One statistic of one group, kernel against exact, as a number of standard errors apart."""

    group: str
    statistic: str
    kernel: float
    exact: float
    z: float


def _moments(x: NDArray[np.float64]) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """(value, standard error) of mean, variance and share of zeros."""
    n = len(x)
    mean, variance = x.mean(), x.var(ddof=1)
    fourth = ((x - mean) ** 4).mean()
    zero = float((x == 0).mean())
    # A share of 0 or 1 still has an uncertainty: that of one path.
    zero_error = np.sqrt(max(zero * (1 - zero), 1 / n) / n)
    return (mean, np.sqrt(variance / n)), (variance, np.sqrt(max(fourth - variance**2, 0) / n)), (zero, zero_error)


def compare(kernel: Counts, exact_counts: Counts) -> list[Comparison]:
    """Mean, variance and extinction of every group, in combined standard errors."""
    found = []
    left, right = groups(kernel), groups(exact_counts)
    for group in left:
        pairs = zip(("mean", "variance", "extinction"), _moments(left[group]), _moments(right[group]), strict=True)
        for statistic, (a, a_error), (b, b_error) in pairs:
            error = np.hypot(a_error, b_error)
            z = 0.0 if a == b else (a - b) / error if error > 0 else np.inf
            found.append(Comparison(group, statistic, a, b, float(z)))
    return found
