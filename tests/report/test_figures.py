"""The figures as data: valid for plotly, true to the analysis, drawn the same without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.report.conftest import CASES
from tests.report.sample import contents
from tests.report.sample_protocol import sample_protocol
from tests.saved import read
from trialsim.report.figure import MOST_STEPS, Figure, some_of, split_at, spread, thinned
from trialsim.report.figures import cause_bars, cause_panels, course, incidence, kaplan_meier, regimen_timeline
from trialsim.report.figures.incidence import Curve
from trialsim.report.figures.kaplan_meier import tail_start
from trialsim.report.patients import patient_stories
from trialsim.report.static import draw
from trialsim.report.survival import survival_parts
from trialsim.report.theme import DARK, LIGHT, contrast, resolve
from trialsim.reported.analysis import ArmEstimates, AtRisk, IncidenceSteps, SurvivalAnalysis
from trialsim.reported.stories import PatientStories, PatientStory


def all_figures(**case: Any) -> list[Figure]:
    saved = contents(**case)
    parts = survival_parts(read(SurvivalAnalysis, saved["results"]["analysis"]))
    timeline = regimen_timeline(sample_protocol(case.get("arms", 2)))
    single = [panel.figure for panel in patient_stories(read(PatientStories, saved["results"]["stories"])).panels]
    found = [parts.curves, parts.competing, parts.causes, timeline, *parts.means, *single]
    panels = [panel.figure for panel in (*parts.cause_panels, *parts.subgroup_panels)]
    return [figure for figure in (*found, *panels) if figure is not None]


@pytest.mark.parametrize("case", CASES)
def test_plotly_accepts_every_figure(case: str) -> None:
    """Catches a key or a value outside plotly's schema, which plotly.js would ignore in silence."""
    import plotly.graph_objects as go

    for figure in all_figures(**CASES[case]):
        for theme in (LIGHT, DARK):
            made = go.Figure(resolve(figure.plotly(), theme))
            assert len(made.data) == len(figure.data)
        go.Layout(resolve({**figure.layout, "margin": figure.compact.get("margin", {})}, LIGHT))


def test_vendored_plotly_matches_the_schema() -> None:
    """Catches a plotly.js whose major version is not that of the schema the figures were checked against."""
    from plotly.offline import get_plotlyjs_version

    from trialsim.report.page import HERE

    head = (HERE / "assets" / "plotly-basic.min.js").read_text(encoding="utf-8")[:200]
    vendored = re.search(r"v(\d+)\.\d+\.\d+", head)
    assert vendored is not None
    assert vendored[1] == get_plotlyjs_version().split(".")[0]


def main_case() -> SurvivalAnalysis:
    return read(SurvivalAnalysis, contents()["results"]["analysis"])


def main_arms() -> tuple[Mapping[str, ArmEstimates], dict[str, str]]:
    arms = main_case().arms
    return arms, {name: arm.label for name, arm in arms.items()}


def main_story(number: int) -> PatientStory:
    return read(PatientStory, contents()["results"]["stories"]["patients"][number])


def test_curve_is_the_analysis_curve() -> None:
    """Catches a curve that interpolates, is in fractions, or loses its tail."""
    arms, labels = main_arms()
    figure = kaplan_meier("km", arms, labels, "RFS")
    lines = [t for t in figure.data if t.get("name", "").startswith("ddAC-T + RT") and t["mode"] == "lines"]
    drawn = [t for t in lines if "limit" not in t["name"] and "then" not in t["name"]]
    months = [m for t in drawn for m in t["x"]]
    shares = [s for t in drawn for s in t["y"]]
    curve = arms["control"].curve
    assert all(t["line"]["shape"] == "hv" for t in drawn)
    assert {round(100 * s, 2) for s in curve.survival} == set(shares)
    assert {round(m, 3) for m in curve.months} <= set(months)


