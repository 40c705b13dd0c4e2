"""A saved protocol that was damaged is told, at its place, with its rule and what to do."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.spec.agents_for_tests import library
from trialsim.errors import InvalidInput, Problem
from trialsim.spec.dump import dump_yaml
from trialsim.spec.load import load_protocol
from trialsim.spec.rules import Rule
from trialsim.treatment.library import load_library

PROTOCOLS = Path(__file__).parents[2] / "protocols"
SOUND = Path(__file__).parent.parent / "invalid" / "sound_protocol.yaml"
GUIDED = PROTOCOLS / "biomarker-guided-navitoclax.yaml"
LOOKS = PROTOCOLS / "conventional" / "group-sequential.yaml"
GONE = object()


def saved(source: Path) -> dict[str, Any]:
    agents = library() if source == SOUND else load_library()
    return load_protocol(source, agents).model_dump(mode="json")


def problems(tmp_path: Path, source: Path, at: str, value: object) -> tuple[Problem, ...]:
    data = copy.deepcopy(saved(source))
    *path, last = (int(part) if part.isdecimal() else part for part in at.split("/"))
    here: Any = data
    for part in path:
        here = here[part]
    if value is GONE:
        del here[last]
    else:
        here[last] = value
    (tmp_path / "protocol.resolved.yaml").write_text(dump_yaml(data), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        load_protocol(tmp_path / "protocol.resolved.yaml", library())
    return caught.value.problems


@pytest.mark.parametrize("source", sorted(PROTOCOLS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_protocol_is_sound_when_it_is_saved(source: Path, tmp_path: Path) -> None:
    """Read back equal: catches a range or a check that what was resolved soundly does not keep."""
    protocol = load_protocol(source, load_library())
    (tmp_path / "saved.yaml").write_text(dump_yaml(protocol.model_dump(mode="json")), encoding="utf-8")
    assert load_protocol(tmp_path / "saved.yaml", {}) == protocol


@pytest.mark.parametrize("section", ["name", "agents", "arms", "accrual", "follow_up", "biology", "numerics", "cohort"])
def test_a_section_that_is_gone_is_what_is_told(section: str, tmp_path: Path) -> None:
    """Catches a damaged saved protocol that is taken for a written one: `a mapping stands where a text belongs`."""
    (problem,) = problems(tmp_path, SOUND, section, GONE)
    assert problem.message == f"the file has no `{section}`"
    assert problem.rule == Rule.REQUIRED_KEY


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("accrual/patients", -1),
        ("accrual/patients", 1),
        ("accrual/per_day", 0),
        ("accrual/per_day", 1e300),
        ("accrual/per_day", 1e-5),
        ("accrual/opens", "soon"),
        ("follow_up/missed", 1.5),
        ("follow_up/minimum_days", -3),
        ("follow_up/minimum_days", 0),
        ("follow_up/scans", []),
        ("detection/limit_cells", 0),
        ("numerics/tolerance", 0),
        ("numerics/max_step_days", 0),
        ("biology/escape", GONE),
        ("biology/escape", -1),
        ("analysis/reference", "nobody"),
        ("analysis/alpha", 0.5),
        ("analysis/rmst_tau_days", 0),
        ("analysis/subgroups", ["age"]),
        ("randomisation/ratio/control", GONE),
        ("randomisation/block_sizes", [3]),
        ("arms/control", GONE),
        ("arms/control/name", "x"),
        ("arms/navitoclax/orders/0/agent", "nothing"),
        ("arms/navitoclax/orders/0/dose_unit", "mg/kg"),
        ("arms/navitoclax/orders/0/dose", -1),
        ("arms/navitoclax/orders/0/days", [5.0, 3.0]),
        ("arms/navitoclax/orders/0/days", []),
        ("arms/navitoclax/orders/1/id", "doxorubicin"),
        ("cohort/traits/foci", GONE),
        ("cohort/traits/foci/name", "x"),
        ("cohort/traits/foci/cases", {}),
        ("cohort/traits/age/unit", "d"),
        ("cohort/traits/carrying_capacity/cases/*/parameters/value", 10.0),
        ("cohort/traits/age/by", "x"),
        ("cohort/traits/age/cases/*/parameters/sd", 0),
        ("cohort/traits/age/cases/*/lower", 1e9),
        ("cohort/traits/sex/cases/*/probabilities", [0.7, 0.7]),
        ("cohort/mortality/female", GONE),
        ("cohort/mortality/female/slope_per_year", 1000),
        ("cohort/post_relapse/local_median_days", 0),
    ],
)
def test_damage_has_place_rule_and_remedy(at: str, value: object, tmp_path: Path) -> None:
    """Catches a check that passes what the run then dies of, or simulates without a word."""
    for problem in problems(tmp_path, SOUND, at, value):
        assert problem.line > 0
        assert problem.rule
        assert problem.remedy


@pytest.mark.parametrize(
    ("source", "at", "value"),
    [
        (GUIDED, "panels", {}),
        (GUIDED, "markers", {}),
        (GUIDED, "markers/plasma-sasp/threshold/value", 0),
        (GUIDED, "markers/sa-beta-gal/sensitivity/value", 2),
        (LOOKS, "analysis/looks/spending", "x"),
        (LOOKS, "analysis/looks/events", 10_000_000),
        (LOOKS, "analysis/looks/at", [0.5, 0.4]),
        (LOOKS, "follow_up/cut/events", 1_000_000),
        (LOOKS, "arms/new/model", None),
        (LOOKS, "arms/new/model/hazard_ratios", []),
        (LOOKS, "arms/control/model/law/rates", [0.1, 0.2]),
    ],
)
def test_damage_of_what_only_some_protocols_have(source: Path, at: str, value: object, tmp_path: Path) -> None:
    """The same, of panels, looks and laws."""
    assert all(problem.line > 0 and problem.remedy for problem in problems(tmp_path, source, at, value))


def test_a_cohort_written_into_a_protocol_is_told_as_such(tmp_path: Path) -> None:
    """Catches a written protocol that is taken for a saved one, and told of sections that nobody writes."""
    text = SOUND.read_text().replace("cohort: sound_cohort.yaml", "cohort: {name: x, traits: {}}")
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_protocol(tmp_path / "p.yaml", library())
    (problem,) = caught.value.problems
    assert problem.message == "a mapping stands where a text belongs"
