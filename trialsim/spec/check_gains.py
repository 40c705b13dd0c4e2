"""What gains make of a cohort's traits: a fold has to be left, and the pace one that a run keeps up with."""

from __future__ import annotations

import math
from collections.abc import Mapping

from trialsim.spec.distributions import DIVIDING_FOLDS, LEAST_FOLD, PACE, ends
from trialsim.spec.form import Findings
from trialsim.spec.resolved import ResolvedCohort
from trialsim.spec.rules import Rule
from trialsim.spec.traits import TRAITS

#: The gains that scale traits which set a pace.
PACE_GAINS = {
    "escaper_growth": "escaper.growth",
    "spontaneous_senescence_rate": "spontaneous_senescence",
    "senescence_reversal_rate": "reversal",
    "senescent_clearance_rate": "clearance",
    "immune_kill_rate": "immune_killing",
    "sasp_arrest": "sasp.arrest",
    "sasp_growth": "sasp.growth",
    "sasp_clearance": "sasp.clearance",
    "sasp_seeding": "sasp.seeding",
    "seeding_rate": "seeding",
}


def check_gains(findings: Findings, cohort: ResolvedCohort | None, gains: Mapping[str, float]) -> None:
    """Note the gains that take a trait of the cohort where it cannot be."""
    if cohort is not None:
        _check_folds(findings, cohort, gains)
        _check_pace(findings, cohort, gains)


def _check_folds(findings: Findings, cohort: ResolvedCohort, gains: Mapping[str, float]) -> None:
    """A fold below 1 that a gain scales far enough is none, and the model divides by some."""
    for trait, gain in DIVIDING_FOLDS.items():
        if trait not in cohort.traits:
            continue
        least = min(ends(case)[0] for case in cohort.traits[trait].cases.values())
        if 1.0 + gains[gain] * (least - 1.0) < LEAST_FOLD:
            message = f"`{gain}` {gains[gain]:g} leaves nothing of `{trait}`, which can be {least:.3g}"
            findings.add(("biology", gain), message, Rule.SUPPORT, f"at most {(1.0 - LEAST_FOLD) / (1.0 - least):.3g}")


def _check_pace(findings: Findings, cohort: ResolvedCohort, gains: Mapping[str, float]) -> None:
    """A gain takes no trait beyond the pace that a cohort may give it."""
    for trait, gain in PACE_GAINS.items():
        if trait not in cohort.traits or gains[gain] <= 1.0:
            continue
        none = 1.0 if TRAITS[trait].dimension == "fold" else 0.0  # what has no effect, which a gain leaves as it is
        reach = max(ends(case)[1] for case in cohort.traits[trait].cases.values()) - none
        room = PACE[trait][1] - none
        if gains[gain] * reach > room:
            message = f"`{gain}` {gains[gain]:g} takes `{trait}` up to {none + gains[gain] * reach:.3g}"
            remedy = (
                f"at most {math.floor(100.0 * room / reach + 1e-6) / 100.0:g}, which takes it to {PACE[trait][1]:g}"
            )
            findings.add(("biology", gain), message, Rule.SUPPORT, remedy)
