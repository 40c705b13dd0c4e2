"""The looks of one trial: the data as they are at a look, the test, the boundary, the decision.

The calendar asks at each look (`trialsim.conduct.interim`); the final analysis is the last of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis import SurvivalData, from_frame
from trialsim.analysis.cox import arm_term, fit_cox, hazard_ratio
from trialsim.analysis.logrank import logrank
from trialsim.conduct.interim import Interim, Told
from trialsim.designs.boundaries import LEAST_STEP
from trialsim.designs.favouring import chances_of_best, shares
from trialsim.designs.monitoring import Decision, Look, Plan, Seen, adjusted, bounds_to_come, examine
from trialsim.designs.multiplicity import Holm
from trialsim.designs.promising import Promising, new_events, weighted_z
from trialsim.designs.size import information_per_event, z_of_hazard_ratio
from trialsim.endpoints import adtte_frame, primary_event, survival_frame
from trialsim.records import TrialRecord
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import Looks, ReEstimate


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
    """Keeps the looks of a trial that has them: one comparison with the reference for each other arm."""

    def __init__(self, protocol: ResolvedProtocol) -> None:
        looks = protocol.analysis.looks
        if looks is None:
            raise ValueError("the protocol has no looks")
        self._protocol = protocol
        self._looks = looks
        others = [name for name in protocol.arms if name != protocol.analysis.reference]
        self._comparisons = [Comparison(protocol, looks, arm) for arm in others]
        self._holm = Holm(len(others), protocol.analysis.alpha, self._bound)
        self._number = 0

    @property
    def interim(self) -> Interim:
        """What the calendar is handed."""
        return Interim(self._looks.targets, self._judge)

    def _judge(self, known: TrialRecord) -> Told:
        told = self._look(known, adtte_frame(known, self._protocol), last=False)
        closes = tuple(c.arm for c in self._comparisons if c.decision in (Decision.FUTILITY, Decision.HARM))
        events = sum(record_has_event(self._protocol, known))
        words = "; ".join(comparison.words(named=len(self._comparisons) > 1) for comparison in told)
        stops = all(comparison.decided for comparison in self._comparisons)
        raised = self._comparisons[0].raised_to
        told_shares = None if stops else self._shares(known)
        if told_shares is not None:
            listed = ", ".join(f"{arm} {100 * share:.0f} %" for arm, share in told_shares.items())
            words = f"{words}; later patients: {listed}"
        return Told(f"look {self._number}: {events} events, {words}", stops, closes, raised, told_shares)

    def _shares(self, known: TrialRecord) -> dict[str, float] | None:
        """The shares of later patients, if they are to go more often to the arm that does better."""
        floor = self._looks.least_share
        if floor is None:
            return None
        closed = {c.arm for c in self._comparisons if c.decided and c.decision is not Decision.EFFICACY}
        data = survival_data(self._protocol, known, adtte_frame(known, self._protocol))
        arms = [arm for arm in self._protocol.arms if arm not in closed]
        own = [np.asarray(data.arm == arm) for arm in arms]
        events = np.array([float(data.event[mine].sum()) for mine in own])
        days = np.array([float(data.time_days[mine].sum()) for mine in own])
        best = dict(zip(arms, chances_of_best(events, days).tolist(), strict=True))
        found = shares(best, len(known.patients), self._protocol.accrual.patients, floor)
        for comparison in self._comparisons:
            comparison.note_share(found.get(comparison.arm, 0.0))
        return found

    def finish(self, record: TrialRecord, adtte: pd.DataFrame) -> list[dict[str, Any]]:
        """The looks of every comparison as they were, the final analysis among them, for results.json."""
        early = all(comparison.decided for comparison in self._comparisons)
        if not early:
            self._look(record, adtte, last=True)
        return [comparison.as_dict(early) for comparison in self._comparisons]

    def _look(self, known: TrialRecord, adtte: pd.DataFrame, *, last: bool) -> list[Comparison]:
        """One look at everything that is still open; those comparisons that were made."""
        data = survival_data(self._protocol, known, adtte)
        self._number += 1
        made = [c for c in self._comparisons if not c.decided and c.see(known, data, last=last)]
        z = [c.seen[-1].z if c in made else None for c in self._comparisons]
        self._holm.look(self._number, z)
        for at, comparison in enumerate(self._comparisons):
            if comparison in made:
                comparison.settle(self._number, self._holm.tested[at])
        if last:
            for comparison in self._comparisons:
                comparison.give_up()
        return made

    def _bound(self, which: int, _number: int, level: float) -> float:
        return self._comparisons[which].bound(level)


class Comparison:
    """An arm against the reference, look after look."""

    def __init__(self, protocol: ResolvedProtocol, looks: Looks, arm: str) -> None:
        self.arm = arm
        self.seen: list[Seen] = []
        self.decision: Decision = Decision.CONTINUE
        self._protocol = protocol
        self._looks = looks
        self._reference = protocol.analysis.reference
        ratio = protocol.randomisation.ratio
        both = ratio[arm] + ratio[self._reference]
        #: Events of these two arms when all events are in.
        self._most = looks.events * both / sum(ratio.values())
        self._ratio = ratio[arm] / ratio[self._reference]
        self._level = protocol.analysis.alpha / (len(protocol.arms) - 1)
        effect = looks.hazard_ratio
        self._drift = None if effect is None else z_of_hazard_ratio(effect, self._most, self._ratio)
        self._last = False
        #: Events at which the trial ends instead of the planned number, once a look has raised it.
        self.raised_to: int | None = None
        self._events, self._plain_z = 0, 0.0
        self._told: list[dict[str, Any]] = []
        self._now: tuple[TrialRecord, SurvivalData] | None = None

    @property
    def decided(self) -> bool:
        return self.decision is not Decision.CONTINUE

    def see(self, known: TrialRecord, data: SurvivalData, *, last: bool) -> bool:
        """Take in the data of a look; whether they are more than at the look before."""
        pair = data.take(np.asarray((data.arm == self.arm) | (data.arm == self._reference), dtype=bool))
        events = float(pair.event.sum())
        before = float(self._events)
        if events - before < max(1.0, LEAST_STEP * self._most):
            return False
        stratified = self._protocol.analysis.test == "stratified_logrank"
        test = logrank(pair, self.arm, self._reference, stratified=stratified)
        self._events, self._plain_z = int(events), 0.0 if test is None else -test.z
        self.seen.append(self._weighted(events) if self.raised_to is not None else Seen(events, self._plain_z))
        self._last, self._now = last, (known, pair)
        return True

    def _weighted(self, events: float) -> Seen:
        """The last look after events were raised: z with the planned weights, at the planned information."""
        first = self.seen[-1]
        z = weighted_z(first.events / self._most, (first.events, first.z), (events, self._plain_z))
        return Seen(self._most, z)

    def bound(self, level: float) -> float:
        """The upper z of the latest look when it is tested at a level."""
        return self._examine(level).upper

    def settle(self, number: int, level: float) -> None:
        """The latest look at the level that Holm's procedure has come to, and what it decides."""
        self._level = level
        look = self._examine(level)
        self.decision = look.decision
        rule = self._looks.re_estimate
        if rule is not None and not self.decided and number == len(self._looks.targets):
            self._re_estimate(rule)
        self._told.append(self._as_dict(number, look))

    def _re_estimate(self, rule: ReEstimate) -> None:
        """Raise the number of events if the last interim look is in the promising zone."""
        now, (*_, bound) = self.seen[-1], bounds_to_come(self._plan(self._level), self.seen)
        zone, planned = Promising(rule.lowest, rule.power, rule.at_most), round(self._most)
        total = new_events(zone, now.events / self._most, now.events, now.z, bound, planned)
        self.raised_to = total if total > planned else None

    def note_share(self, share: float) -> None:
        """The share of later patients that the arm gets after the latest look."""
        if self._told:
            self._told[-1]["share"] = share

    def give_up(self) -> None:
        """The trial has ended, and the last look had nothing new to say of this comparison."""
        if not self.decided:
            self.decision = Decision.NOT_SHOWN

    def words(self, *, named: bool) -> str:
        """The latest look as the event log tells it."""
        look = self._told[-1]
        bounds = [f"{look[key]:.3f}" for key in ("lower", "upper") if look[key] is not None]
        against = f" against {' and '.join(bounds)}" if bounds else ""
        raised = f" to {look['raised_to']} events" if look["raised_to"] else ""
        return f"{f'{self.arm} ' if named else ''}z {look['z']:.3f}{against}: {look['decision']}{raised}"

    def _examine(self, level: float) -> Look:
        return examine(self._plan(level), self.seen, drift=self._drift, last=self._last)

    def _plan(self, level: float) -> Plan:
        plan = self._looks.plan(level, self._protocol.analysis.sided)
        return replace(plan, events=self._most)

    def _as_dict(self, number: int, look: Look) -> dict[str, Any]:
        assert self._now is not None
        known, pair = self._now
        by_arm = {arm: int(pair.event[np.asarray(pair.arm == arm)].sum()) for arm in (self._reference, self.arm)}
        model = fit_cox([arm_term(pair, self.arm, self._reference, {})], pair.time_days, pair.event)
        return {
            "look": number,
            "day": known.cut_day,
            "randomised": len(known.patients),
            "events": self._events,
            "events_by_arm": by_arm,
            "information": look.information,
            "level": self._level,
            "z": look.seen.z,
            "plain_z": self._plain_z,
            "raised_to": None if self._last else self.raised_to,
            "share": None,
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

    def as_dict(self, stopped_early: bool) -> dict[str, Any]:
        """Everything of the comparison, for results.json."""
        return {
            "arm": self.arm,
            "reference": self._reference,
            "planned": self._planned(),
            "looks": self._told,
            "stopped_early": stopped_early,
            "decision": str(self.decision),
            "adjusted": self._adjusted() if self.seen else None,
        }

    def _planned(self) -> dict[str, Any]:
        alpha = self._protocol.analysis.alpha / (len(self._protocol.arms) - 1)
        plan = self._plan(alpha)
        design = plan.boundaries()
        return {
            "events": self._most,
            "information": list(design.information),
            "upper": [_finite(z) for z in design.upper],
            "lower": [_finite(z) for z in design.lower],
            "spending": self._looks.spending,
            "futility": None if self._looks.futility is None else self._looks.futility.model_dump(),
            "alpha": alpha,
            "sided": plan.sided,
        }

    def _adjusted(self) -> Mapping[str, Any]:
        """The effect with the stops taken into account, on the scale of the hazard ratio."""
        plan = self._plan(self._level)
        found = adjusted(plan, self.seen, self._protocol.analysis.confidence_level)
        root = math.sqrt(self._most * information_per_event(self._ratio))
        p = found.p if plan.sided == 1 else min(1.0, 2.0 * min(found.p, 1.0 - found.p))
        if self.raised_to is not None:
            # With weights that are not those of the data, z stands for no one hazard ratio.
            return {"p": p, "hazard_ratio": None}
        return {
            "p": p,
            "hazard_ratio": {
                "estimate": math.exp(-found.drift / root),
                "lower": math.exp(-found.upper / root),
                "upper": math.exp(-found.lower / root),
            },
        }


def record_has_event(protocol: ResolvedProtocol, known: TrialRecord) -> list[bool]:
    """Of each patient, whether the primary endpoint has come about."""
    has_event = primary_event(protocol)
    return [has_event(record) for record in known.patients]


def _finite(z: float) -> float | None:
    return z if math.isfinite(z) else None
