"""The secretome of senescent cells (SASP): its load in a lesion, and what the load does to the lesion's rates.

Senescent cells that are mature secrete. Their share among a lesion's cells, weighted by inducer, and the host's
senescent stroma make the *load*

    a = intensity x 2 p / (p + 0.1),   p = sum of weight x mature or competent cells / all cells + host share,

which is 1 at a share of 10 %, where its effects were measured (Krtolica 2001), and saturates at 2. The load

* speeds net growth by (1 + g a) / (1 + g a0), a0 the load at rest, at which the doubling time was measured;
* arrests neighbours at the rate c a (paracrine senescence; they take the label of the cells that arrested them);
* seeds: new foci at (1 + s a) times the basal rate;
* wakes dormant lesions at (1 + w a) times the basal rate.

Immune cells follow it slowly: the *infiltrate* m relaxes to a with the time constant INFILTRATION_TIME. It

* takes the part i m / (1 + m) of immune killing away (MDSC, M2, exclusion of CD8: Toso 2014, Choi 2021);
* clears senescent cells at (1 + r m) times the basal rate (recruited clearance), at the mean infiltrate of the
  patient's lesions weighted by their cells, as the cells that clear come with the blood.

Each effect has a rate of its own, so each can be switched off alone.
"""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

from trialsim.biology.populations import (
    COMPETENT,
    DORMANT,
    MATURE,
    N_AGES,
    N_INDUCERS,
    PER_INDUCER,
    SENESCENT,
    SPONTANEOUS,
)
from trialsim.biology.rates import Rates
from trialsim.compiling import compiled
from trialsim.spec.agents import INDUCERS
from trialsim.structured import Counts, Floats, record

#: The largest load at intensity 1, and the share of senescent neighbours at which it is half of that.
LARGEST, HALF_SHARE = 2.0, 0.1
RADIATION = INDUCERS.index("radiation")


@record
class Survey:
    """A lesion, counted once for all who ask."""

    all: float
    """All cells."""
    dividing: float
    """Cycling and escaped cells."""
    senescent: float
    secreting: float
    """Mature senescent cells by their weight in the load."""
    ripening: float
    """Immature ones likewise."""
    by_inducer: Annotated[Floats, N_INDUCERS]
    """Senescent cells."""


@compiled
def weight(rates: Rates, inducer: int) -> float:
    """Weight of a mature senescent cell in the share; the F3 state raises that of radiation-induced ones (M11)."""
    return rates.weight[inducer] * (1.0 + rates.sasp_f3 if inducer == RADIATION else 1.0)


@compiled
def secreting(cells: Counts, inducer: int) -> int:
    """Mature and competent cells of one inducer."""
    count = 0
    for family in range(4):
        at = SENESCENT + inducer * PER_INDUCER + family * N_AGES
        count += cells[at + MATURE] + cells[at + COMPETENT]
    return count


@compiled
def load_of_share(share: float, rates: Rates) -> float:
    """The load that a share of senescent neighbours, the host's part in it, makes."""
    return rates.sasp_intensity * LARGEST * share / (share + HALF_SHARE) if share > 0.0 else 0.0


@compiled
def total_cells(cells: Counts) -> int:
    """Cells of a lesion. A plain loop: numba's own sum of an array takes ten times as long."""
    total = 0
    for at in range(cells.size):
        total += cells[at]
    return total


@compiled
def load(cells: Counts, rates: Rates) -> float:
    """The load in a lesion; 0 in an empty one."""
    total = total_cells(cells)
    if total == 0:
        return 0.0
    weighted = 0.0
    for inducer in range(N_INDUCERS):
        weighted += weight(rates, inducer) * secreting(cells, inducer)
    return load_of_share(weighted / total + rates.host_share, rates)


class Ahead(NamedTuple):
    """What some days make of means under frozen rates; it is the same for all lesions."""

    days: float
    kept: float
    """Share of senescent cells that are not cleared."""
    ripe: float
    """Share of immature cells that mature."""
    ripe_days: float
    """Days that a cell is mature if it arrests on the first day, times its chance of it: summed over arrests."""
    grown: float
    """Fold of dividing cells."""
    faded: float
    """Share of the infiltrate's distance from the load that is left."""


