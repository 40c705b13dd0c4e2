"""What is estimated, in words: the five attributes of ICH E9(R1), read off the resolved protocol."""

from __future__ import annotations

import math
from datetime import date, timedelta

from trialsim.report.intercurrent import composite_words, strategy_words, stratum_words
from trialsim.report.numbers import DAYS_PER_MONTH, percent, plain_number, plural
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol, ScanPeriod
from trialsim.spec.resolved_conduct import Intercurrent, Looks

_ENDPOINTS = {
    "rfs": "time from randomisation to the first relapse{seen}, local or distant, or to death from any cause",
    "ttr": "time from randomisation to the first relapse{seen}, local or distant",
    "drfs": "time from randomisation to the first distant relapse{seen}, or to death from any cause",
    "os": "time from randomisation to death from any cause",
}
_DEATH = {
    "ttr": "Death without relapse is a competing event: it ends the time at risk.",
}
_TESTS = {"logrank": "log-rank test", "stratified_logrank": "log-rank test stratified as randomised"}


def duration(days: float) -> str:
    """Days in the unit a reader would use: ``36 months``, ``14 days``, ``5 years``."""
    per_month = days / DAYS_PER_MONTH
    if days >= 60 and abs(per_month - round(per_month)) < 0.02:
        return plural(round(per_month), "month")
    return f"{days:g} day" + ("" if days == 1 else "s")


def estimand(protocol: ResolvedProtocol) -> list[tuple[str, str]]:
    """Attribute and words, in the order of ICH E9(R1)."""
    analysis = protocol.analysis
    others = [arm.label for name, arm in protocol.arms.items() if name != analysis.reference]
    treatment = (
        f"{_join_labels(others)} against {protocol.arms[analysis.reference].label}"
        if others
        else "one arm, no comparison"
    )
    death = _DEATH.get(protocol.endpoint.primary, "Death is part of the endpoint.")
    return [
        ("Treatments", f"{treatment}."),
        ("Population", f"{protocol.cohort.title or protocol.cohort.name}: every randomised patient, as randomised."
         f"{stratum_words(protocol)}"),
        ("Variable", f"{_variable(protocol)}."),
        ("Intercurrent events", " ".join(filter(None, (
            _interruptions(protocol), _guided(protocol), death, f"{_ends(protocol)} censor the patient.")))),
        ("Summary", summary_words(protocol)),
        *([("Looks", looks_words(analysis.looks))] if analysis.looks else []),
    ]  # fmt: skip


def looks_words(looks: Looks) -> str:
    """When the trial is looked at, and what may stop it."""
    counts = [f"{target:,}" for target in looks.targets]
    at = f"looks at {join(counts)} of {looks.events:,} events" if counts else "one look"
    words = f"Interim {at}; alpha is spent by {looks.spending}"
    if looks.futility is not None:
        rule = "binding" if looks.futility.binding else "non-binding"
        words += f"; futility spends a beta of {looks.futility.beta:g} by {looks.futility.spending} ({rule})"
    if looks.re_estimate is not None:
        words += f"; the last of them may raise the events up to {looks.re_estimate.at_most:g} times"
    if looks.least_share is not None:
        words += f"; later patients go more often to the better arm, at least {percent(looks.least_share)} to each"
    if looks.enrich is not None:
        words = (
            f"Interim {at}; the trial then goes on in {looks.enrich.level} alone if the hazard ratio of the others is "
            f"above {looks.enrich.others_above:g} (closed test of all and of {looks.enrich.level})"
        )
    return f"{words}."


def _interruptions(protocol: ResolvedProtocol) -> str:
    """How what comes in between is dealt with."""
    if not protocol.has_cells:
        return strategy_words(protocol)
    if protocol.endpoint.strategies.is_treatment_policy and protocol.intercurrent == Intercurrent():
        return "Doses held, reduced or stopped: included regardless (treatment policy)."
    return f"Doses held or reduced: included regardless (treatment policy). {strategy_words(protocol)}".strip()


