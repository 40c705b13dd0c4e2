"""The ageing chain's chances against the matrix exponential of the chain, wherever its rates lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from trialsim.biology import chain
from trialsim.biology import rates as r
from trialsim.structured import one

_rate = st.one_of(st.just(0.0), st.floats(1e-7, 1.0), st.sampled_from([0.1, 0.1 + 1e-6, 0.1 - 1e-5, 0.25, 1e-3]))


def _exact(vector: r.Rates, kill: float, t: float) -> np.ndarray:
    """Chances by row (immature, mature, competent, arriving) and outcome (three ages, escaped, lost).

    The chain is extended by a source that feeds the immature state at the rate 1 / t, whose end state is that of an
    arrival at a uniform time.
    """
    m, c, e = vector.maturation, vector.competence, vector.escape
    loss0 = vector.clearance + kill * vector.immature_kill_share
    loss = vector.clearance + kill
    q = np.zeros((6, 6))  # columns: from; 0-2 ages, 3 escaped, 4 lost, 5 source
    q[[0, 1, 4], 0] = [-(m + loss0), m, loss0]
    q[[1, 2, 4], 1] = [-(c + loss), c, loss]
    q[[2, 3, 4], 2] = [-(e + loss), e, loss]
    q[0, 5] = 1.0 / t
    end = expm(q * t)
    return np.array([end[:5, 0], end[:5, 1], end[:5, 2], end[:5, 5]])


def _own(vector: r.Rates, kill: float, t: float) -> np.ndarray:
    full = np.zeros((4, 5))
    for row, (fate, age) in enumerate(zip(_fates(vector, kill, t), (0, 1, 2, 0), strict=True)):
        full[row, 1:] = fate.to_mature, fate.to_competent, fate.to_escaped, fate.lost
        full[row, age] += 1.0 - full[row].sum()
    return full


def _fates(vector: r.Rates, kill: float, t: float) -> list[chain.Fate]:
    """By row."""
    out = one(chain.Chances)
    chain.chain_chances(vector, True, kill, t, out)
    return [out.immature, out.mature, out.competent, out.arriving]


@given(_rate, _rate, _rate, _rate, st.floats(0.0, 0.5), st.floats(0.0, 1.0), st.floats(0.01, 60.0))
def test_chances_are_the_matrix_exponential(
    mature: float, ripen: float, clear: float, escape: float, kill: float, share: float, t: float
) -> None:
    """Catches a wrong sign, a lost loss, and the singularities where two or three rates coincide."""
    vector = r.quiet_rates()
    vector.maturation, vector.competence, vector.clearance, vector.escape = mature, ripen, clear, escape
    vector.immature_kill_share = share
    exact = _exact(vector, kill, t)
    if ripen == 0.0:
        exact = exact[[0, 1, 3]]
        np.testing.assert_allclose(_own(vector, kill, t)[[0, 1, 3]], exact, atol=3e-6)
    else:
        np.testing.assert_allclose(_own(vector, kill, t), exact, atol=3e-6)


def test_small_chances_are_right_in_proportion() -> None:
    """Escape at 1e-7 per day is a relative, not an absolute, matter. Catches cancellation that swamps rare events."""
    vector = r.quiet_rates()
    vector.maturation, vector.competence, vector.clearance, vector.escape = 0.25, 0.1, 0.02, 1e-7
    own, exact = _own(vector, 0.0, 14.0), _exact(vector, 0.0, 14.0)
    np.testing.assert_allclose(own[:, 3], exact[:, 3], rtol=1e-6)


@pytest.mark.parametrize("row", [0, 1, 2, 3])
def test_the_time_left_to_an_escaper(row: int) -> None:
    """Mean time between escape and the end of the step, by integration over the escape. Catches t / 2 for all."""
    vector = r.quiet_rates()
    vector.maturation, vector.competence, vector.clearance, vector.escape = 0.25, 0.1, 0.02, 1e-5
    t = 14.0
    fate = _fates(vector, 0.1, t)[row]
    # By parts, the mean of what is left is the integral of the escaped share over the step, divided by its end.
    times = np.linspace(0.0, t, 4001)[1:]
    if row < 3:
        shares = np.array([0.0, *(_exact(vector, 0.1, u)[row, 3] for u in times)])
        left = np.trapezoid(shares, np.array([0.0, *times])) / shares[-1]
    else:
        immature = np.array([0.0, *(_exact(vector, 0.1, u)[0, 3] for u in times)])
        grid = np.array([0.0, *times])
        once = np.concatenate(([0.0], np.cumsum(0.5 * (immature[1:] + immature[:-1]) * np.diff(grid))))
        left = np.trapezoid(once, grid) / once[-1]
    assert fate.time_left == pytest.approx(left, rel=1e-4)
