r"""Group-sequential boundaries: efficacy by alpha spending, futility by beta spending, or of a fixed shape.

Everything is on the scale where a large z speaks for the treatment. Two-sided designs are symmetric, and ``alpha`` is
that of both sides; each side is found with its half. A boundary depends on the looks before it and on nothing later,
so a trial whose looks come with more or fewer events than planned recomputes them from the information it had
(Lan & DeMets 1983).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.designs.crossing import Crossing, Paths, crossing, start
from trialsim.designs.roots import root
from trialsim.designs.spending import Floats, Spending

#: Beyond it no z is looked for: P(Z > 38) is the smallest number that a float holds.
_FARTHEST = 38.0
#: E Z at full information beyond any power that is asked for.
_LARGEST_DRIFT = 30.0
#: Looks nearer to each other, as a share of the information, would need finer integration than is worth it.
LEAST_STEP = 1e-3


class DesignError(ValueError):
    """A design that cannot be; says why, and what would do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True)
class Futility:
    """Stopping for want of effect: how ``beta`` is spent, and whether the rule binds.

    Non-binding: the efficacy boundary takes no credit for it, so alpha holds even if a committee goes on regardless.
    """

    beta: float
    spending: Spending
    binding: bool = False


@dataclass(frozen=True)
class Boundaries:
    """A group-sequential test: z at each look, and what was spent by then."""

    information: tuple[float, ...]
    """Information fraction at each look."""
    alpha: float
    sided: int
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    """Futility (one-sided) or the mirror of ``upper`` (two-sided); minus infinity where there is none."""
    alpha_spent: tuple[float, ...]
    beta_spent: tuple[float, ...] = ()
    binding: bool = False
    drift: float | None = None
    """E Z at full information for which futility was planned; None without futility."""
    effect: tuple[float, ...] = ()
    """Effect at each look as a share of that at the last, where it is not the same; empty where it is."""

    @property
    def looks(self) -> int:
        return len(self.information)

    @cached_property
    def nominal(self) -> tuple[float, ...]:
        """One-sided p-value that each look needs."""
        return tuple(float(ndtr(-z)) for z in self.upper)

    def operating(self, drift: float) -> Operating:
        """What the design does when E Z at full information is ``drift``."""
        by_look = drift * np.array(self.effect or (1.0,) * self.looks)
        found = crossing(self.information, self.lower, self.upper, by_look.tolist())
        return Operating(self, drift, found)

    def drift_for(self, power: float) -> float:
        r"""E Z at full information that gives the power, of the treatment's side alone: :math:`\theta\sqrt{I_{max}}`.

        Its square over that of the fixed design, :math:`(z_{1-\alpha} + z_{power})^2`, is the inflation factor.
        """
        if not self.alpha / self.sided < power < 1.0:
            side = "alpha" if self.sided == 1 else "half of alpha"
            raise DesignError(f"power {power:g} is out of range", f"above {side} and below 1")
        return root(lambda drift: self.operating(drift).power - power, 0.0, _LARGEST_DRIFT, xtol=1e-13)

    def inflation(self, power: float) -> float:
        """Maximal information over that of the fixed design with the same alpha and power."""
        return (self.drift_for(power) / fixed_drift(self.alpha, self.sided, power)) ** 2


@dataclass(frozen=True)
class Operating:
    """Chances of a design's stops under one drift."""

    boundaries: Boundaries
    drift: float
    crossing: Crossing

    @property
    def rejected(self) -> Floats:
        """Chance of rejecting at each look; two-sided, on either side."""
        return self.crossing.stopped if self.boundaries.sided == 2 else self.crossing.upper

    @property
    def in_favour(self) -> Floats:
        """Chance at each look of rejecting in favour of the treatment."""
        return self.crossing.upper

    @property
    def futile(self) -> Floats:
        """Chance of stopping for futility at each look; at the last, of not rejecting."""
        if self.boundaries.sided == 2:
            return np.zeros(self.boundaries.looks)
        lower = self.crossing.lower.copy()
        lower[-1] = max(0.0, 1.0 - self.crossing.upper.sum() - lower[:-1].sum())
        return lower

    @property
    def power(self) -> float:
        """Chance of rejecting in favour of the treatment at any look. A two-sided test that finds harm has failed."""
        return float(self.in_favour.sum())

    @property
    def information(self) -> float:
        """Expected information at the stop, as a share of the maximum."""
        at = np.array(self.boundaries.information)
        early = self.crossing.stopped[:-1]
        return float(early @ at[:-1] + (1.0 - early.sum()) * at[-1])


