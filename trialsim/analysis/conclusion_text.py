"""The conclusion of an analysis for the terminal."""

from __future__ import annotations

import textwrap

from trialsim.analysis.printed import WIDTH, interval, p
from trialsim.reported.analysis import Conclusion, SubgroupClaims, SurvivalAnalysis
from trialsim.reported.words import BASES, look_words, named_test

_OUTCOMES = {
    "superior": "superiority shown",
    "inferior": "worse than the reference",
    "not shown": "superiority not shown",
    "not testable": "not testable, too few events",
}


def conclusions(analysis: SurvivalAnalysis) -> str:
    """What the planned test says of each arm, and what it was held against."""
    lines = []
    for c in analysis.comparisons:
        outcome = f"{_OUTCOMES[c.conclusion.outcome]}{_claims(c.conclusion.claims)}"
        lines += _wrapped(f"{analysis.names(c)}: {outcome}.", "  ")
        for words in _reasons(c.conclusion):
            lines += _wrapped(words, "    ")
    return "\n".join(["Conclusion", *lines]) if lines else ""


def _wrapped(words: str, indent: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")


def _claims(claims: SubgroupClaims | None) -> str:
    if claims is None or not (claims.all or claims.subgroup):
        return ""
    return " in " + " and in ".join(["all patients"] * claims.all + [claims.level] * claims.subgroup)


def _reasons(found: Conclusion) -> list[str]:
    words = f"{named_test(found)} p {p(found.p)} against a level of {found.level:.4g}"
    if found.comparisons > 1:
        words += f" (Holm, {found.comparisons} comparisons: adjusted p {p(found.adjusted_p)} against {found.alpha:g})"
    if found.hazard_ratio is not None:
        words += f"; hazard ratio {interval(found.hazard_ratio, 3)}"
    lines = [] if found.look is None else [look_words(found.look, 3)]
    lines.append(words)
    if found.is_adapted:
        what = "p, without a hazard ratio," if found.hazard_ratio is None else "p, hazard ratio and interval"
        lines.append(f"{what} by {BASES[found.basis]}; all that follows is not adjusted for the interim looks")
    return lines
