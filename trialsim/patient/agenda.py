"""What a patient has before them: the line that is next, and what waiting for a place does to the others.

An administration that waits holds back its order and every order that starts after it (whose first administration was
planned later than the one that waits). When it is given, s days after the day for which it was planned, the rest of its
order is s days late, and the later orders are at least that late. Laboratory visits and biomarkers move with their
orders, and the count before a dose that waits is made again on its day; scans do not move.
"""

from __future__ import annotations

import math

from trialsim.compiling import compiled
from trialsim.patient.plan import Line
from trialsim.patient.state import Patient
from trialsim.records import SameDay


@compiled
def _is_idle(patient: Patient, line: Line) -> bool:
    """Whether a line is a dose of an order that is over."""
    return bool(line.kind == SameDay.DOSE and patient.orders[line.index].stopped)


@compiled
def is_held(patient: Patient, mover: int, by_others_than: int = -1) -> bool:
    """Whether what moves together waits for a place, or starts after something that waits."""
    if mover >= patient.orders.size:
        return False
    for at in range(patient.orders.size):
        since = patient.movers[at].waits_since
        if at != by_others_than and not math.isnan(since) and (at == mover or patient.movers[mover].first > since):
            return True
    return False


@compiled
def next_line(patient: Patient) -> tuple[int, float]:
    """The line that is next, or -1, and its study day: the first of what each mover has next."""
    best, when = -1, math.inf
    lines = patient.lines
    for mover in range(patient.movers.size):
        own = patient.movers[mover]
        at = own.place
        while at < lines.size and (lines[at].mover != mover or _is_idle(patient, lines[at])):
            at += 1
        own.place = at
        if at == lines.size or is_held(patient, mover):
            continue
        line, day = lines[at], lines[at].day + own.shift
        if best >= 0 and day == when:
            other = lines[best]
            if line.kind < other.kind or (line.kind == other.kind and line.index < other.index):
                best = at
        elif best < 0 or day < when:
            best, when = at, day
    return best, when


@compiled
def _next_of(patient: Patient, mover: int) -> float:
    """Study day of what a mover has next; infinite when there is nothing."""
    own, lines = patient.movers[mover], patient.lines
    at = own.place
    while at < lines.size and (lines[at].mover != mover or _is_idle(patient, lines[at])):
        at += 1
    return lines[at].day + own.shift if at < lines.size else math.inf


@compiled
def hold_back(patient: Patient, at: int) -> None:
    """The administration of a line, which is due, is to wait; the count that decides on it is made again."""
    line = patient.lines[at]
    own = patient.movers[line.mover]
    own.waits_since = line.day
    own.place = before = at
    while before > 0:
        before -= 1
        if patient.lines[before].mover == line.mover:
            if patient.lines[before].day == line.day and patient.lines[before].kind == SameDay.LABORATORY:
                own.place = before
            break


@compiled
def go_on(patient: Patient, order: int, day: float) -> None:
    """The administration of an order that waits is to be on a study day."""
    planned = patient.movers[order].waits_since
    for mover in range(patient.orders.size):
        own = patient.movers[mover]
        if not is_held(patient, mover):
            continue
        if mover == order or own.first > planned:
            own.shift = max(own.shift, day - planned)
        # What was held for longer than it is late would now lie in the past.
        late = day - _next_of(patient, mover)
        if late > 0.0 and not is_held(patient, mover, order):
            own.shift += late
    patient.movers[order].waits_since = math.nan
