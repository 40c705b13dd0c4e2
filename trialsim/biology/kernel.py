"""The compiled kernel: one lesion, one step.

With rates frozen for a step, every population's own change is known in closed form at any size, and moves
between populations are multinomial, so a step costs a handful of random draws whether a lesion has three
cells or three hundred million. The two are composed symmetrically (Strang): own flows for half a step, moves,
own flows for the other half. The error is second order in the step; docs/verification.md measures it against
the exact twin (`trialsim.biology.exact`).

Own flow of dividing cells: a linear birth-death process. With E = exp((b - d) t), one cell is extinct at t with
probability a = d (E - 1) / (b E - d) and otherwise geometric with parameter 1 - B, B = b (E - 1) / (b E - d), so n
cells are one binomial and one negative binomial (Bailey 1964, section 8.6).

Own flow of senescent cells: the chain immature -> mature -> competent with loss, solved exactly.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from trialsim.biology.populations import (
    AWAKENED,
    COMPETENT,
    DORMANT,
    ESCAPED,
    IMMATURE,
    MATURE,
    N_AGES,
    N_INDUCERS,
    N_ORIGINS,
    PER_INDUCER,
    POLYPLOID,
    RESISTANT,
    SENESCENT,
    SPONTANEOUS,
    Counts,
)
from trialsim.biology.rates import (
    BIRTH,
    CAPACITY,
    CLEARANCE,
    COMPETENCE,
    CROWDING,
    DEATH,
    ESCAPE,
    ESCAPED_BIRTH,
    ESCAPED_DEATH,
    IMMATURE_KILL_SHARE,
    KILL,
    KILL_CYCLING,
    MATURATION,
    POLYPLOID_SHARE,
    RESISTANT_SHARE,
    SPONTANEOUS_RATE,
    Rates,
)

Generator = np.random.Generator


@njit(cache=True)
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


@njit(cache=True)
def _passage(fast: float, slow: float, time: float) -> float:
    """(exp(-fast t) - exp(-slow t)) / (slow - fast), continued through fast = slow."""
    gap = slow - fast
    if abs(gap) * time < 1e-8:
        return time * math.exp(-0.5 * (fast + slow) * time)
    return (math.exp(-fast * time) - math.exp(-slow * time)) / gap


@njit(cache=True)
def _second_passage(first: float, second: float, third: float, time: float) -> float:
    """Divided difference of exp(-x t) over three rates: the time density of two successive passages.

    Nearly equal rates are moved apart by 1e-5 per day, which changes a probability by less than 1e-5 of
    itself and keeps the differences from cancelling.
    """
    if abs(third - first) < 1e-5:
        third = first + 1e-5
    if abs(second - first) < 1e-5 or abs(second - third) < 1e-5:
        second += 2e-5
    return (_passage(first, second, time) - _passage(second, third, time)) / (third - first)


@njit(cache=True)
def _share(rng: Generator, n: int, probability: float, left: float) -> int:
    """Of ``n`` cells not yet placed, with total probability ``left``, how many take this place."""
    if n == 0 or probability <= 0.0:
        return 0
    if probability >= left:
        return n
    return int(rng.binomial(n, probability / left))


@njit(cache=True)
def _age(
    cells: Counts,
    at: int,
    polyploid: bool,
    loss_young: float,
    loss: float,
    rates: Rates,
    time: float,
    rng: Generator,
) -> None:
    """Own flow of one senescent family (three ages from index ``at``) for ``time`` days. Exact."""
    mature_rate = rates[MATURATION]
    competence = rates[COMPETENCE] if polyploid else 0.0
    leave_young = mature_rate + loss_young
    leave_mature = competence + loss
    young, mature, competent = cells[at + IMMATURE], cells[at + MATURE], cells[at + COMPETENT]

    stay = math.exp(-leave_young * time)
    kept_young = _share(rng, young, stay, 1.0)
    to_mature = mature_rate * _passage(leave_young, leave_mature, time) if young else 0.0
    matured = _share(rng, young - kept_young, to_mature, 1.0 - stay)
    ripened = 0
    if competence > 0.0 and young - kept_young - matured > 0:
        to_competent = mature_rate * competence * _second_passage(leave_young, leave_mature, loss, time)
        ripened = _share(rng, young - kept_young - matured, to_competent, 1.0 - stay - to_mature)

    stay = math.exp(-leave_mature * time)
    kept_mature = _share(rng, mature, stay, 1.0)
    if competence > 0.0:
        to_competent = competence * _passage(leave_mature, loss, time)
        ripened += _share(rng, mature - kept_mature, to_competent, 1.0 - stay)

    kept_competent = _share(rng, competent, math.exp(-loss * time), 1.0)
    cells[at + IMMATURE] = kept_young
    cells[at + MATURE] = kept_mature + matured
    cells[at + COMPETENT] = kept_competent + ripened


@njit(cache=True)
def _own_flows(cells: Counts, rates: Rates, crowd: float, time: float, rng: Generator) -> None:
    """Every population's own change over ``time`` days; ``crowd`` scales net growth (1: none)."""
    kill = rates[KILL_CYCLING]
    birth, death = rates[BIRTH], rates[DEATH]
    birth -= (1.0 - crowd) * max(0.0, birth - death - rates[SPONTANEOUS_RATE])
    for origin in range(N_ORIGINS):
        if cells[origin] > 0:
            cells[origin] = birth_death(cells[origin], birth, death + kill, time, rng)
    birth, death = rates[ESCAPED_BIRTH], rates[ESCAPED_DEATH]
    birth -= (1.0 - crowd) * max(0.0, birth - death - rates[SPONTANEOUS_RATE])
    for inducer in range(N_INDUCERS):
        at = ESCAPED + inducer
        if cells[at] > 0:
            cells[at] = birth_death(cells[at], birth, death + kill, time, rng)
    for inducer in range(N_INDUCERS):
        for family in range(4):
            at = SENESCENT + inducer * PER_INDUCER + family * N_AGES
            if cells[at] > 0 or cells[at + 1] > 0 or cells[at + 2] > 0:
                killed = 0.0 if family % 2 == RESISTANT else rates[KILL + inducer]
                loss = rates[CLEARANCE] + killed
                loss_young = rates[CLEARANCE] + killed * rates[IMMATURE_KILL_SHARE]
                _age(cells, at, family // 2 == POLYPLOID, loss_young, loss, rates, time, rng)


@njit(cache=True)
def add_senescent(cells: Counts, n: int, inducer: int, rates: Rates, rng: Generator) -> None:
    """Place ``n`` newly senescent cells: ploidy and senolytic response by lot, all immature."""
    if n == 0:
        return
    polyploid = _share(rng, n, rates[POLYPLOID_SHARE], 1.0)
    at = SENESCENT + inducer * PER_INDUCER
    for ploidy, count in ((0, n - polyploid), (1, polyploid)):
        resistant = _share(rng, count, rates[RESISTANT_SHARE], 1.0)
        cells[at + ploidy * 2 * N_AGES] += count - resistant
        cells[at + (ploidy * 2 + 1) * N_AGES] += resistant


@njit(cache=True)
def _moves(cells: Counts, rates: Rates, time: float, rng: Generator) -> int:
    """Moves between populations over ``time`` days; returns how many senescent cells escaped."""
    arrest = -math.expm1(-rates[SPONTANEOUS_RATE] * time)
    escape = -math.expm1(-rates[ESCAPE] * time)
    escaped_total = 0
    if escape > 0.0:
        for inducer in range(N_INDUCERS):
            for response in range(2):
                at = SENESCENT + inducer * PER_INDUCER + (2 * POLYPLOID + response) * N_AGES + COMPETENT
                if cells[at] > 0:
                    out = int(rng.binomial(cells[at], escape))
                    cells[at] -= out
                    # Not arrested in this same step: they have only just begun to cycle.
                    cells[ESCAPED + inducer] += out
                    escaped_total += out
    if arrest > 0.0:
        arrested = 0
        for at in range(SENESCENT):
            if at != DORMANT and cells[at] > 0:
                out = int(rng.binomial(cells[at], arrest))
                cells[at] -= out
                arrested += out
        add_senescent(cells, arrested, SPONTANEOUS, rates, rng)
    return escaped_total


@njit(cache=True)
def crowding(cells: Counts, rates: Rates) -> float:
    """Factor on net growth, logistic: 1 - strength * total / capacity, never below 0."""
    if rates[CROWDING] == 0.0 or rates[CAPACITY] == np.inf:
        return 1.0
    return max(0.0, 1.0 - rates[CROWDING] * cells.sum() / rates[CAPACITY])


@njit(cache=True)
def step(cells: Counts, rates: Rates, time: float, rng: Generator) -> int:
    """Advance a lesion in place by ``time`` days under frozen rates; returns the number of escapes."""
    crowd = crowding(cells, rates)
    _own_flows(cells, rates, crowd, 0.5 * time, rng)
    escapes = _moves(cells, rates, time, rng)
    _own_flows(cells, rates, crowd, 0.5 * time, rng)
    return escapes


@njit(cache=True)
def wake(cells: Counts) -> None:
    """The whole dormant population of a lesion begins to cycle."""
    cells[AWAKENED] += cells[DORMANT]
    cells[DORMANT] = 0


@njit(cache=True)
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
