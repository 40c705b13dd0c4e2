"""How a trial is run, resolved: enrolment beyond a single rate, sites, screening.

Part of the resolved protocol (`trialsim.spec.resolved`). Time is in days, rates per day.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from trialsim.spec.agents import Frozen
from trialsim.spec.resolved_values import (
    CalendarDay,
    Count,
    Days,
    InRange,
    Positive,
    Rate,
    Room,
    Share,
    SomeDays,
    SomeShare,
)

if TYPE_CHECKING:
    from trialsim.designs.monitoring import LooksDesign


class AccrualStep(Frozen):
    """One rate of enrolment and the calendar day until which it holds."""

    per_day: Rate
    until_days: Days | None
    """None: until enrolment ends."""


class Pause(Frozen):
    """A time without enrolment: from a calendar day, or from the arrival of a number of patients on."""

    from_day: CalendarDay | None
    after_patients: Count | None
    for_days: SomeDays


class Sites(Frozen):
    """Sites that open one by one and differ in their rates.

    A site's rate is its share of the trial's. Shares sum to 1; with ``shape`` each is multiplied by a gamma variate of
    mean 1 and that shape (Anisimov & Fedorov 2007), so that counts by site are negative binomial.
    """

    shares: tuple[Share, ...]
    """By site; a site's number is its place, from 1."""
    opens_days: tuple[Annotated[float, InRange(0.0, 1e10)], ...]
    """Calendar day on which each site opens; empty when ``within_days`` is there."""
    within_days: Days | None = None
    """Each site opens at a time uniform between 0 and this."""
    shape: Positive | None = None
    """Shape of the gamma law of the sites' rates; None: as their shares say."""
    at_most: Count | None = None
    """Patients that a site randomises at most."""


class Screening(Frozen):
    """Who of those that come are not randomised."""

    failure: Share = 0.0
    """Chance that a patient turns out not to be eligible."""
    caps: dict[str, dict[str, Room]] = Field(default_factory=dict)
    """Trait -> level -> most patients of that level that are randomised."""

    @property
    def is_idle(self) -> bool:
        return self.failure == 0.0 and not self.caps


#: The site as a factor of minimisation.
SITE = "site"


class Minimisation(Frozen):
    """Pocock & Simon 1975 with a biased coin; for unequal ratios after Han, Enas & McEntegart 2009."""

    weights: dict[str, Positive]
    """Factor -> weight; the factors are the strata, and ``site`` where it is one."""
    coin: SomeShare
    """Chance that a patient gets the preferred arm; with an unequal ratio, when that is the smallest arm."""
    imbalance: Literal["range", "variance"]


Method = Literal["blocks", "simple", "minimisation"]
ArrivalLaw = Literal["poisson", "fixed"]


class Cut(Frozen):
    """When the data are cut, beside the minimum follow-up: a calendar day, a number of events, the later or earlier."""

    events: Count | None
    """Events of the primary endpoint."""
    day: CalendarDay | None
    """Calendar day."""
    when: Literal["latest", "earliest"]
    no_later_than_days: CalendarDay
    """Calendar day on which the data are cut in any case."""


class FutilityLooks(Frozen):
    """A boundary for futility."""

    beta: SomeShare
    spending: str
    binding: bool


class ReEstimate(Frozen):
    """When the last interim look raises the number of events, and to what."""

    power: SomeShare
    lowest: SomeShare
    at_most: Positive


class Enrich(Frozen):
    """The subgroup in which a trial may go on alone, and when."""

    factor: str
    level: str
    others_above: Positive


class Looks(Frozen):
    """Interim looks at shares of the events that cut the data."""

    at: tuple[SomeShare, ...]
    events: Count
    spending: str
    """As `trialsim.designs.spending.parse_spending` reads it."""
    futility: FutilityLooks | None
    re_estimate: ReEstimate | None = None
    enrich: Enrich | None = None
    least_share: SomeShare | None = None
    """The floor where later patients go more often to the arm that does better; None where they do not."""
    hazard_ratio: Positive | None
    """The effect that conditional power is told for."""

    @property
    def targets(self) -> tuple[int, ...]:
        """Events at which the interim looks are, without the final analysis."""
        return tuple(math.ceil(round(share * self.events, 9)) for share in self.at[:-1])

    def plan(self, alpha: float, sided: int) -> LooksDesign:
        """The design that the looks follow."""
        from trialsim.designs.boundaries import Futility
        from trialsim.designs.monitoring import LooksDesign
        from trialsim.designs.spending import parse_spending

        by, futility = self.futility, None
        if by is not None:
            futility = Futility(by.beta, parse_spending(by.spending), by.binding)
        return LooksDesign(self.at, float(self.events), alpha, sided, parse_spending(self.spending), futility)


PlaceKind = Literal["infusion_chairs", "radiotherapy_slots"]
"""What a treatment may have to wait for."""


class Capacity(Frozen):
    """How many patients a day there are places for."""

    places: dict[PlaceKind, Count]
    """Places a day; what is not named is without limit."""
    open_days: tuple[Annotated[int, InRange(0, 6)], ...]
    """Days of the week, 0 Monday to 6 Sunday."""
    per_site: bool = False
    """Whether each site has that many, or all sites together."""


class NewTherapy(Frozen):
    """Anticancer therapy that is not the trial's, before a relapse."""

    per_day: Rate
    hazard_ratio: Positive
    """What it does from then on to the hazard of an arm with a law; a patient of cells is not changed by it."""


class AfterRelapse(Frozen):
    """A treatment after relapse, and what it does to the time from relapse to death from cancer."""

    share: Share
    survival_ratio: Positive
    arms: tuple[str, ...]
    """The arms whose patients may get it."""
    to: str
    """The arm whose treatment they cross over to; empty for another treatment."""


class Intercurrent(Frozen):
    """What may come in between (ICH E9(R1)), beside treatment that is stopped."""

    new_therapy: NewTherapy | None = None
    crossover: AfterRelapse | None = None
    rescue: AfterRelapse | None = None


Strategy = Literal["treatment-policy", "hypothetical", "while-on-treatment", "composite", "principal-stratum"]
"""How an intercurrent event is dealt with."""


class Strategies(Frozen):
    """A strategy for each intercurrent event."""

    discontinuation: Strategy = "treatment-policy"
    new_therapy: Strategy = "treatment-policy"
    crossover: Strategy = "treatment-policy"
    rescue: Strategy = "treatment-policy"

    @property
    def is_treatment_policy(self) -> bool:
        """Whether nothing that comes in between changes the analysis."""
        return self == Strategies()
