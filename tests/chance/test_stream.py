"""Streams as records: their keys, their copies, and how they are opened."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.chance.series import ALONG, following, plain_philox, variates, words
from trialsim.chance.samplers import exponential, gamma, normal, uniform
from trialsim.chance.stream import WORDS, Stream, open_stream, start, word
from trialsim.compiling import compiled
from trialsim.rng import Purpose
from trialsim.structured import dtype_of, one

_word, _start = word, start
_uniform, _normal, _exponential, _gamma = uniform, normal, exponential, gamma
PATIENT = np.dtype([("cells", "i8", (3,)), ("stream", dtype_of(Stream)), ("day", "f8")], align=True)


@pytest.mark.parametrize("seed", [0, 1, 20261122, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
def test_a_stream_is_the_blocks_of_its_key(seed: int) -> None:
    """Catches a part of the key lost, cut or put in another's place, and blocks skipped or used twice at a refill."""
    for subject, replicate, part in ((0, 0, 0), (77, 3, 5), (2**32 - 1, 2**32 - 2, 2**24 - 1)):
        stream = open_stream(seed, Purpose.KINETICS, subject=subject, replicate=replicate, part=part)
        blocks = [
            plain_philox((at, Purpose.KINETICS + 256 * part, subject, replicate), seed) for at in range(2 * WORDS)
        ]
        expected = [half for x in blocks for half in (x[0] | x[1] << 32, x[2] | x[3] << 32)]
        assert following(stream, 4 * WORDS).tolist() == expected


def test_no_two_keys_share_a_block() -> None:
    """Catches keys that overlap: a sum or exclusive-or of their parts, or a block's number that runs into another's."""
    seeds, purposes, numbers = (0, 1, 2, 2**32, 2**63), tuple(Purpose), (0, 1, 2, 3, 256, 2**16)
    keys = list(product(seeds, purposes, numbers, numbers, numbers))
    assert all(purpose < 256 for purpose in purposes)
    found = np.empty((len(keys), WORDS), np.uint64)
    for row, (seed, purpose, subject, replicate, part) in zip(found, keys, strict=True):
        stream = open_stream(seed, purpose, subject=subject, replicate=replicate, part=part)
        row[:] = following(stream, WORDS)
    # Of a chance of 2e-27, should two blocks of different seeds be alike.
    assert len(np.unique(found.reshape(-1, 2), axis=0)) == found.size // 2


@pytest.mark.parametrize("along", ALONG[1:])
def test_neighbours_are_not_correlated(along: str) -> None:
    """Catches streams that are shifts of each other. Correlations of 2,000 neighbours' first 400 words, at lags to 3.

    The largest of 14,000 standard normal deviates is beyond 6 by chance in 3e-5 of all cases.
    """
    n, length = 2000, 400
    firsts = words(along, n)
    assert len(np.unique(firsts)) == n
    stream = one(Stream)
    rows = np.empty((n, length))
    for at, row in enumerate(rows):
        step = {name: at if name == along else 0 for name in ALONG}
        purpose = (3 + step["purpose"] % 61) % 64 + 256 * (step["purpose"] // 61 + step["part"])
        start(stream, 20261201 + step["seed"], purpose, 7 + step["subject"], step["replicate"])
        row[:] = variates("uniform", stream, length)
    centred = (rows - 0.5) * np.sqrt(12.0)
    for lag in range(-3, 4):
        own, next_one = (
            centred[:-1, max(0, lag) : length + min(0, lag)],
            centred[1:, max(0, -lag) : length - max(0, lag)],
        )
        assert np.abs((own * next_one).sum(axis=1) / np.sqrt(own.shape[1])).max() < 6.0


def test_seeds_beyond_64_bits_have_streams_of_their_own() -> None:
    """Catches a long seed that is cut: 2^64 + 5 would be the trial of 5."""
    seeds = [5, 2**64 - 1, 2**64, 2**64 + 5, 2**127 + 1, 2**128 + 5, 2**200 + 12345]
    firsts = [int(following(open_stream(seed, Purpose.CELLS), 1)[0]) for seed in seeds]
    assert len(set(firsts)) == len(seeds)


@pytest.mark.parametrize(
    ("name", "number"),
    [("seed", -1), *product(("subject", "replicate"), (-1, 2**32)), *product(("part",), (-1, 2**24))],
)
def test_what_has_no_place_in_the_counter_is_refused(name: str, number: int) -> None:
    """Catches a number that is cut to its word, so that two keys give one stream."""
    key = {"seed": 1, "subject": 1} | {name: number}
    with pytest.raises(ValueError, match=name):
        open_stream(key.pop("seed"), Purpose.CELLS, **key)


@compiled
def _live(patient, out):
    for at in range(out.size):
        out[at] = _uniform(patient["stream"])


@compiled
def _live_all(patients, out):
    for row in range(patients.size):
        for at in range(out.shape[1]):
            out[row, at] = _uniform(patients[row]["stream"])


def test_a_copy_of_a_record_is_a_copy_of_its_stream() -> None:
    """Catches state kept outside the record, or shared by the copy, at every place in the buffer."""
    patients = np.zeros(2, PATIENT)
    patients[0]["stream"] = open_stream(1, Purpose.CELLS, subject=9)
    for taken in range(1, 2 * WORDS, 7):
        _live(patients[0], np.empty(taken))
        patients[1] = patients[0]
        drawn = np.empty((2, 3 * WORDS))
        _live(patients[0], drawn[0])
        _live(patients[1], drawn[1])
        np.testing.assert_array_equal(drawn[0], drawn[1])
        assert patients[0].tobytes() == patients[1].tobytes()


def test_a_stream_inside_a_patient_is_the_stream_alone() -> None:
    """Catches offsets that compiled code and NumPy see differently, and a neighbour that is written over."""
    patients = np.zeros(5, PATIENT)
    patients["cells"], patients["day"] = -1, 0.25
    for number, patient in enumerate(patients):
        patient["stream"] = open_stream(1, Purpose.CELLS, subject=number)
    drawn = np.empty((5, 100))
    _live_all(patients, drawn)
    for number in range(5):
        alone = variates("uniform", open_stream(1, Purpose.CELLS, subject=number), 100)
        np.testing.assert_array_equal(drawn[number], alone)
    assert (patients["cells"] == -1).all()
    assert (patients["day"] == 0.25).all()


@compiled
def _together(stream, out):
    for row in range(out.shape[0]):
        out[row, 0], out[row, 1] = _uniform(stream), _normal(stream)
        out[row, 2], out[row, 3] = _exponential(stream), _gamma(0.5 + row, stream)


def test_draws_are_the_same_one_at_a_time() -> None:
    """Catches a sampler that is compiled to something else inside its caller, and one that keeps a spare variate."""
    together, singly = (open_stream(3, Purpose.LESIONS, subject=4) for _ in range(2))
    out = np.empty((100, 4))
    _together(together, out)
    for row, drawn in enumerate(out):
        alone = [law(singly) for law in (uniform, normal, exponential)] + [gamma(0.5 + row, singly)]
        assert drawn.tolist() == alone


@compiled
def _begin(stream, subject):
    _start(stream, np.uint64(1), 3, subject, 2)


def test_compiled_code_opens_the_same_streams_again_and_again() -> None:
    """Catches words of the stream before that are left in the buffer."""
    used: Stream = one(Stream)
    for subject in (1, 2, 2**32 - 1):
        _begin(used, subject)
        fresh = open_stream(1, Purpose.CELLS, subject=subject, replicate=2)
        np.testing.assert_array_equal(following(used, 5), following(fresh, 5))
