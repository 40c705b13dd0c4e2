"""Who comes, when, to which site, and who of them is randomised.

Nothing here depends on what happens to patients after randomisation, so the whole of enrolment is laid out before the
calendar starts. Subjects are numbered as they come; those that are not randomised keep their number. Each site is a
source of arrivals with a stream of its own: its rate is its share of the trial's, from the day on which it opens.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trialsim.calendar_grid import on_grid
from trialsim.conduct.accrual import draw_arrivals, pauses_after
from trialsim.errors import TrialsimError
from trialsim.records import Traits
from trialsim.rng import TRIAL, Purpose, stream
from trialsim.spec.expected_accrual import OpenTime
from trialsim.spec.resolved import Accrual, ResolvedProtocol
from trialsim.spec.resolved_conduct import Enrich
from trialsim.units import DAYS_PER_YEAR

NOT_ELIGIBLE = "not eligible"
#: How many times as many as are to be randomised may come before enrolment is given up.
_PATIENCE = 1000
#: The last day on which anybody may come; after it there are dates enough for the longest follow-up.
LAST_DAY = 1000 * DAYS_PER_YEAR


class Arrival(NamedTuple):
    """One subject who comes to a site. ``excluded`` says why they were not randomised; empty if they were."""

    subject: int
    day: float
    site: int
    excluded: str = ""


class OpenedSite(NamedTuple):
    """A site, its share of the trial's rate and the calendar day on which it opens."""

    number: int
    share: float
    opens: float


def lay_out(
    protocol: ResolvedProtocol, traits: Sequence[Traits], *, seed: int, replicate: int = 0
) -> tuple[Arrival, ...]:
    """Everybody who comes, up to the last patient who is randomised.

    Where the trial may go on in a subgroup alone, as many come as it would take if it did so from the start.

    ``traits[i]`` belongs to subject ``i + 1``; with screening it has to reach beyond the patients to be randomised.
    """
    arrivals = tuple(_everybody(protocol, traits, seed, replicate))
    if arrivals[-1].day > LAST_DAY:
        years = arrivals[-1].day / DAYS_PER_YEAR
        raise TrialsimError(f"enrolment does not come to an end: it would go on for {years:,.0f} years with this seed")
    return arrivals


def _everybody(protocol: ResolvedProtocol, traits: Sequence[Traits], seed: int, replicate: int) -> Iterator[Arrival]:
    accrual = protocol.accrual
    enrich = protocol.analysis.looks.enrich if protocol.analysis.looks is not None else None
    if enrich is not None:
        return _enough_of(enrich, protocol, traits, seed, replicate)
    if accrual.site_plan is None and not accrual.pauses and accrual.screening.is_idle:
        days = draw_arrivals(accrual, seed=seed, replicate=replicate)
        places = (_evenly(accrual.sites, subject, seed, replicate) for subject in range(1, accrual.patients + 1))
        return (Arrival(n, float(day), site) for n, (day, site) in enumerate(zip(days, places, strict=True), 1))
    return _screened(protocol, traits, seed, replicate)


def opened_sites(accrual: Accrual, *, seed: int, replicate: int = 0) -> tuple[OpenedSite, ...]:
    """The sites as drawn for a run; empty where sites do not differ."""
    plan = accrual.site_plan
    if plan is None:
        return ()
    sites = []
    for number, share in enumerate(plan.shares, start=1):
        rng = stream(seed, Purpose.SITE_START, subject=number, replicate=replicate)
        at, unit = rng.random(), None if plan.shape is None else rng.standard_gamma(plan.shape) / plan.shape
        opens = plan.opens_days[number - 1] if plan.within_days is None else at * plan.within_days
        sites.append(OpenedSite(number, share if unit is None else share * unit, opens))
    return tuple(sites)


def _evenly(sites: int, subject: int, seed: int, replicate: int) -> int:
    """The site of a subject where sites do not differ."""
    return int(stream(seed, Purpose.SITE, subject=subject, replicate=replicate).integers(1, sites + 1))


def _enough_of(
    enrich: Enrich, protocol: ResolvedProtocol, traits: Sequence[Traits], seed: int, replicate: int
) -> Iterator[Arrival]:
    """All who come, until as many of the subgroup could be randomised as the trial has patients."""
    found = 0
    for arrival in _screened(protocol, traits, seed, replicate, without_end=True):
        yield arrival
        found += not arrival.excluded and traits[arrival.subject - 1][enrich.factor] == enrich.level
        if found == protocol.accrual.patients:
            return


