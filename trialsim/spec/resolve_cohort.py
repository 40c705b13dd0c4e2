"""A cohort as written -> a resolved cohort, with the checks that go across its traits."""

from __future__ import annotations

import numpy as np

from trialsim.spec.distributions import ends, resolve_distribution
from trialsim.spec.form import Findings, read_entries, read_sections
from trialsim.spec.resolved import (
    BackgroundMortality,
    Correlation,
    Distribution,
    PostRelapse,
    ResolvedCohort,
    ResolvedTrait,
)
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.traits import REQUIRED_TRAITS, TRAITS, Trait
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_cohort import (
    WrittenCases,
    WrittenCohort,
    WrittenCorrelation,
    WrittenGompertz,
    WrittenMortality,
    WrittenPostRelapse,
    WrittenTrait,
)
from trialsim.units import DIMENSIONS

#: The traits that conduct and tables ask of every patient.
NEEDED_WITHOUT_CELLS = ("age", "sex")


def resolve_cohort(findings: Findings) -> ResolvedCohort | None:
    """The cohort in ``findings.document``, or None with its problems noted."""
    sections = read_sections(findings, WrittenCohort, entries=("traits",))
    has_cells = sections["cells"] is not False
    traits = _resolve_traits(findings, has_cells) if "traits" in findings.document.data else {}
    correlations = _resolve_correlations(findings, sections["correlations"] or [])
    mortality: WrittenMortality | None = sections["mortality"]
    relapse: WrittenPostRelapse | None = sections["post_relapse"]
    if findings.problems or mortality is None or relapse is None:
        return None
    return ResolvedCohort(
        name=sections["name"],
        title=sections["title"] or sections["name"],
        description=sections["description"] or "",
        has_cells=has_cells,
        traits=traits,
        correlations=correlations,
        focus_spread=sections["focus_spread"],
        mortality={"female": _gompertz(mortality.female), "male": _gompertz(mortality.male)},
        post_relapse=PostRelapse(
            local_median_days=relapse.local_median,
            distant_median_days=relapse.distant_median,
            source=relapse.source,
            confidence=relapse.confidence,
        ),
    )


def _gompertz(written: WrittenGompertz) -> BackgroundMortality:
    return BackgroundMortality(
        rate60_per_year=written.rate60,
        slope_per_year=written.slope,
        source=written.source,
        confidence=written.confidence,
    )


def _resolve_traits(findings: Findings, has_cells: bool) -> dict[str, ResolvedTrait]:
    """The traits that keep the rules, in slot order."""
    at: KeyPath = ("traits",)
    written: dict[str, WrittenTrait | None] = read_entries(findings, at, WrittenTrait)
    for name in written:
        if name not in TRAITS:
            message = f"`{name}` is not a trait of the model"
            findings.add((*at, name), message, Rule.KNOWN_TRAIT, did_you_mean(name, TRAITS), at_key=True)
    needed = REQUIRED_TRAITS if has_cells else NEEDED_WITHOUT_CELLS
    missing = [name for name in needed if name not in written]
    if missing:
        message = f"the cohort lacks {len(missing)} trait" + ("s" if len(missing) > 1 else "")
        findings.add(at, f"{message}: {', '.join(missing)}", Rule.ALL_TRAITS, at_key=True)
    resolved: dict[str, ResolvedTrait] = {}
    for name, trait in TRAITS.items():
        form = written.get(name)
        if form is not None and (result := _resolve_trait(findings, (*at, name), form, trait)):
            resolved[name] = result
    _check_dependence(findings, written, resolved, has_cells)
    check_room_to_grow(findings, at, resolved)
    return resolved


def check_room_to_grow(findings: Findings, at: KeyPath, traits: dict[str, ResolvedTrait]) -> None:
    """A lesion still grows where its doubling time was measured: Gompertz's law has no growth at the capacity."""
    capacity, burden = traits.get("carrying_capacity"), traits.get("doubling_time_burden")
    if capacity is None or burden is None:
        return
    least = min(ends(case)[0] for case in capacity.cases.values())
    most = max(ends(case)[1] for case in burden.cases.values())
    if least <= most:
        message = f"`carrying_capacity` can be {least:.3g} cells, and the doubling time is that of up to {most:.3g}"
        remedy = "more than `doubling_time_burden`, by `min` if need be"
        findings.add((*at, "carrying_capacity"), message, Rule.SUPPORT, remedy, at_key=True)


