"""YAML 1.2 text -> nodes, where the parser's own scanner keeps to older rules.

ruamel's scanner takes a tab for the end of a plain text and refuses it before a token, and counts lines by three
characters that YAML 1.2 no longer takes for line ends. Both are mended here; the rest of the parser is its own.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import Node
from ruamel.yaml.scanner import Scanner, ScannerError

#: Half of a character, which no file can hold.
HALF = re.compile("[\ud800-\udfff]")
#: What may not stand in a file as it is: control characters and halves of characters.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WHITE = " \t"
_LINE_ENDS = "\r\n"
_NO_MORE = "\0"
#: Line ends of YAML 1.1, and what stands for them while a text is scanned: code points that never become characters.
_ONCE_LINE_ENDS = str.maketrans("\x85\u2028\u2029", "\U0001fffe\U0001ffff\U0002fffe")
_AGAIN = str.maketrans("\U0001fffe\U0001ffff\U0002fffe", "\x85\u2028\u2029")


def compose(text: str) -> Node | None:
    """The node at the top of a document, None for an empty one. Raises ruamel's ``YAMLError``."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _Scanner
    node: Node | None = yaml.compose(text.translate(_ONCE_LINE_ENDS))
    return node


def whole_characters(text: str) -> str:
    """A scalar's text, with characters that were escaped in two halves (as JSON does) put together."""
    text = text.translate(_AGAIN)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


class _Scanner(Scanner):
    """Tabs part tokens and stand within plain text; they never indent."""

    def scan_to_next_token(self) -> None:
        """Go over white space, comments and line ends.

        A tab that begins a line, or follows the mark of a list or of a key, leaves room for no further mark: what
        comes after it may be a text, but no mapping and no list, whose indentation would be the tab's.
        """
        reader = self.reader
        if reader.index == 0 and reader.peek() == "\ufeff":
            reader.forward()
        while True:
            while reader.peek() == " ":
                reader.forward()
            if reader.peek() == "\t":
                if self._tab_indents():
                    return  # the scanner refuses it
                self.allow_simple_key = self.allow_simple_key and bool(self.flow_level)
                reader.forward()
                continue
            if reader.peek() == "#":
                while reader.peek() not in _LINE_ENDS + _NO_MORE:
                    reader.forward()
            if not self.scan_line_break():
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def _tab_indents(self) -> bool:
        """Whether the tab here is the indentation of something that stands in its line."""
        if self.flow_level or self.reader.column > 0:
            return False
        length = 0
        while self.reader.peek(length) in _WHITE:
            length += 1
        return self.reader.peek(length) not in _LINE_ENDS + _NO_MORE + "#"

    def scan_plain_spaces(self, indent: Any, start_mark: Any) -> Any:
        """The white space within a plain text, its line ends folded; empty where the text is over."""
        reader = self.reader
        length = 0
        while reader.peek(length) in _WHITE:
            length += 1
        white = reader.prefix(length)
        reader.forward(length)
        if reader.peek() not in _LINE_ENDS:
            return [white] if white else []
        self.scan_line_break()
        self.allow_simple_key = True
        breaks: list[str] = []
        while not self._at_document_mark():
            if reader.peek() == " " or (reader.peek() == "\t" and reader.column >= indent):
                reader.forward()
            elif reader.peek() in _LINE_ENDS:
                breaks.append(self.scan_line_break())
            else:
                return breaks or [" "]
        return None

    def scan_flow_scalar_non_spaces(self, double: Any, start_mark: Any) -> Any:
        """The text of a quoted scalar up to white space; an escape names a character that there is."""
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError):
            here = self.reader.get_mark()
            raise ScannerError("in a quoted text", start_mark, "an escape is beyond U+10FFFF", here) from None

    def _at_document_mark(self) -> bool:
        return self.reader.prefix(3) in ("---", "...") and self.reader.peek(3) in _WHITE + _LINE_ENDS + _NO_MORE

    def scan_block_scalar_indicators(self, start_mark: Any) -> Any:
        """The marks after ``|`` or ``>``, and the white space behind them."""
        found = (None, None) if self.reader.peek() == "\t" else super().scan_block_scalar_indicators(start_mark)
        while self.reader.peek() in _WHITE:
            self.reader.forward()
        return found
