"""Agents of a protocol's own, and changes to those of the library."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.spec.agents_for_tests import library
from trialsim.errors import InvalidInput, Problem
from trialsim.report.describe_agent import numbers
from trialsim.spec import agent_ranges
from trialsim.spec.agents import UNITS, Senolytic, Targeted
from trialsim.spec.dump import dump_yaml
from trialsim.spec.load import dump_resolved, load_agents, load_protocol, load_resolved
from trialsim.spec.resolve_agents import HERE
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.rules import Rule
from trialsim.spec.schema import protocol_schema
from trialsim.spec.source import read_document
from trialsim.treatment.library import load_library

SOUND = Path(__file__).parents[1] / "invalid" / "sound_protocol.yaml"


def sourced(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": "a paper", "confidence": "med"}


OWN = {
    "kind": "targeted",
    "label": "Mine",
    "pk": {"clearance": sourced(5.0, "L/h"), "volume": sourced(50.0, "L"), "molar_mass": sourced(500.0, "g/mol")},
    "ec50": sourced(0.3, "umol/L"),
    "effects": {"growth": sourced(0.5, "fold")},
}


def load(tmp_path: Path, agents: dict[str, Any], *overrides: str, order: str = "navitoclax") -> ResolvedProtocol:
    data = copy.deepcopy(read_document(SOUND).data)
    data["cohort"], data["agents"] = str(SOUND.parent / data["cohort"]), agents
    added = data["arms"]["navitoclax"]["add"][0]
    added["agent"] = order
    if order != "navitoclax":
        del added["rules"]
    (tmp_path / "protocol.yaml").write_text(dump_yaml(data))
    return load_protocol(tmp_path / "protocol.yaml", library(), overrides)


def refused(tmp_path: Path, agents: dict[str, Any], *overrides: str) -> Problem:
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, agents, *overrides)
    (problem,) = caught.value.problems
    return problem


def test_a_protocol_brings_an_agent_of_its_own(tmp_path: Path) -> None:
    """It is given, saved with the run and read back. Catches an agent that `check` knows and the run does not."""
    protocol = load(tmp_path, {"mine": OWN}, order="mine")
    agent = protocol.agents["mine"]
    assert isinstance(agent, Targeted)
    assert (agent.name, agent.label, agent.dose_unit, agent.pk.clearance.value) == ("mine", "Mine", "mg", 5.0)
    (tmp_path / "resolved.yaml").write_text(dump_resolved(protocol))
    assert load_resolved(tmp_path / "resolved.yaml") == protocol


@pytest.mark.parametrize(
    "written",
    [0.4, "0.4 1/day", {"value": 0.4}, {"value": 0.4, "unit": "1/day"}],
    ids=["bare", "with its unit", "mapping", "mapping with unit"],
)
def test_a_changed_number_says_that_it_was_changed(written: object, tmp_path: Path) -> None:
    """And all else of the agent stays. Catches an old source and an old range beside a new number."""
    changed, before = load(tmp_path, {"navitoclax": {"emax": written}}).agents["navitoclax"], library()["navitoclax"]
    assert isinstance(changed, Senolytic)
    assert isinstance(before, Senolytic)
    assert changed.emax.model_dump() == {
        "value": 0.4, "low": None, "high": None, "unit": "1/day", "source": HERE, "confidence": "low",
    }  # fmt: skip
    assert changed.model_copy(update={"emax": before.emax}) == before


def test_a_changed_number_may_keep_or_bring_its_words(tmp_path: Path) -> None:
    """Catches a source that is overwritten although it was written, and a value lost when only its source changes."""
    with_source = {"emax": {"value": 0.4, "source": "a better paper", "confidence": "high", "high": 0.6}}
    emax = load(tmp_path, {"navitoclax": with_source}).agents["navitoclax"].emax  # type: ignore[union-attr]
    assert (emax.value, emax.high, emax.source, emax.confidence) == (0.4, 0.6, "a better paper", "high")
    emax = load(tmp_path, {"navitoclax": {"emax": {"source": "x y z"}}}).agents["navitoclax"].emax  # type: ignore[union-attr]
    assert (emax.value, emax.source, emax.confidence) == (1.0, "x y z", "low")


def test_an_optional_part_comes_and_goes(tmp_path: Path) -> None:
    """A lag is added, platelets are spared. Catches a null that is an error, and a part that cannot be added bare."""
    agents = {"navitoclax": {"pk": {"lag": "0.5 h"}}, "gentle": {"like": "navitoclax", "platelets": None}}
    protocol = load(tmp_path, agents, order="gentle")
    gentle = protocol.agents["gentle"]
    assert isinstance(gentle, Senolytic)
    assert gentle.platelets is None
    assert gentle.label == library()["navitoclax"].label
    own = load(tmp_path, agents).agents["navitoclax"]
    assert isinstance(own, Senolytic)
    assert own.pk.lag is not None
    assert (own.pk.lag.value, own.pk.lag.unit) == (0.5, "h")
    assert own.platelets is not None


def test_set_reaches_any_number_of_an_agent(tmp_path: Path) -> None:
    """Without an `agents` section, in parts that the agent lacks, and in targets whose names have dots."""
    protocol = load_protocol(SOUND, library(), ("agents.navitoclax.pk.clearance_iiv=0.3", "agents.navitoclax.emax=2"))
    agent = protocol.agents["navitoclax"]
    assert isinstance(agent, Senolytic)
    assert agent.pk.clearance_iiv is not None
    assert (agent.pk.clearance_iiv.value, agent.emax.value) == (0.3, 2.0)
    words = "agents.mine.effects.sasp.immune.value=0.1"
    mine = load(tmp_path, {"mine": {**OWN, "effects": {"sasp.immune": sourced(0.5, "fold")}}}, words, order="mine")
    assert mine.agents["mine"].effects["sasp.immune"].value == 0.1  # type: ignore[union-attr]


def test_a_bad_set_names_itself(tmp_path: Path) -> None:
    """Catches a misspelt number that is quietly ignored, and one told at a line that has nothing to do with it."""
    with pytest.raises(InvalidInput) as caught:
        load_protocol(SOUND, library(), ("agents.navitoclax.pk.clearence=4",))
    (problem,) = caught.value.problems
    assert problem.file == "--set agents.navitoclax.pk.clearence=4"
    assert (problem.rule, problem.remedy) == (Rule.KNOWN_KEY, "did you mean `clearance`?")


@pytest.mark.parametrize(
    ("agents", "rule", "message"),
    [
        ({"mine": {**OWN, "ec50": sourced(0.0, "umol/L")}}, Rule.AGENT, "`ec50` is 0; it must be above 0"),
        ({"mine": {**OWN, "ec50": "soon"}}, Rule.UNIT, "'soon' is not a number in umol/L: a number is needed"),
        ({"mine": {**OWN, "ec50": sourced(0.3, "nmol/L")}}, Rule.UNIT, "`ec50` is in umol/L, not in nmol/L"),
        ({"mine": {**OWN, "effects": {"grwth": sourced(1.0, "fold")}}}, Rule.CHOICE, "`grwth` is not one of"),
        ({"mine": {**OWN, "name": "yours"}}, Rule.AGENT, "this agent is called `mine` by its key"),
        ({"mine": 3}, Rule.TYPE, "`3` stands where a mapping belongs"),
        ({"my drug": OWN}, Rule.NAME, "`my drug` is not a name"),
        ({"navitoclax": {"emax": {"valu": 3}}}, Rule.KNOWN_KEY, "`valu` is not a key of `emax`"),
        ({"navitoclax": {"pk": {"exchange": 3}}}, Rule.AGENT, "`exchange` and `tissue_volume` come together"),
    ],
)
def test_what_makes_no_sense_is_refused(agents: dict[str, Any], rule: Rule, message: str, tmp_path: Path) -> None:
    """Catches a unit that is not looked at, and pydantic's own words in front of a user."""
    problem = refused(tmp_path, agents)
    assert problem.rule == rule
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("emax", "1e300", "`emax` is 1e+300 1/day; it is 0 to 10"),
        ("effect_by_inducer.radiation", "-1", "`effect_by_inducer.radiation` is -1; it is 0 to 100"),
        ("platelets.ec50", "0", "`platelets.ec50` is 0 umol/L; it is 1e-09 to 1e+06"),
        ("pk.clearance", "1e-300", "`pk.clearance` is 1e-300 L/h; it is 0.0001 to 100000"),
    ],
)
def test_a_number_far_outside_what_an_agent_can_have_is_refused(place: str, value: str, message: str) -> None:
    """Catches a check that passes a hazard whose steps no run gets to the end of, and a kill that makes cells."""
    with pytest.raises(InvalidInput) as caught:
        load_protocol(SOUND, library(), (f"agents.navitoclax.{place}={value}",))
    (problem,) = caught.value.problems
    assert (problem.rule, problem.message) == (Rule.RANGE, message)