def _screened(
    protocol: ResolvedProtocol, traits: Sequence[Traits], seed: int, replicate: int, *, without_end: bool = False
) -> Iterator[Arrival]:
    accrual = protocol.accrual
    sources = _Sources(accrual, seed, replicate)
    waiting = sorted(pauses_after(accrual))
    randomised, full = 0, Counter[tuple[str, str]]()
    by_site: Counter[int] = Counter()
    at_most = math.inf if accrual.site_plan is None else accrual.site_plan.at_most or math.inf
    subject = 0
    while without_end or randomised < accrual.patients:
        subject += 1
        if subject > _PATIENCE * accrual.patients + _PATIENCE:
            raise TrialsimError(
                f"enrolment does not come to an end: of {subject - 1:,} who came {randomised:,} could be randomised"
            )
        day, site = sources.next()
        if accrual.site_plan is None:
            site = _evenly(accrual.sites, subject, seed, replicate)
        excluded = _excluded(accrual, traits, subject, full, seed, replicate)
        yield Arrival(subject, day, site, excluded)
        if excluded:
            continue
        randomised += 1
        by_site[site] += 1
        if by_site[site] >= at_most:
            sources.close(site)
        while waiting and waiting[0][0] <= randomised:
            sources.pause(day, day + waiting.pop(0)[1])


def _excluded(
    accrual: Accrual, traits: Sequence[Traits], subject: int, full: Counter[tuple[str, str]], seed: int, replicate: int
) -> str:
    """Why a subject is not randomised, or nothing; who is randomised is counted in ``full``."""
    screening = accrual.screening
    unit = stream(seed, Purpose.SCREENING, subject=subject, replicate=replicate).random()
    if unit < screening.failure:
        return NOT_ELIGIBLE
    own = [(name, str(traits[subject - 1][name])) for name in screening.caps]
    for name, level in own:
        cap = screening.caps[name].get(level)
        if cap is not None and full[name, level] >= cap:
            return f"{name} {level} is full"
    full.update(own)
    return ""


class _Sources:
    """The next arrival over all sites; the trial as a whole is one source where sites do not differ."""

    def __init__(self, accrual: Accrual, seed: int, replicate: int) -> None:
        self._open = OpenTime(accrual)
        self._fixed = accrual.arrivals == "fixed"
        sites = opened_sites(accrual, seed=seed, replicate=replicate) or (OpenedSite(TRIAL, 1.0, 0.0),)
        self._sites = {site.number: site for site in sites}
        self._rng = {n: stream(seed, Purpose.ACCRUAL, subject=n, replicate=replicate) for n in self._sites}
        # Evenly spaced arrivals of several sites take turns instead of coming at the same instant.
        count = len(sites)
        self._units = {n: (n - count) / count if self._fixed and n != TRIAL else 0.0 for n in self._sites}
        self._queue: list[tuple[float, int]] = []
        for number in self._sites:
            self._push(number)

    def next(self) -> tuple[float, int]:
        """Calendar day and site of the next arrival."""
        if not self._queue:
            raise TrialsimError("enrolment does not come to an end: every site has its patients")
        day, site = heapq.heappop(self._queue)
        self._push(site)
        return day, site

    def close(self, site: int) -> None:
        """A site takes nobody any more."""
        self._queue = [entry for entry in self._queue if entry[1] != site]
        heapq.heapify(self._queue)

    def pause(self, begin: float, end: float) -> None:
        """Nobody comes in (``begin``, ``end``]; whoever would have, comes later."""
        self._open.pause(begin, end)
        self._queue = [(self._day(site), site) for _, site in self._queue]
        heapq.heapify(self._queue)

    def _push(self, site: int) -> None:
        self._units[site] += 1.0 if self._fixed else self._rng[site].standard_exponential()
        heapq.heappush(self._queue, (self._day(site), site))

    def _day(self, number: int) -> float:
        site = self._sites[number]
        if site.share <= 0.0:
            return math.inf
        opened = self._open.count(site.opens) if site.opens > 0.0 else 0.0
        return on_grid(self._open.day(self._units[number] / site.share + opened))
