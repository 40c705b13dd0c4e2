"""Resolved records as YAML text: the same text for the same record, on every machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from trialsim.spec.source import scalar

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./()+-]+)*\Z")
_UNPRINTABLE = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def dump_yaml(data: dict[str, Any]) -> str:
    """``data`` (strings, numbers, booleans, None, lists and mappings) as block YAML.

    Lists of single values stand on one line. `trialsim.spec.source.parse_document` reads back equal data:
    floats are written in full (`repr`), and text that could be taken for something else is quoted.
    """
    return "\n".join(_mapping(data, "")) + "\n"


def _mapping(data: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{indent}{_scalar(key)}:", value, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield head
        yield from _mapping(value, indent + "  ")
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        yield head
        yield from _sequence(value, indent + "  ")
    else:
        yield f"{head} {_inline(value)}"


def _sequence(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict) and item:
            lines = list(_mapping(item, indent + "  "))
            yield f"{indent}- {lines[0].lstrip(' ')}"
            yield from lines[1:]
        else:
            yield f"{indent}- {_inline(item)}"


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_inline(inner)}" for key, inner in value.items()) + "}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _PLAIN.match(text) and isinstance(scalar(text, plain=True), str):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda m: f"\\U{ord(m[0]):08x}", quoted)
