"""Read YAML and remember where everything stands.

The file is composed into nodes (ruamel), and the nodes are read by this module's own rules, so that a
plain scalar means the same on every version of the parser: ``no`` and ``012`` stay text, ``1e9`` is a
number, ``2027-01-04`` is text. Lines and columns count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from trialsim.errors import InvalidInput, Problem
from trialsim.spec.rules import Rule
from trialsim.spec.yaml_nodes import HALF, UNPRINTABLE, compose, whole_characters

#: Where a value is: keys and list indices from the top of the file.
KeyPath = tuple[str | int, ...]

MAX_VALUES = 100_000
MAX_DEPTH = 50

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_LINE_END = re.compile(r"\r\n|\r|\n")
#: What indents a line: white space, and the marks of lists and keys that begin on it.
_INDENT = re.compile(r"(?:[ \t]|[-?:](?=[ \t]))*")
_CONTROLS = {"\0": "null", "\a": "bell", "\b": "backspace", "\v": "vertical tab", "\f": "form feed", "\x1b": "escape"}
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A stretch of one line, counted from 1."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True)
class Document:
    """A file as plain data, with the place of every key, value and item.

    ``overridden`` holds what was set from the command line, by path, with the words that set it.
    """

    file: str
    lines: tuple[str, ...]
    data: dict[str, Any]
    values: dict[KeyPath, Place]
    keys: dict[KeyPath, Place]
    overridden: dict[KeyPath, str] = field(default_factory=dict)

    def problem(self, path: KeyPath, message: str, rule: Rule, remedy: str = "", *, at_key: bool = False) -> Problem:
        """A problem with what stands at ``path``; what is not there is told at its nearest parent.

        The caret goes under a scalar or an item in brackets, and under the key of a larger block;
        ``at_key`` asks for the key in any case.
        """
        if words := self._override_of(path):
            return Problem(f"--set {words}", 0, 0, message, rule, remedy)
        return _problem(self.file, self.lines, self.place(path, at_key=at_key), message, rule, remedy)

    def _override_of(self, path: KeyPath) -> str:
        """The words that set ``path`` or what it stands in, or that made it by setting something in it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.overridden:
                return self.overridden[path[:end]]
        if path in self.values:
            return ""
        return next((words for at, words in self.overridden.items() if path and at[: len(path)] == path), "")

    def place(self, path: KeyPath, *, at_key: bool = False) -> Place:
        """Where ``path`` stands in the file, or its nearest parent that does; the first key stands for the file."""
        for end in range(len(path), 0, -1):
            here = path[:end]
            key, value = self.keys.get(here), self.values.get(here)
            if key and (at_key or end < len(path) or value is None or value.width == 0):
                return key
            if value:
                return Place(value.line, value.column, max(1, value.width))
        return next(iter(self.keys.values()), Place(1, 1))

    def get(self, path: KeyPath) -> Any:
        """The plain value at ``path``; KeyError or IndexError when there is none."""
        here: Any = self.data
        for part in path:
            here = here[part]
        return here


def read_document(path: Path, file: str | None = None) -> Document:
    """Read a YAML file; ``file`` is the name that problems show (default: the path as given).

    Raises :class:`InvalidInput` with every problem that the reading itself can see.
    """
    name = str(path) if file is None else file
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _unread(name, "there is no such file", Rule.READABLE_FILE, "check the path") from None
    except IsADirectoryError:
        raise _unread(name, "this is a folder, not a file", Rule.READABLE_FILE) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _unread(name, f"cannot be read: {reason}", Rule.READABLE_FILE) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"byte {raw[error.start]:#04x} is not UTF-8"
        raise InvalidInput((Problem(name, line, column, message, Rule.UTF8, "save the file as UTF-8"),)) from None
    return parse_document(text, name)


