"""Designs in words and as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trialsim.designs.boundaries import Boundaries
from trialsim.designs.size import Size, hazard_ratio_of_z
from trialsim.text_table import text_table
from trialsim.units import DAYS_PER_MONTH


def boundaries_as_dict(design: Boundaries, spending: str, power: float | None = None) -> dict[str, Any]:
    """What a design demands at each look, and what it does under no effect and under that of ``power``."""
    told: dict[str, Any] = {
        "alpha": design.alpha,
        "sided": design.sided,
        "spending": spending,
        "information": list(design.information),
        "z": [_finite(z) for z in design.upper],
        "nominal_p": [p * design.sided for p in design.nominal],
        "alpha_spent": list(design.alpha_spent),
    }
    if design.beta_spent:
        told |= {
            "futility_z": [_finite(z) for z in design.lower],
            "beta_spent": list(design.beta_spent),
            "binding": design.binding,
        }
    if power is not None:
        drift = design.drift if design.drift is not None else design.drift_for(power)
        null, effect = design.operating(0.0), design.operating(drift)
        told["power"] = {
            "power": effect.power,
            "drift": drift,
            "inflation": design.inflation(effect.power),
            "rejected": {"no_effect": null.rejected.tolist(), "effect": effect.in_favour.tolist()},
            "expected_information": {"no_effect": null.information, "effect": effect.information},
        }
        if design.beta_spent:
            told["power"]["futile"] = {"no_effect": null.futile.tolist(), "effect": effect.futile.tolist()}
    return told


def boundaries_as_text(told: dict[str, Any]) -> str:
    """The same as tables."""
    sides = "one-sided" if told["sided"] == 1 else "two-sided"
    header = ["look", "information", "z", "p" if told["sided"] == 1 else "p, two-sided", "alpha spent"]
    columns = [
        [f"{k + 1}" for k in range(len(told["z"]))],
        [f"{100 * t:.4g} %" for t in told["information"]],
        [_z(z) for z in told["z"]],
        [_p(p) for p in told["nominal_p"]],
        [_p(p) for p in told["alpha_spent"]],
    ]
    if "futility_z" in told:
        header += ["stop below z", "beta spent"]
        columns += [[_z(z) for z in told["futility_z"]], [_p(p) for p in told["beta_spent"]]]
    title = f"Boundaries: {told['spending']}, alpha {told['alpha']:g} {sides}"
    if "futility_z" in told:
        title += f"; futility {'binds' if told['binding'] else 'does not bind'}"
    parts = [text_table(title, header, list(zip(*columns, strict=True)))]
    if "power" in told:
        parts += _operating(told["power"])
    return "\n\n".join(parts) + "\n"


def _operating(told: dict[str, Any]) -> list[str]:
    """What the design does by each look, and how much information it takes."""
    cases = {"no_effect": "no effect", "effect": "planned effect"}
    header, columns = ["look"], [[f"{k + 1}" for k in range(len(told["rejected"]["effect"]))]]
    for key, label in cases.items():
        for what, words in (("rejected", "rejected"), ("futile", "futile")):
            if what in told:
                header.append(f"{label}: {words}")
                columns.append([f"{x:.4f}" for x in np.cumsum(told[what][key])])
    title = f"Stopped by then, with power {told['power']:.4g} (E Z {told['drift']:.4f} at full information)"
    expected = {key: 100.0 * share * told["inflation"] for key, share in told["expected_information"].items()}
    words = (
        f"Of a fixed design's information: {100.0 * told['inflation']:.2f} % at most, on average "
        f"{expected['no_effect']:.1f} % under no effect and {expected['effect']:.1f} % under the planned one."
    )
    return [text_table(title, header, list(zip(*columns, strict=True))), words]


def size_as_dict(size: Size, design: Boundaries, power: float, method: str) -> dict[str, Any]:
    """Events and patients of a survival trial, and what each look is expected to see. Times in months."""
    drift = design.drift if design.drift is not None else design.drift_for(power)
    effect, null = design.operating(drift), design.operating(0.0)
    ratio = size.trial.ratio
    # Under an effect above 1 the test is for more events: its boundary is the mirror image.
    side = -1.0 if size.expected.average_hazard_ratio > 1.0 else 1.0
    looks = []
    for k, (share, z) in enumerate(zip(design.information, design.upper, strict=True)):
        events = share * size.events
        time = size.time if k + 1 == design.looks else size.trial.when(events)
        seen = size.trial.expected(time)
        look = {
            "information": share,
            "events": events,
            "months": time / DAYS_PER_MONTH,
            "enrolled": seen.enrolled,
            "average_hazard_ratio": seen.average_hazard_ratio,
            "z": _finite(z),
            "hazard_ratio_to_reject": hazard_ratio_of_z(side * z, events, ratio) if math.isfinite(z) else None,
            "cumulative_power": float(np.cumsum(effect.in_favour)[k]),
            "cumulative_alpha": float(np.cumsum(null.rejected)[k]),
        }
        if design.beta_spent:
            low = design.lower[k]
            look["futility_z"] = _finite(low)
            stop = hazard_ratio_of_z(side * low, events, ratio) if math.isfinite(low) else None
            look["hazard_ratio_to_stop"] = stop
        looks.append(look)
    return {
        "method": method,
        "alpha": design.alpha,
        "sided": design.sided,
        "power": effect.power,
        "ratio": ratio,
        "events": size.events,
        "patients": size.patients,
        "months": size.time / DAYS_PER_MONTH,
        "average_hazard_ratio": size.expected.average_hazard_ratio,
        "rejects": "above" if side < 0.0 else "below",
        "events_by_arm": {"control": size.expected.control, "treated": size.expected.treated},
        "expected_events": {"no_effect": null.information * size.events, "effect": effect.information * size.events},
        "looks": looks,
    }


def size_as_text(told: dict[str, Any]) -> str:
    """The same as a table. Patients and events are rounded up, here only."""
    sides = "one-sided" if told["sided"] == 1 else "two-sided"
    lines = [
        f"{math.ceil(told['patients'])} patients, {math.ceil(told['events'])} events, "
        f"{told['months']:.1f} months: power {100 * told['power']:.4g} % at alpha {told['alpha']:g} {sides} "
        f"({told['method']}).",
        f"Hazard ratio {told['average_hazard_ratio']:.4f}, averaged over the events by then; "
        f"{told['events_by_arm']['control']:.1f} events in control, {told['events_by_arm']['treated']:.1f} in the "
        "treated arm.",
    ]
    if told["rejects"] == "above":
        lines.append(
            "The planned hazard ratio is above 1: the treated arm has more events. The test is for a ratio above 1, as "
            "where the event is wanted, or where harm is looked for; a benefit that delays the event is below 1."
        )
    rejects, stops = ("above", "below") if told["rejects"] == "above" else ("below", "above")
    header = ["look", "events", "months", "enrolled", "average HR", "z", f"rejects if HR is {rejects}", "power so far"]
    rows = [
        [
            f"{k}",
            f"{look['events']:.1f}",
            f"{look['months']:.1f}",
            f"{look['enrolled']:.1f}",
            f"{look['average_hazard_ratio']:.4f}",
            _z(look["z"]),
            "-" if look["hazard_ratio_to_reject"] is None else f"{look['hazard_ratio_to_reject']:.4f}",
            f"{look['cumulative_power']:.4f}",
        ]
        for k, look in enumerate(told["looks"], 1)
    ]
    if "futility_z" in told["looks"][0]:
        header.append(f"stops if HR is {stops}")
        for row, look in zip(rows, told["looks"], strict=True):
            row.append("-" if look["hazard_ratio_to_stop"] is None else f"{look['hazard_ratio_to_stop']:.4f}")
    expected = told["expected_events"]
    parts = ["\n".join(lines), text_table("Looks", header, rows)]
    if len(rows) > 1:
        parts.append(
            f"Expected events at the stop: {expected['no_effect']:.1f} under no effect, "
            f"{expected['effect']:.1f} under the planned one."
        )
    return "\n\n".join(parts) + "\n"


def _finite(z: float) -> float | None:
    return float(z) if math.isfinite(z) else None


def _z(z: float | None) -> str:
    return "-" if z is None else f"{z:.4f}"


def _p(p: float) -> str:
    return f"{p:.5f}" if p >= 1e-4 or p == 0.0 else f"{p:.1e}"
