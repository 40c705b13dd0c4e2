"""The regimens: one row per agent and arm, a mark per administration, weeks since randomisation."""

from __future__ import annotations

import math

from trialsim.report.estimand import dose_text
from trialsim.report.figure import (
    Figure,
    Trace,
    axis,
    new_layout,
    note,
    row_heading,
    series_color,
    text,
    text_color,
    title,
    wrapped,
)
from trialsim.spec.resolved import Order, ResolvedProtocol

_ROW = 29
#: Left margins, wide and compact.
_LEFT = (132, 116)


def regimen_timeline(protocol: ResolvedProtocol) -> Figure | None:
    """Every arm's administrations; None when no arm gives anything.

    What an arm shares with the reference arm is drawn in grey, what it adds in the arm's own colour.
    """
    arms = protocol.arms
    last = max((day for arm in arms.values() for order in arm.orders for day in order.days), default=None)
    if last is None:
        return None
    weeks = (last + 7) / 7
    rows = sum(1 + max(1, len(arm.orders)) for arm in arms.values())
    layout = new_layout(34 + rows * _ROW + 26, left=_LEFT[0], right=150, top=6, bottom=48)
    layout["hovermode"] = "closest"
    step = next(s for s in (1, 2, 4, 8, 12, 26, 52, 104) if weeks / s <= 14)
    ticks = [float(step * i) for i in range(int(weeks / step) + 1)]
    layout["xaxis"] = axis((-0.01 * weeks, 1.01 * weeks), ticks, showline=True, showgrid=True, gridcolor="@grid",
                           ticks="outside", ticklen=4, title=title("Weeks since randomisation"))  # fmt: skip
    figure = Figure("regimens", _alt(protocol), layout=layout)
    at, places, names, short = 0.0, [], [], []
    shared = _signatures(next(iter(arms.values())).orders)
    for index, arm in enumerate(arms.values()):
        layout["annotations"] += row_heading(wrapped(arm.label, 40, 1), at + 0.5, "y", text_color(index), _LEFT)
        if not arm.orders:
            layout["annotations"].append(note("no treatment", 0, at + 1.5, yref="y", xshift=8))
        for offset, order in enumerate(arm.orders, start=1):
            color = series_color(index) if index and _signature(order) not in shared else "@muted"
            label = protocol.agents[order.agent].label if order.agent in protocol.agents else order.agent
            figure.data.append(_row(order, label, at + offset + 0.5, color))
            places.append(at + offset + 0.5)
            names.append(wrapped(label, 17, 2))
            short.append(wrapped(label, 16, 2))
            layout["annotations"].append(
                note(dose_words(order), 1, at + offset + 0.5, yref="y", name="wide", size=11, xshift=10)
            )
        at += 1 + max(1, len(arm.orders))
    layout["yaxis"] = axis((at, 0), places, names)
    narrow = ticks[:: math.ceil(len(ticks) / 7)]
    figure.compact = {
        "margin": {"l": _LEFT[1], "r": 8},
        "xaxis": {"tickvals": narrow, "ticktext": [f"{t:g}" for t in narrow]},
        "yaxis": {"ticktext": short},
    }
    return figure


def dose_words(order: Order) -> str:
    """``60 mg/m² × 4``."""
    return f"{dose_text(order)} × {len(order.days)}"


def _signature(order: Order) -> tuple[object, ...]:
    return (order.agent, order.dose, order.days)


def _signatures(orders: tuple[Order, ...]) -> set[tuple[object, ...]]:
    return {_signature(order) for order in orders}


def _row(order: Order, label: str, at: float, color: str) -> Trace:
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
