"""Stratified randomisation in permuted blocks of random size.

Each stratum has its own stream, numbered by the stratum's place among all combinations of the cohort's
levels (sorted), so an allocation depends neither on which stratum enrols first nor on the order in which
a file lists arms or levels. Within a block every arm has its share exactly: the imbalance of a stratum
is never more than half a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from trialsim.errors import TrialsimError
from trialsim.records import Traits
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import ResolvedProtocol

#: Joins the levels of a stratum into its label.
JOIN = " / "
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
    """Hands out the next allocation of a patient's stratum."""

    def __init__(self, protocol: ResolvedProtocol, *, seed: int, replicate: int = 0) -> None:
        rules = protocol.randomisation
        arms = tuple(protocol.arms)
        ratio = tuple(rules.ratio[arm] for arm in arms)
        sizes = tuple(sorted(rules.block_sizes))
        self._factors = rules.strata
        self._lists = {
            label: allocations(
                arms,
                ratio,
                sizes,
                rng=stream(seed, Purpose.RANDOMISATION, subject=number, replicate=replicate),
            )
            for number, label in enumerate(strata_labels(protocol), start=1)
        }

    def assign(self, traits: Traits) -> tuple[str, str]:
        """The arm and the stratum's label for the next patient with these traits.

        Raises `TrialsimError` for a level that the cohort does not have.
        """
        stratum = JOIN.join(str(traits[name]) for name in self._factors) or UNSTRATIFIED
        if stratum not in self._lists:
            factors = JOIN.join(self._factors)
            known = "; ".join(self._lists)
            raise TrialsimError(f"no stratum {stratum!r} of {factors}: the cohort's levels make {known}")
        return next(self._lists[stratum]), stratum
