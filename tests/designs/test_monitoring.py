"""Looks at a running trial against closed forms and simulated futures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from trialsim.designs.boundaries import Futility, by_spending
from trialsim.designs.monitoring import LookDecision, LooksDesign, Seen, adjusted, bounds_to_come, examine
from trialsim.designs.spending import parse_spending

OBF = parse_spending("obrien-fleming")
PLAN = LooksDesign((0.5, 0.75, 1.0), 200.0, 0.025, 1, OBF)


def test_looks_as_planned_have_the_planned_boundaries() -> None:
    """Catches a look that spends by its number and not by its events."""
    planned = by_spending(PLAN.fractions, 0.025, 1, OBF)
    seen = [Seen(100, 0.3), Seen(150, 0.9), Seen(200, 1.5)]
    for k in range(3):
        look = examine(PLAN, seen[: k + 1])
        assert look.upper == pytest.approx(planned.upper[k], abs=1e-12)
        assert look.alpha_spent == pytest.approx(planned.alpha_spent[k], abs=1e-14)


@pytest.mark.parametrize("last", [180.0, 200.0, 230.0])
def test_the_last_look_spends_what_is_left(last: float) -> None:
    """More or fewer events than planned: alpha is 0.025 by the information there was. Catches a bound from the plan."""
    seen = [Seen(90, 0.0), Seen(160, 0.0), Seen(last, 0.0)]
    upper = [examine(PLAN, seen[: k + 1]).upper for k in range(3)]
    rng = np.random.default_rng(3)
    steps = np.sqrt(np.diff([0.0, 90.0, 160.0, last]))
    z = np.cumsum(rng.normal(size=(400_000, 3)) * steps, axis=1) / np.sqrt([90.0, 160.0, last])
    size = float((z >= upper).any(axis=1).mean())
    # 5.5 standard errors: a false alarm in 5e7.
    assert abs(size - 0.025) < 5.5 * math.sqrt(0.025 * 0.975 / 400_000)


def test_conditional_power_is_the_share_of_futures() -> None:
    """300,000 futures from the first look, planned effect and trend; 5.5 standard errors."""
    look = examine(PLAN, [Seen(100, 1.1)], drift=3.2)
    upper = by_spending(PLAN.fractions, 0.025, 1, OBF).upper
    rng = np.random.default_rng(4)
    for drift, told in ((3.2, look.conditional_power_planned), (1.1 / math.sqrt(0.5), look.conditional_power_trend)):
        gains = rng.normal(drift * 0.25, 0.5, size=(300_000, 2))
        score = 1.1 * math.sqrt(0.5) + np.cumsum(gains, axis=1)
        share = float((score >= np.array(upper[1:]) * np.sqrt([0.75, 1.0])).any(axis=1).mean())
        assert told is not None
        assert abs(told - share) < 5.5 * math.sqrt(share * (1 - share) / 300_000)


def test_predictive_power_has_a_closed_form_with_one_look_to_go() -> None:
    r"""Phi((z / sqrt t - u) sqrt(t / (1 - t))). Catches a prior with the wrong variance."""
    plan = LooksDesign((0.4, 1.0), 100.0, 0.025, 1, OBF)
    for z in (-0.5, 1.0, 2.5):
        look = examine(plan, [Seen(40, z)])
        last = by_spending([0.4, 1.0], 0.025, 1, OBF).upper[1]
        closed = norm.cdf((z / math.sqrt(0.4) - last) * math.sqrt(0.4 / 0.6))
        assert look.predictive_power == pytest.approx(closed, abs=1e-9)
        trend = norm.cdf((z / math.sqrt(0.4) - last) / math.sqrt(0.6))
        assert look.conditional_power_trend == pytest.approx(trend, abs=1e-12)


def test_decisions() -> None:
    """Catches a sign, a boundary of another look, a last look that goes on, futility that stops at the end."""
    plan = LooksDesign((0.5, 1.0), 200.0, 0.025, 1, OBF, Futility(0.1, parse_spending("hwang-shih-decani(-2)")))
    design = plan.boundaries()
    high, low = design.upper[0], design.lower[0]
    told = {z: examine(plan, [Seen(100, z)]) for z in (high + 1e-6, high - 1e-6, low + 1e-6, low - 1e-6)}
    wanted = [LookDecision.EFFICACY, LookDecision.CONTINUE, LookDecision.CONTINUE, LookDecision.FUTILITY]
    assert [look.decision for look in told.values()] == wanted
    assert [look.stops for look in told.values()] == [True, False, False, True]
    assert all(look.conditional_power_planned is not None for look in told.values())
    end = design.upper[1]
    for z, decision in ((end + 1e-6, LookDecision.EFFICACY), (end - 1e-6, LookDecision.NOT_SHOWN)):
        look = examine(plan, [Seen(100, 0.9), Seen(200, z)])
        assert look.decision is decision
        assert look.predictive_power is None
        assert look.lower == look.upper


def test_two_sided_looks_see_harm() -> None:
    """Catches a lower boundary of a two-sided design that is read as futility."""
    plan = LooksDesign((0.5, 1.0), 200.0, 0.05, 2, OBF)
    upper = plan.boundaries().upper[0]
    assert examine(plan, [Seen(100, -upper - 1e-6)]).decision is LookDecision.HARM
    assert examine(plan, [Seen(100, upper + 1e-6)]).decision is LookDecision.EFFICACY
    assert examine(plan, [Seen(100, 0.0)]).decision is LookDecision.CONTINUE


def test_binding_futility_at_unplanned_information() -> None:
    """Catches binding boundaries that need the whole plan: they are found from the looks there were."""
    plan = LooksDesign((0.5, 1.0), 200.0, 0.025, 1, OBF, Futility(0.1, parse_spending("pocock"), binding=True))
    early, planned = examine(plan, [Seen(90, 0.0)]), plan.boundaries()
    assert early.upper > planned.upper[0]
    assert early.lower < planned.lower[0]
    assert early.binding


def test_p_is_ordered_by_stage() -> None:
    """At a look's boundary it is the alpha spent by then; with one look, the plain p. Catches p of z alone."""
    design = PLAN.boundaries()
    stopped = adjusted(PLAN, [Seen(100, 0.0), Seen(150, design.upper[1])], 0.95)
    assert stopped.p == pytest.approx(design.alpha_spent[1], abs=1e-12)
    alone = LooksDesign((1.0,), 100.0, 0.025, 1, OBF)
    found = adjusted(alone, [Seen(100, 2.2)], 0.95)
    assert found.p == pytest.approx(norm.sf(2.2), abs=1e-13)
    assert (found.drift, found.lower, found.upper) == pytest.approx((2.2, 2.2 - 1.959964, 2.2 + 1.959964), abs=1e-5)


