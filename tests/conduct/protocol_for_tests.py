"""A small resolved protocol and a make-believe patient, for the tests of conduct and endpoints.

Everything is stated in plain numbers here, so that no test of this layer leans on the YAML reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.conduct.plain_course import PlainCourse
from trialsim.conduct import NewCourse
from trialsim.records import Relapse
from trialsim.schedule import PlannedVisits
from trialsim.spec import resolved as spec
from trialsim.spec.agents import Cytotoxic, Fate, Fates, Sourced

MONTH = 30.4375
PLATELET_RULE = spec.DoseRule(
    name="platelets", hold_below=75.0, resume_above=100.0, reduce_percent=25.0, stop_after_holds=3
)


def _sourced(value: float, unit: str) -> Sourced:
    return Sourced(value=value, unit=unit, source="chosen for a test", confidence="low")


def _fate() -> Fate:
    return Fate(senescence=_sourced(0.5, "1"), repair=_sourced(0.1, "1"))


def agent(name: str) -> Cytotoxic:
    fates = Fates(wild_type=_fate(), mutant=_fate(), death_shift=_sourced(2.0, "1"))
    return Cytotoxic(
        name=name,
        label=name.capitalize(),
        inducer="dna_damage",
        reference_dose=_sourced(60.0, "mg/m2"),
        log_kill=_sourced(1.0, "1"),
        fates=fates,
    )


def _trait(name: str, unit: str, distribution: spec.Distribution) -> spec.ResolvedTrait:
    return spec.ResolvedTrait(name=name, unit=unit, cases={"*": distribution})


def _categories(name: str, **levels: float) -> spec.ResolvedTrait:
    distribution = spec.Distribution(kind="categorical", levels=tuple(levels), probabilities=tuple(levels.values()))
    return _trait(name, "", distribution)


def _number(name: str, unit: str, low: float, high: float) -> spec.ResolvedTrait:
    return _trait(name, unit, spec.Distribution(kind="uniform", parameters={"low": low, "high": high}))


def cohort() -> spec.ResolvedCohort:
    traits = [
        _number("age", "yr", 30.0, 80.0),
        _categories("sex", female=0.9, male=0.1),
        _categories("subtype", luminal=0.6, basal=0.4),
        _categories("nodes", positive=0.5, negative=0.5),
        _categories("p53_status", wild_type=0.65, mutant=0.35),
        _number("doubling_time", "d", 60.0, 200.0),
        _number("residual_burden", "cells", 1e2, 1e5),
        _number("platelet_baseline", "1e9/L", 180.0, 320.0),
    ]
    gompertz = spec.BackgroundMortality(
        rate60_per_year=0.01, slope_per_year=0.09, source="chosen for a test", confidence="low"
    )
    return spec.ResolvedCohort(
        name="test-cohort",
        title="A cohort for tests",
        description="",
        traits={trait.name: trait for trait in traits},
        focus_spread=0.5,
        mortality={"female": gompertz, "male": gompertz.model_copy(update={"rate60_per_year": 0.015})},
        post_relapse=spec.PostRelapse(
            local_median_days=1200.0, distant_median_days=600.0, source="chosen for a test", confidence="low"
        ),
    )


def order(
    name: str, days: tuple[float, ...], starts: tuple[float, ...], rule: spec.DoseRule | None = None
) -> spec.Order:
    return spec.Order(
        id=name,
        regimen="add",
        agent=name,
        dose=100.0,
        dose_unit="mg",
        days=days,
        cycle_starts=starts,
        field="systemic",
        rule=rule,
        written="day 1",
    )


def chemotherapy() -> spec.Order:
    starts = tuple(14.0 * k for k in range(4))
    return order("doxorubicin", starts, starts)


def senolytic(start: float = 70.0, cycles: int = 6, rule: spec.DoseRule | None = PLATELET_RULE) -> spec.Order:
    starts = tuple(start + 28.0 * k for k in range(cycles))
    return order("navitoclax", tuple(first + day for first in starts for day in range(7)), starts, rule)


def arm(name: str, *orders: spec.Order) -> spec.ResolvedArm:
    return spec.ResolvedArm(name=name, label=f"The {name} arm", orders=orders)


def protocol(**changes: object) -> spec.ResolvedProtocol:
    """Two arms, chemotherapy against chemotherapy and a senolytic; ``changes`` replace whole sections."""
    arms = {
        "control": arm("control", chemotherapy()),
        "navitoclax": arm("navitoclax", chemotherapy(), senolytic()),
    }
    written = spec.ResolvedProtocol(
        name="test-trial",
        title="A trial for tests",
        description="",
        cohort=cohort(),
        agents={name: agent(name) for name in ("doxorubicin", "navitoclax")},
        arms=arms,
        randomisation=spec.Randomisation(
            ratio={"control": 1, "navitoclax": 1}, block_sizes=(4, 6), strata=("p53_status", "nodes")
        ),
        accrual=spec.Accrual(patients=120, per_day=0.8, ramp_days=60.0, sites=7, opens="2026-01-15"),
        follow_up=spec.FollowUp(
            minimum_days=24 * MONTH,
            scans=(
                spec.ScanPeriod(every_days=3 * MONTH, until_days=12 * MONTH),
                spec.ScanPeriod(every_days=6 * MONTH, until_days=None),
            ),
            dropout_per_day=0.05 / 365.25,
        ),
        detection=spec.Detection(limit_cells=1e9, error_sd_log10=0.1, source="chosen for a test", confidence="low"),
        endpoint=spec.Endpoint(primary="rfs"),
        analysis=spec.Analysis(
            reference="control",
            alpha=0.025,
            sided=1,
            test="logrank",
            confidence_level=0.95,
            landmarks_days=(365.25, 730.5),
            rmst_tau_days=730.5,
            subgroups=("p53_status", "nodes"),
        ),
        biology={},
        numerics=spec.Numerics(tolerance=0.02, max_step_days=7.0),
    )
    return written.model_copy(update=changes)


def with_patients(base: spec.ResolvedProtocol, patients: int) -> spec.ResolvedProtocol:
    return base.model_copy(update={"accrual": base.accrual.model_copy(update={"patients": patients})})


def all_traits(patients: int, seed: int = 5) -> list[dict[str, float | str]]:
    """Traits of patients 1, 2, ...; those of the first n do not depend on how many follow."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, float | str]] = []
    for _ in range(patients):
        u = rng.random(8)
        rows.append(
            {
                "age": 30.0 + 50.0 * u[0],
                "sex": "male" if u[1] < 0.1 else "female",
                "subtype": "basal" if u[2] < 0.4 else "luminal",
                "nodes": "positive" if u[3] < 0.5 else "negative",
                "p53_status": "mutant" if u[4] < 0.35 else "wild_type",
                "doubling_time": 60.0 + 140.0 * u[5],
                "residual_burden": 1e2 + 1e5 * u[6],
                "platelet_baseline": 180.0 + 140.0 * u[7],
            }
        )
    return rows


