"""One patient under one arm, as the trial sees it: advance to a day, give a dose, take a scan.

The course owns the patient's biology and nothing of the calendar. Whoever drives it decides what happens when; for the
same patient, arm and sequence of calls the course is the same.
"""

from __future__ import annotations

import math

from trialsim.biology.populations import (
    AWAKENED,
    DORMANT,
    RESIDUAL,
    RESISTANT,
    SEEDED,
    SENESCENT,
    SENSITIVE,
    escaped,
)
from trialsim.patient import entry, markers
from trialsim.patient import state as s
from trialsim.patient.compiled import main_lineage
from trialsim.patient.handles import space_handle, state_handle
from trialsim.patient.prepare import prepare, recipes_of
from trialsim.patient.streams import open_streams
from trialsim.records import Assessment, Cause, PanelResult, Reading, Traits, cause_label
from trialsim.rng import Purpose
from trialsim.spec.agents import INDUCER_LABELS, INDUCERS
from trialsim.spec.biomarkers import Marker
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.treatment import neutrophils
from trialsim.treatment.platelets import LOWEST, OUTLIVES
from trialsim.treatment.toxic_death import draw_outlived

#: What a patient's chance is for, in the order in which their streams are opened.
STREAMS = (Purpose.LESIONS, Purpose.CELLS, Purpose.ASSESSMENT, Purpose.VISITS, Purpose.NEUTROPHILS)

#: The cause that each proliferating lineage stands for, by population index.
LINEAGES: dict[int, str] = {
    RESIDUAL: cause_label(Cause.RESIDUAL),
    AWAKENED: cause_label(Cause.AWAKENED),
    SEEDED: cause_label(Cause.SEEDED),
    **{
        escaped(i, response): cause_label(Cause.SPONTANEOUS_ESCAPE)
        if inducer == "spontaneous"
        else cause_label(Cause.TIS_ESCAPE, INDUCER_LABELS[inducer])
        for i, inducer in enumerate(INDUCERS)
        for response in (SENSITIVE, RESISTANT)
    },
}


