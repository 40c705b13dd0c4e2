"""The page as Chromium shows it: nothing complains, sticks out, overlaps, or stands beside its tick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Browser
from tests.report.conftest import CASES, page_of
from tests.report.sample import contents, page_from
from tests.report.sample_protocol import sample_protocol

pytestmark = pytest.mark.browser

WIDTHS = (1280, 390)
#: Every case at least once, and those that crowd a figure at both widths.
VIEWS = [(case, width) for case in ("main", "three-arms", "long-labels") for width in WIDTHS] + [
    (case, 390 if number % 2 else 1280)
    for number, case in enumerate(case for case in CASES if case not in {"main", "three-arms", "long-labels"})
]

#: Every text of every figure with its box, and the figure's own box.
TEXTS = """
[...document.querySelectorAll('[data-figure]')].map(figure => {
  const plot = figure.querySelector('.plot'), box = e => {
    const {left, right, top, bottom} = e.getBoundingClientRect();
    return {left, right, top, bottom};
  };
  const seen = [...plot.querySelectorAll('.main-svg text')].filter(t => t.textContent.trim() && t.getBBox().width);
  const texts = seen.map(t => ({words: t.textContent, ...box(t)}));
  return {name: figure.dataset.figure, ...box(plot), texts};
})
"""

#: Centres of the numbers in at-risk tables and of the ticks of the month axis above them.
AT_RISK = """
[...document.querySelectorAll('[data-figure]')].filter(f => f.querySelector('.plot .textpoint')).map(figure => {
  const middle = t => { const b = t.getBoundingClientRect(); return (b.left + b.right) / 2; };
  const centres = query => [...figure.querySelectorAll(query)].filter(t => t.getBBox().width).map(middle);
  return {
    name: figure.dataset.figure,
    ticks: centres('.xaxislayer-above .xtick text'),
    numbers: centres('.plot .scatterlayer .textpoint text'),
  };
})
"""

#: Elements with text that is wider than their box and does not scroll.
CUT = """
['p', 'h1', 'h2', 'h3', 'h4', 'dd', 'dt', 'li', '.tiles strong', 'summary', '.box']
  .flatMap(query => [...document.querySelectorAll('main ' + query)])
  .filter(e => !e.closest('.scroll') && getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1)
  .map(e => e.tagName + ': ' + e.textContent.trim().slice(0, 60))
"""

#: Figures, how many drawings each has, and how many layers of traces are in them.
DRAWN = """
[...document.querySelectorAll('[data-figure]')].map(figure => {
  const count = query => figure.querySelectorAll(query).length;
  return [figure.dataset.figure, count('.plot .main-svg'), count('.plot .trace, .plot .scatterlayer')];
})
"""


#: Boxes of the participant flow, each with the places of its letters.
FLOW = """
(() => {
  const flow = document.querySelector('.flow'), place = e => {
    const {left, right, top, bottom} = e.getBoundingClientRect();
    return {left, right, top, bottom, words: e.textContent.trim().replace(/\\s+/g, ' ')};
  };
  const of = query => [...flow.querySelectorAll(query)];
  return {
    ...place(flow),
    boxes: of('.box').map(box => ({
      ...place(box),
      cut: box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight,
      rows: [...box.querySelectorAll('h3, h4, p, li span, li b')].map(e => {
        const range = document.createRange();
        range.selectNodeContents(e);
        return {...place(e), ...Object.fromEntries(['left', 'right', 'top', 'bottom'].map(
          side => [side, range.getBoundingClientRect()[side]]))};
      }),
    })),
  };
})()
"""


def overlapping(texts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes share more than a sliver (boxes include the line's leading)."""
    pairs = []
    for number, a in enumerate(texts):
        for b in texts[number + 1 :]:
            across = min(a["right"], b["right"]) - max(a["left"], b["left"])
            down = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
            if across > 1 and down > 4:
                pairs.append((a["words"], b["words"]))
    return pairs


