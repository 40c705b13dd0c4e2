"""Places for treatment: how many there are, in words."""

from __future__ import annotations

from trialsim.report.estimand import join
from trialsim.report.numbers import plural
from trialsim.spec.resolved import ResolvedProtocol

PLACES = {"infusion_chairs": "infusion chair", "radiotherapy_slots": "radiotherapy slot"}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def capacity_words(protocol: ResolvedProtocol) -> str:
    """How many places there are; nothing where they are without limit."""
    capacity = protocol.capacity
    if capacity is None:
        return ""
    places = join([plural(number, f"{PLACES[kind]}") for kind, number in capacity.places.items()])
    where = "Each site has" if capacity.per_site else "There are"
    if len(capacity.open_days) == len(_DAYS):
        days = "a day"
    else:
        days = f"a day, on {join([_DAYS[day] for day in capacity.open_days])}"
    return f"{where} {places} {days}; a treatment without a place waits, and what follows it waits too."
