"""Interim looks, as written -> resolved."""

from __future__ import annotations

from trialsim.spec.form import Findings
from trialsim.spec.resolved import Endpoint, FollowUp, ResolvedCohort
from trialsim.spec.resolved_conduct import Enrich, FutilityLooks, Looks, ReEstimate
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_looks import WrittenLooks
from trialsim.spec.written_protocol import WrittenAnalysis

AT: KeyPath = ("analysis", "looks")


def resolve_looks(
    findings: Findings,
    written: WrittenAnalysis | None,
    follow_up: FollowUp | None,
    endpoint: Endpoint | None,
    cohort: ResolvedCohort | None,
    arms: int,
) -> Looks | None:
    """The looks of ``analysis``; notes what they ask for and do not have."""
    if written is None or written.looks is None:
        return None
    looks = written.looks
    cut = follow_up.cut if follow_up is not None else None
    if follow_up is not None and (cut is None or cut.events is None):
        findings.add(AT, "looks are at shares of events, and no number of events cuts the data", Rule.LOOKS_NEED,
                     "follow_up: {cut: {events: 240}}", at_key=True)  # fmt: skip
    if arms < 2:
        findings.add(AT, "looks compare arms, and there is one", Rule.LOOKS_NEED, "a second arm", at_key=True)
    if endpoint is not None and endpoint.strategies.discontinuation == "principal-stratum":
        message = "who is in the principal stratum is known at the end only"
        findings.add(AT, message, Rule.LOOKS_NEED, "another strategy, or no looks", at_key=True)
    if looks.re_estimate is not None and (arms > 2 or len(looks.at) < 2 or written.sided == 2):
        message = "events can be re-estimated at an interim look of a one-sided test of two arms only"
        findings.add((*AT, "re_estimate"), message, Rule.RE_ESTIMATE, at_key=True)
    if looks.enrich is not None:
        _check_enrich(findings, written, looks, follow_up, cohort, arms)
    if looks.favour is not None and looks.favour.floor * arms >= 1.0:
        message = f"{arms} arms with {looks.favour.floor:g} of the patients at least leave nothing to shift"
        findings.add((*AT, "favour", "floor"), message, Rule.FAVOUR, f"below {1 / arms:.2g}")
    if findings.problems or cut is None or cut.events is None:
        return None
    futility = looks.futility
    resolved = Looks(
        at=tuple(looks.at),
        events=cut.events,
        spending=looks.spending,
        futility=None if futility is None else FutilityLooks(**futility.model_dump()),
        re_estimate=None if looks.re_estimate is None else ReEstimate(**looks.re_estimate.model_dump()),
        enrich=None if looks.enrich is None else Enrich(**looks.enrich.model_dump()),
        least_share=None if looks.favour is None else looks.favour.floor,
        hazard_ratio=looks.hazard_ratio,
    )
    from trialsim.designs.boundaries import DesignError

    try:
        resolved.plan(written.alpha / (arms - 1), written.sided).boundaries()
    except DesignError as error:
        findings.add(AT, error.message, Rule.LOOKS, error.remedy, at_key=True)
    return resolved


def _check_enrich(
    findings: Findings,
    written: WrittenAnalysis,
    looks: WrittenLooks,
    follow_up: FollowUp | None,
    cohort: ResolvedCohort | None,
    arms: int,
) -> None:
    path: KeyPath = (*AT, "enrich")
    assert looks.enrich is not None
    factor, level = looks.enrich.factor, looks.enrich.level
    others = (looks.futility, looks.re_estimate, looks.favour)
    if arms != 2 or len(looks.at) != 2 or written.sided != 1 or any(other is not None for other in others):
        message = "`enrich` is for two arms, one-sided, with one interim look and nothing else that looks may do"
        findings.add(path, message, Rule.ENRICH, "at: [50 %, 1]", at_key=True)
    elif follow_up is not None and follow_up.minimum_days > 0.0:
        message = "with `enrich` it is not known beforehand who comes last, so no minimum follow-up can cut the data"
        findings.add(path, message, Rule.ENRICH, "leave out follow_up.minimum", at_key=True)
    if cohort is None:
        return
    if factor not in cohort.traits or not cohort.traits[factor].levels:
        known = [name for name, trait in cohort.traits.items() if trait.levels]
        message = f"`{factor}` is no category of this cohort"
        findings.add((*path, "factor"), message, Rule.ENRICH_LEVEL, did_you_mean(factor, known))
    elif level not in cohort.traits[factor].levels:
        message = f"`{level}` is not a level of `{factor}` in this cohort"
        findings.add((*path, "level"), message, Rule.ENRICH_LEVEL, did_you_mean(level, cohort.traits[factor].levels))
