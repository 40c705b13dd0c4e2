"""Days that are named and days that were lived: conversion, what is known past the last time, names of landmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsim.analysis import AnalysisPlan, SurvivalData, analyse, as_text, summarise
from trialsim.analysis.kaplan_meier import kaplan_meier
from trialsim.analysis.landmarks import named_landmarks
from trialsim.analysis.rmst import restricted_mean, usable_tau
from trialsim.units import DAYS_PER_MONTH

ARMS = {"A": "A", "B": "B"}
#: Events on day 510 of both arms, in months: 510 / 30.4375 months are 510.00000000000006 days.
IN_MONTHS = [6.570841889117043, 16.75564681724846, 16.75564681724846, 36.139630390143736,
             3.2854209445585214, 9.856262833675565, 16.75564681724846, 36.139630390143736]  # fmt: skip
EVENTS = [1, 1, 1, 0, 1, 1, 1, 0]


def two_arms(days: Any, events: list[int]) -> SurvivalData:
    half = len(events) // 2
    return SurvivalData(
        np.asarray(days, dtype=float), np.array(events, dtype=bool), np.array(["A"] * half + ["B"] * half)
    )


def at(result: dict[str, Any], arm: str, day: float) -> float | None:
    return next(row.estimate for row in result.arms[arm].landmarks if row.day == day)


def test_a_time_in_months_is_the_day_that_it_is() -> None:
    """25 % of either arm at 510 d, as from days. Catches an event on the landmark's day that comes after it."""
    plan = AnalysisPlan("A", ARMS, landmarks_days=(510.0,), rmst_tau_days=510.0)
    days = two_arms([200, 510, 510, 1100, 100, 300, 510, 1100], EVENTS)
    for data in (two_arms(np.array(IN_MONTHS) * DAYS_PER_MONTH, EVENTS), days):
        result = analyse(data, plan)
        assert (at(result, "A", 510.0), at(result, "B", 510.0)) == (0.25, 0.25)
        assert result.arms["A"].landmarks[0].at_risk == 3
        assert "as planned" in result.tau_note


def test_tau_at_the_last_time_is_not_cut() -> None:
    """Catches "tau was cut from 1100 to 1100 days" when the last time is a rounding error short of tau."""
    data = two_arms(np.array(IN_MONTHS) * DAYS_PER_MONTH * (1 - 1e-15), EVENTS)
    assert data.time_days.max() < 1100.0
    result = analyse(data, AnalysisPlan("A", ARMS, rmst_tau_days=1100.0))
    assert "as planned" in result.tau_note
    assert result.departures == ()


@given(st.lists(st.integers(1, 4000), min_size=4, max_size=30), st.integers(1, 4000), st.data())
def test_units_do_not_move_an_event(days: list[int], landmark: int, data: st.DataObject) -> None:
    """The same survival at a landmark from days, months and years. Catches exact comparison after a conversion."""
    events = data.draw(st.lists(st.booleans(), min_size=len(days), max_size=len(days)))
    arm = np.array(["A", "B"] * len(days))[: len(days)]
    plan = AnalysisPlan("A", ARMS, landmarks_days=(float(landmark),))
    found = []
    for unit in (1.0, DAYS_PER_MONTH, 365.25):
        time = np.array([day / unit for day in days]) * unit
        result = analyse(SurvivalData(time, np.array(events), arm), plan)
        found.append([at(result, name, float(landmark)) for name in ARMS])
    assert found[0] == pytest.approx(found[1], nan_ok=True)
    assert found[0] == pytest.approx(found[2], nan_ok=True)


REACHES_ZERO = two_arms([30, 60, 90, 120, 150, 200, 60, 150, 300, 400, 400, 400], [1] * 9 + [0] * 3)


