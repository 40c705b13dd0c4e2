"""Many trials in compiled code: draw the patients, cut at the looks' events, log-rank, stop or go on.

A trial is a few arrays in the order of entry; patients' times are sorted once, and every look reads the two sorted
orders (those who have had their end by the cut, by time; those who have not, by entry) in one merged scan.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import compiled, inlined, stream_at

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Columns of a look's result.
CUT, EVENTS, Z = 0, 1, 2
#: What a trial's looks ended with.
NOT_SHOWN, EFFICACY, FUTILITY, HARM = 0, 1, 2, 3


@inlined
def time_of(count: float, times: Floats, counts: Floats, rates: Floats) -> float:
    """The time by which a piecewise-linear count is reached: ``counts`` at ``times``, then on with the last rate."""
    at = len(times) - 1
    while at > 0 and counts[at] >= count:
        at -= 1
    if rates[at] <= 0.0:
        # The count stands still here and is never reached, unless a later piece goes on.
        return math.inf
    return float(times[at] + (count - counts[at]) / rates[at])


@compiled
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


@inlined
def _bucket(value: float, low: float, scale: float, count: int) -> int:
    return int((value - low) * scale) if value < math.inf else count - 1


@compiled
def draw_trial(
    address: int,
    accrual: tuple[Floats, Floats, Floats],
    shares: Floats,
    blocks: Integers,
    ratio: Integers,
    hazards: tuple[Floats, Floats, Floats],
    losses: tuple[Floats, Floats, Floats],
    entry: Floats,
    arm: Integers,
    stratum: Integers,
    event: Floats,
    loss: Floats,
) -> None:
    """Fill the arrays of one trial from a stream, patient by patient in the order of entry.

    ``accrual`` and the rows of ``hazards`` and ``losses`` are (times, counts, rates) as :func:`time_of` wants them;
    row ``stratum * arms + arm``. ``shares`` are cumulative chances of the strata; ``blocks`` are sizes to choose from.
    """
    rng = stream_at(address)
    arms, strata = len(ratio), len(shares)
    longest = blocks.max()
    lists = np.zeros((strata, longest), dtype=np.int64)
    left = np.zeros(strata, dtype=np.int64)
    passed = 0.0
    for i in range(len(entry)):
        passed += rng.standard_exponential()
        entry[i] = time_of(passed, accrual[0], accrual[1], accrual[2])
        s = 0
        if strata > 1:
            unit = rng.random()
            while shares[s] <= unit:
                s += 1
        if left[s] == 0:
            left[s] = _new_block(address, blocks, ratio, lists[s])
        left[s] -= 1
        a = lists[s, left[s]]
        stratum[i], arm[i] = s, a
        row = s * arms + a
        event[i] = time_of(rng.standard_exponential(), hazards[0][row], hazards[1][row], hazards[2][row])
        loss[i] = time_of(rng.standard_exponential(), losses[0][row], losses[1][row], losses[2][row])


@compiled
def _new_block(address: int, blocks: Integers, ratio: Integers, into: Integers) -> int:
    """A permuted block of a size chosen at random; its length."""
    rng = stream_at(address)
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


@inlined
def days_on_trial(entry: float, day: float) -> float:
    """Whole days from entry to a calendar day, both counted, as ADTTE's AVAL."""
    return math.floor(day) - math.floor(entry) + 1.0 if day < math.inf else math.inf


@inlined
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


@compiled
def compare(
    cut: float,
    treated: int,
    order: Integers,
    entry: Floats,
    arm: Integers,
    stratum: Integers,
    end: Floats,
    time: Floats,
    happened: NDArray[np.bool_],
    whole_days: bool,
    strata: int,
    rho: float,
    gamma: float,
) -> tuple[float, float, float]:
    """Events, score (expected minus observed on the treated arm) and variance of the log-rank test at a cut.

    ``end`` is the time from entry to event or loss, ``time`` the same as the analysis counts it: exact, or in
    ``whole_days`` with the day of entry as the first (:func:`days_on_trial`). ``order`` sorts ``time``; ``entry``
    ascends. Only the treated arm and arm 0 count; scores and variances are summed over strata. Weights are
    S(t-)^rho (1 - S(t-))^gamma, S pooled within the stratum.
    """
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


@compiled
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


