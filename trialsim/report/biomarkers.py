"""Biomarkers on the page and in words: what they are, and what they said against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trialsim.report.estimand import join, panel_words
from trialsim.report.numbers import ABSENT, plain_number, plural, share_of
from trialsim.report.tables import Table
from trialsim.reported.trial import GuidedTreatment
from trialsim.spec.agents import Sourced
from trialsim.spec.biomarkers import MEASURES, Marker
from trialsim.spec.resolved import ResolvedProtocol


@dataclass(frozen=True)
class GuidedOrder:
    """What decided on some orders of an arm; without tables where nobody was measured."""

    title: str
    sentence: str
    tables: tuple[Table, ...]


def amount_words(amount: Sourced) -> str:
    """``1×10⁵ cells`` or ``5%``."""
    return f"{100 * amount.value:g}%" if amount.unit == "fraction" else f"{plain_number(amount.value)} cells"


def marker_words(marker: Marker) -> str:
    """A biomarker in words: what it measures, what is truly positive, how it errs."""
    words = f"measures the {MEASURES[marker.measures][1]}; truly positive from {amount_words(marker.threshold)} on; "
    if marker.sensitivity is not None and marker.specificity is not None:
        found, cleared = (f"{100 * number.value:g}%" for number in (marker.sensitivity, marker.specificity))
        return f"{words}a test with sensitivity {found} and specificity {cleared}"
    assert marker.noise is not None
    assert marker.cutoff is not None
    behind = "" if marker.background is None else f" on a background of {amount_words(marker.background)}"
    error = plain_number(marker.noise.value)
    return (
        f"{words}a score{behind} with an error of {error} (sd, log₁₀), positive from {amount_words(marker.cutoff)} on"
    )


def guided_orders(protocol: ResolvedProtocol, saved: Sequence[GuidedTreatment]) -> list[GuidedOrder]:
    """The page's part on biomarkers: one entry for each arm and panel."""
    return [_guided(protocol, entry) for entry in saved]


def _guided(protocol: ResolvedProtocol, entry: GuidedTreatment) -> GuidedOrder:
    arm = protocol.arms[entry.arm]
    labels = [protocol.agents[order.agent].label for order in arm.orders if order.id in entry.orders]
    said = "panel" if len(entry.markers) > 1 else "biomarker"
    return GuidedOrder(
        title=f"{entry.label}: {entry.name}",
        sentence=_sentence(protocol, entry, join(labels)),
        tables=(_crossed(entry, said), _alone(protocol, entry, said)) if entry.measured else (),
    )


def _sentence(protocol: ResolvedProtocol, entry: GuidedTreatment, treatment: str) -> str:
    decided = (
        f"{treatment} was given only if {panel_words(protocol, entry.name)} was positive on day {entry.day + 1:g}."
    )
    measured, rest = entry.measured, entry.randomised - entry.measured
    if not measured:
        return f"{decided} Nobody was measured: all had left or relapsed, or the data were cut, before."
    others = f" ({plural(rest, 'other')} had left or relapsed, or the data were cut, before)" if rest else ""
    panel = entry.panel
    waiting = panel.true_positive + panel.false_positive - entry.given
    late = f" {plural(waiting, 'positive patient')} had no dose yet, or not in time." if waiting else ""
    return (
        f"{decided} Of {plural(measured, 'patient')} measured{others}, {entry.needed:,} truly needed "
        f"it. It was given to {entry.given:,}, {entry.in_vain:,} of them in vain; {entry.missed:,} who needed "
        f"it were missed.{late}"
    )


def _crossed(entry: GuidedTreatment, said: str) -> Table:
    """The two by two of what the panel said and what is true."""
    n = entry.panel
    measured = entry.measured
    rows = [
        (f"{said.capitalize()} positive", n.true_positive, n.false_positive),
        (f"{said.capitalize()} negative", n.false_negative, n.true_negative),
    ]
    rows.append(("All measured", rows[0][1] + rows[1][1], rows[0][2] + rows[1][2]))
    cells = tuple((name, f"{yes:,}", f"{no:,}", share_of(yes + no, measured)) for name, yes, no in rows)
    note = f"Truly positive: what the {said} would say without errors. No real trial can see it."
    return Table(
        f"What the {said} said, and what is true", ("", "Truly positive", "Truly negative", "All"), cells, note
    )


def _alone(protocol: ResolvedProtocol, entry: GuidedTreatment, said: str) -> Table:
    """Each biomarker alone, then the panel: how much of either truth it got right."""
    counted = [(protocol.markers[name].label, counts) for name, counts in entry.markers.items()]
    if len(counted) > 1:
        counted.append((entry.name, entry.panel))
    rows = []
    for name, n in counted:
        truly, falsely = n.true_positive + n.false_negative, n.false_positive + n.true_negative
        called = n.true_positive + n.false_positive
        rows.append(
            (
                name,
                _of(n.true_positive, truly),
                _of(n.true_negative, falsely),
                _of(n.true_positive, called),
            )
        )
    head = ("", "Found of truly positive", "Cleared of truly negative", "Right of those called positive")
    title = "Each biomarker alone, and the panel" if said == "panel" else "How often the biomarker was right"
    return Table(
        title, head, tuple(rows), "Sensitivity, specificity and predictive value in this arm; each by its truth."
    )


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({100 * part / whole:.0f}%)" if whole else ABSENT
