"""The Cox fits: two engines that must agree, and data that cannot be fitted."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from tests.analysis.cases import trial
from trialsim.analysis import AnalysisPlan, SurvivalData, analyse
from trialsim.analysis.cox import (
    Term,
    arm_term,
    cox_models,
    fit_cox,
    null_log_likelihood,
    proportional_hazards_p,
)
from trialsim.analysis.data import Floats
from trialsim.analysis.partial_likelihood import efron_fit


@pytest.mark.parametrize("whole_days", [True, False])
def test_small_fit_agrees_with_lifelines(whole_days: bool) -> None:
    """Coefficients, errors and likelihoods of arm x p53. Catches Breslow ties, which whole months would show."""
    for seed in range(3):
        data = trial(seed, 150, whole_days=whole_days)
        time = np.ceil(data.time_days / 60.0) if whole_days else data.time_days
        arm = np.asarray(data.arm == "senolytic", dtype=float)
        mutant = np.asarray(data.covariates["p53_status"] == "mutant", dtype=float)
        columns = [arm, mutant, arm * mutant]
        ours = efron_fit(np.column_stack(columns), time, data.event)
        theirs = fit_cox([Term(str(i), "", c) for i, c in enumerate(columns)], time, data.event)
        assert ours is not None
        assert theirs is not None
        assert ours.coef == pytest.approx(theirs.coef, abs=1e-6)
        assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.se, abs=1e-6)
        assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-6)


def test_null_likelihood_is_the_likelihood_at_zero() -> None:
    """Catches Breslow's null likelihood: n^d in place of n (n - 1) ..., when d events tie."""
    data = trial(2, 80)
    months = np.ceil(data.time_days / 90.0)
    model = fit_cox([arm_term(data, "senolytic", "control", {})], months, data.event)
    assert model is not None
    assert null_log_likelihood(months, data.event) == pytest.approx(
        model.log_likelihood - model.fitter.log_likelihood_ratio_test().test_statistic / 2.0, abs=1e-7
    )


def test_interaction_is_found_where_there_is_one() -> None:
    """Benefit only in p53 mutants: LR p of arm x p53 is tiny, and without an effect it is not.

    Catches a likelihood ratio taken against the empty model, which p53's own effect would make small both times.
    """
    data = trial(11, 600, effect=1.0)
    mutant = np.asarray(data.covariates["p53_status"] == "mutant", dtype=bool)
    helped = mutant & np.asarray(data.arm == "senolytic", dtype=bool)
    other = dataclasses.replace(data, time_days=np.where(helped, data.time_days * 3.0, data.time_days))
    without, with_it = (cox_models(d, "control", ["senolytic"], {}, 0.95)[2].likelihood_ratio_p for d in (data, other))
    assert without > 0.01
    assert with_it < 1e-6


def test_models_leave_out_unknown_p53_and_say_so() -> None:
    """Catches an unknown status counted as wild type."""
    data = trial(5, 200)
    status = data.covariates["p53_status"].astype(object).copy()
    status.iloc[:20] = None
    data = dataclasses.replace(data, covariates=data.covariates.assign(p53_status=status))
    rows = cox_models(data, "control", ["senolytic"], {}, 0.95)
    assert [row.n for row in rows] == [200, 180, 180]
    assert [len(row.terms) for row in rows] == [1, 2, 3]


def degenerate() -> dict[str, SurvivalData]:
    arm = np.array(["control"] * 6 + ["senolytic"] * 6, dtype=object)
    time = np.arange(1.0, 13.0)
    mutant = pd.DataFrame({"p53_status": ["mutant"] * 6 + ["wild_type"] * 6})
    return {
        "no events on the arm": SurvivalData(time, arm == "control", arm, covariates=mutant),
        "no events": SurvivalData(time, np.zeros(12, dtype=bool), arm, covariates=mutant),
        "all of one arm before all of the other": SurvivalData(time, np.ones(12, dtype=bool), arm, covariates=mutant),
        "p53 is the arm": trial_with_p53_as_arm(),
        "one patient in each arm": SurvivalData(
            np.array([1.0, 2.0]), np.array([1, 1]), np.array(["control", "senolytic"])
        ),
        "one time": SurvivalData(np.full(12, 5.0), np.ones(12, dtype=bool), arm),
        "an arm without patients": SurvivalData(time, np.ones(12, dtype=bool), np.full(12, "control")),
        "an arm at time zero only": SurvivalData(np.where(arm == "control", 0.0, time), np.ones(12, dtype=bool), arm),
    }


