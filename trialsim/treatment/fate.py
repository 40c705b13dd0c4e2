"""What becomes of a damaged cell: dies, turns senescent or repairs, steered by p53.

A dose hits a cycling cell a Poisson number of times. A hit is repaired with probability ``repair``; the first that is
not loses the cell, which turns senescent with probability ``senescence`` or else dies. With mean hits m a cell
is lost with probability 1 - exp(-m (1 - repair)).

p53 status chooses both shares. The gain ``p53_steering`` interpolates on the logit scale between the status's own
shares (1) and the mean of both statuses (0), so that switching it off makes the two alike and changes nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from trialsim.compiling import compiled
from trialsim.spec.agents import Fates


@dataclass(frozen=True)
class FateShares:
    """Probabilities: ``repair`` of a hit, ``senescence`` of a lost cell."""

    repair: float
    senescence: float


def _logit(share: float) -> float:
    share = min(max(share, 1e-9), 1.0 - 1e-9)
    return math.log(share / (1.0 - share))


@lru_cache(maxsize=1024)
def _steered(own: float, other: float, gain: float) -> float:
    mean = 0.5 * (_logit(own) + _logit(other))
    return 1.0 / (1.0 + math.exp(-(mean + gain * (_logit(own) - mean))))


def fate_shares(fates: Fates, p53_status: str, *, steering: float = 1.0) -> FateShares:
    """Shares for one agent and p53 status at the agent's reference dose.

    At other doses senescence shifts towards death; see `senescent_share`.
    """
    own, other = (fates.wild_type, fates.mutant) if p53_status == "wild_type" else (fates.mutant, fates.wild_type)
    repair = 0.0
    if own.repair is not None and other.repair is not None:
        repair = _steered(own.repair.value, other.repair.value, steering)
    return FateShares(repair=repair, senescence=_steered(own.senescence.value, other.senescence.value, steering))


@compiled
def senescent_share(odds: float, relative_dose: float, shift: float) -> float:
    """Share of lost cells that turn senescent at a dose relative to the agent's reference.

    The senescent odds at the reference dose are multiplied by (1 + 1/D) / (1 + x/D), x the relative dose and D
    the dose ``shift``: a high dose kills where a moderate one arrests (Eom 2005; Rebbaa 2003).
    """
    shifted = odds * (1.0 + 1.0 / shift) / (1.0 + relative_dose / shift)
    return shifted / (1.0 + shifted)
