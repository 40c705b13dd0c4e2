"""A patient's arrays, handed to compiled code by one address.

Compiled code that is called from Python takes a tuple of arrays apart at each call, at two microseconds an array: over
a trial's visits that takes longer than the biology. A *table* holds where each array lies and how long it is, and
compiled code is told where the table lies.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from trialsim.biology.chain import STEP_SHAPE
from trialsim.biology.kernel import Room
from trialsim.compiling import carray, compiled, floats_at, inlined, integers_at
from trialsim.patient.compiled import Workspace, make_workspace
from trialsim.patient.state import Floats, Integers, State

#: Words of a table for each array: where it lies, rows, columns (0 for a vector).
_WORDS = 3
#: The most arrays in a table.
_ARRAYS = 18


class Handle(NamedTuple):
    """Arrays and where compiled code finds them: valid while the handle lives."""

    address: int
    kept: tuple[object, ...]


@compiled
def _state_table(state: State) -> Integers:
    table = np.zeros((_ARRAYS, _WORDS), np.int64)
    table[0, 0], table[0, 1], table[0, 2] = state.cells.ctypes.data, state.cells.shape[0], state.cells.shape[1]
    table[1, 0], table[1, 1], table[1, 2] = state.lesions.ctypes.data, state.lesions.shape[0], state.lesions.shape[1]
    table[2, 0], table[2, 1] = state.clock.ctypes.data, state.clock.size
    table[3, 0], table[3, 1] = state.platelets.ctypes.data, state.platelets.size
    table[4, 0], table[4, 1], table[4, 2] = state.amounts.ctypes.data, state.amounts.shape[0], state.amounts.shape[1]
    table[5, 0], table[5, 1] = state.rates.ctypes.data, state.rates.size
    table[6, 0], table[6, 1], table[6, 2] = state.drugs.ctypes.data, state.drugs.shape[0], state.drugs.shape[1]
    table[7, 0], table[7, 1], table[7, 2] = state.effects.ctypes.data, state.effects.shape[0], state.effects.shape[1]
    table[8, 0], table[8, 1] = state.host.ctypes.data, state.host.size
    table[9, 0], table[9, 1], table[9, 2] = state.orders.ctypes.data, state.orders.shape[0], state.orders.shape[1]
    table[10, 0], table[10, 1] = state.settings.ctypes.data, state.settings.size
    table[11, 0], table[11, 1], table[11, 2] = state.trace.ctypes.data, state.trace.shape[0], state.trace.shape[1]
    table[12, 0], table[12, 1], table[12, 2] = state.inputs.ctypes.data, state.inputs.shape[0], state.inputs.shape[1]
    table[13, 0], table[13, 1] = state.marrow.ctypes.data, state.marrow.size
    table[14, 0], table[14, 1], table[14, 2] = state.toxins.ctypes.data, state.toxins.shape[0], state.toxins.shape[1]
    amounts, inputs = state.toxin_amounts, state.toxin_inputs
    table[15, 0], table[15, 1], table[15, 2] = amounts.ctypes.data, amounts.shape[0], amounts.shape[1]
    table[16, 0], table[16, 1], table[16, 2] = inputs.ctypes.data, inputs.shape[0], inputs.shape[1]
    table[17, 0], table[17, 1] = state.exposure.ctypes.data, state.exposure.size
    return table


@compiled
def _space_table(space: Workspace) -> Integers:
    table = np.zeros((_ARRAYS, _WORDS), np.int64)
    table[0, 0], table[0, 1] = space.rates.ctypes.data, space.rates.size
    table[1, 0] = space.chances.ctypes.data
    table[2, 0], table[2, 1] = space.present.ctypes.data, space.present.size
    table[3, 0], table[3, 1], table[3, 2] = space.seen.ctypes.data, space.seen.shape[0], space.seen.shape[1]
    table[4, 0], table[4, 1] = space.seeds.ctypes.data, space.seeds.size
    table[5, 0], table[5, 1] = space.room.escapes.ctypes.data, space.room.escapes.size
    table[6, 0], table[6, 1] = space.room.time_left.ctypes.data, space.room.time_left.size
    table[7, 0], table[7, 1] = space.room.arrivals.ctypes.data, space.room.arrivals.size
    table[8, 0], table[8, 1] = space.room.arrests.ctypes.data, space.room.arrests.size
    table[9, 0], table[9, 1] = space.room.by_inducer.ctypes.data, space.room.by_inducer.size
    return table


def state_handle(state: State) -> Handle:
    """A patient's handle."""
    table = _state_table(state)
    return Handle(table.ctypes.data, (table, state))


@lru_cache(maxsize=64)
def space_handle(lesions: int) -> Handle:
    """The handle of a room to work in for so many lesions: one serves all, as one course at a time is advanced."""
    space = make_workspace(lesions)
    table = _space_table(space)
    return Handle(table.ctypes.data, (table, space))


@inlined
def _floats(table: Integers, at: int) -> Floats:
    return carray(floats_at(table[at, 0]), (table[at, 1],))


@inlined
def _grid(table: Integers, at: int) -> Floats:
    return carray(floats_at(table[at, 0]), (table[at, 1], table[at, 2]))


@inlined
def _counts(table: Integers, at: int) -> Integers:
    return carray(integers_at(table[at, 0]), (table[at, 1],))


@inlined
def state_at(address: int) -> State:
    """In compiled code: the patient whose handle has this address."""
    table = carray(integers_at(address), (_ARRAYS, _WORDS))
    return State(
        carray(integers_at(table[0, 0]), (table[0, 1], table[0, 2])),
        _grid(table, 1),
        _floats(table, 2),
        _floats(table, 3),
        _grid(table, 4),
        _floats(table, 5),
        _grid(table, 6),
        _grid(table, 7),
        _floats(table, 8),
        _floats(table, 17),
        _grid(table, 9),
        _grid(table, 12),
        _floats(table, 13),
        _grid(table, 14),
        _grid(table, 15),
        _grid(table, 16),
        _floats(table, 10),
        _grid(table, 11),
    )


@inlined
def space_at(address: int) -> Workspace:
    """In compiled code: the room to work in whose handle has this address."""
    table = carray(integers_at(address), (_ARRAYS, _WORDS))
    return Workspace(
        _floats(table, 0),
        carray(floats_at(table[1, 0]), STEP_SHAPE),
        _floats(table, 2),
        _grid(table, 3),
        _counts(table, 4),
        Room(_counts(table, 5), _floats(table, 6), _counts(table, 7), _counts(table, 8), _floats(table, 9)),
    )
