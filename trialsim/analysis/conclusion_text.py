"""The conclusion of an analysis for the terminal."""

from __future__ import annotations

import textwrap
from typing import Any

from trialsim.analysis.printed import interval, p

_WIDTH = 100
_TESTS = {"logrank": "log-rank", "stratified_logrank": "stratified log-rank"}
_OUTCOMES = {
    "superior": "superiority shown",
    "inferior": "worse than the reference",
    "not shown": "superiority not shown",
    "not testable": "not testable, too few events",
}
_BASES = {
    "stages": "p, hazard ratio and interval by the order of stages",
    "weighted z": "p by the weights planned (Cui-Hung-Wang), no hazard ratio goes with it",
    "closed test": "closed test",
}


def conclusions(a: dict[str, Any]) -> str:
    """What the planned test says of each arm, and what it was held against."""
    lines = []
    for c in a["comparisons"]:
        found, names = c["conclusion"], [a["arms"][c[key]]["label"] for key in ("arm", "reference")]
        lines += _wrapped(
            f"{names[0]} against {names[1]}: {_OUTCOMES[found['outcome']]}{_claims(found['claims'])}.", "  "
        )
        for words in _reasons(found):
            lines += _wrapped(words, "    ")
    return "\n".join(["Conclusion", *lines]) if lines else ""


def _wrapped(words: str, indent: str) -> list[str]:
    return textwrap.wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")


def _claims(claims: dict[str, Any] | None) -> str:
    if claims is None or not (claims["all"] or claims["subgroup"]):
        return ""
    said = [name for name, key in (("all patients", "all"), (claims["level"], "subgroup")) if claims[key]]
    return f" in {' and in '.join(said)}"


def _reasons(found: dict[str, Any]) -> list[str]:
    sides = "one-sided" if found["sided"] == 1 else "two-sided"
    words = f"{sides} {_TESTS[found['test']]} p {p(found['p'])} against a level of {found['level']:.4g}"
    if found["comparisons"] > 1:
        words += (
            f" (Holm, {found['comparisons']} comparisons: adjusted p {p(found['adjusted_p'])} against "
            f"{found['alpha']:g})"
        )
    if found["hazard_ratio"] is not None:
        words += f"; hazard ratio {interval(found['hazard_ratio'], 3)}"
    lines = [words]
    if found["look"] is not None:
        lines.insert(0, _look(found["look"]))
    if found["basis"] in _BASES:
        lines.append(f"{_BASES[found['basis']]}; all that follows is not adjusted for the interim looks")
    return lines


def _look(look: dict[str, Any]) -> str:
    stopped = "stopped early at" if look["stopped_early"] else "decided at"
    raised = "" if look["raised_to"] is None else f", raised to {look['raised_to']}"
    return (
        f"{stopped} look {look['number']} of {look['planned']}, {look['events']} of {look['planned_events']:.0f} events"
        f"{raised}: z {look['z']:.3f}, {_boundary(look)}"
    )


def _boundary(look: dict[str, Any]) -> str:
    """What z was held against: the boundary that it crossed, or did not."""
    if look["decision"] == "futility":
        return f"below the futility boundary of {look['lower']:.3f}"
    if look["decision"] == "harm":
        return f"beyond the boundary for harm of {look['lower']:.3f}"
    return "no boundary at this look" if look["upper"] is None else f"against a boundary of {look['upper']:.3f}"
