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
from trialsim.patient import blood, markers
from trialsim.patient import compiled as course
from trialsim.patient.compiled import Workspace, make_workspace
from trialsim.patient.course import LINEAGES, STREAMS, scan_error
from trialsim.patient.kinetics import OwnKinetics
from trialsim.patient.markers import Guides
from trialsim.patient.prepare import Recipe, assemble, recipes_of
from trialsim.patient.state import CROSSED, DRUG, LOCAL, NOW, Floats, Integers, State
from trialsim.patient.streams import open_streams
from trialsim.patient.untreated import Person, World
from trialsim.records import SameDay, Traits
from trialsim.rng import Purpose
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.treatment import dose_rules
from trialsim.treatment.adherence import Flags, missed_doses
from trialsim.treatment.neutrophils import OUTLIVES as MARROW_OUTLIVES
from trialsim.treatment.platelets import LOWEST
from trialsim.treatment.platelets import OUTLIVES as PLATELETS_OUTLIVES
from trialsim.treatment.toxic_death import draw_outlived

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
_HOLD_BELOW, _RESUME_ABOVE, _NEUTROPHILS_HOLD, _NEUTROPHILS_RESUME, _KEPT, _STOP_AFTER, _DELAY, _LONGEST = range(8)
#: Places in what is known of an order: the current dose as a fraction of the planned one, 1 while on hold, holds so
#: far, 1 once given up, sum of the fractions given, administrations given, doses held, 1 once its panel was negative;
#: times it was delayed, days by which it was moved, days that the dose that is due has waited, doses missed. Of orders
#: that are delayed together, the current dose, holds and delays are those of the first.
FRACTION, ON_HOLD, HOLDS, STOPPED, GIVEN, ADMINISTRATIONS, HELD, WITHHELD, DELAYED, MOVED, WAITED, MISSED = range(12)
N_DONE = 12
#: Places in what became of a patient: day of relapse, its lesion, day on which that crossed the detection limit (never
#: where an error of measurement showed it before), last scan without relapse, cells at relapse, main lineage (a
#: population), lowest platelet count measured and true, days of first and last dose, lowest neutrophil count measured,
#: day of death from toxicity. Not a number: never.
RELAPSE, LESION, LATENT, LAST_SCAN, CELLS, LINEAGE, NADIR, TRUE_NADIR, FIRST_DOSE, LAST_DOSE = range(10)
NEUTROPHILS, TOXIC_DEATH = 10, 11
N_OUTCOME = 12

_advance, _settle, _swallow, _strike = course.advance, course.settle, course.swallow, course.strike
_scan = course.scan
_laboratory, _main_lineage, _measure = blood.laboratory, course.main_lineage, markers.measure
_neutrophils = blood.neutrophil_count
_assemble, _decide = assemble, compiled(dose_rules.decide)
_death_day = blood.death_day
_RESUME, _HOLD, _STOP = dose_rules.RESUME, dose_rules.HOLD, dose_rules.STOP
#: What became of a dose: given; held or never to be given; waiting.
_GIVEN, _NOT_GIVEN, _WAITS = 0, 1, 2
#: Places in what is known at a visit: platelets and neutrophils as the laboratory said last (nan: never), the day of
#: the latter.
PLATELETS, COUNTED, COUNTED_ON = range(3)
N_KNOWN = 3


class Plan(NamedTuple):
    """An arm's visits as flat arrays, one line per task in the order in which they are done."""

    days: Floats
    kinds: Integers
    orders: Integers
    """The order of a dose, the guide of a biomarker; 0 otherwise."""
    rules: Floats
    """Order x (limits on platelets and on neutrophils, share kept after a hold, stop after holds, delay, longest)."""
    groups: Integers
    """For each line the order that it is delayed with, the number of orders for what stays on its day."""
    counts: Integers
    """For each line whether neutrophils are counted before the dose."""
    numbers: Integers
    """For each line of a dose its place among the order's doses."""
    leaders: Integers
    """For each order the first that is delayed with it."""


