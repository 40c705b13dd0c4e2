"""A comparison's test and its estimates come from one model: stratified where the planned test is.

The hazard ratio of ``strat_hr.csv`` and the stratified chi-square are R's (`survival` 3.5: ``coxph(Surv(time, event) ~
arm + strata(risk))``, ``survdiff(... + strata(risk))``).
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from tests.analysis.cases import trial
from trialsim.analysis import SurvivalData, analyse, as_text, default_plan, from_frame, load_table, summarise
from trialsim.analysis.cox import Term, fit_cox, null_log_likelihood, proportional_hazards_p
from trialsim.analysis.partial_likelihood import efron_fit
from trialsim.analysis.plan import AnalysisPlan
from trialsim.analysis.strata import is_absorbed

DATA = Path(__file__).parent / "strat_hr.csv"


def of_file(**covariates: Any) -> SurvivalData:
    columns = {"time": "time", "event": "event", "arm": "arm", "strata": ("risk",)}
    return from_frame(load_table(DATA), **columns, **covariates)


def test_hazard_ratio_of_a_stratified_test_is_stratified() -> None:
    """Catches the plain Cox model beside a stratified log-rank test: 0.618 (0.402 to 0.951) for 0.311."""
    data = of_file()
    result = analyse(data, default_plan(data))
    row, summary = result.comparisons[0], summarise(result).comparisons[0]
    assert row.stratified_logrank.chisq == pytest.approx(22.987, abs=5e-4)
    for found in (row.hazard_ratio, row.conclusion.hazard_ratio, summary.hazard_ratio):
        assert [round(getattr(found, key), 3) for key in ("estimate", "lower", "upper")] == [0.311, 0.189, 0.511]
    assert summary.strata == row.strata == ("risk",)
    assert round(summary.unstratified_hazard_ratio.estimate, 3) == 0.618
    assert summary.stratified_logrank.chisq == row.stratified_logrank.chisq
    text = as_text(result)
    assert text.index("0.311 (0.189 to 0.511)") < text.index("0.618 (0.402 to 0.951)")
    assert "hazard ratio by risk" in text
    assert "hazard ratio, unstratified" in text


def test_an_unstratified_plan_leads_with_the_unstratified_ratio() -> None:
    """Catches strata of the data taken for strata of the plan."""
    data = of_file()
    row = analyse(data, dataclasses.replace(default_plan(data), test="logrank")).comparisons[0]
    assert row.strata == ()
    assert row.hazard_ratio == row.unstratified_hazard_ratio
    assert round(row.stratified_hazard_ratio.estimate, 3) == 0.311
    assert row.conclusion.p == row.logrank.p


@pytest.mark.parametrize("whole_days", [True, False])
def test_two_engines_agree_within_strata(whole_days: bool) -> None:
    """Coefficients, errors and likelihoods. Catches risk sets, or Efron's ties, that reach over strata."""
    for seed in range(3):
        data = trial(seed, 150)
        time = np.ceil(data.time_days / 60.0) if whole_days else data.time_days
        arm = np.asarray(data.arm == "senolytic", dtype=float)
        age = data.covariates["age"].to_numpy(dtype=float) / 10.0
        strata = data.covariates["grade"].to_numpy(dtype=object)
        ours = efron_fit(np.column_stack([arm, age]), time, data.event, strata)
        theirs = fit_cox([Term("arm", "", arm), Term("age", "", age)], time, data.event, strata=strata)
        pooled = efron_fit(np.column_stack([arm, age]), time, data.event)
        assert ours is not None
        assert theirs is not None
        assert pooled is not None
        assert ours.coef == pytest.approx(theirs.coef, abs=1e-6)
        assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.se, abs=1e-6)
        assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-6)
        assert abs(ours.coef[0] - pooled.coef[0]) > 1e-3


def test_one_stratum_is_no_strata() -> None:
    """Catches a stratified likelihood that counts or drops something of its own."""
    data = trial(4, 120)
    arm = np.asarray(data.arm == "senolytic", dtype=float)[:, None]
    plain = efron_fit(arm, data.time_days, data.event)
    one = efron_fit(arm, data.time_days, data.event, np.full(120, "all", dtype=object))
    assert plain is not None
    assert one is not None
    assert one.coef[0] == plain.coef[0]
    assert one.log_likelihood == plain.log_likelihood


def test_null_likelihood_is_that_of_the_strata() -> None:
    """Catches a likelihood ratio of a stratified model against the empty unstratified one (a negative or huge chi2)."""
    data = trial(2, 80)
    strata = data.covariates["grade"].to_numpy(dtype=object)
    months = np.ceil(data.time_days / 90.0)
    arm = np.asarray(data.arm == "senolytic", dtype=float)
    model = fit_cox([Term("arm", "", arm)], months, data.event, strata=strata)
    assert model is not None
    assert null_log_likelihood(months, data.event, strata) == pytest.approx(
        model.log_likelihood - model.fitter.log_likelihood_ratio_test().test_statistic / 2.0, abs=1e-7
    )


