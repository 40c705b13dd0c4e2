"""Arms and levels of a protocol are names: none of them is a missing value or a number, whatever it spells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from trialsim.cli import cli

ROOT = Path(__file__).parents[2]
DELAYED = ROOT / "protocols" / "conventional" / "delayed-effect.yaml"

#: What programs write for missing values, for truth and for numbers.
WORDS = ("none", "na", "nan", "null", "true", "no", "inf", "1e2")


def ran(tmp_path: Path, text: str, *words: str) -> dict[str, Any]:
    path = tmp_path / "protocol.yaml"
    path.write_text(text.replace("../../cohorts", str(ROOT / "cohorts")))
    found = CliRunner().invoke(cli, ["run", str(path), "--out", str(tmp_path / "out"), "--json", "--quiet", *words])
    assert found.exit_code == 0, found.output
    summary: dict[str, Any] = json.loads(found.stdout)
    return summary


@pytest.mark.parametrize("word", WORDS)
def test_an_arm_by_any_name_is_the_same_arm(tmp_path: Path, word: str) -> None:
    """400 patients, HR 0.598 (unstratified), as with `new`. Catches an arm that vanishes from the analysis."""
    text = DELAYED.read_text()
    assert "\n  new:" in text
    before, after = (ran(tmp_path, t) for t in (text, text.replace("\n  new:", f"\n  {word}:")))
    (first,), (second,) = before["comparisons"], after["comparisons"]
    assert after["arms"][word]["randomised"] == before["arms"]["new"]["randomised"] > 0
    assert sum(arm["randomised"] for arm in after["arms"].values()) == 400
    assert second["hazard_ratio"] == first["hazard_ratio"]
    assert round(second["unstratified_hazard_ratio"]["estimate"], 3) == 0.598


def test_a_level_by_any_name_is_the_same_level(tmp_path: Path) -> None:
    """Strata, subgroups and the stratified ratio. Catches a level dropped: HR 0.598 became 0.648."""
    found = []
    for word in ("negative", "none"):
        cohort = tmp_path / f"{word}.yaml"
        shipped = (ROOT / "cohorts" / "conventional" / "event-times.yaml").read_text()
        assert "{negative: 0.5, positive: 0.5}" in shipped
        cohort.write_text(shipped.replace("{negative: 0.5", f"{{{word}: 0.5"))
        text = DELAYED.read_text().replace("../../cohorts/conventional/event-times.yaml", str(cohort))
        extra = ["--set", "randomisation.strata=[nodes]", "--set", "analysis.test=stratified_logrank",
                 "--set", "analysis.subgroups=[nodes]"]  # fmt: skip
        summary = ran(tmp_path, text, *extra)
        results = json.loads((tmp_path / "out" / "results.json").read_text())["analysis"]
        levels = {level["level"] for level in results["subgroups"][0]["levels"]}
        assert levels == {word, "positive"}
        assert results["n"] == 400
        found.append(summary["comparisons"][0])
    for key in ("hazard_ratio", "unstratified_hazard_ratio", "stratified_logrank"):
        assert found[0][key] == pytest.approx(found[1][key], rel=1e-9)
    assert round(found[1]["unstratified_hazard_ratio"]["estimate"], 3) == 0.598


def test_an_exported_table_says_the_same(tmp_path: Path) -> None:
    """ADTTE of a trial with an arm called none, analysed again. Catches the arm lost on the way through a CSV."""
    summary = ran(tmp_path, DELAYED.read_text().replace("\n  new:", "\n  none:"))
    adtte = tmp_path / "out" / "adtte.csv"
    assert (pd.read_csv(adtte, keep_default_na=False)["ARM"] == "none").any()
    read = CliRunner().invoke(cli, ["analyse", str(adtte), "--time", "AVAL", "--event", "CNSR", "--arm", "ARM",
                                     "--reference", "control", "--json", "--quiet"])  # fmt: skip
    assert read.exit_code == 0, read.output
    found = json.loads(read.stdout)
    assert found["arms"]["none"]["randomised"] == summary["arms"]["none"]["randomised"]
    again, first = found["comparisons"][0]["hazard_ratio"], summary["comparisons"][0]["unstratified_hazard_ratio"]
    assert again["estimate"] == pytest.approx(first["estimate"], rel=1e-6)
