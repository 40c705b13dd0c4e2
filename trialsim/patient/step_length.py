"""How long cells may be left before they are stepped, and drugs before they are averaged anew."""

from __future__ import annotations

import math

from trialsim.biology.kernel import crowding
from trialsim.biology.populations import REVERSIBLE
from trialsim.biology.rates import Rates, Target
from trialsim.biology.sasp import HALF_SHARE, LARGEST, Survey
from trialsim.compiling import compiled, inlined
from trialsim.patient.state import Patient
from trialsim.structured import Rows
from trialsim.treatment.pharmacology import Drug, is_there, reachable_effect, slowest_rate

#: A drug that from now on takes less than this share of the cells it acts on no longer shortens steps, and with less
#: than this part of its largest effect it need not be followed.
_NEGLIGIBLE_KILL, _NEGLIGIBLE_EFFECT = 1e-3, 1e-3
#: Longest step of cells while a drug kills them, days by the root of the tolerance: three days at the default.
_KILLING_STEP = 3.0 / math.sqrt(0.05)
#: Days, and e-foldings of a drug's decay, that quadrature follows.
_QUADRATURE, _FOLDINGS = 3.0, 3.0


@compiled
def _strongest(patient: Patient) -> tuple[float, float]:
    """The largest hazards per day that drugs may reach from now on: of senescent cells, and of cycling ones.

    Driven arrest counts as a hazard. What a drug may reach is told from all of it that is in the body; one that
    will take less than ``_NEGLIGIBLE_KILL`` of the cells from now on does not count, nor does one without a target: it
    shortens no step and changes nothing, to the bit.
    """
    killing = others = 0.0
    known, strength, slowest = -1, 0.0, 0.0
    for e in range(patient.effects.size):
        effect = patient.effects[e]
        of_senescent = effect.target == Target.SENOLYTIC_KILL
        if (
            not effect.is_hazard
            or effect.target == Target.HOST_KILL
            or (of_senescent and not patient.body[0].senescent)
        ):
            continue
        if effect.drug != known:
            known, drug = effect.drug, patient.drugs[effect.drug]
            strength, slowest = reachable_effect(drug), slowest_rate(drug)
        hazard = effect.value * strength
        if hazard > _NEGLIGIBLE_KILL * slowest:
            if of_senescent:
                killing = max(killing, hazard)
            else:
                others = max(others, hazard)
    return killing, others


@inlined
def _longest_under_drugs(tolerance: float, killing: float, others: float) -> float:
    """Longest step under such hazards.

    The ageing chain is solved for the mean of the killing over a step, which may be of a few doses; of cycling cells a
    hazard takes at most sqrt(tolerance) in a step.
    """
    root = math.sqrt(tolerance)
    longest = _KILLING_STEP * root if killing > 0.0 or others > 0.0 else math.inf
    return min(longest, root / others) if others > 0.0 else longest


@compiled
def hasten(patient: Patient) -> None:
    """Let cells that wait wait no longer than the drugs that are there now allow."""
    body = patient.body[0]
    if body.cells_at < body.now and body.due < math.inf:
        killing, others = _strongest(patient)
        longest = _longest_under_drugs(body.tolerance, killing, others)
        body.due = min(body.due, max(body.now, body.cells_at + longest))


@compiled
def followed(drugs: Rows[Drug]) -> float:
    """Days over which quadrature follows the decay of every drug that still does something."""
    longest = math.inf
    for d in range(drugs.size):
        drug = drugs[d]
        if is_there(drug) and reachable_effect(drug) > _NEGLIGIBLE_EFFECT:
            longest = min(longest, max(_QUADRATURE, _FOLDINGS / slowest_rate(drug)))
    return longest


@inlined
def _pace_of_load(seen: Survey, rates: Rates, killing: float) -> float:
    """How fast the secretome's load in a lesion changes now, per day: cells mature, are diluted, cleared and killed."""
    if seen.secreting + seen.ripening == 0.0:
        return 0.0
    share = seen.secreting / seen.all + rates.host_share
    leave = rates.clearance + rates.net + killing
    change = max(rates.maturation * seen.ripening, leave * seen.secreting) / seen.all
    return rates.sasp_intensity * LARGEST * HALF_SHARE / (share + HALF_SHARE) ** 2 * change


@compiled
def step_length(patient: Patient) -> float:
    """Longest step allowed now, of lesions as they were surveyed.

    With tolerance e a step ends before a cell's chance to arrest, or the logarithm of a population that grows at its
    reference rate, changes by more than sqrt(e): the composition's error is of second order in that. It ends before
    crowding changes net growth by more than e, which also shortens the steps of small, fast-growing lesions; and
    before a change of the secretome's load could change the logarithm of a population by more than e.
    """
    body, rates = patient.body[0], patient.body[0].rates
    tolerance, length = body.tolerance, body.longest_step
    arrest = rates.spontaneous_rate + rates.sasp_arrest * LARGEST * rates.sasp_intensity
    fastest = max(arrest, rates.net, rates.escaped_net)
    if fastest > 0.0:
        length = min(length, math.sqrt(tolerance) / fastest)
    killing, others = _strongest(patient)
    length = min(length, _longest_under_drugs(tolerance, killing, others))
    crowded = rates.crowding > 0.0
    # Under Gompertz's law the factor f on growth g changes at the rate f g / ln(capacity / reference), and a small
    # lesion's f is large.
    pace = rates.net * rates.crowding / math.log(rates.capacity / rates.reference) if crowded else 0.0
    # What a unit of load does to a population, per day; immune killing follows the load with a delay.
    force = rates.sasp_growth * rates.net + rates.sasp_arrest + 0.5 * rates.sasp_immune * rates.immune_kill
    smallest, moving = math.inf, 0.0
    for lesion in range(body.lesions):
        seen = patient.lesions[lesion].survey
        if seen.all == 0.0:
            continue
        if rates.reversal > 0.0 and seen.by_inducer[REVERSIBLE[0]] + seen.by_inducer[REVERSIBLE[1]] > 0.0:
            length = min(length, math.sqrt(tolerance) / rates.reversal)
        smallest = min(smallest, seen.all)
        if force > 0.0:
            moving = max(moving, force * _pace_of_load(seen, rates, killing))
    if crowded:
        pace *= max(1.0, crowding(smallest, rates))
        if pace * length > tolerance:
            length = tolerance / pace
    if moving * length * length > tolerance:
        length = math.sqrt(tolerance / moving)
    return length
