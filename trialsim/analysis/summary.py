"""The short form of an analysis: what summary.json and ``analyse --json`` hold."""

from __future__ import annotations

from typing import Any

_RATIO = ("estimate", "lower", "upper", "p")
_TEST = ("chisq", "z", "p")
_COMPARISON = {
    "hazard_ratio": _RATIO,
    "unstratified_hazard_ratio": _RATIO,
    "logrank": _TEST,
    "stratified_logrank": _TEST,
    "rmst_difference": ("tau", "estimate", "se", "lower", "upper", "p"),
    "maxcombo": ("p",),
    "proportional_hazards": ("p",),
}
#: Left out where the data have no strata: there they say nothing new.
_OF_STRATA = ("unstratified_hazard_ratio", "stratified_logrank")


def summarise(analysis: dict[str, Any]) -> dict[str, Any]:
    """The summary, as far as an analysis can tell it.

    Medians are in months, RMST in days; ``rfs_percent`` is keyed by the landmark's month. Each comparison begins with
    its ``conclusion``; ``hazard_ratio`` is of the planned model, by strata where the planned test is, and beside it
    stand the tests and the unstratified hazard ratio by their names.
    """
    return {
        "reference": analysis["reference"],
        "notes": analysis["notes"],
        "departures": [departure["words"] for departure in analysis["departures"]],
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
        "rfs_percent": {row["key"]: _percent(row["estimate"]) for row in arm["landmarks"]},
    }


def _comparison(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "arm": row["arm"],
        "reference": row["reference"],
        "conclusion": row["conclusion"],
        "strata": row["strata"],
        **{
            name: {key: row[name][key] for key in keys}
            for name, keys in _COMPARISON.items()
            if row["stratified_logrank"] is not None or name not in _OF_STRATA
        },
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
