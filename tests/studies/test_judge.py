"""Rules, and the words in which they are told."""

from __future__ import annotations

import math

import pytest

from trialsim.studies.estimates import Estimate
from trialsim.studies.findings.judge import interval, meets, number, reason, window
from trialsim.studies.findings.registry import RULES

NARROW = Estimate(2.0, 1.5, 2.5)


@pytest.mark.parametrize(
    ("rule", "bounds", "met"),
    [
        ("within", (2.0, 3.0), True),
        ("within", (2.1, 3.0), False),
        ("inside", (1.5, 2.5), True),
        ("inside", (1.6, 2.5), False),
        ("inside", (1.5, 2.4), False),
        ("above", (1.4,), True),
        ("above", (1.5,), False),
        ("below", (2.6,), True),
        ("below", (2.5,), False),
        ("holds", (1.5,), True),
        ("holds", (1.4,), False),
        ("at_least", (2.0,), True),
        ("at_least", (2.1,), False),
    ],
)
def test_rules_at_their_edges(rule: str, bounds: tuple[float, ...], met: bool) -> None:
    """Catches an estimate judged where the interval should be, and the other way round."""
    assert meets(rule, bounds, NARROW) is met


def test_nothing_known_meets_nothing() -> None:
    """Catches a finding that passes because there was nothing to compute."""
    unknown = Estimate(math.nan, math.nan, math.nan)
    for rule in RULES:
        assert not meets(rule, (-1e9, 1e9) if rule in ("within", "inside") else (0.0,), unknown)
        assert window(rule, (0.0, 1.0))


def test_numbers_read_well() -> None:
    """Catches exponents where there need be none, and a hyphen for a minus."""
    assert [number(x) for x in (0.0, 1234.6, 0.0123, 12.3456, -3.0, 1e7, math.inf, math.nan)] == [
        "0", "1,235", "0.0123", "12.3", "−3", "1e+07", "∞", "none",
    ]  # fmt: skip
    assert interval(NARROW) == "2 (1.5 to 2.5)"


def test_reason_names_quantity_value_and_window() -> None:
    """Catches a verdict without its why."""
    assert reason("nadir", "%", "within", (27.0, 42.0), NARROW) == "nadir is 2 (1.5 to 2.5) %, wanted: 27 to 42"
