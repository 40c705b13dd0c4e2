"""docs/schedules.md: its numbers of the model's means are those of the code, and these agree with closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import schedules
from benchmarks.schedules import COURSES, CYCLES, STARTS, WAITS, foretold, is_none, left_by_a_cycle
from benchmarks.waiting import (
    CLEARANCE,
    FOLLOWED,
    LATENCY,
    MATURATION,
    STEP,
    averted_percent,
    competent_days,
    kill_rate,
    made_by_cycles,
)
from tests.docs.pages import page, section, tables
from trialsim.spec.agents import Senolytic
from trialsim.treatment.library import load_library

DAYS = np.arange(0.0, FOLLOWED, STEP)


def navitoclax() -> Senolytic:
    agent = load_library()["navitoclax"]
    assert isinstance(agent, Senolytic)
    return agent


def lived(kill: float) -> float:
    """Days that competent cells live, of one cell that arrests on day 0, under a constant hazard: a chain's product."""
    ripening, becoming = 1.0 / MATURATION, 1.0 / (LATENCY - MATURATION)
    leave = CLEARANCE + kill
    return ripening / (ripening + CLEARANCE) * becoming / (becoming + leave) / leave


@pytest.mark.parametrize("kill", [0.0, 0.05, 0.2])
def test_competent_days_are_those_of_the_chain(kill: float) -> None:
    """Catches a rate left out of the chain, and a step that is too long: the closed form over endless time, of which a
    ten-thousandth lies beyond what is followed."""
    assert competent_days({0.0: 1.0}, np.full(DAYS.size, kill), DAYS) == pytest.approx(lived(kill), rel=2e-3)


def test_doses_superpose_in_the_hazard_at_steady_state() -> None:
    """Daily doses at steady state have the mean concentration dose / (clearance x day). Emax is concave, so the mean
    hazard lies below that of the mean concentration, and for a peak and trough within a factor of three not by much.
    Catches units, and doses that replace each other."""
    agent = navitoclax()
    days = np.arange(0.0, 60.0, STEP)
    hazard = kill_rate(agent, 150.0, range(60), days)[days >= 40.0].mean()
    mean = 1000.0 * 150.0 / (24.0 * agent.pk.clearance.value) / agent.pk.molar_mass.value
    jensen = agent.emax.value * mean / (agent.ec50.value + mean)
    assert 0.9 * jensen < hazard < jensen


def test_before_there_are_cells_nothing_is_averted() -> None:
    """Catches a drug that outlasts its half-life of 17 hours: given weeks before, it averts nothing."""
    assert averted_percent(navitoclax(), 150.0, [-60.0], range(14), {0.0: 1.0})[0] == pytest.approx(0.0, abs=1e-6)


def test_most_cells_are_made_by_the_first_cycle() -> None:
    made = made_by_cycles(4, 14.0, 0.2)
    assert list(made) == [-42.0, -28.0, -14.0, 0.0]
    assert sum(made.values()) == pytest.approx(1.0 - 0.2**4)
    assert made[-42.0] == pytest.approx(0.8)
    assert 0.1 < left_by_a_cycle() < 0.2


def test_the_page_tells_what_the_means_say() -> None:
    """Catches a page that is older than the agents' numbers: every cell of its table of escapes averted."""
    rows = tables(section(page("schedules.md"), "Why there is no best day to wait for"))[0]
    told = [[float(cell) for cell in row[1:]] for row in rows]
    computed = [[round(x, 1) for x in foretold(course, n)] for course in COURSES.values() for n in CYCLES]
    np.testing.assert_allclose(told, computed, atol=0.051)
    # The first doses of an early course are lost on unripe cells, after one cycle alone.
    late = WAITS.index(0)
    assert max(told[4][late:]) > 1.5 * told[4][late]
    assert max(told[1][late:]) == told[1][late]


def test_the_page_has_every_start_with_its_interval() -> None:
    """Catches a start that is left out, and an interval that does not hold its own estimate."""
    text = page("schedules.md")
    for table in tables(section(text, "What it gains"))[:2]:
        assert len(table) == len(schedules.SETTINGS)
        for row in table:
            assert len(row) == 2 + len(STARTS)
            for cell in row[1:]:
                value, lower, upper = _numbers(cell)
                assert lower <= value <= upper
    assert "images/navitoclax-start.svg" in text


def test_given_before_chemotherapy_it_does_nothing() -> None:
    """The page's own figures: where chemotherapy alone makes senescent cells, navitoclax before it is within four
    standard errors of none (false alarm 6e-5 for a page, which is fixed), and right after it is not."""
    last = tables(section(page("schedules.md"), "What it gains"))[0][-1]
    before, after = (dict(zip(("value", "lower", "upper"), _numbers(cell), strict=True)) for cell in last[1:3])
    assert is_none({"days_gained": before})
    assert not is_none({"days_gained": after})


def _numbers(cell: str) -> tuple[float, float, float]:
    words = cell.replace("−", "-").replace("(", "").replace(")", "").replace(" to ", " ").split()
    value, lower, upper = (float(word) for word in words)
    assert math.isfinite(value)
    return value, lower, upper
