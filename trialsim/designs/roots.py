"""Where a function changes its sign."""

from __future__ import annotations

import sys
from collections.abc import Callable

#: The finest relative tolerance that the method takes.
_FINEST = 4.0 * sys.float_info.epsilon


def root(
    function: Callable[[float], float],
    low: float,
    high: float,
    *,
    xtol: float,
    rtol: float = _FINEST,
) -> float:
    """The root between two places with values of opposite sign, by Brent's method; SciPy's optimisers load slowly."""
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=xtol, rtol=rtol))
