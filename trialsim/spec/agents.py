"""The schema of an agent: what a drug or a beam does, with the source of every number.

Agent files are data (``trialsim/treatment/agents/*.yaml``). The kernel never sees an agent: `treatment`
turns doses of it into hazards.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: What a senescent cell was made by. The order fixes the kernel's population index: append only.
INDUCERS: tuple[str, ...] = (
    "dna_damage",
    "antimitotic",
    "radiation",
    "cell_cycle",
    "endocrine",
    "antibody",
    "spontaneous",
)
#: How an inducer is named in tables and figures.
INDUCER_LABELS: dict[str, str] = {
    "dna_damage": "DNA damage",
    "antimitotic": "antimitotic drug",
    "radiation": "radiation",
    "cell_cycle": "cell-cycle drug",
    "endocrine": "endocrine therapy",
    "antibody": "antibody",
    "spontaneous": "spontaneous",
}
Inducer = Literal["dna_damage", "antimitotic", "radiation", "cell_cycle", "endocrine", "antibody", "spontaneous"]
Confidence = Literal["high", "med", "low"]


class Frozen(BaseModel):
    """A typed, immutable record that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(Frozen):
    """A number with its range, unit, source and how far it may be trusted."""

    value: float
    low: float | None = None
    high: float | None = None
    unit: str
    source: str
    confidence: Confidence


class Fate(Frozen):
    """What becomes of a damaged cell, given its p53 status.

    ``repair`` is the share of damaging hits that is repaired; None where the damage is counted after repair, as in the
    linear-quadratic law. Of the cells that are lost, ``senescence`` turn senescent and the rest die.
    """

    senescence: Sourced
    repair: Sourced | None = None


class Fates(Frozen):
    """Fates by p53 status, and the dose, relative to the reference, by which senescence shifts to death.

    The odds of senescence are divided by 1 + x / ``death_shift`` at a relative dose x.
    """

    wild_type: Fate
    mutant: Fate
    death_shift: Sourced


class OralPK(Frozen):
    """One compartment, first-order absorption. Units: L/h, L, 1/h, g/mol."""

    clearance: Sourced
    volume: Sourced
    absorption: Sourced
    molar_mass: Sourced


class PlateletEffect(Frozen):
    """Direct killing of circulating platelets: hazard = emax C / (ec50 + C). Units: 1/day, umol/L."""

    emax: Sourced
    ec50: Sourced


class _Agent(Frozen):
    name: str
    label: str
    note: str = ""


class Cytotoxic(_Agent):
    """Damages cycling cells in a pulse: hits per cell are Poisson with mean proportional to exposure."""

    kind: Literal["cytotoxic"] = "cytotoxic"
    inducer: Inducer
    dose_unit: Literal["mg/m2", "mg", "mg/kg"] = "mg/m2"
    reference_dose: Sourced
    log_kill: Sourced
    fates: Fates

    @model_validator(mode="after")
    def _repairs(self) -> Cytotoxic:
        if self.fates.wild_type.repair is None or self.fates.mutant.repair is None:
            raise ValueError("fates of a cytotoxic agent need `repair` for both p53 statuses")
        return self


class Radiation(_Agent):
    """Linear-quadratic survival of cycling cells per fraction, in the irradiated field only."""

    kind: Literal["radiation"] = "radiation"
    inducer: Inducer = "radiation"
    dose_unit: Literal["Gy"] = "Gy"
    fates: Fates


class Senolytic(_Agent):
    """Kills senescent cells: hazard = emax C / (ec50 + C), by inducer, maturity and BCL-2 class."""

    kind: Literal["senolytic"] = "senolytic"
    dose_unit: Literal["mg"] = "mg"
    pk: OralPK
    emax: Sourced
    ec50: Sourced
    effect_by_inducer: dict[Inducer, Sourced]
    effect_by_class: dict[Literal["bcl_xl", "mcl_1"], Sourced]
    immature_effect: Sourced
    cycling_effect: Sourced
    platelets: PlateletEffect | None = None

    @model_validator(mode="after")
    def _covers_every_inducer(self) -> Senolytic:
        missing = [i for i in INDUCERS if i not in self.effect_by_inducer]
        if missing:
            raise ValueError(f"effect_by_inducer lacks {', '.join(missing)}")
        return self


Agent = Annotated[Cytotoxic | Radiation | Senolytic, Field(discriminator="kind")]
