"""The program as the system sees it: exit codes, interruption, full disks, two runs at once."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from numba.core.caching import _CacheLocator

from trialsim import results
from trialsim.cli import cli
from trialsim.errors import TrialsimError, UsageError

ROOT = Path(__file__).parents[2]
FLAGSHIP = ROOT / "protocols" / "breast-adjuvant-navitoclax.yaml"
INVALID = sorted((ROOT / "tests" / "invalid").glob("*.yaml"))


def program(*words: object) -> list[str]:
    return [sys.executable, "-m", "trialsim", *map(str, words)]


def finished(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program(*words), cwd=cwd, capture_output=True, text=True, timeout=120)


def test_an_invalid_file_exits_3_and_leaves_nothing(tmp_path: Path) -> None:
    """Catches a traceback, a second message for one mistake, and an output folder made before the check."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        FLAGSHIP.read_text().replace("../cohorts", str(ROOT / "cohorts")).replace("dose: 150 mg", "dose: 150")
    )
    run = finished("run", bad, "--out", tmp_path / "out", cwd=tmp_path)
    assert run.returncode == 3
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    assert "bad.yaml:" in run.stderr
    assert "1 problem" in run.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize("file", INVALID, ids=lambda path: path.stem)
def test_every_invalid_example_is_refused(file: Path) -> None:
    """Catches an invalid file that another check lets through to the simulation."""
    # No dose of a shipped agent takes a day; tests/spec has one that does.
    if file.stem.startswith("sound") or file.stem == "doses_apart":
        return
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert isinstance(result.exception, TrialsimError)
    assert result.exception.exit_code == 3
    assert "Traceback" not in str(result.exception)


def test_usage_and_unknown_commands_exit_2(tmp_path: Path) -> None:
    assert finished("rnu", cwd=tmp_path).returncode == 2
    assert finished("run", cwd=tmp_path).returncode == 2
    assert finished("run", tmp_path / "none.yaml", cwd=tmp_path).returncode == 3


def test_interruption_exits_130_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Catches a Ctrl-C that is swallowed, told as a traceback, or that leaves a folder behind."""
    words = program("run", FLAGSHIP, "--patients", 20000, "--out", tmp_path / "out")
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("Simulating"):
                break
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "Traceback" not in rest
    assert "Interrupted" in rest
    assert list(tmp_path.iterdir()) == []


def test_an_end_of_file_is_no_interruption(tmp_path: Path) -> None:
    """Catches "Interrupted" said of a program that nobody interrupted: click takes every EOFError for Ctrl-D."""
    code = (
        "import sys, click; from trialsim.cli.program import cli, main\n"
        "def read(): raise EOFError('Ran out of input')\n"
        "cli.add_command(click.Command('read', callback=read)); sys.argv = ['trialsim', 'read']; main()"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "Interrupted" not in run.stderr
    assert "EOFError: Ran out of input" in run.stderr


def test_what_fails_in_the_simulation_is_not_told_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches "could not write out" said of a file that has nothing to do with it; and the check of the place that
    comes after the simulation."""
    lost = OSError(errno.EIO, os.strerror(errno.EIO), "a file of the package")

    def fails(*_: object, **__: object) -> None:
        raise lost

    monkeypatch.setattr("trialsim.trial.run_trial", fails)
    result = CliRunner().invoke(cli, ["run", str(FLAGSHIP), "--out", str(tmp_path / "out"), "--quiet"])
    assert result.exception is lost
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("three years")
    result = CliRunner().invoke(cli, ["run", str(FLAGSHIP), "--out", str(tmp_path / "mine"), "--quiet"])
    assert isinstance(result.exception, UsageError)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_damaged_compiled_code_does_not_end_a_run(tmp_path: Path) -> None:
    """Catches a traceback or "Interrupted" for a file of compiled code that is empty: the same story is told, with a
    word about it. The code is a copy, where numba is told to look for it."""
    words = ("patient", ROOT / "protocols" / "first-trial.yaml", "--id", 28, "--quiet")
    whole = finished(*words, cwd=tmp_path)
    assert (whole.returncode, whole.stderr) == (0, "")
    kept = tmp_path / "kept"
    for package in ("chance", "biology", "treatment", "patient"):
        source = ROOT / "trialsim" / package
        place = kept / _CacheLocator.get_suitable_cache_subpath(str(source / "any.py"))
        place.mkdir(parents=True)
        for path in (source / "__pycache__").glob("*.nbc"):
            shutil.copy(path, place)
    damaged = [path for path in kept.rglob("*.nbc") if path.name.startswith(("prepare.assemble-", "visits.act-"))]
    assert len(damaged) >= 2
    for path in damaged:
        path.write_bytes(b"")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(kept)}
    run = subprocess.run(program(*words), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert (run.returncode, run.stdout) == (0, whole.stdout)
    assert run.stderr.count("damaged and is compiled anew") == 1


def test_two_runs_into_one_folder_leave_one_whole_run(tmp_path: Path) -> None:
    """Catches a folder put together from two runs, and a loser that fails."""
    runs = [
        subprocess.Popen(
            program("run", FLAGSHIP, "--patients", 30, "--seed", seed, "--out", tmp_path / "out", "--quiet"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for seed in (1, 2)
    ]
    errors = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    manifest = results.read_json(tmp_path / "out", results.MANIFEST)
    assert manifest["digests"]["data"] == results.data_digest(tmp_path / "out")


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """`trialsim schema protocol | head -1` must not end in a traceback."""
    words = " ".join(program("schema", "protocol"))
    run = subprocess.run(f"{words} | head -1", shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in run.stderr
    assert run.stdout.startswith("{")


def test_help_imports_nothing_heavy() -> None:
    """Catches a heavy import at the top of a module that `--help` needs."""
    code = (
        "import sys, click.testing, trialsim.cli as c; click.testing.CliRunner().invoke(c.cli, ['--help']);"
        "print([m for m in ('numba', 'pandas', 'lifelines', 'plotly', 'scipy', 'pydantic') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "[]"


def test_a_folder_that_is_not_a_run_is_never_touched(tmp_path: Path) -> None:
    """Catches an --out that deletes a folder of the user's."""
    (tmp_path / "thesis.tex").write_text("three years")
    with pytest.raises(UsageError, match="not a trialsim run folder"), results.new_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "three years"


def test_a_full_disk_leaves_the_earlier_run(tmp_path: Path) -> None:
    """Catches a run that removes the old folder before the new one is whole."""
    out = tmp_path / "out"
    with results.new_folder(out) as folder:
        results.write_json(folder, results.MANIFEST, {"trialsim": "run"})
    with pytest.raises(TrialsimError, match="No space left"), results.new_folder(out):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert results.read_json(out, results.MANIFEST) == {"trialsim": "run"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_unwritable_place_is_told(tmp_path: Path) -> None:
    """Catches a traceback for a path whose parent is a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"), results.new_folder(tmp_path / "file" / "out"):
        pass