def test_the_library_lies_within_the_ranges() -> None:
    """Values and the ends of their own ranges; catches a place without a range, and a range drawn too narrow."""
    for agent in load_library().values():
        for place, number in agent_ranges.numbers(agent):
            low, high = agent_ranges.range_of(place)
            assert math.isfinite(high), (agent.name, place)
            for value in (number.value, number.low, number.high):
                assert value is None or low <= value <= high, (agent.name, place)


def test_a_broken_agent_does_not_blame_its_orders(tmp_path: Path) -> None:
    """Catches `mine is not in the agent library` after the real mistake."""
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, {"mine": {**OWN, "ec50": 3}}, order="mine")
    assert [problem.rule for problem in caught.value.problems] == [Rule.SOURCED]


def test_units_are_those_of_the_library() -> None:
    """Catches a unit of the table that no shipped agent has, or a shipped number in another one."""
    for agent in load_library().values():
        for path, number in numbers(agent):
            assert number.unit == UNITS.get(path, number.unit), (agent.name, path)
            assert math.isfinite(number.value)


def test_the_library_as_a_protocol_has_it(tmp_path: Path) -> None:
    """Catches a listing that leaves out the protocol's own agents or shows the library's numbers."""
    load(tmp_path, {"mine": OWN, "navitoclax": {"emax": 0.4}})
    own = load_agents(tmp_path / "protocol.yaml", library(), ("agents.mine.ec50=0.7",))
    assert set(own) == {*library(), "mine"}
    assert (own["navitoclax"].emax.value, own["mine"].ec50.value) == (0.4, 0.7)  # type: ignore[union-attr]
    assert own["radiation"] == library()["radiation"]


def test_editors_take_the_section() -> None:
    """Catches a schema that marks a sound protocol red."""
    data = {**read_document(SOUND).data, "agents": {"mine": OWN, "navitoclax": {"emax": 0.4, "pk": {"lag": "1 h"}}}}
    assert list(Draft7Validator(protocol_schema()).iter_errors(data)) == []
    assert list(Draft7Validator(protocol_schema()).iter_errors({**data, "agents": {"mine": 3}}))
