"""Compilation of the kernels, cached on disk and never stale, each of them optimised once.

numba's cache of a compiled function looks at the time stamp of that function's own file. A caller keeps the machine
code of what it calls, so an edit in a called function's file would go unseen and old code would run. Here what is kept
(`trialsim.kernel_cache`) goes by a digest of every source that compiled code is made of.

numba optimises a function, and makes machine code of it, when it compiles it; and again, as a part of its caller, when
it compiles that. In a tree of calls twelve deep this is most of the time of a cold start. Only what Python calls needs
machine code. So a function has two sides: one that Python calls, and an inner one for compiled callers, which is left
as numba wrote it until the caller that Python calls is optimised with all that it calls. This, and that a number is
never compiled as the constant that it is, takes parts of numba that are not its public interface
(tests/test_compiling.py says what broke when they move).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from numba import njit, types
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.registry import CPUDispatcher
from numba.types import unliteral

from trialsim.kernel_cache import KernelCache

__all__ = ["allocating", "compiled", "inlined", "source_digest"]

F = TypeVar("F", bound=Callable[..., Any])

#: Sources whose functions are compiled, and those whose constants are compiled into them.
_SOURCES = (
    "chance/*.py",
    "biology/*.py",
    "treatment/*.py",
    "patient/*.py",
    "spec/agents.py",
    "compiling.py",
    "structured.py",
    "records.py",
    "calendar_grid.py",
    "designs/replicate_kernel.py",
)


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
    """Compile with numba in nopython mode at the first call, and keep the machine code on disk.

    For functions that neither make an array nor give one back. They are compiled without reference counts (numba's
    ``nrt`` flag): counting who holds a patient's arrays took half of the time. numba refuses one that makes an array.
    """
    return _compile(function, {"_nrt": False})


def inlined(function: F) -> F:
    """Compile as `compiled` does, and put the machine code of it wherever compiled code calls it."""
    return _compile(function, {"_nrt": False, "forceinline": True})


def allocating(function: F) -> F:
    """Compile as `compiled` does, for a function that makes arrays, or calls one that does."""
    return _compile(function, {})


def _compile(function: F, options: dict[str, bool]) -> F:
    outer: Any = njit(error_model="numpy", **options)(function)
    # Where no folder for a cache can be written, e.g. on a read-only system, every process compiles anew.
    with suppress(RuntimeError):
        outer._cache = KernelCache(function, source_digest())
    inner: Any = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy", **options)(function)
    inner.__class__ = _Inner
    outer.__class__ = _Outer
    outer.inner = inner
    return outer  # type: ignore[no-any-return]


class _Inner(CPUDispatcher):  # type: ignore[misc]
    """What compiled code calls."""

    def compile(self, sig: Any) -> Any:
        with _unfinished():
            return super().compile(sig)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """As numba's, which compiles anew for each constant that a function is called with: a number is a number."""
        return super().get_call_template(tuple(map(unliteral, args)), {k: unliteral(v) for k, v in kws.items()})


class _Outer(CPUDispatcher):  # type: ignore[misc]
    """What Python calls; to compiled code it is its inner side."""

    inner: _Inner

    @property
    def _numba_type_(self) -> Any:
        return types.Dispatcher(self.inner)


_depth = 0


@contextmanager
def _unfinished() -> Iterator[None]:
    """What is compiled within is for compiled callers alone."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1


class _Library(JITCodeLibrary):  # type: ignore[misc]
    """numba's unit of code; an unfinished one is linked into its callers as it is."""

    def __init__(self, codegen: Any, name: str) -> None:
        super().__init__(codegen, name)
        self._unfinished = _depth > 0

    def _optimize_final_module(self) -> None:
        if not self._unfinished:
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        if not self._unfinished:
            super()._finalize_final_module()
            return
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Where Python finds a function's machine code; 0: it has none."""
        if self._unfinished:
            self._ensure_finalized()
            return 0
        return int(super().get_pointer_to_function(name))


def _setting_of_environments(setting: Callable[[Any, str, Any], None]) -> Callable[[Any, str, Any], None]:
    """Python's names for machine code: what has none needs none."""

    def set_env(codegen: Any, name: str, environment: Any) -> None:
        if _depth == 0:
            setting(codegen, name, environment)

    return set_env


JITCPUCodegen._library_class = _Library
JITCPUCodegen.set_env = _setting_of_environments(JITCPUCodegen.set_env)
