"""Friberg's model of neutrophils against SciPy's ODE solver and against what was published of docetaxel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from trialsim.spec.agents import Cytotoxic
from trialsim.structured import Rows, one, rows
from trialsim.treatment import neutrophils as nf
from trialsim.treatment.library import load_library
from trialsim.treatment.pharmacokinetics import Disposition, plasma_of_dose
from trialsim.treatment.pharmacology import Drug

LIBRARY = load_library()


def toxin(name: str) -> Drug:
    """The constants of a shipped agent in the typical patient."""
    agent = LIBRARY[name]
    assert isinstance(agent, Cytotoxic)
    assert agent.pk is not None
    assert agent.marrow is not None
    assert agent.pk.exchange is not None
    assert agent.pk.tissue_volume is not None
    drug, volume = one(Drug), agent.pk.volume.value
    drug.elimination = 24.0 * agent.pk.clearance.value / volume
    drug.outward = 24.0 * agent.pk.exchange.value / volume
    drug.back = 24.0 * agent.pk.exchange.value / agent.pk.tissue_volume.value
    drug.per_mg = 1000.0 / (volume * agent.pk.molar_mass.value)
    drug.infusion = 0.0 if agent.pk.infusion is None else agent.pk.infusion.value / 24.0
    drug.marrow_slope = agent.marrow.slope.value
    return drug


def at_rest(baseline: float) -> nf.Marrow:
    """A marrow before any drug."""
    marrow = one(nf.Marrow)
    nf.set_marrow_at_rest(marrow, baseline)
    return marrow


def given(drug: Drug) -> Rows[Drug]:
    """The drugs of a patient who has one."""
    drugs = rows(Drug, 1)
    drugs[0] = drug
    return drugs


def course(drug: Drug, doses: list[tuple[float, float]], days: np.ndarray, baseline: float = 5.05) -> np.ndarray:
    """Counts on days, 1e9/L, infused over the drug's time."""
    marrow, drugs = at_rest(baseline), given(drug)
    stops = sorted({*days, *(d for d, _ in doses), *(d + drug.infusion for d, _ in doses)})
    counts = {}
    for stop in stops:
        nf.take_on(marrow, drugs, stop)
        counts[stop] = marrow.circ * baseline
        drugs["rate"] = sum(mg / drug.infusion for day, mg in doses if day <= stop < day + drug.infusion - 1e-12)
    return np.array([counts[day] for day in days])


@pytest.mark.parametrize(("name", "mg"), [("docetaxel", 180.0), ("paclitaxel", 315.0), ("doxorubicin", 108.0)])
def test_counts_follow_friberg_s_equations(name: str, mg: float) -> None:
    """Two cycles against solve_ivp on the five equations as published, to 2e-3. Catches a wrong stage, rate or sign."""
    drug, doses = toxin(name), [(0.0, mg), (21.0, 0.8 * mg)]
    kinetics = Disposition(0.0, drug.elimination, drug.outward, drug.back)
    k = 4.0 / nf.TRANSIT

    def slopes(t: float, y: np.ndarray) -> list[float]:
        plasma = sum(dose * plasma_of_dose(kinetics, 0.0, drug.infusion, t - day) for day, dose in doses if t >= day)
        drive, effect = y[4] ** -nf.FEEDBACK, drug.marrow_slope * drug.per_mg * plasma
        prol, t1, t2, t3, circ = y
        return [k * prol * ((1 - effect) * drive - 1), k * (prol - t1), k * (t1 - t2), k * (t2 - t3), k * (t3 - circ)]

    days = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 12.0, 16.0, 21.0, 24.0, 28.0, 35.0, 42.0])
    solved = solve_ivp(slopes, (0.0, 42.0), np.ones(5), t_eval=days, rtol=1e-9, atol=1e-11, max_step=0.02).y[4]
    np.testing.assert_allclose(course(drug, doses, days) / 5.05, solved, rtol=2e-3)


