"""Doses to hazards, against closed forms and against SciPy's ODE solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from trialsim.structured import Rows, one, rows
from trialsim.treatment import pharmacology as pk
from trialsim.treatment import platelets as pl
from trialsim.treatment.damage import chemotherapy_hits, loss_prob, radiation_hits
from trialsim.treatment.fate import fate_shares, senescent_share
from trialsim.treatment.library import load_library
from trialsim.treatment.pharmacology import Drug

KA, KE = 8.4, 1.0


def drug() -> Drug:
    """Navitoclax-like constants, per day and per mg."""
    made = one(Drug)
    made.absorption, made.elimination, made.per_mg = KA, KE, 1000 / 974.6 / 120
    made.ec50, made.hill = 0.54, 1.0
    made.platelet_emax, made.platelet_ec50 = 0.5, 0.3
    return made


def taken() -> Rows[Drug]:
    """The drugs of a patient who has it."""
    drugs = rows(Drug, 1)
    drugs[0] = drug()
    return drugs


def platelets(baseline: float) -> pl.Platelets:
    """Platelets before any drug."""
    made = one(pl.Platelets)
    pl.set_at_rest(made, baseline)
    return made


@pytest.mark.parametrize(("ka", "ke"), [(8.4, 1.0), (1.0, 1.0), (1.0 + 1e-10, 1.0), (0.3, 2.0)])
def test_amounts_follow_the_ode(ka: float, ke: float) -> None:
    """Catches a wrong sign or a lost flip-flop case, and the singularity at ka = ke."""
    solved = solve_ivp(
        lambda _, y: [-ka * y[0], ka * y[0] - ke * y[1]], (0, 1.7), [150.0, 40.0], rtol=1e-11, atol=1e-11
    ).y[:, -1]
    assert pk.amounts_after(150.0, 40.0, ka, ke, 1.7) == pytest.approx(solved, rel=1e-7)


@given(st.lists(st.floats(0.01, 3.0), min_size=1, max_size=6))
def test_doses_superpose(gaps: list[float]) -> None:
    """Catches a regimen whose result depends on how time is cut: stepwise equals the sum of single doses."""
    gut = central = 0.0
    for gap in gaps:
        gut, central = pk.amounts_after(gut + 100.0, central, KA, KE, gap)
    alone = [pk.amounts_after(100.0, 0.0, KA, KE, sum(gaps[i:]))[1] for i in range(len(gaps))]
    assert central == pytest.approx(sum(alone), rel=1e-9)


@pytest.mark.parametrize(("length", "gut", "plasma"), [(0.25, 150, 60), (1.0, 150, 60), (1.5, 150, 60), (3.0, 0.1, 30)])
def test_the_mean_effect_is_the_integral(length: float, gut: float, plasma: float) -> None:
    """Catches an effect taken at one instant of a dosing interval. Adaptive quadrature agrees to 1e-3."""
    constants = drug()

    def hazard(t: float) -> float:
        _, later = pk.amounts_after(gut, plasma, KA, KE, t)
        return pk.effect(later * constants.per_mg, 0.2, 0.54)

    exact = quad(hazard, 0, length)[0] / length
    constants.gut, constants.plasma = gut, plasma
    assert pk.mean_effect(constants, 0.2, 0.54, length) == pytest.approx(exact, rel=2e-3)


@pytest.mark.parametrize(
    ("ka", "ke", "out", "back"),
    [(8.0, 1.0, 0.0, 0.0), (0.3, 1.0, 0.0, 0.0), (0.0, 2.0, 3.0, 0.4), (5.0, 0.2, 1.0, 2.0)],
)
def test_the_slowest_rate_is_the_smallest_eigenvalue(ka: float, ke: float, out: float, back: float) -> None:
    """Of gut, plasma and tissue. Catches a tail that is slower than a drug is followed for."""
    constants = drug()
    constants.absorption, constants.elimination, constants.outward, constants.back = ka, ke, out, back
    matrix = np.array([[-ka, 0.0, 0.0], [ka, -ke - out, back], [0.0, out, -back]])
    parts = [at for at, there in enumerate((ka > 0.0, True, out > 0.0)) if there]
    slowest = -np.linalg.eigvals(matrix[np.ix_(parts, parts)]).real.max()
    assert pk.slowest_rate(constants) == pytest.approx(slowest, rel=1e-9)


def test_exposure_is_dose_over_clearance() -> None:
    """AUC = dose / (ke V), whatever the absorption. Catches an absorption that loses drug."""
    total = quad(lambda t: pk.amounts_after(150.0, 0.0, KA, KE, t)[1], 0, 60)[0]
    assert total == pytest.approx(150.0 / KE, rel=1e-6)


def _nadir(doses: dict[int, float], days: int) -> tuple[float, float]:
    """Lowest count as a share of baseline over the first 14 days, and its day."""
    drugs, state = taken(), platelets(250.0)
    counts = []
    for day in range(days):
        drugs["gut"] += doses.get(day, 0.0)
        for quarter in range(4):
            pl.advance_platelets(state, drugs, day + 0.25 * quarter, 0.25)
            pk.advance_all(drugs, 0.25)
            counts.append(state.count / 250.0)
    first = np.array(counts[: 14 * 4])
    return float(first.min()), float(first.argmin() + 1) / 4


def test_platelets_fall_within_days_and_recover_on_the_drug() -> None:
    """Catches a marrow-transit model, whose nadir comes after two weeks (ASCO 2009 abs 3505: day 3-5)."""
    lowest, day = _nadir(dict.fromkeys(range(14), 315.0), 14)
    assert 0.3 < lowest < 0.45
    assert 3.0 <= day <= 5.5
    lead_in, _ = _nadir({d: 150.0 if d < 7 else 325.0 for d in range(28)}, 28)
    assert lead_in > lowest


@pytest.mark.parametrize("apart", [1.0, 3.0, 7.0])
def test_platelets_follow_the_ode(apart: float) -> None:
    """Doses at a distance, looked at when the next is due, against SciPy: within 1 % of the count, a fifth of what a
    laboratory is off by. Catches steps too long for what the drug does, and a drug whose tail is dropped."""
    drugs, state = taken(), platelets(250.0)

    def slopes(_: float, y: np.ndarray) -> list[float]:
        gut, plasma, count, pool, drive = y
        concentration = plasma * drug().per_mg
        kill = 0.5 * concentration / (0.3 + concentration)
        return [
            -KA * gut,
            KA * gut - KE * plasma,
            (250.0 * pool * drive - count) / 9.0 - kill * count,
            0.05 * (1.0 - pool) - 0.01 * pool * max(0.0, drive - 1.0),
            (250.0 / count - drive) / 3.0,
        ]

    y = np.array([0.0, 0.0, 250.0, 1.0, 1.0])
    for at in range(12):
        if at < 8:
            drugs["gut"] += 315.0
            y[0] += 315.0
        pl.advance_platelets(state, drugs, at * apart, apart)
        pk.advance_all(drugs, apart)
        y = solve_ivp(slopes, (0.0, apart), y, rtol=1e-9, atol=1e-9).y[:, -1]
        assert state.count == pytest.approx(y[2], rel=1e-2)


def test_platelets_rest_without_a_drug() -> None:
    """Catches a drift of an undisturbed patient."""
    state = platelets(200.0)
    pl.advance_platelets(state, taken(), 0.0, 1000.0)
    assert state == platelets(200.0)


def test_log_kill_adds_over_doses() -> None:
    """Catches log-kill that is applied as a share: two doses leave 10^-(2 L) of the cells."""
    survive = 1.0 - loss_prob(chemotherapy_hits(0.8, 1.0, 1.0))
    assert survive**2 == pytest.approx(10**-1.6)


@given(st.floats(0.01, 0.5), st.floats(1.0, 15.0), st.floats(0.5, 8.0), st.integers(1, 40))
def test_fractions_are_linear_quadratic(alpha: float, ratio: float, dose: float, fractions: int) -> None:
    """SF = exp(-n (alpha d + beta d^2)). Catches a dose that is summed before it is squared."""
    survive = (1.0 - loss_prob(radiation_hits(dose, alpha, ratio))) ** fractions
    assert np.log(survive) == pytest.approx(-fractions * (alpha * dose + alpha / ratio * dose**2), rel=1e-6)


def test_p53_steers_fate_and_the_gain_takes_it_away() -> None:
    """Catches steering on one share only: both senescence and repair are higher in wild type, equal at gain 0."""
    fates = load_library()["doxorubicin"].fates
    wild, mutant = fate_shares(fates, "wild_type"), fate_shares(fates, "mutant")
    assert wild.senescence == pytest.approx(fates.wild_type.senescence.value)
    assert mutant.repair == pytest.approx(fates.mutant.repair.value)
    assert wild.senescence > mutant.senescence > 0.0
    assert wild.repair > mutant.repair
    assert fate_shares(fates, "wild_type", steering=0.0) == fate_shares(fates, "mutant", steering=0.0)


def test_high_dose_shifts_senescence_to_death() -> None:
    """Catches a shift with the wrong sign, or one that moves the published share at the reference dose."""
    odds = 0.85 / 0.15
    assert senescent_share(odds, 1.0, 5.0) == pytest.approx(0.85)
    assert senescent_share(odds, 10.0, 5.0) < 0.7 < senescent_share(odds, 0.2, 5.0)


def test_every_number_of_the_library_has_a_source() -> None:
    """Catches an agent file with an anonymous number; also loads every shipped file."""
    library = load_library()
    assert {"doxorubicin", "cyclophosphamide", "paclitaxel", "radiation", "navitoclax"} <= set(library)

    def sources(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [str(node["source"])] if "source" in node else []
            return own + [s for value in node.values() for s in sources(value)]
        return []

    for agent in library.values():
        found = sources(agent.model_dump())
        assert len(found) >= 3
        assert all(len(source) > 5 for source in found)
