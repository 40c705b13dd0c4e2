"""The Cox model of the arm adjusted for covariates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis.cox import CoxTable, Term, arm_term
from trialsim.analysis.data import MOST_LEVELS, Bools, SurvivalData, level_order, level_text
from trialsim.errors import UsageError
from trialsim.reported.analysis import CoxResult


def adjusted_model(
    data: SurvivalData,
    reference: str,
    others: Sequence[str],
    labels: dict[str, str],
    covariates: Sequence[str],
    confidence_level: float,
    *,
    stratified: bool = False,
) -> CoxResult:
    """Arm and covariates in one Cox model, on the patients for whom every covariate is known.

    A numeric covariate enters linearly, per unit; any other as indicators of its levels against the first. The
    likelihood ratio compares with no effect at all. ``stratified``: by the strata of the data.

    Raises
    ------
    UsageError
        A covariate that is not a number has more than 20 levels.
    """
    known = _known(data, covariates)
    part = data.take(known)
    terms = [arm_term(part, arm, reference, labels) for arm in others]
    for name in covariates:
        terms += _terms(name, part.covariates[name])
    models = CoxTable(confidence_level, stratified)
    return models.row("arm, adjusted", part, terms, models.fit(part, terms), None)


def _known(data: SurvivalData, covariates: Sequence[str]) -> Bools:
    known = np.ones(data.n, bool)
    for name in covariates:
        known &= data.covariates[name].notna().to_numpy()
    return known


def _terms(name: str, values: pd.Series[Any]) -> list[Term]:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return [Term(name, f"{name}, per unit", values.to_numpy(dtype=float))]
    texts = np.array([level_text(value) for value in values], dtype=object)
    levels = level_order(set(texts.tolist()))
    if len(levels) > MOST_LEVELS:
        raise UsageError(f"covariate {name} has {len(levels)} levels and is no number; at most {MOST_LEVELS} can enter")
    first, *rest = levels
    return [
        Term(f"{name}[{level}]", f"{name} {level} against {first}", (texts == level).astype(float)) for level in rest
    ]
