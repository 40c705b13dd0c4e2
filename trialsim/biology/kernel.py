"""The compiled kernel: one lesion, one step.

With rates frozen for a step, every population's own change is known in closed form at any size, and moves between
populations are multinomial, so a step costs a handful of random draws whether a lesion has three cells or three
hundred million.

* Dividing cells are a linear birth-death process, whose law is known at any time (`trialsim.biology.draws`).
* Senescent cells follow their ageing chain, solved exactly for the whole step (`trialsim.biology.chain`).
* Arrest is composed symmetrically with division (Strang): half a step of arrest, division, the other half. Cells that
  arrest, or escape, do so at a time spread over the step and age, or grow, for what is left of it. Reversal is composed
  so with ageing.
* The secretome's load (`trialsim.biology.sasp`) is its mean over the step (Simpson's rule): senescent cells age first,
  so the load at the end is known when the dividing cells need it.

What is not exact is of second order in the step; docs/verification.md measures it against the exact twin
(`trialsim.biology.exact`).
"""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

from trialsim.biology.chain import N_TABLES, UNKILLED, Chances, FateByAge, table_of
from trialsim.biology.draws import binomial, birth_death, clone_chances, clones, poisson
from trialsim.biology.populations import (
    AWAKENED,
    COMPETENT,
    DIPLOID,
    DORMANT,
    ESCAPED,
    IMMATURE,
    MATURE,
    N_AGES,
    N_INDUCERS,
    PER_INDUCER,
    POLYPLOID,
    RESIDUAL,
    RESISTANT,
    REVERSIBLE,
    SEEDED,
    SENESCENT,
    SENSITIVE,
    SPONTANEOUS,
)
from trialsim.biology.rates import Rates, crowding_factor
from trialsim.biology.sasp import (
    HALF_SHARE,
    Ahead,
    Survey,
    growth_factor,
    immune_killing,
    infiltrate_ahead,
    load_ahead,
    load_of_share,
    load_seen,
    look_ahead,
    look_twice_ahead,
    secreting,
    total_cells,
    weight,
)
from trialsim.chance.samplers import uniform
from trialsim.chance.stream import Stream
from trialsim.compiling import compiled, inlined
from trialsim.structured import Counts, Floats, Rows, record

#: Up to this many escapers of one step are followed one by one.
_FOLLOWED = 8
#: Expected number of cells below which it is told first whether any goes anywhere.
_SELDOM = 1.0


@record
class Room:
    """Room that a step works in, so that it need not ask for memory."""

    rates: Rates
    """Those of the step: the lesion's under drugs, host and load."""
    chances: Annotated[Rows[Chances], N_TABLES]
    part: Annotated[Rows[Chances], N_TABLES]
    """Of a part of a step, where a lesion wakes in it."""
    present: Annotated[Floats, N_INDUCERS]
    """More than 0 where any lesion has, or may come to have, senescent cells of an inducer."""
    seeds: Annotated[Counts, SENESCENT]
    """Cells that left to found foci, by the population that they found."""
    escapes: Annotated[Counts, 2 * N_INDUCERS]
    """By inducer x response."""
    time_left: Annotated[Floats, 2 * N_INDUCERS]
    arrivals: Annotated[Counts, 4 * N_INDUCERS]
    """By inducer x family."""
    arrests: Annotated[Counts, 2]
    """Of cells that do not inherit resistance, and of those that do."""
    sources: Annotated[Floats, N_INDUCERS + 1]
    """What arrests neighbours: by inducer, and last the host."""


class Span(NamedTuple):
    """A step's length and what it makes of means, for all lesions that take it under the same rates."""

    days: float
    half: Ahead
    whole: Ahead
    streams: float
    """Rate of arrest that drugs drive."""


@compiled
def make_span(rates: Rates, days: float) -> Span:
    """A step of so many days."""
    streams = 0.0
    for inducer in range(N_INDUCERS):
        streams += rates.driven_arrest[inducer]
    half = look_ahead(rates, 0.5 * days)
    return Span(days, half, look_twice_ahead(rates, half), streams)


