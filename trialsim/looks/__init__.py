"""The looks of one trial: the data as they are at a look, the test, the boundary, the decision.

The calendar asks at each look (`trialsim.conduct.interim`); the final analysis is the last of them.
"""

from __future__ import annotations

from trialsim.conduct.interim import Interim
from trialsim.looks.data import survival_data
from trialsim.looks.enriching import Enriching
from trialsim.looks.monitor import Monitor
from trialsim.spec.resolved import ResolvedProtocol

__all__ = ["Enriching", "Monitor", "interim_of", "monitor_of", "survival_data"]


def monitor_of(protocol: ResolvedProtocol) -> Monitor | Enriching | None:
    """What keeps the looks of a trial; None where it has one analysis."""
    looks = protocol.analysis.looks
    if looks is None:
        return None
    return Monitor(protocol) if looks.enrich is None else Enriching(protocol)


def interim_of(protocol: ResolvedProtocol) -> Interim | None:
    """The looks of a trial as the calendar knows them."""
    monitor = monitor_of(protocol)
    return None if monitor is None else monitor.interim
