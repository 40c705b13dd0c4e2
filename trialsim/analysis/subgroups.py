"""The arms within levels of a baseline variable, and whether the effect differs between levels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis.cox import P53_COLUMNS
from trialsim.analysis.data import Bools, Floats, Labels, SurvivalData, did_you_mean, level_order, level_text
from trialsim.analysis.kaplan_meier import curve, kaplan_meier, median_months
from trialsim.analysis.normal import chi_squared_p, wald
from trialsim.analysis.partial_likelihood import efron_fit
from trialsim.analysis.plan import AnalysisPlan
from trialsim.analysis.risk_table import counts_at
from trialsim.analysis.strata import is_absorbed
from trialsim.errors import UsageError
from trialsim.reported.analysis import ArmInSubgroup, Interaction, Subgroup, SubgroupEffect, SubgroupLevel

#: A numeric variable with more distinct values than this is split at its median.
_MOST_LEVELS = 6


def variable_label(name: str) -> str:
    """``p53_status`` as people write it: p53 status."""
    return name.replace("_", " ")


def level_labels(levels: list[str]) -> list[str]:
    """``wild_type`` as people write it, unless two levels would read alike."""
    written = [level.replace("_", " ") for level in levels]
    return written if len(set(written)) == len(levels) else levels


def levels_of(values: pd.Series[Any], name: str) -> tuple[list[str], Labels]:
    """The levels in order and each patient's level (empty where unknown).

    A categorical keeps the order of its categories, p53 has wild type first, and a number with many values is
    split at its median.
    """
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric and values.nunique() > _MOST_LEVELS:
        middle = float(values.median())
        low, high, lower = f"below {middle:g}", f"{middle:g} or more", values < middle
        if not lower.any():
            # Most patients share the smallest value (no involved nodes): they are one level.
            low, high, lower = f"{middle:g} or less", f"more than {middle:g}", values <= middle
        split = np.where(values.isna(), "", np.where(lower, low, high)).astype(object)
        return [level for level in (low, high) if (split == level).any()], split
    text = np.array(["" if pd.isna(v) else level_text(v) for v in values], dtype=object)
    present = [level for level in level_order(text) if level]
    if isinstance(values.dtype, pd.CategoricalDtype):
        wanted = [level_text(v) for v in values.cat.categories]
        present = [level for level in wanted if level in present]
    elif name in P53_COLUMNS:
        present.sort(key=lambda level: not level.lower().startswith("w") and level != "0")
    return present, text


def subgroup(data: SurvivalData, plan: AnalysisPlan, variable: str, ticks: list[float]) -> Subgroup:
    """One subgroup variable.

    ``interactions`` has the likelihood-ratio test of arm x level against arm + level for each comparison, among the
    patients of its two arms whose level is known; ``joint_interaction_p`` is that of all arms at once. Both by strata
    where the planned test is stratified; None when either model has no finite estimates.
    """
    if variable not in data.covariates:
        known = [str(column) for column in data.covariates]
        raise UsageError(f'no column "{variable}" for a subgroup{did_you_mean(variable, known)}')
    levels, level = levels_of(data.covariates[variable], variable)
    return Subgroup(
        variable,
        variable_label(variable),
        tuple(Interaction(arm, plan.reference, interaction_p(data, plan, levels, level, [arm])) for arm in plan.others),
        interaction_p(data, plan, levels, level, plan.others),
        tuple(
            _level(data.take(np.asarray(level == name, dtype=bool)), plan, name, label, ticks)
            for name, label in zip(levels, level_labels(levels), strict=True)
        ),
    )


def _level(data: SurvivalData, plan: AnalysisPlan, level: str, label: str, ticks: list[float]) -> SubgroupLevel:
    arms = {}
    for arm in plan.arms:
        part = data.of_arm(arm)
        km = kaplan_meier(part.time_days, part.event, plan.confidence_level)
        counts = counts_at(part.time_days, part.event, ticks)
        arms[arm] = ArmInSubgroup(part.n, int(part.event.sum()), curve(km), counts, median_months(km))
    return SubgroupLevel(level, label, arms, tuple(compare(data, plan, arm) for arm in plan.others))


def compare(data: SurvivalData, plan: AnalysisPlan, arm: str) -> SubgroupEffect:
    """Hazard ratio of two arms among these patients, with Wald limits; null where it cannot be estimated."""
    rows = np.asarray((data.arm == arm) | (data.arm == plan.reference), dtype=bool)
    on_arm = np.asarray(data.arm[rows] == arm, dtype=float)
    event, strata = data.event[rows], _strata(data, plan, rows)
    hr = lower = upper = None
    if event[on_arm == 1.0].any() and event[on_arm == 0.0].any():
        fit = efron_fit(on_arm[:, None], data.time_days[rows], event, strata)
        if fit is not None:
            coef, se = float(fit.coef[0]), math.sqrt(float(fit.covariance[0, 0]))
            lower, upper, _ = wald(coef, se, plan.confidence_level)
            hr, lower, upper = math.exp(coef), math.exp(lower), math.exp(upper)
    return SubgroupEffect(arm, plan.reference, hr, lower, upper, int(rows.sum()), int(event.sum()))


def _strata(data: SurvivalData, plan: AnalysisPlan, rows: Bools) -> Labels | None:
    """The strata that a model of some patients is by."""
    return data.strata[rows] if plan.is_stratified and data.strata is not None else None


def interaction_p(
    data: SurvivalData, plan: AnalysisPlan, levels: list[str], level: Labels, arms: list[str]
) -> float | None:
    """Likelihood-ratio p of arm x level for some arms and the reference; (arms)(levels - 1) degrees of freedom."""
    of_arms = np.asarray(data.arm == plan.reference, dtype=bool)
    for arm in arms:
        of_arms |= np.asarray(data.arm == arm, dtype=bool)
    rows = of_arms & np.asarray([value in levels for value in level], dtype=bool)
    present = [name for name in levels if (level[rows] == name).any()]
    if len(present) < 2 or not arms:
        return None
    time, event, strata = data.time_days[rows], data.event[rows], _strata(data, plan, rows)
    by_arm = [_indicator(data.arm[rows], arm) for arm in arms]
    by_level = [_indicator(level[rows], name) for name in present[1:]]
    products = [a * b for a in by_arm for b in by_level]
    if any(not event[product == 1.0].any() for product in products):
        return None
    # What only differs between strata is in their baseline hazards already.
    alone = [*by_arm, *(column for column in by_level if not is_absorbed(column, strata))]
    additive = efron_fit(np.column_stack(alone), time, event, strata)
    full = efron_fit(np.column_stack([*alone, *products]), time, event, strata)
    if additive is None or full is None:
        return None
    return chi_squared_p(2.0 * (full.log_likelihood - additive.log_likelihood), len(products))


def _indicator(labels: Labels, wanted: str) -> Floats:
    return np.asarray(labels == wanted, dtype=float)
