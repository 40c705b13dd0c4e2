"""The answer in a sentence and a few numbers.

A hazard ratio never stands alone, and where the proportional-hazards test rejects (p < 0.05) it does not
lead: the restricted mean survival time does (Uno et al. 2014, J Clin Oncol 32:2380).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trialsim.report.numbers import (
    ABSENT,
    DAYS_PER_MONTH,
    between,
    months,
    p_equation,
    p_text,
    percent,
    ratio,
    words,
)

NON_PROPORTIONAL = 0.05
NO_BREAK_HYPHEN = "\u2011"
#: Where the truth behind the data comes from; empty for data that were observed.
Truth = Literal["cells", "laws", ""]


@dataclass(frozen=True)
class Tile:
    """One number of the strip: what it is, its value, what to know beside it."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    """The strip for one arm against the reference."""

    arm: str
    outcome: Literal["met", "not met", "worse", "unknown"]
    sentence: str
    detail: str
    tiles: tuple[Tile, ...]


#: What a conclusion means for the card.
_OUTCOMES: dict[str, Literal["met", "not met", "worse", "unknown"]] = {
    "superior": "met",
    "not shown": "not met",
    "inferior": "worse",
    "not testable": "unknown",
}
_TESTS = {"logrank": "log-rank", "stratified_logrank": "stratified log-rank"}


def verdicts(analysis: Mapping[str, Any]) -> list[Verdict]:
    """One verdict per comparison, in the order of the analysis."""
    return [_verdict(analysis, comparison) for comparison in analysis["comparisons"]]


def _verdict(analysis: Mapping[str, Any], comparison: Mapping[str, Any]) -> Verdict:
    conclusion = comparison["conclusion"]
    outcome = _OUTCOMES[conclusion["outcome"]]
    return Verdict(
        comparison["arm"],
        outcome,
        _sentence(analysis, comparison, outcome),
        _detail(analysis, comparison, test_words(conclusion)),
        tuple(_tiles(analysis, comparison)),
    )


def _sentence(analysis: Mapping[str, Any], comparison: Mapping[str, Any], outcome: str) -> str:
    """What was shown, and in what the trial fell short of the plan that the test rests on."""
    label, reference = (analysis["arms"][comparison[key]]["label"] for key in ("arm", "reference"))
    end, claims = _lower(analysis["endpoint"]["label"]), comparison["conclusion"]["claims"]
    margin = "" if is_proportional(comparison) else ", by a margin that changes with time"
    if claims is not None and outcome == "met" and not claims["all"]:
        said = f"{label} met its test in {claims['level']}: {end} was longer there than with {reference}"
    else:
        said = {
            "met": f"{label} met its test: {end} was longer than with {reference}{margin}",
            "not met": f"{label} did not meet its test: {end} was not shown to be longer than with {reference}",
            "worse": f"{label} was worse: {end} was shorter than with {reference}",
            "unknown": f"{label} could not be tested against {reference}: too few events",
        }[outcome]
    return "; ".join([said, *(d["headline"] for d in analysis["departures"] if d["headline"])]) + "."


def test_words(conclusion: Mapping[str, Any]) -> str:
    """The test, its p-value and what it was held against; with looks, the one that settled it."""
    if conclusion["claims"] is not None:
        claims = conclusion["claims"]
        return f"{claimed(claims)} Closed test of all patients and of {claims['level']}"
    sided = "one-sided" if conclusion["sided"] == 1 else "two-sided"
    test, p = _TESTS[conclusion["test"]], p_equation(conclusion["p"])
    if conclusion["basis"] == "one analysis":
        return f"{sided} {test} {p}, against a level of {conclusion['level']:.3g}{_shared(conclusion)}"
    if conclusion["look"] is None:
        return "no look had an event to see"
    by = "order of stages" if conclusion["basis"] == "stages" else "weights of the plan"
    return f"{_last_look(conclusion['look'], test)}. By the {by}, {sided} {p}{_shared(conclusion)}{_effect(conclusion)}"


def _shared(conclusion: Mapping[str, Any]) -> str:
    """How several comparisons share alpha."""
    if conclusion["comparisons"] < 2:
        return ""
    adjusted = p_equation(conclusion["adjusted_p"])
    return f" (Holm over {conclusion['comparisons']} comparisons: adjusted {adjusted}, against {conclusion['alpha']:g})"


def _effect(conclusion: Mapping[str, Any]) -> str:
    hr = conclusion["hazard_ratio"]
    return "" if hr is None else f", hazard ratio {ratio(hr['estimate'])} ({between(hr['lower'], hr['upper'])})"


def claimed(claims: Mapping[str, Any]) -> str:
    """The claims of a closed test in a sentence."""
    level = claims["level"]
    if claims["all"]:
        return "A benefit is claimed for all patients" + (f", and for {level}." if claims["subgroup"] else ".")
    return f"A benefit is claimed for {level} alone." if claims["subgroup"] else "No benefit is claimed."


def _last_look(look: Mapping[str, Any], test: str) -> str:
    """The look that settled it: its z against the boundary, and where the trial stopped."""
    z = f"{look['z']:.2f}".replace("-", "−")
    planned = f"{look['planned_events']:,.0f}"
    of = planned if look["raised_to"] is None else f"{look['raised_to']:,} (raised from {planned})"
    at = f"look {look['number']} of {look['planned']}, {look['events']:,} of {of} events"
    if look["decision"] == "futility":
        bound = f"below {look['lower']:.2f}, the boundary for futility".replace("-", "−")
    elif look["decision"] == "harm":
        bound = f"beyond {look['lower']:.2f}, the boundary for harm".replace("-", "−")
    else:
        bound = "no boundary there" if look["upper"] is None else f"against a boundary of {look['upper']:.2f}"
    stopped = "stopped early at" if look["stopped_early"] else "at"
    return f"{stopped} {at}: {test} z {z}, {bound}"


def _lower(words: str) -> str:
    """Sentence case inside a sentence; an acronym stays. A large headline must not break inside a compound."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:].replace("-", NO_BREAK_HYPHEN)


