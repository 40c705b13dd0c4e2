"""Values that R packages and papers print for public data, and a wrong program that each would catch.

GBSG2: FastSurvival's validation article (R survival, nph, nphRCT, survRM2). Lung: survminer pull request 832.
Ovarian: FastSurvival's validation page. Waltons: lifelines issues 1526 and 1682.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from tests.analysis.cases import gbsg2, lung, ovarian, waltons
from trialsim.analysis import SurvivalData, analyse, default_plan, from_frame, load_table
from trialsim.analysis.cox import cox_models
from trialsim.analysis.kaplan_meier import kaplan_meier
from trialsim.analysis.logrank import HazardTable, hazard_table, logrank, scores
from trialsim.analysis.rmst import restricted_mean
from trialsim.units import DAYS_PER_MONTH

# Published to seven significant digits.
PRINTED = 1e-6


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    plan = default_plan(gbsg2(), rmst_tau_days=1000.0)
    return analyse(gbsg2(), dataclasses.replace(plan, landmarks_days=(500.0, 1000.0)))


def landmark(row: dict[str, Any], day: float) -> dict[str, Any]:
    return next(mark for mark in row.landmarks if mark.day == day)


def test_gbsg2_kaplan_meier_at_1000_days(result: dict[str, Any]) -> None:
    """Catches S read from the wrong side of a step, arms swapped, and the log-log error in place of Greenwood's."""
    overall = landmark(result.overall, 1000.0)
    assert overall.estimate == pytest.approx(0.6577504, abs=PRINTED)
    assert overall.se == pytest.approx(0.01905146, abs=PRINTED)
    assert landmark(result.arms["no"], 1000.0).estimate == pytest.approx(0.6208762, abs=PRINTED)
    assert landmark(result.arms["yes"], 1000.0).estimate == pytest.approx(0.7230082, abs=PRINTED)


def test_gbsg2_medians(result: dict[str, Any]) -> None:
    """Catches a median that interpolates or takes the time before the step, and a wrong length of month."""
    for arm, days in (("no", 1528), ("yes", 2018)):
        median = result.arms[arm].median_months.estimate
        assert median * DAYS_PER_MONTH == pytest.approx(days, abs=1e-9)


def test_gbsg2_logrank_and_sign(result: dict[str, Any]) -> None:
    """Catches a variance without the tie correction, and z with the sign of harm: hormone therapy helps here."""
    row = result.comparisons[0].logrank
    assert row.chisq == pytest.approx(8.564781, abs=PRINTED)
    assert row.z == pytest.approx(-2.926565, abs=PRINTED)


@pytest.mark.parametrize(
    ("rho", "gamma", "chisq"), [(0, 1, 5.11066), (1, 0, 8.713791), (1, 1, 5.88131), (0, 0, 8.564781)]
)
def test_gbsg2_fleming_harrington(rho: float, gamma: float, chisq: float) -> None:
    """Catches rho and gamma swapped; see also the mutant with S(t)."""
    test = logrank(gbsg2(), "yes", "no", rho=rho, gamma=gamma)
    assert test is not None
    assert test.chisq == pytest.approx(chisq, abs=2e-6)


def with_survival_after(table: HazardTable, data: SurvivalData) -> HazardTable:
    """The mutant: weights from S(t), as lifelines has them, in place of S(t-)."""
    km = kaplan_meier(data.time_days, data.event, 0.95)
    return dataclasses.replace(table, survival_before=km.survival)


def test_weights_from_survival_after_the_event_are_caught() -> None:
    """The mutant moves each chi-squared by more than the tolerance of the tests above, so they can see it."""
    data = gbsg2()
    on_arm = np.asarray(data.arm == "yes", dtype=bool)
    mutant = with_survival_after(hazard_table(data.time_days, data.event, on_arm), data)
    for pair, chisq in (((0.0, 1.0), 5.11066), ((1.0, 0.0), 8.713791), ((1.0, 1.0), 5.88131)):
        score, covariance = scores([mutant], [pair])
        assert abs(float(score[0] ** 2 / covariance[0, 0]) - chisq) > 1e-3


