"""Randomisation: permuted blocks of random size within strata, a coin for each patient, or minimisation.

Each stratum has its own stream, numbered by the stratum's place among all combinations of the cohort's
levels (sorted), so an allocation depends neither on which stratum enrols first nor on the order in which
a file lists arms or levels. Within a block every arm has its share exactly: the imbalance of a stratum
is never more than half a block. Where the site is a stratum too, each site has such a list of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from trialsim.conduct.minimisation import Minimiser
from trialsim.errors import TrialsimError
from trialsim.records import Traits
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import SITE

#: Joins the levels of a stratum into its label.
JOIN = " / "
#: Part of the stream of patients who are allocated by chance alone; strata have streams without a part.
_SIMPLE = 1
#: The same once a look has set the arms' shares.
_FAVOURED = 2
#: The label of the only stratum when there is no stratification.
UNSTRATIFIED = "all"


def strata_labels(protocol: ResolvedProtocol) -> tuple[str, ...]:
    """Labels of every stratum the cohort allows, in the order that numbers their streams."""
    factors = [protocol.cohort.traits[name].levels for name in protocol.randomisation.strata]
    return tuple(JOIN.join(levels) or UNSTRATIFIED for levels in product(*factors))


def block(arms: Sequence[str], ratio: Sequence[int], size: int, *, rng: np.random.Generator) -> list[str]:
    """One permuted block: ``size`` allocations in which each arm has its share ``ratio / sum(ratio)``."""
    copies = size // sum(ratio)
    content = [arm for arm, share in zip(arms, ratio, strict=True) for _ in range(share * copies)]
    return [content[i] for i in rng.permutation(len(content))]


def allocations(
    arms: Sequence[str], ratio: Sequence[int], sizes: Sequence[int], *, rng: np.random.Generator
) -> Iterator[str]:
    """The endless list of one stratum: blocks, each of a size drawn at random from ``sizes``."""
    while True:
        size = sizes[int(rng.integers(len(sizes)))]
        yield from block(arms, ratio, size, rng=rng)


class Randomiser:
    """Hands out arms to patients as they come.

    What a patient gets depends on their own traits and site and on who came before, never on who comes after.
    """

    def __init__(self, protocol: ResolvedProtocol, *, seed: int, replicate: int = 0) -> None:
        rules = protocol.randomisation
        self._rules = rules
        self._seed, self._replicate = seed, replicate
        self._arms = tuple(protocol.arms)
        self._ratio = tuple(rules.ratio[arm] for arm in self._arms)
        self._numbers = {label: number for number, label in enumerate(strata_labels(protocol), start=1)}
        self._lists: dict[int, Iterator[str]] = {}
        self._closed: set[str] = set()
        self._shares: Mapping[str, float] | None = None
        self._minimiser: Minimiser | None = None
        if rules.minimisation is not None:
            self._minimiser = Minimiser(self._arms, self._ratio, rules.minimisation)
            self._coin = stream(seed, Purpose.RANDOMISATION, replicate=replicate)

    def assign(self, traits: Traits, *, subject: int, site: int) -> tuple[str, str]:
        """The arm and the stratum's label for the next patient, with these traits, at this site.

        Raises `TrialsimError` for a level that the cohort does not have.
        """
        factors = self._rules.strata
        stratum = JOIN.join(str(traits[name]) for name in factors) or UNSTRATIFIED
        if stratum not in self._numbers:
            known = "; ".join(self._numbers)
            raise TrialsimError(f"no stratum {stratum!r} of {JOIN.join(factors)}: the cohort's levels make {known}")
        if self._shares is not None:
            return self._by_shares(subject, self._shares), stratum
        if self._rules.method == "simple":
            return self._by_chance(subject), stratum
        if self._minimiser is not None:
            levels = {name: str(traits[name]) for name in factors} | {SITE: str(site)}
            return self._minimiser.assign(levels, rng=self._coin), stratum
        # Places in a list that belong to a closed arm are passed over; what is left of its blocks stays balanced.
        return next(arm for arm in self._list(self._numbers[stratum], site) if arm not in self._closed), stratum

    def favour(self, shares: Mapping[str, float]) -> None:
        """From now on patients are allocated by chance alone, with these shares for the arms that are open."""
        self._shares = shares

    def _by_shares(self, subject: int, shares: Mapping[str, float]) -> str:
        """An arm by shares that a look has set, from the patient's own stream."""
        rng = stream(self._seed, Purpose.RANDOMISATION, subject=subject, replicate=self._replicate, part=_FAVOURED)
        open_arms = [arm for arm in self._arms if arm not in self._closed]
        ends = np.cumsum([shares[arm] for arm in open_arms])
        return open_arms[int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))]

    def close(self, arm: str) -> None:
        """Nobody more is allocated to an arm."""
        self._closed.add(arm)
        if self._minimiser is not None:
            self._minimiser.close(arm)

    def _by_chance(self, subject: int) -> str:
        """An arm by the ratio, from the patient's own stream."""
        rng = stream(self._seed, Purpose.RANDOMISATION, subject=subject, replicate=self._replicate, part=_SIMPLE)
        shares = [0 if arm in self._closed else share for arm, share in zip(self._arms, self._ratio, strict=True)]
        at = rng.integers(sum(shares))
        return self._arms[int(np.searchsorted(np.cumsum(shares), at, side="right"))]

    def _list(self, stratum: int, site: int) -> Iterator[str]:
        """The list of a stratum, or of a stratum at a site."""
        number = stratum + (site - 1) * len(self._numbers) if self._rules.by_site else stratum
        if number not in self._lists:
            rng = stream(self._seed, Purpose.RANDOMISATION, subject=number, replicate=self._replicate)
            self._lists[number] = allocations(self._arms, self._ratio, tuple(sorted(self._rules.block_sizes)), rng=rng)
        return self._lists[number]
