"""The forest: places on its scale, clipping, and what it says where nothing can be estimated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.report.sample import contents
from tests.saved import read
from trialsim.report.forest import forests
from trialsim.reported.analysis import SurvivalAnalysis


def analysis_with(**level: Any) -> SurvivalAnalysis:
    """The main case, with the first subgroup's comparison replaced in part."""
    analysis: dict[str, Any] = contents()["results"]["analysis"]
    analysis["subgroups"][0]["levels"][0]["comparisons"][0] |= level
    return read(SurvivalAnalysis, analysis)


def test_places_are_logarithmic_and_symmetric() -> None:
    """Catches a linear scale, on which 0.5 and 2 are not equally far from 1."""
    plot = forests(analysis_with(hr=1.0, lower=0.5, upper=2.0))[0]
    row = plot.rows[1]
    assert row.x is not None
    assert row.left is not None
    assert row.right is not None
    assert plot.null == pytest.approx(50.0)
    assert row.x == pytest.approx(50.0, abs=0.02)
    assert row.x - row.left == pytest.approx(row.right - row.x, abs=0.02)


def test_wide_intervals_are_clipped_with_an_arrow() -> None:
    """Catches a whisker that leaves the figure, and a clipped one without its sign."""
    row = forests(analysis_with(hr=0.3, lower=0.001, upper=60.0))[0].rows[1]
    assert (row.clipped_left, row.clipped_right) == (True, True)
    assert (row.left, row.right) == (0.0, 100.0)
    assert row.estimate == "0.30 (0.00\u00a0to\u00a060.00)"


def test_rows_carry_events_and_interaction() -> None:
    """Catches events of the other arm, and an interaction p that is not the likelihood ratio's."""
    analysis = contents()["results"]["analysis"]
    plot = forests(read(SurvivalAnalysis, analysis))[0]
    level = analysis["subgroups"][0]["levels"][0]
    control, treated = level["arms"]["control"], level["arms"]["navitoclax"]
    assert plot.rows[1].reference_events == f"{control['events']} / {control['n']}"
    assert plot.rows[1].arm_events == f"{treated['events']} / {treated['n']}"
    assert plot.rows[0].interaction == f"{analysis['subgroups'][0]['interactions'][0]['p']:.2f}"
    assert plot.rows[-1].kind == "overall"


def test_nothing_is_drawn_where_nothing_is_known() -> None:
    """Catches a box at 1 for a subgroup without events."""
    row = forests(analysis_with(hr=None, lower=None, upper=None))[0].rows[1]
    assert row.x is None
    assert row.estimate == "not estimable"


def test_every_comparison_is_on_one_scale() -> None:
    """Catches forests of one trial that can't be compared by eye."""
    plots = forests(read(SurvivalAnalysis, contents(arms=3, n=450)["results"]["analysis"]))
    assert len(plots) == 2
    assert plots[0].ticks == plots[1].ticks