def test_proportional_hazards_are_tested_in_the_stratified_model() -> None:
    """Grambsch & Therneau's statistic written out: residuals from each stratum's own risk sets.

    Catches the unstratified residuals, whose p differs in the first digit here.
    """
    data = of_file()
    arm = np.asarray(data.arm == "new", dtype=float)
    assert data.strata is not None
    model = fit_cox([Term("arm", "", arm)], data.time_days, data.event, strata=data.strata)
    assert model is not None
    beta, variance = model.coef[0], model.se[0] ** 2
    times, residuals = [], []
    for level in ("high", "low"):
        own = np.asarray(data.strata == level, dtype=bool)
        x, t, e = arm[own], data.time_days[own], data.event[own]
        risk = np.exp(beta * x)
        for day in np.unique(t[e]):
            at_risk, tied = t >= day, (t == day) & e
            d = int(tied.sum())
            share = np.arange(d) / d
            weight = risk[at_risk].sum() - share * risk[tied].sum()
            mean = float((((risk * x)[at_risk].sum() - share * (risk * x)[tied].sum()) / weight).mean())
            times += [day] * d
            residuals += (x[tied] - mean).tolist()
    pooled = np.array([[day, *_counts(data, day)] for day in np.unique(data.time_days[data.event])])
    survival = np.concatenate(([1.0], np.cumprod(1.0 - pooled[:, 2] / pooled[:, 1])))
    g = 1.0 - survival[np.searchsorted(pooled[:, 0], times, side="left")]
    g = g - g.mean()
    count = len(residuals)
    statistic = float(g @ (np.array(residuals) * count * variance)) ** 2 / (count * variance * float(g @ g))
    assert proportional_hazards_p(model) == pytest.approx(float(chi2.sf(statistic, 1)), rel=1e-6)
    plain = fit_cox([Term("arm", "", arm)], data.time_days, data.event)
    assert abs((proportional_hazards_p(plain) or 0.0) - chi2.sf(statistic, 1)) > 1e-3


def _counts(data: SurvivalData, day: float) -> tuple[int, int]:
    return int((data.time_days >= day).sum()), int((data.event & (data.time_days == day)).sum())


def test_a_stratum_has_no_hazard_ratio_of_its_own() -> None:
    """p53 status as stratum: absorbed by the baseline hazards, as R's NA. Catches a singular fit told as no model."""
    data = trial(21, 600)
    p53 = data.covariates["p53_status"].to_numpy(dtype=object)
    data = dataclasses.replace(data, strata=p53, strata_names=("p53_status",))
    plan = AnalysisPlan("control", {"control": "C", "senolytic": "S"}, test="stratified_logrank",
                        subgroups=("p53_status", "grade"))  # fmt: skip
    result = analyse(data, plan)
    alone, with_p53, product = result.cox
    assert alone.strata == ("p53_status",)
    arm, status = with_p53.terms
    assert status.hr is None
    assert "a stratum" in status.label
    assert arm.hr == pytest.approx(alone.terms[0].hr, rel=1e-9)
    assert with_p53.likelihood_ratio_p is None
    assert product.likelihood_ratio_p == pytest.approx(result.subgroups[0].joint_interaction_p, rel=1e-6)
    assert is_absorbed(np.array([1.0, 1.0, 0.0]), np.array(["a", "a", "b"], dtype=object))
    assert not is_absorbed(np.array([1.0, 0.0, 0.0]), np.array(["a", "a", "b"], dtype=object))


def test_the_forest_is_stratified_with_the_test() -> None:
    """Each box is the stratified Cox model of its patients. Catches plain models round a stratified diamond."""
    data = trial(21, 600)
    grade = data.covariates["grade"].to_numpy(dtype=object)
    data = dataclasses.replace(data, strata=grade, strata_names=("grade",))
    plan = AnalysisPlan("control", {"control": "C", "senolytic": "S"}, test="stratified_logrank",
                        subgroups=("p53_status",))  # fmt: skip
    for level in analyse(data, plan).subgroups[0].levels:
        own = data.take(np.asarray(data.covariates["p53_status"] == level.level, dtype=bool))
        arm = np.asarray(own.arm == "senolytic", dtype=float)
        model = fit_cox([Term("arm", "", arm)], own.time_days, own.event, strata=own.strata)
        assert model is not None
        assert level.comparisons[0].hr == pytest.approx(math.exp(model.coef[0]), rel=1e-6)


def test_each_comparison_has_its_own_interaction() -> None:
    """Three arms: the test of one comparison is that of its two arms alone, the joint one is named as such.

    Catches the joint test shown under every comparison (the same p three times).
    """
    data = trial(5, 450)
    arms = np.where(np.arange(450) % 3 == 0, "late", data.arm)
    data = dataclasses.replace(data, arm=arms)
    plan = AnalysisPlan("control", {"control": "C", "late": "L", "senolytic": "S"}, subgroups=("p53_status",))
    group = analyse(data, plan).subgroups[0]
    own = {test.arm: test.p for test in group.interactions}
    for arm in ("late", "senolytic"):
        pair = data.take(np.asarray((arms == arm) | (arms == "control"), dtype=bool))
        alone = dataclasses.replace(plan, arms={"control": "C", arm: "A"})
        assert own[arm] == analyse(pair, alone).subgroups[0].joint_interaction_p
    assert len({round(p, 9) for p in (*own.values(), group.joint_interaction_p)}) == 3
    text = as_text(analyse(data, plan))
    assert "joint, all arms" in text


def test_a_level_without_patients_of_the_two_arms_is_no_level() -> None:
    """Catches a comparison's interaction lost since another arm alone has patients at some level."""
    data = trial(5, 300)
    level = np.where(np.arange(300) % 3 == 0, "rare", data.covariates["p53_status"].to_numpy(dtype=object))
    arms = np.where(level == "rare", "third", data.arm)
    covariates = data.covariates.assign(level=level)
    data = dataclasses.replace(data, arm=arms, covariates=pd.DataFrame(covariates))
    plan = AnalysisPlan("control", {"control": "C", "senolytic": "S", "third": "T"}, subgroups=("level",))
    own = {test.arm: test.p for test in analyse(data, plan).subgroups[0].interactions}
    assert own["senolytic"] is not None
    assert own["third"] is None
