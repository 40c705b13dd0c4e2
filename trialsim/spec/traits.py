"""The traits a virtual patient has: names, units, and what each means.

A cohort file gives every trait a distribution. ``slot`` is the trait's fixed place in a patient's vector
of standard normal draws, so that a cohort which adds or drops a trait changes no other draw; slots are
never reused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Kinds of quantity; each name is also the kind that `trialsim.units` parses.
Dimension = Literal["age", "time", "rate", "cells", "per_gray", "gray", "fold", "fraction", "count", "platelets"]


@dataclass(frozen=True)
class Trait:
    """One trait. ``levels`` is empty for a number; a category without fixed levels has ``("*",)``."""

    name: str
    slot: int
    dimension: Dimension | None
    meaning: str
    levels: tuple[str, ...] = ()

    @property
    def is_category(self) -> bool:
        return bool(self.levels)


_ALL = (
    Trait("age", 0, "age", "age at randomisation"),
    Trait("sex", 1, None, "sex, for background mortality", ("female", "male")),
    Trait("subtype", 2, None, "tumour subtype; other traits may depend on it", ("*",)),
    Trait("nodes", 3, None, "nodal status; other traits may depend on it", ("*",)),
    Trait("p53_status", 4, None, "TP53 status of the tumour", ("wild_type", "mutant")),
    Trait("doubling_time", 5, "time", "volume doubling time of a lesion of `doubling_time_burden` cells"),
    Trait(
        "birth_rate",
        6,
        "rate",
        "divisions per cycling cell at that burden; death and arrest make up the difference to net growth",
    ),
    Trait("carrying_capacity", 7, "cells", "cells at which a lesion stops growing (Gompertz plateau)"),
    Trait("local_residual_prob", 8, "fraction", "chance that surgery left tumour cells in the local bed"),
    Trait("residual_burden", 9, "cells", "cycling cells left in the local bed, when any were left"),
    Trait("foci", 10, "count", "mean number of disseminated foci (Poisson)"),
    Trait("focus_burden", 11, "cells", "patient's median number of cells in a disseminated focus"),
    Trait("dormant_prob", 12, "fraction", "chance that a disseminated focus is dormant"),
    Trait("spontaneous_senescence_rate", 13, "rate", "senescence per cycling cell without treatment"),
    Trait("dormancy_escape_rate", 14, "rate", "awakening of a dormant lesion, per lesion"),
    Trait("senescence_escape_rate", 15, "rate", "escape per polyploid, escape-competent senescent cell"),
    Trait("polyploid_fraction", 16, "fraction", "share of cells that turn polyploid on becoming senescent"),
    Trait("maturation_time", 17, "time", "mean time from arrest to the mature senescent state"),
    Trait("escape_latency", 18, "time", "mean time from arrest to escape competence"),
    Trait("senescent_clearance_rate", 19, "rate", "immune removal per senescent tumour cell"),
    Trait("escaper_establishment", 20, "fold", "chance that an escaper founds a clone, against a cycling cell's"),
    Trait("escaper_growth", 21, "fold", "net growth of escapers, against cycling cells"),
    Trait("escaper_resistance", 22, "fold", "division of chemotherapy damage in escapers"),
    Trait(
        "chemo_response",
        23,
        None,
        "whether the tumour responds to chemotherapy",
        ("responsive", "unresponsive"),
    ),
    Trait("chemosensitivity", 24, "fold", "multiplier of chemotherapy damage"),
    Trait("radio_alpha", 25, "per_gray", "linear-quadratic alpha"),
    Trait("radio_alpha_beta", 26, "gray", "linear-quadratic alpha/beta"),
    Trait("bcl2_class", 27, None, "anti-apoptotic dependence of senescent cells", ("bcl_xl", "mcl_1")),
    Trait("senolytic_sensitivity", 28, "fold", "multiplier of senolytic killing"),
    Trait(
        "senolytic_resistant_fraction",
        29,
        "fraction",
        "share of new senescent cells that senolytics cannot kill",
    ),
    Trait("drug_clearance", 30, "fold", "drug clearance against the typical patient"),
    Trait("doubling_time_burden", 32, "cells", "cells of a lesion at which the doubling time was measured"),
    Trait("platelet_baseline", 31, "platelets", "platelet count before treatment, 1e9/L"),
)

#: Every trait, by name, in a fixed order.
TRAITS: dict[str, Trait] = {t.name: t for t in _ALL}
#: Length of a patient's vector of standard normal draws; leaves room for traits to come.
SLOTS = 64

#: Mechanisms that a protocol can switch off or scale with one key of its ``biology`` section.
#: Each is a gain: 1 is the model as published, 0 switches it off.
GAINS: dict[str, str] = {
    "p53_steering": "p53 status steers the fate of damaged cells (0: both statuses share the mean fate)",
    "chemo_senescence": "damage by chemotherapy can end in senescence (0: that share dies)",
    "radiation_senescence": "damage by radiation can end in senescence (0: that share dies)",
    "spontaneous_senescence": "cycling cells senesce without treatment",
    "escape": "polyploid senescent cells escape back into the cycle",
    "awakening": "dormant lesions wake",
    "clearance": "the immune system removes senescent tumour cells",
    "senolytic_kill": "senolytics kill senescent (and, weakly, cycling) cells",
    "crowding": "growth slows as a lesion grows (Gompertz; 0: exponential at the doubling time)",
}
