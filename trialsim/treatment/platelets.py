"""Platelets under a drug that kills them in the blood.

Navitoclax removes *circulating* platelets, so counts fall within days and rise again on drug as production answers; a
transit model of marrow suppression (Friberg) has the wrong shape here (Kaefer 2014). With C the count, B its
baseline, G the progenitor pool relative to rest and k(t) the drug's killing::

    C' = turnover * (B * G * D - C) - k(t) * C
    D' = ((B / C) ** feedback - D) / lag
    G' = renewal * (1 - G) - depletion * G * (D - 1)      (only while D > 1)

At rest C = B, D = G = 1. Production D answers low counts after a lag, the time in which megakaryocytes mature, so the
nadir falls on days 3-5 and counts rise while the drug goes on. Raised production drains the pool, which renews slowly:
on continuous dosing counts drift down again after their first recovery, as is seen beyond a year of treatment.
"""

from __future__ import annotations

import math
from typing import Annotated

from trialsim.compiling import compiled
from trialsim.structured import Floats, Rows, record
from trialsim.treatment.pharmacokinetics import moved, shares_of_step
from trialsim.treatment.pharmacology import Drug, effect, is_simple, is_there, shares_after

#: Platelets live about nine days.
TURNOVER = 1.0 / 9.0
#: Chosen, with the drug's Emax and EC50, for the nadir and its day in ASCO 2009 abs 3505; the pool's two rates are
#: order-of-magnitude assumptions for the slow decline on continuous dosing (Kaefer 2014).
FEEDBACK = 1.0
LAG = 3.0
RENEWAL = 0.05
DEPLETION = 0.01
#: Longest Runge-Kutta step, days: while a drug is absorbed or infused; while it kills; and where it kills less than
#: ``_WEAK`` per day, a third of the lag. Below ``_NONE`` nothing is killed.
_LONGEST_ABSORBING, _LONGEST_KILLING, _LONGEST = 0.25, 0.5, 1.0
_WEAK, _NONE = 2e-2, 1e-9
#: Steps for which killing is worked out at once.
_AT_ONCE = 8

#: CTCAE v5: a count below 25e9/L is thrombocytopenia of grade 4.
SEVERE = 25.0


@record
class Platelets:
    """A patient's platelets."""

    baseline: float
    """1e9/L."""
    count: float
    pool: float
    """Progenitors, relative to rest."""
    drive: float
    """Of production."""
    lowest: float
    """Count so far."""
    severe_days: float
    """Days spent below ``SEVERE``; of them"""
    outlives: float
    """so many the patient outlives, and"""
    fatal_on: float
    """the study day on which these were used up (infinite: never)."""
    killing: Annotated[Floats, 2 * _AT_ONCE + 1]
    """Room to work in: what drugs kill per day at each half of some steps."""


@compiled
def set_at_rest(platelets: Platelets, baseline: float) -> None:
    """A patient's platelets before any drug."""
    platelets.baseline = platelets.count = platelets.lowest = baseline
    platelets.pool = platelets.drive = 1.0
    platelets.severe_days = 0.0
    platelets.outlives = platelets.fatal_on = math.inf


@compiled
def _add_killing(drug: Drug, h: float, steps: int, killing: Floats) -> None:
    """Add a drug's killing at 0, h/2, h, 3h/2, ... days to ``killing``; its amounts ahead are taken on by the steps."""
    gut, plasma, tissue = drug.ahead_gut, drug.ahead_plasma, drug.ahead_tissue
    if is_simple(drug):
        kept_gut, kept, absorbed = shares_after(drug.absorption, drug.elimination, 0.5 * h)
        for i in range(2 * steps + 1):
            killing[i] += effect(plasma * drug.per_mg, drug.platelet_emax, drug.platelet_ec50)
            if i < 2 * steps:
                gut, plasma = gut * kept_gut, plasma * kept + gut * absorbed
    else:
        shares = shares_of_step(drug.absorption, drug.elimination, drug.outward, drug.back, 0.5 * h)
        for i in range(2 * steps + 1):
            killing[i] += effect(plasma * drug.per_mg, drug.platelet_emax, drug.platelet_ec50)
            if i < 2 * steps:
                gut, plasma, tissue = moved((gut, plasma, tissue), drug.rate, shares)
    drug.ahead_gut, drug.ahead_plasma, drug.ahead_tissue = gut, plasma, tissue


