"""Every number of the model with its source and how far it may be trusted, read off the resolved protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from trialsim.report.numbers import TRUST, distribution, plain_number, words
from trialsim.report.tables import Table
from trialsim.spec.agents import Sourced
from trialsim.spec.resolved import Distribution, ResolvedProtocol
from trialsim.spec.traits import GAINS, TRAITS

_HEAD = ("Parameter", "Value", "Source", "Confidence")


@dataclass(frozen=True)
class Confidence:
    """How many of the sourced numbers are trusted how far."""

    high: int
    med: int
    low: int
    unstated: int

    @property
    def total(self) -> int:
        return self.high + self.med + self.low + self.unstated


def parameter_tables(protocol: ResolvedProtocol) -> list[Table]:
    """One table per part of the model."""
    tables = [_cohort(protocol)]
    for agent in protocol.agents.values():
        rows = [(name, _with_range(number), number.source, TRUST[number.confidence]) for name, number in sourced(agent)]
        tables.append(Table(agent.label, _HEAD, tuple(rows), agent.note, wide_text=True))
    for marker in protocol.markers.values():
        rows = [
            (name, _with_range(number), number.source, TRUST[number.confidence]) for name, number in sourced(marker)
        ]
        tables.append(Table(f"Biomarker: {marker.label}", _HEAD, tuple(rows), marker.note, wide_text=True))
    tables.append(_mortality(protocol))
    return [*tables, _gains(protocol)] if protocol.has_cells else tables


def confidence(protocol: ResolvedProtocol) -> Confidence:
    tables = [table for table in parameter_tables(protocol) if table.head == _HEAD]
    tally = Counter(row[-1] for table in tables for row in table.rows if len(row) == len(table.head))
    known = {level: tally.pop(level, 0) for level in ("high", "medium", "low")}
    return Confidence(known["high"], known["medium"], known["low"], sum(tally.values()))


def sourced(model: BaseModel, path: str = "") -> Iterator[tuple[str, Sourced]]:
    """Every sourced number inside a model, with the way to it in words."""
    for name, value in model:
        yield from _sourced_in(value, f"{path}, {words(name)}" if path else words(name))


def _sourced_in(value: object, path: str) -> Iterator[tuple[str, Sourced]]:
    if isinstance(value, Sourced):
        yield path, value
    elif isinstance(value, BaseModel):
        yield from sourced(value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _sourced_in(item, f"{path}, {words(str(key))}")


def _with_range(number: Sourced) -> str:
    value = f"{plain_number(number.value)} {number.unit}".strip()
    if number.low is None or number.high is None:
        return value
    return f"{value} ({plain_number(number.low)} to {plain_number(number.high)})"


def _cohort(protocol: ResolvedProtocol) -> Table:
    rows: list[tuple[str, ...]] = []
    for trait in protocol.cohort.traits.values():
        meaning = TRAITS[trait.name].meaning if trait.name in TRAITS else trait.note
        meaning = meaning.replace("`", "").replace("_", " ")
        unit = f" [{trait.unit}]" if trait.unit else ""
        name = f"{words(trait.name)}{unit}: {meaning}" if meaning else f"{words(trait.name)}{unit}"
        if trait.by is None:
            rows.append((name, *_case(trait.cases["*"])))
            continue
        rows.append((f"{name}, by {words(trait.by)}",))
        rows += [(f"  {words(level)}", *_case(case)) for level, case in trait.cases.items()]
    pairs = "; ".join(
        f"{words(c.traits[0])} with {words(c.traits[1])} {c.rho:+.2f}" for c in protocol.cohort.correlations
    )
    note = f"Correlations (Gaussian copula): {pairs}.".replace("-", "−") if pairs else ""
    return Table(f"Cohort: {protocol.cohort.title or protocol.cohort.name}", _HEAD, tuple(rows), note, wide_text=True)


def _case(case: Distribution) -> tuple[str, str, str]:
    return distribution(case), case.source or "not stated", TRUST[case.confidence] if case.confidence else "not stated"


def _mortality(protocol: ResolvedProtocol) -> Table:
    rows: list[tuple[str, ...]] = []
    for sex, death in protocol.cohort.mortality.items():
        rate, slope = plain_number(death.rate60_per_year), plain_number(death.slope_per_year)
        law = f"hazard {rate} a year at 60, its logarithm rising {slope} a year of age"
        rows.append((f"background death, {sex}", law, death.source, TRUST[death.confidence]))
    after = protocol.cohort.post_relapse
    local, distant = plain_number(after.local_median_days), plain_number(after.distant_median_days)
    medians = f"median {local} days (local), {distant} days (distant)"
    rows.append(("death after relapse", medians, after.source, TRUST[after.confidence]))
    if not protocol.has_cells:
        return Table("Mortality", _HEAD, tuple(rows), wide_text=True)
    seen = protocol.detection
    limit = f"{plain_number(seen.limit_cells)} cells; error {plain_number(seen.error_sd_log10)} (sd, log₁₀)"
    rows.append(("detection", limit, seen.source, TRUST[seen.confidence]))
    return Table("Mortality and detection", _HEAD, tuple(rows), wide_text=True)


def _gain_name(name: str) -> str:
    """``sasp.growth`` is "SASP: growth"."""
    return ": ".join(words(part) for part in name.split("."))


def _gains(protocol: ResolvedProtocol) -> Table:
    rows = [(_gain_name(name), plain_number(gain), GAINS.get(name, "")) for name, gain in protocol.biology.items()]
    note = (
        f"Numerics: tolerance {plain_number(protocol.numerics.tolerance)}, steps of at most "
        f"{plain_number(protocol.numerics.max_step_days)} days."
    )
    return Table("Mechanisms", ("Mechanism", "Gain", "What it does"), tuple(rows), note, wide_text=True)
