"""The resolved protocol: nothing left out, nothing left to look up, one unit per quantity.

What an author writes (`trialsim.spec.written_protocol`, `written_cohort`) and what a run uses are different types. This
one is saved with every run as ``protocol.resolved.yaml`` and is all that a run needs. Time is in days, time 0 is
randomisation ("day 1" in a protocol), burden in cells, rates per day.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialsim.spec.agents import Agent, Confidence, Frozen
from trialsim.spec.biomarkers import Guide, Marker, Panel
from trialsim.spec.resolved_conduct import (
    AccrualStep,
    ArrivalLaw,
    Capacity,
    Cut,
    Intercurrent,
    Looks,
    Method,
    Minimisation,
    Pause,
    Screening,
    Sites,
    Strategies,
)
from trialsim.spec.resolved_model import EventModel
from trialsim.spec.resolved_values import (
    Cells,
    Count,
    Days,
    Dose,
    InRange,
    NotNegative,
    Rate,
    Share,
    Slope,
    SomeDays,
    SomeShare,
    Step,
)

DistributionKind = Literal["constant", "normal", "lognormal", "uniform", "loguniform", "beta", "categorical"]


class Distribution(Frozen):
    """A distribution in canonical parameters.

    ==============  =============================================================
    constant        value
    normal          mean, sd
    lognormal       mu, sigma (of the natural logarithm)
    uniform         low, high
    loguniform      low, high
    beta            a, b
    categorical     one probability per level, summing to 1 (`levels`, `probabilities`)
    ==============  =============================================================

    ``lower`` and ``upper`` truncate a numeric distribution (the quantile is rescaled into the interval).
    A constant category has kind ``categorical`` and one level of probability 1.
    """

    kind: DistributionKind
    parameters: dict[str, float] = Field(default_factory=dict)
    lower: float | None = None
    upper: float | None = None
    levels: tuple[str, ...] = ()
    probabilities: tuple[Share, ...] = ()
    source: str = ""
    confidence: Confidence | None = None


class ResolvedTrait(Frozen):
    """A trait's distribution: one, or one for each level of the trait named ``by``."""

    name: str
    unit: str
    by: str | None = None
    cases: dict[str, Distribution]
    """Distribution by level of ``by``; the single key ``"*"`` when ``by`` is None."""
    note: str = ""

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level that a categorical trait can take, sorted; empty for a number."""
        return tuple(sorted({level for case in self.cases.values() for level in case.levels}))


class Correlation(Frozen):
    """Gaussian-copula correlation between two numeric traits."""

    traits: tuple[str, str]
    rho: Annotated[float, InRange(-0.999, 0.999)]


class PostRelapse(Frozen):
    """Death from cancer after relapse: exponential, with this median by kind of relapse (days)."""

    local_median_days: SomeDays
    distant_median_days: SomeDays
    source: str
    confidence: Confidence


class BackgroundMortality(Frozen):
    """Gompertz: hazard per year at age x is rate60 * exp(slope * (x - 60))."""

    rate60_per_year: Rate
    slope_per_year: Slope
    source: str
    confidence: Confidence


class ResolvedCohort(Frozen):
    name: str
    title: str
    description: str
    has_cells: bool = True
    """False: its patients have no tumour, so that every arm needs a law of event times."""
    traits: dict[str, ResolvedTrait]
    correlations: tuple[Correlation, ...] = ()
    focus_spread: Annotated[float, InRange(0.0, 10.0)]
    """Lesion-to-lesion standard deviation of ln(cells) around the patient's median focus."""
    mortality: dict[Literal["female", "male"], BackgroundMortality]
    post_relapse: PostRelapse


