"""Small lesions on which the kernel is held to its exact twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.spec.agents import INDUCERS

Key = str | tuple[str, int]
"""A rate by its name, or of one inducer."""


def set_rate(rates: r.Rates, key: Key, value: float) -> None:
    """Set a rate by its name."""
    if isinstance(key, str):
        setattr(rates, key, value)
    else:
        getattr(rates, key[0])[key[1]] = value


@dataclass(frozen=True)
class Network:
    """A starting lesion, its rates and how long it runs (days)."""

    name: str
    cells: NDArray[np.int64]
    rates: r.Rates
    until: float
    infiltrate: float = 0.0


def _network(
    name: str, until: float, cells: dict[int, int], rates: Mapping[Key, float], infiltrate: float = 0.0
) -> Network:
    start = np.zeros(p.N_POPULATIONS, np.int64)
    for at, n in cells.items():
        start[at] = n
    vector = r.quiet_rates()
    for key, rate in rates.items():
        set_rate(vector, key, rate)
    return Network(name, start, vector, until, infiltrate)


# Net growth sets the length of steps; without crowding or a secretome it does nothing else.
_GROW = {"birth": 0.14, "death": 0.12, "net": 0.02}
_ESCAPERS = {"escaped_birth": 0.10, "escaped_death": 0.06, "escaped_net": 0.03}
_CHAIN = {"maturation": 0.25, "competence": 0.1, "clearance": 0.03, "polyploid_share": 0.4, "resistant_share": 0.1}
_DNA = INDUCERS.index("dna_damage")
_KILL = {
    ("senolytic_kill", _DNA): 0.15,
    ("senolytic_kill", p.SPONTANEOUS): 0.08,
    "kill_cycling": 0.005,
    "immature_kill_share": 0.1,
}
_CDK = INDUCERS.index("cell_cycle")
_ARRESTED = {p.senescent(_CDK, 0, 0, 0): 30, p.senescent(_CDK, 1, 0, 1): 20, p.senescent(_CDK, 1, 1, 2): 10}
_OUT = {p.escaped(_DNA, 0): 15, p.escaped(_DNA, 1): 15}
_TIS = {p.senescent(_DNA, 0, 0, 0): 60, p.senescent(_DNA, 1, 0, 0): 40, p.senescent(_DNA, 1, 1, 1): 6}

NETWORKS = (
    _network("growth near extinction", 60, {p.RESIDUAL: 3}, _GROW),
    _network("dying tumour", 45, {p.RESIDUAL: 40}, {"birth": 0.10, "death": 0.16}),
    _network("spontaneous senescence", 70, {p.RESIDUAL: 20}, _GROW | _CHAIN | {"spontaneous_rate": 0.01}),
    _network("escape from treatment", 60, _TIS, _CHAIN | _ESCAPERS | {"escape": 0.004}),
    _network(
        "awakening",
        80,
        {p.DORMANT: 12},
        _GROW | _CHAIN | {"wake": 0.02, "spontaneous_rate": 0.005},
    ),
    _network(
        "everything",
        60,
        {p.RESIDUAL: 10, p.DORMANT: 8, **_TIS},
        _GROW | _CHAIN | _ESCAPERS | {"wake": 0.02, "spontaneous_rate": 0.01, "escape": 0.004},
    ),
    _network("senolytic", 30, {p.RESIDUAL: 15, **_TIS}, _GROW | _CHAIN | _ESCAPERS | _KILL | {"escape": 0.01}),
    _network(
        "crowded",
        60,
        {p.RESIDUAL: 20},
        {"birth": 0.16, "death": 0.12, "net": 0.04, "capacity": 150.0, "reference": 50.0, "crowding": 1.0},
    ),
    _network("reversible", 40, {p.RESIDUAL: 5, **_ARRESTED}, _GROW | _CHAIN | {"reversal": 0.08, "escape": 0.01}),
    _network("inherited resistance", 50, _OUT, _GROW | _CHAIN | _ESCAPERS | _KILL | {"spontaneous_rate": 0.04}),
)

_FEW = {at: max(2, n // 3) for at, n in _TIS.items()}
_SASP = {
    "sasp_intensity": 1.2,
    "sasp_growth": 0.3,
    "growth_at_rest": 1.05,
    "sasp_arrest": 0.01,
    "sasp_seeding": 1.5,
    "sasp_waking": 1.5,
    "seeding": 0.002,
    "spontaneous_rate": 0.004,
    "host_share": 0.02,
    **{("weight", i): 0.6 for i in range(p.N_INDUCERS)},
}
_IMMUNE = {"immune_kill": 0.03, "sasp_immune": 0.7, "sasp_clearance": 1.0, "infiltration_time": 14.0}
_CROWDED = {"capacity": 6e3, "reference": 4e2, "crowding": 1.0}
_FAST = {"birth": 0.5, "death": 0.28, "net": 0.20}

#: Lesions in which everything hangs on everything: the weak error of the coupled kernel is measured on these.
COUPLED = (
    _network(
        "secretome",
        60,
        {p.RESIDUAL: 40, **_FEW},
        _GROW | _CHAIN | _SASP | _ESCAPERS | {"escape": 0.004},
    ),
    _network(
        "immunity",
        60,
        {p.RESIDUAL: 40, **_FEW},
        _GROW | _CHAIN | _SASP | _IMMUNE | {"death": 0.1},
        infiltrate=0.3,
    ),
    _network(
        "waking tumour",
        90,
        {p.DORMANT: 30, p.RESIDUAL: 4, **_FEW},
        _GROW | _CHAIN | _SASP | _IMMUNE | {"wake": 0.01, "death": 0.1, ("senolytic_kill", _DNA): 0.05},
        infiltrate=0.5,
    ),
    _network(
        "mouse tumour",
        18,
        {p.RESIDUAL: 40, **_FEW},
        _FAST | _CHAIN | _SASP | _IMMUNE | _CROWDED | _ESCAPERS | {"escape": 0.004},
        infiltrate=0.3,
    ),
)
