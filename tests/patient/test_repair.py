"""Radiation between fractions: linear-quadratic in expectation, with and without complete repair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.patient.lived import Lived
from tests.patient.protocols import arm, order, shipped, typical_patient, with_agents, with_gains
from trialsim.spec.agents import Agent, Radiation, Sourced
from trialsim.spec.resolved import ResolvedProtocol

ALPHA, RATIO, DOSE = 0.2, 3.5, 2.0
#: So many cells that a Poisson error is below 1e-7 of them after every schedule below.
CELLS = 10**17


def protocol(half_time: float | None) -> ResolvedProtocol:
    """Nothing but radiation happens to cells; its repair takes so many hours (None: complete between fractions)."""
    agents: dict[str, Agent] = dict(with_agents(shipped()).agents)
    radiation = agents["radiation"]
    assert isinstance(radiation, Radiation)
    if half_time is not None:
        number = Sourced(value=half_time, unit="h", source="chosen for a test", confidence="low")
        agents["radiation"] = radiation.model_copy(update={"repair_half_time": number})
    return with_gains(shipped(), crowding=0.0).model_copy(update={"agents": agents})


def on_day(course: Lived, day: float) -> None:
    """It is that day, and time has done nothing."""
    course.advance(day)
    for clock in ("now", "cells_at", "due"):
        course.own.body[clock] = day


def surviving(days: list[float], half_time: float | None, *, field: str = "local") -> float:
    """Share of cycling cells after fractions on days, struck without letting time do anything else to the cells."""
    given = arm(order("radiation", DOSE, days, field=field))
    course = Lived(1, given, typical_patient(residual_burden=1e6), protocol(half_time), seed=2)
    course.own.lesions["cells"] = 0
    course.own.lesions["cells"][0, 0] = CELLS
    for day in days:
        on_day(course, day)
        course.give(0, 1.0)
    return float(course.own.lesions["cells"][0, 0]) / CELLS


def thames(fractions: int, apart: float, half_time: float) -> float:
    """h_n of Thames 1985 for equal fractions at equal distances (days)."""
    theta = math.exp(-24.0 * math.log(2.0) / half_time * apart)
    return 2.0 / fractions * theta / (1.0 - theta) * (fractions - (1.0 - theta**fractions) / (1.0 - theta))


@pytest.mark.parametrize("fractions", [1, 5, 15, 25])
def test_complete_repair_is_linear_quadratic(fractions: int) -> None:
    """ln S = -n (alpha d + beta d^2) to 1e-6, whatever the days. Catches a dose remembered where nothing is left."""
    for apart in (0.25, 1.0, 3.0):
        share = surviving([apart * k for k in range(fractions)], None)
        assert math.log(share) == pytest.approx(-fractions * ALPHA * DOSE * (1.0 + DOSE / RATIO), rel=1e-6)


@pytest.mark.parametrize(("fractions", "apart", "half_time"), [(10, 0.25, 4.0), (15, 1.0, 4.0), (6, 0.25, 1.5)])
def test_incomplete_repair_is_thames_s(fractions: int, apart: float, half_time: float) -> None:
    """ln S = -n (alpha d + beta d^2 (1 + h_n)) to 1e-6. Catches beta counted once, and damage that stays for ever."""
    share = surviving([apart * k for k in range(fractions)], half_time)
    h = thames(fractions, apart, half_time)
    expected = -fractions * ALPHA * DOSE * (1.0 + DOSE / RATIO * (1.0 + h))
    assert math.log(share) == pytest.approx(expected, rel=1e-6)
    assert share < surviving([apart * k for k in range(fractions)], None)


def test_repair_that_is_quick_is_complete_and_none_makes_one_fraction() -> None:
    """The two ends: minutes, and years. Catches a rate of repair with the wrong sign or unit."""
    days = [0.0, 0.25, 0.5]
    assert surviving(days, 0.05) == pytest.approx(surviving(days, None), rel=1e-9)
    total = 3 * DOSE
    assert math.log(surviving(days, 1e7)) == pytest.approx(-ALPHA * total * (1.0 + total / RATIO), rel=1e-5)


def test_damage_is_left_where_the_dose_was() -> None:
    """Catches a local fraction that primes cells far away: a focus is then hit as a fresh one."""
    orders = [order("radiation", DOSE, [0.0], field="local"), order("radiation", DOSE, [0.1], field="systemic")]
    given = arm(orders[0], orders[1].model_copy(update={"id": "whole"}))
    course = Lived(1, given, typical_patient(foci=20.0), protocol(4.0), seed=2)
    course.own.lesions["cells"] = 0
    course.own.lesions["cells"][:2, 0] = CELLS
    course.give(0, 1.0)
    on_day(course, 0.1)
    course.give(1, 1.0)
    local, focus = np.log(course.own.lesions["cells"][:2, 0] / CELLS)
    one = -ALPHA * DOSE * (1.0 + DOSE / RATIO)
    assert focus == pytest.approx(one, rel=1e-6)
    left = DOSE * math.exp(-24.0 * math.log(2.0) / 4.0 * 0.1)
    assert local == pytest.approx(2.0 * one - 2.0 * ALPHA / RATIO * DOSE * left, rel=1e-6)
