"""Cumulative incidences: relapse and competing death, and each cause of relapse with all else competing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trialsim.report.figure import (
    MOST_STEPS,
    Figure,
    Key,
    Plotly,
    axis,
    heading,
    label_curves,
    line,
    month_ticks,
    new_layout,
    on_months,
    on_percent,
    split_at,
    text,
    thinned,
    title,
)
from trialsim.reported.analysis import CauseOfRelapse, IncidenceSteps

#: Round tops of an incidence axis, each a multiple of four steps.
_TOPS = (0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.32, 0.4, 0.48, 0.6, 0.8, 1.0)


#: Heights of the figure and of its panel, in pixels; of one of several, the figure's.
_HEIGHT, _PLOT, _SMALL = 360, 278, 210


@dataclass(frozen=True)
class Curve:
    """One incidence; ``tail`` is the month from which few patients are at risk."""

    label: str
    color: str
    dash: str
    width: float
    steps: IncidenceSteps | CauseOfRelapse
    tail: float | None = None

    @property
    def last_firm(self) -> float:
        """The incidence where the tail turns grey, or at the end."""
        steps = zip(self.steps.months, self.steps.estimate, strict=True)
        firm = [value for month, value in steps if self.tail is None or month < self.tail]
        return firm[-1] if firm else 0.0


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

    ``ceiling`` is the top of the axis as a fraction, so that panels can share one. The axis fits what more than a
    few patients support; a jump in the greyed tail may leave it.
    """
    top = ceiling or highest(curves)
    layout = new_layout(_SMALL if small else _HEIGHT, left=44, right=14 if small else 214, top=14 if small else 34)
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
    for curve in curves:
        columns, cut = thinned(curve.steps.months, curve.steps.estimate)
        shortened |= cut
        before, after = split_at(on_months(columns[0]), on_percent(columns[1]), curve.tail)
        look: Plotly = {
            "step": True,
            "width": curve.width,
            "name": text(curve.label),
            "hovertemplate": "%{y:.1f}%",
        }
        figure.data.append(line(*before, f"@{curve.color}", curve.dash, **look))
        if after[0]:
            figure.data.append(line(*after, "@tail", curve.dash, **look))
        figure.keys.append(Key(curve.label, curve.color, curve.dash, curve.width))
    if not small:
        label_curves(
            figure,
            [curve.label for curve in curves],
            [f"@{curve.color.replace('series', 'text')}" for curve in curves],
            [100 * curve.last_firm for curve in curves],
            plot=_PLOT,
            width=28,
        )
    if shortened:
        figure.note = f"Curves are drawn at {MOST_STEPS:,} of their steps; results.json has all of them."
    return figure


def highest(curves: Iterable[Curve]) -> float:
    """A round top for an axis that holds these incidences, as a fraction: 4 %, 8 %, ... 100 %."""
    peak = max((curve.last_firm for curve in curves), default=0.0)
    return next(top for top in _TOPS if peak <= top or top == 1.0)
