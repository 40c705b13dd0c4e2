"""The merged schedule of an arm."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from trialsim.records import SameDay
from trialsim.schedule import arm_schedule, laboratory_days, scan_days
from trialsim.spec.resolved import ScanPeriod

#: The same examples in every run.
FIXED = settings(deadline=None, derandomize=True)

MONTH = example.MONTH


def test_scans_of_two_periods() -> None:
    """Catches a period that drops its last scan, repeats it in the next period, or restarts the count."""
    periods = (
        ScanPeriod(every_days=3 * MONTH, until_days=12 * MONTH),
        ScanPeriod(every_days=6 * MONTH, until_days=None),
    )
    months = [day / MONTH for day in scan_days(periods, 30 * MONTH)]
    assert months == pytest.approx([3, 6, 9, 12, 18, 24, 30])


def test_a_period_counts_from_the_last_scan() -> None:
    """Catches a gap longer than either period where a period's end is no multiple of its interval."""
    periods = (ScanPeriod(every_days=40, until_days=100), ScanPeriod(every_days=50, until_days=None))
    assert scan_days(periods, 200) == [40, 80, 130, 180]


def test_laboratory_visits_are_weekly_from_each_cycle_start() -> None:
    """Catches labs counted from randomisation, labs past the last cycle, and a cycle start without one."""
    order = example.senolytic(start=70.0, cycles=2)
    assert laboratory_days(order) == [70, 77, 84, 91, 98, 105, 112, 119]
    lone = example.order("navitoclax", (10.0, 11.0), (10.0,), example.PLATELET_RULE)
    assert laboratory_days(lone) == [10, 17, 24, 31, 38]
    assert laboratory_days(example.chemotherapy()) == []


def test_same_day_order() -> None:
    """A scan sees the tumour before that day's treatment; the laboratory decides on that day's dose.

    Catches tasks sorted by their place in the protocol, or by name.
    """
    starts = (0.0, 14.0)
    arm = example.arm(
        "x",
        example.order("b", starts, starts),
        example.order("a", starts, starts, example.PLATELET_RULE),
    )
    visits = dict(arm_schedule(arm, (ScanPeriod(every_days=14, until_days=14),), 100))
    assert visits[14.0] == (
        (SameDay.SCAN, 0),
        (SameDay.LABORATORY, 0),
        (SameDay.DOSE, 0),
        (SameDay.DOSE, 1),
    )


days = st.lists(st.integers(0, 60).map(float), min_size=1, max_size=20).map(lambda d: tuple(sorted(d)))


@FIXED
@given(days, days, st.integers(1, 80))
def test_every_dose_is_scheduled_once(first: tuple[float, ...], second: tuple[float, ...], horizon: int) -> None:
    """Catches doses lost where orders meet on a day, and doses of one order twice a day merged into one."""
    arm = example.arm(
        "x",
        example.order("a", first, first[:1], example.PLATELET_RULE),
        example.order("b", second, second[:1]),
    )
    visits = arm_schedule(arm, (ScanPeriod(every_days=10, until_days=None),), horizon)
    assert [day for day, _ in visits] == sorted({day for day, _ in visits})
    doses = Counter((day, index) for day, tasks in visits for kind, index in tasks if kind is SameDay.DOSE)
    planned = Counter((day, k) for k, order in enumerate(arm.orders) for day in order.days if day <= horizon)
    assert doses == planned
    for _, tasks in visits:
        assert list(tasks) == sorted(tasks)
        assert Counter(kind for kind, _ in tasks)[SameDay.LABORATORY] <= 1


def test_planned_days_lie_on_the_calendar_grid() -> None:
    """Catches two spellings of one instant (0.1 + 0.2 and 0.3) scheduled as two visits."""
    arm = example.arm("x", example.order("a", (0.1 + 0.2,), (0.3,)), example.order("b", (0.3, 1 / 3), (0.3,)))
    visits = arm_schedule(arm, (), 10.0)
    assert [len(tasks) for _, tasks in visits] == [2, 1]
    assert all((day * 2**20).is_integer() for day, _ in visits)
