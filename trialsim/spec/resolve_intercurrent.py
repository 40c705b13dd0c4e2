"""Intercurrent events and the estimand, as written -> resolved."""

from __future__ import annotations

from collections.abc import Mapping

from trialsim.spec.form import Findings
from trialsim.spec.resolved import Endpoint, ResolvedArm
from trialsim.spec.resolved_conduct import AfterRelapse, Intercurrent, NewTherapy, Strategies
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_intercurrent import (
    WrittenCrossover,
    WrittenEndpoint,
    WrittenIntercurrent,
    WrittenStrategies,
)


def resolve_intercurrent(findings: Findings, written: WrittenIntercurrent | None, arms: list[str]) -> Intercurrent:
    """The section ``intercurrent``."""
    if written is None:
        return Intercurrent()
    new, rescue = written.new_therapy, written.rescue
    return Intercurrent(
        new_therapy=new and NewTherapy(per_day=new.rate, hazard_ratio=new.hazard_ratio),
        crossover=written.crossover and _crossover(findings, written.crossover, arms),
        rescue=rescue
        and AfterRelapse(share=rescue.share, survival_ratio=rescue.survival_ratio, arms=tuple(arms), to=""),
    )


def _crossover(findings: Findings, written: WrittenCrossover, arms: list[str]) -> AfterRelapse:
    path: KeyPath = ("intercurrent", "crossover")
    for key, names in (("from", written.origin), ("to", [written.to])):
        for name in names:
            if name not in arms:
                findings.add((*path, key), f"`{name}` is not an arm", Rule.CROSSOVER, did_you_mean(name, arms))
    if written.to in written.origin:
        message = f"patients of `{written.to}` would cross over to their own arm"
        findings.add((*path, "from"), message, Rule.CROSSOVER, "leave that arm out")
    return AfterRelapse(
        share=written.share, survival_ratio=written.survival_ratio, arms=tuple(written.origin), to=written.to
    )


def resolve_endpoint(
    findings: Findings, written: WrittenEndpoint | None, has_capacity: bool, arms: Mapping[str, ResolvedArm]
) -> Endpoint | None:
    """The section ``endpoint``."""
    if written is None:
        return None
    strategies = _strategies(written)
    if strategies.discontinuation == "principal-stratum":
        path: KeyPath = ("endpoint", "estimand")
        named = next((name for name, arm in arms.items() if arm.model is not None), None)
        if has_capacity:
            message = "with a `capacity` no patient can be lived alone under every arm"
            findings.add(path, message, Rule.ESTIMAND, "another estimand, or no `capacity`")
        elif named is not None:
            message = f"the patients of `{named}` are times, in which no treatment is stopped"
            findings.add(path, message, Rule.ESTIMAND, "another estimand")
    return Endpoint(primary=written.primary, strategies=strategies)


def _strategies(written: WrittenEndpoint) -> Strategies:
    """One strategy for each intercurrent event.

    The principal stratum is that of patients whose treatment would not be stopped under any arm; as a single name it
    leaves the other events, which the arm does not bring about, to treatment policy.
    """
    given = written.estimand
    if isinstance(given, WrittenStrategies):
        return Strategies(**given.model_dump())
    if given == "principal-stratum":
        return Strategies(discontinuation=given)
    return Strategies(discontinuation=given, new_therapy=given, crossover=given, rescue=given)
