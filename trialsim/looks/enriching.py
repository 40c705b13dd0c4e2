"""A trial that may go on in a subgroup alone after its one interim look."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from trialsim.analysis import SurvivalData
from trialsim.conduct.interim import Interim, Told
from trialsim.designs.enrichment import EventsAndZ, closed_test, hazard_ratio_of, stage_z
from trialsim.endpoints import adtte_frame
from trialsim.looks.data import benefit_z, survival_data
from trialsim.records import TrialRecord
from trialsim.reported.looks import (
    EnrichedPopulation,
    Enrichment,
    EnrichmentClaims,
    IntersectionTest,
    PopulationAtLook,
)
from trialsim.spec.resolved import ResolvedProtocol

#: The populations of a trial that may go on in a subgroup.
ALL, SUBGROUP, OTHERS = "all", "subgroup", "others"


class Enriching:
    """A trial that may go on in a subgroup alone after its one interim look."""

    def __init__(self, protocol: ResolvedProtocol) -> None:
        looks = protocol.analysis.looks
        if looks is None or looks.enrich is None:
            raise ValueError("the protocol does not enrich")
        self._protocol, self._looks, self._rule = protocol, looks, looks.enrich
        self._reference = protocol.analysis.reference
        self._arm = next(name for name in protocol.arms if name != self._reference)
        ratio = protocol.randomisation.ratio
        self._ratio = ratio[self._arm] / ratio[self._reference]
        self._first: dict[str, EventsAndZ] = {}
        self._day = math.nan
        self._enriched = False

    @property
    def interim(self) -> Interim:
        """What the calendar is handed."""
        return Interim(self._looks.targets, self._judge)

    def _judge(self, known: TrialRecord) -> Told:
        self._first, self._day = self._parts(known, adtte_frame(known, self._protocol)), known.cut_day
        ratios = {name: hazard_ratio_of(part, self._ratio) for name, part in self._first.items()}
        self._enriched = ratios[OTHERS] > self._rule.others_above
        told = ", ".join(f"{name} {ratios[name]:.3f}" for name in (SUBGROUP, OTHERS))
        goes_on = f"in {self._rule.level} alone" if self._enriched else "in all"
        words = f"look 1: {self._first[ALL].events:g} events, hazard ratio of {told}: goes on {goes_on}"
        return Told(words, stops=False, only=(self._rule.factor, self._rule.level) if self._enriched else None)

    def finish(self, record: TrialRecord, adtte: pd.DataFrame) -> Enrichment:
        """The look, the end and the claims, for results.json."""
        last = self._parts(record, adtte)
        # The end came before the look: all of the data are of the second stage.
        first = self._first or {name: EventsAndZ(0.0, 0.0) for name in last}
        both = tuple((parts[ALL], parts[SUBGROUP]) for parts in (first, last))
        information, _ = self._looks.at
        claims = closed_test(information, self._protocol.analysis.alpha, both[0], both[1], enriched=self._enriched)
        combined = {ALL: claims.full, SUBGROUP: claims.subgroup}
        populations = {
            name: EnrichedPopulation(
                look=self._told(first[name]),
                end=self._told(last[name]),
                z_after_look=stage_z(first[name], last[name]),
                combined_z=combined.get(name),
            )
            for name in (ALL, SUBGROUP, OTHERS)
        }
        return Enrichment(
            arm=self._arm,
            reference=self._reference,
            factor=self._rule.factor,
            level=self._rule.level,
            others_above=self._rule.others_above,
            look_day=None if math.isnan(self._day) else self._day,
            enriched=self._enriched,
            bound=claims.bound,
            intersection=IntersectionTest(claims.intersection, claims.p),
            populations=populations,
            claims=EnrichmentClaims(claims.claims_full, claims.claims_subgroup),
        )

    def _told(self, part: EventsAndZ) -> PopulationAtLook:
        return PopulationAtLook(part.events, part.z, hazard_ratio_of(part, self._ratio))

    def _parts(self, known: TrialRecord, adtte: pd.DataFrame) -> dict[str, EventsAndZ]:
        """Events and z of everybody, of the subgroup and of the others."""
        data = survival_data(self._protocol, known, adtte)
        level = np.array([str(record.traits[self._rule.factor]) == self._rule.level for record in known.patients])
        of = {ALL: np.ones(len(level), dtype=np.bool_), SUBGROUP: level, OTHERS: ~level}
        return {name: self._part(data.take(chosen)) for name, chosen in of.items()}

    def _part(self, data: SurvivalData) -> EventsAndZ:
        return EventsAndZ(float(data.event.sum()), benefit_z(self._protocol, data, self._arm))
