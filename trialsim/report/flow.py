"""Participant flow after CONSORT 2025: the boxes and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsim.report.numbers import NOT_MODELLED, plural, words

#: Arms that have room side by side, down to a tablet's width.
MOST_ABREAST = 3
#: What an event is of a law that does not tell a relapse from a death.
_EVENTS_OF_LAWS = {"rfs": "relapsed or died", "drfs": "relapsed distantly or died"}


@dataclass(frozen=True)
class Line:
    """A line in a box; ``inner`` lines explain the one above. A number of None was not modelled."""

    words: str
    number: int | None
    inner: bool = False

    @property
    def shown(self) -> str:
        return NOT_MODELLED if self.number is None else f"{self.number:,}"


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

    @property
    def abreast(self) -> bool:
        """Whether arms stand side by side; else each has a row."""
        return len(self.columns) <= MOST_ABREAST


def flow_boxes(flow: Mapping[str, Any]) -> Flow:
    """The diagram of a trial's flow counts."""
    columns = tuple(_column(arm, index) for index, arm in enumerate(flow["arms"].values()))
    excluded = tuple(Line(words(reason), number) for reason, number in flow.get("excluded", {}).items())
    cut = flow.get("data_cut")
    told = f"The data were cut on {cut['date']} ({cut['by']})." if cut else ""
    return Flow(flow.get("screened", flow["enrolled"]), excluded, flow["randomised"], columns, told)


def _column(arm: Mapping[str, Any], index: int) -> Column:
    analysed = "as randomised" if arm["analysed"] == arm["allocated"] else "of the principal stratum"
    boxes = (
        Box("Treatment", _treatment(arm)),
        Box("Follow-up", _outcomes(arm)),
        Box("Analysed", (Line(analysed, arm["analysed"]),)),
    )
    return Column(arm["label"], index, arm["allocated"], boxes)


def _treatment(arm: Mapping[str, Any]) -> tuple[Line, ...]:
    started = Line("started treatment", arm["started_treatment"])
    if started.number is None:
        return (Line("doses", None),)
    stopped = arm["stopped_treatment"] or {}
    lines = [
        started,
        Line("never treated", arm["never_treated"]),
        Line("completed", arm["completed_treatment"]),
        Line("stopped early", sum(stopped.values())),
        *(
            Line(reason, number, inner=True)
            for reason, number in sorted(stopped.items(), key=lambda item: (-item[1], item[0]))
        ),
        Line("on treatment at the data cut", arm["on_treatment_at_cut"]),
    ]
    return tuple(line for line in lines if line.number or line is started)


def _outcomes(arm: Mapping[str, Any]) -> tuple[Line, ...]:
    """How follow-up ended. A law has one kind of event, which is what its endpoint counts."""
    law = arm.get("law")
    ends = {"relapsed": "relapsed", "died_without_relapse": "died without relapse"}
    if law == "os":
        ends = {"died_without_relapse": "died"}
    elif law in _EVENTS_OF_LAWS:
        ends = {"relapsed": _EVENTS_OF_LAWS[law]}
    return (
        *(Line(words, arm[key]) for key, words in ends.items()),
        Line("withdrew", arm["withdrew"]),
        *([Line("lost to follow-up", arm["lost"])] if arm.get("lost") else []),
        Line("event-free at the data cut", arm["event_free_at_cut"]),
    )


def flow_words(flow: Flow) -> str:
    """The diagram in a sentence, for those who don't see it."""
    arms = "; ".join(f"{column.label} {column.allocated:,}" for column in flow.columns)
    came = "screened" if flow.excluded else "enrolled"
    return f"{plural(flow.screened, 'patient')} {came}, {flow.randomised:,} randomised: {arms}."
