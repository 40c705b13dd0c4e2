"""The registry of findings: what was published, how it is run again, and when it counts as reproduced."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from trialsim.reported.studies import Settings
from trialsim.spec.agents import Frozen
from trialsim.spec.source import read_document
from trialsim.spec.values import did_you_mean
from trialsim.studies.choice import choose_rows
from trialsim.studies.experiment import Plated
from trialsim.studies.findings.readouts import READOUTS, settings

FILE = Path(__file__).with_name("findings.yaml")


class LookTimes(Frozen):
    """When a group is looked at."""

    every: float
    until: float

    @property
    def days(self) -> tuple[float, ...]:
        count = round(self.until / self.every)
        return tuple(k * self.every for k in range(count + 1))


class GroupOfFinding(Frozen):
    """Subjects that are treated alike: an arm of a protocol, and what is set in it."""

    protocol: str
    """The protocol's file name in protocols/findings, without ``.yaml``."""
    arm: str
    subjects: int
    set: tuple[str, ...] = ()
    """``KEY=VALUE`` as for ``--set``."""
    look: LookTimes | None = None
    """Days of looks; or"""
    follow_years: float | None = None
    """patients followed by scans for this long."""
    plated: Plated | None = None

    @model_validator(mode="after")
    def _one_way_of_looking(self) -> GroupOfFinding:
        if (self.look is None) == (self.follow_years is None):
            raise ValueError("a group is either looked at or followed")
        return self


class Measure(Frozen):
    """One quantity, and what counts as reproduced; without a rule it is shown and not judged.

    ===========  ====================================================================
    within       the estimate lies between two numbers
    inside       the whole interval lies between two numbers (equivalence)
    above        the lower limit lies above a number
    below        the upper limit lies below a number
    holds        the interval holds a number
    at_least     the estimate is at least a number
    ===========  ====================================================================
    """

    name: str
    readout: str
    of: tuple[str, ...]
    settings: Settings = Field(default_factory=dict)
    unit: str = ""
    published: str = ""
    within: tuple[float, float] | None = None
    inside: tuple[float, float] | None = None
    above: float | None = None
    below: float | None = None
    holds: float | None = None
    at_least: float | None = None

    @property
    def rule(self) -> tuple[str, tuple[float, ...]] | None:
        """The rule's name and numbers."""
        for name in RULES:
            bound = getattr(self, name)
            if bound is not None:
                return name, bound if isinstance(bound, tuple) else (bound,)
        return None

    @field_validator("readout")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in READOUTS:
            raise ValueError(f"no readout is called {name}: {did_you_mean(name, READOUTS)}")
        return name

    @model_validator(mode="after")
    def _fits(self) -> Measure:
        if sum(getattr(self, name) is not None for name in RULES) > 1:
            raise ValueError(f"{self.name}: more than one rule")
        known = settings(self.readout)
        wrong = set(self.settings) - set(known) | {s for s, needed in known.items() if needed} - set(self.settings)
        if wrong:
            raise ValueError(f"{self.name}: settings of {self.readout}: {', '.join(sorted(wrong))}")
        return self


RULES = ("within", "inside", "above", "below", "holds", "at_least")


class SetBy(Frozen):
    """A number of the data files, or what was chosen for a re-run, and why."""

    parameter: str
    value: str
    where: str
    why: str


class Finding(Frozen):
    """A published experiment and its re-run."""

    id: str
    title: str
    experiment: str
    source: str
    evidence: str
    published: str
    acceptance: str
    """The window as the list of findings gives it."""
    rule: str = ""
    """How the acceptance was made computable, where its words leave that open; written before the first run."""
    assumed: str = ""
    """What the re-run assumes beyond the paper."""
    twins: bool = False
    """Whether every group has the same subjects, so that what differs is the treatment alone."""
    why_short: str = ""
    """What in the model makes it fall short, where it does."""
    note: str = ""
    """What a reader of a pass should know, e.g. that the effect is weaker than the published one."""
    null: bool = False
    """Whether the published result is that nothing happened."""
    set_here: tuple[SetBy, ...] = ()
    """What was chosen by looking at how this finding's re-run came out."""
    rests_on: tuple[SetBy, ...] = ()
    """Numbers of the library that the re-run uses and that have the same paper for a source."""
    groups: dict[str, GroupOfFinding]
    measures: tuple[Measure, ...]

    @model_validator(mode="after")
    def _groups_known(self) -> Finding:
        for measure in self.measures:
            for name in measure.of:
                if name not in self.groups:
                    raise ValueError(f"{self.id}, {measure.name}: {name} is not a group")
        if not any(measure.rule for measure in self.measures):
            raise ValueError(f"{self.id} has no rule to pass or fail by")
        return self

    @property
    def kind(self) -> Literal["set", "built in", "predicted"]:
        """How far the finding is told to the model beforehand.

        ``set``: something was chosen by looking at the re-run. ``built in``: nothing was, but a number of the library
        comes from the same paper, so that the direction at least was known to the model. ``predicted``: neither.
        """
        return "set" if self.set_here else "built in" if self.rests_on else "predicted"


class FindingsRegistry(Frozen):
    """Every finding, in order."""

    findings: tuple[Finding, ...] = Field(min_length=1)


@lru_cache(maxsize=1)
def all_findings() -> tuple[Finding, ...]:
    """The registry that comes with trialsim."""
    return FindingsRegistry.model_validate(read_document(FILE).data).findings


def choose(ids: Iterable[str]) -> list[Finding]:
    """The findings asked for (`trialsim.studies.choice.choose_rows`)."""
    return choose_rows(all_findings(), ids, "finding")
