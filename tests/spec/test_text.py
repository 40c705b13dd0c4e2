"""What stands in a file and on a command line is read as YAML 1.2 says, character by character."""

from __future__ import annotations

import pytest

from trialsim.errors import InvalidInput, Problem
from trialsim.spec.rules import Rule
from trialsim.spec.source import parse_document, parse_value


def problem_of(text: str) -> Problem:
    with pytest.raises(InvalidInput) as caught:
        parse_document(text, "t")
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("trialsim: 1\nname:\tx\n", {"trialsim": 1, "name": "x"}),
        ("a:\t\tb\t# c\n", {"a": "b"}),
        ("a: b\tc\n", {"a": "b\tc"}),
        ("a\t: 1\n", {"a": 1}),
        ("a: 1\t\n\t\n\t# c\nb: 2\n", {"a": 1, "b": 2}),
        ("a:\n  -\tx\n  -\ty\n", {"a": ["x", "y"]}),
        ("a: [1,\t2,\n\t3]\n", {"a": [1, 2, 3]}),
        ("a: >\t\n  x\n  y\n", {"a": "x y\n"}),
        ("a: b\n \tc\nd: 1\n", {"a": "b c", "d": 1}),
        ("a: 'x\ty'\n", {"a": "x\ty"}),
    ],
)
def test_tabs_part_tokens(text: str, data: dict[str, object]) -> None:
    """As YAML 1.2 has it: catches the scanner of YAML 1.1, which takes no tab before a token or within a text."""
    assert parse_document(text, "t").data == data


@pytest.mark.parametrize(
    ("text", "place"), [("a:\n\tb: 1\n", (2, 1)), ("a:\n  -\tb: 1\n", (2, 4)), ("a:\n  -\t- 1\n", (2, 4))]
)
def test_tabs_never_indent(text: str, place: tuple[int, int]) -> None:
    """Catches a reader that takes a tab for a column of indentation, and a scanner's message in its place."""
    problem = problem_of(text)
    assert (problem.line, problem.column, problem.rule) == (*place, Rule.NO_TABS)


def test_a_stray_character_has_a_place() -> None:
    """Catches a form feed that is refused without line and column, and one that is sent on to the terminal."""
    problem = problem_of("trialsim: 1\n# a\x0cb\nname: x\n")
    assert (problem.line, problem.column) == (2, 4)
    assert problem.message == "U+000C (form feed) is not a printable character"
    assert problem.source_line == "# a\ufffdb"


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\u2029"])
def test_former_line_ends_are_text(end: str) -> None:
    """In YAML 1.1 they ended lines: catches a text cut in two, and places that slip by a line."""
    assert parse_document(f"a: x{end}y\nb: 2\n", "t").data == {"a": f"x{end}y", "b": 2}
    assert problem_of(f"# x{end}y\na: 1\na: 2\n").line == 3


def test_escaped_halves_of_a_character_are_one() -> None:
    """As JSON writes them, in values, keys and overrides: catches text that no file can be written with."""
    assert parse_document('"\\ud83d\\ude00": "\\ud83d\\ude00"\n', "t").data == {"\U0001f600": "\U0001f600"}
    assert parse_value('"A trial \\ud83d\\ude00"') == "A trial \U0001f600"


@pytest.mark.parametrize("text", ['"\\ud83d"', '"\\ude00\\ud83d"', "\udcff", "\x0c"])
def test_an_override_with_half_a_character_is_refused(text: str) -> None:
    """Catches a check that passes what writing the run then fails on."""
    with pytest.raises(ValueError, match=r"half of a character|not a printable character"):
        parse_value(text)


@pytest.mark.parametrize("escape", ["\\U00110000", "\\UFFFFFFFF"])
def test_an_escape_beyond_the_last_character_has_a_place(escape: str) -> None:
    """Catches a ValueError of the parser that ends the check itself."""
    problem = problem_of(f'a: 1\nb: "x{escape}"\n')
    assert (problem.line, problem.column, problem.rule) == (2, 8, Rule.YAML_SYNTAX)
    assert problem.message == "in a quoted text, an escape is beyond U+10FFFF"
