"""Places for treatment from the command line: the log, the page and the description tell of waiting."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from trialsim.cli import cli

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "protocols" / "first-trial.yaml"
CAPACITY = "capacity={infusion_chairs: 2, open: [mon, wed, fri]}"


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("capacity") / "out"
    small = ("--patients", 80, "--seed", 2, "--set", "follow_up.minimum=12 mo", "--quiet")
    result = trialsim("run", PROTOCOL, *small, "--set", CAPACITY, "--out", place)
    assert result.exit_code == 0, result.output
    return place


def test_the_counts_of_the_page_are_those_of_the_log(folder: Path) -> None:
    """Catches delays that are counted twice or not told."""
    events = pd.read_csv(folder / "events.csv", keep_default_na=False)
    late = events[events["kind"] == "dose delayed"]
    entries = json.loads((folder / "results.json").read_text())["waiting"]
    assert {entry["place"] for entry in entries} == {"infusion_chairs"}
    for entry in entries:
        own = late[late["arm"] == entry["arm"]]
        given = events[
            (events["arm"] == entry["arm"]) & (events["kind"] == "dose") & (events["detail"] == "doxorubicin")
        ]
        days = own["value"].astype(float)
        assert entry["delayed"] == len(own) > 50
        assert entry["administrations"] == len(given)
        assert entry["longest_days"] == days.max()
        assert entry["mean_days"] == pytest.approx(days.sum() / len(given))
    doses = events[(events["kind"] == "dose") & (events["detail"] == "doxorubicin")]
    # The trial opens on a Monday.
    assert set(doses["day"].astype(float) // 1 % 7) == {0.0, 2.0, 4.0}


def test_the_page_and_the_description_tell_of_places(folder: Path) -> None:
    """Catches a limit that the reader is not told of."""
    page = (folder / "report.html").read_text()
    told = " ".join(trialsim("describe", PROTOCOL, "--set", CAPACITY).stdout.split())
    for text in (page, told):
        assert "There are 2 infusion chairs a day, on Monday, Wednesday and Friday" in text
    assert "Waiting for a place" in page
    stories = json.loads((folder / "results.json").read_text())["stories"]["patients"]
    assert stories
    events = pd.read_csv(folder / "events.csv", keep_default_na=False)
    for story in stories:
        own = events[(events["USUBJID"] == story["usubjid"]) & (events["kind"] == "dose")]
        assert [dose["day"] for dose in story["doses"]] == pytest.approx(own["study_day"].astype(float), abs=1e-4)
