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
    infiltrate: float = 0.0


def _network(
    name: str, until: float, cells: dict[int, int], rates: dict[int, float], infiltrate: float = 0.0
) -> Network:
    start = np.zeros(p.N_POPULATIONS, np.int64)
    for at, n in cells.items():
        start[at] = n
    vector = r.quiet_rates()
    for at, rate in rates.items():
        vector[at] = rate
    return Network(name, start, vector, until, infiltrate)


# Net growth sets the length of steps; without crowding or a secretome it does nothing else.
_GROW = {r.BIRTH: 0.14, r.DEATH: 0.12, r.NET: 0.02}
_ESCAPERS = {r.ESCAPED_BIRTH: 0.10, r.ESCAPED_DEATH: 0.06, r.ESCAPED_NET: 0.03}
_CHAIN = {r.MATURATION: 0.25, r.COMPETENCE: 0.1, r.CLEARANCE: 0.03, r.POLYPLOID_SHARE: 0.4, r.RESISTANT_SHARE: 0.1}
_DNA = INDUCERS.index("dna_damage")
_KILL = {r.KILL + _DNA: 0.15, r.KILL + p.SPONTANEOUS: 0.08, r.KILL_CYCLING: 0.005, r.IMMATURE_KILL_SHARE: 0.1}
_CDK = INDUCERS.index("cell_cycle")
_ARRESTED = {p.senescent(_CDK, 0, 0, 0): 30, p.senescent(_CDK, 1, 0, 1): 20, p.senescent(_CDK, 1, 1, 2): 10}
_OUT = {p.escaped(_DNA, 0): 15, p.escaped(_DNA, 1): 15}
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
        {r.BIRTH: 0.16, r.DEATH: 0.12, r.NET: 0.04, r.CAPACITY: 150.0, r.REFERENCE: 50.0, r.CROWDING: 1.0},
    ),
    _network("reversible", 40, {p.RESIDUAL: 5, **_ARRESTED}, _GROW | _CHAIN | {r.REVERSAL: 0.08, r.ESCAPE: 0.01}),
    _network("inherited resistance", 50, _OUT, _GROW | _CHAIN | _ESCAPERS | _KILL | {r.SPONTANEOUS_RATE: 0.04}),
)

_FEW = {at: max(2, n // 3) for at, n in _TIS.items()}
_SASP = {
    r.SASP_INTENSITY: 1.2,
    r.SASP_GROWTH: 0.3,
    r.GROWTH_AT_REST: 1.05,
    r.SASP_ARREST: 0.01,
    r.SASP_SEEDING: 1.5,
    r.SASP_WAKING: 1.5,
    r.SEEDING: 0.002,
    r.SPONTANEOUS_RATE: 0.004,
    r.HOST_SHARE: 0.02,
    **{r.WEIGHT + i: 0.6 for i in range(p.N_INDUCERS)},
}
_IMMUNE = {r.IMMUNE_KILL: 0.03, r.SASP_IMMUNE: 0.7, r.SASP_CLEARANCE: 1.0, r.INFILTRATION_TIME: 14.0}
_CROWDED = {r.CAPACITY: 6e3, r.REFERENCE: 4e2, r.CROWDING: 1.0}
_FAST = {r.BIRTH: 0.5, r.DEATH: 0.28, r.NET: 0.20}

#: Lesions in which everything hangs on everything: the weak error of the coupled kernel is measured on these.
COUPLED = (
    _network(
        "secretome",
        60,
        {p.RESIDUAL: 40, **_FEW},
        _GROW | _CHAIN | _SASP | _ESCAPERS | {r.ESCAPE: 0.004},
    ),
    _network(
        "immunity",
        60,
        {p.RESIDUAL: 40, **_FEW},
        _GROW | _CHAIN | _SASP | _IMMUNE | {r.DEATH: 0.1},
        infiltrate=0.3,
    ),
    _network(
        "waking tumour",
        90,
        {p.DORMANT: 30, p.RESIDUAL: 4, **_FEW},
        _GROW | _CHAIN | _SASP | _IMMUNE | {r.WAKE: 0.01, r.DEATH: 0.1, r.KILL + _DNA: 0.05},
        infiltrate=0.5,
    ),
    _network(
        "mouse tumour",
        18,
        {p.RESIDUAL: 40, **_FEW},
        _FAST | _CHAIN | _SASP | _IMMUNE | _CROWDED | _ESCAPERS | {r.ESCAPE: 0.004},
        infiltrate=0.3,
    ),
)