@inlined
def _share(rng: Stream, n: int, probability: float, left: float) -> int:
    """Of ``n`` cells not yet placed, with total probability ``left``, how many take this place."""
    if n == 0 or probability <= 0.0:
        return 0
    return n if probability >= left else binomial(n, probability / left, rng)


@inlined
def _place(cells: Counts, at: int, n: int, fate: FateByAge, stays: int, rng: Stream) -> int:
    """Send ``n`` cells of one family (ages from index ``at``) to where a step takes them; returns the escaped.

    Cells that nothing happens to are the remainder, in the age ``stays``, so rounding of the chances moves no cell.
    """
    left, leaving = 1.0, n
    away = fate.lost + fate.to_mature + fate.to_competent + fate.to_escaped
    if n * away < _SELDOM:
        # Mostly none goes anywhere: how many do is told first.
        left, leaving = away, _share(rng, n, away, 1.0)
        cells[at + stays] += n - leaving
        if leaving == 0:
            return 0
    leaving -= _share(rng, leaving, fate.lost, left)
    left -= fate.lost
    matured = _share(rng, leaving, fate.to_mature, left)
    leaving -= matured
    left -= fate.to_mature
    ripened = _share(rng, leaving, fate.to_competent, left)
    leaving -= ripened
    left -= fate.to_competent
    escaped = _share(rng, leaving, fate.to_escaped, left)
    cells[at + MATURE] += matured
    cells[at + COMPETENT] += ripened
    cells[at + stays] += leaving - escaped
    return escaped


@inlined
def _divide(cells: Counts, rates: Rates, growth: float, killing: float, time: float, rng: Stream) -> None:
    """Division and death of cycling and escaped cells; ``growth`` scales net growth, ``killing`` is added to death."""
    for escaped, first, end in ((False, 0, DORMANT), (True, ESCAPED, SENESCENT)):
        known, live, more = False, 0.0, 0.0
        for at in range(first, end):
            if cells[at] > 0:
                if not known:
                    birth, death = _vital_rates(rates, escaped, growth, killing)
                    live, more = clone_chances(birth, death, time)
                    known = True
                cells[at] = clones(cells[at], live, more, rng)


@inlined
def _vital_rates(rates: Rates, escaped: bool, growth: float, killing: float) -> tuple[float, float]:
    if escaped:
        return rates.escaped_birth + (growth - 1.0) * rates.escaped_net, rates.escaped_death + killing
    return rates.birth + (growth - 1.0) * rates.net, rates.death + killing


@inlined
def _arrest(cells: Counts, chance: float, arrests: Counts, rng: Stream) -> None:
    """Cycling and escaped cells that turn senescent, each with a chance; ``arrests`` counts them."""
    if chance <= 0.0:
        return
    for at in range(SENESCENT):
        if at != DORMANT and cells[at] > 0:
            out = _share(rng, cells[at], chance, 1.0)
            cells[at] -= out
            arrests[_inherits(at)] += out


@inlined
def _inherits(at: int) -> int:
    """1 for an escaped population that is resistant to senolytics, else 0."""
    return (at - ESCAPED) % 2 if at >= ESCAPED else 0


