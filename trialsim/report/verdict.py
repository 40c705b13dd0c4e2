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
)

NON_PROPORTIONAL = 0.05
NO_BREAK_HYPHEN = "\u2011"
TestName = Literal["logrank", "stratified_logrank"]
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


def verdicts(analysis: Mapping[str, Any], test: TestName) -> list[Verdict]:
    """One verdict per comparison, in the order of the analysis."""
    return [_verdict(analysis, comparison, test) for comparison in analysis["comparisons"]]


def _verdict(analysis: Mapping[str, Any], comparison: Mapping[str, Any], test: TestName) -> Verdict:
    label = analysis["arms"][comparison["arm"]]["label"]
    reference = analysis["arms"][comparison["reference"]]["label"]
    stratified = comparison.get("stratified_logrank")
    chosen = stratified if test == "stratified_logrank" and stratified else comparison["logrank"]
    name = "stratified log-rank" if chosen is stratified else "log-rank"
    looks = next((each for each in analysis.get("looks", ()) if each["arm"] == comparison["arm"]), None)
    outcome = _outcome(chosen, analysis["alpha"], analysis["sided"]) if looks is None else _OF_LOOKS[looks["decision"]]
    endpoint = analysis["endpoint"]["label"]
    sided = "one-sided" if analysis["sided"] == 1 else "two-sided"
    test_words = f"{sided} {name} {p_equation(chosen['p'])}, against a level of {analysis['alpha']:g}"
    if looks is not None:
        test_words = _last_look(looks, name)
    enrichment = analysis.get("enrichment")
    if enrichment is not None:
        outcome = "met" if any(enrichment["claims"].values()) else "not met"
        test_words = f"{claimed(enrichment)} Closed test of all patients and of {enrichment['level']}"
    steady = is_proportional(comparison)
    end = _lower(endpoint)
    sentence = {
        "met": f"{label} met its test: {end} was longer than with {reference}"
        + ("." if steady else ", by a margin that changes with time."),
        "not met": f"{label} did not meet its test: {end} was not shown to be longer than with {reference}.",
        "worse": f"{label} was worse: {end} was shorter than with {reference}.",
        "unknown": f"{label} could not be tested against {reference}: too few events.",
    }[outcome]
    if enrichment is not None and outcome == "met" and not enrichment["claims"]["all"]:
        sentence = f"{label} met its test in {enrichment['level']}: {end} was longer there than with {reference}."
    return Verdict(comparison["arm"], outcome, sentence, _detail(analysis, comparison, test_words),
                   tuple(_tiles(analysis, comparison, chosen, f"{sided} {name}")))  # fmt: skip


def claimed(enrichment: Mapping[str, Any]) -> str:
    """The claims in a sentence."""
    claims, level = enrichment["claims"], enrichment["level"]
    if claims["all"]:
        return "A benefit is claimed for all patients" + (f", and for {level}." if claims["subgroup"] else ".")
    return f"A benefit is claimed for {level} alone." if claims["subgroup"] else "No benefit is claimed."


#: What the decision at the last look means for the test.
_OF_LOOKS: dict[str, Literal["met", "not met", "worse", "unknown"]] = {
    "efficacy": "met",
    "harm": "worse",
    "futility": "not met",
    "not shown": "not met",
}


def _last_look(looks: Mapping[str, Any], test: str) -> str:
    """The look that settled it: its z against the boundary, and where the trial stopped."""
    if not looks["looks"]:
        return "no look had an event to see"
    last, planned = looks["looks"][-1], looks["planned"]
    z = f"{last['z']:.2f}".replace("-", "−")
    raised = next((look["raised_to"] for look in looks["looks"] if look["raised_to"]), None)
    of = f"{planned['events']:,.0f}" if raised is None else f"{raised:,} (raised from {planned['events']:,.0f})"
    at = f"look {last['look']} of {len(planned['information'])}, {last['events']:,} of {of} events"
    if last["decision"] == "futility":
        bound = f"below {last['lower']:.2f}, the boundary for futility".replace("-", "−")
    else:
        bound = "no boundary there" if last["upper"] is None else f"against a boundary of {last['upper']:.2f}"
    stopped = "stopped early at" if looks["stopped_early"] else "at"
    return f"{stopped} {at}: {test} z {z}, {bound}"