def fixed_drift(alpha: float, sided: int, power: float) -> float:
    """E Z of the fixed design: z(1 - alpha/sided) + z(power)."""
    return float(ndtri(power) - ndtri(alpha / sided))


def check_information(information: Sequence[float]) -> tuple[float, ...]:
    """Information fractions that looks can have. Raises :class:`DesignError`."""
    at = tuple(float(t) for t in information)
    if not at or not all(math.isfinite(t) for t in at) or min(at) <= 0.0:
        raise DesignError("looks are at information above 0", "e.g. 0.5, 0.75, 1")
    steps = np.diff((0.0, *at)) / at[-1]
    if steps.min() < LEAST_STEP * (1.0 - 1e-9):
        raise DesignError("looks ascend, and no two are nearer than 0.001 of the information", "e.g. 0.5, 0.75, 1")
    return at


def solve_upper(paths: Paths, information: float, spend: float) -> float:
    """The z above which ``spend`` of the paths lie at a look; infinite when nothing is to be spent.

    Where fewer paths are left than are to be spent, all are above it.
    """
    if spend <= 0.0:
        return math.inf
    if paths.above(information, -_FARTHEST) <= spend:
        return -_FARTHEST
    return root(lambda z: paths.above(information, z) - spend, -_FARTHEST, _FARTHEST, xtol=1e-13)


def solve_lower(paths: Paths, information: float, spend: float) -> float:
    """The z below which ``spend`` of the paths lie at a look; minus infinity when nothing is to be spent."""
    if spend <= 0.0:
        return -math.inf
    if paths.below(information, _FARTHEST) <= spend:
        return _FARTHEST
    return root(lambda z: paths.below(information, z) - spend, -_FARTHEST, _FARTHEST, xtol=1e-13)


def efficacy(
    information: Sequence[float],
    spent: Sequence[float] | Floats,
    *,
    symmetric: bool = False,
) -> tuple[float, ...]:
    """Upper z at each look, from the cumulative alpha of one side at each.

    ``symmetric`` stops at the mirror too. ``information`` may be events.
    """
    at = check_information(information)
    paths, upper = start(), []
    steps = np.diff(np.concatenate(([0.0], np.asarray(spent, dtype=np.float64))))
    for k, (now, spend) in enumerate(zip(at, steps, strict=True)):
        z = solve_upper(paths, now, float(spend))
        upper.append(z)
        if k + 1 < len(at):
            paths = paths.next(now, -z if symmetric else -math.inf, z, at[k + 1])
    return tuple(upper)


def mirrored(upper: Sequence[float], sided: int) -> tuple[float, ...]:
    """The lower z of a design without futility: the mirror of a two-sided one, none of a one-sided."""
    return tuple(-z if sided == 2 else -math.inf for z in upper)


def by_spending(
    information: Sequence[float],
    alpha: float,
    sided: int,
    spending: Spending,
    futility: Futility | None = None,
    effect: Sequence[float] = (),
) -> Boundaries:
    r"""Boundaries by alpha spending, and by beta spending if there is ``futility``.

    ``effect`` is :math:`E Z_k / \sqrt{t_k}` as a share of its value at the last look, for an effect that changes with
    time; beta is spent under it. Raises :class:`DesignError` for looks, errors or a combination that cannot be.
    """
    at = check_information(information)
    if not math.isclose(at[-1], 1.0):
        raise DesignError(f"the last look is at {at[-1]:g} of the information", "the last look at 1")
    if not 0.0 < alpha < 1.0 or sided not in (1, 2):
        raise DesignError(f"alpha {alpha:g}, {sided}-sided, is no error rate", "between 0 and 1; 1 or 2 sides")
    for by in (spending, futility and futility.spending):
        if by and by.shares and len(by.shares) != len(at):
            raise DesignError(f"{len(by.shares)} shares for {len(at)} looks", "one share for each look")
    spent = spending.spent(at, alpha / sided)
    if futility is None:
        upper = efficacy(at, spent, symmetric=sided == 2)
        lower = mirrored(upper, sided)
        return Boundaries(at, alpha, sided, upper, lower, tuple((sided * spent).tolist()), effect=tuple(effect))
    if sided == 2:
        raise DesignError("futility is for one-sided tests", "sided 1")
    if not 0.0 < futility.beta < 1.0 - alpha:
        raise DesignError(f"beta {futility.beta:g} is out of range", "above 0 and below 1 - alpha")
    return _with_futility(at, alpha, spent, futility, tuple(effect))


