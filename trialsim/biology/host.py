"""Senescent cells of the host's stroma (M19): they come with age and with treatment, and are cleared the slower the
more there are.

Karin 2019 (Nat Commun) fitted to mice, with X the burden in units of its own and t the age in years,

    X' = eta t - beta X kappa / (kappa + X)   per day (+ noise),   beta 0.27, kappa 1.1, eta 0.15,

so that a senescent cell is removed at the rate beta kappa / (kappa + X), which falls with age because X has risen. A
human age counts as that of a mouse at the same part of life: a mouse of 22 months as a human of 75 years (assumed).

X at rest follows that equation up to the patient's age. In a trial the production that holds X at rest is constant
(years are short against a life); treatment adds to X, and what it added is cleared by the same saturating law. The
equation's noise is left out: what differs between hosts is a trait.
"""

from __future__ import annotations

import math

from trialsim.compiling import compiled

#: Karin 2019, maximum likelihood: 1/day; its own units; 1/day/year.
BETA, KAPPA, ETA = 0.27, 1.1, 0.15
#: Years of a human life to a year of a mouse's: 75 years to 22 months.
HUMAN_YEARS = 75.0 / (22.0 / 12.0)
#: Share of senescent neighbours in a lesion that one unit of X stands for: assumed, about 1 % in middle age.
SHARE_PER_UNIT = 0.01

_STEPS = 64
_DAYS_PER_YEAR = 365.25


@compiled
def removal_rate(burden: float) -> float:
    """Rate at which one senescent cell of the host is removed, 1/day."""
    return BETA * KAPPA / (KAPPA + burden)


@compiled
def rest_burden(age: float, production: float) -> float:
    """The burden that a human of ``age`` years has come to; ``production`` multiplies eta.

    Karin's equation from birth to the same part of a mouse's life, in equal steps of a linearised implicit scheme
    (exact where the equation is linear).
    """
    burden = 0.0
    length = age / HUMAN_YEARS * _DAYS_PER_YEAR / _STEPS
    for i in range(_STEPS):
        years = (i + 0.5) * length / _DAYS_PER_YEAR
        burden = advance_burden(burden, ETA * production * years, 0.0, length)
    return burden


@compiled
def advance_burden(burden: float, production: float, kill: float, time: float) -> float:
    """The burden after ``time`` days: X' = production - removal(X) X - kill X, by exponential Rosenbrock-Euler.

    The equation is linearised where it starts and the linear one is solved exactly: second order, and stable at any
    step. ``kill`` is a senolytic's hazard, 1/day.
    """
    slope = production - (removal_rate(burden) + kill) * burden
    jacobian = -BETA * KAPPA * KAPPA / (KAPPA + burden) ** 2 - kill
    return max(0.0, burden + slope * math.expm1(jacobian * time) / jacobian)


@compiled
def resting_production(burden: float) -> float:
    """Production per day that holds a burden where it is."""
    return removal_rate(burden) * burden
