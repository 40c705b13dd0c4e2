"""The grammar of schedules: what each word makes of the days, and that no dose is lost or doubled on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.agents_for_tests import library
from trialsim.spec.expansion import expand, weekday
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import Order
from trialsim.spec.written_order import WEEKDAYS, WrittenOrder

SOUND = Path(__file__).parent.parent / "invalid" / "sound_protocol.yaml"
FIXED = settings(deadline=None, derandomize=True, max_examples=300)
#: When the last fraction of the sound protocol falls: its navitoclax starts 14 d later, on time 158.
LAST_FRACTION = 144.0


def written(**keys: Any) -> WrittenOrder:
    return WrittenOrder(**{"agent": "navitoclax", "dose": "150 mg", "start": "day 1", **keys})


def navitoclax(*overrides: str) -> dict[str, Order]:
    """The navitoclax of the sound protocol with changed keys, by id."""
    sets = [f"arms.navitoclax.add.0.{override}" for override in overrides]
    orders = load_protocol(SOUND, library(), sets).arms["navitoclax"].orders
    return {order.id: order for order in orders if order.agent == "navitoclax"}


drugs = st.builds(
    lambda every, days_on, cycles: {"every": f"{every} d", "days_on": min(days_on, every), "cycles": cycles},
    st.integers(1, 42),
    st.integers(1, 42),
    st.integers(1, 12),
)
begins = st.integers(0, 400).map(float)
weeks = st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(lambda days: sorted(days, key=WEEKDAYS.index))


@FIXED
@given(drugs, begins)
def test_plain_cycles_are_as_ever(keys: dict[str, Any], begin: float) -> None:
    """Cycle c, day d falls on begin + c every + d. Catches a new word that moves, drops or doubles a dose of an order
    that does not use it."""
    every = float(keys["every"].split()[0])
    wanted = [begin + (c * every + d) for c in range(keys["cycles"]) for d in range(keys["days_on"])]
    dates = expand(written(**keys), begin)
    assert list(dates.days) == wanted
    assert list(dates.starts.values()) == [begin + c * every for c in range(keys["cycles"])]


@FIXED
@given(st.integers(1, 60), st.integers(1, 7), begins)
def test_plain_fractions_are_as_ever(fractions: int, per_week: int, begin: float) -> None:
    """Fraction k falls on 7 (k // per_week) + k % per_week from the start, whatever weekday that is."""
    order = written(agent="radiation", dose="2 Gy", fractions=fractions, per_week=per_week)
    assert list(expand(order, begin).days) == [begin + 7 * (k // per_week) + k % per_week for k in range(fractions)]


@FIXED
@given(drugs, begins, weeks)
def test_weekdays_part_the_doses(keys: dict[str, Any], begin: float, chosen: list[str]) -> None:
    """Doses on some weekdays and doses on the others are all doses, once. Catches a weekday off by one or a dose that
    is moved instead of left out."""
    others = [day for day in WEEKDAYS if day not in chosen]
    here = expand(written(**keys, weekdays=chosen), begin).days
    there = expand(written(**keys, weekdays=others), begin).days if others else ()
    assert sorted(here + there) == list(expand(written(**keys), begin).days)
    assert {weekday(day) for day in here} <= set(chosen)


@FIXED
@given(st.integers(1, 60), begins, weeks)
def test_fractions_on_weekdays_are_all_given(fractions: int, begin: float, chosen: list[str]) -> None:
    """As many fractions as written, on the first open days. Catches a fraction lost to a weekend."""
    order = written(agent="radiation", dose="2 Gy", fractions=fractions, weekdays=chosen)
    days = expand(order, begin).days
    candidates = [begin + k for k in range(7 * fractions + 7) if WEEKDAYS[int(begin + k) % 7] in chosen]
    assert list(days) == candidates[:fractions]


def test_day_one_is_a_monday() -> None:
    """Catches a study week that begins on another day."""
    assert [weekday(day) for day in (0.0, 4.0, 6.0, 7.0, 7.5)] == ["mon", "fri", "sun", "mon", "mon"]


@FIXED
@given(drugs, begins)
def test_odd_and_even_cycles_are_all_cycles(keys: dict[str, Any], begin: float) -> None:
    """Alternating sequences: catches cycles counted from 0, and a grid that closes up over the cycles left out."""
    odd, even = (expand(written(**keys, in_cycles=word), begin) for word in ("odd", "even"))
    assert sorted(odd.days + even.days) == list(expand(written(**keys), begin).days)
    assert set(odd.cycles) == set(range(1, keys["cycles"] + 1, 2))


@FIXED
@given(drugs, begins, st.integers(0, 500).map(float))
def test_until_only_takes_away(keys: dict[str, Any], begin: float, end: float) -> None:
    """The doses up to a day, that day's too, of those that there would be. Catches a stop that rounds to cycles."""
    every = expand(written(**keys), begin).days
    assert expand(written(**keys), begin, end).days == tuple(day for day in every if day <= end)


@FIXED
@given(drugs, begins, st.integers(0, 500).map(float))
def test_without_cycles_an_order_goes_on_until_its_end(keys: dict[str, Any], begin: float, span: float) -> None:
    """As with so many cycles that `until` takes the last away. Catches a cycle too few or too many at the end."""
    open_ended = {key: value for key, value in keys.items() if key != "cycles"}
    end = begin + span
    many = expand(written(**open_ended, cycles=600), begin, end).days
    assert expand(written(**open_ended, until="progression"), begin, end).days == many


@FIXED
@given(st.sets(st.integers(1, 28), min_size=1), st.integers(1, 12), begins)
def test_on_days_are_days_of_the_cycle(on_days: set[int], cycles: int, begin: float) -> None:
    """Catches days counted from 0 and days of a cycle that are lost."""
    order = written(every="28 d", cycles=cycles, on_days=sorted(on_days))
    assert list(expand(order, begin).days) == [begin + 28 * c + d - 1 for c in range(cycles) for d in sorted(on_days)]


@pytest.mark.parametrize("loading", [1, 7, 10, 41])
def test_loading_doses_replace_the_first(loading: int) -> None:
    """Catches loading doses given on top of the others, and a cycle that is lost where the two meet."""
    plain = navitoclax()["navitoclax"]
    parts = navitoclax(f"loading={{dose: 300 mg, doses: {loading}}}")
    first, then = parts["navitoclax.loading"], parts["navitoclax"]
    assert first.days + then.days == plain.days
    assert (len(first.days), first.dose, then.dose) == (loading, 300, 150)
    assert first.rule == then.rule == plain.rule
    assert set(first.cycle_starts) | set(then.cycle_starts) == set(plain.cycle_starts)


def test_a_lead_in_goes_before_cycle_one() -> None:
    """Catches a lead-in that overlaps with cycle 1, and one that `with` and `cycle 1` cannot tell apart."""
    parts = navitoclax("lead_in={dose: 100 mg, days: 7}")
    start = LAST_FRACTION + 14
    assert parts["navitoclax.lead-in"].days == tuple(start + day for day in range(7))
    assert parts["navitoclax"].cycle_starts == tuple(start + 7 + 28 * c for c in range(6))
    assert len(parts["navitoclax"].days) == 42


@pytest.mark.parametrize(
    ("start", "day"),
    [
        ("with cycle 2 of doxorubicin", 14.0),
        ("with cycle 2", 14.0),
        ("3 d after cycle 2 of paclitaxel", 73.0),
        ("7 d before rt", 119.0),
        ("1 wk before cycle 3 of chemo", 21.0),
        ("2 d after cycle 4 of chemo", 100.0),
    ],
)
def test_relative_starts(start: str, day: float) -> None:
    """By hand. Catches a cycle that is counted from 0, `after` from a cycle's first dose of several orders, and
    `before` from the last dose."""
    assert navitoclax(f"start={start}")["navitoclax"].days[0] == day


def test_one_two_punch() -> None:
    """A senolytic after every cycle of chemotherapy: catches cycles that drift against the backbone's."""
    order = navitoclax("start=3 d after cycle 1 of doxorubicin", "every=14 d", "days_on=3", "cycles=4")["navitoclax"]
    assert order.days == tuple(3.0 + 14 * c + d for c in range(4) for d in range(3))


def test_until_progression_lasts_as_long_as_everybody_is_followed() -> None:
    """Catches treatment that ends with the first cycle, and one beyond the minimum follow-up of 36 months."""
    sets = ["cycles=null"]
    with pytest.raises(Exception, match=r"`every` has no `cycles`"):
        navitoclax(*sets)
    order = navitoclax(*sets, "until=progression")["navitoclax"]
    minimum = 36 * 30.4375
    assert order.cycle_starts[-1] <= minimum < order.cycle_starts[-1] + 28
    assert order.days[-1] <= minimum
    assert order.written == "14 d after rt, until progression"


def test_agents_that_must_not_overlap() -> None:
    """The check lets pass what is just far enough. Catches `<=` for `<`, and a check of first doses only."""
    rt = "regimens.rt.0.start=7 d after paclitaxel"
    assert load_protocol(SOUND, library(), [rt]).arms["control"].orders
    with pytest.raises(Exception, match="paclitaxel on day 99 and radiation on day 105 are less than 7 d apart"):
        load_protocol(SOUND, library(), ["regimens.rt.0.start=6 d after paclitaxel"])
