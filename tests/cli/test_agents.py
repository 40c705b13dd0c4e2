"""``trialsim agents``: the library in words and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trialsim.cli import cli
from trialsim.errors import UsageError
from trialsim.report.describe_agent import numbers
from trialsim.treatment.library import load_library

LIBRARY = load_library()


def agents(*words: str) -> Result:
    return CliRunner().invoke(cli, ["agents", *words])


def test_the_list_tells_every_agent() -> None:
    """Catches an agent that is left out, or told without its label, kind, what it does or where it is from."""
    result = agents()
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.stdout.splitlines()) <= 100
    for name, agent in LIBRARY.items():
        assert f"{name}: {agent.label} ({agent.kind}, {agent.dose_unit})\n" in result.stdout
    told = json.loads(agents("--json").stdout)
    assert [agent["name"] for agent in told] == list(LIBRARY)
    for agent in told:
        assert set(agent) == {"name", "label", "kind", "dose_unit", "does", "confidence", "sources"}
        assert agent["does"].endswith(".")
        assert sum(agent["confidence"].values()) == len(list(numbers(LIBRARY[agent["name"]])))


@pytest.mark.parametrize("name", LIBRARY)
def test_an_agent_is_told_with_every_number(name: str) -> None:
    """Catches a number that the words leave out, or that stands there without its source; a line that is too wide."""
    result = agents(name)
    assert result.exit_code == 0, result.exception
    assert max(len(line) for line in result.stdout.splitlines()) <= 100
    flat = " ".join(result.stdout.split())
    assert " ".join(LIBRARY[name].note.split()) in flat
    told = json.loads(agents(name, "--json").stdout)
    found = dict(numbers(LIBRARY[name]))
    assert list(told["numbers"]) == list(found)
    for path, number in found.items():
        assert f"\n{path}: " in result.stdout
        assert " ".join(number.source.split()) in flat
        entry = told["numbers"][path]
        assert (entry["value"], entry["source"], entry["confidence"]) == (
            number.value,
            number.source,
            number.confidence,
        )
        assert len(entry["meaning"]) > 3


def test_half_lives_are_told_in_fitting_units() -> None:
    """Catches a half-life in the wrong unit, an infusion that is told as a tablet, a depot as quick."""
    assert "half-life: 28.4 h in plasma; absorbed with 2.31 h" in agents("palbociclib").stdout
    assert "half-life: 21.4 d in plasma, infused" in agents("anti-pd-1").stdout
    assert "released from a depot with 28.9 d" in agents("castration").stdout
    assert json.loads(agents("palbociclib", "--json").stdout)["half_life_hours"] == pytest.approx(28.42, abs=0.01)
    assert "half-life: 29.3 h in plasma, infused" in agents("doxorubicin").stdout
    assert "half-life" not in agents("cisplatin").stdout
    assert json.loads(agents("radiation", "--json").stdout)["half_life_hours"] is None


def test_the_exposure_of_a_dose_is_told() -> None:
    """Area is dose over clearance, and an infusion peaks at its end. Catches hours for days, and mg/L for umol/L.

    Docetaxel: 100 mg / 807.9 g/mol / 38.5 L/h = 3.22 umol/L h; navitoclax peaks 6 to 8 h after a dose.
    """
    assert "100 mg: area 3.22 umol/L h, peak 2" in agents("docetaxel").stdout
    assert "umol/L after 1 h" in agents("docetaxel").stdout
    told = agents("navitoclax").stdout.split("100 mg: ")[1].split("\n")[0]
    assert told.startswith("area 20.5 umol/L h")
    assert 5.0 < float(told.split(" after ")[1].split(" ")[0]) < 9.0


def test_what_a_fold_means_is_told_where_there_is_one() -> None:
    """Catches an explanation that is missing where it is needed, or given where nothing is a fold."""
    assert "1 + (fold - 1) E" in " ".join(agents("ruxolitinib").stdout.split())
    assert "fold on share of immune killing that the SASP takes away" in agents("ruxolitinib").stdout
    assert "fold" not in agents("doxorubicin").stdout


def test_an_unknown_agent_is_told_its_neighbour() -> None:
    """Catches a KeyError where the user mistyped."""
    result = agents("palbocyclib")
    assert isinstance(result.exception, UsageError)
    assert "did you mean `palbociclib`?" in str(result.exception)


def test_agents_of_a_protocol_are_listed_and_explained(tmp_path: Path) -> None:
    """Catches a listing of the library alone, and `--set` that is dropped without a protocol."""
    own = tmp_path / "protocol.yaml"
    text = (Path(__file__).parents[2] / "protocols" / "breast-adjuvant-navitoclax.yaml").read_text()
    own.write_text(f"{text}\nagents:\n  gentle: {{like: navitoclax, label: Gentle, platelets: null, emax: 0.4}}\n")
    assert "gentle: Gentle (senolytic, mg)\n" in agents("--protocol", str(own)).stdout
    told = agents("gentle", "--protocol", str(own), "--set", "agents.gentle.ec50=0.9").stdout
    assert "emax: 0.4 1/day" in told
    assert "ec50: 0.9 umol/L" in told
    assert "set in the protocol" in told
    assert isinstance(agents("--set", "agents.gentle.ec50=0.9").exception, UsageError)
