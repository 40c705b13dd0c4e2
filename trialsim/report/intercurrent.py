"""Intercurrent events (ICH E9(R1)): which there are, and how each is dealt with."""

from __future__ import annotations

from trialsim.report.numbers import percent, plain_number, sentence_case
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import AfterRelapse

NAMES = {
    "discontinuation": "early end of study treatment",
    "new_therapy": "other anticancer therapy before relapse",
    "crossover": "cross-over to another arm's treatment after relapse",
    "rescue": "another treatment after relapse",
}
_STRATEGIES = {
    "treatment-policy": "included regardless (treatment policy)",
    "hypothetical": "the effect is that without it: patients are censored {at} (hypothetical)",
    "while-on-treatment": "only what happens before it counts: patients are censored {at} (while on treatment)",
    "composite": "it is an event of the endpoint (composite)",
    "principal-stratum": "the effect is that in patients in whom it would happen under no arm (principal stratum)",
}
_PER_YEAR = 365.25


def plans_words(protocol: ResolvedProtocol) -> str:
    """What may come in between, as the protocol plans it; empty where nothing is planned."""
    plans = protocol.intercurrent
    sentences = []
    if plans.new_therapy is not None:
        ratio = plans.new_therapy.hazard_ratio
        changed = (
            f", after which the hazard of simulated event times is multiplied by {plain_number(ratio)}"
            if ratio != 1.0
            else ""
        )
        rate = plain_number(100.0 * plans.new_therapy.per_day * _PER_YEAR)
        sentences.append(f"Other anticancer therapy begins at {rate} per 100 patient-years before relapse{changed}.")
    if plans.crossover is not None:
        origin = ", ".join(protocol.arms[name].label for name in plans.crossover.arms)
        to = protocol.arms[plans.crossover.to].label
        sentences.append(
            f"After relapse {_share(plans.crossover)} of {origin} cross over to {to}{_survival(plans.crossover)}."
        )
    if plans.rescue is not None:
        others = " of the others" if plans.crossover is not None else " of patients"
        sentences.append(
            f"After relapse {_share(plans.rescue)}{others} have another treatment{_survival(plans.rescue)}."
        )
    return " ".join(sentences)


def _share(plan: AfterRelapse) -> str:
    return percent(plan.share)


def _survival(plan: AfterRelapse) -> str:
    if plan.survival_ratio == 1.0:
        return ""
    return f", which multiplies their time to death from cancer by {plain_number(plan.survival_ratio)}"


def strategy_words(protocol: ResolvedProtocol) -> str:
    """How each event that can come is dealt with, in sentences."""
    strategies = protocol.endpoint.strategies
    at = (
        "on its day"
        if protocol.endpoint.primary == "os" or not protocol.follow_up.scans
        else "at the last scan before it"
    )
    sentences = [
        f"{sentence_case(NAMES[kind])}: {_STRATEGIES[getattr(strategies, kind)].format(at=at)}."
        for kind in _possible(protocol)
    ]
    return " ".join(sentences)


def composite_words(protocol: ResolvedProtocol) -> str:
    """The intercurrent events that are events of the endpoint; empty where none is."""
    strategies = protocol.endpoint.strategies
    return " or ".join(NAMES[kind] for kind in _possible(protocol) if getattr(strategies, kind) == "composite")


def _possible(protocol: ResolvedProtocol) -> list[str]:
    """The events that can come and touch the primary endpoint: what follows a relapse touches survival alone."""
    plans = protocol.intercurrent
    survival = protocol.endpoint.primary == "os"
    known = {
        "discontinuation": any(arm.orders for arm in protocol.arms.values()),
        "new_therapy": plans.new_therapy is not None,
        "crossover": plans.crossover is not None and survival,
        "rescue": plans.rescue is not None and survival,
    }
    return [kind for kind, is_possible in known.items() if is_possible]


def stratum_words(protocol: ResolvedProtocol) -> str:
    """Who the estimand is about, beside all randomised patients; empty where it is about them all."""
    if protocol.endpoint.strategies.discontinuation != "principal-stratum":
        return ""
    return (
        " Of these, the patients whose treatment would not be stopped early by the data cut under any arm; who they "
        "are is known, since every patient is simulated under every arm."
    )
