"""Streams by address: the same numbers as NumPy's own generators, wherever they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.compiling import compiled, stream_at
from trialsim.patient.streams import open_streams
from trialsim.rng import Purpose, stream

PURPOSES = (Purpose.LESIONS, Purpose.CELLS, Purpose.ASSESSMENT, Purpose.VISITS)


@compiled
def _draw(address: int, out: np.ndarray) -> None:
    rng = stream_at(address)
    for at in range(0, out.size, 4):
        out[at], out[at + 1] = rng.random(), rng.standard_normal()
        out[at + 2], out[at + 3] = rng.standard_exponential(), rng.standard_gamma(3.0)


@pytest.mark.parametrize("seed", [0, 1, 20261122, 2**32 - 1, 2**32, 2**64 + 5, 2**127 + 1, 2**128 + 9, 2**200 + 12345])
def test_streams_begin_where_numpys_do(seed: int) -> None:
    """Catches a wrong constant, order of mixing or padding of the seed's words, at every number of words."""
    for subject, replicate in ((1, 0), (77, 3), (2**31 + 3, 2**32 - 1)):
        opened = open_streams(seed, PURPOSES, subject=subject, replicate=replicate)
        for purpose, own in zip(PURPOSES, opened, strict=True):
            numpys = stream(seed, purpose, subject=subject, replicate=replicate)
            assert own.generator.bit_generator.state == numpys.bit_generator.state


def test_compiled_code_draws_from_the_generator_itself() -> None:
    """Catches a copy of the state (the generator would stay behind) and the functions of another one."""
    opened = open_streams(5, PURPOSES, subject=9)[1]
    numpys = stream(5, Purpose.CELLS, subject=9)
    drawn = np.empty(4000)
    _draw(opened.address, drawn)
    expected = [
        draw
        for _ in range(1000)
        for draw in (
            numpys.random(),
            numpys.standard_normal(),
            numpys.standard_exponential(),
            numpys.standard_gamma(3.0),
        )
    ]
    np.testing.assert_array_equal(drawn, expected)
    assert opened.generator.random() == numpys.random()


def test_a_negative_seed_is_refused() -> None:
    """Catches a seed whose sign is lost in its words, so that two seeds give one trial."""
    with pytest.raises(ValueError, match="not negative"):
        open_streams(-1, PURPOSES, subject=1)
