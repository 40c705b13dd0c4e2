"""Doses beyond any that people were given, which a trial may have and has to say.

Effects saturate, and what else a drug does at a hundred times its dose is in no model. So a dose above the highest that
is known (``highest_doses.yaml``) is no error, but no result of it is worth more than a guess.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from trialsim.spec.agents import Sourced
from trialsim.spec.resolved import Order, ResolvedProtocol
from trialsim.spec.source import read_document

#: How the names of cohorts begin that are not of people.
NOT_PEOPLE = ("dish-", "mouse-")


@lru_cache(maxsize=1)
def highest_doses() -> dict[str, dict[str, Sourced]]:
    """The highest doses given to people: ``agents`` by name, ``unknown`` by unit for all others.

    Raises
    ------
    pydantic.ValidationError
        The shipped file breaks the schema: a defect of the package, which its tests catch.
    """
    data = read_document(Path(__file__).parent / "highest_doses.yaml").data
    return {part: {name: Sourced.model_validate(dose) for name, dose in doses.items()} for part, doses in data.items()}


def high_doses(protocol: ResolvedProtocol) -> tuple[str, ...]:
    """A sentence for each agent with a dose above the highest that people are known to have been given."""
    if protocol.cohort.name.startswith(NOT_PEOPLE):
        return ()
    highest: dict[str, Order] = {}
    for order in (order for arm in protocol.arms.values() for order in arm.orders):
        if order.agent not in highest or order.dose > highest[order.agent].dose:
            highest[order.agent] = order
    return tuple(filter(None, (_told(order) for _, order in sorted(highest.items()))))


def _told(order: Order) -> str:
    """What is to be said of a dose; nothing if people were given as much."""
    known = highest_doses()["agents"].get(order.agent)
    if known is not None and known.unit != order.dose_unit:
        known = None  # another agent by this name
    most = known or highest_doses()["unknown"][order.dose_unit]
    if order.dose <= most.value:
        return ""
    of_whom = "that people are known to have been given" if known else "that any drug is known to be given in"
    return (
        f"{order.dose:,g} {order.dose_unit} of {order.agent} is {order.dose / most.value:,.3g} times the highest dose "
        f"{of_whom} ({most.value:,g} {most.unit}; {most.source}). What the model says of it is no more than a guess."
    )
