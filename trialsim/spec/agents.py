"""The schema of an agent: what a drug or a beam does, with the source of every number.

Agent files are data (``trialsim/treatment/agents/*.yaml``). The kernel never sees an agent: `treatment`
turns doses of it into hazards.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

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
    "enzalutamide",
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
    "enzalutamide": "enzalutamide",
}
Inducer = Literal[
    "dna_damage", "antimitotic", "radiation", "cell_cycle", "endocrine", "antibody", "spontaneous", "enzalutamide"
]
#: What a fold on each target multiplies, in words.
TARGET_LABELS: dict[str, str] = {
    "growth": "net growth of cycling and escaped cells; 0: stasis",
    "immune_killing": "immune killing of cycling and escaped cells",
    "escape": "escape of senescent cells",
    "reversal": "return of reversibly senescent cells to the cycle",
    "damage_senescence": "odds that a cell lost to damage turns senescent",
    "sasp.growth": "what the SASP adds to net growth",
    "sasp.seeding": "what the SASP adds to seeding of distant foci",
    "sasp.immune": "share of immune killing that the SASP takes away",
    "sasp.arrest": "paracrine senescence",
    "sasp.clearance": "what the SASP adds to clearance of senescent cells",
    "sasp.waking": "what the SASP adds to waking of dormant lesions",
    "sasp.f3": "what the F3 state adds to the SASP of radiation-induced senescent cells",
}
Target = Literal[
    "growth",
    "immune_killing",
    "escape",
    "reversal",
    "damage_senescence",
    "sasp.growth",
    "sasp.seeding",
    "sasp.immune",
    "sasp.arrest",
    "sasp.clearance",
    "sasp.waking",
    "sasp.f3",
]
#: Rates that a targeted agent may change, each by a fold.
TARGETS: tuple[str, ...] = get_args(Target)
Confidence = Literal["high", "med", "low"]
#: What a drug is dosed by: body surface, nothing, weight, or the area under the curve aimed at (Calvert; mg/mL min).
DrugUnit = Literal["mg/m2", "mg", "mg/kg", "AUC"]


#: Units that numbers have, by their place in an agent; where a place is not named its unit is words.
UNITS: dict[str, str] = {
    "pk.clearance": "L/h",
    "pk.volume": "L",
    "pk.absorption": "1/h",
    "pk.molar_mass": "g/mol",
    "pk.lag": "h",
    "pk.infusion": "h",
    "pk.exchange": "L/h",
    "pk.tissue_volume": "L",
    "pk.clearance_iiv": "SD of log",
    "pk.volume_iiv": "SD of log",
    "pk.clearance_by_weight": "power",
    "pk.volume_by_weight": "power",
    "pk.renal_share": "fraction",
    "emax": "1/day",
    "ec50": "umol/L",
    "hill": "power",
    "kill": "1/day",
    "senescence.rate": "1/day",
    "platelets.emax": "1/day",
    "platelets.ec50": "umol/L",
    "marrow.slope": "L/umol",
    "repair_half_time": "h",
}


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


class Pharmacokinetics(Frozen):
    """One or two compartments, first-order absorption after a lag. Units: L/h, L, 1/h, h, g/mol.

    Without ``absorption`` the dose goes straight into plasma: at once, or evenly over ``infusion`` hours. A depot is a
    slow absorption. ``exchange`` (L/h) and ``tissue_volume`` (L) make a second compartment. ``clearance_iiv`` and
    ``volume_iiv`` are standard deviations between patients of the logarithms of clearance and of the volume of plasma.
    Clearance and both volumes are those of a patient of 70 kg and a filtration of 90 mL/min; they go by
    weight / 70 kg to the powers ``clearance_by_weight`` and ``volume_by_weight`` (allometry), and the share
    ``renal_share`` of clearance goes by glomerular filtration.
    """

    clearance: Sourced
    volume: Sourced
    absorption: Sourced | None = None
    molar_mass: Sourced
    lag: Sourced | None = None
    infusion: Sourced | None = None
    exchange: Sourced | None = None
    tissue_volume: Sourced | None = None
    clearance_iiv: Sourced | None = None
    volume_iiv: Sourced | None = None
    clearance_by_weight: Sourced | None = None
    volume_by_weight: Sourced | None = None
    renal_share: Sourced | None = None

    @model_validator(mode="after")
    def _positive(self) -> Pharmacokinetics:
        for name in ("clearance", "volume", "absorption", "molar_mass", "exchange", "tissue_volume", "infusion"):
            number = getattr(self, name)
            if number is not None and number.value <= 0.0:
                raise ValueError(f"`{name}` is {number.value:g}; it must be above 0")
        for name in ("lag", "clearance_iiv", "volume_iiv", "clearance_by_weight", "volume_by_weight", "renal_share"):
            number = getattr(self, name)
            if number is not None and number.value < 0.0:
                raise ValueError(f"`{name}` is {number.value:g}; it must not be below 0")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Pharmacokinetics:
        if (self.exchange is None) != (self.tissue_volume is None):
            raise ValueError("`exchange` and `tissue_volume` come together: they make the second compartment")
        if self.infusion is not None and self.absorption is not None:
            raise ValueError("a dose is either absorbed (`absorption`) or infused (`infusion`)")
        if self.renal_share is not None and self.renal_share.value > 1.0:
            raise ValueError(f"`renal_share` is {self.renal_share.value:g}; a share is at most 1")
        return self

    @property
    def half_life_hours(self) -> float:
        """Half-life in plasma once absorbed, hours: ln 2 x volume / clearance; with two compartments the later one."""
        if self.exchange is None or self.tissue_volume is None:
            return math.log(2.0) * self.volume.value / self.clearance.value
        out, back = self.clearance.value / self.volume.value, self.exchange.value / self.tissue_volume.value
        total = out + self.exchange.value / self.volume.value + back
        fast = 0.5 * (total + math.sqrt(total * total - 4.0 * out * back))
        return math.log(2.0) * fast / (out * back)

    @property
    def absorption_half_life_hours(self) -> float | None:
        """Half-life of what is yet to be absorbed, hours; None for an infusion."""
        return None if self.absorption is None else math.log(2.0) / self.absorption.value

    @property
    def entry_hours(self) -> float:
        """How long after a dose plasma or gut are still waiting for it: the lag and an infusion's length."""
        return sum(number.value for number in (self.lag, self.infusion) if number is not None)


