"""Cox models of the arm, by lifelines (Efron ties), with the test of proportional hazards.

A model that the data cannot estimate (an arm without events, a separated or constant column) is None, and
its numbers are null in the results. Nothing is printed or raised. In a stratified model each stratum has a baseline
hazard of its own, and a covariate that differs between strata alone has no estimate there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialsim.analysis.data import Bools, Floats, Labels, SurvivalData
from trialsim.analysis.normal import chi_squared_p, wald
from trialsim.analysis.quiet import quietly
from trialsim.analysis.risk_table import risk_table
from trialsim.analysis.strata import is_absorbed, within_strata
from trialsim.reported.analysis import CoxResult, CoxTerm
from trialsim.reported.limits import HazardRatio

#: A log hazard ratio beyond this (a hazard ratio of 160,000) has run away to infinity: separation.
_RUNAWAY = 12.0
_RUNAWAY_SE = 50.0

# lifelines stops by default while coefficients are still 5e-6 off.
_CONVERGENCE = {"precision": 1e-12, "r_precision": 1e-14}

_TIME, _EVENT, _CLUSTER, _STRATUM = "time", "event", "cluster", "stratum"
#: Names under which the covariates may hold the tumour's TP53 status, best first.
P53_COLUMNS = ("p53_status", "p53", "tp53", "TP53")


@dataclass(frozen=True)
class CoxModel:
    """A fitted model: coefficients (log hazard ratios) and standard errors in the order of the terms.

    Both are NaN for a term that the strata absorb.
    """

    coef: Floats
    se: Floats
    log_likelihood: float
    fitter: Any
    frame: pd.DataFrame

    @property
    def estimated(self) -> int:
        """Terms that have an estimate."""
        return int(np.isfinite(self.coef).sum())


@dataclass(frozen=True)
class Term:
    """A column of the design: its name in the results and what its hazard ratio compares."""

    name: str
    label: str
    column: Floats


def fit_cox(
    terms: list[Term],
    time: Floats,
    event: Bools,
    *,
    strata: Labels | None = None,
    cluster: Floats | None = None,
) -> CoxModel | None:
    """Fit by Efron's partial likelihood; None when a coefficient has no finite estimate.

    Rows with the same number in ``cluster`` depend on each other (twins): standard errors are then the grouped robust
    ones (Lin & Wei 1989).
    """
    told = np.array([not is_absorbed(term.column, strata) for term in terms], dtype=bool)
    fitted = [term for term, has_estimate in zip(terms, told, strict=True) if has_estimate]
    if not fitted or any(_without_information(term.column, event) for term in fitted):
        return None
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    frame = pd.DataFrame({_TIME: time, _EVENT: event.astype(float)})
    for i, term in enumerate(fitted):
        frame[f"x{i}"] = term.column
    for name, values in ((_CLUSTER, cluster), (_STRATUM, strata)):
        if values is not None:
            frame[name] = values
    with quietly():
        try:
            fitter = CoxPHFitter().fit(
                frame,
                _TIME,
                _EVENT,
                strata=None if strata is None else [_STRATUM],
                cluster_col=None if cluster is None else _CLUSTER,
                fit_options=_CONVERGENCE,
            )
        except (ConvergenceError, np.linalg.LinAlgError, ValueError, ZeroDivisionError):
            return None
        coef = fitter.params_.to_numpy()
        se = fitter.standard_errors_.to_numpy()
    # "<" is also false for NaN.
    if not (np.all(np.abs(coef) < _RUNAWAY) and np.all(se < _RUNAWAY_SE) and np.all(se > 0.0)):
        return None
    every = np.full((2, len(terms)), np.nan)
    every[:, told] = coef, se
    return CoxModel(every[0], every[1], float(fitter.log_likelihood_), fitter, frame)


def _without_information(values: Floats, event: Bools) -> bool:
    """An indicator whose ones or whose zeros saw no event has an infinite coefficient, a constant column none."""
    if not np.isin(values, (0.0, 1.0)).all():
        return bool(values.min() == values.max())
    return not bool(event[values != 0.0].any() and event[values == 0.0].any())


def null_log_likelihood(time: Floats, event: Bools, strata: Labels | None = None) -> float:
    """Efron's log partial likelihood without covariates: the sum of -ln(n_i - l) over the d_i events of a time."""
    tables = [risk_table(time[own], event[own]) for own in within_strata(strata, time.size)]
    at_times = [pair for table in tables for pair in zip(table.at_risk, table.events, strict=True)]
    return -float(sum(np.log(n - np.arange(d)).sum() for n, d in at_times))


def arm_term(data: SurvivalData, arm: str, reference: str, labels: dict[str, str]) -> Term:
    """The indicator of ``arm``."""
    label = f"{labels.get(arm, arm)} against {labels.get(reference, reference)}"
    return Term(f"arm[{arm}]", label, np.asarray(data.arm == arm, dtype=float))


def hazard_ratio(model: CoxModel | None, confidence_level: float) -> HazardRatio:
    """Hazard ratio of a model's first term with Wald limits and two-sided Wald p."""
    if model is None or not math.isfinite(model.coef[0]):
        return HazardRatio(None, None, None, None)
    lower, upper, p = wald(model.coef[0], model.se[0], confidence_level)
    return HazardRatio(math.exp(model.coef[0]), math.exp(lower), math.exp(upper), p)


