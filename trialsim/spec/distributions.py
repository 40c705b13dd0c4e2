"""A distribution as written -> canonical parameters in the trait's internal unit, checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from trialsim import units
from trialsim.spec.form import Findings
from trialsim.spec.resolved import Distribution
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.traits import Trait
from trialsim.spec.values import did_you_mean, shown
from trialsim.spec.written_cohort import (
    WrittenBeta,
    WrittenCategorical,
    WrittenConstant,
    WrittenDistribution,
    WrittenLognormal,
    WrittenLoguniform,
    WrittenNormal,
    WrittenUniform,
)

#: Numeric traits by which the model divides, so that zero has no meaning.
NEVER_ZERO = frozenset(
    {
        "doubling_time", "doubling_time_burden", "carrying_capacity", "maturation_time", "escape_latency",
        "radio_alpha_beta", "drug_clearance", "platelet_baseline",
    }
)  # fmt: skip
#: Folds by which the secretome raises something: 1 is no effect, and below it a strong load would turn a rate negative.
AT_LEAST_ONE = frozenset({"sasp_growth", "sasp_seeding", "sasp_waking", "sasp_clearance", "f3_boost"})
#: A fold by which the model divides, or nearly so: below it nothing of what it multiplies is left.
LEAST_FOLD = 0.01
#: Folds that gains scale from 1 and by which the model divides; the gain of each has its group in its name.
DIVIDING_FOLDS = {
    "escaper_establishment": "escaper.establishment",
    "escaper_resistance": "escaper.resistance",
}
#: Least and greatest values of traits that set how fast lesions change: beyond them a day takes too many steps.
PACE = {
    **{name: (LEAST_FOLD, math.inf) for name in DIVIDING_FOLDS},
    "doubling_time": (0.1, math.inf),
    "escaper_growth": (0.0, 100.0),
    "spontaneous_senescence_rate": (0.0, 10.0),
    "maturation_time": (0.01, math.inf),
    "senescence_reversal_rate": (0.0, 10.0),
    "senescent_clearance_rate": (0.0, 10.0),
    "immune_kill_rate": (0.0, 3.0),
    "senolytic_sensitivity": (0.0, 1000.0),
    "sasp_intensity": (0.0, 1000.0),
    "sasp_arrest": (0.0, 1.0),
    "sasp_growth": (0.0, 100.0),
    "sasp_clearance": (0.0, 100.0),
    "sasp_seeding": (0.0, 100.0),
    "seeding_rate": (0.0, 1e-6),
    "foci": (0.0, 1000.0),
}
#: Truncation that keeps less than this share of a distribution is taken for a mistake.
LEAST_SHARE = 1e-3
#: A spread that is smaller, against the middle, is told from none by nobody, and larger than the other no number has.
LEAST_SPREAD, MOST_SPREAD = 1e-6, 1e6
#: The same for the parameters of a beta.
LEAST_SHAPE, MOST_SHAPE = 1e-3, 1e9
#: Standard deviations beyond which one draw in a billion lies.
FAR = 6.0
_LOGNORMAL_FORMS = "median with cv, gsd or sd_log10; or mean with sd"


def resolve_distribution(
    findings: Findings,
    path: KeyPath,
    written: WrittenDistribution,
    trait: Trait,
    inherited: tuple[str | None, Any] = (None, None),
) -> Distribution | None:
    """The canonical distribution, or None when it breaks a rule (noted in ``findings``).

    ``inherited`` is the source and the confidence of the trait around it, for those it does not give.
    """
    before = len(findings.problems)
    reader = _Reader(findings, path, trait)
    source, confidence = written.source or inherited[0], written.confidence or inherited[1]
    lacking = [name for name, given in (("source", source), ("confidence", confidence)) if not given]
    if lacking:
        what = " and ".join(f"`{name}`" for name in lacking)
        remedy = "source: who found it, confidence: high, med or low"
        findings.add(path, f"`{trait.name}` has no {what}", Rule.SOURCED, remedy)
    result = _resolve_levels(reader, written) if trait.is_category else _resolve_number(reader, written)
    if result is None or len(findings.problems) > before:
        return None
    if not trait.is_category and not _in_pace(reader, result):
        return None
    return result.model_copy(update={"source": source, "confidence": confidence})


class _Reader:
    """Reads the parameters of one distribution in its trait's unit, noting what is wrong with them."""

    def __init__(self, findings: Findings, path: KeyPath, trait: Trait) -> None:
        self.findings = findings
        self.path = path
        self.trait = trait

    @property
    def highest(self) -> float:
        """The largest value of the trait that makes sense, in its internal unit."""
        return units.DIMENSIONS[str(self.trait.dimension)].highest

    def note(self, key: str, message: str, rule: Rule, remedy: str = "") -> None:
        self.findings.add((*self.path, key) if key else self.path, message, rule, remedy)

    def number(self, key: str, value: Any, dimension: str = "") -> float | None:
        """The value in internal units; None and a problem when it is not in the grammar."""
        try:
            return units.parse(value, dimension or str(self.trait.dimension))
        except units.UnitError as error:
            self.note(key, error.message, Rule.UNIT, error.remedy)
            return None

    def numbers(self, written: Any, *keys: str) -> tuple[float, ...] | None:
        """The values of several keys, or None when any is wrong."""
        found = [self.number(key, getattr(written, key)) for key in keys]
        return None if None in found else tuple(x for x in found if x is not None)

    def spread(self, key: str, ratio: float) -> bool:
        """Whether a spread, given against the middle of its distribution, is one that can be drawn from."""
        if LEAST_SPREAD <= ratio <= MOST_SPREAD:
            return True
        if ratio < LEAST_SPREAD:
            self.note(key, f"`{key}` leaves no spread to speak of", Rule.PARAMETERS, "`value:` for a constant")
        else:
            self.note(key, f"`{key}` is more than a million times the middle", Rule.PARAMETERS, "a smaller spread")
        return False

    def above_zero(self, written: Any, key: str, dimension: str = "") -> float | None:
        value = self.number(key, getattr(written, key), dimension)
        if value == 0:
            self.note(key, f"`{key}` must be more than zero", Rule.PARAMETERS, "`value:` for a constant")
            return None
        return value


