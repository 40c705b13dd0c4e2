"""`trialsim findings`: its outputs, exit codes and misuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.studies.test_run_findings import impossible, small
from trialsim.cli import cli
from trialsim.errors import UsageError
from trialsim.studies.findings import registry
from trialsim.studies.findings.registry import all_findings


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of two small findings, of which one falls short."""
    monkeypatch.setattr(registry, "all_findings", lambda: (small(), impossible()))


@pytest.mark.usefixtures("two")
def test_all_pass(tmp_path: Path) -> None:
    """Catches a folder without its page or results, and JSON that is not alone on standard output."""
    folder, page = tmp_path / "out", tmp_path / "findings.md"
    result = trialsim("findings", "v98", "--jobs", 1, "--json", "--out", folder, "--write", page)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found == json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    assert [f["id"] for f in found["findings"]] == ["V98"]
    assert {path.name for path in folder.iterdir()} == {"findings.json", "manifest.json", "report.html"}
    assert page.read_text(encoding="utf-8").startswith("# Findings\n")


@pytest.mark.usefixtures("two")
def test_exit_4_when_one_falls_short() -> None:
    """Catches a failure that a script would not notice (design.md, section 6)."""
    result = trialsim("findings", "--jobs", 1)
    assert result.exit_code == 4
    assert "falls short  V97" in result.stdout
    assert "1 of 2 findings pass." in result.stdout


def test_an_unknown_finding_is_a_usage_error() -> None:
    """Catches an unknown name that runs everything, and an error without its remedy."""
    result = trialsim("findings", "V03", "--quiet")
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == 2
    assert "no finding is called V03: did you mean" in str(result.exception)


def test_nothing_is_written_over(tmp_path: Path, two: None) -> None:
    """Catches an --out that replaces a folder of yours."""
    (tmp_path / "mine.txt").write_text("x")
    result = trialsim("findings", "V98", "--jobs", 1, "--out", tmp_path)
    assert isinstance(result.exception, UsageError)
    assert (tmp_path / "mine.txt").exists()


def test_help_names_the_exit_code() -> None:
    """Catches a command that is not in the help."""
    assert "exit code is 4" in trialsim("findings", "--help").output
    assert all_findings()