def _ends(protocol: ResolvedProtocol) -> str:
    lost = protocol.follow_up.lost_per_day
    return "Withdrawal, loss to follow-up and the data cut" if lost else "Withdrawal and the data cut"


def _variable(protocol: ResolvedProtocol) -> str:
    seen = " seen on a scan" if protocol.follow_up.scans else ""
    plain = _ENDPOINTS[protocol.endpoint.primary].format(seen=seen).capitalize()
    others = composite_words(protocol)
    return f"{plain}, or to {others}, whichever comes first" if others else plain


def _guided(protocol: ResolvedProtocol) -> str:
    if not any(arm.guides for arm in protocol.arms.values()):
        return ""
    return "Leaving out an order since its panel is negative is part of the arm's treatment."


def summary_words(protocol: ResolvedProtocol) -> str:
    analysis = protocol.analysis
    sided = "one-sided" if analysis.sided == 1 else "two-sided"
    landmarks = join([duration(day) for day in analysis.landmarks_days])
    at = f", the share event-free at {landmarks}" if landmarks else ""
    tau = protocol.planned_tau_days
    mean = "the end of the follow-up that the arms share" if tau is None else duration(tau)
    return (
        f"{sided.capitalize()} {_TESTS[analysis.test]} at a level of {analysis.alpha:g}; hazard ratio (Cox), "
        f"difference in restricted mean time to {mean}{at}, with {100 * analysis.confidence_level:g}% intervals."
    )


def follow_up_words(protocol: ResolvedProtocol) -> str:
    follow = protocol.follow_up
    loss = -100 * math.expm1(-follow.dropout_per_day * 365.25)
    dropout = f"{loss:.1f}% of patients a year withdraw" if follow.dropout_per_day else "nobody withdraws"
    if follow.lost_per_day:
        dropout += f" and {-100 * math.expm1(-follow.lost_per_day * 365.25):.1f}% are lost to follow-up"
    parted = f"; {dropout}" if follow.cut is None else f". {dropout[:1].upper()}{dropout[1:]}"
    return f"{_detection_words(protocol)} The data are cut {cut_words(protocol)}{parted}."


def cut_words(protocol: ResolvedProtocol) -> str:
    """``36 months after the last patient is randomised``, or what else settles it."""
    follow, cut = protocol.follow_up, protocol.follow_up.cut
    after_last = f"{duration(follow.minimum_days)} after the last patient is randomised"
    if cut is None:
        return after_last
    parts = [after_last] if follow.minimum_days else []
    if cut.day is not None:
        parts.append(_calendar_words(protocol, cut.day))
    if cut.events is not None:
        parts.append(f"when {plural(cut.events, 'patient')} have had the event")
    which = f"{'last' if cut.when == 'latest' else 'first'} of: " if len(parts) > 1 else ""
    bound = f", {_calendar_words(protocol, cut.no_later_than_days)} at the latest" if cut.events is not None else ""
    return f"{f'at the {which}' if which else ''}{'; '.join(parts)}{bound}"


def _calendar_words(protocol: ResolvedProtocol, day: float) -> str:
    opened = date.fromisoformat(protocol.accrual.opens)
    return f"on {(opened + timedelta(days=math.floor(day))).isoformat()}"


def _detection_words(protocol: ResolvedProtocol) -> str:
    periods = protocol.follow_up.scans
    if not periods:
        return "Events are seen when they happen."
    alone = len(periods) == 1 and periods[0].until_days is None
    times = f"every {duration(periods[0].every_days)}" if alone else ", ".join(scan_words(period) for period in periods)
    scans = f"Scans {times}{_visit_words(protocol)}."
    if not protocol.has_cells:
        return f"{scans} A scan sees a relapse that has happened."
    limit = plain_number(protocol.detection.limit_cells)
    return f"{scans} A scan calls relapse when a lesion measures {limit} cells or more."


