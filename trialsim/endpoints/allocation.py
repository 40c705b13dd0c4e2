"""How evenly patients were allocated, against the planned ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from trialsim.records import PatientRecord, TrialRecord
from trialsim.reported.trial import AllocatedGroup, Allocation
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import SITE


def allocation_table(trial: TrialRecord, protocol: ResolvedProtocol) -> Allocation:
    """Patients by arm of the whole trial, of each level of each factor and of the strata.

    Of strata (of those at a site, where the site is a stratum) the largest imbalance is reported.
    """
    rules = protocol.randomisation
    groups: list[tuple[str, str, list[PatientRecord]]] = [("", "", trial.patients)]
    for factor in rules.strata:
        for level in protocol.cohort.traits[factor].levels:
            groups.append((factor, level, [r for r in trial.patients if r.traits[factor] == level]))
    rows = []
    for factor, level, records in groups:
        if records or not factor:
            counts = Counter(record.arm for record in records)
            arms = {arm: counts[arm] for arm in protocol.arms}
            rows.append(AllocatedGroup(factor, level, arms, _imbalance(protocol, counts)))
    at_a_site = _largest(protocol, ((f"{SITE} {r.site}", r.arm) for r in trial.patients)) if rules.by_site else None
    in_stratum = _largest(protocol, ((r.stratum, r.arm) for r in trial.patients))
    return Allocation(rules.method, tuple(rows), in_stratum, at_a_site)


def _imbalance(protocol: ResolvedProtocol, counts: Counter[str]) -> float:
    ratio = protocol.randomisation.ratio
    whole = sum(ratio.values())
    return max(abs(counts[arm] - counts.total() * ratio[arm] / whole) for arm in protocol.arms)


def _largest(protocol: ResolvedProtocol, placed: Iterable[tuple[str, str]]) -> float:
    """The largest imbalance of the groups in which patients are placed, by group and arm; 0 without patients."""
    of: dict[str, Counter[str]] = {}
    for group, arm in placed:
        of.setdefault(group, Counter())[arm] += 1
    return max((_imbalance(protocol, counts) for counts in of.values()), default=0.0)
