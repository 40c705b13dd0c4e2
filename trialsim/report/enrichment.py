"""A trial that may go on in a subgroup alone, in words and as a table."""

from __future__ import annotations

from trialsim.report.numbers import ABSENT, DAYS_PER_MONTH, minus, p_equation, ratio
from trialsim.report.tables import Table
from trialsim.report.verdict import claimed
from trialsim.reported.analysis import SubgroupClaims
from trialsim.reported.looks import Enrichment


def enrichment_words(enrichment: Enrichment, alpha: float) -> list[str]:
    """What the look decided, and what may be claimed."""
    level, limit = enrichment.level, ratio(enrichment.others_above)
    if enrichment.look_day is None:
        decided = "The data were cut before the look."
    else:
        others = ratio(enrichment.populations["others"].look.hazard_ratio)
        where = f"{level} alone" if enrichment.enriched else "all patients"
        decided = (
            f"At the look, in month {enrichment.look_day / DAYS_PER_MONTH:.0f}, the hazard ratio of the others was "
            f"{others}, {'above' if enrichment.enriched else 'not above'} {limit}, so the trial went on in {where}."
        )
    test = (
        f"Claims for all and for {level} share an alpha of {alpha:g} by closed testing; the stages before and after "
        "the look are combined with the planned weights."
    )
    claims = claimed(SubgroupClaims(level, **vars(enrichment.claims)))
    return [decided, test, f"{claims} Intersection: one-sided {p_equation(enrichment.intersection.p)}."]


def enrichment_table(enrichment: Enrichment) -> Table:
    """Events, hazard ratio and z of each population, before the look, after it and together."""
    names = {"all": "All", "subgroup": enrichment.level, "others": "Others"}
    rows = []
    for key, name in names.items():
        found = enrichment.populations[key]
        look, end = found.look, found.end
        rows.append(
            (
                name,
                f"{look.events:,.0f}",
                ratio(look.hazard_ratio),
                _z(look.z),
                f"{end.events:,.0f}",
                _z(found.z_after_look),
                _z(found.combined_z),
            )
        )
    rows.append(("Intersection", "", "", "", "", "", _z(enrichment.intersection.z)))
    head = ("", "Events at the look", "Hazard ratio", "z", "Events at the end", "z after the look", "Combined z")
    note = f"A claim needs its own combined z and that of the intersection at {enrichment.bound:.3f} or more."
    return Table("The look, the end and the closed test", head, tuple(rows), note)


def _z(z: float | None) -> str:
    return ABSENT if z is None else minus(f"{z:.3f}")
