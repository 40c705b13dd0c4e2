"""Folds that the model divides by: a value or a gain that leaves nothing of one is refused by the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialsim.errors import InvalidInput
from trialsim.spec.load import load_protocol
from trialsim.treatment.library import load_library

FIRST = Path(__file__).parents[2] / "protocols" / "first-trial.yaml"


def loaded(*overrides: str) -> None:
    load_protocol(FIRST, load_library(), overrides)


@pytest.mark.parametrize("trait", ["escaper_establishment", "escaper_resistance"])
def test_a_fold_that_is_divided_by_is_not_zero(trait: str) -> None:
    """Catches a check that passes what no run finishes: a division by zero in compiled code."""
    with pytest.raises(InvalidInput, match=rf"`{trait}` can be 0; it is at least 0\.01"):
        loaded(f"cohort.traits.{trait}={{value: 0, source: x, confidence: low}}")


def test_a_gain_that_scales_a_fold_to_nothing() -> None:
    """0.5 scaled by 3 from 1 is below zero. Catches the product of two values that pass one by one."""
    half = "cohort.traits.escaper_resistance={value: 0.5, source: x, confidence: low}"
    loaded(half, "biology.escaper.resistance=1.5")
    with pytest.raises(InvalidInput, match=r"`escaper\.resistance` 3 leaves nothing of `escaper_resistance`"):
        loaded(half, "biology.escaper.resistance=3")
