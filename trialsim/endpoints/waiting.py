"""How long treatments had to wait for their place, by arm and kind of place."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.records import PatientRecord, TrialRecord
from trialsim.reported.trial import WaitingTimes
from trialsim.spec.resolved import ResolvedProtocol


def waiting_times(trial: TrialRecord, protocol: ResolvedProtocol) -> tuple[WaitingTimes, ...]:
    """One entry for each arm and kind of place that is limited, where the arm's treatments take any.

    Numbers of none are None.
    """
    if protocol.capacity is None:
        return ()
    entries = [
        _entry(name, arm.label, kind, [record for record in trial.patients if record.arm == name])
        for name, arm in protocol.arms.items()
        for kind in protocol.capacity.places
    ]
    return tuple(entry for entry in entries if entry.administrations or entry.waiting_at_cut or entry.in_vain)


def _entry(arm: str, label: str, kind: str, records: Sequence[PatientRecord]) -> WaitingTimes:
    own = [[days for place, days in record.waits if place == kind] for record in records]
    waits = [days for patient in own for days in patient]
    first = [patient[0] for patient in own if patient]
    return WaitingTimes(
        arm=arm,
        label=label,
        place=kind,
        administrations=len(waits),
        delayed=sum(days > 0.0 for days in waits),
        mean_days=sum(waits) / len(waits) if waits else None,
        longest_days=max(waits, default=None),
        first_mean_days=sum(first) / len(first) if first else None,
        in_vain=sum(kind in record.waited_for for record in records),
        waiting_at_cut=sum(kind in record.waits_for for record in records),
    )
