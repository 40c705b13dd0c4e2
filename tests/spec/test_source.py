"""Reading YAML with positions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.errors import InvalidInput
from trialsim.spec.dump import dump_yaml
from trialsim.spec.rules import Rule
from trialsim.spec.source import Place, parse_document, parse_value, read_document

TEXT = """\
name: x
arms:
  control: {label: A, give: [one, two]}
  # a comment between
  other:
    - agent: b
      dose: "5 mg"
    - {agent: c}
note: >
  folded
  text
empty:
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("name",), Place(1, 7, 1)),
        (("arms",), Place(2, 1, 4)),
        (("arms", "control"), Place(3, 12, 28)),
        (("arms", "control", "give"), Place(3, 29, 10)),
        (("arms", "control", "give", 1), Place(3, 35, 3)),
        (("arms", "other"), Place(5, 3, 5)),
        (("arms", "other", 0), Place(6, 7, 1)),
        (("arms", "other", 0, "dose"), Place(7, 13, 6)),
        (("arms", "other", 1, "agent"), Place(8, 15, 1)),
        (("note",), Place(9, 7, 1)),
        (("empty",), Place(12, 1, 5)),
        (("arms", "nowhere"), Place(2, 1, 4)),
        (("arms", "other", 1, "dose"), Place(8, 7, 10)),
        (("nothing",), Place(1, 1, 4)),
    ],
)
def test_places(path: tuple[str | int, ...], place: Place) -> None:
    """Lines and columns from 1; a block is told by its key, what is missing by its parent."""
    assert parse_document(TEXT, "t.yaml").place(path) == place


def test_place_of_a_key() -> None:
    """Unknown keys are underlined themselves, not their values."""
    document = parse_document(TEXT, "t.yaml")
    assert document.place(("arms", "control", "give"), at_key=True) == Place(3, 23, 4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e9", 1e9),
        ("1E-4", 1e-4),
        ("012", "012"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("null", None),
        ("~", None),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("2027-01-04", "2027-01-04"),
        ("12:30", "12:30"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("50e9/L", "50e9/L"),
        ("1e5 cells", "1e5 cells"),
        ("40 %", "40 %"),
        ("[4, 6]", [4, 6]),
        ("{a: 1}", {"a": 1}),
        ("", None),
    ],
)
def test_scalars(text: str, value: object) -> None:
    """Catches YAML 1.1 habits: octal 012, `no` as false, sexagesimal times, dates, infinities."""
    read = parse_value(text)
    assert read == value
    assert type(read) is type(value)


def test_line_endings_and_byte_order_mark(tmp_path: Path) -> None:
    """A file saved on Windows has the same places and no trailing carriage returns in problems."""
    path = tmp_path / "w.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n")
    document = read_document(path)
    assert document.data == {"a": 1, "b": {"c": 2}}
    problem = document.problem(("b", "c"), "m", Rule.TYPE)
    assert (problem.line, problem.column, problem.source_line) == (3, 6, "  c: 2")


def test_aliases_unfold() -> None:
    """An anchor can be used twice; both uses are the same plain data."""
    assert parse_document("a: &x [1, 2]\nb: *x\n", "t").data == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("text", ["a: &x\n  b: *x\n", "a: " + "[" * 400 + "]" * 400])
def test_endless_files_are_refused(text: str) -> None:
    """An alias of itself and bottomless brackets end in a problem, not in a hang or RecursionError."""
    with pytest.raises(InvalidInput) as caught:
        parse_document(text, "t")
    assert {problem.rule for problem in caught.value.problems} == {Rule.FILE_SIZE}


def test_both_duplicates_are_told() -> None:
    """Every duplicate, not only the first: catches a parser that stops at one."""
    with pytest.raises(InvalidInput) as caught:
        parse_document("a: 1\na: 2\nb: {c: 1, c: 2}\n", "t")
    assert [(p.line, p.column) for p in caught.value.problems] == [(2, 1), (3, 11)]


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.sampled_from(["012", "1e9", "no", "null", "-", "a: b", "# x", "'", '"', "a\nb", " x ", "~", "[", "é"]),
)
_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(lambda key: key != "<<")
_TREES = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
        max_leaves=5,
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(_TREES)
def test_dumped_data_read_back_equal(tree: dict[str, object]) -> None:
    """Catches text that comes back as a number or null, rounded floats, and lost empty containers."""
    assert parse_document(dump_yaml(tree), "t").data == tree
