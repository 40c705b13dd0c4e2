"""Every rule has an invalid file, and each file is told one thing, at its place.

Catches: a check that is dropped, a position that slips (0-based lines, the value instead of the key), a
mistake that drags others after it, and messages that stop naming the value.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from tests.spec.agents_for_tests import library
from tests.spec.invalid_cases import CASES
from trialsim.errors import InvalidInput, Problem
from trialsim.spec.load import load_cohort, load_protocol
from trialsim.spec.resolved import ResolvedCohort, ResolvedProtocol
from trialsim.spec.rules import Rule

INVALID = Path(__file__).parent.parent / "invalid"
#: Rules that no single file can break; they have tests of their own below, in test_overrides and in test_saved.
WITHOUT_FILE = {Rule.READABLE_FILE, Rule.OVERRIDE, Rule.SAVED, Rule.WHOLE}


def is_cohort(name: str) -> bool:
    return name.startswith("cohort_") and name != "cohort_file"


def rule_of(name: str) -> Rule:
    return Rule[(name.removeprefix("cohort_") if is_cohort(name) else name).split("__")[0].upper()]


def load(path: Path) -> ResolvedCohort | ResolvedProtocol:
    return load_cohort(path) if is_cohort(path.stem) else load_protocol(path, library())


@functools.cache
def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        load(path)
    return caught.value.problems


@pytest.mark.parametrize("name", CASES)
def test_invalid_file_is_told_its_one_problem(name: str) -> None:
    """The exact place, caret, message and rule, and nothing else."""
    line, column, width, message = CASES[name]
    problems = problems_of(INVALID / f"{name}.yaml")
    assert len(problems) == 1, [problem.message for problem in problems]
    problem = problems[0]
    assert (problem.line, problem.column, problem.width) == (line, column, width)
    assert problem.message == message
    assert problem.rule == rule_of(name)
    assert problem.file == str(INVALID / f"{name}.yaml")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[0] > 0 and name != "utf8"])
def test_caret_stands_under_the_words(name: str) -> None:
    """The source line is that of the file and the caret lies within it: catches off-by-one columns."""
    problem = problems_of(INVALID / f"{name}.yaml")[0]
    lines = (INVALID / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert problem.source_line == lines[problem.line - 1].rstrip()
    assert 1 <= problem.column <= max(1, len(problem.source_line))
    assert problem.column - 1 + problem.width <= max(problem.column, len(problem.source_line))


def test_every_rule_has_a_file_and_every_file_a_case() -> None:
    """A rule without an example is a rule that nobody has seen at work."""
    files = {path.stem for path in INVALID.glob("*.yaml") if not path.stem.startswith("sound_")}
    assert files == set(CASES)
    assert {rule_of(name) for name in CASES} | WITHOUT_FILE == set(Rule)


def test_the_files_that_the_invalid_ones_were_made_from_are_sound() -> None:
    """Otherwise every case above would be right for the wrong reason."""
    assert load_protocol(INVALID / "sound_protocol.yaml", library()).name == "small-trial"
    assert load_cohort(INVALID / "sound_cohort.yaml").name == "small-cohort"
    assert load_cohort(INVALID / "sound_cohort_without_cells.yaml").name == "event-times"


def test_every_problem_of_protocol_and_cohort_at_once(tmp_path: Path) -> None:
    """Catches a loader that stops at the first section, order, trait or file with an error."""
    protocol = (INVALID / "sound_protocol.yaml").read_text()
    cohort = (INVALID / "sound_cohort.yaml").read_text()
    for old, new in (
        ("dose: 60 mg/m2", "dose: 60"),
        ("agent: paclitaxel", "agent: paclitaxol"),
        ("per_week: 5", "per_week: 9"),
        ("start: 14 d after rt", "start: soon"),
        ("blocks: [4, 6]", "blocks: [5, 7]"),
        ("patients: 100", "patients: lots"),
        ("ramp: 6 mo", "ramp: 6 months"),
        ("then: 6 mo", "then: 6"),
        ("primary: rfs", "primary: pfs"),
        ("subgroups: [p53_status]", "subgroups: [age]"),
        ("escape: 1", "escpae: 1"),
    ):
        assert old in protocol
        protocol = protocol.replace(old, new)
    for old, new in (
        ("mean: 60 yr", "mean: 60"),
        ("value: female", "value: feminine"),
        ("value: 0.14 /d, source: test", "value: 0.14 /d"),
        ("wild_type: 0.8, mutant: 0.2", "wild_type: 0.8, mutant: 0.1"),
        ("rate60: 0.01103 /yr", "rate60: 0.01103"),
    ):
        assert old in cohort
        cohort = cohort.replace(old, new)
    (tmp_path / "protocol.yaml").write_text(protocol)
    (tmp_path / "sound_cohort.yaml").write_text(cohort)
    problems = problems_of(tmp_path / "protocol.yaml")
    told = {(Path(problem.file).name, problem.line) for problem in problems}
    lines = {("protocol.yaml", n) for n in (6, 7, 13, 24, 29, 30, 33, 35, 41, 42)}
    lines |= {("sound_cohort.yaml", n) for n in (4, 5, 16, 13, 61)}
    assert told == lines
    assert len(problems) == 11 + 5 + 1  # blocks: both sizes are wrong, at two places of one line


def test_a_broken_order_does_not_blame_those_that_wait_for_it(tmp_path: Path) -> None:
    """The order with the bad dose is still given: catches a follow-up `arm gives no navitoclax`."""
    text = (INVALID / "sound_protocol.yaml").read_text().replace("dose: 60 mg/m2", "dose: 60 mg/m3")
    (tmp_path / "p.yaml").write_text(text)
    shutil.copy(INVALID / "sound_cohort.yaml", tmp_path)
    problems = problems_of(tmp_path / "p.yaml")
    assert [problem.rule for problem in problems] == [Rule.UNIT]
    assert problems[0].remedy == "did you mean 60 mg/m2?"


@pytest.mark.parametrize(("name", "message"), [("nowhere.yaml", "no such file"), ("", "a folder")])
def test_unreadable_file(tmp_path: Path, name: str, message: str) -> None:
    """A missing file and a folder are told as problems, not as tracebacks."""
    problems = problems_of(tmp_path / name)
    assert len(problems) == 1
    assert message in problems[0].message
    assert problems[0].rule == Rule.READABLE_FILE
    assert problems[0].line == 0


def test_rendering_shows_place_line_caret_rule_and_remedy() -> None:
    """What the user sees, whole: catches a column that is right in the record and wrong on the screen."""
    text = problems_of(INVALID / "known_regimen.yaml")[0].render()
    assert text.splitlines()[0].endswith("known_regimen.yaml:17:23: there is no regimen `chmeo`")
    assert text.splitlines()[1:] == [
        "   17 |     give: [chemo, rt, chmeo]",
        "                              ^^^^^",
        "      rule: a regimen is defined under `regimens`",
        "      try:  did you mean `chemo`?",
    ]
