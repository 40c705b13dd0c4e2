"""What of a protocol a study honours, what has no part in it, and what it refuses.

A study lives patients outside the trial's calendar, by code of its own, so a key that the trial obeys does nothing here
unless that code obeys it too. A key is honoured, or it stands in `UNUSED` with the reason why no study of twins has a
use for it, or in `REFUSED`; a protocol that sets one of these is not run. `tests/studies/test_scope.py` goes through
every key of the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from trialsim.errors import InvalidInput, Problem, UsageError
from trialsim.spec.agents import Agent
from trialsim.spec.load import load_protocol
from trialsim.spec.overrides import apply_overrides
from trialsim.spec.paths import is_of_cohort, path_and_value, words_of
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.spec.rules import Rule
from trialsim.spec.source import Document, KeyPath, read_document

Way = Literal["twins", "followed", "watched"]
"""How a study lives patients: under every arm (`trialsim.studies.twins`); scanned until relapse or death; or looked at
on given days, with every dose given as planned (`trialsim.studies.experiment`)."""

RULE = "a study has no trial around its patients, and takes no key that would change their course there"


class Unused(NamedTuple):
    """Keys that twins have no use for. A key stands for all that is under it; ``*`` is any name or item."""

    why: str
    keys: tuple[str, ...]


UNUSED = (
    Unused("words for the reader", ("title", "description", "detection.source", "detection.confidence",
                                    "biomarkers.*.label", "biomarkers.*.source", "biomarkers.*.confidence")),
    Unused("nobody is enrolled: --patients says how many are simulated",
           ("accrual.patients", "accrual.per_month", "accrual.ramp", "accrual.arrivals", "accrual.sites",
            "accrual.opens", "accrual.pauses", "accrual.screening_failure")),
    Unused("each patient is simulated under every arm", ("randomisation",)),
    Unused("nobody leaves", ("follow_up.dropout", "follow_up.lost")),
    Unused("each patient is followed for `follow_up.minimum`", ("follow_up.cut",)),
    Unused("a course ends with relapse", ("intercurrent.crossover", "intercurrent.rescue")),
    Unused("arms are compared on relapse alone, within patients",
           ("endpoint", "analysis.alpha", "analysis.sided", "analysis.test", "analysis.confidence_level",
            "analysis.landmarks", "analysis.rmst_tau", "analysis.subgroups", "analysis.looks")),
    Unused("it changes the hazard in arms with a `model`, whose patients have no twins",
           ("intercurrent.new_therapy.hazard_ratio",)),
    Unused("neutrophils change a course through dose rules alone, which count them by themselves",
           ("pharmacology.neutrophils",)),
)  # fmt: skip

#: Keys of the cohort's file. Every cohort has both, so they are named only where a command sets them.
UNUSED_OF_COHORT = Unused("nobody dies of other causes, and a course ends with relapse", ("mortality", "post_relapse"))


class Refused(NamedTuple):
    """A key that would change a patient's course in the trial, and does not here."""

    key: str
    why: str
    remedy: str
    is_set: Callable[[ResolvedProtocol, ResolvedArm], bool]
    """Whether it does anything in an arm: a value that does nothing is as good as none."""
    by: tuple[Way, ...] = ("twins", "followed", "watched")


