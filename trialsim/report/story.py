"""One patient's story in the terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from trialsim.report.describe import day_ranges
from trialsim.report.figures.burden import FULL_DOSE
from trialsim.report.numbers import DAYS_PER_MONTH, WIDTH, plain_number, rounded, words
from trialsim.report.patients import cells_by_month, relapse_sentence
from trialsim.reported.stories import DoseGiven, PatientStory, PlateletCounts, ScanSeen
from trialsim.spec.traits import TRAITS

_ROWS = 18
_UNITS = {
    "age": "years",
    "time": "days",
    "rate": "a day",
    "cells": "cells",
    "per_gray": "/Gy",
    "gray": "Gy",
    "platelets": "×10⁹/L",
}


def story_text(story: PatientStory) -> str:
    """Traits, doses, scans, platelets, the cells over time, and the cause of relapse in a sentence."""
    head = f"Patient {story.usubjid} (number {story.patient}), {story.arm_label}"
    blocks = [
        "\n".join([*textwrap.wrap(head, WIDTH), "=" * min(WIDTH, len(head))]),
        "\n".join(_wrapped(f"{story.outcome} {relapse_sentence(story)}".strip())),
        _block("Traits", _traits(story.traits)),
        _block("Doses", _doses(story.doses)),
        _block("Scans", _scans(story.scans)),
    ]
    biomarkers = _biomarkers(story)
    if biomarkers:
        blocks.append(_block("Biomarkers", biomarkers))
    platelets = _platelets(story.platelets)
    if platelets:
        blocks.append(_block("Platelets", platelets))
    blocks.append(_block("Cells (0: none left)", _cells(story)))
    return "\n\n".join(blocks) + "\n"


def _block(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH - 2, subsequent_indent=indent)


def _traits(traits: Mapping[str, float | str]) -> list[str]:
    """Two columns of name and value, units from the trait's definition."""
    cells = []
    for name, value in traits.items():
        trait = TRAITS.get(name)
        unit = _UNITS.get(trait.dimension or "", "") if trait else ""
        shown = words(value) if isinstance(value, str) else plain_number(float(value))
        cells.append(f"{words(name)[:28]:<29}{f'{shown} {unit}'.strip()}")
    half = (len(cells) + 1) // 2
    right = cells[half:] + [""] * (half - len(cells[half:]))
    return [f"{a[:48]:<50}{b[:47]}".rstrip() for a, b in zip(cells[:half], right, strict=True)]


def _doses(doses: Sequence[DoseGiven]) -> list[str]:
    """Days by agent; doses below the planned amount are named."""
    lines: list[str] = []
    for agent in dict.fromkeys(dose.agent for dose in doses):
        given = [dose for dose in doses if dose.agent == agent]
        reduced = [dose for dose in given if dose.fraction < FULL_DOSE]
        count = f"{given[0].label}: {len(given)} given on days {day_ranges([round(dose.day) for dose in given])}"
        least = min((dose.fraction for dose in reduced), default=1.0)
        tail = f"; {len(reduced)} of them reduced, the least to {100 * least:.0f}%" if reduced else ""
        lines += _wrapped(count + tail, "  ")
    return lines or ["none"]


def _scans(scans: Sequence[ScanSeen]) -> list[str]:
    if not scans:
        return ["none"]
    found = [scan.day for scan in scans if scan.found]
    clear = [scan.day for scan in scans if not scan.found]
    parts = []
    if clear:
        parts.append(f"{len(clear)} clear, the last in month {max(clear) / DAYS_PER_MONTH:.1f}")
    if found:
        parts.append(f"relapse detected in month {min(found) / DAYS_PER_MONTH:.1f}")
    return ["; ".join(parts)]


def _biomarkers(story: PatientStory) -> list[str]:
    """What each panel said and what is true, and the orders that were not given for it."""
    lines = []
    for result in story.biomarkers:
        markers = ", ".join(f"{name} {_said(positive)}" for name, positive in result.markers.items())
        truth = "" if result.positive == result.truth else f", falsely: in truth {_said(result.truth)}"
        line = f"day {result.day + 1:.0f}: {result.panel} {_said(result.positive)}{truth}"
        lines += _wrapped(line + (f" ({markers})" if list(result.markers) != [result.panel] else ""), "  ")
    if story.withheld:
        lines += _wrapped(f"not given: {', '.join(story.withheld)}", "  ")
    return lines


def _said(positive: bool) -> str:
    return "positive" if positive else "negative"


def _platelets(counts: PlateletCounts) -> list[str]:
    if not counts.value:
        return []
    lowest = min(counts.value)
    day = counts.time[counts.value.index(lowest)]
    return [f"start {counts.value[0]:.0f}, nadir {lowest:.0f} on day {day + 1:.0f} (10⁹/L)"]


def _cells(story: PatientStory) -> list[str]:
    states, rows = cells_by_month(story, _ROWS, rounded)
    return [f"{month:>7}" + "".join(f"{cell:>14}" for cell in cells) for month, *cells in (("month", *states), *rows)]