def make_plan(arm: ResolvedArm, visits: Iterable[tuple[float, Iterable[tuple[int, int]]]]) -> Plan:
    """Visits, each a study day and its tasks (`trialsim.records.SameDay`, index of the order), as flat arrays."""
    lines = [(day, _KINDS[SameDay(kind)], order) for day, tasks in visits for kind, order in tasks]
    # Without a rule no count is low.
    rules = np.tile([-math.inf, -math.inf, -math.inf, -math.inf, 1.0, math.inf, 0.0, math.inf], (len(arm.orders), 1))
    starts: list[frozenset[float]] = []
    for row, order in zip(rules, arm.orders, strict=True):
        starts.append(frozenset())
        if (rule := order.rule) is None:
            continue
        longest = math.inf if rule.longest_delay_days is None else rule.longest_delay_days
        row[:4] = rule.hold_below, rule.resume_above, rule.neutrophils_hold_below, rule.neutrophils_resume_above
        row[4:] = 1.0 - rule.reduce_percent / 100.0, rule.stop_after_holds, rule.delay_days, longest
        if rule.limits_neutrophils:
            starts[-1] = frozenset(_on_grid(day) for day in order.cycle_starts)
    leaders, stays, numbers = arm.leaders, len(arm.orders), [0] * len(lines)
    given = [0] * len(arm.orders)
    for at, (_, kind, order_at) in enumerate(lines):
        if kind == _DOSE:
            numbers[at] = given[order_at]
            given[order_at] += 1
    moves = [kind == _DOSE and rules[order, _DELAY] > 0.0 for _, kind, order in lines]
    return Plan(
        days=np.array([day for day, _, _ in lines], np.float64),
        kinds=np.array([kind for _, kind, _ in lines], np.int64),
        orders=np.array([order for _, _, order in lines], np.int64),
        rules=rules,
        groups=np.array(
            [leaders[order] if move else stays for move, (_, _, order) in zip(moves, lines, strict=True)], np.int64
        ),
        counts=np.array([kind == _DOSE and day in starts[order] for day, kind, order in lines], np.int64),
        numbers=np.array(numbers, np.int64),
        leaders=np.array(leaders, np.int64),
    )


def _on_grid(day: float) -> float:
    """The point of the calendar's grid nearest to a day (`trialsim.conduct.calendar_grid`)."""
    return float(np.rint(day * 2.0**20) / 2.0**20)


@compiled
def _next_line(plan: Plan, places: Integers, done: Floats) -> tuple[int, float]:
    """The line that is next, or -1, and its day: each group is looked at from its place on, moved by its shift."""
    best, when = -1, math.inf
    stays = places.size - 1
    for group in range(places.size):
        at = places[group]
        while at < plan.days.size and plan.groups[at] != group:
            at += 1
        places[group] = at
        if at == plan.days.size:
            continue
        day = plan.days[at] + (0.0 if group == stays else done[group, MOVED])
        if best < 0 or day < when:
            best, when = at, day
        elif day == when:
            kind, other = plan.kinds[at], plan.kinds[best]
            if kind < other or (kind == other and plan.orders[at] < plan.orders[best]):
                best = at
    return best, when


@compiled
def _dies(state: State, out: Floats) -> bool:
    """Whether toxicity has killed the patient."""
    died = _death_day(state)
    if died == math.inf:
        return False
    out[TOXIC_DEATH] = np.rint(died * 2.0**20) / 2.0**20
    return True


@compiled
def _note_lowest(out: Floats, place: int, count: float) -> None:
    if not out[place] <= count:
        out[place] = count


@compiled
def _draw_blood(state: State, day: float, known: Floats, out: Floats, rng: Generator) -> None:
    """A laboratory visit, unless the patient is dead by then."""
    count = _laboratory(state, day, rng)
    if not math.isnan(count):
        known[PLATELETS] = count
        _note_lowest(out, NADIR, count)


@compiled
def _note_dose(out: Floats, day: float, became: int) -> None:
    if became == _GIVEN:
        if math.isnan(out[FIRST_DOSE]):
            out[FIRST_DOSE] = day
        out[LAST_DOSE] = day


