"""An analysis for the terminal: one table per result."""

from __future__ import annotations

from typing import Any

from trialsim.analysis.summary import month_key
from trialsim.text_table import text_table

_MISSING = "-"


def as_text(analysis: dict[str, Any]) -> str:
    """The analysis as plain text tables; numbers are those of the dict, rounded."""
    sections = [_headline(analysis), _arms(analysis), _landmarks(analysis), *_comparisons(analysis)]
    sections += [_cox(analysis), _subgroups(analysis), _competing(analysis), _at_risk(analysis)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _headline(a: dict[str, Any]) -> str:
    endpoint = a["endpoint"]
    lines = [
        f"{endpoint['label']} ({endpoint['paramcd']}): {a['n']} patients, {a['events']} events, "
        f"followed for up to {_num(a['max_follow_up_months'], 1)} months",
    ]
    return "\n".join([*lines, *(f"note: {note}" for note in a["notes"])])


def _arms(a: dict[str, Any]) -> str:
    level = _percent(a["confidence_level"], 0)
    header = ["arm", "n", "events", "censored", f"median, months ({level} CI)", "RMST, days (SE)"]
    rows = [
        [
            arm["label"],
            str(arm["n"]),
            str(arm["events"]),
            str(arm["censored"]),
            _interval(arm["median_months"], 1),
            f"{_num(arm['rmst_days']['estimate'], 1)} ({_num(arm['rmst_days']['se'], 1)})",
        ]
        for arm in a["arms"].values()
    ]
    return text_table("Arms", header, rows) + f"\n{a['tau_note']}"


def _landmarks(a: dict[str, Any]) -> str:
    days = next(iter(a["arms"].values()))["landmarks"]
    if not days:
        return ""
    header = ["event-free at", *(f"{month_key(row['months'])} months" for row in days)]
    rows = [[arm["label"], *(_share_interval(row) for row in arm["landmarks"])] for arm in a["arms"].values()]
    rows.append(["all", *(_share_interval(row) for row in a["overall"]["landmarks"])])
    return text_table("Kaplan-Meier, % (log-log CI)", header, rows)


def _comparisons(a: dict[str, Any]) -> list[str]:
    tests = "one-sided, for benefit of the arm" if a["sided"] == 1 else "two-sided"
    sections = []
    for c in a["comparisons"]:
        names = [a["arms"][c[key]]["label"] for key in ("arm", "reference")]
        rows = [
            ["hazard ratio (Cox, Efron)", _interval(c["hazard_ratio"], 3), _p(c["hazard_ratio"]["p"]), "two-sided"],
            ["log-rank, chi-square (z)", _chi_square(c["logrank"]), _p(c["logrank"]["p"]), tests],
        ]
        stratified = c["stratified_logrank"]
        if stratified is not None:
            by = ", ".join(stratified["strata"])
            rows.append([f"log-rank by {by}", _chi_square(stratified), _p(stratified["p"]), tests])
        difference = c["rmst_difference"]
        rows += [
            [
                f"RMST to {_num(difference['tau'], 0)} d, days",
                _interval(difference, 1),
                _p(difference["p"]),
                "two-sided",
            ],
            ["MaxCombo FH(00, 01, 10, 11)", "", _p(c["maxcombo"]["p"]), tests],
            ["proportional hazards", "", _p(c["proportional_hazards"]["p"]), "small p: not proportional"],
        ]
        rows += [
            [f"difference at {month_key(row['months'])} months, %", _share_interval(row), "", ""]
            for row in c["landmark_difference"]
            if row["estimate"] is not None
        ]
        sections.append(text_table(f"{names[0]} against {names[1]}", ["", "estimate", "p", ""], rows))
    return sections


def _cox(a: dict[str, Any]) -> str:
    if len(a["cox"]) < 2:
        return ""
    rows = []
    for model in a["cox"]:
        for i, term in enumerate(model["terms"]):
            estimate = _interval({**term, "estimate": term["hr"]}, 3)
            ratio = _p(model["likelihood_ratio_p"]) if i == 0 else ""
            rows.append([model["model"] if i == 0 else "", term["label"], estimate, _p(term["p"]), ratio])
    return text_table("Cox models", ["model", "term", "hazard ratio", "p", "LR p"], rows)


def _subgroups(a: dict[str, Any]) -> str:
    rows = []
    for group in a["subgroups"]:
        shown = group["label"]
        for level in group["levels"]:
            for c in level["comparisons"]:
                pair = f"{a['arms'][c['arm']]['label']} / {a['arms'][c['reference']]['label']}"
                hr = _interval({**c, "estimate": c["hr"]}, 3)
                interaction = _p(group["interaction_p"]) if shown else ""
                rows.append([shown, level["label"], pair, str(c["n"]), str(c["events"]), hr, interaction])
                shown = ""
    header = ["subgroup", "level", "arms", "n", "events", "hazard ratio", "interaction p"]
    return text_table("Subgroups", header, rows) if rows else ""


def _competing(a: dict[str, Any]) -> str:
    rows = []
    for arm, kinds in a.get("competing", {}).items():
        rows += [[a["arms"][arm]["label"], kind, _percent(steps["estimate"][-1])] for kind, steps in kinds.items()]
    for arm, causes in a.get("causes", {}).items():
        rows += [[a["arms"][arm]["label"], cause, _percent(row["estimate"][-1])] for cause, row in causes.items()]
    title = "Cumulative incidence at the last follow-up (Aalen-Johansen)"
    return text_table(title, ["arm", "event", "%"], rows) if rows else ""


def _at_risk(a: dict[str, Any]) -> str:
    rows = []
    for arm in a["arms"].values():
        counts = arm["at_risk"]
        for i, row in enumerate(("at_risk", "events", "censored")):
            name = arm["label"] if i == 0 else ""
            rows.append([name, row.replace("_", " "), *(str(n) for n in counts[row])])
    months = next(iter(a["arms"].values()))["at_risk"]["months"]
    table = text_table("Patients by month", ["arm", "", *(f"{m:g}" for m in months)], rows)
    return f"{table}\n{a['at_risk_convention']}"


def _chi_square(row: dict[str, Any]) -> str:
    return f"{_num(row['chisq'], 4)} ({_num(row['z'], 3)})"


def _num(value: float | None, digits: int) -> str:
    return _MISSING if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int = 1) -> str:
    return _MISSING if value is None else f"{100.0 * value:.{digits}f} %"


def _p(value: float | None) -> str:
    if value is None:
        return _MISSING
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _interval(row: dict[str, Any], digits: int) -> str:
    if row["estimate"] is None:
        return _MISSING
    lower, upper = (_num(row[key], digits) for key in ("lower", "upper"))
    return f"{_num(row['estimate'], digits)} ({lower} to {upper})"


def _share_interval(row: dict[str, Any]) -> str:
    keys = ("estimate", "lower", "upper")
    return _interval({key: None if row[key] is None else 100.0 * row[key] for key in keys}, 1)
