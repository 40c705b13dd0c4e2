"""The ageing chain of senescent cells, solved exactly over a step of any length.

A senescent cell ages immature -> mature -> competent (polyploid cells only, unless a protocol says otherwise), is lost
on the way, and as a competent cell may escape. With frozen rates the chance of being in each state after a time t is a
divided difference of exp(-x t) over the rates at which the states are left (Bateman's solution). Two sets of chances
are needed:

* of cells present at the start of a step, after the whole step;
* of cells that arrive during it, evenly over time: the same chances averaged over the time that remains to them.

Averaging and integrating over time commute with divided differences, so everything comes from four functions

    f0(x) = exp(-x t),   f1(x) = integral of f0 over [0, t],   f2 = integral of f1,   f3 = integral of f2.

The mean of the time that is left to an escaper, in which its clone grows, is the next integral over this one.
"""

from __future__ import annotations

import math

from trialsim.biology.populations import N_INDUCERS, POLYPLOID
from trialsim.biology.rates import Rates
from trialsim.compiling import compiled
from trialsim.structured import Floats, Rows, record

Values = tuple[float, float, float, float]
"""f0 to f3 at one rate."""


@record
class FateByAge:
    """What becomes of a cell over a step: chances; what is missing to 1 stays where it began."""

    lost: float
    to_mature: float
    to_competent: float
    to_escaped: float
    time_left: float
    """No chance but the mean time (days) between an escape and the end of the step."""


@record
class Chances:
    """The fates of one family of senescent cells, by the age at which a cell begins the step."""

    immature: FateByAge
    mature: FateByAge
    competent: FateByAge
    arriving: FateByAge
    """Cells that begin immature at a uniform time in the step."""


#: Tables of chances for a step, each for diploid and for polyploid cells: by inducer of cells that a senolytic kills,
#: and last of those that none kills.
UNKILLED = N_INDUCERS
N_TABLES = 2 * (N_INDUCERS + 1)


@compiled
def table_of(killed_by: int, ploidy: int) -> int:
    """The place of a table."""
    return 2 * killed_by + ploidy


#: Below these values of gap x time a first, or a second, divided difference is its limit, a derivative: the error of
#: the limit (of order the square) and that of cancellation (rounding over gap x time) are then both under 1e-6.
_NEAR, _ALL_NEAR = 1e-4, 1e-3
#: 1/3!, 1/4!, ..., 1/14!
_FACTORS = tuple(1.0 / math.factorial(3 + j) for j in range(12))


@compiled
def _values(x: float, t: float) -> Values:
    """f0, f1, f2, f3 at one rate: x f_(k+1) = t^k / k! - f_k, upwards, or where x t is small down from a series of f3.

    The series is t^3 sum over j of (-x t)^j / (j + 3)!, its even and its odd terms apart as they do not wait for
    each other.
    """
    y = x * t
    if y < 0.3:
        c, z = _FACTORS, y * y
        even = c[0] + z * (c[2] + z * (c[4] + z * (c[6] + z * (c[8] + z * c[10]))))
        odd = c[1] + z * (c[3] + z * (c[5] + z * (c[7] + z * (c[9] + z * c[11]))))
        f3 = t * t * t * (even - y * odd)
        f2 = 0.5 * t * t - x * f3
        f1 = t - x * f2
        return 1.0 - x * f1, f1, f2, f3
    f0, inverse = math.exp(-y), 1.0 / x
    f1 = (1.0 - f0) * inverse
    f2 = (t - f1) * inverse
    return f0, f1, f2, (0.5 * t * t - f2) * inverse


@compiled
def _series(k: int, order: int, x: float, t: float) -> float:
    """Derivative of f_k by the power series: sum over j of (-x)^j t^(j+k) / (j+k)!, differentiated ``order`` times."""
    total = 0.0
    term = 1.0  # (-1)^j t^(j+k) / (j+k)!
    for i in range(1, k + 1):
        term *= t / i
    power = 1.0  # x^(j - order)
    for j in range(order + 16):
        if j >= order:
            falling = 1.0
            for i in range(order):
                falling *= j - i
            total += term * falling * power
            power *= x
        term *= -t / (j + k + 1)
    return total


@compiled
def _derivative(k: int, order: int, x: float, t: float) -> float:
    """First or second derivative of f_k with respect to the rate."""
    y = x * t
    if y < 1.0:
        return _series(k, order, x, t)
    # f_0 = exp(-x t); x f_(k+1) = t^k / k! - f_k, differentiated once and twice.
    value, first, second = math.exp(-y), -t * math.exp(-y), t * t * math.exp(-y)
    power = 1.0
    for j in range(k):
        value = (power - value) / x
        first = (-first - value) / x
        second = (-second - 2.0 * first) / x
        power *= t / (j + 1)
    return first if order == 1 else second


@compiled
def _first(k: int, x: float, y: float, fx: float, fy: float, t: float) -> float:
    """First divided difference of f_k, whose values at the two rates are given."""
    if abs(y - x) * t < _NEAR:
        return _derivative(k, 1, 0.5 * (x + y), t)
    return (fy - fx) / (y - x)


