"""Whether the parts of a saved protocol fit together: names lead to what is there, lists have their lengths, days rise.

What an author writes is checked when it is resolved (`trialsim.spec.resolve`), and a run saves only what was resolved.
A file may have been damaged since, or edited. The ranges of its numbers are those of its types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialsim.spec.check_calendar import check_calendar
from trialsim.spec.check_saved_cohort import check_saved_cohort
from trialsim.spec.check_saved_conduct import check_saved_conduct
from trialsim.spec.form import Findings
from trialsim.spec.misfits import note, note_falls, note_strangers
from trialsim.spec.resolve_randomisation import check_categories
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol
from trialsim.spec.resolved_model import CureMixture, EventModel, PiecewiseExponential, SurvivalCurve
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.traits import GAINS
from trialsim.spec.values import wrong_name

#: The numbers of a biomarker: whether they are above zero, since their logarithm is taken, and the most they are.
_OF_MARKERS = (
    ("sensitivity", False, 1.0),
    ("specificity", False, 1.0),
    ("noise", False, 5.0),
    ("threshold", True, 1e15),
    ("cutoff", True, 1e15),
    ("background", True, 1e15),
)


def check_saved(findings: Findings, protocol: ResolvedProtocol) -> None:
    """Note what of a saved protocol does not fit together."""
    check_saved_cohort(findings, protocol.cohort)
    _check_names(findings, protocol)
    _check_arms(findings, protocol)
    check_saved_conduct(findings, protocol)
    _check_analysis(findings, protocol)
    _check_markers(findings, protocol)
    if not findings.problems:
        check_calendar(findings, protocol.accrual, protocol.follow_up, protocol.cohort, protocol.analysis.looks)


def _check_names(findings: Findings, protocol: ResolvedProtocol) -> None:
    """Every entry goes by its key, and every gain of the model is there."""
    if (wrong := wrong_name(protocol.name)) is not None:
        findings.add(("name",), wrong[0], Rule.NAME, wrong[1])
    sections: dict[str, Mapping[str, Any]] = {
        "agents": protocol.agents,
        "arms": protocol.arms,
        "markers": protocol.markers,
        "panels": protocol.panels,
    }
    for section, entries in sections.items():
        for key, entry in entries.items():
            if entry.name != key:
                note(findings, (section, key, "name"), f"`{key}` is called `{entry.name}` in its entry")
    lacking = [name for name in GAINS if name not in protocol.biology]
    if lacking:
        note(findings, ("biology",), f"`biology` lacks {', '.join(lacking)}")
    note_strangers(findings, ("biology",), protocol.biology, GAINS, "a mechanism of the model")


def _check_arms(findings: Findings, protocol: ResolvedProtocol) -> None:
    if len(protocol.arms) < 2:
        note(findings, ("arms",), "there are fewer than two arms")
    for name, arm in protocol.arms.items():
        path: KeyPath = ("arms", name)
        if arm.model is None and not protocol.cohort.has_cells:
            note(findings, path, f"`{name}` has no `model`, and patients of {protocol.cohort.name} have no cells")
        elif arm.model is not None and arm.orders:
            note(findings, path, f"`{name}` has a `model` and gives treatment too")
        ids = [order.id for order in arm.orders]
        if len(set(ids)) < len(ids):
            note(findings, (*path, "orders"), "the ids of the orders do not differ")
        for i, order in enumerate(arm.orders):
            _check_order(findings, (*path, "orders", i), order, protocol)
        if arm.model is not None:
            _check_model(findings, (*path, "model"), arm.model, protocol.arms)


def _check_order(findings: Findings, path: KeyPath, order: Order, protocol: ResolvedProtocol) -> None:
    agent = protocol.agents.get(order.agent)
    if agent is None:
        note_strangers(findings, (*path, "agent"), [order.agent], protocol.agents, "one of the agents")
    elif agent.dose_unit != order.dose_unit:
        note(findings, (*path, "dose_unit"), f"`{order.agent}` is given in {agent.dose_unit}, not in {order.dose_unit}")
    for key, days in (("days", order.days), ("cycle_starts", order.cycle_starts)):
        if not days:
            note(findings, (*path, key), f"`{key}` is empty")
        note_falls(findings, (*path, key), days)
    if order.give_if is not None:
        place = (*path, "give_if", "panel")
        note_strangers(findings, place, [order.give_if.panel], protocol.panels, "one of the panels")
        if order.days and order.give_if.day > order.days[0]:
            note(findings, (*path, "give_if", "day"), "what decides on the order is measured after its first dose")
    rule = order.rule
    if rule is not None and (
        rule.resume_above < rule.hold_below or rule.neutrophils_resume_above < rule.neutrophils_hold_below
    ):
        note(findings, (*path, "rule"), f"`{rule.name}` resumes doses below the count at which they are held")


def _check_model(findings: Findings, path: KeyPath, model: EventModel, arms: Mapping[str, ResolvedArm]) -> None:
    """Every piece but the last has an end, and a curve falls from 1."""
    pieces: list[tuple[KeyPath, Sequence[float], Sequence[float]]] = [(path, model.hazard_ratios, model.until_days)]
    law = model.law
    if isinstance(law, PiecewiseExponential):
        pieces.append(((*path, "law"), law.rates, law.until_days))
    for at, values, ends in pieces:
        if len(values) != len(ends) + 1:
            note(findings, (*at, "until_days"), f"{len(values)} pieces have {len(ends)} ends")
        note_falls(findings, (*at, "until_days"), ends)
    if isinstance(law, CureMixture) and not 0.0 < law.cured < 1.0:
        note(findings, (*path, "law", "cured"), "some are cured and some are not")
    if isinstance(law, SurvivalCurve):
        if len(law.days) != len(law.survival) or len(law.days) < 2:
            note(findings, (*path, "law"), f"{len(law.days)} days of the curve have {len(law.survival)} survivals")
        elif law.days[0] != 0.0 or law.survival[0] != 1.0:
            note(findings, (*path, "law"), "the curve does not begin on day 0 with survival 1")
        note_falls(findings, (*path, "law", "days"), law.days)
        note_falls(findings, (*path, "law", "survival"), [-share for share in law.survival], strictly=False)
    if model.relative_to:
        note_strangers(findings, (*path, "relative_to"), [model.relative_to], arms, "one of the arms")


def _check_analysis(findings: Findings, protocol: ResolvedProtocol) -> None:
    analysis, path = protocol.analysis, ("analysis",)
    note_strangers(findings, (*path, "reference"), [analysis.reference], protocol.arms, "one of the arms")
    if analysis.alpha >= 0.5:
        note(findings, (*path, "alpha"), f"`{analysis.alpha:g}` is out of range: above 0 and below 0.5")
    if not 0.5 < analysis.confidence_level < 1.0:
        message = f"`{analysis.confidence_level:g}` is out of range: above 0.5 and below 1"
        note(findings, (*path, "confidence_level"), message)
    note_falls(findings, (*path, "landmarks_days"), analysis.landmarks_days)
    check_categories(findings, (*path, "subgroups"), list(analysis.subgroups), protocol.cohort)
    if analysis.test == "stratified_logrank" and not protocol.randomisation.strata:
        note(findings, (*path, "test"), "the test is stratified, but randomisation has no strata")
    places = protocol.intercurrent
    for key, after in (("crossover", places.crossover), ("rescue", places.rescue)):
        if after is not None:
            named = [*after.arms, *([after.to] if after.to else [])]
            note_strangers(findings, ("intercurrent", key), named, protocol.arms, "one of the arms")
    _check_looks(findings, protocol)


def _check_looks(findings: Findings, protocol: ResolvedProtocol) -> None:
    looks, path = protocol.analysis.looks, ("analysis", "looks")
    if looks is None or findings.problems:
        return
    cut, arms = protocol.follow_up.cut, len(protocol.arms)
    if cut is None or cut.events != looks.events:
        note(findings, (*path, "events"), "the events of the looks are not those of the cut")
    if looks.enrich is not None:
        trait = protocol.cohort.traits.get(looks.enrich.factor)
        if trait is None or looks.enrich.level not in trait.levels:
            note(
                findings,
                (*path, "enrich"),
                f"`{looks.enrich.level}` is no level of the cohort's `{looks.enrich.factor}`",
            )
    if looks.least_share is not None and looks.least_share * arms >= 1.0:
        note(findings, (*path, "least_share"), f"{arms} arms with {looks.least_share:g} each leave nothing to shift")
    from trialsim.designs.boundaries import DesignError
    from trialsim.designs.spending import SpendingError

    try:
        looks.plan(protocol.analysis.alpha / (arms - 1), protocol.analysis.sided).boundaries()
    except (DesignError, SpendingError) as error:
        note(findings, path, error.message)


def _check_markers(findings: Findings, protocol: ResolvedProtocol) -> None:
    for name, panel in protocol.panels.items():
        path = ("panels", name)
        note_strangers(findings, (*path, "markers"), panel.markers, protocol.markers, "one of the markers")
        if panel.at_least > len(panel.markers):
            note(
                findings,
                (*path, "at_least"),
                f"at least {panel.at_least} of {len(panel.markers)} can never be positive",
            )
    for name, marker in protocol.markers.items():
        for key, open_low, most in _OF_MARKERS:
            number = getattr(marker, key)
            if number is not None and (not 0.0 <= number.value <= most or (open_low and number.value == 0.0)):
                message = f"`{number.value:g}` is out of range: {'above ' if open_low else ''}0 to {most:g}"
                note(findings, ("markers", name, key, "value"), message)
