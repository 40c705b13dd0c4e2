"""How long cells may be left before they are stepped, and drugs before they are averaged anew."""

from __future__ import annotations

import math

from trialsim.biology.kernel import crowding
from trialsim.biology.populations import REVERSIBLE
from trialsim.biology.rates import (
    CAPACITY,
    CLEARANCE,
    CROWDING,
    ESCAPED_NET,
    HOST_KILL,
    HOST_SHARE,
    IMMUNE_KILL,
    KILL,
    MATURATION,
    NET,
    REFERENCE,
    REVERSAL,
    SASP_ARREST,
    SASP_GROWTH,
    SASP_IMMUNE,
    SASP_INTENSITY,
    SPONTANEOUS_RATE,
    Rates,
)
from trialsim.biology.sasp import ALL, BY_INDUCER, HALF_SHARE, LARGEST, RIPENING, SECRETING, Survey
from trialsim.compiling import inlined
from trialsim.patient.state import (
    ADDS,
    IN_USE,
    LONGEST,
    ON_DRUG,
    ON_RATE,
    SENESCENT_SEEN,
    TOLERANCE,
    VALUE,
    Floats,
    State,
)
from trialsim.treatment.pharmacology import is_there, reachable_effect, slowest_rate

#: A drug that from now on takes less than this share of the cells it acts on no longer shortens steps, and with less
#: than this part of its largest effect it need not be followed.
_NEGLIGIBLE_KILL, _NEGLIGIBLE_EFFECT = 1e-3, 1e-3
#: Longest step of cells while a drug kills them, days by the root of the tolerance: three days at the default.
_KILLING_STEP = 3.0 / math.sqrt(0.05)
#: Days, and e-foldings of a drug's decay, that quadrature follows.
_QUADRATURE, _FOLDINGS = 3.0, 3.0


@inlined
def strongest(state: State) -> tuple[float, float]:
    """The largest hazards per day that drugs may reach from now on: of senescent cells, and of cycling ones.

    Streams into senescence count as hazards. What a drug may reach is told from all of it that is in the body; one that
    will take less than ``_NEGLIGIBLE_KILL`` of the cells from now on does not count, nor does one without a target: it
    shortens no step and changes nothing, to the bit.
    """
    killing = others = 0.0
    known, strength, slowest = -1, 0.0, 0.0
    for e in range(state.effects.shape[0]):
        line = state.effects[e]
        d, at = int(line[ON_DRUG]), int(line[ON_RATE])
        if line[ADDS] == 0.0 or at == HOST_KILL or (at >= KILL and state.clock[SENESCENT_SEEN] == 0.0):
            continue
        if d != known:
            known, strength, slowest = (
                d,
                reachable_effect(state.amounts[d], state.drugs[d]),
                slowest_rate(state.drugs[d]),
            )
        hazard = line[VALUE] * strength
        if hazard > _NEGLIGIBLE_KILL * slowest:
            if at >= KILL:
                killing = max(killing, hazard)
            else:
                others = max(others, hazard)
    return killing, others


@inlined
def longest_under_drugs(state: State, killing: float, others: float) -> float:
    """Longest step under such hazards.

    The ageing chain is solved for the mean of the killing over a step, which may be of a few doses; of cycling cells a
    hazard takes at most sqrt(tolerance) in a step.
    """
    root = math.sqrt(state.settings[TOLERANCE])
    longest = _KILLING_STEP * root if killing > 0.0 or others > 0.0 else math.inf
    return min(longest, root / others) if others > 0.0 else longest


@inlined
def followed(state: State) -> float:
    """Days over which quadrature follows the decay of every drug that still does something."""
    longest = math.inf
    for d in range(state.drugs.shape[0]):
        if is_there(state.amounts, d) and reachable_effect(state.amounts[d], state.drugs[d]) > _NEGLIGIBLE_EFFECT:
            longest = min(longest, max(_QUADRATURE, _FOLDINGS / slowest_rate(state.drugs[d])))
    return longest


@inlined
def _pace_of_load(seen: Survey, rates: Rates, killing: float) -> float:
    """How fast the secretome's load in a lesion changes now, per day: cells mature, are diluted, cleared and killed."""
    if seen[SECRETING] + seen[RIPENING] == 0.0:
        return 0.0
    share = seen[SECRETING] / seen[ALL] + rates[HOST_SHARE]
    leave = rates[CLEARANCE] + rates[NET] + killing
    change = max(rates[MATURATION] * seen[RIPENING], leave * seen[SECRETING]) / seen[ALL]
    return rates[SASP_INTENSITY] * LARGEST * HALF_SHARE / (share + HALF_SHARE) ** 2 * change


@inlined
def step_length(state: State, surveys: Floats) -> float:
    """Longest step allowed now, of lesions as they were surveyed (lesion x survey).

    With tolerance e a step ends before a cell's chance to arrest, or the logarithm of a population that grows at its
    reference rate, changes by more than sqrt(e): the composition's error is of second order in that. It ends before
    crowding changes net growth by more than e, which also shortens the steps of small, fast-growing lesions; and
    before a change of the secretome's load could change the logarithm of a population by more than e.
    """
    tolerance = state.settings[TOLERANCE]
    length = state.settings[LONGEST]
    rates = state.rates
    arrest = rates[SPONTANEOUS_RATE] + rates[SASP_ARREST] * LARGEST * rates[SASP_INTENSITY]
    fastest = max(arrest, rates[NET], rates[ESCAPED_NET])
    if fastest > 0.0:
        length = min(length, math.sqrt(tolerance) / fastest)
    killing, others = strongest(state)
    length = min(length, longest_under_drugs(state, killing, others))
    crowded = rates[CROWDING] > 0.0
    # Under Gompertz's law the factor f on growth g changes at the rate f g / ln(capacity / reference), and a small
    # lesion's f is large.
    pace = rates[NET] * rates[CROWDING] / math.log(rates[CAPACITY] / rates[REFERENCE]) if crowded else 0.0
    # What a unit of load does to a population, per day; immune killing follows the load with a delay.
    force = rates[SASP_GROWTH] * rates[NET] + rates[SASP_ARREST] + 0.5 * rates[SASP_IMMUNE] * rates[IMMUNE_KILL]
    smallest, moving = math.inf, 0.0
    for lesion in range(int(state.clock[IN_USE])):
        seen = surveys[lesion]
        if seen[ALL] == 0.0:
            continue
        if rates[REVERSAL] > 0.0 and seen[BY_INDUCER + REVERSIBLE[0]] + seen[BY_INDUCER + REVERSIBLE[1]] > 0.0:
            length = min(length, math.sqrt(tolerance) / rates[REVERSAL])
        smallest = min(smallest, seen[ALL])
        if force > 0.0:
            moving = max(moving, force * _pace_of_load(seen, rates, killing))
    if crowded:
        pace *= max(1.0, crowding(smallest, rates))
        if pace * length > tolerance:
            length = tolerance / pace
    if moving * length * length > tolerance:
        length = math.sqrt(tolerance / moving)
    return length