@compiled
def look_ahead(rates: Rates, days: float) -> Ahead:
    """What so many days make of means."""
    maturation = rates.maturation
    ripe = -math.expm1(-maturation * days)
    return Ahead(
        days,
        math.exp(-rates.clearance * days),
        ripe,
        days - ripe / maturation if maturation > 0.0 else 0.0,
        math.exp(rates.net * rates.growth * days),
        math.exp(-days / rates.infiltration_time),
    )


@compiled
def look_twice_ahead(rates: Rates, ahead: Ahead) -> Ahead:
    """What twice the days make of means."""
    maturation = rates.maturation
    ripe = ahead.ripe * (2.0 - ahead.ripe)
    return Ahead(
        2.0 * ahead.days,
        ahead.kept * ahead.kept,
        ripe,
        2.0 * ahead.days - ripe / maturation if maturation > 0.0 else 0.0,
        ahead.grown * ahead.grown,
        ahead.faded * ahead.faded,
    )


@compiled
def load_seen(seen: Survey, rates: Rates) -> float:
    """The load in a surveyed lesion; 0 in an empty one."""
    return load_of_share(seen.secreting / seen.all + rates.host_share, rates) if seen.all > 0.0 else 0.0


@compiled
def load_ahead(seen: Survey, rates: Rates, now: float, ahead: Ahead) -> float:
    """The load that is to be expected in a surveyed lesion some days on from a load ``now``; 0 in an empty one.

    By the means of cells that arrest, mature, are cleared and grow, without what is slower than these. A cell that
    arrests meanwhile weighs as a spontaneously senescent one.
    """
    if seen.all == 0.0:
        return 0.0
    arrests = (rates.spontaneous_rate + rates.sasp_arrest * now) * seen.dividing
    secreting = seen.secreting + seen.ripening * ahead.ripe + arrests * ahead.ripe_days * rates.weight[SPONTANEOUS]
    senescent = seen.senescent + arrests * ahead.days
    later = (seen.all - seen.senescent) * ahead.grown + senescent * ahead.kept
    return load_of_share(secreting * ahead.kept / later + rates.host_share, rates)


@compiled
def survey(cells: Counts, rates: Rates, seen: Survey) -> None:
    """Count a lesion once, for all who ask: fills ``seen``."""
    dividing = 0
    for at in range(SENESCENT):
        dividing += cells[at]
    dividing -= cells[DORMANT]
    senescent = 0
    weighted, young = 0.0, 0.0
    for inducer in range(N_INDUCERS):
        first = SENESCENT + inducer * PER_INDUCER
        ripe, immature = 0, 0
        for family in range(first, first + PER_INDUCER, N_AGES):
            immature += cells[family]
            ripe += cells[family + MATURE] + cells[family + COMPETENT]
        seen.by_inducer[inducer] = ripe + immature
        if ripe + immature > 0:
            senescent += ripe + immature
            own = weight(rates, inducer)
            weighted += own * ripe
            young += own * immature
    seen.all = dividing + cells[DORMANT] + senescent
    seen.dividing, seen.senescent = dividing, senescent
    seen.secreting, seen.ripening = weighted, young


@compiled
def growth_factor(rates: Rates, load: float) -> float:
    """Factor on net growth that the load and drugs make, against a lesion at rest."""
    return rates.growth * (1.0 + rates.sasp_growth * load) / rates.growth_at_rest


@compiled
def immune_killing(rates: Rates, infiltrate: float) -> float:
    """Immune killing of cycling and escaped cells, per day."""
    return rates.immune_kill * (1.0 - rates.sasp_immune * infiltrate / (1.0 + infiltrate))


@compiled
def relaxed(infiltrate: float, load: float, time: float, time_constant: float) -> float:
    """The infiltrate after ``time`` days at a constant load."""
    return load + (infiltrate - load) * math.exp(-time / time_constant)


@compiled
def infiltrate_ahead(infiltrate: float, load: float, ahead: Ahead) -> float:
    """`relaxed`, where the days are already looked ahead."""
    return load + (infiltrate - load) * ahead.faded
