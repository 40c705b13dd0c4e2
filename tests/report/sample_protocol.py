"""A resolved protocol for the report's tests: dose-dense chemotherapy and radiation, with or without navitoclax."""

from __future__ import annotations

from typing import Any

from trialsim.spec.resolved import ResolvedProtocol

RULE = {
    "name": "navitoclax-platelets",
    "hold_below": 75,
    "resume_above": 100,
    "reduce_percent": 25,
    "stop_after_holds": 3,
}


def sourced(value: float, unit: str, source: str, confidence: str = "med", **more: float) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": source, "confidence": confidence, **more}


def fates(senescence: float) -> dict[str, Any]:
    def fate(share: float) -> dict[str, Any]:
        return {
            "senescence": sourced(share, "fraction", "Jackson 2012 Cancer Cell", "med", low=0.05, high=0.97),
            "repair": sourced(0.1, "fraction", "assumed", "low"),
        }

    return {
        "wild_type": fate(senescence),
        "mutant": fate(0.25),
        "death_shift": sourced(5, "fold", "Eom 2005; Rebbaa 2003", "low", low=2, high=10),
    }


def cytotoxic(name: str, label: str, inducer: str, dose: float) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "kind": "cytotoxic",
        "inducer": inducer,
        "dose_unit": "mg/m2",
        "note": "Damages cycling cells in a pulse.",
        "reference_dose": sourced(dose, "mg/m2", "label dose", "high"),
        "log_kill": sourced(1.0, "log10", "Day et al., Br J Cancer", "med", low=0.5, high=2.0),
        "fates": fates(0.85),
    }


def senolytic() -> dict[str, Any]:
    inducers = (
        "dna_damage",
        "antimitotic",
        "radiation",
        "cell_cycle",
        "endocrine",
        "antibody",
        "spontaneous",
        "enzalutamide",
    )
    pk = {"clearance": 5, "volume": 120, "absorption": 0.35, "molar_mass": 974.6}
    return {
        "name": "navitoclax",
        "label": "Navitoclax",
        "kind": "senolytic",
        "dose_unit": "mg",
        "note": "BCL-2/BCL-xL/BCL-w inhibitor (ABT-263), oral.",
        "pk": {key: sourced(value, "per unit", "Kaefer 2014; Rudin 2012", "low") for key, value in pk.items()},
        "emax": sourced(0.21, "1/day", "Saleh 2020; Shahbandi 2020; Malaquin 2020", "low", low=0.09, high=0.53),
        "ec50": sourced(0.54, "umol/L", "He 2020 Nat Commun", "med"),
        "effect_by_inducer": {i: sourced(0.8, "fold", "Malaquin 2020 Cells 9:1593", "low") for i in inducers},
        "effect_by_class": {
            "bcl_xl": sourced(1, "fold", "Tse 2008", "high"),
            "mcl_1": sourced(0.05, "fold", "Tse 2008"),
        },
        "immature_effect": sourced(0, "fold", "Shahbandi 2020", "high"),
        "cycling_effect": sourced(0.017, "fold", "Shahbandi 2020", "high"),
        "platelets": {"emax": sourced(0.5, "1/day", "ASCO 2009"), "ec50": sourced(0.3, "umol/L", "He 2020")},
    }


def order(agent: str, dose: float, unit: str, days: list[float], starts: list[float], **more: Any) -> dict[str, Any]:
    return {
        "id": agent,
        "regimen": "ddac-t",
        "agent": agent,
        "dose": dose,
        "dose_unit": unit,
        "days": days,
        "cycle_starts": starts,
        "field": "systemic",
        "written": f"day {starts[0] + 1:g}",
        **more,
    }


