"""The page as a document: what it holds, what it must never hold, and that it is the same every time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.report.conftest import CASES
from tests.report.sample import analysis_of, contents, page_from, patients, write_run
from tests.report.sample_protocol import sample_protocol
from tests.saved import read
from trialsim.errors import UsageError
from trialsim.report import analyse_page, build_report, write_report
from trialsim.report.conduct_tables import baseline
from trialsim.report.page import keep_whole
from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.reported.trial import Baseline

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Checker(HTMLParser):
    """Collects tags, ids and text, and what is left open or closed twice."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).replace("\u00a0", " ").replace("\u2011", "-").split())


def without_scripts(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "", page, flags=re.S)


@pytest.mark.parametrize("case", CASES)
def test_well_formed_and_small(pages: dict[str, str], case: str) -> None:
    """Catches a template that leaves an element open, repeats an id, or inlines plotly.js per figure."""
    seen = Checker(pages[case])
    assert seen.wrong == []
    assert seen.open == []
    assert len(seen.ids) == len(set(seen.ids))
    assert len(pages[case].encode()) <= 2_500_000
    assert pages[case].count("plotly.js (basic - minified)") == 1


@pytest.mark.parametrize("case", CASES)
def test_loads_nothing_from_a_network(pages: dict[str, str], case: str) -> None:
    """Catches a stylesheet, font, script or image that lives elsewhere."""
    seen = Checker(pages[case])
    for tag, attributes in seen.tags:
        if tag in {"script", "img", "iframe", "link", "source"}:
            for name in ("src", "href"):
                assert (attributes.get(name) or "data:").startswith("data:")
    outside = without_scripts(pages[case])
    assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:|//)", outside) == []


def test_sections_stand_in_the_agreed_order(pages: dict[str, str]) -> None:
    """Catches a section that moved or was lost."""
    seen = Checker(pages["main"])
    wanted = ["verdict", "trial", "participants", "survival", "competing", "causes", "subgroups", "patients",
              "parameters", "provenance"]  # fmt: skip
    assert [one for one in seen.ids if one in wanted] == wanted
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_same_content_same_bytes(pages: dict[str, str]) -> None:
    """Catches a clock, a set's order or a random id in the page."""
    saved = contents()
    again = page_from(sample_protocol(), saved)
    assert again == pages["main"]


def test_user_text_cannot_become_markup() -> None:
    """Catches an unescaped label in HTML, in an attribute, in an SVG, or in the figures' JSON."""
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}"
    protocol = sample_protocol()
    arms = {name: arm.model_copy(update={"label": attack}) for name, arm in protocol.arms.items()}
    cohort = protocol.cohort.model_copy(update={"title": attack, "description": attack})
    protocol = protocol.model_copy(update={"title": attack, "description": attack, "arms": arms, "cohort": cohort})
    text = json.dumps(contents(n=80))
    for label in (
        "ddAC-T + RT, then navitoclax",
        "ddAC-T + RT",
        "TIS escape (DNA damage)",
        "Event-free at the data cut.",
    ):
        text = text.replace(json.dumps(label)[1:-1], json.dumps(attack)[1:-1])
    saved = json.loads(text)
    page = page_from(protocol, saved)
    plain = Checker(page)
    assert plain.wrong == []
    assert [t for t, a in plain.tags if t == "img" or any(name.startswith("on") for name in a)] == []
    assert sum(tag == "script" for tag, _ in plain.tags) == 3
    assert "alert(1)" in plain.words
    assert "{{7*7}}" in plain.words
    figures = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)
    assert figures is not None
    # What plotly is given has its tags as entities, which it shows as text.
    assert "<img" not in json.dumps(json.loads(figures[1]))


def test_builds_from_a_run_folder(tmp_path: Path) -> None:
    """Catches a page that needs more than the four saved files, or writes elsewhere."""
    saved = contents(n=80)
    folder = write_run(tmp_path / "run", saved)
    path = write_report(folder)
    assert path == folder / "report.html"
    assert path.read_text(encoding="utf-8") == build_report(folder)
    assert build_report(folder) == page_from(sample_protocol(), saved)


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    """Catches a traceback where a message belongs."""
    with pytest.raises(UsageError, match=r"is not a run folder: it has no manifest\.json"):
        build_report(tmp_path)


def test_a_folder_of_another_version_is_told(tmp_path: Path) -> None:
    """Catches a traceback, or a page with parts missing, out of results that have another form."""
    saved = contents(n=80)
    del saved["manifest"]["format"]
    with pytest.raises(UsageError, match=r"written by trialsim 0\.1\.0, whose results have another form"):
        build_report(write_run(tmp_path / "run", saved))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda results: results["analysis"]["arms"]["control"].pop("n"),
            r"analysis\.arms\.control\.n: Field required",
        ),
        (lambda results: results["analysis"].update(sided="one"), r"analysis\.sided: .*integer"),
        (lambda results: results["stories"]["patients"][0].update(time=None), r"stories\.patients\.0\.time: "),
    ],
)
def test_damaged_results_are_told_with_their_place(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object], words: str
) -> None:
    """Catches a traceback, or a page with a hole, out of results that were edited or cut."""
    saved = contents(n=80)
    damage(saved["results"])
    with pytest.raises(UsageError, match=r"results\.json is damaged, at " + words):
        build_report(write_run(tmp_path / "run", saved))
    (tmp_path / "run" / "results.json").write_text('{"analysis": {')
    with pytest.raises(UsageError, match=r"results\.json is damaged: Invalid JSON"):
        build_report(tmp_path / "run")


