"""What must hold of a lesion whatever its rates: hypothesis looks for rates and counts that break it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.biology.twins import kernel_paths
from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.biology.kernel import damage
from trialsim.spec.agents import INDUCERS

_rate = st.one_of(st.just(0.0), st.floats(1e-9, 0.4))
_share = st.floats(0.0, 1.0)
_count = st.one_of(st.just(0), st.integers(1, 20), st.integers(1, 10**7))


@st.composite
def rates(draw: st.DrawFn) -> r.Rates:
    """Any rates that a patient could have; growth is kept from running past 1e12 cells."""
    vector = r.quiet_rates()
    for at in (r.BIRTH, r.DEATH, r.ESCAPED_BIRTH, r.ESCAPED_DEATH, r.SPONTANEOUS_RATE, r.MATURATION, r.COMPETENCE):
        vector[at] = draw(_rate)
    for at in (r.CLEARANCE, r.ESCAPE, r.WAKE, r.KILL_CYCLING, *range(r.KILL, r.N_RATES)):
        vector[at] = draw(_rate)
    for at in (r.POLYPLOID_SHARE, r.RESISTANT_SHARE, r.IMMATURE_KILL_SHARE):
        vector[at] = draw(_share)
    if draw(st.booleans()):
        vector[r.CAPACITY], vector[r.REFERENCE], vector[r.CROWDING] = 1e9, 1e6, 1.0
    return vector


@st.composite
def lesions(draw: st.DrawFn) -> np.ndarray:
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    for at in draw(st.lists(st.integers(0, p.N_POPULATIONS - 1), max_size=8)):
        cells[at] = draw(_count)
    return cells


def _once(cells: np.ndarray, vector: r.Rates, until: float) -> np.ndarray:
    return kernel_paths(cells, vector, until, paths=1, seed=1)[0]


@given(lesions(), rates(), st.floats(0.01, 60.0))
def test_counts_are_never_negative_and_nothing_comes_from_nothing(
    cells: np.ndarray, vector: r.Rates, until: float
) -> None:
    """Catches a binomial with a probability above 1, a count taken twice, and a flow out of an empty compartment."""
    after = _once(cells, vector, until)
    assert after.min() >= 0
    if cells.sum() == 0:
        assert after.sum() == 0


@given(lesions(), rates(), st.floats(0.01, 60.0))
def test_every_population_has_a_lineage(cells: np.ndarray, vector: r.Rates, until: float) -> None:
    """Catches cells that appear under an origin or inducer which the lesion never held.

    Cycling cells of an origin come from it (awakened ones also from dormant cells); escaped and senescent cells of an
    inducer from that inducer's, spontaneous ones also from any dividing cell.
    """
    after = _once(cells, vector, until)
    dividing = cells[: p.SENESCENT].sum() > 0 or _senescent(cells).sum() > 0
    assert after[p.RESIDUAL] == 0 or cells[p.RESIDUAL] > 0
    assert after[p.SEEDED] == 0 or cells[p.SEEDED] > 0
    assert after[p.AWAKENED] == 0 or cells[p.AWAKENED] + cells[p.DORMANT] > 0
    assert after[p.DORMANT] in (0, cells[p.DORMANT])
    before_s, after_s = _senescent(cells), _senescent(after)
    for i in range(len(INDUCERS)):
        own = before_s[i] > 0
        spontaneous = i == p.SPONTANEOUS and dividing
        assert after_s[i] == 0 or own or spontaneous
        assert after[p.ESCAPED + i] == 0 or cells[p.ESCAPED + i] > 0 or own or spontaneous


def _senescent(cells: np.ndarray) -> np.ndarray:
    """Senescent cells by inducer."""
    return cells[p.SENESCENT :].reshape(len(INDUCERS), p.PER_INDUCER).sum(axis=1)


@given(lesions(), rates(), st.floats(0.01, 60.0))
def test_moves_conserve_cells(cells: np.ndarray, vector: r.Rates, until: float) -> None:
    """Without birth, death, clearance and killing no cell is lost. Catches one lost or doubled in a move."""
    vector = vector.copy()
    gone = (r.BIRTH, r.DEATH, r.ESCAPED_BIRTH, r.ESCAPED_DEATH, r.CLEARANCE, r.KILL_CYCLING)
    vector[list(gone)] = 0.0
    vector[r.KILL : r.N_RATES] = 0.0
    vector[r.CROWDING] = 0.0
    # A cell that escapes and arrests within one step counts as lost, as the model's text says.
    if vector[r.ESCAPE] > 0.0:
        vector[r.SPONTANEOUS_RATE] = 0.0
    assert _once(cells, vector, until).sum() == cells.sum()


@given(lesions(), rates(), _share, _share, st.integers(0, len(INDUCERS) - 1))
def test_damage_moves_only_dividing_cells(
    cells: np.ndarray, vector: r.Rates, loss: float, senescent: float, inducer: int
) -> None:
    """Catches damage to dormant or senescent cells, and senescent cells booked under another inducer."""
    after = cells.copy()
    arrested = damage(after, loss, loss, senescent, inducer, vector, np.random.default_rng(2))
    assert after.min() >= 0
    assert after[p.DORMANT] == cells[p.DORMANT]
    assert (after[: p.DORMANT] <= cells[: p.DORMANT]).all()
    gained = _senescent(after) - _senescent(cells)
    assert gained[inducer] == arrested
    assert gained.sum() == arrested
    lost = (cells[: p.SENESCENT] - after[: p.SENESCENT]).sum()
    assert arrested <= lost
    if senescent == 1.0:
        assert arrested == lost


@pytest.mark.parametrize("empty", [r.WAKE, r.ESCAPE, r.CLEARANCE, r.KILL])
def test_a_rate_of_an_empty_compartment_changes_nothing(empty: int) -> None:
    """Catches a draw spent on cells that are not there: the whole course is equal to the bit."""
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.RESIDUAL] = 500
    vector = r.quiet_rates()
    vector[r.BIRTH], vector[r.DEATH] = 0.14, 0.13
    changed = vector.copy()
    changed[empty] = 0.3
    plain = kernel_paths(cells, vector, 50.0, paths=20, seed=9, tolerance=10.0)
    np.testing.assert_array_equal(plain, kernel_paths(cells, changed, 50.0, paths=20, seed=9, tolerance=10.0))