def bruno(t: float, y: np.ndarray) -> list[float]:
    """Docetaxel in three compartments (Bruno 1996) and Friberg's model of it (2002), as published; days, umol/L."""
    k10, k12, k21, k13, k31 = (24.0 * rate for rate in (5.2, 1.06, 1.51, 1.26, 0.084))
    k = 24.0 * 4.0 / 88.7
    a1, a2, a3, prol, t1, t2, t3, circ = y
    rate, effect = (180.0 * 24.0 if t < 1.0 / 24.0 else 0.0), 8.58 * a1 / 7.4 / 0.808
    return [
        rate - (k10 + k12 + k13) * a1 + k21 * a2 + k31 * a3, k12 * a1 - k21 * a2, k13 * a1 - k31 * a3,
        k * prol * ((1.0 - effect) * (5.05 / circ) ** 0.161 - 1.0),
        k * (prol - t1), k * (t1 - t2), k * (t2 - t3), k * (t3 - circ),
    ]  # fmt: skip


def test_docetaxel_s_nadir_is_the_published_one() -> None:
    """100 mg/m2: depth within 5 % and day within 0.25 of the model as published; day 8 or so, recovered by day 21.

    Catches hours for days in the transit time, mg/L for umol/L in the slope, two compartments unlike the three.
    """
    days = np.arange(0.25, 22.0, 0.25)
    counts = course(toxin("docetaxel"), [(0.0, 180.0)], days)
    start = [0.0, 0.0, 0.0, *[5.05] * 5]
    published = solve_ivp(bruno, (0.0, 22.0), start, t_eval=days, rtol=1e-8, atol=1e-10, max_step=0.01).y[7]
    assert counts.min() == pytest.approx(published.min(), rel=0.05)
    assert days[counts.argmin()] == pytest.approx(days[published.argmin()], abs=0.25)
    assert 0.5 < counts.min() < 1.0
    assert 7.0 <= days[counts.argmin()] <= 9.0
    assert counts[days == 21.0][0] > 4.0
    assert counts.min() < course(toxin("docetaxel"), [(0.0, 135.0)], days).min()


@pytest.mark.parametrize(
    ("name", "mg", "low", "high"),
    [("paclitaxel", 315.0, 0.8, 2.0), ("doxorubicin", 108.0, 0.6, 1.5), ("carboplatin", 575.0, 1.8, 3.5)],
)
def test_other_agents_reach_the_nadirs_that_they_were_chosen_for(name: str, mg: float, low: float, high: float) -> None:
    """Catches a slope for another unit of concentration or another transit time."""
    counts = course(toxin(name), [(0.0, mg)], np.arange(0.25, 22.0, 0.25))
    assert low < counts.min() < high


def test_a_marrow_rests_without_a_drug_and_returns_to_rest() -> None:
    """Catches drift, and a marrow that never comes to rest, which would slow every visit from then on."""
    marrow, drugs = at_rest(5.0), given(toxin("docetaxel"))
    nf.take_on(marrow, drugs, 1000.0)
    assert marrow.circ == 1.0
    drugs["plasma"] = 180.0
    nf.take_on(marrow, drugs, 1500.0)
    assert nf.is_marrow_at_rest(marrow, drugs)
    assert marrow.lowest < 0.2


def test_days_of_severe_neutropenia_are_counted() -> None:
    """The time below 0.5e9/L on a fine grid. Catches a count relative to baseline that is held against 0.5e9/L."""
    marrow, drugs, below = at_rest(4.0), given(toxin("docetaxel")), 0.0
    drugs["plasma"] = 300.0
    for day in np.arange(0.01, 25.0, 0.01):
        nf.take_on(marrow, drugs, day)
        below += 0.01 * (marrow.circ * 4.0 < 0.5)
    assert below > 1.0
    assert marrow.severe_days == pytest.approx(below, rel=1e-6)