@compiled
def look_at(
    entry: Floats,
    arm: Integers,
    stratum: Integers,
    event: Floats,
    loss: Floats,
    targets: Integers,
    earliest: Floats,
    latest: Floats,
    upper: Floats,
    lower: Floats,
    sided: int,
    whole_days: bool,
    strata: int,
    rho: float,
    gamma: float,
    found: Floats,
) -> tuple[int, int]:
    """The looks at one trial of two arms; the number of looks that took place, and what they ended with.

    A look is at its event, but not before its ``earliest`` nor after its ``latest`` calendar time; a target of 0 leaves
    it to ``earliest`` alone. ``found`` takes the cut, the events and z of each, a large z for the treated arm.
    """
    size = len(entry)
    end, time, happened = np.empty(size), np.empty(size), np.empty(size, dtype=np.bool_)
    order, starts = np.empty(size, dtype=np.int64), np.empty(size + 1, dtype=np.int64)
    seen_on, by_day, seen = np.empty(size), np.empty(size, dtype=np.int64), 0
    for i in range(size):
        happened[i] = event[i] <= loss[i]
        end[i] = event[i] if happened[i] else loss[i]
        time[i] = days_on_trial(entry[i], entry[i] + end[i]) if whole_days else end[i]
        if happened[i] and event[i] < math.inf:
            seen_on[seen] = entry[i] + event[i]
            seen += 1
    sort_into(time, size, order, starts)
    sort_into(seen_on, seen, by_day, starts)
    for k in range(len(targets)):
        cut = latest[k]
        if targets[k] == 0:
            cut = earliest[k]
        elif targets[k] <= seen:
            cut = min(latest[k], max(earliest[k], seen_on[by_day[targets[k] - 1]]))
        events, score, variance = compare(
            cut, 1, order, entry, arm, stratum, end, time, happened, whole_days, strata, rho, gamma
        )
        z = score / math.sqrt(variance) if variance > 0.0 else 0.0
        found[k, CUT], found[k, EVENTS], found[k, Z] = cut, events, z
        if z >= upper[k]:
            return k + 1, EFFICACY
        if sided == 2 and z <= lower[k]:
            return k + 1, HARM
        if k + 1 == len(targets):
            return k + 1, NOT_SHOWN
        if sided == 1 and z < lower[k]:
            return k + 1, FUTILITY
    return len(targets), NOT_SHOWN


@compiled
def run_block(
    address: int,
    patients: int,
    accrual: tuple[Floats, Floats, Floats],
    shares: Floats,
    blocks: Integers,
    ratio: Integers,
    hazards: tuple[Floats, Floats, Floats],
    losses: tuple[Floats, Floats, Floats],
    targets: Integers,
    earliest: Floats,
    latest: Floats,
    upper: Floats,
    lower: Floats,
    sided: int,
    stratified: bool,
    rho: float,
    gamma: float,
    found: Floats,
    ended: Integers,
) -> None:
    """A block of trials from one stream, one after the other: looks in ``found``, (looks, end) in ``ended``."""
    entry, event, loss = np.empty(patients), np.empty(patients), np.empty(patients)
    arm, stratum = np.empty(patients, dtype=np.int64), np.empty(patients, dtype=np.int64)
    for r in range(len(ended)):
        draw_trial(address, accrual, shares, blocks, ratio, hazards, losses, entry, arm, stratum, event, loss)
        strata = len(shares)
        if not stratified:
            stratum[:] = 0
            strata = 1
        looks, end = look_at(
            entry,
            arm,
            stratum,
            event,
            loss,
            targets,
            earliest,
            latest,
            upper,
            lower,
            sided,
            False,
            strata,
            rho,
            gamma,
            found[r],
        )
        ended[r, 0], ended[r, 1] = looks, end


