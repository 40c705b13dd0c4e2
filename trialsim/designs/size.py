r"""Events, patients and power of the log-rank test, in closed form.

``alpha`` is that of the whole test; a two-sided test is sized on one side with half of it. ``ratio`` is treated to
control. ``inflation`` is what a group-sequential design multiplies the information with
(:meth:`~trialsim.designs.boundaries.Boundaries.inflation`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scipy.special import ndtr, ndtri

from trialsim.designs.boundaries import DesignError, fixed_drift
from trialsim.designs.survival import Expected, SurvivalTrial

Method = Literal["schoenfeld", "lachin-foulkes"]


def schoenfeld_events(
    hazard_ratio: float, alpha: float, power: float, *, sided: int = 1, ratio: float = 1.0, inflation: float = 1.0
) -> float:
    r"""Events :math:`\frac{(1+r)^2}{r} \frac{(z_{1-\alpha}+z_{power})^2}{\ln^2 HR}` (Schoenfeld 1981)."""
    return inflation * fixed_drift(alpha, sided, power) ** 2 / information_per_event(ratio) / _effect(hazard_ratio) ** 2


def schoenfeld_power(hazard_ratio: float, events: float, alpha: float, *, sided: int = 1, ratio: float = 1.0) -> float:
    """Power of a number of events, of the side that the hazard ratio is on."""
    return float(ndtr(abs(z_of_hazard_ratio(hazard_ratio, events, ratio)) + ndtri(alpha / sided)))


def z_of_hazard_ratio(hazard_ratio: float, events: float, ratio: float = 1.0) -> float:
    r"""E Z :math:`= -\ln HR \sqrt{d\, r}/(1+r)`; positive for a benefit."""
    return -math.log(hazard_ratio) * math.sqrt(events * information_per_event(ratio))


def hazard_ratio_of_z(z: float, events: float, ratio: float = 1.0) -> float:
    """The hazard ratio that gives a z: the least effect that crosses a boundary."""
    return math.exp(-z / math.sqrt(events * information_per_event(ratio)))


def events_of_z(z: float, hazard_ratio: float, ratio: float = 1.0) -> float:
    """The events at which a hazard ratio gives a z. Raises :class:`DesignError` for a z on the other side of 0."""
    if z * _effect(hazard_ratio) > 0.0:
        raise DesignError(f"no number of events gives z {z:g} under a hazard ratio of {hazard_ratio:g}",
                          "a z above 0 for a ratio below 1")  # fmt: skip
    return (z / _effect(hazard_ratio)) ** 2 / information_per_event(ratio)


def information_per_event(ratio: float) -> float:
    """Variance of the log-rank score for each event under no effect: r / (1 + r)^2."""
    return ratio / (1.0 + ratio) ** 2


@dataclass(frozen=True)
class Size:
    """What a design needs: events and patients, and what is expected when the events are in."""

    events: float
    patients: float
    trial: SurvivalTrial
    """With the accrual scaled to ``patients``."""
    time: float
    """When the analysis is."""
    expected: Expected


def size_for(
    trial: SurvivalTrial,
    time: float,
    alpha: float,
    power: float,
    *,
    sided: int = 1,
    method: Method = "schoenfeld",
    inflation: float = 1.0,
) -> Size:
    r"""Patients for an analysis at a calendar time: the accrual's rates are scaled, not its duration.

    ``schoenfeld``: the information of the events under no effect, at the average hazard ratio by that time.
    ``lachin-foulkes`` (1986, on the logarithm of the hazard ratio as gsDesign's ``nSurv``): the variance under no
    effect for alpha and that of the effect for power,

    .. math:: n = \bigl(z_{1-\alpha}\sqrt{1/E^0_0 + 1/E^0_1} + z_{power}\sqrt{1/E_0 + 1/E_1}\bigr)^2 / \ln^2 HR

    where :math:`E^0` are events with the hazard of both arms :math:`(1 + r HR)/(1 + r)` of the control's. It needs
    proportional hazards. Raises :class:`DesignError` where there is no effect or no event.
    """
    seen = _seen(trial, time)
    if method == "schoenfeld":
        needed = schoenfeld_events(
            seen.average_hazard_ratio, alpha, power, sided=sided, ratio=trial.ratio, inflation=inflation
        )
        factor = needed / seen.events
    else:
        factor = inflation * _lachin_foulkes_factor(trial, time, alpha, power, sided)
    scaled = replace(trial, accrual=trial.accrual.scaled(factor))
    expected = scaled.expected(time)
    return Size(expected.events, expected.enrolled, scaled, time, expected)


def effect_by_look(trial: SurvivalTrial, time: float, information: Sequence[float]) -> tuple[float, ...]:
    """The logarithm of the average hazard ratio at each look, as a share of that at the last, which is at ``time``.

    It is 1 throughout under proportional hazards and rises to 1 where the effect comes late. Raises
    :class:`DesignError` where there is no effect or no event.
    """
    last = _seen(trial, time)
    times = [time if share == information[-1] else trial.when(share * last.events) for share in information]
    return tuple(trial.expected(at).log_hazard_ratio / last.log_hazard_ratio for at in times)


def _seen(trial: SurvivalTrial, time: float) -> Expected:
    seen = trial.expected(time)
    if seen.events == 0.0 or seen.log_hazard_ratio == 0.0:
        raise DesignError(
            "no effect is expected by the time of the analysis", "a later analysis, or another hazard ratio"
        )
    return seen


def _lachin_foulkes_factor(trial: SurvivalTrial, time: float, alpha: float, power: float, sided: int) -> float:
    seen = trial.expected(time)
    ratios = (
        {b / a for a, b in zip(trial.control.hazard.values, trial.treated.hazard.values, strict=True) if a > 0.0}
        if trial.control.hazard.ends == trial.treated.hazard.ends
        else set()
    )
    hazard_ratio = seen.average_hazard_ratio
    if not ratios or max(ratios) - min(ratios) > 1e-9 * hazard_ratio:
        raise DesignError("lachin-foulkes needs proportional hazards", "the method schoenfeld")
    pooled = trial.control.hazard.scaled((1.0 + trial.ratio * hazard_ratio) / (1.0 + trial.ratio))
    null = replace(
        trial, control=replace(trial.control, hazard=pooled), treated=replace(trial.treated, hazard=pooled)
    ).expected(time)
    of_null = math.sqrt(1.0 / null.control + 1.0 / null.treated)
    of_effect = math.sqrt(1.0 / seen.control + 1.0 / seen.treated)
    z_alpha, z_power = -float(ndtri(alpha / sided)), float(ndtri(power))
    return ((z_alpha * of_null + z_power * of_effect) / seen.log_hazard_ratio) ** 2


def _effect(hazard_ratio: float) -> float:
    if not 0.0 < hazard_ratio < math.inf or hazard_ratio == 1.0:
        raise DesignError(f"a hazard ratio of {hazard_ratio:g} is no effect to plan for", "above 0 and not 1, e.g. 0.7")
    return math.log(hazard_ratio)