def _with_futility(
    at: tuple[float, ...], alpha: float, spent: Floats, futility: Futility, effect: tuple[float, ...]
) -> Boundaries:
    """The drift for which beta is used up exactly where the boundaries meet, at the last look."""
    beta_spent = futility.spending.spent(at, futility.beta)
    alone = None if futility.binding else efficacy(at, spent)
    shape = np.array(effect or (1.0,) * len(at))

    def excess(drift: float) -> float:
        """Type II error beyond beta."""
        upper, lower = with_drift(at, drift * shape, spent, beta_spent, alone)
        return 1.0 - futility.beta - float(crossing(at, lower, upper, (drift * shape).tolist()).upper.sum())

    drift = root(excess, 1e-3, _LARGEST_DRIFT, xtol=1e-12)
    upper, lower = with_drift(at, drift * shape, spent, beta_spent, alone)
    return Boundaries(
        at, alpha, 1, upper, lower, tuple(spent.tolist()), tuple(beta_spent.tolist()), futility.binding, drift, effect
    )


def with_drift(
    at: tuple[float, ...],
    drift: Floats,
    spent: Floats,
    beta_spent: Floats,
    alone: tuple[float, ...] | None,
    *,
    closes: bool = True,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    r"""Upper and lower z under a drift :math:`E Z_k / \sqrt{t_k}` at each look.

    ``alone`` is the upper that ignores futility; None where futility binds. ``closes`` makes the two one at the last
    of the looks, as they are at the end of a trial.
    """
    null, true = start(), start()
    expected = drift * np.sqrt(at)
    upper: list[float] = []
    lower: list[float] = []
    alphas, betas = np.diff(spent, prepend=0.0), np.diff(beta_spent, prepend=0.0)
    for k, now in enumerate(at):
        high = alone[k] if alone is not None else solve_upper(null, now, float(alphas[k]))
        last = k + 1 == len(at)
        # Where the planned beta would stop everybody, futility ends at the efficacy boundary.
        moved = float(expected[k])
        low = high if last and closes else min(solve_lower(true, now, float(betas[k])) + moved, high)
        upper.append(high)
        lower.append(low)
        if not last:
            null = null.next(now, low, high, at[k + 1])
            true = true.next(now, low - moved, high - moved, at[k + 1])
    return tuple(upper), tuple(lower)


def of_shape(
    information: Sequence[float], alpha: float, sided: int, delta: float, effect: Sequence[float] = ()
) -> Boundaries:
    r"""Boundaries :math:`c\,t^{\delta - 1/2}` (Wang & Tsiatis 1987): 0 O'Brien & Fleming 1979, 0.5 Pocock 1977."""
    last = check_information(information)[-1]
    at = tuple(t / last for t in information)
    shape = np.array(at) ** (delta - 0.5)

    def excess(constant: float) -> float:
        upper = (constant * shape).tolist()
        return float(crossing(at, mirrored(upper, sided), upper, 0.0).upper.sum()) - alpha / sided

    constant = root(excess, 0.0, _FARTHEST, xtol=1e-12)
    upper = tuple((constant * shape).tolist())
    lower = mirrored(upper, sided)
    spent = sided * np.cumsum(crossing(at, lower, upper, 0.0).upper)
    return Boundaries(at, alpha, sided, upper, lower, tuple(spent.tolist()), effect=tuple(effect))