def test_a_curve_at_zero_is_known_for_ever() -> None:
    """Everybody on A has had the event by day 200: S(365) is 0, and the means to day 365 are 108.3 and 267.5.

    Catches the last time taken for the end of what is known ("-", tau cut to 200, a difference of 60.0).
    """
    result = analyse(REACHES_ZERO, AnalysisPlan("A", ARMS, landmarks_days=(365.0,), rmst_tau_days=365.0))
    assert at(result, "A", 365.0) == 0.0
    means = [result.arms[arm].rmst_days for arm in ARMS]
    assert [round(mean.estimate, 1) for mean in means] == [108.3, 267.5]
    assert means[0].tau == 365.0
    difference = result.comparisons[0].rmst_difference
    assert round(difference.estimate, 1) == 159.2
    assert result.comparisons[0].landmark_difference[0].estimate == pytest.approx(0.5)
    assert result.arms["A"].curve.known_months is None
    assert result.arms["B"].curve.known_months == pytest.approx(400 / DAYS_PER_MONTH)
    assert "0.0 " in as_text(result)


def test_tau_is_what_every_arm_knows() -> None:
    """Catches a default tau cut to the last death of an arm, and one beyond what a censored arm knows."""
    curves = [kaplan_meier(p.time_days, p.event, 0.95) for p in map(REACHES_ZERO.of_arm, ARMS)]
    assert usable_tau(None, curves).days == 400.0
    assert usable_tau(500.0, curves).days == 400.0
    assert usable_tau(500.0, curves).cut
    dead = [curves[0], curves[0]]
    assert usable_tau(None, dead).days == 200.0
    assert not usable_tau(9000.0, dead).cut
    first = REACHES_ZERO.of_arm("A")
    assert restricted_mean(first.time_days, first.event, 9000.0).estimate == pytest.approx(650 / 6)


def test_an_incidence_past_follow_up_is_not_told() -> None:
    """A: the last patient is censored on day 300; B: all have had an event. Catches a last value read off for ever."""
    data = SurvivalData(
        np.array([100.0, 300.0, 100.0, 300.0]), np.array([1, 0, 1, 1]), np.array(["A", "A", "B", "B"]),
        event_type=np.array(["relapse", "", "relapse", "death"]),
    )  # fmt: skip
    competing = analyse(data, AnalysisPlan("A", ARMS)).competing
    assert competing["A"]["relapse"].known_months == pytest.approx(300 / DAYS_PER_MONTH)
    assert competing["B"]["relapse"].known_months is None


LANDMARK_KEY = pd.DataFrame({"days": [100, 365, 365, 500, 200, 300, 365, 500], "event": [1, 1, 1, 0] * 2})


def test_landmarks_a_day_apart_are_two_landmarks() -> None:
    """364 and 365.25 days: A 75 and 25 %, B 50 and 25 %. Catches both under one key "12", one value lost."""
    data = two_arms(LANDMARK_KEY["days"], LANDMARK_KEY["event"].tolist())
    result = analyse(data, AnalysisPlan("A", ARMS, landmarks_days=(364.0, 365.25)))
    shares = {arm: summarise(result).arms[arm].rfs_percent for arm in ARMS}
    assert shares["A"] == pytest.approx({"11.96": 75.0, "12": 25.0})
    assert shares["B"] == pytest.approx({"11.96": 50.0, "12": 25.0})
    text = as_text(result)
    assert text.index("364 d (11.96 months)") < text.index("  12 months")


@pytest.mark.parametrize(
    ("days", "keys"),
    [
        ((36 * DAYS_PER_MONTH, 60 * DAYS_PER_MONTH), ["36", "60"]),
        ((1000.0,), ["32.9"]),
        ((364.0,), ["11.96"]),
        ((364.0, 364.1, 365.25), ["11.959", "11.962", "12"]),
        ((30.4375, 1.0), ["1", "0.03"]),
    ],
)
def test_keys_of_landmarks(days: tuple[float, ...], keys: list[str]) -> None:
    """Catches a key that others rely on ("36") rewritten, and rounded numbers that read as one."""
    assert [row.key for row in named_landmarks(days)] == keys


@given(st.lists(st.floats(0.01, 20_000), min_size=1, max_size=12, unique=True))
def test_no_two_landmarks_share_a_key(days: list[float]) -> None:
    """Catches a result overwritten by another under the same rounded key."""
    rows = named_landmarks(days)
    assert len({row.key for row in rows}) == len({row.label for row in rows}) == len(days)
