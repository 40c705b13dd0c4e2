"""Strata: who is compared with whom, and what a stratified model cannot tell."""

from __future__ import annotations

import numpy as np

from trialsim.analysis.data import Bools, Floats, Labels


def within_strata(strata: Labels | None, size: int) -> list[Bools]:
    """A mask for each stratum, in order; one of all patients where there are none."""
    if strata is None:
        return [np.ones(size, dtype=np.bool_)]
    return [np.asarray(strata == level, dtype=np.bool_) for level in sorted(set(strata))]


def is_absorbed(values: Floats, strata: Labels | None) -> bool:
    """Whether a column differs between strata alone, so that their baseline hazards take it up (R gives NA)."""
    if strata is None or values.min() == values.max():
        return False
    return all(values[own].min() == values[own].max() for own in within_strata(strata, values.size))
