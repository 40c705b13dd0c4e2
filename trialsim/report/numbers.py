"""How numbers are printed: one way each, on the page and in the terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable

from trialsim.reported.limits import Limits
from trialsim.spec.resolved import Distribution
from trialsim.units import DAYS_PER_MONTH as DAYS_PER_MONTH

#: Columns of a line in the terminal.
WIDTH = 100
ABSENT = "not estimable"
#: In place of numbers of what the protocol does not model, and of what nobody was measured for.
NOT_MODELLED, NOT_MEASURED = "not modelled", "not measured"

#: Confidence in a number, in words.
TRUST = {"high": "high", "med": "medium", "low": "low", None: "unstated"}

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def p_text(p: float | None) -> str:
    """A p value alone: ``< 0.001``, ``0.031``, ``0.47``. Its spaces do not break."""
    if p is None:
        return ABSENT
    if p < 0.001:
        return "<\u00a00.001"
    if p > 0.995:
        return ">\u00a00.99"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_equation(p: float | None) -> str:
    """``p = 0.031``, ``p < 0.001``."""
    text = p_text(p)
    if p is None:
        return f"p {text}"
    return f"p\u00a0{text}" if text[0] in "<>" else f"p\u00a0=\u00a0{text}"


def ratio(value: float | None) -> str:
    """A hazard ratio: two decimals; beyond 99 or below 0.01 only its side is told."""
    if value is None:
        return ABSENT
    if value > 99:
        return "> 99"
    return "< 0.01" if value < 0.005 else f"{value:.2f}"


def months(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.1f}"


def percent(share: float | None) -> str:
    """A fraction as percent with one decimal."""
    return ABSENT if share is None else f"{100 * share:.1f}%"


def between(
    lower: float | None, upper: float | None, form: str | Callable[[float], str] = "{:.2f}", unknown: str = "–"
) -> str:
    """``0.62 to 0.95``; never a hyphen, which reads as a minus sign. Its spaces do not break."""
    if lower is None and upper is None:
        return unknown
    shown = form.format if isinstance(form, str) else form
    first = unknown if lower is None else shown(lower)
    second = unknown if upper is None else shown(upper)
    return f"{first}\u00a0to\u00a0{second}"


def limits(found: Limits, form: str | Callable[[float], str] = "{:.2f}", unknown: str = "–") -> str:
    """The two limits of an estimate, as `between` writes them."""
    return between(found.lower, found.upper, form, unknown)


def minus(text: str) -> str:
    """Hyphens before numbers as minus signs."""
    return text.replace("-", "−")


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def filled(text: str, indent: int = 0, hanging: int = 0) -> list[str]:
    """Text for the terminal in lines, those after the first moved in by ``hanging``."""
    begin, later = " " * indent, " " * (indent + hanging)
    return textwrap.wrap(text, WIDTH, initial_indent=begin, subsequent_indent=later, break_on_hyphens=False)


def is_by(time: float, month: float) -> bool:
    """Whether a step at ``time`` has come by ``month``, both in months.

    A day is a number of months but for an error in its last digit, which must not move an event past a tick.
    """
    return time <= month * (1.0 + 1e-9)


def count(value: float) -> str:
    return f"{int(value):,}"


def share_of(part: float, whole: float) -> str:
    """``12 (4%)``."""
    return f"{int(part):,} ({100 * part / whole:.0f}%)" if whole else f"{int(part):,}"


def plain_number(value: float) -> str:
    """A number of any size with up to four significant digits: ``0.0001``, ``241``, ``3.1 × 10¹²``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e6:
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    mantissa, exponent = f"{value:.3g}".split("e") if "e" in f"{value:.3g}" else _split(value)
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    return power if mantissa == "1" else f"{mantissa}\u00a0×\u00a0{power}"


def _split(value: float) -> tuple[str, str]:
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}", exponent


def significant(value: float | None, digits: int = 5) -> float | None:
    """Rounded for a figure's data: what the eye can't see need not be in the page."""
    return None if value is None else float(f"{value:.{digits}g}")


def plural(number: int, noun: str, many: str = "") -> str:
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def distribution(d: Distribution) -> str:
    """A distribution in a reader's parameters: a log-normal by its median and central 90 %, a beta by its
    mean and standard deviation."""
    if d.kind == "categorical":
        pairs = zip(d.levels, d.probabilities, strict=True)
        return ", ".join(f"{words(level)} {100 * prob:.3g}%" for level, prob in pairs if prob > 0)
    value = {key: plain_number(number) for key, number in d.parameters.items()}
    if d.kind == "constant":
        text = value["value"]
    elif d.kind == "normal":
        text = f"normal, mean {value['mean']}, sd {value['sd']}"
    elif d.kind == "lognormal":
        mu, sigma = d.parameters["mu"], d.parameters["sigma"]
        middle, low, high = (rounded(math.exp(mu + z * sigma)) for z in (0.0, -1.645, 1.645))
        text = f"log-normal, median {middle}, 90% {low} to {high}"
    elif d.kind == "beta":
        a, b = d.parameters["a"], d.parameters["b"]
        mean, sd = a / (a + b), math.sqrt(a * b / (a + b + 1)) / (a + b)
        text = f"beta, mean {rounded(mean)}, sd {rounded(sd)}"
    else:
        name = {"uniform": "uniform", "loguniform": "log-uniform"}[d.kind]
        text = f"{name}, {value['low']} to {value['high']}"
    return text + _truncation(d)


def _truncation(d: Distribution) -> str:
    if d.lower is not None and d.upper is not None:
        return f"; kept within {plain_number(d.lower)} to {plain_number(d.upper)}"
    if d.lower is not None:
        return f"; at least {plain_number(d.lower)}"
    return f"; at most {plain_number(d.upper)}" if d.upper is not None else ""


#: Identifiers that readers write otherwise than with spaces for underscores.
_WRITTEN = {
    "bcl_xl": "BCL-xL",
    "mcl_1": "MCL-1",
    "her2": "HER2",
    "luminal_a": "luminal A",
    "luminal_b": "luminal B",
    "claudin_low": "claudin-low",
    "normal_like": "normal-like",
    "mgmt_methylated": "MGMT methylated",
    "mgmt_unmethylated": "MGMT unmethylated",
    "mss": "MSS",
    "msi_high": "MSI-high",
    "gcb": "GCB",
    "abc": "ABC",
    "n0": "N0",
    "n1": "N1",
    "n2": "N2",
    "n1_3": "1 to 3",
    "n4_plus": "4 or more",
}
_ACRONYMS = {"sasp": "SASP", "f3": "F3"}


def words(key: str) -> str:
    """An identifier as words: ``wild_type`` is "wild type", ``sasp_growth`` "SASP growth"."""
    return _WRITTEN.get(key) or " ".join(_ACRONYMS.get(part, part) for part in key.split("_"))


def rounded(value: float) -> str:
    """A measurement to three significant digits."""
    return plain_number(float(f"{value:.3g}"))
