"""What the planned test concludes of each arm: one table that text, page and JSON are renderings of.

Where a trial has one analysis, the planned test is held against its level here. Where looks, raised events or a
subgroup decided, what they came to is taken over: the p-value, estimate and interval are then those that account for
them, and the ones of `analyse` are naive. Several arms share alpha by Holm's procedure, with looks and without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trialsim.analysis.plan import AnalysisPlan
from trialsim.reported.analysis import Conclusion, DecidingLook, Estimates, LogRank, SubgroupClaims, TestOutcome
from trialsim.reported.limits import scaled
from trialsim.reported.looks import Enrichment, MonitoredArm

#: What the looks of a trial came to: every comparison, or a trial that may go on in a subgroup; None for one analysis.
Sequential = tuple[MonitoredArm, ...] | Enrichment | None

#: What the decision of the last look means.
_OF_LOOKS: dict[str, TestOutcome] = {
    "efficacy": "superior",
    "harm": "inferior",
    "futility": "not shown",
    "not shown": "not shown",
    "continue": "not shown",
}


def conclude(comparisons: Sequence[Estimates], plan: AnalysisPlan, sequential: Sequential) -> list[Conclusion]:
    """The conclusion of each comparison."""
    if isinstance(sequential, Enrichment):
        found = [_of_closed_test(sequential, plan) for _ in comparisons]
    elif sequential is not None:
        found = [_of_looks(monitored, plan) for monitored in sequential]
    else:
        found = _of_one_analysis(comparisons, plan)
    adjusted = holm_adjusted([conclusion.p for conclusion in found])
    return [replace(own, adjusted_p=p) for own, p in zip(found, adjusted, strict=True)]


def _blank(plan: AnalysisPlan) -> Conclusion:
    """What every conclusion of a plan has in common."""
    return Conclusion(
        outcome="not testable",
        test=plan.test,
        basis="one analysis",
        sided=plan.sided,
        alpha=plan.alpha,
        comparisons=len(plan.others),
        level=plan.alpha,
        p=None,
        hazard_ratio=None,
        adjusted_p=None,
        look=None,
        claims=None,
    )


def _of_one_analysis(comparisons: Sequence[Estimates], plan: AnalysisPlan) -> list[Conclusion]:
    tests = [_planned_test(row, plan) for row in comparisons]
    levels, rejected = holm(tests, plan)
    return [
        replace(
            _blank(plan),
            outcome=_outcome(test, plan, levels[at], at in rejected),
            level=levels[at],
            p=test.p,
            hazard_ratio=scaled(row.hazard_ratio, 1.0),
        )
        for at, (row, test) in enumerate(zip(comparisons, tests, strict=True))
    ]


def _planned_test(row: Estimates, plan: AnalysisPlan) -> LogRank:
    if not plan.is_stratified:
        return row.logrank
    assert row.stratified_logrank is not None
    return row.stratified_logrank


def holm(tests: Sequence[LogRank], plan: AnalysisPlan) -> tuple[list[float], set[int]]:
    """The level that each comparison was tested at last, and those that were rejected.

    The procedure is that of looks (`trialsim.designs.multiplicity`), with one look and the boundary of its level.
    """
    from trialsim.designs.multiplicity import Holm, rejecting_z

    procedure = Holm(len(tests), plan.alpha, lambda _which, _look, level: _critical(level, plan.sided))
    # The log-rank z is negative for benefit, the z of designs positive.
    procedure.look(1, [None if test.z is None else rejecting_z(-test.z, plan.sided) for test in tests])
    return [procedure.tested.get(at, procedure.level) for at in range(len(tests))], procedure.rejected


def _critical(level: float, sided: int) -> float:
    from scipy.special import ndtri

    return -float(ndtri(level / sided))


def holm_adjusted(p: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values (R ``p.adjust``); a comparison without a test keeps its part of alpha."""
    known = sorted((value, at) for at, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    least = 0.0
    for rank, (value, at) in enumerate(known):
        least = max(least, min(1.0, (len(p) - rank) * value))
        adjusted[at] = least
    return adjusted


def _outcome(test: LogRank, plan: AnalysisPlan, level: float, rejected: bool) -> TestOutcome:
    if test.p is None or test.z is None:
        return "not testable"
    if rejected:
        return "superior" if test.z < 0.0 else "inferior"
    # A one-sided test rejects for benefit alone; as strong a sign of the contrary is told all the same.
    return "inferior" if plan.sided == 1 and test.p > 1.0 - level else "not shown"


def _of_looks(monitored: MonitoredArm, plan: AnalysisPlan) -> Conclusion:
    planned, adjusted = monitored.planned, monitored.adjusted
    raised = next((look.raised_to for look in monitored.looks if look.raised_to), None)
    found = replace(_blank(plan), basis="stages" if raised is None else "weighted z", level=planned.alpha)
    if not monitored.looks:
        return found
    last = monitored.looks[-1]
    return replace(
        found,
        outcome=_OF_LOOKS[monitored.decision],
        level=last.level,
        p=None if adjusted is None else adjusted.p,
        hazard_ratio=None if adjusted is None else adjusted.hazard_ratio,
        look=DecidingLook(
            number=last.look,
            planned=len(planned.information),
            stopped_early=monitored.stopped_early,
            events=last.events,
            planned_events=planned.events,
            raised_to=raised,
            z=last.z,
            upper=last.upper,
            lower=last.lower,
            decision=monitored.decision,
        ),
    )


def _of_closed_test(enrichment: Enrichment, plan: AnalysisPlan) -> Conclusion:
    claims = SubgroupClaims(enrichment.level, **vars(enrichment.claims))
    outcome: TestOutcome = "superior" if claims.all or claims.subgroup else "not shown"
    return replace(_blank(plan), outcome=outcome, basis="closed test", p=enrichment.intersection.p, claims=claims)
