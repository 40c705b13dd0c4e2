"""The traits a virtual patient has: names, units, and what each means.

A cohort file gives every trait a distribution. ``slot`` is the trait's fixed place in a patient's vector
of standard normal draws, so that a cohort which adds or drops a trait changes no other draw; slots are
never reused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Kinds of quantity; each name is also the kind that `trialsim.units` parses.
Dimension = Literal[
    "age",
    "time",
    "rate",
    "cells",
    "per_gray",
    "gray",
    "fold",
    "fraction",
    "count",
    "platelets",
    "weight",
    "height",
    "filtration",
    "neutrophils",
]


@dataclass(frozen=True)
class Trait:
    """One trait. ``levels`` is empty for a number; a category without fixed levels has ``("*",)``.

    ``usual`` is what every patient has where a cohort leaves the trait out; None: no cohort may.
    """

    name: str
    slot: int
    dimension: Dimension | None
    meaning: str
    levels: tuple[str, ...] = ()
    usual: float | None = None

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
    Trait("immune_kill_rate", 33, "rate", "immune killing per cycling or escaped cell, where no SASP suppresses it"),
    Trait("sasp_intensity", 34, "fold", "multiplier of a lesion's SASP load"),
    Trait("sasp_growth", 35, "fold", "net growth at SASP load 1 (10 % senescent cells), against none"),
    Trait("sasp_seeding", 36, "fold", "seeding of distant foci at SASP load 1, against none"),
    Trait(
        "sasp_immunosuppression",
        37,
        "fraction",
        "largest share of the immune killing that the SASP takes away",
    ),
    Trait("sasp_arrest", 38, "rate", "paracrine senescence per cycling or escaped cell at SASP load 1"),
    Trait("sasp_clearance", 39, "fold", "clearance of senescent cells at SASP load 1, against none"),
    Trait("sasp_waking", 40, "fold", "waking of dormant lesions at SASP load 1, against none"),
    Trait(
        "seeding_rate",
        41,
        "rate",
        "single cells seeded as new foci per cycling or escaped cell, without SASP; most die out",
    ),
    Trait("host_senescence", 42, "fold", "production of senescent stromal cells with age, against the typical host"),
    Trait(
        "f3_boost",
        43,
        "fold",
        "SASP weight that the F3 (tissue factor) state gives radiation-induced senescent cells; 1: none",
    ),
    Trait(
        "escape_brake",
        44,
        "fold",
        "level of the TSP1/CD47 brake on escape, against the typical tumour; escape times 2/(1 + brake)",
    ),
    Trait(
        "senescence_reversal_rate",
        45,
        "rate",
        "return to the cycle per reversibly senescent cell, off the drug that arrested it",
    ),
    Trait("body_weight", 46, "weight", "body weight, for doses per kg or m2 and for clearance", usual=70.0),
    Trait("body_height", 47, "height", "body height, for doses per m2", usual=166.6),
    Trait(
        "filtration",
        48,
        "filtration",
        "glomerular filtration rate, for doses by AUC and for clearance by the kidneys",
        usual=90.0,
    ),
    Trait("neutrophil_baseline", 49, "neutrophils", "neutrophil count before treatment, 1e9/L", usual=5.05),
)

#: Every trait, by name, in a fixed order.
TRAITS: dict[str, Trait] = {t.name: t for t in _ALL}
#: Those that every cohort gives.
REQUIRED_TRAITS: tuple[str, ...] = tuple(t.name for t in _ALL if t.usual is None)
#: Length of a patient's vector of standard normal draws; leaves room for traits to come.
SLOTS = 64

#: Mechanisms that a protocol can switch off or scale in its ``biology`` section. Each is a gain: 1 is the model as
#: published, 0 switches the mechanism off, values between and beyond scale it from there. A dotted name is a member of
#: a group (`GAIN_GROUPS`).
GAINS: dict[str, str] = {
    "p53_steering": "p53 status steers the fate of damaged cells (0: both statuses share the mean fate)",
    "chemo_senescence": "damage by chemotherapy can end in senescence (0: that share dies)",
    "radiation_senescence": "damage by radiation can end in senescence (0: that share dies)",
    "targeted_senescence": "targeted agents send cycling and escaped cells into senescence (0: they do not)",
    "spontaneous_senescence": "cycling cells senesce without treatment",
    "polyploidy": "only polyploid senescent cells can escape (0: every senescent cell can)",
    "escape": "senescent cells escape back into the cycle",
    "escape_brake": "TSP1/CD47 holds escape back more in some tumours than in others (0: as in the typical tumour)",
    "reversal": "reversibly senescent cells return to the cycle off the drug that arrested them",
    "awakening": "dormant lesions wake",
    "clearance": "the immune system removes senescent tumour cells",
    "immune_killing": "the immune system kills cycling and escaped cells",
    "seeding": "lesions seed new distant foci",
    "host_senescence": "senescent stromal cells build up with age and damage, and add to the SASP (0: there are none)",
    "crowding": "growth slows as a lesion grows (Gompertz; 0: exponential at the doubling time)",
    "senolytic_kill": "senolytics kill senescent (and, weakly, cycling) cells",
    "senolytic_resistance": "some senescent cells are out of reach of senolytics (0: none is)",
    "inducer_specificity": "senolytics act by what made a cell senescent (0: on all alike, by the mean over inducers)",
    "modulation": "targeted agents change rates, as senomorphics do (0: what they do to rates is nothing)",
    "toxicity": "treatment lowers blood counts (0: platelets and neutrophils stay at baseline)",
    "biomarker_error": "biomarkers err as stated (0: every biomarker tells the truth)",
    "escaper.establishment": "escapers found clones more readily than cycling cells (0: as readily)",
    "escaper.growth": "escapers grow faster than cycling cells (0: as fast)",
    "escaper.resistance": "escapers resist chemotherapy (0: they are hit like cycling cells)",
    "sasp.growth": "the SASP speeds the growth of neighbours",
    "sasp.seeding": "the SASP makes a lesion seed more foci",
    "sasp.immune": "the SASP suppresses immune killing",
    "sasp.arrest": "the SASP makes neighbours senescent (paracrine senescence)",
    "sasp.clearance": "the SASP recruits the clearance of senescent cells",
    "sasp.waking": "the SASP wakes dormant lesions",
    "sasp.f3": "radiation-induced senescent cells in the F3 state secrete more (0: like all others)",
}

#: Groups of gains, whose members are called ``group.member``. One number for the group stands for every member.
GAIN_GROUPS: dict[str, str] = {
    "escaper": "what sets escapers apart from cycling cells (0: nothing)",
    "sasp": "every effect of the senescence-associated secretory phenotype (0: none)",
}