@compiled
def draw_trial_of_courses(
    address: int,
    accrual: tuple[Floats, Floats, Floats],
    blocks: Integers,
    ratio: Integers,
    course_event: Floats,
    course_loss: Floats,
    course_stratum: Integers,
    strata: int,
    entry: Floats,
    arm: Integers,
    stratum: Integers,
    event: Floats,
    loss: Floats,
) -> None:
    """Fill the arrays of one trial with patients taken at random, and put back, from courses that were lived before.

    ``course_event`` and ``course_loss`` are (arms, patients): the same patients under every arm.
    """
    rng = stream_at(address)
    lists = np.zeros((strata, blocks.max()), dtype=np.int64)
    left = np.zeros(strata, dtype=np.int64)
    passed = 0.0
    for i in range(len(entry)):
        passed += rng.standard_exponential()
        entry[i] = time_of(passed, accrual[0], accrual[1], accrual[2])
        patient = int(rng.random() * course_event.shape[1])
        s = course_stratum[patient]
        if left[s] == 0:
            left[s] = _new_block(address, blocks, ratio, lists[s])
        left[s] -= 1
        a = lists[s, left[s]]
        stratum[i], arm[i] = s, a
        event[i], loss[i] = course_event[a, patient], course_loss[a, patient]


@compiled
def run_block_of_courses(
    address: int,
    patients: int,
    accrual: tuple[Floats, Floats, Floats],
    blocks: Integers,
    ratio: Integers,
    course_event: Floats,
    course_loss: Floats,
    course_stratum: Integers,
    strata: int,
    targets: Integers,
    earliest: Floats,
    latest: Floats,
    upper: Floats,
    lower: Floats,
    sided: int,
    stratified: bool,
    rho: float,
    gamma: float,
    found: Floats,
    ended: Integers,
) -> None:
    """As :func:`run_block`, with patients from courses that were lived before."""
    entry, event, loss = np.empty(patients), np.empty(patients), np.empty(patients)
    arm, stratum = np.empty(patients, dtype=np.int64), np.empty(patients, dtype=np.int64)
    for r in range(len(ended)):
        draw_trial_of_courses(
            address,
            accrual,
            blocks,
            ratio,
            course_event,
            course_loss,
            course_stratum,
            strata,
            entry,
            arm,
            stratum,
            event,
            loss,
        )
        if not stratified:
            stratum[:] = 0
        looks, end = look_at(
            entry,
            arm,
            stratum,
            event,
            loss,
            targets,
            earliest,
            latest,
            upper,
            lower,
            sided,
            False,
            strata if stratified else 1,
            rho,
            gamma,
            found[r],
        )
        ended[r, 0], ended[r, 1] = looks, end


@compiled
def run_block_of_arms(
    address: int,
    patients: int,
    accrual: tuple[Floats, Floats, Floats],
    shares: Floats,
    blocks: Integers,
    ratio: Integers,
    hazards: tuple[Floats, Floats, Floats],
    losses: tuple[Floats, Floats, Floats],
    targets: Integers,
    stratified: bool,
    cuts: Floats,
    events: Floats,
    z: Floats,
) -> None:
    """A block of trials of several arms, none of them stopped: each against arm 0 at every look.

    Looks are at events of all arms. ``cuts`` is (trials, looks), ``events`` and ``z`` (trials, looks, arms - 1).
    """
    entry, event, loss = np.empty(patients), np.empty(patients), np.empty(patients)
    arm, stratum = np.empty(patients, dtype=np.int64), np.empty(patients, dtype=np.int64)
    end, happened = np.empty(patients), np.empty(patients, dtype=np.bool_)
    order, starts = np.empty(patients, dtype=np.int64), np.empty(patients + 1, dtype=np.int64)
    seen_on, by_day = np.empty(patients), np.empty(patients, dtype=np.int64)
    strata = len(shares) if stratified else 1
    for r in range(len(cuts)):
        draw_trial(address, accrual, shares, blocks, ratio, hazards, losses, entry, arm, stratum, event, loss)
        if not stratified:
            stratum[:] = 0
        seen = 0
        for i in range(patients):
            happened[i] = event[i] <= loss[i]
            end[i] = event[i] if happened[i] else loss[i]
            if happened[i] and event[i] < math.inf:
                seen_on[seen] = entry[i] + event[i]
                seen += 1
        sort_into(end, patients, order, starts)
        sort_into(seen_on, seen, by_day, starts)
        for k in range(len(targets)):
            cut = seen_on[by_day[targets[k] - 1]] if targets[k] <= seen else math.inf
            cuts[r, k] = cut
            for treated in range(1, len(ratio)):
                found = compare(cut, treated, order, entry, arm, stratum, end, end, happened, False, strata, 0.0, 0.0)
                events[r, k, treated - 1] = found[0]
                z[r, k, treated - 1] = found[1] / math.sqrt(found[2]) if found[2] > 0.0 else 0.0