@inlined
def _label(rates: Rates, total: float, paracrine: float, room: Room, rng: Stream) -> None:
    """The inducer, ploidy and response of arrested cells, by lot.

    ``total`` is the rate of arrest by anything, ``paracrine`` that by neighbours, who have parts in it as they secrete
    (``room.sources``, the host's last).
    """
    parts = room.sources
    unit = 0.0
    if paracrine > 0.0:
        effects = 0.0
        for source in range(N_INDUCERS + 1):
            effects += parts[source]
        if effects == 0.0:
            # The load was that of neighbours who were expected to mature in this step, and none did: like the host's.
            effects = parts[N_INDUCERS] = 1.0
        unit = paracrine / effects
    for inherited in range(2):
        waiting, left = room.arrests[inherited], total
        for inducer in range(N_INDUCERS):
            if waiting == 0:
                break
            rate = rates.driven_arrest[inducer] + (unit * parts[inducer] if unit > 0.0 else 0.0)
            if inducer == SPONTANEOUS:
                rate += rates.spontaneous_rate + (unit * parts[N_INDUCERS] if unit > 0.0 else 0.0)
            if rate <= 0.0:
                continue
            n = _share(rng, waiting, rate, left)
            _deal(n, rates, inherited == 1, room.arrivals, 4 * inducer, 1, rng)
            waiting -= n
            left -= rate


@inlined
def _deal(n: int, rates: Rates, resistant: bool, families: Counts, first: int, apart: int, rng: Stream) -> None:
    """Ploidy and senolytic response of ``n`` newly senescent cells, by lot, into ``families``: ``apart`` from
    each other, from index ``first``.
    """
    if n == 0:
        return
    polyploid = _share(rng, n, rates.polyploid_share, 1.0)
    for ploidy, count in ((DIPLOID, n - polyploid), (POLYPLOID, polyploid)):
        lost = count if resistant else _share(rng, count, rates.resistant_share, 1.0)
        families[first + apart * (2 * ploidy + SENSITIVE)] += count - lost
        families[first + apart * (2 * ploidy + RESISTANT)] += lost


@inlined
def _age(cells: Counts, seen: Survey, rates: Rates, chances: Rows[Chances], room: Room, rng: Stream) -> None:
    """The ageing chain of every cell that is senescent at the start of a step.

    ``room`` receives the number of cells that escaped, and the sum of the mean times that are left to them in the step.
    """
    for inducer in range(N_INDUCERS):
        if seen.by_inducer[inducer] == 0.0:
            continue
        for family in range(4):
            at = SENESCENT + inducer * PER_INDUCER + family * N_AGES
            young, mature, competent = cells[at], cells[at + 1], cells[at + 2]
            if young + mature + competent == 0:
                continue
            own = chances[_table(rates, inducer, family)]
            cells[at] = cells[at + 1] = cells[at + 2] = 0
            _age_out(cells, inducer, family, young, own.immature, IMMATURE, rates, room, rng)
            _age_out(cells, inducer, family, mature, own.mature, MATURE, rates, room, rng)
            _age_out(cells, inducer, family, competent, own.competent, COMPETENT, rates, room, rng)


@compiled
def _age_out(
    cells: Counts,
    inducer: int,
    family: int,
    count: int,
    fate: FateByAge,
    stays: int,
    rates: Rates,
    room: Room,
    rng: Stream,
) -> None:
    """Where a step takes the cells of a family that begin it alike."""
    if count > 0:
        at = SENESCENT + inducer * PER_INDUCER + family * N_AGES
        out = _place(cells, at, count, fate, stays, rng)
        if out > 0:
            _escape(inducer, family, out, fate.time_left, rates, room, rng)


@inlined
def _escape(inducer: int, family: int, n: int, left: float, rates: Rates, room: Room, rng: Stream) -> None:
    """Note ``n`` escapes, with ``left`` days each; cells whose resistance is latent are told apart as they escape."""
    resistant = n if family % 2 == RESISTANT else _share(rng, n, rates.latent_resistance, 1.0)
    room.escapes[2 * inducer + SENSITIVE] += n - resistant
    room.escapes[2 * inducer + RESISTANT] += resistant
    room.time_left[2 * inducer + SENSITIVE] += (n - resistant) * left
    room.time_left[2 * inducer + RESISTANT] += resistant * left


