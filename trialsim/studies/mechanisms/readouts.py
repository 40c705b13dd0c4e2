"""What is read off each subject, by name: pure functions from what was seen to one number per subject.

A statement about a mechanism is a statement about the mean of such a number: with the switch on, with it off, and of
each subject's own difference.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialsim.biology.populations import names
from trialsim.studies.mechanisms.observe import ELSEWHERE, HERE, Floats, FollowedPatients, WatchedCells
from trialsim.units import DAYS_PER_YEAR


class Readout(NamedTuple):
    """A function from what was seen, and settings by keyword, to one number per subject."""

    of: Callable[..., Floats]
    unit: str
    """What the numbers are in; a share is 0 or 100 for each subject."""
    watched: bool
    """Whether it needs looks; otherwise follow-up."""

    @property
    def settings(self) -> dict[str, bool]:
        """The settings that it takes, and whether each is required."""
        found = inspect.signature(self.of).parameters.values()
        return {p.name: p.default is p.empty for p in found if p.kind is p.KEYWORD_ONLY}

    @property
    def meaning(self) -> str:
        """What it is, in a sentence."""
        return (inspect.getdoc(self.of) or "").split("\n\n")[0].replace("\n", " ")


#: Units, as tables print them.
LOG_CELLS, SHARE, EXCESS, PERCENT, PLATELETS, COUNT, BURDEN, YEARS = (
    "log10 cells",
    "% of subjects",
    "per 100 subjects",
    "% of cells",
    "1e9/L",
    "a subject",
    "Karin units",
    "years",
)

READOUTS: dict[str, Readout] = {}


def _readout(unit: str) -> Callable[[Callable[..., Floats]], Callable[..., Floats]]:
    def enter(function: Callable[..., Floats]) -> Callable[..., Floats]:
        first = next(iter(inspect.signature(function).parameters.values()))
        READOUTS[function.__name__] = Readout(function, unit, watched=first.annotation == "WatchedCells")
        return function

    return enter


def populations(words: str) -> NDArray[np.bool_]:
    """Which populations the words pick: every word stands in the population's name; ``|`` joins choices, ``all`` all.

    ``"senescent dna_damage"``, ``"cycling | escaped"``.

    Raises
    ------
    ValueError
        Words that pick no population.
    """
    picked = np.zeros(len(names()), np.bool_)
    for choice in words.split("|"):
        asked = set(choice.split()) - {"all"}
        matches = np.array([asked <= set(name.split()) for name in names()])
        if not matches.any() or not choice.split():
            raise ValueError(f"no population is {choice.strip() or 'nothing'}")
        picked |= matches
    return picked


_PLACES = {"anywhere": [HERE, ELSEWHERE], "here": [HERE], "elsewhere": [ELSEWHERE]}


def _counts(seen: WatchedCells, cells: str, day: float, place: str) -> Floats:
    looks = np.flatnonzero(seen.days == day)
    if looks.size == 0:
        raise ValueError(f"nobody looked on day {day:g}")
    kept = seen.cells[:, int(looks[0])][:, _PLACES[place]][:, :, populations(cells)]
    return np.asarray(kept.sum(axis=(1, 2)), np.float64)


@_readout(LOG_CELLS)
def cells(seen: WatchedCells, *, cells: str, day: float, place: str = "anywhere") -> Floats:
    """log10 of the cells of a kind on a day; of one cell where there is none."""
    return np.asarray(np.log10(np.maximum(_counts(seen, cells, day, place), 1.0)))


@_readout(LOG_CELLS)
def growth(seen: WatchedCells, *, cells: str = "all", begin: float, end: float, place: str = "anywhere") -> Floats:
    """log10 of the fold by which cells of a kind grew from one day to another."""
    first, last = (_counts(seen, cells, day, place) for day in (begin, end))
    return np.asarray(np.log10(np.maximum(last, 1.0)) - np.log10(np.maximum(first, 1.0)))


@_readout(LOG_CELLS)
def smallest(seen: WatchedCells, *, cells: str = "all", place: str = "anywhere") -> Floats:
    """log10 of the fold from the size on the first look to the smallest size."""
    sizes = np.stack([_counts(seen, cells, day, place) for day in seen.days.tolist()])
    return np.asarray(np.log10(np.maximum(sizes.min(axis=0), 1.0)) - np.log10(np.maximum(sizes[0], 1.0)))


@_readout(PERCENT)
def share(seen: WatchedCells, *, cells: str, among: str = "all", day: float, place: str = "anywhere") -> Floats:
    """Share of the cells of a kind among others on a day, %; 0 where there is none of the others."""
    part, whole = (_counts(seen, kind, day, place) for kind in (cells, among))
    return np.asarray(100.0 * part / np.maximum(whole, 1.0))


@_readout(SHARE)
def present(seen: WatchedCells, *, cells: str, day: float, place: str = "anywhere", at_least: float = 1.0) -> Floats:
    """Whether there are cells of a kind on a day: share of subjects, %."""
    return np.asarray(100.0 * (_counts(seen, cells, day, place) >= at_least))


@_readout(COUNT)
def foci(seen: WatchedCells, *, day: float) -> Floats:
    """Disseminated foci with cells on a day."""
    return np.asarray(seen.foci[:, int(np.flatnonzero(seen.days == day)[0])], np.float64)


@_readout(PLATELETS)
def platelets(seen: WatchedCells, *, day: float) -> Floats:
    """Platelet count on a day."""
    return np.asarray(seen.platelets[:, int(np.flatnonzero(seen.days == day)[0])])


@_readout(BURDEN)
def host(seen: WatchedCells, *, day: float) -> Floats:
    """Senescent stroma of the host on a day."""
    return np.asarray(seen.host[:, int(np.flatnonzero(seen.days == day)[0])])


@_readout(SHARE)
def relapsed(seen: FollowedPatients, *, begin: float = 0.0, end: float, cause: str = "", site: str = "") -> Floats:
    """Whether relapse was seen from one year to another, of a cause and at a site where they are named: %."""
    years = seen.relapse / DAYS_PER_YEAR
    found = (years > begin) & (years <= end)
    found &= np.char.find(seen.cause, cause) >= 0
    if site:
        found &= seen.site == site
    return np.asarray(100.0 * found)


@_readout(EXCESS)
def early_excess(seen: FollowedPatients, *, split: float, end: float) -> Floats:
    """Relapses up to a year less those from there to another, per 100 subjects."""
    return relapsed(seen, end=split) - relapsed(seen, begin=split, end=end)


@_readout(SHARE)
def uncaused(seen: FollowedPatients) -> Floats:
    """Whether relapse was seen to which the simulator gives no cause: %."""
    return np.asarray(100.0 * (np.isfinite(seen.relapse) & (seen.cause == "")))


@_readout(YEARS)
def relapse_free(seen: FollowedPatients, *, until: float) -> Floats:
    """Years without relapse, up to a year."""
    return np.asarray(np.minimum(seen.relapse / DAYS_PER_YEAR, until))


@_readout(PLATELETS)
def nadir(seen: FollowedPatients) -> Floats:
    """Lowest platelet count."""
    return seen.nadir


def _orders(seen: FollowedPatients, values: Floats, agent: str) -> Floats:
    mine = [name == agent for name in seen.agents]
    if not any(mine):
        raise ValueError(f"the arm gives no {agent}")
    return np.asarray(values[:, mine])


@_readout(COUNT)
def doses_held(seen: FollowedPatients, *, agent: str) -> Floats:
    """Doses of an agent that were held."""
    return np.asarray(_orders(seen, seen.held, agent).sum(axis=1))


@_readout(COUNT)
def doses_given(seen: FollowedPatients, *, agent: str) -> Floats:
    """Doses of an agent that were given, in planned doses."""
    return np.asarray(_orders(seen, seen.given, agent).sum(axis=1))


@_readout(SHARE)
def reduced(seen: FollowedPatients, *, agent: str) -> Floats:
    """Whether the dose of an agent was reduced: share of subjects, %."""
    return np.asarray(100.0 * (_orders(seen, seen.fraction, agent) < 1.0).any(axis=1))


@_readout(SHARE)
def given_up(seen: FollowedPatients, *, agent: str) -> Floats:
    """Whether an agent was given up: share of subjects, %."""
    return np.asarray(100.0 * (_orders(seen, seen.stopped, agent) > 0.0).any(axis=1))


def _panel(seen: FollowedPatients) -> tuple[Floats, Floats]:
    """What the arm's one panel said, and what is true; 0 for who was not measured."""
    if seen.positive.shape[1] != 1:
        raise ValueError("the arm has no panel, or more than one")
    return np.nan_to_num(seen.positive[:, 0]), np.nan_to_num(seen.needed[:, 0])


@_readout(SHARE)
def needs(seen: FollowedPatients) -> Floats:
    """Whether a patient is measured and has what the biomarkers look for: share of subjects, %."""
    return np.asarray(100.0 * _panel(seen)[1])


@_readout(SHARE)
def missed(seen: FollowedPatients) -> Floats:
    """Whether the panel is negative in a patient who has what it looks for: share of subjects, %."""
    positive, needed = _panel(seen)
    return np.asarray(100.0 * needed * (1.0 - positive))


@_readout(SHARE)
def in_vain(seen: FollowedPatients) -> Floats:
    """Whether the panel is positive in a patient who does not have what it looks for: share of subjects, %."""
    positive, needed = _panel(seen)
    return np.asarray(100.0 * positive * (1.0 - needed))
