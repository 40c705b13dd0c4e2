"""Contents of a run folder for the report's tests: seeded patients, analysed by trialsim's own analysis."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.report.sample_protocol import protocol_data, sample_protocol
from tests.saved import read, saved
from trialsim.analysis import AnalysisPlan, SurvivalData, analyse, summarise
from trialsim.analysis.conclusion import conclude
from trialsim.report.page import render
from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.reported.trial import Shown, TrialSummary
from trialsim.results import FORMAT, Manifest
from trialsim.spec.resolved import ResolvedProtocol

MONTH = 30.4375
KINDS = ("discontinuation", "new_therapy", "crossover", "rescue")
#: An arm in which no dose was held and no count was low.
QUIET = {
    "treated": 9,
    "doses": {"given": 90},
    "stopped_for_toxicity": 0,
    "grades": dict.fromkeys(("platelets", "neutrophils")),
}
CAUSES = (
    "residual growth",
    "awakened dormancy",
    "TIS escape (DNA damage)",
    "TIS escape (radiation)",
    "SASP-aided seeding",
)


def patients(arms: tuple[str, ...], n: int, seed: int, *, delayed: bool = False, silent: bool = False) -> SurvivalData:
    """Exponential relapse and death with staggered entry. ``delayed``: the effect starts after 20 months
    and then is strong, so hazards cross; ``silent``: nobody has an event."""
    rng = np.random.default_rng(seed)
    arm = np.array([arms[i % len(arms)] for i in range(n)], dtype=object)
    p53 = np.where(rng.random(n) < 0.58, "wild_type", "mutant").astype(object)
    nodes = np.where(rng.random(n) < 0.4, "negative", "positive").astype(object)
    treated = arm != arms[0]
    effect = np.where(treated, np.where(p53 == "wild_type", 0.55, 0.9), 1.0)
    rate = np.where(p53 == "mutant", 1 / 60, 1 / 85) / MONTH
    relapse = rng.exponential(1.0, n) / (rate * (np.ones(n) if delayed else effect))
    if delayed:
        late = 20 * MONTH + (relapse - 20 * MONTH) / np.where(treated, 0.3, 1.0)
        relapse = np.where(relapse > 20 * MONTH, late, relapse / np.where(treated, 1.25, 1.0))
    relapse = np.ceil(relapse / 91) * 91
    death = rng.exponential(520 * MONTH, n)
    leaving = np.minimum(rng.exponential(600 * MONTH, n), (36 + 27 * rng.random(n)) * MONTH)
    if silent:
        relapse, death = np.full(n, 1e6), np.full(n, 1e6)
    time = np.ceil(np.minimum.reduce([relapse, death, leaving])) + 1
    event = np.minimum(relapse, death) <= leaving
    kind = np.where(relapse <= death, "relapse", "death").astype(object)
    cause = np.array([rng.choice(CAUSES, p=[0.34, 0.2, 0.24, 0.16, 0.06]) for _ in range(n)], dtype=object)
    cause[(kind == "death") | ~event] = ""
    return SurvivalData(
        time_days=time,
        event=event,
        arm=arm,
        strata=np.array([f"{a} / {b}" for a, b in zip(p53, nodes, strict=True)], dtype=object),
        strata_names=("p53_status", "nodes"),
        event_type=kind,
        cause=cause,
        covariates=pd.DataFrame({"p53_status": p53}),
        reference=arms[0],
    )


def analysis_of(data: SurvivalData, labels: dict[str, str]) -> dict[str, Any]:
    plan = AnalysisPlan(
        reference=next(iter(labels)),
        arms=labels,
        alpha=0.025,
        sided=1,
        test="stratified_logrank",
        landmarks_days=(36 * MONTH, 60 * MONTH),
        rmst_tau_days=54 * MONTH,
        subgroups=("p53_status",),
        paramcd="RFS",
        label="Relapse-free survival",
    )
    return saved(analyse(data, plan))


def concluded(analysis: dict[str, Any]) -> SurvivalAnalysis:
    """The analysis with its conclusions drawn anew, after something in it was changed."""
    given = read(SurvivalAnalysis, analysis)
    keys = ("reference", "alpha", "sided", "test", "confidence_level")
    plan = AnalysisPlan(arms=dict.fromkeys(given.arms, ""), **{key: analysis[key] for key in keys})
    found = conclude(given.comparisons, plan, given.looks or given.enrichment)
    rows = (replace(row, conclusion=own) for row, own in zip(given.comparisons, found, strict=True))
    return replace(given, comparisons=tuple(rows))


def flow_of(analysis: dict[str, Any]) -> dict[str, Any]:
    arms = {}
    for arm, entry in analysis["arms"].items():
        n, events = entry["n"], entry["events"]
        died, withdrew = events // 9, (n - events) // 12
        stopped = {"relapse": n // 40, "platelets": n // 16} if arm != analysis["reference"] else {"relapse": n // 50}
        never = n // 100
        arms[arm] = {
            "label": entry["label"],
            "allocated": n,
            "law": None,
            "started_treatment": n - never,
            "never_treated": never,
            "completed_treatment": n - never - sum(stopped.values()),
            "stopped_treatment": stopped,
            "on_treatment_at_cut": 0,
            "relapsed": events - died,
            "died_without_relapse": died,
            "withdrew": withdrew,
            "lost": None,
            "event_free_at_cut": n - events - withdrew,
            "analysed": n,
        }
    n = analysis["n"]
    cut = {"day": 2000.0, "date": "2030-06-24", "by": "the last patient's follow-up"}
    return {"data_cut": cut, "screened": n, "excluded": {}, "enrolled": n, "randomised": n, "arms": arms}


def baseline_of(analysis: dict[str, Any]) -> dict[str, Any]:
    arms = analysis["arms"]

    def numbers(low: float, middle: float, high: float) -> dict[str, Any]:
        return {arm: {"median": middle + i, "q1": low, "q3": high} for i, arm in enumerate(arms)}

    split = {
        arm: {"levels": {"wild_type": entry["n"] * 58 // 100, "mutant": entry["n"] - entry["n"] * 58 // 100}}
        for arm, entry in arms.items()
    }
    return {
        "rows": [
            {"trait": "age", "label": "Age", "unit": "yr", "arms": numbers(46.2, 54.0, 62.5)},
            {"trait": "p53_status", "label": "TP53 status", "unit": "", "arms": split},
            {"trait": "doubling_time", "label": "Doubling time", "unit": "d", "arms": numbers(104, 152, 231)},
            {
                "trait": "residual_burden",
                "label": "Residual local burden, if any",
                "unit": "cells",
                "arms": numbers(1.6e3, 3.2e4, 5.6e5),
            },
            {
                "trait": "senescence_escape_rate",
                "label": "Escape from senescence",
                "unit": "1/day",
                "arms": {arm: {"median": 7.1e-7, "q1": 1.9e-7, "q3": 2.6e-6} for arm in arms},
            },
        ]
    }


def story(patient: int, arm: str, label: str, seed: int, *, cured: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    days = np.arange(0.0, 1500.0, 12.0)
    cycling = 3e4 * np.exp(-0.14 * np.minimum(days, 112)) * np.exp(0.0115 * np.maximum(days - 112, 0))
    cycling = np.floor(cycling) if not cured else np.floor(3e4 * np.exp(-0.18 * np.minimum(days, 140)))
    cycling[days > 1300] = cycling[days > 1300][:1] if not cured else 0
    senescent = np.floor(2.4e4 * (1 - np.exp(-days / 30)) * np.exp(-days / 260) * (0.1 if cured else 1))
    escaped = np.floor(np.where(days > 260, np.exp(0.0225 * (days - 260)), 0)) if not cured else np.zeros(days.size)
    seen = next((float(d) for d, e in zip(days, escaped, strict=True) if e > 7e8), None)
    keep = days <= (seen + 80 if seen is not None else 1500)
    scans = [
        {"day": day, "found": bool(seen and day >= seen)}
        for day in np.arange(91.0, 1500.0, 91.0)
        if not seen or day < seen + 91
    ]
    weeks = np.arange(0.0, 420.0, 7.0)
    cycle = ((weeks >= 154) & (weeks < 322) & ((weeks - 154) % 28 < 7)) if arm != "control" else weeks < 0
    relapse = (
        None
        if cured
        else {
            "site": "distant",
            "latent_day": seen,
            "detected_day": next((s["day"] for s in scans if s["found"]), None),
            "cells": 1.2e9,
            "limit": 1e9,
            "cause": "TIS escape (DNA damage)",
            "lineage": {"TIS escape (DNA damage)": 0.93, "residual growth": 0.07},
        }
    )
    orders = protocol_data()["arms"][arm if arm == "control" else "navitoclax"]["orders"]
    doses = sorted(
        (
            {"day": day, "agent": o["agent"], "label": o["agent"].capitalize(), "fraction": 1.0 if day < 240 else 0.75}
            for o in orders
            for day in o["days"]
        ),
        key=lambda dose: (dose["day"], dose["agent"]),
    )
    return {
        "patient": patient,
        "usubjid": f"NAVI-{patient:05d}",
        "arm": arm,
        "arm_label": label,
        "traits": {
            "age": 51.3,
            "sex": "female",
            "subtype": "luminal",
            "nodes": "positive",
            "p53_status": "wild_type",
            "doubling_time": 148.2,
            "residual_burden": 30210.0,
            "senescence_escape_rate": 3.1e-7,
            "platelet_baseline": 246.0,
        },
        "outcome": "Event-free at the data cut." if cured else "Relapsed after treatment was completed.",
        "doses": doses,
        "scans": scans,
        "biomarkers": [],
        "withheld": [],
        "relapse": relapse,
        "death_day": None,
        "time": days[keep].tolist(),
        "series": {
            "cycling": cycling[keep].tolist(),
            "dormant": np.where(days < 700, 40.0, 0.0)[keep].tolist(),
            "senescent": senescent[keep].tolist(),
            "escaped": escaped[keep].tolist(),
        },
        "platelets": {
            "time": weeks.tolist(),
            "value": np.round(246 - 150 * cycle + rng.normal(0, 8, weeks.size), 1).tolist(),
        },
        "lesions": [],
    }


def stories_of(analysis: dict[str, Any]) -> dict[str, Any]:
    chosen = [
        story(17 + 31 * i + 5 * cured, arm, entry["label"], i, cured=bool(cured))
        for i, (arm, entry) in enumerate(analysis["arms"].items())
        for cured in (0, 1)
    ]
    return {
        "selection": "Two patients of each arm, drawn at random by the run's seed: one with relapse, one without.",
        "detection_limit": 1e9,
        "patients": chosen,
    }


def summary_of(analysis: dict[str, Any]) -> dict[str, Any]:
    short = saved(summarise(read(SurvivalAnalysis, analysis)))
    arms = {
        arm: {
            **short["arms"][arm],
            "relapses": {"local": 0, "distant": entry["events"]},
            "deaths_without_relapse": 0,
            "censored": {},
            "causes": {},
            "dose_intensity": 0.97 if arm == analysis["reference"] else 0.89,
            "grade34_thrombocytopenia_percent": 0.7 if arm == analysis["reference"] else 14.3,
        }
        for arm, entry in analysis["arms"].items()
    }
    head = {"protocol": "breast-adjuvant-navitoclax", "seed": 7, "version": "0.1.0", "digest": "0f" * 32}
    runtime = {"simulation_seconds": 1.0, "analysis_seconds": 1.0}
    return {**head, "reference": "", "departures": [], "arms": arms, "comparisons": [], "runtime": runtime}


MANIFEST = {
    "format": FORMAT,
    "trialsim": "run",
    "version": "0.1.0",
    "seed": 7,
    "protocol": "breast-adjuvant-navitoclax",
    "command": "trialsim run protocols/breast-adjuvant-navitoclax.yaml --seed 7",
    "digests": {"protocol": "6a" * 32, "data": "0f" * 32},
    "packages": {"numpy": "2.4.6", "scipy": "1.17.1", "pandas": "2.3.3"},
    "python": "3.11.7",
}


@functools.lru_cache(maxsize=16)
def _contents(arms: int, n: int, delayed: bool, silent: bool, long: bool, alike: bool) -> str:
    protocol = protocol_data(arms, alike=alike)
    labels = {
        name: arm["label"] + (" with a very long name that goes on and on" * 3 if long else "")
        for name, arm in protocol["arms"].items()
    }
    analysis = analysis_of(patients(tuple(labels), n, 11, delayed=delayed, silent=silent), labels)
    results = {
        "analysis": analysis,
        "flow": flow_of(analysis),
        "allocation": {"method": "blocks", "rows": [], "largest_in_stratum": 0.0},
        "baseline": baseline_of(analysis),
        "biomarkers": [],
        "intercurrent": {
            "strategies": dict.fromkeys(KINDS, "treatment-policy"),
            "arms": {arm: dict.fromkeys(KINDS, 0) for arm in labels},
            "stratum": None,
        },
        "waiting": [],
        "harm": {arm: QUIET for arm in labels},
        "stories": stories_of(analysis),
    }
    return json.dumps({"results": results, "summary": summary_of(analysis), "manifest": MANIFEST})


def contents(
    *,
    arms: int = 2,
    n: int = 600,
    delayed: bool = False,
    silent: bool = False,
    long: bool = False,
    alike: bool = False,
) -> dict[str, Any]:
    """results, summary and manifest of a made-up run; a fresh copy at each call."""
    return json.loads(_contents(arms, n, delayed, silent, long, alike))


def page_from(protocol: ResolvedProtocol, made_up: dict[str, Any]) -> str:
    """The page of a made-up run."""
    forms = {"results": Shown, "summary": TrialSummary, "manifest": Manifest}
    return render(protocol, *(read(form, made_up[name]) for name, form in forms.items()))


def write_run(folder: Path, made_up: dict[str, Any], arms: int = 2) -> Path:
    """A run folder with the four files that a report is made of (the protocol as JSON, which is YAML)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("results", "summary", "manifest"):
        (folder / f"{name}.json").write_text(json.dumps(made_up[name]), encoding="utf-8")
    (folder / "protocol.resolved.yaml").write_text(sample_protocol(arms).model_dump_json(), encoding="utf-8")
    return folder
