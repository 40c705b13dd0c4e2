"""A protocol as written -> a resolved protocol, with every check that goes across its sections.

The agent library comes as an argument: this layer knows what an agent is, not which there are. Checks work
on whatever sections could be read, so that one mistake does not hide another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialsim.spec.agents import Agent
from trialsim.spec.check_calendar import check_calendar
from trialsim.spec.check_gains import check_gains
from trialsim.spec.form import Findings, read_entries, read_form, read_sections
from trialsim.spec.gains import read_gains
from trialsim.spec.orders import Item, check_order, read_items
from trialsim.spec.resolve_accrual import resolve_accrual
from trialsim.spec.resolve_agents import resolve_agents
from trialsim.spec.resolve_biomarkers import Biomarkers, check_guide, resolve_biomarkers
from trialsim.spec.resolve_follow_up import resolve_capacity, resolve_follow_up
from trialsim.spec.resolve_intercurrent import resolve_endpoint, resolve_intercurrent
from trialsim.spec.resolve_looks import resolve_looks
from trialsim.spec.resolve_model import resolve_models
from trialsim.spec.resolve_randomisation import check_categories, resolve_randomisation
from trialsim.spec.resolved import (
    Analysis,
    Detection,
    DoseRule,
    FollowUp,
    Numerics,
    Pharmacology,
    ResolvedArm,
    ResolvedCohort,
    ResolvedProtocol,
)
from trialsim.spec.resolved_conduct import Looks
from trialsim.spec.rules import Rule
from trialsim.spec.schedule import ArmSchedule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean, shown
from trialsim.spec.written_conduct import WrittenRandomisation
from trialsim.spec.written_protocol import (
    WrittenAnalysis,
    WrittenArm,
    WrittenDetection,
    WrittenProtocol,
    WrittenRule,
)

#: Dose rules that every protocol may refer to. 50e9/L is the bound of grade 3 thrombocytopenia (CTCAE).
BUILT_IN_RULES = {
    "navitoclax-platelets": DoseRule(
        name="navitoclax-platelets",
        hold_below=50.0,
        resume_above=75.0,
        reduce_percent=33.0,
        stop_after_holds=2,
    ),
    # Docetaxel and paclitaxel are not given below 1.5e9/L (recalled: FDA labels); reduction and waiting are assumed.
    "chemotherapy-neutrophils": DoseRule(
        name="chemotherapy-neutrophils",
        hold_below=0.0,
        resume_above=0.0,
        reduce_percent=20.0,
        stop_after_holds=3,
        neutrophils_hold_below=1.5,
        neutrophils_resume_above=1.5,
        delay_days=7.0,
        longest_delay_days=21.0,
    ),
}
#: Sections that are mappings of names, read entry by entry.
_ENTRIES = ("agents", "regimens", "arms", "rules", "biology", "biomarkers", "panels")
_DETECTION_SOURCE = "recalled: Friberg & Mattson 1997; Del Monte 2009"


def resolve_protocol(
    findings: Findings, agents: Mapping[str, Agent], cohort: ResolvedCohort | None
) -> ResolvedProtocol | None:
    """The protocol in ``findings.document``, or None with its problems noted.

    ``agents`` is the library, which the protocol's section ``agents`` adds to and changes. ``cohort`` is None when the
    cohort has problems of its own.
    """
    data = findings.document.data
    sections = read_sections(findings, WrittenProtocol, entries=_ENTRIES)
    agents = resolve_agents(findings, agents)
    biomarkers = resolve_biomarkers(findings)
    rules = _resolve_rules(findings) if "rules" in data else dict[str, DoseRule | None](BUILT_IN_RULES)
    names = list(data["arms"]) if isinstance(data.get("arms"), dict) else []
    accrual = resolve_accrual(findings, sections["accrual"], len(names), cohort)
    with_cells = _check_cells(findings, cohort)
    follow_up = resolve_follow_up(findings, sections["follow_up"], accrual, with_cells)
    longest = follow_up.longest_days if follow_up is not None else 0.0
    arms = _resolve_arms(findings, agents, rules, biomarkers, longest)
    if sections["capacity"] is not None:
        _check_delays(findings, arms)
    reference = _check_reference(findings, sections["analysis"], names)
    randomisation = resolve_randomisation(findings, sections["randomisation"], names, reference, cohort)
    _check_analysis(findings, sections["analysis"], sections["randomisation"], cohort)
    intercurrent = resolve_intercurrent(findings, sections["intercurrent"], names)
    endpoint = resolve_endpoint(findings, sections["endpoint"], sections["capacity"] is not None, arms)
    looks = resolve_looks(findings, sections["analysis"], follow_up, endpoint, cohort, len(names))
    gains = read_gains(findings)
    check_calendar(findings, accrual, follow_up, cohort, looks)
    check_gains(findings, cohort, gains)
    if findings.problems or cohort is None or randomisation is None or accrual is None:
        return None
    if follow_up is None or endpoint is None:
        return None
    order = [reference, *sorted(name for name in arms if name != reference)]
    used = {item.agent for arm in arms.values() for item in arm.orders}
    markers, panels = biomarkers.used_by(list(arms.values()))
    return ResolvedProtocol(
        name=sections["name"],
        title=sections["title"] or sections["name"],
        description=sections["description"] or "",
        cohort=cohort,
        agents={name: agents[name] for name in sorted(used)},
        arms={name: arms[name] for name in order},
        randomisation=randomisation,
        accrual=accrual,
        follow_up=follow_up,
        detection=_detection(sections["detection"]),
        endpoint=endpoint,
        analysis=_analysis(sections["analysis"], follow_up, looks),
        biology=gains,
        numerics=Numerics(tolerance=sections["numerics"].tolerance, max_step_days=sections["numerics"].max_step),
        capacity=resolve_capacity(sections["capacity"]),
        intercurrent=intercurrent,
        pharmacology=Pharmacology(**sections["pharmacology"].model_dump()),
        markers=markers,
        panels=panels,
    )


def _resolve_rules(findings: Findings) -> dict[str, DoseRule | None]:
    """Dose rules by name, built-in and written; None for one whose form is broken."""
    result: dict[str, DoseRule | None] = dict(BUILT_IN_RULES)
    forms: dict[str, WrittenRule | None] = read_entries(findings, ("rules",), WrittenRule)
    for name, form in forms.items():
        if form is None:
            result[name] = None
            continue
        result[name] = _resolve_rule(findings, name, form)
    return result


def _check_delays(findings: Findings, arms: Mapping[str, ResolvedArm]) -> None:
    """Doses wait for a place or for a count, not for both: each moves the schedule in its own way."""
    for arm in arms.values():
        for order in arm.orders:
            if order.rule is not None and order.rule.delay_days > 0.0:
                message = f"`{order.id}` is delayed by its rule, and places are limited"
                findings.add(
                    ("capacity",), message, Rule.RULE_DELAY, "leave `capacity` or the `delay` out", at_key=True
                )
                return


def _resolve_rule(findings: Findings, name: str, form: WrittenRule) -> DoseRule:
    path: KeyPath = ("rules", name)
    if (form.hold_below is None) != (form.resume_above is None):
        lacks, has = ("hold_below", "resume_above") if form.hold_below is None else ("resume_above", "hold_below")
        findings.add((*path, has), f"`{has}` has no `{lacks}`", Rule.RULE_COUNTS, f"add `{lacks}: 75e9/L`", at_key=True)
    elif form.hold_below is None and form.neutrophils is None:
        message, remedy = f"`{name}` limits no count", "hold_below: 50e9/L, resume_above: 75e9/L"
        findings.add(path, message, Rule.RULE_COUNTS, remedy, at_key=True)
    low, back = form.hold_below or 0.0, form.resume_above or 0.0
    if form.hold_below is not None and form.resume_above is not None and back < low:
        message = f"doses are held below {low:g} but resume at {back:g} 1e9/L"
        findings.add((*path, "resume_above"), message, Rule.RULE_THRESHOLDS)
    counts = form.neutrophils
    if counts is not None and counts.resume_above < counts.hold_below:
        message = f"doses are held below {counts.hold_below:g} but resume at {counts.resume_above:g} 1e9/L"
        findings.add((*path, "neutrophils", "resume_above"), message, Rule.RULE_THRESHOLDS)
    if form.longest_delay is not None and (form.delay is None or form.longest_delay < form.delay):
        message = (
            "`longest_delay` has no `delay`" if form.delay is None else "`longest_delay` is shorter than one `delay`"
        )
        findings.add((*path, "longest_delay"), message, Rule.RULE_DELAY, "delay: 7 d, longest_delay: 21 d")
    return DoseRule(
        name=name,
        hold_below=low,
        resume_above=back,
        reduce_percent=round(form.reduce * 100.0, 9),
        stop_after_holds=form.stop_after_holds,
        neutrophils_hold_below=counts.hold_below if counts else 0.0,
        neutrophils_resume_above=counts.resume_above if counts else 0.0,
        delay_days=form.delay or 0.0,
        longest_delay_days=form.longest_delay,
    )


def _resolve_arms(
    findings: Findings,
    agents: Mapping[str, Agent],
    rules: Mapping[str, DoseRule | None],
    biomarkers: Biomarkers,
    longest: float,
) -> dict[str, ResolvedArm]:
    """The arms that could be resolved, in the file's order. ``longest`` are the days of treatment until progression."""
    regimens = _read_regimens(findings, agents)
    written = _entries_of(findings, "arms")
    if isinstance(findings.document.data.get("arms"), dict) and len(written) < 2:
        message = f"there {'is only one arm' if written else 'are no arms'}"
        findings.add(("arms",), message, Rule.TWO_ARMS, "add an arm to compare with", at_key=True)
    added: dict[str, list[Item]] = {}
    for name, raw in written.items():
        orders = raw.get("add") if isinstance(raw, dict) else None
        added[name] = _read_orders(findings, ("arms", name, "add"), "add", orders)
    for item in [item for items in (*regimens.values(), *added.values()) for item in items]:
        check_order(findings, item, agents, rules)
        check_guide(findings, item, biomarkers)
    forms: dict[str, WrittenArm | None] = {
        name: read_form(findings, ("arms", name), WrittenArm, without=("add",)) for name in written
    }
    models = resolve_models(findings, {name: form and form.model for name, form in forms.items()})
    arms: dict[str, ResolvedArm] = {}
    for name, form in forms.items():
        if form is None:
            continue
        if form.model is not None and (form.give or added[name]):
            message = f"`{name}` has a `model` and gives treatment too"
            findings.add(("arms", name, "model"), message, Rule.MODEL, "one of the two", at_key=True)
        given = [item for regimen in _known_regimens(findings, name, form, regimens) for item in regimens[regimen]]
        schedule = ArmSchedule(findings, name, [*given, *added[name]], agents, rules, longest)
        orders = schedule.orders()
        arms[name] = ResolvedArm(name=name, label=form.label or name, orders=orders, model=models.get(name))
    return arms