@pytest.mark.parametrize(("case", "width"), VIEWS)
def test_page_fits_and_says_nothing(browser: Browser, files: dict[str, Path], case: str, width: int) -> None:
    """Catches script errors, requests to a network, a page that scrolls sideways, figures that did not draw,
    text that is cut, and texts in figures that leave it, overlap, or stand beside their tick."""
    browser.open(files[case], width)
    assert browser.messages == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    drawn = browser.run(DRAWN)
    assert drawn
    assert [name for name, drawings, traces in drawn if not drawings or not traces] == []
    assert browser.run(CUT) == []
    for figure in browser.run(TEXTS):
        for text in figure["texts"]:
            assert text["left"] >= figure["left"] - 1, (figure["name"], text)
            assert text["right"] <= figure["right"] + 1, (figure["name"], text)
            assert text["top"] >= figure["top"] - 1, (figure["name"], text)
            assert text["bottom"] <= figure["bottom"] + 1, (figure["name"], text)
        assert overlapping(figure["texts"]) == [], figure["name"]
    tables = browser.run(AT_RISK)
    assert any(table["name"] == "curves" for table in tables)
    for table in tables:
        assert len(table["ticks"]) >= 2
        assert len(table["numbers"]) % (3 * len(table["ticks"])) == 0
        for number in table["numbers"]:
            assert min(abs(number - tick) for tick in table["ticks"]) <= 2, table["name"]


def test_theme_follows_the_reader(browser: Browser, files: dict[str, Path]) -> None:
    """Catches figures that keep the light theme's ink on a dark page."""
    seen = {}
    for dark in (False, True):
        browser.open(files["main"], 1280, dark=dark)
        seen[dark] = browser.run(
            "[getComputedStyle(document.body).backgroundColor,"
            " document.querySelector('[data-figure=curves] .xtick text').style.fill]"
        )
        assert browser.messages == []
    assert seen[False] == ["rgb(255, 255, 255)", "rgb(89, 97, 107)"]
    assert seen[True] == ["rgb(21, 24, 28)", "rgb(166, 174, 184)"]


@pytest.mark.parametrize("width", WIDTHS)
def test_readable_without_javascript(browser: Browser, files: dict[str, Path], width: int) -> None:
    """Catches a page that is empty, or scrolls sideways, where scripts do not run."""
    browser.open(files["main"], width, script=False)
    shown = browser.run(
        "[...document.querySelectorAll('[data-figure] .still svg')]"
        ".map(s => [Boolean(s.closest('.panel')), s.getBoundingClientRect().width])"
    )
    assert len(shown) >= 10
    # Below this, the type of a figure drawn for 860 pixels (a panel: 300 to 430) is too small to read.
    assert min(width for panel, width in shown if not panel) >= 640
    assert min(width for panel, width in shown if panel) >= 230
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_resizing_redraws(browser: Browser, files: dict[str, Path]) -> None:
    """Catches figures that keep their width when a phone is turned."""
    browser.open(files["main"], 1280)
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=False)
    settle = "new Promise(done => setTimeout(() => done(document.documentElement.scrollWidth), 600))"
    assert browser.run(settle) <= 390
    widths = browser.run("[...document.querySelectorAll('.plot .main-svg')].map(s => s.getBoundingClientRect().width)")
    assert max(widths) <= 390


def test_paper_shows_the_static_drawings(browser: Browser, files: dict[str, Path]) -> None:
    """Catches a print-out with figures cut at the screen's width, or in the dark theme's ink."""
    browser.open(files["main"], 1280, dark=True)
    browser.call("Emulation.setEmulatedMedia", media="print",
                 features=[{"name": "prefers-color-scheme", "value": "dark"}])  # fmt: skip
    visible = browser.run(
        "[...document.querySelectorAll('[data-figure]')].map(f => [getComputedStyle(f.querySelector('.plot')).display,"
        " getComputedStyle(f.querySelector('.still')).display])"
    )
    assert {tuple(pair) for pair in visible} == {("none", "block")}
    assert browser.run("getComputedStyle(document.body).color") == "rgb(28, 33, 39)"