@inlined
def _arrive(cells: Counts, rates: Rates, chances: Rows[Chances], room: Room, rng: Stream) -> None:
    """The chain of cells that arrested during the step, at times spread over it; they are then in ``cells``."""
    for inducer in range(N_INDUCERS):
        for family in range(4):
            count = room.arrivals[4 * inducer + family]
            room.arrivals[4 * inducer + family] = 0
            own = chances[_table(rates, inducer, family)]
            _age_out(cells, inducer, family, count, own.arriving, IMMATURE, rates, room, rng)


@compiled
def draw_resistance(cells: Counts, share: float, rng: Stream) -> None:
    """Give every senescent cell that is counted as sensitive its response to senolytics, by lot.

    Until a senolytic acts both kinds live alike and each cell is resistant independently of all else, so to draw who is
    resistant only now changes no distribution, and half of the families stay empty until then.
    """
    for family in range(SENESCENT, cells.size, 2 * N_AGES):
        for at in range(family, family + N_AGES):
            resistant = binomial(cells[at], share, rng)
            cells[at] -= resistant
            cells[at + N_AGES] += resistant


@inlined
def _table(rates: Rates, inducer: int, family: int) -> int:
    """The table of chances of one family: its own where a senolytic kills it, else that of the unkilled."""
    killed = family % 2 == SENSITIVE and rates.senolytic_kill[inducer] > 0.0
    return table_of(inducer if killed else UNKILLED, family // 2)


@inlined
def _revert(cells: Counts, rates: Rates, time: float, rng: Stream) -> None:
    """Reversibly senescent cells that cycle again over ``time`` days."""
    if rates.reversal <= 0.0:
        return
    chance = -math.expm1(-rates.reversal * time)
    for inducer in REVERSIBLE:
        for at in range(SENESCENT + inducer * PER_INDUCER, SENESCENT + (inducer + 1) * PER_INDUCER):
            if cells[at] > 0:
                out = _share(rng, cells[at], chance, 1.0)
                cells[at] -= out
                cells[RESIDUAL] += out


@compiled
def add_senescent(cells: Counts, n: int, inducer: int, resistant: bool, rates: Rates, rng: Stream) -> None:
    """Place ``n`` newly senescent cells, all immature; ``resistant`` ones inherit that they answer to no senolytic."""
    _deal(n, rates, resistant, cells, SENESCENT + inducer * PER_INDUCER, N_AGES, rng)


@compiled
def _grow_clones(n: int, left: float, birth: float, death: float, time: float, rng: Stream) -> int:
    """Descendants at the end of a step of ``n`` cells that began to divide in it with mean time ``left`` to go.

    A few are followed one by one, each with a time of its own, ``time`` x U^k with that mean (k = 1 when they begin
    evenly over the step); many grow for the mean time.
    """
    if n > _FOLLOWED:
        return birth_death(n, birth, death, left, rng)
    power = time / max(left, 1e-9 * time) - 1.0
    total = 0
    for _ in range(n):
        total += birth_death(1, birth, death, time * uniform(rng) ** power, rng)
    return total


@compiled
def found_focus(cells: Counts, at: int, rates: Rates, time: float, rng: Stream) -> None:
    """The clone, ``time`` days or less old, of one cell of population ``at`` that was seeded during a step.

    It arrives alone, so it grows as one cell does, with the load of the host alone. Its arrests within the step count
    as lost: they are a second-order few.
    """
    load = load_of_share(rates.host_share, rates)
    alone = crowding_factor(1.0, rates.capacity, rates.reference, rates.crowding)
    killing = rates.kill_cycling + immune_killing(rates, load) + rates.spontaneous_rate + rates.sasp_arrest * load
    birth, death = _vital_rates(rates, at >= ESCAPED, alone * growth_factor(rates, load), killing)
    cells[at] += birth_death(1, birth, death, time * uniform(rng), rng)


@inlined
def _seed(cells: Counts, rates: Rates, load: float, time: float, seeds: Counts, rng: Stream) -> int:
    """Cells that leave to found foci elsewhere; ``seeds`` counts them by the population that they found.

    What the load adds to the basal rate makes the seeds of cycling cells SASP-aided; all others keep their lineage.
    """
    dividing = _proliferating(cells)
    aided = rates.sasp_seeding * load
    n = poisson(rates.seeding * (1.0 + aided) * dividing * time, rng)
    for _ in range(min(n, dividing)):
        pick = int(uniform(rng) * _proliferating(cells))
        at = 0
        while at == DORMANT or pick >= cells[at]:
            if at != DORMANT:
                pick -= cells[at]
            at += 1
        cells[at] -= 1
        helped = at < DORMANT and uniform(rng) * (1.0 + aided) >= 1.0
        seeds[SEEDED if helped else at] += 1
    return int(min(n, dividing))


@inlined
def _proliferating(cells: Counts) -> int:
    total = 0
    for at in range(SENESCENT):
        if at != DORMANT:
            total += cells[at]
    return total


@inlined
def crowding(total: float, rates: Rates) -> float:
    """A lesion's factor on net growth at so many cells (`trialsim.biology.rates.crowding_factor`)."""
    return crowding_factor(total, rates.capacity, rates.reference, rates.crowding)


@inlined
def step(
    cells: Counts,
    seen: Survey,
    rates: Rates,
    chances: Rows[Chances],
    infiltrate: float,
    span: Span,
    room: Room,
    rng: Stream,
) -> tuple[int, float]:
    """Advance a lesion in place by a step under frozen rates.

    Parameters
    ----------
    seen
        The lesion's survey (`trialsim.biology.sasp.survey`) at the start.
    chances
        Those of `trialsim.biology.chain.step_chances` for the same rates and time: lesions share them.
    infiltrate
        Of immune cells, at the start (`trialsim.biology.sasp`).
    span
        The step's length: `make_span` for the same rates.
    room
        Its ``seeds`` count, beside earlier ones, the cells that left to found foci.

    Returns
    -------
    The number of escapes, and the infiltrate at the end.
    """
    time = span.days
    start = load_seen(seen, rates)
    middle, end = load_ahead(seen, rates, start, span.half), load_ahead(seen, rates, start, span.whole)
    mean = (start + 4.0 * middle + end) / 6.0
    after = infiltrate_ahead(infiltrate, mean, span.whole)
    if seen.dividing + seen.senescent == 0.0:
        return 0, after
    paracrine = rates.sasp_arrest * mean
    if paracrine > 0.0:
        _note_sources(cells, seen, rates, room)
    if seen.senescent > 0.0:
        _revert(cells, rates, 0.5 * time, rng)
        _age(cells, seen, rates, chances, room, rng)

    killing = rates.kill_cycling + immune_killing(rates, infiltrate_ahead(infiltrate, mean, span.half))
    # Growth over the whole step is to be that at its middle, to which the dividing cells are foretold by their mean.
    push = growth_factor(rates, mean)
    net = rates.net * crowding(seen.all, rates) * push - killing + immune_killing(rates, start)
    crowd = push * crowding(seen.all + seen.dividing * math.expm1(0.5 * net * time), rates)
    arrest_rate = rates.spontaneous_rate + paracrine + span.streams
    arrest_chance = -math.expm1(-0.5 * arrest_rate * time)
    room.arrests[0] = room.arrests[1] = 0
    seeding = rates.seeding > 0.0
    if seeding:
        _seed(cells, rates, mean, 0.5 * time, room.seeds, rng)
    _arrest(cells, arrest_chance, room.arrests, rng)
    _divide(cells, rates, crowd, killing, time, rng)
    _arrest(cells, arrest_chance, room.arrests, rng)
    losses = killing + rates.seeding * (1.0 + rates.sasp_seeding * mean)
    escapes = _grow_escapers(cells, rates, crowd, losses, arrest_rate, time, room, rng)
    if room.arrests[0] + room.arrests[1] > 0:
        if paracrine > 0.0:
            _add_sources(cells, room.arrests[0] + room.arrests[1], rates, room)
        _label(rates, arrest_rate, paracrine, room, rng)
        _arrive(cells, rates, chances, room, rng)
    if seen.senescent > 0.0:
        _revert(cells, rates, 0.5 * time, rng)
    if seeding:
        _seed(cells, rates, mean, 0.5 * time, room.seeds, rng)
    # Cells that arrested in this step and escaped again are a second-order few; of those, arrests count as lost.
    return escapes + _grow_escapers(cells, rates, crowd, losses + arrest_rate, 0.0, time, room, rng), after


@inlined
def _grow_escapers(
    cells: Counts,
    rates: Rates,
    growth: float,
    losses: float,
    arrest_rate: float,
    time: float,
    room: Room,
    rng: Stream,
) -> int:
    """Put the clones of a step's escapes among the escaped cells, less those that arrest again; returns the escapes."""
    total = 0
    for slot in range(2 * N_INDUCERS):
        n = room.escapes[slot]
        if n > 0:
            birth, death = _vital_rates(rates, True, growth, losses)
            left = room.time_left[slot] / n
            grown = _grow_clones(n, left, birth, death, time, rng)
            if arrest_rate > 0.0:
                arrested = _share(rng, grown, -math.expm1(-arrest_rate * left), 1.0)
                room.arrests[slot % 2] += arrested
                grown -= arrested
            cells[ESCAPED + slot] += grown
            room.escapes[slot], room.time_left[slot] = 0, 0.0
            total += n
    return total


@inlined
def _note_sources(cells: Counts, seen: Survey, rates: Rates, room: Room) -> None:
    """What each inducer's cells, and last the host's, do to arrest a neighbour in a lesion as it was surveyed."""
    parts = room.sources
    effect = 1.0 / (rates.host_share + seen.secreting / seen.all + HALF_SHARE)
    parts[N_INDUCERS] = effect * rates.host_share
    for inducer in range(N_INDUCERS):
        parts[inducer] = 0.0
        if seen.by_inducer[inducer] > 0.0:
            parts[inducer] = effect * weight(rates, inducer) * secreting(cells, inducer) / seen.all


@inlined
def _add_sources(cells: Counts, arrested: int, rates: Rates, room: Room) -> None:
    """Add what they do now.

    ``arrested`` cells are in the lesion too and have no place in it yet.
    """
    parts = room.sources
    total = total_cells(cells) + arrested
    if total == 0:
        return
    weighted = 0.0
    for inducer in range(N_INDUCERS):
        weighted += weight(rates, inducer) * secreting(cells, inducer)
    effect = 1.0 / (rates.host_share + weighted / total + HALF_SHARE)
    parts[N_INDUCERS] += effect * rates.host_share
    for inducer in range(N_INDUCERS):
        parts[inducer] += effect * weight(rates, inducer) * secreting(cells, inducer) / total


@compiled
def wake(cells: Counts) -> None:
    """The whole dormant population of a lesion begins to cycle."""
    cells[AWAKENED] += cells[DORMANT]
    cells[DORMANT] = 0


@compiled
def damage(
    cells: Counts,
    loss: float,
    loss_escaped: float,
    senescent_share: float,
    inducer: int,
    rates: Rates,
    rng: Stream,
) -> int:
    """Damage at a dose: each cycling cell is lost with probability ``loss``, else unharmed or repaired.

    Of the lost, ``senescent_share`` turn senescent by ``inducer`` and the rest die. Dormant and senescent
    cells are spared (they are not in cycle). Returns how many turned senescent.
    """
    turned = 0
    for at in range(SENESCENT):
        if at == DORMANT or cells[at] == 0:
            continue
        hit = _share(rng, cells[at], loss if at < DORMANT else loss_escaped, 1.0)
        cells[at] -= hit
        arrested = _share(rng, hit, senescent_share, 1.0)
        add_senescent(cells, arrested, inducer, _inherits(at) == 1, rates, rng)
        turned += arrested
    return turned
