"""Many patients through an arm in a compiled loop, without a calendar.

The biology of a patient does not depend on the calendar, so a study may live its patients here, at several times the
speed of the trial's process. The loop makes the calls that the process makes, in the same order, with the same random
streams: for the same patient, arm and end of follow-up both give the same course, bit for bit
(tests/patient/test_two_loops.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.collecting import uncollected
from trialsim.compiling import compiled, stream_at
from trialsim.patient import compiled as course
from trialsim.patient import intake, markers
from trialsim.patient.compiled import Workspace, make_workspace
from trialsim.patient.course import LINEAGES, STREAMS, scan_error
from trialsim.patient.kinetics import OwnKinetics
from trialsim.patient.markers import Guides
from trialsim.patient.prepare import Recipe, assemble, recipes_of
from trialsim.patient.state import CROSSED, DRUG, LOCAL, NOW, Floats, Integers, State
from trialsim.patient.streams import open_streams
from trialsim.patient.untreated import Person, World
from trialsim.records import SameDay, Traits
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.treatment import dose_rules
from trialsim.treatment.platelets import LOWEST

Generator = np.random.Generator

#: Kinds of task in a plan.
_SCAN, _LABORATORY, _DOSE, _BIOMARKER = 0, 1, 2, 3
_KINDS = {
    SameDay.SCAN: _SCAN,
    SameDay.LABORATORY: _LABORATORY,
    SameDay.BIOMARKER: _BIOMARKER,
    SameDay.DOSE: _DOSE,
}
#: Places in an order's rule.
_HOLD_BELOW, _RESUME_ABOVE, _KEPT, _STOP_AFTER = range(4)
#: Places in what is known of an order: the current dose as a fraction of the planned one, 1 while on hold, holds so
#: far, 1 once given up, sum of the fractions given, administrations given, doses held, 1 once its panel was negative.
FRACTION, ON_HOLD, HOLDS, STOPPED, GIVEN, ADMINISTRATIONS, HELD, WITHHELD = range(8)
N_DONE = 8
#: Places in what became of a patient: day of relapse, its lesion, day on which that crossed the detection limit, last
#: scan without relapse, cells at relapse, main lineage (a population), lowest platelet count measured and true, days
#: of first and last dose. Not a number: never.
RELAPSE, LESION, LATENT, LAST_SCAN, CELLS, LINEAGE, NADIR, TRUE_NADIR, FIRST_DOSE, LAST_DOSE = range(10)
N_OUTCOME = 10

_advance, _swallow, _strike, _scan = course.advance, intake.swallow, course.strike, course.scan
_laboratory, _main_lineage, _measure = course.laboratory, course.main_lineage, markers.measure
_assemble, _decide = assemble, compiled(dose_rules.decide)
_GIVE, _RESUME, _STOP = dose_rules.GIVE, dose_rules.RESUME, dose_rules.STOP


class Plan(NamedTuple):
    """An arm's visits as flat arrays, one line per task in the order in which they are done."""

    days: Floats
    kinds: Integers
    orders: Integers
    """The order of a dose, the guide of a biomarker; 0 otherwise."""
    rules: Floats
    """Order x (hold below, resume above, share kept after a hold, stop after holds)."""


def make_plan(arm: ResolvedArm, visits: Iterable[tuple[float, Iterable[tuple[int, int]]]]) -> Plan:
    """Visits, each a study day and its tasks (`trialsim.records.SameDay`, index of the order), as flat arrays."""
    lines = [(day, _KINDS[SameDay(kind)], order) for day, tasks in visits for kind, order in tasks]
    # Without a rule no count is low.
    rules = np.tile([-math.inf, -math.inf, 1.0, math.inf], (len(arm.orders), 1))
    for row, order in zip(rules, arm.orders, strict=True):
        if (rule := order.rule) is not None:
            kept = 1.0 - rule.reduce_percent / 100.0
            row[:] = rule.hold_below, rule.resume_above, kept, rule.stop_after_holds
    return Plan(
        days=np.array([day for day, _, _ in lines], np.float64),
        kinds=np.array([kind for _, kind, _ in lines], np.int64),
        orders=np.array([order for _, _, order in lines], np.int64),
        rules=rules,
    )


