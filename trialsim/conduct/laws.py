"""Event times of an arm with a law: from a standard exponential through the inverse of the cumulative hazard.

A patient's exponential comes from a stream of their own, without the arm in its key: under a hazard ratio the same
patient has the event later or earlier, and with the same law on the same day.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from trialsim.calendar_grid import on_grid
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved_model import CureMixture, EventModel, Law, PiecewiseExponential, SurvivalCurve, Weibull

Function = Callable[[float], float]


def cumulative_hazard(law: Law, day: float) -> float:
    """H(day), with survival exp(-H)."""
    match law:
        case PiecewiseExponential():
            return _pieces(law.rates, law.until_days, day)
        case Weibull():
            return _power(day / law.scale_days, law.shape)
        case CureMixture():
            spared = math.exp(-_power(day / law.scale_days, law.shape))
            return -math.log(law.cured + (1.0 - law.cured) * spared)
        case SurvivalCurve():
            return _pieces(*_hazards(law), day)


def day_of_hazard(law: Law, hazard: float) -> float:
    """The day on which H reaches ``hazard``; infinity where it never does."""
    match law:
        case PiecewiseExponential():
            return _pieces_inverse(law.rates, law.until_days, hazard)
        case Weibull():
            return law.scale_days * _power(hazard, 1.0 / law.shape)
        case CureMixture():
            spared = (math.exp(-hazard) - law.cured) / (1.0 - law.cured)
            if spared <= 0.0:
                return math.inf
            return law.scale_days * _power(-math.log(spared), 1.0 / law.shape)
        case SurvivalCurve():
            return _pieces_inverse(*_hazards(law), hazard)


def event_day(model: EventModel, exponential: float, *, changes: Sequence[tuple[float, float]] = ()) -> float:
    """The study day of the event, given a standard exponential.

    ``changes`` are days, ascending, from which on the hazard is multiplied by a factor, beside the model's own.
    """
    ends = [*model.until_days, math.inf]
    edges = sorted({0.0, math.inf, *model.until_days, *(day for day, _ in changes)})
    left = exponential
    for begin, end in pairwise(edges):
        factor = model.hazard_ratios[bisect.bisect_right(ends, begin)]
        for day, ratio in changes:
            factor *= ratio if day <= begin else 1.0
        before = cumulative_hazard(model.law, begin)
        room = math.inf if end == math.inf else factor * (cumulative_hazard(model.law, end) - before)
        if left <= room:
            return day_of_hazard(model.law, before + left / factor) if factor > 0.0 else math.inf
        left -= room
    return math.inf


def draw_event_day(
    model: EventModel,
    patient: int,
    *,
    seed: int,
    replicate: int = 0,
    changes: Sequence[tuple[float, float]] = (),
) -> float:
    """The day of a patient's event, on the calendar's grid."""
    unit = stream(seed, Purpose.LAW, subject=patient, replicate=replicate).standard_exponential()
    return on_grid(event_day(model, unit, changes=changes))


def _power(base: float, exponent: float) -> float:
    """``base ** exponent``; infinity where that is beyond every number."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def _pieces(rates: Sequence[float], ends: Sequence[float], day: float) -> float:
    total, begin = 0.0, 0.0
    for rate, end in zip(rates, [*ends, math.inf], strict=True):
        if day <= begin:
            break
        total += rate * (min(day, end) - begin)
        begin = end
    return total


def _pieces_inverse(rates: Sequence[float], ends: Sequence[float], hazard: float) -> float:
    begin = 0.0
    for rate, end in zip(rates, [*ends, math.inf], strict=True):
        room = rate * (end - begin) if rate > 0.0 else 0.0
        if hazard <= room and rate > 0.0:
            return begin + hazard / rate
        hazard -= room
        begin = end
    return math.inf


def _hazards(curve: SurvivalCurve) -> tuple[list[float], list[float]]:
    """A curve as a hazard that is constant between its points. Where survival reaches 0 everybody has had the event."""
    points = list(zip(curve.days, curve.survival, strict=True))
    rates = []
    for (before, share), (after, rest) in pairwise(points):
        rates.append(math.log(share / rest) / (after - before) if rest > 0.0 else _AT_ONCE if share > 0.0 else 0.0)
    last, rest = points[-1]
    tail = 0.0 if curve.plateau or rest == 0.0 else -math.log(rest) / last
    return [*rates, tail], list(curve.days[1:])


#: A hazard per day that stands for certainty: survival goes to 0 at the beginning of the piece.
_AT_ONCE = 1e9
