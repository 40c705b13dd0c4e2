"""A patient whom a test takes from day to day: doses at will, and a look whenever it asks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trialsim.patient import blood, visits, watched
from trialsim.patient.course import LINEAGES, lineage_shares
from trialsim.patient.markers import measure
from trialsim.patient.plan import Line
from trialsim.patient.prepare import prepare
from trialsim.patient.state import LOCAL, LOOKED_AT, PATIENT, view_in_python
from trialsim.records import Relapse, SameDay, Traits
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.structured import as_bytes, named, rows


class Seen:
    """What a patient is on a day, by name: the rows of `trialsim.patient.state.Patient`."""

    def __init__(self, patient: Any) -> None:
        self.body = named(patient.body)[0]
        self.lesions, self.drugs = patient.lesions, patient.drugs
        self.orders, self.effects, self.toxins = patient.orders, patient.effects, patient.toxins
        self.cells, self.rates = patient.lesions["cells"], self.body.rates
        self.platelets, self.marrow, self.host = self.body.platelets, self.body.marrow, self.body.host


class Lived:
    """A patient without visits; the parameters are those of `trialsim.patient.prepare.prepare`."""

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
        self.copies = prepare(traits, arm, protocol, patient=patient, seed=seed, replicate=replicate, traced=traced)
        self.own = view_in_python(self.copies, PATIENT)
        self.day = 0.0

    def advance(self, until: float) -> None:
        """Let time pass."""
        assert until >= self.day
        self.day = float(until)

    def give(self, order: int, fraction: float) -> None:
        """A dose, now."""
        watched.give(self.copies, order, self.day, float(fraction))

    @property
    def state(self) -> Seen:
        """A copy of the patient now, with the cells taken on to now."""
        watched.look(self.copies, self.day)
        return Seen(view_in_python(self.copies, LOOKED_AT))

    @property
    def traced(self) -> int:
        """Rows of the trace in use."""
        return int(self.own.body["traced"][0])

    def assess(self) -> Relapse | None:
        """A scan, now, whatever earlier ones found; None where it finds nothing."""
        self.own.body["outcome"]["lesion"], self.own.body["outcome"]["relapse"] = -1, math.nan
        lines = rows(Line, 1)
        named(lines)[0].kind, named(lines)[0].day = SameDay.SCAN, self.day
        named(lines)[0].mover = self.own.movers.size - 1
        visits.act(*self.copies[:2], as_bytes(lines), visits.Act.LINE.value, 0, self.day, math.inf, math.inf)
        outcome = self.own.body["outcome"][0]
        if outcome["lesion"] < 0:
            return None
        return Relapse(
            "local" if outcome["lesion"] == LOCAL else "distant",
            None if math.isnan(outcome["latent"]) else float(outcome["latent"]),
            0.0,
            self.day,
            LINEAGES[int(outcome["lineage"])],
            float(outcome["cells"]),
            lineage_shares(outcome["lineages"]),
        )

    def laboratory(self, day: float) -> float | None:
        """A platelet count on a day that is not past; None of the dead."""
        count = blood.platelet_count(self.own, view_in_python(self.copies, LOOKED_AT), day)
        return None if np.isnan(count) else float(count)

    def neutrophils(self) -> float:
        """A neutrophil count now."""
        return float(blood.neutrophil_count(self.own, view_in_python(self.copies, LOOKED_AT), self.day))

    def measure(self, guide: int) -> Any:
        """A panel now: its row (`trialsim.patient.state.PanelOfGuide`)."""
        watched.look(self.copies, self.day)
        measure(self.own, view_in_python(self.copies, LOOKED_AT), guide)
        return named(self.own.panels)[guide]
