"""What came in between, by arm."""

from __future__ import annotations

from collections import Counter

from trialsim.endpoints.modelled import counted
from trialsim.records import TrialRecord
from trialsim.reported.trial import IntercurrentEvents
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol


def intercurrent_events(trial: TrialRecord, protocol: ResolvedProtocol) -> IntercurrentEvents:
    """Patients of each arm with each kind of intercurrent event by the data cut, and the strategy for each.

    A kind that the protocol has no plan for, or that cannot come in an arm, is None: treatment is discontinued where an
    order has a rule. ``stratum`` counts the patients of the principal stratum by arm; None where the estimand is about
    all patients.
    """
    strategies = protocol.endpoint.strategies
    arms = {name: [record for record in trial.patients if record.arm == name] for name in protocol.arms}
    seen = {name: Counter(came.kind for record in own for came in record.intercurrent) for name, own in arms.items()}
    of_stratum = strategies.discontinuation == "principal-stratum"
    return IntercurrentEvents(
        strategies=strategies.model_dump(),
        arms={
            name: {kind: counted(seen[name][kind], can_come) for kind, can_come in _planned(protocol, arm).items()}
            for name, arm in protocol.arms.items()
        },
        stratum={name: sum(r.in_stratum for r in own) for name, own in arms.items()} if of_stratum else None,
    )


def _planned(protocol: ResolvedProtocol, arm: ResolvedArm) -> dict[str, bool]:
    """Whether each kind can come in an arm."""
    plans = protocol.intercurrent
    after = {"crossover": plans.crossover, "rescue": plans.rescue}
    return {
        "discontinuation": any(order.rule is not None for order in arm.orders),
        "new_therapy": plans.new_therapy is not None,
        **{kind: plan is not None and arm.name in plan.arms for kind, plan in after.items()},
    }