REFUSED = (
    Refused("accrual.caps", "patients are taken as the cohort has them", "change the cohort's shares in its file",
            lambda protocol, _: bool(protocol.accrual.screening.caps)),
    Refused("capacity", "nobody waits for a place", "leave it out, or run the trial",
            lambda protocol, _: protocol.capacity is not None),
    Refused("pharmacology.neutropenic_death", "who dies of treatment would be told as free of relapse",
            "0, or run the trial", lambda protocol, _: protocol.pharmacology.neutropenic_death > 0.0),
    Refused("pharmacology.thrombocytopenic_death", "who dies of treatment would be told as free of relapse",
            "0, or run the trial", lambda protocol, _: protocol.pharmacology.thrombocytopenic_death > 0.0),
    Refused("intercurrent.crossover", "survival after relapse is the cohort's", "leave it out, or run the trial",
            lambda protocol, _: protocol.intercurrent.crossover is not None, ("followed",)),
    Refused("intercurrent.rescue", "survival after relapse is the cohort's", "leave it out, or run the trial",
            lambda protocol, _: protocol.intercurrent.rescue is not None, ("followed",)),
    Refused("intercurrent.new_therapy", "every dose is given as planned", "leave it out, or follow the patients",
            lambda protocol, _: (new := protocol.intercurrent.new_therapy) is not None and new.per_day > 0.0,
            ("watched",)),
    Refused("arms.*.add.*.rules", "every dose is given as planned", "leave the rules out, or follow the patients",
            lambda _, arm: any(order.rule is not None for order in arm.orders), ("watched",)),
    Refused("arms.*.add.*.give_if", "every order is given", "leave it out, or follow the patients",
            lambda _, arm: bool(arm.guides), ("watched",)),
    Refused("pharmacology.adherence", "every dose is taken", "1, or follow the patients",
            lambda protocol, _: protocol.pharmacology.adherence < 1.0, ("watched",)),
)  # fmt: skip


def refusals(protocol: ResolvedProtocol, arms: Sequence[str], way: Way) -> Iterator[Refused]:
    """What a protocol sets for some arms that a study of this kind does not honour."""
    lived = [protocol.arms[name] for name in arms]
    for refused in REFUSED:
        if way in refused.by and any(refused.is_set(protocol, arm) for arm in lived):
            yield refused


def check_scope(protocol: ResolvedProtocol, arm: str, way: Way) -> None:
    """Raise :class:`UsageError` for an arm without cells, or a protocol that sets what such a study does not honour."""
    if protocol.arms[arm].model is not None:
        raise UsageError(f"arm {arm} of {protocol.name} has a `model`: its patients have no cells, and no twins")
    found = [f"`{r.key}`: {r.why}; try: {r.remedy}" for r in refusals(protocol, [arm], way)]
    if found:
        raise UsageError(f"{protocol.name} sets, for arm {arm}, what a study does not honour. " + ". ".join(found))


class Admitted(NamedTuple):
    """A protocol whose patients may be lived as twins."""

    protocol: ResolvedProtocol
    unused: Mapping[str, str]
    """The keys that it sets and that have no part in the study, each with the reason."""


def admit(path: Path, agents: Mapping[str, Agent], overrides: Sequence[str]) -> Admitted:
    """Load a protocol for a study of twins.

    Raises
    ------
    InvalidInput
        It breaks rules, or sets what such a study does not honour, with the place of each.
    """
    protocol = load_protocol(path, agents, overrides)
    document = apply_overrides(read_document(path), overrides)
    problems = tuple(_problem(document, refused) for refused in refusals(protocol, list(protocol.arms), "twins"))
    if problems:
        raise InvalidInput(problems)
    unused = {
        ".".join(map(str, at)): group.why for group in UNUSED for key in group.keys for at in _set(document.data, key)
    }
    return Admitted(protocol, unused | dict(_set_in_cohort(overrides)))


def _set_in_cohort(overrides: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The keys of the cohort that a command sets to no effect, and why."""
    for words in overrides:
        path = [word.text for word in words_of(path_and_value(words)[0])]
        if is_of_cohort(words) and path[1] in UNUSED_OF_COHORT.keys:
            yield ".".join(path), UNUSED_OF_COHORT.why


def _problem(document: Document, refused: Refused) -> Problem:
    """A refusal with its place."""
    message = f"twins do not honour `{refused.key}`: {refused.why}"
    at = tuple(refused.key.split("."))
    return replace(document.problem(at, message, Rule.KNOWN_KEY, refused.remedy, at_key=True), rule=RULE)


def _set(data: Any, key: str) -> Iterator[KeyPath]:
    """The paths in a file that a key of this module stands for."""
    name, _, rest = key.partition(".")
    if isinstance(data, list):
        entries: dict[Any, Any] = dict(enumerate(data)) if name == "*" else {}
    else:
        entries = data if isinstance(data, dict) else {}
    for found in entries if name == "*" else [name] if name in entries else []:
        if rest:
            yield from ((found, *path) for path in _set(entries[found], rest))
        else:
            yield (found,)
