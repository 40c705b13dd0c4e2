"""The figures as inline SVG, drawn here from the same dicts, for readers without JavaScript and for paper.

It knows the part of plotly's schema that the figures use: scatter (lines, steps, fills, markers, text),
horizontal stacked bars, linear and log axes with stated ticks, line and rectangle shapes, annotations without
arrows. Colours become CSS variables, so the drawing follows the page's theme.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trialsim.report.figure import Figure, Plotly

_DASH = {"solid": "", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "11 5",
         "longdashdot": "11 4 2 4"}  # fmt: skip
_BASELINE = {"top": 0.95, "middle": 0.35, "bottom": -0.2, "auto": 0.35}
_ANCHOR = {"left": "start", "center": "middle", "right": "end", "auto": "middle"}
_LINE_HEIGHT = 1.3
_MARKS = {
    "/": "M-2 6l8 -8M0 8l8 -8M6 10l4 -4",
    "\\": "M-2 2l8 8M0 0l8 8M6 -2l4 4",
    "x": "M0 0l8 8M0 8l8 -8",
    ".": "M3 4h2",
    "-": "M0 4h8",
    "+": "M0 4h8M4 0v8",
}
_HATCHES = tuple(_MARKS)


@dataclass(frozen=True)
class _Scale:
    """Maps data on one axis to pixels."""

    first: float
    last: float
    start: float
    end: float
    log: bool

    def __call__(self, value: float) -> float:
        position = math.log10(value) if self.log else value
        return self.start + (position - self.first) / (self.last - self.first) * (self.end - self.start)


class _Drawing:
    """One figure on its way to SVG."""

    def __init__(self, figure: Figure, width: int) -> None:
        self.layout = figure.layout
        self.width, self.height = width, int(figure.layout["height"])
        margin = figure.layout["margin"]
        self.box = (margin["l"], margin["t"], width - margin["r"], self.height - margin["b"])
        self.parts: list[str] = []
        self.previous: list[tuple[float, float]] = []
        self.stacked: dict[float, float] = {}
        self.name = figure.name
        self.definitions: dict[str, str] = {}

    def scale(self, ref: str) -> _Scale:
        """The scale of ``x``, ``y2`` and so on, or of ``paper`` along x or y (``paper-x``)."""
        left, top, right, bottom = self.box
        horizontal = ref[0] == "x" or ref == "paper-x"
        start, end = (left, right) if horizontal else (bottom, top)
        if ref.startswith("paper"):
            return _Scale(0, 1, start, end, False)
        spec = self.axis(ref)
        low, high = spec.get("domain", [0, 1])
        begin, finish = start + low * (end - start), start + high * (end - start)
        first, last = spec["range"]
        return _Scale(first, last, begin, finish, spec.get("type") == "log")

    def axis(self, ref: str) -> Plotly:
        spec: Plotly = self.layout[f"{ref[0]}axis{ref[1:]}"]
        return spec

    def add(self, part: str) -> None:
        self.parts.append(part)

    def clip(self, x: str, y: str) -> str:
        """An attribute that keeps a shape inside the panel of two axes."""
        key = f"clip-{self.name}-{x}{y}"
        across, along = self.scale(x), self.scale(y)
        left, top = across.start - 1, along.end - 1
        self.definitions[key] = (
            f'<clipPath id="{key}"><rect x="{left:.1f}" y="{top:.1f}" width="{across.end - left + 1:.1f}" '
            f'height="{along.start - top + 1:.1f}"/></clipPath>'
        )
        return f' clip-path="url(#{key})"'

    def hatch(self, shape: str) -> str:
        """A paint of marks in the page's colour for a plotly pattern, or nothing."""
        if not shape:
            return ""
        key = f"hatch-{self.name}-{_HATCHES.index(shape)}"
        self.definitions[key] = (
            f'<pattern id="{key}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<path d="{_MARKS[shape]}" stroke="var(--page)" stroke-width="1.2" fill="none"/></pattern>'
        )
        return f"url(#{key})"

    def line(self, points: list[tuple[float, float]], color: str, width: float, style: str, more: str = "") -> None:
        dashes = f' stroke-dasharray="{_DASH[style]}"' if _DASH.get(style) else ""
        self.add(
            f'<path d="{_path(points)}" fill="none" stroke="{_css(color)}" stroke-width="{width:g}"{dashes}{more}/>'
        )

    def write(self, words: str, x: float, y: float, font: Plotly, anchor: str, vertical: str) -> None:
        """Text of one or more lines; ``words`` is escaped already and may hold ``<br>`` and ``<b>``."""
        size = font["size"]
        rows = words.split("<br>")
        first = y + _BASELINE[vertical] * size
        if vertical == "middle":
            first -= (len(rows) - 1) * _LINE_HEIGHT * size / 2
        elif vertical == "bottom":
            first -= (len(rows) - 1) * _LINE_HEIGHT * size
        for number, row in enumerate(rows):
            bold = ' font-weight="600"' if "<b>" in row else ""
            plain = row.replace("<b>", "").replace("</b>", "")
            self.add(
                f'<text x="{x:.1f}" y="{first + number * _LINE_HEIGHT * size:.1f}" font-size="{size}" '
                f'fill="{_css(font["color"])}" text-anchor="{_ANCHOR[anchor]}"{bold}>{plain}</text>'
            )


