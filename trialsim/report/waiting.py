"""Places for treatment: how many there are, and how long treatments waited for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialsim.report.estimand import join
from trialsim.report.numbers import ABSENT, plural, share_of
from trialsim.report.tables import Table
from trialsim.spec.resolved import ResolvedProtocol

_PLACES = {"infusion_chairs": "infusion chair", "radiotherapy_slots": "radiotherapy slot"}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def capacity_words(protocol: ResolvedProtocol) -> str:
    """How many places there are; nothing where they are without limit."""
    capacity = protocol.capacity
    if capacity is None:
        return ""
    places = join([plural(number, f"{_PLACES[kind]}") for kind, number in capacity.places.items()])
    where = "Each site has" if capacity.per_site else "There are"
    if len(capacity.open_days) == len(_DAYS):
        days = "a day"
    else:
        days = f"a day, on {join([_DAYS[day] for day in capacity.open_days])}"
    return f"{where} {places} {days}; a treatment without a place waits, and what follows it waits too."


def waiting_table(entries: Sequence[Mapping[str, Any]]) -> Table | None:
    """Waits by arm and kind of place; None where nothing is limited."""
    if not entries:
        return None
    head = ("Arm, place", "Treatments", "Had to wait", "Mean wait", "Of the first", "Longest", "In vain", "At the cut")
    note = (
        "Waits in days of treatments that were given; the first is that of each patient. Patients whose treatment "
        "ended while they waited did so in vain; others waited when the data were cut."
    )
    rows = tuple(
        (
            f"{entry['label']}, {_PLACES[entry['place']]}",
            f"{entry['administrations']:,}",
            share_of(entry["delayed"], entry["administrations"]),
            *(_days(entry[key]) for key in ("mean_days", "first_mean_days", "longest_days")),
            f"{entry['in_vain']:,}",
            f"{entry['waiting_at_cut']:,}",
        )
        for entry in entries
    )
    return Table("Waiting for a place", head, rows, note)


def _days(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.1f}"
