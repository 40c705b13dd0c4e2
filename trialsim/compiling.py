"""Compilation of the kernels, cached on disk and never stale, and a cheap way to hand them a random stream.

numba's cache of a compiled function looks at the time stamp of that function's own file. A caller keeps the machine
code of what it calls, so an edit in a called function's file would go unseen and old code would run. Here what is kept
(`trialsim.kernel_cache`) goes by a digest of every source that compiled code is made of.
"""

from __future__ import annotations

import dis
import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload_method, register_model

from trialsim.kernel_cache import KernelCache

__all__ = ["carray", "compiled", "floats_at", "inlined", "integers_at", "source_digest", "stream_at"]

F = TypeVar("F", bound=Callable[..., Any])

#: Sources whose functions are compiled, and those whose constants are compiled into them.
_SOURCES = (
    "chance/*.py",
    "biology/*.py",
    "treatment/*.py",
    "patient/*.py",
    "spec/agents.py",
    "compiling.py",
    "designs/replicate_kernel.py",
)


#: Methods and functions after which compiled code owns memory (a Poisson draw does, for the message of its error).
_OWNING = frozenset({"argsort", "copy", "empty", "full", "ones", "zeros", "max", "min", "sum", "poisson"})


@lru_cache(maxsize=1)
def source_digest() -> str:
    """SHA-256 over every source that compiled code is made of."""
    total = hashlib.sha256()
    root = Path(__file__).parent
    for pattern in _SOURCES:
        for path in sorted(root.glob(pattern)):
            total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def compiled(function: F) -> F:
    """Compile with numba in nopython mode at the first call, and keep the machine code on disk."""
    return _compile(function, inside=False)


def inlined(function: F) -> F:
    """Compile as `compiled` does, and put the machine code of it wherever compiled code calls it.

    numba hands an array on as seven words and a tuple of arrays as so many times seven, by value: where a call is made
    for every step of every lesion, copying them took as long as the work. For functions with one caller, or small ones.
    """
    return _compile(function, inside=True)


def _compile(function: F, *, inside: bool) -> F:
    owns = _owns_memory(function)
    options = {"_nrt": owns, "forceinline": inside}
    dispatcher: Any = njit(**options)(function)
    # Where no folder for a cache can be written, e.g. on a read-only system, every process compiles anew.
    with suppress(RuntimeError):
        dispatcher._cache = KernelCache(function, source_digest())
    dispatcher._gives_memory = owns and not _is_plain(str(function.__annotations__.get("return", "")))
    return dispatcher  # type: ignore[no-any-return]


def _owns_memory(function: Callable[..., Any]) -> bool:
    """Whether a function may come to own an array: it makes one, reads or writes a slice, or is handed one.

    A function that does not is compiled without reference counts (numba's ``nrt`` flag): counting who holds a patient's
    arrays took a third of the kernel's time. Where this says no in error, numba refuses to compile the function ("NRT
    required but not enabled": add what it calls to ``_OWNING``), or the function never frees what it was handed
    (tests/patient/test_memory.py watches that).
    """
    return any(
        "SLICE" in step.opname
        or isinstance(step.argval, slice)
        or (step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval in _OWNING)
        or (step.opname == "LOAD_GLOBAL" and (step.argval == "carray" or _gives(function, step.argval)))
        for step in dis.get_instructions(function)
    )


def _gives(function: Callable[..., Any], name: str) -> bool:
    """Whether a name of a function's module is compiled code that hands its caller arrays."""
    return getattr(function.__globals__.get(name), "_gives_memory", False)


def _is_plain(annotation: str) -> bool:
    """Whether an annotated result is made of numbers alone."""
    return set(re.findall(r"\w+", annotation)) <= {"None", "bool", "float", "int", "tuple"}


class StreamType(types.Opaque):  # type: ignore[misc]
    """In compiled code: a random stream, known by the address of its bit generator's interface (``bitgen_t``)."""

    def __init__(self) -> None:
        super().__init__("trialsim.stream")


register_model(StreamType)(models.OpaqueModel)


def _address_as(kind: Any) -> Any:
    """An intrinsic that makes an address a pointer of a kind."""

    def pointer(_context: Any, address: Any) -> Any:
        if not isinstance(address, types.Integer):
            return None

        def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(kind))

        return kind(address), codegen

    return intrinsic(pointer)


#: In compiled code: where numbers lie in memory, for ``numba.carray``.
floats_at, integers_at = _address_as(types.CPointer(types.float64)), _address_as(types.CPointer(types.int64))

#: In compiled code: the stream whose bit generator's interface lies at an address.
#:
#: Handing a ``numpy.random.Generator`` to compiled code costs eight microseconds a call, for its type is found anew and
#: its functions are cast one by one, and every compiled function that passes it on copies it; an address costs what any
#: integer does. ``bitgen_t`` is part of NumPy's C interface (``numpy/random/bitgen.h``): the state, then the functions
#: that draw 64 bits, 32 bits and a double. The caller keeps the generator alive while compiled code runs.
stream_at = _address_as(StreamType())


@intrinsic  # type: ignore[untyped-decorator]
def _generator_of(_context: Any, stream: Any) -> Any:
    """In compiled code: a stream as numba's own kind of ``numpy.random.Generator``, whose methods draw from it."""
    own_type = types.NumPyRandomGeneratorType("stream")
    bit_type = types.NumPyRandomBitGeneratorType("stream")

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = context.get_value_type(types.uintp)
        fields = builder.bitcast(arguments[0], word.as_pointer())
        bits = cgutils.create_struct_proxy(bit_type)(context, builder)
        for at, name in enumerate(("state", "fnptr_next_uint64", "fnptr_next_uint32", "fnptr_next_double")):
            setattr(bits, name, builder.load(builder.gep(fields, [context.get_constant(types.intp, at)])))
        bits.bit_generator = builder.ptrtoint(arguments[0], word)
        bits.state_address = bits.state
        bits.parent = context.get_constant_null(types.pyobject)
        generator = cgutils.create_struct_proxy(own_type)(context, builder)
        generator.bit_generator = bits._getvalue()
        generator.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
        generator.parent = context.get_constant_null(types.pyobject)
        return generator._getvalue()

    return own_type(stream), codegen


@overload_method(StreamType, "random")  # type: ignore[untyped-decorator]
def _random(stream: Any) -> Any:
    def draw(stream: Any) -> Any:
        return _generator_of(stream).random()

    return draw


@overload_method(StreamType, "standard_normal")  # type: ignore[untyped-decorator]
def _standard_normal(stream: Any) -> Any:
    def draw(stream: Any) -> Any:
        return _generator_of(stream).standard_normal()

    return draw


@overload_method(StreamType, "standard_exponential")  # type: ignore[untyped-decorator]
def _standard_exponential(stream: Any) -> Any:
    def draw(stream: Any) -> Any:
        return _generator_of(stream).standard_exponential()

    return draw


@overload_method(StreamType, "standard_gamma")  # type: ignore[untyped-decorator]
def _standard_gamma(stream: Any, shape: Any) -> Any:
    def draw(stream: Any, shape: Any) -> Any:
        return _generator_of(stream).standard_gamma(shape)

    return draw
