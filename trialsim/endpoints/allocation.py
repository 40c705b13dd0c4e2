"""How evenly patients were allocated, against the planned ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from trialsim.records import PatientRecord, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import SITE


def allocation_table(trial: TrialRecord, protocol: ResolvedProtocol) -> dict[str, Any]:
    """Patients by arm of the whole trial, of each level of each factor and of the strata.

    The imbalance of a group of n patients is the largest difference, over arms, between the patients of an arm and
    n times the arm's share of the ratio. Of strata (of those at a site, where the site is a stratum) the worst is told.
    """
    rules = protocol.randomisation
    groups: list[tuple[str, str, list[PatientRecord]]] = [("", "", trial.patients)]
    for factor in rules.strata:
        for level in protocol.cohort.traits[factor].levels:
            groups.append((factor, level, [r for r in trial.patients if r.traits[factor] == level]))
    rows = [
        {"factor": factor, "level": level, **_counted(protocol, records)}
        for factor, level, records in groups
        if records or not factor
    ]
    result: dict[str, Any] = {
        "method": rules.method,
        "rows": rows,
        "largest_in_stratum": _worst(protocol, trial, False),
    }
    if rules.by_site:
        result["largest_at_a_site"] = _worst(protocol, trial, True)
    return result


def _counted(protocol: ResolvedProtocol, records: Sequence[PatientRecord]) -> dict[str, Any]:
    counts = Counter(record.arm for record in records)
    return {"arms": {arm: counts[arm] for arm in protocol.arms}, "imbalance": _imbalance(protocol, counts)}


def _imbalance(protocol: ResolvedProtocol, counts: Counter[str]) -> float:
    ratio = protocol.randomisation.ratio
    whole = sum(ratio.values())
    return max(abs(counts[arm] - counts.total() * ratio[arm] / whole) for arm in protocol.arms)


def _worst(protocol: ResolvedProtocol, trial: TrialRecord, by_site: bool) -> float:
    """The largest imbalance of a stratum, or of a site; 0 without patients."""
    of: dict[str, Counter[str]] = {}
    for record in trial.patients:
        of.setdefault(f"{SITE} {record.site}" if by_site else record.stratum, Counter())[record.arm] += 1
    return _largest(_imbalance(protocol, counts) for counts in of.values())


def _largest(values: Iterable[float]) -> float:
    return max(values, default=0.0)