def backbone() -> list[dict[str, Any]]:
    first = [14.0 * k for k in range(4)]
    second = [56 + 14.0 * k for k in range(4)]
    fractions = [126.0 + 7 * week + day for week in range(3) for day in range(5)]
    return [
        order("doxorubicin", 60, "mg/m2", first, first),
        order("cyclophosphamide", 600, "mg/m2", first, first),
        order("paclitaxel", 175, "mg/m2", second, second),
        order("radiation", 2.67, "Gy", fractions, [126.0], field="local", written="28 d after paclitaxel"),
    ]


def navitoclax(dose: float = 150) -> dict[str, Any]:
    starts = [154.0 + 28 * cycle for cycle in range(6)]
    days = [start + day for start in starts for day in range(7)]
    return order("navitoclax", dose, "mg", days, starts, rule=RULE, regimen="add", written="14 d after breast-rt")


def trait(name: str, unit: str, cases: dict[str, Any], by: str | None = None) -> dict[str, Any]:
    return {"name": name, "unit": unit, "by": by, "cases": cases}


def dist(kind: str, source: str, confidence: str, **parameters: float) -> dict[str, Any]:
    return {"kind": kind, "parameters": parameters, "source": source, "confidence": confidence}


def levels(source: str, **probabilities: float) -> dict[str, Any]:
    return {
        "kind": "categorical",
        "levels": list(probabilities),
        "probabilities": list(probabilities.values()),
        "source": source,
        "confidence": "high",
    }


def traits() -> dict[str, Any]:
    found = [
        trait("age", "yr", {"*": {**dist("normal", "METABRIC", "high", mean=54, sd=11), "lower": 25, "upper": 85}}),
        trait("sex", "", {"*": levels("adjuvant trials", female=0.99, male=0.01)}),
        trait("subtype", "", {"*": levels("METABRIC", luminal=0.62, her2=0.16, basal=0.22)}),
        trait("nodes", "", {"*": levels("METABRIC", negative=0.4, positive=0.6)}),
        trait(
            "p53_status",
            "",
            {
                "luminal": levels("METABRIC", wild_type=0.8, mutant=0.2),
                "her2": levels("METABRIC", wild_type=0.4, mutant=0.6),
                "basal": levels("METABRIC", wild_type=0.15, mutant=0.85),
            },
            by="subtype",
        ),
        trait(
            "doubling_time",
            "d",
            {
                "luminal": dist("lognormal", "Ryu 2014 Eur Radiol", "high", mu=5.3, sigma=0.5),
                "her2": dist("lognormal", "Ryu 2014", "high", mu=5.0, sigma=0.4),
                "basal": dist("lognormal", "Ryu 2014", "high", mu=4.6, sigma=0.4),
            },
            by="subtype",
        ),
        trait(
            "residual_burden",
            "cells",
            {"*": dist("loguniform", "fitted; no direct measurement", "low", low=1e2, high=1e7)},
        ),
        trait("foci", "", {"*": dist("constant", "Willis 2010 Cancer Res 70:4310", "high", value=2)}),
        trait(
            "senescence_escape_rate",
            "1/day",
            {"*": dist("loguniform", "Roberson 2005; Bajtai 2025", "med", low=5e-8, high=1e-5)},
        ),
        trait("platelet_baseline", "1e9/L", {"*": dist("normal", "reference interval", "high", mean=250, sd=50)}),
    ]
    return {entry["name"]: entry for entry in found}


def cohort() -> dict[str, Any]:
    gompertz = {
        "rate60_per_year": 0.00688,
        "slope_per_year": 0.0928,
        "source": "US life table 2014",
        "confidence": "high",
    }
    return {
        "name": "breast-high-risk",
        "title": "High-risk early breast cancer after surgery",
        "description": "Women with node-positive or large node-negative disease.",
        "traits": traits(),
        "correlations": [{"traits": ["doubling_time", "residual_burden"], "rho": -0.3}],
        "focus_spread": 0.8,
        "mortality": {"female": gompertz, "male": {**gompertz, "rate60_per_year": 0.01103, "slope_per_year": 0.086}},
        "post_relapse": {
            "local_median_days": 2200,
            "distant_median_days": 900,
            "source": "recalled",
            "confidence": "low",
        },
    }


