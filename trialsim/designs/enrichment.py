r"""A look after which a trial may go on in a subgroup alone, with one error for both claims.

Two stages, closed testing, and p-values of the stages combined with weights that were fixed before (Jenkins, Stone &
Jennison 2011, Pharm Stat 10:347; Brannath et al. 2009, Stat Med 28:1445). Of everybody (F) and of the subgroup (S) the
z of a stage is the part of the log-rank z that the stage brought,
:math:`Z_2 = (\sqrt{d} Z - \sqrt{d_1} Z_1) / \sqrt{d - d_1}`, independent of the look under no effect. The intersection
of the two hypotheses has Simes' p in each stage; in the second it is that of S alone once the trial has gone on in S.
F may be claimed when both its own combined z and that of the intersection pass z(1 - alpha), S likewise; so whatever
the look decides, the chance of any false claim is at most alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import log_ndtr, ndtr, ndtri

from trialsim.designs.size import hazard_ratio_of_z


@dataclass(frozen=True)
class EventsAndZ:
    """Events and z of a population, from the start of the trial; a large z speaks for the treatment."""

    events: float
    z: float


def stage_z(first: EventsAndZ, last: EventsAndZ) -> float:
    """The z that came after the look; 0 where no event did."""
    if last.events <= first.events:
        return 0.0
    gained = math.sqrt(last.events) * last.z - math.sqrt(first.events) * first.z
    return gained / math.sqrt(last.events - first.events)


def intersection_z(full: float, subgroup: float) -> float:
    """The z of Simes' p-value min(2 min(p), max(p)) for the intersection of two hypotheses."""
    logs = sorted(float(log_ndtr(-z)) for z in (full, subgroup))
    p = min(math.log(2.0) + logs[0], logs[1])
    # Far out the p underflows; the larger z less what doubling costs there is exact enough.
    return -float(ndtri(math.exp(p))) if p > -700.0 else max(full, subgroup)


def combined(information: float, first: float, second: float) -> float:
    """Both stages together, by the weights planned: the share of the events at the look, and the rest."""
    return math.sqrt(information) * first + math.sqrt(1.0 - information) * second


@dataclass(frozen=True)
class Claims:
    """The three combined z, what each has to pass, and what may be claimed."""

    full: float
    subgroup: float
    intersection: float
    bound: float
    enriched: bool

    @property
    def claims_full(self) -> bool:
        """A claim for everybody; none is made when the trial went on in the subgroup."""
        return not self.enriched and min(self.full, self.intersection) >= self.bound

    @property
    def claims_subgroup(self) -> bool:
        return min(self.subgroup, self.intersection) >= self.bound

    @property
    def p(self) -> float:
        """One-sided, of the intersection: the chance of any claim under no effect in anybody."""
        return float(ndtr(-self.intersection))


def closed_test(
    information: float,
    alpha: float,
    first: tuple[EventsAndZ, EventsAndZ],
    last: tuple[EventsAndZ, EventsAndZ],
    *,
    enriched: bool,
) -> Claims:
    """The claims at the end; ``first`` and ``last`` are (everybody, subgroup) at the look and at the end."""
    stage1 = (first[0].z, first[1].z)
    stage2 = (stage_z(first[0], last[0]), stage_z(first[1], last[1]))
    both = stage2[1] if enriched else intersection_z(*stage2)
    return Claims(
        combined(information, stage1[0], stage2[0]),
        combined(information, stage1[1], stage2[1]),
        combined(information, intersection_z(*stage1), both),
        -float(ndtri(alpha)),
        enriched,
    )


def hazard_ratio_of(part: EventsAndZ, ratio: float = 1.0) -> float:
    """Peto's one-step estimate of the hazard ratio, with the ratio of allocation; 1 without events."""
    return hazard_ratio_of_z(part.z, part.events, ratio) if part.events > 0 else 1.0
