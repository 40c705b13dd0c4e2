"""From a cohort's distributions to the traits of numbered patients.

Each patient has one vector of standard normal draws with a fixed place per trait. Correlated traits mix their
places (Gaussian copula); every trait is then a quantile of its own draw. So a patient's traits depend on the seed, the
patient's number and that patient's distributions, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import Distribution, ResolvedCohort, ResolvedProtocol
from trialsim.spec.traits import SLOTS, TRAITS

Array = NDArray[np.float64]
Traits = dict[str, float | str]


def sample_traits(
    cohort: ResolvedCohort, patients: int, *, seed: int, replicate: int = 0, first: int = 1
) -> list[Traits]:
    """Traits of patients from number ``first`` on; numbers in internal units, categories as level names."""
    normals = np.empty((patients, SLOTS))
    for row in range(patients):
        rng = stream(seed, Purpose.TRAITS, subject=row + first, replicate=replicate)
        normals[row] = rng.standard_normal(SLOTS)
    uniforms = special.ndtr(normals @ _mixing(cohort).T)
    columns: dict[str, list[float] | list[str]] = {}
    for name in _parents_first(cohort):
        trait = cohort.traits[name]
        draw = uniforms[:, TRAITS[name].slot]
        if trait.by is None:
            columns[name] = quantiles(trait.cases["*"], draw).tolist()
            continue
        parent = np.asarray(columns[trait.by], dtype=object)
        values = np.empty(patients, dtype=object)
        for level, distribution in trait.cases.items():
            chosen = parent == level
            values[chosen] = quantiles(distribution, draw[chosen])
        columns[name] = values.tolist()
    names = [name for name in TRAITS if name in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*(columns[n] for n in names), strict=True)]


class Comers(Sequence[Traits]):
    """Traits of all who may come to a trial, sampled as they are asked for: item i belongs to subject i + 1.

    They are sampled a fixed number at a time, so that what a subject is does not depend on who was asked for.
    """

    _AT_ONCE = 256

    def __init__(self, cohort: ResolvedCohort, *, seed: int, replicate: int = 0) -> None:
        self._cohort, self._seed, self._replicate = cohort, seed, replicate
        self._known: list[Traits] = []

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def __getitem__(self, at: int) -> Traits: ...
    @overload
    def __getitem__(self, at: slice) -> list[Traits]: ...
    def __getitem__(self, at: int | slice) -> Traits | list[Traits]:
        if isinstance(at, slice):
            return self._known[at]
        while at >= len(self._known):
            first = len(self._known) + 1
            self._known += sample_traits(
                self._cohort, self._AT_ONCE, seed=self._seed, replicate=self._replicate, first=first
            )
        return self._known[at]


def traits_of_trial(protocol: ResolvedProtocol, *, seed: int, replicate: int = 0) -> Sequence[Traits]:
    """The traits of a trial's subjects, by number; as many as are randomised, or as many as come where some are not."""
    looks = protocol.analysis.looks
    if protocol.accrual.screening.is_idle and (looks is None or looks.enrich is None):
        return sample_traits(protocol.cohort, protocol.accrual.patients, seed=seed, replicate=replicate)
    return Comers(protocol.cohort, seed=seed, replicate=replicate)


def quantiles(distribution: Distribution, uniform: Array) -> NDArray[np.object_] | Array:
    """Quantiles of a distribution at ``uniform`` in (0, 1); level names for a category."""
    if distribution.kind == "categorical":
        edges = np.cumsum(distribution.probabilities)[:-1]
        return np.asarray(distribution.levels, dtype=object)[np.searchsorted(edges, uniform, side="right")]
    if distribution.kind == "constant":
        return np.full(uniform.shape, distribution.parameters["value"])
    low = 0.0 if distribution.lower is None else float(_cdf(distribution, distribution.lower))
    high = 1.0 if distribution.upper is None else float(_cdf(distribution, distribution.upper))
    value = _ppf(distribution, low + uniform * (high - low))
    return np.clip(value, distribution.lower, distribution.upper) if _truncated(distribution) else value


def _truncated(distribution: Distribution) -> bool:
    return distribution.lower is not None or distribution.upper is not None


def _ppf(distribution: Distribution, u: Array) -> Array:
    p = distribution.parameters
    match distribution.kind:
        case "normal":
            value = p["mean"] + p["sd"] * special.ndtri(u)
        case "lognormal":
            value = np.exp(p["mu"] + p["sigma"] * special.ndtri(u))
        case "uniform":
            value = p["low"] + u * (p["high"] - p["low"])
        case "loguniform":
            value = p["low"] * np.exp(u * np.log(p["high"] / p["low"]))
        case "beta":
            value = special.betaincinv(p["a"], p["b"], u)
        case _:
            raise ValueError(f"no quantile for {distribution.kind!r}")
    return np.asarray(value, dtype=np.float64)


def _cdf(distribution: Distribution, x: float) -> float:
    p = distribution.parameters
    match distribution.kind:
        case "normal":
            share = special.ndtr((x - p["mean"]) / p["sd"])
        case "lognormal":
            share = special.ndtr((np.log(x) - p["mu"]) / p["sigma"]) if x > 0.0 else 0.0
        case "uniform":
            share = (x - p["low"]) / (p["high"] - p["low"])
        case "loguniform":
            share = np.log(x / p["low"]) / np.log(p["high"] / p["low"]) if x > 0.0 else 0.0
        case "beta":
            share = special.betainc(p["a"], p["b"], min(max(x, 0.0), 1.0))
        case _:
            raise ValueError(f"no distribution function for {distribution.kind!r}")
    return float(min(max(share, 0.0), 1.0))


def _mixing(cohort: ResolvedCohort) -> Array:
    """Lower-triangular factor of the draws' correlation matrix; identity where nothing is correlated."""
    correlation = np.eye(SLOTS)
    for pair in cohort.correlations:
        i, j = (TRAITS[name].slot for name in pair.traits)
        correlation[i, j] = correlation[j, i] = pair.rho
    return np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)


def _parents_first(cohort: ResolvedCohort) -> Sequence[str]:
    """Trait names with every trait after the one it depends on."""
    ordered: list[str] = []

    def visit(name: str, traits: Mapping[str, object]) -> None:
        if name in ordered or name not in traits:
            return
        parent = cohort.traits[name].by
        if parent is not None:
            visit(parent, traits)
        ordered.append(name)

    for name in cohort.traits:
        visit(name, cohort.traits)
    return ordered
