"""Enrichment of a subgroup: the error of both claims together, and the parts of the closed test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from tests.designs.test_replicates import LOSS, MEDIAN_24
from trialsim.designs import replicate_kernel as kernel
from trialsim.designs.enrichment import EventsAndZ, closed_test, combined, hazard_ratio_of, intersection_z, stage_z
from trialsim.designs.replicates import Arm, Population, as_drawn
from trialsim.designs.survival import constant
from trialsim.rng import Purpose, stream

FIRST, EVENTS, PATIENTS = 100, 200, 360
ALPHA = 0.025


def of(trial: kernel.Trial, chosen: np.ndarray) -> kernel.Trial:
    """Some of the patients, in one stratum."""
    part = kernel.Trial(*(column[chosen] for column in trial))
    return part._replace(stratum=np.zeros_like(part.stratum))


def z_at(cut: float, trial: kernel.Trial, chosen: np.ndarray) -> EventsAndZ:
    part = of(trial, chosen)
    end, happened = np.minimum(part.event, part.loss), part.event <= part.loss
    found = kernel.compare(cut, 1, part, kernel.Ended(end, end, happened, np.argsort(end)), False, 1, 0.0, 0.0)
    return EventsAndZ(found[0], found[1] / math.sqrt(found[2]) if found[2] > 0 else 0.0)


def cut_at(count: int, trial: kernel.Trial, chosen: np.ndarray) -> float:
    part = of(trial, chosen)
    return float(np.sort((part.entry + part.event)[part.event <= part.loss])[count - 1])


def simulate(in_subgroup: float, in_others: float, trials: int, seed: int, limit: float = 0.9) -> np.ndarray:
    """(enriched, claim for all, claim for the subgroup) of trials with a hazard ratio in each of two halves.

    After the look the trial goes on in the subgroup (stratum 1) if the others' hazard ratio is above the limit then.
    """
    hazard = math.log(2) / 24
    treated = Arm((constant(hazard * in_others), constant(hazard * in_subgroup)), (LOSS, LOSS))
    population = Population(
        3 * PATIENTS, constant(15.0), (Arm((MEDIAN_24,) * 2, (LOSS, LOSS)), treated), shares=(0.5, 0.5)
    )
    drawn, size = as_drawn(population), population.patients
    trial = kernel.empty_trial(size)
    rng = stream(seed, Purpose.REPLICATES)
    told = np.zeros((trials, 3), dtype=bool)
    for each in range(trials):
        kernel.draw_trial(rng, drawn, trial)
        planned = np.arange(size) < PATIENTS
        look = cut_at(FIRST, trial, planned)
        subgroup = trial.stratum == 1
        first = (z_at(look, trial, planned), z_at(look, trial, planned & subgroup))
        others = z_at(look, trial, planned & ~subgroup)
        enriched = hazard_ratio_of(others) > limit
        chosen = planned
        if enriched:
            # Who comes after the look is of the subgroup, until as many have come as were planned.
            open_to = (trial.entry <= look) | subgroup
            chosen = open_to & (np.cumsum(open_to) <= PATIENTS)
        end = cut_at(EVENTS, trial, chosen)
        last = (z_at(end, trial, chosen), z_at(end, trial, chosen & subgroup))
        claims = closed_test(FIRST / EVENTS, ALPHA, first, last, enriched=enriched)
        told[each] = enriched, claims.claims_full, claims.claims_subgroup
    return told


def test_no_false_claim_more_often_than_alpha() -> None:
    """20,480 trials with no effect in anybody, of which a good part go on in the subgroup: any claim below 2.75 %.

    Catches a selection that is not paid for: the better of two z at the end would be wrong in more than 4 %.
    """
    told = simulate(1.0, 1.0, 20_480, seed=51)
    assert 0.4 < told[:, 0].mean() < 0.8
    error = told[:, 1:].any(axis=1).mean()
    assert 0.015 < error < 0.0275


def test_enrichment_finds_the_subgroup_that_benefits() -> None:
    """An effect in half of the patients: claims for the subgroup, few for all; with an effect in all, for all."""
    half, everybody = simulate(0.55, 1.0, 1500, seed=52), simulate(0.62, 0.62, 1500, seed=53)
    assert half[:, 0].mean() > 0.5
    assert half[:, 2].mean() > 0.7
    assert everybody[:, 0].mean() < 0.2
    assert everybody[:, 1].mean() > 0.7


def test_stages_put_together_are_the_whole() -> None:
    """With the weights of the data the combined z is the plain one. Catches the parts of a stage exchanged."""
    first, last = EventsAndZ(80, 1.2), EventsAndZ(200, 2.3)
    assert combined(80 / 200, first.z, stage_z(first, last)) == pytest.approx(2.3, abs=1e-12)
    assert stage_z(first, EventsAndZ(80, 1.2)) == 0.0


def test_simes() -> None:
    """Twice the smaller p, or the larger one. Catches Bonferroni, and a p that underflows."""
    for full, subgroup in ((2.5, 0.1), (2.1, 2.0), (-1.0, -2.0), (0.0, 0.0)):
        p = sorted(norm.sf([full, subgroup]))
        assert norm.sf(intersection_z(full, subgroup)) == pytest.approx(min(2 * p[0], p[1]), rel=1e-9)
    assert intersection_z(45.0, 3.0) == 45.0


def test_claims_need_the_intersection_and_their_own() -> None:
    """Catches a claim for everybody after the trial has gone on in the subgroup."""
    good, nothing = EventsAndZ(100, 2.5), EventsAndZ(100, 0.0)
    whole = closed_test(0.5, ALPHA, (good, good), (EventsAndZ(200, 4.0), EventsAndZ(200, 4.0)), enriched=False)
    assert whole.claims_full
    assert whole.claims_subgroup
    alone = closed_test(0.5, ALPHA, (good, good), (EventsAndZ(200, 4.0), EventsAndZ(200, 4.0)), enriched=True)
    assert not alone.claims_full
    assert alone.claims_subgroup
    only = closed_test(0.5, ALPHA, (nothing, good), (EventsAndZ(200, 0.0), EventsAndZ(200, 4.0)), enriched=False)
    assert not only.claims_full
    assert only.claims_subgroup
    assert whole.p < only.p < 0.025