def _resolve_levels(reader: _Reader, written: WrittenDistribution) -> Distribution | None:
    trait = reader.trait
    if isinstance(written, WrittenConstant):
        level = written.value
        if not isinstance(level, str):
            reader.note("value", f"{shown(level)} is not a level of `{trait.name}`", Rule.TRAIT_KIND)
        elif _known_level(reader, "value", level):
            return Distribution(kind="categorical", levels=(level,), probabilities=(1.0,))
        return None
    if not isinstance(written, WrittenCategorical):
        message = f"`{trait.name}` is a category, which a {written.distribution} distribution cannot give"
        reader.note("distribution", message, Rule.TRAIT_KIND, "distribution: categorical")
        return None
    total = math.fsum(written.probabilities.values())
    if abs(total - 1.0) > 1e-6:
        message = f"the probabilities of `{trait.name}` sum to {total:.9g}, not 1"
        reader.note("probabilities", message, Rule.PROBABILITIES)
    for level in written.probabilities:
        _known_level(reader, f"probabilities.{level}", level)
    levels = tuple(written.probabilities)
    shares = tuple(p / total for p in written.probabilities.values()) if total else ()
    return Distribution(kind="categorical", levels=levels, probabilities=shares)


def _known_level(reader: _Reader, key: str, level: str) -> bool:
    known = reader.trait.levels
    if known == ("*",) or level in known:
        return True
    path = (*reader.path, *key.split(".", 1))
    message = f"`{level}` is not a level of `{reader.trait.name}`"
    reader.findings.add(path, message, Rule.KNOWN_LEVEL, did_you_mean(level, known), at_key="." in key)
    return False


def _resolve_number(reader: _Reader, written: WrittenDistribution) -> Distribution | None:
    if isinstance(written, WrittenConstant):
        value = reader.number("value", written.value)
        if value is None or not _in_support(reader, "value", value):
            return None
        return Distribution(kind="constant", parameters={"value": value})
    if isinstance(written, WrittenUniform | WrittenLoguniform):
        return _interval(reader, written)
    if isinstance(written, WrittenNormal):
        return _truncated(reader, written, _normal(reader, written))
    if isinstance(written, WrittenLognormal):
        return _truncated(reader, written, _lognormal(reader, written))
    if isinstance(written, WrittenBeta):
        return _truncated(reader, written, _beta(reader, written))
    message = f"`{reader.trait.name}` is a number, not a category"
    reader.note("distribution", message, Rule.TRAIT_KIND, "distribution: lognormal, for example")
    return None


def _in_support(reader: _Reader, key: str, value: float) -> bool:
    if value == 0 and reader.trait.name in NEVER_ZERO:
        reader.note(key, f"`{reader.trait.name}` cannot be zero", Rule.SUPPORT)
        return False
    if value < 1 and reader.trait.name in AT_LEAST_ONE:
        message = f"`{reader.trait.name}` is {value:g}; it is a fold that raises"
        reader.note(key, message, Rule.SUPPORT, "1 is no effect")
        return False
    return True


