"""Small lesions on which the kernel is held to its exact twin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.spec.agents import INDUCERS


@dataclass(frozen=True)
class Network:
    """A starting lesion, its rates and how long it runs (days)."""

    name: str
    cells: NDArray[np.int64]
    rates: r.Rates
    until: float


def _network(name: str, until: float, cells: dict[int, int], rates: dict[int, float]) -> Network:
    start = np.zeros(p.N_POPULATIONS, np.int64)
    for at, n in cells.items():
        start[at] = n
    vector = r.quiet_rates()
    for at, rate in rates.items():
        vector[at] = rate
    return Network(name, start, vector, until)


_GROW = {r.BIRTH: 0.14, r.DEATH: 0.12}
_ESCAPERS = {r.ESCAPED_BIRTH: 0.10, r.ESCAPED_DEATH: 0.06}
_CHAIN = {r.MATURATION: 0.25, r.COMPETENCE: 0.1, r.CLEARANCE: 0.03, r.POLYPLOID_SHARE: 0.4, r.RESISTANT_SHARE: 0.1}
_DNA = INDUCERS.index("dna_damage")
_KILL = {r.KILL + _DNA: 0.15, r.KILL + p.SPONTANEOUS: 0.08, r.KILL_CYCLING: 0.005, r.IMMATURE_KILL_SHARE: 0.1}
_TIS = {p.senescent(_DNA, 0, 0, 0): 60, p.senescent(_DNA, 1, 0, 0): 40, p.senescent(_DNA, 1, 1, 1): 6}

NETWORKS = (
    _network("growth near extinction", 60, {p.RESIDUAL: 3}, _GROW),
    _network("dying tumour", 45, {p.RESIDUAL: 40}, {r.BIRTH: 0.10, r.DEATH: 0.16}),
    _network("spontaneous senescence", 70, {p.RESIDUAL: 20}, _GROW | _CHAIN | {r.SPONTANEOUS_RATE: 0.01}),
    _network("escape from treatment", 60, _TIS, _CHAIN | _ESCAPERS | {r.ESCAPE: 0.004}),
    _network(
        "awakening",
        80,
        {p.DORMANT: 12},
        _GROW | _CHAIN | {r.WAKE: 0.02, r.SPONTANEOUS_RATE: 0.005},
    ),
    _network(
        "everything",
        60,
        {p.RESIDUAL: 10, p.DORMANT: 8, **_TIS},
        _GROW | _CHAIN | _ESCAPERS | {r.WAKE: 0.02, r.SPONTANEOUS_RATE: 0.01, r.ESCAPE: 0.004},
    ),
    _network("senolytic", 30, {p.RESIDUAL: 15, **_TIS}, _GROW | _CHAIN | _ESCAPERS | _KILL | {r.ESCAPE: 0.01}),
    _network(
        "crowded",
        60,
        {p.RESIDUAL: 20},
        {r.BIRTH: 0.16, r.DEATH: 0.12, r.CAPACITY: 150.0, r.REFERENCE: 50.0, r.CROWDING: 1.0},
    ),
)
