"""The participant flow (CONSORT), counted from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from trialsim.endpoints.identity import calendar_date
from trialsim.endpoints.modelled import counted, has_deaths_apart, has_relapses, has_treatment
from trialsim.endpoints.status import Ending, Treatment, completed_treatment, outcome, treatment_status
from trialsim.records import EventKind, TrialRecord
from trialsim.reported.trial import ArmFlow, DataCutoff, ParticipantFlow
from trialsim.spec.resolved import ResolvedProtocol


def participant_flow(trial: TrialRecord, protocol: ResolvedProtocol) -> ParticipantFlow:
    """Who went where, by arm; what an arm does not model is None (`trialsim.endpoints.modelled`).

    Everyone allocated is analysed (intention to treat), unless the estimand is about a principal stratum.
    """
    completed = completed_treatment(trial)
    follow_up = protocol.follow_up
    arms = {}
    for name, arm in protocol.arms.items():
        records = [record for record in trial.patients if record.arm == name]
        status = {record.patient: treatment_status(record, completed) for record in records}
        outcomes = Counter(outcome(record) for record in records)
        reasons = Counter(record.treatment_stopped for record in records if status[record.patient] is Treatment.STOPPED)
        arms[name] = ArmFlow(
            label=arm.label,
            allocated=len(records),
            law=None if arm.model is None else protocol.endpoint.primary,
            **_treatment(Counter(status.values()), has_treatment(arm)),
            stopped_treatment={reason: reasons[reason] for reason in sorted(reasons)} if has_treatment(arm) else None,
            relapsed=counted(outcomes[Ending.RELAPSED], has_relapses(protocol, arm)),
            died_without_relapse=counted(outcomes[Ending.DIED], has_deaths_apart(protocol, arm)),
            withdrew=counted(outcomes[Ending.WITHDREW], follow_up.dropout_per_day > 0.0),
            lost=counted(outcomes[Ending.LOST], follow_up.lost_per_day > 0.0),
            event_free_at_cut=outcomes[Ending.EVENT_FREE],
            analysed=sum(record.in_stratum for record in records),
        )
    randomised = len(trial.patients)
    excluded = Counter(e.detail for e in trial.events if e.kind is EventKind.EXCLUDED)
    return ParticipantFlow(
        data_cut=DataCutoff(trial.cut_day, calendar_date(protocol, trial.cut_day), trial.cut_by),
        screened=randomised + excluded.total(),
        excluded={reason: excluded[reason] for reason in sorted(excluded, key=lambda r: (-excluded[r], r))},
        enrolled=randomised,
        randomised=randomised,
        arms=arms,
    )


def _treatment(status: Mapping[Treatment, int], is_modelled: bool) -> dict[str, int | None]:
    """How treatment went, by patients."""
    boxes = {
        "started_treatment": sum(status.values()) - status[Treatment.NEVER_STARTED],
        "never_treated": status[Treatment.NEVER_STARTED],
        "completed_treatment": status[Treatment.COMPLETED],
        "on_treatment_at_cut": status[Treatment.ONGOING],
    }
    return {name: number if is_modelled else None for name, number in boxes.items()}
