"""The command line end to end: names, outputs, exit codes (docs/outputs.md)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trialsim import results
from trialsim.cli import cli

ROOT = Path(__file__).parents[2]
FLAGSHIP = ROOT / "protocols" / "breast-adjuvant-navitoclax.yaml"
SMALL = ("--patients", "60", "--set", "follow_up.minimum=24 mo")
FILES = {
    "report.html",
    "adsl.csv",
    "adtte.csv",
    "events.csv",
    "summary.json",
    "results.json",
    "protocol.resolved.yaml",
    "manifest.json",
}


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("run") / "out"
    return folder, trialsim("run", FLAGSHIP, *SMALL, "--seed", 3, "--out", folder, "--json")


def test_run_writes_its_folder_and_says_what_it_found(ran: tuple[Path, Result]) -> None:
    """Catches a file that is missing or misnamed, and a summary that is not the one on disk."""
    folder, result = ran
    assert result.exit_code == 0, result.output
    assert {path.name for path in folder.iterdir()} == FILES
    assert json.loads(result.stdout) == json.loads((folder / "summary.json").read_text())
    assert [p.name for p in folder.parent.iterdir()] == ["out"]


def test_summary_has_the_agreed_keys(ran: tuple[Path, Result]) -> None:
    """Catches a key that others rely on and that went missing (design section 7)."""
    summary = json.loads(ran[1].stdout)
    assert set(summary) == {
        "protocol", "seed", "version", "digest", "reference", "departures", "arms", "comparisons", "runtime",
    }  # fmt: skip
    arm = {
        "label",
        "randomised",
        "events",
        "median_rfs_months",
        "rfs_percent",
        "relapses",
        "deaths_without_relapse",
        "censored",
        "causes",
        "dose_intensity",
        "grade34_thrombocytopenia_percent",
    }
    assert set(summary["arms"]) == {"control", "navitoclax"}
    for values in summary["arms"].values():
        assert set(values) == arm
        assert set(values["rfs_percent"]) == {"36", "60"}
        assert values["relapses"]["local"] + values["relapses"]["distant"] == sum(values["causes"].values())
    (comparison,) = summary["comparisons"]
    assert set(comparison) == {
        "arm",
        "reference",
        "conclusion",
        "strata",
        "unstratified_hazard_ratio",
        "stratified_logrank",
        "hazard_ratio",
        "logrank",
        "rmst_difference",
        "maxcombo",
        "proportional_hazards",
    }
    assert set(comparison["hazard_ratio"]) == {"estimate", "lower", "upper", "p"}
    assert set(comparison["logrank"]) == {"chisq", "z", "p"}
    assert set(comparison["rmst_difference"]) == {"tau", "estimate", "se", "lower", "upper", "p"}


def test_the_same_seed_gives_the_same_bytes(ran: tuple[Path, Result], tmp_path: Path) -> None:
    """Catches a clock, a set order or a shared stream in the data; another seed must differ."""
    again, other = tmp_path / "again", tmp_path / "other"
    assert trialsim("run", FLAGSHIP, *SMALL, "--seed", 3, "--out", again).exit_code == 0
    assert trialsim("run", FLAGSHIP, *SMALL, "--seed", 4, "--out", other).exit_code == 0
    for name in results.DATA_FILES:
        assert (again / name).read_bytes() == (ran[0] / name).read_bytes()
        assert (other / name).read_bytes() != (ran[0] / name).read_bytes()


def test_the_order_of_arms_in_the_file_does_not_matter(ran: tuple[Path, Result], tmp_path: Path) -> None:
    """Catches randomisation, numbering or tables that follow the file's order."""
    head, rest = FLAGSHIP.read_text().split("\narms:\n")
    arms, tail = rest.split("\nrandomisation:\n")
    at = arms.index("  navitoclax:")
    shutil.copytree(ROOT / "cohorts", tmp_path / "cohorts")
    (tmp_path / "protocols").mkdir()
    turned = tmp_path / "protocols" / "turned.yaml"
    turned.write_text(f"{head}\narms:\n{arms[at:]}\n{arms[:at]}\nrandomisation:\n{tail}")
    assert trialsim("run", turned, *SMALL, "--seed", 3, "--out", tmp_path / "out").exit_code == 0
    for name in results.DATA_FILES:
        assert (tmp_path / "out" / name).read_bytes() == (ran[0] / name).read_bytes()


def test_report_rebuilds_the_page_from_the_folder(ran: tuple[Path, Result]) -> None:
    """Catches a page that holds something which the folder does not."""
    page = ran[0] / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert trialsim("report", ran[0]).exit_code == 0
    assert page.read_bytes() == before


