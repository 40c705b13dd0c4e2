"""Names of any length in little room: cut where they must be, and never two to the same text."""

from __future__ import annotations

import itertools

import pytest

from tests.report.sample import contents
from tests.report.sample_protocol import SHARED, sample_protocol
from tests.saved import read
from trialsim.report.describe import describe_protocol
from trialsim.report.figure import dash, series_token
from trialsim.report.figures import cause_bars, kaplan_meier, regimen_timeline
from trialsim.report.labels import broken, fitted, one_line, text_width
from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.spec.resolved import ResolvedProtocol

SIX = [
    "Doxorubicin + cyclophosphamide, then paclitaxel, then observation (standard of care)",
    "Doxorubicin + cyclophosphamide, then paclitaxel, then navitoclax 150 mg for six cycles",
    "Same & navitoclax 225 mg",
    "Same + dasatinib/quercetin 100 mg",
    "Same + ABT-263 every 14 d ± p53 ≥ 50 %",
    "X",
]
SETS = {
    "six arms": SIX,
    "one long word": [f"{'Senolytic' * 9}{n}" for n in range(3)],
    "a difference in the middle": [f"{'a long way to ' * 6}{n}{' and a long way from it' * 5}" for n in range(12)],
    "two differences": [f"{'x ' * 40}{a} {'y ' * 40}{b}" for a, b in itertools.product("pq", "rs")],
    "one begins the other": ["maintenance " * 9, "maintenance " * 10],
    "capitals": [f"MAINTENANCE WITH NAVITOCLAX {n} MG DAILY FOR AS LONG AS IT IS TOLERATED" for n in range(8)],
    "no spaces": [f"中文名称很长的试验组名称一二三四五六七八九{n}" for n in "十百"],
}


@pytest.mark.parametrize("labels", SETS.values(), ids=SETS)
@pytest.mark.parametrize(("width", "lines"), [(22, 3), (40, 1), (16, 2), (12, 1)])
def test_different_names_stay_different(labels: list[str], width: int, lines: int) -> None:
    """Catches a cut at the end, which makes one text of names that share their beginning; and text beyond its room."""
    shown = fitted(labels, width, lines)
    assert len({" ".join(rows) for rows in shown}) == len(labels)
    assert all(len(rows) <= lines for rows in shown)
    assert max(text_width(row) for rows in shown for row in rows) <= width
    columns = one_line(labels, width)
    assert len(set(columns)) == len(labels)
    assert max(len(text) for text in columns) <= width


def test_names_that_fit_stay_whole() -> None:
    """Catches a name that is cut, or numbered, though there is room for it; equal names may stay equal."""
    assert fitted(["ddAC-T", "ddAC-T + RT", "ddAC-T"], 22, 3) == [["ddAC-T"], ["ddAC-T + RT"], ["ddAC-T"]]


def test_what_differs_is_shown() -> None:
    """Catches names told apart by a number alone where their own words would do."""
    assert [" ".join(rows) for rows in fitted(SIX, 40)][:2] == [
        "Doxorubicin … observation (standard of care)",
        "… then navitoclax 150 mg for six cycles",
    ]
    assert fitted(["left " * 9, "right " * 9], 12) == [["left left …"], ["right right …"]]


def test_wide_letters_take_more_room() -> None:
    """Catches room counted in letters, of which capitals and Chinese run out of the figure."""
    assert text_width("MMMM") > text_width("nnnn") > text_width("iiii")
    assert text_width("中文") == 3.5
    assert broken("one two three", 7) == ["one two", "three"]
    assert broken("aaaaaaaaa b", 4) == ["aaaa", "aaaa", "a b"]


def test_twelve_arms_have_twelve_looks() -> None:
    """Catches colours and dashes that come again together, so that the seventh arm looks like the first."""
    looks = {(series_token(index), dash(index)) for index in range(36)}
    assert len(looks) == 36
    assert [dash(index) for index in range(3)] == ["solid", "dash", "dot"]


@pytest.mark.parametrize("arms", [2, 4, 8, 12])
def test_figures_keep_arms_apart(arms: int) -> None:
    """Catches two headings, or two names beside curves, that read the same in any figure at either width."""
    analysis = read(SurvivalAnalysis, contents(arms=arms, n=60 * arms, alike=True)["results"]["analysis"])
    labels = {name: arm.label for name, arm in analysis.arms.items()}
    assert all(label.startswith(SHARED) for label in labels.values())
    timeline = regimen_timeline(sample_protocol(arms, alike=True))
    assert timeline is not None
    curves = kaplan_meier("curves", analysis.arms, labels, "RFS")
    for figure in (curves, cause_bars(analysis.causes, labels), timeline):
        for width in ("wide", "compact"):
            notes = [note for note in figure.layout["annotations"] if note.get("name") == width]
            heads = [note["text"] for note in notes if note["text"].startswith("<b>")]
            assert len(set(heads)) == arms, figure.name
            beside = [note["text"] for note in notes if note["x"] == 1 and note["yref"] == "y"]
            assert figure is timeline or len(set(beside)) == len(beside)
    assert [key.label for key in curves.keys] == list(labels.values())
    assert curves.always_keyed


def test_names_beside_curves_give_way_to_the_legend() -> None:
    """Catches names of eight arms pushed over each other, or below the figure; and a legend where none is needed."""
    crowded = read(SurvivalAnalysis, contents(arms=8, n=480, alike=True)["results"]["analysis"]).arms
    figure = kaplan_meier("curves", crowded, {name: arm.label for name, arm in crowded.items()}, "RFS")
    assert not [note for note in figure.layout["annotations"] if note.get("name") == "wide" and note["yref"] == "y"]
    assert figure.layout["margin"]["r"] < 20
    two = read(SurvivalAnalysis, contents()["results"]["analysis"]).arms
    figure = kaplan_meier("curves", two, {name: arm.label for name, arm in two.items()}, "RFS")
    assert len([note for note in figure.layout["annotations"] if note.get("name") == "wide" and note["x"] == 1]) == 2
    assert not figure.always_keyed


def test_timelines_in_a_terminal_keep_agents_apart() -> None:
    """Catches two agents whose names share seventeen letters under one name."""
    data = sample_protocol().model_dump()
    for name, end in (("doxorubicin", "(doxorubicin)"), ("cyclophosphamide", "(cyclophosphamide)")):
        data["agents"][name]["label"] = f"Conventional chemotherapy {end}"
    text = describe_protocol(ResolvedProtocol.model_validate(data))
    assert "  … (doxorubicin) " in text
    assert "  … (cyclophospha … " in text
