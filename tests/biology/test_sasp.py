"""The secretome's load and what it does, by formulas written out here."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.biology import sasp
from trialsim.spec.agents import INDUCERS

DNA, RADIATION = INDUCERS.index("dna_damage"), INDUCERS.index("radiation")


def quiet(**changes: float) -> r.Rates:
    """Quiet rates with intensity 1 and weights 1, changed by name."""
    rates = r.quiet_rates()
    rates.sasp_intensity = 1.0
    rates.weight[:] = 1.0
    for place, value in changes.items():
        setattr(rates, place, value)
    return rates


def lesion(cycling: int, **ages: int) -> np.ndarray:
    """Cycling cells and cells of DNA damage by age."""
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.RESIDUAL] = cycling
    for age, count in ages.items():
        cells[p.senescent(DNA, 1, 0, ("immature", "mature", "competent").index(age))] = count
    return cells


def test_the_load_is_one_where_it_was_measured() -> None:
    """Krtolica 2001: a share of 10 %. Catches a share of the others in place of all cells (1 / 9)."""
    assert sasp.load(lesion(900, mature=100), quiet()) == pytest.approx(1.0)
    assert sasp.load(lesion(900, mature=60, competent=40), quiet()) == pytest.approx(1.0)


def test_the_load_saturates_at_two() -> None:
    """a = 2 p / (p + 0.1): half of that at 10 %, 20/11 at 100 %, never 2. Catches a load without a ceiling."""
    shares = np.array([0.0, 0.01, 0.1, 0.5, 1.0])
    loads = [sasp.load(lesion(1000 - int(1000 * s), mature=int(1000 * s)), quiet()) for s in shares]
    np.testing.assert_allclose(loads, 2.0 * shares / (shares + 0.1))
    assert sasp.load_of_share(1e9, quiet()) == pytest.approx(2.0)
    assert sasp.load_of_share(1e9, quiet(sasp_intensity=1.7)) == pytest.approx(3.4)


def test_an_empty_lesion_and_a_lesion_without_secretion_have_none() -> None:
    """Catches a division by zero, and immature, dormant or escaped cells that secrete."""
    assert sasp.load(np.zeros(p.N_POPULATIONS, np.int64), quiet(host_share=0.05)) == 0.0
    cells = lesion(100, immature=50)
    cells[p.DORMANT], cells[p.escaped(DNA, 0)] = 30, 20
    assert sasp.load(cells, quiet()) == 0.0


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.floats(0.0, 0.2), st.floats(0.1, 4.0), st.floats(0.0, 1.0))
def test_the_load_counts_weights_and_the_host(
    cycling: int, mature: int, host: float, intensity: float, weight: float
) -> None:
    """Catches a host that is diluted by the tumour's size, and a weight read from another inducer's place."""
    rates = quiet(host_share=host, sasp_intensity=intensity)
    rates.weight[DNA] = weight
    total = cycling + mature
    share = (weight * mature / total if total else 0.0) + host
    expected = intensity * 2.0 * share / (share + 0.1) if total and share > 0.0 else 0.0
    assert sasp.load(lesion(cycling, mature=mature), rates) == pytest.approx(expected)


def test_f3_raises_the_weight_of_radiations_cells_only() -> None:
    """M11. Catches an F3 state that every senescent cell takes, and a fold that is added and not multiplied."""
    plain, boosted = quiet(), quiet(sasp_f3=2.0)
    for inducer in range(p.N_INDUCERS):
        fold = sasp.weight(boosted, inducer) / sasp.weight(plain, inducer)
        assert fold == pytest.approx(3.0 if inducer == RADIATION else 1.0)


def test_growth_is_that_of_the_doubling_time_at_rest() -> None:
    """Catches a growth factor above 1 in the very tumour whose doubling time was measured."""
    for rest in (0.0, 0.2, 1.0):
        rates = quiet(sasp_growth=0.3, growth_at_rest=1.0 + 0.3 * rest)
        assert sasp.growth_factor(rates, rest) == pytest.approx(1.0)
        assert sasp.growth_factor(rates, rest + 1.0) == pytest.approx((1.0 + 0.3 * (rest + 1.0)) / (1.0 + 0.3 * rest))
    assert sasp.growth_factor(quiet(growth=0.05), 0.0) == 0.05


def test_immune_killing_is_taken_away_by_the_infiltrate() -> None:
    """(1 - i m / (1 + m)): none without infiltrate, half of i at 1, i at most. Catches killing below zero."""
    rates = quiet(immune_kill=0.03, sasp_immune=0.8)
    killing = [sasp.immune_killing(rates, m) for m in (0.0, 1.0, 1e9)]
    assert killing == pytest.approx([0.03, 0.03 * 0.6, 0.03 * 0.2])


@given(st.floats(0.0, 4.0), st.floats(0.0, 4.0), st.floats(0.0, 100.0), st.floats(0.5, 60.0))
def test_the_infiltrate_follows_the_load(infiltrate: float, load: float, time: float, constant: float) -> None:
    """m' = (a - m) / T: in two steps as in one, between where it was and the load. Catches a decay to zero."""
    once = sasp.relaxed(infiltrate, load, time, constant)
    assert once == pytest.approx(load + (infiltrate - load) * math.exp(-time / constant))
    half = sasp.relaxed(infiltrate, load, 0.5 * time, constant)
    assert sasp.relaxed(half, load, 0.5 * time, constant) == pytest.approx(once)
    assert min(infiltrate, load) - 1e-12 <= once <= max(infiltrate, load) + 1e-12