def test_gbsg2_cox_and_rmst(result: dict[str, Any]) -> None:
    """Catches Breslow ties (coefficient differs in the fourth digit) and the reference taken for the arm."""
    data = gbsg2()
    arm = cox_models(data, "no", ["yes"], {}, 0.95)[0].terms[0]
    assert arm.coef == pytest.approx(-0.3640099, abs=PRINTED)
    plain = result.comparisons[0].unstratified_hazard_ratio
    assert plain.estimate == pytest.approx(math.exp(-0.3640099), abs=PRINTED)
    assert result.comparisons[0].rmst_difference.estimate == pytest.approx(51.14447, abs=1e-5)


@pytest.mark.parametrize(
    ("rho", "gamma", "chisq", "p"),
    [(0, 0, 10.33, 0.0013111), (1, 0, 12.71, 0.0003629), (0, 1, 3.46, 0.0628709), (1, 1, 7.66, 0.0056309)],
)
def test_lung(rho: float, gamma: float, chisq: float, p: float) -> None:
    """Catches one-sided p-values given as two-sided (half of p)."""
    test = logrank(lung(), "2", "1", rho=rho, gamma=gamma, sided=2)
    assert test is not None
    assert test.chisq == pytest.approx(chisq, abs=0.005)
    assert test.p == pytest.approx(p, abs=1e-7)


def test_ovarian() -> None:
    """Catches patients censored on an event day taken out of that day's risk set."""
    data = ovarian()
    test = logrank(data, "2", "1")
    assert test is not None
    assert test.chisq == pytest.approx(1.06274, abs=1e-5)
    estimate, _, _, se = kaplan_meier(data.time_days, data.event, 0.95).at(500.0)
    assert estimate == pytest.approx(0.59607843, abs=1e-8)
    assert se == pytest.approx(0.09992615, abs=1e-7)


def test_waltons_rmst_variance_and_the_one_that_is_wrong() -> None:
    """Greenwood's variance; lifelines' own, 0.5164, is the mutant and is 34 times too large."""
    part = waltons().of_arm("miR-137")
    mean = restricted_mean(part.time_days, part.event, 10.0)
    assert mean.estimate == pytest.approx(9.7941, abs=5e-5)
    assert mean.variance == pytest.approx(0.0152, abs=5e-5)
    assert mean.se == pytest.approx(0.1232, abs=5e-5)

    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    fit = KaplanMeierFitter().fit(part.time_days, part.event)
    theirs_mean, theirs = restricted_mean_survival_time(fit, t=10.0, return_variance=True)
    assert theirs_mean == pytest.approx(mean.estimate, abs=1e-9)
    assert theirs == pytest.approx(0.5164, abs=1e-3)
    assert abs(theirs - 0.0152) > 0.4


def test_waltons_rmst_difference() -> None:
    """p of the two-sample test is 0.145 by survRM2. Catches variances subtracted or errors added."""
    result = analyse(waltons(), default_plan(waltons(), rmst_tau_days=10.0))
    assert result.comparisons[0].rmst_difference.p == pytest.approx(0.145, abs=5e-4)


def test_gbsg2_adjusted_is_rs_coxph() -> None:
    """R: coxph(Surv(time, cens) ~ ., GBSG2) of TH.data: hormonal therapy -0.3462784 (0.1290747), nodes 0.0487886.

    Contrasts of the ordered grade differ between R (polynomial) and here (indicators); the other terms do not. Catches
    a covariate that is left out, dummy-coded twice, or ties handled by Breslow.
    """
    frame = load_table("lifelines:gbsg2")
    covariates = ("age", "menostat", "tsize", "tgrade", "pnodes", "progrec", "estrec")
    data = from_frame(frame, time="time", event="cens", arm="horTh", covariates=covariates)
    model = analyse(data, default_plan(data, adjust_for=covariates)).cox[-1]
    assert model.model == "arm, adjusted"
    terms = {term.term: term for term in model.terms}
    assert terms["arm[yes]"].coef == pytest.approx(-0.3462784, abs=1e-6)
    assert terms["arm[yes]"].se == pytest.approx(0.1290747, abs=1e-6)
    assert terms["pnodes"].coef == pytest.approx(0.0487886, abs=1e-6)
    assert terms["age"].coef == pytest.approx(-0.0094592, abs=1e-6)
