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

from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Words = NDArray[np.uint64]

T = TypeVar("T", covariant=True)
C = TypeVar("C", bound="type[Any]")

_SCALARS: dict[Any, Any] = {float: np.float64, int: np.int64, bool: np.bool_, np.uint32: np.uint32, np.uint64: np.uint64}
_ELEMENTS: dict[Any, Any] = {Floats: np.float64, Counts: np.int64, Words: np.uint64}


class Rows(Protocol, Generic[T]):
    """An array of records; a row is a record, and to write into it writes into the array."""

    @property
    def size(self) -> int:
        """The number of rows."""

    def __getitem__(self, at: int) -> T: ...

    def __setitem__(self, at: int, value: Any) -> None: ...

    def copy(self) -> Rows[T]:
        """An array of the same rows."""


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
        return get_args(kind)[0].dtype if get_origin(kind) is Rows else _ELEMENTS[kind], shape
    return (_SCALARS.get(hint) or hint.dtype,)


def rows(kind: type[T], size: int) -> Rows[T]:
    """So many records of zeros."""
    return cast("Rows[T]", np.zeros(size, cast("Record", kind).dtype))


def one(kind: type[T]) -> T:
    """A record of zeros, whose fields can be read and set by name in Python too."""
    return cast("T", np.zeros(1, cast("Record", kind).dtype).view(np.recarray)[0])


def named(array: Any) -> Any:
    """The same rows, with fields that Python can read and set by name."""
    return array.view(np.recarray)
