"""The page's tables of the analysis, as rows of strings; the template only sets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trialsim.report.numbers import (
    ABSENT,
    DAYS_PER_MONTH,
    is_by,
    limits,
    minus,
    months,
    p_equation,
    p_text,
    percent,
    ratio,
    sentence_case,
    share_of,
    words,
)
from trialsim.report.verdict import in_months
from trialsim.reported.analysis import (
    ArmComparison,
    CauseOfRelapse,
    IncidenceSteps,
    LandmarkDifference,
    LandmarkSurvival,
    MeanDifference,
    RestrictedMeanTime,
    SurvivalAnalysis,
)
from trialsim.reported.limits import HazardRatio, Interval, scaled
from trialsim.reported.words import sides

#: Where a curve is not known any more.
BEYOND = "beyond follow-up"


@dataclass(frozen=True)
class Table:
    """A caption, column heads and rows. The first column is a row's name; a row of one cell is a heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    wide_text: bool = False
    """Columns hold prose, so they are set to the left."""


def estimates(analysis: SurvivalAnalysis) -> Table:
    """Events, median, landmarks and restricted mean, one column per arm."""
    arms = list(analysis.arms.values())
    tau = arms[0].rmst_days.tau / DAYS_PER_MONTH
    rows = [
        ("Events / patients", *(f"{arm.events:,} / {arm.n:,}" for arm in arms)),
        ("Median, months", *(_median(arm.median_months) for arm in arms)),
        *(
            (f"{analysis.endpoint.paramcd} at {marks[0].label}", *map(_landmark, marks))
            for marks in zip(*(arm.landmarks for arm in arms), strict=True)
        ),
        (f"Mean event-free months to month {tau:.0f}", *(_mean(arm.rmst_days) for arm in arms)),
    ]
    note = "Intervals of the curve are log-log."
    if "as planned" not in analysis.tau_note:
        note += f" {sentence_case(analysis.tau_note)}"
    return Table(f"Estimates with {analysis.level} intervals", ("", *(arm.label for arm in arms)), tuple(rows), note)


def _median(found: Interval) -> str:
    value = months(found.estimate)
    if found.lower is None and found.upper is None:
        return value
    return f"{value} ({limits(found, '{:.1f}', 'not reached')})"


def _landmark(mark: LandmarkSurvival) -> str:
    if mark.estimate is None:
        return BEYOND
    return f"{percent(mark.estimate)} ({limits(scaled(mark, 100), '{:.1f}')})"


def _mean(mean: RestrictedMeanTime) -> str:
    if mean.estimate is None:
        return ABSENT
    return f"{mean.estimate / DAYS_PER_MONTH:.1f} ({limits(scaled(mean, 1 / DAYS_PER_MONTH), '{:.1f}')})"


def comparisons(analysis: SurvivalAnalysis) -> Table:
    """Every test and effect, one column per comparison."""
    note = f"p values of log-rank tests are {sides(analysis.sided)}; a hazard ratio below 1 favours the first arm."
    if analysis.model_strata:
        note += (
            " MaxCombo and the test of proportional hazards are stratified as the planned test; differences are not."
        )
    if any(c.conclusion.is_adapted for c in analysis.comparisons):
        note += " Nothing here but the adjusted p is adjusted for the interim looks."
    rows: list[tuple[str, Callable[[ArmComparison], str]]] = [
        *_hazard_ratio_rows(analysis),
        ("Log-rank", lambda c: p_text(c.logrank.p)),
        (
            "Stratified log-rank",
            lambda c: "no strata" if c.stratified_logrank is None else p_text(c.stratified_logrank.p),
        ),
        ("Planned test, adjusted p", lambda c: p_text(c.conclusion.adjusted_p)),
        ("MaxCombo", lambda c: p_text(c.maxcombo.p)),
        ("Test of proportional hazards", lambda c: p_text(c.proportional_hazards.p)),
        ("Difference in restricted mean, months", lambda c: _rmst_cell(c.rmst_difference)),
    ]
    table = [(name, *map(cell, analysis.comparisons)) for name, cell in rows]
    for found in zip(*(c.landmark_difference for c in analysis.comparisons), strict=True):
        table.append((f"Difference at {found[0].label}", *map(_landmark_cell, found)))
    return Table("Comparisons", ("Measure", *map(analysis.names, analysis.comparisons)), tuple(table), note)