def _css(color: str) -> str:
    return f"var(--{color[1:]})" if color.startswith("@") else color


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def draw(figure: Figure, width: int = 860) -> str:
    """The figure at ``width`` pixels as one ``<svg>`` element that scales down with its box."""
    drawing = _Drawing(figure, width)
    for shape in figure.layout.get("shapes", []):
        _shape(drawing, shape)
    for key in figure.layout:
        if key[1:].startswith("axis"):
            _axis(drawing, key[0] + key[5:])
    for trace in figure.data:
        if trace.get("meta") != "compact":
            (_bar if trace["type"] == "bar" else _scatter)(drawing, trace)
    for item in figure.layout.get("annotations", []):
        if item.get("name") != "compact":
            _annotation(drawing, item)
    definitions = "".join(drawing.definitions.values())
    body = f"<defs>{definitions}</defs>" * bool(definitions) + "".join(drawing.parts)
    return (
        f'<svg viewBox="0 0 {width} {drawing.height}" width="{width}" height="{drawing.height}" '
        f'role="img" aria-label="{figure.alt.replace(chr(34), "&quot;")}" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _axis(drawing: _Drawing, ref: str) -> None:
    spec = drawing.axis(ref)
    if spec.get("visible") is False:
        return
    horizontal = ref[0] == "x"
    along = drawing.scale(ref)
    across = drawing.scale(spec.get("anchor", "y" if horizontal else "x"))
    base = across.start
    size = spec["tickfont"]["size"]
    if spec.get("showline"):
        ends = [(along.start, base), (along.end, base)]
        drawing.line(ends if horizontal else [(b, a) for a, b in ends], spec["linecolor"], 1, "solid")
    for value, label in zip(spec["tickvals"], spec["ticktext"], strict=True):
        at = along(value)
        if spec.get("showgrid"):
            points = [(at, across.start), (at, across.end)]
            drawing.line(points if horizontal else [(b, a) for a, b in points], spec["gridcolor"], 1, "solid")
        if spec.get("showticklabels", True):
            gap = spec.get("ticklabelstandoff", 0)
            x, y = (at, base + 6 + gap) if horizontal else (base - 7 - gap, at)
            anchor, vertical = ("center", "top") if horizontal else ("right", "middle")
            drawing.write(label, x, y, spec["tickfont"], anchor, vertical)
    if horizontal and "title" in spec:
        middle = (along.start + along.end) / 2
        drawing.write(spec["title"]["text"], middle, base + 10 + 1.5 * size, spec["title"]["font"], "center", "top")


def _scatter(drawing: _Drawing, trace: Plotly) -> None:
    x, y = drawing.scale(trace.get("xaxis", "x")), drawing.scale(trace.get("yaxis", "y"))
    runs = _runs(trace, x, y)
    mode = trace["mode"]
    clip = drawing.clip(trace.get("xaxis", "x"), trace.get("yaxis", "y")) if "lines" in mode else ""
    if trace.get("fill") == "tonexty" and runs and drawing.previous:
        outline = _path([*drawing.previous, *reversed(runs[0])])
        drawing.add(f'<path d="{outline}Z" fill="{_css(trace["fillcolor"])}"/>')
    drawing.previous = runs[0] if runs else []
    if "lines" in mode and trace["line"]["width"]:
        for run in runs:
            drawing.line(run, trace["line"]["color"], trace["line"]["width"], trace["line"]["dash"], clip)
    points = [p for run in runs for p in run]
    if "markers" in mode:
        for px, py in points:
            drawing.add(_marker(trace["marker"], px, py))
    if "text" in mode:
        for (px, py), label in zip(points, trace["text"], strict=True):
            drawing.write(str(label), px, py, trace["textfont"], "center", "middle")


def _runs(trace: Plotly, x: _Scale, y: _Scale) -> list[list[tuple[float, float]]]:
    """The trace's points in pixels, split where a value is missing, with the corners of steps."""
    runs: list[list[tuple[float, float]]] = [[]]
    step = trace.get("line", {}).get("shape") == "hv"
    for a, b in zip(trace["x"], trace["y"], strict=True):
        if a is None or b is None:
            runs.append([])
            continue
        here = (x(a), y(b))
        if step and runs[-1] and runs[-1][-1][1] != here[1]:
            runs[-1].append((here[0], runs[-1][-1][1]))
        runs[-1].append(here)
    return [run for run in runs if run]


def _marker(marker: Plotly, x: float, y: float) -> str:
    half = marker["size"] / 2
    stroke = marker.get("line", {})
    color, edge = _css(marker["color"]), _css(stroke.get("color", marker["color"]))
    width = stroke.get("width", 0)
    paint = f'stroke="{edge}" stroke-width="{width:g}"'
    symbol = marker["symbol"]
    if symbol == "line-ns":
        return f'<path d="M{x:.1f} {y - 1.4 * half:.1f}v{2.8 * half:g}" {paint}/>'
    if symbol in ("circle", "circle-open"):
        fill = color if symbol == "circle" else _css("@page")
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{half:g}" fill="{fill}" {paint}/>'
    shape = {
        "triangle-down": f"M{x - half:.1f} {y - half:.1f}h{2 * half:g}l{-half:g} {1.8 * half:g}Z",
        "triangle-down-open": f"M{x - half:.1f} {y - half:.1f}h{2 * half:g}l{-half:g} {1.8 * half:g}Z",
    }[symbol]
    return f'<path d="{shape}" fill="{"none" if symbol.endswith("open") else color}" {paint}/>'


def _bar(drawing: _Drawing, trace: Plotly) -> None:
    """Horizontal bars, stacked on the bars of the traces before."""
    x, y = drawing.scale(trace.get("xaxis", "x")), drawing.scale(trace.get("yaxis", "y"))
    half = abs(y(trace["width"]) - y(0)) / 2
    fill = _css(trace["marker"]["color"])
    hatch = drawing.hatch(trace["marker"]["pattern"]["shape"])
    for value, row, label in zip(trace["x"], trace["y"], trace["text"], strict=True):
        begin = drawing.stacked.get(row, 0.0)
        drawing.stacked[row] = begin + value
        left, right = x(begin), x(begin + value)
        drawing.add(
            f'<rect x="{left:.1f}" y="{y(row) - half:.1f}" width="{right - left:.1f}" height="{2 * half:.1f}" '
            f'fill="{fill}" stroke="var(--page)" stroke-width="1"/>'
        )
        if hatch:
            drawing.add(drawing.parts[-1].replace(f'fill="{fill}"', f'fill="{hatch}"'))
        if right - left > 8 * len(str(label)) + 4:
            drawing.write(str(label), (left + right) / 2, y(row), trace["textfont"], "center", "middle")


def _shape(drawing: _Drawing, shape: Plotly) -> None:
    x = drawing.scale(shape["xref"] if shape["xref"] != "paper" else "paper-x")
    y = drawing.scale(shape["yref"] if shape["yref"] != "paper" else "paper-y")
    x0, x1, y0, y1 = x(shape["x0"]), x(shape["x1"]), y(shape["y0"]), y(shape["y1"])
    if shape["type"] == "line":
        drawing.line([(x0, y0), (x1, y1)], shape["line"]["color"], shape["line"]["width"], shape["line"]["dash"])
        return
    drawing.add(
        f'<rect x="{min(x0, x1):.1f}" y="{min(y0, y1):.1f}" width="{abs(x1 - x0):.1f}" '
        f'height="{abs(y1 - y0):.1f}" fill="{_css(shape["fillcolor"])}"/>'
    )


def _annotation(drawing: _Drawing, item: Plotly) -> None:
    x = drawing.scale("paper-x" if item["xref"] == "paper" else item["xref"])
    y = drawing.scale("paper-y" if item["yref"] == "paper" else item["yref"])
    px, py = x(item["x"]) + item.get("xshift", 0), y(item["y"]) - item.get("yshift", 0)
    drawing.write(item["text"], px, py, item["font"], item["xanchor"], item["yanchor"])
