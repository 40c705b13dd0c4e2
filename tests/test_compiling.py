"""What `trialsim.compiling` leans on in numba that is not its public interface.

When one of these fails after numba was changed, the range in pyproject.toml is to stay where it is until
`trialsim/compiling.py` was looked at; each test says which part of it.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.errors import TypingError
from numba.core.runtime import _nrt_python, rtsys

from trialsim.compiling import allocating, compiled, inlined
from trialsim.structured import Floats, Rows, record, rows

ROOT = Path(__file__).parents[1]


@record
class Pair:
    first: float
    second: float


@compiled
def swap(pair: Pair) -> None:
    pair.first, pair.second = pair.second, pair.first


@inlined
def half(value: float) -> float:
    return 0.5 * value


@compiled
def swap_and_halve(pairs: Rows[Pair], at: int) -> float:
    swap(pairs[at])
    return half(pairs[at].first)


@compiled
def swap_first(pairs: Rows[Pair]) -> float:
    return swap_and_halve(pairs, 0) + half(3.0)


def test_a_function_that_compiled_code_calls_is_left_unfinished() -> None:
    """`_Inner`, `_unfinished`, `_Library`: catches a numba that makes machine code of the inner side (slow to compile),
    or one whose caller cannot link what is unfinished."""
    pairs = rows(Pair, 1)
    pairs["first"], pairs["second"] = 1.0, 4.0
    assert swap_first(pairs) == 2.0 + 1.5
    inner: Any = swap.inner  # type: ignore[attr-defined]
    (overload,) = inner.overloads.values()
    assert overload.library._unfinished
    assert overload.library.get_pointer_to_function("anything") == 0
    outer: Any = swap_first
    (own,) = outer.overloads.values()
    assert not own.library._unfinished


def test_a_number_is_never_compiled_as_the_constant_that_it_is() -> None:
    """`get_call_template`: numba compiles a function anew for each constant that it is called with, which made most of
    the time of a cold start."""
    inner: Any = half.inner  # type: ignore[attr-defined]
    pairs = rows(Pair, 1)
    swap_first(pairs)
    signatures = [str(signature) for signature in inner.overloads]
    assert len(signatures) == 1, signatures


def test_a_function_without_reference_counts_may_not_make_an_array() -> None:
    """`_nrt=False`: catches a numba that lets it, and never frees what it makes."""

    @compiled
    def forbidden(n: int) -> Floats:
        return np.zeros(n)

    with pytest.raises(TypingError, match="zeros"):
        forbidden(3)


@allocating
def total_of(n: int) -> float:
    made = np.ones(n)
    return float(made.sum())


def test_what_makes_arrays_frees_them() -> None:
    """Catches `allocating` without reference counts."""
    _nrt_python.memsys_enable_stats()
    total_of(10)
    gc.collect()
    before = rtsys.get_allocation_stats()
    for _ in range(50):
        assert total_of(10) == 10.0
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc == after.free - before.free == 50


def test_division_by_zero_is_numpys() -> None:
    """``error_model``: catches Python's, whose checks cost time and raise in the middle of a patient."""

    @compiled
    def divided(value: float, by: float) -> float:
        return value / by

    assert divided(1.0, 0.0) == np.inf


def test_another_process_finds_what_was_compiled(tmp_path: Path) -> None:
    """`KernelCache` on the outer side: catches functions that every process compiles anew."""
    code = (
        "from tests.test_compiling import swap_first, rows, Pair; import sys\n"
        "swap_first(rows(Pair, 1)); stats = swap_first.stats\n"
        "sys.stdout.write(f'{sum(stats.cache_hits.values())} {sum(stats.cache_misses.values())}')\n"
    )
    words = [sys.executable, "-c", code]
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    told = [
        subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert told == ["0 1", "1 0"]