def _lower(words: str) -> str:
    """Sentence case inside a sentence; an acronym stays. A large headline must not break inside a compound."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:].replace("-", NO_BREAK_HYPHEN)


def _outcome(test: Mapping[str, Any], alpha: float, sided: int) -> Literal["met", "not met", "worse", "unknown"]:
    p, z = test.get("p"), test.get("z")
    if p is None or z is None:
        return "unknown"
    if p < alpha:
        return "met" if z < 0 else "worse"
    return "worse" if sided == 1 and p > 1 - alpha else "not met"


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
    if not is_proportional(comparison):
        return (
            f"{head} The hazards are not proportional (test of proportionality {p_equation(ph)}), so the "
            f"difference in mean event-free time leads: {mean} The hazard ratio of {ratio(hr['estimate'])} "
            f"({interval}) is an average over a ratio that changes with time."
        )
    if hr["estimate"] is None:
        return f"{head} The hazard ratio is {ABSENT}. {mean[:1].upper()}{mean[1:]}"
    support = f"; nothing speaks against proportional hazards ({p_equation(ph)})" if ph is not None else ""
    return f"{head} Hazard ratio {ratio(hr['estimate'])} ({interval}){support}. {mean[:1].upper()}{mean[1:]}"


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


def _tiles(
    analysis: Mapping[str, Any], comparison: Mapping[str, Any], test: Mapping[str, Any], test_name: str
) -> list[Tile]:
    level = f"{100 * analysis['confidence_level']:g}% CI"
    hr, mean = comparison["hazard_ratio"], comparison["rmst_difference"]
    arm, reference = analysis["arms"][comparison["arm"]], analysis["arms"][comparison["reference"]]
    gain = mean.get("estimate")
    gain_text = ABSENT if gain is None else f"{gain / DAYS_PER_MONTH:+.1f}".replace("-", "−")
    hazard = Tile("Hazard ratio", ratio(hr["estimate"]), f"{level} {between(hr['lower'], hr['upper'])}")
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
        Tile("Log-rank", p_equation(test["p"]) if test["p"] is not None else ABSENT, test_name),
    ]


def _landmark(analysis: Mapping[str, Any], arm: Mapping[str, Any], reference: Mapping[str, Any]) -> Sequence[Tile]:
    """The last landmark at which both arms have a tenth of their patients at risk, else the first known one."""
    pairs = zip(arm["landmarks"], reference["landmarks"], strict=True)
    both = [(a, r) for a, r in pairs if a["estimate"] is not None and r["estimate"] is not None]
    firm = [(a, r) for a, r in both if 10 * a["at_risk"] >= arm["n"] and 10 * r["at_risk"] >= reference["n"]]
    if not both:
        return []
    mine, theirs = firm[-1] if firm else both[0]
    label = f"{analysis['endpoint']['paramcd']} at {mine['months']:.0f} months"
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
        ("Hazard ratio (Cox)", lambda c: _estimate(c["hazard_ratio"], "{:.2f}")),
        ("Log-rank", lambda c: p_text(c["logrank"]["p"])),
        ("Stratified log-rank", lambda c: _p_of(c, "stratified_logrank", "not used")),
        ("MaxCombo", lambda c: _p_of(c, "maxcombo")),
        ("Test of proportional hazards", lambda c: _p_of(c, "proportional_hazards")),
        ("Difference in restricted mean, months", lambda c: _rmst_cell(c["rmst_difference"])),
    ]
    table = [[name, *(cell(c) for c in analysis["comparisons"])] for name, cell in rows]
    for index, landmark in enumerate(
        analysis["comparisons"][0].get("landmark_difference", []) if analysis["comparisons"] else []
    ):
        cells = [_landmark_cell(c["landmark_difference"][index]) for c in analysis["comparisons"]]
        table.append([f"Difference at {landmark['months']:.0f} months", *cells])
    return table


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
