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

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import compiled
from trialsim.treatment.pharmacokinetics import GUT, PLASMA, RATE, TISSUE
from trialsim.treatment.pharmacology import ELIMINATION, N_DRUG, PER_MG, advance_amounts, is_there

Array = NDArray[np.float64]

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

#: Places in a patient's marrow: logarithm of the proliferating pool, stages of maturation, circulating, the lowest of
#: it so far (all relative to rest), days spent below ``SEVERE``, the day it is taken on to, baseline (1e9/L); of the
#: days below ``SEVERE`` how many the patient outlives, and the study day on which these were used up (infinite: never).
PROL, T1, T2, T3, CIRC, LEAST, SEVERE_DAYS, AT, BASE, OUTLIVES, FATAL_ON = range(11)
N_MARROW = 11
#: The place after a drug's constants: effect on the proliferating pool per umol/L.
SLOPE = N_DRUG
N_TOXIN = N_DRUG + 1


def marrow_at_rest() -> Array:
    """A marrow before any drug, whose baseline is still to be set."""
    marrow = np.zeros(N_MARROW)
    marrow[T1 : LEAST + 1] = 1.0
    marrow[OUTLIVES] = marrow[FATAL_ON] = math.inf
    return marrow


@compiled
def is_marrow_at_rest(marrow: Array, amounts: Array) -> bool:
    """Within 1e-6 of the steady state, and no drug there."""
    for d in range(amounts.shape[0]):
        if is_there(amounts, d):
            return False
    off = abs(marrow[PROL])
    for at in range(T1, CIRC + 1):
        off = max(off, abs(marrow[at] - 1.0))
    return bool(off < 1e-6)


@compiled
def _mean_effect(toxins: Array, amounts: Array, h: float) -> float:
    """Mean of E over the next ``h`` days, over which the drugs are taken on in place."""
    total = 0.0
    for d in range(amounts.shape[0]):
        if not is_there(amounts, d):
            continue
        drug, own = toxins[d], amounts[d]
        before = own[GUT] + own[PLASMA] + own[TISSUE] + own[RATE] * h
        advance_amounts(own, drug, h)
        area = (before - own[GUT] - own[PLASMA] - own[TISSUE]) / drug[ELIMINATION]
        total += drug[SLOPE] * drug[PER_MG] * area / h
    return total


@compiled
def _step_length(toxins: Array, amounts: Array, left: float) -> float:
    length = min(left, _LONGEST)
    for d in range(amounts.shape[0]):
        if amounts[d, RATE] > 0.0:
            return min(left, _SHORTEST)
        killing = _K * toxins[d, SLOPE] * toxins[d, PER_MG] * amounts[d, PLASMA]
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
def _step(marrow: Array, effect: float, h: float) -> None:
    """One step of classical Runge-Kutta."""
    p, a, b, c, n = marrow[PROL], marrow[T1], marrow[T2], marrow[T3], marrow[CIRC]
    p1, a1, b1, c1, n1 = _slopes(p, a, b, c, n, effect)
    x = 0.5 * h
    p2, a2, b2, c2, n2 = _slopes(p + x * p1, a + x * a1, b + x * b1, c + x * c1, n + x * n1, effect)
    p3, a3, b3, c3, n3 = _slopes(p + x * p2, a + x * a2, b + x * b2, c + x * c2, n + x * n2, effect)
    p4, a4, b4, c4, n4 = _slopes(p + h * p3, a + h * a3, b + h * b3, c + h * c3, n + h * n3, effect)
    sixth = h / 6.0
    marrow[PROL] = p + sixth * (p1 + 2.0 * p2 + 2.0 * p3 + p4)
    marrow[T1] = a + sixth * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
    marrow[T2] = b + sixth * (b1 + 2.0 * b2 + 2.0 * b3 + b4)
    marrow[T3] = c + sixth * (c1 + 2.0 * c2 + 2.0 * c3 + c4)
    marrow[CIRC] = n + sixth * (n1 + 2.0 * n2 + 2.0 * n3 + n4)


@compiled
def take_on(marrow: Array, toxins: Array, amounts: Array, until: float) -> None:
    """Take a marrow and the drugs in it on in place to ``until``, a day up to which no dose begins or ends."""
    while marrow[AT] < until:
        if is_marrow_at_rest(marrow, amounts):
            marrow[AT] = until
            return
        left = until - marrow[AT]
        h = _step_length(toxins, amounts, left)
        _step(marrow, _mean_effect(toxins, amounts, h), h)
        marrow[AT] = until if h == left else marrow[AT] + h
        marrow[LEAST] = min(marrow[LEAST], marrow[CIRC])
        if marrow[CIRC] * marrow[BASE] < SEVERE:
            marrow[SEVERE_DAYS] += h
            if marrow[SEVERE_DAYS] >= marrow[OUTLIVES] and marrow[FATAL_ON] == math.inf:
                marrow[FATAL_ON] = marrow[AT] - (marrow[SEVERE_DAYS] - marrow[OUTLIVES])