@compiled
def _dose(
    state: State, order: int, plan: Plan, done: Floats, known: Floats, forgets: bool, space: Workspace, rng: Generator
) -> int:
    """A dose that is due, under its rule; returns what became of it."""
    rule, leader = plan.rules[order], plan.leaders[order]
    first = done[leader]
    decision, fraction, on_hold, holds = _decide(
        rule[_HOLD_BELOW],
        rule[_RESUME_ABOVE],
        rule[_NEUTROPHILS_HOLD],
        rule[_NEUTROPHILS_RESUME],
        rule[_KEPT],
        rule[_STOP_AFTER],
        first[FRACTION],
        first[ON_HOLD] > 0.0,
        int(first[HOLDS]),
        known[PLATELETS],
        known[COUNTED],
    )
    first[FRACTION], first[ON_HOLD], first[HOLDS] = fraction, 1.0 if on_hold else 0.0, float(holds)
    if decision == _HOLD and rule[_DELAY] > 0.0:
        if first[WAITED] + rule[_DELAY] <= rule[_LONGEST]:
            first[WAITED] += rule[_DELAY]
            first[MOVED] += np.rint(rule[_DELAY] * 2.0**20) / 2.0**20
            first[DELAYED] += 1.0
            return _WAITS
        decision = _STOP
    first[WAITED] = 0.0
    own = done[order]
    if decision > _RESUME:
        own[HELD] += 1.0
        if decision == _STOP:
            for at in range(done.shape[0]):
                if plan.leaders[at] == leader:
                    done[at, STOPPED] = 1.0
        return _NOT_GIVEN
    if forgets:
        own[MISSED] += 1.0
        return _NOT_GIVEN
    if state.orders[order, DRUG] >= 0.0:
        _swallow(state, order, fraction)
    else:
        _strike(state, order, fraction, space, rng)
    own[GIVEN] += fraction
    own[ADMINISTRATIONS] += 1.0
    return _GIVEN


@compiled
def _see(state: State, lesion: int, out: Floats) -> None:
    """A scan on which a lesion was found."""
    cells = state.cells[lesion]
    out[RELAPSE], out[LESION], out[CELLS] = state.clock[NOW], lesion, cells.sum()
    # Not a number of a lesion under the limit, which an error of measurement can show before it crosses.
    out[LATENT] = state.lesions[lesion, CROSSED]
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
    neutrophil_stream: int
    outlives_neutropenia: float
    """Days of it that the patient outlives."""
    outlives_thrombocytopenia: float
    missed: Integers
    """For each line of the plan whether the dose is forgotten; empty where none is."""
    done: Floats
    """Filled: order x N_DONE."""
    out: Floats
    """Filled: N_OUTCOME."""
    said: Floats
    """Filled: guide x `markers.N_PANEL`."""


@compiled
def _treat(
    state: State,
    line: int,
    day: float,
    follow_up: FollowUp,
    known: Floats,
    space: Workspace,
    cells: Generator,
    samples: Generator,
) -> int:
    """A line that is a dose; returns what became of it."""
    plan, done, out = follow_up.plan, follow_up.done, follow_up.out
    order = plan.orders[line]
    if done[order, STOPPED] + done[order, WITHHELD] > 0.0:
        return _NOT_GIVEN
    if plan.counts[line] > 0 and known[COUNTED_ON] != day:
        known[COUNTED], known[COUNTED_ON] = _neutrophils(state, samples), day
        _note_lowest(out, NEUTROPHILS, known[COUNTED])
    forgets = follow_up.missed.size > 0 and follow_up.missed[line] > 0
    became = _dose(state, order, plan, done, known, forgets, space, cells)
    _note_dose(out, day, became)
    return became


@compiled
def _finish(state: State, follow_up: FollowUp, at_rest: bool, space: Workspace, cells: Generator) -> None:
    """From the last visit to the end of follow-up, where toxicity may kill in between."""
    ends = min(follow_up.ends, follow_up.cut)
    if min(follow_up.outlives_neutropenia, follow_up.outlives_thrombocytopenia) == math.inf or ends == math.inf:
        return
    if at_rest:
        state.clock[NOW] = ends
    else:
        _advance(state, ends, space, cells)
    _dies(state, follow_up.out)


