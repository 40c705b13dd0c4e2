"""Results of studies as the rows of JSON that these pages are kept in."""

from __future__ import annotations

import json
from typing import Any

from trialsim.reported.studies import SavedEstimate
from trialsim.results import to_json
from trialsim.studies.findings.judge import saved_interval


def row_of(found: object) -> dict[str, Any]:
    """A result as JSON holds it."""
    row: dict[str, Any] = json.loads(to_json(found))
    return row


def told(estimate: dict[str, Any]) -> str:
    """An estimate of a row, with its interval."""
    return saved_interval(SavedEstimate(**estimate))
