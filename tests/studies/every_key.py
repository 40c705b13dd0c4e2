"""Every key of a protocol file, and for each a pair of protocols that differ in it alone."""

from __future__ import annotations

import copy
import json
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from trialsim.spec.written_protocol import WrittenProtocol

ROOT = Path(__file__).parents[2]
Edits = Mapping[str, Any]
Pair = tuple[Edits, Edits]
"""What is set in `TEMPLATE`, by key: in both protocols, and in the second one alone. None takes a key away."""


def walked() -> set[str]:
    """Every key of a protocol file; ``*`` is any name, or any item of a list."""
    return set(_keys(WrittenProtocol, ""))


def _keys(kind: Any, at: str) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            yield from _keys(info.annotation, f"{at}.{info.alias or name}".removeprefix("."))
        return
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _keys(inner[0], at)
    elif origin in (list, dict):
        yield from _keys(inner[-1], f"{at}.*")
    elif origin in (Union, types.UnionType):
        for one in inner:
            if one is not type(None):
                yield from _keys(one, at)
    else:
        # Names and items that are plain values are what stands at the key itself.
        while at.endswith(".*"):
            at = at.removesuffix(".*")
        yield at


TEMPLATE: dict[str, Any] = {
    "trialsim": 1,
    "name": "every-key",
    "cohort": str(ROOT / "cohorts" / "breast-high-risk.yaml"),
    "regimens": {
        "chemo": [{"agent": "doxorubicin", "dose": "60 mg/m2", "start": "day 1", "every": "21 d", "cycles": 4}],
        "more": [{"agent": "navitoclax", "dose": "325 mg", "start": "day 85", "every": "28 d", "cycles": 2}],
    },
    "arms": {
        "control": {"give": ["chemo"]},
        "senolytic": {
            "give": ["chemo"],
            "add": [{"agent": "navitoclax", "dose": "325 mg", "start": "day 85", "every": "28 d", "cycles": 2}],
        },
        "by-regimen": {"give": ["chemo", "more"]},
    },
    "rules": {
        "strict": {"hold_below": "150e9/L", "resume_above": "180e9/L", "reduce": 0.33, "stop_after_holds": 3},
        "marrow": {
            "neutrophils": {"hold_below": "4.5e9/L", "resume_above": "5e9/L"},
            "reduce": 0.25,
            "stop_after_holds": 4,
            "delay": "7 d",
            "longest_delay": "21 d",
        },
    },
    "biomarkers": {
        "assay": {
            "measures": "senescent_burden",
            "threshold": "1e5 cells",
            "sensitivity": 0.8,
            "specificity": 0.8,
            "source": "made up",
            "confidence": "low",
        },
        "score": {
            "measures": "senescent_burden",
            "threshold": "1e5 cells",
            "noise": 0.3,
            "cutoff": "1e5 cells",
            "background": "1 cells",
            "source": "made up",
            "confidence": "low",
        },
    },
    "panels": {"both": {"markers": ["assay", "score"], "positive_if": "all"}},
    "accrual": {"patients": 60, "per_month": 20},
    "follow_up": {"minimum": "36 mo", "scans": {"every": "6 mo"}},
}


def protocol_file(path: Path, *edits: Edits) -> Path:
    """`TEMPLATE` with edits, as a file: JSON is YAML."""
    data = copy.deepcopy(TEMPLATE)
    for key, value in (item for part in edits for item in part.items()):
        here: Any = data
        *way, last = (int(part) if part.isdecimal() else part for part in key.split("."))
        for part in way:
            here = here[part] if isinstance(here, list) else here.setdefault(part, {})
        if value is None:
            del here[last]
        else:
            here[last] = copy.deepcopy(value)
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    return path