def _check_cells(findings: Findings, cohort: ResolvedCohort | None) -> list[str]:
    """The arms without a `model`; their patients need cells, and groups of patients need their traits."""
    written = _entries_of(findings, "arms")
    without = [name for name, arm in written.items() if not (isinstance(arm, dict) and "model" in arm)]
    if without and cohort is not None and not cohort.has_cells:
        message = f"`{without[0]}` has no `model`, and patients of {cohort.name} have no cells"
        findings.add(("arms", without[0]), message, Rule.CELLS_NEEDED, "model: {kind: ...}", at_key=True)
    return without


def _read_regimens(findings: Findings, agents: Mapping[str, Agent]) -> dict[str, list[Item]]:
    result: dict[str, list[Item]] = {}
    for name, orders in _entries_of(findings, "regimens").items():
        if name in agents or name == "add":
            message = f"a regimen cannot be called `{name}`"
            findings.add(("regimens", name), message, Rule.REGIMEN_NAME, f"{name}-regimen", at_key=True)
        if orders is None or orders == []:
            findings.add(("regimens", name), f"`{name}` gives nothing", Rule.NOT_EMPTY, at_key=True)
        result[name] = _read_orders(findings, ("regimens", name), name, orders)
    return result


def _entries_of(findings: Findings, section: str) -> dict[str, Any]:
    """The entries of a section that is a mapping of names; empty when it is not."""
    if section not in findings.document.data:
        return {}
    return {name: findings.document.get((section, name)) for name in read_entries(findings, (section,), Any)}


