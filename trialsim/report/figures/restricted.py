"""The difference in restricted mean, as the area between two curves up to the horizon."""

from __future__ import annotations

from trialsim.report.figure import (
    Figure,
    Key,
    axis,
    dash,
    heading,
    line,
    month_ticks,
    new_layout,
    note,
    on_months,
    on_percent,
    series_color,
    text,
    thinned,
    title,
)
from trialsim.report.numbers import DAYS_PER_MONTH, minus
from trialsim.reported.analysis import Estimates, SurvivalAnalysis


def mean_difference(analysis: SurvivalAnalysis, comparison: Estimates) -> Figure:
    """The two curves up to tau with the area between them shaded."""
    mean = comparison.rmst_difference
    tau = mean.tau / DAYS_PER_MONTH
    layout = new_layout(300, left=44, right=24, top=34)
    layout["xaxis"] = axis((0, 1.02 * tau), month_ticks(tau, 9), showline=True, ticks="outside", ticklen=4,
                           title=title("Months since randomisation"))  # fmt: skip
    layout["yaxis"] = axis((0, 103), range(0, 101, 25), showgrid=True, gridcolor="@grid")
    layout["annotations"].append(heading(f"{text(analysis.endpoint.label)}, %"))
    labels = list(analysis.arms)
    gain = minus(f"{(mean.estimate or 0.0) / DAYS_PER_MONTH:+.1f}")
    alt = f"Area between the curves up to {tau:.0f} months: {gain} months."
    figure = Figure(f"mean-{comparison.arm}", alt, layout=layout, always_keyed=True)
    figure.compact = {"margin": {"r": 10}}
    for name, fill in ((comparison.reference, {}), (comparison.arm, {"fill": "tonexty", "fillcolor": "@shade-strong"})):
        arm = analysis.arms[name]
        index = labels.index(name)
        columns, _ = thinned(arm.curve.months, arm.curve.survival)
        kept = [(m, s) for m, s in zip(*columns, strict=True) if m <= tau]
        months, values = [m for m, _ in kept] + [tau], [s for _, s in kept] + [kept[-1][1]]
        figure.data.append(
            line(on_months(months), on_percent(values), series_color(index), dash(index), step=True,
                 name=text(arm.label), hovertemplate="%{y:.1f}%", **fill)
        )  # fmt: skip
        figure.keys.append(Key(arm.label, series_color(index)[1:], dash(index)))
    layout["annotations"].append(note(f"<b>{gain} months</b> to month {tau:.0f}", 0.04, 0.12, size=13, color="@ink"))
    return figure
