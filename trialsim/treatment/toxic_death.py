"""Death from treatment: a hazard while blood counts are very low."""

from __future__ import annotations

import math

from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import Pharmacology


def draw_outlived(pharmacology: Pharmacology, patient: int, *, seed: int, replicate: int = 0) -> tuple[float, float]:
    """The days of neutropenia, and of thrombocytopenia, that a patient outlives; infinite where nobody dies of them.

    Exponential with the mean 1 / hazard each, and independent: death comes when the first of them is used up, which is
    death at the sum of the hazards.
    """
    if not pharmacology.is_lethal:
        return math.inf, math.inf
    rng = stream(seed, Purpose.TOXIC_DEATH, subject=patient, replicate=replicate)
    rates = pharmacology.neutropenic_death, pharmacology.thrombocytopenic_death
    neutropenic, thrombocytopenic = (
        float(drawn) / rate if rate > 0.0 else math.inf
        for drawn, rate in zip(rng.standard_exponential(2), rates, strict=True)
    )
    return neutropenic, thrombocytopenic
