"""Laws that hold for any data: counts add up, names and orders and units do not matter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.cases import small_trials, trial
from trialsim.analysis import AnalysisPlan, SurvivalData, analyse, default_ticks
from trialsim.analysis.logrank import logrank
from trialsim.analysis.risk_table import counts_at
from trialsim.analysis.rmst import restricted_mean
from trialsim.results import to_json
from trialsim.units import DAYS_PER_MONTH

PLAN = AnalysisPlan("control", {"control": "Control", "senolytic": "Senolytic"}, landmarks_days=(180.0, 360.0))
QUICK = settings(max_examples=60, deadline=None, derandomize=True)
FEW = settings(max_examples=8, deadline=None, derandomize=True)


@QUICK
@given(small_trials(), st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_at_risk_events_and_censored_sum_to_n_at_every_tick(data: SurvivalData, days: list[int]) -> None:
    """Ticks fall on event and censoring times here. Catches one of the three counts taken at t+ and another at t-."""
    ticks = [30.0 * day / DAYS_PER_MONTH for day in days]
    table = counts_at(data.time_days, data.event, ticks)
    for i, day in enumerate(ticks):
        assert table.at_risk[i] + table.events[i] + table.censored[i] == data.n
        at = day * DAYS_PER_MONTH
        assert table.at_risk[i] == int(np.sum(data.time_days >= at))
        assert table.events[i] == int(np.sum(data.event & (data.time_days < at)))


def test_counts_at_an_event_day_are_those_just_before_it() -> None:
    """The mutant, events counted up to and including the tick, makes 5 of 4 patients here."""
    time, event = np.array([1.0, 2.0, 2.0, 3.0]) * DAYS_PER_MONTH, np.array([True, True, False, True])
    table = counts_at(time, event, [0.0, 2.0, 4.0])
    assert table.at_risk == [4, 3, 0]
    assert table.events == [0, 1, 3]
    assert table.censored == [0, 0, 1]
    mutant_events = int(np.sum(event & (time <= 2.0 * DAYS_PER_MONTH)))
    assert 3 + mutant_events + 0 != 4


@given(st.floats(0.001, 2000.0))
@QUICK
def test_default_ticks_start_at_zero_and_stay_within_follow_up(months: float) -> None:
    """Catches a tick past the last follow-up, which would print a row of zeros, and tables too wide to read."""
    ticks = default_ticks(months)
    assert ticks[0] == 0.0
    assert ticks[-1] <= months + 1e-6
    assert len(ticks) <= 9
    assert ticks == sorted(set(ticks))


def test_default_ticks_are_those_people_expect() -> None:
    assert default_ticks(60.0) == [0.0, 12.0, 24.0, 36.0, 48.0, 60.0]
    assert default_ticks(23.0) == [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0]


@QUICK
@given(small_trials(), st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)]))
def test_swapping_arms_flips_z(data: SurvivalData, weight: tuple[int, int]) -> None:
    """Catches expected events of the wrong arm; the two one-sided p-values add up to 1."""
    one, other = (
        logrank(data, a, b, rho=weight[0], gamma=weight[1], sided=1)
        for a, b in (("control", "senolytic"), ("senolytic", "control"))
    )
    assert (one.z is None) == (other.z is None)
    if one.z is not None and other.z is not None:
        assert one.z == pytest.approx(-other.z, abs=1e-9)
        assert one.p + other.p == pytest.approx(1.0, abs=1e-12)


@QUICK
@given(small_trials())
def test_one_stratum_is_no_strata(data: SurvivalData) -> None:
    """Catches a stratified test that leaves out or double counts a stratum."""
    whole = dataclasses.replace(data, strata=np.full(data.n, "all", dtype=object))
    assert logrank(whole, "senolytic", "control", stratified=True) == logrank(data, "senolytic", "control")


def test_strata_are_kept_apart() -> None:
    """Two strata with opposite baseline hazards: R survdiff adds O - E and V over them; pooling gives another z."""
    data = trial(3, 200)
    assert data.strata is not None
    score = variance = 0.0
    for level in ("low", "middle", "high"):
        part = data.take(np.asarray(data.strata == level, dtype=bool))
        for t in np.unique(part.time_days[part.event]):
            at_risk, dies = part.time_days >= t, part.event & (part.time_days == t)
            n, d = int(at_risk.sum()), int(dies.sum())
            n1 = int((at_risk & (part.arm == "senolytic")).sum())
            score += int((dies & (part.arm == "senolytic")).sum()) - d * n1 / n
            variance += d * n1 / n * (1 - n1 / n) * (n - d) / (n - 1) if n > 1 else 0.0
    stratified = logrank(data, "senolytic", "control", stratified=True)
    assert stratified is not None
    assert stratified.z == pytest.approx(score / variance**0.5, abs=1e-10)
    pooled = logrank(data, "senolytic", "control")
    assert pooled is not None
    assert abs(pooled.z - stratified.z) > 1e-3


@FEW
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_order_of_rows_changes_nothing(order: object, seed: int) -> None:
    """Byte for byte. Catches sums, ties and level orders that follow the file, and lifelines' rank transform."""
    data = trial(seed, 80)
    plan = dataclasses.replace(PLAN, subgroups=("p53_status", "age"))
    shuffled = list(range(data.n))
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert to_json(analyse(data.take(np.array(shuffled)), plan)) == to_json(analyse(data, plan))


@QUICK
@given(small_trials(), st.floats(1e-3, 1e3))
def test_unit_of_time_does_not_move_the_logrank(data: SurvivalData, unit: float) -> None:
    """Catches an absolute tolerance for ties, which would merge days when time is in years."""
    scaled = dataclasses.replace(data, time_days=data.time_days * unit)
    assert logrank(scaled, "senolytic", "control", gamma=1) == logrank(data, "senolytic", "control", gamma=1)


@QUICK
@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 60))
def test_rmst_without_censoring_is_a_plain_mean(days: list[int], tau: int) -> None:
    """Mean of min(T, tau), and its population variance over n. Catches n - 1 in Greenwood, and tau left out."""
    time = np.array(days, dtype=float)
    mean = restricted_mean(time, np.ones(time.size, dtype=bool), float(tau))
    lived = np.minimum(time, tau)
    assert mean.estimate == pytest.approx(lived.mean(), abs=1e-9)
    assert mean.variance == pytest.approx(lived.var() / time.size, abs=1e-9)


def test_near_tied_times_are_tied() -> None:
    """0.1 * 3 and 0.3 are the same time (simtrial issue 290, R's timefix).

    The mutant that compares raw floats sees two risk sets and another z.
    """
    time = np.array([0.3, 0.1 * 3, 0.5, 0.7, 0.7, 0.9])
    assert time[0] != time[1]
    event, arm = np.array([1, 1, 1, 0, 1, 1]), np.array(list("aababb"), dtype=object)
    exact = SurvivalData(np.array([3.0, 3, 5, 7, 7, 9]), event, arm)
    near = SurvivalData(time, event, arm)
    assert np.unique(near.time_days).size == 4
    assert logrank(near, "b", "a") == logrank(exact, "b", "a")
    mutant = dataclasses.replace(exact, time_days=np.array([3.0, 3.0 + 1e-6, 5, 7, 7, 9]))
    assert logrank(mutant, "b", "a") != logrank(exact, "b", "a")
