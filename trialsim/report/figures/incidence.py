"""Cumulative incidences: relapse against death, and each cause of relapse against all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialsim.report.figure import (
    MOST_STEPS,
    Figure,
    Key,
    axis,
    heading,
    line,
    month_ticks,
    new_layout,
    note,
    on_months,
    on_percent,
    spread,
    text,
    thinned,
    title,
    wrapped,
)

#: Label, colour token, dash, line width, and the steps: {months, estimate}.
Curve = tuple[str, str, str, float, Mapping[str, Sequence[float]]]

#: Round tops of an incidence axis, each a multiple of four steps.
_TOPS = (0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.28, 0.32, 0.4, 0.48, 0.6, 0.8, 1.0)


def incidence(
    name: str,
    curves: Sequence[Curve],
    what: str,
    limit: float,
    *,
    ceiling: float | None = None,
    small: bool = False,
) -> Figure:
    """Cumulative incidences (Aalen-Johansen) as steps.

    ``ceiling`` is the top of the axis as a
    fraction, so that panels can share one.
    """
    top = ceiling or highest(curve for *_, curve in curves)
    layout = new_layout(210 if small else 360, left=44, right=14 if small else 214, top=14 if small else 34)
    layout["xaxis"] = axis((0, 1.02 * limit), month_ticks(limit, 6 if small else 11), showline=True, ticks="outside",
                           ticklen=4, title=title("Months since randomisation" if not small else "Months"))  # fmt: skip
    step = 100 * top / 4
    layout["yaxis"] = axis((0, 103 * top), [step * i for i in range(5)], showgrid=True, gridcolor="@grid")
    narrow = month_ticks(limit, 7)
    figure = Figure(name, f"Cumulative incidence of {what}.", layout=layout)
    if not small:
        layout["annotations"].append(heading("Cumulative incidence, %"))
        figure.compact = {
            "margin": {"l": 40, "r": 10},
            "xaxis": {"tickvals": narrow, "ticktext": [f"{m:g}" for m in narrow]},
        }
    shortened = False
    for label, color, style, width, curve in curves:
        columns, cut = thinned(curve["months"], curve["estimate"])
        shortened |= cut
        months, values = on_months(columns[0]), on_percent(columns[1])
        if not months:
            months, values = [0.0, limit], [0.0, 0.0]
        figure.data.append(
            line(
                months, values, f"@{color}", style, step=True, width=width, name=text(label), hovertemplate="%{y:.1f}%"
            )
        )
        figure.keys.append(Key(label, color, style, width))
    if not small:
        _label_incidences(figure, curves, top)
    if shortened:
        figure.note = f"Curves are drawn at {MOST_STEPS:,} of their steps; results.json has all of them."
    return figure


def _label_incidences(figure: Figure, curves: Sequence[Curve], top: float) -> None:
    names = [wrapped(label, 30) for label, *_ in curves]
    ends = [100 * (curve["estimate"][-1] if curve["estimate"] else 0.0) for *_, curve in curves]
    apart = [(16 * (name.count("<br>") + 1) + 4) / 278 * 103 * top for name in names]
    heights = spread(ends, apart, -6 * top, 103 * top)
    for (_, color, _, _, _), name, height in zip(curves, names, heights, strict=True):
        figure.layout["annotations"].append(
            note(name, 1, height, name="wide", color=f"@{color.replace('series', 'text')}", yref="y", xshift=8)
        )


def highest(curves: Any) -> float:
    """A round top for an axis that holds these incidences, as a fraction: 4 %, 10 %, 20 %, ... 100 %."""
    peak = max((curve["estimate"][-1] for curve in curves if curve["estimate"]), default=0.0)
    return next(top for top in _TOPS if peak <= top or top == 1.0)
