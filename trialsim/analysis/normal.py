"""Tails of the normal and chi-squared distributions, and numbers that JSON can hold.

The normal tail needs only the standard library, so importing this package stays cheap; SciPy is imported
inside the functions that need it.
"""

from __future__ import annotations

import math
from statistics import NormalDist


def number(value: float | None) -> float | None:
    """``value`` as a plain float, and None where it is missing or not finite: JSON has no NaN."""
    if value is None:
        return None
    plain = float(value)
    return plain if math.isfinite(plain) else None


def lower_tail(z: float) -> float:
    """P(Z <= z) for a standard normal Z, accurate in the far tail (``erfc``)."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def p_of_z(z: float, sided: int) -> float:
    """p-value of a z statistic whose negative values mean benefit.

    ``sided=1``: the chance of a z as small or smaller. ``sided=2``: of one as far from zero.
    """
    return lower_tail(z) if sided == 1 else 2.0 * lower_tail(-abs(z))


def critical_value(confidence_level: float) -> float:
    """Half-width of a two-sided normal interval in standard errors, e.g. 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence_level / 2.0)


def chi_squared_p(statistic: float, degrees: int) -> float | None:
    """Upper tail of the chi-squared distribution; None where there is nothing to test (``degrees`` 0)."""
    if degrees < 1 or not math.isfinite(statistic):
        return None
    from scipy.special import chdtrc

    # Two maximised likelihoods can differ by a rounding error below zero.
    return float(chdtrc(degrees, max(statistic, 0.0)))


def wald(estimate: float, se: float, confidence_level: float) -> tuple[float, float, float | None]:
    """Lower and upper limit and two-sided p of a normal estimate; p is None when ``se`` is 0."""
    half = critical_value(confidence_level) * se
    p = p_of_z(estimate / se, 2) if se > 0 else None
    return estimate - half, estimate + half, p
