"""Estimates with their confidence limits; None stands for what cannot be estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Limits(Protocol):
    """Whatever has an estimate and two limits."""

    @property
    def estimate(self) -> float | None: ...
    @property
    def lower(self) -> float | None: ...
    @property
    def upper(self) -> float | None: ...


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits."""

    estimate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class HazardRatio(Interval):
    """With the two-sided Wald p."""

    p: float | None


def scaled(found: Limits, factor: float) -> Interval:
    """The same in another unit."""
    return Interval(*(None if x is None else factor * x for x in (found.estimate, found.lower, found.upper)))
