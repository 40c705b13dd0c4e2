"""What the figures have in common: one form, drawn by plotly in the page and by `static` without it.

A figure is a plain dict in plotly's JSON schema, so nothing here imports plotly; the tests validate it with
``plotly.graph_objects``. Every axis states its range and its ticks, so that both renderings agree. Traces whose
``meta`` is ``wide`` or ``compact``, and annotations whose ``name`` is, are shown only at that width.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trialsim.report.labels import fitted, text_width
from trialsim.report.theme import DASHES, SERIES

#: Curves with more steps are thinned to this many, and the caption says so.
MOST_STEPS = 1200
#: The right margin of a figure whose curves are named above it.
_BARE_MARGIN = 16
#: Height of a line of a label, and what is kept free around labels, in pixels.
_LABEL_LINE, _LABEL_GAP = 16, 4
#: Longest row heading, in characters, at full width and on a phone.
WIDE_HEADING, COMPACT_HEADING = 70, 40
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

Plotly = dict[str, Any]
"""A part of a figure in the JSON schema of plotly, whose keys are plotly's own."""


@dataclass(frozen=True)
class Key:
    """One entry of a figure's legend, drawn in HTML above it where direct labels have no room."""

    label: str
    color: str
    dash: str = "solid"
    width: float = 2.4
    symbol: str = ""


@dataclass
class Figure:
    """One figure: ``compact`` holds what the layout changes at phone width."""

    name: str
    alt: str
    data: list[Plotly] = field(default_factory=list)
    layout: Plotly = field(default_factory=dict)
    compact: Plotly = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    always_keyed: bool = False
    note: str = ""

    def plotly(self) -> Plotly:
        """The figure as plotly's JSON, colours still tokens."""
        return {"data": self.data, "layout": self.layout}

    def embedded(self) -> Plotly:
        """What the page stores: the figure and its compact layout."""
        return {"data": self.data, "layout": self.layout, "compact": self.compact}


def text(raw: str) -> str:
    """User text for plotly and SVG, which both read entities and neither of which may read tags."""
    return html.escape(raw, quote=False)


def wrapped(labels: Sequence[str], width: float, lines: int = 1) -> list[str]:
    """User texts that stand in one figure, each on a few lines, distinct (`trialsim.report.labels`), escaped."""
    return ["<br>".join(text(line) for line in label) for label in fitted(labels, width, lines)]


def series_token(index: int) -> str:
    """The colour of a series as the theme names it; from the seventh on colours come again, with other dashes."""
    return f"series-{index % SERIES}"


def series_color(index: int) -> str:
    return f"@{series_token(index)}"


def text_color(index: int) -> str:
    return f"@text-{index % SERIES}"


def band_color(index: int) -> str:
    return f"@band-{index % SERIES}"


