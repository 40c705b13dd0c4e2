"""Twins and sweeps as text for a terminal. Everything is a rendering of what was run."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Sequence

from trialsim.reported.studies import SavedEstimate, StudyRun, SweepPoint, SweepRun, TwinsRun
from trialsim.studies.findings.judge import saved_interval
from trialsim.text_table import columns

_WIDTH = 100
_HEAD = ("arm", "relapsed, %", "days without relapse", "platelets < 50, %", "days gained", "averted of 100")


def twins_text(found: TwinsRun) -> str:
    """Every arm with its outcome, then who is saved and who is harmed."""
    kinds: list[tuple[str, ...]] = [("arm", "saved", "harmed", "relapse in both", "in neither")]
    for name, of in found.contrasts.items():
        kinds.append((name, *map(str, (of.saved, of.harmed, of.relapse_in_both, of.relapse_in_neither))))
    tables = ["", *columns([_HEAD, *arm_rows(found, found.arms)]), "", *columns(kinds), ""]
    return "\n".join([_title(found), *tables, _legend(found), *_unused(found)])


def sweep_text(found: SweepRun) -> str:
    """Every point of a sweep with its arms; an arm that no value changed is told once."""
    points = found.points
    still = {arm for arm in points[0].arms if len(points) > 1 and all(_same(arm, points[0], p) for p in points)}
    rows: list[Sequence[str]] = [(*("any" for _ in found.varied), *row) for row in arm_rows(points[0], still)]
    for point in points:
        rows += [(*point.values.values(), *row) for row in arm_rows(point, set(point.arms) - still)]
    table = columns([(*found.varied, *_HEAD), *rows])
    return "\n".join([_title(found), "", *table, "", _legend(points[0]), *_unused(found)])


def _same(arm: str, first: SweepPoint, other: SweepPoint) -> bool:
    return first.arms.get(arm) == other.arms.get(arm) and first.contrasts.get(arm) == other.contrasts.get(arm)


def arm_rows(found: TwinsRun | SweepPoint, wanted: Container[str]) -> list[tuple[str, ...]]:
    """The outcome of the arms ``wanted`` and what each does more than the reference; a line of a table each."""
    rows: list[tuple[str, ...]] = []
    for name, arm in found.arms.items():
        if name not in wanted:
            continue
        own: list[SavedEstimate] = [arm.relapsed_percent, arm.relapse_free_days, arm.grade34_thrombocytopenia_percent]
        against = found.contrasts.get(name)
        own += [] if against is None else [against.days_gained, against.relapses_averted]
        rows.append((name, *map(saved_interval, own), *(("reference", "") if against is None else ())))
    return rows


def _title(found: StudyRun) -> str:
    return f"{found.protocol}: {found.patients} patients, each under every arm (seed {found.seed})"


def _legend(found: TwinsRun | SweepPoint) -> str:
    return (
        f"Up to {found.months:g} months; nobody is lost or dies of other causes. Days gained and relapses averted\n"
        f"are those of each patient against {found.reference}. Intervals (95 %) tell the Monte-Carlo error alone."
    )


def _unused(found: StudyRun) -> list[str]:
    """What the protocol sets to no effect here, and why."""
    reasons: dict[str, list[str]] = {}
    for key, why in found.unused.items():
        reasons.setdefault(why, []).append(key)
    if not reasons:
        return []
    told = "; ".join(f"{', '.join(keys)} ({why})" for why, keys in reasons.items())
    return ["", *textwrap.wrap(f"Set in the protocol, without a part here: {told}.", _WIDTH)]
