"""What a protocol models of an arm. What it does not model is no number: None, never 0.

Patients of cells have a treatment, a site and a cause of relapse, and deaths of other causes. A distribution of
event times has one kind of event, which counts what its endpoint counts: one of relapse-free survival does not
distinguish relapse from death, one of overall survival has no relapse.
"""

from __future__ import annotations

from dataclasses import replace

from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol

#: Endpoints whose events are a relapse or a death, whichever comes first.
COMPOSITE_ENDPOINTS = frozenset(("rfs", "drfs"))


def counted(number: int, is_modelled: bool) -> int | None:
    """A count, or None for the 0 of what is not modelled."""
    return number if is_modelled or number else None


def has_treatment(arm: ResolvedArm) -> bool:
    """Whether doses and blood counts are simulated."""
    return arm.model is None


def has_relapses(protocol: ResolvedProtocol, arm: ResolvedArm) -> bool:
    return arm.model is None or protocol.endpoint.primary != "os"


def has_sites(arm: ResolvedArm) -> bool:
    """Whether relapses have a site and a cause; those of a distribution count as distant ones, of no cause."""
    return arm.model is None


def has_deaths_apart(protocol: ResolvedProtocol, arm: ResolvedArm) -> bool:
    """Whether patients can die without relapse, and such a death is told from a relapse."""
    if arm.model is not None and protocol.endpoint.primary in COMPOSITE_ENDPOINTS:
        return False
    if arm.model is not None and protocol.endpoint.primary == "os":
        return True
    mortal = any(law.rate60_per_year > 0.0 for law in protocol.cohort.mortality.values())
    return mortal or (arm.model is None and protocol.pharmacology.is_lethal)


def only_modelled(analysis: SurvivalAnalysis, protocol: ResolvedProtocol) -> SurvivalAnalysis:
    """The analysis without the incidences of what an arm does not model; without those of one kind alone.

    Deaths that censor the endpoint have no incidence either.
    """
    arms, deaths_count = protocol.arms, protocol.endpoint.primary in COMPOSITE_ENDPOINTS
    causes = {name: found for name, found in (analysis.causes or {}).items() if has_sites(arms[name])}
    competing = {
        name: {kind: steps for kind, steps in kinds.items() if kind != "death" or deaths_count}
        for name, kinds in (analysis.competing or {}).items()
        if has_deaths_apart(protocol, arms[name])
    }
    several = {name: kinds for name, kinds in competing.items() if len(kinds) > 1}
    return replace(analysis, competing=several or None, causes=causes or None)
