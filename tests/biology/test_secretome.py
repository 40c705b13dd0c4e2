"""The secretome's data: every inducer, every number with its source and a range that holds it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trialsim.biology.secretome import Secretome, load_secretome
from trialsim.spec.agents import INDUCERS

DATA = load_secretome()
NUMBERS = [*DATA.weights.values(), DATA.infiltration_time]


def test_every_inducer_has_a_weight_and_no_other() -> None:
    """Catches an inducer that is appended to the model and forgotten here."""
    assert set(DATA.weights) == set(INDUCERS)


def test_every_number_has_a_source_and_lies_in_its_range() -> None:
    """Catches a number without provenance, and a value outside the range that its source gives."""
    for number in NUMBERS:
        assert len(number.source) > 5
        assert number.low is not None
        assert number.high is not None
        assert number.low <= number.value <= number.high
        assert number.low < number.high
    assert {w.unit for w in DATA.weights.values()} == {"fold"}
    assert DATA.infiltration_time.unit == "day"
    assert DATA.infiltration_time.value > 0.0


def test_weights_are_shares_of_a_fibroblasts() -> None:
    """The unit of the load is a senescent fibroblast; no tumour cell is taken to secrete more (Ewald 2008).

    Cells whose arrest came without DNA damage secrete least (Malaquin 2020).
    """
    value = {inducer: weight.value for inducer, weight in DATA.weights.items()}
    assert all(0.0 <= v <= 1.0 for v in value.values())
    assert max(value["cell_cycle"], value["enzalutamide"]) < min(
        v for i, v in value.items() if i not in ("cell_cycle", "enzalutamide")
    )


def test_a_table_without_an_inducer_is_refused() -> None:
    """Catches a schema that takes what is missing for zero."""
    short = DATA.model_dump()
    del short["weights"]["radiation"]
    with pytest.raises(ValidationError, match="weights lack radiation"):
        Secretome.model_validate(short)


def test_an_unknown_inducer_is_refused() -> None:
    """Catches a misspelt inducer whose weight is read by nobody."""
    long = DATA.model_dump()
    long["weights"]["radition"] = long["weights"]["radiation"]
    with pytest.raises(ValidationError):
        Secretome.model_validate(long)
