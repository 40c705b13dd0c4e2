"""Every command of the tutorial runs, and the numbers that it quotes of real data are those that come out.

Commands run in order in a copy of the protocol and cohort folders, with few patients.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, commands, page, section, tables
from trialsim.cli import main

PATIENTS = 24
#: Commands that make an environment, which a test cannot do again; they are only parsed.
INSTALLING = ("python3 -m venv", ". .venv", "pip install")


def run(words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """One trialsim command through its entry point: exit code, output, messages."""
    monkeypatch.setattr(sys, "argv", words)
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the shipped files, whose protocol has few patients."""
    shutil.copytree(ROOT / "cohorts", tmp_path / "cohorts")
    shutil.copytree(ROOT / "protocols", tmp_path / "protocols")
    flagship = tmp_path / "protocols" / "breast-adjuvant-navitoclax.yaml"
    text = flagship.read_text()
    assert "patients: 600" in text
    flagship.write_text(text.replace("patients: 600", f"patients: {PATIENTS}"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_runs(copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a command, option, path or key of the tutorial that no longer exists, and one run out of order."""
    lines = commands(page("tutorial.md"))
    ran = {"trialsim": 0, "shell": 0, "parsed": 0}
    for line in lines:
        words = shlex.split(line)
        if words[0] == "trialsim":
            if "--patients" in words:
                words[words.index("--patients") + 1] = str(PATIENTS)
            code, _, errors = run(words, capsys, monkeypatch)
            assert code == 0, f"{line}\n{errors}"
            ran["trialsim"] += 1
        elif line.startswith(INSTALLING):
            ran["parsed"] += 1
        else:
            assert words[0] in ("mkdir", "cp"), f"a command that this test does not know: {line}"
            subprocess.run(words, check=True, cwd=copied)
            ran["shell"] += 1
    assert ran["trialsim"] >= 15
    assert ran["parsed"] == len(INSTALLING)
    assert ran["shell"] == 3
    for line in lines:
        if "--out" in line:
            out = shlex.split(line)[shlex.split(line).index("--out") + 1]
            assert (copied / out / "report.html").is_file(), line


def test_the_dose_makes_the_whole_difference(
    copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a random stream whose key holds something of the protocol (what section 6 promises)."""
    del copied
    protocol = "protocols/breast-adjuvant-navitoclax.yaml"
    rows = []
    for folder, words in (("as-is", []), ("more", ["--set", "arms.navitoclax.add.0.dose=300 mg"])):
        code, _, errors = run(["trialsim", "run", protocol, "--out", folder, *words], capsys, monkeypatch)
        assert code == 0, errors
        rows.append([line for line in Path(folder, "adtte.csv").read_text().splitlines() if ",control," in line])
    assert rows[0] == rows[1]
    assert len(rows[0]) > 0


def test_numbers_quoted_of_gbsg2(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a table of the tutorial that is not what the command prints."""
    line = next(c for c in commands(page("tutorial.md")) if "gbsg2" in c and "--json" in c)
    code, output, errors = run(shlex.split(line), capsys, monkeypatch)
    assert code == 0, errors
    result = json.loads(output)
    (comparison,) = result["comparisons"]
    ratio = comparison["hazard_ratio"]
    expected = [
        f"{ratio['estimate']:.3f} ({ratio['lower']:.3f} to {ratio['upper']:.3f})",
        f"{comparison['logrank']['z']:.3f}".replace("-", "\N{MINUS SIGN}"),
        f"{comparison['rmst_difference']['estimate']:.1f}",
        f"{result['arms']['no']['rfs_percent']['32.9']:.1f} %",
        f"{result['arms']['yes']['rfs_percent']['32.9']:.1f} %",
    ]
    (quoted,) = tables(section(page("tutorial.md"), "10 Analyse data that were never simulated"))
    assert [row[1] for row in quoted] == expected


def test_the_fragment_fits_the_cohort(copied: Path) -> None:
    """Catches a cohort fragment in the tutorial that the format refuses."""
    from trialsim.spec.load import load_cohort

    (fragment,) = blocks(page("tutorial.md"), "yaml")
    line = fragment.splitlines()[1]
    path = copied / "cohorts" / "breast-high-risk.yaml"
    kept, skipping = [], False
    for old in path.read_text().splitlines():
        if old.startswith("  senescence_escape_rate:"):
            kept.append(line)
            skipping = True
        elif skipping and old.startswith("    "):
            continue
        else:
            skipping = False
            kept.append(old)
    path.write_text("\n".join(kept))
    trait = load_cohort(path).traits["senescence_escape_rate"]
    assert trait.cases["*"].parameters == {"value": 3e-6}
