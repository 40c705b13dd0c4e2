"""A section of docs/verification.md: variates of the streams against their laws.

``python -m benchmarks.random_draws`` prints what a variate costs, by turns with NumPy's PCG64 in compiled code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import special, stats

from benchmarks.speed import in_turns
from trialsim.chance.samplers import exponential, gamma, normal, uniform
from trialsim.chance.stream import open_stream
from trialsim.rng import Purpose
from trialsim.studies.findings.text import table

DRAWS = 10_000_000
SHAPES = (0.05, 0.7, 1.5, 10.0, 1e4)
SEED = 20261201
_TAIL = 1e-6

Fill = Callable[[NDArray[np.float64], Any], None]


def _filled_by(draw: Callable[[Any], float]) -> Fill:
    """Compiled code that fills an array with variates of a stream or generator."""

    @njit  # type: ignore[untyped-decorator]
    def fill(out: NDArray[np.float64], source: Any) -> None:
        for at in range(out.size):
            out[at] = draw(source)

    return fill  # type: ignore[no-any-return]


def _gamma_of(shape: float) -> Fill:
    return _filled_by(njit(lambda stream: gamma(shape, stream)))


def random_draws() -> list[str]:
    """Distances to distribution functions, and numbers beyond far quantiles."""
    laws = [
        ("uniform", _filled_by(uniform), stats.uniform()),
        ("normal", _filled_by(normal), stats.norm()),
        ("exponential", _filled_by(exponential), stats.expon()),
        *((f"gamma, shape {shape:g}", _gamma_of(shape), stats.gamma(shape)) for shape in SHAPES),
    ]
    rows, drawn = [], np.empty(DRAWS)
    for number, (name, fill, law) in enumerate(laws):
        fill(drawn, open_stream(SEED, Purpose.CELLS, subject=number))
        u = np.sort(law.cdf(drawn))
        steps = np.arange(DRAWS + 1) / DRAWS
        distance = max(float((steps[1:] - u).max()), float((u - steps[:-1]).max()))
        beyond = [int((drawn < law.ppf(_TAIL)).sum()), int((drawn > law.isf(_TAIL)).sum())]
        p = special.kolmogorov(distance * math.sqrt(DRAWS))
        rows.append((name, f"{distance:.5f}", f"{p:.2f}", *(str(number) for number in beyond)))
    head = ("law", "largest distance", "p (Kolmogorov-Smirnov)", "below", "above")
    return [
        "## Random draws",
        "",
        f"{DRAWS:,} variates of each law, from a stream of their own, against the law's distribution function, and "
        f"how many are beyond the quantile of {_TAIL:g} on either side (expected: {DRAWS * _TAIL:.0f}). Philox's known "
        "answers, a battery of tests of randomness along a stream and across neighbouring keys, and the faults that "
        "each of them finds are in `tests/chance`.",
        "",
        *table(head, rows),
    ]


def speed() -> list[str]:
    """Nanoseconds a variate, here and in NumPy."""
    pairs: list[tuple[str, Fill, Fill]] = [
        ("uniform", _filled_by(uniform), _filled_by(njit(lambda rng: rng.random()))),
        ("normal", _filled_by(normal), _filled_by(njit(lambda rng: rng.standard_normal()))),
        ("exponential", _filled_by(exponential), _filled_by(njit(lambda rng: rng.standard_exponential()))),
        ("gamma, shape 5", _gamma_of(5.0), _filled_by(njit(lambda rng: rng.standard_gamma(5.0)))),
    ]
    out = np.empty(1_000_000)
    ours, numpys = open_stream(SEED, Purpose.CELLS), np.random.default_rng(SEED)
    rows = []
    for name, own, other in pairs:
        seconds = in_turns(partial(own, out, ours), partial(other, out, numpys))
        rows.append((name, *(f"{1e9 * taken / out.size:.1f}" for taken in seconds)))
    return table(("nanoseconds a variate", "stream (Philox)", "NumPy (PCG64)"), rows)


if __name__ == "__main__":
    print("\n".join(speed()))