@compiled
def _dose(state: State, order: int, rule: Floats, done: Floats, platelets: float, rng: Generator) -> bool:
    """A dose that is due, under its rule; returns whether it was given."""
    decision, fraction, on_hold, holds = _decide(
        rule[_HOLD_BELOW],
        rule[_RESUME_ABOVE],
        rule[_KEPT],
        rule[_STOP_AFTER],
        done[FRACTION],
        done[ON_HOLD] > 0.0,
        int(done[HOLDS]),
        platelets,
    )
    done[FRACTION], done[ON_HOLD], done[HOLDS] = fraction, 1.0 if on_hold else 0.0, float(holds)
    if decision > _RESUME:
        done[HELD] += 1.0
        done[STOPPED] = 1.0 if decision == _STOP else 0.0
        return False
    if state.orders[order, DRUG] >= 0.0:
        _swallow(state, order, fraction)
    else:
        _strike(state, order, fraction, rng)
    done[GIVEN] += fraction
    done[ADMINISTRATIONS] += 1.0
    return True


@compiled
def _see(state: State, lesion: int, out: Floats) -> None:
    """A scan on which a lesion was found."""
    now, crossed = state.clock[NOW], state.lesions[lesion, CROSSED]
    cells = state.cells[lesion]
    out[RELAPSE], out[LESION], out[CELLS] = now, lesion, cells.sum()
    # A lesion just under the limit can be seen by an error of measurement before it crosses.
    out[LATENT] = now if math.isnan(crossed) else crossed
    out[LINEAGE] = _main_lineage(cells)


@compiled
def _decide_orders(guides: Guides, guide: int, positive: bool, done: Floats) -> None:
    """Orders whose panel is negative are never given."""
    for order in range(guides.of_order.size):
        if guides.of_order[order] == guide and not positive:
            done[order, WITHHELD] = 1.0


@compiled
def _begin(done: Floats, out: Floats, said: Floats) -> None:
    """What is known of a patient before the first visit; without slices, which would make `_live` count references."""
    for order in range(done.shape[0]):
        for at in range(done.shape[1]):
            done[order, at] = 1.0 if at == FRACTION else 0.0
    for at in range(out.size):
        out[at] = 0.0 if at == LAST_SCAN else np.nan
    for guide in range(said.shape[0]):
        for at in range(said.shape[1]):
            said[guide, at] = np.nan


class FollowUp(NamedTuple):
    """What a patient meets on the way, and where it is written down."""

    plan: Plan
    guides: Guides
    """What is measured to decide on orders."""
    errors: Floats
    """The errors of that, guide x biomarker (`trialsim.patient.markers`)."""
    ends: float
    """Study day of death or withdrawal, which go before a visit on it."""
    cut: float
    """Study day of the cut; a visit on it takes place."""
    scan_error_sd: float
    cells_stream: int
    """Addresses of the patient's streams (`trialsim.patient.streams`)."""
    scan_stream: int
    visit_stream: int
    done: Floats
    """Filled: order x N_DONE."""
    out: Floats
    """Filled: N_OUTCOME."""
    said: Floats
    """Filled: guide x `markers.N_PANEL`."""


@compiled
def _live(state: State, follow_up: FollowUp, space: Workspace) -> None:
    """`live`, with room to work in."""
    plan, guides, errors = follow_up.plan, follow_up.guides, follow_up.errors
    done, out, said = follow_up.done, follow_up.out, follow_up.said
    cells, scans = stream_at(follow_up.cells_stream), stream_at(follow_up.scan_stream)
    visits = stream_at(follow_up.visit_stream)
    _begin(done, out, said)
    platelets = np.nan
    at_rest = False
    for line in range(plan.days.size):
        day, kind, order = plan.days[line], plan.kinds[line], plan.orders[line]
        if day >= follow_up.ends or day > follow_up.cut:
            break
        if at_rest:
            state.clock[NOW] = day
        else:
            at_rest = _advance(state, day, space, cells)
        if kind == _SCAN:
            lesion = _scan(state, follow_up.scan_error_sd, scans)
            if lesion >= 0:
                _see(state, lesion, out)
                break
            out[LAST_SCAN] = day
        elif kind == _LABORATORY:
            platelets = _laboratory(state, visits)
            if not out[NADIR] <= platelets:
                out[NADIR] = platelets
        elif kind == _BIOMARKER:
            _measure(state, guides, order, errors[order], said[order])
            _decide_orders(guides, order, said[order, markers.POSITIVE] > 0.0, done)
        elif done[order, STOPPED] + done[order, WITHHELD] == 0.0 and _dose(
            state, order, plan.rules[order], done[order], platelets, cells
        ):
            at_rest = False
            if math.isnan(out[FIRST_DOSE]):
                out[FIRST_DOSE] = day
            out[LAST_DOSE] = day
    out[TRUE_NADIR] = state.platelets[LOWEST]


