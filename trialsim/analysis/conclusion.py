"""What the planned test concludes of each arm: one table that text, page and JSON are renderings of.

Where a trial has one analysis, the planned test is held against its level here. Where looks, raised events or a
subgroup decided, what they came to is taken over: the p-value, estimate and interval are then those that account for
them, and the ones of `analyse` are naive. Several arms share alpha by Holm's procedure, with looks and without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from trialsim.analysis.plan import AnalysisPlan, Test

Outcome = Literal["superior", "inferior", "not shown", "not testable"]
Basis = Literal["one analysis", "stages", "weighted z", "closed test"]

#: What the decision of the last look means.
_OF_LOOKS: dict[str, Outcome] = {
    "efficacy": "superior",
    "harm": "inferior",
    "futility": "not shown",
    "not shown": "not shown",
    "continue": "not shown",
}


@dataclass(frozen=True)
class Conclusion:
    """The planned test of one arm against the reference, with its effect."""

    outcome: Outcome
    test: Test
    basis: Basis
    """How p, estimate and interval were found: ``stages`` is the stagewise ordering of a group-sequential trial,
    ``weighted z`` the combination with planned weights after events were raised (Cui, Hung & Wang 1999),
    ``closed test`` that of a trial which may go on in a subgroup."""
    sided: int
    alpha: float
    """Of the whole trial."""
    comparisons: int
    """With the reference; more than one share ``alpha`` by Holm's procedure."""
    level: float | None
    """What p was held against: the part of alpha that this comparison had."""
    p: float | None
    hazard_ratio: Mapping[str, float | None] | None
    """``estimate``, ``lower``, ``upper``; None where there is none that accounts for the adaptation."""
    adjusted_p: float | None = None
    """Holm's, to be held against the whole of alpha whatever the other comparisons showed."""
    look: Mapping[str, Any] | None = None
    """The look that settled it: ``number`` of ``planned``, ``stopped_early``, ``events`` of ``planned_events``, ``z``
    (large for benefit) and the boundaries ``upper`` and ``lower``, the ``decision``."""
    claims: Mapping[str, Any] | None = None
    """Of a closed test: the ``level`` of the subgroup, and whether ``all`` and ``subgroup`` are claimed."""


def conclude(
    comparisons: Sequence[Mapping[str, Any]], plan: AnalysisPlan, sequential: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The conclusion of each comparison, as JSON holds it.

    ``sequential`` is what the looks of a trial came to (``looks`` or ``enrichment``); empty for one analysis.
    """
    if "enrichment" in sequential:
        found = [_of_closed_test(sequential["enrichment"], row, plan) for row in comparisons]
    elif "looks" in sequential:
        found = [_of_looks(looks, row, plan) for looks, row in zip(sequential["looks"], comparisons, strict=True)]
    else:
        found = _of_one_analysis(comparisons, plan)
    adjusted = holm_adjusted([conclusion.p for conclusion in found])
    return [asdict(replace(own, adjusted_p=p)) for own, p in zip(found, adjusted, strict=True)]


def planned_test(row: Mapping[str, Any], plan: AnalysisPlan) -> Mapping[str, float | None]:
    """Chi-square, z and p of the test that was planned."""
    test: Mapping[str, float | None] = row[plan.test]
    return test


def _of_one_analysis(comparisons: Sequence[Mapping[str, Any]], plan: AnalysisPlan) -> list[Conclusion]:
    tests = [planned_test(row, plan) for row in comparisons]
    levels, rejected = holm(tests, plan)
    return [
        Conclusion(
            outcome=_outcome(test, plan, levels[at], at in rejected),
            test=plan.test,
            basis="one analysis",
            sided=plan.sided,
            alpha=plan.alpha,
            comparisons=len(tests),
            level=levels[at],
            p=test["p"],
            hazard_ratio=_limits(row["hazard_ratio"]),
        )
        for at, (row, test) in enumerate(zip(comparisons, tests, strict=True))
    ]


def holm(tests: Sequence[Mapping[str, float | None]], plan: AnalysisPlan) -> tuple[list[float], set[int]]:
    """The level that each comparison was tested at last, and those that were rejected.

    The procedure is that of looks (`trialsim.designs.multiplicity`), with one look and the boundary of its level.
    """
    from trialsim.designs.multiplicity import Holm

    procedure = Holm(len(tests), plan.alpha, lambda _which, _look, level: _critical(level, plan.sided))
    procedure.look(1, [_strength(test["z"], plan.sided) for test in tests])
    return [procedure.tested.get(at, procedure.level) for at in range(len(tests))], procedure.rejected


def _critical(level: float, sided: int) -> float:
    from scipy.special import ndtri

    return -float(ndtri(level / sided))


def _strength(z: float | None, sided: int) -> float | None:
    """A z that is large where the test rejects: for benefit, and on either side where the test has two."""
    return None if z is None else abs(z) if sided == 2 else -z


def holm_adjusted(p: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values (R ``p.adjust``); a comparison without a test keeps its part of alpha."""
    known = sorted((value, at) for at, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    least = 0.0
    for rank, (value, at) in enumerate(known):
        least = max(least, min(1.0, (len(p) - rank) * value))
        adjusted[at] = least
    return adjusted


def _outcome(test: Mapping[str, float | None], plan: AnalysisPlan, level: float, rejected: bool) -> Outcome:
    p, z = test["p"], test["z"]
    if p is None or z is None:
        return "not testable"
    if rejected:
        return "superior" if z < 0.0 else "inferior"
    # A one-sided test rejects for benefit alone; as strong a sign of the contrary is told all the same.
    return "inferior" if plan.sided == 1 and p > 1.0 - level else "not shown"


def _of_looks(looks: Mapping[str, Any], row: Mapping[str, Any], plan: AnalysisPlan) -> Conclusion:
    seen, planned, adjusted = looks["looks"], looks["planned"], looks["adjusted"]
    last = seen[-1] if seen else None
    raised = next((look["raised_to"] for look in seen if look["raised_to"]), None)
    return Conclusion(
        outcome="not testable" if last is None else _OF_LOOKS[looks["decision"]],
        test=plan.test,
        basis="stages" if raised is None else "weighted z",
        sided=planned["sided"],
        alpha=plan.alpha,
        comparisons=len(plan.others),
        level=planned["alpha"] if last is None else last["level"],
        p=None if adjusted is None else adjusted["p"],
        hazard_ratio=None if adjusted is None else adjusted["hazard_ratio"],
        look=None
        if last is None
        else {
            "number": last["look"],
            "planned": len(planned["information"]),
            "stopped_early": looks["stopped_early"],
            "events": last["events"],
            "planned_events": planned["events"],
            "raised_to": raised,
            "z": last["z"],
            "upper": last["upper"],
            "lower": last["lower"],
            "decision": looks["decision"],
        },
    )


def _of_closed_test(enrichment: Mapping[str, Any], row: Mapping[str, Any], plan: AnalysisPlan) -> Conclusion:
    claims = enrichment["claims"]
    return Conclusion(
        outcome="superior" if any(claims.values()) else "not shown",
        test=plan.test,
        basis="closed test",
        sided=plan.sided,
        alpha=plan.alpha,
        comparisons=len(plan.others),
        level=plan.alpha,
        p=enrichment["intersection"]["p"],
        hazard_ratio=None,
        claims={"level": enrichment["level"], **claims},
    )


def _limits(hazard_ratio: Mapping[str, Any]) -> dict[str, float | None]:
    return {key: hazard_ratio[key] for key in ("estimate", "lower", "upper")}
