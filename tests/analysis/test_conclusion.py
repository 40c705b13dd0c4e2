"""What is concluded of each comparison: one rule with looks and without, and the same facts in every rendering."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsim.analysis import AnalysisPlan, SurvivalData, analyse, as_text, summarise
from trialsim.analysis.conclusion import conclude, holm, holm_adjusted
from trialsim.analysis.normal import p_of_z
from trialsim.designs.monitoring import LooksDesign, Seen, bound_now
from trialsim.designs.spending import parse_spending
from trialsim.records import Departure
from trialsim.reported.analysis import LogRank
from trialsim.reported.limits import HazardRatio
from trialsim.results import to_json

NAMES = ("a", "b", "c", "d")


def plan_of(arms: int = 1, *, sided: int = 1, alpha: float = 0.025, test: Any = "logrank") -> AnalysisPlan:
    return AnalysisPlan("control", {name: name for name in ("control", *NAMES[:arms])}, alpha, sided, test)


def row(z: float | None, *, sided: int = 1, stratified: float | None = None) -> Any:
    """A comparison of which only the tests are known; z below 0 is benefit."""
    plain, by_strata = (LogRank(None, own, None if own is None else p_of_z(own, sided)) for own in (z, stratified or z))
    ratio = HazardRatio(0.8, 0.8, 0.8, 0.8)
    return SimpleNamespace(logrank=plain, stratified_logrank=by_strata, hazard_ratio=ratio)


@pytest.mark.parametrize(
    ("z", "sided", "outcome"),
    [(-1.97, 1, "superior"), (-1.95, 1, "not shown"), (1.97, 1, "inferior"), (1.95, 1, "not shown"),
     (-2.25, 2, "superior"), (2.25, 2, "inferior"), (2.23, 2, "not shown"), (None, 1, "not testable")],
)  # fmt: skip
def test_the_level_and_the_direction(z: float | None, sided: int, outcome: str) -> None:
    """At 0.025: catches a lost sign, a two-sided p against one side's level, and no test told as no effect."""
    (found,) = conclude([row(z, sided=sided)], plan_of(sided=sided), None)
    assert found.outcome == outcome
    assert found.comparisons == 1
    assert found.adjusted_p == found.p


def test_the_planned_test_decides() -> None:
    """Catches a conclusion from whichever test is the better one."""
    mixed = row(-3.0, stratified=-1.0)
    assert conclude([mixed], plan_of(), None)[0].outcome == "superior"
    assert conclude([mixed], plan_of(test="stratified_logrank"), None)[0].outcome == "not shown"


def test_several_arms_share_alpha() -> None:
    """p 0.0192 of two comparisons at one-sided 0.025 is not enough. Catches each arm tested at the whole of alpha."""
    first, second = conclude([row(-2.07), row(0.53)], plan_of(2), None)
    assert (first.outcome, first.level) == ("not shown", 0.0125)
    assert first.adjusted_p == pytest.approx(2 * first.p)
    assert second.outcome == "not shown"


def test_what_is_rejected_passes_its_level_on() -> None:
    """Catches Bonferroni: z = -2.07 suffices at 0.025 once the other arm is rejected at 0.0125."""
    first, second = conclude([row(-2.07), row(-2.6)], plan_of(2), None)
    assert (first.outcome, second.outcome) == ("superior", "superior")
    assert (first.level, second.level) == (0.025, 0.0125)


def test_adjusted_p_as_r_computes_it() -> None:
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"). Catches p that fall as their rank rises."""
    assert holm_adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_adjusted([0.4, None, 0.9]) == [1.0, None, 1.0]


@given(
    z=st.lists(st.floats(-5, 5), min_size=1, max_size=4),
    sided=st.sampled_from((1, 2)),
    alpha=st.sampled_from((0.01, 0.025, 0.05, 0.2)),
)
def test_adjusted_p_and_levels_decide_alike(z: list[float], sided: int, alpha: float) -> None:
    """Rejected at its level is the same as adjusted p below alpha. Catches two rules of multiplicity."""
    plan = plan_of(len(z), sided=sided, alpha=alpha)
    for own in conclude([row(value, sided=sided) for value in z], plan, None):
        if abs(own.adjusted_p - alpha) > 1e-9:
            rejected = own.outcome == "superior" or (sided == 2 and own.outcome == "inferior")
            assert rejected == (own.adjusted_p <= alpha)


@given(z=st.lists(st.floats(-4, 4), min_size=2, max_size=4), alpha=st.sampled_from((0.025, 0.05)))
def test_one_analysis_is_one_look(z: list[float], alpha: float) -> None:
    """The boundary of a single look, found by spending, decides as the level does. Catches a rule for looks alone."""
    plan = plan_of(len(z), alpha=alpha)
    levels, rejected = holm([LogRank(None, value, 0.5) for value in z], plan)
    for at, value in enumerate(z):
        sequential = LooksDesign((1.0,), 100.0, levels[at], 1, parse_spending("obrien-fleming"))
        bound = bound_now(sequential, [Seen(100.0, -value)], last=True)
        if abs(-value - bound) > 1e-6:
            assert (-value >= bound) == (at in rejected)


def test_departures_reach_every_rendering() -> None:
    """Catches a plan that was not kept and a conclusion that does not say so."""
    arm = np.array(["control", "a"] * 6, dtype=object)
    data = SurvivalData(np.arange(100.0, 112.0), np.ones(12, dtype=bool), arm)
    short = Departure("The planned 190 events were not reached: 12.", "the planned 190 events were not reached")
    plan = AnalysisPlan(
        "control",
        {"control": "Control", "a": "A"},
        landmarks_days=(90.0, 365.25),
        rmst_tau_days=105.0,
        followed_days=365.25,
    )
    result = analyse(data.take(np.arange(11)), plan, departures=(short,))
    assert [departure.words for departure in result.departures] == [short.words]
    assert short.words in as_text(result)
    assert summarise(result).departures == (short.words,)
    to_json(result)


def test_follow_up_that_falls_short_is_a_departure() -> None:
    """A planned tau or landmark that some curve does not reach; catches the same told of what nobody planned."""
    arm = np.array(["control", "control", "a", "a"], dtype=object)
    data = SurvivalData(np.array([100.0, 400.0, 150.0, 300.0]), np.array([1, 0, 1, 0]), arm)
    arms = {"control": "Control", "a": "A"}
    plan = AnalysisPlan("control", arms, landmarks_days=(350.0, 500.0), rmst_tau_days=350.0, followed_days=450.0)
    told = [departure.words for departure in analyse(data, plan).departures]
    assert told == [
        "The restricted mean was planned up to 350 d; the arms share 300 d of follow-up.",
        "Follow-up does not reach the landmark at 350 d (11.5 months): A.",
    ]
    assert analyse(data, AnalysisPlan("control", arms, landmarks_days=(350.0,))).departures == ()