def _read_orders(findings: Findings, path: KeyPath, regimen: str, orders: object) -> list[Item]:
    if isinstance(orders, list):
        return read_items(findings, path, regimen, orders)
    if orders is not None:
        findings.add(path, f"{shown(orders)} stands where a list of orders belongs", Rule.TYPE, "- {agent: ...}")
    return []


def _known_regimens(findings: Findings, arm: str, form: WrittenArm, regimens: Mapping[str, list[Item]]) -> list[str]:
    for i, name in enumerate(form.give):
        if name not in regimens:
            message = f"there is no regimen `{name}`"
            findings.add(("arms", arm, "give", i), message, Rule.KNOWN_REGIMEN, did_you_mean(name, regimens))
    return [name for name in form.give if name in regimens]


def _check_reference(findings: Findings, analysis: WrittenAnalysis | None, names: list[str]) -> str:
    reference = analysis.reference if analysis else "control"
    if analysis is None or not names or reference in names:
        return reference
    if "reference" in analysis.model_fields_set:
        path: KeyPath = ("analysis", "reference")
        findings.add(path, f"`{reference}` is not an arm", Rule.REFERENCE_ARM, did_you_mean(reference, names))
    else:
        message = "no arm is called `control`, and `analysis` names no reference"
        remedy = f"analysis: {{reference: {names[0]}}}"
        findings.add(("arms",), message, Rule.REFERENCE_ARM, remedy, at_key=True)
    return reference


