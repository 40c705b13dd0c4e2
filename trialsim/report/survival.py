"""The survival parts of the page: what an analysis becomes, simulated or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trialsim.report.figure import Figure, dash, month_ticks, series_token
from trialsim.report.figures import (
    cause_bars,
    cause_panels,
    incidence,
    kaplan_meier,
    mean_difference,
    ordered_causes,
)
from trialsim.report.figures.incidence import Curve
from trialsim.report.figures.kaplan_meier import last_month, tail_start
from trialsim.report.forest import Forest, forests
from trialsim.report.numbers import DAYS_PER_MONTH, is_by, p_equation
from trialsim.report.tables import Table, cause_counts, comparisons, cox, estimates, incidence_at
from trialsim.report.verdict import is_proportional
from trialsim.reported.analysis import ArmEstimates, ArmInSubgroup, Subgroup, SubgroupLevel, SurvivalAnalysis

_EVENTS = {"death": "death without relapse"}


@dataclass
class SmallFigure:
    """One of several small figures, with its heading."""

    title: str
    figure: Figure


@dataclass
class SurvivalParts:
    """What the template sets, in order; empty lists and None are left out of the page."""

    curves: Figure
    estimates: Table
    comparisons: Table | None
    means: list[Figure]
    competing: Figure | None = None
    competing_table: Table | None = None
    causes: Figure | None = None
    cause_table: Table | None = None
    cause_incidence: Table | None = None
    cause_panels: list[SmallFigure] = field(default_factory=list)
    forests: list[Forest] = field(default_factory=list)
    stratified: bool = False
    joint_interactions: str = ""
    """With several comparisons, the test of each subgroup variable over all arms at once."""
    subgroup_panels: list[SmallFigure] = field(default_factory=list)
    cox: Table | None = None
    data_tables: dict[str, Table] = field(default_factory=dict)
    """The table behind a figure, by the figure's name."""


def survival_parts(analysis: SurvivalAnalysis) -> SurvivalParts:
    arms = analysis.arms
    labels = {arm: entry.label for arm, entry in arms.items()}
    endpoint = analysis.endpoint.label
    limit = max(last_month(arms.values()), analysis.max_follow_up_months)
    tau = analysis.comparisons[0].rmst_difference.tau / DAYS_PER_MONTH if analysis.comparisons else None
    parts = SurvivalParts(
        curves=kaplan_meier("curves", arms, labels, endpoint, limit=limit, tau_months=tau),
        estimates=estimates(analysis),
        comparisons=comparisons(analysis) if analysis.comparisons else None,
        means=[mean_difference(analysis, c) for c in analysis.comparisons if not is_proportional(c)],
        cox=cox(analysis),
        forests=forests(analysis),
        stratified=bool(analysis.model_strata),
        joint_interactions=_joint_interactions(analysis),
    )
    parts.curves.note = f"{analysis.at_risk_convention} {parts.curves.note}".strip()
    parts.data_tables["curves"] = at_risk_table(arms, labels)
    _add_competing(parts, analysis, labels, limit)
    _add_causes(parts, analysis, labels, limit)
    for group in analysis.subgroups:
        for level in group.levels:
            _add_level(parts, group, level, labels, endpoint, limit)
    return parts


def _joint_interactions(analysis: SurvivalAnalysis) -> str:
    if len(analysis.comparisons) < 2 or not analysis.subgroups:
        return ""
    told = "; ".join(f"{group.label} {p_equation(group.joint_interaction_p)}" for group in analysis.subgroups)
    return f"Joint interaction test over all arms: {told}."


def at_risk_table(arms: Mapping[str, ArmEstimates] | Mapping[str, ArmInSubgroup], labels: Mapping[str, str]) -> Table:
    """The curve with its interval and the counts, read off at the months of the at-risk table."""
    rows: list[tuple[str, ...]] = []
    for arm, entry in arms.items():
        rows.append((labels[arm],))
        curve, table = entry.curve, entry.at_risk
        place = 0
        for month, *counts in zip(table.months, table.at_risk, table.events, table.censored, strict=True):
            while place + 1 < len(curve.months) and is_by(curve.months[place + 1], month):
                place += 1
            known = curve.known_months is None or is_by(month, curve.known_months)
            steps = (curve.survival, curve.lower, curve.upper)
            shares = [values[place] if known else None for values in steps]
            told = ("–" if share is None else f"{100 * share:.1f}" for share in shares)
            rows.append((f"{month:g}", *told, *(f"{n:,}" for n in counts)))
    head = ("Month", "Event-free, %", "Lower", "Upper", "At risk", "Events", "Censored")
    return Table("Curve and counts by month", head, tuple(rows))


def _add_competing(parts: SurvivalParts, analysis: SurvivalAnalysis, labels: Mapping[str, str], limit: float) -> None:
    if not analysis.competing:
        return
    tails = {arm: tail_start(entry) for arm, entry in analysis.arms.items()}
    curves = []
    for index, (arm, label) in enumerate(labels.items()):
        for number, (event, steps) in enumerate(analysis.competing.get(arm, {}).items()):
            width = (2.4, 1.3, 0.9)[min(number, 2)]
            words = f"{label}: {_EVENTS.get(event, event)}"
            curves.append(Curve(words, series_token(index), dash(index), width, steps, tails[arm]))
    read = [(curve.label, curve.steps) for curve in curves]
    parts.competing = incidence("competing", curves, "relapse and of death without relapse, by arm", limit)
    parts.competing_table = incidence_at(read, month_ticks(limit, 7)[1:], "Cumulative incidence (Aalen-Johansen)")


def _add_causes(parts: SurvivalParts, analysis: SurvivalAnalysis, labels: Mapping[str, str], limit: float) -> None:
    causes = analysis.causes
    if not causes or not any(entry.n for by_cause in causes.values() for entry in by_cause.values()):
        return
    names = ordered_causes(causes)
    parts.causes = cause_bars(causes, labels)
    parts.cause_table = cause_counts(causes, names, labels)
    read = [
        (label, steps)
        for name in names
        for label, steps in ((name, None), *((labels[arm], causes[arm][name]) for arm in labels if arm in causes))
    ]
    parts.cause_incidence = incidence_at(read, month_ticks(limit, 7)[1:], "Cumulative incidence by cause")
    tails = {arm: tail_start(entry) for arm, entry in analysis.arms.items()}
    parts.cause_panels = [SmallFigure(*panel) for panel in cause_panels(causes, labels, limit, tails)]


def _add_level(
    parts: SurvivalParts, group: Subgroup, level: SubgroupLevel, labels: Mapping[str, str], endpoint: str, limit: float
) -> None:
    arms = {arm: own for arm, own in level.arms.items() if own.n}
    if not arms:
        return
    name = f"level-{len(parts.subgroup_panels)}"
    figure = kaplan_meier(name, arms, labels, endpoint, small=True, limit=limit)
    parts.subgroup_panels.append(SmallFigure(f"{group.label}: {level.label}", figure))
    parts.data_tables[name] = at_risk_table(arms, labels)
