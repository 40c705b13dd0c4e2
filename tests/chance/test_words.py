"""A battery of tests of randomness, on words along a stream and on those of neighbouring streams.

Every test of the battery has a generator with a known fault that it must find, so that none is there for show.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.chance import statistical as s
from tests.chance.series import ALONG, plain_philox, words
from trialsim.compiling import compiled

N = 2**20
#: 66 p-values at fixed seeds: a right generator has one below this with a chance of 7e-5.
LIMIT = 1e-6


@pytest.mark.parametrize("test", s.BATTERY, ids=lambda test: test.__name__)
@pytest.mark.parametrize("along", ALONG)
def test_words_are_random(along: str, test: Callable[[s.Words], float]) -> None:
    """Catches too few rounds, a key scheduled wrongly, and parts of the key that shift or repeat a stream."""
    assert test(words(along, N)) > LIMIT


@compiled
def _lcg(out, multiplier, increment, bits):
    """Words of a linear congruential generator modulo 2^bits, shifted to the top."""
    state = np.uint64(12345)
    for at in range(out.size):
        state = (state * multiplier + increment) & ((np.uint64(1) << bits) - np.uint64(1))
        out[at] = state << (np.uint64(64) - bits)
    return out


def _congruential(multiplier: int, bits: int) -> s.Words:
    out = np.empty(N, np.uint64)
    return _lcg(out, np.uint64(multiplier), np.uint64(1), np.uint64(bits))


def _sound() -> s.Words:
    return np.random.default_rng(5).integers(0, 2**64, N, dtype=np.uint64)


def _one_bit_off() -> s.Words:
    """Bit 17 is set in 51 % of words."""
    rng = np.random.default_rng(6)
    return _sound() | (rng.random(N) < 0.02).astype(np.uint64) << np.uint64(17)


def _follows() -> s.Words:
    """One word in fifty is much like the word before."""
    out = _sound()
    again = np.flatnonzero(np.random.default_rng(7).random(N - 1) < 0.02) + 1
    out[again] = out[again - 1] ^ (out[again] >> np.uint64(8))
    return out


def _avoids() -> s.Words:
    """A small number is never followed by a small one."""
    out = _sound()
    small = out < np.uint64(2**61)
    twice = np.flatnonzero(small[1:] & small[:-1]) + 1
    out[twice] |= np.uint64(2**63)
    return out


def _dependent_rows() -> s.Words:
    """Every 64th word is the sum, bit by bit, of two before it."""
    out = _sound()
    out[63::64] = out[0::64] ^ out[31::64]
    return out


def _sorted_threes() -> s.Words:
    """Now and then three words come in order."""
    out = _sound()[: N // 3 * 3].reshape(-1, 3)
    out[::20] = np.sort(out[::20], axis=1)
    return out.reshape(-1)


def _few_rounds() -> s.Words:
    """Philox with three rounds instead of ten."""
    found = [plain_philox((at, 3, 7, 0), 20261201, rounds=3) for at in range(N // 16)]
    return np.array([word for x in found for word in (x[0] | x[1] << 32, x[2] | x[3] << 32)], np.uint64)


@pytest.mark.parametrize(
    ("faulty", "test"),
    [
        (_one_bit_off, s.each_bit),
        (_follows, s.bit_pairs),
        (_follows, s.serial_correlation),
        (lambda: np.arange(N, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15), s.thousand_cells),
        (lambda: _congruential(6364136223846793005, 64), s.low_cells),
        (_avoids, s.pairs),
        (_avoids, s.gaps),
        (lambda: _congruential(65539, 31), s.triples),
        (_sorted_threes, s.runs_up),
        (lambda: _congruential(1103515245, 32), s.birthday_spacings),
        (_dependent_rows, s.ranks),
        (_few_rounds, s.birthday_spacings),
    ],
)
def test_the_battery_finds_faults(faulty: Callable[[], s.Words], test: Callable[[s.Words], float]) -> None:
    """Catches a test of the battery that passes whatever it is given; on sound words each passes (PCG64)."""
    assert test(faulty()) < LIMIT < test(_sound())