class PlateletEffect(Frozen):
    """Direct killing of circulating platelets: hazard = emax C / (ec50 + C). Units: 1/day, umol/L."""

    emax: Sourced
    ec50: Sourced


class MarrowEffect(Frozen):
    """Killing of the marrow's proliferating cells in Friberg's model: E = slope C, per umol/L."""

    slope: Sourced


class _Agent(Frozen):
    """``apart_from``: agents that must not overlap with this one, and the least days between doses of the two."""

    name: str
    label: str
    note: str = ""
    apart_from: dict[str, Sourced] = Field(default_factory=dict)


class Cytotoxic(_Agent):
    """Damages cycling cells in a pulse: hits per cell are Poisson with mean proportional to exposure.

    ``host_damage``: senescent stromal burden, in Karin's units, that a reference dose adds. ``pk``, where it is known,
    makes a dose's exposure the patient's own; with it the drug may act on the ``marrow``.
    """

    kind: Literal["cytotoxic"] = "cytotoxic"
    inducer: Inducer
    dose_unit: DrugUnit = "mg/m2"
    reference_dose: Sourced
    log_kill: Sourced
    fates: Fates
    host_damage: Sourced | None = None
    pk: Pharmacokinetics | None = None
    marrow: MarrowEffect | None = None

    @model_validator(mode="after")
    def _has_a_concentration(self) -> Cytotoxic:
        if self.marrow is not None and self.pk is None:
            raise ValueError("`marrow` acts by the concentration, and there is no `pk`")
        return self

    @model_validator(mode="after")
    def _repairs(self) -> Cytotoxic:
        if self.fates.wild_type.repair is None or self.fates.mutant.repair is None:
            raise ValueError("fates of a cytotoxic agent need `repair` for both p53 statuses")
        return self