def dash(index: int) -> str:
    """The dash of a series: no two of the first 36 share colour and dash."""
    return DASHES[(index + index // SERIES) % len(DASHES)]


def new_layout(height: int, *, left: int = 58, right: int = 16, top: int = 30, bottom: int = 48) -> Plotly:
    """An empty layout in the page's type, with no background of its own."""
    return {
        "height": height,
        "margin": {"l": left, "r": right, "t": top, "b": bottom, "pad": 0},
        "font": {"family": FONT, "size": 12, "color": "@muted"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "@page", "bordercolor": "@rule", "font": {"color": "@ink", "size": 12}},
        "dragmode": False,
        "shapes": [],
        "annotations": [],
    }


def axis(span: tuple[float, float], at: Sequence[float], labels: Sequence[str] | None = None, **more: Any) -> Plotly:
    """A linear axis with stated range and tick places."""
    names = [f"{tick:g}" for tick in at] if labels is None else list(labels)
    return {
        "range": list(span),
        "tickmode": "array",
        "tickvals": list(at),
        "ticktext": names,
        "showgrid": False,
        "showline": False,
        "ticks": "",
        "zeroline": False,
        "linecolor": "@rule",
        "tickcolor": "@rule",
        "tickfont": {"color": "@muted", "size": 12},
        "ticklabelstandoff": 3,
        "fixedrange": True,
        **more,
    }


def title(words: str) -> Plotly:
    return {"text": words, "standoff": 8, "font": {"size": 12, "color": "@muted"}}


def note(words: str, x: float, y: float, *, name: str = "", size: int = 12, color: str = "@muted", **more: Any) -> Any:
    """A text in the figure, without arrow; ``name`` ``wide`` or ``compact`` limits it to that width."""
    return {
        "text": words,
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "middle",
        "align": "left",
        "showarrow": False,
        "font": {"size": size, "color": color},
        **({"name": name} if name else {}),
        **more,
    }


def add_row_headings(
    figure: Figure,
    labels: Sequence[str],
    rows: Sequence[float],
    colors: Sequence[str],
    *,
    yref: str = "y",
    left: int = 0,
    more: Sequence[str] | None = None,
    wide: int = WIDE_HEADING,
) -> None:
    """A heading for each row, shorter where the figure is narrow; ``more`` follows it.

    ``left`` is how far left of the panel headings start: the figure's margin, for one that starts at its edge.
    """
    rests = more or [""] * len(labels)
    taken = max(text_width(rest) for rest in rests)
    for name, width in (("wide", wide), ("compact", COMPACT_HEADING)):
        shown = zip(wrapped(labels, width - taken), rows, colors, rests, strict=True)
        for words, row, color, rest in shown:
            place: Plotly = {"yref": yref, "color": color, "xshift": -left}
            figure.layout["annotations"].append(note(f"<b>{words}</b>{rest}", 0, row, name=name, **place))


def label_curves(
    figure: Figure, labels: Sequence[str], colors: Sequence[str], ends: Sequence[float], *, plot: int, width: float
) -> None:
    """Each curve's name beside its end, moved apart where they would meet; the legend above where there is no room.

    ``plot`` is the panel's height in pixels, ``width`` that of the room beside it in characters. A name that has to be
    cut stands in full in the legend too.
    """
    names = wrapped(labels, width, 3)
    low, high = figure.layout["yaxis"]["range"]
    apart = [(_LABEL_LINE * (name.count("<br>") + 1) + _LABEL_GAP) / plot * (high - low) for name in names]
    figure.always_keyed |= any(
        name.replace("<br>", " ") != text(" ".join(raw.split())) for name, raw in zip(names, labels, strict=True)
    )
    if sum(apart) > high - low or len(labels) > SERIES:
        figure.always_keyed = True
        figure.layout["margin"]["r"] = _BARE_MARGIN
        return
    for name, color, height in zip(names, colors, spread(ends, apart, low, high), strict=True):
        figure.layout["annotations"].append(note(name, 1, height, name="wide", color=color, yref="y", xshift=8))


def heading(words: str) -> Any:
    """What the vertical axis shows, upright above it: rotated text is hard to read."""
    return note(words, 0, 1, yanchor="bottom", yshift=8, xshift=0)


def line(x: Sequence[float | None], y: Sequence[float | None], color: str, style: str = "solid", **more: Any) -> Plotly:
    """A line trace; ``step=True`` holds each value until the next time."""
    step = more.pop("step", False)
    width = more.pop("width", 2)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(x),
        "y": list(y),
        "line": {"color": color, "width": width, "dash": style, "shape": "hv" if step else "linear"},
        **more,
    }


def month_ticks(limit: float, most: int) -> list[float]:
    """At most ``most`` ticks from 0 on, a round number of months apart."""
    for step in (1, 2, 3, 6, 12, 24, 36, 60, 120, 240):
        if limit / step < most:
            return [float(step * i) for i in range(int(limit / step + 1e-9) + 1)]
    return [0.0, limit]


def some_of(months: Sequence[float], most: int) -> list[float]:
    """Months of a table that are kept as ticks: every k-th, with k so that at most ``most`` remain.

    A yearly or half-yearly rhythm is preferred to a tighter one.
    """
    strides = [k for k in range(1, len(months) + 1) if math.ceil(len(months) / k) <= most] or [1]
    gap = months[1] - months[0] if len(months) > 1 else 1.0
    round_ones = [k for k in strides[:4] if (k * gap) % 12 == 0 or 12 % (k * gap) == 0]
    return list(months[:: (round_ones or strides)[0]])


def spread(heights: Sequence[float], apart: Sequence[float], low: float, high: float) -> list[float]:
    """Label heights moved as little as needed so that neighbours stay apart and inside [low, high].

    ``apart`` holds each label's own height, in the units of ``heights``.
    """
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = dict.fromkeys(order, 0.0)
    floor = low
    for i in order:
        placed[i] = max(heights[i], floor + apart[i] / 2)
        floor = placed[i] + apart[i] / 2
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling - apart[i] / 2)
        ceiling = placed[i] - apart[i] / 2
    return [placed[i] for i in range(len(heights))]


def thinned(times: Sequence[float], *series: Sequence[float | None]) -> tuple[list[list[Any]], bool]:
    """Times and series with at most :data:`MOST_STEPS` points, evenly chosen with both ends, and whether any
    were left out."""
    count = len(times)
    if count <= MOST_STEPS:
        return [list(times), *(list(s) for s in series)], False
    keep = sorted({round(i * (count - 1) / (MOST_STEPS - 1)) for i in range(MOST_STEPS)})
    return [[values[i] for i in keep] for values in (times, *series)], True


def split_at(
    months: Sequence[float], values: Sequence[float | None], tail: float | None
) -> tuple[tuple[list[float], list[float | None]], tuple[list[float], list[float | None]]]:
    """A step curve before and after the month ``tail``, both meeting there; the second part may be empty."""
    cut = sum(month < tail for month in months) if tail is not None else len(months)
    if tail is None or cut in (0, len(months)):
        return (list(months), list(values)), ([], [])
    hold, at = values[cut - 1], round(tail, 3)
    return ([*months[:cut], at], [*values[:cut], hold]), ([at, *months[cut:]], [hold, *values[cut:]])


def on_percent(values: Sequence[float | None]) -> list[float | None]:
    return [None if v is None else round(100 * v, 2) for v in values]


def on_months(values: Sequence[float]) -> list[float]:
    return [round(v, 3) for v in values]
