"""Linear pharmacokinetics in closed form: one or two compartments; bolus, infusion, or absorption after a lag.

With G what is yet to be absorbed, A the amount in plasma, P that in tissue (mg), and R the rate of an infusion::

    G' = -ka G
    A' = R + ka G - (k10 + k12) A + k21 P
    P' = k12 A - k21 P

k10 is clearance / volume, k12 exchange / volume, k21 exchange / volume of tissue; rates are per day. A unit in plasma
leaves u exp(-fast t) + (1 - u) exp(-slow t) of itself there, where fast and slow are the roots of
s^2 - (k10 + k12 + k21) s + k10 k21 = 0 and u = (fast - k21) / (fast - slow). All else is that, convolved with what
comes in. The system is linear: doses superpose, and the area under the concentration is dose over clearance
(Gibaldi & Perrier 1982).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from trialsim.compiling import compiled


class Disposition(NamedTuple):
    """Rate constants per day. ``absorption`` 0: into plasma; ``outward`` and ``back`` 0: one compartment."""

    absorption: float
    elimination: float
    outward: float
    back: float


class Shares(NamedTuple):
    """What a step makes of a unit that is somewhere at its start, or of an infusion of one mg per day through it."""

    gut: float
    plasma: float
    tissue: float
    gut_to_plasma: float
    gut_to_tissue: float
    plasma_to_tissue: float
    tissue_to_plasma: float
    rate_to_plasma: float
    rate_to_tissue: float


@compiled
def modes(elimination: float, outward: float, back: float) -> tuple[float, float, float]:
    """The two rates at which a unit in plasma leaves it, the faster first, and the share that leaves by the faster."""
    total = elimination + outward + back
    gap = math.sqrt(max(0.0, total * total - 4.0 * elimination * back))
    fast = 0.5 * (total + gap)
    # The product of the roots: their difference would cancel when the slow one is very slow.
    slow = elimination * back / fast if fast > 0.0 else 0.0
    return fast, slow, (fast - back) / gap if gap > 0.0 else 1.0


@compiled
def ramp(rate: float, time: float) -> float:
    """Integral of exp(-rate s) over s from 0 to ``time``."""
    return -math.expm1(-rate * time) / rate if rate > 0.0 else time


@compiled
def relay(first: float, second: float, time: float) -> float:
    """Convolution of exp(-first t) and exp(-second t) at ``time``: from one store into the next, per unit rate."""
    return math.exp(-min(first, second) * time) * ramp(abs(second - first), time)


@compiled
def shares_of_step(absorption: float, elimination: float, outward: float, back: float, time: float) -> Shares:
    """The shares of a step of ``time`` days."""
    fast, slow, u = modes(elimination, outward, back)
    by_fast, by_slow = math.exp(-fast * time), math.exp(-slow * time)
    exchanged = relay(fast, slow, time)
    from_gut_fast, from_gut_slow = relay(absorption, fast, time), relay(absorption, slow, time)
    ramp_fast, ramp_slow = ramp(fast, time), ramp(slow, time)
    per_gap = outward / (fast - slow) if outward > 0.0 else 0.0
    return Shares(
        math.exp(-absorption * time),
        u * by_fast + (1.0 - u) * by_slow,
        (1.0 - u) * by_fast + u * by_slow,
        absorption * (u * from_gut_fast + (1.0 - u) * from_gut_slow),
        absorption * per_gap * (from_gut_slow - from_gut_fast),
        outward * exchanged,
        back * exchanged,
        u * ramp_fast + (1.0 - u) * ramp_slow,
        per_gap * (ramp_slow - ramp_fast),
    )


@compiled
def moved(amounts: tuple[float, float, float], rate: float, shares: Shares) -> tuple[float, float, float]:
    """Amounts in gut, plasma and tissue after a step with these shares, infused at ``rate`` throughout."""
    gut, plasma, tissue = amounts
    return (
        gut * shares.gut,
        gut * shares.gut_to_plasma + plasma * shares.plasma + tissue * shares.tissue_to_plasma
        + rate * shares.rate_to_plasma,
        gut * shares.gut_to_tissue + plasma * shares.plasma_to_tissue + tissue * shares.tissue
        + rate * shares.rate_to_tissue,
    )  # fmt: skip


@compiled
def plasma_of_dose(kinetics: Disposition, lag: float, infusion: float, time: float) -> float:
    """Share of a dose that is in plasma ``time`` days after it: 0 before the lag is over."""
    since = time - lag
    if since < 0.0:
        return 0.0
    fast, slow, u = modes(kinetics.elimination, kinetics.outward, kinetics.back)
    if kinetics.absorption > 0.0:
        first = relay(kinetics.absorption, fast, since)
        return kinetics.absorption * (u * first + (1.0 - u) * relay(kinetics.absorption, slow, since))
    if infusion > 0.0:
        runs = min(since, infusion)
        after = since - runs
        first = ramp(fast, runs) * math.exp(-fast * after)
        return (u * first + (1.0 - u) * ramp(slow, runs) * math.exp(-slow * after)) / infusion
    return u * math.exp(-fast * since) + (1.0 - u) * math.exp(-slow * since)


def plasma_amount(
    kinetics: Disposition, doses: Iterable[tuple[float, float]], time: float, *, lag: float = 0.0, infusion: float = 0.0
) -> float:
    """Amount (mg) in plasma at ``time``, days, after ``doses``, each its day and its mg: the sum of single doses."""
    return sum(mg * plasma_of_dose(kinetics, lag, infusion, time - day) for day, mg in doses)


def calvert_dose(target: float, filtration: float) -> float:
    """Carboplatin, mg, for an area under the curve of ``target`` mg/mL min (Calvert 1989): AUC x (GFR + 25).

    ``filtration`` is glomerular filtration, mL/min.
    """
    return target * (filtration + 25.0)


def body_surface(weight: float, height: float) -> float:
    """Body surface, m2, of ``weight`` kg and ``height`` cm (Mosteller 1987): sqrt(weight x height / 3600)."""
    return math.sqrt(weight * height / 3600.0)
