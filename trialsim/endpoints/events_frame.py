"""events.csv: the event log as a table."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from trialsim.endpoints.identity import usubjid
from trialsim.records import TrialRecord
from trialsim.rng import TRIAL
from trialsim.spec.resolved import ResolvedProtocol

EVENTS_DECIMALS = {"day": 4, "study_day": 4}


def events_frame(trial: TrialRecord, protocol: ResolvedProtocol) -> pd.DataFrame:
    """The log in its own order.

    Columns: USUBJID (empty for the data cut, which is the trial's), ``seq`` (the row's number among the
    patient's), ``arm`` (empty for who was not randomised), ``day`` (calendar, 0 = the trial opens), ``study_day``
    (0 = randomisation), ``kind``, ``detail``, ``value``, ``unit``. Times are in days.
    """
    arms = {record.patient: record.arm for record in trial.patients}
    names = {event.patient: usubjid(protocol, event.patient) for event in trial.events if event.patient != TRIAL}
    seen: Counter[int] = Counter()
    sequence = []
    for event in trial.events:
        seen[event.patient] += 1
        sequence.append(seen[event.patient])
    events = trial.events
    return pd.DataFrame(
        {
            "USUBJID": [names.get(e.patient, "") for e in events],
            "seq": sequence,
            "arm": [arms.get(e.patient, "") for e in events],
            "day": [e.day for e in events],
            "study_day": [float("nan") if e.patient == TRIAL else e.study_day for e in events],
            "kind": [str(e.kind) for e in events],
            "detail": [e.detail for e in events],
            "value": [float("nan") if e.value is None else e.value for e in events],
            "unit": [e.unit for e in events],
        }
    )
