"""The whole result: its shape, its honesty about what is missing, its renderings, its cost."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from tests.analysis.cases import gbsg2, trial
from trialsim.analysis import AnalysisPlan, SurvivalData, analyse, as_text, default_plan, summarise
from trialsim.analysis.subgroups import levels_of
from trialsim.errors import UsageError
from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.results import read_as, to_json

PLAN = AnalysisPlan(
    "control",
    {"control": "Control", "senolytic": "Senolytic"},
    alpha=0.025,
    sided=1,
    landmarks_days=(36 * 30.4375, 60 * 30.4375),
    rmst_tau_days=1000.0,
    subgroups=("p53_status", "grade", "age"),
    paramcd="RFS",
    label="Relapse-free survival",
)


@pytest.fixture(scope="module")
def result() -> SurvivalAnalysis:
    return analyse(trial(21, 600), PLAN)


def test_keys_are_those_others_rely_on(result: SurvivalAnalysis) -> None:
    """Catches a renamed key, which the report would meet only when it renders."""
    assert set(vars(result)) >= {
        "endpoint", "reference", "alpha", "sided", "confidence_level", "days_per_month", "n", "events",
        "max_follow_up_months", "arms", "comparisons", "cox", "subgroups", "competing", "causes", "overall",
        "tau_note", "at_risk_convention",
    }  # fmt: skip
    assert set(vars(result.arms["control"])) == {
        "label", "n", "events", "censored", "median_months", "landmarks", "rmst_days", "curve", "censor_marks",
        "at_risk",
    }  # fmt: skip
    assert set(vars(result.comparisons[0])) == {
        "arm", "reference", "conclusion", "strata", "hazard_ratio", "unstratified_hazard_ratio",
        "stratified_hazard_ratio", "logrank", "stratified_logrank", "rmst_difference", "maxcombo",
        "proportional_hazards", "landmark_difference",
    }  # fmt: skip
    assert [row.model for row in result.cox] == ["arm", "arm + p53", "arm x p53"]
    assert list(result.arms) == ["control", "senolytic"]
    assert result.comparisons[0].stratified_logrank.strata == ("grade",)


def test_json_holds_it_all_and_counts_agree(result: SurvivalAnalysis) -> None:
    """Catches NaN and NumPy numbers in the result, and arms or subgroups that lose a patient."""
    assert to_json(read_as(SurvivalAnalysis, to_json(result), "results.json")) == to_json(result)
    arms = result.arms.values()
    assert sum(arm.n for arm in arms) == result.n == 600
    assert sum(arm.events for arm in arms) == result.events == result.overall.events
    for group in result.subgroups:
        for name, arm in result.arms.items():
            assert sum(level.arms[name].n for level in group.levels) == arm.n
            assert sum(level.arms[name].events for level in group.levels) == arm.events


def test_sidedness_rules_the_tests_and_not_the_intervals(result: SurvivalAnalysis) -> None:
    """Catches a two-sided log-rank p reported for a one-sided plan, or the reverse."""
    two = analyse(trial(21, 600), dataclasses.replace(PLAN, sided=2, subgroups=())).comparisons[0]
    one = result.comparisons[0]
    assert one.logrank.z < 0
    assert two.logrank.p == pytest.approx(2 * one.logrank.p, rel=1e-9)
    assert two.stratified_logrank.p == pytest.approx(2 * one.stratified_logrank.p, rel=1e-9)
    assert two.maxcombo.p > one.maxcombo.p
    assert two.hazard_ratio == one.hazard_ratio
    assert two.rmst_difference == one.rmst_difference


def test_subgroup_levels_and_interaction(result: SurvivalAnalysis) -> None:
    """The likelihood-ratio p of the forest equals that of the Cox table, though another engine computed it."""
    p53, grade, age = result.subgroups
    assert [level.level for level in p53.levels] == ["wild_type", "mutant"]
    assert [level.label for level in p53.levels] == ["wild type", "mutant"]
    assert p53.joint_interaction_p == pytest.approx(result.cox[2].likelihood_ratio_p, rel=1e-6)
    assert [test.p for test in p53.interactions] == [p53.joint_interaction_p]
    assert len(grade.levels) == 3
    assert [level.level.split(" ")[-1] for level in age.levels] == ["57.5", "more"]
    for level in p53.levels:
        row = level.comparisons[0]
        assert row.lower < row.hr < row.upper
        assert row.n == sum(arm.n for arm in level.arms.values())


def test_categories_keep_their_order_and_gaps_stay_out() -> None:
    """Catches levels sorted by alphabet (high, low, middle) and unknown levels counted as one."""
    data = trial(2, 120)
    grade = pd.Categorical(data.covariates["grade"], ["low", "middle", "high"], ordered=True)
    covariates = data.covariates.assign(grade=grade)
    covariates.loc[:9, "grade"] = np.nan
    result = analyse(dataclasses.replace(data, covariates=covariates), dataclasses.replace(PLAN, subgroups=("grade",)))
    levels = result.subgroups[0].levels
    assert [level.level for level in levels] == ["low", "middle", "high"]
    assert sum(arm.n for level in levels for arm in level.arms.values()) == 110


def test_median_split_of_a_count_that_is_mostly_zero() -> None:
    """Catches a split that puts every patient on one side when the median is the smallest value."""
    nodes = pd.Series([np.nan, *[0] * 7, 1, 2, 3, 4, 5, 6])
    levels, level = levels_of(nodes, "nodes")
    assert levels == ["0 or less", "more than 0"]
    assert level.tolist() == [""] + ["0 or less"] * 7 + ["more than 0"] * 6
    assert levels_of(pd.Series(range(1, 9)), "age")[0] == ["below 4.5", "4.5 or more"]


def test_tau_is_cut_to_shared_follow_up_and_said() -> None:
    """Catches an area under a curve that one arm does not have."""
    arm = np.array(["control", "control", "senolytic", "senolytic"], dtype=object)
    data = SurvivalData(np.array([100.0, 400.0, 150.0, 300.0]), np.array([1, 0, 1, 0]), arm)
    plan = dataclasses.replace(PLAN, rmst_tau_days=350.0, subgroups=())
    result = analyse(data, plan)
    assert result.arms["control"].rmst_days.tau == 300.0
    assert result.comparisons[0].rmst_difference.tau == 300.0
    assert "cut from 350 to 300" in result.tau_note
    assert analyse(data, dataclasses.replace(plan, rmst_tau_days=250.0)).arms["control"].rmst_days.tau == 250
    assert result.arms["control"].rmst_days.estimate == pytest.approx((100 + 300) / 2)


def test_three_arms_are_each_compared_with_the_reference() -> None:
    """A comparison sees its two arms only: dropping the third changes nothing in it. Catches pooled risk sets."""
    data = trial(5, 300)
    arms = np.where(np.arange(300) % 3 == 0, "late", data.arm)
    data = dataclasses.replace(data, arm=arms)
    plan = dataclasses.replace(PLAN, arms={"control": "C", "late": "L", "senolytic": "S"}, subgroups=("p53_status",))
    result = analyse(data, plan)
    assert [row.arm for row in result.comparisons] == ["late", "senolytic"]
    assert [term.term for term in result.cox[0].terms] == ["arm[late]", "arm[senolytic]"]
    assert len(result.subgroups[0].levels[0].comparisons) == 2
    pair = data.take(np.asarray(arms != "late", dtype=bool))
    alone = analyse(pair, dataclasses.replace(plan, rmst_tau_days=800.0)).comparisons[1]
    together = analyse(data, dataclasses.replace(plan, rmst_tau_days=800.0)).comparisons[1]
    # Two arms share alpha, so what is concluded may differ; what is estimated may not.
    assert alone.conclusion.p == together.conclusion.p
    assert dataclasses.replace(alone, conclusion=together.conclusion) == together
    assert "L against C" in as_text(result)


def test_what_the_plan_and_the_data_disagree_on() -> None:
    """Catches patients of an unplanned arm dropped in silence, and a stratified test without strata."""
    data = trial(1, 50)
    with pytest.raises(UsageError, match=r'an arm "senolytic" that the plan does not name .did you mean "senolitic"'):
        analyse(data, dataclasses.replace(PLAN, arms={"control": "C", "senolitic": "S"}))
    with pytest.raises(UsageError, match=r'no column "p53" for a subgroup .did you mean "p53_status"'):
        analyse(data, dataclasses.replace(PLAN, subgroups=("p53",)))
    with pytest.raises(UsageError, match=r"no strata"):
        analyse(dataclasses.replace(data, strata=None), dataclasses.replace(PLAN, test="stratified_logrank"))


def test_summary_has_the_keys_of_summary_json(result: SurvivalAnalysis) -> None:
    """Exactly the documented keys, and the same numbers. Catches shares given as percent twice."""
    summary = summarise(result)
    arm = summary.arms["control"]
    assert list(vars(arm)) == ["label", "randomised", "events", "median_rfs_months", "rfs_percent"]
    assert list(arm.rfs_percent) == ["36", "60"]
    full = result.arms["control"]
    assert arm.rfs_percent["36"] == pytest.approx(100 * full.landmarks[0].estimate)
    assert arm.rfs_percent["60"] is None
    assert list(json.loads(to_json(summary.comparisons[0]))) == [
        "arm", "reference", "conclusion", "strata", "hazard_ratio", "unstratified_hazard_ratio", "logrank",
        "stratified_logrank", "rmst_difference", "maxcombo", "proportional_hazards",
    ]  # fmt: skip
    assert list(vars(summary.comparisons[0].proportional_hazards)) == ["p"]
    assert summary.comparisons[0].logrank == result.comparisons[0].logrank


def test_text_shows_the_numbers_of_the_result() -> None:
    """Catches a rendering that computes for itself, and None printed as text."""
    plan = default_plan(gbsg2(), rmst_tau_days=1000.0, subgroups=("menostat",))
    result = analyse(gbsg2(), plan)
    text = as_text(result)
    for shown in ("686 patients, 299 events", "0.695 (0.544 to 0.888)", "-2.927", "51.1 (12.5 to 89.7)", "63.0 to -"):
        assert shown in text
    assert "log-rank by tgrade" in text
    assert "None" not in text
    assert "nan" not in text
    assert max(len(line) for line in text.splitlines()) < 180
    bare = as_text(
        analyse(SurvivalData(np.ones(2), np.zeros(2), np.array(["a", "b"])), AnalysisPlan("a", {"a": "A", "b": "B"}))
    )
    assert "None" not in bare


def test_a_whole_analysis_takes_less_than_a_second() -> None:
    """About 0.2 s for 600 patients when the machine is idle; catches a lifelines fit for every row of the forest."""
    data = trial(21, 600)
    analyse(data, PLAN)
    start = time.process_time()
    analyse(data, PLAN)
    assert time.process_time() - start < 1.5


def test_importing_the_package_does_not_import_lifelines() -> None:
    """Catches an import at the top of a file, which costs every command more than a second."""
    code = "import sys, trialsim.analysis; print([m for m in ('lifelines', 'scipy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
