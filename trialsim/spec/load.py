"""Load protocols and cohorts; save and load what they resolve to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from trialsim.errors import InvalidInput, Problem
from trialsim.spec.agents import Agent
from trialsim.spec.check_saved import check_saved
from trialsim.spec.dump import dump_yaml
from trialsim.spec.form import Findings, check_form, read_form
from trialsim.spec.misfits import REMEDY
from trialsim.spec.overrides import apply_overrides
from trialsim.spec.resolve import resolve_protocol
from trialsim.spec.resolve_agents import resolve_agents
from trialsim.spec.resolve_cohort import resolve_cohort
from trialsim.spec.resolved import ResolvedCohort, ResolvedProtocol
from trialsim.spec.resolved_values import SAVED
from trialsim.spec.rules import Rule
from trialsim.spec.source import Document, read_document


def load_protocol(path: Path | str, agents: Mapping[str, Agent], overrides: Iterable[str] = ()) -> ResolvedProtocol:
    """The protocol in a file, with its cohort, resolved; one that a run saved is resolved already.

    ``agents`` is the agent library by name. ``overrides`` are ``KEY.KEY=VALUE``; a path that begins with
    ``cohort`` goes to the cohort file. Raises :class:`InvalidInput` with every problem of both files.
    """
    words = list(overrides)
    document = read_document(Path(path))
    if _is_resolved(document.data):
        return _as_saved(document, words)
    findings = Findings(apply_overrides(document, words))
    cohort, problems = _cohort_of(findings, Path(path), words)
    protocol = resolve_protocol(findings, agents, cohort)
    problems = [*findings.problems, *problems]
    if problems or protocol is None:
        raise InvalidInput(tuple(problems))
    return protocol


def load_agents(path: Path | str, agents: Mapping[str, Agent], overrides: Iterable[str] = ()) -> dict[str, Agent]:
    """The agent library as a protocol changes it and adds to it. Raises :class:`InvalidInput`."""
    document = read_document(Path(path))
    if _is_resolved(document.data):
        return {**agents, **_as_saved(document, list(overrides)).agents}
    findings = Findings(apply_overrides(document, overrides))
    own = resolve_agents(findings, agents)
    findings.raise_if_any()
    return dict(own)


def load_cohort(path: Path | str) -> ResolvedCohort:
    """The cohort in a file, resolved. Raises :class:`InvalidInput` with every problem."""
    cohort, problems = _load_cohort(Path(path), str(path), ())
    if problems or cohort is None:
        raise InvalidInput(tuple(problems))
    return cohort


def dump_resolved(protocol: ResolvedProtocol) -> str:
    """The resolved protocol as YAML, which :func:`load_resolved` reads back equal."""
    return dump_yaml(protocol.model_dump(mode="json"))


def load_resolved(path: Path | str) -> ResolvedProtocol:
    """A protocol saved by :func:`dump_resolved`, to tell of a run that there was. Raises :class:`InvalidInput`.

    What is to be run again is for :func:`load_protocol`, which also checks that it is whole.
    """
    findings = Findings(read_document(Path(path)))
    protocol = read_form(findings, (), ResolvedProtocol)
    findings.raise_if_any()
    assert isinstance(protocol, ResolvedProtocol)
    return protocol


def _is_resolved(data: Mapping[str, object]) -> bool:
    """Whether a document is a protocol as runs save it, whole or damaged: it has a key that nobody writes."""
    cohort = data.get("cohort")
    return "markers" in data or (isinstance(cohort, dict) and "has_cells" in cohort)


def _as_saved(document: Document, overrides: list[str]) -> ResolvedProtocol:
    """The protocol of a resolved document, which can be run again and not be changed."""
    if overrides:
        message, remedy = "a saved protocol runs as it was saved", "set it in the protocol that this one was made from"
        raise InvalidInput(tuple(Problem(f"--set {words}", 0, 0, message, Rule.SAVED, remedy) for words in overrides))
    findings = Findings(document)
    protocol = check_form(findings, (), document.data, ResolvedProtocol, SAVED)
    if protocol is not None:
        check_saved(findings, protocol)
    if findings.problems:
        raise InvalidInput(tuple(replace(one, remedy=one.remedy or REMEDY) for one in findings.problems))
    assert isinstance(protocol, ResolvedProtocol)
    return protocol


def _cohort_of(findings: Findings, protocol: Path, overrides: list[str]) -> tuple[ResolvedCohort | None, list[Problem]]:
    """The cohort that a protocol names, and the problems of its file."""
    name = findings.document.data.get("cohort")
    if not isinstance(name, str) or not name.strip():
        return None, []  # the form check tells it
    path = protocol.parent / name
    if not os.path.isfile(path):  # unlike Path.is_file, never raises (a path may be too long)
        what = "is a folder" if os.path.isdir(path) else "does not exist"
        remedy = "the path starts from the protocol's own folder"
        findings.add(("cohort",), f"the cohort file `{name}` {what}", Rule.COHORT_FILE, remedy)
        return None, []
    return _load_cohort(path, os.path.normpath(path), overrides)


def _load_cohort(path: Path, shown_as: str, overrides: Iterable[str]) -> tuple[ResolvedCohort | None, list[Problem]]:
    try:
        document = read_document(path, shown_as)
        document = apply_overrides(document, overrides, of_cohort=True)
    except InvalidInput as invalid:
        return None, list(invalid.problems)
    findings = Findings(document)
    cohort = resolve_cohort(findings)
    return cohort, findings.problems


def is_cohort(path: Path | str) -> bool:
    """Whether a file is a cohort and not a protocol; a file that cannot be read is taken for a protocol."""
    try:
        return "trialsim-cohort" in read_document(Path(path)).data
    except InvalidInput:
        return False
