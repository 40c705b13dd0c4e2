"""``trialsim boundaries`` and ``trialsim size``: numbers, words, and what is refused."""

from __future__ import annotations

import json
import math

import pytest
from click.testing import CliRunner, Result

from tests.designs.published import CASES
from trialsim.cli import cli
from trialsim.errors import UsageError


def ran(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def test_boundaries_as_published() -> None:
    """Catches options that do not reach the design: the case of gsDesign from the command line."""
    case = CASES["gs01_LDOF_K3"]
    told = json.loads(ran("boundaries", "--at", ",".join(map(str, case.inputs["info_frac"])), "--json").stdout)
    assert told["z"] == pytest.approx(case.expected["z"], abs=case.abs_tol)
    assert told["alpha_spent"][-1] == 0.025
    assert list(told)[:3] == ["alpha", "sided", "spending"]


def test_boundaries_with_futility_in_words() -> None:
    """Catches a table that leaves out what JSON has, a line too wide, a rule called by the other name."""
    words = ("boundaries", "--at", "0.5,1", "--futility", "hwang-shih-decani(-2)", "--power", "0.8")
    told, text = json.loads(ran(*words, "--json").stdout), ran(*words).stdout
    assert max(len(line) for line in text.splitlines()) <= 120
    for z in (*told["z"], *told["futility_z"]):
        assert f"{z:.4f}" in text
    assert "futility non-binding" in text
    assert told["power"]["power"] == pytest.approx(0.8)
    assert told["beta_spent"][-1] == pytest.approx(0.2)
    bound = json.loads(ran(*words, "--binding", "--json").stdout)
    assert bound["z"][-1] < told["z"][-1]
    assert "futility binding" in ran(*words, "--binding").stdout


def test_many_looks_stay_in_the_window() -> None:
    """Catches a table that grows sideways with the looks."""
    text = ran("boundaries", "--at", ",".join(f"{k / 40:g}" for k in range(1, 41)), "--futility", "pocock").stdout
    assert max(len(line) for line in text.splitlines()) <= 120
    assert len(text.splitlines()) > 80


def test_shares_and_shapes() -> None:
    """Catches shares read as a name, and a shape with looks in counts of patients."""
    told = json.loads(ran("boundaries", "--at", "0.3,1", "--spending", "0,1", "--json").stdout)
    assert told["z"][0] is None
    counts = json.loads(
        ran("boundaries", "--at", "1,2,3,4", "--shape", "0", "--alpha", "0.05", "--sided", "2", "--json").stdout
    )
    assert counts["information"] == [0.25, 0.5, 0.75, 1.0]
    assert counts["z"] == pytest.approx(CASES["gs06_OF_K4_twosided"].expected["z"], abs=0.005)


SIZE = ("size", "--hazard-ratio", "0.7", "--median", "12 mo", "--accrual", "12 mo", "--follow-up", "12 mo")


def test_size_without_looks_is_schoenfeld() -> None:
    """Catches months taken for days and a dropout that does not cost patients."""
    told = json.loads(ran(*SIZE, "--json").stdout)
    assert told["events"] == pytest.approx(CASES["ss01_Schoenfeld_HR07"].expected["events"], abs=1e-4)
    assert told["months"] == pytest.approx(24.0)
    seen = told["events_by_arm"]
    assert seen["control"] > seen["treated"]
    hazard = math.log(2) / 12
    chance = 1 - (math.exp(-12 * hazard) - math.exp(-24 * hazard)) / (12 * hazard)
    assert seen["control"] / (told["patients"] / 2) == pytest.approx(chance, rel=1e-9)
    lost = json.loads(ran(*SIZE, "--dropout", "10 %/yr", "--json").stdout)
    assert lost["events"] == pytest.approx(told["events"])
    assert lost["patients"] > 1.05 * told["patients"]


def test_size_of_a_delayed_effect() -> None:
    """More patients, and early looks with less power than the last look's effect would give them."""
    words = ("--at", "0.6,1", "--futility", "pocock")
    late = [w if w != "0.7" else "1 until 4 mo, 0.7" for w in SIZE]
    told, level = (json.loads(ran(*start, *words, "--json").stdout) for start in (late, SIZE))
    assert told["patients"] > 1.5 * level["patients"]
    assert told["looks"][0]["average_hazard_ratio"] > told["looks"][1]["average_hazard_ratio"] > 0.7
    assert told["looks"][0]["cumulative_power"] < level["looks"][0]["cumulative_power"] - 0.1
    for each in (told, level):
        assert each["looks"][-1]["cumulative_power"] == pytest.approx(0.9, abs=1e-9)
    text = ran(*late, *words).stdout
    assert f"{math.ceil(told['patients'])} patients" in text
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("boundaries", "--at", "0.5,0.4,1"), "looks ascend"),
        (("boundaries", "--at", "0.5,x"), "numbers with commas"),
        (("boundaries", "--at", "0.5,0.9"), "the last look"),
        (("boundaries", "--spending", "obrien"), "no spending function"),
        (("boundaries", "--binding"), "--binding needs --futility"),
        (("boundaries", "--sided", "2", "--futility", "pocock"), "one-sided"),
        (("boundaries", "--shape", "0", "--futility", "pocock"), "not with --shape"),
        ((*SIZE, "--hazard", "1 /yr"), "either --median or --hazard"),
        ((*SIZE[:2], "1", *SIZE[3:]), "no effect is expected"),
        ((*SIZE[:2], "1 until 6 mo", *SIZE[3:]), "every value but the last has an end"),
        ((*SIZE[:2], "good", *SIZE[3:]), "`good` is not a number"),
        ((*SIZE[:2], "-1", *SIZE[3:]), "--hazard-ratio -1: rates are finite and not negative"),
        ((*SIZE[:2], "1e9", *SIZE[3:]), "from 0.01 to 100"),
        ((*SIZE, "--ramp", "13 mo"), "--ramp is shorter"),
        ((*SIZE, "--dropout", "2 mo"), "--dropout 2 mo"),
        ((*SIZE[:4], "0 d", *SIZE[5:]), "--median must be more than zero"),
        ((*SIZE[:6], "0 d", *SIZE[7:]), "--accrual must be more than zero"),
        ((*SIZE, "--method", "lachin-foulkes", "--hazard-ratio", "1 until 6 mo, 0.6"), "proportional"),
    ],
)
def test_what_cannot_be_is_a_usage_error(words: tuple[str, ...], message: str) -> None:
    """Catches a traceback, and a design computed from words that mean nothing."""
    result = ran(*words)
    assert isinstance(result.exception, UsageError), result.output
    assert message in str(result.exception)
