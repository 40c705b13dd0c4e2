"""The answer in a sentence and a few numbers.

A hazard ratio never stands alone, and where the proportional-hazards test rejects (p < 0.05) it does not
lead: the restricted mean survival time does (Uno et al. 2014, J Clin Oncol 32:2380).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trialsim.report.numbers import (
    ABSENT,
    DAYS_PER_MONTH,
    limits,
    minus,
    months,
    p_equation,
    percent,
    ratio,
    sentence_case,
)
from trialsim.reported.analysis import (
    ArmComparison,
    ArmEstimates,
    Conclusion,
    Estimates,
    SubgroupClaims,
    SurvivalAnalysis,
)
from trialsim.reported.limits import Limits, scaled
from trialsim.reported.words import BASES, look_words, named_test

NON_PROPORTIONAL = 0.05
NO_BREAK_HYPHEN = "\u2011"
#: Where the truth behind the data comes from; empty for data that were observed.
Truth = Literal["cells", "distributions", ""]


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


def verdicts(analysis: SurvivalAnalysis) -> list[Verdict]:
    """One verdict per comparison, in the order of the analysis."""
    return [
        Verdict(
            comparison.arm,
            _OUTCOMES[comparison.conclusion.outcome],
            _sentence(analysis, comparison),
            _detail(analysis, comparison),
            tuple(_tiles(analysis, comparison)),
        )
        for comparison in analysis.comparisons
    ]


def _sentence(analysis: SurvivalAnalysis, comparison: ArmComparison) -> str:
    """What was shown, and in what the trial fell short of the plan that the test rests on."""
    label, reference = (analysis.arms[name].label for name in (comparison.arm, comparison.reference))
    end, claims = _lower(analysis.endpoint.label), comparison.conclusion.claims
    margin = "" if is_proportional(comparison) else ", by a margin that changes with time"
    where = f" in {claims.level}" if claims is not None and not claims.all else ""
    said = {
        "superior": f"superiority shown{where}; {end} was longer than with {reference}{margin}",
        "not shown": f"superiority not shown; {end} was not shown to be longer than with {reference}",
        "inferior": f"inferior; {end} was shorter than with {reference}",
        "not testable": f"not testable against {reference}; too few events",
    }[comparison.conclusion.outcome]
    return "; ".join([f"{label}: {said}", *(d.headline for d in analysis.departures if d.headline)]) + "."


def _test_words(found: Conclusion) -> str:
    """The test, its p-value and what it was held against; with looks, the one that settled it."""
    if found.claims is not None:
        return f"{claimed(found.claims)} Closed test of all patients and of {found.claims.level}"
    p, shared = p_equation(found.p), ""
    if found.comparisons > 1:
        adjusted = p_equation(found.adjusted_p)
        shared = f" (Holm over {found.comparisons} comparisons: adjusted {adjusted}, against {found.alpha:g})"
    if not found.is_adapted:
        return f"{named_test(found)} {p}, against a level of {found.level:.3g}{shared}"
    if found.look is None:
        return "no look had an event to see"
    hr = found.hazard_ratio
    effect = "" if hr is None else f", hazard ratio {ratio(hr.estimate)} ({limits(hr)})"
    return f"{minus(look_words(found.look, 2))}. By {BASES[found.basis]}, {named_test(found)} {p}{shared}{effect}"


def claimed(claims: SubgroupClaims) -> str:
    """The claims of a closed test in a sentence."""
    if claims.all:
        return "A benefit is claimed for all patients" + (f", and for {claims.level}." if claims.subgroup else ".")
    return f"A benefit is claimed for {claims.level} alone." if claims.subgroup else "No benefit is claimed."


def _lower(words: str) -> str:
    """Sentence case inside a sentence; an acronym stays. A large headline must not break inside a compound."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:].replace("-", NO_BREAK_HYPHEN)


def is_proportional(comparison: Estimates) -> bool:
    p = comparison.proportional_hazards.p
    return p is None or p >= NON_PROPORTIONAL


def _detail(analysis: SurvivalAnalysis, comparison: ArmComparison) -> str:
    """The sentences under the verdict: the effect first on the scale that can be trusted, then the other."""
    mean, hr = rmst_sentence(analysis, comparison), comparison.hazard_ratio
    interval, ph = f"{analysis.level} CI {limits(hr)}", comparison.proportional_hazards.p
    head = f"{sentence_case(_test_words(comparison.conclusion))}."
    naive = "Not adjusted for the interim looks: " * comparison.conclusion.is_adapted
    if not is_proportional(comparison):
        effect = (
            f"the hazards are not proportional (test of proportionality {p_equation(ph)}), so the difference in mean "
            f"event-free time leads: {mean} The hazard ratio of {ratio(hr.estimate)} ({interval}) is an average over a "
            "ratio that changes with time."
        )
    elif hr.estimate is None:
        effect = f"hazard ratio {ABSENT}. {sentence_case(mean)}"
    else:
        support = "" if ph is None else f"; no evidence of non-proportional hazards ({p_equation(ph)})"
        effect = f"hazard ratio {ratio(hr.estimate)} ({interval}){support}. {sentence_case(mean)}"
    return f"{head} {naive}{effect if naive else sentence_case(effect)}"


