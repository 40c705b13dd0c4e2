r"""A look at a trial that runs: boundaries for the information it has, conditional and predictive power, the decision.

Boundaries are found anew at every look from the events that were there at this and the earlier looks (Lan & DeMets
1983). Error is spent at events over the planned maximum; the last planned look spends what is left, and where it
came with more or fewer events than planned its z takes account of that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from trialsim.designs.boundaries import LEAST_STEP, Boundaries, Futility, by_spending, efficacy, mirrored, with_drift
from trialsim.designs.crossing import crossing
from trialsim.designs.roots import root
from trialsim.designs.spending import Spending


class LookDecision(StrEnum):
    """What a look says."""

    EFFICACY = "efficacy"
    HARM = "harm"
    FUTILITY = "futility"
    CONTINUE = "continue"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class LooksDesign:
    """The looks of a design as planned."""

    fractions: tuple[float, ...]
    """Shares of ``events`` at which looks are planned; the last is 1."""
    events: float
    alpha: float
    sided: int
    spending: Spending
    futility: Futility | None = None

    def boundaries(self) -> Boundaries:
        """The boundaries if every look comes as planned. Raises :class:`DesignError`."""
        return by_spending(self.fractions, self.alpha, self.sided, self.spending, self.futility)


@dataclass(frozen=True)
class Seen:
    """What a look saw: events so far, and z, of which a large one speaks for the treatment."""

    events: float
    z: float


@dataclass(frozen=True)
class Look:
    """One look explained."""

    number: int
    seen: Seen
    information: float
    """Events over the planned maximum."""
    upper: float
    lower: float
    alpha_spent: float
    beta_spent: float | None
    conditional_power_planned: float | None
    """Chance of rejecting later if the effect is the planned one; None without a planned effect, and at the end."""
    conditional_power_trend: float | None
    """The same if the effect is the one seen so far."""
    predictive_power: float | None
    """The same averaged over what the effect may be, by a flat prior and the data (Spiegelhalter 1986)."""
    decision: LookDecision
    binding: bool

    @property
    def stops(self) -> bool:
        return self.decision is not LookDecision.CONTINUE


def examine(plan: LooksDesign, seen: Sequence[Seen], *, drift: float | None = None, last: bool | None = None) -> Look:
    """The latest of the looks so far.

    ``drift`` is the planned effect, E Z at the planned maximum of events; that of futility if it is not given.
    ``last`` says that no look follows; by default it is so at the last planned one. Raises :class:`DesignError` when
    events do not grow from look to look.
    """
    number, now = len(seen), seen[-1]
    last = number == len(plan.fractions) if last is None else last
    at = _information(plan, seen)
    found = _found(plan, at, last)
    power = None if last else _later(plan, at, now.z)
    drift = found.drift if drift is None else drift
    return Look(
        number,
        now,
        at[-1],
        found.upper[-1],
        found.lower[-1],
        found.alpha_spent,
        found.beta_spent,
        None if power is None or drift is None else power.conditional(drift),
        None if power is None else power.conditional(now.z / math.sqrt(at[-1])),
        None if power is None else power.predictive(),
        _decide(now.z, found.upper[-1], found.lower[-1], plan.sided, last),
        plan.futility is not None and plan.futility.binding,
    )


def _information(plan: LooksDesign, seen: Sequence[Seen]) -> tuple[float, ...]:
    """Events over the planned maximum, at each look so far."""
    return tuple(look.events / plan.events for look in seen)


@dataclass(frozen=True)
class _Found:
    """Boundaries for the information that there was at each look so far, and what is spent by the latest."""

    upper: tuple[float, ...]
    lower: tuple[float, ...]
    alpha_spent: float
    beta_spent: float | None = None
    drift: float | None = None


def _found(plan: LooksDesign, at: tuple[float, ...], last: bool) -> _Found:
    for_spending = (*at[:-1], 1.0) if last else at
    shares = plan.spending.spent(for_spending, plan.alpha / plan.sided)
    spent = plan.sided * float(shares[-1])
    if plan.futility is None:
        upper = efficacy(at, shares, symmetric=plan.sided == 2)
        return _Found(upper, mirrored(upper, plan.sided), spent)
    betas = plan.futility.spending.spent(for_spending, plan.futility.beta)
    drift = plan.boundaries().drift
    assert drift is not None
    alone = None if plan.futility.binding else efficacy(at, shares)
    upper, lower = with_drift(at, np.full(len(at), drift), shares, betas, alone, closes=last)
    return _Found(upper, lower, spent, float(betas[-1]), drift)


def _decide(z: float, upper: float, lower: float, sided: int, last: bool) -> LookDecision:
    if z >= upper:
        return LookDecision.EFFICACY
    if sided == 2 and z <= lower:
        return LookDecision.HARM
    if last:
        return LookDecision.NOT_SHOWN
    return LookDecision.FUTILITY if z < lower else LookDecision.CONTINUE


@dataclass(frozen=True)
class Later:
    """The looks after one at information ``at`` that saw ``z``, with their boundaries."""

    at: float
    z: float
    information: tuple[float, ...]
    upper: tuple[float, ...]
    symmetric: bool

    def conditional(self, drift: float) -> float:
        r"""Chance of crossing for benefit at a later look when E Z at full information is ``drift``.

        The score from here on starts anew: it crosses at :math:`t_j` when it gains
        :math:`u_j\sqrt{t_j} - z\sqrt{t}` over :math:`t_j - t`.
        """
        ahead = np.array(self.information) - self.at
        roots, here = np.sqrt(self.information), self.z * math.sqrt(self.at)
        upper = (np.array(self.upper) * roots - here) / np.sqrt(ahead)
        lower = (-np.array(self.upper) * roots - here) / np.sqrt(ahead)
        if not self.symmetric:
            lower = np.full(len(ahead), -math.inf)
        found = crossing(ahead.tolist(), lower.tolist(), upper.tolist(), drift)
        return float(found.upper.sum())

    def predictive(self) -> float:
        """``conditional`` averaged over the drift, normal about z / sqrt t with variance 1 / t."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        drifts = (self.z + nodes) / math.sqrt(self.at)
        return float(weights @ [self.conditional(drift) for drift in drifts] / weights.sum())


