"""Many trials in compiled code: draw the patients, cut at the looks' events, log-rank, stop or go on.

A trial is a few arrays in the order of entry; patients' times are sorted once, and every look reads the two sorted
orders (those who have had their end by the cut, by time; those who have not, by entry) in one merged scan.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import allocating

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Columns of a look's result.
CUT, EVENTS, Z = 0, 1, 2
#: What a trial's looks ended with.
NOT_SHOWN, EFFICACY, FUTILITY, HARM = 0, 1, 2, 3


class Pieces(NamedTuple):
    """Functions that rise piecewise linearly: ``counts`` at ``times``, then with ``rates``; a row for each, or one."""

    times: Floats
    counts: Floats
    rates: Floats


class PopulationArrays(NamedTuple):
    """Who enters trials of conventional arms. Rows of ``hazards`` and ``losses`` are ``stratum * arms + arm``."""

    accrual: Pieces
    shares: Floats
    """Cumulative chances of the strata."""
    blocks: Integers
    """Sizes of blocks to choose from."""
    ratio: Integers
    hazards: Pieces
    losses: Pieces


class CourseArrays(NamedTuple):
    """Patients who were lived before under every arm: (arms, patients)."""

    accrual: Pieces
    blocks: Integers
    ratio: Integers
    event: Floats
    loss: Floats
    stratum: Integers
    strata: int


class Trial(NamedTuple):
    """One trial, its patients in the order of entry; times of ``event`` and ``loss`` are from entry."""

    entry: Floats
    arm: Integers
    stratum: Integers
    event: Floats
    loss: Floats


class LookRules(NamedTuple):
    """When a trial is looked at, and what stops it: an entry for each look."""

    targets: Integers
    """Events; 0 leaves a look to ``earliest`` alone."""
    earliest: Floats
    latest: Floats
    upper: Floats
    lower: Floats
    sided: int
    whole_days: bool
    """Times as ADTTE counts them, and not exact ones."""
    strata: int
    """Of the test; 1 where it is not stratified."""
    rho: float
    gamma: float


class Ended(NamedTuple):
    """How patients' follow-up ends, event or loss: what the test sorts and counts."""

    end: Floats
    """Time from entry."""
    time: Floats
    """The same as the analysis counts it."""
    happened: NDArray[np.bool_]
    order: Integers
    """Sorts ``time``."""


@allocating
def time_of(count: float, times: Floats, counts: Floats, rates: Floats) -> float:
    """The time by which a piecewise-linear count is reached: ``counts`` at ``times``, then on with the last rate."""
    at = len(times) - 1
    while at > 0 and counts[at] >= count:
        at -= 1
    if rates[at] <= 0.0:
        # The count stands still here and is never reached, unless a later piece goes on.
        return math.inf
    return float(times[at] + (count - counts[at]) / rates[at])


@allocating
def sort_into(values: Floats, count: int, order: Integers, starts: Integers) -> None:
    """Put the first ``count`` places of ``values`` into ``order``, ascending.

    A bucket for each value, evenly over their range, and an insertion sort of what is left: linear for times that are
    spread, as those of patients are. ``starts`` is room for one bucket more than there are values. Where more than 64
    share a bucket the library's sort takes over.
    """
    low, high = math.inf, -math.inf
    for i in range(count):
        if values[i] < low:
            low = values[i]
        if high < values[i] < math.inf:
            high = values[i]
    scale = (count - 1) / (high - low) if high > low else 0.0
    starts[: count + 1] = 0
    for i in range(count):
        starts[_bucket(values[i], low, scale, count) + 1] += 1
    fullest = 0
    for b in range(count):
        fullest = max(fullest, starts[b + 1])
        starts[b + 1] += starts[b]
    if fullest > 64:
        order[:count] = np.argsort(values[:count])
        return
    for i in range(count):
        b = _bucket(values[i], low, scale, count)
        order[starts[b]] = i
        starts[b] += 1
    for i in range(1, count):
        moving, at = order[i], i
        while at > 0 and values[order[at - 1]] > values[moving]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = moving


