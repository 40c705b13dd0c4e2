"""`trialsim mechanisms`: its outputs, exit codes and misuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.studies.test_mechanisms import MARGINS, mechanism, outcome
from trialsim.cli import cli
from trialsim.errors import UsageError
from trialsim.studies.mechanisms import registry
from trialsim.studies.mechanisms.registry import MechanismsRegistry


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of two small mechanisms, of which one falls short."""
    good = mechanism()
    bad = mechanism(outcome(name="the other way", demand="lowers")).model_copy(update={"id": "M2"})
    small = MechanismsRegistry(margins=MARGINS, mechanisms=(good, bad))
    monkeypatch.setattr(registry, "registry", lambda: small)


@pytest.mark.usefixtures("two")
def test_all_pass(tmp_path: Path) -> None:
    """Catches a page that is not written, and JSON that is not alone on standard output."""
    page = tmp_path / "mechanisms.md"
    result = trialsim("mechanisms", "m1", "--jobs", 1, "--json", "--write", page)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [m["id"] for m in found["mechanisms"]] == ["M1"]
    assert page.read_text(encoding="utf-8").startswith("# Mechanisms\n")


@pytest.mark.usefixtures("two")
def test_exit_4_when_one_falls_short() -> None:
    """Catches a failure that a script would not notice (design.md, section 6)."""
    result = trialsim("mechanisms", "--jobs", 1)
    assert result.exit_code == 4
    assert "falls short  M2" in result.stdout
    assert "1 of 2 mechanisms pass." in result.stdout


def test_an_unknown_mechanism_is_a_usage_error() -> None:
    """Catches an unknown name that runs everything, and an error without its remedy."""
    result = trialsim("mechanisms", "M0", "--quiet")
    assert isinstance(result.exception, UsageError)
    assert "no mechanism is called M0: did you mean" in str(result.exception)


def test_help_names_the_exit_code() -> None:
    """Catches a command that is not in the help."""
    assert "exit code is 4" in trialsim("mechanisms", "--help").output
