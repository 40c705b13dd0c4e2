"""The blocks: known answers, and a plain twin."""

from __future__ import annotations

import numpy as np
import pytest

from tests.chance.series import plain_philox
from trialsim.chance.philox import block, fill
from trialsim.compiling import compiled

_block = block


@compiled
def _one(c0, c1, c2, c3, key):
    return _block(c0, c1, c2, c3, key)


def _ours(counter: tuple[int, ...], key: int) -> tuple[int, ...]:
    low, high = _one(*(np.uint64(word) for word in counter), np.uint64(key))
    return int(low) & 0xFFFFFFFF, int(low) >> 32, int(high) & 0xFFFFFFFF, int(high) >> 32


@pytest.mark.parametrize(
    ("counter", "key", "known"),
    [
        ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            0x299F31D0A4093822,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers(counter: tuple[int, ...], key: int, known: tuple[int, ...]) -> None:
    """Random123's own vectors (kat_vectors). Catch a wrong constant, round count, or order of words."""
    assert _ours(counter, key) == known == plain_philox(counter, key)


def test_the_plain_twin_agrees() -> None:
    """Catches a carry lost or kept where the known answers do not show it, e.g. a key's sum beyond 32 bits."""
    rng = np.random.default_rng(1)
    for _ in range(3000):
        counter = tuple(int(word) for word in rng.integers(0, 2**32, 4))
        key = int(rng.integers(0, 2**64, dtype=np.uint64))
        assert _ours(counter, key) == plain_philox(counter, key)


@pytest.mark.parametrize("blocks", [1, 3, 16, 37])
def test_many_blocks_at_once_are_the_blocks_of_their_counters(blocks: int) -> None:
    """Catches vector instructions that mix up blocks, a remainder left out, and a counter that carries into the key."""
    first, own, key = 2**32 - 5, (11, 2**32 - 1, 13), 2**64 - 3
    out = np.zeros(2 * blocks, np.uint64)
    fill(out, np.uint64(first), *(np.uint64(word) for word in own), np.uint64(key))
    for at in range(blocks):
        x = plain_philox(((first + at) % 2**32, *own), key)
        assert [int(word) for word in out[2 * at : 2 * at + 2]] == [x[0] | x[1] << 32, x[2] | x[3] << 32]
