"""Designs in closed form: boundaries of a group-sequential test, and the size of a survival trial. Times in months."""

from __future__ import annotations

from dataclasses import dataclass

ByLook = tuple[float, ...]


@dataclass(frozen=True)
class UnderBoth:
    """The same under no effect and under the planned one."""

    no_effect: float
    effect: float


@dataclass(frozen=True)
class ByLookUnderBoth:
    no_effect: ByLook
    effect: ByLook


@dataclass(frozen=True)
class OperatingTable:
    """What a design does at each look; ``expected_information`` is a share of the maximum."""

    power: float
    drift: float
    inflation: float
    rejected: ByLookUnderBoth
    expected_information: UnderBoth
    futile: ByLookUnderBoth | None = None


@dataclass(frozen=True)
class BoundaryTable:
    """What a design demands at each look; futility is left out where there is none."""

    alpha: float
    sided: int
    spending: str
    information: ByLook
    z: tuple[float | None, ...]
    nominal_p: ByLook
    alpha_spent: ByLook
    futility_z: tuple[float | None, ...] | None = None
    beta_spent: ByLook | None = None
    binding: bool | None = None
    power: OperatingTable | None = None


@dataclass(frozen=True, kw_only=True)
class ExpectedLook:
    information: float
    events: float
    months: float
    enrolled: float
    average_hazard_ratio: float
    z: float | None
    hazard_ratio_to_reject: float | None
    cumulative_power: float
    cumulative_alpha: float


@dataclass(frozen=True, kw_only=True)
class ExpectedFutilityLook(ExpectedLook):
    futility_z: float | None
    hazard_ratio_to_stop: float | None


@dataclass(frozen=True)
class EventsByArm:
    control: float
    treated: float


@dataclass(frozen=True)
class SizeTable:
    """Events and patients of a survival trial, and what each look is expected to see."""

    method: str
    alpha: float
    sided: int
    power: float
    ratio: float
    events: float
    patients: float
    months: float
    average_hazard_ratio: float
    rejects: str
    events_by_arm: EventsByArm
    expected_events: UnderBoth
    looks: tuple[ExpectedLook, ...]