def _check_analysis(
    findings: Findings,
    analysis: WrittenAnalysis | None,
    randomisation: WrittenRandomisation | None,
    cohort: ResolvedCohort | None,
) -> None:
    if analysis is None:
        return
    check_categories(findings, ("analysis", "subgroups"), analysis.subgroups, cohort)
    if analysis.test == "stratified_logrank" and randomisation is not None and not randomisation.strata:
        message = "the test is stratified, but randomisation has no strata"
        findings.add(("analysis", "test"), message, Rule.STRATIFIED_TEST, "test: logrank")


def _detection(written: WrittenDetection) -> Detection:
    """The detection limit; the source is the protocol itself when it moves the numbers and names none."""
    moved = written.model_fields_set & {"limit", "error_sd_log10"}
    return Detection(
        limit_cells=written.limit,
        error_sd_log10=written.error_sd_log10,
        source=written.source or ("set in the protocol" if moved else _DETECTION_SOURCE),
        confidence=written.confidence or ("low" if moved else "high"),
    )


def _analysis(written: WrittenAnalysis, follow_up: FollowUp, looks: Looks | None) -> Analysis:
    tau = written.rmst_tau if written.rmst_tau is not None else follow_up.minimum_days or follow_up.longest_days
    return Analysis(
        reference=written.reference,
        alpha=written.alpha,
        sided=written.sided,
        test=written.test,
        confidence_level=written.confidence_level,
        landmarks_days=tuple(sorted(written.landmarks)),
        rmst_tau_days=tau,
        subgroups=tuple(written.subgroups),
        looks=looks,
    )
