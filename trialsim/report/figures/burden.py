"""One patient's course: cells by state on a log axis, doses, scans, relapse; platelets below."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.report.figure import (
    Figure,
    Key,
    Plotly,
    axis,
    heading,
    line,
    month_ticks,
    new_layout,
    note,
    text,
    title,
)
from trialsim.report.numbers import DAYS_PER_MONTH, significant
from trialsim.reported.stories import DoseGiven, PatientStory, PlateletCounts

#: Cell states in the order they are drawn: name, colour token, dash.
STATES = (
    ("cycling", "series-0", "solid"),
    ("dormant", "muted", "dot"),
    ("senescent", "series-2", "dash"),
    ("escaped", "series-1", "longdashdot"),
)
#: From this share of the planned dose on, a dose counts as full.
FULL_DOSE = 0.9995
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def course(story: PatientStory, detection_limit: float, number: int) -> Figure:
    """The burden figure of one story. Zero cells have no place on a log axis and are not drawn."""
    has_platelets = bool(story.platelets.time)
    days = max([30.0, *story.time[-1:], *story.platelets.time[-1:]])
    top_power = max(10, _power(max([1.0, *(max([0.0, *v]) for v in story.series.values())])) + 1)
    split = 0.33 if has_platelets else 0.0
    layout = new_layout(430 if has_platelets else 330, left=48, right=14, top=36)
    ticks = month_ticks(days / DAYS_PER_MONTH, 7)
    under = "y2" if has_platelets else "y"
    layout["xaxis"] = axis((0, 1.02 * days / DAYS_PER_MONTH), ticks, showline=True, ticks="outside", ticklen=4,
                           anchor=under, title=title("Months since randomisation"))  # fmt: skip
    powers = list(range(0, top_power + 1, 2))
    layout["yaxis"] = axis((-0.3, top_power + 1.0), [10.0**p for p in powers], [_ten(p) for p in powers], type="log",
                           domain=[split, 1], showgrid=True, gridcolor="@grid")  # fmt: skip
    layout["annotations"].append(heading("Cells"))
    figure = Figure(f"course-{number}", _alt(story), layout=layout)
    _add_cells(figure, story)
    _add_limit(figure, detection_limit, days)
    _add_marks(figure, story, detection_limit, 10 ** (top_power + 0.6))
    _add_relapse(figure, story)
    if has_platelets:
        _add_platelets(figure, story.platelets, split)
    return figure


def _power(value: float) -> int:
    return len(str(int(value))) - 1


def _ten(power: int) -> str:
    return "1" if power == 0 else "10" + str(power).translate(_SUPERSCRIPT)


def _months(days: Sequence[float]) -> list[float]:
    return [round(day / DAYS_PER_MONTH, 3) for day in days]


def _add_cells(figure: Figure, story: PatientStory) -> None:
    for name, color, style in STATES:
        counts = story.series[name]
        if not any(counts):
            continue
        drawn = [significant(n, 4) if n >= 1 else None for n in counts]
        figure.data.append(line(_months(story.time), drawn, f"@{color}", style, name=name, hovertemplate="%{y:.2s}"))
        figure.keys.append(Key(name, color, style))


def _add_limit(figure: Figure, limit: float, days: float) -> None:
    figure.data.append(
        line([0, 1.02 * days / DAYS_PER_MONTH], [limit, limit], "@muted", "longdash", width=1, hoverinfo="skip")
    )
    figure.keys.append(Key("detection limit", "muted", "longdash", 1))


def _add_marks(figure: Figure, story: PatientStory, limit: float, height: float) -> None:
    """Doses along the top edge; scans on the detection limit, filled where they found something."""
    if story.doses:
        labels = [f"{text(d.label)}, day {d.day + 1:.0f}" + _reduced(d) for d in story.doses]
        figure.data.append(_marks(_months([d.day for d in story.doses]), height, labels, "line-ns", "@muted", 5, 1.2))
        figure.keys.append(Key("dose", "muted", symbol="line-ns"))
    for found, symbol, words in (
        (False, "triangle-down-open", "scan, clear"),
        (True, "triangle-down", "scan, relapse detected"),
    ):
        at = [scan.day for scan in story.scans if scan.found is found]
        if at:
            hover = [f"{words}, month {day / DAYS_PER_MONTH:.1f}" for day in at]
            figure.data.append(_marks(_months(at), limit * 2.2, hover, symbol, "@ink", 8, 1))
            figure.keys.append(Key(words, "ink", symbol=symbol))


def _reduced(dose: DoseGiven) -> str:
    return "" if dose.fraction >= FULL_DOSE else f", {100 * dose.fraction:.0f}% of the dose"


def _marks(x: list[float], y: float, hover: list[str], symbol: str, color: str, size: int, edge: float) -> Plotly:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": [float(f"{y:.4g}")] * len(x),
        "marker": {"symbol": symbol, "size": size, "color": color, "line": {"color": color, "width": edge}},
        "text": hover,
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
    }


def _add_relapse(figure: Figure, story: PatientStory) -> None:
    detected = None if story.relapse is None else story.relapse.detected_day
    for day, words in ((detected, "relapse"), (story.death_day, "death")):
        if day is None:
            continue
        month = round(day / DAYS_PER_MONTH, 3)
        if month > figure.layout["xaxis"]["range"][1]:  # nothing was drawn up to there; the words tell it
            continue
        late = month > 0.7 * figure.layout["xaxis"]["range"][1]
        color, raised = ("@caution", 1) if words == "relapse" else ("@ink", 15)
        look = {"color": color, "width": 1.5, "dash": "solid"}
        at = {"xref": "x", "yref": "paper", "x0": month, "x1": month, "y0": 0, "y1": 1}
        figure.layout["shapes"].append({"type": "line", **at, "line": look, "layer": "below"})
        label: Plotly = {"yanchor": "bottom", "yshift": raised, "xanchor": "right" if late else "center"}
        figure.layout["annotations"].append(note(words, month, 1, xref="x", color=color, **label))


def _add_platelets(figure: Figure, platelets: PlateletCounts, split: float) -> None:
    highest = max(150.0, *platelets.value)
    ceiling = 100.0 * (int(highest / 100) + 1)
    ticks = [0.0, ceiling / 2, ceiling]
    figure.layout["yaxis2"] = {
        **axis((0, ceiling), ticks, domain=[0, split - 0.12], showgrid=True, gridcolor="@grid"),
        "anchor": "x",
    }
    figure.data.append(
        {**line(_months(platelets.time), [significant(v, 4) for v in platelets.value], "@series-3", width=1.6,
                name="platelets", hovertemplate="%{y:.0f}"), "yaxis": "y2"}
    )  # fmt: skip
    figure.layout["annotations"].append(note("Platelets, 10⁹/L", 0, split - 0.12, yanchor="bottom", yshift=4))


def _alt(story: PatientStory) -> str:
    return f"Tumour cells by state over time in patient {story.usubjid}, {story.arm_label}. {story.outcome}"
