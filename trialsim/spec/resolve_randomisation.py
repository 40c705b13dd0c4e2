"""Randomisation as written -> resolved."""

from __future__ import annotations

from trialsim.spec.form import Findings
from trialsim.spec.resolved import Randomisation, ResolvedCohort
from trialsim.spec.resolved_conduct import SITE, Minimisation
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.traits import TRAITS
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_conduct import WrittenRandomisation

AT: KeyPath = ("randomisation",)
#: Chance of the preferred arm unless the author says otherwise.
COIN = 0.8


def resolve_randomisation(
    findings: Findings,
    written: WrittenRandomisation | None,
    names: list[str],
    reference: str,
    cohort: ResolvedCohort | None,
) -> Randomisation | None:
    """The section ``randomisation``, with what is wrong with it noted."""
    if written is None:
        return None
    ratio = written.ratio if written.ratio is not None else dict.fromkeys(names, 1)
    _check_ratio(findings, ratio, names)
    check_categories(findings, (*AT, "strata"), written.strata, cohort)
    _check_method(findings, written)
    order = [name for name in (reference, *sorted(set(ratio) - {reference})) if name in ratio]
    return Randomisation(
        ratio={name: ratio[name] for name in order},
        block_sizes=_blocks(findings, written, ratio, names) if written.method == "blocks" else (),
        strata=tuple(written.strata),
        method=written.method,
        by_site=written.by_site,
        minimisation=_minimisation(findings, written) if written.method == "minimisation" else None,
    )


def _check_ratio(findings: Findings, ratio: dict[str, int], names: list[str]) -> None:
    path: KeyPath = (*AT, "ratio")
    strangers = [name for name in ratio if name not in names]
    for name in strangers:
        remedy = did_you_mean(name, names)
        findings.add((*path, name), f"`{name}` is not an arm", Rule.RATIO_ARMS, remedy, at_key=True)
    missing = [name for name in names if name not in ratio]
    if len(missing) > len(strangers):  # otherwise an arm is there, misspelt
        message = f"the ratio leaves out {', '.join(missing)}"
        findings.add(path, message, Rule.RATIO_ARMS, f"{missing[0]}: 1", at_key=True)


def _blocks(
    findings: Findings, written: WrittenRandomisation, ratio: dict[str, int], names: list[str]
) -> tuple[int, ...]:
    total = sum(ratio.values())
    blocks = written.blocks if written.blocks is not None else [2 * total]
    for i, size in enumerate(blocks if set(ratio) == set(names) and total else []):
        if size % total:
            message = f"a block of {size} cannot hold the ratio {':'.join(map(str, ratio.values()))}"
            remedy = f"{total}, {2 * total} or {3 * total}"
            findings.add((*AT, "blocks", i), message, Rule.BLOCK_SIZE, remedy)
    return tuple(blocks)


def _check_method(findings: Findings, written: WrittenRandomisation) -> None:
    """Keys that belong to another method, and a minimisation or strata that could do nothing."""
    belongs = {"blocks": "blocks", "coin": "minimisation", "weights": "minimisation", "imbalance": "minimisation"}
    for key, method in belongs.items():
        if getattr(written, key) is not None and written.method != method:
            message = f"`{key}` is for `method: {method}`, and this is {written.method}"
            findings.add((*AT, key), message, Rule.METHOD, f"method: {method}", at_key=True)
    if written.method == "minimisation" and not written.strata and not written.by_site:
        remedy = "strata: [p53_status]"
        findings.add((*AT, "method"), "there is nothing to minimise over", Rule.METHOD, remedy)
    if written.method == "simple" and written.by_site:
        message = "`by_site` says nothing, since every patient is allocated by chance alone"
        findings.add((*AT, "by_site"), message, Rule.METHOD, "leave it out", at_key=True)


def _minimisation(findings: Findings, written: WrittenRandomisation) -> Minimisation:
    factors = [*written.strata, *([SITE] if written.by_site else [])]
    weights = written.weights or {}
    for name in weights:
        if name not in factors:
            message = f"`{name}` is not a factor of the minimisation"
            remedy = did_you_mean(name, factors)
            findings.add((*AT, "weights", name), message, Rule.METHOD, remedy, at_key=True)
    return Minimisation(
        weights={name: weights.get(name, 1.0) for name in factors},
        coin=COIN if written.coin is None else written.coin,
        imbalance=written.imbalance or "range",
    )


def check_categories(findings: Findings, path: KeyPath, names: list[str], cohort: ResolvedCohort | None) -> None:
    """Strata and subgroups are categories that the patients have."""
    categories = [name for name, trait in TRAITS.items() if trait.is_category]
    for i, name in enumerate(names):
        if name not in TRAITS:
            message = f"`{name}` is not a trait"
            findings.add((*path, i), message, Rule.CATEGORY, did_you_mean(name, categories))
        elif name not in categories:
            message = f"`{name}` is a number, which makes no groups"
            findings.add((*path, i), message, Rule.CATEGORY, f"one of: {', '.join(categories)}")
        elif cohort is not None and name not in cohort.traits:
            message = f"patients of {cohort.name} have no `{name}`"
            findings.add((*path, i), message, Rule.CATEGORY, "add it to the cohort's traits")
