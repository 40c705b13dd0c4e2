"""What a trait looks like over a whole cohort: shares, quantiles and histograms of mixtures, without sampling.

A distribution is tabulated by its own quantile function at evenly spaced probabilities, and a mixture's distribution
function is read off the tables of its parts, so the same cohort gives the same numbers every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialsim.patient.cohort import quantiles
from trialsim.spec.resolved import Distribution, ResolvedCohort

Array = NDArray[np.float64]
#: Probabilities at which a distribution is tabulated; between them its inverse is interpolated.
_U: Array = (np.arange(8192) + 0.5) / 8192


def shares(cohort: ResolvedCohort, name: str) -> dict[str, float]:
    """The share of patients at each level of a categorical trait, over all its cases. Sums to 1."""
    total: dict[str, float] = {}
    for level, weight in weights(cohort, name).items():
        case = cohort.traits[name].cases[level]
        for own, probability in zip(case.levels, case.probabilities, strict=True):
            total[own] = total.get(own, 0.0) + weight * probability
    return total


def weights(cohort: ResolvedCohort, name: str) -> dict[str, float]:
    """The share of patients in each case of a trait: 1 where there is but one, else the parent's shares."""
    trait = cohort.traits[name]
    if trait.by is None:
        return dict.fromkeys(trait.cases, 1.0)
    parent = shares(cohort, trait.by)
    return {level: parent.get(level, 0.0) for level in trait.cases}


@dataclass(frozen=True)
class TabulatedDistribution:
    """A numeric distribution: ``chance[i]`` of the patients have at most ``value[i]``; both ascend.

    Between the points both are interpolated. The point before a constant is the next smaller float, which makes it a
    step.
    """

    value: Array
    chance: Array

    @classmethod
    def of(cls, parts: Mapping[str, Distribution], weight: Mapping[str, float]) -> TabulatedDistribution:
        """The mixture of ``parts``."""
        tables = [(weight[k], np.asarray(quantiles(part, _U), dtype=np.float64)) for k, part in parts.items()]
        tables = [(share, table) for share, table in tables if share > 0.0]
        before_steps = [np.nextafter(table[:1], -np.inf) for _, table in tables if table[0] == table[-1]]
        value = np.unique(np.concatenate([*before_steps, *(table for _, table in tables)]))
        chance = np.asarray(sum(share * _at_most(table, value) for share, table in tables))
        return cls(value, chance)

    def quantile(self, probability: float) -> float:
        return float(np.interp(probability, self.chance, self.value))

    def histogram(self, edges: Array) -> Array:
        """The share of patients in each interval (edges[i], edges[i + 1]], the first one with its lower end."""
        edges = np.concatenate([np.nextafter(edges[:1], -np.inf), edges[1:]])
        chance = np.interp(edges, self.value, self.chance, left=0.0, right=1.0)
        return np.asarray(np.diff(chance), dtype=np.float64)


def _at_most(table: Array, value: Array) -> Array:
    """The share of a tabulated distribution at or below each value; a constant is a step."""
    if table[0] == table[-1]:
        return np.asarray(value >= table[0], dtype=np.float64)
    return np.asarray(np.interp(value, table, _U, left=0.0, right=1.0), dtype=np.float64)
