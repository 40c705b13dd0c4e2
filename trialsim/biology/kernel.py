"""The compiled kernel: one lesion, one step.

With rates frozen for a step, every population's own change is known in closed form at any size, and moves between
populations are multinomial, so a step costs a handful of random draws whether a lesion has three cells or three
hundred million.

* Dividing cells are a linear birth-death process. With E = exp((b - d) t), one cell is extinct at t with probability
  a = d (E - 1) / (b E - d) and otherwise geometric with parameter 1 - B, B = b (E - 1) / (b E - d), so n cells are one
  binomial and one negative binomial (Bailey 1964, section 8.6).
* Senescent cells follow their ageing chain, solved exactly for the whole step (`trialsim.biology.chain`).
* Arrest is composed symmetrically with division (Strang): half a step of division, arrest, the other half. Cells that
  arrest, or escape, do so at a time spread over the step and age, or grow, for what is left of it. Reversal is composed
  so with ageing.
* The secretome's load (`trialsim.biology.sasp`) is its mean over the step (Simpson's rule): senescent cells age first,
  so the load at the end is known when the dividing cells need it.

What is not exact is of second order in the step; docs/verification.md measures it against the exact twin
(`trialsim.biology.exact`).
"""

from __future__ import annotations

import math

import numpy as np

from trialsim.biology.chain import (
    ARRIVING,
    FROM_COMPETENT,
    FROM_IMMATURE,
    FROM_MATURE,
    LOST,
    STAYS_IN,
    TIME_LEFT,
    TO_COMPETENT,
    TO_ESCAPED,
    TO_MATURE,
    UNKILLED,
    Chances,
)
from trialsim.biology.populations import (
    AWAKENED,
    COMPETENT,
    DIPLOID,
    DORMANT,
    ESCAPED,
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
    Counts,
)
from trialsim.biology.rates import (
    BIRTH,
    CAPACITY,
    CROWDING,
    DEATH,
    ESCAPED_BIRTH,
    ESCAPED_DEATH,
    ESCAPED_NET,
    HOST_SHARE,
    INFILTRATION_TIME,
    KILL,
    KILL_CYCLING,
    NET,
    POLYPLOID_SHARE,
    REFERENCE,
    RESISTANT_SHARE,
    REVERSAL,
    SASP_ARREST,
    SASP_SEEDING,
    SEEDING,
    SPONTANEOUS_RATE,
    STREAM,
    Rates,
    crowding_factor,
)
from trialsim.biology.sasp import (
    growth_factor,
    immune_killing,
    load_ahead,
    load_of_share,
    relaxed,
    secreting,
    total_cells,
    weight,
)
from trialsim.compiling import compiled

Generator = np.random.Generator

#: Up to this many escapers of one step are followed one by one.
_FOLLOWED = 32


@compiled
def birth_death(n: int, birth: float, death: float, time: float, rng: Generator) -> int:
    """Cells alive after ``time`` days of a linear birth-death process started from ``n`` cells. Exact."""
    if n == 0 or time == 0.0:
        return n
    if abs(birth - death) * time < 1e-9:
        extinct = death * time / (1.0 + birth * time)
        more = birth * time / (1.0 + birth * time)
    else:
        grown = math.exp((birth - death) * time)
        below = birth * grown - death
        extinct = death * (grown - 1.0) / below
        more = birth * (grown - 1.0) / below
    alive = n if extinct <= 0.0 else rng.binomial(n, max(0.0, 1.0 - extinct))
    if alive == 0 or more <= 0.0:
        return alive
    return alive + rng.poisson(rng.standard_gamma(alive) * (more / (1.0 - more)))


@compiled
def _share(rng: Generator, n: int, probability: float, left: float) -> int:
    """Of ``n`` cells not yet placed, with total probability ``left``, how many take this place."""
    if n == 0 or probability <= 0.0:
        return 0
    if probability >= left:
        return n
    return int(rng.binomial(n, probability / left))


