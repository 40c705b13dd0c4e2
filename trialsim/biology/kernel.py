"""The compiled kernel: one lesion, one step.

With rates frozen for a step, every population's own change is known in closed form at any size, and moves between
populations are multinomial, so a step costs a handful of random draws whether a lesion has three cells or three
hundred million.

* Dividing cells are a linear birth-death process. With E = exp((b - d) t), one cell is extinct at t with probability
  a = d (E - 1) / (b E - d) and otherwise geometric with parameter 1 - B, B = b (E - 1) / (b E - d), so n cells are one
  binomial and one negative binomial (Bailey 1964, section 8.6).
* Senescent cells follow their ageing chain, solved exactly for the whole step (`trialsim.biology.chain`).
* Arrest is composed symmetrically with division (Strang): half a step of division, arrest, the other half. Cells that
  arrest, or escape, do so at a time spread over the step and age, or grow, for what is left of it.

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
    RESISTANT,
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
    KILL,
    KILL_CYCLING,
    POLYPLOID_SHARE,
    REFERENCE,
    RESISTANT_SHARE,
    SPONTANEOUS_RATE,
    Rates,
    crowding_factor,
)
from trialsim.compiling import compiled

Generator = np.random.Generator

#: Up to this many escapers of one step are followed one by one.
_FOLLOWED = 32

_crowding_factor = compiled(crowding_factor)


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
def _divide(cells: Counts, rates: Rates, crowd: float, time: float, rng: Generator) -> None:
    """Division and death of cycling and escaped cells; ``crowd`` scales net growth."""
    for at in range(SENESCENT):
        if at == DORMANT or cells[at] == 0:
            continue
        birth, death = _vital_rates(rates, at >= ESCAPED, crowd)
        cells[at] = birth_death(cells[at], birth, death, time, rng)


@compiled
def _vital_rates(rates: Rates, escaped: bool, crowd: float) -> tuple[float, float]:
    birth = rates[ESCAPED_BIRTH] if escaped else rates[BIRTH]
    death = rates[ESCAPED_DEATH] if escaped else rates[DEATH]
    birth += (crowd - 1.0) * max(0.0, birth - death - rates[SPONTANEOUS_RATE])
    return birth, death + rates[KILL_CYCLING]


@compiled
def _arrest(cells: Counts, rates: Rates, time: float, rng: Generator) -> int:
    """Cycling and escaped cells that turn senescent on their own over ``time`` days; returns how many."""
    arrested = 0
    chance = -math.expm1(-rates[SPONTANEOUS_RATE] * time)
    if chance > 0.0:
        for at in range(SENESCENT):
            if at != DORMANT and cells[at] > 0:
                out = _share(rng, cells[at], chance, 1.0)
                cells[at] -= out
                arrested += out
    return arrested


@compiled
def _deal(n: int, rates: Rates, families: Counts, rng: Generator) -> None:
    """Ploidy and senolytic response of ``n`` newly senescent cells, by lot."""
    polyploid = _share(rng, n, rates[POLYPLOID_SHARE], 1.0)
    for ploidy, count in ((DIPLOID, n - polyploid), (POLYPLOID, polyploid)):
        resistant = _share(rng, count, rates[RESISTANT_SHARE], 1.0)
        families[2 * ploidy + SENSITIVE] += count - resistant
        families[2 * ploidy + RESISTANT] += resistant


@compiled
def _age(
    cells: Counts, rates: Rates, chances: Chances, arrested: int, escapes: Counts, time_left: Chances, rng: Generator
) -> None:
    """The ageing chain of every family over a step, with ``arrested`` cells arriving during it.

    ``escapes`` receives the number of cells that escaped, ``time_left`` the sum of the mean times that are left to them
    in the step, by inducer.
    """
    arrivals = np.zeros(4, np.int64)
    if arrested > 0:
        _deal(arrested, rates, arrivals, rng)
    for inducer in range(N_INDUCERS):
        for family in range(4):
            ploidy, response = family // 2, family % 2
            at = SENESCENT + inducer * PER_INDUCER + family * N_AGES
            arriving = arrivals[family] if inducer == SPONTANEOUS else 0
            young, mature, competent = cells[at], cells[at + 1], cells[at + 2]
            if young + mature + competent + arriving == 0:
                continue
            killed = response == SENSITIVE and rates[KILL + inducer] > 0.0
            own = chances[inducer if killed else UNKILLED, ploidy]
            cells[at] = cells[at + 1] = cells[at + 2] = 0
            for row, count in (
                (FROM_IMMATURE, young),
                (FROM_MATURE, mature),
                (FROM_COMPETENT, competent),
                (ARRIVING, arriving),
            ):
                out = _place(cells, at, count, own, row, rng)
                escapes[inducer] += out
                time_left[inducer] += out * own[row, TIME_LEFT]


@compiled
def add_senescent(cells: Counts, n: int, inducer: int, rates: Rates, rng: Generator) -> None:
    """Place ``n`` newly senescent cells, all immature."""
    if n == 0:
        return
    families = np.zeros(4, np.int64)
    _deal(n, rates, families, rng)
    for family in range(4):
        cells[SENESCENT + inducer * PER_INDUCER + family * N_AGES] += families[family]


@compiled
def _grow_escapers(n: int, left: float, rates: Rates, crowd: float, time: float, rng: Generator) -> int:
    """Descendants at the end of a step of ``n`` cells that escaped in it with mean time ``left`` to go.

    A few are followed one by one, each with a time of its own, ``time`` x U^k with that mean (k = 1 when escapes fall
    evenly over the step); many grow for the mean time. Those that arrest again within the step count as lost: they
    are a second-order few.
    """
    birth, death = _vital_rates(rates, True, crowd)
    death += rates[SPONTANEOUS_RATE]
    if n > _FOLLOWED:
        return birth_death(n, birth, death, left, rng)
    power = time / max(left, 1e-9 * time) - 1.0
    total = 0
    for _ in range(n):
        total += birth_death(1, birth, death, time * rng.random() ** power, rng)
    return total


@compiled
def crowding(cells: Counts, rates: Rates) -> float:
    """The lesion's factor on net growth (`trialsim.biology.rates.crowding_factor`)."""
    return _crowding_factor(cells.sum(), rates[CAPACITY], rates[REFERENCE], rates[CROWDING])


