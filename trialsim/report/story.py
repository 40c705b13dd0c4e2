"""One patient's story in the terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from trialsim.report.describe import WIDTH, day_ranges
from trialsim.report.numbers import DAYS_PER_MONTH, plain_number, words
from trialsim.report.patients import relapse_sentence
from trialsim.spec.traits import TRAITS

_ROWS = 18
_STATES = ("cycling", "dormant", "senescent", "escaped")
_UNITS = {
    "age": "years",
    "time": "days",
    "rate": "a day",
    "cells": "cells",
    "per_gray": "/Gy",
    "gray": "Gy",
    "platelets": "×10⁹/L",
}


def story_text(story: Mapping[str, Any]) -> str:
    """Traits, doses, scans, platelets, the cells over time, and the cause of relapse in a sentence."""
    head = f"Patient {story['usubjid']} (number {story['patient']}), {story['arm_label']}"
    blocks = [
        "\n".join([*textwrap.wrap(head, WIDTH), "=" * min(WIDTH, len(head))]),
        "\n".join(_wrapped(f"{story['outcome']} {relapse_sentence(story)}".strip())),
        _block("Traits", _traits(story["traits"])),
        _block("Doses", _doses(story["doses"])),
        _block("Scans", _scans(story["scans"])),
    ]
    biomarkers = _biomarkers(story)
    if biomarkers:
        blocks.append(_block("Biomarkers", biomarkers))
    platelets = _platelets(story)
    if platelets:
        blocks.append(_block("Platelets", platelets))
    blocks.append(_block("Cells (0: none left)", _cells(story)))
    return "\n\n".join(blocks) + "\n"


def _block(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH - 2, subsequent_indent=indent)


def _traits(traits: Mapping[str, Any]) -> list[str]:
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


def _doses(doses: Sequence[Mapping[str, Any]]) -> list[str]:
    """Days by agent; doses below the planned amount are named."""
    lines: list[str] = []
    for agent in dict.fromkeys(dose["agent"] for dose in doses):
        given = [dose for dose in doses if dose["agent"] == agent]
        reduced = [d for d in given if d.get("fraction") is not None and d["fraction"] < 0.9995]
        count = f"{given[0]['label']}: {len(given)} given on days {day_ranges([round(float(d['day'])) for d in given])}"
        least = min((d["fraction"] for d in reduced), default=1.0)
        tail = f"; {len(reduced)} of them reduced, the least to {100 * least:.0f}%" if reduced else ""
        lines += _wrapped(count + tail, "  ")
    return lines or ["none"]


def _scans(scans: Sequence[Mapping[str, Any]]) -> list[str]:
    if not scans:
        return ["none"]
    found = [scan["day"] for scan in scans if scan["found"]]
    clear = [scan["day"] for scan in scans if not scan["found"]]
    parts = []
    if clear:
        parts.append(f"{len(clear)} clear, the last in month {max(clear) / DAYS_PER_MONTH:.1f}")
    if found:
        parts.append(f"relapse seen in month {min(found) / DAYS_PER_MONTH:.1f}")
    return ["; ".join(parts)]


def _biomarkers(story: Mapping[str, Any]) -> list[str]:
    """What each panel said and what is true, and the orders that were not given for it."""
    lines = []
    for result in story.get("biomarkers", ()):
        markers = ", ".join(f"{name} {_said(positive)}" for name, positive in result["markers"].items())
        truth = "" if result["positive"] == result["truth"] else f", wrongly: in truth {_said(result['truth'])}"
        line = f"day {result['day'] + 1:.0f}: {result['panel']} {_said(result['positive'])}{truth}"
        lines += _wrapped(line + (f" ({markers})" if list(result["markers"]) != [result["panel"]] else ""), "  ")
    if story.get("withheld"):
        lines += _wrapped(f"not given: {', '.join(story['withheld'])}", "  ")
    return lines


def _said(positive: bool) -> str:
    return "positive" if positive else "negative"


def _platelets(story: Mapping[str, Any]) -> list[str]:
    series = story.get("platelets")
    if not series or not series["value"]:
        return []
    lowest = min(series["value"])
    day = series["time"][series["value"].index(lowest)]
    return [f"start {series['value'][0]:.0f}, nadir {lowest:.0f} on day {day + 1:.0f} (10⁹/L)"]


def _cells(story: Mapping[str, Any]) -> list[str]:
    times = story["time"]
    count = len(times)
    rows = min(count, _ROWS)
    picked = sorted({round(i * (count - 1) / max(1, rows - 1)) for i in range(rows)})
    states = [state for state in _STATES if state in story["series"]]
    head = f"{'month':>7}" + "".join(f"{state:>14}" for state in states)
    body = [
        f"{times[i] / DAYS_PER_MONTH:>7.1f}" + "".join(f"{_cell_count(story['series'][s][i]):>14}" for s in states)
        for i in picked
    ]
    return [head, *body]


def _cell_count(value: float) -> str:
    return plain_number(float(f"{value:.3g}"))
