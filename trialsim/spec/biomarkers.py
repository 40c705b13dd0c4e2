"""Biomarkers of senescence, panels of them, and what they decide; the biomarkers that ship with trialsim.

A biomarker says of a patient, rightly or wrongly, that the senescent cells reach a threshold. It is a *test*, which is
right with a probability (sensitivity where the threshold is reached, specificity where it is not), or a *score*: the
measured number with an error on its logarithm, positive at a cut-off.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from trialsim.spec.agents import Frozen, Sourced
from trialsim.spec.resolved_values import Count, Days
from trialsim.spec.source import read_document

Measure = Literal["senescent_burden", "senescent_fraction"]
#: What a biomarker measures: the unit, and the words for it.
MEASURES: dict[str, tuple[str, str]] = {
    "senescent_burden": ("cells", "senescent tumour cells of the patient, all lesions"),
    "senescent_fraction": ("fraction", "share of the patient's tumour cells that is senescent"),
}


class Marker(Frozen):
    """A biomarker with its numbers: those of a test (``sensitivity``, ``specificity``) or of a score.

    ``noise`` is a standard deviation, log10; threshold, cut-off and background are in the unit of what is measured.
    """

    name: str
    label: str
    note: str = ""
    measures: Measure
    threshold: Sourced
    """At or above it the truth is positive."""
    sensitivity: Sourced | None = None
    specificity: Sourced | None = None
    noise: Sourced | None = None
    cutoff: Sourced | None = None
    """The score is positive at or above it; None for a test, and in the data file for a cut-off at the threshold."""
    background: Sourced | None = None
    """What a score reads in addition to the tumour's; None: one cell, or a share of 1e-6."""

    @model_validator(mode="after")
    def _one_form(self) -> Marker:
        test = (self.sensitivity is not None, self.specificity is not None)
        of_score = (self.cutoff, self.background) != (None, None)
        if test != (self.noise is None, self.noise is None) or (of_score and self.noise is None):
            raise ValueError(f"{self.name} needs `sensitivity` and `specificity`, or `noise`")
        return self


class Panel(Frozen):
    """Biomarkers that are measured together; positive when at least so many of them are."""

    name: str
    markers: tuple[str, ...]
    at_least: Count


class Guide(Frozen):
    """What decides on an order: a panel (or a biomarker as a panel of one), measured once on a study day."""

    panel: str
    day: Days
    written: str
    """The day as the author wrote it, for descriptions."""


@lru_cache(maxsize=1)
def shipped_markers() -> dict[str, Marker]:
    """Every biomarker that ships with trialsim, by name.

    Raises
    ------
    pydantic.ValidationError
        The shipped file breaks the schema: a defect of the package, which its tests catch.
    """
    data = read_document(Path(__file__).parent / "biomarkers.yaml").data
    return {name: Marker.model_validate({"name": name, **fields}) for name, fields in data.items()}
