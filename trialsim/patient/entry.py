"""The compiled course as both loops call it: random streams come in as addresses, so that a call is cheap.

`trialsim.patient.course` calls these one by one from Python, at the trial's own pace; `trialsim.patient.bank` calls
them from its compiled loop.
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.biology.populations import DORMANT, ESCAPED, RESIDUAL, SENESCENT, Counts
from trialsim.compiling import compiled, generator_at
from trialsim.patient import compiled as course
from trialsim.patient.compiled import Workspace, make_workspace
from trialsim.patient.state import State
from trialsim.treatment.platelets import COUNT

#: Coefficient of variation of a platelet count in the laboratory.
PLATELET_ERROR = 0.05

swallow = course.swallow
_advance, _strike, _assess = course.advance, course.strike, course.assess


@compiled
def advance(state: State, until: float, cells_stream: int) -> bool:
    """Run biology and pharmacology up to study day ``until``; returns whether the patient is then at rest."""
    return _advance(state, until, make_workspace(state.cells.shape[0]), generator_at(cells_stream))


@compiled
def advance_in(state: State, until: float, space: Workspace, cells_stream: int) -> bool:
    """`advance` for a caller who makes many calls and keeps the room to work in."""
    return _advance(state, until, space, generator_at(cells_stream))


@compiled
def strike(state: State, order: int, fraction: float, cells_stream: int) -> None:
    """One damaging dose of an order, now, at a fraction of the planned dose."""
    _strike(state, order, fraction, generator_at(cells_stream))


@compiled
def scan(state: State, error_sd: float, scan_stream: int) -> int:
    """The lesion that a scan finds now, or -1; one error of measurement (natural log) is drawn for each lesion."""
    rng = generator_at(scan_stream)
    errors = np.empty(state.cells.shape[0])
    for lesion in range(errors.size):
        errors[lesion] = error_sd * rng.standard_normal()
    return _assess(state, errors)


@compiled
def laboratory(state: State, visit_stream: int) -> float:
    """A platelet count as the laboratory reports it now, 1e9/L (log-normal error)."""
    return state.platelets[COUNT] * math.exp(PLATELET_ERROR * generator_at(visit_stream).standard_normal())


@compiled
def main_lineage(cells: Counts) -> int:
    """The lineage that makes up most of a lesion's proliferating cells, the first of equals; residual if none.

    A lineage is named by its first population: escaped cells of one inducer are one, whatever senolytics do to them.
    """
    main, most = RESIDUAL, 0
    for at in range(DORMANT):
        if cells[at] > most:
            main, most = at, cells[at]
    for at in range(ESCAPED, SENESCENT, 2):
        if cells[at] + cells[at + 1] > most:
            main, most = at, cells[at] + cells[at + 1]
    return main
