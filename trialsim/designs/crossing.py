r"""Chances of crossing boundaries at successive looks, by numerical integration.

The score :math:`S_k` at information :math:`I_k` has independent normal increments with variance
:math:`I_k - I_{k-1}`, and :math:`Z_k = S_k / \sqrt{I_k}`. The density of the score on the paths that have not stopped
yet is carried from look to look (Armitage, McPherson & Rowe 1969, JRSS A 132:235; Jennison & Turnbull 2000, chapter
19), here by Gauss-Legendre panels no wider than the narrower of the two increments that meet in them. Halving the
panels moves no probability by more than 1e-13 (tests). An effect moves the boundaries and not the paths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from trialsim.designs.spending import Floats

#: A path further than this many standard deviations from its mean has probability 1e-20 and is left out.
_REACH = 9.3
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True)
class Paths:
    """What has not stopped after a look: nodes of the score, and density times quadrature weight at each."""

    information: float
    score: Floats
    mass: Floats

    def above(self, information: float, z: float) -> float:
        """Chance of having come so far and being above ``z`` at the next look."""
        return self._beyond(information, z, 1.0)

    def below(self, information: float, z: float) -> float:
        """Chance of having come so far and being below ``z`` at the next look."""
        return self._beyond(information, z, -1.0)

    def _beyond(self, information: float, z: float, side: float) -> float:
        if math.isinf(z):
            return float(self.mass.sum()) if z * side < 0 else 0.0
        step = information - self.information
        distance = z * math.sqrt(information) - self.score
        return float(self.mass @ ndtr(-side * distance / math.sqrt(step)))

    def next(self, information: float, lower: float, upper: float, following: float | None = None) -> Paths:
        """The paths between two z at a look; ``following`` is the information of the look after it."""
        step = information - self.information
        ahead = step if following is None else following - information
        root = math.sqrt(information)
        low, high = max(lower, -_REACH) * root, min(upper, _REACH) * root
        if low >= high:
            return Paths(information, np.zeros(0), np.zeros(0))
        score, weight = _panels(low, high, math.sqrt(min(step, ahead)))
        distance = score[:, None] - self.score[None, :]
        density = np.exp(-0.5 * distance**2 / step) @ self.mass / (_ROOT_TWO_PI * math.sqrt(step))
        return Paths(information, score, density * weight)


def start() -> Paths:
    """All paths, before the first look: score 0 at no information."""
    return Paths(0.0, np.zeros(1), np.ones(1))


def _panels(low: float, high: float, widest: float) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre panels that cover [low, high]."""
    edges = np.linspace(low, high, math.ceil((high - low) / widest) + 1)
    half = np.diff(edges)[:, None] / 2.0
    middle = (edges[:-1] + edges[1:])[:, None] / 2.0
    return (middle + half * _NODES).ravel(), (half * _WEIGHTS).ravel()


@dataclass(frozen=True)
class Crossing:
    """Chance of stopping at each look, above and below."""

    upper: Floats
    lower: Floats

    @property
    def stopped(self) -> Floats:
        return self.upper + self.lower


def crossing(
    information: Sequence[float], lower: Sequence[float], upper: Sequence[float], drift: float | Sequence[float]
) -> Crossing:
    r"""Chance of first crossing each boundary at each look.

    ``information`` ascends (any scale); ``lower`` and ``upper`` are z values, infinite where there is no boundary;
    ``drift`` is :math:`E Z_k / \sqrt{I_k}`, one number for all looks or one for each (an effect that comes late).
    """
    paths = start()
    expected = np.broadcast_to(drift, len(information)) * np.sqrt(information)
    above, below = np.zeros(len(information)), np.zeros(len(information))
    moved = zip(information, lower - expected, upper - expected, strict=True)
    for k, (at, low, high) in enumerate(moved):
        above[k], below[k] = paths.above(at, high), paths.below(at, low)
        if k + 1 < len(information):
            paths = paths.next(at, low, high, information[k + 1])
    return Crossing(above, below)
