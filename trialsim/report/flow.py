"""Participant flow after CONSORT 2025: the boxes and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.report.numbers import NOT_MODELLED, plural, words
from trialsim.reported.trial import ArmFlow, ParticipantFlow

#: Arms that have room side by side, down to a tablet's width.
MOST_ABREAST = 3
#: What an event is where a distribution of event times does not distinguish relapse from death.
_COMPOSITE_EVENTS = {"rfs": "relapsed or died", "drfs": "relapsed distantly or died"}


@dataclass(frozen=True)
class FlowLine:
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
    lines: tuple[FlowLine, ...]


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
    excluded: tuple[FlowLine, ...]
    """Why some were not randomised."""
    randomised: int
    columns: tuple[Column, ...]
    cut: str
    """When the data were cut, in a sentence."""

    @property
    def abreast(self) -> bool:
        """Whether arms stand side by side; else each has a row."""
        return len(self.columns) <= MOST_ABREAST


def flow_boxes(flow: ParticipantFlow) -> Flow:
    """The diagram of a trial's flow counts."""
    columns = tuple(_column(arm, index) for index, arm in enumerate(flow.arms.values()))
    excluded = tuple(FlowLine(words(reason), number) for reason, number in flow.excluded.items())
    cut = flow.data_cut
    told = f"The data were cut on {cut.date} ({cut.by})."
    return Flow(flow.screened, excluded, flow.randomised, columns, told)


def _column(arm: ArmFlow, index: int) -> Column:
    analysed = "as randomised" if arm.analysed == arm.allocated else "of the principal stratum"
    boxes = (
        Box("Treatment", _treatment(arm)),
        Box("Follow-up", _outcomes(arm)),
        Box("Analysed", (FlowLine(analysed, arm.analysed),)),
    )
    return Column(arm.label, index, arm.allocated, boxes)


def _treatment(arm: ArmFlow) -> tuple[FlowLine, ...]:
    started = FlowLine("started treatment", arm.started_treatment)
    if started.number is None:
        return (FlowLine("doses", None),)
    stopped = arm.stopped_treatment or {}
    lines = [
        started,
        FlowLine("never treated", arm.never_treated),
        FlowLine("completed", arm.completed_treatment),
        FlowLine("stopped early", sum(stopped.values())),
        *(
            FlowLine(reason, number, inner=True)
            for reason, number in sorted(stopped.items(), key=lambda item: (-item[1], item[0]))
        ),
        FlowLine("on treatment at the data cut", arm.on_treatment_at_cut),
    ]
    return tuple(line for line in lines if line.number or line is started)


def _outcomes(arm: ArmFlow) -> tuple[FlowLine, ...]:
    """How follow-up ended. A distribution of event times has one kind of event: what its endpoint counts."""
    law = arm.law
    ends = {"relapsed": "relapsed", "died_without_relapse": "died without relapse"}
    if law == "os":
        ends = {"died_without_relapse": "died"}
    elif law in _COMPOSITE_EVENTS:
        ends = {"relapsed": _COMPOSITE_EVENTS[law]}
    return (
        *(FlowLine(words, getattr(arm, key)) for key, words in ends.items()),
        FlowLine("withdrew", arm.withdrew),
        *([FlowLine("lost to follow-up", arm.lost)] if arm.lost else []),
        FlowLine("event-free at the data cut", arm.event_free_at_cut),
    )


def flow_words(flow: Flow) -> str:
    """The diagram in a sentence, for those who don't see it."""
    arms = "; ".join(f"{column.label} {column.allocated:,}" for column in flow.columns)
    came = "screened" if flow.excluded else "enrolled"
    return f"{plural(flow.screened, 'patient')} {came}, {flow.randomised:,} randomised: {arms}."
