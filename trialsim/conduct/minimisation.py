"""Minimisation (Pocock & Simon 1975): the next patient's arm by what it would do to the balance of their levels.

For each arm the patient is put there in thought. Over each factor the counts at the patient's level, each divided by
its arm's share of the ratio, are judged by their range or variance; the weighted sum over factors is the arm's
imbalance. The arm with the least is preferred; of several, one is drawn by the ratio.

A biased coin gives the preferred arm with probability p. With an unequal ratio r, the others share what is left by the
ratio, and the coin of arm k is

    p_k = 1 - (1 - p) * (R - r_k) / (R - r_min),        R the sum of the ratio,

so that over the trial patients split by the ratio, which one coin for all arms would not allow (Han, Enas & McEntegart
2009).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trialsim.spec.resolved_conduct import Minimisation

Floats = NDArray[np.float64]
#: Imbalances closer than this are equal: they are sums of quotients of small whole numbers.
_SAME = 1e-9


class Minimiser:
    """Counts of patients by factor, level and arm, and the next patient's arm."""

    def __init__(self, arms: Sequence[str], ratio: Sequence[int], rules: Minimisation) -> None:
        self._arms = tuple(arms)
        self._ratio = np.asarray(ratio, dtype=np.float64)
        self._rules = rules
        self._open = np.ones(len(self._arms), dtype=np.bool_)
        self._counts: defaultdict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(len(self._arms)))

    def assign(self, levels: Mapping[str, str], *, rng: np.random.Generator) -> str:
        """The arm of a patient with these levels by factor, who is then counted. Always two draws."""
        which, coin = rng.random(2)
        chances = self.chances(levels, float(which))
        at = int(np.searchsorted(np.cumsum(chances), coin, side="right"))
        arm = min(at, len(self._arms) - 1)
        for factor in self._rules.weights:
            self._counts[factor, levels[factor]][arm] += 1.0
        return self._arms[arm]

    def close(self, arm: str) -> None:
        """Nobody more is put into an arm."""
        self._open[self._arms.index(arm)] = False

    def imbalances(self, levels: Mapping[str, str]) -> Floats:
        """What each arm would leave, were the patient put there."""
        total = np.zeros(len(self._arms))
        for factor, weight in self._rules.weights.items():
            # Row k: the counts with the patient in arm k, of the arms that are open.
            counts = (self._counts[factor, levels[factor]] + np.eye(len(self._arms))) / self._ratio
            counts = counts[:, self._open]
            spread = np.ptp(counts, axis=1) if self._rules.imbalance == "range" else np.var(counts, axis=1, ddof=1)
            total += weight * spread
        return total

    def chances(self, levels: Mapping[str, str], which: float) -> Floats:
        """The chance of each arm; ``which`` in [0, 1) settles the preferred one among equals."""
        found = np.where(self._open, self.imbalances(levels), np.inf)
        ratio = np.where(self._open, self._ratio, 0.0)
        if self._open.sum() == 1:
            return np.asarray(ratio / ratio.sum())
        least = np.where(found <= found.min() + _SAME, ratio, 0.0)
        preferred = int(np.searchsorted(np.cumsum(least), which * least.sum(), side="right"))
        whole = ratio.sum()
        smallest = ratio[self._open].min()
        coin = 1.0 - (1.0 - self._rules.coin) * (whole - ratio[preferred]) / (whole - smallest)
        chances = (1.0 - coin) * ratio / (whole - ratio[preferred])
        chances[preferred] = coin
        return np.asarray(chances)