#: A beginning that names of arms may share: longer than any room for a label, with words as wide as a box.
SHARED = "Doxorubicin + cyclophosphamide every 14 days, then paclitaxel, then hypofractionated radiotherapy, then "


def protocol_data(arms: int = 2, *, alike: bool = False) -> dict[str, Any]:
    """The content of protocol.resolved.yaml; a third arm gives less navitoclax, further ones as much as the second, one
    arm has no comparison. ``alike``: the names of all arms begin with the same hundred characters."""
    agents = [
        cytotoxic("doxorubicin", "Doxorubicin", "dna_damage", 60),
        cytotoxic("cyclophosphamide", "Cyclophosphamide", "dna_damage", 600),
        cytotoxic("paclitaxel", "Paclitaxel", "antimitotic", 175),
        {
            "name": "radiation",
            "label": "Radiotherapy",
            "kind": "radiation",
            "note": "Whole breast.",
            "fates": fates(0.85),
        },
        senolytic(),
    ]
    choices = {
        "control": ("ddAC-T + RT", backbone()),
        "navitoclax": ("ddAC-T + RT, then navitoclax", [*backbone(), navitoclax()]),
        "low-dose": ("ddAC-T + RT, then navitoclax 50 mg", [*backbone(), navitoclax(50)]),
    }
    for number in range(4, arms + 1):
        choices[f"schedule-{number}"] = (f"navitoclax in schedule {number}", [*backbone(), navitoclax()])
    chosen = list(choices)[:arms]
    begins = SHARED if alike else ""
    return {
        "trialsim": 1,
        "name": "breast-adjuvant-navitoclax",
        "title": "Navitoclax after adjuvant chemotherapy and radiotherapy for breast cancer",
        "description": "Does clearing therapy-induced senescent cells after standard adjuvant treatment delay relapse?",
        "cohort": cohort(),
        "agents": {agent["name"]: agent for agent in agents},
        "arms": {
            name: {"name": name, "label": begins + choices[name][0], "orders": choices[name][1]} for name in chosen
        },
        "randomisation": {
            "ratio": dict.fromkeys(chosen, 1),
            "block_sizes": [arms * 2, arms * 3],
            "strata": ["p53_status", "nodes"],
        },
        "accrual": {"patients": 600, "per_day": 25 / 30.4375, "ramp_days": 182.625, "sites": 30, "opens": "2026-01-05"},
        "follow_up": {
            "minimum_days": 36 * 30.4375,
            "scans": [
                {"every_days": 3 * 30.4375, "until_days": 24 * 30.4375},
                {"every_days": 6 * 30.4375, "until_days": None},
            ],
            "dropout_per_day": 0.02 / 365.25,
        },
        "detection": {
            "limit_cells": 1e9,
            "error_sd_log10": 0.1,
            "source": "Friberg & Mattson 1997",
            "confidence": "high",
        },
        "endpoint": {"primary": "rfs"},
        "analysis": {
            "reference": "control",
            "alpha": 0.025,
            "sided": 1,
            "test": "stratified_logrank",
            "confidence_level": 0.95,
            "landmarks_days": [36 * 30.4375, 60 * 30.4375],
            "rmst_tau_days": 54 * 30.4375,
            "subgroups": ["p53_status"],
        },
        "biology": {
            "p53_steering": 1,
            "escape": 1,
            "awakening": 1,
            "senolytic_kill": 1,
            "crowding": 1,
            "sasp.immune": 0.5,
        },
        "numerics": {"tolerance": 0.02, "max_step_days": 7},
    }


def sample_protocol(arms: int = 2, *, alike: bool = False) -> ResolvedProtocol:
    return ResolvedProtocol.model_validate(protocol_data(arms, alike=alike))
