"""How long treatments had to wait for their place, by arm and kind of place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trialsim.records import PatientRecord, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def waiting_times(trial: TrialRecord, protocol: ResolvedProtocol) -> list[dict[str, Any]]:
    """One entry for each arm and kind of place that is limited, where the arm's treatments take any.

    ``administrations`` took a place, of which ``delayed`` had to wait for it; ``mean_days`` is over all of them,
    ``longest_days`` the longest wait. ``first_mean_days`` is the mean wait of the patients' first administrations, and
    ``waiting_at_cut`` counts patients who waited when the data were cut, ``in_vain`` those whose treatment ended (with
    relapse, death or withdrawal) while they waited. Numbers of none are None.
    """
    if protocol.capacity is None:
        return []
    entries = []
    for name, arm in protocol.arms.items():
        records = [record for record in trial.patients if record.arm == name]
        for kind in protocol.capacity.places:
            entry = _entry(records, kind)
            if entry["administrations"] or entry["waiting_at_cut"] or entry["in_vain"]:
                entries.append({"arm": name, "label": arm.label, "place": kind, **entry})
    return entries


def _entry(records: Sequence[PatientRecord], kind: str) -> dict[str, Any]:
    own = [[days for place, days in record.waits if place == kind] for record in records]
    waits = [days for patient in own for days in patient]
    first = [patient[0] for patient in own if patient]
    return {
        "administrations": len(waits),
        "delayed": sum(days > 0.0 for days in waits),
        "mean_days": sum(waits) / len(waits) if waits else None,
        "longest_days": max(waits, default=None),
        "first_mean_days": sum(first) / len(first) if first else None,
        "in_vain": sum(kind in record.waited_for for record in records),
        "waiting_at_cut": sum(kind in record.waits_for for record in records),
    }