@compiled
def _place(cells: Counts, at: int, n: int, chances: Chances, row: int, rng: Generator) -> int:
    """Send ``n`` cells of one family (ages from index ``at``) to where a step takes them; returns the escaped.

    Cells that nothing happens to are the remainder, so rounding of the chances moves no cell.
    """
    if n == 0:
        return 0
    lost = _share(rng, n, chances[row, LOST], 1.0)
    n -= lost
    left = 1.0 - chances[row, LOST]
    matured = _share(rng, n, chances[row, TO_MATURE], left)
    n -= matured
    left -= chances[row, TO_MATURE]
    ripened = _share(rng, n, chances[row, TO_COMPETENT], left)
    n -= ripened
    left -= chances[row, TO_COMPETENT]
    escaped = _share(rng, n, chances[row, TO_ESCAPED], left)
    cells[at + MATURE] += matured
    cells[at + COMPETENT] += ripened
    cells[at + STAYS_IN[row]] += n - escaped
    return escaped


@compiled
def _divide(cells: Counts, rates: Rates, growth: float, killing: float, time: float, rng: Generator) -> None:
    """Division and death of cycling and escaped cells; ``growth`` scales net growth, ``killing`` is added to death."""
    for at in range(SENESCENT):
        if at == DORMANT or cells[at] == 0:
            continue
        birth, death = _vital_rates(rates, at >= ESCAPED, growth, killing)
        cells[at] = birth_death(cells[at], birth, death, time, rng)


@compiled
def _vital_rates(rates: Rates, escaped: bool, growth: float, killing: float) -> tuple[float, float]:
    if escaped:
        return rates[ESCAPED_BIRTH] + (growth - 1.0) * rates[ESCAPED_NET], rates[ESCAPED_DEATH] + killing
    return rates[BIRTH] + (growth - 1.0) * rates[NET], rates[DEATH] + killing


@compiled
def _arrest(cells: Counts, rates: Rates, rate: float, time: float, arrests: Counts, rng: Generator) -> int:
    """Cycling and escaped cells that turn senescent at ``rate`` over ``time`` days; returns how many.

    ``arrests`` receives the number of those that inherit resistance, and that of all others.
    """
    chance = -math.expm1(-rate * time)
    if chance <= 0.0:
        return 0
    for at in range(SENESCENT):
        if at != DORMANT and cells[at] > 0:
            out = _share(rng, cells[at], chance, 1.0)
            cells[at] -= out
            arrests[_inherits(at)] += out
    return int(arrests[0] + arrests[1])


@compiled
def _inherits(at: int) -> int:
    """1 for an escaped population that is resistant to senolytics, else 0."""
    return (at - ESCAPED) % 2 if at >= ESCAPED else 0


@compiled
def _label(arrests: Counts, rates: Rates, paracrine: Chances, total: float, arrivals: Counts, rng: Generator) -> None:
    """The inducer, ploidy and response of arrested cells, by lot; ``arrivals`` is inducer x 4 families.

    ``paracrine`` holds the rate at which each inducer's cells, and last the host's, arrest their neighbours; ``total``
    is the rate of arrest by anything.
    """
    for inherited in range(2):
        waiting, left = arrests[inherited], total
        for inducer in range(N_INDUCERS):
            if waiting == 0:
                break
            rate = rates[STREAM + inducer] + paracrine[inducer]
            if inducer == SPONTANEOUS:
                rate += rates[SPONTANEOUS_RATE] + paracrine[N_INDUCERS]
            n = _share(rng, waiting, rate / total, left / total)
            _deal(n, rates, inherited == 1, arrivals[4 * inducer : 4 * inducer + 4], rng)
            waiting -= n
            left -= rate


