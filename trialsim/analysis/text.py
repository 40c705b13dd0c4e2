"""An analysis for the terminal: one table per result."""

from __future__ import annotations

import textwrap
from typing import Any

from trialsim.analysis.conclusion_text import conclusions
from trialsim.analysis.printed import chi_square, interval, num, p, percent, share_interval
from trialsim.text_table import text_table


def as_text(analysis: dict[str, Any]) -> str:
    """The analysis as plain text tables; numbers are those of the dict, rounded."""
    sections = [_headline(analysis), conclusions(analysis), _arms(analysis), _landmarks(analysis)]
    sections += _comparisons(analysis)
    sections += [_cox(analysis), _subgroups(analysis), _competing(analysis), _at_risk(analysis)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _headline(a: dict[str, Any]) -> str:
    endpoint = a["endpoint"]
    lines = [
        f"{endpoint['label']} ({endpoint['paramcd']}): {a['n']} patients, {a['events']} events, "
        f"followed for up to {num(a['max_follow_up_months'], 1)} months",
    ]
    for departure in a["departures"]:
        lines += textwrap.wrap(f"departure from the plan: {departure['words']}", 100, subsequent_indent="  ")
    return "\n".join([*lines, *(f"note: {note}" for note in a["notes"])])


def _arms(a: dict[str, Any]) -> str:
    level = percent(a["confidence_level"], 0)
    header = ["arm", "n", "events", "censored", f"median, months ({level} CI)", "RMST, days (SE)"]
    rows = [
        [
            arm["label"],
            str(arm["n"]),
            str(arm["events"]),
            str(arm["censored"]),
            interval(arm["median_months"], 1),
            f"{num(arm['rmst_days']['estimate'], 1)} ({num(arm['rmst_days']['se'], 1)})",
        ]
        for arm in a["arms"].values()
    ]
    return text_table("Arms", header, rows) + f"\n{a['tau_note']}"


def _landmarks(a: dict[str, Any]) -> str:
    days = next(iter(a["arms"].values()))["landmarks"]
    if not days:
        return ""
    header = ["event-free at", *(row["label"] for row in days)]
    rows = [[arm["label"], *(share_interval(row) for row in arm["landmarks"])] for arm in a["arms"].values()]
    rows.append(["all", *(share_interval(row) for row in a["overall"]["landmarks"])])
    return text_table("Kaplan-Meier, % (log-log CI)", header, rows)


def _comparisons(a: dict[str, Any]) -> list[str]:
    tests = "one-sided, for benefit of the arm" if a["sided"] == 1 else "two-sided"
    sections = []
    for c in a["comparisons"]:
        names = [a["arms"][c[key]]["label"] for key in ("arm", "reference")]
        rows = [*_hazard_ratios(c), *_logranks(c, tests)]
        difference = c["rmst_difference"]
        unstratified = ", unstratified" if c["strata"] else ""
        rows += [
            [
                f"RMST to {num(difference['tau'], 0)} d, days{unstratified}",
                interval(difference, 1),
                p(difference["p"]),
                "two-sided",
            ],
            [f"MaxCombo FH(00, 01, 10, 11){_by(c['strata'])}", "", p(c["maxcombo"]["p"]), tests],
            [
                f"proportional hazards{_by(c['strata'])}",
                "",
                p(c["proportional_hazards"]["p"]),
                "small p: not proportional",
            ],
        ]
        rows += [
            [f"difference at {row['label']}, %{unstratified}", share_interval(row), "", ""]
            for row in c["landmark_difference"]
            if row["estimate"] is not None
        ]
        sections.append(text_table(f"{names[0]} against {names[1]}", ["", "estimate", "p", ""], rows))
    return sections


def _by(strata: list[str]) -> str:
    return f" by {', '.join(strata)}" if strata else ""


def _hazard_ratios(c: dict[str, Any]) -> list[list[str]]:
    """That of the planned model first; the other one where the data have strata."""
    rows = []
    stratified = c["stratified_logrank"]
    if stratified is not None:
        own = c["stratified_hazard_ratio"]
        rows.append(
            [f"hazard ratio{_by(stratified['strata'])} (Cox, Efron)", interval(own, 3), p(own["p"]), "two-sided"]
        )
    own = c["unstratified_hazard_ratio"]
    name = "hazard ratio" if stratified is None else "hazard ratio, unstratified"
    rows.append([f"{name} (Cox, Efron)", interval(own, 3), p(own["p"]), "two-sided"])
    return rows if c["strata"] else rows[::-1]


def _logranks(c: dict[str, Any], sides: str) -> list[list[str]]:
    stratified = c["stratified_logrank"]
    rows = [["log-rank, chi-square (z)", chi_square(c["logrank"]), p(c["logrank"]["p"]), sides]]
    if stratified is not None:
        name = f"log-rank{_by(stratified['strata'])}"
        rows.insert(0, [name, chi_square(stratified), p(stratified["p"]), sides])
    return rows if c["strata"] else rows[::-1]


def _cox(a: dict[str, Any]) -> str:
    if len(a["cox"]) < 2:
        return ""
    rows = []
    for model in a["cox"]:
        for i, term in enumerate(model["terms"]):
            estimate = interval({**term, "estimate": term["hr"]}, 3)
            ratio = p(model["likelihood_ratio_p"]) if i == 0 else ""
            rows.append([model["model"] if i == 0 else "", term["label"], estimate, p(term["p"]), ratio])
    return text_table(f"Cox models{_by(a['cox'][0]['strata'])}", ["model", "term", "hazard ratio", "p", "LR p"], rows)


def _subgroups(a: dict[str, Any]) -> str:
    rows = []
    several = len(a["comparisons"]) > 1
    for group in a["subgroups"]:
        own = {test["arm"]: test["p"] for test in group["interactions"]}
        name, told = group["label"], set()
        for level in group["levels"]:
            for c in level["comparisons"]:
                pair = f"{a['arms'][c['arm']]['label']} / {a['arms'][c['reference']]['label']}"
                hr = interval({**c, "estimate": c["hr"]}, 3)
                interaction = "" if c["arm"] in told else p(own[c["arm"]])
                rows.append([name, level["label"], pair, str(c["n"]), str(c["events"]), hr, interaction])
                name = ""
                told.add(c["arm"])
        if several:
            rows.append(["", "joint, all arms", "", "", "", "", p(group["joint_interaction_p"])])
    header = ["subgroup", "level", "arms", "n", "events", "hazard ratio", "interaction p"]
    return (
        text_table(f"Subgroups{_by(a['strata'] if a['test'] == 'stratified_logrank' else [])}", header, rows)
        if rows
        else ""
    )


def _competing(a: dict[str, Any]) -> str:
    rows = []
    for arm, kinds in a.get("competing", {}).items():
        rows += [[a["arms"][arm]["label"], kind, percent(steps["estimate"][-1])] for kind, steps in kinds.items()]
    for arm, causes in a.get("causes", {}).items():
        rows += [[a["arms"][arm]["label"], cause, percent(row["estimate"][-1])] for cause, row in causes.items()]
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
