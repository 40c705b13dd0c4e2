"""Steps of the cells while drugs act: they may take several doses together, and converge to what small steps say.

Counts are so large that chance does not show.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from tests.patient.lived import Lived
from tests.patient.protocols import arm, order, shipped, typical_patient, with_agents
from trialsim.biology.populations import ESCAPED, RESIDUAL, SENESCENT
from trialsim.spec.resolved import Numerics

PROTOCOL = with_agents(shipped())
FINE = Numerics(tolerance=1e-4, max_step_days=0.05)


@lru_cache(maxsize=16)
def left(numerics: Numerics, bcl2_class: str, first: int, doses: int) -> np.ndarray:
    """Senescent, cycling and escaped cells four weeks after doxorubicin, with daily navitoclax from a day on."""
    protocol = PROTOCOL.model_copy(update={"numerics": numerics})
    given = arm(order("doxorubicin", 60.0, [0.0]), order("navitoclax", 150.0, range(first, first + doses)))
    patient = typical_patient(residual_burden=1e9, senescence_escape_rate=1e-4, bcl2_class=bcl2_class)
    course = Lived(1, given, patient, protocol, seed=1)
    for day, which in [(0.0, 0), *((float(day), 1) for day in range(first, first + doses))]:
        course.advance(day)
        course.give(which, 1.0)
    course.advance(28.0)
    cells = course.state.cells
    return np.array([cells[:, SENESCENT:].sum(), cells[:, RESIDUAL].sum(), cells[:, ESCAPED:SENESCENT].sum()])


def errors(tolerance: float, *course: object) -> np.ndarray:
    """Relative, of the three counts."""
    return np.abs(left(Numerics(tolerance=tolerance, max_step_days=100.0), *course) / left(FINE, *course) - 1.0)


@pytest.mark.parametrize("first", [2, 7])
@pytest.mark.parametrize("bcl2_class", ["bcl_xl", "mcl_1"])
def test_a_course_of_a_senolytic_in_few_steps_is_that_in_many(bcl2_class: str, first: int) -> None:
    """Within 2.5 % at the default tolerance, also where cells ripen while it is given (chance makes up 1 % of the
    escaped). Catches doses that are lost between two steps, or felt twice."""
    assert (errors(0.05, bcl2_class, first, 7) < 0.025).all()


def test_it_converges_with_the_tolerance() -> None:
    """While cells ripen an early course makes the largest error; a tenth of the tolerance makes it a third or less.
    Catches a step under drugs that no tolerance shortens."""
    coarse, medium = (errors(tolerance, "bcl_xl", 2, 7)[0] for tolerance in (0.05, 0.005))
    assert coarse > 0.005
    assert medium < coarse / 3.0


@pytest.mark.parametrize("far", [1, 14])
def test_what_is_swallowed_between_two_steps_is_felt_from_then_on(far: int) -> None:
    """A single dose in the middle of a long step kills as much as where a step begins with it: the two patients differ
    in nothing but a look. Catches a dose that is spread over the days before it."""
    given = arm(order("navitoclax", 600.0, [float(far)]))
    patient = typical_patient(residual_burden=1e9, spontaneous_senescence_rate=1e-3)
    counts = []
    for looks in (False, True):
        course = Lived(1, given, patient, PROTOCOL, seed=1)
        course.advance(float(far))
        if looks:
            assert course.state.cells.sum() > 0
        course.give(0, 1.0)
        course.advance(40.0)
        counts.append(float(course.state.cells[:, SENESCENT:].sum()))
    assert counts[0] == pytest.approx(counts[1], rel=0.01)