@compiled
def live(state: State, follow_up: FollowUp) -> None:
    """One patient through a plan, until relapse is seen or follow-up ends.

    ``state`` is that at randomisation, and is left as it is at the last visit.
    """
    _live(state, follow_up, make_workspace(state.cells.shape[0]))


@compiled
def begin_and_live(
    whose: Person,
    responds: bool,
    world: World,
    recipe: Recipe,
    kinetics: OwnKinetics,
    lesions_stream: int,
    follow_up: FollowUp,
) -> None:
    """`trialsim.patient.prepare.assemble`, then `live`, of a patient at whom nobody looks."""
    live(_assemble(whose, responds, world, recipe, kinetics, 0, lesions_stream), follow_up)


@dataclass(frozen=True)
class Lives:
    """What became of patients under one arm; a row for each, in the order asked for. Days are study days."""

    outcomes: Floats
    """Patient x N_OUTCOME; nan where something never happened."""
    orders: Floats
    """Patient x order x N_DONE."""
    panels: Floats
    """Patient x guide of the arm x `markers.N_PANEL`; nan where a panel was never measured."""

    @property
    def relapsed(self) -> NDArray[np.bool_]:
        """Whether a scan found a relapse."""
        return ~np.isnan(self.outcomes[:, RELAPSE])

    @property
    def sites(self) -> list[str]:
        """``local``, ``distant``, or an empty string without relapse."""
        return ["" if math.isnan(at) else "local" if at == LOCAL else "distant" for at in self.outcomes[:, LESION]]

    @property
    def causes(self) -> list[str]:
        """The cause of each relapse as reports name it; an empty string without relapse."""
        return ["" if math.isnan(at) else LINEAGES[int(at)] for at in self.outcomes[:, LINEAGE]]


def live_all(
    protocol: ResolvedProtocol,
    arm: ResolvedArm,
    plan: Plan,
    traits: Mapping[int, Traits],
    *,
    seed: int,
    replicate: int = 0,
    ends: Mapping[int, float] | None = None,
    cuts: Mapping[int, float] | None = None,
    observe: Callable[[int, State], None] | None = None,
) -> Lives:
    """Live patients through an arm, one after the other.

    Parameters
    ----------
    traits
        By patient number, from 1; with ``seed`` and ``replicate`` the number names the patient's streams.
    ends, cuts
        By patient number: the study day of death or withdrawal, whichever is first, and the last study day on which
        a visit may fall. None: follow-up ends with the plan.
    observe
        Told each patient's number and final state.
    """
    outcomes = np.empty((len(traits), N_OUTCOME))
    done = np.empty((len(traits), len(arm.orders), N_DONE))
    said = np.empty((len(traits), len(arm.guides), markers.N_PANEL))
    error, guides, recipes = scan_error(protocol), markers.make_guides(protocol, arm), recipes_of(arm, protocol)
    with uncollected():
        for row, (patient, own) in enumerate(traits.items()):
            whose, responds, recipe = recipes.own(own)
            kinetics = recipes.kinetics(own, patient, seed=seed, replicate=replicate)
            streams = open_streams(seed, STREAMS, subject=patient, replicate=replicate)
            lesions, cells, scans, visits = (stream.address for stream in streams)
            follow_up = FollowUp(
                plan,
                guides,
                markers.draw_errors(protocol, arm, patient, seed=seed, replicate=replicate),
                math.inf if ends is None else float(ends[patient]),
                math.inf if cuts is None else float(cuts[patient]),
                error,
                cells,
                scans,
                visits,
                done[row],
                outcomes[row],
                said[row],
            )
            if observe is None:
                begin_and_live(whose, responds, recipes.world, recipe, kinetics, lesions, follow_up)
            else:
                state = assemble(whose, responds, recipes.world, recipe, kinetics, 0, lesions)
                live(state, follow_up)
                observe(patient, state)
    return Lives(outcomes, done, said)
