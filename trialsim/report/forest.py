"""The forest of subgroups as data: where each box, whisker, diamond and arrow stands, in percent of the width.

It is an HTML table whose cells hold small SVGs on one log scale, so it needs no script, wraps on a phone and
reads aloud row by row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trialsim.report.numbers import ABSENT, limits, p_text, ratio
from trialsim.reported.analysis import ArmComparison, ArmEstimates, ArmInSubgroup, SurvivalAnalysis
from trialsim.reported.limits import Limits

#: The widest scale; an interval beyond it gets an arrow.
_LOWEST, _HIGHEST = 0.2, 5.0
_TICKS = (0.1, 0.2, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class Row:
    """One row. ``x``, ``left``, ``right`` are percent of the scale's width; None where nothing can be drawn."""

    label: str
    reference_events: str
    arm_events: str
    estimate: str
    kind: str
    """``heading``, ``level`` or ``overall``."""
    x: float | None = None
    left: float | None = None
    right: float | None = None
    clipped_left: bool = False
    clipped_right: bool = False
    size: float = 9.0
    interaction: str = ""


@dataclass(frozen=True)
class Forest:
    """One comparison's forest."""

    arm_label: str
    reference_label: str
    arm_index: int
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    null: float


def forests(analysis: SurvivalAnalysis) -> list[Forest]:
    """One forest per comparison, all on one scale; empty when there are no subgroups."""
    if not analysis.subgroups:
        return []
    entries = [c for group in analysis.subgroups for level in group.levels for c in level.comparisons]
    scale = _limits([*entries, *(comparison.hazard_ratio for comparison in analysis.comparisons)])
    most = max([1, *(entry.events for entry in entries)])
    return [_forest(analysis, comparison, scale, most) for comparison in analysis.comparisons]


def _forest(analysis: SurvivalAnalysis, comparison: ArmComparison, scale: tuple[float, float], most: int) -> Forest:
    arm, reference = comparison.arm, comparison.reference
    rows: list[Row] = []
    for group in analysis.subgroups:
        own = next(test.p for test in group.interactions if test.arm == arm)
        rows.append(Row(group.label, "", "", "", "heading", interaction=p_text(own)))
        for level in group.levels:
            effect = next(c for c in level.comparisons if c.arm == arm)
            size = round(5.0 + 7.0 * math.sqrt(effect.events / most), 1)
            counts = level.arms[reference], level.arms[arm]
            rows.append(_row("level", level.label, counts, effect, scale, size))
    counts_of_all = analysis.arms[reference], analysis.arms[arm]
    rows.append(_row("overall", "All patients", counts_of_all, comparison.hazard_ratio, scale))
    return Forest(
        analysis.arms[arm].label,
        analysis.arms[reference].label,
        list(analysis.arms).index(arm),
        tuple(rows),
        tuple((_place(tick, scale), f"{tick:g}") for tick in _TICKS if scale[0] <= tick <= scale[1]),
        _place(1.0, scale),
    )


def _limits(entries: Sequence[Limits]) -> tuple[float, float]:
    """A scale around 1, symmetric in the logarithm, that holds the intervals up to the widest scale."""
    ends = [end for entry in entries for end in (entry.lower, entry.upper) if end]
    reach = min(1.06 * max([math.log(1.6), *(abs(math.log(end)) for end in ends)]), math.log(_HIGHEST))
    return max(_LOWEST, math.exp(-reach)), math.exp(reach)


def _place(value: float, scale: tuple[float, float]) -> float:
    low, high = map(math.log, scale)
    return round(100 * (math.log(value) - low) / (high - low), 2)


def _row(
    kind: str,
    label: str,
    counts: Sequence[ArmEstimates | ArmInSubgroup],
    hr: Limits,
    scale: tuple[float, float],
    size: float = 9.0,
) -> Row:
    control, treated = (f"{arm.events} / {arm.n}" for arm in counts)
    if not hr.estimate:
        return Row(label, control, treated, ABSENT, kind)
    low, high = scale
    return Row(
        label,
        control,
        treated,
        f"{ratio(hr.estimate)} ({limits(hr)})",
        kind,
        x=_place(min(max(hr.estimate, low), high), scale),
        left=_place(max(hr.lower or low, low), scale),
        right=_place(min(hr.upper or high, high), scale),
        clipped_left=not hr.lower or hr.lower < low,
        clipped_right=not hr.upper or hr.upper > high,
        size=size,
    )
