"""Designs as published by gsDesign, gsDesign2, rpact, SAS, and Jennison & Turnbull."""

from __future__ import annotations

import pytest

from tests.designs.published import CASES, HOW, pairs

#: What must be reproduced; simulations are those of the replicates' tests.
CLOSED_FORMS = {
    "gs_bounds",
    "gs_type1",
    "gs_sample_size",
    "gs_survival",
    "events",
    "sample_size",
    "power",
    "expected_events",
}


def test_every_case_is_taken_up() -> None:
    """Catches a published case that nobody looks at."""
    assert HOW.keys() == {case.id for case in CASES.values() if case.kind in CLOSED_FORMS}


@pytest.mark.parametrize("name", HOW)
def test_published_numbers(name: str) -> None:
    """Catches a spending function on the wrong scale, a two-sided alpha taken twice, dropout or accrual left out."""
    for pair in pairs(CASES[name]):
        assert pair.agrees, pair
