"""The compiled course as the trial's process calls it: everything by address, so that a call costs what it does.

The patient and the room to work in come in by handle (`trialsim.patient.handles`), streams by address
(`trialsim.patient.streams`).
"""

from __future__ import annotations

from trialsim.compiling import compiled, stream_at
from trialsim.patient import blood
from trialsim.patient import compiled as course
from trialsim.patient.handles import space_at, state_at

_advance, _settle, _swallow, _strike = course.advance, course.settle, course.swallow, course.strike
_scan, _laboratory, _neutrophils = course.scan, blood.laboratory, blood.neutrophil_count
_death_day = blood.death_day


@compiled
def advance(state: int, until: float, space: int, cells_stream: int) -> bool:
    """Run biology and pharmacology up to study day ``until``; returns whether the patient is then at rest."""
    return _advance(state_at(state), until, space_at(space), stream_at(cells_stream))


@compiled
def swallow(state: int, order: int, fraction: float) -> None:
    """One dose of an order's drug, now, at a fraction of the planned dose."""
    _swallow(state_at(state), order, fraction)


@compiled
def settle(state: int, space: int, cells_stream: int) -> None:
    """Take the cells on to now, in one step."""
    _settle(state_at(state), space_at(space), stream_at(cells_stream))


@compiled
def strike(state: int, order: int, fraction: float, space: int, cells_stream: int) -> None:
    """One damaging dose of an order, now, at a fraction of the planned dose."""
    _strike(state_at(state), order, fraction, space_at(space), stream_at(cells_stream))


@compiled
def scan(state: int, error_sd: float, space: int, cells_stream: int, scan_stream: int) -> int:
    """The lesion that a scan finds now, or -1."""
    patient = state_at(state)
    _settle(patient, space_at(space), stream_at(cells_stream))
    return _scan(patient, error_sd, stream_at(scan_stream))


@compiled
def laboratory(state: int, day: float, visit_stream: int) -> float:
    """A platelet count as the laboratory reports it on a study day, 1e9/L; not a number of the dead."""
    return _laboratory(state_at(state), day, stream_at(visit_stream))


@compiled
def death_day(state: int) -> float:
    """The study day on which toxicity has killed the patient, up to now; infinite where it has not."""
    return _death_day(state_at(state))


@compiled
def neutrophils(state: int, neutrophil_stream: int) -> float:
    """A neutrophil count as the laboratory reports it now, 1e9/L."""
    return _neutrophils(state_at(state), stream_at(neutrophil_stream))
