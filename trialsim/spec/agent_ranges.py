"""Where the numbers of an agent can lie, by their place in it.

The bounds are wide: a number outside has slipped, or is one at which a day takes too many steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from trialsim.spec.agents import Agent, Frozen, Sourced
from trialsim.spec.form import Findings
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath

#: Per day: at the greatest nearly all cells or platelets are gone within the day.
_HAZARD = (0.0, 10.0)
_FOLD = (0.0, 100.0)
_SHARE = (0.0, 1.0)
_DEVIATION = (0.0, 3.0)
_POWER = (0.0, 3.0)
_HALF_EFFECT = (1e-9, 1e6)
#: Least and greatest values, in the unit of the place. A place that is not named has the range of its parent.
RANGES: dict[str, tuple[float, float]] = {
    "apart_from": (0.0, 3650.0),
    "reference_dose": (1e-3, 1e5),
    "log_kill": (0.0, 100.0),
    "host_damage": (0.0, 1000.0),
    "repair_half_time": (1e-2, 1000.0),
    "fates.death_shift": (1e-3, 1e6),
    "fates.wild_type": _SHARE,
    "fates.mutant": _SHARE,
    "marrow.slope": (0.0, 1e4),
    "emax": _HAZARD,
    "kill": _HAZARD,
    "senescence.rate": _HAZARD,
    "platelets.emax": _HAZARD,
    "ec50": _HALF_EFFECT,
    "platelets.ec50": _HALF_EFFECT,
    "hill": (0.1, 20.0),
    "effects": (0.0, 10.0),
    "effects.damage_senescence": _FOLD,
    "effect_by_inducer": _FOLD,
    "effect_by_class": _FOLD,
    "immature_effect": _FOLD,
    "cycling_effect": _FOLD,
    "host_effect": _FOLD,
    "pk.clearance": (1e-4, 1e5),
    "pk.volume": (0.1, 1e5),
    "pk.absorption": (1e-5, 100.0),
    "pk.molar_mass": (1.0, 1e7),
    "pk.lag": (0.0, 1000.0),
    "pk.infusion": (1e-2, 1000.0),
    "pk.exchange": (1e-4, 1e5),
    "pk.tissue_volume": (0.1, 1e5),
    "pk.clearance_iiv": _DEVIATION,
    "pk.volume_iiv": _DEVIATION,
    "pk.clearance_by_weight": _POWER,
    "pk.volume_by_weight": _POWER,
    "pk.renal_share": _SHARE,
}


def check_ranges(findings: Findings, path: KeyPath, agent: Agent) -> None:
    """Note every number of an agent that lies outside its range."""
    for place, number in numbers(agent):
        low, high = range_of(place)
        if not low <= number.value <= high:
            amount = f"{number.value:g} {number.unit}".rstrip()
            message = f"`{'.'.join(place)}` is {amount}; it is {low:g} to {high:g}"
            findings.add((*path, *place), message, Rule.RANGE)


def numbers(agent: Agent) -> Iterator[tuple[tuple[str, ...], Sourced]]:
    """Every number of an agent with its place."""
    yield from _numbers(dict(agent), ())


def _numbers(parts: dict[str, Any], at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Sourced]]:
    for key, part in parts.items():
        if isinstance(part, Sourced):
            yield (*at, key), part
        elif isinstance(part, dict | Frozen):
            yield from _numbers(dict(part), (*at, key))


def range_of(place: tuple[str, ...]) -> tuple[float, float]:
    """The range of a place: its own, or that of the nearest place around it."""
    for end in range(len(place), 0, -1):
        if (found := RANGES.get(".".join(place[:end]))) is not None:
            return found
    return -math.inf, math.inf
