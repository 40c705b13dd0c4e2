"""Whether a trial comes to an end: its last patient comes in time, and its data are cut while there are dates."""

from __future__ import annotations

import datetime
import math

from trialsim.spec.expected_accrual import day_of_last, where_reached
from trialsim.spec.form import Findings
from trialsim.spec.resolved import Accrual, FollowUp, ResolvedCohort
from trialsim.spec.resolved_conduct import Looks
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.units import DAYS_PER_YEAR

#: The years in which a trial may lie. Those that are left before the year 9999 are room for chance.
LATEST_YEAR, LONGEST_YEARS = 3000, 200
#: How many may come for each one who is randomised, as expected; a run gives up at ten times as many.
MOST_COMERS = 100.0


def check_calendar(
    findings: Findings,
    accrual: Accrual | None,
    follow_up: FollowUp | None,
    cohort: ResolvedCohort | None,
    looks: Looks | None,
) -> None:
    """Note what would keep enrolment from its end, and days beyond the calendar."""
    if accrual is None or findings.problems:
        return
    if (year := datetime.date.fromisoformat(accrual.opens).year) > LATEST_YEAR:
        message = f"the trial opens in the year {year}"
        findings.add(("accrual", "opens"), message, Rule.CALENDAR, "opens: 2027-01-04")
    elif cohort is not None and _ends(findings, accrual, cohort, looks) and follow_up is not None:
        _check_cut(findings, follow_up)


def _ends(findings: Findings, accrual: Accrual, cohort: ResolvedCohort, looks: Looks | None) -> bool:
    """Whether everybody who is to be randomised can be expected to come; noted if not."""
    comers, path = _comers(accrual, cohort, looks)
    if comers > MOST_COMERS * accrual.patients:
        many = "no number of comers is enough" if math.isinf(comers) else f"{comers:,.0f} would have to come"
        message = f"{many} for {accrual.patients:,} patients to be randomised"
        findings.add(path, message, Rule.COMERS, "look at the cohort's shares", at_key=True)
        return False
    last = day_of_last(accrual, comers)
    if last > LONGEST_YEARS * DAYS_PER_YEAR:
        message = f"the last of {accrual.patients:,} patients would {_coming(accrual.opens, last)}"
        findings.add(("accrual", "per_month"), message, Rule.CALENDAR, "a higher rate, or fewer patients", at_key=True)
        return False
    return True


def _check_cut(findings: Findings, follow_up: FollowUp) -> None:
    cut = follow_up.cut
    if cut is None:
        return
    for key, day in (("date", cut.day), ("no_later_than", cut.no_later_than_days)):
        if day is not None and day > LONGEST_YEARS * DAYS_PER_YEAR:
            message = f"this is {day / DAYS_PER_YEAR:,.0f} years after the trial opens"
            findings.add(("follow_up", "cut", key), message, Rule.CALENDAR, "an earlier date")


def _coming(opens: str, day: float) -> str:
    """``come on 2031-05-01``, or in a year, where the calendar has no date for it."""
    if math.isinf(day):
        return "never come"
    first = datetime.date.fromisoformat(opens)
    if first.year + day / DAYS_PER_YEAR < datetime.MAXYEAR:
        return f"come on {first + datetime.timedelta(days=math.floor(day))}"
    return f"come in the year {first.year + day / DAYS_PER_YEAR:,.0f}"


def _comers(accrual: Accrual, cohort: ResolvedCohort, looks: Looks | None) -> tuple[float, KeyPath]:
    """How many have to come, as expected, and what asks for the most of them."""
    wanted = float(accrual.patients)
    found: list[tuple[float, KeyPath]] = [(wanted, ("accrual", "screening_failure"))]
    for name, caps in accrual.screening.caps.items():
        shares = level_shares(cohort, name)

        def within(comers: float, shares: dict[str, float] = shares, caps: dict[str, int] = caps) -> float:
            return sum(min(float(caps.get(level, math.inf)), share * comers) for level, share in shares.items())

        found.append((where_reached(within, wanted), ("accrual", "caps", name)))
    if looks is not None and looks.enrich is not None:
        share = level_shares(cohort, looks.enrich.factor).get(looks.enrich.level, 0.0)
        found.append((wanted / share if share > 0.0 else math.inf, ("analysis", "looks", "enrich", "level")))
    most, path = max(found, key=lambda one: one[0])
    return most / (1.0 - accrual.screening.failure), path


def level_shares(cohort: ResolvedCohort, name: str) -> dict[str, float]:
    """The share of patients at each level of a categorical trait, over the levels of those that it depends on."""
    trait = cohort.traits[name]
    weights = {"*": 1.0} if trait.by is None else level_shares(cohort, trait.by)
    shares = dict.fromkeys(trait.levels, 0.0)
    for case, weight in weights.items():
        distribution = trait.cases[case]
        for level, share in zip(distribution.levels, distribution.probabilities, strict=True):
            shares[level] += weight * share
    return shares
