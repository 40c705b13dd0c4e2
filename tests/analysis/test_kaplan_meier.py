"""The curve and what is read off it, against hand counts and lifelines."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.analysis.cases import gbsg2, trial
from trialsim.analysis import AnalysisPlan, SurvivalData, analyse
from trialsim.analysis.competing import cumulative_incidence
from trialsim.analysis.kaplan_meier import censor_marks, curve, kaplan_meier, median_months
from trialsim.units import DAYS_PER_MONTH

PLAN = AnalysisPlan("control", {"control": "Control", "senolytic": "Senolytic"})


def test_curve_by_hand() -> None:
    """Four patients: events on days 1, 2, 4, censored on day 2. Catches the censored one leaving before the event."""
    km = kaplan_meier(np.array([1.0, 2.0, 2.0, 4.0]), np.array([True, True, False, True]), 0.95)
    assert km.survival == pytest.approx([3 / 4, 1 / 2, 0.0])
    assert [km.at(day)[0] for day in (0.0, 0.99, 1.0, 3.9)] == pytest.approx([1.0, 1.0, 0.75, 0.5])
    assert median_months(km).estimate == pytest.approx(2.0 / DAYS_PER_MONTH)


def test_log_log_interval_by_formula() -> None:
    """S^exp(+-1.96 se / (S ln S)). Catches the plain interval, which leaves [0, 1], and limits swapped."""
    km = kaplan_meier(gbsg2().time_days, gbsg2().event, 0.95)
    half = 1.959963984540054 * km.se / (km.survival * np.log(km.survival))
    assert km.lower == pytest.approx(km.survival ** np.exp(-half), abs=1e-9)
    assert km.upper == pytest.approx(km.survival ** np.exp(half), abs=1e-9)
    assert np.all(km.lower < km.survival)
    assert np.all(km.survival < km.upper)


def test_curve_ends_at_the_last_follow_up_and_knows_nothing_after() -> None:
    """Catches a landmark past the data filled with the last value."""
    km = kaplan_meier(np.array([10.0, 40.0]), np.array([True, False]), 0.95)
    steps = curve(km)
    assert steps.months == pytest.approx([0.0, 10 / DAYS_PER_MONTH, 40 / DAYS_PER_MONTH])
    assert steps.survival == pytest.approx([1.0, 0.5, 0.5])
    assert km.at(40.0)[0] == 0.5
    assert np.isnan(km.at(40.5)[0])


def test_limits_at_zero_survival_are_missing() -> None:
    """At S = 0 there is no log-log interval; catches numbers from log(0) in the results."""
    km = kaplan_meier(np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool), 0.95)
    assert curve(km).survival[-1] == 0.0
    assert curve(km).lower[-1] is None
    assert curve(km).upper[-1] is None


def test_median_and_limits_are_first_times_at_one_half() -> None:
    """Brookmeyer-Crowley limits as lifelines reads them off its band; a band above 1/2 has no limit."""
    from lifelines import KaplanMeierFitter
    from lifelines.utils import median_survival_times

    part = gbsg2().of_arm("no")
    fit = KaplanMeierFitter().fit(part.time_days, part.event)
    theirs = median_survival_times(fit.confidence_interval_).to_numpy().ravel()
    ours = median_months(kaplan_meier(part.time_days, part.event, 0.95))
    assert ours.lower == pytest.approx(theirs[0] / DAYS_PER_MONTH)
    assert ours.upper == pytest.approx(theirs[1] / DAYS_PER_MONTH)
    treated = gbsg2().of_arm("yes")
    assert median_months(kaplan_meier(treated.time_days, treated.event, 0.95)).upper is None


def test_censor_marks_lie_on_the_curve() -> None:
    """A patient censored on an event day is marked below the step, like R. Catches marks at S(t-)."""
    time, event = np.array([1.0, 2.0, 2.0, 3.0]) * DAYS_PER_MONTH, np.array([False, True, False, False])
    marks = censor_marks(kaplan_meier(time, event, 0.95), time, event)
    assert marks.months == pytest.approx([1.0, 2.0, 3.0])
    assert marks.survival == pytest.approx([1.0, 2 / 3, 2 / 3])


def test_cumulative_incidence_agrees_with_lifelines_without_ties() -> None:
    """Catches 1 - KM for one kind of event, which is larger; the mutant is asserted to fail."""
    from lifelines import AalenJohansenFitter

    data = trial(4, 300, whole_days=False)
    assert data.event_type is not None
    codes = np.where(data.event, np.where(data.event_type == "relapse", 1, 2), 0)
    fit = AalenJohansenFitter(calculate_variance=False).fit(data.time_days, codes, event_of_interest=1)
    times, incidence = cumulative_incidence(data, data.event_type, "relapse")
    theirs = fit.cumulative_density_.loc[times].to_numpy()[:, 0]
    assert incidence == pytest.approx(theirs, abs=1e-10)
    relapse = data.event & np.asarray(data.event_type == "relapse", dtype=bool)
    mutant = 1.0 - kaplan_meier(data.time_days, relapse, 0.95).survival
    assert np.max(np.abs(mutant - incidence)) > 0.01


def test_incidences_and_survival_add_up_to_one() -> None:
    """With ties of different kinds of event. Catches tied kinds taken one after the other."""
    data = trial(6, 300)
    data = dataclasses.replace(data, time_days=np.ceil(data.time_days / 60.0))
    assert data.event_type is not None
    total = sum(cumulative_incidence(data, data.event_type, kind)[1][-1] for kind in ("relapse", "death"))
    km = kaplan_meier(data.time_days, data.event, 0.95)
    assert total + km.survival[-1] == pytest.approx(1.0, abs=1e-12)


def test_causes_and_kinds_in_the_results() -> None:
    """Every arm has every cause, with its count; deaths without relapse have no cause and are not a row."""
    data = trial(7, 200)
    result = analyse(data, PLAN)
    assert set(result.competing["control"]) == {"relapse", "death"}
    assert data.cause is not None
    for arm in ("control", "senolytic"):
        assert list(result.causes[arm]) == ["TIS escape", "residual growth"]
        for cause, row in result.causes[arm].items():
            assert row.n == int(np.sum((data.arm == arm) & (data.cause == cause)))
            assert row.months[0] == row.estimate[0] == 0.0
            assert row.estimate == sorted(row.estimate)


def test_one_arm_still_has_a_curve() -> None:
    """Catches an analysis that needs something to compare."""
    data = SurvivalData(np.array([10.0, 20.0, 30.0]), np.array([1, 0, 1]), np.array(["only"] * 3))
    result = analyse(data, AnalysisPlan("only", {"only": "Only"}, landmarks_days=(20.0,)))
    assert result.comparisons == ()
    assert result.cox == ()
    assert result.arms["only"].landmarks[0].estimate == pytest.approx(2 / 3)
