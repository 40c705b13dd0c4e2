"""The short form of an analysis: what summary.json and ``analyse --json`` hold."""

from __future__ import annotations

from trialsim.reported.analysis import (
    AllPatients,
    AnalysisSummary,
    ArmComparison,
    ArmEstimates,
    ComparisonSummary,
    GroupSummary,
    LogRank,
    PValue,
    SurvivalAnalysis,
)


def summarise(analysis: SurvivalAnalysis) -> AnalysisSummary:
    """The summary, as far as an analysis can tell it.

    Medians are in months, RMST in days. Each comparison begins with its ``conclusion``; ``hazard_ratio`` is of the
    planned model, by strata where the planned test is, and beside it stand the tests and the unstratified hazard ratio
    by their names.
    """
    return AnalysisSummary(
        reference=analysis.reference,
        notes=analysis.notes,
        departures=tuple(departure.words for departure in analysis.departures),
        arms={name: _group(arm.label, arm) for name, arm in analysis.arms.items()},
        comparisons=tuple(_comparison(row) for row in analysis.comparisons),
        overall=_group("all patients", analysis.overall),
    )


def _group(label: str, found: ArmEstimates | AllPatients) -> GroupSummary:
    shares = {at.key: None if at.estimate is None else 100.0 * at.estimate for at in found.landmarks}
    return GroupSummary(label, found.n, found.events, found.median_months.estimate, shares)


def _comparison(row: ArmComparison) -> ComparisonSummary:
    stratified = row.stratified_logrank
    return ComparisonSummary(
        arm=row.arm,
        reference=row.reference,
        conclusion=row.conclusion,
        strata=row.strata,
        hazard_ratio=row.hazard_ratio,
        unstratified_hazard_ratio=None if stratified is None else row.unstratified_hazard_ratio,
        logrank=row.logrank,
        stratified_logrank=None if stratified is None else LogRank(stratified.chisq, stratified.z, stratified.p),
        rmst_difference=row.rmst_difference,
        maxcombo=row.maxcombo,
        proportional_hazards=PValue(row.proportional_hazards.p),
    )
