"""Death from treatment: nobody unless stated; as many as stated; on the day on which what is outlived is used up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.spec.resolved import Pharmacology
from trialsim.structured import one, rows
from trialsim.treatment import neutrophils as nf
from trialsim.treatment import platelets as pl
from trialsim.treatment.pharmacology import Drug
from trialsim.treatment.toxic_death import draw_outlived

PATIENTS = 4000


def outlived(pharmacology: Pharmacology) -> np.ndarray:
    return np.array([draw_outlived(pharmacology, patient, seed=2) for patient in range(1, PATIENTS + 1)])


def test_nobody_dies_of_toxicity_unless_it_is_stated() -> None:
    """Catches a default hazard, and a hazard of the one count that kills by the other."""
    assert draw_outlived(Pharmacology(), 1, seed=1) == (math.inf, math.inf)
    neutropenic, thrombocytopenic = draw_outlived(Pharmacology(thrombocytopenic_death=0.1), 1, seed=1)
    assert neutropenic == math.inf
    assert thrombocytopenic < math.inf


@pytest.mark.parametrize(("neutropenic", "thrombocytopenic"), [(0.02, 0.0), (0.02, 0.05)])
def test_as_many_die_as_the_hazards_say(neutropenic: float, thrombocytopenic: float) -> None:
    """After ten days of both 1 - exp(-10 (a + b)), within 4.9 standard errors (false alarms 1e-6) of 4,000.

    Catches a uniform drawn for an exponential, one stream for all patients, and two clocks that run out together.
    """
    drawn = outlived(Pharmacology(neutropenic_death=neutropenic, thrombocytopenic_death=thrombocytopenic))
    expected = -math.expm1(-10.0 * (neutropenic + thrombocytopenic))
    dead = (drawn.min(axis=1) <= 10.0).mean()
    assert abs(dead - expected) < 4.9 * math.sqrt(expected * (1 - expected) / PATIENTS)


def test_the_two_clocks_know_nothing_of_each_other() -> None:
    """Catches one number drawn for both: their ranks are uncorrelated within 4.9 standard errors."""
    drawn = outlived(Pharmacology(neutropenic_death=0.02, thrombocytopenic_death=0.05))
    ranks = drawn.argsort(axis=0).argsort(axis=0)
    assert abs(np.corrcoef(ranks.T)[0, 1]) < 4.9 / math.sqrt(PATIENTS)


@pytest.mark.parametrize("visits", [(40.0,), (3.0, 4.0, 4.5, 40.0), tuple(np.arange(0.3, 40.0, 0.7))])
def test_the_day_of_death_is_that_on_which_the_outlived_days_are_used_up(visits: tuple[float, ...]) -> None:
    """Counts that are severe from day 0 on kill on the day that is outlived, whatever the visits. Catches a death dated
    on a visit, one at the end of a step of the integrator, and one that comes again."""
    platelets, marrow = one(pl.Platelets), one(nf.Marrow)
    pl.set_at_rest(platelets, 20.0)
    nf.set_marrow_at_rest(marrow, 0.3)
    platelets.drive = marrow.circ = 0.99
    platelets.outlives, marrow.outlives = 4.3, 3.1
    now = 0.0
    for day in visits:
        pl.advance_platelets(platelets, rows(Drug, 0), now, day - now)
        nf.take_on(marrow, rows(Drug, 0), day)
        now = day
    assert platelets.fatal_on == pytest.approx(4.3, abs=1e-9)
    assert marrow.fatal_on == pytest.approx(3.1, abs=1e-9)
