"""The primary endpoint as its estimand asks for it (ICH E9(R1)).

==================  ====================================================================================
treatment policy    what comes in between is included regardless
hypothetical        as if it had not come: censored at it, as one who leaves for no reason of the outcome
while on treatment  what comes before it counts: censored at it, so that hazards are those of before
composite           it is itself an event of the endpoint
principal stratum   nothing changes, for patients in whom it would come under no arm
==================  ====================================================================================

An endpoint that is seen by scans is known up to the last scan before what came in between, and is censored there. What
falls on the day of the event comes after it. The first to come decides.
"""

from __future__ import annotations

from collections.abc import Callable

from trialsim.endpoints.time_to_event import CENSORING, TimeToEvent, time_to_event
from trialsim.records import EventKind, IntercurrentEvent, PatientRecord
from trialsim.spec.resolved import ResolvedProtocol

#: EVNTDESC where what came in between is an event of the endpoint.
COMPOSITE = {
    "discontinuation": "Treatment Discontinued",
    "new_therapy": "New Therapy",
    "crossover": "Cross-Over",
    "rescue": "Rescue Treatment",
}
#: The kinds of row in the log that date what came in between, and CNSDTDSC.
_SOURCES = {
    "discontinuation": (EventKind.TREATMENT_STOPPED, "Date Treatment Stopped"),
    "new_therapy": (EventKind.NEW_THERAPY, "Date of New Therapy"),
    "crossover": (EventKind.CROSSED_OVER, "Date of Cross-Over"),
    "rescue": (EventKind.RESCUE, "Date of Rescue Treatment"),
}
DISCONTINUED, NEW_THERAPY = 7, 4
#: What follows a relapse changes overall survival alone.
AFTER_RELAPSE = ("crossover", "rescue")


def primary_parameter(protocol: ResolvedProtocol) -> str:
    """The PARAMCD that is analysed: the endpoint's, with an E behind it unless all is treatment policy."""
    parameter = protocol.endpoint.primary.upper()
    return parameter if protocol.endpoint.strategies.is_treatment_policy else f"{parameter}E"


def primary_time(record: PatientRecord, protocol: ResolvedProtocol) -> TimeToEvent:
    """A patient's primary endpoint under the protocol's strategies."""
    parameter = protocol.endpoint.primary.upper()
    plain = time_to_event(record, parameter)
    for came in sorted(record.intercurrent, key=lambda event: event.day):
        if plain.censor == 0 and came.day >= plain.day:
            break
        if came.kind in AFTER_RELAPSE and parameter != "OS":
            continue
        match getattr(protocol.endpoint.strategies, came.kind):
            case "composite":
                source, _ = _SOURCES[came.kind]
                return TimeToEvent(came.day, 0, COMPOSITE[came.kind], "", source, came.day)
            case "hypothetical" | "while-on-treatment":
                return _censored_at(record, came, parameter, plain)
    return plain


def _censored_at(record: PatientRecord, came: IntercurrentEvent, parameter: str, plain: TimeToEvent) -> TimeToEvent:
    """Censored where the endpoint is last known before something came in between; earlier censoring stays."""
    code = DISCONTINUED if came.kind == "discontinuation" else NEW_THERAPY
    source, dated_by = _SOURCES[came.kind]
    day = came.day
    if parameter != "OS" and not record.watched:
        day = came.last_scan
        source, dated_by = EventKind.SCAN, "Date of Last Tumour Assessment"
        if day <= 0.0:
            code, source, dated_by = 5, EventKind.RANDOMISED, "Date of Randomisation"
    if plain.censor and plain.day < day:
        return plain
    return TimeToEvent(day, code, CENSORING[code], dated_by, source, day)


def primary_event(protocol: ResolvedProtocol) -> Callable[[PatientRecord], bool]:
    """Tells of a patient whether the primary endpoint has come about so far."""
    return lambda record: primary_time(record, protocol).censor == 0
