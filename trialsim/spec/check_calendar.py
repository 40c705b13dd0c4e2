"""Whether a trial comes to an end: its last patient comes in time, and its data are cut while there are dates."""

from __future__ import annotations

import datetime
import math

from trialsim.spec.expected_accrual import day_of_last, where_reached
from trialsim.spec.form import Findings
from trialsim.spec.resolved import Accrual, FollowUp, ResolvedCohort
from trialsim.spec.resolved_conduct import Enrich, Looks
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.units import DAYS_PER_YEAR

#: The years in which a trial may lie. Those that are left before the year 9999 are room for chance.
LATEST_YEAR, LONGEST_YEARS = 3000, 200
#: How many may come for each one who is randomised, as expected; a run gives up at ten times as many.
MOST_COMERS = 100.0
#: How many are to be expected by the cut: with so many, one trial in 20,000 has nobody.
LEAST_BY_CUT = 10.0


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
        _check_cut(findings, follow_up, accrual)


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


def _check_cut(findings: Findings, follow_up: FollowUp, accrual: Accrual) -> None:
    """The days on which a cut may fall: there are dates for them, and patients by then."""
    cut = follow_up.cut
    if cut is None:
        return
    on_its_day = cut.when == "earliest" or (cut.events is None and follow_up.minimum_days == 0.0)
    for key, day, cuts in (("date", cut.day, on_its_day), ("no_later_than", cut.no_later_than_days, True)):
        if day is None:
            continue
        path: KeyPath = ("follow_up", "cut", key)
        if day > LONGEST_YEARS * DAYS_PER_YEAR:
            message = f"this is {day / DAYS_PER_YEAR:,.0f} years after the trial opens"
            findings.add(path, message, Rule.CALENDAR, "an earlier date")
        elif cuts and day < (needed := day_of_last(accrual, LEAST_BY_CUT)):
            message = (
                f"the data could be cut before anybody has come: {LEAST_BY_CUT:g} are expected by day {needed:,.0f}"
            )
            findings.add(path, message, Rule.CUT_ORDER, "a later date")


def _coming(opens: str, day: float) -> str:
    """``come on 2031-05-01``, or in a year, where the calendar has no date for it."""
    if math.isinf(day):
        return "never come"
    first = datetime.date.fromisoformat(opens)
    year = math.floor((first.toordinal() + day) / 365.2425) + 1
    if year >= datetime.MAXYEAR:
        return f"come in the year {year:,}"
    return f"come on {first + datetime.timedelta(days=math.floor(day))}"


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
        found.append((_comers_of_subgroup(accrual, cohort, looks.enrich), ("analysis", "looks", "enrich", "level")))
    most, path = max(found, key=lambda one: one[0])
    return most / (1.0 - accrual.screening.failure), path


def _comers_of_subgroup(accrual: Accrual, cohort: ResolvedCohort, enrich: Enrich) -> float:
    """How many have to come for the subgroup to fill the trial; infinity where caps are in the way."""
    wanted, caps = float(accrual.patients), accrual.screening.caps
    share = level_shares(cohort, enrich.factor).get(enrich.level, 0.0)
    if share == 0.0 or caps.get(enrich.factor, {}).get(enrich.level, wanted) < wanted:
        return math.inf
    rooms = [sum(float(of.get(level, math.inf)) for level in cohort.traits[name].levels) for name, of in caps.items()]
    return wanted / share if min(rooms, default=math.inf) >= 2.0 * wanted / share else math.inf


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
