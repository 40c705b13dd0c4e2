"""One arm against the reference, look after look: data, test, boundary, decision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialsim.analysis import SurvivalData
from trialsim.analysis.cox import arm_term, fit_cox, hazard_ratio
from trialsim.analysis.normal import number
from trialsim.designs.boundaries import LEAST_STEP
from trialsim.designs.monitoring import (
    Look,
    LookDecision,
    LooksDesign,
    Seen,
    adjusted,
    bound_now,
    bounds_to_come,
    examine,
)
from trialsim.designs.promising import Promising, new_events, weighted_z
from trialsim.designs.size import hazard_ratio_of_z, z_of_hazard_ratio
from trialsim.looks.data import benefit_z
from trialsim.records import TrialRecord
from trialsim.reported.limits import Interval
from trialsim.reported.looks import AdjustedEffect, ConditionalPower, FutilityPlan, LookResult, LooksPlan, MonitoredArm
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import Looks, ReEstimate


class ComparedArm:
    """An arm against the reference, look after look."""

    def __init__(self, protocol: ResolvedProtocol, looks: Looks, arm: str) -> None:
        self.arm = arm
        self.seen: list[Seen] = []
        self.decision: LookDecision = LookDecision.CONTINUE
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
        self.results: list[LookResult] = []
        self._now: tuple[TrialRecord, SurvivalData] | None = None

    @property
    def decided(self) -> bool:
        return self.decision is not LookDecision.CONTINUE

    def see(self, known: TrialRecord, data: SurvivalData, *, last: bool) -> bool:
        """Take in the data of a look; whether they are more than at the look before."""
        pair = data.take(np.asarray((data.arm == self.arm) | (data.arm == self._reference), dtype=bool))
        events = float(pair.event.sum())
        before = float(self._events)
        if events - before < max(1.0, LEAST_STEP * self._most):
            return False
        self._events, self._plain_z = int(events), benefit_z(self._protocol, pair, self.arm)
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
        return bound_now(self._plan(level), self.seen, last=self._last)

    def settle(self, at_look: int, level: float) -> None:
        """The latest look at the level that Holm's procedure has come to, and what it decides."""
        self._level = level
        look = examine(self._plan(level), self.seen, drift=self._drift, last=self._last)
        self.decision = look.decision
        rule = self._looks.re_estimate
        if rule is not None and not self.decided and at_look == len(self._looks.targets):
            self._re_estimate(rule)
        self.results.append(self._result(at_look, look))

    def _re_estimate(self, rule: ReEstimate) -> None:
        """Raise the number of events if the last interim look is in the promising zone."""
        now, (*_, bound) = self.seen[-1], bounds_to_come(self._plan(self._level), self.seen)
        zone, planned = Promising(rule.lowest, rule.power, rule.at_most), round(self._most)
        total = new_events(zone, now.events / self._most, now.events, now.z, bound, planned)
        self.raised_to = total if total > planned else None

    def note_share(self, share: float) -> None:
        """The share of later patients that the arm gets after the latest look."""
        if self.results:
            self.results[-1] = replace(self.results[-1], share=share)

    def give_up(self) -> None:
        """The trial has ended, and the last look had nothing new to say of this comparison."""
        if not self.decided:
            self.decision = LookDecision.NOT_SHOWN

    def words(self, *, named: bool) -> str:
        """The latest look as the event log tells it."""
        look = self.results[-1]
        bounds = [f"{z:.3f}" for z in (look.lower, look.upper) if z is not None]
        against = f" against {' and '.join(bounds)}" if bounds else ""
        raised = f" to {look.raised_to} events" if look.raised_to else ""
        return f"{f'{self.arm} ' if named else ''}z {look.z:.3f}{against}: {look.decision}{raised}"

    def _plan(self, level: float) -> LooksDesign:
        plan = self._looks.plan(level, self._protocol.analysis.sided)
        return replace(plan, events=self._most)

    def _result(self, at_look: int, look: Look) -> LookResult:
        assert self._now is not None
        known, pair = self._now
        by_arm = {arm: int(pair.event[np.asarray(pair.arm == arm)].sum()) for arm in (self._reference, self.arm)}
        strata = pair.strata if self._protocol.analysis.test == "stratified_logrank" else None
        model = fit_cox([arm_term(pair, self.arm, self._reference, {})], pair.time_days, pair.event, strata=strata)
        return LookResult(
            look=at_look,
            day=known.cut_day,
            randomised=len(known.patients),
            events=self._events,
            events_by_arm=by_arm,
            information=look.information,
            level=self._level,
            z=look.seen.z,
            plain_z=self._plain_z,
            raised_to=None if self._last else self.raised_to,
            share=None,
            upper=number(look.upper),
            lower=number(look.lower),
            alpha_spent=look.alpha_spent,
            beta_spent=look.beta_spent,
            hazard_ratio=hazard_ratio(model, self._protocol.analysis.confidence_level),
            conditional_power=ConditionalPower(look.conditional_power_planned, look.conditional_power_trend),
            predictive_power=look.predictive_power,
            decision=str(look.decision),
            binding=look.binding,
        )

    def finish(self, stopped_early: bool) -> MonitoredArm:
        """Everything of the comparison, for results.json."""
        adjusted = self._adjusted() if self.seen else None
        looks = tuple(self.results)
        return MonitoredArm(
            self.arm, self._reference, self._planned(), looks, stopped_early, str(self.decision), adjusted
        )

    def _planned(self) -> LooksPlan:
        alpha = self._protocol.analysis.alpha / (len(self._protocol.arms) - 1)
        plan = self._plan(alpha)
        design, futility = plan.boundaries(), self._looks.futility
        return LooksPlan(
            events=self._most,
            information=tuple(design.information),
            upper=tuple(map(number, design.upper)),
            lower=tuple(map(number, design.lower)),
            spending=self._looks.spending,
            futility=None if futility is None else FutilityPlan(**futility.model_dump()),
            alpha=alpha,
            sided=plan.sided,
        )

    def _adjusted(self) -> AdjustedEffect:
        """The effect with the stops taken into account, on the scale of the hazard ratio."""
        plan = self._plan(self._level)
        found = adjusted(plan, self.seen, self._protocol.analysis.confidence_level)
        p = found.p if plan.sided == 1 else min(1.0, 2.0 * min(found.p, 1.0 - found.p))
        if self.raised_to is not None:
            # With weights that are not those of the data, z stands for no one hazard ratio.
            return AdjustedEffect(p, None)
        return AdjustedEffect(p, Interval(*map(self._hazard_ratio, (found.drift, found.upper, found.lower))))

    def _hazard_ratio(self, drift: float) -> float:
        return hazard_ratio_of_z(drift, self._most, self._ratio)