class DoseRule(Frozen):
    """Limits on blood counts for one order, in 1e9/L: platelets by the last laboratory visit, neutrophils by the day.

    A rule without a limit on a count has 0 for both of its limits: no count is below.
    """

    name: str
    hold_below: NotNegative
    resume_above: NotNegative
    reduce_percent: Annotated[float, InRange(0.0, 100.0)]
    """How much of the current dose is taken off when treatment resumes after a hold."""
    stop_after_holds: Count
    neutrophils_hold_below: NotNegative = 0.0
    neutrophils_resume_above: NotNegative = 0.0
    delay_days: Days = 0.0
    """How long a dose that is held waits, and with it all that follows by the same rule; 0: it is skipped."""
    longest_delay_days: Days | None = None
    """A dose that would wait longer ends the orders; None: it waits on."""

    @property
    def limits_platelets(self) -> bool:
        """Whether the rule looks at platelets; it does where it looks at nothing else."""
        return self.resume_above > 0.0 or not self.limits_neutrophils

    @property
    def limits_neutrophils(self) -> bool:
        return self.neutrophils_resume_above > 0.0


class Order(Frozen):
    """One line of a regimen with every administration dated."""

    id: str
    """Unique within the arm: the agent's name, with ``#2`` and so on for repeats."""
    regimen: str
    """The regimen it was written in; the arm's own ``add`` section is called ``add``."""
    agent: str
    dose: Dose
    dose_unit: str
    days: tuple[Days, ...]
    """Days of administration since randomisation, ascending; one for each dose or fraction."""
    cycle_starts: tuple[Days, ...]
    field: Literal["local", "systemic"]
    rule: DoseRule | None = None
    written: str
    """The start as the author wrote it, for descriptions."""
    give_if: Guide | None = None
    """What must be positive for the order to be given; measured on the day of its first dose or before."""


class ResolvedArm(Frozen):
    name: str
    label: str
    orders: tuple[Order, ...]
    model: EventModel | None = None
    """The law of the event times of an arm whose patients have no cells; such an arm has no orders."""

    @property
    def guides(self) -> tuple[Guide, ...]:
        """What is measured to decide on orders, each once, in the orders' order."""
        return tuple(dict.fromkeys(order.give_if for order in self.orders if order.give_if is not None))

    @property
    def leaders(self) -> tuple[int, ...]:
        """For each order the first one that is delayed with it, since they share a rule that delays; itself alone."""
        first: dict[str, int] = {}
        return tuple(
            first.setdefault(order.rule.name, at) if order.rule is not None and order.rule.delay_days > 0.0 else at
            for at, order in enumerate(self.orders)
        )


class Randomisation(Frozen):
    ratio: dict[str, Count]
    block_sizes: tuple[Count, ...]
    """Sizes of permuted blocks, in patients; each a multiple of the ratio's sum, chosen at random."""
    strata: tuple[str, ...]
    method: Method = "blocks"
    by_site: bool = False
    """Whether the site is one more stratum, or factor of the minimisation."""
    minimisation: Minimisation | None = None


class Accrual(Frozen):
    patients: Count
    per_day: Rate
    """The full rate, over all sites; with ``steps`` the last of theirs."""
    ramp_days: Days
    """The rate rises linearly from zero over this time."""
    sites: Count
    opens: str
    """ISO date of the first day on which a patient can be enrolled; a trial's calendar day 0."""
    steps: tuple[AccrualStep, ...] = ()
    """Rates that follow each other; empty: ``per_day`` throughout."""
    arrivals: ArrivalLaw = "poisson"
    """A Poisson process, or arrivals at the days on which that many are expected."""
    site_plan: Sites | None = None
    """None: all sites are open from the first day, and a patient's is drawn evenly."""
    pauses: tuple[Pause, ...] = ()
    screening: Screening = Screening()


class ScanPeriod(Frozen):
    every_days: SomeDays
    until_days: Days | None
    """None: until the end of follow-up."""


