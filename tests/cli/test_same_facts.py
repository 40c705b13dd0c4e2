"""What a trial comes to is the same in the terminal, in summary.json, in results.json and on the page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from trialsim.cli import cli

ROOT = Path(__file__).parents[2]
EVENT_TIMES = ROOT / "cohorts" / "conventional" / "event-times.yaml"

THREE_ARMS = """\
trialsim: 1
name: three
cohort: COHORT
arms:
  control: {label: Control, model: {kind: exponential, median: 12 mo}}
  a: {label: A, model: {kind: relative, to: control, hazard_ratio: 0.8}}
  b: {label: B, model: {kind: relative, to: control, hazard_ratio: 1}}
accrual: {patients: 150, per_month: 40}
follow_up: {cut: {events: 110, no_later_than: 8 yr}}
endpoint: {primary: rfs}
analysis: {test: logrank}
"""
NEVER_REACHED = """\
trialsim: 1
name: never
cohort: COHORT
arms:
  control: {label: Control, model: {kind: exponential, median: 12 mo}}
  new: {label: New, model: {kind: relative, to: control, hazard_ratio: 0.7}}
accrual: {patients: 200, per_month: 20}
follow_up: {dropout: 50 %/mo, cut: {events: 190}}
endpoint: {primary: rfs}
analysis: {test: logrank}
"""


class Ran(NamedTuple):
    terminal: str
    summary: dict[str, Any]
    results: dict[str, Any]
    page: str
    """The words of the page, on one line."""


def run(folder: Path, protocol: str | Path, *words: str, seed: int = 1) -> Ran:
    path = protocol
    if isinstance(protocol, str):
        path = folder / "protocol.yaml"
        path.write_text(protocol.replace("COHORT", str(EVENT_TIMES)))
    out = folder / "out"
    ran = CliRunner().invoke(cli, ["run", str(path), "--seed", str(seed), "--out", str(out), "--quiet", *words])
    assert ran.exit_code == 0, ran.output
    summary, results = (json.loads((out / name).read_text()) for name in ("summary.json", "results.json"))
    return Ran(" ".join(ran.stdout.split()), summary, results["analysis"], words_of((out / "report.html").read_text()))


def words_of(page: str) -> str:
    body = re.sub(r"<(script|style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ").replace("\u2011", "-").split())


def test_several_arms_share_alpha_without_looks(tmp_path: Path) -> None:
    """p 0.0192 of one of two comparisons at a one-sided 0.025 is not enough (Holm: 0.0125).

    Catches multiplicity that looks alone have: "p 0.0192 against 0.025: test met".
    """
    one = run(tmp_path, THREE_ARMS, seed=14)
    first, second = (row["conclusion"] for row in one.summary["comparisons"])
    assert round(first["p"], 4) == 0.0192
    assert (first["outcome"], first["level"], second["outcome"]) == ("not shown", 0.0125, "not shown")
    assert "A against Control: superiority not shown" in one.terminal
    assert f"adjusted p {first['adjusted_p']:.4f} against 0.025" in one.terminal
    assert "A: superiority not shown" in one.page
    assert "against a level of 0.0125 (Holm over 2 comparisons: adjusted p = 0.038, against 0.025)" in one.page
    look = run(tmp_path, THREE_ARMS, "--set", "analysis.looks={at: [1]}", seed=14)
    for own, other in zip(one.summary["comparisons"], look.summary["comparisons"], strict=True):
        mine, theirs = own["conclusion"], other["conclusion"]
        assert (mine["outcome"], mine["level"]) == (theirs["outcome"], theirs["level"])
        assert mine["p"] == pytest.approx(theirs["p"], abs=1e-9)
        assert mine["adjusted_p"] == pytest.approx(theirs["adjusted_p"], abs=1e-9)


def test_a_trial_that_looks_stopped(tmp_path: Path) -> None:
    """Stopped at look 2 of 3 at a boundary of 2.359; by stagewise ordering p 0.008 and 0.70 (0.52 to 0.93).

    Catches naive numbers in the terminal and in summary.json beside adjusted ones on the page.
    """
    ran = run(tmp_path, ROOT / "protocols" / "conventional" / "group-sequential.yaml", seed=3)
    (row,) = ran.summary["comparisons"]
    found = row["conclusion"]
    assert (found["outcome"], found["basis"], round(found["p"], 3)) == ("superior", "stages", 0.008)
    assert [round(found["hazard_ratio"][key], 2) for key in ("estimate", "lower", "upper")] == [0.70, 0.52, 0.93]
    look = found["look"]
    assert (look["number"], look["planned"], look["stopped_early"]) == (2, 3, True)
    assert round(look["upper"], 3) == 2.359
    assert found == ran.results["comparisons"][0]["conclusion"]
    assert "stopped early at look 2 of 3" in ran.terminal
    assert f"z {look['z']:.3f}, against a boundary of 2.359" in ran.terminal
    assert f"p {found['p']:.4f}" in ran.terminal
    assert "hazard ratio 0.697 (0.520 to 0.935)" in ran.terminal
    assert "not adjusted for the interim looks" in ran.terminal
    assert "Stopped early at look 2 of 3" in ran.page
    assert "p = 0.008, hazard ratio 0.70 (0.52 to 0.93)" in ran.page
    assert "0.70 95% CI 0.52 to 0.93; stagewise ordering" in ran.page


def test_planned_events_that_were_not_reached(tmp_path: Path) -> None:
    """18 of 190 events after 30 years. Catches a verdict that reads as a trial that was carried out as planned."""
    ran = run(tmp_path, NEVER_REACHED)
    events = ran.results["events"]
    assert events < 190
    (departure,) = ran.results["departures"]
    assert departure["words"].startswith(f"The planned 190 events were not reached: {events} when the data were cut")
    assert ran.summary["departures"] == [departure["words"]]
    assert departure["words"] in ran.terminal
    headline = "New: superiority not shown; relapse-free survival was not shown to be longer than with Control"
    assert f"{headline}; the planned 190 events were not reached." in ran.page
    assert departure["words"] in ran.page


def test_a_trial_as_planned_has_no_departures(tmp_path: Path) -> None:
    """Catches a warning that every event-driven trial gets."""
    assert run(tmp_path, THREE_ARMS, seed=14).summary["departures"] == []


def test_every_forest_has_the_interaction_of_its_own_arms(tmp_path: Path) -> None:
    """Catches the joint test of all arms printed as the interaction of each comparison."""
    strata = "analysis.subgroups=[p53_status]"
    protocol = ROOT / "protocols" / "navitoclax-start.yaml"
    ran = run(tmp_path, protocol, "--patients", "240", "--set", strata)
    (group,) = ran.results["subgroups"]
    own = [test["p"] for test in group["interactions"]]
    assert len(own) == len(ran.results["comparisons"]) > 1
    assert len({p for p in own if p is not None}) > 1
    assert "Joint interaction test over all arms: p53 status p = " in ran.page


def test_a_trial_that_stops_for_harm_names_that_boundary(tmp_path: Path) -> None:
    """Two-sided, the treatment harms. Catches z −4 told "against a boundary of 2.67", which it is far from."""
    protocol = ROOT / "protocols" / "conventional" / "group-sequential.yaml"
    words = [
        "arms.new.model.hazard_ratio=1.8", "analysis.sided=2",
        "analysis.looks={at: [50 %, 75 %, 1]}",
    ]  # fmt: skip
    ran = run(tmp_path, protocol, *(word for w in words for word in ("--set", w)), seed=3)
    found = ran.summary["comparisons"][0]["conclusion"]
    assert (found["outcome"], found["look"]["decision"]) == ("inferior", "harm")
    lower = found["look"]["lower"]
    assert f"beyond the harm boundary of {lower:.3f}" in ran.terminal
    assert f"beyond the harm boundary of {lower:.2f}".replace("-", "−") in ran.page


CONVENTIONAL = ROOT / "protocols" / "conventional"


@pytest.mark.parametrize(
    ("protocol", "sets", "seed"),
    [
        (CONVENTIONAL / "group-sequential.yaml", (), 8),
        (CONVENTIONAL / "delayed-effect.yaml", (), 2),
        (CONVENTIONAL / "strong-null.yaml", (), 2),
        (THREE_ARMS, ("analysis.looks={at: [50 %, 1], futility: {beta: 20 %}}",), 5),
        (THREE_ARMS, ("analysis.sided=2", "analysis.alpha=0.05"), 9),
        (NEVER_REACHED, ("analysis.looks={at: [50 %, 1]}",), 2),
    ],
)
def test_every_rendering_tells_the_conclusion(
    tmp_path: Path, protocol: str | Path, sets: tuple[str, ...], seed: int
) -> None:
    """p, adjusted p, ratio, interval and departures in four places. Catches a rendering with numbers of its own."""
    ran = run(tmp_path, protocol, *(word for each in sets for word in ("--set", each)), seed=seed)
    for short, full in zip(ran.summary["comparisons"], ran.results["comparisons"], strict=True):
        found = short["conclusion"]
        assert found == full["conclusion"]
        p, adjusted = ("<0.0001" if value < 0.0001 else f"{value:.4f}" for value in (found["p"], found["adjusted_p"]))
        assert f"p {p} against" in ran.terminal
        if found["comparisons"] > 1:
            assert f"adjusted p {adjusted} against {found['alpha']:g}" in ran.terminal
            assert "adjusted p" in ran.page
        ratio = found["hazard_ratio"]
        limits = ratio["lower"], ratio["upper"]
        assert f"hazard ratio {ratio['estimate']:.3f} ({limits[0]:.3f} to {limits[1]:.3f})" in ran.terminal
        assert f"{limits[0]:.2f} to {limits[1]:.2f}" in ran.page
    for words in ran.summary["departures"]:
        assert words in ran.terminal
        assert words in ran.page
