"""State with names: NumPy structured records, declared as annotated classes and read by compiled code.

A class says what a record holds::

    @record
    class Drug:
        gut: float
        plasma: float
        infused: bool
        counts: Annotated[Counts, 3]

``Drug.dtype`` is then NumPy's structured dtype, and to mypy a record *is* a ``Drug``. Compiled code is handed a record
by its address, so a call costs what one number does and nothing is copied; records nest.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints, overload

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

U32 = Annotated[int, "u4"]
"""Unsigned numbers; to mypy they are ints."""
U64 = Annotated[int, "u8"]

T = TypeVar("T", covariant=True)
C = TypeVar("C", bound="type[Any]")

_SCALARS: dict[Any, Any] = {float: np.float64, int: np.int64, bool: np.bool_}
_ELEMENTS: dict[Any, Any] = {Floats: np.float64, Counts: np.int64, Words: np.uint64}


class Rows(Protocol[T]):
    """An array of records: a row is a record, and to write into it writes into the array; a name gives a column."""

    @property
    def size(self) -> int:
        """The number of rows."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """What a row holds."""

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: str) -> Any: ...

    def __setitem__(self, at: int | str, value: Any) -> None: ...

    def copy(self) -> Rows[T]:
        """An array of the same rows."""


class Grid(Protocol[T]):
    """Arrays of records, one after the other."""

    @overload
    def __getitem__(self, at: int) -> Rows[T]: ...

    @overload
    def __getitem__(self, at: tuple[int, int]) -> T: ...

    @overload
    def __getitem__(self, at: str) -> Any: ...

    def __setitem__(self, at: tuple[int, int], value: Any) -> None: ...


class Record(Protocol):
    """A class made by `record`."""

    dtype: ClassVar[np.dtype[Any]]


def record(declared: C) -> C:
    """Give a class of annotated fields its ``dtype``: floats, ints, bools, other records, and arrays of these.

    An array is ``Annotated[Floats, shape]``, ``Annotated[Counts, shape]`` or ``Annotated[Rows[Other], shape]``.
    """
    fields = [(name, *_format(hint)) for name, hint in get_type_hints(declared, include_extras=True).items()]
    declared.dtype = np.dtype(fields, align=True)
    return declared


def _format(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) is Annotated:
        kind, shape = get_args(hint)
        if kind is int:
            return (shape,)
        return get_args(kind)[0].dtype if get_origin(kind) is Rows else _ELEMENTS[kind], shape
    return (_SCALARS.get(hint) or hint.dtype,)


def rows(kind: type[T], size: int) -> Rows[T]:
    """So many records of zeros."""
    return cast("Rows[T]", np.zeros(size, cast("Record", kind).dtype))


def grid(kind: type[T], rows: int, columns: int) -> Grid[T]:
    """So many arrays of so many records of zeros."""
    return cast("Grid[T]", np.zeros((rows, columns), cast("Record", kind).dtype))


def dtype_of(kind: type[Any]) -> np.dtype[Any]:
    """The structured dtype of a record."""
    return cast("Record", kind).dtype


def one(kind: type[T]) -> T:
    """A record of zeros, whose fields can be read and set by name in Python too."""
    return cast("T", np.zeros(1, cast("Record", kind).dtype).view(np.recarray)[0])


def named(array: Any) -> Any:
    """The same rows, with fields that Python can read and set by name."""
    return array.view(np.recarray)


def as_bytes(array: Any) -> Bytes:
    """The memory of rows."""
    return cast("Bytes", array.view(np.uint8))
