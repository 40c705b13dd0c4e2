"""Many patients through an arm in a compiled loop, without a calendar.

The biology of a patient does not depend on the calendar, so a study may simulate its patients here, at several
times the speed of the trial's process. The loop has the visits done that the process has done
(`trialsim.patient.visits`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from trialsim.collecting import uncollected
from trialsim.compiling import compiled
from trialsim.patient.course import LINEAGES
from trialsim.patient.plan import make_plan, own_plan
from trialsim.patient.prepare import prepare
from trialsim.patient.state import LOCAL, PATIENT, Copies, OrderState, Outcome, PanelOfGuide, view
from trialsim.patient.visits import Act, act
from trialsim.records import Traits
from trialsim.schedule import Timetable
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.structured import Bytes, Counts, Grid, Rows, grid, rows
from trialsim.treatment.adherence import missed_doses


@compiled
def keep(
    memory: Bytes,
    layout: Counts,
    lines: Bytes,
    row: int,
    outcomes: Rows[Outcome],
    orders: Grid[OrderState],
    panels: Grid[PanelOfGuide],
) -> None:
    """What became of a patient, in a row for them."""
    own = view(Copies(memory, layout, lines), PATIENT)
    outcomes[row] = own.body[0].outcome
    for at in range(own.orders.size):
        orders[row, at] = own.orders[at]
    for at in range(own.panels.size):
        panels[row, at] = own.panels[at]


@dataclass(frozen=True)
class Lives:
    """What became of patients under one arm; a row for each, in the order asked for."""

    outcomes: Rows[Outcome]
    orders: Grid[OrderState]
    """Patient x order."""
    panels: Grid[PanelOfGuide]
    """Patient x guide of the arm."""

    @property
    def relapsed(self) -> NDArray[np.bool_]:
        """Whether a scan found a relapse."""
        return ~np.isnan(self.of("relapse"))

    def of(self, name: str) -> NDArray[np.float64]:
        """A field of the outcomes by its name."""
        return cast("NDArray[np.float64]", self.outcomes[name])

    def of_orders(self, name: str) -> NDArray[np.float64]:
        """A field of the orders by its name, as numbers: patient x order."""
        return cast("NDArray[np.float64]", self.orders[name].astype(np.float64))

    def of_panels(self, name: str) -> NDArray[np.float64]:
        """A field of the panels by its name, as numbers, patient x guide of the arm; nan where never measured."""
        return np.where(self.panels["measured"], self.panels[name], np.nan)

    @property
    def sites(self) -> list[str]:
        """``local``, ``distant``, or an empty string without relapse."""
        return ["" if at < 0 else "local" if at == LOCAL else "distant" for at in self.of("lesion").tolist()]

    @property
    def causes(self) -> list[str]:
        """The cause of each relapse as reports name it; an empty string without relapse."""
        return ["" if at < 0 else LINEAGES[at] for at in self.of("lineage").tolist()]


def follow_all(
    protocol: ResolvedProtocol,
    arm: ResolvedArm,
    timetable: Timetable,
    traits: Mapping[int, Traits],
    *,
    seed: int,
    replicate: int = 0,
    ends: Mapping[int, float] | None = None,
    cuts: Mapping[int, float] | None = None,
    new_therapies: Mapping[int, float] | None = None,
    observe: Callable[[int, Copies], None] | None = None,
) -> Lives:
    """Follow patients through an arm, one after the other.

    Parameters
    ----------
    timetable
        The arm's visits; each patient's own are made from it.
    traits
        By patient number, from 1; with ``seed`` and ``replicate`` the number names the patient's streams.
    ends, cuts
        By patient number: the study day of death or withdrawal, whichever is first, and the last study day on which
        a visit may fall. None: follow-up ends with the plan.
    new_therapies
        By patient number: the study day on which other therapy begins.
    observe
        Told each patient's number and final state.
    """
    plan = make_plan(arm, timetable.of_arm)
    outcomes = rows(Outcome, len(traits))
    orders, panels = grid(OrderState, len(traits), len(arm.orders)), grid(PanelOfGuide, len(traits), len(arm.guides))
    with uncollected():
        for row, (number, own) in enumerate(traits.items()):
            missed = missed_doses(protocol, arm, number, seed=seed, replicate=replicate)
            new = math.inf if new_therapies is None else new_therapies[number]
            visits = own_plan(plan, timetable.of(number, new, seed=seed, replicate=replicate).own, missed)
            patient = prepare(own, arm, protocol, visits, patient=number, seed=seed, replicate=replicate)
            end = math.inf if ends is None else float(ends[number])
            cut = math.inf if cuts is None else float(cuts[number])
            act(*patient, Act.FOLLOW.value, -1, 0.0, end, cut)
            keep(*patient, row, outcomes, orders, panels)
            if observe is not None:
                observe(number, patient)
    return Lives(outcomes, orders, panels)
