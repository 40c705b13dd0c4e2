"""Enrolment as written -> resolved: rates, sites, pauses, screening."""

from __future__ import annotations

import datetime

from trialsim.spec.form import Findings
from trialsim.spec.resolved import Accrual, ResolvedCohort
from trialsim.spec.resolved_conduct import AccrualStep, Pause, Screening, Sites
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.traits import TRAITS
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_conduct import OpenEvery, WrittenAccrual, WrittenPause, WrittenSites

AT: KeyPath = ("accrual",)


def resolve_accrual(
    findings: Findings, written: WrittenAccrual | None, arms: int, cohort: ResolvedCohort | None
) -> Accrual | None:
    """The section ``accrual``, with what is wrong with it noted."""
    if written is None:
        return None
    if written.patients < arms:
        noun = "patient" if written.patients == 1 else "patients"
        findings.add((*AT, "patients"), f"{written.patients} {noun} cannot fill {arms} arms", Rule.PATIENTS)
    steps = _steps(findings, written)
    sites = written.sites if isinstance(written.sites, int) else written.sites.number
    plan = None if isinstance(written.sites, int) else _sites(findings, written.sites, written.patients)
    _check_caps(findings, written, cohort)
    return Accrual(
        patients=written.patients,
        per_day=steps[-1].per_day,
        ramp_days=written.ramp,
        sites=sites,
        opens=written.opens,
        steps=steps if len(steps) > 1 else (),
        arrivals=written.arrivals,
        site_plan=plan,
        pauses=tuple(_pause(written.opens, pause) for pause in written.pauses),
        screening=Screening(failure=written.screening_failure, caps=written.caps),
    )


def calendar_day(opens: str, moment: str | float) -> float:
    """The calendar day of a date, or of a time since the trial opened; day 0 is the date of opening."""
    if isinstance(moment, str):
        return float((datetime.date.fromisoformat(moment) - datetime.date.fromisoformat(opens)).days)
    return moment


def _pause(opens: str, written: WrittenPause) -> Pause:
    start = None if written.begin is None else calendar_day(opens, written.begin)
    return Pause(from_day=start, after_patients=written.after, for_days=written.length)


def _steps(findings: Findings, written: WrittenAccrual) -> tuple[AccrualStep, ...]:
    """The rates; a single one has no end."""
    if not isinstance(written.per_month, list):
        return (AccrualStep(per_day=written.per_month, until_days=None),)
    periods = written.per_month
    before = 0.0
    for i, period in enumerate(periods):
        path: KeyPath = (*AT, "per_month", i)
        if period is periods[-1]:
            if period.until is not None:
                message = "the last rate ends, so enrolment might never be complete"
                findings.add((*path, "until"), message, Rule.ACCRUAL_ORDER, "leave out this `until`", at_key=True)
            elif period.rate == 0.0:
                message = "nobody comes at the last rate, so enrolment might never be complete"
                findings.add((*path, "rate"), message, Rule.ACCRUAL_ORDER, "more than 0 a month")
        elif period.until is None:
            findings.add(path, "only the last rate may go on without `until`", Rule.ACCRUAL_ORDER)
        elif period.until <= before:
            remedy = "let `until` rise from rate to rate"
            findings.add((*path, "until"), "this rate ends before it begins", Rule.ACCRUAL_ORDER, remedy)
        before = period.until if period.until is not None else before
    return tuple(AccrualStep(per_day=period.rate, until_days=period.until) for period in periods)


def _sites(findings: Findings, written: WrittenSites, patients: int) -> Sites:
    path: KeyPath = (*AT, "sites")
    number = written.number
    for key, listed in (("open", written.open), ("shares", written.shares)):
        if isinstance(listed, list) and len(listed) != number:
            message = f"`{key}` has {len(listed)} items for {number} sites"
            findings.add((*path, key), message, Rule.SITE_LIST, at_key=True)
    if written.at_most is not None and written.at_most * number < patients:
        message = f"{number} sites of at most {written.at_most} patients take {number * written.at_most} of {patients}"
        remedy = f"at_most: {-(-patients // number)}"
        findings.add((*path, "at_most"), message, Rule.SITE_ROOM, remedy)
    shares = written.shares or [1.0] * number
    opening = written.open
    opens, within = [0.0] * number, None
    if isinstance(opening, list):
        opens = opening
    elif isinstance(opening, OpenEvery) and opening.every is not None:
        opens = [k * opening.every for k in range(number)]
    elif isinstance(opening, OpenEvery):
        opens, within = [], opening.within
    total = sum(shares)
    return Sites(
        shares=tuple(share / total for share in shares),
        opens_days=tuple(opens),
        within_days=within,
        shape=written.shape,
        at_most=written.at_most,
    )


def _check_caps(findings: Findings, written: WrittenAccrual, cohort: ResolvedCohort | None) -> None:
    categories = [name for name, trait in TRAITS.items() if trait.is_category]
    for name, caps in written.caps.items():
        path: KeyPath = (*AT, "caps", name)
        if name not in categories:
            kind = "a number, which makes no groups" if name in TRAITS else "not a trait"
            remedy = did_you_mean(name, categories)
            findings.add(path, f"`{name}` is {kind}", Rule.CATEGORY, remedy, at_key=True)
        elif cohort is not None and name not in cohort.traits:
            message = f"patients of {cohort.name} have no `{name}`"
            findings.add(path, message, Rule.CATEGORY, "add it to the cohort's traits", at_key=True)
        elif cohort is not None:
            levels = cohort.traits[name].levels
            for level in caps:
                if level not in levels:
                    message = f"`{level}` is not a level of `{name}` in this cohort"
                    remedy = did_you_mean(level, levels)
                    findings.add((*path, level), message, Rule.CAP_LEVEL, remedy, at_key=True)
            room = sum(caps.get(level, written.patients) for level in levels)
            if set(caps) <= set(levels) and room < written.patients:
                message = f"the caps of `{name}` leave room for {room} of {written.patients} patients"
                findings.add(path, message, Rule.CAP_ROOM, "raise a cap, or leave a level without one", at_key=True)
