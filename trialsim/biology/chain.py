"""The ageing chain of senescent cells, solved exactly over a step of any length.

A senescent cell ages immature -> mature -> competent (polyploid cells only), is lost on the way, and as a competent
cell may escape. With frozen rates the chance of being in each state after a time t is a divided difference of
exp(-x t) over the rates at which the states are left (Bateman's solution). Two sets of chances are needed:

* of cells present at the start of a step, after the whole step;
* of cells that arrive during it, evenly over time: the same chances averaged over the time that remains to them.

Averaging and integrating over time commute with divided differences, so everything comes from four functions

    f0(x) = exp(-x t),   f1(x) = integral of f0 over [0, t],   f2 = integral of f1,   f3 = integral of f2.

The mean of the time that is left to an escaper, in which its clone grows, is the next integral over this one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.biology.populations import N_INDUCERS, POLYPLOID
from trialsim.biology.rates import CLEARANCE, COMPETENCE, ESCAPE, IMMATURE_KILL_SHARE, KILL, MATURATION, Rates
from trialsim.compiling import compiled

Chances = NDArray[np.float64]

#: Rows of a table of chances: where a cell begins. ``ARRIVING`` cells begin immature at a uniform time in the step.
FROM_IMMATURE, FROM_MATURE, FROM_COMPETENT, ARRIVING = 0, 1, 2, 3
#: Columns: where it is at the end; what is missing to 1 was lost.
#: ``TIME_LEFT`` is not a chance but the mean time (days) between an escape and the end of the step.
TO_IMMATURE, TO_MATURE, TO_COMPETENT, TO_ESCAPED, TIME_LEFT = 0, 1, 2, 3, 4

#: The table of cells that no senolytic kills, in the array of a step's tables.
UNKILLED = N_INDUCERS
#: Shape of that array.
STEP_SHAPE = (N_INDUCERS + 1, 2, 4, 5)

#: Rates closer than this (per day) are moved apart: it changes a chance by less than 1e-5 of itself and keeps the
#: differences from cancelling.
_APART = 1e-5


@compiled
def _integrals(x: float, t: float) -> tuple[float, float, float, float]:
    """f0, f1, f2, f3 at one rate; series where x t is small."""
    y = x * t
    f0 = math.exp(-y)
    if y < 1e-2:
        f1 = t * (1.0 - y / 2.0 * (1.0 - y / 3.0 * (1.0 - y / 4.0 * (1.0 - y / 5.0))))
        f2 = t * t / 2.0 * (1.0 - y / 3.0 * (1.0 - y / 4.0 * (1.0 - y / 5.0 * (1.0 - y / 6.0))))
        f3 = t * t * t / 6.0 * (1.0 - y / 4.0 * (1.0 - y / 5.0 * (1.0 - y / 6.0 * (1.0 - y / 7.0))))
        return f0, f1, f2, f3
    f1 = -math.expm1(-y) / x
    f2 = (t - f1) / x
    return f0, f1, f2, (0.5 * t * t - f2) / x


@compiled
def chain_chances(rates: Rates, polyploid: bool, kill: float, t: float, out: Chances) -> None:
    """Fill ``out`` (4 x 5) for one family of senescent cells over ``t`` days.

    ``kill`` is the senolytic hazard on mature cells; immature ones feel ``IMMATURE_KILL_SHARE`` of it.
    """
    mature, escape = rates[MATURATION], rates[ESCAPE] if polyploid else 0.0
    ripen = rates[COMPETENCE] if polyploid else 0.0
    leave0 = mature + rates[CLEARANCE] + kill * rates[IMMATURE_KILL_SHARE]
    leave1 = ripen + rates[CLEARANCE] + kill
    leave2 = escape + rates[CLEARANCE] + kill
    if abs(leave2 - leave0) < _APART:
        leave2 = leave0 + _APART
    for _ in range(2):  # moving away from the one may move it onto the other
        if abs(leave1 - leave0) < _APART or abs(leave1 - leave2) < _APART:
            leave1 += 2.0 * _APART
    a0, a1, a2, a3 = _integrals(leave0, t)
    b0, b1, b2, b3 = _integrals(leave1, t)
    c0, c1, c2, c3 = _integrals(leave2, t)
    gap01, gap12, gap02 = leave1 - leave0, leave2 - leave1, leave2 - leave0
    # First and second divided differences of f0 and f1.
    first01_0, first01_1 = (b0 - a0) / gap01, (b1 - a1) / gap01
    first12_0, first12_1 = (c0 - b0) / gap12, (c1 - b1) / gap12
    second0, second1 = (first12_0 - first01_0) / gap02, (first12_1 - first01_1) / gap02
    both = mature * ripen

    out[:, :] = 0.0
    out[FROM_IMMATURE, TO_IMMATURE] = a0
    out[FROM_IMMATURE, TO_MATURE] = -mature * first01_0
    out[FROM_MATURE, TO_MATURE] = b0
    out[FROM_COMPETENT, TO_COMPETENT] = c0
    out[ARRIVING, TO_IMMATURE] = a1 / t
    out[ARRIVING, TO_MATURE] = -mature * first01_1 / t
    if not polyploid:
        return
    out[FROM_IMMATURE, TO_COMPETENT] = both * second0
    out[FROM_MATURE, TO_COMPETENT] = -ripen * first12_0
    out[ARRIVING, TO_COMPETENT] = both * second1 / t
    if escape == 0.0:
        return
    first12_2 = (c2 - b2) / gap12
    second2 = (first12_2 - (b2 - a2) / gap01) / gap02
    second3 = ((c3 - b3) / gap12 - (b3 - a3) / gap01) / gap02
    out[FROM_IMMATURE, TO_ESCAPED] = escape * both * second1
    out[FROM_MATURE, TO_ESCAPED] = -escape * ripen * first12_1
    out[FROM_COMPETENT, TO_ESCAPED] = escape * c1
    out[ARRIVING, TO_ESCAPED] = escape * both * second2 / t
    out[FROM_IMMATURE, TIME_LEFT] = min(t, max(0.0, second2 / second1))
    out[FROM_MATURE, TIME_LEFT] = min(t, max(0.0, first12_2 / first12_1))
    out[FROM_COMPETENT, TIME_LEFT] = c2 / c1
    out[ARRIVING, TIME_LEFT] = min(t, max(0.0, second3 / second2))


@compiled
def step_chances(rates: Rates, time: float, out: Chances) -> None:
    """Fill ``out`` with the chances of every family for one step under frozen rates: table x ploidy x 4 x 5.

    Tables 0 to N_INDUCERS - 1 are of senolytic-sensitive cells by inducer, filled only where the hazard of killing is
    above zero; the last, ``UNKILLED``, serves all others.
    """
    for ploidy in range(2):
        chain_chances(rates, ploidy == POLYPLOID, 0.0, time, out[UNKILLED, ploidy])
        for inducer in range(N_INDUCERS):
            if rates[KILL + inducer] > 0.0:
                chain_chances(rates, ploidy == POLYPLOID, rates[KILL + inducer], time, out[inducer, ploidy])
