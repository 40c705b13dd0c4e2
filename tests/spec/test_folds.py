"""Values and gains that no run could be made with: of a fold that the model divides by nothing is left, or the pace of
a lesion takes too many steps."""

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


def test_a_gain_that_takes_a_rate_beyond_its_pace() -> None:
    """At 3 a day at most: 0.2 a day times 15 is it, times 16 beyond. Catches the product of two values that pass."""
    rate = "cohort.traits.immune_kill_rate={value: 0.2 /d, source: x, confidence: low}"
    loaded(rate, "biology.immune_killing=15")
    with pytest.raises(InvalidInput, match=r"`immune_killing` 16 takes `immune_kill_rate` up to 3\.2"):
        loaded(rate, "biology.immune_killing=16")
