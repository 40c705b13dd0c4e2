"""The short form of an analysis: what summary.json and ``analyse --json`` hold."""

from __future__ import annotations

from typing import Any

_COMPARISON = {
    "hazard_ratio": ("estimate", "lower", "upper", "p"),
    "logrank": ("chisq", "z", "p"),
    "rmst_difference": ("tau", "estimate", "se", "lower", "upper", "p"),
    "maxcombo": ("p",),
    "proportional_hazards": ("p",),
}


def summarise(analysis: dict[str, Any]) -> dict[str, Any]:
    """``arms``, ``comparisons`` and ``overall`` of the summary, as far as an analysis can tell them.

    Medians are in months, RMST in days; ``rfs_percent`` is keyed by the landmark's month. When the plan
    asked for a stratified test, ``logrank`` is still the plain one.
    """
    return {
        "arms": {name: _arm(arm) for name, arm in analysis["arms"].items()},
        "comparisons": [_comparison(row) for row in analysis["comparisons"]],
        "overall": _arm({"label": "all patients", **analysis["overall"]}),
    }


def _arm(arm: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": arm["label"],
        "randomised": arm["n"],
        "events": arm["events"],
        "median_rfs_months": arm["median_months"]["estimate"],
        "rfs_percent": {month_key(row["months"]): _percent(row["estimate"]) for row in arm["landmarks"]},
    }


def _comparison(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "arm": row["arm"],
        "reference": row["reference"],
        **{name: {key: row[name][key] for key in keys} for name, keys in _COMPARISON.items()},
    }


def month_key(months: float) -> str:
    """A landmark's name: 36 for 1095.75 days, 32.9 for 1000 days."""
    return f"{round(months, 1):g}"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
