"""The page on outputs names the files, columns and keys that a small run writes: all of them and no others."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import FLAGSHIP, first_names, page, section, tables, ticked
from trialsim import results
from trialsim.endpoints.adtte import PARAMETERS
from trialsim.endpoints.time_to_event import CENSORING
from trialsim.records import EventKind
from trialsim.report import write_report
from trialsim.spec.load import load_protocol
from trialsim.treatment.library import load_library
from trialsim.trial import run_trial, write_data

PAGE = page("outputs.md")
#: What stands in a path of the page for the names of a run, by the key above it.
STANDS_FOR = {"arms": "ARM", "rfs_percent": "MONTH", "censored": "REASON", "causes": "CAUSE"}
FEW = ("accrual.patients=40", "follow_up.minimum=48 mo")


def small_run(folder: Path) -> Path:
    trial = run_trial(load_protocol(FLAGSHIP, load_library(), FEW), 5)
    write_data(trial, folder, command="trialsim run")
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("run"))


def header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def table(heading: str, number: int = 0) -> list[list[str]]:
    return tables(section(PAGE, heading))[number]


def paths(value: Any, above: str = "", key: str = "") -> Iterator[str]:
    """The paths to the plain values of a JSON object, with the names of this run put in general terms."""
    if isinstance(value, dict):
        for name, inner in value.items():
            part = STANDS_FOR.get(key, name)
            yield from paths(inner, f"{above}.{part}" if above else part, name)
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, f"{above}[]", key)
    else:
        yield above


def told_paths(heading: str) -> set[str]:
    """The paths in the first column; one that begins with a point replaces the last part of the one before it."""
    found: list[str] = []
    for row in table(heading):
        for name in ticked(row[0]):
            found.append(found[-1].rsplit(".", 1)[0] + name if name.startswith(".") else name)
    assert len(found) == len(set(found))
    return set(found)


def test_files(ran: Path) -> None:
    """Catches a file that the page lacks or invents."""
    assert set(first_names(tables(PAGE)[0])) == {path.name for path in ran.iterdir()}


def test_adsl_columns(ran: Path) -> None:
    """Catches a column of ADSL that the page lacks, invents or has out of order."""
    factors = load_protocol(FLAGSHIP, load_library()).randomisation.strata
    assert told_columns("adsl.csv", {"STRATk": len(factors), "BMk": 0}) == header(ran / results.ADSL)


def told_columns(heading: str, repeated: dict[str, int]) -> list[str]:
    """The columns of a table of the page, those whose name holds a k as often as there are such."""
    names = first_names(table(heading))
    told: list[str] = []
    for name in names:
        start = next((start for start in repeated if name.startswith(start)), None)
        group = [n for n in names if start is not None and n.startswith(start)]
        if start is None:
            told.append(name)
        elif name == group[0]:
            told += [n.replace("k", str(k)) for k in range(1, repeated[start] + 1) for n in group]
    return told


def test_adtte_columns(ran: Path) -> None:
    """Catches a column of ADTTE, an endpoint or a censoring code that the page lacks, invents or has out of order."""
    assert first_names(table("adtte.csv")) == header(ran / results.ADTTE)
    assert first_names(table("adtte.csv", 1)) == list(PARAMETERS)
    codes = {int(row[0]): row[1] for row in table("adtte.csv", 2)}
    assert set(codes) == {0, *CENSORING}
    for code, words in CENSORING.items():
        assert codes[code].lower().startswith(words.lower()), code


def test_events_columns(ran: Path) -> None:
    """Catches a column or a kind of event that the page lacks or invents."""
    assert first_names(table("events.csv")) == header(ran / results.EVENTS)
    assert set(first_names(table("events.csv", 1))) == {str(kind) for kind in EventKind}


def test_summary_keys(ran: Path) -> None:
    """Catches a key of summary.json that the page lacks or invents."""
    summary = json.loads((ran / results.SUMMARY).read_text())
    assert set(paths(summary)) == told_paths("summary.json")


def test_results_keys(ran: Path) -> None:
    """Catches a part of results.json that the page lacks or invents."""
    shown = json.loads((ran / results.RESULTS).read_text())
    assert {*shown, *(f"analysis.{key}" for key in shown["analysis"])} == told_paths("results.json")


def test_manifest_keys(ran: Path) -> None:
    """Catches a key of the manifest that the page lacks or invents."""
    manifest = json.loads((ran / results.MANIFEST).read_text())
    top = {key for key in manifest if key != "digests"} | {f"digests.{key}" for key in manifest["digests"]}
    assert top == told_paths("manifest.json")


def test_which_files_are_the_same_in_a_second_run(ran: Path, tmp_path: Path) -> None:
    """Catches a clock, a path or a set order in a file that the page calls reproducible."""
    again = small_run(tmp_path)
    for name in (*results.DATA_FILES, results.RESULTS, results.PROTOCOL, results.MANIFEST, results.REPORT):
        assert (again / name).read_bytes() == (ran / name).read_bytes(), name
    first, second = (json.loads((f / results.SUMMARY).read_text()) for f in (ran, again))
    assert {k: v for k, v in first.items() if k != "runtime"} == {k: v for k, v in second.items() if k != "runtime"}
