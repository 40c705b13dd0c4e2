"""The registry of mechanisms: what each claims, the protocol that exercises it, its switch, what that must change."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from pydantic import Field, model_validator

from trialsim.reported.studies import Settings
from trialsim.spec.agents import Frozen
from trialsim.spec.source import read_document
from trialsim.spec.values import did_you_mean
from trialsim.studies.choice import choose_rows
from trialsim.studies.experiment import Plated
from trialsim.studies.mechanisms.readouts import READOUTS, SHARE, Readout

FILE = Path(__file__).with_name("mechanisms.yaml")

#: What may be demanded of an outcome: what the mechanism does to it, that is, on against off.
DEMANDS = {
    "raises": "the interval of the difference lies above 0",
    "lowers": "the interval of the difference lies below 0",
    "leaves": "the interval of the difference lies within the margin",
    "identical": "no subject's value differs",
    "keeps": "with the switch on and off alike the interval lies above 0",
    "makes": "raises, and with the switch off there is nothing: the interval lies within the margin of 0",
    "averts": "lowers, and with the switch off there is nothing: the interval lies within the margin of 0",
}


#: Demands that a switch without effect cannot meet.
CHANGES = ("raises", "lowers", "makes", "averts")
#: An outcome that is told and not judged.
SHOWN = "shown"


def _check_settings(readout: str, settings: Settings) -> None:
    """A readout that is there, with all the settings that it takes and no other."""
    if readout not in READOUTS:
        raise ValueError(f"no readout is called {readout}: {did_you_mean(readout, READOUTS)}")
    takes = READOUTS[readout].settings
    unknown = sorted(set(settings) - set(takes))
    missing = sorted(name for name, required in takes.items() if required and name not in settings)
    if unknown or missing:
        raise ValueError(f"{readout}: settings unknown {unknown}, missing {missing}")


class Where(Frozen):
    """Subjects in whom a readout is above 0 with the switch on, in the outcome's own arm."""

    readout: str
    settings: Settings = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Where:
        _check_settings(self.readout, self.settings)
        return self


class DemandedOutcome(Frozen):
    """One number per subject, and what the mechanism must do to its mean."""

    name: str
    readout: str
    arm: str
    minus: str = ""
    """An arm whose value in the same subject is taken off: the outcome is what a treatment does."""
    settings: Settings = Field(default_factory=dict)
    where: Where | None = None
    """Who is looked at; everybody if not told."""
    demand: str

    @property
    def read(self) -> Readout:
        return READOUTS[self.readout]

    @property
    def shares(self) -> bool:
        """Whether every subject's value is 0 or 100."""
        return self.read.unit == SHARE and not self.minus

    @model_validator(mode="after")
    def _fits(self) -> DemandedOutcome:
        if self.demand not in DEMANDS and self.demand != SHOWN:
            raise ValueError(f"nothing is demanded as {self.demand}: {did_you_mean(self.demand, DEMANDS)}")
        _check_settings(self.readout, self.settings)
        return self


class Experiment(Frozen):
    """The same subjects through arms of a protocol, with the switch on and off."""

    switch: str
    """``KEY=VALUE`` as for ``--set``, which switches the mechanism off."""
    protocol: str
    """The file under protocols/, without ``.yaml``."""
    subjects: int
    set: tuple[str, ...] = ()
    """``KEY=VALUE`` that hold with the switch on and off alike."""
    days: tuple[float, ...] = ()
    """Study days on which subjects are looked at; or"""
    years: float | None = None
    """years for which patients are followed by scans."""
    plated: Plated | None = None
    why: str = ""
    """What this part adds, in a sentence."""
    outcomes: tuple[DemandedOutcome, ...] = Field(min_length=1)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that outcomes need, in the order in which they name them."""
        return tuple(dict.fromkeys(arm for o in self.outcomes for arm in (o.arm, o.minus) if arm))

    @model_validator(mode="after")
    def _one_way_of_looking(self) -> Experiment:
        if bool(self.days) == (self.years is not None):
            raise ValueError("subjects are either looked at or followed")
        if list(self.days) != sorted(set(self.days)):
            raise ValueError("days ascend")
        for outcome in self.outcomes:
            names = [outcome.readout] if outcome.where is None else [outcome.readout, outcome.where.readout]
            if any(READOUTS[name].watched != bool(self.days) for name in names):
                raise ValueError(f"{outcome.name}: {' and '.join(names)} are not seen that way")
        return self


class Mechanism(Frozen):
    """A row of the table."""

    id: str
    claim: str
    note: str = ""
    """What a reader should know of how the row was put to the test."""
    experiments: tuple[Experiment, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _can_fail(self) -> Mechanism:
        demands = {outcome.demand for part in self.experiments for outcome in part.outcomes}
        if not demands & set(CHANGES):
            raise ValueError(f"{self.id} demands no change, so that a switch without effect would pass")
        return self


class MechanismsRegistry(Frozen):
    """Every mechanism, in order, and the margins of equivalence by unit."""

    margins: dict[str, float]
    mechanisms: tuple[Mechanism, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _margins_complete(self) -> MechanismsRegistry:
        units = {o.read.unit for m in self.mechanisms for part in m.experiments for o in part.outcomes}
        if missing := sorted(units - set(self.margins)):
            raise ValueError(f"no margin for {', '.join(missing)}")
        return self


@lru_cache(maxsize=1)
def registry() -> MechanismsRegistry:
    """The registry that comes with trialsim."""
    return MechanismsRegistry.model_validate(read_document(FILE).data)


def choose(ids: Iterable[str]) -> list[Mechanism]:
    """The mechanisms asked for (`trialsim.studies.choice.choose_rows`)."""
    return choose_rows(registry().mechanisms, ids, "mechanism")
