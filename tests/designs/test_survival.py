"""Expected events and sizes against quadrature, simulation and each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from trialsim.designs.boundaries import DesignError, by_spending
from trialsim.designs.size import (
    events_of_z,
    hazard_ratio_of_z,
    schoenfeld_events,
    schoenfeld_power,
    size_for,
    z_of_hazard_ratio,
)
from trialsim.designs.spending import parse_spending
from trialsim.designs.survival import Group, Steps, SurvivalTrial, constant, uniform
from trialsim.designs.text import size_table, size_text

rates = st.floats(0.0, 0.3)
ends = st.lists(st.integers(1, 20), min_size=0, max_size=3, unique=True).map(
    lambda e: tuple(float(x) for x in sorted(e))
)


@st.composite
def steps(draw: st.DrawFn) -> Steps:
    at = draw(ends)
    return Steps(at, tuple(draw(rates) for _ in range(len(at) + 1)))


def _chance(group: Group, follow_up: float) -> float:
    """The chance of an event by quadrature of the density."""
    cuts = sorted({0.0, *group.hazard.ends, *group.dropout.ends, follow_up})
    cuts = [cut for cut in cuts if cut <= follow_up]

    def density(u: float) -> float:
        return group.hazard.at(u) * math.exp(-group.hazard.integral(u) - group.dropout.integral(u))

    return sum(quad(density, a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(cuts))


@settings(max_examples=40, deadline=None)
@given(hazard=steps(), dropout=steps(), accrual=steps(), time=st.floats(0.5, 40.0))
def test_events_are_the_integral(hazard: Steps, dropout: Steps, accrual: Steps, time: float) -> None:
    """Catches a piece left out, dropout that is not competing, and entry after the time that counts."""
    group = Group(hazard, dropout)
    assert group.had_event(time) == pytest.approx(_chance(group, time), abs=1e-10)
    changes = {0.0, time, *accrual.ends, *(time - end for end in (*hazard.ends, *dropout.ends))}
    cuts = sorted(cut for cut in changes if 0.0 <= cut <= time)
    by_quadrature = sum(
        quad(lambda e: accrual.at(e) * group.had_event(time - e), a, b, epsabs=1e-12)[0]
        for a, b in itertools.pairwise(cuts)
    )
    assert group.events(accrual, time).sum() == pytest.approx(by_quadrature, rel=1e-9, abs=1e-9)


def test_expected_events_are_those_of_simulated_patients() -> None:
    """200,000 patients; 6 standard errors, a false alarm in 5e8. Catches time measured from the trial's start."""
    rng = np.random.default_rng(1)
    n, time = 200_000, 20.0
    entry = rng.uniform(0.0, 12.0, n)
    hazard, dropout = Steps((5.0,), (0.08, 0.02)), constant(0.01)
    exposure = rng.exponential(size=n)
    event = np.where(exposure < 0.4, exposure / 0.08, 5.0 + (exposure - 0.4) / 0.02)
    seen = (event < rng.exponential(100.0, n)) & (entry + event < time)
    expected = Group(hazard, dropout).events(uniform(1.0, 12.0), time).sum()
    assert abs(seen.mean() - expected) < 6 * math.sqrt(expected * (1 - expected) / n)


def test_average_hazard_ratio_under_delay() -> None:
    """No effect for 6 months, 0.6 after: from 1 it falls towards 0.6 and stays above. Catches an average by time."""
    hazard = math.log(2) / 12
    trial = SurvivalTrial(uniform(300.0, 12.0), Group(constant(hazard)), Group(Steps((6.0,), (hazard, 0.6 * hazard))))
    found = [trial.expected(time).average_hazard_ratio for time in (5.9, 12.0, 24.0, 48.0)]
    assert found[0] == 1.0
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0.6
    # The weights are the information of each piece: with no delay the average is the ratio itself.
    level = SurvivalTrial(uniform(300.0, 12.0), Group(Steps((3.0,), (0.1, 0.02))), Group(Steps((3.0,), (0.07, 0.014))))
    assert level.expected(20.0).average_hazard_ratio == pytest.approx(0.7, rel=1e-12)


def test_when_is_the_inverse_of_expected() -> None:
    """Catches a time before the accrual's end that is taken after it; events that never come are refused."""
    trial = SurvivalTrial(uniform(100.0, 10.0), Group(constant(0.05), constant(0.01)), Group(constant(0.03)))
    for events in (1.0, 20.0, 70.0):
        assert trial.expected(trial.when(events)).events == pytest.approx(events, rel=1e-9)
    with pytest.raises(DesignError, match="never reached"):
        trial.when(99.0)


