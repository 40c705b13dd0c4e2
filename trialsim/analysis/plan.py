"""What to analyse: the plan, written before the data are seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trialsim.analysis.data import SurvivalData, did_you_mean, number_of
from trialsim.analysis.risk_table import default_ticks
from trialsim.errors import UsageError
from trialsim.reported.analysis import Test
from trialsim.units import DAYS_PER_MONTH

_USUAL_LANDMARKS = (12.0, 24.0, 36.0, 60.0, 120.0)
_ALWAYS = (36.0, 60.0)
#: Levels that say nothing without their variable, as numbers do not.
_BARE_LEVELS = frozenset(("yes", "no", "true", "false", "y", "n", "t", "f"))


@dataclass(frozen=True)
class AnalysisPlan:
    """The analysis as planned.

    ``arms`` maps names to labels in canonical order, the reference first. ``sided`` rules the p-values of the
    log-rank tests and of MaxCombo; hazard ratios, RMST and landmark differences have two-sided p-values and
    intervals at ``confidence_level``. ``test`` names the primary test; where it is stratified, so are hazard ratios,
    MaxCombo, the test of proportional hazards and those of interaction. ``rmst_tau_days`` None takes the longest
    follow-up that all arms share.

    Raises
    ------
    UsageError
        The reference is not an arm, or alpha, sided or the confidence level is out of range.
    """

    reference: str
    arms: Mapping[str, str]
    alpha: float = 0.05
    sided: int = 2
    test: Test = "logrank"
    confidence_level: float = 0.95
    landmarks_days: tuple[float, ...] = ()
    rmst_tau_days: float | None = None
    subgroups: tuple[str, ...] = ()
    adjust_for: tuple[str, ...] = ()
    """Covariates of one more Cox model: arm and all of these."""
    paramcd: str = "TTE"
    label: str = "Time to event"
    ticks_months: tuple[float, ...] = field(default=())
    """Ticks of the at-risk tables; empty: chosen from the follow-up."""
    followed_days: float = 0.0
    """For how long every patient was to be followed: a landmark up to then that follow-up does not reach is a
    departure from the plan."""

    def __post_init__(self) -> None:
        if self.reference not in self.arms:
            raise UsageError(
                f'reference "{self.reference}" is not one of the arms {", ".join(self.arms)}'
                f"{did_you_mean(self.reference, self.arms)}"
            )
        if self.sided not in (1, 2):
            raise UsageError(f"sided is 1 or 2, not {self.sided}")
        for name in ("alpha", "confidence_level"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise UsageError(f"{name} lies between 0 and 1, not {getattr(self, name):g}")
        if self.rmst_tau_days is not None and not self.rmst_tau_days > 0.0:
            raise UsageError(f"tau is a time above zero, not {self.rmst_tau_days:g} days")
        object.__setattr__(self, "landmarks_days", tuple(dict.fromkeys(self.landmarks_days)))

    @property
    def others(self) -> list[str]:
        """The arms that are compared with the reference."""
        return [arm for arm in self.arms if arm != self.reference]

    @property
    def is_stratified(self) -> bool:
        """Whether the planned test is stratified, and with it every estimate of a hazard ratio."""
        return self.test == "stratified_logrank"


def default_plan(
    data: SurvivalData,
    *,
    alpha: float = 0.05,
    sided: int = 2,
    confidence_level: float = 0.95,
    rmst_tau_days: float | None = None,
    subgroups: tuple[str, ...] = (),
    adjust_for: tuple[str, ...] = (),
    paramcd: str = "TTE",
    label: str = "Time to event",
) -> AnalysisPlan:
    """A plan for data that came without one.

    Arms in order with the reference first; landmarks at 36 and 60 months and at those of 12, 24 and 120
    that lie within follow-up (at the at-risk ticks when follow-up ends before 12 months); the stratified test
    when there are strata.

    Raises
    ------
    UsageError
        A one-sided test, and nobody said which arm is the reference: the other choice gives the opposite p.
    """
    if sided == 1 and data.reference_by == "order" and len(data.arms) > 1:
        raise UsageError(
            f"a one-sided test needs to know which arm is the reference; name it with --reference: "
            f"{', '.join(data.arms)}"
        )
    longest = float(data.time_days.max()) / DAYS_PER_MONTH
    within = {month for month in _USUAL_LANDMARKS if month <= longest} or set(default_ticks(longest)[1:])
    names = [data.reference, *(arm for arm in data.arms if arm != data.reference)]
    return AnalysisPlan(
        reference=data.reference,
        arms=_labels(data.arm_variable, names),
        alpha=alpha,
        sided=sided,
        test="logrank" if data.strata is None else "stratified_logrank",
        confidence_level=confidence_level,
        landmarks_days=tuple(month * DAYS_PER_MONTH for month in sorted({*within, *_ALWAYS})),
        rmst_tau_days=rmst_tau_days,
        subgroups=subgroups,
        adjust_for=adjust_for,
        paramcd=paramcd,
        label=label,
    )


def _labels(variable: str, names: Sequence[str]) -> dict[str, str]:
    """The arms' labels: ``horTh = yes`` where a level says nothing without its variable."""
    bare = any(name.lower() in _BARE_LEVELS or not math.isnan(number_of(name)) for name in names)
    return {name: f"{variable} = {name}" if bare and variable else name for name in names}
