"""Death from treatment: a hazard while blood counts are very low."""

from __future__ import annotations

import math

from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import Pharmacology


def draw_endurance(pharmacology: Pharmacology, patient: int, *, seed: int, replicate: int = 0) -> float:
    """The integral of the hazard at which a patient dies: standard exponential, infinity where nobody dies of it."""
    if not pharmacology.is_lethal:
        return math.inf
    rng = stream(seed, Purpose.TOXIC_DEATH, subject=patient, replicate=replicate)
    return float(rng.standard_exponential())


def suffered(neutropenic: float, thrombocytopenic: float, few_neutrophils: float, few_platelets: float) -> float:
    """The integral of the hazard so far: each rate times the days below its limit."""
    return neutropenic * few_neutrophils + thrombocytopenic * few_platelets


def day_of_death(before: float, now: float, suffered_before: float, suffered_now: float, endurance: float) -> float:
    """The day between two visits on which ``endurance`` is used up; low counts are taken as even in between."""
    share = (endurance - suffered_before) / (suffered_now - suffered_before)
    return before + min(1.0, max(0.0, share)) * (now - before)