@dataclass
class MakeBelieveCourse:
    """A course with a relapse on a known day and noisy platelets that senolytic doses lower.

    It writes down every call, and refuses to go back in time.
    """

    relapse_day: float = np.inf
    site: str = "distant"
    platelet_noise: np.random.Generator | None = None
    platelets: float = 250.0
    now: float = 0.0
    calls: list[tuple[str, float, int, float]] = field(default_factory=list)
    nadir: float = 250.0

    def advance(self, until: float) -> None:
        assert until >= self.now
        self.platelets = 250.0 - (250.0 - self.platelets) * float(np.exp(-(until - self.now) / 10.0))
        self.now = until
        self.calls.append(("advance", until, 0, 0.0))

    def give(self, order: int, fraction: float) -> None:
        self.calls.append(("give", self.now, order, fraction))
        if order == 1:
            self.platelets = max(20.0, self.platelets - 35.0 * fraction)
        self.nadir = min(self.nadir, self.platelets)

    def assess(self) -> Relapse | None:
        self.calls.append(("assess", self.now, 0, 0.0))
        if self.now < self.relapse_day:
            return None
        cause = "residual growth" if self.site == "local" else "awakened dormancy"
        return Relapse(self.site, self.relapse_day, 0.0, self.now, cause, 2.5e9, {cause: 1.0})

    def laboratory(self, day: float) -> float:
        self.calls.append(("laboratory", day, 0, 0.0))
        if self.platelet_noise is None:
            return self.platelets
        return float(self.platelets * self.platelet_noise.uniform(0.2, 1.1))

    def neutrophils(self) -> float:
        self.calls.append(("neutrophils", self.now, 0, 0.0))
        return 4.0


@dataclass
class Courses:
    """Makes make-believe courses and keeps them by patient; a patient has the same luck in each arm."""

    seed: int = 1
    relapse_scale: float = 1500.0
    made: dict[int, MakeBelieveCourse] = field(default_factory=dict)

    def __call__(self, patient: int, arm: spec.ResolvedArm, traits: object, visits: PlannedVisits) -> PlainCourse:
        return PlainCourse(self.body(patient), arm, visits)

    def body(self, patient: int) -> MakeBelieveCourse:
        """A patient, without the visits."""
        rng = np.random.default_rng([self.seed, patient])
        day = float(rng.exponential(self.relapse_scale))
        site = "local" if rng.random() < 0.4 else "distant"
        self.made[patient] = MakeBelieveCourse(day, site, rng)
        return self.made[patient]


def all_alike(make: Callable[[], MakeBelieveCourse]) -> NewCourse:
    """Courses around the bodies that a function makes."""
    return lambda patient, arm, traits, visits: PlainCourse(make(), arm, visits)
