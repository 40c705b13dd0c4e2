"""Designs as tables, and the tables in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from trialsim.designs.boundaries import Boundaries
from trialsim.designs.size import Size, hazard_ratio_of_z
from trialsim.reported.designs import (
    BoundaryTable,
    ByLookUnderBoth,
    EventsByArm,
    ExpectedFutilityLook,
    ExpectedLook,
    OperatingTable,
    SizeTable,
    UnderBoth,
)
from trialsim.reported.words import sides
from trialsim.text_table import text_table
from trialsim.units import DAYS_PER_MONTH


def boundary_table(design: Boundaries, spending: str, power: float | None = None) -> BoundaryTable:
    """What a design demands at each look, and what it does under no effect and under that of ``power``."""
    futility = bool(design.beta_spent)
    return BoundaryTable(
        alpha=design.alpha,
        sided=design.sided,
        spending=spending,
        information=tuple(design.information),
        z=tuple(map(_finite, design.upper)),
        nominal_p=tuple(p * design.sided for p in design.nominal),
        alpha_spent=tuple(design.alpha_spent),
        futility_z=tuple(map(_finite, design.lower)) if futility else None,
        beta_spent=tuple(design.beta_spent) if futility else None,
        binding=design.binding if futility else None,
        power=None if power is None else _operating(design, power),
    )


def _operating(design: Boundaries, power: float) -> OperatingTable:
    drift = design.drift if design.drift is not None else design.drift_for(power)
    null, effect = design.operating(0.0), design.operating(drift)
    futile = ByLookUnderBoth(tuple(null.futile.tolist()), tuple(effect.futile.tolist()))
    return OperatingTable(
        power=effect.power,
        drift=drift,
        inflation=design.inflation(effect.power),
        rejected=ByLookUnderBoth(tuple(null.rejected.tolist()), tuple(effect.in_favour.tolist())),
        expected_information=UnderBoth(null.information, effect.information),
        futile=futile if design.beta_spent else None,
    )


def boundaries_text(table: BoundaryTable) -> str:
    """The same as tables."""
    header = ["look", "information", "z", "p" if table.sided == 1 else "p, two-sided", "alpha spent"]
    columns = [
        _numbers(table.z),
        [f"{100 * t:.4g} %" for t in table.information],
        list(map(_z, table.z)),
        list(map(_p, table.nominal_p)),
        list(map(_p, table.alpha_spent)),
    ]
    title = f"Boundaries: {table.spending}, alpha {table.alpha:g} {sides(table.sided)}"
    if table.futility_z is not None:
        header += ["stop below z", "beta spent"]
        columns += [list(map(_z, table.futility_z)), list(map(_p, table.beta_spent or ()))]
        title += f"; futility {'binding' if table.binding else 'non-binding'}"
    parts = [text_table(title, header, list(zip(*columns, strict=True)))]
    if table.power is not None:
        parts += _operating_text(table.power)
    return "\n\n".join(parts) + "\n"


def _operating_text(found: OperatingTable) -> list[str]:
    """What the design does by each look, and how much information it takes."""
    kinds = {"rejected": found.rejected} | ({} if found.futile is None else {"futile": found.futile})
    header, columns = ["look"], [_numbers(found.rejected.effect)]
    for case, label in (("no_effect", "no effect"), ("effect", "planned effect")):
        for words, chances in kinds.items():
            header.append(f"{label}: {words}")
            columns.append([f"{x:.4f}" for x in accumulate(getattr(chances, case))])
    title = f"Stopped by then, with power {found.power:.4g} (E Z {found.drift:.4f} at full information)"
    expected = found.expected_information
    words = (
        f"Of a fixed design's information: {100.0 * found.inflation:.2f} % at most, on average "
        f"{100.0 * expected.no_effect * found.inflation:.1f} % under no effect and "
        f"{100.0 * expected.effect * found.inflation:.1f} % under the planned one."
    )
    return [text_table(title, header, list(zip(*columns, strict=True))), words]


def size_table(size: Size, design: Boundaries, power: float, method: str) -> SizeTable:
    """Events and patients of a survival trial, and what each look is expected to see."""
    drift = design.drift if design.drift is not None else design.drift_for(power)
    effect, null = design.operating(drift), design.operating(0.0)
    ratio = size.trial.ratio
    # Under an effect above 1 the test is for more events: its boundary is the mirror image.
    side = -1.0 if size.expected.average_hazard_ratio > 1.0 else 1.0

    def at(z: float, events: float) -> float | None:
        return hazard_ratio_of_z(side * z, events, ratio) if math.isfinite(z) else None

    looks: list[ExpectedLook] = []
    powers, alphas = accumulate(effect.in_favour.tolist()), accumulate(null.rejected.tolist())
    for k, (share, z, reached, spent) in enumerate(zip(design.information, design.upper, powers, alphas, strict=True)):
        events = share * size.events
        time = size.time if k + 1 == design.looks else size.trial.when(events)
        seen = size.trial.expected(time)
        look = ExpectedLook(
            information=share,
            events=events,
            months=time / DAYS_PER_MONTH,
            enrolled=seen.enrolled,
            average_hazard_ratio=seen.average_hazard_ratio,
            z=_finite(z),
            hazard_ratio_to_reject=at(z, events),
            cumulative_power=reached,
            cumulative_alpha=spent,
        )
        if design.beta_spent:
            low = design.lower[k]
            look = ExpectedFutilityLook(**vars(look), futility_z=_finite(low), hazard_ratio_to_stop=at(low, events))
        looks.append(look)
    return SizeTable(
        method=method,
        alpha=design.alpha,
        sided=design.sided,
        power=effect.power,
        ratio=ratio,
        events=size.events,
        patients=size.patients,
        months=size.time / DAYS_PER_MONTH,
        average_hazard_ratio=size.expected.average_hazard_ratio,
        rejects="above" if side < 0.0 else "below",
        events_by_arm=EventsByArm(size.expected.control, size.expected.treated),
        expected_events=UnderBoth(null.information * size.events, effect.information * size.events),
        looks=tuple(looks),
    )


def size_text(table: SizeTable) -> str:
    """The same in words. Patients and events are rounded up, here only."""
    lines = [
        f"{math.ceil(table.patients)} patients, {math.ceil(table.events)} events, "
        f"{table.months:.1f} months: power {100 * table.power:.4g} % at alpha {table.alpha:g} {sides(table.sided)} "
        f"({table.method}).",
        f"Hazard ratio {table.average_hazard_ratio:.4f}, averaged over the events by then; "
        f"{table.events_by_arm.control:.1f} events in control, {table.events_by_arm.treated:.1f} in the "
        "treated arm.",
    ]
    if table.rejects == "above":
        lines.append(
            "The planned hazard ratio is above 1: the treated arm has more events. The test is for a ratio above 1, as "
            "where the event is wanted, or where harm is looked for; a benefit that delays the event is below 1."
        )
    stops = "below" if table.rejects == "above" else "above"
    header = ["look", "events", "months", "enrolled", "average HR", "z"]
    header += [f"rejects if HR is {table.rejects}", "power so far"]
    rows = [
        [
            f"{k}",
            f"{look.events:.1f}",
            f"{look.months:.1f}",
            f"{look.enrolled:.1f}",
            f"{look.average_hazard_ratio:.4f}",
            _z(look.z),
            _z(look.hazard_ratio_to_reject),
            f"{look.cumulative_power:.4f}",
            *([_z(look.hazard_ratio_to_stop)] if isinstance(look, ExpectedFutilityLook) else []),
        ]
        for k, look in enumerate(table.looks, 1)
    ]
    if isinstance(table.looks[0], ExpectedFutilityLook):
        header.append(f"stops if HR is {stops}")
    parts = ["\n".join(lines), text_table("Looks", header, rows)]
    if len(rows) > 1:
        parts.append(
            f"Expected events at the stop: {table.expected_events.no_effect:.1f} under no effect, "
            f"{table.expected_events.effect:.1f} under the planned one."
        )
    return "\n\n".join(parts) + "\n"


def _numbers(looks: Sequence[object]) -> list[str]:
    return [f"{k + 1}" for k in range(len(looks))]


def _finite(z: float) -> float | None:
    return float(z) if math.isfinite(z) else None


def _z(z: float | None) -> str:
    return "-" if z is None else f"{z:.4f}"


def _p(p: float) -> str:
    return f"{p:.5f}" if p >= 1e-4 or p == 0.0 else f"{p:.1e}"
