"""Doses that a patient forgets: drugs taken at home, each dose by itself."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol

Flags = NDArray[np.bool_]


def is_taken_at_home(protocol: ResolvedProtocol, order: Order) -> bool:
    """Whether an order's drug is taken by mouth: it is absorbed, and not from a depot."""
    kinetics = getattr(protocol.agents[order.agent], "pk", None)
    intake = None if kinetics is None else kinetics.absorption_half_life_hours
    return intake is not None and intake < 24.0


def missed_doses(
    protocol: ResolvedProtocol, arm: ResolvedArm, patient: int, *, seed: int, replicate: int = 0
) -> tuple[Flags, ...]:
    """For each order of an arm, which of its doses a patient forgets; empty where everybody takes everything.

    An order has a stream of its own, keyed by its id: the same doses are missed under every arm that has the order.
    """
    share = protocol.pharmacology.adherence
    if share >= 1.0:
        return ()
    flags = []
    for order in arm.orders:
        if not is_taken_at_home(protocol, order):
            flags.append(np.zeros(len(order.days), np.bool_))
            continue
        part = zlib.crc32(order.id.encode())
        rng = stream(seed, Purpose.ADHERENCE, subject=patient, replicate=replicate, part=part)
        flags.append(rng.random(len(order.days)) >= share)
    return tuple(flags)