def _order(key: str, second: Any, first: Any = None, **both: Any) -> dict[str, Pair]:
    """The pair of an order's key, of the arm's own order and of the regimen's. ``both``: keys of both protocols."""
    pairs: dict[str, Pair] = {}
    for named, place in (("arms.*.add.*", "arms.senolytic.add.0"), ("regimens.*.*", "regimens.more.0")):
        own = f"{place}.{key}"
        before: dict[str, Any] = {f"{place}.{name.replace('__', '.')}": value for name, value in both.items()}
        if first is not None:
            before[own] = first
        pairs[f"{named}.{key}"] = (before, {own: second})
    return pairs


_RADIATION = {"agent": "radiation", "dose": "2.67 Gy", "every": None, "cycles": None, "fractions": 15}
_IN_DAYS = {"days_on": 14}
_NAMED = {
    "arms.senolytic.add": [
        {"agent": "paclitaxel", "dose": "175 mg/m2", "start": "day 1", "every": "14 d", "cycles": 2, "id": "x"},
        {"agent": "paclitaxel", "dose": "175 mg/m2", "start": "day 90", "every": "14 d", "cycles": 2, "id": "y"},
        {"agent": "navitoclax", "dose": "325 mg", "start": "1 d after x", "every": "28 d", "days_on": 14, "cycles": 2},
    ]
}
_NAMED_REGIMEN = {"regimens.more": _NAMED["arms.senolytic.add"]}
_RULED = {"arms.senolytic.add.0.rules": "strict", "arms.senolytic.add.0.days_on": 21}
_DELAYED = {"regimens.chemo.0.rules": "marrow", "regimens.chemo.0.every": "14 d"}
_TESTED = {"arms.senolytic.add.0.give_if": "assay positive at day 80", "arms.senolytic.add.0.days_on": 14}
_SCORED = {"arms.senolytic.add.0.give_if": "score positive at day 80", "arms.senolytic.add.0.days_on": 14}
_BOTH = {"arms.senolytic.add.0.give_if": "both positive at day 80", "arms.senolytic.add.0.days_on": 14}
_GUIDED = {"days_on": 14}

