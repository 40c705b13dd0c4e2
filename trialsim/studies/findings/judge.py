"""Whether an estimate meets its rule, and why not."""

from __future__ import annotations

import math

from trialsim.reported.studies import SavedEstimate
from trialsim.studies.estimates import Estimate


def meets(rule: str, bounds: tuple[float, ...], found: Estimate) -> bool:
    """Whether an estimate meets a rule (`trialsim.studies.findings.registry.Measure`). Nothing known meets nothing."""
    value, lower, upper = found
    match rule:
        case "within":
            return bounds[0] <= value <= bounds[1]
        case "inside":
            return bounds[0] <= lower and upper <= bounds[1]
        case "above":
            return lower > bounds[0]
        case "below":
            return upper < bounds[0]
        case "holds":
            return lower <= bounds[0] <= upper
        case "at_least":
            return value >= bounds[0]
    raise ValueError(f"no rule is called {rule}")


def window(rule: str, bounds: tuple[float, ...]) -> str:
    """A rule in words."""
    first = number(bounds[0])
    match rule:
        case "within":
            return f"{first} to {number(bounds[1])}"
        case "inside":
            return f"interval within {first} to {number(bounds[1])}"
        case "above":
            return f"interval above {first}"
        case "below":
            return f"interval below {first}"
        case "holds":
            return f"interval holds {first}"
        case "at_least":
            return f"at least {first}"
    raise ValueError(f"no rule is called {rule}")


def number(value: float) -> str:
    """A number for reading: three figures, no exponent where there need be none."""
    if math.isnan(value):
        return "none"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0.0 or 1e-3 <= abs(value) < 1e5:
        text = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        return text.replace("-", "−")
    return f"{value:.2g}".replace("-", "−")


def interval(found: Estimate) -> str:
    """An estimate with its interval."""
    if math.isnan(found.value) and math.isnan(found.lower):
        return "none"
    return f"{number(found.value)} ({number(found.lower)} to {number(found.upper)})"


def saved_interval(found: SavedEstimate) -> str:
    """The same of an estimate as it was saved."""

    def number_of(value: float | str | None) -> float:
        return math.nan if value is None else math.inf if value == "infinite" else float(value)

    return interval(Estimate(*map(number_of, (found.value, found.lower, found.upper))))


def reason(name: str, unit: str, rule: str, bounds: tuple[float, ...], found: Estimate) -> str:
    """What falls short, in a sentence."""
    told = interval(found)
    what = f"{told}{' ' + unit if unit and told != 'none' else ''}"
    return f"{name} is {what}, wanted: {window(rule, bounds)}"
