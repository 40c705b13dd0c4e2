"""Laws of event times as written -> resolved, with survival curves read from their tables."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialsim import units
from trialsim.spec.form import Findings
from trialsim.spec.resolved_model import CureMixture, EventModel, Law, PiecewiseExponential, SurvivalCurve, Weibull
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_model import (
    CureModel,
    CurveModel,
    ExponentialModel,
    PiecewiseModel,
    RelativeModel,
    WeibullModel,
)

#: Stricter than Python, for which 1_000 and full-width digits are numbers.
_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")


def resolve_models(findings: Findings, written: Mapping[str, Any]) -> dict[str, EventModel]:
    """The arms' laws by arm; ``written`` has None for an arm without one or with one that breaks the form."""
    models: dict[str, EventModel] = {}
    for arm, model in written.items():
        path: KeyPath = ("arms", arm, "model")
        if model is not None and not isinstance(model, RelativeModel):
            law = _law(findings, path, model)
            if law is not None:
                models[arm] = EventModel(law=law)
    for arm, model in written.items():
        if isinstance(model, RelativeModel):
            relative = _relative(findings, arm, model, written, models)
            if relative is not None:
                models[arm] = relative
    return models


def _law(findings: Findings, path: KeyPath, model: Any) -> Law | None:
    if isinstance(model, ExponentialModel):
        rate = model.rate if model.median is None else math.log(2.0) / model.median
        return PiecewiseExponential(rates=(rate or 0.0,), until_days=())
    if isinstance(model, PiecewiseModel):
        ends = _ends(findings, (*path, "hazards"), [piece.until for piece in model.hazards])
        return PiecewiseExponential(rates=tuple(piece.rate for piece in model.hazards), until_days=ends)
    if isinstance(model, WeibullModel):
        return Weibull(shape=model.shape, scale_days=_scale(model.median, model.shape))
    if isinstance(model, CureModel):
        return CureMixture(cured=model.cured, shape=model.shape, scale_days=_scale(model.median, model.shape))
    assert isinstance(model, CurveModel)
    return _curve(findings, (*path, "file"), model)


def _scale(median: float, shape: float) -> float:
    return float(median / math.log(2.0) ** (1.0 / shape))


def _ends(findings: Findings, path: KeyPath, ends: Sequence[float | None]) -> tuple[float, ...]:
    """The ends of all pieces but the last."""
    before = 0.0
    for i, end in enumerate(ends):
        if i == len(ends) - 1:
            if end is not None:
                message = "the last piece ends, and nothing says what comes after"
                findings.add((*path, i, "until"), message, Rule.MODEL_ORDER, "leave out this `until`", at_key=True)
        elif end is None:
            findings.add((*path, i), "only the last piece may go on without `until`", Rule.MODEL_ORDER)
        elif end <= before:
            remedy = "let `until` rise from piece to piece"
            findings.add((*path, i, "until"), "this piece ends before it begins", Rule.MODEL_ORDER, remedy)
        before = end if end is not None else before
    return tuple(end for end in ends[:-1] if end is not None)


def _relative(
    findings: Findings, arm: str, model: RelativeModel, written: Mapping[str, Any], models: Mapping[str, EventModel]
) -> EventModel | None:
    path: KeyPath = ("arms", arm, "model")
    if isinstance(model.hazard_ratio, list):
        ends = _ends(findings, (*path, "hazard_ratio"), [piece.until for piece in model.hazard_ratio])
        ratios = tuple(piece.ratio for piece in model.hazard_ratio)
    else:
        ratios, ends = (model.hazard_ratio,), ()
    if model.to not in written:
        message = f"`{model.to}` is not an arm"
        findings.add((*path, "to"), message, Rule.MODEL_RELATIVE, did_you_mean(model.to, written))
        return None
    if written[model.to] is None or isinstance(written[model.to], RelativeModel):
        message = f"`{model.to}` has no law of its own"
        with_law = [name for name, other in written.items() if other and not isinstance(other, RelativeModel)]
        findings.add((*path, "to"), message, Rule.MODEL_RELATIVE, did_you_mean(model.to, with_law))
        return None
    base = models.get(model.to)
    return base and EventModel(law=base.law, hazard_ratios=ratios, until_days=ends, relative_to=model.to)


def _curve(findings: Findings, path: KeyPath, model: CurveModel) -> SurvivalCurve | None:
    """The curve of a table; None when it cannot be one."""
    file = Path(findings.document.file).parent / model.file
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, ValueError):
        remedy = "the path starts from the protocol's own folder"
        findings.add(path, f"the curve file `{model.file}` cannot be read", Rule.CURVE_FILE, remedy)
        return None
    problem, points = _points(rows)
    if problem:
        findings.add(path, f"`{model.file}`: {problem}", Rule.CURVE_FILE, "columns: time,survival")
        return None
    scale = units.parse(f"1 {model.unit}", "time")
    return SurvivalCurve(
        days=tuple(time * scale for time, _ in points),
        survival=tuple(share for _, share in points),
        plateau=model.tail == "plateau",
        source=model.file,
    )


def _points(rows: list[tuple[int, list[str]]]) -> tuple[str, list[tuple[float, float]]]:
    """What is wrong with a table, if anything, and its points, from time 0 on. Rows come with their line."""
    if not rows or [cell.strip().lower() for cell in rows[0][1]] != ["time", "survival"]:
        return "the first row is not time,survival", []
    points = [(0.0, 1.0)]
    for line, row in rows[1:]:
        if len(row) != 2 or not all(_NUMBER.match(cell.strip()) for cell in row):
            return f"line {line} is not two numbers", []
        time, share = (float(cell) for cell in row)
        if not (0.0 <= time < math.inf and 0.0 <= share <= 1.0):
            return f"line {line} is out of range", []
        if time == 0.0 and share == 1.0 and len(points) == 1:
            continue
        if time <= points[-1][0]:
            return f"the times do not rise in line {line}", []
        if share > points[-1][1]:
            return f"survival rises in line {line}", []
        points.append((time, share))
    return ("" if len(points) > 1 else "there are no points"), points
