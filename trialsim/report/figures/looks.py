"""The looks of a trial against their boundaries: z over the events, with what crossing would have meant."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.report.figure import Figure, Plotly, axis, heading, line, new_layout, note, series_color, title
from trialsim.reported.looks import LookResult, MonitoredArm

#: A boundary beyond this z is drawn here: nothing is seen up there.
_HIGHEST, _LOWEST = 4.5, -4.5


def looks(monitored: MonitoredArm, index: int) -> Figure:
    """The boundaries as planned, those that were used where the events differed, and the trial's path."""
    planned, seen = monitored.planned, monitored.looks
    most = max(planned.events, seen[-1].events)
    at = [share * planned.events for share in planned.information]
    ticks = _event_ticks(at if most == planned.events else [*at, most], most)
    heights = [look.z for look in seen]
    upper, lower = _drawn(planned.upper), _drawn(planned.lower)
    top = max(3.4, *(min(z, _HIGHEST) for z in (*upper, *heights)))
    bottom = min(-0.6, *(max(z, _LOWEST) for z in (*lower, *heights)))
    layout = new_layout(330, left=40, right=24, top=34)
    layout["hovermode"] = "closest"
    layout["xaxis"] = axis((0, 1.04 * most), ticks, showline=True, ticks="outside", ticklen=4,
                           title=title("Events"))  # fmt: skip
    layout["yaxis"] = axis((bottom - 0.3, top + 0.3), range(round(bottom), round(top) + 1), showgrid=True,
                           gridcolor="@grid")  # fmt: skip
    layout["annotations"].append(heading("z, large for benefit"))
    figure = Figure(f"looks-{monitored.arm}", _alt(monitored), layout=layout)
    _boundary(figure, at, upper, "Rejects", above=True)
    if any(z is not None for z in planned.lower):
        words = "Harm" if planned.sided == 2 else "Stops for futility"
        _boundary(figure, at, lower, words, above=False)
    figure.data.append(
        line([0, *(look.events for look in seen)], [0, *heights], series_color(index), width=2.4, hoverinfo="skip")
    )
    figure.data.append(_points([look.events for look in seen], heights, seen, series_color(index)))
    return figure


def _drawn(bounds: Sequence[float | None]) -> list[float]:
    """Finite boundaries; those that are not are left out of the drawing's range."""
    return [z for z in bounds if z is not None]


def _boundary(figure: Figure, at: Sequence[float], z: list[float], words: str, *, above: bool) -> None:
    x = list(at[len(at) - len(z) :])
    inside = [min(max(height, _LOWEST), _HIGHEST) for height in z]
    figure.data.append(line(x, inside, "@muted", "4px,3px", width=1.5, hoverinfo="skip"))
    figure.data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": x,
            "y": inside,
            "marker": {
                "symbol": "circle-open",
                "size": 7,
                "color": "@muted",
                "line": {"width": 1.5, "color": "@muted"},
            },
            "hovertemplate": words + ": z %{y:.3f} at %{x:.0f} events<extra></extra>",
        }
    )
    place: Plotly = {"xref": "x", "yref": "y", "xanchor": "center"}
    place |= {"yanchor": "bottom", "yshift": 8} if above else {"yanchor": "top", "yshift": -8}
    figure.layout["annotations"].append(note(words, x[0], inside[0], **place))


def _points(x: list[float], y: list[float], seen: Sequence[LookResult], color: str) -> Plotly:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "marker": {"symbol": "circle", "size": 9, "color": color, "line": {"width": 0, "color": color}},
        "text": [f"look {look.look}: {look.decision}" for look in seen],
        "hovertemplate": "%{text}<br>z %{y:.3f} at %{x:.0f} events<extra></extra>",
    }


def _event_ticks(at: Sequence[float], most: float) -> list[float]:
    """The looks' own events, which are what the axis is about."""
    ticks = [0.0]
    for events in at:
        if events - ticks[-1] >= 0.07 * most:
            ticks.append(float(round(events)))
    return ticks


def _alt(monitored: MonitoredArm) -> str:
    told = [f"look {look.look} at {look.events} events: z {look.z:.2f}, {look.decision}" for look in monitored.looks]
    return f"The looks against their boundaries. {'; '.join(told)}."
