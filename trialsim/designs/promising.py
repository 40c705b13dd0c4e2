r"""More events where the interim result is promising (Mehta & Pocock 2011, Stat Med 30:3267).

At the last interim look the chance of success if the effect goes on as seen is computed. Where it lies in the promising
zone the number of events is raised, up to a bound, to make that chance what was planned. The last test keeps the
weights that were planned for the two parts of the data, whatever their size came to be (Cui, Hung & Wang 1999,
Biometrics 55:853),

.. math:: Z = \sqrt{t} Z_1 + \sqrt{1 - t} Z_2, \quad Z_2 = \frac{\sqrt{d} Z_d - \sqrt{d_1} Z_1}{\sqrt{d - d_1}}

with t the information planned at the look, d1 its events and d those at the end; so alpha holds for any rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr, ndtri


@dataclass(frozen=True)
class Promising:
    """The rule: the zone of conditional power, the power aimed at, and the most events as a multiple of the plan."""

    lowest: float
    power: float
    at_most: float


def weighted_z(information: float, first: tuple[float, float], last: tuple[float, float]) -> float:
    """The last test with the planned weights; ``first`` and ``last`` are events and z so far.

    Where the events came as planned this is the plain z.
    """
    (d1, z1), (d, z) = first, last
    later = (math.sqrt(d) * z - math.sqrt(d1) * z1) / math.sqrt(d - d1)
    return math.sqrt(information) * z1 + math.sqrt(1.0 - information) * later


def conditional_power(information: float, events: float, z: float, bound: float, total: float) -> float:
    """Chance that the weighted test passes ``bound`` at ``total`` events if the effect goes on as seen."""
    return float(ndtr(z / math.sqrt(events) * math.sqrt(total - events) - _hurdle(information, z, bound)))


def _hurdle(information: float, z: float, bound: float) -> float:
    """The z of the second part that takes the weighted test over its bound."""
    return (bound - math.sqrt(information) * z) / math.sqrt(1.0 - information)


def new_events(rule: Promising, information: float, events: float, z: float, bound: float, planned: int) -> int:
    """The events at which to end: the planned number outside the promising zone.

    ``information`` is the share planned for the look, at which there are ``events`` and ``z``.
    """
    now = conditional_power(information, events, z, bound, planned)
    # Of an effect seen the other way more events would only show more of it.
    if z <= 0.0 or not rule.lowest <= now < rule.power:
        return planned
    later = ((float(ndtri(rule.power)) + _hurdle(information, z, bound)) * math.sqrt(events) / z) ** 2
    return max(planned, min(math.ceil(events + later - 1e-9), math.floor(rule.at_most * planned)))
