"""Hand-made observations with known answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.studies.experiment import CYCLING, ESCAPERS, SENESCENTS, STATES, Followed, Watched

YEAR = 365.25


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def watched(
    days: Sequence[float],
    *,
    cycling: Sequence[Sequence[float]] | None = None,
    senescent: Sequence[Sequence[float]] | None = None,
    escaped: Sequence[Sequence[float]] | None = None,
    platelets: Sequence[Sequence[float]] | None = None,
    host: Sequence[Sequence[float]] | None = None,
    place: int = 0,
) -> Watched:
    """Counts by subject and day; what is left out is 0."""
    given = [rows for rows in (cycling, senescent, escaped, platelets, host) if rows is not None]
    cells = np.zeros((len(given[0]), len(days), len(STATES)))
    for column, rows in ((CYCLING, cycling), (SENESCENTS, senescent), (ESCAPERS, escaped)):
        if rows is not None:
            cells[:, :, column] = rows
    empty = np.zeros(cells.shape[:2])
    return Watched(
        np.array(days, float),
        cells,
        empty if platelets is None else np.array(platelets, float),
        empty if host is None else np.array(host, float),
        place,
    )


def doubling(subjects: int, start: float, doubling_time: float, until: int, place: int = 0) -> Watched:
    """Tumours that all double alike, seen every day."""
    days = np.arange(until + 1.0)
    return watched(days.tolist(), cycling=[start * 2.0 ** (days / doubling_time)] * subjects, place=place)


def followed(
    relapse_years: Sequence[float], death_years: Sequence[float] | None = None, ends: float = 25.0
) -> Followed:
    relapse = np.array(relapse_years, float) * YEAR
    death = np.full(relapse.size, np.inf) if death_years is None else np.array(death_years, float) * YEAR
    relapse, death = (np.where(times <= ends * YEAR, times, np.inf) for times in (relapse, death))
    return Followed(ends * YEAR, relapse, death)