@allocating
def _bucket(value: float, low: float, scale: float, count: int) -> int:
    return int((value - low) * scale) if value < math.inf else count - 1


@allocating
def empty_trial(patients: int) -> Trial:
    """Room for a trial."""
    return Trial(
        np.empty(patients),
        np.empty(patients, dtype=np.int64),
        np.empty(patients, dtype=np.int64),
        np.empty(patients),
        np.empty(patients),
    )


@allocating
def draw_trial(rng: np.random.Generator, population: PopulationArrays, trial: Trial) -> None:
    """Fill a trial from a stream, patient by patient in the order of entry."""
    accrual, hazards, losses = population.accrual, population.hazards, population.losses
    arms, strata = len(population.ratio), len(population.shares)
    lists = np.zeros((strata, population.blocks.max()), dtype=np.int64)
    left = np.zeros(strata, dtype=np.int64)
    passed = 0.0
    for i in range(len(trial.entry)):
        passed += rng.standard_exponential()
        trial.entry[i] = time_of(passed, accrual.times, accrual.counts, accrual.rates)
        s = 0
        if strata > 1:
            unit = rng.random()
            while population.shares[s] <= unit:
                s += 1
        if left[s] == 0:
            left[s] = _new_block(rng, population.blocks, population.ratio, lists[s])
        left[s] -= 1
        a = lists[s, left[s]]
        trial.stratum[i], trial.arm[i] = s, a
        row = s * arms + a
        luck = rng.standard_exponential()
        trial.event[i] = time_of(luck, hazards.times[row], hazards.counts[row], hazards.rates[row])
        luck = rng.standard_exponential()
        trial.loss[i] = time_of(luck, losses.times[row], losses.counts[row], losses.rates[row])


@allocating
def draw_trial_of_courses(rng: np.random.Generator, courses: CourseArrays, trial: Trial) -> None:
    """Fill a trial with patients taken at random, and put back, from courses that were lived before."""
    accrual = courses.accrual
    lists = np.zeros((courses.strata, courses.blocks.max()), dtype=np.int64)
    left = np.zeros(courses.strata, dtype=np.int64)
    passed = 0.0
    for i in range(len(trial.entry)):
        passed += rng.standard_exponential()
        trial.entry[i] = time_of(passed, accrual.times, accrual.counts, accrual.rates)
        patient = int(rng.random() * courses.event.shape[1])
        s = courses.stratum[patient]
        if left[s] == 0:
            left[s] = _new_block(rng, courses.blocks, courses.ratio, lists[s])
        left[s] -= 1
        a = lists[s, left[s]]
        trial.stratum[i], trial.arm[i] = s, a
        trial.event[i], trial.loss[i] = courses.event[a, patient], courses.loss[a, patient]


