"""What a biomarker says of a patient, and what is true.

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

from trialsim.biology.populations import SENESCENT
from trialsim.compiling import compiled
from trialsim.patient.state import Assay, PanelOfGuide, Patient
from trialsim.rng import Purpose, stream
from trialsim.spec.biomarkers import MEASURES, Marker
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.structured import Rows, named, one, rows

#: The least background, so that a score has a logarithm where there is nothing.
_LEAST = {"cells": 1.0, "fraction": 1e-6}
#: The gain that scales the errors of biomarkers.
_GAIN = "biomarker_error"


def make_assay(marker: Marker, protocol: ResolvedProtocol) -> Assay:
    """A biomarker's numbers under the protocol's gain on errors."""
    gain = protocol.biology.get(_GAIN, 1.0)
    unit = MEASURES[marker.measures][0]
    out = one(Assay)
    out.is_share, out.threshold = unit == "fraction", marker.threshold.value
    out.is_score, out.is_exact = marker.noise is not None, gain == 0.0
    if marker.noise is not None and marker.cutoff is not None:
        log_threshold, log_cutoff = math.log10(marker.threshold.value), math.log10(marker.cutoff.value)
        behind = 0.0 if marker.background is None else marker.background.value
        out.background = max(_LEAST[unit], gain * behind)
        out.noise, out.log_cutoff = gain * marker.noise.value, log_threshold + gain * (log_cutoff - log_threshold)
    elif marker.sensitivity is not None and marker.specificity is not None:
        out.sensitivity = 1.0 - min(1.0, gain * (1.0 - marker.sensitivity.value))
        out.specificity = 1.0 - min(1.0, gain * (1.0 - marker.specificity.value))
    return out


def names_of(protocol: ResolvedProtocol, arm: ResolvedArm) -> list[tuple[int, str]]:
    """The guide and the biomarker of each assay of an arm, in order."""
    return [(at, name) for at, guide in enumerate(arm.guides) for name in protocol.panels[guide.panel].markers]


def make_assays(protocol: ResolvedProtocol, arm: ResolvedArm) -> Rows[Assay]:
    """What an arm measures, before errors are drawn."""
    wanted = names_of(protocol, arm)
    out = rows(Assay, len(wanted))
    for row, (guide, name) in enumerate(wanted):
        out[row] = make_assay(protocol.markers[name], protocol)
        named(out)[row].guide = guide
    return out


def make_panels(protocol: ResolvedProtocol, arm: ResolvedArm) -> Rows[PanelOfGuide]:
    """An arm's panels, not yet measured."""
    out = rows(PanelOfGuide, len(arm.guides))
    for row, guide in enumerate(arm.guides):
        named(out)[row].at_least = protocol.panels[guide.panel].at_least
    return out


def draw_error(marker: Marker, day: float, patient: int, *, seed: int, replicate: int = 0) -> float:
    """The error of one measurement: standard normal for a score, uniform in [0, 1) for a test.

    It has a stream of its own, keyed by the biomarker's name and the study day. So it is the same under every arm, and
    a biomarker more or less, a panel more or less or another day changes no other.
    """
    part = zlib.crc32(f"{marker.name} {day:.6f}".encode())
    rng = stream(seed, Purpose.BIOMARKER, subject=patient, replicate=replicate, part=part)
    return float(rng.random() if marker.noise is None else rng.standard_normal())


def draw_errors(
    protocol: ResolvedProtocol, arm: ResolvedArm, patient: int, *, seed: int, replicate: int = 0
) -> list[float]:
    """The error of each assay that a patient may meet under an arm."""
    return [
        draw_error(protocol.markers[name], arm.guides[guide].day, patient, seed=seed, replicate=replicate)
        for guide, name in names_of(protocol, arm)
    ]


@compiled
def read(patient: Patient, assay: Assay) -> None:
    """One measurement now, into the assay: the number (nan for a test), whether it is positive, and in truth."""
    senescent, total = 0, 0
    for lesion in range(patient.lesions.size):
        cells = patient.lesions[lesion].cells
        for at in range(cells.size):
            total += cells[at]
            if at >= SENESCENT:
                senescent += cells[at]
    amount = float(senescent)
    if assay.is_share:
        amount = senescent / total if total > 0 else 0.0
    assay.truth = amount >= assay.threshold
    if assay.is_score:
        score = math.log10(amount + assay.background) + assay.noise * assay.error
        assay.value, assay.positive = 10.0**score, score >= assay.log_cutoff
    else:
        chance = assay.sensitivity if assay.truth else 1.0 - assay.specificity
        assay.value, assay.positive = math.nan, assay.error < chance
    if assay.is_exact:
        assay.positive = assay.truth


@compiled
def measure(patient: Patient, look: Patient, guide: int) -> None:
    """A guide's panel: the patient's assays, of what ``look`` is now."""
    panel, positive, true = patient.panels[guide], 0, 0
    for at in range(patient.assays.size):
        assay = patient.assays[at]
        if assay.guide == guide:
            read(look, assay)
            positive += 1 if assay.positive else 0
            true += 1 if assay.truth else 0
    panel.measured, panel.positive, panel.truth = True, positive >= panel.at_least, true >= panel.at_least
