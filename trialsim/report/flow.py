"""Participant flow after CONSORT 2025: the boxes and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsim.report.numbers import plural, words


@dataclass(frozen=True)
class Line:
    """A line in a box; ``inner`` lines explain the one above."""

    words: str
    number: int
    inner: bool = False


@dataclass(frozen=True)
class Box:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Column:
    """One arm, from allocation to analysis."""

    label: str
    index: int
    allocated: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Flow:
    screened: int
    excluded: tuple[Line, ...]
    """Why some were not randomised."""
    randomised: int
    columns: tuple[Column, ...]
    cut: str = ""
    """When the data were cut, in a sentence."""


def flow_boxes(flow: Mapping[str, Any]) -> Flow:
    """The diagram of a trial's flow counts."""
    columns = tuple(_column(arm, index) for index, arm in enumerate(flow["arms"].values()))
    excluded = tuple(Line(words(reason), number) for reason, number in flow.get("excluded", {}).items())
    cut = flow.get("data_cut")
    told = f"The data were cut on {cut['date']} ({cut['by']})." if cut else ""
    return Flow(flow.get("screened", flow["enrolled"]), excluded, flow["randomised"], columns, told)


def _column(arm: Mapping[str, Any], index: int) -> Column:
    stopped = arm.get("stopped_treatment") or {}
    treatment = [
        Line("started treatment", arm["started_treatment"]),
        Line("never treated", arm["never_treated"]),
        Line("completed", arm["completed_treatment"]),
        Line("stopped early", sum(stopped.values())),
        *(
            Line(reason, number, inner=True)
            for reason, number in sorted(stopped.items(), key=lambda item: (-item[1], item[0]))
        ),
        Line("on treatment at the data cut", arm["on_treatment_at_cut"]),
    ]
    outcome = [
        Line("relapsed", arm["relapsed"]),
        Line("died without relapse", arm["died_without_relapse"]),
        Line("withdrew", arm["withdrew"]),
        *([Line("lost to follow-up", arm["lost"])] if arm.get("lost") else []),
        Line("event-free at the data cut", arm["event_free_at_cut"]),
    ]
    analysed = "as randomised" if arm["analysed"] == arm["allocated"] else "of the principal stratum"
    boxes = (
        Box("Treatment", tuple(line for line in treatment if line.number or line.words == "started treatment")),
        Box("Follow-up", tuple(outcome)),
        Box("Analysed", (Line(analysed, arm["analysed"]),)),
    )
    return Column(arm["label"], index, arm["allocated"], boxes)


def flow_words(flow: Flow) -> str:
    """The diagram in a sentence, for those who don't see it."""
    arms = "; ".join(f"{column.label} {column.allocated:,}" for column in flow.columns)
    came = "screened" if flow.excluded else "enrolled"
    return f"{plural(flow.screened, 'patient')} {came}, {flow.randomised:,} randomised: {arms}."