def _in_pace(reader: _Reader, distribution: Distribution) -> bool:
    least, most = PACE.get(reader.trait.name, (0.0, math.inf))
    low, high = ends(distribution)
    if low >= least and high <= most:
        return True
    wrong, bound = (low, f"at least {least:g}") if low < least else (high, f"at most {most:g}")
    key = "value" if distribution.kind == "constant" else "distribution"
    reader.note(key, f"`{reader.trait.name}` can be {wrong:.3g}; it is {bound}", Rule.SUPPORT, "add `min:` or `max:`")
    return False


def _interval(reader: _Reader, written: WrittenUniform | WrittenLoguniform) -> Distribution | None:
    ends = reader.numbers(written, "low", "high")
    if ends is None or not _in_support(reader, "low", ends[0]):
        return None
    low, high = ends
    if low >= high:
        reader.note("low", "`low` is not below `high`", Rule.PARAMETERS, "`value:` for a constant")
        return None
    if isinstance(written, WrittenLoguniform) and low == 0:
        reader.note("low", "a loguniform distribution cannot start at zero", Rule.PARAMETERS)
        return None
    return Distribution(kind=written.distribution, parameters={"low": low, "high": high})


def _normal(reader: _Reader, written: WrittenNormal) -> Distribution | None:
    mean, sd = reader.number("mean", written.mean), reader.above_zero(written, "sd")
    if mean is None or sd is None or not reader.spread("sd", sd / mean if mean > 0.0 else 1.0):
        return None
    return Distribution(kind="normal", parameters={"mean": mean, "sd": sd})


def _lognormal(reader: _Reader, written: WrittenLognormal) -> Distribution | None:
    keys = ("median", "cv", "gsd", "sd_log10", "mean", "sd")
    given = {key for key in keys if getattr(written, key) is not None}
    if given == {"mean", "sd"}:
        mean, sd = reader.above_zero(written, "mean"), reader.above_zero(written, "sd")
        if mean is None or sd is None or not reader.spread("sd", sd / mean):
            return None
        sigma = math.sqrt(math.log1p((sd / mean) ** 2))
        return _lognormal_of(math.log(mean) - sigma**2 / 2.0, sigma)
    if len(given) != 2 or "median" not in given or given & {"mean", "sd"}:
        names = ", ".join(f"`{key}`" for key in keys if key in given) or "nothing"
        reader.note("distribution", f"a lognormal cannot be made from {names}", Rule.PARAMETERS, _LOGNORMAL_FORMS)
        return None
    (spread,) = given - {"median"}
    median, sigma_or_none = reader.above_zero(written, "median"), _sigma(reader, written, spread)
    if median is None or sigma_or_none is None:
        return None
    return _lognormal_of(math.log(median), sigma_or_none)


def _lognormal_of(mu: float, sigma: float) -> Distribution:
    return Distribution(kind="lognormal", parameters={"mu": mu, "sigma": sigma})


def _sigma(reader: _Reader, written: WrittenLognormal, key: str) -> float | None:
    """Standard deviation of the natural logarithm, from one of its three spellings."""
    raw = getattr(written, key)
    dimension = "fraction" if isinstance(raw, str) and raw.strip().endswith("%") else "fold"
    value = reader.above_zero(written, key, dimension)
    if value is None:
        return None
    if key == "gsd" and value <= 1:
        reader.note(key, "a geometric standard deviation is above 1", Rule.PARAMETERS)
        return None
    if not reader.spread(key, {"cv": value, "gsd": value - 1.0, "sd_log10": _fold(value) - 1.0}[key]):
        return None
    if key == "cv":
        return math.sqrt(math.log1p(value**2))
    return math.log(value) if key == "gsd" else value * math.log(10.0)


def _fold(decades: float) -> float:
    return math.inf if decades > 300.0 else 10.0**decades


def _beta(reader: _Reader, written: WrittenBeta) -> Distribution | None:
    if reader.trait.dimension != "fraction":
        message = f"a beta distribution lies between 0 and 1, and `{reader.trait.name}` is not a fraction"
        reader.note("distribution", message, Rule.TRAIT_KIND)
        return None
    given = {key for key in ("mean", "sd", "a", "b") if getattr(written, key) is not None}
    if given == {"a", "b"}:
        a, b = reader.above_zero(written, "a", "fold"), reader.above_zero(written, "b", "fold")
    elif given == {"mean", "sd"}:
        a, b = _beta_from_moments(reader, written)
    else:
        reader.note("distribution", "a beta needs `mean` with `sd`, or `a` with `b`", Rule.PARAMETERS)
        return None
    if a is None or b is None:
        return None
    strange = [name for name, shape in (("a", a), ("b", b)) if not LEAST_SHAPE <= shape <= MOST_SHAPE]
    if strange:
        key = "sd" if "sd" in given else strange[0]
        message = f"a beta with a = {a:.3g} and b = {b:.3g} cannot be drawn from"
        reader.note(key, message, Rule.PARAMETERS, f"a and b from {LEAST_SHAPE:g} to {MOST_SHAPE:g}, or `value:`")
        return None
    return Distribution(kind="beta", parameters={"a": a, "b": b})


