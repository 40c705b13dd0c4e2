"""Where a trial departed from its plan, in sentences: what its conclusion has to be read with."""

from __future__ import annotations

from trialsim.endpoints.estimand import primary_event
from trialsim.endpoints.identity import calendar_date
from trialsim.records import Departure, EventKind, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def departures(trial: TrialRecord, protocol: ResolvedProtocol, *, raised_to: int | None = None) -> list[Departure]:
    """Planned events that were not reached, and planned patients who were not randomised.

    ``raised_to`` is the number of events that a look asked for in place of the planned one. A trial that a look
    stopped did as planned.
    """
    if _stopped_by_look(trial):
        return []
    return [found for found in (_events(trial, protocol, raised_to), _patients(trial, protocol)) if found]


def _stopped_by_look(trial: TrialRecord) -> bool:
    return any(event.kind is EventKind.LOOK and event.detail == trial.cut_by for event in trial.events)


def _events(trial: TrialRecord, protocol: ResolvedProtocol, raised_to: int | None) -> Departure | None:
    cut = protocol.follow_up.cut
    if cut is None or cut.events is None:
        return None
    wanted, has_event = raised_to or cut.events, primary_event(protocol)
    seen = sum(has_event(record) for record in trial.patients)
    if seen >= wanted:
        return None
    on, short = calendar_date(protocol, trial.cut_day), f"planned {wanted:,} events were not reached"
    return Departure(f"The {short}: {seen:,} when the data were cut on {on} ({trial.cut_by}).", f"the {short}")


def _patients(trial: TrialRecord, protocol: ResolvedProtocol) -> Departure | None:
    planned, randomised = protocol.accrual.patients, len(trial.patients)
    if randomised >= planned:
        return None
    short = f"{randomised:,} of the planned {planned:,} patients had been randomised"
    return Departure(f"{short} when the data were cut.", short)
