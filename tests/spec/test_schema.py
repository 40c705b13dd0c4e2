"""The schemas for editors."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from trialsim.spec.schema import cohort_schema, protocol_schema
from trialsim.spec.source import read_document
from trialsim.spec.traits import GAIN_GROUPS, GAINS, TRAITS

ROOT = Path(__file__).parent.parent.parent
SOUND = ROOT / "tests" / "invalid"
PROTOCOLS = [ROOT / "protocols" / "breast-adjuvant-navitoclax.yaml", SOUND / "sound_protocol.yaml"]
COHORTS = [
    ROOT / "cohorts" / "breast-high-risk.yaml",
    ROOT / "cohorts" / "breast-early.yaml",
    SOUND / "sound_cohort.yaml",
]


def errors(schema: dict[str, Any], data: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft7Validator(schema).iter_errors(data)]


@pytest.mark.parametrize("schema", [protocol_schema(), cohort_schema()], ids=["protocol", "cohort"])
def test_schema_is_draft_7(schema: dict[str, Any]) -> None:
    """Editors read draft 7: catches `$defs`, `prefixItems` and a `$ref` that hides its neighbours."""
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert not {"$defs", "prefixItems", "discriminator"} & set(node)
            assert "$ref" not in node or len(node) == 1
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(inner)

    walk(schema)


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.stem)
def test_protocols_validate(path: Path) -> None:
    """A schema stricter than the loader would mark sound files red."""
    assert errors(protocol_schema(), read_document(path).data) == []


@pytest.mark.parametrize("path", COHORTS, ids=lambda path: path.stem)
def test_cohorts_validate(path: Path) -> None:
    """A schema stricter than the loader would mark sound files red."""
    assert errors(cohort_schema(), read_document(path).data) == []


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), "colour", "red"),
        (("accrual",), "colour", "red"),
        (("arms", "navitoclax", "add", 0), "colour", "red"),
        (("biology",), "escpae", 1),
        (("biology",), "sasp", {"imune": 1}),
        (("biology",), "sasp.imune", 1),
        (("biology",), "escaper", "off"),
        (("biology",), "escape", {"growth": 0}),
        (("accrual",), "ramp", 6),
        (("accrual",), "patients", 0),
        (("arms", "navitoclax", "add", 0), "dose", "150"),
        (("arms", "navitoclax", "add", 0), "start", "soon"),
        (("endpoint",), "primary", "pfs"),
    ],
)
def test_protocol_schema_refuses(path: tuple[str | int, ...], key: str, value: object) -> None:
    """Unknown keys, bare numbers and unknown words: catches a schema that accepts anything."""
    data = copy.deepcopy(read_document(SOUND / "sound_protocol.yaml").data)
    here: Any = data
    for part in path:
        here = here[part]
    here[key] = value
    assert errors(protocol_schema(), data)


@pytest.mark.parametrize("trait", ["focii", "foci"])
def test_cohort_schema_refuses(trait: str) -> None:
    """An unknown trait, and a known one of no shape."""
    data = copy.deepcopy(read_document(SOUND / "sound_cohort.yaml").data)
    data["traits"][trait] = {"distribution": "lognormal", "colour": "red"}
    assert errors(cohort_schema(), data)


def test_schemas_know_every_trait_and_mechanism() -> None:
    """For completion in the editor, with what each means."""
    traits = cohort_schema()["properties"]["traits"]["properties"]
    assert list(traits) == list(TRAITS)
    assert all(TRAITS[name].meaning in part["description"] for name, part in traits.items())
    biology = protocol_schema()["properties"]["biology"]["properties"]
    assert list(biology) == [*GAINS, *GAIN_GROUPS]
    for group, meaning in GAIN_GROUPS.items():
        assert biology[group]["description"] == meaning
        nested = biology[group]["anyOf"][1]["properties"]
        assert {f"{group}.{name}": part["description"] for name, part in nested.items()} == {
            name: text for name, text in GAINS.items() if name.startswith(f"{group}.")
        }


@pytest.mark.parametrize("gains", [{"sasp": 0}, {"sasp": {"immune": 0, "f3": 2}}, {"sasp.immune": 0.5}])
def test_schema_takes_every_form_of_a_gain(gains: dict[str, Any]) -> None:
    """Catches an editor that marks a group's number, its members or a dotted key red."""
    data = copy.deepcopy(read_document(SOUND / "sound_protocol.yaml").data)
    assert errors(protocol_schema(), data | {"biology": gains}) == []