class Radiation(_Agent):
    """Linear-quadratic survival of cycling cells per fraction, in the irradiated field only.

    ``host_damage``: senescent stromal burden, in Karin's units, that a fraction of 2 Gy adds. ``repair_half_time``, h:
    sublethal damage left of earlier fractions adds to a fraction's (Thames 1985); without it there is none left.
    """

    kind: Literal["radiation"] = "radiation"
    inducer: Inducer = "radiation"
    dose_unit: Literal["Gy"] = "Gy"
    fates: Fates
    host_damage: Sourced | None = None
    repair_half_time: Sourced | None = None

    @model_validator(mode="after")
    def _repairs_in_time(self) -> Radiation:
        if self.repair_half_time is not None and self.repair_half_time.value <= 0.0:
            raise ValueError(f"`repair_half_time` is {self.repair_half_time.value:g}; it must be above 0")
        return self


#: Senescent stromal cells die as tumour cells do, unless an agent says otherwise.
_AS_TUMOUR = Sourced(value=1.0, unit="fold", source="assumed as in the tumour", confidence="low")


class Senolytic(_Agent):
    """Kills senescent cells: hazard = emax C^h / (ec50^h + C^h), by inducer, maturity and BCL-2 class.

    h is 1, or ``hill``.

    ``host_effect`` is the fold of ``emax`` on senescent cells of the host's stroma.
    """

    kind: Literal["senolytic"] = "senolytic"
    dose_unit: DrugUnit = "mg"
    pk: Pharmacokinetics
    emax: Sourced
    ec50: Sourced
    hill: Sourced | None = None
    effect_by_inducer: dict[Inducer, Sourced]
    effect_by_class: dict[Literal["bcl_xl", "mcl_1"], Sourced]
    immature_effect: Sourced
    cycling_effect: Sourced
    host_effect: Sourced = _AS_TUMOUR
    platelets: PlateletEffect | None = None

    @model_validator(mode="after")
    def _covers_every_inducer(self) -> Senolytic:
        missing = [i for i in INDUCERS if i not in self.effect_by_inducer]
        if missing:
            raise ValueError(f"effect_by_inducer lacks {', '.join(missing)}")
        return self


class Induction(Frozen):
    """A stream into senescence of cycling and escaped cells: ``rate`` (1/day) at full effect."""

    inducer: Inducer
    rate: Sourced


class Targeted(_Agent):
    """Changes rates while it is there, by its effect E = C^h / (ec50^h + C^h) from 0 to 1; h is 1 or ``hill``.

    A fold f of ``effects`` multiplies its target by 1 + (f - 1) E. ``senescence`` and ``kill`` (1/day at full effect)
    act on cycling and escaped cells, at their rate times E.
    """

    kind: Literal["targeted"] = "targeted"
    dose_unit: DrugUnit = "mg"
    pk: Pharmacokinetics
    ec50: Sourced
    hill: Sourced | None = None
    effects: dict[Target, Sourced] = Field(default_factory=dict)
    senescence: Induction | None = None
    kill: Sourced | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Targeted:
        if not self.effects and self.senescence is None and self.kill is None:
            raise ValueError("a targeted agent needs `effects`, `senescence` or `kill`")
        if self.ec50.value <= 0.0:
            raise ValueError(f"`ec50` is {self.ec50.value:g}; it must be above 0")
        rates = {f"effects.{target}": fold for target, fold in self.effects.items()}
        if self.senescence is not None:
            rates["senescence.rate"] = self.senescence.rate
        if self.kill is not None:
            rates["kill"] = self.kill
        for name, number in rates.items():
            if number.value < 0.0:
                raise ValueError(f"`{name}` is {number.value:g}; it must not be below 0")
        return self


Agent = Annotated[Cytotoxic | Radiation | Senolytic | Targeted, Field(discriminator="kind")]