def _visit_words(protocol: ResolvedProtocol) -> str:
    follow = protocol.follow_up
    moved = f", up to {duration(follow.window_days)} early or late" if follow.window_days else ""
    return moved + (f", each missed with a chance of {percent(follow.missed)}" if follow.missed else "")


def scan_words(period: ScanPeriod) -> str:
    until = f" until {duration(period.until_days)}" if period.until_days is not None else " from then on"
    return f"every {duration(period.every_days)}{until}"


def join(parts: list[str]) -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""


def _join_labels(labels: list[str]) -> str:
    """Labels of arms; parted by semicolons where one has an ``and`` or a comma of its own."""
    parted = any(" and " in label or "," in label for label in labels)
    return "; ".join(labels) if parted and len(labels) > 1 else join(labels)


def dose_text(order: Order) -> str:
    """``60 mg/m²``."""
    return f"{plain_number(order.dose)} {order.dose_unit.replace('m2', 'm²')}"


def order_words(order: Order, label: str) -> str:
    """One order in words: ``Doxorubicin 60 mg/m², 4 administrations, days 1 to 43``."""
    first, last = order.days[0] + 1, order.days[-1] + 1
    when = f"day {first:g}" if len(order.days) == 1 else f"days {first:g} to {last:g}"
    cycles = len(order.cycle_starts)
    noun = "fraction" if order.dose_unit == "Gy" else "dose"
    grouped = f" in {plural(cycles, 'cycle')}" if 1 < cycles < len(order.days) else ""
    local = ", to the local field only" if order.field == "local" else ""
    return f"{label} {dose_text(order)}, {plural(len(order.days), noun)}{grouped}, {when}{local}"


def rule_words(order: Order) -> str:
    """The dose rule of an order, or nothing."""
    rule = order.rule
    if rule is None:
        return ""
    held = f"delayed {plain_number(rule.delay_days)} days at a time" if rule.delay_days > 0.0 else "held"
    counts = []
    if rule.limits_platelets:
        counts.append(
            f"below {plain_number(rule.hold_below)} ×10⁹/L platelets, resumed at {plain_number(rule.resume_above)}"
        )
    if rule.limits_neutrophils:
        low, back = plain_number(rule.neutrophils_hold_below), plain_number(rule.neutrophils_resume_above)
        counts.append(f"below {low} ×10⁹/L neutrophils, resumed at {back}")
    noun = "delay" if rule.delay_days > 0.0 else "hold"
    stops = [plural(rule.stop_after_holds, noun)]
    if rule.longest_delay_days is not None:
        stops.append(f"{plain_number(rule.longest_delay_days)} days of waiting")
    less = f"{rule.reduce_percent:g}% less after a {noun}"
    return f"{held} {' or '.join(counts)}, {less}, stopped after {' or '.join(stops)}"


def panel_words(protocol: ResolvedProtocol, name: str) -> str:
    """``tis-panel (at least 2 of SA-β-gal, p16 and plasma SASP)``, or the label of a biomarker alone."""
    panel = protocol.panels[name]
    labels = [protocol.markers[marker].label for marker in panel.markers]
    if panel.markers == (name,):
        return labels[0]
    size = len(labels)
    count = "any" if panel.at_least == 1 else "all" if panel.at_least == size else f"at least {panel.at_least}"
    return f"{name} ({count} of {join(labels)})"


def guide_words(protocol: ResolvedProtocol, order: Order) -> str:
    """What decides on an order, or nothing."""
    guide = order.give_if
    if guide is None:
        return ""
    return f"only if {panel_words(protocol, guide.panel)} is positive on day {guide.day + 1:g}"


def arm_words(protocol: ResolvedProtocol, arm: ResolvedArm) -> list[str]:
    """An arm's orders in words, each with its rule and with what decides on it."""
    lines = []
    for order in arm.orders:
        label = protocol.agents[order.agent].label if order.agent in protocol.agents else order.agent
        parts = (order_words(order, label), guide_words(protocol, order), rule_words(order))
        lines.append("; ".join(part for part in parts if part))
    return lines
