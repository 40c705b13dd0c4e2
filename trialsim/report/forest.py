"""The forest of subgroups as data: where each box, whisker, diamond and arrow stands, in percent of the width.

It is an HTML table whose cells hold small SVGs on one log scale, so it needs no script, wraps on a phone and
reads aloud row by row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsim.report.numbers import ABSENT, between, p_text, ratio

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


def forests(analysis: Mapping[str, Any]) -> list[Forest]:
    """One forest per comparison, all on one scale; empty when there are no subgroups."""
    if not analysis.get("subgroups"):
        return []
    entries = [c for group in analysis["subgroups"] for level in group["levels"] for c in level["comparisons"]]
    scale = _limits([*entries, *(comparison["hazard_ratio"] for comparison in analysis["comparisons"])])
    most = max([1, *(entry.get("events") or 0 for entry in entries)])
    return [_forest(analysis, comparison, scale, most) for comparison in analysis["comparisons"]]


def _forest(
    analysis: Mapping[str, Any], comparison: Mapping[str, Any], scale: tuple[float, float], most: int
) -> Forest:
    arm, reference = comparison["arm"], comparison["reference"]
    low, high = scale
    rows: list[Row] = []
    for group in analysis["subgroups"]:
        own = next(test["p"] for test in group["interactions"] if test["arm"] == arm)
        rows.append(Row(group["label"], "", "", "", "heading", interaction=p_text(own)))
        for level in group["levels"]:
            rows.append(_level(level, _find(level, arm), arm, reference, scale, most))
    rows.append(_overall(analysis, comparison, scale))
    ticks = tuple((_place(t, low, high), f"{t:g}") for t in _TICKS if low <= t <= high)
    return Forest(
        analysis["arms"][arm]["label"],
        analysis["arms"][reference]["label"],
        list(analysis["arms"]).index(arm),
        tuple(rows),
        ticks,
        _place(1.0, low, high),
    )


def _find(level: Mapping[str, Any], arm: str) -> Mapping[str, Any] | None:
    return next((c for c in level["comparisons"] if c["arm"] == arm), None)


def _limits(entries: list[Mapping[str, Any]]) -> tuple[float, float]:
    """A scale around 1, symmetric in the logarithm, that holds the intervals up to the widest scale."""
    reach = math.log(1.6)
    for entry in entries:
        for key in ("lower", "upper"):
            if entry.get(key):
                reach = max(reach, abs(math.log(entry[key])))
    reach = min(reach * 1.06, math.log(_HIGHEST))
    return max(_LOWEST, math.exp(-reach)), math.exp(reach)


def _place(value: float, low: float, high: float) -> float:
    return round(100 * (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)), 2)


def _level(
    level: Mapping[str, Any],
    entry: Mapping[str, Any] | None,
    arm: str,
    reference: str,
    scale: tuple[float, float],
    most: int,
) -> Row:
    counts = [_events(level["arms"].get(name)) for name in (reference, arm)]
    estimate = entry.get("hr") if entry else None
    if entry is None or not estimate:
        return Row(level["label"], counts[0], counts[1], ABSENT, "level")
    size = 5.0 + 7.0 * math.sqrt((entry.get("events") or 0) / most)
    return Row(
        level["label"],
        counts[0],
        counts[1],
        _words(estimate, entry["lower"], entry["upper"]),
        "level",
        size=round(size, 1),
        **_span(estimate, entry["lower"], entry["upper"], scale),
    )


def _overall(analysis: Mapping[str, Any], comparison: Mapping[str, Any], scale: tuple[float, float]) -> Row:
    hr = comparison["hazard_ratio"]
    counts = [_events(analysis["arms"][comparison[key]]) for key in ("reference", "arm")]
    if not hr["estimate"]:
        return Row("All patients", counts[0], counts[1], ABSENT, "overall")
    span = _span(hr["estimate"], hr["lower"], hr["upper"], scale)
    return Row(
        "All patients",
        counts[0],
        counts[1],
        _words(hr["estimate"], hr["lower"], hr["upper"]),
        "overall",
        **span,
    )


def _events(arm: Mapping[str, Any] | None) -> str:
    return f"{arm['events']} / {arm['n']}" if arm else "–"


def _words(estimate: float, lower: float | None, upper: float | None) -> str:
    return f"{ratio(estimate)} ({between(lower, upper)})"


def _span(estimate: float, lower: float | None, upper: float | None, scale: tuple[float, float]) -> dict[str, Any]:
    low, high = scale
    inside = min(max(estimate, low), high)
    return {
        "x": _place(inside, low, high),
        "left": _place(max(lower or low, low), low, high),
        "right": _place(min(upper or high, high), low, high),
        "clipped_left": not lower or lower < low,
        "clipped_right": not upper or upper > high,
    }
