"""`trialsim twins` and `trialsim sweep`: their outputs, exit codes, interruption and misuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from click.testing import CliRunner, Result

from tests.studies.protocols import START
from trialsim.cli import cli
from trialsim.errors import InvalidInput, UsageError

BEGIN = "arms.after-7.add.0.start"


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


def test_twins_in_text_and_json() -> None:
    """Catches JSON that is not alone on standard output, an arm that is not told, and a text of other numbers."""
    words = ("twins", START, "--patients", 60, "--jobs", 1, "--seed", 2)
    found = json.loads(trialsim(*words, "--json").stdout)
    assert (found["protocol"], found["patients"], found["seed"]) == ("navitoclax-start", 60, 2)
    assert set(found["arms"]) == {"control", "before", "after-7", "after-112"}
    result = trialsim(*words, "--quiet")
    assert result.exit_code == 0, result.output
    for arm, contrast in found["contrasts"].items():
        (row,) = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == [arm] and len(line) < 75]
        kinds = ("saved", "harmed", "relapse_in_both", "relapse_in_neither")
        assert row == [arm, *(str(contrast[kind]) for kind in kinds)]
        assert sum(contrast[kind] for kind in kinds) == 60


def test_sweep_in_text_and_json() -> None:
    """Catches JSON that is not alone on standard output, and a point that is left out."""
    words = ("sweep", START, "--vary", f"{BEGIN}=0 d after ac,28 d after ac", "--patients", 200, "--jobs", 1)
    found = json.loads(trialsim(*words, "--json").stdout)
    assert found["varied"] == [BEGIN]
    assert [point["values"][BEGIN] for point in found["points"]] == ["0 d after ac", "28 d after ac"]
    result = trialsim(*words)
    assert result.exit_code == 0, result.output
    assert "Living 200 patients at 2 points ..." in result.stderr
    assert "28 d after ac" in result.stdout


def test_a_bad_value_exits_3_before_anything_runs() -> None:
    """Catches a sweep that lives its good points and fails at the bad one."""
    for words in (f"{BEGIN}=7 d after ac,soon", f"{BEGIN}", "arms.nobody.add.0.start=1 d after ac"):
        result = trialsim("sweep", START, "--vary", words, "--patients", 10**9)
        assert isinstance(result.exception, InvalidInput), words
        assert result.exception.exit_code == 3
        assert result.stdout == ""


def test_what_has_no_twins_is_told() -> None:
    """Catches a traceback for arms that have a law instead of cells, and for a trial that ends by events alone."""
    conventional = START.parent / "conventional" / "delayed-effect.yaml"
    result = trialsim("twins", conventional, "--patients", 10, "--quiet")
    assert isinstance(result.exception, UsageError)
    assert "have no cells" in str(result.exception)
    words = ("--set", "follow_up={cut: {date: 2035-01-01}, scans: {every: 6 mo}}", "--quiet")
    result = trialsim("twins", START, "--patients", 10, *words)
    assert isinstance(result.exception, UsageError)
    assert "follow_up.minimum" in str(result.exception)


def test_one_patient_has_no_interval() -> None:
    """Catches a spread of one value, which JSON has no word for."""
    found = json.loads(trialsim("twins", START, "--patients", 1, "--jobs", 1, "--json").stdout)
    assert found["contrasts"]["before"]["days_gained"]["lower"] is None


def test_a_sweep_without_vary_is_a_usage_error() -> None:
    assert trialsim("sweep", START).exit_code == 2


def test_interruption_exits_130_and_says_nothing_half(tmp_path: Path) -> None:
    """Catches a Ctrl-C that is swallowed, told as a traceback, or that prints the points done so far. The signal
    goes to the whole group, workers too, as a terminal sends it."""
    words = [sys.executable, "-m", "trialsim", "sweep", str(START), "--vary", f"{BEGIN}=0 d after ac,7 d after ac"]
    words += ["--patients", "400000", "--jobs", "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=tmp_path, stderr=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            if line.startswith("Living"):
                break
        time.sleep(3.0)
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
        assert process.stdout.read() == ""
        assert process.wait(60) == 130
    assert "Traceback" not in rest
    assert "Interrupted" in rest
    assert list(tmp_path.iterdir()) == []
