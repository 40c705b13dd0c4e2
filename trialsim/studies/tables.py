"""Twins and sweeps as text for a terminal. Everything is a rendering of what was run."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Mapping, Sequence
from typing import Any

from trialsim.studies.estimates import Estimate
from trialsim.studies.findings.judge import interval

Row = Mapping[str, Any]

_WIDTH = 116
_HEAD = ("arm", "relapsed, %", "days without relapse", "platelets < 50, %", "days gained", "averted of 100")


def twins_text(found: Row) -> str:
    """Every arm with its outcome, then who is saved and who is harmed."""
    lines = [_title(found), "", *columns([_HEAD, *arm_rows(found, found["arms"])]), ""]
    rows: list[tuple[str, ...]] = [("arm", "saved", "harmed", "relapse in both", "in neither")]
    rows += [
        (name, *(str(of[kind]) for kind in ("saved", "harmed", "relapse_in_both", "relapse_in_neither")))
        for name, of in found["contrasts"].items()
    ]
    return "\n".join([*lines, *columns(rows), "", _legend(found), *_unused(found)])


def sweep_text(found: Row) -> str:
    """Every point of a sweep with its arms; an arm that no value changed is told once."""
    points = found["points"]
    still = {arm for arm in points[0]["arms"] if len(points) > 1 and all(_same(arm, points[0], p) for p in points)}
    rows: list[Sequence[str]] = [(*("any" for _ in found["varied"]), *row) for row in arm_rows(points[0], still)]
    for point in points:
        rows += [(*point["values"].values(), *row) for row in arm_rows(point, set(point["arms"]) - still)]
    return "\n".join(
        [_title(found), "", *columns([(*found["varied"], *_HEAD), *rows]), "", _legend(points[0]), *_unused(found)]
    )


def _same(arm: str, first: Row, other: Row) -> bool:
    return all(first[key].get(arm) == other[key].get(arm) for key in ("arms", "contrasts"))


def arm_rows(found: Row, wanted: Container[str]) -> list[tuple[str, ...]]:
    """The outcome of the arms ``wanted`` and what each does more than the reference; a line of a table each."""
    rows: list[tuple[str, ...]] = []
    for name, arm in found["arms"].items():
        if name not in wanted:
            continue
        own = ("relapsed_percent", "relapse_free_days", "grade34_thrombocytopenia_percent")
        cells = [told(arm[key]) for key in own]
        against = found["contrasts"].get(name)
        gained = (
            ["reference", ""] if against is None else [told(against[k]) for k in ("days_gained", "relapses_averted")]
        )
        rows.append((name, *cells, *gained))
    return rows


def told(found: Mapping[str, float | None]) -> str:
    """An estimate of the results, with its interval."""
    return interval(Estimate(*(float("nan") if x is None else x for x in found.values())))


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines with the cells of a column under each other."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _title(found: Row) -> str:
    return f"{found['protocol']}: {found['patients']} patients, each under every arm (seed {found['seed']})"


def _legend(found: Row) -> str:
    return (
        f"Up to {found['months']:g} months; nobody is lost or dies of other causes. Days gained and relapses averted\n"
        f"are those of each patient against {found['reference']}. Intervals (95 %) tell the Monte-Carlo error alone."
    )


def _unused(found: Row) -> list[str]:
    """What the protocol sets to no effect here, and why."""
    reasons: dict[str, list[str]] = {}
    for key, why in found["unused"].items():
        reasons.setdefault(why, []).append(key)
    if not reasons:
        return []
    told = "; ".join(f"{', '.join(keys)} ({why})" for why, keys in reasons.items())
    return ["", *textwrap.wrap(f"Set in the protocol, without a part here: {told}.", _WIDTH)]