def is_proportional(comparison: Mapping[str, Any]) -> bool:
    p = (comparison.get("proportional_hazards") or {}).get("p")
    return p is None or p >= NON_PROPORTIONAL


def _detail(analysis: Mapping[str, Any], comparison: Mapping[str, Any], test_words: str) -> str:
    """The sentences under the verdict: the effect first on the scale that can be trusted, then the other."""
    mean = rmst_sentence(analysis, comparison)
    hr = comparison["hazard_ratio"]
    level = f"{100 * analysis['confidence_level']:g}%"
    interval = f"{level} CI {between(hr['lower'], hr['upper'])}"
    ph = (comparison.get("proportional_hazards") or {}).get("p")
    head = f"{test_words[0].upper()}{test_words[1:]}."
    naive = comparison["conclusion"]["basis"] != "one analysis"
    if naive:
        head += " Not adjusted for that:"
    if not is_proportional(comparison):
        return (
            f"{head} {'the' if naive else 'The'} hazards are not proportional (test of proportionality "
            f"{p_equation(ph)}), so the difference in mean event-free time leads: {mean} The hazard ratio of "
            f"{ratio(hr['estimate'])} ({interval}) is an average over a ratio that changes with time."
        )
    ratio_words = f"{'h' if naive else 'H'}azard ratio"
    if hr["estimate"] is None:
        return f"{head} {ratio_words} {ABSENT}. {mean[:1].upper()}{mean[1:]}"
    support = f"; no evidence of non-proportional hazards ({p_equation(ph)})" if ph is not None else ""
    return f"{head} {ratio_words} {ratio(hr['estimate'])} ({interval}){support}. {mean[:1].upper()}{mean[1:]}"


