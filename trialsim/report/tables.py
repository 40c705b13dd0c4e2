"""The page's tables, as rows of strings; the template only sets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsim.report.numbers import (
    ABSENT,
    DAYS_PER_MONTH,
    NOT_MEASURED,
    NOT_MODELLED,
    between,
    is_by,
    months,
    p_text,
    percent,
    ratio,
    rounded,
    share_of,
    words,
)
from trialsim.report.verdict import comparison_rows

#: Where a curve is not known any more.
BEYOND = "beyond follow-up"

#: With more arms than these quartiles may break over two lines, so that the last arm stays in view.
_ROOMY = 3


@dataclass(frozen=True)
class Table:
    """A caption, column heads and rows. The first column is a row's name; a row of one cell is a heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    wide_text: bool = False
    """Columns hold prose, so they are set to the left."""


def estimates(analysis: Mapping[str, Any]) -> Table:
    """Events, median, landmarks and restricted mean, one column per arm."""
    arms = list(analysis["arms"].values())
    code = analysis["endpoint"]["paramcd"]
    rows: list[tuple[str, ...]] = [
        ("Events / patients", *(f"{arm['events']:,} / {arm['n']:,}" for arm in arms)),
        (
            "Median, months",
            *(_interval(months(arm["median_months"]["estimate"]), arm["median_months"]) for arm in arms),
        ),
    ]
    for place, mark in enumerate(arms[0]["landmarks"]):
        rows.append((f"{code} at {mark['label']}", *(_landmark(arm["landmarks"][place]) for arm in arms)))
    tau = next((arm["rmst_days"]["tau"] for arm in arms if arm["rmst_days"].get("tau")), None)
    horizon = f" to month {tau / DAYS_PER_MONTH:.0f}" if tau else ""
    rows.append((f"Mean event-free months{horizon}", *(_mean(arm["rmst_days"]) for arm in arms)))
    level = f"{100 * analysis['confidence_level']:g}%"
    tau_note = analysis.get("tau_note") or ""
    note = f"Intervals of the curve are log-log. {'' if 'as planned' in tau_note else _sentence(tau_note)}".strip()
    return Table(f"Estimates with {level} intervals", ("", *(arm["label"] for arm in arms)), tuple(rows), note)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _interval(value: str, sides: Mapping[str, Any]) -> str:
    if sides["lower"] is None and sides["upper"] is None:
        return value
    return f"{value} ({between(sides['lower'], sides['upper'], '{:.1f}', 'not reached')})"


def _landmark(mark: Mapping[str, Any]) -> str:
    if mark["estimate"] is None:
        return BEYOND
    low, high = (None if mark[k] is None else 100 * mark[k] for k in ("lower", "upper"))
    return f"{percent(mark['estimate'])} ({between(low, high, '{:.1f}')})"


def _mean(mean: Mapping[str, Any]) -> str:
    if mean.get("estimate") is None:
        return ABSENT
    low, high = (None if mean[k] is None else mean[k] / DAYS_PER_MONTH for k in ("lower", "upper"))
    return f"{mean['estimate'] / DAYS_PER_MONTH:.1f} ({between(low, high, '{:.1f}')})"


def comparisons(analysis: Mapping[str, Any]) -> Table:
    """Every test and effect, one column per comparison."""
    arms = analysis["arms"]
    heads = [f"{arms[c['arm']]['label']} against {arms[c['reference']]['label']}" for c in analysis["comparisons"]]
    sided = "one-sided" if analysis["sided"] == 1 else "two-sided"
    note = f"p values of log-rank tests are {sided}; below 1, the hazard ratio favours the first-named arm."
    if analysis["test"] == "stratified_logrank":
        note += (
            " MaxCombo and the test of proportional hazards are stratified as the planned test; differences are not."
        )
    if any(c["conclusion"]["basis"] != "one analysis" for c in analysis["comparisons"]):
        note += " Nothing here but the adjusted p is adjusted for the interim looks."
    return Table("Comparisons", ("Measure", *heads), tuple(tuple(row) for row in comparison_rows(analysis)), note)


def cox(analysis: Mapping[str, Any]) -> Table | None:
    """Cox models, a heading row for each."""
    if not analysis.get("cox"):
        return None
    rows: list[tuple[str, ...]] = []
    for model in analysis["cox"]:
        whole = model.get("likelihood_ratio_p")
        lr = f"; likelihood ratio p {p_text(whole)}" if whole is not None else ""
        rows.append((f"{model['model']} ({model['events']:,} events in {model['n']:,}{lr})",))
        for term in model["terms"]:
            rows.append((term["label"], ratio(term["hr"]), between(term["lower"], term["upper"]), p_text(term["p"])))
    level = f"{100 * analysis['confidence_level']:g}% interval"
    return Table("Cox models", ("Term", "Hazard ratio", level, "p"), tuple(rows))


def baseline(data: Mapping[str, Any], labels: Mapping[str, str], sizes: Mapping[str, int]) -> Table:
    """Traits by arm: median and quartiles, or counts. No p values: differences here are chance by design."""
    head = ("", *(f"{label} (n = {sizes.get(arm, 0):,})" for arm, label in labels.items()))
    rows: list[tuple[str, ...]] = []
    for row in data["rows"]:
        unit = f", {row['unit']}" if row.get("unit") else ""
        cells = {arm: row["arms"].get(arm) or {} for arm in labels}
        if any("levels" in cell for cell in cells.values()):
            rows.append((row["label"],))
            levels = list(dict.fromkeys(level for cell in cells.values() for level in cell.get("levels", {})))
            for level in levels:
                rows.append((f"  {words(level)}", *(_level(cells[arm], level) for arm in labels)))
        else:
            rows.append((f"{row['label']}{unit}", *(_quartiles(cells[arm], len(labels)) for arm in labels)))
    return Table("Baseline", head, tuple(rows), "Median (quartiles), or number (percent).")


