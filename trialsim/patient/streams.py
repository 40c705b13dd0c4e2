"""A patient's random streams, opened quickly and handed to compiled code by address.

They are the streams of `trialsim.rng.stream`, bit for bit. NumPy's ``SeedSequence`` takes most of the time in which a
generator is made, so its mixing, which NumPy promises not to change, is written out here and compiled.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from trialsim.compiling import compiled
from trialsim.rng import Purpose

#: Words of 32 bits in the pool of ``SeedSequence``, and the words that seed a PCG64.
_POOL = 4
_SEED_WORDS = 8
_LOW = 0xFFFFFFFF
#: The constants of ``SeedSequence`` (O'Neill's ``seed_seq``; numpy/random/bit_generator.pyx).
_INIT_A, _MULT_A = 0x43B0D7E5, 0x931E8875
_INIT_B, _MULT_B = 0x8B51F9DD, 0x58F38DED
_MIX_LEFT, _MIX_RIGHT = 0xCA01F9DD, 0x4973F715


class Stream(NamedTuple):
    """A bit generator and where compiled code finds it (`trialsim.compiling.stream_at`), while the stream lives."""

    bits: np.random.PCG64
    address: int

    @property
    def generator(self) -> np.random.Generator:
        """The generator that draws from it."""
        return np.random.Generator(self.bits)


class _Words(ISeedSequence):
    """Seed words that are already made."""

    __slots__ = ("_words",)

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """The words; PCG64 asks for four of 64 bits."""
        assert (n_words, dtype) == (self._words.size, np.uint64)
        return self._words


@compiled
def _mix(x: int, y: int) -> int:
    mixed = (_MIX_LEFT * x - _MIX_RIGHT * y) & _LOW
    return mixed ^ (mixed >> 16)


@compiled
def _seed_words(seed: NDArray[np.int64], replicate: int, subject: int, purposes: NDArray[np.int64]) -> NDArray[Any]:
    """Words that ``SeedSequence(seed, spawn_key=(replicate, subject, purpose))`` gives a PCG64, by purpose.

    ``seed`` holds the seed's words of 32 bits, the lowest first, padded to the pool's size.
    """
    out = np.empty((purposes.size, _SEED_WORDS // 2), np.int64)
    entropy = np.empty(seed.size + 3, np.int64)
    entropy[: seed.size] = seed
    entropy[seed.size] = replicate
    entropy[seed.size + 1] = subject
    pool = np.empty(_POOL, np.int64)
    for row in range(purposes.size):
        entropy[seed.size + 2] = purposes[row]
        constant = _INIT_A
        # The first words fill the pool; then its words are mixed with each other, then with every further word.
        for stage in range(_POOL + entropy.size):
            fills = stage < _POOL
            source = stage - _POOL
            for to in range(_POOL):
                if (fills and to != stage) or source == to:
                    continue
                value = entropy[stage] if fills else (pool[source] if source < _POOL else entropy[source])
                value ^= constant
                constant = (constant * _MULT_A) & _LOW
                value = (value * constant) & _LOW
                value ^= value >> 16
                pool[to] = value if fills else _mix(pool[to], value)
        constant = _INIT_B
        for word in range(_SEED_WORDS):
            value = pool[word % _POOL] ^ constant
            constant = (constant * _MULT_B) & _LOW
            value = (value * constant) & _LOW
            value ^= value >> 16
            if word % 2 == 0:
                out[row, word // 2] = value
            else:
                out[row, word // 2] |= value << 32
    return out.view(np.uint64)


@lru_cache(maxsize=64)
def _words_of(seed: int) -> NDArray[np.int64]:
    words = [seed >> at & _LOW for at in range(0, max(seed.bit_length(), 1), 32)]
    return np.array(words + [0] * (_POOL - len(words)), np.int64)


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def address_of(generator: np.random.Generator) -> int:
    """Where compiled code finds a generator, which the caller keeps alive."""
    return int(_pointer(generator.bit_generator.capsule, b"BitGenerator"))


def open_streams(seed: int, purposes: Sequence[Purpose], *, subject: int, replicate: int = 0) -> list[Stream]:
    """A subject's streams for several purposes; each equals `trialsim.rng.stream` for the same key.

    Raises
    ------
    ValueError
        A negative seed.
    """
    if seed < 0:
        raise ValueError(f"a seed is not negative: {seed}")
    streams = []
    for words in _seed_words(_words_of(seed), replicate, subject, np.array(purposes, np.int64)):
        bits = np.random.PCG64(_Words(words))  # type: ignore[arg-type]  # NumPy's stubs know SeedSequence alone
        streams.append(Stream(bits, _pointer(bits.capsule, b"BitGenerator")))
    return streams