@allocating
def _new_block(rng: np.random.Generator, blocks: Integers, ratio: Integers, into: Integers) -> int:
    """A permuted block of a size chosen at random; its length."""
    size = blocks[int(rng.random() * len(blocks))] if len(blocks) > 1 else blocks[0]
    copies = size // ratio.sum()
    at = 0
    for a in range(len(ratio)):
        for _ in range(ratio[a] * copies):
            into[at] = a
            at += 1
    for last in range(size - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        into[last], into[other] = into[other], into[last]
    return int(size)


@allocating
def days_on_trial(entry: float, day: float) -> float:
    """Whole days from entry to a calendar day, both counted, as ADTTE's AVAL."""
    return math.floor(day) - math.floor(entry) + 1.0 if day < math.inf else math.inf


@allocating
def _pool(
    waiting: int, tied: Integers, n: Floats, d: Floats, d1: Floats, table: Floats, filled: int
) -> tuple[float, float, float]:
    """Events, score and variance of one time, over the strata that have events then; a row each where rows are kept."""
    events, score, variance = 0.0, 0.0, 0.0
    for k in range(waiting):
        s = tied[k]
        total = n[s, 0] + n[s, 1]
        share = n[s, 1] / total
        spread = d[s] * share * (1.0 - share) * (total - d[s]) / max(total - 1.0, 1.0)
        fewer = d[s] * share - d1[s]
        if len(table) > 0:
            at = filled + k
            table[at, 0], table[at, 1], table[at, 2], table[at, 3], table[at, 4] = s, d[s], total, fewer, spread
        events, score, variance = events + d[s], score + fewer, variance + spread
        d[s], d1[s] = 0.0, 0.0
    return events, score, variance


@allocating
def compare(
    cut: float, treated: int, trial: Trial, ended: Ended, whole_days: bool, strata: int, rho: float, gamma: float
) -> tuple[float, float, float]:
    """Events, score (expected minus observed on the treated arm) and variance of the log-rank test at a cut.

    ``whole_days`` counts those who are still followed as `days_on_trial` does. Only the treated arm and arm 0 count;
    scores and variances are summed over strata. Weights are S(t-)^rho (1 - S(t-))^gamma, S pooled within the stratum.
    """
    entry, arm, stratum = trial.entry, trial.arm, trial.stratum
    end, time, happened, order = ended.end, ended.time, ended.happened, ended.order
    n = np.zeros((strata, 2))
    rows = len(end) if rho != 0.0 or gamma != 0.0 else 0
    table = np.zeros((rows, 5))
    d, d1 = np.zeros(strata), np.zeros(strata)
    tied = np.zeros(strata, dtype=np.int64)
    now, waiting = math.inf, 0
    events, score, variance = 0.0, 0.0, 0.0
    filled = 0
    i, j, size = len(end) - 1, 0, len(end)
    while True:
        # The next one down of those whose end is known, and of those who are still followed at the cut.
        while i >= 0 and (entry[order[i]] + end[order[i]] > cut or (arm[order[i]] != treated and arm[order[i]] != 0)):
            i -= 1
        while j < size and entry[j] <= cut and (entry[j] + end[j] <= cut or (arm[j] != treated and arm[j] != 0)):
            j += 1
        known = time[order[i]] if i >= 0 else -1.0
        followed = -1.0
        if j < size and entry[j] <= cut:
            followed = days_on_trial(entry[j], cut) if whole_days else cut - entry[j]
        later = max(known, followed)
        if later != now and waiting > 0:
            added = _pool(waiting, tied, n, d, d1, table, filled)
            events, score, variance = events + added[0], score + added[1], variance + added[2]
            filled += waiting
            waiting = 0
        if later < 0.0:
            break
        now = later
        if known >= followed:
            p = order[i]
            i -= 1
            s, a = stratum[p], 1 if arm[p] == treated else 0
            if happened[p]:
                if d[s] == 0.0:
                    tied[waiting] = s
                    waiting += 1
                d[s] += 1.0
                d1[s] += a
        else:
            s, a = stratum[j], 1 if arm[j] == treated else 0
            j += 1
        n[s, a] += 1.0
    if rows > 0:
        score, variance = _weighted(table, filled, strata, rho, gamma)
    return events, score, variance


@allocating
def _weighted(table: Floats, filled: int, strata: int, rho: float, gamma: float) -> tuple[float, float]:
    """Score and variance with Fleming-Harrington weights, from the rows of a scan that went back in time."""
    survival = np.ones(strata)
    score, variance = 0.0, 0.0
    for k in range(filled - 1, -1, -1):
        s = int(table[k, 0])
        weight = survival[s] ** rho * (1.0 - survival[s]) ** gamma
        score += weight * table[k, 3]
        variance += weight * weight * table[k, 4]
        survival[s] *= 1.0 - table[k, 1] / table[k, 2]
    return score, variance


@allocating
def ends_of(trial: Trial, whole_days: bool) -> tuple[Ended, Floats]:
    """How follow-up ends, and the calendar times of the events, ascending."""
    size = len(trial.entry)
    end, time, happened = np.empty(size), np.empty(size), np.empty(size, dtype=np.bool_)
    order, starts = np.empty(size, dtype=np.int64), np.empty(size + 1, dtype=np.int64)
    on, by_day, seen = np.empty(size), np.empty(size, dtype=np.int64), 0
    for i in range(size):
        entry = trial.entry[i]
        happened[i] = trial.event[i] <= trial.loss[i]
        end[i] = trial.event[i] if happened[i] else trial.loss[i]
        time[i] = days_on_trial(entry, entry + end[i]) if whole_days else end[i]
        if happened[i] and end[i] < math.inf:
            on[seen] = entry + end[i]
            seen += 1
    sort_into(time, size, order, starts)
    sort_into(on, seen, by_day, starts)
    seen_on = np.empty(seen)
    for k in range(seen):
        seen_on[k] = on[by_day[k]]
    return Ended(end, time, happened, order), seen_on


@allocating
def look_at(trial: Trial, looks: LookRules, found: Floats) -> tuple[int, int]:
    """The looks at one trial of two arms; the number of looks that took place, and what they ended with.

    A look is at its event, but not before its ``earliest`` nor after its ``latest`` calendar time. ``found`` takes the
    cut, the events and z of each, a large z for the treated arm.
    """
    ended, seen_on = ends_of(trial, looks.whole_days)
    count = len(looks.targets)
    for k in range(count):
        cut = looks.latest[k]
        if looks.targets[k] == 0:
            cut = looks.earliest[k]
        elif looks.targets[k] <= len(seen_on):
            cut = min(looks.latest[k], max(looks.earliest[k], seen_on[looks.targets[k] - 1]))
        events, score, variance = compare(cut, 1, trial, ended, looks.whole_days, looks.strata, looks.rho, looks.gamma)
        z = score / math.sqrt(variance) if variance > 0.0 else 0.0
        found[k, CUT], found[k, EVENTS], found[k, Z] = cut, events, z
        if z >= looks.upper[k]:
            return k + 1, EFFICACY
        if looks.sided == 2 and z <= looks.lower[k]:
            return k + 1, HARM
        if k + 1 == count:
            return k + 1, NOT_SHOWN
        if looks.sided == 1 and z < looks.lower[k]:
            return k + 1, FUTILITY
    return count, NOT_SHOWN


@allocating
def run_block(
    rng: np.random.Generator,
    patients: int,
    population: PopulationArrays,
    looks: LookRules,
    found: Floats,
    ended: Integers,
) -> None:
    """A block of trials from one stream, one after the other: looks in ``found``, (looks, end) in ``ended``."""
    trial = empty_trial(patients)
    for r in range(len(ended)):
        draw_trial(rng, population, trial)
        if looks.strata == 1:
            trial.stratum[:] = 0
        ended[r, 0], ended[r, 1] = look_at(trial, looks, found[r])


@allocating
def run_block_of_courses(
    rng: np.random.Generator, patients: int, courses: CourseArrays, looks: LookRules, found: Floats, ended: Integers
) -> None:
    """As :func:`run_block`, with patients from courses that were lived before."""
    trial = empty_trial(patients)
    for r in range(len(ended)):
        draw_trial_of_courses(rng, courses, trial)
        if looks.strata == 1:
            trial.stratum[:] = 0
        ended[r, 0], ended[r, 1] = look_at(trial, looks, found[r])


@allocating
def run_block_of_arms(
    rng: np.random.Generator,
    patients: int,
    population: PopulationArrays,
    targets: Integers,
    strata: int,
    cuts: Floats,
    events: Floats,
    z: Floats,
) -> None:
    """A block of trials of several arms, none of them stopped: each against arm 0 at every look.

    Looks are at events of all arms. ``cuts`` is (trials, looks), ``events`` and ``z`` (trials, looks, arms - 1).
    """
    trial = empty_trial(patients)
    for r in range(len(cuts)):
        draw_trial(rng, population, trial)
        if strata == 1:
            trial.stratum[:] = 0
        ended, seen_on = ends_of(trial, False)
        for k in range(len(targets)):
            cut = seen_on[targets[k] - 1] if targets[k] <= len(seen_on) else math.inf
            cuts[r, k] = cut
            for treated in range(1, len(population.ratio)):
                found = compare(cut, treated, trial, ended, False, strata, 0.0, 0.0)
                events[r, k, treated - 1] = found[0]
                z[r, k, treated - 1] = found[1] / math.sqrt(found[2]) if found[2] > 0.0 else 0.0