def trial_with_p53_as_arm() -> SurvivalData:
    data = trial(1, 100)
    same = np.where(data.arm == "control", "mutant", "wild_type")
    return dataclasses.replace(data, covariates=pd.DataFrame({"p53_status": same}))


@pytest.mark.parametrize("name", sorted(degenerate()))
def test_degenerate_data_give_none_in_silence(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing raised, nothing warned, nothing printed. Catches hazard ratios of 1e-9 and 1e9 shown as estimates."""
    plan = AnalysisPlan("control", {"control": "C", "senolytic": "S"}, sided=1, landmarks_days=(3.0,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = analyse(degenerate()[name], plan)
    assert capfd.readouterr() == ("", "")
    ratio = result.comparisons[0].hazard_ratio.estimate
    # With every event at one time Efron's estimate is 1: no order, so no evidence of a difference.
    assert (ratio is not None) == (name in ("p53 is the arm", "one time"))
    if name == "p53 is the arm":
        # The arm alone can be estimated; arm and p53 together cannot be told apart.
        assert result.cox[0].terms[0].hr is not None
        assert [term.hr for term in result.cox[1].terms] == [None, None]


def test_proportional_hazards_holds_and_breaks() -> None:
    """An early harm that turns to benefit gives a small p, a constant ratio does not.

    Catches a test that looks at the size of the effect and not at its change.
    """
    rng = np.random.default_rng(8)
    n = 600
    arm = np.array(["control", "senolytic"] * (n // 2), dtype=object)
    on = np.asarray(arm == "senolytic", dtype=bool)
    constant = rng.exponential(np.where(on, 2.0, 1.0))
    crossing = np.where(on, rng.weibull(0.5, n), rng.weibull(2.0, n))
    p = {}
    for name, time in (("constant", constant), ("crossing", crossing)):
        data = SurvivalData(time, np.ones(n, dtype=bool), arm)
        p[name] = proportional_hazards_p(fit_cox([arm_term(data, "senolytic", "control", {})], time, data.event))
    assert p["constant"] is not None
    assert p["crossing"] is not None
    assert p["constant"] > 0.01
    assert p["crossing"] < 1e-10


def test_proportional_hazards_by_formula() -> None:
    """Schoenfeld residuals and Grambsch & Therneau's statistic from their definitions, without ties.

    The mutant takes time as 1 - S(t), as lifelines' own "km" does, and misses the value.
    """
    data = trial(9, 200, whole_days=False)
    on = np.asarray(data.arm == "senolytic", dtype=float)
    model = fit_cox([arm_term(data, "senolytic", "control", {})], data.time_days, data.event)
    assert model is not None
    risk = np.exp(on * model.coef[0])
    times = np.sort(data.time_days[data.event])
    residuals, survival = [], [1.0]
    for t in times:
        later = data.time_days >= t
        residuals.append(on[data.time_days == t][0] - np.sum(risk * on * later) / np.sum(risk * later))
        survival.append(survival[-1] * (1.0 - 1.0 / later.sum()))

    def p(transformed: Floats) -> float:
        g = transformed - transformed.mean()
        statistic = (g @ np.array(residuals)) ** 2 * times.size * model.se[0] ** 2 / (g @ g)
        return float(chi2.sf(statistic, 1))

    ours = proportional_hazards_p(model)
    assert ours == pytest.approx(p(1.0 - np.array(survival[:-1])), abs=1e-6)
    assert ours != pytest.approx(p(1.0 - np.array(survival[1:])), abs=1e-4)