def _later(plan: LooksDesign, at: tuple[float, ...], z: float) -> Later | None:
    """The planned looks that are still to come, their boundaries found with the looks there were."""
    ahead = tuple(t for t in plan.fractions[len(at) :] if t > at[-1] + LEAST_STEP)
    if not ahead:
        return None
    whole = (*at, *ahead)
    shares = plan.spending.spent(whole, plan.alpha / plan.sided)
    upper = efficacy(whole, shares, symmetric=plan.sided == 2)
    return Later(at[-1], z, ahead, upper[len(at) :], plan.sided == 2)


def bound_now(plan: LooksDesign, seen: Sequence[Seen], *, last: bool) -> float:
    """The upper z of the latest look alone, as :func:`examine` finds it."""
    return _found(plan, _information(plan, seen), last).upper[-1]


def bounds_to_come(plan: LooksDesign, seen: Sequence[Seen]) -> tuple[float, ...]:
    """The upper z of the planned looks after the latest, found with the looks there were."""
    later = _later(plan, _information(plan, seen), seen[-1].z)
    return () if later is None else later.upper


@dataclass(frozen=True)
class Adjusted:
    """What a sequential trial says of its effect, with its stops taken into account."""

    p: float
    """One-sided for benefit."""
    drift: float
    """Median-unbiased estimate of E Z at the planned maximum of events."""
    lower: float
    upper: float


def adjusted(plan: LooksDesign, seen: Sequence[Seen], confidence_level: float) -> Adjusted:
    """p-value, estimate and interval by the order of stages (Tsiatis, Rosner & Mehta 1984, Biometrics 40:797).

    A trial that stopped early for efficacy has seen more against the null hypothesis than one that stopped later, and
    of two that stopped at the same look the one with the larger z. The estimate is the drift under which as much or
    more would be seen half of the time. Futility is left out, as it is from an efficacy boundary that ignores it.
    """
    stages = _Stages.of(plan, seen)
    tail = (1.0 - confidence_level) / 2.0
    return Adjusted(stages.p(0.0), *(stages.drift(share) for share in (0.5, tail, 1.0 - tail)))


@dataclass(frozen=True)
class _Stages:
    """The looks up to the stop, with the z that was seen as the last one's boundary."""

    information: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]

    @classmethod
    def of(cls, plan: LooksDesign, seen: Sequence[Seen]) -> _Stages:
        at = _information(plan, seen)
        before = _found(plan, at[:-1], last=False) if len(at) > 1 else _Found((), (), 0.0)
        lower = before.lower if plan.sided == 2 else (-math.inf,) * (len(at) - 1)
        return cls(at, (*lower, -math.inf), (*before.upper, seen[-1].z))

    def p(self, drift: float) -> float:
        """Chance of having crossed earlier, or of a z as large at the last look, under a drift."""
        return float(crossing(self.information, self.lower, self.upper, drift).upper.sum())

    def drift(self, share: float) -> float:
        """The drift under which ``p`` is a share."""
        middle = self.upper[-1] / math.sqrt(self.information[-1])
        wide = 12.0 / math.sqrt(self.information[0])
        return root(lambda drift: self.p(drift) - share, middle - wide, middle + wide, xtol=1e-10)
