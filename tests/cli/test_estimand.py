"""Estimands from the command line: what the page says is asked for, and who is analysed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from trialsim.cli import cli

PROTOCOL = Path(__file__).parents[2] / "protocols" / "breast-adjuvant-navitoclax.yaml"
SMALL = ("--patients", 120, "--seed", 2, "--set", "follow_up.minimum=36 mo", "--quiet")
CROSS = (
    "--set",
    "endpoint={primary: os, estimand: {crossover: hypothetical, new_therapy: composite}}",
    "--set",
    "intercurrent={crossover: {from: control, to: navitoclax, share: 60 %}, new_therapy: {rate: 10 %/yr}}",
)


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


def run(folder: Path, *words: object) -> Path:
    result = trialsim("run", PROTOCOL, *SMALL, *words, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("crossed") / "out", *CROSS)


def test_the_page_and_the_description_state_the_estimand(crossed: Path) -> None:
    """Catches an estimand that is computed and not told, and words of one that is not asked for."""
    page = (crossed / "report.html").read_text()
    told = " ".join(trialsim("describe", PROTOCOL, *CROSS).stdout.split())
    for text in (page, told):
        assert "the effect is that without it: patients are censored on its day (hypothetical)" in text
        assert "Other anticancer therapy before relapse: it is an event of the endpoint (composite)." in text
        assert "Early end of study treatment: included regardless (treatment policy)." in text
        assert "while on treatment" not in text
        assert "cross over to" in text
        assert "or to other anticancer therapy before relapse, whichever comes first" in text
    assert "Intercurrent events" in page


def test_what_is_analysed_is_what_the_log_says(crossed: Path) -> None:
    """Composite events and censoring counted off the log. Catches an analysis of the endpoint as it is without."""
    log = pd.read_csv(crossed / "events.csv", keep_default_na=False)
    adtte = pd.read_csv(crossed / "adtte.csv", keep_default_na=False)
    own = adtte[adtte["PARAMCD"] == "OSE"].set_index("USUBJID")
    began = set(log[log["kind"] == "new therapy"]["USUBJID"])
    crossing = set(log[log["kind"] == "crossed over"]["USUBJID"]) - began
    assert len(began) > 10
    assert len(crossing) > 3
    assert set(own[(own["EVNTDESC"] == "New Therapy") & (own["CNSR"] == 0)].index) == began
    assert set(own[own["CNSR"] == 4].index) == crossing
    summary = json.loads((crossed / "summary.json").read_text())
    for arm, entry in summary["arms"].items():
        assert entry["events"] == int(((own["ARM"] == arm) & (own["CNSR"] == 0)).sum())


def test_the_principal_stratum_is_analysed_in_patients_of_cells(tmp_path: Path) -> None:
    """Who would be stopped under navitoclax is left out of both arms. Catches a stratum of the arm given alone."""
    rules = "rules={strict: {hold_below: 180e9/L, resume_above: 200e9/L, reduce: 25 %, stop_after_holds: 1}}"
    words = (
        "--set",
        "endpoint.estimand=principal-stratum",
        "--set",
        rules,
        "--set",
        "arms.navitoclax.add.0.rules=strict",
    )
    folder = run(tmp_path / "out", *words)
    saved = json.loads((folder / "results.json").read_text())
    stratum, flow = saved["intercurrent"]["stratum"], saved["flow"]["arms"]
    for arm, n in stratum.items():
        assert saved["analysis"]["arms"][arm]["n"] == n == flow[arm]["analysed"]
        assert 0 < n < flow[arm]["allocated"]
    adsl = pd.read_csv(folder / "adsl.csv", keep_default_na=False)
    adtte = pd.read_csv(folder / "adtte.csv", keep_default_na=False)
    inside = set(adtte[(adtte["PARAMCD"] == "RFSE") & (adtte["ANL01FL"] == "Y")]["USUBJID"])
    assert not inside & set(adsl[adsl["DCTREAS"] == "ADVERSE EVENT"]["USUBJID"])
    page = (folder / "report.html").read_text()
    assert "would not be stopped early by the data cut under any arm" in page
    assert "of the principal stratum" in page