def _hazard_ratio_rows(analysis: SurvivalAnalysis) -> list[tuple[str, Callable[[ArmComparison], str]]]:
    """The hazard ratio of the planned model; with strata, the other one too, each by its name."""
    if analysis.comparisons[0].stratified_logrank is None:
        return [("Hazard ratio (Cox)", lambda c: _hazard_ratio(c.hazard_ratio))]
    by = f"Hazard ratio by {', '.join(map(words, analysis.strata))} (Cox)"
    rows: list[tuple[str, Callable[[ArmComparison], str]]] = [
        (by, lambda c: _hazard_ratio(c.stratified_hazard_ratio)),
        ("Hazard ratio, unstratified (Cox)", lambda c: _hazard_ratio(c.unstratified_hazard_ratio)),
    ]
    return rows if analysis.model_strata else rows[::-1]


def _hazard_ratio(found: HazardRatio | None) -> str:
    if found is None or found.estimate is None:
        return ABSENT
    return f"{ratio(found.estimate)} ({limits(found)}), {p_equation(found.p)}"


def _rmst_cell(mean: MeanDifference) -> str:
    if mean.estimate is None:
        return ABSENT
    return f"{minus(f'{mean.estimate / DAYS_PER_MONTH:.1f}')} ({in_months(mean)}), {p_equation(mean.p)}"


def _landmark_cell(found: LandmarkDifference) -> str:
    if found.estimate is None:
        return ABSENT
    return minus(f"{100 * found.estimate:.1f} points ({limits(scaled(found, 100), '{:.1f}')})")


def cox(analysis: SurvivalAnalysis) -> Table | None:
    """Cox models, a heading row for each."""
    rows: list[tuple[str, ...]] = []
    for model in analysis.cox:
        whole = model.likelihood_ratio_p
        lr = f"; likelihood ratio p {p_text(whole)}" if whole is not None else ""
        rows.append((f"{model.model} ({model.events:,} events in {model.n:,}{lr})",))
        rows += [(term.label, ratio(term.hr), limits(term), p_text(term.p)) for term in model.terms]
    return (
        Table("Cox models", ("Term", "Hazard ratio", f"{analysis.level} interval", "p"), tuple(rows)) if rows else None
    )


def cause_counts(
    causes: Mapping[str, Mapping[str, CauseOfRelapse]], names: list[str], labels: Mapping[str, str]
) -> Table:
    """Relapses by cause and arm; the last row adds up."""
    arms = [arm for arm in labels if arm in causes]
    totals = {arm: sum(entry.n for entry in causes[arm].values()) for arm in arms}
    rows = [(name, *(share_of(causes[arm][name].n, totals[arm]) for arm in arms)) for name in names]
    rows.append(("All relapses", *(f"{totals[arm]:,}" for arm in arms)))
    return Table("Relapses by cause", ("Cause", *(labels[arm] for arm in arms)), tuple(rows))


Steps = IncidenceSteps | CauseOfRelapse


def incidence_at(curves: Sequence[tuple[str, Steps | None]], ticks: Sequence[float], caption: str) -> Table:
    """Step curves read off at some months: the value holds from each time on. No curve: the row is a heading."""
    rows = [
        (label,) if curve is None else (label, *(_value_at(curve, month) for month in ticks)) for label, curve in curves
    ]
    return Table(caption, ("", *(f"{month:g} months" for month in ticks)), tuple(rows))


def _value_at(curve: Steps, month: float) -> str:
    if curve.known_months is not None and not is_by(month, curve.known_months):
        return BEYOND
    value = 0.0
    for time, estimate in zip(curve.months, curve.estimate, strict=True):
        if not is_by(time, month):
            break
        value = estimate
    return percent(value)
