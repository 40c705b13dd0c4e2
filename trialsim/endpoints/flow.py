"""The participant flow (CONSORT), counted from the records."""

from __future__ import annotations

from collections import Counter
from typing import Any

from trialsim.endpoints.identity import calendar_date
from trialsim.endpoints.status import Outcome, Treatment, completed_treatment, outcome, treatment_status
from trialsim.records import EventKind, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def participant_flow(trial: TrialRecord, protocol: ResolvedProtocol) -> dict[str, Any]:
    """Who went where, by arm.

    ``data_cut`` says when the data were cut and what settled it.
    ``screened`` are all who came, of whom ``excluded`` were not randomised.
    Two identities hold in every arm: ``allocated = relapsed + died_without_relapse + withdrew +
    lost + event_free_at_cut`` (by what came first) and ``started_treatment = completed_treatment +
    stopped_treatment + on_treatment_at_cut``. Everyone allocated is analysed (intention to treat), unless
    the estimand is about a principal stratum.
    """
    completed = completed_treatment(trial)
    arms: dict[str, Any] = {}
    for name, arm in protocol.arms.items():
        records = [record for record in trial.patients if record.arm == name]
        status = {record.patient: treatment_status(record, completed) for record in records}
        treatment = Counter(status.values())
        outcomes = Counter(outcome(record) for record in records)
        reasons = Counter(record.treatment_stopped for record in records if status[record.patient] is Treatment.STOPPED)
        arms[name] = {
            "label": arm.label,
            "allocated": len(records),
            "started_treatment": len(records) - treatment[Treatment.NEVER_STARTED],
            "never_treated": treatment[Treatment.NEVER_STARTED],
            "completed_treatment": treatment[Treatment.COMPLETED],
            "stopped_treatment": {reason: reasons[reason] for reason in sorted(reasons)},
            "on_treatment_at_cut": treatment[Treatment.ONGOING],
            "relapsed": outcomes[Outcome.RELAPSED],
            "died_without_relapse": outcomes[Outcome.DIED],
            "withdrew": outcomes[Outcome.WITHDREW],
            "lost": outcomes[Outcome.LOST],
            "event_free_at_cut": outcomes[Outcome.EVENT_FREE],
            "analysed": sum(record.in_stratum for record in records),
        }
    randomised = len(trial.patients)
    excluded = Counter(e.detail for e in trial.events if e.kind is EventKind.EXCLUDED)
    return {
        "data_cut": {"day": trial.cut_day, "date": calendar_date(protocol, trial.cut_day), "by": trial.cut_by},
        "screened": randomised + excluded.total(),
        "excluded": {reason: excluded[reason] for reason in sorted(excluded, key=lambda r: (-excluded[r], r))},
        "enrolled": randomised,
        "randomised": randomised,
        "arms": arms,
    }
