"""Words along one stream, and the first words of neighbouring streams; a plain twin of Philox; bulk draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialsim.chance import samplers
from trialsim.chance.stream import Stream, open_stream, start, word
from trialsim.compiling import compiled
from trialsim.rng import Purpose
from trialsim.structured import one

SEED = 20261201
#: What moves from one word to the next: the place in one stream, or a part of the key.
ALONG = ("stream", "seed", "purpose", "part", "subject", "replicate")

_word, _start = word, start
_uniform, _normal, _exponential, _gamma = samplers.uniform, samplers.normal, samplers.exponential, samplers.gamma
_LAWS = {"uniform": 0, "normal": 1, "exponential": 2, "gamma": 3}


@compiled
def _fill_words(out, stream):
    for at in range(out.size):
        out[at] = _word(stream)


@compiled
def _fill_firsts(out, steps, stream):
    """A word of each of many streams, whose seed, purpose, part, subject and replicate move in ``steps``."""
    for at in range(out.size):
        seed = 20261201 + at * steps[0]
        purpose = (3 + at % 61 * steps[1]) % 64 + 256 * (at // 61 * steps[1] + at * steps[2])
        _start(stream, seed, purpose, 7 + at * steps[3], at * steps[4])
        out[at] = _word(stream)


@compiled
def _fill_law(out, law, shape, stream):
    for at in range(out.size):
        if law == 0:
            out[at] = _uniform(stream)
        elif law == 1:
            out[at] = _normal(stream)
        elif law == 2:
            out[at] = _exponential(stream)
        else:
            out[at] = _gamma(shape, stream)


def words(along: str, n: int) -> NDArray[np.uint64]:
    """``n`` words of 64 bits."""
    out = np.empty(n, np.uint64)
    if along == "stream":
        _fill_words(out, open_stream(SEED, Purpose.CELLS, subject=1))
    else:
        _fill_firsts(out, np.array([along == name for name in ALONG[1:]], np.int64), one(Stream))
    return out


def following(stream: Stream, n: int) -> NDArray[np.uint64]:
    """The next words of a stream."""
    out = np.empty(n, np.uint64)
    _fill_words(out, stream)
    return out


def variates(law: str, stream: Stream, n: int, shape: float = 1.0) -> NDArray[np.float64]:
    """The next variates of a law from a stream."""
    out = np.empty(n)
    _fill_law(out, _LAWS[law], shape, stream)
    return out


def plain_philox(counter: tuple[int, ...], key: int, rounds: int = 10) -> tuple[int, ...]:
    """Philox4x32 in Python's integers, written from the paper."""
    low = 0xFFFFFFFF
    x, k = list(counter), [key & low, key >> 32]
    for at in range(rounds):
        if at:
            k = [(k[0] + 0x9E3779B9) & low, (k[1] + 0xBB67AE85) & low]
        first, second = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [second >> 32 ^ x[1] ^ k[0], second & low, first >> 32 ^ x[3] ^ k[1], first & low]
    return tuple(x)
