"""The page of a run of the findings, from its saved results and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trialsim.report.page import environment, page_style
from trialsim.report.tables import Table
from trialsim.reported.studies import FindingResult, FindingsRun, MeasureResult

#: A rail shows this much more than it must, as a share of its span.
_MARGIN = 0.15
#: From this ratio of its ends on, a rail of positive numbers is logarithmic.
_LOG_FROM = 20.0


@dataclass(frozen=True)
class Rail:
    """A measure drawn against its window; places are per cent of the width."""

    window_left: float
    window_right: float
    left: float
    right: float
    at: float


def findings_page(saved: FindingsRun, command: str) -> str:
    """The page, as HTML; ``saved`` is what findings.json holds."""
    findings = saved.findings
    return (
        environment()
        .get_template("findings.html.j2")
        .render(
            saved=saved,
            short=[f.id for f in findings if f.result != "pass"],
            rail_of=rail,
            groups=_groups,
            set_by=_table_of(findings, "set_here", "Chosen by looking at how the re-run came out"),
            built_in=_table_of(findings, "rests_on", "Numbers of the library with the same paper for a source"),
            command=command,
            style=page_style(),
        )
    )


def _table_of(findings: Sequence[FindingResult], key: str, caption: str) -> Table:
    rows = tuple((f.id, item.parameter, item.value, item.where, item.why) for f in findings for item in getattr(f, key))
    return Table(caption, ("Finding", "Number", "Value", "Where", "Why"), rows, wide_text=True)


def _groups(finding: FindingResult) -> Table:
    rows = tuple(
        (name, group.protocol, group.arm, f"{group.subjects:,}", ", ".join(group.set) or "as written")
        for name, group in finding.groups.items()
    )
    return Table("Groups", ("Group", "Protocol", "Arm", "Subjects", "Set"), rows, wide_text=True)


def rail(row: MeasureResult) -> Rail | None:
    """Where a judged measure lies against its window; None where there is nothing to draw."""
    if row.rule is None:
        return None
    kind, *bounds = row.rule
    value, lower, upper = row.simulated.value, row.simulated.lower, row.simulated.upper
    finite = [x for x in (value, lower, upper, *bounds) if isinstance(x, (int, float))]
    if not isinstance(value, (int, float)):
        return None
    low, high = min(finite), max(finite)
    scale = math.log if low > 0.0 and high > _LOG_FROM * low else float
    margin = _MARGIN * ((scale(high) - scale(low)) or abs(scale(high)) or 1.0)
    begin, end = scale(low) - margin, scale(high) + margin

    def place(x: float | str | None, otherwise: float) -> float:
        return round(100.0 * (scale(x) - begin) / (end - begin), 2) if isinstance(x, (int, float)) else otherwise

    first = place(bounds[0], 0.0)
    window = {"below": (0.0, first), "above": (first, 100.0), "at_least": (first, 100.0), "holds": (first, first)}
    left, right = window.get(str(kind)) or (first, place(bounds[-1], 100.0))
    return Rail(left, right, place(lower, 0.0), place(upper, 100.0), place(value, 50.0))
