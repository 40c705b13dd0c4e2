"""What a course of a senolytic averts, against when it begins: the means of the model, for a typical patient.

Senescent cells ripen, are cleared and escape as in the ageing chain of docs/model.md (7.7); navitoclax kills ripe ones
by its concentration (7.11). Escape is so rare that it takes nothing from the cells, so the number of escapes is in
proportion to the days that competent cells live. The laws are integrated here a second time, in plain Python.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trialsim.spec.agents import Cytotoxic, Senolytic

Floats = NDArray[np.float64]

#: Days of a step, and how long cells are followed: beyond it hardly any is left.
STEP, FOLLOWED = 0.05, 500.0
#: A typical patient of `breast-high-risk`: medians of the cohort.
MATURATION, LATENCY, CLEARANCE = 4.0, 14.0, 0.02


def kill_rate(senolytic: Senolytic, dose_mg: float, dose_days: Sequence[float], days: Floats) -> Floats:
    """Hazard of killing of a ripe, sensitive cell of a BCL-xL-dependent tumour, per day, on each of ``days``."""
    pk = senolytic.pk
    assert pk.absorption is not None, "an oral drug"
    absorption, elimination = 24.0 * pk.absorption.value, 24.0 * pk.clearance.value / pk.volume.value
    amount = np.zeros_like(days)
    for day in dose_days:
        since = np.clip(days - day, 0.0, None)
        bateman = np.exp(-elimination * since) - np.exp(-absorption * since)
        amount += dose_mg * absorption / (absorption - elimination) * bateman
    concentration = 1000.0 * amount / (pk.volume.value * pk.molar_mass.value)
    return np.asarray(senolytic.emax.value * concentration / (senolytic.ec50.value + concentration), np.float64)


def competent_days(made: Mapping[float, float], kill: Floats, days: Floats) -> Floats:
    """Days that competent cells live, summed over cells: ``made`` are cells by the day on which they arrest.

    ``kill`` is the hazard on each of ``days``, its last axis, which are STEP apart. Heun's method.
    """
    ripening, becoming = 1.0 / MATURATION, 1.0 / (LATENCY - MATURATION)
    young, mature, competent, lived = np.zeros((4, *kill.shape[:-1]))
    arrests = {round((day - days[0]) / STEP): cells for day, cells in made.items()}

    def slope(y: Floats, m: Floats, c: Floats, h: Floats) -> tuple[Floats, Floats, Floats]:
        return (
            -(ripening + CLEARANCE) * y,
            ripening * y - (becoming + CLEARANCE + h) * m,
            becoming * m - (CLEARANCE + h) * c,
        )

    for at in range(days.size - 1):
        young = young + arrests.get(at, 0.0)
        first = slope(young, mature, competent, kill[..., at])
        there = (young + STEP * first[0], mature + STEP * first[1], competent + STEP * first[2])
        second = slope(*there, kill[..., at + 1])
        before = competent
        young, mature, competent = (
            now + 0.5 * STEP * (a + b) for now, a, b in zip((young, mature, competent), first, second, strict=True)
        )
        lived = lived + 0.5 * STEP * (before + competent)
    return np.asarray(lived, np.float64)


def averted_percent(
    senolytic: Senolytic, dose_mg: float, begins: Sequence[float], course: Sequence[float], made: Mapping[float, float]
) -> Floats:
    """Escapes that a course averts, in per cent of those without it, by the day on which it begins.

    ``course`` are the days of doses from that one on.
    """
    days = np.arange(min(made), FOLLOWED, STEP)
    kills = [
        np.zeros_like(days),
        *(kill_rate(senolytic, dose_mg, [begin + d for d in course], days) for begin in begins),
    ]
    without, *treated = competent_days(made, np.stack(kills), days)
    return np.asarray(100.0 * (1.0 - np.array(treated) / without), np.float64)


def made_by_cycles(cycles: int, every: float, left: float) -> dict[float, float]:
    """Senescent cells by day, counted from the last of ``cycles``: each leaves the share ``left`` of the cycling cells.

    What grows back between two cycles is left out.
    """
    first = -every * (cycles - 1)
    return {first + every * cycle: left**cycle * (1.0 - left) for cycle in range(cycles)}


def surviving(agents: Sequence[Cytotoxic]) -> float:
    """Share of the cycling cells of a p53 wild-type tumour that a cycle of these agents leaves, after repair."""
    share = 1.0
    for agent in agents:
        repair = agent.fates.wild_type.repair
        assert repair is not None, "agents that damage state it"
        share *= math.pow(10.0, -agent.log_kill.value * (1.0 - repair.value))
    return share
