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
from trialsim.biology.rates import HOST_SHARE, Rates
from trialsim.patient import compiled
from trialsim.patient import state as s
from trialsim.treatment import platelets
from trialsim.treatment.pharmacology import N_DRUG

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


_advance, _settle, _make_workspace = compiled.advance, compiled.settle, compiled.make_workspace
_State = s.State
_N_LESION, _N_CLOCK = s.N_LESION, s.N_CLOCK
_WAKE_LEFT, _LIMIT, _TOLERANCE, _LONGEST, _BASELINE = s.WAKE_LEFT, s.LIMIT, s.TOLERANCE, s.LONGEST, s.BASELINE
_INFILTRATE, _IN_USE, _BURDEN, _PRODUCTION = s.INFILTRATE, s.IN_USE, s.BURDEN, s.PRODUCTION
_N_HOST, _N_EFFECT, _N_ORDER, _N_TRACE, _N_DRUG = s.N_HOST, s.N_EFFECT, s.N_ORDER, s.N_TRACE, N_DRUG
_SHARE_PER_UNIT, _HOST_SHARE = host.SHARE_PER_UNIT, HOST_SHARE
_resting_production = host.resting_production
_platelets_of = platelets.platelets_of


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
def _kernel_paths(start, rates, until, infiltrate, paths, tolerance, longest, rng):
    out = np.empty((paths, start.size), np.int64)
    space = _make_workspace(1)
    for path in range(paths):
        cells = np.empty((1, start.size), np.int64)
        cells[0] = start
        lesions = np.full((1, _N_LESION), np.nan)
        lesions[0, _WAKE_LEFT] = rng.exponential(1.0)
        lesions[0, _INFILTRATE] = infiltrate
        settings = np.zeros(4)
        settings[_LIMIT] = np.inf
        settings[_TOLERANCE] = tolerance
        settings[_LONGEST] = longest
        settings[_BASELINE] = 1.0
        clock = np.zeros(_N_CLOCK)
        clock[_IN_USE] = 1.0
        # A host at rest: its part of the load is constant.
        burden = rates[_HOST_SHARE] / _SHARE_PER_UNIT
        around = np.zeros(_N_HOST)
        around[_BURDEN] = burden
        around[_PRODUCTION] = _resting_production(burden)
        state = _State(
            cells=cells,
            lesions=lesions,
            clock=clock,
            platelets=_platelets_of(1.0),
            amounts=np.zeros((0, 4)),
            rates=rates,
            drugs=np.zeros((0, _N_DRUG)),
            effects=np.zeros((0, _N_EFFECT)),
            host=around,
            exposure=np.zeros(0),
            orders=np.zeros((0, _N_ORDER)),
            inputs=np.zeros((0, 3)),
            marrow=np.zeros(0),
            toxins=np.zeros((0, 1)),
            toxin_amounts=np.zeros((0, 4)),
            toxin_inputs=np.zeros((0, 3)),
            settings=settings,
            trace=np.zeros((0, _N_TRACE)),
        )
        _advance(state, until, space, rng)
        _settle(state, space, rng)
        out[path] = cells[0]
    return out


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
    return _kernel_paths(start, rates, until, infiltrate, paths, tolerance, longest, np.random.default_rng(seed))


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
