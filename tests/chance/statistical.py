"""Tests of randomness after Knuth (TAOCP 2, section 3.3.2) and Marsaglia; each gives a two-sided p-value.

Two-sided, since numbers that are too even are not random either.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from trialsim.compiling import allocating

Words = NDArray[np.uint64]


def _chi_square(seen: NDArray[np.int64], chances: NDArray[np.float64]) -> float:
    expected = chances * seen.sum()
    return _both(stats.chi2(seen.size - 1), float(((seen - expected) ** 2 / expected).sum()))


def _both(law: object, value: float) -> float:
    return 2.0 * min(law.cdf(value), law.sf(value))  # type: ignore[attr-defined]


def _cells(words: Words, cells: int) -> NDArray[np.int64]:
    return (words.astype(np.float64) * 2.0**-64 * cells).astype(np.int64).clip(0, cells - 1)


def each_bit(words: Words) -> float:
    """Every one of the 64 bits is set half the time."""
    z = [
        (int((words >> np.uint64(at) & np.uint64(1)).sum()) - words.size / 2) / math.sqrt(words.size / 4)
        for at in range(64)
    ]
    return _both(stats.chi2(64), float(np.square(z).sum()))


def bit_pairs(words: Words) -> float:
    """No bit goes with the same or the next bit of the word before."""
    z = []
    for turned in (words[:-1], words[:-1] << np.uint64(1) | words[:-1] >> np.uint64(63)):
        alike = ~(words[1:] ^ turned)
        z += [float((alike >> np.uint64(at) & np.uint64(1)).sum() - alike.size / 2) for at in range(64)]
    return _both(stats.chi2(128), float(np.square(z).sum()) / ((words.size - 1) / 4))


def thousand_cells(words: Words) -> float:
    """Equal numbers in each thousandth of the unit interval."""
    return _chi_square(np.bincount(_cells(words, 1000), minlength=1000), np.full(1000, 1e-3))


def low_cells(words: Words) -> float:
    """The same of the low half of the words."""
    return thousand_cells(words << np.uint64(32))


def pairs(words: Words) -> float:
    """Equal numbers in each of 64 x 64 squares."""
    return _tuples(words, 2, 64)


def triples(words: Words) -> float:
    """Equal numbers in each of 20 x 20 x 20 cubes."""
    return _tuples(words, 3, 20)


def _tuples(words: Words, size: int, cells: int) -> float:
    at = _cells(words[: words.size // size * size], cells).reshape(-1, size) @ (cells ** np.arange(size))
    return _chi_square(np.bincount(at, minlength=cells**size), np.full(cells**size, float(cells) ** -size))


def serial_correlation(words: Words) -> float:
    """Numbers next to each other are not correlated."""
    u = (words.astype(np.float64) * 2.0**-64 - 0.5) * math.sqrt(12.0)
    return _both(stats.norm, float((u[1:] * u[:-1]).sum()) / math.sqrt(u.size - 1))


def gaps(words: Words) -> float:
    """How long it takes until a number below 1/8 comes again."""
    lengths = np.diff(np.flatnonzero(_cells(words, 8) == 0)) - 1
    chances = 0.125 * 0.875 ** np.arange(60)
    seen = np.bincount(np.minimum(lengths, 60), minlength=61)
    return _chi_square(seen, np.append(chances, 1.0 - chances.sum()))


def runs_up(words: Words) -> float:
    """Lengths of ascending runs; the number after a run is left out, so that runs are independent."""
    return _chi_square(_runs(words), np.array([1 / 2, 1 / 3, 1 / 8, 1 / 30, 1 / 144, 1 / 720]))


@allocating
def _runs(words):
    seen = np.zeros(6, np.int64)
    at = 0
    while at < words.size - 20:
        length = 1
        while words[at + length] > words[at + length - 1] and length < 19:
            length += 1
        seen[min(length, 6) - 1] += 1
        at += length + 1
    return seen


def birthday_spacings(words: Words) -> float:
    """Marsaglia's: 4,096 birthdays in a year of 2^32 days; equal spacings are Poisson with mean 4."""
    found = 0
    for days in (words >> np.uint64(32), words & np.uint64(2**32 - 1)):
        for year in days[: days.size // 4096 * 4096].reshape(-1, 4096):
            spacings = np.sort(np.diff(np.sort(year)))
            found += int((spacings[1:] == spacings[:-1]).sum())
    law = stats.poisson(4.0 * 2 * (words.size // 4096))
    return float(min(1.0, 2.0 * min(law.cdf(found), law.sf(found - 1))))


def ranks(words: Words) -> float:
    """Ranks of 64 x 64 matrices of bits."""
    seen = np.bincount(64 - np.maximum(_ranks(words[: words.size // 64 * 64].reshape(-1, 64).copy()), 61), minlength=4)
    full = float(np.prod(1.0 - 0.5 ** np.arange(1.0, 65.0)))
    short = [full * 2.0 ** -(d * d) * np.prod([1.0 / (1.0 - 0.5**k) ** 2 for k in range(1, d + 1)]) for d in (1, 2)]
    return _chi_square(seen, np.array([full, *short, 1.0 - full - sum(short)]))


@allocating
def _ranks(matrices):
    out = np.zeros(matrices.shape[0], np.int64)
    for at in range(matrices.shape[0]):
        rows = matrices[at]
        rank = 0
        for bit in range(64):
            mask = np.uint64(1) << np.uint64(bit)
            pivot = rank
            while pivot < 64 and rows[pivot] & mask == 0:
                pivot += 1
            if pivot == 64:
                continue
            rows[rank], rows[pivot] = rows[pivot], rows[rank]
            for row in range(rank + 1, 64):
                if rows[row] & mask:
                    rows[row] ^= rows[rank]
            rank += 1
        out[at] = rank
    return out


BATTERY: tuple[Callable[[Words], float], ...] = (
    each_bit,
    bit_pairs,
    thousand_cells,
    low_cells,
    pairs,
    triples,
    serial_correlation,
    gaps,
    runs_up,
    birthday_spacings,
    ranks,
)
