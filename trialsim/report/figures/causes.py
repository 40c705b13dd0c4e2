"""Why patients relapsed: counts by arm as stacked bars, and each cause's cumulative incidence."""

from __future__ import annotations

from collections.abc import Mapping

from trialsim.report.figure import (
    Figure,
    Key,
    Plotly,
    add_row_headings,
    axis,
    dash,
    new_layout,
    series_token,
    text,
    text_color,
    title,
)
from trialsim.report.figures.incidence import Curve, highest, incidence
from trialsim.report.numbers import NOT_MODELLED
from trialsim.report.theme import PATTERNS
from trialsim.reported.analysis import CauseOfRelapse

_ROW = 64

Causes = Mapping[str, Mapping[str, CauseOfRelapse]]
"""By arm and cause; every arm has a row for every cause."""


def fill_of(cause: str) -> str:
    """The colour token of a cause, by the lineage that it names."""
    lowered = cause.lower()
    for word, token in (
        ("residual", "residual"),
        ("dorman", "awakened"),
        ("seed", "seeded"),
        ("spontaneous", "spontaneous"),
    ):
        if word in lowered:
            return f"cause-{token}"
    return "cause-tis"


def ordered_causes(causes: Causes) -> list[str]:
    """Every cause in any arm, most frequent first; ties by name."""
    totals: dict[str, int] = {}
    for by_cause in causes.values():
        for cause, entry in by_cause.items():
            totals[cause] = totals.get(cause, 0) + entry.n
    return sorted(totals, key=lambda cause: (-totals[cause], cause))


def cause_patterns(names: list[str]) -> dict[str, str]:
    """A pattern per cause, so that causes of one hue stay apart without colour."""
    used: dict[str, int] = {}
    patterns = {}
    for name in names:
        fill = fill_of(name)
        patterns[name] = PATTERNS[used.get(fill, 0) % len(PATTERNS)]
        used[fill] = used.get(fill, 0) + 1
    return patterns


def cause_bars(causes: Causes, labels: Mapping[str, str]) -> Figure:
    """Relapses by cause, one stacked bar per arm, counts written inside where they fit."""
    names = ordered_causes(causes)
    arms = [arm for arm in labels if arm in causes]
    totals = [sum(entry.n for entry in causes[arm].values()) for arm in arms]
    widest = max([1, *totals])
    layout = new_layout(50 + _ROW * len(arms), left=4, right=16, top=2)
    layout |= {"barmode": "stack", "hovermode": "closest", "uniformtext": {"mode": "hide", "minsize": 12}}
    ticks = _count_ticks(widest)
    layout["xaxis"] = axis((0, 1.03 * widest), ticks, showgrid=True, gridcolor="@grid", title=title("Relapses"))
    layout["yaxis"] = {**axis((len(arms) - 0.35, -0.75), [], []), "showticklabels": False}
    alt = "; ".join(f"{labels[a]}: " + ", ".join(f"{e.n} {c}" for c, e in causes[a].items()) for a in arms)
    figure = Figure("causes", f"Relapses by cause. {alt}.", layout=layout, always_keyed=True)
    add_row_headings(
        figure,
        [labels[arm] for arm in arms],
        [place - 0.5 for place in range(len(arms))],
        [text_color(list(labels).index(arm)) for arm in arms],
        more=[f" · {total:,}" for total in totals],
    )
    untold = [label for arm, label in labels.items() if arm not in causes]
    if untold:
        figure.note = f"Causes are {NOT_MODELLED} in {', '.join(untold)}."
    patterns = cause_patterns(names)
    for name in names:
        counts = [causes[arm][name].n for arm in arms]
        figure.data.append(_bar(name, counts, patterns[name]))
        figure.keys.append(Key(name, fill_of(name), symbol=f"pattern-{PATTERNS.index(patterns[name])}"))
    return figure


def _bar(name: str, counts: list[int], pattern: str) -> Plotly:
    return {
        "type": "bar",
        "orientation": "h",
        "name": text(name),
        "x": counts,
        "y": list(range(len(counts))),
        "width": 0.5,
        "text": [str(n) if n else "" for n in counts],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": "@on-fill", "size": 12},
        "marker": {
            "color": f"@{fill_of(name)}",
            "line": {"color": "@page", "width": 1},
            "pattern": {
                "shape": pattern,
                "fgcolor": "@page",
                "size": 6,
                "solidity": 0.22,
                "fillmode": "overlay",
            },
        },
        "hovertemplate": f"{text(name)}: %{{x}}<extra></extra>",
    }


def _count_ticks(widest: int) -> list[float]:
    step = next(s for k in range(9) for s in (10**k, 2 * 10**k, 5 * 10**k) if widest / s <= 6)
    return [float(i * step) for i in range(int(widest / step) + 1)]


def cause_panels(
    causes: Causes,
    labels: Mapping[str, str],
    limit: float,
    tails: Mapping[str, float | None],
) -> list[tuple[str, Figure]]:
    """One small panel per cause with a curve per arm, all on the same axes, most frequent cause first."""
    by_cause = {
        cause: [
            Curve(label, series_token(index), dash(index), 2.0, causes[arm][cause], tails.get(arm))
            for index, (arm, label) in enumerate(labels.items())
            if arm in causes
        ]
        for cause in ordered_causes(causes)
    }
    top = highest(curve for curves in by_cause.values() for curve in curves)
    return [
        (cause, incidence(f"cause-{n}", curves, f"relapse by {cause}, by arm", limit, ceiling=top, small=True))
        for n, (cause, curves) in enumerate(by_cause.items())
    ]
