"""A grid of values: how it is read, what lives at each point, and that patients are the same at all of them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.studies.protocols import START, start_protocol
from trialsim.errors import InvalidInput
from trialsim.studies.contrasts import contrast
from trialsim.studies.sweep import Point, read_grid, run_sweep, split
from trialsim.studies.tables import sweep_text
from trialsim.studies.twins import live_twins
from trialsim.treatment.library import load_library

BEGIN = "arms.after-7.add.0.start"


def grid(*varied: str, overrides: tuple[str, ...] = ()) -> list[Point]:
    return read_grid(START, load_library(), varied, overrides)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2", ["1", "2"]),
        ("7 d after ac, 14 d after ac", ["7 d after ac", "14 d after ac"]),
        ("[4, 6],[2]", ["[4, 6]", "[2]"]),
        ("{a: [1, 2], b: 3},4", ["{a: [1, 2], b: 3}", "4"]),
        ('"a, b",c', ['"a, b"', "c"]),
        ("'[',']'", ["'['", "']'"]),
        ("", [""]),
    ],
)
def test_values_are_parted_by_commas_outside_brackets_and_quotes(text: str, values: list[str]) -> None:
    """Catches a list of block sizes torn into two values."""
    assert split(text) == values


def test_a_grid_is_every_combination() -> None:
    """Catches keys varied one at a time, an override that one point alone has, and a value that reaches another key."""
    points = grid(f"{BEGIN}=0 d after ac,28 d after ac", "biology.escape=0,1,2", overrides=("follow_up.minimum=36 mo",))
    assert [tuple(point.values.values()) for point in points] == [
        (begin, escape) for begin in ("0 d after ac", "28 d after ac") for escape in ("0", "1", "2")
    ]
    last = max(start_protocol().arms["control"].orders[0].days)
    for point in points:
        begin, escape = point.values.values()
        assert point.protocol.biology["escape"] == float(escape)
        assert point.protocol.follow_up.minimum_days == pytest.approx(36 * 30.4375)
        navitoclax = point.protocol.arms["after-7"].orders[-1]
        assert navitoclax.days[0] == last + float(begin.split()[0])


def test_every_problem_of_every_point_is_told_once() -> None:
    """Catches a sweep that stops at its first bad value, that tells the same mistake at each point, or that runs the
    good points first."""
    with pytest.raises(InvalidInput) as caught:
        grid(f"{BEGIN}=7 d after ac,soon,with nothing", "biology.escape=1,2")
    told = [str(problem.file) for problem in caught.value.problems]
    assert told == [f"--set {BEGIN}=soon", f"--set {BEGIN}=with nothing"]


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        (("biology.escape",), "no `=`"),
        (("biology.escape=",), "is empty"),
        (("biology.escape=1,,2",), "is empty"),
        (("biology.escape=1", "biology.escape=2"), "varied twice"),
    ],
)
def test_what_is_no_grid_is_refused(varied: tuple[str, ...], message: str) -> None:
    """Catches an empty value that is taken for null, and a second --vary that replaces the first unseen."""
    with pytest.raises(InvalidInput, match=message) as caught:
        grid(*varied)
    assert caught.value.problems[0].file == f"--vary {varied[-1]}"
    assert caught.value.exit_code == 3


def test_points_are_the_runs_that_they_stand_for() -> None:
    """Catches courses of one point told at another, an arm taken for one that lived once though a value changed it, and
    patients that differ between points. The whole result, number by number, against runs of the points alone."""
    points = grid(f"{BEGIN}=0 d after ac,112 d after ac", "biology.escape=1,20")
    found = run_sweep(points, 200, seed=3)
    alone = [live_twins(point.protocol, 200, seed=3) for point in points]
    until = points[0].protocol.follow_up.minimum_days
    for told, own in zip(found.points, alone, strict=True):
        for arm in ("after-7", "before"):
            assert told.contrasts[arm] == contrast(own[arm], own["control"], until)
            assert told.against_first[arm] == contrast(own[arm], alone[0][arm], until)
    # Two points of the four differ in the arm that was varied alone.
    assert found.points[0].arms["control"] == found.points[2].arms["control"]
    assert found.points[0].arms["control"] != found.points[1].arms["control"]


def test_an_arm_that_no_value_changes_is_lived_once() -> None:
    """Catches a sweep that takes as many times as long as it need."""
    seen: list[int] = []
    points = grid(f"{BEGIN}=0 d after ac,7 d after ac,28 d after ac")
    run_sweep(points, 20, seed=1, on_progress=lambda _, total: seen.append(total))
    assert seen[0] == 20 * (3 + 3)  # three arms as they were, one at three points


def test_the_table_tells_an_unchanged_arm_once_and_every_point() -> None:
    """Catches a table that repeats what no value changed, or that leaves out a point."""
    points = grid(f"{BEGIN}=0 d after ac,7 d after ac")
    found = run_sweep(points, 200, seed=1)
    lines = sweep_text(found).splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("any")] == [
        ["any", "control"],
        ["any", "after-112"],
        ["any", "before"],
    ]
    assert sum("d after ac" in line and "after-7" in line for line in lines) == 2


def test_raising_escape_raises_relapse_in_the_same_patients() -> None:
    """Catches points that are sorted or joined in another order: with ten times as much escape more patients relapse,
    far beyond five standard errors."""
    found = run_sweep(grid("biology.escape=0,100"), 600, seed=2)
    averted = found.points[1].against_first["control"].relapses_averted
    half = 0.5 * (averted.upper - averted.lower)
    assert averted.value < -5.0 * half / 1.96
    assert np.isfinite(half)
