"""A small trial of a senolytic after chemotherapy, for studies that live the same patients many times."""

from __future__ import annotations

from pathlib import Path

from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.treatment.library import load_library

ROOT = Path(__file__).parents[2]
START = ROOT / "protocols" / "navitoclax-start.yaml"

#: With these, and a senolytic that spares cycling cells, chemotherapy alone makes senescent cells.
ONLY_CHEMOTHERAPY_AGES = (
    "biology.spontaneous_senescence=0",
    "biology.sasp.arrest=0",
    "biology.host_senescence=0",
)


def start_protocol(*overrides: str) -> ResolvedProtocol:
    """When to begin navitoclax."""
    return load_protocol(START, load_library(), overrides)
