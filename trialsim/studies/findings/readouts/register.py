"""The list of readouts by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trialsim.studies.estimates import Estimate
from trialsim.studies.experiment import Followed, Watched

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rng: TypeAlias = np.random.Generator
Seen: TypeAlias = Watched | Followed
Readout: TypeAlias = Callable[..., Estimate]

READOUTS: dict[str, Readout] = {}


def readout(function: Readout) -> Readout:
    """Enter a readout into the list under its own name. The first paragraph of its docstring is what reports print."""
    READOUTS[function.__name__] = function
    return function


def meaning(name: str) -> str:
    """A readout in a sentence."""
    return (inspect.getdoc(READOUTS[name]) or "").split("\n\n")[0].replace("\n", " ")


def settings(name: str) -> dict[str, bool]:
    """The settings that a readout takes, and whether each is required."""
    parameters = inspect.signature(READOUTS[name]).parameters.values()
    return {p.name: p.default is p.empty for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "rng"}


def twins(groups: Sequence[Seen]) -> bool:
    """Whether the groups are the same subjects, treated in different ways."""
    return len({group.place for group in groups}) == 1


def percent(estimate: Estimate) -> Estimate:
    """A share as per cent."""
    return Estimate(*(100.0 * x for x in estimate))
