"""Kaplan-Meier curves with their at-risk table.

The table is drawn inside the figure, on a second panel that shares the curves' own month axis, so its numbers
stand under their ticks at any width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trialsim.report.figure import (
    COMPACT_HEADING,
    MOST_STEPS,
    WIDE_HEADING,
    Figure,
    Key,
    Plotly,
    add_row_headings,
    axis,
    band_color,
    dash,
    heading,
    label_curves,
    line,
    new_layout,
    on_months,
    on_percent,
    series_color,
    some_of,
    split_at,
    text,
    text_color,
    thinned,
    title,
)
from trialsim.reported.analysis import ArmEstimates, ArmInSubgroup, AtRisk, CensorMarks

#: Below this share at risk a curve's tail is drawn grey.
TAIL_SHARE = 0.10
_ROW = 18
_LEFT = 76
_TABLE_ROWS = (("At risk", "at_risk"), ("Events", "events"), ("Censored", "censored"))

Arm = ArmEstimates | ArmInSubgroup


def kaplan_meier(
    name: str,
    arms: Mapping[str, Arm],
    labels: Mapping[str, str],
    endpoint: str,
    *,
    small: bool = False,
    limit: float | None = None,
    tau_months: float | None = None,
) -> Figure:
    """Curves, bands, censor ticks, median lines and the table under them.

    ``labels`` holds every arm of the trial in order, so an arm keeps its colour and line in every figure;
    ``small`` makes one of several panels; ``limit`` is the last month of the axis; ``tau_months`` the horizon
    of the restricted mean, drawn as a hairline.
    """
    limit = limit or last_month(arms.values())
    plot, gap, top, bottom = (210 if small else 370), 52, (30 if small else 34), 8
    rows = len(arms) * 4
    height = top + plot + gap + rows * _ROW + bottom
    inner = plot + gap + rows * _ROW
    layout = new_layout(height, left=_LEFT, right=16 if small else 176, top=top, bottom=bottom)
    months = next(iter(arms.values())).at_risk.months
    wide, narrow = some_of(months, 6 if small else 11), some_of(months, 6)
    span = (-(0.05 if small else 0.025) * limit, 1.02 * limit)
    layout["xaxis"] = axis(
        span, wide, showline=True, ticks="outside", ticklen=4, title=title("Months since randomisation")
    )
    layout["yaxis"] = axis((0, 103), range(0, 101, 25 if small else 20), domain=[(inner - plot) / inner, 1],
                           showgrid=True, gridcolor="@grid", ticksuffix="")  # fmt: skip
    layout["annotations"].append(heading(f"{text(endpoint)}, %"))
    figure = Figure(name, _alt(arms, labels, endpoint), layout=layout)
    figure.compact = {
        "margin": {"r": 10},
        "xaxis": {
            "range": [-0.05 * limit, 1.02 * limit],
            "tickvals": narrow,
            "ticktext": [f"{m:g}" for m in narrow],
        },
    }
    shortened = [_add_curve(figure, arms[arm], list(labels).index(arm), labels[arm], small) for arm in arms]
    _add_guides(figure, arms, limit, tau_months)
    _add_table(figure, arms, labels, rows * _ROW / inner, {"wide": wide, "compact": narrow}, small=small)
    if not small:
        colors = [text_color(list(labels).index(arm)) for arm in arms]
        ends = [100 * _last_firm(data) for data in arms.values()]
        label_curves(figure, [labels[arm] for arm in arms], colors, ends, plot=plot, width=22)
    if any(shortened):
        figure.note = f"Curves are drawn at {MOST_STEPS:,} of their steps; results.json has all of them."
    return figure


def last_month(arms: Iterable[Arm]) -> float:
    """The end of follow-up over some arms, in months; at least one."""
    return max([1.0, *(months[-1] for arm in arms for months in (arm.curve.months, arm.at_risk.months))])


def tail_start(arm: Arm) -> float | None:
    """The month from which fewer than 10 % of the arm are at risk, interpolated between the months of its table;
    None if that never happens or the arm is empty."""
    months, left = arm.at_risk.months, arm.at_risk.at_risk
    few = TAIL_SHARE * arm.n
    for place in range(1, len(months)):
        before, after = left[place - 1], left[place]
        if after < few <= before:
            share = (before - few) / (before - after)
            return float(months[place - 1] + share * (months[place] - months[place - 1]))
    return None


def _add_curve(figure: Figure, data: Arm, index: int, label: str, small: bool) -> bool:
    """Band, curve and censor ticks of one arm; returns whether steps were left out."""
    curve = data.curve
    columns, shortened = thinned(curve.months, curve.survival, curve.lower, curve.upper)
    months, tail = on_months(columns[0]), tail_start(data)
    before, after = split_at(months, on_percent(columns[1]), tail)
    _add_band(figure, months, columns[2:], tail, index, text(label))
    look: Plotly = {"step": True, "hovertemplate": "%{y:.1f}%"}
    figure.data.append(line(*before, series_color(index), dash(index), name=text(label), width=2.2, **look))
    if after[0]:
        name = f"{text(label)} (few at risk)"
        figure.data.append(line(*after, "@tail", dash(index), name=name, width=1.8, **look))
    if isinstance(data, ArmEstimates) and data.censor_marks.months and not small:
        figure.data.append(_ticks(data.censor_marks, series_color(index), text(label)))
    figure.keys.append(Key(label, series_color(index)[1:], dash(index)))
    return shortened


def _add_band(
    figure: Figure, months: list[float], sides: list[list[Any]], tail: float | None, index: int, label: str
) -> None:
    """Upper edge, then the lower edge filled up to it; steps without an interval carry the last one on."""
    fills: tuple[Plotly, ...] = ({}, {"fill": "tonexty", "fillcolor": band_color(index)})
    for name, values, fill in zip(("upper", "lower"), reversed(sides), fills, strict=True):
        known: list[float | None] = []
        for value in values:
            known.append(value if value is not None else (known[-1] if known else 1.0))
        edge, _ = split_at(months, on_percent(known), tail)
        look: Plotly = {"step": True, "width": 0, "hoverinfo": "skip", "name": f"{label}, {name} limit", **fill}
        figure.data.append(line(*edge, band_color(index), **look))


def _ticks(marks: CensorMarks, color: str, label: str) -> Plotly:
    columns, _ = thinned(marks.months, marks.survival)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": on_months(columns[0]),
        "y": on_percent(columns[1]),
        "marker": {"symbol": "line-ns", "size": 4, "color": color, "line": {"color": color, "width": 1}},
        "name": f"{label}, censored",
        "opacity": 0.75,
        "hoverinfo": "skip",
    }


def _add_guides(figure: Figure, arms: Mapping[str, Arm], limit: float, tau: float | None) -> None:
    """Median lines down to the axis, the horizon of the restricted mean, the greyed tail."""
    medians = [median for arm in arms.values() if (median := arm.median_months.estimate) is not None]
    if medians:
        x: list[float | None] = [0.0, max(medians)]
        y: list[float | None] = [50.0, 50.0]
        for median in medians:
            x, y = [*x, None, median, median], [*y, None, 50.0, 0.0]
        figure.data.append(line(x, y, "@muted", "dot", width=1, hoverinfo="skip", name="medians"))
    tails = [start for a in arms.values() if (start := tail_start(a)) is not None]
    if tails and min(tails) < limit:
        figure.layout["shapes"].append(
            {"type": "rect", "xref": "x", "yref": "y", "x0": min(tails), "x1": 1.02 * limit, "y0": 0, "y1": 103,
             "fillcolor": "@shade", "line": {"width": 0}, "layer": "below"}
        )  # fmt: skip
    if tau is not None and tau <= limit:
        figure.layout["shapes"].append(
            {"type": "line", "xref": "x", "yref": "y", "x0": tau, "x1": tau, "y0": 0, "y1": 103,
             "line": {"color": "@muted", "width": 1, "dash": "dash"}, "layer": "below"}
        )  # fmt: skip


def _add_table(
    figure: Figure,
    arms: Mapping[str, Arm],
    labels: Mapping[str, str],
    share: float,
    ticks: Mapping[str, list[float]],
    *,
    small: bool,
) -> None:
    rows = len(arms) * 4
    places = [number * 4 + 0.5 for number in range(len(arms))]
    colors = [text_color(list(labels).index(arm)) for arm in arms]
    width = COMPACT_HEADING if small else WIDE_HEADING
    add_row_headings(figure, [labels[arm] for arm in arms], places, colors, yref="y2", left=_LEFT, wide=width)
    values, names = [], []
    for first, (arm, data) in zip(places, arms.items(), strict=True):
        for offset, (words, key) in enumerate(_TABLE_ROWS, start=1):
            values.append(first + offset)
            names.append(words)
            figure.data += [
                _numbers(data.at_risk, (key, text(labels[arm])), first + offset, which, ticks[which]) for which in ticks
            ]
    spec = axis((rows, 0), values, names, domain=[0, share])
    spec["tickfont"] = {"size": 12, "color": "@muted"}
    spec["ticklabelstandoff"] = 8
    figure.layout["yaxis2"] = {**spec, "anchor": "x"}


def _numbers(table: AtRisk, what: tuple[str, str], row: float, which: str, ticks: list[float]) -> Plotly:
    key, label = what
    pairs = [(m, n) for m, n in zip(table.months, getattr(table, key), strict=True) if m in ticks]
    return {
        "type": "scatter",
        "mode": "text",
        "x": [m for m, _ in pairs],
        "y": [row] * len(pairs),
        "yaxis": "y2",
        "text": [f"{n:,}" for _, n in pairs],
        "name": f"{label}, {key.replace('_', ' ')}",
        "textfont": {"size": 12, "color": "@ink" if key == "at_risk" else "@muted"},
        "hoverinfo": "skip",
        "cliponaxis": False,
        "meta": which,
        "visible": which == "wide",
    }


def _last_firm(data: Arm) -> float:
    """The curve's height where its tail turns grey, or at its end."""
    tail, curve = tail_start(data), data.curve
    firm = [s for m, s in zip(curve.months, curve.survival, strict=True) if tail is None or m < tail]
    return float((firm[-1] if firm else curve.survival[-1]) or 0.0)


def _alt(arms: Mapping[str, Arm], labels: Mapping[str, str], endpoint: str) -> str:
    parts = [f"{labels[arm]}: {data.events} events in {data.n}" for arm, data in arms.items()]
    return f"Kaplan-Meier curves of {endpoint.lower()}. " + "; ".join(parts) + "."
