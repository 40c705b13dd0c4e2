"""Results as their JSON files hold them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from trialsim.results import read_as, to_json

Form = TypeVar("Form")


def saved(value: object) -> Any:
    """A result as it is read back from its file."""
    return json.loads(to_json(value))


def as_saved(function: Callable[..., object]) -> Callable[..., Any]:
    """The function, with its result as a file holds it."""
    return lambda *args, **words: saved(function(*args, **words))


def read(form: type[Form], data: object) -> Form:
    """A result out of what a file would hold of it."""
    return read_as(form, json.dumps(data), "sample")
