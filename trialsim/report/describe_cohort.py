"""A cohort told in plain text, at most 100 columns wide: every distribution, where it comes from, what is assumed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from trialsim.report.labels import one_line
from trialsim.report.marginals import Array, TabulatedDistribution, shares, weights
from trialsim.report.numbers import TRUST, WIDTH, filled, plural, rounded, words
from trialsim.spec.resolved import ResolvedCohort, ResolvedTrait
from trialsim.spec.traits import TRAITS
from trialsim.units import format_time

#: Columns of a histogram or of a full bar.
COLUMNS = 24
_LABEL = 30
_HEIGHTS = " ▁▂▃▄▅▆▇█"
#: The share of patients that a histogram leaves out at either end.
_TAIL = 0.01


def describe_cohort(cohort: ResolvedCohort) -> str:
    """Who the patients are, what is assumed of them, and every trait's distribution, overall and by its cases."""
    head = cohort.title or cohort.name
    blocks = [
        "\n".join([*filled(head), "=" * min(WIDTH, len(head)), *(filled(cohort.description))]),
        _section("How far it can be trusted", _trust(cohort)),
        _section("Traits", _legend()),
        *("\n".join(_trait(cohort, name)) for name in cohort.traits),
        _section("Correlations", _correlations(cohort)),
        _section("Death from other causes", _mortality(cohort)),
        _section("Death from cancer after relapse", _post_relapse(cohort)),
    ]
    return "\n\n".join(blocks) + "\n"


def _section(head: str, lines: list[str]) -> str:
    return "\n".join([head, "-" * len(head), *lines])


def least_trusted(trait: ResolvedTrait) -> str:
    """The confidence in a trait: that in its least trusted case."""
    levels = [TRUST[case.confidence] for case in trait.cases.values()]
    return next(level for level in ("unstated", "low", "medium", "high") if level in levels)


def _trust(cohort: ResolvedCohort) -> list[str]:
    by_level: dict[str, list[str]] = {level: [] for level in ("high", "medium", "low", "unstated")}
    for name, trait in cohort.traits.items():
        by_level[least_trusted(trait)].append(name)
    counts = ", ".join(f"{len(names)} {level}" for level, names in by_level.items() if names)
    lines = filled(f"Confidence in {plural(len(cohort.traits), 'trait')}, each by its least trusted case: {counts}.")
    for level in ("low", "unstated"):
        if by_level[level]:
            listed = ", ".join(words(name) for name in by_level[level])
            lines += filled(f"{level.capitalize()} confidence: {listed}.", hanging=4)
    return lines


def _legend() -> list[str]:
    text = (
        f"Numbers are the median (5 % to 95 % of patients). A histogram has {COLUMNS} columns between the two values "
        "under its trait, the same for all of its rows, and leaves out the last 1 % at either end. [high], [medium] "
        "and [low]: confidence in the source."
    )
    return filled(text)


def _trait(cohort: ResolvedCohort, name: str) -> Iterator[str]:
    trait = cohort.traits[name]
    unit = f" ({trait.unit})" if trait.unit else ""
    meaning = f": {TRAITS[name].meaning}" if name in TRAITS else ""
    yield from filled(f"{words(name)}{unit}{meaning}", hanging=4)
    yield from _levels(cohort, trait) if trait.levels else _numbers(cohort, trait)
    yield from _sources(trait)


def _levels(cohort: ResolvedCohort, trait: ResolvedTrait) -> Iterator[str]:
    yield from _bars(shares(cohort, trait.name), 2)
    if trait.by is None:
        return
    for level, case in trait.cases.items():
        yield from filled(f"{words(trait.by)}: {words(level)}", 2, 4)
        yield from _bars(dict(zip(case.levels, case.probabilities, strict=True)), 4)


def _bars(parts: dict[str, float], indent: int) -> Iterator[str]:
    for label, share in zip(_labels([words(level) for level in parts], indent), parts.values(), strict=True):
        full = round(share * COLUMNS)
        bar = "█" * full + "·" * (COLUMNS - full)
        yield f"{label}{bar}  {100 * share:.3g}%"


