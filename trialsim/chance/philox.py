"""Philox4x32-10: 128 random bits from a key and a counter, with no state between them.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11. Ten rounds turn four words of 32
bits (the counter) into four others, by a bijection that two words (the key) choose. So two counters under one key never
give the same block, and a block can be had without those before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import compiled, inlined

_ROUNDS = 10
#: The multipliers, and what is added to the key's words at each round (the golden ratio and sqrt(3) - 1).
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@inlined
def block(c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, key: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The block of a counter (four words of 32 bits) under a key of 64 bits, as two words of 64, low half first.

    With a signed number among them numba would reckon in floats.
    """
    k0, k1 = key & _LOW, key >> _HALF
    for _ in range(_ROUNDS):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0 | (c1 << _HALF), c2 | (c3 << _HALF)


@compiled
def fill(
    out: NDArray[np.uint64], first: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, key: np.uint64
) -> None:
    """The blocks of counters ``first``, ``first`` + 1, ... (modulo 2^32), two words of ``out`` for each.

    A loop over counters, which the compiler turns into vector instructions: several blocks cost hardly more than one.
    """
    for at in range(out.size // 2):
        out[2 * at], out[2 * at + 1] = block((first + np.uint64(at)) & _LOW, c1, c2, c3, key)