def test_size_gives_the_power_asked_for() -> None:
    """Schoenfeld both ways round, with an unequal ratio and two sides. Catches a ratio turned over."""
    for ratio in (1.0, 2.0, 0.5):
        for sided in (1, 2):
            events = schoenfeld_events(0.7, 0.05, 0.85, sided=sided, ratio=ratio)
            assert schoenfeld_power(0.7, events, 0.05, sided=sided, ratio=ratio) == pytest.approx(0.85, rel=1e-10)
            z = z_of_hazard_ratio(0.7, events, ratio)
            assert hazard_ratio_of_z(z, events, ratio) == pytest.approx(0.7, rel=1e-12)
            assert events_of_z(z, 0.7, ratio) == pytest.approx(events, rel=1e-12)


def test_the_two_methods_meet_where_the_effect_is_small() -> None:
    """Catches one that leaves dropout or the ratio out: with a hazard ratio near 1 they must agree."""
    hazard, dropout = 0.05, constant(0.02)
    trial = SurvivalTrial(
        Steps((6.0, 12.0), (1.0, 3.0, 0.0)),
        Group(constant(hazard), dropout),
        Group(constant(0.98 * hazard), dropout),
        2.0,
    )
    first, second = (size_for(trial, 24.0, 0.025, 0.9, method=method) for method in ("schoenfeld", "lachin-foulkes"))  # type: ignore[arg-type]
    assert second.patients == pytest.approx(first.patients, rel=0.01)


def test_sizes_that_cannot_be() -> None:
    """Catches a size of infinity for no effect, and Lachin and Foulkes under a delay."""
    same = SurvivalTrial(uniform(1.0, 12.0), Group(constant(0.05)), Group(constant(0.05)))
    with pytest.raises(DesignError, match="no effect"):
        size_for(same, 24.0, 0.025, 0.9)
    late = SurvivalTrial(uniform(1.0, 12.0), Group(constant(0.05)), Group(Steps((6.0,), (0.05, 0.03))))
    with pytest.raises(DesignError, match="proportional"):
        size_for(late, 24.0, 0.025, 0.9, method="lachin-foulkes")
    for hazard_ratio in (1.0, 0.0, -1.0, math.inf):
        with pytest.raises(DesignError, match="no effect to plan for"):
            schoenfeld_events(hazard_ratio, 0.025, 0.9)


@pytest.mark.parametrize(
    ("at", "values"), [((1.0,), (1.0,)), ((2.0, 1.0), (1, 1, 1)), ((), (-1.0,)), ((), (math.inf,))]
)
def test_steps_that_cannot_be(at: tuple[float, ...], values: tuple[float, ...]) -> None:
    """Catches hazards below zero and steps that go back."""
    with pytest.raises(DesignError):
        Steps(at, values)


def test_an_effect_above_one_is_the_mirror_image() -> None:
    """HR 1.4: 371.24 events and rejection above 1.2256, as rpact 3.3 has it (``directionUpper = TRUE``).

    Catches a sign lost in a square: "rejects if the hazard ratio is below 0.8159".
    """
    trial = SurvivalTrial(uniform(1.0, 10.0), Group(constant(0.0693)), Group(constant(0.0693 * 1.4)))
    design = by_spending((1.0,), 0.025, 1, parse_spending("obrien-fleming"))
    told = size_table(size_for(trial, 18.0, 0.025, 0.9), design, 0.9, "schoenfeld")
    assert told.events == pytest.approx(371.24, abs=0.005)
    assert told.rejects == "above"
    assert told.looks[0].hazard_ratio_to_reject == pytest.approx(1.2256, abs=5e-5)
    assert "rejects if HR is above" in size_text(told)
    benefit = SurvivalTrial(uniform(1.0, 10.0), Group(constant(0.0693)), Group(constant(0.0693 / 1.4)))
    mirror = size_table(size_for(benefit, 18.0, 0.025, 0.9), design, 0.9, "schoenfeld")
    assert mirror.rejects == "below"
    assert mirror.looks[0].hazard_ratio_to_reject == pytest.approx(1 / 1.2256, abs=5e-5)
    with pytest.raises(DesignError, match="no number of events gives z 2"):
        events_of_z(2.0, 1.4)