@compiled
def _second(k: int, x: float, y: float, z: float, fx: float, fy: float, fz: float, t: float) -> float:
    """Second divided difference of f_k; it is symmetric, so the widest gap is taken last."""
    if x > y:
        x, y, fx, fy = y, x, fy, fx
    if y > z:
        y, z, fy, fz = z, y, fz, fy
    if x > y:
        x, y, fx, fy = y, x, fy, fx
    if (z - x) * t < _ALL_NEAR:
        return 0.5 * _derivative(k, 2, (x + y + z) / 3.0, t)
    return (_first(k, y, z, fy, fz, t) - _first(k, x, y, fx, fy, t)) / (z - x)


@compiled
def chain_chances(rates: Rates, polyploid: bool, kill: float, t: float, out: Chances) -> None:
    """Fill ``out`` for one family of senescent cells over ``t`` days.

    ``kill`` is the senolytic hazard on mature cells; immature ones feel a share of it.
    """
    _fill(rates, polyploid, kill, t, _immature_values(rates, kill, t), out)


@compiled
def _immature_values(rates: Rates, kill: float, t: float) -> Values:
    """At the rate of leaving immature cells, which a kill that spares them does not move."""
    return _values(rates.maturation + (rates.clearance + kill * rates.immature_kill_share), t)


@compiled
def _clear(fate: FateByAge) -> None:
    fate.lost = fate.to_mature = fate.to_competent = fate.to_escaped = fate.time_left = 0.0


@compiled
def _fill(rates: Rates, polyploid: bool, kill: float, t: float, immature: Values, out: Chances) -> None:
    """`chain_chances`, where the values at the rate of leaving immature cells are known: families share them."""
    mature = rates.maturation
    escape = rates.escape * (1.0 if polyploid else rates.diploid_escape)
    ripen = rates.competence if polyploid or rates.diploid_escape > 0.0 else 0.0
    loss0, loss = rates.clearance + kill * rates.immature_kill_share, rates.clearance + kill
    leave0, leave1, leave2 = mature + loss0, ripen + loss, escape + loss

    young, adult, ready, late = out.immature, out.mature, out.competent, out.arriving
    _clear(young)
    _clear(adult)
    _clear(ready)
    _clear(late)
    a0, a1, a2, a3 = immature
    b0, b1, b2, b3 = _values(leave1, t)
    c0, c1, c2, c3 = (b0, b1, b2, b3) if leave2 == leave1 else _values(leave2, t)
    # Chance to be mature at the end, and the time spent mature, once and twice integrated.
    mature0 = -mature * _first(0, leave0, leave1, a0, b0, t)
    mature1 = -mature * _first(1, leave0, leave1, a1, b1, t)
    mature2 = -mature * _first(2, leave0, leave1, a2, b2, t)
    young.lost = loss0 * a1 + loss * mature1
    young.to_mature = mature0
    adult.lost = loss * b1
    ready.lost = loss * c1
    late.lost = (loss0 * a2 + loss * mature2) / t
    late.to_mature = mature1 / t
    if ripen == 0.0:
        return
    # The same for competent cells that began immature (``to``) and mature (``on``).
    both = mature * ripen
    to0 = both * _second(0, leave0, leave1, leave2, a0, b0, c0, t)
    to1 = both * _second(1, leave0, leave1, leave2, a1, b1, c1, t)
    to2 = both * _second(2, leave0, leave1, leave2, a2, b2, c2, t)
    on0 = -ripen * _first(0, leave1, leave2, b0, c0, t)
    on1 = -ripen * _first(1, leave1, leave2, b1, c1, t)
    young.lost += loss * to1
    young.to_competent = to0
    adult.lost += loss * on1
    adult.to_competent = on0
    late.lost += loss * to2 / t
    late.to_competent = to1 / t
    if escape == 0.0:
        return
    young.to_escaped = escape * to1
    adult.to_escaped = escape * on1
    ready.to_escaped = escape * c1
    late.to_escaped = escape * to2 / t
    young.time_left = _mean_time(to2, to1, t)
    adult.time_left = _mean_time(-ripen * _first(2, leave1, leave2, b2, c2, t), on1, t)
    ready.time_left = _mean_time(c2, c1, t)
    late.time_left = _mean_time(both * _second(3, leave0, leave1, leave2, a3, b3, c3, t), to2, t)


@compiled
def _mean_time(numerator: float, denominator: float, t: float) -> float:
    return min(t, max(0.0, numerator / denominator)) if denominator > 0.0 else 0.0


@compiled
def step_chances(rates: Rates, time: float, present: Floats, out: Rows[Chances]) -> None:
    """Fill the tables of chances of every family for one step under frozen rates (`table_of`).

    Those of senolytic-sensitive cells are filled only where the hazard of killing is above zero and ``present`` (by
    inducer) says that such cells exist or may come.
    """
    spared = _immature_values(rates, 0.0, time)
    for ploidy in range(2):
        _fill(rates, ploidy == POLYPLOID, 0.0, time, spared, out[table_of(UNKILLED, ploidy)])
        for inducer in range(N_INDUCERS):
            kill = rates.senolytic_kill[inducer]
            if kill <= 0.0 or present[inducer] <= 0.0:
                continue
            immature = spared if rates.immature_kill_share == 0.0 else _immature_values(rates, kill, time)
            _fill(rates, ploidy == POLYPLOID, kill, time, immature, out[table_of(inducer, ploidy)])