class Course:
    """A virtual patient living through an arm.

    Parameters
    ----------
    patient
        Number from 1; with ``seed`` and ``replicate`` it names the patient's streams. The arm is in no key, so
        the same patient meets the same lesions and the same errors of measurement under every arm.
    traced
        Keep what the kernel passes through, for drawing. Changes nothing else.
    """

    def __init__(
        self,
        patient: int,
        arm: ResolvedArm,
        traits: Traits,
        protocol: ResolvedProtocol,
        *,
        seed: int,
        replicate: int = 0,
        traced: bool = False,
    ) -> None:
        # Compiled code knows the streams by address only: the list keeps the generators alive.
        self._streams = open_streams(seed, STREAMS, subject=patient, replicate=replicate)
        lesions, cells, scans, visits, counts = self._streams
        kinetics = recipes_of(arm, protocol).kinetics(traits, patient, seed=seed, replicate=replicate)
        self._state = prepare(traits, arm, protocol, lesions.generator, kinetics=kinetics, traced=traced)
        neutropenic, self._state.platelets[OUTLIVES] = draw_outlived(
            protocol.pharmacology, patient, seed=seed, replicate=replicate
        )
        if self._state.marrow.size:
            self._state.marrow[neutrophils.OUTLIVES] = neutropenic
        self._own, self._space = state_handle(self._state), space_handle(len(self._state.cells)).address
        # What is asked at every visit, in Python's own numbers: NumPy's take a microsecond to compare.
        self._day = 0.0
        self._swallowed = (self._state.orders[:, s.DRUG] >= 0.0).tolist()
        self._traced, self._counts_neutrophils = traced, protocol.counts_neutrophils
        #: Nothing can change before the next oral dose, so that advancing is setting the clock.
        self._at_rest = False
        self._cells_stream, self._scan_stream, self._visit_stream = cells.address, scans.address, visits.address
        self._count_stream = counts.address
        self._scan_error = scan_error(protocol)
        self._protocol, self._arm, self._patient, self._seed, self._replicate = protocol, arm, patient, seed, replicate

    @property
    def day(self) -> float:
        """Study day now."""
        return self._day

    @property
    def state(self) -> s.State:
        """The patient's arrays, with the cells taken on to now."""
        entry.settle(self._own.address, self._space, self._cells_stream)
        return self._state

    def advance(self, until: float) -> None:
        """Run the patient up to study day ``until``; a day already passed changes nothing."""
        if until <= self._day:
            return
        self._day = until
        if self._at_rest:
            self._state.clock[s.NOW] = until
        else:
            at_rest = entry.advance(self._own.address, until, self._space, self._cells_stream)
            self._at_rest = at_rest and not self._traced

    def give(self, order: int, fraction: float) -> None:
        """One administration, now, of ``arm.orders[order]`` at a fraction of its planned dose."""
        if self._swallowed[order]:
            entry.swallow(self._own.address, order, fraction)
            self._at_rest = False
        else:
            entry.strike(self._own.address, order, fraction, self._space, self._cells_stream)
            if self._counts_neutrophils:
                self._at_rest = False

    def assess(self) -> Assessment:
        """A scan now."""
        lesion = entry.scan(self._own.address, self._scan_error, self._space, self._cells_stream, self._scan_stream)
        if lesion < 0:
            return Assessment(found=False)
        cells, crossed = self._state.cells[lesion], float(self._state.lesions[lesion, s.CROSSED])
        return Assessment(
            found=True,
            site="local" if lesion == s.LOCAL else "distant",
            cells=float(cells.sum()),
            cause=LINEAGES[main_lineage(cells)],
            lineage=lineage_shares(cells),
            # A lesion under the limit can be seen by an error of measurement, before it crosses.
            latent_day=None if math.isnan(crossed) else crossed,
        )

    def laboratory(self, day: float) -> float | None:
        """A platelet count as the laboratory reports it on a study day that is not past, 1e9/L (log-normal error).

        None of a patient whom toxicity kills by that day. Nothing of the patient changes.
        """
        count = entry.laboratory(self._own.address, day, self._visit_stream)
        return None if math.isnan(count) else count

    def neutrophils(self) -> float:
        """A neutrophil count as the laboratory reports it, 1e9/L (log-normal error); only where they are simulated."""
        return entry.neutrophils(self._own.address, self._count_stream)

    def measure(self, guide: int) -> PanelResult:
        """The panel of ``arm.guides[guide]``, now."""
        asked = self._arm.guides[guide]
        panel = self._protocol.panels[asked.panel]
        readings = tuple(self._read(self._protocol.markers[name], asked.day) for name in panel.markers)
        positive, true = sum(r.positive for r in readings), sum(r.truth for r in readings)
        return PanelResult(panel.name, self.day, positive >= panel.at_least, true >= panel.at_least, readings)

    def _read(self, marker: Marker, day: float) -> Reading:
        error = markers.draw_error(marker, day, self._patient, seed=self._seed, replicate=self._replicate)
        value, positive, truth = markers.read(self.state, markers.constants(marker, self._protocol), error)
        if math.isnan(value):
            return Reading(marker.name, bool(positive), bool(truth))
        return Reading(marker.name, bool(positive), bool(truth), float(value), marker.threshold.unit)

    def true_platelet_nadir(self) -> float:
        """Lowest true platelet count so far, 1e9/L."""
        return float(self._state.platelets[LOWEST])

    def death_day(self) -> float:
        """The study day on which toxicity has killed the patient, up to now; infinite where it has not."""
        return float(entry.death_day(self._own.address))

    def true_neutrophil_nadir(self) -> float | None:
        """Lowest true neutrophil count so far, 1e9/L; None where none are simulated."""
        marrow = self._state.marrow
        return float(marrow[neutrophils.LEAST] * marrow[neutrophils.BASE]) if marrow.size else None


def scan_error(protocol: ResolvedProtocol) -> float:
    """Standard deviation of the logarithm of a lesion's measured size."""
    return protocol.detection.error_sd_log10 * math.log(10.0)


def lineage_shares(cells: s.Integers) -> dict[str, float]:
    """Share of a lesion's proliferating cells by the cause their lineage stands for; empty if there are none."""
    total = int(cells[:SENESCENT].sum()) - int(cells[DORMANT])
    if total == 0:
        return {}
    shares: dict[str, float] = {}
    for at, cause in LINEAGES.items():
        if cells[at] > 0:
            shares[cause] = shares.get(cause, 0.0) + float(cells[at]) / total
    return shares
