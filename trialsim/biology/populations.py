"""The populations of a lesion and their places in its vector of counts.

A lesion is a vector of integers::

    cycling     by origin: residual | awakened | seeded
    dormant     quiescent; the lesion wakes as a whole
    escaped     by the inducer of the senescence they came from
    senescent   inducer x ploidy (diploid, polyploid) x senolytic response (sensitive, resistant)
                x age (immature, mature, competent)

Senescent cells age: *immature* cells do not yet answer to senolytics, *mature* ones do, and of these the
polyploid ones become *competent* to escape after a latency. (The design had two ages; the third carries the
escape latency, which is longer than the time to senolytic sensitivity and would otherwise be lost.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialsim.spec.agents import INDUCERS

Counts = NDArray[np.int64]

N_INDUCERS = len(INDUCERS)
SPONTANEOUS = INDUCERS.index("spontaneous")

RESIDUAL, AWAKENED, SEEDED = 0, 1, 2
N_ORIGINS = 3
DORMANT = 3
ESCAPED = 4
SENESCENT = ESCAPED + N_INDUCERS

DIPLOID, POLYPLOID = 0, 1
SENSITIVE, RESISTANT = 0, 1
IMMATURE, MATURE, COMPETENT = 0, 1, 2
N_AGES = 3
#: Senescent populations of one inducer: ploidy x response x age.
PER_INDUCER = 2 * 2 * N_AGES
N_POPULATIONS = SENESCENT + N_INDUCERS * PER_INDUCER


def senescent(inducer: int, ploidy: int, response: int, age: int) -> int:
    """Index of a senescent population."""
    return SENESCENT + ((inducer * 2 + ploidy) * 2 + response) * N_AGES + age


def names() -> tuple[str, ...]:
    """The name of each population, in index order."""
    cycling = ["cycling residual", "cycling awakened", "cycling seeded"]
    escaped = [f"escaped {inducer}" for inducer in INDUCERS]
    aged = [
        f"senescent {inducer} {ploidy} {response} {age}"
        for inducer in INDUCERS
        for ploidy in ("diploid", "polyploid")
        for response in ("sensitive", "resistant")
        for age in ("immature", "mature", "competent")
    ]
    return (*cycling, "dormant", *escaped, *aged)