def _beta_from_moments(reader: _Reader, written: WrittenBeta) -> tuple[float | None, float | None]:
    """a = m nu and b = (1 - m) nu with nu = m (1 - m) / sd^2 - 1."""
    mean, sd = reader.above_zero(written, "mean"), reader.above_zero(written, "sd")
    if mean is None or sd is None:
        return None, None
    if sd**2 >= mean * (1.0 - mean):
        limit = math.sqrt(mean * (1.0 - mean))
        reader.note("sd", f"a beta with mean {mean:g} has an sd below {limit:.3g}", Rule.PARAMETERS)
        return None, None
    if not reader.spread("sd", sd / min(mean, 1.0 - mean)):
        return None, None
    nu = mean * (1.0 - mean) / sd**2 - 1.0
    return mean * nu, (1.0 - mean) * nu


def _truncated(
    reader: _Reader,
    written: WrittenNormal | WrittenLognormal | WrittenBeta,
    distribution: Distribution | None,
) -> Distribution | None:
    """``distribution`` with its truncation, when that is needed, possible and keeps enough of it."""
    lower = None if written.min is None else reader.number("min", written.min)
    upper = None if written.max is None else reader.number("max", written.max)
    if distribution is None or (written.min is not None and not _in_support(reader, "min", lower or 0.0)):
        return None
    if distribution.kind == "normal" and written.min is None:
        message = f"a normal distribution of `{reader.trait.name}` could be negative"
        reader.note("distribution", message, Rule.SUPPORT, "add `min:`, or make it lognormal")
        return None
    if reader.trait.name in AT_LEAST_ONE and written.min is None:
        message = f"this distribution of `{reader.trait.name}` could fall below 1, which is no effect"
        reader.note("distribution", message, Rule.SUPPORT, "add `min: 1`")
        return None
    if reader.trait.dimension == "fraction" and distribution.kind != "beta" and written.max is None:
        message = f"this distribution of `{reader.trait.name}` could exceed 1"
        reader.note("distribution", message, Rule.SUPPORT, "add `max: 1`, or make it beta")
        return None
    if written.max is None and distribution.kind != "beta" and _far_end(distribution) > reader.highest:
        message = f"this distribution of `{reader.trait.name}` could exceed {reader.highest:g}"
        reader.note("distribution", message, Rule.SUPPORT, "add `max:`, or a smaller spread")
        return None
    if lower is not None and upper is not None and lower >= upper:
        reader.note("min", "`min` is not below `max`", Rule.TRUNCATION)
        return None
    share = share_kept(distribution, lower, upper)
    if share < LEAST_SHARE:
        end = "min" if written.min is not None else "max"
        message = f"`min` and `max` keep only {share:.2g} of the distribution"
        reader.note(end, message, Rule.TRUNCATION, "check the units of the parameters")
        return None
    return distribution.model_copy(update={"lower": lower, "upper": upper})


def _far_end(distribution: Distribution, deviations: float = FAR) -> float:
    """The value of a normal or lognormal so many standard deviations up."""
    p = distribution.parameters
    if distribution.kind == "normal":
        return p["mean"] + deviations * p["sd"]
    return math.exp(p["mu"] + deviations * p["sigma"])


def ends(distribution: Distribution) -> tuple[float, float]:
    """The least and the greatest value that can be drawn from a distribution of numbers, save one in a billion."""
    p = distribution.parameters
    match distribution.kind:
        case "constant":
            low = high = p["value"]
        case "uniform" | "loguniform":
            low, high = p["low"], p["high"]
        case "beta":
            low, high = 0.0, 1.0
        case _:
            low, high = _far_end(distribution, -FAR), _far_end(distribution)
    return (
        low if distribution.lower is None else max(low, distribution.lower),
        high if distribution.upper is None else min(high, distribution.upper),
    )


def share_kept(distribution: Distribution, lower: float | None, upper: float | None) -> float:
    """How much of the distribution lies between the ends."""
    cdf = _cdf(distribution)
    return (1.0 if upper is None else cdf(upper)) - (0.0 if lower is None else cdf(lower))


def _cdf(distribution: Distribution) -> Callable[[float], float]:
    p = distribution.parameters
    if distribution.kind == "normal":
        return lambda x: _standard_normal((x - p["mean"]) / p["sd"])
    if distribution.kind == "lognormal":
        return lambda x: _standard_normal((math.log(x) - p["mu"]) / p["sigma"]) if x > 0 else 0.0
    from scipy.special import betainc  # only a truncated beta needs it, and it is slow to import

    return lambda x: float(betainc(p["a"], p["b"], x))


def _standard_normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
