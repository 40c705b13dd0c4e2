"""The populations of a lesion and their places in its vector of counts.

A lesion is a vector of integers::

    cycling     by origin: residual | awakened | seeded
    dormant     quiescent; the lesion wakes as a whole
    escaped     by the inducer of the senescence they came from x senolytic response (sensitive, resistant)
    senescent   inducer x ploidy (diploid, polyploid) x senolytic response (sensitive, resistant)
                x age (immature, mature, competent)

Resistance to senolytics is inherited by escaped cells and by what they turn into, so that repeated courses select it
(M16). Cycling cells that never were senescent do not carry it as a population: a share of them turns out resistant on
arrest, the same at every time, since nothing selects among them.

Senescent cells age: *immature* cells do not yet answer to senolytics, *mature* ones do, and of these the
polyploid ones become *competent* to escape after a latency. (The design had two ages; the third carries the
escape latency, which is longer than the time to senolytic sensitivity and would otherwise be lost.)
"""

from __future__ import annotations

from trialsim.spec.agents import INDUCERS

N_INDUCERS = len(INDUCERS)
SPONTANEOUS = INDUCERS.index("spontaneous")

RESIDUAL, AWAKENED, SEEDED = 0, 1, 2
N_ORIGINS = 3
DORMANT = 3
ESCAPED = 4
SENESCENT = ESCAPED + 2 * N_INDUCERS

DIPLOID, POLYPLOID = 0, 1
SENSITIVE, RESISTANT = 0, 1
IMMATURE, MATURE, COMPETENT = 0, 1, 2
N_AGES = 3
#: Senescent populations of one inducer: ploidy x response x age.
PER_INDUCER = 2 * 2 * N_AGES
N_POPULATIONS = SENESCENT + N_INDUCERS * PER_INDUCER

#: Inducers whose senescence ends when the drug is gone (M3, M5): the cells cycle again, which is not escape.
REVERSIBLE = (INDUCERS.index("cell_cycle"), INDUCERS.index("enzalutamide"))


def escaped(inducer: int, response: int) -> int:
    """Index of an escaped population."""
    return ESCAPED + 2 * inducer + response


def senescent(inducer: int, ploidy: int, response: int, age: int) -> int:
    """Index of a senescent population."""
    return SENESCENT + ((inducer * 2 + ploidy) * 2 + response) * N_AGES + age


def names() -> tuple[str, ...]:
    """The name of each population, in index order."""
    cycling = ["cycling residual", "cycling awakened", "cycling seeded"]
    out = [f"escaped {inducer} {response}" for inducer in INDUCERS for response in ("sensitive", "resistant")]
    aged = [
        f"senescent {inducer} {ploidy} {response} {age}"
        for inducer in INDUCERS
        for ploidy in ("diploid", "polyploid")
        for response in ("sensitive", "resistant")
        for age in ("immature", "mature", "competent")
    ]
    return (*cycling, "dormant", *out, *aged)