def test_the_estimate_is_median_unbiased_and_its_interval_covers() -> None:
    """1,500 trials that may stop early: half of the estimates below the truth, 95 % of intervals around it, to 4.5
    standard errors; the naive estimate fails the first. Catches an estimate that ignores the stop."""
    plan, truth, trials = LooksDesign((0.25, 0.5, 0.75, 1.0), 200.0, 0.025, 1, parse_spending("pocock")), 3.0, 1500
    upper, rng = plan.boundaries().upper, np.random.default_rng(6)
    below, inside, naive = 0, 0, 0
    for _ in range(trials):
        z = np.cumsum(rng.normal(0.25 * truth, 0.5, 4)) / np.sqrt(plan.fractions)
        stop = next((k for k in range(3) if z[k] >= upper[k]), 3)
        seen = [Seen(200 * t, float(x)) for t, x in zip(plan.fractions[: stop + 1], z, strict=False)]
        found = adjusted(plan, seen, 0.95)
        below += found.drift < truth
        inside += found.lower < truth < found.upper
        naive += z[stop] / math.sqrt(plan.fractions[stop]) < truth
    assert abs(below / trials - 0.5) < 4.5 * 0.5 / math.sqrt(trials)
    assert abs(inside / trials - 0.95) < 4.5 * math.sqrt(0.95 * 0.05 / trials)
    assert abs(naive / trials - 0.5) > 4.5 * 0.5 / math.sqrt(trials)


def test_two_sided_power_counts_benefit_alone() -> None:
    """Chances of success at a look with nothing to show: catches a later finding of harm told as success."""
    plan = LooksDesign((0.5, 1.0), 200.0, 0.05, 2, OBF)
    look = examine(plan, [Seen(100.0, 0.0)], drift=0.0)
    (bound,) = bounds_to_come(plan, [Seen(100.0, 0.0)])
    one_side = float(norm.sf(bound / math.sqrt(0.5)))
    assert look.conditional_power_planned == pytest.approx(one_side, abs=1e-9)
    assert look.conditional_power_trend == pytest.approx(one_side, abs=1e-9)
