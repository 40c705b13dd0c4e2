"""A random stream as a record: it lies in a patient's own record, and a copy of the record is a copy of the stream.

The seed is the key of Philox, and the counter's words are the block's number, the purpose with its part, the subject
and the replicate. So streams of different keys share no block, whatever is drawn from them: that holds by construction,
not with high probability.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import numpy as np

from trialsim.chance.philox import fill
from trialsim.compiling import compiled, inlined
from trialsim.rng import TRIAL, Purpose
from trialsim.structured import U32, U64, Words, one, record

#: Words of 64 bits made at once, as two vectors of eight blocks (or four of four); half as many cost as much time.
WORDS = 32


@record
class Stream:
    """Where a stream stands."""

    seed: U64
    purpose: U32
    subject: U32
    replicate: U32
    block: U32
    """The next counter."""
    at: int
    """The buffer's next word; `WORDS` when all are used."""
    buffer: Annotated[Words, WORDS]


_WORD = 2**32
_SEEDS = 2**64
_PARTS = 2**24


def open_stream(seed: int, purpose: Purpose, *, subject: int = TRIAL, replicate: int = 0, part: int = 0) -> Stream:
    """The stream for one purpose of one subject, at its beginning.

    After 2^33 words it would come round again; no patient draws so many. ``part`` parts a purpose further. A seed
    beyond 64 bits stands for a hash of it, so that two of them may give one stream, with a chance of 2^-64.

    Raises
    ------
    ValueError
        A number that is negative, or beyond its words of the counter.
    """
    if seed < 0:
        raise ValueError(f"a seed is not negative: {seed}")
    for name, number, below in (("subject", subject, _WORD), ("replicate", replicate, _WORD), ("part", part, _PARTS)):
        if not 0 <= number < below:
            raise ValueError(f"a stream's {name} is from 0 to {below - 1:,}: {number:,}")
    stream = one(Stream)
    start(stream, short_seed(seed), int(purpose) | part << 8, subject, replicate)
    return stream


def short_seed(seed: int) -> int:
    """A seed in 64 bits, with a sign as compiled code takes it: itself, or where it is longer a hash (BLAKE2b)."""
    if seed >= _SEEDS:
        seed = int.from_bytes(hashlib.blake2b(str(seed).encode(), digest_size=8).digest(), "little")
    return seed - _SEEDS if seed >= _SEEDS // 2 else seed


@compiled
def start(stream: Stream, seed: int, purpose: int, subject: int, replicate: int) -> None:
    """Set a record to the beginning of a stream; ``purpose`` holds 256 times its part."""
    stream.seed, stream.purpose, stream.subject, stream.replicate = seed, purpose, subject, replicate
    stream.block, stream.at = 0, WORDS


@inlined
def word(stream: Stream) -> np.uint64:
    """The next 64 bits."""
    at = stream.at
    if at == WORDS:
        _refill(stream)
        at = 0
    stream.at = at + 1
    return stream.buffer[at]


@compiled
def _refill(stream: Stream) -> None:
    block = np.uint64(stream.block)
    fill(
        stream.buffer,
        block,
        np.uint64(stream.purpose),
        np.uint64(stream.subject),
        np.uint64(stream.replicate),
        np.uint64(stream.seed),
    )
    stream.block += WORDS // 2
