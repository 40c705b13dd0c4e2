"""The regimens: one row per agent and arm, a mark per administration, weeks since randomisation."""

from __future__ import annotations

import math

from trialsim.report.estimand import dose_text
from trialsim.report.figure import (
    Figure,
    Plotly,
    add_row_headings,
    axis,
    new_layout,
    note,
    series_color,
    text,
    text_color,
    title,
    wrapped,
)
from trialsim.report.labels import text_width
from trialsim.spec.resolved import Order, ResolvedProtocol

_ROW = 29
#: Longest line of an agent's name, in characters.
_LABEL = 16.5
#: Width of a character in pixels, of names and of doses.
_CHARACTER, _SMALL_CHARACTER = 7.2, 6.5


def regimen_timeline(protocol: ResolvedProtocol) -> Figure | None:
    """Every arm's administrations; None when no arm gives anything.

    What an arm shares with the reference arm is drawn in grey, what it adds in the arm's own colour.
    """
    arms = protocol.arms
    last = max((day for arm in arms.values() for order in arm.orders for day in order.days), default=None)
    if last is None:
        return None
    weeks = (last + 7) / 7
    labels = {order.agent: _label(protocol, order) for arm in arms.values() for order in arm.orders}
    short = dict(zip(labels, wrapped(list(labels.values()), _LABEL, 2), strict=True))
    left = 14 + round(_CHARACTER * max(min(text_width(label), _LABEL) for label in labels.values()))
    doses = max(text_width(dose_words(order)) for arm in arms.values() for order in arm.orders)
    rows = sum(1 + max(1, len(arm.orders)) for arm in arms.values())
    layout = new_layout(60 + rows * _ROW, left=left, right=20 + round(_SMALL_CHARACTER * doses), top=6, bottom=48)
    layout["hovermode"] = "closest"
    ticks = _week_ticks(weeks)
    layout["xaxis"] = axis((-0.01 * weeks, 1.01 * weeks), ticks, showline=True, showgrid=True, gridcolor="@grid",
                           ticks="outside", ticklen=4, title=title("Weeks since randomisation"))  # fmt: skip
    narrow = ticks[:: math.ceil(len(ticks) / 7)]
    figure = Figure("regimens", _alt(protocol), layout=layout)
    figure.compact = {"margin": {"r": 8}, "xaxis": {"tickvals": narrow, "ticktext": [f"{t:g}" for t in narrow]}}
    shared = {_signature(order) for order in next(iter(arms.values())).orders}
    places: list[tuple[float, str]] = []
    at = 0.0
    heads: list[float] = []
    for index, arm in enumerate(arms.values()):
        heads.append(at + 0.5)
        if not arm.orders:
            layout["annotations"].append(note("no treatment", 0, at + 1.5, yref="y", xshift=8))
        for offset, order in enumerate(arm.orders, start=1):
            here = at + offset + 0.5
            color = series_color(index) if index and _signature(order) not in shared else "@muted"
            figure.data.append(_row(order, labels[order.agent], here, color))
            places.append((here, short[order.agent]))
            layout["annotations"].append(note(dose_words(order), 1, here, yref="y", name="wide", size=11, xshift=10))
        at += 1 + max(1, len(arm.orders))
    colors = [text_color(index) for index in range(len(arms))]
    add_row_headings(figure, [arm.label for arm in arms.values()], heads, colors, left=left)
    layout["yaxis"] = axis((at, 0), [place for place, _ in places], [name for _, name in places])
    return figure


def _label(protocol: ResolvedProtocol, order: Order) -> str:
    return protocol.agents[order.agent].label if order.agent in protocol.agents else order.agent


def _week_ticks(weeks: float) -> list[float]:
    step = next((s for s in (1, 2, 4, 8, 12, 26, 52, 104) if weeks / s <= 14), math.ceil(weeks / 14))
    return [float(step * i) for i in range(int(weeks / step) + 1)]


def dose_words(order: Order) -> str:
    """``60 mg/m² × 4``, and whether something decides on it."""
    return f"{dose_text(order)} × {len(order.days)}" + (", if positive" if order.give_if else "")


def _signature(order: Order) -> tuple[object, ...]:
    return (order.agent, order.dose, order.days)


def _row(order: Order, label: str, at: float, color: str) -> Plotly:
    hover = [f"{text(label)} {dose_text(order)}, day {day + 1:g}" for day in order.days]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [round(day / 7, 3) for day in order.days],
        "y": [at] * len(order.days),
        "marker": {"symbol": "line-ns", "size": 9, "color": color, "line": {"color": color, "width": 2}},
        "text": hover,
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
    }


def _alt(protocol: ResolvedProtocol) -> str:
    arms = [
        f"{arm.label}: " + (", ".join(order.agent for order in arm.orders) or "no treatment")
        for arm in protocol.arms.values()
    ]
    return "Administrations by arm and agent over weeks since randomisation. " + "; ".join(arms) + "."