@compiled
def step(cells: Counts, rates: Rates, chances: Chances, time: float, rng: Generator) -> int:
    """Advance a lesion in place by ``time`` days under frozen rates; returns the number of escapes.

    ``chances`` are those of `trialsim.biology.chain.step_chances` for the same rates and time: lesions share them.
    """
    at_start = crowding(cells, rates)
    _divide(cells, rates, at_start, 0.5 * time, rng)
    arrested = _arrest(cells, rates, time, rng)
    escapes = np.zeros(N_INDUCERS, np.int64)
    time_left = np.zeros(N_INDUCERS)
    _age(cells, rates, chances, arrested, escapes, time_left, rng)
    # Growth over the whole step is to be that at its middle (second order), and the first half had that at its start.
    crowd = max(0.0, 2.0 * crowding(cells, rates) - at_start)
    _divide(cells, rates, crowd, 0.5 * time, rng)
    total = 0
    for inducer in range(N_INDUCERS):
        if escapes[inducer] > 0:
            left = time_left[inducer] / escapes[inducer]
            cells[ESCAPED + inducer] += _grow_escapers(escapes[inducer], left, rates, crowd, time, rng)
            total += escapes[inducer]
    return total


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
    arrested = 0
    for at in range(SENESCENT):
        if at == DORMANT or cells[at] == 0:
            continue
        hit = _share(rng, cells[at], loss if at < DORMANT else loss_escaped, 1.0)
        cells[at] -= hit
        arrested += _share(rng, hit, senescent_share, 1.0)
    add_senescent(cells, arrested, inducer, rates, rng)
    return arrested