#: Keys that a study honours, and what shows it: the two protocols have other results.
HONOURED: dict[str, Pair] = {
    "name": ({}, {"name": "another-name"}),
    "cohort": ({}, {"cohort": str(ROOT / "cohorts" / "breast-early.yaml")}),
    "agents": ({}, {"agents.navitoclax.ec50": "0.05 umol/L"}),
    "arms.*.label": ({}, {"arms.senolytic.label": "Another label"}),
    "arms.*.give": ({}, {"arms.senolytic.give": []}),
    **_order("agent", "doxorubicin", dose="75 mg/m2", agent="docetaxel"),
    **_order("dose", "150 mg", **_IN_DAYS),
    **_order("start", "day 120", **_IN_DAYS),
    **_order("every", "35 d", **_IN_DAYS),
    **_order("cycles", 3, **_IN_DAYS),
    **_order("days_on", 20, 7),
    **_order("on_days", [1, 8, 15], [1, 2, 3]),
    **_order("in_cycles", "odd", **_IN_DAYS),
    **_order("weekdays", "mon-fri", **_IN_DAYS),
    **_order("until", "day 120", "day 180", cycles=None, **_IN_DAYS),
    **_order("lead_in.dose", "50 mg", lead_in={"dose": "150 mg", "days": 7}, **_IN_DAYS),
    **_order("lead_in.days", 14, lead_in={"dose": "150 mg", "days": 7}, **_IN_DAYS),
    **_order("loading.dose", "50 mg", loading={"dose": "150 mg", "doses": 7}, **_IN_DAYS),
    **_order("loading.doses", 14, loading={"dose": "150 mg", "doses": 7}, **_IN_DAYS),
    # To the whole body: at the bed alone, few of these patients have anything to lose.
    **_order("fractions", 25, field="systemic", **_RADIATION),
    **_order("per_week", 3, field="systemic", **_RADIATION),
    **_order("field", "systemic", **_RADIATION),
    **_order("rules", "strict", **_IN_DAYS),
    **_order("give_if", "assay positive at day 80", **_GUIDED),
    **_order("give_if.panel", "both", give_if={"panel": "assay", "day": "day 80"}, **_GUIDED),
    **_order("give_if.marker", "score", give_if={"marker": "assay", "day": "day 80"}, **_GUIDED),
    **_order("give_if.day", "day 2", give_if={"panel": "score", "day": "day 80"}, **_GUIDED),
    "arms.*.add.*.id": (_NAMED, {"arms.senolytic.add.0.id": "y", "arms.senolytic.add.1.id": "x"}),
    "regimens.*.*.id": (_NAMED_REGIMEN, {"regimens.more.0.id": "y", "regimens.more.1.id": "x"}),
    "follow_up.minimum": ({}, {"follow_up.minimum": "24 mo"}),
    "follow_up.scans.every": ({}, {"follow_up.scans.every": "3 mo"}),
    "follow_up.scans.then": ({"follow_up.scans.every": "6 mo until 12 mo", "follow_up.scans.then": "6 mo"},
                             {"follow_up.scans.then": "3 mo"}),
    "follow_up.scans.*.every": ({"follow_up.scans": [{"every": "6 mo"}]}, {"follow_up.scans.0.every": "4 mo"}),
    "follow_up.scans.*.until": ({"follow_up.scans": [{"every": "6 mo", "until": "12 mo"}, {"every": "3 mo"}]},
                                {"follow_up.scans.0.until": "24 mo"}),
    "follow_up.window": ({}, {"follow_up.window": "7 d"}),
    "follow_up.missed": ({}, {"follow_up.missed": "90 %"}),
    "intercurrent.new_therapy.rate": ({}, {"intercurrent.new_therapy": {"rate": "95 %/yr"}}),
    "detection.limit": ({}, {"detection.limit": "1e8 cells"}),
    "detection.error_sd_log10": ({}, {"detection.error_sd_log10": 0.4}),
    "analysis.reference": ({}, {"analysis.reference": "senolytic"}),
    "biology": ({}, {"biology.escape": 10}),
    "numerics.tolerance": ({}, {"numerics.tolerance": 0.3}),
    "numerics.max_step": ({}, {"numerics.max_step": "5 d"}),
    "pharmacology.adherence": ({"arms.senolytic.add.0.days_on": 14}, {"pharmacology.adherence": 0.5}),
    "rules.*.hold_below": (_RULED, {"rules.strict.hold_below": "100e9/L"}),
    "rules.*.resume_above": (_RULED, {"rules.strict.resume_above": "230e9/L"}),
    "rules.*.reduce": (_RULED, {"rules.strict.reduce": 0.7}),
    "rules.*.stop_after_holds": (_RULED, {"rules.strict.stop_after_holds": 1}),
    "rules.*.neutrophils.hold_below": (_DELAYED, {"rules.marrow.neutrophils.hold_below": "1e9/L"}),
    "rules.*.neutrophils.resume_above": (_DELAYED, {"rules.marrow.neutrophils.resume_above": "7e9/L"}),
    "rules.*.delay": (_DELAYED, {"rules.marrow.delay": "3 d"}),
    "rules.*.longest_delay": (_DELAYED, {"rules.marrow.longest_delay": "7 d"}),
    "biomarkers.*.measures": (_TESTED, {"biomarkers.assay.measures": "senescent_fraction",
                                        "biomarkers.assay.threshold": 0.9}),
    "biomarkers.*.threshold": (_TESTED, {"biomarkers.assay.threshold": "1e12 cells"}),
    "biomarkers.*.sensitivity": (_TESTED, {"biomarkers.assay.sensitivity": 0.1}),
    "biomarkers.*.specificity": (_TESTED, {"biomarkers.assay.specificity": 0.1}),
    "biomarkers.*.noise": (_SCORED, {"biomarkers.score.noise": 3.0}),
    "biomarkers.*.cutoff": (_SCORED, {"biomarkers.score.cutoff": "1e10 cells"}),
    "biomarkers.*.background": (_SCORED, {"biomarkers.score.background": "1e9 cells"}),
    "panels.*.markers": (_BOTH, {"panels.both.markers": ["assay"]}),
    "panels.*.positive_if": (_BOTH, {"panels.both.positive_if": "any"}),
}  # fmt: skip

