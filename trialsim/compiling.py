"""Compilation of the kernels, cached on disk and never stale, and a cheap way to hand them a random stream.

numba's cache of a compiled function looks at the time stamp of that function's own file. A caller keeps the machine
code of what it calls, so an edit in a called function's file would go unseen and old code would run. Here the cache's
stamp is a digest of every source that compiled code is made of.
"""

from __future__ import annotations

import dis
import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

#: Sources whose functions are compiled, and those whose constants are compiled into them.
_SOURCES = ("biology/*.py", "treatment/*.py", "patient/*.py", "spec/agents.py", "compiling.py")


#: Methods and functions after which compiled code owns memory (a Poisson draw does, for the message of its error).
_OWNING = frozenset({"copy", "empty", "full", "zeros", "max", "min", "sum", "poisson"})


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
    counted = _owns_memory(function)
    try:
        dispatcher: Any = njit(cache=True, _nrt=counted)(function)
    except RuntimeError:
        # No folder for a cache can be written, e.g. a read-only system: compile anew in every process.
        return njit(_nrt=counted)(function)  # type: ignore[no-any-return]
    cache_file = dispatcher._cache._cache_file
    cache_file._source_stamp = (source_digest(), *cache_file._source_stamp[1:])
    return dispatcher  # type: ignore[no-any-return]


def _owns_memory(function: Callable[..., Any]) -> bool:
    """Whether a function may come to own an array: it makes one, or reads or writes a slice.

    A function that does not is compiled without reference counts (numba's ``nrt`` flag): counting who holds a patient's
    arrays took a third of the kernel's time. Where this says no in error, numba refuses to compile the function, with
    "NRT required but not enabled": add what it calls to ``_OWNING``.
    """
    return any(
        "SLICE" in step.opname
        or isinstance(step.argval, slice)
        or (step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval in _OWNING)
        for step in dis.get_instructions(function)
    )


@intrinsic  # type: ignore[untyped-decorator]
def generator_at(_context: Any, address: Any) -> Any:
    """In compiled code: the generator whose bit generator's interface (``bitgen_t``) lies at ``address``.

    Handing a ``numpy.random.Generator`` to compiled code costs eight microseconds a call, for its type is found anew
    and its functions are cast one by one; its address costs what any integer does. ``bitgen_t`` is part of NumPy's C
    interface (``numpy/random/bitgen.h``): the state, then the functions that draw 64 bits, 32 bits and a double. The
    caller keeps the generator alive while compiled code runs.
    """
    if not isinstance(address, types.Integer):
        return None
    own_type = types.NumPyRandomGeneratorType("stream")
    bit_type = types.NumPyRandomBitGeneratorType("stream")

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = context.get_value_type(types.uintp)
        place = builder.trunc(arguments[0], word) if address.bitwidth > word.width else arguments[0]
        fields = builder.inttoptr(place, word.as_pointer())
        bits = cgutils.create_struct_proxy(bit_type)(context, builder)
        for at, name in enumerate(("state", "fnptr_next_uint64", "fnptr_next_uint32", "fnptr_next_double")):
            setattr(bits, name, builder.load(builder.gep(fields, [context.get_constant(types.intp, at)])))
        bits.bit_generator = place
        bits.state_address = bits.state
        bits.parent = context.get_constant_null(types.pyobject)
        generator = cgutils.create_struct_proxy(own_type)(context, builder)
        generator.bit_generator = bits._getvalue()
        generator.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
        generator.parent = context.get_constant_null(types.pyobject)
        return generator._getvalue()

    return own_type(address), codegen