def proportional_hazards_p(model: CoxModel | None) -> float | None:
    """Test that the first term's hazard ratio is constant: scaled Schoenfeld residuals against time.

    Time enters as 1 - S(t-), the transform "km" that R ``cox.zph`` uses by default. (lifelines' own "rank"
    numbers tied times in row order, so its p changes when rows are permuted.) The statistic is
    Grambsch & Therneau's with an average variance, as R computed it before survival 3.0.
    """
    if model is None:
        return None
    from lifelines.statistics import proportional_hazard_test

    with quietly():
        try:
            result = proportional_hazard_test(model.fitter, model.frame, time_transform=_km_transform)
        except (ValueError, np.linalg.LinAlgError, ZeroDivisionError):
            return None
    p = float(np.atleast_1d(result.p_value)[0])
    return p if math.isfinite(p) else None


def _km_transform(time: Any, event: Any, _weights: Any) -> pd.Series[float]:
    table = risk_table(np.asarray(time, dtype=float), np.asarray(event, dtype=bool))
    survival = np.concatenate(([1.0], np.cumprod(1.0 - table.events / table.at_risk)))
    before = survival[np.searchsorted(table.times, np.asarray(time, dtype=float), side="left")]
    return pd.Series(1.0 - before, index=time.index)


def p53_column(data: SurvivalData) -> str | None:
    """The covariate that holds the tumour's TP53 status in known words, if any; in others it is like any covariate."""
    for name in P53_COLUMNS:
        if name in data.covariates:
            values = data.covariates[name]
            return name if np.isfinite(p53_mutant(values[values.notna()])).all() else None
    return None


def p53_mutant(values: pd.Series[Any]) -> Floats:
    """1 mutant, 0 wild type, NaN unknown; from words or 0/1."""
    words = {
        "wild_type": 0.0,
        "wild type": 0.0,
        "wild-type": 0.0,
        "wt": 0.0,
        "0": 0.0,
        "mutant": 1.0,
        "mut": 1.0,
        "1": 1.0,
    }
    text = values.map(lambda v: str(int(v)) if isinstance(v, int | float) and v in (0, 1) else str(v).lower())
    return np.array([words.get(word, np.nan) for word in text], dtype=np.float64)


def cox_models(
    data: SurvivalData,
    reference: str,
    others: list[str],
    labels: dict[str, str],
    confidence_level: float,
    *,
    stratified: bool = False,
) -> list[CoxResult]:
    """The table of models: arm; and with a p53 column, arm + p53 and arm x p53.

    All arms are in one model. ``likelihood_ratio_p`` compares a model with the one before it on the
    same patients (those whose p53 status is known, for the p53 models), so the last one is the test of interaction.
    ``stratified``: every model by the strata of the data.
    """
    models = CoxTable(confidence_level, stratified)
    arms = [arm_term(data, arm, reference, labels) for arm in others]
    model = models.fit(data, arms)
    rows = [models.row("arm", data, arms, model, None)]
    column = p53_column(data)
    if column is None:
        return rows
    mutant = p53_mutant(data.covariates[column])
    known = np.isfinite(mutant)
    part = data if known.all() else data.take(known)
    arms = [arm_term(part, arm, reference, labels) for arm in others]
    status = Term("p53[mutant]", "p53 mutant against wild type", mutant[known])
    products = [
        Term(
            f"{a.name}:p53[mutant]",
            f"{a.label}: ratio of hazard ratios, p53 mutant to wild type",
            a.column * status.column,
        )
        for a in arms
    ]
    first = model if known.all() else models.fit(part, arms)
    both = [*arms, status]
    second = models.fit(part, both)
    rows.append(models.row("arm + p53", part, both, second, ("arm", first)))
    every = [*both, *products]
    rows.append(models.row("arm x p53", part, every, models.fit(part, every), ("arm + p53", second)))
    return rows


@dataclass(frozen=True)
class CoxTable:
    """How the models of one table are fitted and told."""

    confidence_level: float
    stratified: bool

    def fit(self, data: SurvivalData, terms: list[Term]) -> CoxModel | None:
        return fit_cox(terms, data.time_days, data.event, strata=self._strata(data))

    def _strata(self, data: SurvivalData) -> Labels | None:
        return data.strata if self.stratified else None

    def row(
        self,
        name: str,
        data: SurvivalData,
        terms: list[Term],
        model: CoxModel | None,
        simpler: tuple[str, CoxModel | None] | None,
    ) -> CoxResult:
        """A model's row; ``simpler`` is the model that it is held against, by default that without any effect."""
        against, degrees, base = "no effect", 0, None
        if simpler is None:
            base = null_log_likelihood(data.time_days, data.event, self._strata(data))
        else:
            against = simpler[0]
            if simpler[1] is not None:
                base, degrees = simpler[1].log_likelihood, simpler[1].estimated
        p = None
        if model is not None and base is not None:
            p = chi_squared_p(2.0 * (model.log_likelihood - base), model.estimated - degrees)
        return CoxResult(
            model=name,
            strata=data.strata_names if self.stratified else (),
            n=data.n,
            events=int(data.event.sum()),
            terms=tuple(_term_row(i, term, model, self.confidence_level) for i, term in enumerate(terms)),
            likelihood_ratio_p=p,
            likelihood_ratio_against=against,
        )


def _term_row(i: int, term: Term, model: CoxModel | None, confidence_level: float) -> CoxTerm:
    if model is None:
        return CoxTerm(term.name, term.label, *(None,) * 6)
    coef, se = float(model.coef[i]), float(model.se[i])
    if not math.isfinite(coef):
        return CoxTerm(term.name, f"{term.label} (a stratum: no estimate)", *(None,) * 6)
    lower, upper, p = wald(coef, se, confidence_level)
    return CoxTerm(term.name, term.label, math.exp(coef), math.exp(lower), math.exp(upper), p, coef, se)