def rmst_sentence(analysis: SurvivalAnalysis, comparison: ArmComparison) -> str:
    """``over 60 months, patients on B were event-free 3.1 months longer on average (95% CI ..., p = 0.004).``"""
    mean = comparison.rmst_difference
    if mean.estimate is None:
        return "the difference in mean event-free time cannot be estimated."
    gain = mean.estimate / DAYS_PER_MONTH
    size = f"{abs(gain):.1f} months {'longer' if gain > 0 else 'shorter'}" if abs(gain) >= 0.05 else "equally long"
    return (
        f"over {mean.tau / DAYS_PER_MONTH:.0f} months, patients on {analysis.arms[comparison.arm].label} were "
        f"event-free {size} on average ({analysis.level} CI of the difference {in_months(mean)}, {p_equation(mean.p)})."
    )


def in_months(mean: Limits) -> str:
    """The limits of a number of days, in months."""
    return minus(limits(scaled(mean, 1 / DAYS_PER_MONTH), "{:.1f}"))


def _tiles(analysis: SurvivalAnalysis, comparison: ArmComparison) -> list[Tile]:
    level = f"{analysis.level} CI"
    conclusion, mean = comparison.conclusion, comparison.rmst_difference
    hr: Limits = comparison.hazard_ratio
    by = "; not adjusted" * conclusion.is_adapted
    if conclusion.is_adapted and conclusion.hazard_ratio is not None:
        hr, by = conclusion.hazard_ratio, f"; {BASES[conclusion.basis]}"
    arm, reference = analysis.arms[comparison.arm], analysis.arms[comparison.reference]
    gain = ABSENT if mean.estimate is None else minus(f"{mean.estimate / DAYS_PER_MONTH:+.1f}")
    spread = f"to month {mean.tau / DAYS_PER_MONTH:.0f}; {level} {in_months(mean)}"
    hazard = Tile("Hazard ratio", ratio(hr.estimate), f"{level} {limits(hr)}{by}")
    rmst = Tile("Event-free months, mean difference", gain, spread)
    medians = [months(side.median_months.estimate) for side in (arm, reference)]
    return [
        *((hazard, rmst) if is_proportional(comparison) else (rmst, hazard)),
        *_landmark(analysis, arm, reference),
        Tile("Median, months", medians[0], f"against {medians[1]}"),
        _test_tile(conclusion),
    ]


def _test_tile(conclusion: Conclusion) -> Tile:
    """The p-value that counts, and how it was found."""
    value = ABSENT if conclusion.p is None else p_equation(conclusion.p)
    words = [named_test(conclusion), BASES[conclusion.basis]]
    if conclusion.comparisons > 1:
        words.append(f"adjusted {p_equation(conclusion.adjusted_p)}")
    return Tile("Log-rank", value, "; ".join(filter(None, words)))


def _landmark(analysis: SurvivalAnalysis, arm: ArmEstimates, reference: ArmEstimates) -> Sequence[Tile]:
    """The last landmark at which both arms have a tenth of their patients at risk, else the first known one."""
    pairs = zip(arm.landmarks, reference.landmarks, strict=True)
    both = [(a, r) for a, r in pairs if a.estimate is not None and r.estimate is not None]
    firm = [(a, r) for a, r in both if 10 * a.at_risk >= arm.n and 10 * r.at_risk >= reference.n]
    if not both:
        return []
    mine, theirs = firm[-1] if firm else both[0]
    label = f"{analysis.endpoint.paramcd} at {mine.label}"
    return [Tile(label, percent(mine.estimate), f"against {percent(theirs.estimate)}")]


def truth_sentence(truth: Truth) -> str:
    """Whether there is a truth to hold the estimate against, and which."""
    if truth == "distributions":
        return (
            "These patients are simulated from the event-time distributions that the protocol gives; their true event "
            "times are known beside what the trial could see."
        )
    if truth == "cells":
        return (
            "These patients are simulated: the time at which each tumour truly became detectable and the lineage that "
            "caused each relapse are known, and are shown below beside what the trial could see."
        )
    return "These are observed data, not a simulation."
