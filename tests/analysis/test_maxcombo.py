"""MaxCombo's p-value against simulation and SciPy, and its determinism."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from tests.analysis.cases import gbsg2, trial
from trialsim.analysis.logrank import hazard_tables, scores
from trialsim.analysis.maxcombo import WEIGHTS, _union_p, maxcombo_p


def statistics(data, arm, reference):  # type: ignore[no-untyped-def]
    score, covariance = scores(hazard_tables(data, arm, reference, None), WEIGHTS)
    spread = np.sqrt(np.diag(covariance))
    return score / spread, covariance / np.outer(spread, spread)


def test_the_four_statistics_are_those_published() -> None:
    """|z| of FH(0,0), (0,1), (1,0) by nph. Catches a score in another order than its weight."""
    z, correlation = statistics(gbsg2(), "yes", "no")
    assert z[:3] == pytest.approx([-2.926565, -2.260677, -2.951913], abs=1e-6)
    # Log-rank is FH(0,1) + FH(1,0) exactly, so the four have rank three.
    assert np.linalg.matrix_rank(correlation, tol=1e-9) == 3


def test_one_sided_p_by_importance_sampling() -> None:
    """P(some z <= min) = 4 Phi(m) E[1 / number of z below m | one of them is], 1e6 draws from each of four tails.

    Standard error about 4e-7, so 3e-6 is seven of them: a false alarm in 1e-11. The mutants, Bonferroni and the best
    test's own p, are 1e-4 and more away.
    """
    z, correlation = statistics(gbsg2(), "yes", "no")
    best, draws = float(z.min()), 1_000_000
    rng = np.random.default_rng(20)
    values, vectors = np.linalg.eigh(correlation)
    normal = (vectors * np.sqrt(np.maximum(values, 0.0))) @ rng.standard_normal((4, draws))
    total = 0.0
    for i in range(4):
        tail = ndtri(rng.random(draws) * ndtr(best))
        shifted = normal + correlation[:, [i]] * (tail - normal[i])
        total += float(np.mean(1.0 / np.maximum((shifted <= best + 1e-12).sum(axis=0), 1))) * ndtr(best)
    p = maxcombo_p(gbsg2(), "yes", "no", sided=1)
    assert p == pytest.approx(total, abs=3e-6)
    assert abs(4.0 * ndtr(best) - total) > 1e-3
    assert abs(ndtr(best) - total) > 1e-4


def test_two_sided_p_of_three_tests_against_scipy() -> None:
    """SciPy's quasi-Monte-Carlo for a full-rank matrix. Catches tails counted once (half of p)."""
    z, correlation = statistics(gbsg2(), "yes", "no")
    z, correlation = z[1:], correlation[1:, 1:]
    far = np.full(3, np.abs(z).max())
    law = multivariate_normal(np.zeros(3), correlation, maxpts=400_000, abseps=1e-7, seed=1)
    assert _union_p(z, correlation, 2) == pytest.approx(1.0 - law.cdf(far, lower_limit=-far), abs=2e-6)


def test_order_of_tests_does_not_matter() -> None:
    """The sum over disjoint events must not depend on which test comes first."""
    z, correlation = statistics(trial(1, 150), "senolytic", "control")
    for order in ([3, 2, 1, 0], [1, 3, 0, 2]):
        turned = _union_p(z[order], correlation[np.ix_(order, order)], 2)
        assert turned == pytest.approx(_union_p(z, correlation, 2), rel=1e-4)


def test_same_data_same_p_and_it_lies_between_the_bounds() -> None:
    """Catches random integration with a free seed; p is between the smallest of the four and four times it."""
    for seed in range(5):
        data = trial(seed, 120)
        z, _ = statistics(data, "senolytic", "control")
        smallest = float(ndtr(z.min()))
        p = maxcombo_p(data, "senolytic", "control", sided=1)
        assert p == maxcombo_p(data, "senolytic", "control", sided=1)
        assert p is not None
        assert smallest - 1e-9 <= p <= min(1.0, 4 * smallest) + 1e-9
        assert maxcombo_p(data, "senolytic", "control", sided=2) != p


def test_false_positives_are_as_many_as_promised() -> None:
    """1,000 trials without an effect at one-sided 0.1: within 4.9 binomial standard errors (false alarm 1e-6).

    Catches the best z taken without its price, which rejects about 15 to 17 % of these trials.
    """
    rng = np.random.default_rng(4)
    rejected = priceless = 0
    for _ in range(1000):
        data = trial(int(rng.integers(1 << 30)), 100, effect=1.0)
        p = maxcombo_p(data, "senolytic", "control", sided=1)
        assert p is not None
        z, _ = statistics(data, "senolytic", "control")
        rejected += p < 0.1
        priceless += float(ndtr(z.min())) < 0.1
    tolerance = 4.9 * np.sqrt(0.1 * 0.9 / 1000)
    assert abs(rejected / 1000 - 0.1) < tolerance
    assert priceless / 1000 - 0.1 > tolerance