def test_no_path_of_this_machine_in_the_page(tmp_path: Path) -> None:
    """Catches a folder's name leaking into the page."""
    folder = write_run(tmp_path / "private-place", contents(n=80))
    assert "private-place" not in build_report(folder)


def test_provenance_tells_how_to_make_the_page_again(pages: dict[str, str]) -> None:
    """Catches a page without command, seed, digests or versions."""
    words = Checker(pages["main"]).words
    for needed in ("trialsim run protocols/breast-adjuvant-navitoclax.yaml --seed 7", "6a" * 32, "numpy 2.4.6"):
        assert needed in words


def test_every_sourced_number_is_in_the_page(pages: dict[str, str]) -> None:
    """Catches a parameter table that drops an agent, a trait or a source."""
    words = Checker(pages["main"]).words
    for needed in ("Bajtai 2025", "Kaefer 2014", "US life table 2014", "Friberg & Mattson 1997", "Tse 2008"):
        assert needed in words
    # 10 traits (two of them by 3 subtypes), 7 + 7 + 7 + 5 + 21 agent numbers, 4 of mortality and detection
    assert "Of 65 sourced numbers" in words


def test_gains_are_told_in_words(pages: dict[str, str]) -> None:
    """Catches a gain of a group that is dropped, or told by its key, or whose meaning is not."""
    assert "SASP: immune 0.5 the SASP suppresses immune killing" in Checker(pages["main"]).words


def test_headings_keep_short_words_with_a_hyphen_whole() -> None:
    """Catches "R-" at the end of a line with "CHOP" on the next, and a heading whose text is not escaped."""
    assert keep_whole("after R-CHOP & <b>") == 'after <span class="whole">R-CHOP</span> &amp; &lt;b&gt;'
    assert keep_whole("a spontaneous-senescence escape") == "a spontaneous-senescence escape"


@pytest.mark.parametrize(("arms", "breaks"), [(3, False), (4, True)])
def test_quartiles_break_when_there_are_many_arms(arms: int, breaks: bool) -> None:
    """Catches a baseline table whose last arm is out of view on a desk's screen."""
    ages = {"median": 61.0, "q1": 57.0, "q3": 65.0}
    row = {"trait": "age", "label": "Age", "unit": "", "arms": {str(n): ages for n in range(arms)}}
    labels = {str(n): f"arm {n}" for n in range(arms)}
    cell = baseline(read(Baseline, {"rows": [row]}), labels, dict.fromkeys(labels, 5)).rows[0][1]
    assert (" " in cell.split("(")[1]) == breaks


def test_baseline_has_no_p_values(pages: dict[str, str]) -> None:
    """Catches a test of a difference that randomisation has made chance by design."""
    block = pages["main"].split("<caption>Baseline</caption>")[1].split("</table>")[0]
    assert re.search(r"\bp\b\s*(=|<|value)", block) is None
    assert "54 (46.2\u00a0to\u00a062.5)" in block or "54 (46.2 to 62.5)" in block


def test_flow_counts_are_in_the_page(pages: dict[str, str]) -> None:
    """Catches a CONSORT box that shows another arm's number."""
    flow = contents()["results"]["flow"]
    words = Checker(pages["main"]).words
    for arm in flow["arms"].values():
        assert f"{arm['label']} {arm['allocated']} allocated" in words
        assert f"relapsed {arm['relapsed']} died without relapse {arm['died_without_relapse']}" in words


def test_observed_data_get_the_survival_parts_only() -> None:
    """Catches a page about a simulation for data that were never simulated."""
    labels = {"control": "Control", "treated": "Treated <b>"}
    analysis = analysis_of(patients(tuple(labels), 120, 5), labels) | {"notes": ["3 rows left out: no <time>."]}
    page = analyse_page(read(SurvivalAnalysis, analysis), "METABRIC & co", "trialsim analyse x.csv")
    seen = Checker(page)
    assert seen.wrong == []
    assert {"survival", "competing", "subgroups", "provenance"} <= set(seen.ids)
    assert not {"trial", "participants", "patients", "parameters"} & set(seen.ids)
    assert "METABRIC & co" in seen.words
    assert "not a simulation" in seen.words
    assert "Simulated trial" not in seen.words
    assert "trialsim analyse x.csv" in seen.words
    assert "3 rows left out: no <time>." in seen.words


def test_readable_without_javascript(pages: dict[str, str]) -> None:
    """Catches a figure that exists only as JSON: each has a drawing in the page, with a name for screen readers."""
    for name, page in pages.items():
        blocks = re.findall(r'<figure class="figure" data-figure="([^"]+)">(.*?)</figure>', page, re.S)
        assert blocks, name
        for figure, block in blocks:
            drawing = re.search(r"<svg viewBox=.*?</svg>", block.split('class="still')[1], re.S)
            assert drawing is not None, figure
            assert re.search(r'role="img" aria-label="[^"]{10,}"', drawing[0]), figure


def test_data_stand_behind_the_survival_figure(pages: dict[str, str]) -> None:
    """Catches a figure without its numbers: the table under it must hold the analysis's own values."""
    arm = contents()["results"]["analysis"]["arms"]["control"]["at_risk"]
    block = pages["main"].split("<caption>Curve and counts by month</caption>")[1].split("</table>")[0]
    for month, *counts in zip(arm["months"], arm["at_risk"], arm["events"], arm["censored"], strict=True):
        cells = "".join(f"<td>{n:,}</td>" for n in counts)
        assert re.search(rf'<th scope="row">{month:g}</th>(<td>[\d.]+</td>){{3}}{cells}', block)
