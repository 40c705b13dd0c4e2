"""Values set from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.spec.agents_for_tests import library
from trialsim.errors import InvalidInput, Problem
from trialsim.spec.form import Findings
from trialsim.spec.load import load_cohort, load_protocol
from trialsim.spec.overrides import apply_overrides
from trialsim.spec.resolve import resolve_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.rules import Rule
from trialsim.spec.source import parse_document

SOUND = Path(__file__).parent.parent / "invalid" / "sound_protocol.yaml"


def load(*overrides: str) -> ResolvedProtocol:
    return load_protocol(SOUND, library(), overrides)


def problems(*overrides: str) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        load(*overrides)
    return caught.value.problems


def test_override_reaches_the_resolved_protocol() -> None:
    """Through a list index, into a list, a new key in a mapping, and a section that was not there."""
    protocol = load(
        "arms.navitoclax.add.0.dose=100 mg",
        "randomisation.blocks=[2, 8]",
        "biology.clearance=0",
        "numerics.max_step=7 d",
    )
    order = protocol.arms["navitoclax"].orders[-1]
    assert (order.agent, order.dose) == ("navitoclax", 100.0)
    assert protocol.randomisation.block_sizes == (2, 8)
    assert protocol.biology["clearance"] == 0.0
    assert protocol.biology["escape"] == 1.0
    assert protocol.numerics.max_step_days == 7.0


def test_later_override_wins() -> None:
    """As written from left to right: catches a set or dict that forgets the order."""
    assert load("accrual.patients=10", "accrual.patients=20").accrual.patients == 20


def test_cohort_override_goes_to_the_cohort_file() -> None:
    """Catches a prefix that is applied to the protocol, where `cohort` is a path."""
    protocol = load("cohort.traits.foci.value=5")
    assert protocol.cohort.traits["foci"].cases["*"].parameters == {"value": 5.0}


def test_cohort_itself_can_be_replaced(tmp_path: Path) -> None:
    """`cohort=...` is the path; only `cohort.` goes into the file."""
    (problem,) = problems(f"cohort={tmp_path / 'none.yaml'}")
    assert problem.rule == Rule.COHORT_FILE


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        ("accrual.patients", "there is no `=` in it", "KEY.KEY=VALUE"),
        ("=3", "its path has an empty key", "KEY.KEY=VALUE"),
        ("accrual..patients=3", "its path has an empty key", "KEY.KEY=VALUE"),
        ("arms.navitoclx.label=x", "`arms` has no `navitoclx`", "did you mean `navitoclax`?"),
        ("arms.navitoclax.add.3.dose=1 mg", "has no item `3`", "0"),
        ("arms.navitoclax.add.first.dose=1 mg", "has no item `first`", "0"),
        ("name.x=1", "`name` is a single value", "set `name` itself"),
        ("randomisation.blocks=[4, 6", "its value is not YAML", "put quotes around the value"),
    ],
)
def test_overrides_that_cannot_be_applied(words: str, message: str, remedy: str) -> None:
    """A path that leads nowhere is an error, never a silent new branch that nothing reads."""
    (problem,) = problems(words)
    assert message in problem.message
    assert problem.remedy == remedy
    assert problem.rule == Rule.OVERRIDE
    assert problem.place == f"--set {words}"


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("arms.navitoclax.add.0.dose=100", Rule.UNIT),
        ("accrual.patients=-5", Rule.RANGE),
        ("acrual.patients=5", Rule.KNOWN_KEY),
        ("biology.escpae=0", Rule.KNOWN_GAIN),
        ("accrual.colour=red", Rule.KNOWN_KEY),
        ("cohort.traits.foci.value=a lot", Rule.UNIT),
    ],
)
def test_overridden_values_meet_the_same_rules(words: str, rule: Rule) -> None:
    """And are told by the words of the command line, not by a line of the file that is innocent."""
    (problem,) = problems(words)
    assert problem.rule == rule
    assert problem.line == 0
    assert problem.file == f"--set {words}"


def test_every_bad_override_at_once() -> None:
    """Catches a loop that stops at the first."""
    assert len(problems("name", "accrual.x.y=1", "arms.none.label=x")) == 3


def test_the_document_is_left_as_it_was() -> None:
    """Catches overrides that leak into the next run of a sweep."""
    document = parse_document("a: {b: [1, 2]}\n", "t")
    changed: dict[str, Any] = apply_overrides(document, ["a.b.0=9"]).data
    assert changed == {"a": {"b": [9, 2]}}
    assert document.data == {"a": {"b": [1, 2]}}


def dotted(*overrides: str) -> ResolvedProtocol:
    """The sound protocol with dots in the name of an arm and of a regimen."""
    text = (
        SOUND.read_text()
        .replace("navitoclax:\n    label", "seno.lytic:\n    label")
        .replace("navitoclax: 1", "seno.lytic: 1")
    )
    text = (
        text.replace("  chemo:\n", "  chemo.ac:\n")
        .replace("chemo, rt", "chemo.ac, rt")
        .replace("after chemo,", "after chemo.ac,")
    )
    document = apply_overrides(parse_document(text, "t"), overrides)
    findings = Findings(document)
    cohort = load_cohort(SOUND.parent / "sound_cohort.yaml")
    protocol = resolve_protocol(findings, library(), cohort)
    findings.raise_if_any()
    assert protocol is not None
    return protocol


@pytest.mark.parametrize("path", ["arms.seno.lytic.label", 'arms."seno.lytic".label', "arms.'seno.lytic'.label"])
def test_a_path_reaches_names_with_dots(path: str) -> None:
    """A name that the check accepts can be addressed: catches a path that is cut at every dot."""
    assert dotted(f"{path}=X").arms["seno.lytic"].label == "X"


def test_a_path_reaches_into_lists_and_ratios_under_names_with_dots() -> None:
    """Catches a path that finds a dotted key only where it comes last or first."""
    protocol = dotted(
        "arms.seno.lytic.add.0.dose=100 mg",
        "regimens.chemo.ac.1.dose=80 mg/m2",
        "randomisation.ratio.seno.lytic=2",
        "randomisation.blocks=[3]",
    )
    assert protocol.arms["seno.lytic"].orders[-1].dose == 100.0
    assert next(o for o in protocol.arms["control"].orders if o.agent == "paclitaxel").dose == 80.0
    assert protocol.randomisation.ratio == {"control": 1, "seno.lytic": 2}


def test_a_path_that_may_mean_two_things_is_refused() -> None:
    """Arms `a` with a label and `a.label`: catches the first or the longest reading, taken in silence."""
    document = parse_document("arms: {a: {label: x}, a.label: {label: y}}\n", "t")
    with pytest.raises(InvalidInput, match="may mean"):
        apply_overrides(document, ["arms.a.label=z"])
    assert apply_overrides(document, ['arms."a.label".label=z']).data["arms"]["a.label"] == {"label": "z"}
    assert apply_overrides(document, ["arms.a.label.label=z"]).data["arms"]["a.label"] == {"label": "z"}


def test_a_quoted_key_may_hold_what_parts_an_override() -> None:
    """Levels are any text: catches a split at the first `=` or dot, wherever it stands."""
    document = parse_document('caps: {"a=b.c": 1}\n', "t")
    assert apply_overrides(document, ['caps."a=b.c"=2']).data == {"caps": {"a=b.c": 2}}


@pytest.mark.parametrize(
    "path", ['"cohort".traits.foci.value', " cohort . traits.foci.value", "cohort.'traits'.foci.value"]
)
def test_the_cohort_is_found_as_every_key_is(path: str) -> None:
    """Quoted or with spaces around: catches a path that is sent to the cohort by its first letters."""
    assert load(f"{path}=5").cohort.traits["foci"].cases["*"].parameters == {"value": 5.0}


@pytest.mark.parametrize(
    ("value", "rule", "remedy"),
    [
        ('"\\ud83d"', Rule.PRINTABLE, "write the character itself, or both halves"),
        ("\x0c", Rule.PRINTABLE, "remove it"),
        ("{a: 1, a: 2}", Rule.DUPLICATE_KEY, "keep one of the two"),
        ("!mine x", Rule.NO_TAGS, "write the plain value"),
        ("[1", Rule.OVERRIDE, "put quotes around the value"),
    ],
)
def test_a_value_is_told_by_the_rule_that_it_breaks(value: str, rule: Rule, remedy: str) -> None:
    """Catches half of a character told as a path that does not exist, to be mended with quotes."""
    (problem,) = problems(f"title={value}")
    assert (problem.rule, problem.remedy) == (rule, remedy)