@compiled
def _reach(drugs: Rows[Drug]) -> tuple[float, float]:
    """The most that drugs kill per day from now on, by what is still to be absorbed or infused, and by all of it."""
    to_come = reach = 0.0
    for d in range(drugs.size):
        drug = drugs[d]
        if drug.platelet_emax > 0.0:
            if drug.rate > 0.0:
                return drug.platelet_emax, drug.platelet_emax
            amount = drug.gut + drug.plasma + drug.tissue
            to_come += effect(drug.gut * drug.per_mg, drug.platelet_emax, drug.platelet_ec50)
            reach += effect(amount * drug.per_mg, drug.platelet_emax, drug.platelet_ec50)
    return to_come, reach


@compiled
def _slopes(count: float, pool: float, drive: float, baseline: float, killing: float) -> tuple[float, float, float]:
    wanted = baseline / max(count, 1e-3)
    if FEEDBACK != 1.0:  # settled when it is compiled
        wanted = wanted**FEEDBACK
    return (
        TURNOVER * (baseline * pool * drive - count) - killing * count,
        RENEWAL * (1.0 - pool) - DEPLETION * pool * max(0.0, drive - 1.0),
        (wanted - drive) * (1.0 / LAG),
    )


@compiled
def is_at_rest(platelets: Platelets) -> bool:
    """Within 1e-6 of the steady state without a drug."""
    off = abs(platelets.count - platelets.baseline) / platelets.baseline
    return bool(max(off, abs(platelets.pool - 1.0), abs(platelets.drive - 1.0)) < 1e-6)


@compiled
def advance_platelets(platelets: Platelets, drugs: Rows[Drug], now: float, time: float) -> None:
    """Advance platelets in place by ``time`` days from the study day ``now`` (classical Runge-Kutta).

    ``drugs`` hold what is in the body at the start; they are left as they are.
    """
    to_come, reach = _reach(drugs)
    if reach < _NONE and is_at_rest(platelets):
        return
    longest = _LONGEST_ABSORBING if to_come > _WEAK else _LONGEST_KILLING if reach > _WEAK else _LONGEST
    steps = max(1, math.ceil(time / longest))
    h = time / steps
    for d in range(drugs.size):
        drug = drugs[d]
        drug.ahead_gut, drug.ahead_plasma, drug.ahead_tissue = drug.gut, drug.plasma, drug.tissue
    done = 0
    while done < steps:
        some = min(_AT_ONCE, steps - done)
        for i in range(2 * some + 1):
            platelets.killing[i] = 0.0
        for d in range(drugs.size):
            if drugs[d].platelet_emax > 0.0 and is_there(drugs[d]):
                _add_killing(drugs[d], h, some, platelets.killing)
        for i in range(some):
            _step(platelets, h, platelets.killing[2 * i], platelets.killing[2 * i + 1], platelets.killing[2 * i + 2])
            if platelets.count < SEVERE:
                platelets.severe_days += h
                if platelets.severe_days >= platelets.outlives and platelets.fatal_on == math.inf:
                    late = platelets.severe_days - platelets.outlives
                    platelets.fatal_on = now + (done + i + 1) * h - late
        done += some


@compiled
def _step(platelets: Platelets, h: float, before: float, middle: float, after: float) -> None:
    """One step of classical Runge-Kutta; killing at its beginning, middle and end."""
    baseline, count, pool, drive = platelets.baseline, platelets.count, platelets.pool, platelets.drive
    c1, p1, d1 = _slopes(count, pool, drive, baseline, before)
    c2, p2, d2 = _slopes(count + 0.5 * h * c1, pool + 0.5 * h * p1, drive + 0.5 * h * d1, baseline, middle)
    c3, p3, d3 = _slopes(count + 0.5 * h * c2, pool + 0.5 * h * p2, drive + 0.5 * h * d2, baseline, middle)
    c4, p4, d4 = _slopes(count + h * c3, pool + h * p3, drive + h * d3, baseline, after)
    sixth = h / 6.0
    platelets.count = count + sixth * (c1 + 2.0 * c2 + 2.0 * c3 + c4)
    platelets.pool = pool + sixth * (p1 + 2.0 * p2 + 2.0 * p3 + p4)
    platelets.drive = drive + sixth * (d1 + 2.0 * d2 + 2.0 * d3 + d4)
    platelets.lowest = min(platelets.lowest, platelets.count)
