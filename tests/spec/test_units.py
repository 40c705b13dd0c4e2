"""The grammar of values with units."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.spec.agents import Cytotoxic, Radiation, Senolytic
from trialsim.spec.traits import Dimension
from trialsim.units import (
    DIMENSIONS,
    DOSE_UNITS,
    UnitError,
    format_quantity,
    format_time,
    parse,
    parse_dose,
)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("21 d", "time", 21.0),
        ("3 wk", "time", 21.0),
        ("6 mo", "time", 182.625),
        ("2 yr", "time", 730.5),
        ("21d", "time", 21.0),
        ("  1.5   mo ", "time", 45.65625),
        ("55 yr", "age", 55.0),
        ("0.02 /d", "rate", 0.02),
        ("25 /mo", "rate", 25 / 30.4375),
        ("0.00688 /yr", "yearly_rate", 0.00688),
        ("1e5 cells", "cells", 1e5),
        ("0.25 /Gy", "per_gray", 0.25),
        ("3.5 Gy", "gray", 3.5),
        ("250 1e9/L", "platelets", 250.0),
        ("250e9/L", "platelets", 250.0),
        ("250000 /uL", "platelets", 250.0),
        ("40 %", "fraction", 0.4),
        (0.4, "fraction", 0.4),
        (3, "fold", 3.0),
        (2.5, "count", 2.5),
    ],
)
def test_values_in_internal_units(text: object, dimension: str, value: float) -> None:
    """Catches a wrong length of month or year, 1e9/L read as /L, and a per cent left as such."""
    assert parse(text, dimension) == value


def test_percent_per_year_is_the_hazard_that_loses_that_share() -> None:
    """After one year 2 % are gone: catches 0.02 / 365.25, which loses 1.98 %."""
    hazard = parse("2 %/yr", "rate")
    assert math.isclose(-math.expm1(-hazard * 365.25), 0.02, rel_tol=1e-12)
    assert hazard > 0.02 / 365.25


@pytest.mark.parametrize(
    ("text", "dimension", "message", "remedy"),
    [
        ("21", "time", "a time needs a unit: d, wk, mo or yr", "21 d"),
        (21, "time", "a time needs a unit: d, wk, mo or yr", "21 d"),
        (0.14, "rate", "a rate needs a unit", "0.14 /d"),
        ("2 Gy", "time", "2 Gy is a radiation dose, not a time", ""),
        ("2 mg", "gray", "2 mg is a dose, not a radiation dose", ""),
        ("5 d", "age", "5 d is a time, not an age", ""),
        ("1,5 d", "time", "the decimal sign is a point", "1.5 d"),
        ("21 days", "time", "unknown unit 'days'", "did you mean 21 d?"),
        ("3 months", "time", "unknown unit 'months'", "did you mean 3 mo?"),
        ("3 h", "time", "unknown unit 'h'", ""),
        ("2 %/year", "rate", "unknown unit '%/year'", "did you mean 2 %/yr?"),
        ("-3 d", "time", "cannot be negative", ""),
        ("-2 %/yr", "rate", "cannot be negative", ""),
        ("100 %/yr", "rate", "would leave nobody", "a share below 100 %"),
        ("nan d", "time", "is not a time: a number is needed", ""),
        ("inf d", "time", "is not a time: a number is needed", ""),
        ("1e999 d", "time", "not a finite number", ""),
        (float("nan"), "fold", "a number is needed", ""),
        ("soon", "time", "is not a time", ""),
        (None, "time", "nothing is not a time", ""),
        (True, "fold", "a number is needed", ""),
        ([1], "fold", "a number is needed", ""),
        ("300 yr", "time", "at most 200 yr", ""),
        (40, "fraction", "too large for a fraction", "40 % or 0.4"),
        ("3 x", "fold", "a plain number", "3"),
        ("1e20 cells", "cells", "too large", ""),
    ],
)
def test_refusals(text: object, dimension: str, message: str, remedy: str) -> None:
    """Each names the value and what to write: catches a value that slips through with a guessed unit."""
    with pytest.raises(UnitError) as caught:
        parse(text, dimension)
    assert message in caught.value.message
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    ("text", "dose"),
    [
        ("75 mg/m2", (75.0, "mg/m2")),
        ("2.67 Gy", (2.67, "Gy")),
        ("150 mg", (150.0, "mg")),
        ("1.5mg/kg", (1.5, "mg/kg")),
    ],
)
def test_doses(text: str, dose: tuple[float, str]) -> None:
    """Amount and unit apart: catches mg/m2 read as mg."""
    assert parse_dose(text) == dose


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("150", "a dose needs a unit: mg/m2, mg, mg/kg, AUC or Gy", "150 mg"),
        ("75 mg/m²", "unknown unit 'mg/m²'", "did you mean 75 mg/m2?"),
        ("0 mg", "more than zero", "leave the line out to give nothing"),
        ("-5 mg", "more than zero", "leave the line out to give nothing"),
        ("1e7 mg", "too large", ""),
        ("3 d", "3 d is a time, not a dose", ""),
    ],
)
def test_dose_refusals(text: str, message: str, remedy: str) -> None:
    """Catches a dose of zero, which would be counted as treatment given."""
    with pytest.raises(UnitError) as caught:
        parse_dose(text)
    assert message in caught.value.message
    assert caught.value.remedy == remedy


def test_dimensions_and_dose_units_are_those_of_the_contract() -> None:
    """A trait whose dimension the grammar lacks, or an agent whose dose cannot be written."""
    assert set(get_args(Dimension)) <= set(DIMENSIONS)
    kinds = (Cytotoxic, Radiation, Senolytic)
    units = {unit for kind in kinds for unit in get_args(kind.model_fields["dose_unit"].annotation)}
    assert units == set(DOSE_UNITS)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(DIMENSIONS)), st.floats(0.0, 1.0), st.integers(-8, 2))
def test_formatted_quantity_reads_back_equal(dimension: str, mantissa: float, exponent: int) -> None:
    """Bit for bit: catches a formatter that rounds."""
    quantity = DIMENSIONS[dimension]
    value = min(max(mantissa * 10.0**exponent, quantity.lowest), quantity.highest)
    assert parse(format_quantity(value, dimension), dimension) == value


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.sampled_from(["d", "mo", "yr"]))
def test_format_time_keeps_the_time(count: int, unit: str) -> None:
    """Whatever unit it picks for the reader, the length stays."""
    days = parse(f"{count} {unit}", "time")
    assert math.isclose(parse(format_time(days), "time"), days, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("days", "text"), [(182.625, "6 mo"), (1826.25, "5 yr"), (21.0, "21 d"), (0.0, "0 d"), (0.5, "0.5 d")]
)
def test_format_time_for_readers(days: float, text: str) -> None:
    """Catches 182.625 d in a report that should say 6 mo."""
    assert format_time(days) == text


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=12), st.sampled_from(sorted(DIMENSIONS)))
def test_any_text_is_a_value_or_a_unit_error(text: str, dimension: str) -> None:
    """Nothing else may escape, and what is accepted is finite, not negative and within bounds."""
    try:
        value = parse(text, dimension)
    except UnitError:
        return
    assert 0 <= value <= DIMENSIONS[dimension].highest
