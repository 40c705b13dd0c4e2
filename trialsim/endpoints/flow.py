"""The participant flow (CONSORT), counted from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from trialsim.endpoints.identity import calendar_date
from trialsim.endpoints.modelled import counted, has_deaths_apart, has_relapses, has_treatment
from trialsim.endpoints.status import Outcome, Treatment, completed_treatment, outcome, treatment_status
from trialsim.records import EventKind, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def participant_flow(trial: TrialRecord, protocol: ResolvedProtocol) -> dict[str, Any]:
    """Who went where, by arm.

    ``data_cut`` says when the data were cut and what settled it.
    ``screened`` are all who came, of whom ``excluded`` were not randomised.
    What an arm does not model is None (`trialsim.endpoints.modelled`) and counts for nothing; where its event times
    follow a law, ``law`` is the endpoint that the law is of, and ``relapsed`` (for ``os``: ``died_without_relapse``)
    holds its events.
    Two identities hold in every arm: ``allocated = relapsed + died_without_relapse + withdrew +
    lost + event_free_at_cut`` (by what came first) and ``started_treatment = completed_treatment +
    stopped_treatment + on_treatment_at_cut``. Everyone allocated is analysed (intention to treat), unless
    the estimand is about a principal stratum.
    """
    completed = completed_treatment(trial)
    follow_up = protocol.follow_up
    arms: dict[str, Any] = {}
    for name, arm in protocol.arms.items():
        records = [record for record in trial.patients if record.arm == name]
        status = {record.patient: treatment_status(record, completed) for record in records}
        outcomes = Counter(outcome(record) for record in records)
        reasons = Counter(record.treatment_stopped for record in records if status[record.patient] is Treatment.STOPPED)
        arms[name] = {
            "label": arm.label,
            "allocated": len(records),
            "law": None if arm.model is None else protocol.endpoint.primary,
            **_treatment(status, reasons, has_treatment(arm)),
            "relapsed": counted(outcomes[Outcome.RELAPSED], has_relapses(protocol, arm)),
            "died_without_relapse": counted(outcomes[Outcome.DIED], has_deaths_apart(protocol, arm)),
            "withdrew": counted(outcomes[Outcome.WITHDREW], follow_up.dropout_per_day > 0.0),
            "lost": counted(outcomes[Outcome.LOST], follow_up.lost_per_day > 0.0),
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


def _treatment(status: Mapping[int, Treatment], reasons: Counter[str], is_modelled: bool) -> dict[str, Any]:
    """How treatment went, by patients."""
    treatment = Counter(status.values())
    boxes = {
        "started_treatment": len(status) - treatment[Treatment.NEVER_STARTED],
        "never_treated": treatment[Treatment.NEVER_STARTED],
        "completed_treatment": treatment[Treatment.COMPLETED],
        "stopped_treatment": {reason: reasons[reason] for reason in sorted(reasons)},
        "on_treatment_at_cut": treatment[Treatment.ONGOING],
    }
    return boxes if is_modelled else dict.fromkeys(boxes)
