"""What does not fit in a saved protocol, told at its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from trialsim.spec.form import Findings
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean

#: What can be done about any of it.
REMEDY = "run the protocol that this one was saved from"


def note(findings: Findings, path: KeyPath, message: str) -> None:
    """Note what does not fit, at its key."""
    findings.add(path, message, Rule.WHOLE, REMEDY, at_key=True)


def note_strangers(findings: Findings, path: KeyPath, names: Iterable[str], known: Collection[str], what: str) -> None:
    """Note the names that lead to nothing."""
    for name in names:
        if name not in known:
            findings.add(path, f"`{name}` is not {what}", Rule.WHOLE, did_you_mean(name, known), at_key=True)


def note_falls(findings: Findings, path: KeyPath, numbers: Sequence[float], *, strictly: bool = True) -> None:
    """Note a list that does not rise."""
    if any(b < a or (strictly and b == a) for a, b in pairwise(numbers)):
        note(findings, path, f"`{path[-1]}` does not rise")
