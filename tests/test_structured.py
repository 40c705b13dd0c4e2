"""Records with names: what Python sets, compiled code reads, and the other way round."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest

from trialsim.compiling import compiled
from trialsim.structured import U32, Counts, Floats, Rows, dtype_of, grid, named, one, record, rows


@record
class Inner:
    counts: Annotated[Counts, 3]
    on: bool


@record
class Outer:
    amount: float
    word: U32
    number: int
    inner: Inner
    table: Annotated[Floats, (2, 2)]
    others: Annotated[Rows[Inner], 2]


@compiled
def touch(outers: Rows[Outer], at: int) -> float:
    outer = outers[at]
    outer.amount += 0.5
    outer.number = -outer.number
    outer.inner.counts[2] += 7
    outer.inner.on = not outer.inner.on
    outer.table[1, 0] = outer.amount
    outer.others[1].counts[0] = outer.inner.counts[2]
    return outer.amount


def test_the_fields_are_those_that_were_declared() -> None:
    """Catches a field of another kind, one left out, and a bool kept as a float."""
    dtype = dtype_of(Outer)
    assert dtype.names == ("amount", "word", "number", "inner", "table", "others")
    kinds = [dtype["amount"], dtype["word"], dtype["number"], dtype["inner"]["on"]]
    assert kinds == [np.float64, np.uint32, np.int64, np.bool_]
    assert (dtype["table"].shape, dtype["others"].shape, dtype["inner"]["counts"].shape) == ((2, 2), (2,), (3,))
    assert dtype.alignment == 8


def test_compiled_code_writes_into_the_row_it_was_handed() -> None:
    """Catches a record that is handed on as a copy, and a field at another place than Python thinks."""
    outers = rows(Outer, 3)
    named(outers)[1].number, named(outers)[1].amount = 4, 1.0
    assert touch(outers, 1) == 1.5
    row = named(outers)[1]
    assert (row.amount, row.number, bool(row.inner.on), row.table[1, 0]) == (1.5, -4, True, 1.5)
    np.testing.assert_array_equal(row.inner.counts, [0, 0, 7])
    assert row.others[1].counts[0] == 7
    for other in (0, 2):
        assert outers[other] == np.zeros((), dtype_of(Outer))


def test_one_record_is_set_and_read_by_name() -> None:
    """Catches a record whose fields Python reaches as items only."""
    outer = one(Outer)
    outer.amount, outer.inner.counts[1] = 2.0, 5
    assert (outer.amount, int(outer.inner.counts[1]), outer.number) == (2.0, 5, 0)
    with pytest.raises(AttributeError):
        outer.amuont = 1.0  # type: ignore[attr-defined]


def test_a_grid_has_rows_of_its_own() -> None:
    """Catches rows that share memory."""
    made = grid(Inner, 2, 3)
    made["on"][1] = True
    np.testing.assert_array_equal(made["on"], [[False] * 3, [True] * 3])