def test_tail_is_grey_from_a_tenth_at_risk() -> None:
    """Catches a tail that starts at a tenth of the trial, or at the last tick."""

    def of(n: int, *at_risk: int) -> ArmEstimates:
        months = [12.0 * k for k in range(len(at_risk))]
        return replace(main_case().arms["control"], n=n, at_risk=AtRisk(months, at_risk, at_risk, at_risk))

    assert tail_start(of(100, 100, 60, 20, 0)) == pytest.approx(30.0)
    assert tail_start(of(100, 100, 60)) is None
    assert tail_start(of(0, 0, 0)) is None
    before, after = split_at([0, 10, 40], [100, 50, 20], 30.0)
    assert before == ([0, 10, 30.0], [100, 50, 50])
    assert after == ([30.0, 40], [50, 20])


def test_counts_stand_at_their_months() -> None:
    """Catches a table whose numbers belong to another month, row or arm."""
    arms, labels = main_arms()
    figure = kaplan_meier("km", arms, labels, "RFS")
    ticks = figure.layout["xaxis"]["tickvals"]
    table = arms["navitoclax"].at_risk
    for row, key in ((5.5, "at_risk"), (6.5, "events"), (7.5, "censored")):
        trace = next(t for t in figure.data if t.get("meta") == "wide" and t["y"][:1] == [row])
        assert trace["x"] == ticks
        assert trace["text"] == [f"{getattr(table, key)[table.months.index(m)]:,}" for m in ticks]
    narrow = figure.compact["xaxis"]["tickvals"]
    assert all(t["x"] == narrow for t in figure.data if t.get("meta") == "compact")


def test_an_arm_keeps_its_colour_everywhere() -> None:
    """Catches a subgroup panel that numbers its arms anew when one is empty."""
    arms, labels = main_arms()
    only = {"navitoclax": arms["navitoclax"]}
    figure = kaplan_meier("km", only, labels, "RFS")
    assert figure.keys[0].color == "series-1"
    assert figure.keys[0].dash == "dash"


def test_colour_is_never_alone() -> None:
    """Catches two series of one figure that differ in colour only."""
    for figure in all_figures(arms=3, n=450):
        looks = [(key.dash, key.symbol, key.width) for key in figure.keys]
        marked = [look for look, key in zip(looks, figure.keys, strict=True) if not key.symbol.startswith("pattern")]
        assert len(marked) == len(set(marked)), figure.name


def test_long_curves_are_thinned_and_say_so() -> None:
    """Catches a page of megabytes, and a hidden downsampling."""
    months = [i / 100 for i in range(5000)]
    curve = IncidenceSteps(months, [i / 5000 for i in range(5000)], None)
    figure = incidence("x", [Curve("a", "series-0", "solid", 2.0, curve)], "relapse", 50)
    assert len(figure.data[0]["x"]) == MOST_STEPS
    assert "results.json has all of them" in figure.note
    columns, cut = thinned(months, months)
    assert (columns[0][0], columns[0][-1], cut) == (0.0, 49.99, True)
    assert thinned([0.0, 1.0], [1.0, 0.5]) == ([[0.0, 1.0], [1.0, 0.5]], False)


def test_bars_add_up_to_the_counts() -> None:
    """Catches a bar that loses a cause or gives it to another arm."""
    analysis = main_case()
    labels = {name: arm.label for name, arm in analysis.arms.items()}
    figure = cause_bars(analysis.causes, labels)
    for place, arm in enumerate(labels):
        drawn = {trace["name"]: trace["x"][place] for trace in figure.data}
        assert drawn == {cause: entry.n for cause, entry in analysis.causes[arm].items()}
    fills = [(t["marker"]["color"], t["marker"]["pattern"]["shape"]) for t in figure.data]
    assert len(set(fills)) == len(fills)


def test_cause_panels_share_their_axes() -> None:
    """Catches panels that look alike because each has its own scale."""
    analysis = main_case()
    labels = {name: arm.label for name, arm in analysis.arms.items()}
    panels = cause_panels(analysis.causes, labels, 60, dict.fromkeys(labels))
    assert len({tuple(figure.layout["yaxis"]["range"]) for _, figure in panels}) == 1
    totals = [sum(analysis.causes[arm][cause].n for arm in labels) for cause, _ in panels]
    assert totals == sorted(totals, reverse=True)


