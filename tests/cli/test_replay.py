"""What a run saves as its protocol can be run again, and gives the run's own bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trialsim.cli import cli

PROTOCOLS = Path(__file__).parents[2] / "protocols"
DATA = ("adsl.csv", "adtte.csv", "events.csv", "results.json", "protocol.resolved.yaml")


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module", params=[("biomarker-guided-navitoclax", 40), ("conventional/delayed-effect", 300)])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name, patients = request.param
    folder = tmp_path_factory.mktemp("run") / "out"
    protocol = PROTOCOLS / f"{name}.yaml"
    result = trialsim("run", protocol, "--patients", patients, "--seed", 5, "--out", folder, "--quiet")
    assert result.exit_code == 0, result.output
    return folder


def test_the_saved_protocol_gives_the_same_run(ran: Path) -> None:
    """Byte for byte: catches a loader that takes the saved form for a written one, and a value that is rounded."""
    again = ran.parent / "again"
    result = trialsim("run", ran / "protocol.resolved.yaml", "--seed", 5, "--out", again, "--quiet")
    assert result.exit_code == 0, result.output
    for name in DATA:
        assert (again / name).read_bytes() == (ran / name).read_bytes(), name


def test_the_saved_protocol_is_checked_and_described(ran: Path) -> None:
    """Catches a command with a loader of its own."""
    saved = ran / "protocol.resolved.yaml"
    assert ": ok, " in trialsim("check", saved).output
    assert trialsim("describe", saved).exit_code == 0


def test_the_saved_protocol_takes_no_overrides(ran: Path) -> None:
    """Its values are resolved: catches one that is set past every check, or ignored."""
    saved = ran / "protocol.resolved.yaml"
    for words in (("--patients", 3), ("--set", "analysis.reference=nobody")):
        result = trialsim("run", saved, *words, "--out", ran.parent / "other")
        assert result.exit_code == 3 or isinstance(result.exception, Exception)
        assert "a saved protocol runs as it was saved" in str(result.exception)
    assert not (ran.parent / "other").exists()
