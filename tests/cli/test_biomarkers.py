"""Guided dosing from the command line: the shipped protocol, its folder and its page."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from tests.docs.test_outputs import told_columns
from trialsim.cli import cli

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "protocols" / "biomarker-guided-navitoclax.yaml"
ARM = "navitoclax-guided"
SMALL = ("--patients", "90", "--set", "follow_up.minimum=12 mo", "--seed", "2", "--quiet")


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "out"
    result = trialsim("run", PROTOCOL, *SMALL, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_adsl_has_the_columns_of_the_page(ran: Path) -> None:
    """Catches columns of a panel that the docs lack, invent or have out of order."""
    assert list(pd.read_csv(ran / "adsl.csv")) == told_columns("adsl.csv", {"STRATk": 2, "BMk": 1})


def test_log_table_and_results_tell_the_same(ran: Path) -> None:
    """Catches a panel that is one thing in ADSL, another in the log or in results.json, and a dose for a negative."""
    adsl = pd.read_csv(ran / "adsl.csv", keep_default_na=False)
    log = pd.read_csv(ran / "events.csv", keep_default_na=False)
    (entry,) = json.loads((ran / "results.json").read_text())["biomarkers"]
    own = adsl[adsl["ARM"] == ARM]
    assert (adsl.loc[adsl["ARM"] != ARM, "BM1RES"] == "").all()
    said = own.groupby(["BM1RES", "BM1TRUTH"]).size()
    keys = {"true_positive": "POSITIVE POSITIVE", "false_positive": "POSITIVE NEGATIVE",
            "false_negative": "NEGATIVE POSITIVE", "true_negative": "NEGATIVE NEGATIVE"}  # fmt: skip
    assert entry["panel"] == {key: int(said.get(tuple(words.split()), 0)) for key, words in keys.items()}
    assert entry["measured"] == sum(entry["panel"].values()) == int((own["BM1RES"] != "").sum()) > 20
    negative = set(own.loc[own["BM1RES"] == "NEGATIVE", "USUBJID"])
    told = log[log["kind"] == "not given"]
    assert set(told["USUBJID"]) == negative
    assert set(told["detail"]) == {"navitoclax: tis-panel negative"}
    dosed = set(log.loc[(log["kind"] == "dose") & (log["detail"] == "navitoclax") & (log["arm"] == ARM), "USUBJID"])
    assert dosed <= set(own.loc[own["BM1RES"] == "POSITIVE", "USUBJID"])
    assert entry["given"] == len(dosed) > 0
    rows = log[(log["kind"] == "biomarker") & (log["USUBJID"].isin(negative))]
    assert rows["detail"].str.startswith("tis-panel: negative").sum() == len(negative)
    assert len(rows) == 4 * len(negative)


def test_the_page_shows_the_panel_against_the_truth(ran: Path) -> None:
    """Catches a page without the table, with numbers of its own, or with a section where nothing is guided."""
    page = (ran / "report.html").read_text()
    (entry,) = json.loads((ran / "results.json").read_text())["biomarkers"]
    part = page.split('<section id="biomarkers">')[1].split("</section>")[0]
    assert "at least 2 of SA-β-gal, p16 and plasma SASP) was positive on day 152" in part
    assert f"{entry['needed']:,} truly needed it" in part
    assert f"given to {entry['given']:,}, {entry['in_vain']:,} of them in vain; {entry['missed']:,} who needed" in part
    for count in entry["panel"].values():
        assert f"<td>{count}</td>" in part
    assert "Biomarker: plasma SASP" in page


def test_perfect_biomarkers_by_one_key(tmp_path: Path) -> None:
    """Catches a switch that the command line does not reach (M20)."""
    result = trialsim("run", PROTOCOL, *SMALL, "--set", "biology.biomarker_error=0", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (entry,) = json.loads((tmp_path / "out" / "results.json").read_text())["biomarkers"]
    assert (entry["missed"], entry["in_vain"]) == (0, 0)
    assert entry["needed"] > 5


def test_a_guided_patient_is_told(ran: Path) -> None:
    """Catches a story that keeps silent about the panel and what was not given."""
    adsl = pd.read_csv(ran / "adsl.csv", keep_default_na=False)
    negative = adsl[(adsl["BM1RES"] == "NEGATIVE")].iloc[0]
    number = int(negative["SUBJID"])
    words = ("patient", PROTOCOL, "--id", number, "--set", "accrual.patients=90", *SMALL[2:])
    told = trialsim(*words)
    assert told.exit_code == 0, told.output
    assert "day 152: tis-panel negative" in told.output
    assert "not given: navitoclax" in told.output
    assert "tis-panel" not in trialsim(*words, "--arm", "control").output


def test_describe_tells_the_condition() -> None:
    """Catches a protocol told back without what decides on an order."""
    told = " ".join(trialsim("describe", PROTOCOL).output.split())
    assert "only if tis-panel (at least 2 of SA-β-gal, p16 and plasma SASP) is positive on day 152" in told
    assert "sensitivity 75% and specificity 70%" in told
