"""How patients come in and are allocated, in words."""

from __future__ import annotations

from trialsim.report.estimand import duration, join
from trialsim.report.numbers import DAYS_PER_MONTH, percent, plain_number, plural, words
from trialsim.spec.resolved import Accrual, ResolvedProtocol
from trialsim.spec.resolved_conduct import Pause, Sites


def enrolment_words(protocol: ResolvedProtocol) -> str:
    """Enrolment and allocation."""
    accrual = protocol.accrual
    ramp = f"rising over {duration(accrual.ramp_days)} to " if accrual.ramp_days else ""
    sentences = [
        f"{plural(accrual.patients, 'patient')} enrolled at {plural(accrual.sites, 'site')} from {accrual.opens}, "
        f"{ramp}{_rates(accrual)}; {allocation_words(protocol)}."
    ]
    if accrual.site_plan is not None:
        sentences.append(_sites(accrual.site_plan))
    if not accrual.screening.is_idle:
        sentences.append(_screening(accrual))
    sentences += [_pause(pause) for pause in accrual.pauses]
    return " ".join(sentences)


def allocation_words(protocol: ResolvedProtocol) -> str:
    """How patients are allocated to arms."""
    split = protocol.randomisation
    ratio = ":".join(str(split.ratio.get(arm, 0)) for arm in protocol.arms)
    names = [words(s) for s in split.strata] + (["site"] if split.by_site else [])
    if split.minimisation is not None:
        rules = split.minimisation
        weighted = [f"{words(n)} ({w:g})" if len(set(rules.weights.values())) > 1 else words(n)
                    for n, w in rules.weights.items()]  # fmt: skip
        return (
            f"randomised {ratio} by minimisation over {join(weighted)} ({rules.imbalance}; the preferred arm is given "
            f"with a chance of {percent(rules.coin)})"
        )
    if split.method == "simple":
        return f"randomised {ratio} by simple randomisation"
    blocks = join([str(size) for size in split.block_sizes])
    strata = f" within strata of {join(names)}" if names else ""
    return f"randomised {ratio} in permuted blocks of {blocks}{strata}"


def _rates(accrual: Accrual) -> str:
    spaced = ", evenly spaced" if accrual.arrivals == "fixed" else ""
    if not accrual.steps:
        return f"{plain_number(accrual.per_day * DAYS_PER_MONTH)} a month{spaced}"
    periods = [
        f"{plain_number(step.per_day * DAYS_PER_MONTH)} a month"
        + (f" until {duration(step.until_days)}" if step.until_days is not None else " from then on")
        for step in accrual.steps
    ]
    return ", ".join(periods) + spaced


def _sites(plan: Sites) -> str:
    if plan.within_days is not None:
        opening = f"Sites open at random within {duration(plan.within_days)}"
    elif any(plan.opens_days):
        opening = f"Sites open one by one, the last after {duration(max(plan.opens_days))}"
    else:
        opening = "All sites open at once"
    uneven = len(set(plan.shares)) > 1
    rates = " at rates of their own" if uneven or plan.shape is not None else " at equal rates"
    gamma = f" (gamma, shape {plan.shape:g})" if plan.shape is not None else ""
    most = f", at most {plan.at_most:,} patients each" if plan.at_most is not None else ""
    return f"{opening} and enrol{rates}{gamma}{most}."


def _screening(accrual: Accrual) -> str:
    screening = accrual.screening
    parts = [f"{percent(screening.failure)} of those who come are not eligible"] if screening.failure else []
    parts += [
        f"at most {cap:,} patients with {words(name)} {words(level)} are randomised"
        for name, caps in screening.caps.items()
        for level, cap in caps.items()
    ]
    text = join(parts)
    return f"{text[:1].upper()}{text[1:]}; the rate counts all who come."


def _pause(pause: Pause) -> str:
    start = f"on day {pause.from_day:g}" if pause.from_day is not None else f"after {pause.after_patients:,} patients"
    return f"Enrolment pauses {start} for {duration(pause.for_days)}."
