"""Compiled code frees what it is handed: functions without reference counts must own no array."""

from __future__ import annotations

import gc
import math

import numpy as np
from numba.core.runtime import _nrt_python, rtsys

from tests.patient.protocols import shipped
from trialsim.biology import chain
from trialsim.collecting import uncollected
from trialsim.compiling import allocating
from trialsim.patient import visits
from trialsim.patient.advance import advance
from trialsim.patient.bank import follow_all
from trialsim.patient.cells import step_cells
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import Courses
from trialsim.schedule import Timetable

PATIENTS = 4


def held() -> int:
    """Arrays that compiled code made and nobody has freed."""
    gc.collect()
    kept = rtsys.get_allocation_stats()
    return int(kept.mi_alloc - kept.mi_free)


@allocating
def _make(n: int) -> np.ndarray:
    return np.zeros(n)


@allocating
def _made(n: int) -> float:
    return float(_make(n)[0])


def test_courses_leave_no_array_behind() -> None:
    """Catches a compiled function that is handed an array and, without reference counts, never frees it: a trial's
    process once kept the room to work in of every visit."""
    _nrt_python.memsys_enable_stats()
    own = shipped()
    arm = own.arms["navitoclax"]
    timetable = Timetable(arm, own.follow_up, 400.0)
    traits = dict(enumerate(sample_traits(own.cohort, PATIENTS, seed=1), start=1))
    courses = Courses(own, seed=1)

    def live() -> None:
        _made(3)
        follow_all(own, arm, timetable, traits, seed=1)
        for number, person in traits.items():
            course = courses(number, arm, person, timetable.of(number, math.inf, seed=1))
            day = course.next_day()
            while day < math.inf:
                day, _ = course.visit(day)
            course.look(500.0)
            course.finish(500.0)

    live()
    before = held()
    live()
    assert rtsys.get_allocation_stats().mi_alloc > 0
    assert held() == before


def test_no_step_and_no_visit_counts_references() -> None:
    """Catches what runs all the time, compiled as if it made arrays: it costs speed and shows nowhere."""
    often = (visits.act, advance, step_cells, chain.step_chances, chain.chain_chances)
    assert [function.__name__ for function in often if function.targetoptions.get("_nrt", True)] == []


def test_nothing_is_collected_during_a_run_and_what_was_off_stays_off() -> None:
    """Catches a collector that is left off after a run, or switched on for a caller who had it off."""
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
