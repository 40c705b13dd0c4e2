"""The looks of one trial: the data as they are at a look, the test, the boundary, the decision.

The calendar asks at each look (`trialsim.conduct.interim`); the final analysis is the last of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis import SurvivalData, from_frame
from trialsim.analysis.cox import arm_term, fit_cox, hazard_ratio
from trialsim.analysis.logrank import logrank
from trialsim.conduct.interim import Interim, Told
from trialsim.designs.monitoring import Decision, Look, Plan, Seen, adjusted, examine
from trialsim.designs.size import information_per_event, z_of_hazard_ratio
from trialsim.endpoints import adtte_frame, survival_frame
from trialsim.records import TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def survival_data(protocol: ResolvedProtocol, record: TrialRecord, adtte: pd.DataFrame) -> SurvivalData:
    """The primary endpoint as the analysis takes it."""
    frame = survival_frame(record, protocol, adtte)
    categories = [c for c in frame.columns if c in protocol.cohort.traits]
    relapses = protocol.endpoint.primary != "os"
    return from_frame(
        frame,
        time="time_days",
        event="event",
        arm="arm",
        strata=protocol.randomisation.strata,
        covariates=categories,
        event_type="event_type" if relapses else None,
        cause="cause" if relapses else None,
        # In a tiny trial an arm may have no patient; the plan keeps its place.
        reference=protocol.analysis.reference if (frame["arm"] == protocol.analysis.reference).any() else None,
    )


class Monitor:
    """Keeps the looks of a trial that has them."""

    def __init__(self, protocol: ResolvedProtocol) -> None:
        looks = protocol.analysis.looks
        if looks is None:
            raise ValueError("the protocol has no looks")
        self._protocol = protocol
        self._looks = looks
        self._plan: Plan = looks.plan(protocol.analysis.alpha, protocol.analysis.sided)
        self._arm = next(name for name in protocol.arms if name != protocol.analysis.reference)
        ratio = protocol.randomisation.ratio
        self._ratio = ratio[self._arm] / ratio[protocol.analysis.reference]
        self._drift = (
            None if looks.hazard_ratio is None else z_of_hazard_ratio(looks.hazard_ratio, looks.events, self._ratio)
        )
        self._seen: list[Seen] = []
        self._told: list[dict[str, Any]] = []

    @property
    def interim(self) -> Interim:
        """What the calendar is handed."""
        return Interim(self._looks.targets, self._judge)

    def _judge(self, known: TrialRecord) -> Told:
        data = survival_data(self._protocol, known, adtte_frame(known, self._protocol))
        look = self._look(known, data, last=False)
        z = f"z {look.seen.z:.3f}"
        bounds = f"{z} against {look.upper:.3f}" if math.isinf(look.lower) else (
            f"{z} against {look.lower:.3f} and {look.upper:.3f}"
        )  # fmt: skip
        stops = look.decision in (Decision.EFFICACY, Decision.HARM, Decision.FUTILITY)
        return Told(f"look {look.number}: {look.seen.events:g} events, {bounds}: {look.decision}", stops)

    def finish(self, record: TrialRecord, adtte: pd.DataFrame) -> dict[str, Any]:
        """The looks as they were, the final analysis among them, for results.json."""
        stopped = bool(self._told) and self._told[-1]["decision"] != Decision.CONTINUE
        if not stopped:
            self._look(record, survival_data(self._protocol, record, adtte), last=True)
        last = self._told[-1]
        return {
            "arm": self._arm,
            "reference": self._protocol.analysis.reference,
            "planned": self._planned(),
            "looks": self._told,
            "stopped_early": stopped,
            "decision": last["decision"],
            "adjusted": self._adjusted(),
        }

    def _look(self, known: TrialRecord, data: SurvivalData, *, last: bool) -> Look:
        test = logrank(
            data,
            self._arm,
            self._protocol.analysis.reference,
            stratified=self._protocol.analysis.test == "stratified_logrank",
        )
        self._seen.append(Seen(float(data.event.sum()), 0.0 if test is None else -test.z))
        look = examine(self._plan, self._seen, drift=self._drift, last=last)
        self._told.append(self._as_dict(look, known, data))
        return look

    def _as_dict(self, look: Look, known: TrialRecord, data: SurvivalData) -> dict[str, Any]:
        reference = self._protocol.analysis.reference
        by_arm = {arm: int(data.event[np.asarray(data.arm == arm, dtype=bool)].sum()) for arm in self._protocol.arms}
        model = fit_cox([arm_term(data, self._arm, reference, {})], data.time_days, data.event)
        return {
            "look": look.number,
            "day": known.cut_day,
            "randomised": len(known.patients),
            "events": int(look.seen.events),
            "events_by_arm": by_arm,
            "information": look.information,
            "z": look.seen.z,
            "upper": _finite(look.upper),
            "lower": _finite(look.lower),
            "alpha_spent": look.alpha_spent,
            "beta_spent": look.beta_spent,
            "hazard_ratio": hazard_ratio(model, self._protocol.analysis.confidence_level),
            "conditional_power": {"planned": look.conditional_power_planned, "trend": look.conditional_power_trend},
            "predictive_power": look.predictive_power,
            "decision": str(look.decision),
            "binding": look.binding,
        }

    def _planned(self) -> dict[str, Any]:
        design = self._plan.boundaries()
        return {
            "events": self._looks.events,
            "information": list(design.information),
            "upper": [_finite(z) for z in design.upper],
            "lower": [_finite(z) for z in design.lower],
            "spending": self._looks.spending,
            "futility": None if self._looks.futility is None else self._looks.futility.model_dump(),
            "alpha": self._plan.alpha,
            "sided": self._plan.sided,
        }

    def _adjusted(self) -> Mapping[str, Any]:
        """The effect with the stops taken into account, on the scale of the hazard ratio."""
        found = adjusted(self._plan, self._seen, self._protocol.analysis.confidence_level)
        root = math.sqrt(self._looks.events * information_per_event(self._ratio))
        return {
            "p": found.p if self._plan.sided == 1 else min(1.0, 2.0 * min(found.p, 1.0 - found.p)),
            "hazard_ratio": {
                "estimate": math.exp(-found.drift / root),
                "lower": math.exp(-found.upper / root),
                "upper": math.exp(-found.lower / root),
            },
        }


def _finite(z: float) -> float | None:
    return z if math.isfinite(z) else None
