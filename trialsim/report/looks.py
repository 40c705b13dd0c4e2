"""The looks of a trial in words and as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trialsim.report.figure import Figure
from trialsim.report.figures import looks as draw_looks
from trialsim.report.numbers import ABSENT, DAYS_PER_MONTH, limits, minus, p_equation, percent, ratio
from trialsim.report.tables import Table
from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.reported.limits import HazardRatio
from trialsim.reported.looks import LookResult, MonitoredArm
from trialsim.reported.words import BASES, sides

_WORDS = {
    "efficacy": "stop: efficacy",
    "futility": "stop: futility",
    "harm": "stop: harm",
    "continue": "go on",
    "not shown": "not shown",
}


#: Where a look has no such thing, which is not a number that could not be had.
NOTHING = "–"


@dataclass(frozen=True)
class LooksPart:
    """What the page says of the looks at one comparison."""

    title: str
    figure: Figure
    table: Table
    after: str


def looks_parts(analysis: SurvivalAnalysis) -> list[LooksPart]:
    """A part for each comparison; none where the trial has one analysis."""
    return [_part(analysis, monitored) for monitored in analysis.looks or () if monitored.looks]


def _part(analysis: SurvivalAnalysis, monitored: MonitoredArm) -> LooksPart:
    figure = draw_looks(monitored, list(analysis.arms).index(monitored.arm))
    return LooksPart(analysis.names(monitored), figure, _table(monitored), adjusted_words(analysis, monitored))


def looks_words(analysis: SurvivalAnalysis) -> str:
    """The design in a few sentences."""
    every = analysis.looks or ()
    if not every:
        return ""
    planned, count = every[0].planned, len(every)
    shares = [f"{100 * share:g}%" for share in planned.information]
    at = f"{', '.join(shares[:-1])} and {shares[-1]}" if len(shares) > 1 else shares[0]
    alpha, side = planned.alpha * count, sides(planned.sided).capitalize()
    words = f"Looks were planned at {at} of the events. {side} alpha of {alpha:g} is spent by {planned.spending}"
    futility = planned.futility
    if futility is not None:
        rule = "binding" if futility.binding else "non-binding"
        words += f", beta of {futility.beta:g} by {futility.spending} ({rule})"
    words += ". Boundaries are recomputed at the observed information."
    if count > 1:
        words += (
            f" {count} arms share alpha by Holm's procedure: each begins with an equal part, and the part of one that "
            "is rejected goes to the others. An arm that crosses its boundary for futility takes no more patients."
        )
    return words


def _table(monitored: MonitoredArm) -> Table:
    """One column for each look."""
    looks = monitored.looks
    raised = any(look.raised_to for look in looks)
    measures: list[tuple[str, Callable[[LookResult], str]]] = [
        ("Month", lambda look: f"{look.day / DAYS_PER_MONTH:.1f}"),
        ("Patients randomised", lambda look: f"{look.randomised:,}"),
        ("Events", lambda look: f"{look.events:,}"),
        ("Hazard ratio", lambda look: _hazard_ratio(look.hazard_ratio)),
        *([("Events raised to", lambda look: f"{look.raised_to:,}" if look.raised_to else NOTHING)] if raised else []),
        ("Weighted z (Cui-Hung-Wang)" if raised else "z", lambda look: _z(look.z)),
        ("Rejection boundary, z", lambda look: _z(look.upper)),
        ("Level", lambda look: f"{look.level:.5f}".rstrip("0")),
        ("Alpha spent", lambda look: f"{look.alpha_spent:.5f}"),
    ]
    if monitored.planned.futility is not None:
        measures += [
            ("Futility boundary, z", lambda look: _z(look.lower)),
            ("Beta spent", lambda look: f"{look.beta_spent or 0.0:.4f}"),
        ]
    measures += [
        ("Conditional power, planned effect", lambda look: _power(look.conditional_power.planned)),
        ("Conditional power, observed effect", lambda look: _power(look.conditional_power.trend)),
        ("Predictive power", lambda look: _power(look.predictive_power)),
        ("Decision", lambda look: _decision(look, last=look is looks[-1] and not monitored.stopped_early)),
    ]
    if any(look.share is not None for look in looks):
        measures.append(("Later patients to this arm", lambda look: _power(look.share)))
    note = (
        "Conditional power is the chance of rejecting at a later look if the effect is the planned one, or the one "
        "seen so far. Predictive power averages it over what the effect may be, given the data and a flat prior."
    )
    rows = tuple((name, *map(tell, looks)) for name, tell in measures)
    return Table("What each look saw, and what followed", ("", *(f"Look {look.look}" for look in looks)), rows, note)


def _decision(look: LookResult, *, last: bool) -> str:
    """What followed; at the final analysis nothing is left to stop."""
    return "rejected" if last and look.decision == "efficacy" else _WORDS[look.decision]


def _hazard_ratio(hr: HazardRatio) -> str:
    return ABSENT if hr.estimate is None else f"{ratio(hr.estimate)} ({limits(hr)})"


def adjusted_words(analysis: SurvivalAnalysis, monitored: MonitoredArm) -> str:
    """The effect with the stops taken into account."""
    found = monitored.adjusted
    assert found is not None
    if found.hazard_ratio is None:
        return (
            f"Adjusted for the interim looks and the raised number of events ({BASES['weighted z']}): "
            f"{p_equation(found.p)}. Curves, tables and subgroups on this page are not adjusted for them."
        )
    hr, test = found.hazard_ratio, sides(monitored.planned.sided)
    return (
        f"Adjusted for the interim looks ({BASES['stages']}, Tsiatis 1984): {test} {p_equation(found.p)}, "
        f"hazard ratio {ratio(hr.estimate)} (median-unbiased, {analysis.level} CI {limits(hr)}). "
        "Curves, tables and subgroups on this page are not adjusted for the interim looks; where a trial stops early "
        "for efficacy they overestimate the effect."
    )


def _z(z: float | None) -> str:
    return NOTHING if z is None else minus(f"{z:.3f}")


def _power(power: float | None) -> str:
    return NOTHING if power is None else percent(power)
