"""Error spending: how much of alpha or beta may be used by the time a share of the information is in.

A spending function f rises from f(0) = 0 to f(1) = the total (Lan & DeMets 1983, Biometrika 70:659). Names as in
the field; those with a parameter take it in brackets, ``hwang-shih-decani(-4)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri

Floats = NDArray[np.float64]


def _obrien_fleming(t: Floats, total: float, _: float) -> Floats:
    # 2 (1 - Phi(q / sqrt t)) with q the upper total/2 point. Through the logarithm, for early looks spend 1e-20.
    return np.asarray(2.0 * np.exp(log_ndtr(ndtri(total / 2.0) / np.sqrt(t))), dtype=np.float64)


def _pocock(t: Floats, total: float, _: float) -> Floats:
    return total * np.log1p((np.e - 1.0) * t)


def _hwang_shih_decani(t: Floats, total: float, gamma: float) -> Floats:
    return total * (t if gamma == 0.0 else np.expm1(-gamma * t) / np.expm1(-gamma))


def _kim_demets(t: Floats, total: float, rho: float) -> Floats:
    return total * t**rho


@dataclass(frozen=True)
class Family:
    """A spending function, with the range of its parameter if it has one."""

    spent: Callable[[Floats, float, float], Floats]
    formula: str
    default: float | None = None
    low: float = 0.0
    high: float = 0.0


FAMILIES = {
    "obrien-fleming": Family(_obrien_fleming, "2 - 2 Phi(z(total/2) / sqrt t)"),
    "pocock": Family(_pocock, "total ln(1 + (e - 1) t)"),
    "hwang-shih-decani": Family(
        _hwang_shih_decani, "total (1 - exp(-gamma t)) / (1 - exp(-gamma))", -4.0, low=-40.0, high=40.0
    ),
    "kim-demets": Family(_kim_demets, "total t^rho", 3.0, low=0.05, high=50.0),
}

_SYNTAX = re.compile(r"([a-z-]+)(?:\(\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*\))?", re.IGNORECASE)


class SpendingError(ValueError):
    """A spending function that cannot be; says why, and what would do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True)
class Spending:
    """A family with its parameter, or cumulative shares of the total that are given look by look."""

    family: str
    parameter: float = 0.0
    shares: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """As it is written: ``kim-demets(3)``, or the shares."""
        if self.shares:
            return ", ".join(f"{share:g}" for share in self.shares)
        return self.family if FAMILIES[self.family].default is None else f"{self.family}({self.parameter:g})"

    def spent(self, information: Sequence[float] | Floats, total: float) -> Floats:
        """Cumulative error spent at each information fraction; from 1 on it is ``total``.

        Shares go by the number of the look; raises :class:`SpendingError` when there are more looks than shares.
        """
        t = np.minimum(np.asarray(information, dtype=np.float64), 1.0)
        if self.shares:
            if len(self.shares) < len(t):
                raise SpendingError(f"{len(self.shares)} shares for {len(t)} looks", "one share for each look")
            return total * np.array(self.shares[: len(t)])
        spent = FAMILIES[self.family].spent(t, total, self.parameter)
        return np.where(t >= 1.0, total, spent)


def parse_spending(text: str) -> Spending:
    """The spending function that a name means, or a list of cumulative shares: ``0.1, 0.4, 1``.

    Raises :class:`SpendingError`.
    """
    if text.strip()[:1] in tuple("0123456789.-"):
        try:
            return custom_spending([float(share) for share in text.split(",")])
        except ValueError as error:
            if isinstance(error, SpendingError):
                raise
            raise SpendingError(f"`{text}` is no list of shares", "0.1, 0.4, 1") from None
    match = _SYNTAX.fullmatch(text.strip())
    family = FAMILIES.get(match[1].lower()) if match else None
    if match is None or family is None:
        raise SpendingError(f"`{text}` is no spending function", f"one of {', '.join(FAMILIES)}")
    name = match[1].lower()
    if family.default is None:
        if match[2] is not None:
            raise SpendingError(f"`{name}` has no parameter", name)
        return Spending(name)
    try:
        parameter = family.default if match[2] is None else float(match[2])
    except ValueError:
        raise SpendingError(f"`{match[2]}` is not a number", f"{name}({family.default:g})") from None
    if not family.low <= parameter <= family.high:
        raise SpendingError(
            f"{parameter:g} is out of range for `{name}`",
            f"from {family.low:g} to {family.high:g}, e.g. {family.default:g}",
        )
    return Spending(name, parameter)


def custom_spending(shares: Sequence[float]) -> Spending:
    """Cumulative shares of the total error, one for each look, the last of them 1. Raises :class:`SpendingError`."""
    if not shares or any(b < a for a, b in zip((0.0, *shares), shares, strict=False)) or shares[-1] != 1.0:
        raise SpendingError("spent shares rise from 0 to 1 at the last look", "e.g. 0.1, 0.4, 1")
    return Spending("custom", shares=tuple(float(share) for share in shares))