def rmst_sentence(analysis: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """``over 60 months, patients on B were event-free 3.1 months longer on average (95% CI ..., p = 0.004).``"""
    mean = comparison["rmst_difference"]
    if mean.get("estimate") is None:
        return "the difference in mean event-free time cannot be estimated."
    label = analysis["arms"][comparison["arm"]]["label"]
    gain = mean["estimate"] / DAYS_PER_MONTH
    size = f"{abs(gain):.1f} months {'longer' if gain > 0 else 'shorter'}" if abs(gain) >= 0.05 else "equally long"
    level = f"{100 * analysis['confidence_level']:g}%"
    return (
        f"over {mean['tau'] / DAYS_PER_MONTH:.0f} months, patients on {label} were event-free {size} on average "
        f"({level} CI of the difference {_months_between(mean)}, {p_equation(mean.get('p'))})."
    )


def _months_between(mean: Mapping[str, Any]) -> str:
    sides = [None if mean[k] is None else mean[k] / DAYS_PER_MONTH for k in ("lower", "upper")]
    return between(sides[0], sides[1], "{:.1f}").replace("-", "−")


def _tiles(analysis: Mapping[str, Any], comparison: Mapping[str, Any]) -> list[Tile]:
    level = f"{100 * analysis['confidence_level']:g}% CI"
    conclusion, mean = comparison["conclusion"], comparison["rmst_difference"]
    hr, by = comparison["hazard_ratio"], ""
    if conclusion["hazard_ratio"] is not None and conclusion["basis"] != "one analysis":
        hr, by = conclusion["hazard_ratio"], "; by the order of stages"
    elif conclusion["basis"] != "one analysis":
        by = "; not adjusted"
    arm, reference = analysis["arms"][comparison["arm"]], analysis["arms"][comparison["reference"]]
    gain = mean.get("estimate")
    gain_text = ABSENT if gain is None else f"{gain / DAYS_PER_MONTH:+.1f}".replace("-", "−")
    hazard = Tile("Hazard ratio", ratio(hr["estimate"]), f"{level} {between(hr['lower'], hr['upper'])}{by}")
    horizon = f"to month {mean['tau'] / DAYS_PER_MONTH:.0f}; " if mean.get("tau") is not None else ""
    rmst = Tile(
        "Event-free months, mean difference",
        gain_text,
        f"{horizon}{level} {_months_between(mean) if gain is not None else '–'}",
    )
    middle = [rmst] if is_proportional(comparison) else [hazard]
    lead = hazard if is_proportional(comparison) else rmst
    medians = [months(side["median_months"]["estimate"]) for side in (arm, reference)]
    return [
        lead,
        *middle,
        *_landmark(analysis, arm, reference),
        Tile("Median, months", medians[0], f"against {medians[1]}"),
        _test_tile(conclusion),
    ]


def _test_tile(conclusion: Mapping[str, Any]) -> Tile:
    """The p-value that counts, and how it was found."""
    sided = "one-sided" if conclusion["sided"] == 1 else "two-sided"
    value = ABSENT if conclusion["p"] is None else p_equation(conclusion["p"])
    found = {"stages": "by the order of stages", "weighted z": "weighted z", "closed test": "closed test"}
    words = [f"{sided} {_TESTS[conclusion['test']]}", found.get(conclusion["basis"], "")]
    if conclusion["comparisons"] > 1:
        words.append(f"adjusted {p_equation(conclusion['adjusted_p'])}")
    return Tile("Log-rank", value, "; ".join(word for word in words if word))


def _landmark(analysis: Mapping[str, Any], arm: Mapping[str, Any], reference: Mapping[str, Any]) -> Sequence[Tile]:
    """The last landmark at which both arms have a tenth of their patients at risk, else the first known one."""
    pairs = zip(arm["landmarks"], reference["landmarks"], strict=True)
    both = [(a, r) for a, r in pairs if a["estimate"] is not None and r["estimate"] is not None]
    firm = [(a, r) for a, r in both if 10 * a["at_risk"] >= arm["n"] and 10 * r["at_risk"] >= reference["n"]]
    if not both:
        return []
    mine, theirs = firm[-1] if firm else both[0]
    label = f"{analysis['endpoint']['paramcd']} at {mine['label']}"
    return [Tile(label, percent(mine["estimate"]), f"against {percent(theirs['estimate'])}")]


def truth_sentence(truth: Truth) -> str:
    """Whether there is a truth to hold the estimate against, and which."""
    if truth == "laws":
        return (
            "These patients are simulated: their event times follow the laws that the protocol gives, and are known "
            "beside what the trial could see."
        )
    if truth == "cells":
        return (
            "These patients are simulated: the time at which each tumour truly became detectable and the lineage that "
            "caused each relapse are known, and are shown below beside what the trial could see."
        )
    return "These are observed data, not a simulation: no underlying truth is known, only the estimates."


def comparison_rows(analysis: Mapping[str, Any]) -> list[list[str]]:
    """The comparisons as a table: one row per measure, one column per comparison."""
    rows: list[tuple[str, Callable[[Mapping[str, Any]], str]]] = [
        *_hazard_ratio_rows(analysis),
        ("Log-rank", lambda c: p_text(c["logrank"]["p"])),
        ("Stratified log-rank", lambda c: _p_of(c, "stratified_logrank", "no strata")),
        ("Planned test, adjusted p", lambda c: p_text(c["conclusion"]["adjusted_p"])),
        ("MaxCombo", lambda c: _p_of(c, "maxcombo")),
        ("Test of proportional hazards", lambda c: _p_of(c, "proportional_hazards")),
        ("Difference in restricted mean, months", lambda c: _rmst_cell(c["rmst_difference"])),
    ]
    table = [[name, *(cell(c) for c in analysis["comparisons"])] for name, cell in rows]
    for index, landmark in enumerate(
        analysis["comparisons"][0].get("landmark_difference", []) if analysis["comparisons"] else []
    ):
        cells = [_landmark_cell(c["landmark_difference"][index]) for c in analysis["comparisons"]]
        table.append([f"Difference at {landmark['label']}", *cells])
    return table


def _hazard_ratio_rows(analysis: Mapping[str, Any]) -> list[tuple[str, Callable[[Mapping[str, Any]], str]]]:
    """The hazard ratio of the planned model; with strata, the other one too, each by its name."""
    found = analysis["comparisons"][0]["stratified_logrank"] if analysis["comparisons"] else None
    if found is None:
        return [("Hazard ratio (Cox)", lambda c: _estimate(c["hazard_ratio"], "{:.2f}"))]
    by = f"Hazard ratio by {', '.join(words(name) for name in found['strata'])} (Cox)"
    rows: list[tuple[str, Callable[[Mapping[str, Any]], str]]] = [
        (by, lambda c: _estimate(c["stratified_hazard_ratio"], "{:.2f}")),
        ("Hazard ratio, unstratified (Cox)", lambda c: _estimate(c["unstratified_hazard_ratio"], "{:.2f}")),
    ]
    return rows if analysis["test"] == "stratified_logrank" else rows[::-1]


def _p_of(comparison: Mapping[str, Any], test: str, unused: str = ABSENT) -> str:
    row = comparison.get(test)
    return p_text(row["p"]) if row else unused


def _estimate(value: Mapping[str, Any], form: str) -> str:
    if value["estimate"] is None:
        return ABSENT
    return f"{ratio(value['estimate'])} ({between(value['lower'], value['upper'], form)}), {p_equation(value.get('p'))}"


def _rmst_cell(mean: Mapping[str, Any]) -> str:
    if mean.get("estimate") is None:
        return ABSENT
    gain = f"{mean['estimate'] / DAYS_PER_MONTH:.1f}".replace("-", "−")
    return f"{gain} ({_months_between(mean)}), {p_equation(mean.get('p'))}"


def _landmark_cell(landmark: Mapping[str, Any]) -> str:
    if landmark["estimate"] is None:
        return ABSENT
    low, high = (None if landmark[k] is None else 100 * landmark[k] for k in ("lower", "upper"))
    points = f"{100 * landmark['estimate']:.1f} points ({between(low, high, '{:.1f}')})"
    return points.replace("-", "−")
