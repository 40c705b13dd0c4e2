"""What must hold of a lesion whatever its rates: hypothesis looks for rates and counts that break it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.biology.twins import kernel_paths
from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.biology.kernel import damage
from trialsim.chance.stream import open_stream
from trialsim.rng import Purpose
from trialsim.spec.agents import INDUCERS

_rate = st.one_of(st.just(0.0), st.floats(1e-9, 0.4))
_share = st.floats(0.0, 1.0)
_count = st.one_of(st.just(0), st.integers(1, 20), st.integers(1, 10**7))


_HAZARDS = (
    *("spontaneous_rate", "maturation", "competence", "clearance", "escape", "reversal", "wake", "kill_cycling"),
    *("immune_kill", "seeding", "sasp_arrest"),
    "driven_arrest",
    "senolytic_kill",
)
_SHARES = (
    *("polyploid_share", "resistant_share", "immature_kill_share", "diploid_escape", "sasp_immune", "growth"),
    "host_share",
)
#: Folds less 1: of growth, seeding, waking and clearance by the secretome, and of the F3 state; and its intensity.
_FOLDS = ("sasp_growth", "sasp_seeding", "sasp_waking", "sasp_clearance", "sasp_f3", "sasp_intensity")


def set_rates(rates: r.Rates, name: str, value: Callable[[], float]) -> None:
    """Set a rate, or that of every inducer."""
    if np.ndim(getattr(rates, name)):
        getattr(rates, name)[:] = [value() for _ in range(p.N_INDUCERS)]
    else:
        setattr(rates, name, value())


@st.composite
def rates(draw: st.DrawFn) -> r.Rates:
    """Any rates that a patient could have; growth is kept from running past 1e18 cells."""
    vector = r.quiet_rates()
    for kind in ("", "escaped_"):
        birth, death = 0.5 * draw(_rate), draw(_rate)
        setattr(vector, f"{kind}birth", birth)
        setattr(vector, f"{kind}death", death)
        setattr(vector, f"{kind}net", max(0.0, birth - death) * draw(_share))
    for name in _HAZARDS:
        set_rates(vector, name, lambda: draw(_rate))
    for name in _SHARES:
        set_rates(vector, name, lambda: draw(_share))
    for name in _FOLDS:
        set_rates(vector, name, lambda: draw(st.one_of(st.just(0.0), st.floats(0.0, 1.0))))
    for inducer in range(p.N_INDUCERS):
        vector.weight[inducer] = draw(_share)
    vector.growth_at_rest = 1.0 + vector.sasp_growth * draw(_share)
    vector.infiltration_time = draw(st.floats(0.5, 60.0))
    if draw(st.booleans()):
        vector.capacity, vector.reference, vector.crowding = 1e9, 1e6, 1.0
    return vector


@st.composite
def lesions(draw: st.DrawFn) -> np.ndarray:
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    for at in draw(st.lists(st.integers(0, p.N_POPULATIONS - 1), max_size=8)):
        cells[at] = draw(_count)
    return cells


def _once(cells: np.ndarray, vector: r.Rates, until: float, infiltrate: float = 0.5) -> np.ndarray:
    return kernel_paths(cells, vector, until, paths=1, seed=1, infiltrate=infiltrate)[0]


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
    """Catches cells that appear under an origin or inducer which the lesion cannot have held.

    Cycling cells of an origin come from it, awakened ones also from dormant cells, residual ones also from cells whose
    senescence is reversible. Senescent cells of an inducer come from that inducer's: own ones, or dividing cells that
    its drug streams or its secreting cells arrest; spontaneous ones from any dividing cell, for the host's stroma
    secretes too. Escaped cells of an inducer come from its senescent cells; nothing is seeded within a lesion.
    """
    after = _once(cells, vector, until)
    before_s, after_s = _senescent(cells), _senescent(after)
    anything = cells.sum() > 0
    dividing = anything and (cells[: p.SENESCENT].sum() > 0 or vector.escape > 0 or vector.reversal > 0)
    possible = []
    for i in range(len(INDUCERS)):
        # An inducer's first senescent cells come from its drug's stream: without one, no neighbour can take its label.
        stream = dividing and vector.driven_arrest[i] > 0
        unlabelled = vector.spontaneous_rate > 0 or vector.sasp_arrest > 0
        possible.append(bool(before_s[i] > 0 or stream or (dividing and unlabelled and i == p.SPONTANEOUS)))
        assert after_s[i] == 0 or possible[i]
        for response in (p.SENSITIVE, p.RESISTANT):
            at = p.escaped(i, response)
            assert after[at] == 0 or cells[at] > 0 or (possible[i] and vector.escape > 0)
    reversible = vector.reversal > 0 and any(possible[i] for i in p.REVERSIBLE)
    assert after[p.RESIDUAL] == 0 or cells[p.RESIDUAL] > 0 or reversible
    assert after[p.SEEDED] == 0 or cells[p.SEEDED] > 0
    assert after[p.AWAKENED] == 0 or cells[p.AWAKENED] + cells[p.DORMANT] > 0
    assert after[p.DORMANT] in (0, cells[p.DORMANT])


@given(lesions(), rates(), st.floats(0.01, 60.0))
def test_resistance_is_inherited(cells: np.ndarray, vector: r.Rates, until: float) -> None:
    """Without new resistance, resistant cells come from resistant cells only. Catches a lineage that loses or gains it.

    Cycling cells carry none: one that was resistant, reverted and arrests again is drawn anew.
    """
    vector = vector.copy()
    vector.resistant_share = 0.0
    after = _once(cells, vector, until)

    def resistant(counts: np.ndarray) -> int:
        aged = counts[p.SENESCENT :].reshape(-1, 2, p.N_AGES)
        return int(counts[p.ESCAPED + 1 : p.SENESCENT : 2].sum() + aged[:, 1].sum())

    if resistant(cells) == 0:
        assert resistant(after) == 0
    if cells[: p.DORMANT + 1].sum() == 0 and resistant(cells) == cells.sum():
        # All are resistant, so all that is left and never cycled is.
        vector.reversal = 0.0
        assert resistant(_once(cells, vector, until)) == _once(cells, vector, until).sum()


def _senescent(cells: np.ndarray) -> np.ndarray:
    """Senescent cells by inducer."""
    return cells[p.SENESCENT :].reshape(len(INDUCERS), p.PER_INDUCER).sum(axis=1)


_LOSSES = (
    *("birth", "death", "net", "escaped_birth", "escaped_death", "escaped_net"),
    *("clearance", "kill_cycling", "immune_kill", "seeding", "crowding"),
    "senolytic_kill",
)


@given(lesions(), rates(), st.floats(0.01, 60.0))
def test_moves_conserve_cells(cells: np.ndarray, vector: r.Rates, until: float) -> None:
    """Without birth, death, clearance, killing and seeding no cell is lost. Catches one lost or doubled in a move."""
    vector = vector.copy()
    for name in _LOSSES:
        set_rates(vector, name, lambda: 0.0)
    # A cell that escapes and arrests within one step counts as lost, as the model's text says.
    if vector.escape > 0.0:
        for name in ("spontaneous_rate", "sasp_arrest", "driven_arrest"):
            set_rates(vector, name, lambda: 0.0)
    assert _once(cells, vector, until).sum() == cells.sum()


@pytest.mark.parametrize("age", [p.IMMATURE, p.MATURE])
def test_neighbours_that_few_cells_arrest_are_not_lost(age: int) -> None:
    """A handful of senescent cells ripen, secrete and escape or are gone within a step or two, among many that cycle.

    Catches arrested cells that find no label, for nobody secretes any more (or yet), and vanish.
    """
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.RESIDUAL], cells[p.senescent(0, 1, 0, age)] = 10_000, 3
    vector = r.quiet_rates()
    vector.maturation, vector.sasp_arrest, vector.sasp_intensity = 0.05, 2.0, 1.0
    vector.weight[:] = 1.0
    for path in kernel_paths(cells, vector, 3.0, paths=200, seed=4, tolerance=10.0):
        assert path.sum() == cells.sum()


@given(lesions(), rates(), st.floats(0.01, 60.0))
def test_seeding_only_takes_cells_away(cells: np.ndarray, vector: r.Rates, until: float) -> None:
    """Where nothing else changes a number, a lesion that seeds has lost dividing cells and nothing else.

    Catches a seed that stays in its lesion as well, one of dormant or senescent cells, and a negative count.
    """
    vector = vector.copy()
    kept = ["seeding", "sasp_seeding", "sasp_intensity", "host_share", "weight"]
    quiet = r.quiet_rates()
    for name in kept:
        setattr(quiet, name, getattr(vector, name))
    quiet.seeding *= 1e-3 if cells.sum() > 1e4 else 1.0
    after = _once(cells, quiet, until)
    np.testing.assert_array_equal(after[p.SENESCENT :], cells[p.SENESCENT :])
    assert after[p.DORMANT] == cells[p.DORMANT]
    assert (after <= cells).all()


@given(lesions(), rates(), _share, _share, st.integers(0, len(INDUCERS) - 1))
def test_damage_moves_only_dividing_cells(
    cells: np.ndarray, vector: r.Rates, loss: float, senescent: float, inducer: int
) -> None:
    """Catches damage to dormant or senescent cells, and senescent cells booked under another inducer."""
    after = cells.copy()
    arrested = damage(after, loss, loss, senescent, inducer, vector, open_stream(2, Purpose.CELLS))
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


@pytest.mark.parametrize(
    "empty",
    [
        *(
            "wake",
            "escape",
            "clearance",
            "senolytic_kill",
            "reversal",
            "sasp_growth",
            "sasp_arrest",
            "sasp_waking",
            "sasp_f3",
        ),
        *("sasp_immune", "sasp_clearance", "sasp_seeding", "host_kill", "diploid_escape", "maturation"),
    ],
)
def test_a_rate_of_an_empty_compartment_changes_nothing(empty: str) -> None:
    """Catches a draw spent on cells that are not there: the whole course is equal to the bit.

    What the secretome does is nothing where no cell secretes (and the host is young).
    """
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.RESIDUAL] = 500
    vector = r.quiet_rates()
    vector.birth, vector.death = 0.14, 0.13
    changed = vector.copy()
    set_rates(changed, empty, lambda: 0.3)
    plain = kernel_paths(cells, vector, 50.0, paths=20, seed=9, tolerance=10.0)
    np.testing.assert_array_equal(plain, kernel_paths(cells, changed, 50.0, paths=20, seed=9, tolerance=10.0))
