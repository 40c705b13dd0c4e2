"""Biomarkers, panels and the conditions of orders, from the file to the resolved protocol."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.spec.agents_for_tests import library
from trialsim.errors import InvalidInput
from trialsim.spec.biomarkers import Guide, Marker, Panel, shipped_markers
from trialsim.spec.dump import dump_yaml
from trialsim.spec.load import dump_resolved, load_protocol, load_resolved
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.rules import Rule
from trialsim.spec.schema import protocol_schema
from trialsim.spec.source import read_document

SOUND = Path(__file__).parents[1] / "invalid" / "sound_protocol.yaml"
PANEL = {"markers": ["p16", "plasma-sasp", "sa-beta-gal"], "positive_if": "at least 2"}


def written(give_if: object, biomarkers: dict[str, Any] | None = None) -> dict[str, Any]:
    """The sound protocol with a condition on navitoclax (first dose on day 159) and the panel `three`."""
    data = copy.deepcopy(read_document(SOUND).data)
    data["cohort"] = str(SOUND.parent / data["cohort"])
    data["panels"] = {"three": PANEL}
    if give_if is not None:
        data["arms"]["navitoclax"]["add"][0]["give_if"] = give_if
    if biomarkers is not None:
        data["biomarkers"] = biomarkers
    return data


def load(tmp_path: Path, data: dict[str, Any]) -> ResolvedProtocol:
    (tmp_path / "protocol.yaml").write_text(dump_yaml(data))
    return load_protocol(tmp_path / "protocol.yaml", library())


def marker(tmp_path: Path, name: str, **fields: object) -> Marker:
    """A biomarker as resolved; the order is given by it alone, since unused ones are dropped."""
    protocol = load(tmp_path, written(f"{name} positive at day 120", {name: fields}))
    return protocol.markers[name]


def test_shipped_biomarkers_are_honest() -> None:
    """Catches a shipped number without a source, a range or with more confidence than anybody has."""
    assert {"sa-beta-gal", "p16", "plasma-sasp", "imaging"} <= set(shipped_markers())
    kinds = {found.noise is None for found in shipped_markers().values()}
    assert kinds == {True, False}
    for found in shipped_markers().values():
        for name in ("threshold", "sensitivity", "specificity", "noise", "cutoff", "background"):
            number = getattr(found, name)
            if number is not None:
                assert number.confidence == "low", (found.name, name)
                assert "assumed" in number.source
                assert number.low is not None
                assert number.high is not None
                assert number.low <= number.value <= number.high


@pytest.mark.parametrize(
    ("give_if", "day"),
    [
        ("three positive at day 120", 119.0),
        ({"panel": "three", "day": "day 120"}, 119.0),
        ("three positive at 7 d after rt", 151.0),
        ({"panel": "three", "day": "with rt"}, 126.0),
        ("three  positive at   with navitoclax", 158.0),
        ("three positive at day 159", 158.0),
    ],
)
def test_a_condition_in_words_and_as_a_mapping(tmp_path: Path, give_if: object, day: float) -> None:
    """Catches a form that is read otherwise than the other, and a day counted from the wrong one."""
    protocol = load(tmp_path, written(give_if))
    (order,) = (order for order in protocol.arms["navitoclax"].orders if order.agent == "navitoclax")
    assert order.give_if is not None
    assert (order.give_if.panel, order.give_if.day) == ("three", day)
    assert protocol.arms["navitoclax"].guides == (order.give_if,)
    assert protocol.arms["control"].guides == ()
    assert protocol.panels == {"three": Panel(name="three", markers=("p16", "plasma-sasp", "sa-beta-gal"), at_least=2)}
    assert list(protocol.markers) == ["p16", "plasma-sasp", "sa-beta-gal"]


@pytest.mark.parametrize(("rule", "at_least"), [("all", 3), ("any", 1), ("at least 1", 1), ("at least 3", 3)])
def test_rules_of_panels(tmp_path: Path, rule: str, at_least: int) -> None:
    """Catches `all` that means any, and a number off by one."""
    data = written("three positive at day 120")
    data["panels"]["three"] = PANEL | {"positive_if": rule}
    assert load(tmp_path, data).panels["three"].at_least == at_least


@pytest.mark.parametrize("give_if", ["p16 positive at day 9", {"marker": "p16", "day": "day 9"}])
def test_a_biomarker_is_a_panel_of_one(tmp_path: Path, give_if: object) -> None:
    """Catches a biomarker that needs a panel around it."""
    protocol = load(tmp_path, written(give_if))
    assert protocol.panels == {"p16": Panel(name="p16", markers=("p16",), at_least=1)}
    assert list(protocol.markers) == ["p16"]


def test_what_decides_on_nothing_is_not_kept(tmp_path: Path) -> None:
    """Catches a run whose page lists biomarkers that nobody measured."""
    protocol = load(tmp_path, written(None, {"p16": {"sensitivity": 0.9}}))
    assert (protocol.markers, protocol.panels) == ({}, {})


def test_a_shipped_biomarker_may_be_changed(tmp_path: Path) -> None:
    """Catches an override that loses the rest of the biomarker, keeps the old number or the old source."""
    before = shipped_markers()["p16"]
    after = marker(tmp_path, "p16", sensitivity=0.9, source="a trial", confidence="med")
    assert after.specificity == before.specificity
    assert after.threshold == before.threshold
    assert after.sensitivity is not None
    assert (after.sensitivity.value, after.sensitivity.source, after.sensitivity.confidence) == (0.9, "a trial", "med")
    quiet = marker(tmp_path, "p16", specificity="90 %")
    assert quiet.specificity is not None
    assert (quiet.specificity.value, quiet.specificity.source) == (0.9, "set in the protocol")
    assert quiet.specificity.confidence == "low"


def test_a_test_may_become_a_score_and_back(tmp_path: Path) -> None:
    """Catches numbers of the old form that stay behind."""
    score = marker(tmp_path, "p16", noise=0.5)
    assert (score.sensitivity, score.specificity) == (None, None)
    assert score.cutoff == score.threshold
    test = marker(tmp_path, "imaging", sensitivity=0.8, specificity=0.9)
    assert (test.noise, test.cutoff, test.background) == (None, None, None)


def test_the_cutoff_follows_the_threshold_unless_it_is_written(tmp_path: Path) -> None:
    """Catches a cut-off that stays at the shipped threshold when that is moved."""
    moved = marker(tmp_path, "plasma-sasp", threshold="1e6 cells")
    assert moved.cutoff is not None
    assert moved.cutoff.value == moved.threshold.value == 1e6
    own = marker(tmp_path, "plasma-sasp", threshold="1e6 cells", cutoff="3e6 cells")
    assert own.cutoff is not None
    assert own.cutoff.value == 3e6


def test_a_share_has_thresholds_in_per_cent(tmp_path: Path) -> None:
    """Catches 5 % read as 5 cells, and a threshold that keeps its unit when what is measured changes."""
    share = marker(
        tmp_path, "x", measures="senescent_fraction", threshold="5 %", noise=0.3, cutoff=0.1, background="1 %"
    )
    assert share.cutoff is not None
    assert share.background is not None
    assert (share.threshold.value, share.cutoff.value, share.background.value) == (0.05, 0.1, 0.01)
    assert share.threshold.unit == "fraction"
    with pytest.raises(InvalidInput) as caught:
        marker(tmp_path, "p16", measures="senescent_fraction")
    assert [problem.rule for problem in caught.value.problems] == [Rule.MARKER_MEASURE]


def test_a_guided_protocol_survives_saving(tmp_path: Path) -> None:
    """Catches a run folder from which the page cannot be built again."""
    protocol = load(tmp_path, written("three positive at day 120"))
    (tmp_path / "resolved.yaml").write_text(dump_resolved(protocol))
    assert load_resolved(tmp_path / "resolved.yaml") == protocol


def test_one_measurement_serves_several_orders(tmp_path: Path) -> None:
    """Catches a panel measured twice on a day since two orders ask for it."""
    data = written("three positive at day 120")
    add = data["arms"]["navitoclax"]["add"]
    add.append({**add[0], "agent": "fisetin", "give_if": {"panel": "three", "day": "day 120"}})
    del add[1]["rules"]
    assert load(tmp_path, data).arms["navitoclax"].guides == (Guide(panel="three", day=119.0, written="day 120"),)


@pytest.mark.parametrize(
    ("give_if", "sound"),
    [
        ("three positive at day 120", True),
        ("p16 positive at 7 d after rt", True),
        ({"panel": "three", "day": "day 120"}, True),
        ("three on day 120", False),
        ({"panel": "three", "date": "day 120"}, False),
        ({"panel": "three"}, False),
        (120, False),
    ],
)
def test_the_schema_for_editors(give_if: object, sound: bool) -> None:
    """Catches an editor that marks a sound condition red, or a broken one not."""
    errors = list(Draft7Validator(protocol_schema()).iter_errors(written(give_if, {"p16": {"sensitivity": 0.9}})))
    assert (errors == []) == sound


@pytest.mark.parametrize(
    ("section", "entry"),
    [
        ("biomarkers", {"x": {"sensitivity": 1.2}}),
        ("biomarkers", {"x": {"threshold": "many"}}),
        ("biomarkers", {"x": {"colour": "red"}}),
        ("panels", {"x": {"markers": [], "positive_if": "all"}}),
        ("panels", {"x": {"markers": ["p16"], "positive_if": "most"}}),
    ],
)
def test_the_schema_refuses(section: str, entry: dict[str, Any]) -> None:
    """Catches a schema that accepts anything in the new sections."""
    assert list(Draft7Validator(protocol_schema()).iter_errors(written(None) | {section: entry}))
