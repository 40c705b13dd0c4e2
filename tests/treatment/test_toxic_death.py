"""Death from treatment: nobody unless stated; as many as stated; dated within the interval in which it fell."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.spec.resolved import Pharmacology
from trialsim.treatment.toxic_death import day_of_death, draw_endurance, suffered


def test_nobody_dies_of_toxicity_unless_it_is_stated() -> None:
    """Catches a default hazard."""
    assert draw_endurance(Pharmacology(), 1, seed=1) == math.inf


def test_as_many_die_as_the_hazard_says() -> None:
    """After ten days at 0.02 per day 1 - exp(-0.2), within 4.9 standard errors (false alarms 1e-6) of 4,000.

    Catches a uniform drawn for an exponential, and one stream for all patients.
    """
    lethal, n = Pharmacology(neutropenic_death=0.02), 4000
    endured = np.array([draw_endurance(lethal, patient, seed=2) for patient in range(1, n + 1)])
    expected = -math.expm1(-suffered(0.02, 0.5, 10.0, 0.0))
    assert abs((endured <= 0.2).mean() - expected) < 4.9 * math.sqrt(expected * (1 - expected) / n)


def test_the_day_lies_where_the_hazard_was_used_up() -> None:
    """Catches a death dated on the visit that finds it, and one before the visit that did not."""
    assert suffered(0.1, 0.05, 3.0, 2.0) == pytest.approx(0.4)
    assert day_of_death(10.0, 20.0, 0.2, 0.6, 0.3) == pytest.approx(12.5)
    assert day_of_death(10.0, 20.0, 0.2, 0.6, 0.6) == 20.0