def _numbers(cohort: ResolvedCohort, trait: ResolvedTrait) -> Iterator[str]:
    weight = weights(cohort, trait.name)
    rows = {"": TabulatedDistribution.of(trait.cases, weight)}
    if trait.by is not None:
        rows |= {level: TabulatedDistribution.of({level: case}, {level: 1.0}) for level, case in trait.cases.items()}
    edges = _edges(trait, rows)
    if edges is not None:
        scale = "log scale" if _is_log(trait) else "linear scale"
        yield f"    {rounded(edges[0])} to {rounded(edges[-1])}, {scale}"
    labels = [*_labels(["all patients"], 2), *_labels([words(level) for level in rows if level], 4)]
    for label, own in zip(labels, rows.values(), strict=True):
        yield f"{label}{_sparkline(own, edges)}  {_summary(own)}"


def _is_log(trait: ResolvedTrait) -> bool:
    return any(case.kind in ("lognormal", "loguniform") for case in trait.cases.values())


def _edges(trait: ResolvedTrait, rows: dict[str, TabulatedDistribution]) -> Array | None:
    """The limits of the histogram's columns, shared by all rows; None when every patient has one value."""
    low = min(own.quantile(_TAIL) for own in rows.values())
    high = max(own.quantile(1.0 - _TAIL) for own in rows.values())
    if math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-300):
        return None
    edges = np.geomspace(low, high, COLUMNS + 1) if _is_log(trait) and low > 0 else np.linspace(low, high, COLUMNS + 1)
    return np.asarray(edges, dtype=np.float64)


def _sparkline(own: TabulatedDistribution, edges: Array | None) -> str:
    if edges is None:
        return " " * COLUMNS
    mass = own.histogram(edges)
    height = np.ceil(8.0 * mass / mass.max() - 0.04).clip(0, 8).astype(int)
    return "".join(_HEIGHTS[h] for h in height)


def _summary(own: TabulatedDistribution) -> str:
    low, middle, high = (rounded(own.quantile(p)) for p in (0.05, 0.5, 0.95))
    return middle if low == high else f"{middle} ({low} to {high})"


def _labels(texts: list[str], indent: int) -> list[str]:
    """The names of rows that stand under each other, before their bars."""
    width = _LABEL - indent
    return [f"{' ' * indent}{text:<{width}}  " for text in one_line(texts, width)]


def _sources(trait: ResolvedTrait) -> Iterator[str]:
    """Confidence and source: once where all cases share them, else with the cases that each is for."""
    groups: dict[tuple[str, str], list[str]] = {}
    for level, case in trait.cases.items():
        groups.setdefault((TRUST[case.confidence], case.source), []).append(words(level))
    for (trust, source), levels in groups.items():
        whose = f"{', '.join(levels)}: " if len(groups) > 1 else ""
        yield from filled(f"[{trust}] {whose}{source}", 2, 4)
    if trait.note:
        yield from filled(f"note: {trait.note}", 2, 4)


def _correlations(cohort: ResolvedCohort) -> list[str]:
    lines = [
        line
        for pair in cohort.correlations
        for line in filled(f"{words(pair.traits[0])} with {words(pair.traits[1])}: {pair.rho:+g}", 0, 4)
    ]
    lines = lines or ["none; a trait depends on another only where its cases say so"]
    spread = f"Within a patient, ln(cells) varies between foci with a standard deviation of {cohort.focus_spread:g}."
    return [*lines, *filled(spread)]


def _mortality(cohort: ResolvedCohort) -> list[str]:
    lines: list[str] = []
    for sex, law in cohort.mortality.items():
        years = math.log(2.0) / law.slope_per_year
        text = f"{sex}: hazard {law.rate60_per_year:g} a year at 60, doubling every {years:.3g} years of age"
        lines += [*filled(text), *filled(f"[{TRUST[law.confidence]}] {law.source}", 2, 4)]
    return lines


def _post_relapse(cohort: ResolvedCohort) -> list[str]:
    law = cohort.post_relapse
    local, distant = format_time(law.local_median_days), format_time(law.distant_median_days)
    text = f"median {local} after a local relapse, {distant} after a distant one"
    return [*filled(text), *filled(f"[{TRUST[law.confidence]}] {law.source}", 2, 4)]
