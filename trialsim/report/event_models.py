"""The event-time distributions of arms without cells, in words."""

from __future__ import annotations

from trialsim.report.estimand import duration, join
from trialsim.report.numbers import DAYS_PER_MONTH, percent, plain_number
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_model import CureMixture, EventModel, Law, PiecewiseExponential, SurvivalCurve, Weibull

_ENDPOINTS = {
    "rfs": "relapse or death",
    "ttr": "relapse",
    "drfs": "distant relapse or death",
    "os": "death from any cause",
}


def model_words(protocol: ResolvedProtocol, model: EventModel) -> str:
    """``Times to relapse or death are simulated from a distribution: exponential with a hazard of 0.03 a month.``"""
    told = distribution_words(model.law)
    if model.relative_to:
        told = f"the hazard of {protocol.arms[model.relative_to].label} times {_ratio_words(model)}"
    return f"Times to {_ENDPOINTS[protocol.endpoint.primary]} are simulated from a distribution: {told}."


def distribution_words(law: Law) -> str:
    """A distribution with its parameters."""
    match law:
        case PiecewiseExponential():
            return _hazards(law)
        case Weibull():
            return f"Weibull with shape {plain_number(law.shape)} and scale {_months(law.scale_days)}"
        case CureMixture():
            kind = "exponential" if law.shape == 1.0 else f"Weibull (shape {plain_number(law.shape)})"
            others = f"the others' times are {kind} with scale {_months(law.scale_days)}"
            return f"{percent(law.cured)} never have the event, {others}"
        case SurvivalCurve():
            tail = "no events from then on" if law.plateau else "then the mean hazard up to there"
            return f"the curve of {law.source}, to {duration(law.days[-1])}, {tail}"


def _hazards(law: PiecewiseExponential) -> str:
    rates = [f"{plain_number(rate * DAYS_PER_MONTH)}" for rate in law.rates]
    if len(rates) == 1:
        return f"exponential with a hazard of {rates[0]} a month"
    spans = [f"until {duration(end)}" for end in law.until_days] + ["from then on"]
    return "hazard " + join([f"{rate} a month {span}" for rate, span in zip(rates, spans, strict=True)])


def _ratio_words(model: EventModel) -> str:
    if not model.until_days:
        return plain_number(model.hazard_ratios[0])
    spans = [f"until {duration(end)}" for end in model.until_days] + ["from then on"]
    parts = [f"{plain_number(r)} {span}" for r, span in zip(model.hazard_ratios, spans, strict=True)]
    return join(parts)


def _months(days: float) -> str:
    return f"{plain_number(days / DAYS_PER_MONTH)} months"
