"""How much of a dose a patient is exposed to: body size, kidneys, and variability between patients by agent.

A dose per m2 or per kg is multiplied by the patient's body, one by AUC by filtration + 25 mL/min (Calvert 1989).
Clearance of an agent with ``pk``, against that of the typical patient::

    (weight / 70 kg)^clearance_by_weight x (1 - r + r x filtration / 90 mL/min) x exp(clearance_iiv z)

with r its ``renal_share``; its volumes (weight / 70 kg)^volume_by_weight, that of plasma times exp(volume_iiv z). The
trait ``drug_clearance`` multiplies the clearance of every drug on top. Without ``pk`` an agent's clearance is taken to
go with whatever its dose goes by, so that the exposure is that of the typical patient.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from trialsim.records import Traits
from trialsim.rng import Purpose, stream
from trialsim.spec.agents import Agent, Pharmacokinetics, Sourced
from trialsim.spec.resolved import ResolvedArm
from trialsim.spec.traits import TRAITS
from trialsim.structured import Floats
from trialsim.treatment.pharmacokinetics import body_surface, calvert_dose

#: The traits of a body, in its order.
_BODY_TRAITS = ("body_weight", "body_height", "filtration")
_NEUTROPHILS = "neutrophil_baseline"
#: The traits that make a patient's kinetics and counts other than the typical ones.
BODY_TRAITS = frozenset((*_BODY_TRAITS, _NEUTROPHILS))


class BodySize(NamedTuple):
    """Size and kidneys: kg, cm, mL/min."""

    weight: float
    height: float
    filtration: float

    def per_unit(self, dose_unit: str) -> float:
        """What a dose is multiplied by to be in mg: 1 for what is given in mg already, and for grays."""
        if dose_unit == "mg/m2":
            return body_surface(self.weight, self.height)
        if dose_unit == "mg/kg":
            return self.weight
        return calvert_dose(1.0, self.filtration) if dose_unit == "AUC" else 1.0


def body(traits: Traits) -> BodySize:
    """A patient's body; what the cohort leaves out is that of the typical patient."""
    return BodySize(*(float(traits.get(name, _usual(name))) for name in _BODY_TRAITS))


def _usual(name: str) -> float:
    usual = TRAITS[name].usual
    assert usual is not None, name
    return usual


TYPICAL = body({})


class OwnKinetics(NamedTuple):
    """A patient's kinetics under an arm, against the typical patient's."""

    clearance: Floats
    """By drug and, after them, by what harms the marrow; `drug_clearance` aside."""
    volume: Floats
    """Of plasma, likewise."""
    tissue_volume: Floats
    amount: Floats
    """By order: mg for each unit of dose."""
    exposure: Floats
    """By order of a damaging drug: area under the concentration for a dose, `drug_clearance` aside."""
    neutrophils: float
    """Count at rest, 1e9/L."""


class Folds(NamedTuple):
    """Of one agent in one patient, against the typical patient."""

    clearance: float
    volume: float
    tissue_volume: float


def folds(pk: Pharmacokinetics, own: BodySize, deviates: tuple[float, float]) -> Folds:
    """``deviates``: standard normal, of clearance and of the volume of plasma."""
    size = own.weight / TYPICAL.weight
    share = _value(pk.renal_share)
    renal = 1.0 - share + share * own.filtration / TYPICAL.filtration if share > 0.0 else 1.0
    volume = float(size ** _value(pk.volume_by_weight))
    return Folds(
        clearance=float(size ** _value(pk.clearance_by_weight)) * renal * _spread(pk.clearance_iiv, deviates[0]),
        volume=volume * _spread(pk.volume_iiv, deviates[1]),
        tissue_volume=volume,
    )


def _value(number: Sourced | None) -> float:
    return 0.0 if number is None else number.value


def _spread(iiv: Sourced | None, deviate: float) -> float:
    return 1.0 if iiv is None else math.exp(iiv.value * deviate)


def draw_deviates(agent: str, patient: int, *, seed: int, replicate: int = 0) -> tuple[float, float]:
    """A patient's deviates for one agent, from a stream of the agent's own: the same under every arm and schedule."""
    part = zlib.crc32(agent.encode())
    rng = stream(seed, Purpose.KINETICS, subject=patient, replicate=replicate, part=part)
    return float(rng.standard_normal()), float(rng.standard_normal())


def own_kinetics(
    arm: ResolvedArm,
    agents: Mapping[str, Agent],
    drugs: tuple[str, ...],
    traits: Traits,
    patient: int | None,
    *,
    seed: int,
    replicate: int = 0,
) -> OwnKinetics:
    """A patient's kinetics of the agents of an arm; ``drugs`` names the rows of its drugs and, after them, toxins.

    ``patient`` None: nobody's deviates, that is none.
    """
    own = body(traits)
    known: dict[str, Folds] = {}
    for name in {order.agent for order in arm.orders}:
        pk = getattr(agents[name], "pk", None)
        if pk is None:
            known[name] = Folds(1.0, 1.0, 1.0)
            continue
        varies = patient is not None and (pk.clearance_iiv is not None or pk.volume_iiv is not None)
        z = draw_deviates(name, patient or 0, seed=seed, replicate=replicate) if varies else (0.0, 0.0)
        known[name] = folds(pk, own, z)
    amount, exposure = np.ones(len(arm.orders)), np.ones(len(arm.orders))
    for row, order in enumerate(arm.orders):
        amount[row] = own.per_unit(order.dose_unit)
        if getattr(agents[order.agent], "pk", None) is not None:
            exposure[row] = amount[row] / TYPICAL.per_unit(order.dose_unit) / known[order.agent].clearance
    return OwnKinetics(
        clearance=np.array([known[name].clearance for name in drugs], np.float64),
        volume=np.array([known[name].volume for name in drugs], np.float64),
        tissue_volume=np.array([known[name].tissue_volume for name in drugs], np.float64),
        amount=amount,
        exposure=exposure,
        neutrophils=float(traits.get(_NEUTROPHILS, _usual(_NEUTROPHILS))),
    )


def all_alike(arm: ResolvedArm, agents: Mapping[str, Agent]) -> bool:
    """Whether every patient of typical body has typical kinetics: no agent of the arm varies by itself."""
    for order in arm.orders:
        pk = getattr(agents[order.agent], "pk", None)
        if pk is not None and (pk.clearance_iiv is not None or pk.volume_iiv is not None):
            return False
    return True