@compiled
def _deal(n: int, rates: Rates, resistant: bool, families: Counts, rng: Generator) -> None:
    """Ploidy and senolytic response of ``n`` newly senescent cells, by lot."""
    if n == 0:
        return
    polyploid = _share(rng, n, rates[POLYPLOID_SHARE], 1.0)
    for ploidy, count in ((DIPLOID, n - polyploid), (POLYPLOID, polyploid)):
        lost = _share(rng, count, 1.0 if resistant else rates[RESISTANT_SHARE], 1.0)
        families[2 * ploidy + SENSITIVE] += count - lost
        families[2 * ploidy + RESISTANT] += lost


@compiled
def _age(cells: Counts, rates: Rates, chances: Chances, escapes: Counts, time_left: Chances, rng: Generator) -> None:
    """The ageing chain of every cell that is senescent at the start of a step.

    ``escapes`` receives the number of cells that escaped, ``time_left`` the sum of the mean times that are left to them
    in the step, by inducer x response.
    """
    for inducer in range(N_INDUCERS):
        for family in range(4):
            at = SENESCENT + inducer * PER_INDUCER + family * N_AGES
            young, mature, competent = cells[at], cells[at + 1], cells[at + 2]
            if young + mature + competent == 0:
                continue
            own = chances[_table(rates, inducer, family), family // 2]
            slot = 2 * inducer + family % 2
            cells[at] = cells[at + 1] = cells[at + 2] = 0
            for row, count in ((FROM_IMMATURE, young), (FROM_MATURE, mature), (FROM_COMPETENT, competent)):
                out = _place(cells, at, count, own, row, rng)
                escapes[slot] += out
                time_left[slot] += out * own[row, TIME_LEFT]


@compiled
def _arrive(
    cells: Counts,
    arrivals: Counts,
    rates: Rates,
    chances: Chances,
    escapes: Counts,
    time_left: Chances,
    rng: Generator,
) -> None:
    """The chain of cells that arrested during the step, at times spread over it."""
    for inducer in range(N_INDUCERS):
        for family in range(4):
            count = arrivals[4 * inducer + family]
            if count > 0:
                own = chances[_table(rates, inducer, family), family // 2]
                at = SENESCENT + inducer * PER_INDUCER + family * N_AGES
                slot = 2 * inducer + family % 2
                out = _place(cells, at, count, own, ARRIVING, rng)
                escapes[slot] += out
                time_left[slot] += out * own[ARRIVING, TIME_LEFT]


@compiled
def _table(rates: Rates, inducer: int, family: int) -> int:
    """The table of chances of one family: its own where a senolytic kills it, else that of the unkilled."""
    return inducer if family % 2 == SENSITIVE and rates[KILL + inducer] > 0.0 else UNKILLED


@compiled
def any_reversible(cells: Counts) -> bool:
    """Whether a lesion holds cells whose senescence can end by itself."""
    for inducer in REVERSIBLE:
        for at in range(SENESCENT + inducer * PER_INDUCER, SENESCENT + (inducer + 1) * PER_INDUCER):
            if cells[at] > 0:
                return True
    return False


@compiled
def _revert(cells: Counts, rates: Rates, time: float, rng: Generator) -> None:
    """Reversibly senescent cells that cycle again over ``time`` days."""
    chance = -math.expm1(-rates[REVERSAL] * time)
    if chance <= 0.0:
        return
    for inducer in REVERSIBLE:
        for at in range(SENESCENT + inducer * PER_INDUCER, SENESCENT + (inducer + 1) * PER_INDUCER):
            if cells[at] > 0:
                out = _share(rng, cells[at], chance, 1.0)
                cells[at] -= out
                cells[RESIDUAL] += out


@compiled
def add_senescent(cells: Counts, n: int, inducer: int, resistant: bool, rates: Rates, rng: Generator) -> None:
    """Place ``n`` newly senescent cells, all immature; ``resistant`` ones inherit that they answer to no senolytic."""
    if n == 0:
        return
    families = np.zeros(4, np.int64)
    _deal(n, rates, resistant, families, rng)
    for family in range(4):
        cells[SENESCENT + inducer * PER_INDUCER + family * N_AGES] += families[family]


@compiled
def _grow_clones(n: int, left: float, birth: float, death: float, time: float, rng: Generator) -> int:
    """Descendants at the end of a step of ``n`` cells that began to divide in it with mean time ``left`` to go.

    A few are followed one by one, each with a time of its own, ``time`` x U^k with that mean (k = 1 when they begin
    evenly over the step); many grow for the mean time.
    """
    if n > _FOLLOWED:
        return birth_death(n, birth, death, left, rng)
    power = time / max(left, 1e-9 * time) - 1.0
    total = 0
    for _ in range(n):
        total += birth_death(1, birth, death, time * rng.random() ** power, rng)
    return total


@compiled
def found_focus(cells: Counts, at: int, rates: Rates, time: float, rng: Generator) -> None:
    """The clone, ``time`` days or less old, of one cell of population ``at`` that was seeded during a step.

    It arrives alone, so it grows as one cell does, with the load of the host alone. Its arrests within the step count
    as lost: they are a second-order few.
    """
    load = load_of_share(rates[HOST_SHARE], rates)
    alone = crowding_factor(1.0, rates[CAPACITY], rates[REFERENCE], rates[CROWDING])
    killing = rates[KILL_CYCLING] + immune_killing(rates, load) + rates[SPONTANEOUS_RATE] + rates[SASP_ARREST] * load
    birth, death = _vital_rates(rates, at >= ESCAPED, alone * growth_factor(rates, load), killing)
    cells[at] += birth_death(1, birth, death, time * rng.random(), rng)


@compiled
def _seed(cells: Counts, rates: Rates, load: float, time: float, seeds: Counts, rng: Generator) -> int:
    """Cells that leave to found foci elsewhere; ``seeds`` counts them by the population that they found.

    What the load adds to the basal rate makes the seeds of cycling cells SASP-aided; all others keep their lineage.
    """
    dividing = _proliferating(cells)
    aided = rates[SASP_SEEDING] * load
    n = rng.poisson(rates[SEEDING] * (1.0 + aided) * dividing * time)
    for _ in range(min(n, dividing)):
        pick = int(rng.random() * _proliferating(cells))
        at = 0
        while at == DORMANT or pick >= cells[at]:
            if at != DORMANT:
                pick -= cells[at]
            at += 1
        cells[at] -= 1
        helped = at < DORMANT and rng.random() * (1.0 + aided) >= 1.0
        seeds[SEEDED if helped else at] += 1
    return int(min(n, dividing))


@compiled
def _proliferating(cells: Counts) -> int:
    total = 0
    for at in range(SENESCENT):
        if at != DORMANT:
            total += cells[at]
    return total


@compiled
def crowding(total: int, rates: Rates) -> float:
    """A lesion's factor on net growth at so many cells (`trialsim.biology.rates.crowding_factor`)."""
    return crowding_factor(total, rates[CAPACITY], rates[REFERENCE], rates[CROWDING])


@compiled
def secreted(cells: Counts, rates: Rates, by_inducer: Chances) -> float:
    """Mature and competent cells weighted by what they secrete; ``by_inducer`` receives the parts."""
    weighted = 0.0
    for inducer in range(N_INDUCERS):
        by_inducer[inducer] = weight(rates, inducer) * secreting(cells, inducer)
        weighted += by_inducer[inducer]
    return weighted


@compiled
def step(
    cells: Counts, rates: Rates, chances: Chances, infiltrate: float, time: float, seeds: Counts, rng: Generator
) -> tuple[int, float]:
    """Advance a lesion in place by ``time`` days under frozen rates.

    Parameters
    ----------
    chances
        Those of `trialsim.biology.chain.step_chances` for the same rates and time: lesions share them.
    infiltrate
        Of immune cells, at the start (`trialsim.biology.sasp`).
    seeds
        Added to: cells that left to found foci, by the population they found.

    Returns
    -------
    The number of escapes, and the infiltrate at the end.
    """
    before = total_cells(cells)
    dividing = _proliferating(cells)
    at_start = crowding(before, rates)
    senescent = before - dividing - cells[DORMANT] > 0
    by_inducer = np.zeros(N_INDUCERS + 1)
    escapes = np.zeros(2 * N_INDUCERS, np.int64)
    time_left = np.zeros(2 * N_INDUCERS)
    mean = load_of_share(rates[HOST_SHARE], rates)
    if senescent:
        middle = load_ahead(cells, rates, 0.5 * time)
        load0 = load_of_share(secreted(cells, rates, by_inducer) / before + rates[HOST_SHARE], rates)
        _revert(cells, rates, 0.5 * time, rng)
        _age(cells, rates, chances, escapes, time_left, rng)
        aged = total_cells(cells) - dividing
        grown = dividing * math.exp(rates[NET] * at_start * growth_factor(rates, load0) * time)
        load1 = load_of_share(secreted(cells, rates, by_inducer) / max(1.0, aged + grown) + rates[HOST_SHARE], rates)
        mean = (load0 + 4.0 * middle + load1) / 6.0
    after = relaxed(infiltrate, mean, time, rates[INFILTRATION_TIME])
    if dividing == 0 and not senescent:
        return 0, after

    killing = rates[KILL_CYCLING] + immune_killing(
        rates, relaxed(infiltrate, mean, 0.5 * time, rates[INFILTRATION_TIME])
    )
    push = growth_factor(rates, mean)
    _divide(cells, rates, at_start * push, killing, 0.5 * time, rng)
    arrivals = np.zeros(4 * N_INDUCERS, np.int64)
    arrests = np.zeros(2, np.int64)
    arrest_rate = rates[SPONTANEOUS_RATE] + rates[SASP_ARREST] * mean
    for inducer in range(N_INDUCERS):
        arrest_rate += rates[STREAM + inducer]
    if _arrest(cells, rates, arrest_rate, time, arrests, rng) > 0:
        _share_paracrine(by_inducer, before, rates, rates[SASP_ARREST] * mean)
        _label(arrests, rates, by_inducer, arrest_rate, arrivals, rng)
    # Growth over the whole step is to be that at its middle (second order), and the first half had that at its start.
    crowd = max(0.0, 2.0 * crowding(total_cells(cells) + arrests[0] + arrests[1], rates) - at_start)
    _divide(cells, rates, crowd * push, killing, 0.5 * time, rng)
    _arrive(cells, arrivals, rates, chances, escapes, time_left, rng)
    _revert(cells, rates, 0.5 * time, rng)
    if rates[SEEDING] > 0.0:
        _seed(cells, rates, mean, time, seeds, rng)
    total = 0
    birth, death = _vital_rates(rates, True, crowd * push, killing + arrest_rate)
    for slot in range(2 * N_INDUCERS):
        if escapes[slot] > 0:
            left = time_left[slot] / escapes[slot]
            cells[ESCAPED + slot] += _grow_clones(escapes[slot], left, birth, death, time, rng)
            total += escapes[slot]
    return total, after


@compiled
def _share_paracrine(by_inducer: Chances, cells: int, rates: Rates, paracrine: float) -> None:
    """Turn what each inducer's cells secrete, and last what the host does, into parts of the paracrine rate."""
    by_inducer[N_INDUCERS] = rates[HOST_SHARE] * cells
    total = 0.0
    for source in range(N_INDUCERS + 1):
        total += by_inducer[source]
    for source in range(N_INDUCERS + 1):
        by_inducer[source] *= paracrine / total if total > 0.0 else 0.0


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
    rng: Generator,
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
