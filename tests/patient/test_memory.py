"""Compiled code frees what it is handed: functions without reference counts must own no array."""

from __future__ import annotations

import gc

import numpy as np
from numba.core.runtime import _nrt_python, rtsys

from tests.patient.protocols import shipped
from trialsim.biology import chain
from trialsim.collecting import uncollected
from trialsim.compiling import compiled
from trialsim.schedule import arm_schedule
from trialsim.patient import bank
from trialsim.patient import compiled as course
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import Course
from trialsim.records import SameDay

PATIENTS = 4


def held() -> int:
    """Arrays that compiled code made and nobody has freed."""
    gc.collect()
    kept = rtsys.get_allocation_stats()
    return int(kept.mi_alloc - kept.mi_free)


@compiled
def _make(n: int) -> np.ndarray:
    return np.zeros(n)


@compiled
def _made(n: int) -> float:
    return float(_make(n)[0])


def test_courses_leave_no_array_behind() -> None:
    """Catches a compiled function that is handed an array and, without reference counts, never frees it: a trial's
    process once kept the room to work in of every visit."""
    _nrt_python.memsys_enable_stats()
    own = shipped()
    arm = own.arms["navitoclax"]
    visits = arm_schedule(arm, own.follow_up.scans, 400.0)
    plan = bank.make_plan(arm, visits)
    traits = dict(enumerate(sample_traits(own.cohort, PATIENTS, seed=1), start=1))

    def live() -> None:
        _made(3)
        bank.live_all(own, arm, plan, traits, seed=1)
        bank.live_all(own, arm, plan, traits, seed=1, observe=lambda _patient, _state: None)
        for number, person in traits.items():
            course = Course(number, arm, person, own, seed=1)
            for day, tasks in visits:
                course.advance(day)
                for kind, order in tasks:
                    if kind is SameDay.DOSE:
                        course.give(order, 1.0)
            course.assess()
            course.laboratory(course.day)

    live()
    before = held()
    live()
    assert rtsys.get_allocation_stats().mi_alloc > 0
    assert held() == before


def test_no_step_and_no_visit_counts_references() -> None:
    """Catches a slice, a sum or an array made in what runs all the time: it costs speed and shows nowhere."""
    often = (bank._live, course.advance, course.settle, course._trace, chain.step_chances, chain.chain_chances)
    assert [function.__name__ for function in often if function.targetoptions["_nrt"]] == []


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
