"""What is estimated, in words: the five attributes of ICH E9(R1), read off the resolved protocol."""

from __future__ import annotations

import math

from trialsim.report.numbers import DAYS_PER_MONTH, plain_number, plural
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol, ScanPeriod

_ENDPOINTS = {
    "rfs": "time from randomisation to the first relapse seen on a scan, local or distant, or to death from any cause",
    "ttr": "time from randomisation to the first relapse seen on a scan, local or distant",
    "drfs": "time from randomisation to the first distant relapse seen on a scan, or to death from any cause",
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
        ("Population", f"{protocol.cohort.title or protocol.cohort.name}: every randomised patient, as randomised."),
        ("Variable", f"{_ENDPOINTS[protocol.endpoint.primary].capitalize()}."),
        ("Intercurrent events", "Holding, reducing or stopping a drug changes nothing (treatment policy). "
         f"{_guided(protocol)}{death} Withdrawal and the data cut censor the patient."),
        ("Summary", summary_words(protocol)),
    ]  # fmt: skip


def _guided(protocol: ResolvedProtocol) -> str:
    if not any(arm.guides for arm in protocol.arms.values()):
        return ""
    return "Leaving out an order since its panel is negative is part of the arm's treatment. "


def summary_words(protocol: ResolvedProtocol) -> str:
    analysis = protocol.analysis
    sided = "one-sided" if analysis.sided == 1 else "two-sided"
    landmarks = join([duration(day) for day in analysis.landmarks_days])
    at = f", the share event-free at {landmarks}" if landmarks else ""
    mean = duration(analysis.rmst_tau_days)
    return (
        f"{sided.capitalize()} {_TESTS[analysis.test]} at a level of {analysis.alpha:g}; hazard ratio (Cox), "
        f"difference in restricted mean time to {mean}{at}, with {100 * analysis.confidence_level:g}% intervals."
    )


def follow_up_words(protocol: ResolvedProtocol) -> str:
    follow = protocol.follow_up
    loss = -100 * math.expm1(-follow.dropout_per_day * 365.25)
    dropout = f"{loss:.1f}% of patients a year withdraw" if follow.dropout_per_day else "nobody withdraws"
    scans = ", ".join(scan_words(period) for period in follow.scans)
    return (
        f"Scans {scans}. A scan calls relapse when a lesion measures "
        f"{plain_number(protocol.detection.limit_cells)} cells or more. "
        f"The data are cut {duration(follow.minimum_days)} after the last patient is randomised; {dropout}."
    )


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
    """The platelet rule of an order, or nothing."""
    rule = order.rule
    if rule is None:
        return ""
    return (
        f"held below {plain_number(rule.hold_below)} ×10⁹/L platelets, resumed at {plain_number(rule.resume_above)}, "
        f"{rule.reduce_percent:g}% less after a hold, stopped after {plural(rule.stop_after_holds, 'hold')}"
    )


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
