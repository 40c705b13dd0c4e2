"""Compose the estimates into the one table that text, JSON and the report are renderings of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from trialsim.analysis.adjusted import adjusted_model
from trialsim.analysis.competing import competing_risks, incidence_by_cause
from trialsim.analysis.conclusion import Sequential, conclude
from trialsim.analysis.cox import arm_term, cox_models, fit_cox, hazard_ratio, proportional_hazards_p
from trialsim.analysis.data import SurvivalData, did_you_mean
from trialsim.analysis.kaplan_meier import KaplanMeier, censor_marks, curve, kaplan_meier, landmarks, median_months
from trialsim.analysis.landmarks import named_landmarks
from trialsim.analysis.logrank import logrank
from trialsim.analysis.maxcombo import maxcombo_p
from trialsim.analysis.normal import number, wald
from trialsim.analysis.plan import AnalysisPlan
from trialsim.analysis.risk_table import AT_RISK_CONVENTION, counts_at, default_ticks
from trialsim.analysis.rmst import Tau, restricted_mean, usable_tau
from trialsim.analysis.subgroups import subgroup
from trialsim.errors import UsageError
from trialsim.records import Departure
from trialsim.reported.analysis import (
    AllPatients,
    AnalysedEndpoint,
    ArmComparison,
    ArmEstimates,
    CoxResult,
    Estimates,
    LandmarkDifference,
    MeanDifference,
    ProportionalHazards,
    PValue,
    RestrictedMeanTime,
    StratifiedLogRank,
    SurvivalAnalysis,
)
from trialsim.reported.looks import Enrichment
from trialsim.units import DAYS_PER_MONTH


def analyse(
    data: SurvivalData,
    plan: AnalysisPlan,
    *,
    sequential: Sequential = None,
    departures: Sequence[Departure] = (),
) -> SurvivalAnalysis:
    """Analyse one endpoint: the ``analysis`` object of results.json.

    Missing numbers are None. The order of the rows does not matter, to the last digit. A comparison uses the patients
    of its two arms; the Cox table has all arms in one model. An arm without patients or events keeps its place, with
    None for what cannot be estimated.

    ``sequential`` is what the looks of a trial came to: conclusions then rest on it. ``departures`` from the plan come
    before those that are found here.

    Raises
    ------
    UsageError
        The data have an arm that the plan does not name, or lack a column that the plan needs.
    """
    _check(data, plan)
    ticks = list(plan.ticks_months) or default_ticks(float(data.time_days.max()) / DAYS_PER_MONTH)
    named = [*plan.landmarks_days, *(tick * DAYS_PER_MONTH for tick in ticks)]
    data = data.at_days(named if plan.rmst_tau_days is None else [*named, plan.rmst_tau_days]).sorted()
    parts = {arm: data.of_arm(arm) for arm in plan.arms}
    curves = {arm: kaplan_meier(part.time_days, part.event, plan.confidence_level) for arm, part in parts.items()}
    tau = usable_tau(plan.rmst_tau_days, [curves[arm] for arm, part in parts.items() if part.n])
    comparisons = [_comparison(data, curves, plan, arm, tau.days) for arm in plan.others]
    conclusions = conclude(comparisons, plan, sequential)
    return SurvivalAnalysis(
        endpoint=AnalysedEndpoint(plan.paramcd, plan.label),
        reference=plan.reference,
        alpha=plan.alpha,
        sided=plan.sided,
        test=plan.test,
        strata=data.strata_names,
        confidence_level=plan.confidence_level,
        days_per_month=DAYS_PER_MONTH,
        n=data.n,
        events=int(data.event.sum()),
        max_follow_up_months=float(data.time_days.max()) / DAYS_PER_MONTH,
        tau_note=tau.note,
        at_risk_convention=AT_RISK_CONVENTION,
        notes=data.notes,
        departures=(*departures, *_departures(curves, plan, tau)),
        overall=_overall(data, plan),
        arms={arm: _arm(part, curves[arm], plan, tau.days, ticks, plan.arms[arm]) for arm, part in parts.items()},
        comparisons=tuple(
            ArmComparison(**vars(row), conclusion=own) for row, own in zip(comparisons, conclusions, strict=True)
        ),
        cox=_cox(data, plan),
        subgroups=tuple(subgroup(data, plan, variable, ticks) for variable in plan.subgroups),
        competing=None if data.event_type is None else competing_risks(data, list(plan.arms)),
        causes=None if data.cause is None else incidence_by_cause(data, list(plan.arms)),
        looks=sequential if isinstance(sequential, tuple) else None,
        enrichment=sequential if isinstance(sequential, Enrichment) else None,
    )


def _departures(curves: Mapping[str, KaplanMeier], plan: AnalysisPlan, tau: Tau) -> list[Departure]:
    """Where follow-up fell short of what the plan wanted to estimate."""
    told = []
    if tau.cut:
        planned, shared = f"{plan.rmst_tau_days:g} d", f"{tau.days:g} d"
        words = f"The restricted mean was planned up to {planned}; the arms share {shared} of follow-up."
        told.append(Departure(words, ""))
    for landmark in named_landmarks(plan.landmarks_days):
        short = [plan.arms[arm] for arm, km in curves.items() if landmark.day > km.known_until]
        if short and landmark.day <= plan.followed_days:
            words = f"Follow-up does not reach the landmark at {landmark.label}: {', '.join(short)}."
            told.append(Departure(words, ""))
    return told


def _check(data: SurvivalData, plan: AnalysisPlan) -> None:
    unknown = [arm for arm in data.arms if arm not in plan.arms]
    if unknown:
        hint = did_you_mean(unknown[0], plan.arms)
        raise UsageError(f'the data have an arm "{unknown[0]}" that the plan does not name{hint}')
    if plan.test == "stratified_logrank" and data.strata is None:
        raise UsageError("the plan asks for a stratified log-rank test, and the data have no strata")


def _overall(data: SurvivalData, plan: AnalysisPlan) -> AllPatients:
    km = kaplan_meier(data.time_days, data.event, plan.confidence_level)
    at = landmarks(km, data.time_days, plan.landmarks_days)
    return AllPatients(data.n, int(data.event.sum()), median_months(km), at, curve(km))


def _arm(
    part: SurvivalData, km: KaplanMeier, plan: AnalysisPlan, tau: float, ticks: list[float], label: str
) -> ArmEstimates:
    events = int(part.event.sum())
    return ArmEstimates(
        label=label,
        n=part.n,
        events=events,
        censored=part.n - events,
        median_months=median_months(km),
        landmarks=landmarks(km, part.time_days, plan.landmarks_days),
        rmst_days=_rmst(part, tau, plan.confidence_level),
        curve=curve(km),
        censor_marks=censor_marks(km, part.time_days, part.event),
        at_risk=counts_at(part.time_days, part.event, ticks),
    )


def _rmst(part: SurvivalData, tau: float, confidence_level: float) -> RestrictedMeanTime:
    if not part.n:
        return RestrictedMeanTime(tau, None, None, None, None)
    mean = restricted_mean(part.time_days, part.event, tau)
    lower, upper, _ = wald(mean.estimate, mean.se, confidence_level)
    return RestrictedMeanTime(tau, mean.estimate, mean.se, lower, upper)


def _comparison(
    data: SurvivalData, curves: dict[str, KaplanMeier], plan: AnalysisPlan, arm: str, tau: float
) -> Estimates:
    pair = data.take(np.asarray((data.arm == arm) | (data.arm == plan.reference), dtype=bool))
    term = arm_term(pair, arm, plan.reference, {})
    models = {False: fit_cox([term], pair.time_days, pair.event)}
    stratified = None
    if pair.strata is not None:
        models[True] = fit_cox([term], pair.time_days, pair.event, strata=pair.strata)
        test = logrank(pair, arm, plan.reference, sided=plan.sided, stratified=True)
        stratified = StratifiedLogRank(**vars(test), strata=pair.strata_names)
    ratios = {key: hazard_ratio(model, plan.confidence_level) for key, model in models.items()}
    planned = plan.is_stratified
    return Estimates(
        arm=arm,
        reference=plan.reference,
        strata=pair.strata_names if planned else (),
        hazard_ratio=ratios[planned],
        unstratified_hazard_ratio=ratios[False],
        stratified_hazard_ratio=ratios.get(True),
        logrank=logrank(pair, arm, plan.reference, sided=plan.sided),
        stratified_logrank=stratified,
        rmst_difference=_rmst_difference(pair, plan, arm, tau),
        maxcombo=PValue(maxcombo_p(pair, arm, plan.reference, sided=plan.sided, stratified=planned)),
        proportional_hazards=ProportionalHazards(proportional_hazards_p(models[planned]), "km"),
        landmark_difference=_landmark_differences(curves[arm], curves[plan.reference], plan),
    )


def _rmst_difference(pair: SurvivalData, plan: AnalysisPlan, arm: str, tau: float) -> MeanDifference:
    treated, control = pair.of_arm(arm), pair.of_arm(plan.reference)
    if not (treated.n and control.n):
        return MeanDifference(tau, None, None, None, None, None)
    first, second = (restricted_mean(group.time_days, group.event, tau) for group in (treated, control))
    estimate, se = first.estimate - second.estimate, math.sqrt(first.variance + second.variance)
    return MeanDifference(tau, estimate, se, *wald(estimate, se, plan.confidence_level))


def _landmark_differences(
    treated: KaplanMeier, control: KaplanMeier, plan: AnalysisPlan
) -> tuple[LandmarkDifference, ...]:
    """Differences in S with Greenwood's errors added in squares; None where either arm's curve is not known."""
    rows = []
    for named in named_landmarks(plan.landmarks_days):
        (s1, _, _, se1), (s0, _, _, se0) = treated.at(named.day), control.at(named.day)
        estimate, se = number(s1 - s0), math.hypot(se1, se0)
        lower = upper = None
        if estimate is not None and math.isfinite(se):
            low, high, _ = wald(estimate, se, plan.confidence_level)
            lower, upper = max(low, -1.0), min(high, 1.0)
        rows.append(LandmarkDifference(**vars(named), estimate=estimate, lower=lower, upper=upper))
    return tuple(rows)


def _cox(data: SurvivalData, plan: AnalysisPlan) -> tuple[CoxResult, ...]:
    if not plan.others:
        return ()
    labels, level, stratified = dict(plan.arms), plan.confidence_level, plan.is_stratified
    rows = cox_models(data, plan.reference, plan.others, labels, level, stratified=stratified)
    if plan.adjust_for:
        rows.append(
            adjusted_model(data, plan.reference, plan.others, labels, plan.adjust_for, level, stratified=stratified)
        )
    return tuple(rows)