@compiled
def _live(state: State, follow_up: FollowUp, space: Workspace, places: Integers, known: Floats) -> None:
    """`live`, with room to work in; makes no array itself, so that no visit counts references."""
    plan, guides, errors = follow_up.plan, follow_up.guides, follow_up.errors
    done, out, said = follow_up.done, follow_up.out, follow_up.said
    cells, scans = stream_at(follow_up.cells_stream), stream_at(follow_up.scan_stream)
    visits, samples = stream_at(follow_up.visit_stream), stream_at(follow_up.neutrophil_stream)
    _begin(done, out, said)
    state.platelets[PLATELETS_OUTLIVES] = follow_up.outlives_thrombocytopenia
    if state.marrow.shape[0] > 0:
        state.marrow[MARROW_OUTLIVES] = follow_up.outlives_neutropenia
    at_rest = False
    while True:
        line, day = _next_line(plan, places, done)
        if line < 0 or day >= follow_up.ends or day > follow_up.cut:
            break
        kind, order, became = plan.kinds[line], plan.orders[line], _NOT_GIVEN
        if kind == _LABORATORY:
            _draw_blood(state, day, known, out, visits)
            places[plan.groups[line]] += 1
            continue
        if at_rest:
            state.clock[NOW] = day
        else:
            at_rest = _advance(state, day, space, cells)
        if _dies(state, out):
            break
        if kind == _SCAN:
            _settle(state, space, cells)
            lesion = _scan(state, follow_up.scan_error_sd, scans)
            if lesion >= 0:
                _see(state, lesion, out)
                break
            out[LAST_SCAN] = day
        elif kind == _BIOMARKER:
            _settle(state, space, cells)
            _measure(state, guides, order, errors[order], said[order])
            _decide_orders(guides, order, said[order, markers.POSITIVE] > 0.0, done)
        else:
            became = _treat(state, line, day, follow_up, known, space, cells, samples)
            at_rest = at_rest and became != _GIVEN
        if became != _WAITS:
            places[plan.groups[line]] += 1
    if math.isnan(out[RELAPSE]) and math.isnan(out[TOXIC_DEATH]):
        _finish(state, follow_up, at_rest, space, cells)
    out[TRUE_NADIR] = state.platelets[LOWEST]


@compiled
def _live_in_new_room(state: State, follow_up: FollowUp) -> Workspace:
    """`_live`, with the arrays that it works in."""
    space = make_workspace(state.cells.shape[0])
    _live(state, follow_up, space, np.zeros(follow_up.done.shape[0] + 1, np.int64), np.full(N_KNOWN, np.nan))
    return space


@compiled
def live(state: State, follow_up: FollowUp) -> None:
    """One patient through a plan, until relapse is seen or follow-up ends.

    ``state`` is that at randomisation, and is left as it is at the last visit.
    """
    _settle(state, _live_in_new_room(state, follow_up), stream_at(follow_up.cells_stream))


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
    _live_in_new_room(_assemble(whose, responds, world, recipe, kinetics, 0, lesions_stream), follow_up)


def _streams_of(plan: Plan) -> tuple[Purpose, ...]:
    """The first of `STREAMS`, up to the last that a plan draws from: opening one takes a hundredth of a course."""
    if plan.counts.any():
        return STREAMS
    return STREAMS[:4] if (plan.kinds == _LABORATORY).any() else STREAMS[:3]


def _missed_lines(plan: Plan, missed: tuple[Flags, ...]) -> Integers:
    """Which lines of a plan are doses that a patient forgets."""
    if not missed:
        return np.zeros(0, np.int64)
    lines = zip(plan.kinds, plan.orders, plan.numbers, strict=True)
    return np.array([kind == _DOSE and missed[order][number] for kind, order, number in lines], np.int64)


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
    streams_of = _streams_of(plan)
    errors = np.empty((0, 0))
    with uncollected():
        for row, (patient, own) in enumerate(traits.items()):
            whose, responds, recipe = recipes.own(own)
            kinetics = recipes.kinetics(own, patient, seed=seed, replicate=replicate)
            streams = open_streams(seed, streams_of, subject=patient, replicate=replicate)
            lesions, cells, scans, visits, counts, *_ = (*(stream.address for stream in streams), 0, 0)
            if arm.guides:
                errors = markers.draw_errors(protocol, arm, patient, seed=seed, replicate=replicate)
            follow_up = FollowUp(
                plan,
                guides,
                errors,
                math.inf if ends is None else float(ends[patient]),
                math.inf if cuts is None else float(cuts[patient]),
                error,
                cells,
                scans,
                visits,
                counts,
                *draw_outlived(protocol.pharmacology, patient, seed=seed, replicate=replicate),
                _missed_lines(plan, missed_doses(protocol, arm, patient, seed=seed, replicate=replicate)),
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
