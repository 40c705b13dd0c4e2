"""Neutrophils under chemotherapy: a proliferating pool, three stages of maturation, and the blood.

The model of Friberg 2002 (J Clin Oncol 20:4713). With everything relative to rest, k = 4 / mean transit time, E the sum
over drugs of slope x concentration, and F = circulating ** -feedback::

    prol'  = k prol ((1 - E) F - 1)
    t1'    = k (prol - t1),   t2' = k (t1 - t2),   t3' = k (t2 - t3)
    circ'  = k (t3 - circ)

Growth of ``prol`` is solved for its logarithm, since a dose of docetaxel takes nine tenths of it within hours. Over a
step E is its mean, which is exact: drugs are linear, so the area under a concentration is what was eliminated over the
rate of elimination.
"""

from __future__ import annotations

import math

from trialsim.compiling import compiled
from trialsim.structured import Rows, record
from trialsim.treatment.pharmacology import Drug, advance_amounts, is_there

#: Friberg 2002, docetaxel; the two are those of the body and alike for all drugs that were looked at (80-135 h,
#: 0.16-0.23).
TRANSIT = 88.7 / 24.0
FEEDBACK = 0.161
_K = 4.0 / TRANSIT
#: Steps, days: the shortest, taken during an infusion, and the longest; between, one that kills a fifth of prol.
_SHORTEST, _LONGEST, _KILLED = 1.0 / 96.0, 0.25, 0.2
#: CTCAE v5: a count below 0.5e9/L is neutropenia of grade 4.
SEVERE = 0.5
#: A coefficient of variation of a neutrophil count in the laboratory (assumed; differential counts).
NEUTROPHIL_ERROR = 0.1


@record
class Marrow:
    """A patient's neutrophils, relative to rest."""

    baseline: float
    """1e9/L."""
    prol: float
    """Logarithm of the proliferating pool."""
    t1: float
    """Stages of maturation."""
    t2: float
    t3: float
    circ: float
    """Circulating, and"""
    lowest: float
    """the lowest of it so far."""
    at: float
    """The study day that it is taken on to."""
    severe_days: float
    """Days spent below ``SEVERE``; of them"""
    outlives: float
    """so many the patient outlives, and"""
    fatal_on: float
    """the study day on which these were used up (infinite: never)."""


@compiled
def set_marrow_at_rest(marrow: Marrow, baseline: float) -> None:
    """A marrow before any drug."""
    marrow.baseline = baseline
    marrow.prol = marrow.at = marrow.severe_days = 0.0
    marrow.t1 = marrow.t2 = marrow.t3 = marrow.circ = marrow.lowest = 1.0
    marrow.outlives = marrow.fatal_on = math.inf


@compiled
def is_marrow_at_rest(marrow: Marrow, toxins: Rows[Drug]) -> bool:
    """Within 1e-6 of the steady state, and no drug there."""
    for d in range(toxins.size):
        if is_there(toxins[d]):
            return False
    off = max(abs(marrow.prol), abs(marrow.t1 - 1.0), abs(marrow.t2 - 1.0), abs(marrow.t3 - 1.0))
    return bool(max(off, abs(marrow.circ - 1.0)) < 1e-6)


@compiled
def _mean_effect(toxins: Rows[Drug], h: float) -> float:
    """Mean of E over the next ``h`` days, over which the drugs are taken on in place."""
    total = 0.0
    for d in range(toxins.size):
        drug = toxins[d]
        if not is_there(drug):
            continue
        before = drug.gut + drug.plasma + drug.tissue + drug.rate * h
        advance_amounts(drug, h)
        area = (before - drug.gut - drug.plasma - drug.tissue) / drug.elimination
        total += drug.marrow_slope * drug.per_mg * area / h
    return total


@compiled
def _step_length(toxins: Rows[Drug], left: float) -> float:
    length = min(left, _LONGEST)
    for d in range(toxins.size):
        drug = toxins[d]
        if drug.rate > 0.0:
            return min(left, _SHORTEST)
        killing = _K * drug.marrow_slope * drug.per_mg * drug.plasma
        if killing * length > _KILLED:
            length = max(_KILLED / killing, _SHORTEST)
    return min(left, length)


@compiled
def _slopes(
    prol: float, t1: float, t2: float, t3: float, circ: float, effect: float
) -> tuple[float, float, float, float, float]:
    drive = math.exp(-FEEDBACK * math.log(max(circ, 1e-9)))
    return (
        _K * ((1.0 - effect) * drive - 1.0),
        _K * (math.exp(prol) - t1),
        _K * (t1 - t2),
        _K * (t2 - t3),
        _K * (t3 - circ),
    )


@compiled
def _step(marrow: Marrow, effect: float, h: float) -> None:
    """One step of classical Runge-Kutta."""
    p, a, b, c, n = marrow.prol, marrow.t1, marrow.t2, marrow.t3, marrow.circ
    p1, a1, b1, c1, n1 = _slopes(p, a, b, c, n, effect)
    x = 0.5 * h
    p2, a2, b2, c2, n2 = _slopes(p + x * p1, a + x * a1, b + x * b1, c + x * c1, n + x * n1, effect)
    p3, a3, b3, c3, n3 = _slopes(p + x * p2, a + x * a2, b + x * b2, c + x * c2, n + x * n2, effect)
    p4, a4, b4, c4, n4 = _slopes(p + h * p3, a + h * a3, b + h * b3, c + h * c3, n + h * n3, effect)
    sixth = h / 6.0
    marrow.prol = p + sixth * (p1 + 2.0 * p2 + 2.0 * p3 + p4)
    marrow.t1 = a + sixth * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
    marrow.t2 = b + sixth * (b1 + 2.0 * b2 + 2.0 * b3 + b4)
    marrow.t3 = c + sixth * (c1 + 2.0 * c2 + 2.0 * c3 + c4)
    marrow.circ = n + sixth * (n1 + 2.0 * n2 + 2.0 * n3 + n4)


@compiled
def take_on(marrow: Marrow, toxins: Rows[Drug], until: float) -> None:
    """Take a marrow and the drugs in it on in place to ``until``, a day up to which no dose begins or ends."""
    while marrow.at < until:
        if is_marrow_at_rest(marrow, toxins):
            marrow.at = until
            return
        left = until - marrow.at
        h = _step_length(toxins, left)
        _step(marrow, _mean_effect(toxins, h), h)
        marrow.at = until if h == left else marrow.at + h
        marrow.lowest = min(marrow.lowest, marrow.circ)
        if marrow.circ * marrow.baseline < SEVERE:
            marrow.severe_days += h
            if marrow.severe_days >= marrow.outlives and marrow.fatal_on == math.inf:
                marrow.fatal_on = marrow.at - (marrow.severe_days - marrow.outlives)
