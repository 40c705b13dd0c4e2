"""What a biomarker says of a patient, and what is true; one code for the trial's process and for the bank's loop.

A biomarker measures the senescent tumour cells of all lesions, or their share of all tumour cells. The truth is
positive at or above its threshold. A *test* is right with a probability. A *score* is

    log10(measured + background) + noise z,        z standard normal,

positive at or above the logarithm of its cut-off.

The gain on errors scales the chances of a wrong test, the noise, the background, and the distance of the cut-off from
the threshold on the logarithm: at 0 every biomarker tells the truth.
"""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import numpy as np

from trialsim.biology.populations import SENESCENT
from trialsim.compiling import compiled
from trialsim.patient.state import Floats, Integers, State
from trialsim.rng import Purpose, stream
from trialsim.spec.biomarkers import MEASURES, Marker
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol

#: Places in a biomarker's constants. Those called ``IS_`` are 1 or 0; a test has no noise and no cut-off, a score no
#: chances (nan).
IS_SHARE, THRESHOLD, IS_EXACT, IS_SCORE, SENSITIVITY, SPECIFICITY, NOISE, LOG_CUTOFF, BACKGROUND = range(9)
N_MARKER = 9
#: Places in what a panel said: 1 or 0 each; not a number where it was never measured.
POSITIVE, TRUTH = range(2)
N_PANEL = 2
#: The least background, so that a score has a logarithm where there is nothing.
_LEAST = {"cells": 1.0, "fraction": 1e-6}
#: The gain that scales the errors of biomarkers.
_GAIN = "biomarker_error"


class Guides(NamedTuple):
    """What is measured under an arm, as flat arrays (`ResolvedArm.guides`)."""

    markers: Floats
    """Biomarker x N_MARKER."""
    members: Integers
    """Guide x biomarker: 1 where the guide's panel has the biomarker."""
    at_least: Integers
    """How many of them make each guide's panel positive."""
    of_order: Integers
    """The guide that decides on each order, or -1."""


def constants(marker: Marker, protocol: ResolvedProtocol) -> Floats:
    """A biomarker's numbers under the protocol's gain on errors."""
    gain = protocol.biology.get(_GAIN, 1.0)
    unit = MEASURES[marker.measures][0]
    out = np.full(N_MARKER, math.nan)
    out[IS_SHARE], out[THRESHOLD] = float(unit == "fraction"), marker.threshold.value
    out[IS_SCORE], out[IS_EXACT] = float(marker.noise is not None), float(gain == 0.0)
    if marker.noise is not None and marker.cutoff is not None:
        log_threshold, log_cutoff = math.log10(marker.threshold.value), math.log10(marker.cutoff.value)
        behind = 0.0 if marker.background is None else marker.background.value
        out[BACKGROUND] = max(_LEAST[unit], gain * behind)
        out[NOISE], out[LOG_CUTOFF] = gain * marker.noise.value, log_threshold + gain * (log_cutoff - log_threshold)
    elif marker.sensitivity is not None and marker.specificity is not None:
        out[SENSITIVITY] = 1.0 - min(1.0, gain * (1.0 - marker.sensitivity.value))
        out[SPECIFICITY] = 1.0 - min(1.0, gain * (1.0 - marker.specificity.value))
    return out


def make_guides(protocol: ResolvedProtocol, arm: ResolvedArm) -> Guides:
    """What an arm measures, for the compiled loop."""
    guides, names = arm.guides, list(protocol.markers)
    panels = [protocol.panels[guide.panel] for guide in guides]
    members = [[int(name in panel.markers) for name in names] for panel in panels]
    of_order = [-1 if order.give_if is None else guides.index(order.give_if) for order in arm.orders]
    return Guides(
        markers=np.array([constants(m, protocol) for m in protocol.markers.values()]).reshape(-1, N_MARKER),
        members=np.array(members, np.int64).reshape(len(guides), len(names)),
        at_least=np.array([panel.at_least for panel in panels], np.int64),
        of_order=np.array(of_order, np.int64),
    )


def draw_error(marker: Marker, day: float, patient: int, *, seed: int, replicate: int = 0) -> float:
    """The error of one measurement: standard normal for a score, uniform in [0, 1) for a test.

    It has a stream of its own, keyed by the biomarker's name and the study day. So it is the same under every arm, and
    a biomarker more or less, a panel more or less or another day changes no other.
    """
    part = zlib.crc32(f"{marker.name} {day:.6f}".encode())
    rng = stream(seed, Purpose.BIOMARKER, subject=patient, replicate=replicate, part=part)
    return float(rng.random() if marker.noise is None else rng.standard_normal())


def draw_errors(protocol: ResolvedProtocol, arm: ResolvedArm, patient: int, *, seed: int, replicate: int = 0) -> Floats:
    """Every error that a patient may meet under an arm, guide x biomarker; nan where a panel lacks the biomarker."""
    errors = np.full((len(arm.guides), len(protocol.markers)), math.nan)
    for row, guide in zip(errors, arm.guides, strict=True):
        for at, marker in enumerate(protocol.markers.values()):
            if marker.name in protocol.panels[guide.panel].markers:
                row[at] = draw_error(marker, guide.day, patient, seed=seed, replicate=replicate)
    return errors


@compiled
def read(state: State, marker: Floats, error: float) -> tuple[float, bool, bool]:
    """One measurement now: the measured number (nan for a test), whether it is positive, and whether in truth."""
    senescent, total = 0, 0
    for lesion in range(state.cells.shape[0]):
        for at in range(state.cells.shape[1]):
            total += state.cells[lesion, at]
            if at >= SENESCENT:
                senescent += state.cells[lesion, at]
    amount = float(senescent)
    if marker[IS_SHARE] > 0.0:
        amount = senescent / total if total > 0 else 0.0
    truth = amount >= marker[THRESHOLD]
    if marker[IS_SCORE] > 0.0:
        score = math.log10(amount + marker[BACKGROUND]) + marker[NOISE] * error
        value, positive = 10.0**score, score >= marker[LOG_CUTOFF]
    else:
        chance = marker[SENSITIVITY] if truth else 1.0 - marker[SPECIFICITY]
        value, positive = math.nan, error < chance
    return value, truth if marker[IS_EXACT] > 0.0 else positive, truth


@compiled
def measure(state: State, guides: Guides, guide: int, errors: Floats, said: Floats) -> None:
    """A guide's panel now. ``errors`` has a place for each biomarker; ``said`` (N_PANEL) is filled."""
    positive, true = 0, 0
    for at in range(guides.members.shape[1]):
        if guides.members[guide, at] == 1:
            _, seen, truth = read(state, guides.markers[at], errors[at])
            positive += seen
            true += truth
    said[POSITIVE] = 1.0 if positive >= guides.at_least[guide] else 0.0
    said[TRUTH] = 1.0 if true >= guides.at_least[guide] else 0.0