def unit_of(trait: Trait) -> str:
    """The unit that a resolved trait is in; empty for a category and a plain number."""
    return "" if trait.dimension is None else DIMENSIONS[trait.dimension].base


def _resolve_trait(findings: Findings, path: KeyPath, written: WrittenTrait, trait: Trait) -> ResolvedTrait | None:
    unit = unit_of(trait)
    if not isinstance(written, WrittenCases):
        one = resolve_distribution(findings, path, written, trait)
        if one is None:
            return None
        return ResolvedTrait(name=trait.name, unit=unit, cases={"*": one}, note=written.note or "")
    around = (written.source, written.confidence)
    cases: dict[str, Distribution] = {}
    for level, form in written.cases.items():
        one = resolve_distribution(findings, (*path, "cases", level), form, trait, around)
        if one:
            cases[level] = one
    return ResolvedTrait(name=trait.name, unit=unit, by=written.by, cases=cases, note=written.note or "")


def _check_dependence(
    findings: Findings,
    written: dict[str, WrittenTrait | None],
    resolved: dict[str, ResolvedTrait],
    has_cells: bool,
) -> None:
    """`by` names a category, covers its levels, and leads round no circle."""
    parents = {name: form.by for name, form in written.items() if isinstance(form, WrittenCases)}
    categories = [name for name, trait in TRAITS.items() if trait.is_category]
    for name, parent in parents.items():
        path: KeyPath = ("traits", name)
        if parent not in categories:
            message = f"`{parent}` is not a categorical trait"
            findings.add((*path, "by"), message, Rule.BY_CATEGORY, did_you_mean(parent, categories))
        elif parent not in written and not has_cells:
            message = f"the cohort has no `{parent}`"
            findings.add((*path, "by"), message, Rule.BY_CATEGORY, "add it to `traits`")
        elif leads_back(parents, name):
            findings.add((*path, "by"), f"`{name}` depends on itself through `{parent}`", Rule.BY_CYCLE)
        elif parent in resolved:
            _check_cases(findings, (*path, "cases"), parent, resolved[parent])


def leads_back(parents: dict[str, str], name: str) -> bool:
    here, seen = parents.get(name), {name}
    while here is not None and here not in seen:
        seen.add(here)
        here = parents.get(here)
    return here == name


def _check_cases(findings: Findings, path: KeyPath, parent: str, trait: ResolvedTrait) -> None:
    levels = list(dict.fromkeys(level for case in trait.cases.values() for level in case.levels))
    cases = findings.document.get(path)
    missing = [level for level in levels if level not in cases]
    if missing:
        message = f"there is no case for {', '.join(missing)}"
        findings.add(path, message, Rule.EVERY_CASE, f"add {missing[0]}: ...", at_key=True)
    for level in cases:
        if level not in levels:
            message = f"`{level}` is not a level of `{parent}` in this cohort"
            findings.add((*path, level), message, Rule.KNOWN_LEVEL, did_you_mean(level, levels), at_key=True)


def _resolve_correlations(findings: Findings, written: list[WrittenCorrelation]) -> tuple[Correlation, ...]:
    """The correlations, which must be between numbers and fit together."""
    numeric = [name for name, trait in TRAITS.items() if not trait.is_category]
    result: list[Correlation] = []
    for i, form in enumerate(written):
        path: KeyPath = ("correlations", i, "traits")
        strangers = [name for name in form.traits if name not in numeric]
        pair = tuple(sorted(form.traits))
        if strangers:
            message = f"`{strangers[0]}` is not a numeric trait"
            findings.add(path, message, Rule.CORRELATION, did_you_mean(strangers[0], numeric))
        elif len(pair) != 2 or pair[0] == pair[1]:
            findings.add(path, "a correlation is between two different traits", Rule.CORRELATION)
        elif any(tuple(sorted(c.traits)) == pair for c in result):
            findings.add(path, "these traits are already correlated above", Rule.CORRELATION)
        else:
            result.append(Correlation(traits=(form.traits[0], form.traits[1]), rho=form.rho))
    if result and not positive_definite(result):
        findings.add(("correlations",), "no patients could have all these correlations", Rule.CORRELATION)
    return tuple(result)


def positive_definite(correlations: list[Correlation]) -> bool:
    index = {name: i for i, name in enumerate(sorted({n for c in correlations for n in c.traits}))}
    matrix = np.eye(len(index))
    for correlation in correlations:
        i, j = (index[name] for name in correlation.traits)
        matrix[i, j] = matrix[j, i] = correlation.rho
    return bool(np.linalg.eigvalsh(matrix)[0] > 1e-9)
