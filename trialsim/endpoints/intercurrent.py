"""What came in between, by arm."""

from __future__ import annotations

from collections import Counter
from typing import Any

from trialsim.records import TrialRecord
from trialsim.spec.resolved import ResolvedProtocol

KINDS = ("discontinuation", "new_therapy", "crossover", "rescue")


def intercurrent_events(trial: TrialRecord, protocol: ResolvedProtocol) -> dict[str, Any]:
    """Patients of each arm with each kind of intercurrent event by the data cut, and the strategy for each.

    ``stratum`` counts the patients of the principal stratum by arm; None where the estimand is about all patients.
    """
    strategies = protocol.endpoint.strategies
    arms = {name: [record for record in trial.patients if record.arm == name] for name in protocol.arms}
    seen = {name: Counter(came.kind for record in own for came in record.intercurrent) for name, own in arms.items()}
    of_stratum = strategies.discontinuation == "principal-stratum"
    return {
        "strategies": strategies.model_dump(),
        "arms": {name: {kind: seen[name][kind] for kind in KINDS} for name in arms},
        "stratum": {name: sum(r.in_stratum for r in own) for name, own in arms.items()} if of_stratum else None,
    }