def test_zero_cells_are_gaps_on_the_log_axis() -> None:
    """Catches an extinct population drawn at one cell, or a line across the gap."""
    story = main_story(0)
    figure = course(story, 1e9, 0)
    cycling = next(trace for trace in figure.data if trace.get("name") == "cycling")
    counts = story.series["cycling"]
    assert [y is None for y in cycling["y"]] == [n < 1 for n in counts]


def test_doses_are_marked_where_they_were_given() -> None:
    """Catches marks in weeks on a month axis, and a reduction that isn't told."""
    story = main_story(2)
    figure = course(story, 1e9, 0)
    marks = next(trace for trace in figure.data if trace.get("marker", {}).get("symbol") == "line-ns")
    assert marks["x"] == [round(dose.day / 30.4375, 3) for dose in story.doses]
    assert any("75% of the dose" in label for label in marks["text"])


def test_timeline_marks_what_an_arm_adds() -> None:
    """Catches a timeline in days, and one that colours the shared backbone."""
    protocol = sample_protocol()
    figure = regimen_timeline(protocol)
    assert figure is not None
    rows = [trace for trace in figure.data if trace["mode"] == "markers"]
    assert [row["marker"]["color"] for row in rows] == ["@muted"] * 8 + ["@series-1"]
    assert rows[-1]["x"] == [round(day / 7, 3) for day in protocol.arms["navitoclax"].orders[-1].days]


def test_static_drawing_has_every_line_of_the_figure() -> None:
    """Catches a static drawing that leaves out a trace or shows the phone's numbers too."""
    arms, labels = main_arms()
    figure = kaplan_meier("km", arms, labels, "RFS")
    svg = draw(figure)
    lines = [t for t in figure.data if t["mode"] == "lines" and t["line"]["width"]]
    # the medians' lines are three strokes, of which one has no point
    assert svg.count("clip-path=") >= len(lines)
    assert svg.count('fill="var(--band-') == len(arms)
    shown = [n for t in figure.data if t.get("meta") == "wide" for n in t["text"]]
    counts = re.findall(r'text-anchor="middle">([\d,]+)</text>', svg)
    assert sorted(counts) == sorted([*shown, *figure.layout["xaxis"]["ticktext"]])


def test_labels_keep_apart() -> None:
    """Catches labels that lie on each other or leave the figure."""
    placed = spread([50, 51, 50.5, 2], [6, 6, 6, 6], 0, 103)
    ordered = sorted(placed)
    assert all(b - a >= 6 - 1e-9 for a, b in pairwise(ordered))
    assert min(placed) >= 3
    assert max(placed) <= 100
    assert placed[0] < placed[2] < placed[1]


def test_ticks_prefer_a_round_rhythm() -> None:
    """Catches ticks at 0, 18, 36 where every year fits."""
    assert some_of([float(m) for m in range(0, 61, 6)], 7) == [0.0, 12.0, 24.0, 36.0, 48.0, 60.0]
    assert some_of([0.0], 6) == [0.0]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_contrast(theme: dict[str, str]) -> None:
    """Catches text below 4.5:1 and lines below 3:1 on page and panel (WCAG 2.2, 1.4.3 and 1.4.11)."""
    for surface in ("page", "panel"):
        for name in ("ink", "muted", "accent", "good", "caution", *(f"text-{i}" for i in range(6))):
            assert contrast(theme[name], theme[surface]) >= 4.5, (name, surface)
    for name in (f"cause-{kind}" for kind in ("residual", "awakened", "seeded", "spontaneous", "tis")):
        assert contrast(theme["on-fill"], theme[name]) >= 4.5, name
    # Okabe-Ito's orange and sky blue are lighter than that on white: they are kept for a fifth and a sixth arm.
    for index in range(4):
        assert contrast(theme[f"series-{index}"], theme["page"]) >= 3.0, index


def test_contrast_is_the_published_measure() -> None:
    """Catches a wrong luminance: black on white is 21, #777 on white 4.48 (WCAG's own example)."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)


def test_only_colours_are_resolved() -> None:
    """Catches a label that starts with @ taken for a colour."""
    assert resolve({"text": "@ink", "font": {"color": "@ink"}}, LIGHT) == {"text": "@ink", "font": {"color": "#1C2127"}}
