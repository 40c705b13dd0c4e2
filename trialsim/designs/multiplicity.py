"""Several arms against one control with one family-wise error: Holm's procedure over sequential boundaries.

Each comparison begins with alpha / m. When one is rejected its alpha goes to those that are left, in equal parts, and
their boundaries are found anew at the higher level, for this look and the later ones; what they showed at earlier looks
is not looked at again (Maurer & Bretz 2013, Stat Biopharm Res 5:311). Bonferroni's inequality carries it, so neither
the correlation by the shared control nor the arms that are dropped on the way matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trialsim.designs.spending import Floats

#: The upper z of a comparison at a look (both counted from 0) when it is tested at a level.
Bound = Callable[[int, int, float], float]


def rejecting_z(z: float, sided: int) -> float:
    """A z that is large where the test rejects: for benefit, and on either side where the test has two."""
    return abs(z) if sided == 2 else z


class Holm:
    """The comparisons of one trial, look after look."""

    def __init__(self, comparisons: int, alpha: float, bound: Bound) -> None:
        self._alpha = alpha
        self._bound = bound
        self.rejected: set[int] = set()
        self.tested: dict[int, float] = {}
        """The level at which each comparison was tested last."""
        self._all = comparisons

    @property
    def level(self) -> float:
        """The level at which each comparison that is left is tested now."""
        return self._alpha / max(1, self._all - len(self.rejected))

    def look(self, number: int, z: Sequence[float | None]) -> dict[int, float]:
        """Take the z of a look, None for a comparison that is not made; the boundary that was held against each.

        A rejection raises the level of the others at the same look, until nothing more is rejected.
        """
        told: dict[int, float] = {}
        again = True
        while again:
            again = False
            for which, value in enumerate(z):
                if which in self.rejected or value is None:
                    continue
                self.tested[which] = self.level
                told[which] = self._bound(which, number, self.level)
                if value >= told[which]:
                    self.rejected.add(which)
                    again = True
        return told


def holm_rejections(z: Floats, bounds: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """Which comparisons are ever rejected, in many trials at once.

    ``z`` is (trials, looks, comparisons); ``bounds[left - 1]`` are the boundaries by look when so many comparisons are
    left. NaN is never rejected.
    """
    trials, looks, comparisons = z.shape
    table = np.array(bounds)
    rejected = np.zeros((trials, comparisons), dtype=np.bool_)
    for look in range(looks):
        for _ in range(comparisons):
            left = comparisons - rejected.sum(axis=1)
            bound = table[np.maximum(left, 1) - 1, look]
            rejected |= z[:, look, :] >= bound[:, None]
    return rejected
