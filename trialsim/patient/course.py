"""One patient under one arm, as the trial sees it: when the next visit is, and what happens at it.

The course owns the patient and nothing of the calendar. Visits are those of `trialsim.patient.visits`, done at once.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from trialsim.biology.populations import (
    AWAKENED,
    DORMANT,
    ESCAPED,
    RESIDUAL,
    RESISTANT,
    SEEDED,
    SENESCENT,
    SENSITIVE,
    escaped,
)
from trialsim.patient import agenda, visits
from trialsim.patient.advance import advance
from trialsim.patient.cells import step_cells
from trialsim.patient.markers import names_of
from trialsim.patient.plan import Plan, make_plan, own_plan
from trialsim.patient.prepare import prepare
from trialsim.patient.state import (
    AHEAD,
    LOCAL,
    LOOKED_AT,
    PATIENT,
    Outcome,
    Patient,
    TraceRow,
    copy_patient,
    view_in_python,
)
from trialsim.records import Cause, PanelResult, Reading, Relapse, Traits, cause_label
from trialsim.schedule import PlannedVisits
from trialsim.spec.agents import INDUCER_LABELS, INDUCERS
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.structured import Counts, rows
from trialsim.treatment.adherence import missed_doses

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

_VISIT, _LINE = visits.Act.VISIT.value, visits.Act.LINE.value

Entry = tuple[int, int, float]
"""What happened (`trialsim.records.Happened`), of which order or guide, and its value."""


class Course:
    """A virtual patient under an arm; the parameters are those of `trialsim.patient.prepare.prepare`."""

    def __init__(
        self,
        patient: int,
        arm: ResolvedArm,
        traits: Traits,
        protocol: ResolvedProtocol,
        plan: Plan,
        *,
        seed: int,
        replicate: int = 0,
        traced: bool = False,
    ) -> None:
        self._copies = prepare(
            traits, arm, protocol, plan, patient=patient, seed=seed, replicate=replicate, traced=traced
        )
        self._patient = view_in_python(self._copies, PATIENT)
        self._arm, self._protocol = arm, protocol
        self._log = cast("np.ndarray[Any, Any]", self._patient.log)

    @property
    def patient(self) -> Patient:
        """The patient's records."""
        return self._patient

    @property
    def outcome(self) -> Outcome:
        """What became of the patient."""
        return cast("Outcome", self._patient.body["outcome"][0])

    def next_day(self) -> float:
        """Study day of the next visit; infinite when there is none."""
        return agenda.next_line(self._patient)[1]

    def visit(self, day: float) -> tuple[float, list[Entry]]:
        """Do what is due on a study day; returns the day of the next visit, and what happened."""
        following, logged = visits.act(*self._copies, _VISIT, -1, day, math.inf, math.inf)
        return following, self._log[:logged].tolist() if logged else []

    def next_line(self) -> tuple[int, float]:
        """The line that is next, or -1, and its study day."""
        return agenda.next_line(self._patient)

    def would_give(self, line: int, day: float) -> tuple[int, list[Entry]]:
        """The order of which a dose would be given by a line that is due, or -1; and the counts that decide on it."""
        order = visits.order_to_give(self._copies, line, day)
        return order, self._take_log()

    def do_line(self, line: int, day: float) -> list[Entry]:
        """Do one line, on its study day."""
        visits.act(*self._copies, _LINE, line, day, math.inf, math.inf)
        return self._take_log()

    def hold_back(self, line: int) -> None:
        """The dose of a line, which is due, waits for a place."""
        agenda.hold_back(self._patient, line)

    def go_on(self, order: int, day: float) -> None:
        """The dose of an order that waits is to be on a study day."""
        agenda.go_on(self._patient, order, day)

    def stop_treatment(self) -> list[Entry]:
        """Nothing that is still to come is given."""
        visits.stop_all(self._copies)
        return self._take_log()

    def death_before(self, ends: float, cut: float = math.inf) -> float:
        """The study day on which toxicity kills before the next visit, ``ends`` or the ``cut``; infinite if not."""
        return visits.death_before(self._copies, ends, cut)

    def die(self, day: float) -> list[Entry]:
        """Toxicity kills on a study day."""
        visits.die(self._copies, day)
        return self._take_log()

    def finish(self, day: float) -> None:
        """Follow-up has ended on a study day."""
        visits.finish(self._copies, day)

    def true_nadirs(self) -> tuple[float | None, float | None]:
        """The lowest true counts of platelets and neutrophils, 1e9/L, once it is over; None where not simulated."""
        platelets, neutrophils = (
            float(cast("Any", self.outcome)[f"true_{name}_nadir"]) for name in ("platelet", "neutrophil")
        )
        return platelets, None if math.isnan(neutrophils) else neutrophils

    def _take_log(self) -> list[Entry]:
        logged = self._patient.body["logged"]
        entries = self._log[: logged[0]].tolist()
        logged[0] = 0
        return cast("list[Entry]", entries)

    def given(self) -> list[tuple[float, bool]]:
        """By order: the sum of the fractions of planned doses that were given, and whether it was withheld."""
        orders = cast("np.ndarray[Any, Any]", self._patient.orders)
        return list(zip(orders["given"].tolist(), orders["withheld"].tolist(), strict=True))

    def has_begun(self, order: int) -> bool:
        """Whether a dose of an order was given."""
        return bool(self._patient.orders["given"][order] > 0.0)

    def relapse(self) -> Relapse:
        """The relapse that a scan found."""
        outcome = cast("Any", self.outcome)
        return Relapse(
            site="local" if outcome["lesion"] == LOCAL else "distant",
            latent_day=None if math.isnan(outcome["latent"]) else float(outcome["latent"]),
            last_clear=float(outcome["last_scan"]),
            detected=float(outcome["relapse"]),
            cause=LINEAGES[int(outcome["lineage"])],
            cells=float(outcome["cells"]),
            lineage=lineage_shares(outcome["lineages"]),
        )

    def panel(self, guide: int) -> PanelResult:
        """What the panel of ``arm.guides[guide]`` said when it was measured."""
        asked = self._arm.guides[guide]
        panel, said = self._protocol.panels[asked.panel], cast("Any", self._patient.panels)[guide]
        assays = cast("NDArray[np.void]", self._patient.assays)
        readings = tuple(
            self._reading(name, assay)
            for (at, name), assay in zip(names_of(self._protocol, self._arm), assays, strict=True)
            if at == guide
        )
        return PanelResult(panel.name, asked.day, bool(said["positive"]), bool(said["truth"]), readings)

    def _reading(self, name: str, assay: Any) -> Reading:
        positive, truth, value = bool(assay["positive"]), bool(assay["truth"]), float(assay["value"])
        if math.isnan(value):
            return Reading(name, positive, truth)
        return Reading(name, positive, truth, value, self._protocol.markers[name].threshold.unit)

    def look(self, day: float) -> Patient:
        """A copy of the patient on a study day that is not past; the patient does not notice."""
        look = view_in_python(self._copies, LOOKED_AT)
        copy_patient(self._patient, look)
        advance(look, day, False)
        step_cells(look, False)
        return look

    def trajectory(self, day: float) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """What the patient passed through up to a study day that is not past, and the lesions on that day.

        Rows are those of `trialsim.patient.state.TraceRow` and `Lesion`. A relapse is as the scan that found it saw it.
        """
        look = self.look(day)
        lesions = cast("NDArray[np.void]", look.lesions)[: self._patient.body["lesions"][0]].copy()
        outcome = cast("Any", self.outcome)
        if outcome["lesion"] >= 0:
            crossed = view_in_python(self._copies, AHEAD).lesions["crossed"][: len(lesions)]
            lesions["crossed"] = np.where(crossed <= day, crossed, np.nan)
        last: Any = rows(TraceRow, 1)
        cells = lesions["cells"].sum(axis=0)
        last["day"], last["platelets"] = day, look.body["platelets"]["count"][0]
        last["cycling"], last["dormant"] = cells[:DORMANT].sum(), cells[DORMANT]
        last["escaped"], last["senescent"] = cells[ESCAPED:SENESCENT].sum(), cells[SENESCENT:].sum()
        traced = cast("NDArray[np.void]", self._patient.trace)[: self._patient.body["traced"][0]]
        return np.concatenate([traced, last]), lesions