#: A value for each key that has no part in a study, which changes nothing.
WITHOUT_PART: dict[str, Pair] = {
    "title": ({}, {"title": "Another title"}),
    "description": ({}, {"description": "Another description"}),
    "detection.source": ({}, {"detection.source": "another source"}),
    "detection.confidence": ({}, {"detection.confidence": "low"}),
    "biomarkers.*.label": (_TESTED, {"biomarkers.assay.label": "Another label"}),
    "biomarkers.*.source": (_TESTED, {"biomarkers.assay.source": "another source"}),
    "biomarkers.*.confidence": (_TESTED, {"biomarkers.assay.confidence": "med"}),
    "intercurrent.new_therapy.hazard_ratio": (
        {"intercurrent.new_therapy": {"rate": "50 %/yr"}},
        {"intercurrent.new_therapy.hazard_ratio": 0.5},
    ),
    "accrual.patients": ({}, {"accrual.patients": 300}),
    "accrual.per_month": ({}, {"accrual.per_month": [{"rate": 3, "until": "6 mo"}, {"rate": 30}]}),
    "accrual.ramp": ({}, {"accrual.ramp": "6 mo"}),
    "accrual.arrivals": ({}, {"accrual.arrivals": "fixed"}),
    "accrual.sites": ({}, {"accrual.sites": {"number": 3, "open": {"every": "2 wk"}}}),
    "accrual.opens": ({}, {"accrual.opens": "2030-01-01"}),
    "accrual.pauses": ({}, {"accrual.pauses": [{"from": "1 mo", "for": "3 mo"}]}),
    "accrual.screening_failure": ({}, {"accrual.screening_failure": 0.3}),
    "randomisation": ({}, {"randomisation": {"ratio": {"control": 1, "senolytic": 2, "by-regimen": 3}}}),
    "follow_up.dropout": ({}, {"follow_up.dropout": "20 %/yr"}),
    "follow_up.lost": ({}, {"follow_up.lost": "20 %/yr"}),
    "follow_up.cut": ({}, {"follow_up.cut": {"events": 20}}),
    "intercurrent.crossover": ({}, {"intercurrent.crossover": {"from": "control", "to": "senolytic", "share": 0.5}}),
    "intercurrent.rescue": ({}, {"intercurrent.rescue": {"share": 0.5, "survival_ratio": 2}}),
    "endpoint": ({}, {"endpoint": {"primary": "os", "estimand": "hypothetical"}}),
    "analysis.alpha": ({}, {"analysis.alpha": 0.05}),
    "analysis.sided": ({}, {"analysis.sided": 2}),
    "analysis.test": ({"randomisation.strata": ["p53_status"]}, {"analysis.test": "stratified_logrank"}),
    "analysis.confidence_level": ({}, {"analysis.confidence_level": 0.8}),
    "analysis.landmarks": ({}, {"analysis.landmarks": ["6 mo"]}),
    "analysis.rmst_tau": ({}, {"analysis.rmst_tau": "12 mo"}),
    "analysis.subgroups": ({}, {"analysis.subgroups": ["p53_status"]}),
    "analysis.looks": ({"follow_up.cut": {"events": 20}}, {"analysis.looks": {"at": [0.5, 1]}}),
    "pharmacology.neutrophils": ({}, {"pharmacology.neutrophils": True}),
}

#: For each key that is refused a value that does something, and one that does nothing, if there is such.
TURNED_AWAY: dict[str, tuple[Any, Any]] = {
    "accrual.caps": ({"p53_status": {"mutant": 20}}, {}),
    "capacity": ({"infusion_chairs": 1}, None),
    "pharmacology.neutropenic_death": ("0.001 /d", "0 /d"),
    "pharmacology.thrombocytopenic_death": ("0.001 /d", "0 /d"),
}
