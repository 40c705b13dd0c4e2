"""Colours of the page, once, for CSS, for plotly and for the static drawings.

A figure names colours by token (``@series-0``); the page resolves them when it draws, so light and dark
themes need one set of figures. Lines follow Okabe and Ito (2008, "Color universal design"), never colour alone:
every series also has its own dash.
"""

from __future__ import annotations

from typing import Any

#: Line styles by series: plotly's name.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

_LIGHT_SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# The same hues, darkened until they read as text on the page.
_LIGHT_TEXT = ("#00639C", "#A84A00", "#00714F", "#9C4377", "#875D00", "#1F6F9F")
_DARK_SERIES = ("#4DA8E0", "#F0843A", "#2DBE93", "#DE97BF", "#EDB02E", "#8CCFF5")

#: Colours of series, named ``series-0`` and on.
SERIES = len(_LIGHT_SERIES)

LIGHT: dict[str, str] = {
    "page": "#FFFFFF",
    "panel": "#F7F6F2",
    "ink": "#1C2127",
    "muted": "#59616B",
    "rule": "#DDDAD2",
    "grid": "#ECEAE4",
    "tail": "#9AA0A6",
    "shade": "rgba(28,33,39,0.055)",
    "shade-strong": "rgba(28,33,39,0.16)",
    "accent": "#00639C",
    "good": "#00714F",
    "caution": "#A84A00",
    "on-fill": "#14181D",
}
DARK: dict[str, str] = {
    "page": "#15181C",
    "panel": "#1D2126",
    "ink": "#E9E7E2",
    "muted": "#A6AEB8",
    "rule": "#363C44",
    "grid": "#272C33",
    "tail": "#7D858E",
    "shade": "rgba(233,231,226,0.06)",
    "shade-strong": "rgba(233,231,226,0.2)",
    "accent": "#6FBBEB",
    "good": "#43CDA3",
    "caution": "#F29A5B",
    "on-fill": "#14181D",
}
#: Fills of the causes of relapse; variants of one cause share a hue and differ in pattern.
CAUSE_FILLS = {"residual": "#9AA5B1", "awakened": "#2BAF86", "seeded": "#56B4E9", "spontaneous": "#D48DB5",
               "tis": "#E69F00"}  # fmt: skip
#: Patterns laid over a fill that is used again: plotly's names.
PATTERNS = ("", "/", "x", ".", "\\", "-", "+")


def _rgb(colour: str) -> tuple[int, int, int]:
    value = colour.lstrip("#")
    return int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16)


def _add_series(theme: dict[str, str], lines: tuple[str, ...], texts: tuple[str, ...], alpha: float) -> None:
    for index, (line, text) in enumerate(zip(lines, texts, strict=True)):
        theme[f"series-{index}"] = line
        theme[f"text-{index}"] = text
        theme[f"band-{index}"] = "rgba({},{},{},{})".format(*_rgb(line), alpha)
    for name, fill in CAUSE_FILLS.items():
        theme[f"cause-{name}"] = fill


_add_series(LIGHT, _LIGHT_SERIES, _LIGHT_TEXT, 0.13)
_add_series(DARK, _DARK_SERIES, _DARK_SERIES, 0.17)


def css_variables(theme: dict[str, str]) -> str:
    """The theme as CSS custom properties, one per token."""
    return "".join(f"--{name}:{value};" for name, value in theme.items())


def resolve(value: Any, theme: dict[str, str]) -> Any:
    """A figure with every colour token replaced. Only keys that end in ``color`` are looked at, so a label
    that happens to start with ``@`` stays as it is."""
    if isinstance(value, dict):
        return {key: _colour(key, item, theme) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, theme) for item in value]
    return value


def _colour(key: str, item: Any, theme: dict[str, str]) -> Any:
    if key.endswith("color"):
        names = item if isinstance(item, list) else [item]
        colours = [theme[n[1:]] if isinstance(n, str) and n.startswith("@") else n for n in names]
        return colours if isinstance(item, list) else colours[0]
    return resolve(item, theme)


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two opaque colours: (L1 + 0.05) / (L2 + 0.05), 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [c / 255 for c in _rgb(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
