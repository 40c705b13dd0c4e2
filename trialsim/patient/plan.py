"""What an arm has planned for one patient, line by line, as the visit engine reads it.

Lines of one *mover* stand in the order of time; what waits, or is delayed by a dose rule, moves all later lines of its
mover. A mover is an order, or a group of orders that share a rule which delays; the last two movers never move: what
stays on its day for every patient, and what is the patient's own (scans within their window, other therapy).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from trialsim.calendar_grid import on_grid
from trialsim.records import SameDay
from trialsim.schedule import Own, Visit, laboratory_days
from trialsim.spec.biomarkers import Guide
from trialsim.spec.resolved import ResolvedArm
from trialsim.structured import Rows, dtype_of, named, record, rows
from trialsim.treatment.adherence import Flags


@record
class Line:
    """Something planned."""

    day: float
    """Study day, before anything moved."""
    kind: int
    """`trialsim.records.SameDay`."""
    index: int
    """The order of a dose, the guide of a panel; 1 of a scan that is missed."""
    mover: int
    number: int
    """Of a dose, its place among the order's doses."""
    counts: bool
    """Whether neutrophils are counted before the dose."""
    forgotten: bool
    """Whether the patient forgets the dose."""


@record
class Mover:
    """What moves together."""

    place: int
    """Its lines before this one are past."""
    shift: float
    """Days by which the rest has moved."""
    first: float
    """Planned day of its first dose (infinite: none)."""
    waits_since: float
    """Planned day of the dose that waits for a place (nan: none does)."""


class Plan(NamedTuple):
    """An arm's lines, and what moves them."""

    arm: ResolvedArm
    lines: Rows[Line]
    movers: Rows[Mover]
    queued: bool = False
    """Whether doses may have to wait for a place."""


def make_plan(arm: ResolvedArm, visits: Sequence[Visit], *, queued: bool = False) -> Plan:
    """An arm's visits as lines. ``queued``: doses may have to wait for a place, and what belongs to them moves along.

    Without queues only doses under a rule that delays move.
    """
    stays = len(arm.orders)
    movers = list(range(stays)) if queued else list(arm.leaders)
    moves = [queued or (order.rule is not None and order.rule.delay_days > 0.0) for order in arm.orders]
    starts = [
        frozenset(map(on_grid, order.cycle_starts)) if order.rule is not None and order.rule.limits_neutrophils else ()
        for order in arm.orders
    ]
    given = [0] * stays
    lines: list[tuple[float, int, int, int, int, bool, bool]] = []
    for day, tasks in visits:
        for kind, index in tasks:
            if kind is SameDay.DOSE:
                mover = movers[index] if moves[index] else stays
                lines.append((day, kind, index, mover, given[index], day in starts[index], False))
                given[index] += 1
            elif kind is SameDay.BIOMARKER and queued:
                lines.append((day, kind, index, _first_of(arm, arm.guides[index]), 0, False, False))
            elif kind is not SameDay.LABORATORY or not queued:
                lines.append((day, kind, index, stays, 0, False, False))
    if queued:
        horizon = visits[-1][0] if visits else 0.0
        for index, order in enumerate(arm.orders):
            days = [on_grid(day) for day in laboratory_days(order)]
            lines += [(day, SameDay.LABORATORY, 0, index, 0, False, False) for day in days if day <= horizon]
    return Plan(arm, _as_lines(sorted(lines)), _movers(lines, stays + 2), queued)


def _first_of(arm: ResolvedArm, guide: Guide) -> int:
    """Of the orders that a panel decides on, the one that begins first: the panel moves with it."""
    return min((i for i, o in enumerate(arm.orders) if o.give_if == guide), key=lambda i: arm.orders[i].days[0])


def _as_lines(lines: Sequence[tuple[float, int, int, int, int, bool, bool]]) -> Rows[Line]:
    return cast("Rows[Line]", np.array(list(lines), dtype_of(Line)))


def _movers(lines: Sequence[tuple[float, int, int, int, int, bool, bool]], count: int) -> Rows[Mover]:
    movers = rows(Mover, count)
    named(movers).waits_since, named(movers).first = math.nan, math.inf
    for day, kind, _, mover, *_ in lines:
        if kind == SameDay.DOSE:
            named(movers)[mover].first = min(named(movers)[mover].first, day)
    return movers


def own_plan(plan: Plan, own: Own, missed: tuple[Flags, ...]) -> Plan:
    """The plan of one patient; the arm's own where nothing about it is the patient's.

    ``own`` are visits of the patient's own, ``missed`` says which doses of each order are forgotten (empty: none).
    """
    lines: Any = plan.lines
    if missed:
        lines = lines.copy()
        doses = lines["kind"] == SameDay.DOSE
        lines["forgotten"][doses] = [missed[line["index"]][line["number"]] for line in lines[doses]]
    if own:
        mover = len(plan.arm.orders) + 1
        more = _as_lines([(day, kind, index, mover, 0, False, False) for day, kind, index in own])
        lines = np.concatenate([lines, cast("Any", more)])
    return plan._replace(lines=lines)
