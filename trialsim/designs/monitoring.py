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

from trialsim.designs.boundaries import Boundaries, Futility, by_spending, efficacy, with_drift
from trialsim.designs.crossing import crossing
from trialsim.designs.spending import Spending


class Decision(StrEnum):
    """What a look says."""

    EFFICACY = "efficacy"
    HARM = "harm"
    FUTILITY = "futility"
    CONTINUE = "continue"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class Plan:
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
    decision: Decision
    binding: bool

    @property
    def stops(self) -> bool:
        return self.decision is not Decision.CONTINUE


def examine(plan: Plan, seen: Sequence[Seen], *, drift: float | None = None, last: bool | None = None) -> Look:
    """The latest of the looks so far.

    ``drift`` is the planned effect, E Z at the planned maximum of events; that of futility if it is not given.
    ``last`` says that no look follows; by default it is so at the last planned one. Raises :class:`DesignError` when
    events do not grow from look to look.
    """
    number, now = len(seen), seen[-1]
    last = number == len(plan.fractions) if last is None else last
    at = tuple(look.events / plan.events for look in seen)
    for_spending = (*at[:-1], 1.0) if last else at
    shares = plan.spending.spent(for_spending, plan.alpha / plan.sided)
    planned = plan.boundaries() if plan.futility else None
    if planned is None or plan.futility is None:
        upper = efficacy(at, shares, symmetric=plan.sided == 2)
        lower = tuple(-z for z in upper) if plan.sided == 2 else (-math.inf,) * number
        beta_spent, binding = None, False
    else:
        betas = plan.futility.spending.spent(for_spending, plan.futility.beta)
        binding = plan.futility.binding
        assert planned.drift is not None
        upper, lower = with_drift(
            at,
            np.full(number, planned.drift),
            shares,
            betas,
            None if binding else efficacy(at, shares),
            closes=last,
        )
        beta_spent, drift = float(betas[-1]), planned.drift if drift is None else drift
    power = None if last else _later(plan, at, now.z)
    return Look(
        number,
        now,
        at[-1],
        upper[-1],
        lower[-1],
        plan.sided * float(shares[-1]),
        beta_spent,
        None if power is None or drift is None else power.conditional(drift),
        None if power is None else power.conditional(now.z / math.sqrt(at[-1])),
        None if power is None else power.predictive(),
        _decide(now.z, upper[-1], lower[-1], plan.sided, last),
        binding,
    )


def _decide(z: float, upper: float, lower: float, sided: int, last: bool) -> Decision:
    if z >= upper:
        return Decision.EFFICACY
    if sided == 2 and z <= lower:
        return Decision.HARM
    if last:
        return Decision.NOT_SHOWN
    return Decision.FUTILITY if z < lower else Decision.CONTINUE


@dataclass(frozen=True)
class Later:
    """The looks after one at information ``at`` that saw ``z``, with their boundaries."""

    at: float
    z: float
    information: tuple[float, ...]
    upper: tuple[float, ...]
    symmetric: bool

    def conditional(self, drift: float) -> float:
        r"""Chance of crossing at a later look when E Z at full information is ``drift``.

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
        return float(found.stopped.sum() if self.symmetric else found.upper.sum())

    def predictive(self) -> float:
        """``conditional`` averaged over the drift, normal about z / sqrt t with variance 1 / t."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        drifts = (self.z + nodes) / math.sqrt(self.at)
        return float(weights @ [self.conditional(drift) for drift in drifts] / weights.sum())


def _later(plan: Plan, at: tuple[float, ...], z: float) -> Later | None:
    """The planned looks that are still to come, their boundaries found with the looks there were."""
    ahead = tuple(t for t in plan.fractions[len(at) :] if t > at[-1] + 1e-3)
    if not ahead:
        return None
    whole = (*at, *ahead)
    shares = plan.spending.spent(whole, plan.alpha / plan.sided)
    upper = efficacy(whole, shares, symmetric=plan.sided == 2)
    return Later(at[-1], z, ahead, upper[len(at) :], plan.sided == 2)


def overall_p(plan: Plan, seen: Sequence[Seen]) -> float:
    """One-sided p-value of a trial that stopped for efficacy, by the order of stages (Tsiatis, Rosner & Mehta 1984).

    The chance, under no effect, of crossing at an earlier look or of a z as large at this one.
    """
    looks = [examine(plan, seen[: k + 1]) for k in range(len(seen))]
    at = [look.information for look in looks]
    upper = [*(look.upper for look in looks[:-1]), seen[-1].z]
    lower = [look.lower if plan.sided == 2 else -math.inf for look in looks[:-1]] + [-math.inf]
    return float(crossing(at, lower, upper, 0.0).upper.sum())