def parse_document(text: str, file: str) -> Document:
    """Read YAML from ``text``; problems name ``file``. Raises :class:`InvalidInput`."""
    lines = tuple(_LINE_END.split(text))
    if (strange := UNPRINTABLE.search(text)) is not None:
        raise InvalidInput((_stray_character(file, lines, text, strange.start()),))
    try:
        root = compose(text)
    except YAMLError as error:
        raise InvalidInput((_syntax_problem(file, lines, error),)) from None
    except RecursionError:
        raise _unread(file, "its brackets are nested too deep", Rule.FILE_SIZE) from None
    if root is None:
        raise _unread(file, "the file is empty", Rule.NOT_EMPTY_FILE, "`trialsim init DIR` writes a protocol")
    reader = _NodeReader(file, lines)
    data = reader.read(root, ())
    if not isinstance(data, dict) and not reader.problems:
        kind = "a list" if isinstance(data, list) else "a single value"
        message = f"the file holds {kind}, not keys and values"
        place = Place(root.start_mark.line + 1, root.start_mark.column + 1)
        reader.problems.append(_problem(file, lines, place, message, Rule.MAPPING, "write `key: value`"))
    if reader.problems:
        raise InvalidInput(tuple(reader.problems))
    return Document(file, lines, data, reader.values, reader.keys)


class UnreadValue(ValueError):
    """A value that is not to be read, with the rule that it breaks and the remedy."""

    def __init__(self, message: str, rule: Rule, remedy: str = "") -> None:
        super().__init__(message, rule, remedy)
        self.message = message
        self.rule = rule
        self.remedy = remedy


def parse_value(text: str) -> Any:
    """One value as it would read in a file: ``3``, ``100 mg``, ``[4, 6]``. Raises :class:`UnreadValue`."""
    if (strange := UNPRINTABLE.search(text)) is not None:
        raise UnreadValue(_not_printable(strange[0]), Rule.PRINTABLE, _remedy_of(strange[0]))
    try:
        root = compose(text)
    except YAMLError as error:
        message = f"its value is not YAML: {_first_line(error)}"
        raise UnreadValue(message, Rule.OVERRIDE, "put quotes around the value") from None
    except RecursionError:
        raise UnreadValue("its brackets are nested too deep", Rule.FILE_SIZE) from None
    if root is None:
        return None
    reader = _NodeReader("", ())
    value = reader.read(root, ())
    for problem in reader.problems:
        raise UnreadValue(problem.message, Rule(problem.rule), problem.remedy)
    return value


def scalar(text: str, *, plain: bool) -> str | int | float | bool | None:
    """What a scalar means: numbers, booleans and null when written plainly, otherwise its text."""
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text) and len(text) < 300:
        return int(text)
    if _FLOAT.match(text):
        value = float(text)
        return value if abs(value) != float("inf") else text
    return text