def test_patient_is_the_trials_own(ran: tuple[Path, Result]) -> None:
    """Catches a story that is not the trial's patient: arm, doses and relapse are those of events.csv."""
    words = ("patient", FLAGSHIP, *("--set", "accrual.patients=60", "--set", "follow_up.minimum=24 mo"), "--seed", 3)
    rows = [line.split(",") for line in (ran[0] / "events.csv").read_text().splitlines()[1:]]
    for number in (1, 17, 60):
        story = json.loads(trialsim(*words, "--id", number, "--json").stdout)
        own = [row for row in rows if row[0] == story["usubjid"]]
        assert {row[2] for row in own} == {story["arm"]}
        assert sum(row[5] == "dose" for row in own) == len(story["doses"])
        assert any(row[5] == "relapse" for row in own) == (story["relapse"] is not None)
    told = trialsim(*words, "--id", 17, "--arm", "navitoclax")
    assert told.exit_code == 0
    assert "navitoclax" in told.stdout
    assert max(len(line) for line in told.stdout.splitlines()) <= 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("patient", FLAGSHIP, "--id", "9999"), "600 patients"),
        (("patient", FLAGSHIP, "--id", "1", "--arm", "navitoclx"), "control, navitoclax"),
        (("report", ROOT), "not a run folder"),
        (("analyse", "lifelines:gbsg2", "--time", "tme", "--event", "cens", "--arm", "horTh"), "time"),
        (("analyse", "lifelines:gbsg2", "--time", "time", "--event", "cens", "--arm", "horTh", "--tau", "12"), "unit"),
    ],
)
def test_misuse_is_told_in_one_message(words: tuple[object, ...], message: str) -> None:
    """Catches a traceback where the user made the mistake."""
    from trialsim.errors import UsageError

    result = trialsim(*words)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def test_check_and_describe_and_schema(tmp_path: Path) -> None:
    """Catches a shipped file that no longer passes its own check."""
    shipped = [*sorted((ROOT / "protocols").glob("*.yaml")), *sorted((ROOT / "cohorts").glob("*.yaml"))]
    checked = trialsim("check", *shipped)
    assert checked.exit_code == 0
    assert checked.stdout.count(": ok, ") == len(shipped) >= 3
    described = trialsim("describe", FLAGSHIP)
    assert described.exit_code == 0
    assert "Navitoclax" in described.stdout
    for kind in ("protocol", "cohort"):
        assert json.loads(trialsim("schema", kind).stdout)["$schema"].startswith("http://json-schema.org/draft-07")


def test_gbsg2_gives_the_published_values(tmp_path: Path) -> None:
    """German Breast Cancer Study Group 2, 686 women, against R's survival and survRM2, to four decimals."""
    words = (
        "analyse",
        "lifelines:gbsg2",
        "--time",
        "time",
        "--event",
        "cens",
        "--arm",
        "horTh",
        "--tau",
        "1000 d",
        "--landmark",
        "1000 d",
    )
    found = json.loads(trialsim(*words, "--json").stdout)
    (comparison,) = found["comparisons"]
    assert comparison["logrank"]["chisq"] == pytest.approx(8.5648, abs=5e-5)
    assert comparison["rmst_difference"]["estimate"] == pytest.approx(51.1445, abs=5e-5)
    assert found["overall"]["rfs_percent"]["32.9"] / 100 == pytest.approx(0.6578, abs=5e-5)
    page = trialsim(*words, "--out", tmp_path / "gbsg2")
    assert page.exit_code == 0
    assert "8.5648" in page.stdout
    assert (tmp_path / "gbsg2" / "report.html").stat().st_size > 100_000


def test_init_writes_a_trial_that_runs(tmp_path: Path) -> None:
    """Catches a starting point that does not pass its own check, and an init that overwrites somebody's folder."""
    assert trialsim("init", tmp_path / "mine").exit_code == 0
    protocol = tmp_path / "mine" / "protocols" / "first-trial.yaml"
    assert trialsim("check", protocol, tmp_path / "mine" / "cohorts" / "breast-high-risk.yaml").exit_code == 0
    ran = trialsim("run", protocol, "--patients", 30, "--out", tmp_path / "out", "--json")
    assert ran.exit_code == 0
    assert set(json.loads(ran.stdout)["arms"]) == {"control", "senolytic"}
    before = protocol.read_bytes()
    again = trialsim("init", tmp_path / "mine")
    assert "not empty" in str(again.exception)
    assert protocol.read_bytes() == before


@pytest.mark.parametrize(("patients", "seed"), [(2, 1), (2, 4), (3, 2), (5, 3)])
def test_a_tiny_trial_runs_even_when_an_arm_is_empty(patients: int, seed: int, tmp_path: Path) -> None:
    """Catches an analysis or a page that needs a patient, or an event, in every arm."""
    ran = trialsim("run", FLAGSHIP, "--patients", patients, "--seed", seed, "--out", tmp_path / "out", "--json")
    assert ran.exit_code == 0, ran.exception
    arms = json.loads(ran.stdout)["arms"]
    assert list(arms) == ["control", "navitoclax"]
    assert sum(arm["randomised"] for arm in arms.values()) == patients
