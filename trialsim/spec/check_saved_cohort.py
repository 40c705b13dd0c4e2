"""Whether the parts of a saved cohort fit together."""

from __future__ import annotations

from trialsim.spec.distributions import AT_LEAST_ONE, LEAST_SHARE, NEVER_ZERO, PACE, ends, share_kept
from trialsim.spec.form import Findings
from trialsim.spec.misfits import note, note_strangers
from trialsim.spec.resolve_cohort import (
    NEEDED_WITHOUT_CELLS,
    check_room_to_grow,
    leads_back,
    positive_definite,
    unit_of,
)
from trialsim.spec.resolved import Distribution, ResolvedCohort, ResolvedTrait
from trialsim.spec.source import KeyPath
from trialsim.spec.traits import REQUIRED_TRAITS, TRAITS, Trait
from trialsim.units import DIMENSIONS

#: The parameters of each kind, and those of them that are above zero.
_PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "constant": (("value",), ()),
    "normal": (("mean", "sd"), ("sd",)),
    "lognormal": (("mu", "sigma"), ("sigma",)),
    "uniform": (("low", "high"), ()),
    "loguniform": (("low", "high"), ("low",)),
    "beta": (("a", "b"), ("a", "b")),
    "categorical": ((), ()),
}
#: Beyond this no parameter of a distribution in `_PARAMETERS` has a meaning.
_LARGEST = 1e18
_AT: KeyPath = ("cohort",)


def check_saved_cohort(findings: Findings, cohort: ResolvedCohort) -> None:
    """Note what of a saved protocol's cohort does not fit together."""
    needed = REQUIRED_TRAITS if cohort.has_cells else NEEDED_WITHOUT_CELLS
    lacking = [name for name in needed if name not in cohort.traits]
    if lacking:
        note(findings, (*_AT, "traits"), f"the cohort lacks {', '.join(lacking)}")
    parents = {name: trait.by for name, trait in cohort.traits.items() if trait.by is not None}
    for name, trait in cohort.traits.items():
        path = (*_AT, "traits", name)
        if name not in TRAITS:
            note_strangers(findings, path, [name], TRAITS, "a trait of the model")
            continue
        if trait.name != name:
            note(findings, (*path, "name"), f"`{name}` is called `{trait.name}` in its entry")
        if trait.unit != unit_of(TRAITS[name]):
            note(findings, (*path, "unit"), f"`{name}` is in {unit_of(TRAITS[name]) or 'no unit'}, not in {trait.unit}")
        if leads_back(parents, name):
            note(findings, (*path, "by"), f"`{name}` depends on itself through `{trait.by}`")
        _check_cases(findings, path, trait, cohort)
        for case, distribution in trait.cases.items():
            wrong = misfit(distribution, TRAITS[name])
            if wrong:
                note(findings, (*path, "cases", case), f"`{name}` {wrong}")
    for sex in ("female", "male"):
        if sex not in cohort.mortality:
            note(findings, (*_AT, "mortality"), f"there is no mortality of the {sex}")
    _check_correlations(findings, cohort)
    if not findings.problems:
        check_room_to_grow(findings, (*_AT, "traits"), cohort.traits)


def _check_cases(findings: Findings, path: KeyPath, trait: ResolvedTrait, cohort: ResolvedCohort) -> None:
    """One distribution for each level of what the trait depends on."""
    parent = None if trait.by is None else cohort.traits.get(trait.by)
    if trait.by is not None and (parent is None or not parent.levels):
        note(findings, (*path, "by"), f"the cohort has no category `{trait.by}`")
        return
    levels = {"*"} if parent is None else set(parent.levels)
    if set(trait.cases) != levels:
        note(findings, (*path, "cases"), f"the cases are not {', '.join(sorted(levels))}")


def misfit(distribution: Distribution, trait: Trait) -> str:
    """What is wrong with a distribution of a trait; empty if nothing is."""
    if trait.is_category != (distribution.kind == "categorical"):
        return f"is a {'category' if trait.is_category else 'number'}, which is not {distribution.kind}"
    if trait.is_category:
        return _misfit_of_levels(distribution, trait)
    names, above_zero = _PARAMETERS[distribution.kind]
    parameters = distribution.parameters
    if set(parameters) != set(names) or distribution.levels or distribution.probabilities:
        return f"is {distribution.kind}, which has {' and '.join(names)}"
    if any(not abs(value) <= _LARGEST for value in parameters.values()) or any(
        parameters[k] <= 0.0 for k in above_zero
    ):
        return f"has parameters that no {distribution.kind} distribution has"
    if "low" in names and parameters["low"] >= parameters["high"]:
        return "has a `low` that is not below `high`"
    return _misfit_of_range(distribution, trait)


def _misfit_of_levels(distribution: Distribution, trait: Trait) -> str:
    levels, shares = distribution.levels, distribution.probabilities
    if not levels or len(levels) != len(shares) or len(set(levels)) != len(levels):
        return f"has {len(levels)} levels and {len(shares)} probabilities"
    if trait.levels != ("*",) and not set(levels) <= set(trait.levels):
        return f"has a level that is none of {', '.join(trait.levels)}"
    return "" if abs(sum(shares) - 1.0) <= 1e-6 else f"has probabilities that sum to {sum(shares):g}, not 1"


def _misfit_of_range(distribution: Distribution, trait: Trait) -> str:
    """Whether what can be drawn is what the trait can be."""
    lower, upper = distribution.lower, distribution.upper
    if lower is not None and upper is not None and not lower < upper:
        return "has a `lower` that is not below `upper`"
    if (
        distribution.kind == "lognormal"
        and distribution.parameters["mu"] + 8.0 * distribution.parameters["sigma"] > 700.0
    ):
        return "has parameters that no lognormal distribution has"
    if (lower, upper) != (None, None) and not share_kept(distribution, lower, upper) >= LEAST_SHARE:
        return "has next to nothing between `lower` and `upper`"
    low, high = ends(distribution)
    least, most = PACE.get(trait.name, (0.0, DIMENSIONS[trait.dimension or "count"].highest))
    least = max(least, 1.0) if trait.name in AT_LEAST_ONE else least
    highest = min(most, DIMENSIONS[trait.dimension or "count"].highest)
    if low < least or high > highest or (low == 0.0 and trait.name in NEVER_ZERO):
        return f"can be {low:.3g} to {high:.3g}, which goes beyond {least:g} to {highest:g}"
    return ""


def _check_correlations(findings: Findings, cohort: ResolvedCohort) -> None:
    path = (*_AT, "correlations")
    pairs = [tuple(sorted(one.traits)) for one in cohort.correlations]
    numeric = [name for name, trait in TRAITS.items() if not trait.is_category]
    for i, pair in enumerate(pairs):
        note_strangers(findings, (*path, i, "traits"), pair, numeric, "a numeric trait")
        if pair[0] == pair[1] or pair in pairs[:i]:
            note(findings, (*path, i, "traits"), "a correlation is between two different traits, once")
    if pairs and not findings.problems and not positive_definite(list(cohort.correlations)):
        note(findings, path, "no patients could have all these correlations")
