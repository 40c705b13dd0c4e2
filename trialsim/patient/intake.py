"""Doses: a drug on its way in, at once, after its lag or infused; and damage at a dose, to cells and to the marrow."""

from __future__ import annotations

import math

from trialsim.biology.kernel import damage
from trialsim.biology.rates import Target
from trialsim.biology.sasp import total_cells
from trialsim.compiling import compiled
from trialsim.patient.cells import step_cells, write_trace
from trialsim.patient.state import LOCAL, Body, Intake, OrderState, Patient
from trialsim.patient.step_length import hasten
from trialsim.structured import Rows
from trialsim.treatment.fate import senescent_share
from trialsim.treatment.neutrophils import Marrow, take_on
from trialsim.treatment.pharmacology import Drug, give, hill_effect, modulated


@compiled
def _begin(intake: Intake, drug: Drug, milligrams: float, now: float) -> None:
    """Put a dose on its way in: a place of its own order, which the dose before it has left."""
    intake.to_come, intake.begins = milligrams, now + drug.lag
    intake.ends = intake.begins + drug.infusion


@compiled
def take_drug(patient: Patient, order: OrderState, fraction: float) -> None:
    """One dose of an order's drug, now, at a fraction of the planned dose.

    It is in gut or plasma at once, or waits for the drug's lag and is infused over its time.
    """
    body, drug = patient.body[0], patient.drugs[order.drug]
    if drug.lag == 0.0 and drug.infusion == 0.0:
        give(drug, fraction * order.amount)
    else:
        _begin(order.intake, drug, fraction * order.amount, body.now)
        body.incoming = True
    hasten(patient)


@compiled
def is_waiting(orders: Rows[OrderState]) -> bool:
    """Whether anything of a drug's dose is still to come in."""
    to_come = 0.0
    for at in range(orders.size):
        to_come += orders[at].intake.to_come
    return to_come > 0.0


@compiled
def _absorb_one(intake: Intake, drug: Drug, now: float, until: float) -> float:
    """What of a dose is due now; returns the day, at most ``until``, up to which it neither begins nor ends."""
    if intake.begins > now:
        return min(until, intake.begins)
    if intake.ends > now:
        drug.rate += intake.to_come / (intake.ends - intake.begins)
        return min(until, intake.ends)
    if intake.ends == intake.begins:
        give(drug, intake.to_come)
    intake.to_come = 0.0
    return until


@compiled
def absorb(orders: Rows[OrderState], drugs: Rows[Drug], now: float, until: float) -> float:
    """Let doses in that are due now, in place; returns the day, at most ``until``, up to which none begins or ends.

    A dose without an infusion comes in whole when its lag is over; an infused one at an even rate.
    """
    for d in range(drugs.size):
        drugs[d].rate = 0.0
    for at in range(orders.size):
        order = orders[at]
        if order.intake.to_come > 0.0:
            until = _absorb_one(order.intake, drugs[order.drug], now, until)
    return until


@compiled
def _absorb_toxins(orders: Rows[OrderState], toxins: Rows[Drug], now: float, until: float) -> float:
    """`absorb` of what harms the marrow."""
    for d in range(toxins.size):
        toxins[d].rate = 0.0
    for at in range(orders.size):
        order = orders[at]
        if order.toxin_intake.to_come > 0.0:
            until = _absorb_one(order.toxin_intake, toxins[order.toxin], now, until)
    return until


@compiled
def advance_marrow(marrow: Marrow, orders: Rows[OrderState], toxins: Rows[Drug], until: float) -> None:
    """Take the neutrophils on to study day ``until``, in steps of their own: cells and other drugs do not feel them."""
    while marrow.at < until:
        goal = _absorb_toxins(orders, toxins, marrow.at, until)
        take_on(marrow, toxins, goal)


@compiled
def _meet_unrepaired(body: Body, order: OrderState, gray: float) -> tuple[float, float]:
    """Hits of a fraction by what is left of earlier ones, in the local bed and elsewhere; the fraction joins that."""
    kept = math.exp(-order.repair * (body.now - body.last_fraction))
    local, elsewhere = body.unrepaired_local * kept, body.unrepaired * kept
    body.last_fraction = body.now
    body.unrepaired_local = local + gray
    body.unrepaired = elsewhere if order.local_only else elsewhere + gray
    return order.cross * gray * local, order.cross * gray * elsewhere


@compiled
def _odds_under_drugs(patient: Patient, order: OrderState) -> float:
    """Odds that a lost cell turns senescent, which a drug in the blood may change."""
    odds = order.odds * patient.body[0].rates.damage_odds
    for e in range(patient.effects.size):
        effect = patient.effects[e]
        if effect.target == Target.DAMAGE_ODDS:
            drug = patient.drugs[effect.drug]
            odds *= modulated(effect.value, hill_effect(drug.plasma * drug.per_mg, 1.0, drug.ec50, drug.hill))
    return odds


@compiled
def apply_damage(patient: Patient, order: OrderState, fraction: float) -> None:
    """One damaging dose of an order (an infusion, a fraction of radiation), now, at a fraction of the planned dose."""
    body = patient.body[0]
    if order.toxin >= 0:
        advance_marrow(body.marrow, patient.orders, patient.toxins, body.now)
        _begin(order.toxin_intake, patient.toxins[order.toxin], fraction * order.amount, body.now)
    odds = _odds_under_drugs(patient, order)
    hits, hits_escaped = fraction * order.hits, fraction * order.hits_escaped
    cross_local = cross = 0.0
    if order.repair > 0.0:
        cross_local, cross = _meet_unrepaired(body, order, fraction * order.gray)
    share = order.senescence_gain * senescent_share(odds, fraction * order.relative, order.shift)
    lesions = 1 if order.local_only else body.lesions
    if lesions == 1 and total_cells(patient.lesions[LOCAL].cells) == 0:
        lesions = 0  # a bed without tumour: cells elsewhere need not know
    else:
        step_cells(patient, False)
        if body.cells_at >= body.looks_ahead_to:
            return  # a copy that looks ahead has seen enough
    for at in range(lesions):
        more = cross_local if at == LOCAL else cross
        loss, loss_escaped = -math.expm1(-(hits + more)), -math.expm1(-(hits_escaped + more))
        damage(patient.lesions[at].cells, loss, loss_escaped, share, order.inducer, body.rates, body.streams.cells)
    body.host.burden += fraction * order.host_damage
    write_trace(patient)