def _level(cell: Mapping[str, Any], level: str) -> str:
    levels = cell.get("levels", {})
    return share_of(levels.get(level, 0), sum(levels.values()))


def _quartiles(cell: Mapping[str, Any], arms: int) -> str:
    if cell.get("median") is None:
        return "–"
    quartiles = between(cell["q1"], cell["q3"], rounded)
    if arms > _ROOMY:
        quartiles = quartiles.replace("\u00a0to\u00a0", "\u00a0to ")
    return f"{rounded(cell['median'])} ({quartiles})"


def treatment(summary: Mapping[str, Any], labels: Mapping[str, str]) -> Table | None:
    """How much of the planned dose was given and what it cost in platelets."""
    rows = []
    for arm, label in labels.items():
        entry = summary.get("arms", {}).get(arm, {})
        intensity, harm = entry.get("dose_intensity"), entry.get("grade34_thrombocytopenia_percent")
        if intensity is None and harm is None:
            continue
        given = "none planned" if intensity is None else percent(intensity)
        rows.append((label, given, NOT_MEASURED if harm is None else f"{harm:.1f}%"))
    if not rows:
        return None
    head = ("Arm", "Mean dose given of planned", "Grade 3–4 thrombocytopenia")
    note = "Thrombocytopenia by the laboratory's counts, of treated patients with a count."
    return Table("Treatment and harm", head, tuple(rows), note)


def harm(by_arm: Mapping[str, Mapping[str, Any]] | None, labels: Mapping[str, str]) -> Table | None:
    """What became of doses, and the worst grade of blood counts, one column per arm; None where nothing was held."""
    arms = {arm: by_arm[arm] for arm in labels if arm in by_arm} if by_arm else {}
    arms = {arm: entry for arm, entry in arms.items() if entry["treated"] is not None}
    kinds = list(next(iter(arms.values()))["doses"]) if arms else []
    seen = [kind for kind in kinds if kind == "given" or any(entry["doses"][kind] for entry in arms.values())]
    counted = [c for c in ("platelets", "neutrophils") if any(_worst(entry, c) for entry in arms.values())]
    if len(seen) < 2 and not counted:
        return None
    rows: list[tuple[str, ...]] = [
        (f"Doses {kind}", *(f"{arms[arm]['doses'][kind]:,}" for arm in arms)) for kind in seen
    ]
    rows.append(("Stopped for toxicity", *(f"{entry['stopped_for_toxicity']:,}" for entry in arms.values())))
    for cells in counted:
        rows.append((f"Lowest {cells}, patients",))
        for level in range(1, 5):
            rows.append((f"  grade {level}", *(_with_grade(entry, cells, level) for entry in arms.values())))
    note = "Grades of true counts by CTCAE v5, of patients treated."
    untold = [label for arm, label in labels.items() if arm in by_arm and arm not in arms] if by_arm else []
    note += f" {NOT_MODELLED.capitalize()} in {', '.join(untold)}." * bool(untold)
    return Table("Doses and blood counts", ("", *(labels[arm] for arm in arms)), tuple(rows), note)


def _worst(entry: Mapping[str, Any], cells: str) -> int:
    """Patients with a grade of 1 or more."""
    return sum((entry["grades"][cells] or [0])[1:])


def _with_grade(entry: Mapping[str, Any], cells: str, level: int) -> str:
    grades = entry["grades"][cells]
    return "nobody treated" if grades is None else share_of(grades[level], sum(grades))


def cause_counts(
    causes: Mapping[str, Mapping[str, Mapping[str, Any]]], names: list[str], labels: Mapping[str, str]
) -> Table:
    """Relapses by cause and arm; the last row adds up."""
    arms = [arm for arm in labels if arm in causes]
    totals = {arm: sum(entry["n"] for entry in causes[arm].values()) for arm in arms}
    rows = [(name, *(share_of(causes[arm].get(name, {"n": 0})["n"], totals[arm]) for arm in arms)) for name in names]
    rows.append(("All relapses", *(f"{totals[arm]:,}" for arm in arms)))
    return Table("Relapses by cause", ("Cause", *(labels[arm] for arm in arms)), tuple(rows))


def incidence_at(curves: list[tuple[str, Mapping[str, Any]]], ticks: list[float], caption: str) -> Table:
    """Step curves read off at some months: the value holds from each time on."""
    rows = [(label, *(_value_at(curve, month) for month in ticks)) for label, curve in curves]
    return Table(caption, ("", *(f"{month:g} months" for month in ticks)), tuple(rows))


def incidence_by_cause(
    causes: Mapping[str, Mapping[str, Mapping[str, Any]]],
    names: list[str],
    labels: Mapping[str, str],
    ticks: list[float],
) -> Table:
    """Each cause's incidence by arm at some months, a heading per cause."""
    empty: dict[str, list[float]] = {"months": [], "estimate": []}
    rows: list[tuple[str, ...]] = []
    for name in names:
        rows.append((name,))
        for arm in (arm for arm in labels if arm in causes):
            curve = causes[arm].get(name, empty)
            rows.append((labels[arm], *(_value_at(curve, month) for month in ticks)))
    return Table("Cumulative incidence by cause", ("", *(f"{month:g} months" for month in ticks)), tuple(rows))


def _value_at(curve: Mapping[str, Any], month: float) -> str:
    known = curve.get("known_months")
    if known is not None and not is_by(month, known):
        return BEYOND
    value = 0.0
    for time, estimate in zip(curve["months"], curve["estimate"], strict=True):
        if not is_by(time, month):
            break
        value = estimate
    return percent(value)