def test_every_control_is_reachable_by_keyboard(browser: Browser, files: dict[str, Path]) -> None:
    """Catches a scrolling box or a control that only a mouse can use."""
    browser.open(files["main"], 390)
    stuck = browser.run(
        "[...document.querySelectorAll('.scroll')].filter(e => e.tabIndex < 0).length"
        " + [...document.querySelectorAll('[onclick], [role=button]')].filter(e => e.tabIndex < 0).length"
    )
    assert stuck == 0


def test_points_can_be_taken_away_as_csv(browser: Browser, files: dict[str, Path]) -> None:
    """Catches a download that is empty, escaped, or holds the phone's copy of the counts."""
    browser.open(files["main"], 1280)
    browser.run(
        "URL.createObjectURL = blob => { window.kept = blob; return 'data:,'; }; URL.revokeObjectURL = () => {};"
        "document.querySelector('button[data-csv=curves]').click()"
    )
    rows = browser.run("window.kept.text()").splitlines()
    assert rows[0] == "figure,series,x,y,label"
    assert rows[1].startswith('curves,"ddAC-T + RT, upper limit",0,100')
    assert sum(row.endswith(",300") for row in rows) == 2


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Pages of trials with some number of arms, all with long names that begin alike."""
    folder = tmp_path_factory.mktemp("crowded")
    for arms in (1, 2, 3, 4, 6, 8, 12):
        (folder / f"{arms}.html").write_text(page_of(arms=arms, n=40 * arms, alike=True), encoding="utf-8")
    return {int(path.stem): path for path in folder.iterdir()}


@pytest.mark.parametrize("arms", [1, 2, 3, 4, 6, 8, 12])
@pytest.mark.parametrize(("width", "medium"), [(1280, "screen"), (768, "screen"), (390, "screen"), (720, "print")])
def test_every_number_of_the_flow_is_legible(
    browser: Browser, crowded: dict[int, Path], arms: int, width: int, medium: str
) -> None:
    """Catches boxes that cover each other, and names and numbers that are cut or leave their box, with many arms."""
    browser.open(crowded[arms], width, script=False)
    browser.call("Emulation.setEmulatedMedia", media=medium)
    flow = browser.run(FLOW)
    assert len(flow["boxes"]) == 2 + 4 * arms
    assert overlapping(flow["boxes"]) == []
    for box in flow["boxes"]:
        assert not box["cut"], box["words"]
        assert flow["left"] - 1 <= box["left"]
        assert box["right"] <= min(width, flow["right"]) + 1, box["words"]
        assert overlapping(box["rows"]) == []
        for row in box["rows"]:
            assert box["left"] <= row["left"] <= row["right"] <= box["right"], row["words"]
            assert box["top"] <= row["top"] <= row["bottom"] <= box["bottom"], row["words"]
    assert len({box["words"] for box in flow["boxes"] if "allocated" in box["words"]}) == arms
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_nothing_is_told_of_what_a_law_does_not_model(browser: Browser, tmp_path: Path) -> None:
    """Catches "not modelled" that leaves its box, or stands over the words before it, beside six long names."""
    saved = contents(arms=6, n=240, alike=True)
    for arm in saved["results"]["flow"]["arms"].values():
        arm |= {"law": "rfs", "started_treatment": None, "stopped_treatment": None, "died_without_relapse": None}
        arm |= {"withdrew": None}
    page = page_from(sample_protocol(6, alike=True), saved)
    (tmp_path / "law.html").write_text(page, encoding="utf-8")
    for width in (1280, 768, 390):
        browser.open(tmp_path / "law.html", width)
        boxes = browser.run(FLOW)["boxes"]
        assert sum("not modelled" in box["words"] for box in boxes) == 2 * 6
        assert [box["words"] for box in boxes if box["cut"] or overlapping(box["rows"])] == []
