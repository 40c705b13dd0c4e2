"""Compilation of the kernels, cached on disk, and never stale.

numba's cache of a compiled function looks at the time stamp of that function's own file. A caller keeps the machine
code of what it calls, so an edit in a called function's file would go unseen and old code would run. Here the cache's
stamp is a digest of every source that compiled code is made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

#: Sources whose functions are compiled, and those whose constants are compiled into them.
_SOURCES = ("biology/*.py", "treatment/*.py", "patient/*.py", "spec/agents.py", "compiling.py")


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
    try:
        dispatcher: Any = njit(cache=True)(function)
    except RuntimeError:
        # No folder for a cache can be written, e.g. a read-only system: compile anew in every process.
        return njit(function)  # type: ignore[no-any-return]
    cache_file = dispatcher._cache._cache_file
    cache_file._source_stamp = (source_digest(), *cache_file._source_stamp[1:])
    return dispatcher  # type: ignore[no-any-return]
