"""Conventional arms from the command line: files, tables and words."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from trialsim.cli import cli
from trialsim.errors import UsageError

ROOT = Path(__file__).parents[2]
COHORT = """\
trialsim-cohort: 1
name: event-times
cells: false
traits:
  age: {distribution: normal, mean: 60 yr, sd: 10 yr, min: 30 yr, max: 90 yr, source: test, confidence: low}
  sex: {value: female, source: test, confidence: low}
mortality:
  female: {rate60: 0.007 /yr, slope: 0.09 /yr, source: test, confidence: low}
  male: {rate60: 0.011 /yr, slope: 0.09 /yr, source: test, confidence: low}
post_relapse: {local_median: 8 yr, distant_median: 24 mo, source: test, confidence: low}
"""
PROTOCOL = """\
trialsim: 1
name: delayed
cohort: cohort.yaml
arms:
  control: {label: Standard, model: {kind: curve, file: curve.csv, unit: mo}}
  new: {label: New drug, model: {kind: relative, to: control, hazard_ratio: [{ratio: 1, until: 6 mo}, {ratio: 0.5}]}}
accrual: {patients: 300, per_month: 50}
follow_up: {minimum: 36 mo, dropout: 2 %/yr}
analysis: {landmarks: [24 mo]}
"""
CURVE = "time,survival\n0,1\n12,0.7\n24,0.5\n36,0.4\n"


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("conventional")
    for name, text in (("cohort.yaml", COHORT), ("protocol.yaml", PROTOCOL), ("curve.csv", CURVE)):
        (place / name).write_text(text)
    result = trialsim("run", place / "protocol.yaml", "--seed", 4, "--out", place / "out", "--quiet")
    assert result.exit_code == 0, result.output
    return place


def test_the_tables_hold_times_and_no_treatment(folder: Path) -> None:
    """Catches a conventional patient who is scanned, dosed or given a cause of relapse."""
    events = pd.read_csv(folder / "out" / "events.csv", keep_default_na=False)
    assert set(events["kind"]) == {"enrolled", "randomised", "relapse", "death", "withdrew", "data cut"}
    adsl = pd.read_csv(folder / "out" / "adsl.csv", keep_default_na=False)
    assert set(adsl["RELCAUSE"]) == set(adsl["LSTSCDT"]) == {""}
    adtte = pd.read_csv(folder / "out" / "adtte.csv", keep_default_na=False)
    rfs = adtte[adtte["PARAMCD"] == "RFS"]
    assert set(rfs["CNSR"]) == {0, 1, 3}
    summary = json.loads((folder / "out" / "summary.json").read_text())
    # 300 patients: S(24 mo) of the control is 0.5 with a standard error of 0.041.
    assert abs(summary["arms"]["control"]["rfs_percent"]["24"] - 50.0) < 5 * 4.1
    assert summary["comparisons"][0]["hazard_ratio"]["estimate"] < 1.0
    assert summary["arms"]["new"]["causes"] is None
    events_of = rfs[rfs["CNSR"] == 0]
    assert np.all(np.abs(events_of["AVAL"] - events_of["AVALSIM"]) <= 2.0)


def test_the_page_and_the_description_tell_the_laws(folder: Path) -> None:
    """Catches words of scans, cells and lesions where there are none, and a law that is not told."""
    page = (folder / "out" / "report.html").read_text()
    told = trialsim("describe", folder / "protocol.yaml").stdout
    told = " ".join(told.split())
    for text in (page, told):
        assert "the hazard of Standard times 1 until 6 months and 0.5 from then on" in text
        assert "the curve of curve.csv, to 36 months, then the mean hazard up to there" in text
        assert "Events are seen when they happen." in text
        assert "first relapse, local or distant, or to death" in text
        assert "a lesion measures" not in text
        assert "stopping a drug" not in text
    assert "simulated from the event-time distributions" in page
    assert "Each cause" not in page


def test_there_is_no_story_of_a_time(folder: Path) -> None:
    """Catches a traceback where a patient without cells is asked for."""
    result = trialsim("patient", folder / "protocol.yaml", "--id", 1, "--quiet")
    assert isinstance(result.exception, UsageError)
    assert "are simulated from event-time distributions, without cells" in str(result.exception)
    exported = trialsim("export", folder / "out", "--format", "sbml")
    assert isinstance(exported.exception, UsageError)
    assert "have no cells to export" in str(exported.exception)


def test_the_cohort_without_cells_is_described(folder: Path) -> None:
    """Catches a description that asks for traits of cells."""
    told = trialsim("describe", folder / "cohort.yaml")
    assert told.exit_code == 0, told.output
    assert "2 traits" in told.stdout


@pytest.mark.parametrize("name", ["delayed-effect", "strong-null"])
def test_the_conventional_protocols_that_ship_run(name: str, tmp_path: Path) -> None:
    """Catches a shipped file that the format refuses, and survival that is not what its description says.

    Shares at 36 months within 5 standard errors: with a median of 24 months and no effect the control's is 0.354.
    """
    file = ROOT / "protocols" / "conventional" / f"{name}.yaml"
    assert trialsim("check", file, ROOT / "cohorts" / "conventional" / "event-times.yaml").exit_code == 0
    result = trialsim("run", file, "--seed", 8, "--out", tmp_path / "out", "--quiet", "--json")
    assert result.exit_code == 0, result.output
    arms = json.loads(result.stdout)["arms"]
    rate = math.log(2.0) / 24.0
    hazard = {"delayed-effect": 6.0 + 0.6 * 30.0, "strong-null": 2.0 * 6.0 + 0.8 * 30.0}[name] * rate
    for arm, share in (("control", math.exp(-36.0 * rate)), ("new", math.exp(-hazard))):
        # 200 patients, of whom a quarter are not followed for so long.
        error = 100.0 * math.sqrt(share * (1.0 - share) / 150)
        assert abs(arms[arm]["rfs_percent"]["36"] - 100.0 * share) < 5.0 * error
    if name == "delayed-effect":
        events = pd.read_csv(tmp_path / "out" / "events.csv", keep_default_na=False)
        assert events["detail"].iloc[-1] == "250 events"
        assert sum(arm["events"] for arm in arms.values()) == 250
