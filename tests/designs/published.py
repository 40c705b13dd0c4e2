"""Published designs: the facts, and what trialsim finds for the same inputs.

Each case gives pairs of a published number and ours. The tests hold them to the tolerance in the file, and
``python -m benchmarks.verification`` prints them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trialsim.designs.boundaries import Boundaries, Futility, by_spending, of_shape
from trialsim.designs.crossing import crossing
from trialsim.designs.size import (
    events_of_z,
    hazard_ratio_of_z,
    schoenfeld_events,
    schoenfeld_power,
    size_for,
    z_of_hazard_ratio,
)
from trialsim.designs.spending import Spending, parse_spending
from trialsim.designs.survival import Group, Steps, SurvivalTrial, constant, uniform

FILE = Path(__file__).with_name("published_designs.json")
FAMILIES = {"LDOF": "obrien-fleming", "HSD": "hwang-shih-decani"}


@dataclass(frozen=True)
class Case:
    """One published design."""

    id: str
    kind: str
    source: str
    inputs: dict[str, Any]
    expected: dict[str, Any]
    abs_tol: float
    note: str


CASES = {
    case["id"]: Case(**{key: case[key] for key in Case.__dataclass_fields__})
    for case in json.loads(FILE.read_text(encoding="utf-8"))["cases"]
}


@dataclass(frozen=True)
class Pair:
    """A published number, ours, and how far apart they may be."""

    what: str
    published: float
    found: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        return abs(self.published - self.found) <= self.tolerance


def pairs(case: Case) -> list[Pair]:
    """Every number of a case beside ours.

    Printed numbers are known to half of the last place of the finest beside them, so the tolerance is that where it is
    wider than the file's.
    """
    # The published numbers of one case stand among its inputs.
    expected = case.expected or {"z": 1.759287, "hr": 0.6991858, "n": 347.1683}
    found = HOW[case.id](case.inputs)
    assert found.keys() == expected.keys(), (case.id, found.keys() ^ expected.keys())
    return [pair for what in expected for pair in _paired(case, what, expected[what], found[what])]


def _paired(case: Case, what: str, expected: Any, found: Any) -> list[Pair]:
    published = expected if isinstance(expected, list) else [expected]
    ours = np.atleast_1d(np.asarray(found, dtype=np.float64)).tolist()
    places = max(len(repr(value).partition(".")[2]) for value in published)
    tolerance = max(case.abs_tol, 0.5 * 10.0**-places)
    return [
        Pair(f"{case.id} {what}" + (f" {i}" if len(published) > 1 else ""), float(number), mine, tolerance)
        for i, (number, mine) in enumerate(zip(published, ours, strict=True), 1)
    ]


def _looks(inputs: dict[str, Any]) -> list[float]:
    count = inputs.get("K", 0)
    return inputs.get("info_frac") or [(k + 1) / count for k in range(count)]


def _spending(words: Any) -> Spending:
    family, *parameter = words if isinstance(words, list) else [words]
    return parse_spending(FAMILIES[family] + (f"({parameter[0]})" if parameter else ""))


def _spent(inputs: dict[str, Any]) -> Boundaries:
    words = inputs.get("spending", inputs.get("upper"))
    spending = _spending([words, inputs["gamma"]] if "gamma" in inputs else words)
    return by_spending(_looks(inputs), inputs["alpha"], inputs.get("sided", 1), spending)


def _gs01(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"z": _spent(inputs).upper}


def _gs03(inputs: dict[str, Any]) -> dict[str, Any]:
    design, power = _spent(inputs), 1.0 - inputs["beta"]
    planned, inflation = design.operating(design.drift_for(power)), design.inflation(power)
    return {
        "z": design.upper,
        "cum_alpha": design.alpha_spent,
        "cum_power": np.cumsum(planned.rejected),
        "inflation": inflation,
        "EN_H1_ratio": inflation * planned.information,
        "EN_H0_ratio": inflation * design.operating(0.0).information,
    }


def _gs04(inputs: dict[str, Any]) -> dict[str, Any]:
    futility = Futility(inputs["beta"], _spending(inputs["lower"]), inputs["binding"])
    design = by_spending(_looks(inputs), inputs["alpha"], 1, _spending(inputs["upper"]), futility)
    assert design.drift is not None
    effect, null = design.operating(design.drift), design.operating(0.0)
    return {
        "z_upper": design.upper,
        "z_lower": design.lower,
        "P_upper_H1": effect.rejected,
        "P_lower_H1": effect.futile,
        "P_upper_H0": null.rejected,
        "P_lower_H0": _lower_at_null(design),
    }


def _lower_at_null(design: Boundaries) -> Any:
    return crossing(design.information, design.lower, design.upper, 0.0).lower


def _gs06(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"z": of_shape(_looks(inputs), inputs["alpha_total"], inputs["sided"], 0.0).upper}


def _gs07(inputs: dict[str, Any]) -> dict[str, Any]:
    z = inputs["z"]
    return {"p_upper": [crossing(range(1, k + 1), [-z] * k, [z] * k, 0.0).upper.sum() for k in inputs["K"]]}


def _jennison_turnbull(inputs: dict[str, Any], delta: float) -> tuple[Boundaries, float, float]:
    design = of_shape(_looks(inputs), inputs["alpha_total"], inputs["sided"], delta)
    power = 1.0 - inputs["beta"]
    return design, 100.0 * design.inflation(power), design.drift_for(power)


def _gs09(inputs: dict[str, Any]) -> dict[str, Any]:
    design, percent, drift = _jennison_turnbull(inputs, 0.5)
    expected = [percent * design.operating(drift * times).information for times in (0.0, 0.5, 1.0, 1.5)]
    return {"max_n_pct": percent, "EN_pct_at_theta_0_half_1_1p5": expected}


def _gs10(inputs: dict[str, Any]) -> dict[str, Any]:
    design, percent, _ = _jennison_turnbull(inputs, 0.0)
    return {"max_n_pct": percent, "EN0_pct": percent * design.operating(0.0).information}


def _gs11(inputs: dict[str, Any]) -> dict[str, Any]:
    futility = Futility(inputs["beta"], parse_spending("kim-demets(3)"))
    design = by_spending(_looks(inputs), inputs["alpha"], 1, _spending(inputs["upper"]), futility)
    return {"z": design.upper, "cum_alpha": design.alpha_spent}


def _ss01(inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "events": schoenfeld_events(
            inputs["hr"], inputs["alpha"], inputs["power"], sided=inputs["sided"], ratio=inputs["ratio"]
        )
    }


def _ss03(inputs: dict[str, Any]) -> dict[str, Any]:
    def hazard(share: float) -> float:
        return -math.log1p(-share) / inputs["event_time"]

    found: dict[str, list[float]] = {"hr": [], "events": [], "N": [], "HR_at_bound": []}
    for share in inputs["pi1"]:
        trial = SurvivalTrial(
            uniform(1.0, inputs["accrual"]), Group(constant(hazard(inputs["pi2"]))), Group(constant(hazard(share)))
        )
        size = size_for(trial, inputs["accrual"] + inputs["followup"], inputs["alpha"], inputs["power"])
        found["hr"].append(hazard(share) / hazard(inputs["pi2"]))
        found["events"].append(size.events)
        found["N"].append(size.patients)
        # Here the treatment is the worse arm, so its boundary is the mirror.
        found["HR_at_bound"].append(1.0 / hazard_ratio_of_z(_critical(inputs["alpha"]), size.events))
    return found


def _critical(alpha: float) -> float:
    return by_spending([1.0], alpha, 1, parse_spending("obrien-fleming")).upper[0]


def _ss04(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"power": schoenfeld_power(inputs["hr"], inputs["events"], inputs["alpha"], ratio=inputs["ratio"])}


def _ss05(inputs: dict[str, Any]) -> dict[str, Any]:
    first, second, third = inputs["cases"]
    return {
        "z": z_of_hazard_ratio(first["hr"], first["n"]),
        "hr": hazard_ratio_of_z(second["z"], second["n"]),
        "n": events_of_z(third["z"], third["hr"], third["ratio"]),
    }


def _ss06(inputs: dict[str, Any]) -> dict[str, Any]:
    dropout = constant(inputs["eta"])
    trial = SurvivalTrial(
        uniform(1.0, inputs["Tr"]),
        Group(constant(inputs["lambda1"]), dropout),
        Group(constant(inputs["lambda2"]), dropout),
    )
    size = size_for(trial, inputs["Ts"], inputs["alpha"], inputs["power"], method="lachin-foulkes")
    # The published numbers are rounded up.
    return {"N": math.ceil(size.patients), "events": math.ceil(size.events)}


def _ss08(inputs: dict[str, Any]) -> dict[str, Any]:
    hazard = math.log(2.0) / inputs["median_c"]
    trial = SurvivalTrial(
        uniform(1.0, inputs["T"] - inputs["min_followup"]),
        Group(constant(hazard)),
        Group(constant(hazard * inputs["hr"])),
    )
    size = size_for(trial, inputs["T"], inputs["alpha"], inputs["power"])
    return {"events": size.events, "N": size.patients}


def _ss10(inputs: dict[str, Any]) -> dict[str, Any]:
    design, power = of_shape([0.5, 1.0], 0.025, 1, 0.0), 0.8
    hazard = inputs["lambda2"]
    trial = SurvivalTrial(
        uniform(1.0, inputs["accrual"]), Group(constant(hazard)), Group(constant(hazard * inputs["hr"]))
    )
    size = size_for(trial, inputs["accrual"] + inputs["followup"], 0.025, power, inflation=design.inflation(power))
    events = [share * size.events for share in design.information]
    times = [size.trial.when(count) for count in events]
    planned = design.operating(design.drift_for(power))
    early = planned.rejected[0]
    return {
        "N": size.patients,
        "events": events,
        "analysis_time": times,
        "reject_per_stage": planned.rejected,
        "expected_events_H1": planned.information * size.events,
        "expected_N_H1": early * size.trial.expected(times[0]).enrolled + (1.0 - early) * size.patients,
        "expected_duration_H1": early * times[0] + (1.0 - early) * times[1],
        "HR_at_bound": [hazard_ratio_of_z(z, count) for z, count in zip(design.upper, events, strict=True)],
    }


def _ss11(inputs: dict[str, Any]) -> dict[str, Any]:
    design, power = _spent(inputs | {"upper": inputs["upper"][0]}), inputs["power"]
    hazard, dropout = math.log(2.0) / inputs["median_c"], constant(math.log(2.0) / 40.0)
    trial = SurvivalTrial(
        uniform(1.0, inputs["T"] - inputs["min_followup"]),
        Group(constant(hazard), dropout),
        Group(constant(hazard * inputs["hr"]), dropout),
    )
    size = size_for(
        trial, inputs["T"], inputs["alpha"], power, method="lachin-foulkes", inflation=design.inflation(power)
    )
    events = [share * size.events for share in design.information]
    return {
        "N": size.patients,
        "events_final": size.events,
        "z": design.upper,
        "HR_at_bound": [hazard_ratio_of_z(z, count) for z, count in zip(design.upper, events, strict=True)],
        "cum_power": np.cumsum(design.operating(design.drift_for(power)).rejected),
        "month": [size.trial.when(count) for count in events],
    }


def _nph03(inputs: dict[str, Any]) -> dict[str, Any]:
    ends = tuple(np.cumsum(inputs["enroll_duration"]).tolist())
    hazard_end = (inputs["fail_duration"][0],)
    group = Group(Steps(hazard_end, tuple(inputs["fail_rate"])), Steps(hazard_end, tuple(inputs["dropout"])))
    return {"events": group.events(Steps(ends, (*inputs["enroll_rate"], 0.0)), inputs["T"])}


HOW: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "gs01_LDOF_K3": _gs01,
    "gs03_HSD-4_K5": _gs03,
    "gs04_HSD-4_K3_futility_HSD-2_nonbinding": _gs04,
    "gs06_OF_K4_twosided": _gs06,
    "gs07_repeated_testing": _gs07,
    "gs09_Pocock_K4_JT": _gs09,
    "gs10_OF_K5_JT": _gs10,
    "gs11_rpact_asOF_bsKD_nonbinding": _gs11,
    "ss01_Schoenfeld_HR07": _ss01,
    "ss03_rpact_default_alpha01": _ss03,
    "ss04_power_100_events": _ss04,
    "ss05_hrz": _ss05,
    "ss06_LF_nSurvival": _ss06,
    "ss08_SAS_seqdesign": _ss08,
    "ss10_rpact_gs2": _ss10,
    "ss11_gsSurv_90pct": _ss11,
    "nph03_expected_event": _nph03,
}