class Courses:
    """Makes the courses of a trial's patients. ``traced``: the patients at whom somebody looks, who are kept."""

    def __init__(
        self, protocol: ResolvedProtocol, *, seed: int, replicate: int = 0, traced: Collection[int] = ()
    ) -> None:
        self._protocol, self._seed, self._replicate, self._traced = protocol, seed, replicate, traced
        self._plans: dict[int, tuple[PlannedVisits, Plan]] = {}
        self.looked_at: dict[int, Course] = {}

    def __call__(self, patient: int, arm: ResolvedArm, traits: Traits, visits: PlannedVisits) -> Course:
        protocol, seed, replicate = self._protocol, self._seed, self._replicate
        # Kept with the visits that it was made of, so that no others can come to have their identity.
        kept = self._plans.get(id(visits.of_arm))
        if kept is None:
            kept = self._plans[id(visits.of_arm)] = visits, make_plan(arm, visits.of_arm, queued=visits.queued)
        missed = missed_doses(protocol, arm, patient, seed=seed, replicate=replicate)
        own = own_plan(kept[1], visits.own, missed)
        traced = patient in self._traced
        course = Course(patient, arm, traits, protocol, own, seed=seed, replicate=replicate, traced=traced)
        if traced:
            self.looked_at[patient] = course
        return course


def lineage_shares(proliferating: Counts) -> dict[str, float]:
    """Share of a lesion's proliferating cells by the cause their lineage stands for; empty if there are none."""
    total = int(proliferating.sum()) - int(proliferating[DORMANT])
    if total == 0:
        return {}
    shares: dict[str, float] = {}
    for at, cause in LINEAGES.items():
        if proliferating[at] > 0:
            shares[cause] = shares.get(cause, 0.0) + float(proliferating[at]) / total
    return shares
