"""An analysis for the terminal: one table per result."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from trialsim.analysis.conclusion_text import conclusions
from trialsim.analysis.printed import WIDTH, chi_square, interval, num, p, percent, share_interval
from trialsim.reported.analysis import ArmComparison, SurvivalAnalysis
from trialsim.reported.words import sides
from trialsim.text_table import text_table

Row = list[str]


def as_text(analysis: SurvivalAnalysis) -> str:
    """The analysis as plain text tables; numbers are those of the analysis, rounded."""
    sections = [_headline(analysis), conclusions(analysis), _arms(analysis), _landmarks(analysis)]
    sections += [_comparison(analysis, comparison) for comparison in analysis.comparisons]
    sections += [_cox(analysis), _subgroups(analysis), _competing(analysis), _at_risk(analysis)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _headline(a: SurvivalAnalysis) -> str:
    lines = [
        f"{a.endpoint.label} ({a.endpoint.paramcd}): {a.n} patients, {a.events} events, "
        f"followed for up to {num(a.max_follow_up_months, 1)} months",
    ]
    for departure in a.departures:
        lines += textwrap.wrap(f"departure from the plan: {departure.words}", WIDTH, subsequent_indent="  ")
    return "\n".join([*lines, *(f"note: {note}" for note in a.notes)])


def _arms(a: SurvivalAnalysis) -> str:
    level = percent(a.confidence_level, 0)
    header = ["arm", "n", "events", "censored", f"median, months ({level} CI)", "RMST, days (SE)"]
    rows = [
        [
            arm.label,
            str(arm.n),
            str(arm.events),
            str(arm.censored),
            interval(arm.median_months, 1),
            f"{num(arm.rmst_days.estimate, 1)} ({num(arm.rmst_days.se, 1)})",
        ]
        for arm in a.arms.values()
    ]
    return text_table("Arms", header, rows) + f"\n{a.tau_note}"


def _landmarks(a: SurvivalAnalysis) -> str:
    header = ["event-free at", *(at.label for at in a.overall.landmarks)]
    groups = [*((arm.label, arm.landmarks) for arm in a.arms.values()), ("all", a.overall.landmarks)]
    rows = [[label, *map(share_interval, found)] for label, found in groups]
    return text_table("Kaplan-Meier, % (log-log CI)", header, rows) if a.overall.landmarks else ""


def _comparison(a: SurvivalAnalysis, c: ArmComparison) -> str:
    tests = "one-sided, for benefit of the arm" if a.sided == 1 else "two-sided"
    difference, unstratified = c.rmst_difference, ", unstratified" * bool(c.strata)
    shown, ph = [at for at in c.landmark_difference if at.estimate is not None], c.proportional_hazards.p
    rows = [
        *_hazard_ratios(c),
        *_logranks(c, tests),
        [f"RMST to {num(difference.tau, 0)} d, days{unstratified}", interval(difference, 1), p(difference.p), sides(2)],
        [f"MaxCombo FH(00, 01, 10, 11){_by(c.strata)}", "", p(c.maxcombo.p), tests],
        [f"proportional hazards{_by(c.strata)}", "", p(ph), "small p: not proportional"],
        *([f"difference at {at.label}, %{unstratified}", share_interval(at), "", ""] for at in shown),
    ]
    return text_table(a.names(c), ["", "estimate", "p", ""], rows)


def _by(strata: Sequence[str]) -> str:
    return f" by {', '.join(strata)}" if strata else ""


def _hazard_ratios(c: ArmComparison) -> list[Row]:
    """That of the planned model first; the other one where the data have strata."""
    stratified = c.stratified_logrank
    names = {"hazard ratio" if stratified is None else "hazard ratio, unstratified": c.unstratified_hazard_ratio}
    if stratified is not None and c.stratified_hazard_ratio is not None:
        names[f"hazard ratio{_by(stratified.strata)}"] = c.stratified_hazard_ratio
    rows = [[f"{name} (Cox, Efron)", interval(own, 3), p(own.p), sides(2)] for name, own in names.items()]
    return rows[::-1] if c.strata else rows


def _logranks(c: ArmComparison, tests: str) -> list[Row]:
    names = {"log-rank, chi-square (z)": c.logrank}
    if c.stratified_logrank is not None:
        names[f"log-rank{_by(c.stratified_logrank.strata)}"] = c.stratified_logrank
    rows = [[name, chi_square(own), p(own.p), tests] for name, own in names.items()]
    return rows[::-1] if c.strata else rows


def _cox(a: SurvivalAnalysis) -> str:
    rows = []
    for model in a.cox:
        firsts = [(model.model, p(model.likelihood_ratio_p)), *[("", "")] * len(model.terms)]
        for (name, ratio), term in zip(firsts, model.terms, strict=False):
            rows.append([name, term.label, interval(term, 3), p(term.p), ratio])
    header = ["model", "term", "hazard ratio", "p", "LR p"]
    return text_table(f"Cox models{_by(a.model_strata)}", header, rows) if len(a.cox) > 1 else ""


def _subgroups(a: SurvivalAnalysis) -> str:
    rows = []
    for group in a.subgroups:
        own = {test.arm: p(test.p) for test in group.interactions}
        name = group.label
        for level in group.levels:
            for c in level.comparisons:
                pair = f"{a.arms[c.arm].label} / {a.arms[c.reference].label}"
                rows.append([name, level.label, pair, str(c.n), str(c.events), interval(c, 3), own.pop(c.arm, "")])
                name = ""
        if len(a.comparisons) > 1:
            rows.append(["", "joint, all arms", "", "", "", "", p(group.joint_interaction_p)])
    header = ["subgroup", "level", "arms", "n", "events", "hazard ratio", "interaction p"]
    return text_table(f"Subgroups{_by(a.model_strata)}", header, rows) if rows else ""


def _competing(a: SurvivalAnalysis) -> str:
    rows = [
        [a.arms[arm].label, kind, percent(steps.estimate[-1])]
        for found in (a.competing or {}, a.causes or {})
        for arm, kinds in found.items()
        for kind, steps in kinds.items()
    ]
    title = "Cumulative incidence at the last follow-up (Aalen-Johansen)"
    return text_table(title, ["arm", "event", "%"], rows) if rows else ""


def _at_risk(a: SurvivalAnalysis) -> str:
    rows, months = [], next(iter(a.arms.values())).at_risk.months
    for arm in a.arms.values():
        counts = arm.at_risk
        for name, row, own in (
            (arm.label, "at risk", counts.at_risk),
            ("", "events", counts.events),
            ("", "censored", counts.censored),
        ):
            rows.append([name, row, *map(str, own)])
    table = text_table("Patients by month", ["arm", "", *(f"{m:g}" for m in months)], rows)
    return f"{table}\n{a.at_risk_convention}"