class FollowUp(Frozen):
    minimum_days: Days
    """The data are cut this long after the last patient was randomised; 0 where only ``cut`` rules."""
    scans: tuple[ScanPeriod, ...]
    """None: relapse is seen when it happens, which only arms with a law allow."""
    dropout_per_day: Rate
    window_days: Days = 0.0
    """A scan is up to this early or late."""
    missed: Share = 0.0
    """Chance that a scan is missed."""
    lost_per_day: Rate = 0.0
    cut: Cut | None = None

    @property
    def longest_days(self) -> float:
        """For how long treatment until progression is planned: as long as every patient is followed at least, or, with
        a ``cut``, as long as any could be."""
        if self.cut is None:
            return self.minimum_days
        last = self.cut.day if self.cut.events is None else self.cut.no_later_than_days
        return max(self.minimum_days, last or 0.0)


class Detection(Frozen):
    """A scan calls relapse when a lesion's measured size (log-normal error) reaches the limit."""

    limit_cells: Cells
    error_sd_log10: Annotated[float, InRange(0.0, 3.0)]
    source: str
    confidence: Confidence


class Endpoint(Frozen):
    primary: Literal["rfs", "ttr", "drfs", "os"]
    strategies: Strategies = Strategies()
    """The estimand: how each intercurrent event is dealt with."""


class Analysis(Frozen):
    reference: str
    alpha: SomeShare
    sided: Literal[1, 2]
    test: Literal["logrank", "stratified_logrank"]
    confidence_level: SomeShare
    landmarks_days: tuple[SomeDays, ...]
    rmst_tau_days: SomeDays
    subgroups: tuple[str, ...]
    looks: Looks | None = None


class Numerics(Frozen):
    """Accuracy of the cell kernel; see docs/model.md."""

    tolerance: Annotated[float, InRange(1e-4, 0.5)]
    max_step_days: Step


class Pharmacology(Frozen):
    """What of pharmacology is simulated beside what agents do by themselves."""

    neutrophils: bool = False
    adherence: SomeShare = 1.0
    """Share of the doses that are taken at home and not forgotten."""
    neutropenic_death: Rate = 0.0
    """Hazard per day while true neutrophils are below 0.5e9/L."""
    thrombocytopenic_death: Rate = 0.0
    """Hazard per day while true platelets are below 25e9/L."""

    @property
    def is_lethal(self) -> bool:
        return self.neutropenic_death > 0.0 or self.thrombocytopenic_death > 0.0


class ResolvedProtocol(Frozen):
    trialsim: Literal[1] = 1
    name: str
    title: str
    description: str
    cohort: ResolvedCohort
    agents: dict[str, Agent]
    arms: dict[str, ResolvedArm]
    """In canonical order: the reference arm, then the others by name, whatever the file's order."""
    randomisation: Randomisation
    accrual: Accrual
    follow_up: FollowUp
    detection: Detection
    endpoint: Endpoint
    analysis: Analysis
    biology: dict[str, Annotated[float, InRange(0.0, 1000.0)]]
    numerics: Numerics
    capacity: Capacity | None = None
    """None: every treatment is given when it is due."""
    pharmacology: Pharmacology = Pharmacology()
    intercurrent: Intercurrent = Intercurrent()
    markers: dict[str, Marker] = Field(default_factory=dict)
    """The biomarkers that decide on an order, by name."""
    panels: dict[str, Panel] = Field(default_factory=dict)
    """The panels that decide on an order; a biomarker alone is a panel of one by its own name."""

    @property
    def planned_tau_days(self) -> float | None:
        """The horizon of restricted means that was planned; None where it is the follow-up that the arms will share."""
        follow, tau = self.follow_up, self.analysis.rmst_tau_days
        return None if not follow.minimum_days and tau == follow.longest_days else tau

    @property
    def has_cells(self) -> bool:
        """Whether any arm's patients have cells."""
        return any(arm.model is None for arm in self.arms.values())

    @property
    def counts_neutrophils(self) -> bool:
        """Whether neutrophils are simulated: asked for, or needed by a dose rule."""
        rules = (order.rule for arm in self.arms.values() for order in arm.orders)
        asked = self.pharmacology.neutrophils or self.pharmacology.neutropenic_death > 0.0
        return asked or any(rule is not None and rule.limits_neutrophils for rule in rules)