class _NodeReader:
    """Turns nodes into plain data, noting places and problems on the way."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.file = file
        self.lines = lines
        self.values: dict[KeyPath, Place] = {}
        self.keys: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self._count = 0

    def read(self, node: Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count == MAX_VALUES + 1 or (len(path) == MAX_DEPTH and self._count <= MAX_VALUES):
            self._report(node, "the file unfolds into too many values", Rule.FILE_SIZE, "drop the aliases")
            self._count = MAX_VALUES + 1
        if self._count > MAX_VALUES:
            return None
        self.values[path] = self._span(node)
        tag = str(node.tag or "")
        if tag.startswith("!") or (tag and not tag.startswith("tag:yaml.org,2002:")):
            self._report(node, f"the tag {tag} has no meaning here", Rule.NO_TAGS, "write the plain value")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return scalar(self._text(node), plain=getattr(node, "style", None) in (None, ""))

    def _text(self, node: ScalarNode) -> str:
        """What a scalar says; a character that JSON escapes in two halves is one."""
        text = whole_characters(str(node.value))
        if (half := HALF.search(text)) is not None:
            self._report(node, _not_printable(half[0]), Rule.PRINTABLE, _remedy_of(half[0]))
        return text

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in self._pairs(node):
            if not isinstance(key_node, ScalarNode) or key_node.value == "<<":
                self._report(key_node, "a key must be a plain word", Rule.PLAIN_KEY)
                continue
            key = self._text(key_node)
            if key in result:
                first = self.keys[*path, key].line
                message = f"`{key}` is already written on line {first}"
                self._report(key_node, message, Rule.DUPLICATE_KEY, "keep one of the two")
                continue
            self.keys[*path, key] = self._span(key_node)
            result[key] = self.read(value_node, (*path, key))
        return result

    @staticmethod
    def _pairs(node: MappingNode) -> Iterator[tuple[Node, Node]]:
        yield from node.value

    def _span(self, node: Node) -> Place:
        """The node's stretch on its first line; width 0 when it is a block better told by its key."""
        start, end = node.start_mark, node.end_mark
        if start.line == end.line:
            return Place(start.line + 1, start.column + 1, end.column - start.column)
        if isinstance(node, ScalarNode) or getattr(node, "flow_style", False):
            width = len(self.lines[start.line].rstrip()) - start.column if self.lines else 1
            return Place(start.line + 1, start.column + 1, max(1, width))
        return Place(start.line + 1, start.column + 1, 0)

    def _report(self, node: Node, message: str, rule: Rule, remedy: str = "") -> None:
        place = self._span(node)
        self.problems.append(_problem(self.file, self.lines, place, message, rule, remedy))


def _problem(file: str, lines: tuple[str, ...], place: Place, message: str, rule: Rule, remedy: str = "") -> Problem:
    source = UNPRINTABLE.sub("\ufffd", lines[place.line - 1].rstrip()) if 0 < place.line <= len(lines) else ""
    width = max(1, min(place.width, len(source) - place.column + 1))
    return Problem(file, place.line, place.column, message, rule, remedy, source, width)


def _syntax_problem(file: str, lines: tuple[str, ...], error: YAMLError) -> Problem:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    if mark is None:
        return Problem(file, 0, 0, _first_line(error), Rule.YAML_SYNTAX)
    place = Place(mark.line + 1, mark.column + 1)
    source = lines[mark.line] if mark.line < len(lines) else ""
    indent = _INDENT.match(source)
    if indent is not None and "\t" in indent[0]:
        at = Place(place.line, indent[0].index("\t") + 1)
        return _problem(file, lines, at, "this line is indented with a tab", Rule.NO_TABS, "use spaces")
    return _problem(file, lines, place, _first_line(error), Rule.YAML_SYNTAX, _syntax_remedy(_first_line(error)))


def _stray_character(file: str, lines: tuple[str, ...], text: str, at: int) -> Problem:
    """The problem of a character that a YAML file may not hold."""
    before = _LINE_END.split(text[:at])
    place = Place(len(before), len(before[-1]) + 1)
    return _problem(file, lines, place, _not_printable(text[at]), Rule.PRINTABLE, _remedy_of(text[at]))


def _not_printable(character: str) -> str:
    if HALF.match(character):
        return f"\\u{ord(character):04x} is half of a character"
    name = _CONTROLS.get(character, "")
    return f"U+{ord(character):04X}{name and f' ({name})'} is not a printable character"


def _remedy_of(character: str) -> str:
    return "write the character itself, or both halves" if HALF.match(character) else "remove it"


def _syntax_remedy(message: str) -> str:
    if "mapping values are not allowed" in message:
        return "put quotes around a text that holds a colon"
    if "expected a single document" in message:
        return "one document per file: remove the `---`"
    return ""


def _first_line(error: YAMLError) -> str:
    problem, context = getattr(error, "problem", None), getattr(error, "context", None)
    text = f"{context}, {problem}" if context and problem else str(problem or error)
    return text.splitlines()[0] if text else "this is not YAML"


def _unread(file: str, message: str, rule: Rule, remedy: str = "") -> InvalidInput:
    return InvalidInput((Problem(file, 0, 0, message, rule, remedy),))
