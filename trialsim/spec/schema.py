"""JSON Schema of the two file formats, in draft 7, which is what editors read.

The schemas come from the written models. They know the form of a file; rules that go across a file (an arm
that the ratio leaves out) are for ``trialsim check``.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from trialsim.spec.gains import members
from trialsim.spec.traits import GAIN_GROUPS, GAINS, REQUIRED_TRAITS, TRAITS, Trait
from trialsim.spec.written_cohort import WrittenCohort
from trialsim.spec.written_protocol import Gain, WrittenProtocol
from trialsim.units import DIMENSIONS

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def protocol_schema() -> dict[str, Any]:
    """The schema of a protocol file, with the mechanisms that `biology` can scale."""
    schema = _schema(WrittenProtocol, "trialsim protocol")
    gain = TypeAdapter(Gain).json_schema()
    gains = {name: gain | {"description": meaning} for name, meaning in GAINS.items()}
    groups = {
        group: {"description": meaning, "anyOf": [gain, _closed({m: gains[f"{group}.{m}"] for m in members(group)})]}
        for group, meaning in GAIN_GROUPS.items()
    }
    schema["properties"]["biology"] |= _closed(gains | groups)
    return schema


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def cohort_schema() -> dict[str, Any]:
    """The schema of a cohort file, with every trait, its meaning and its unit."""
    schema = _schema(WrittenCohort, "trialsim cohort")
    traits = schema["properties"]["traits"]
    form = traits["additionalProperties"]
    traits |= {
        "properties": {name: {"description": _describe(trait), "allOf": [form]} for name, trait in TRAITS.items()},
        "required": list(REQUIRED_TRAITS),
        "additionalProperties": False,
    }
    return schema


def _describe(trait: Trait) -> str:
    if trait.dimension is None:
        return trait.meaning if trait.levels == ("*",) else f"{trait.meaning}: {' or '.join(trait.levels)}"
    quantity = DIMENSIONS[trait.dimension]
    given = ", ".join(quantity.units)
    return f"{trait.meaning} ({'a plain number' if quantity.bare else 'in ' + given})"


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    modern = model.model_json_schema(ref_template="#/definitions/{model}")
    definitions = {name: _to_draft_7(part) for name, part in modern.pop("$defs", {}).items()}
    schema = _to_draft_7(modern)
    assert isinstance(schema, dict)
    return {"$schema": DRAFT_7, "title": title, **schema, "definitions": definitions}


def _to_draft_7(node: Any) -> Any:
    """A schema in draft 2020-12 as pydantic writes it -> draft 7.

    There a ``$ref`` hides what stands beside it, so it moves into ``allOf``. Pydantic's own titles go, and
    so do defaults that are held in internal units.
    """
    if isinstance(node, list):
        return [_to_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in ("title", "discriminator", "default")}
    if _is_plain_default(node):
        kept["default"] = node["default"]
    result = {
        key: {name: _to_draft_7(part) for name, part in value.items()}
        if key == "properties"
        else _converted(key, value)
        for key, value in kept.items()
    }
    if "$ref" in result and len(result) > 1:
        result["allOf"] = [{"$ref": result.pop("$ref")}]
    return result


def _converted(key: str, value: Any) -> Any:
    return value if key in ("examples", "enum", "const", "default", "required") else _to_draft_7(value)


def _is_plain_default(node: dict[str, Any]) -> bool:
    kinds = {"integer": int, "number": int | float, "string": str}
    kind = kinds.get(str(node.get("type")))
    return kind is not None and "default" in node and isinstance(node["default"], kind)
