"""Names that users choose, fitted to the room they have: cut where they must be, and never two to the same text.

Names of arms that share a long beginning differ at their end, so a cut at the end would make them one. Room is counted
in mean characters of the page's type, of which a word of capitals takes more and Chinese nearly two each; a terminal
counts every character as one (``measure=len``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

Measure = Callable[[str], float]

_NARROW = frozenset(" iljI|!.,:;'()[]/ftr-")
_WIDE = frozenset("mwMW@%+=<>≥≤±…")
_CUT = "…"
#: Beyond so many characters that two words share, only where they differ is shown.
_LONG_WORD = 12


def text_width(raw: str) -> float:
    """The width of a text in mean characters, somewhat generous, whatever the reader's font."""
    return sum(_character(c) for c in raw)


def _character(c: str) -> float:
    if unicodedata.combining(c):
        return 0.0
    if unicodedata.east_asian_width(c) in ("W", "F"):
        return 1.75
    if c in _NARROW:
        return 0.65
    if c in _WIDE:
        return 1.6
    return 1.15 if c.isupper() or c.isdigit() else 1.0


def broken(raw: str, width: float, measure: Measure = text_width) -> list[str]:
    """A text on as many lines as it takes; a word that is wider than a line is broken."""
    lines = [""]
    for word in raw.split():
        joined = f"{lines[-1]} {word}".lstrip()
        if measure(joined) <= width:
            lines[-1] = joined
            continue
        *full, rest = _pieces(word, width, measure)
        lines += [*full, rest]
    return [line for line in lines if line] or [""]


def _pieces(word: str, width: float, measure: Measure) -> list[str]:
    pieces = [""]
    for c in word:
        if pieces[-1] and measure(pieces[-1] + c) > width:
            pieces.append("")
        pieces[-1] += c
    return pieces


def fitted(labels: Sequence[str], width: float, lines: int = 1, *, measure: Measure = text_width) -> list[list[str]]:
    """The lines of each label, at most ``lines`` of them; labels that differ stay apart.

    A label without room is cut at its end: after a word, but in a terminal wherever its room ends. Those that would
    then read the same show where they differ instead: ``Doxorubicin … navitoclax``. Where that does not help either,
    they are numbered by their place.
    """

    def fits(text: str) -> bool:
        return len(broken(text, width, measure)) <= lines

    def around_the_difference(place: int, mates: Sequence[str]) -> str:
        return _cut_before(labels[place], max(_parting(labels[place], mate) for mate in mates), fits)

    def numbered(place: int, _: Sequence[str]) -> str:
        return _cut_at_end(f"{place + 1}. {labels[place]}", fits)

    by_words = measure is not len
    shown = [_cut_at_end(label, fits, by_words=by_words) for label in labels]
    for cut in (around_the_difference, numbered):
        mates = [
            [label for label, text in zip(labels, shown, strict=True) if text == own and label != labels[place]]
            for place, own in enumerate(shown)
        ]
        shown = [cut(place, mates[place]) if mates[place] else text for place, text in enumerate(shown)]
    return [broken(text, width, measure) for text in shown]


def one_line(labels: Sequence[str], columns: int) -> list[str]:
    """The labels for a column of a terminal."""
    return [lines[0] for lines in fitted(labels, columns, measure=len)]


def _cut_at_end(label: str, fits: Callable[[str], bool], *, by_words: bool = True) -> str:
    """The label, or as many of its words as fit before an ellipsis; of a single long word, of its characters."""
    if fits(label):
        return label
    words = [
        label[:at] for at in range(len(label), 0, -1) if by_words and label[at : at + 1] == " " and label[:at] != _CUT
    ]
    mark = f" {_CUT}" if by_words else _CUT
    characters = [label[:at] for at in range(len(label), 0, -1)]
    return next((text for start in (*words, *characters) if fits(text := f"{start.rstrip()}{mark}")), _CUT)


def _cut_before(label: str, at: int, fits: Callable[[str], bool]) -> str:
    """The first word, an ellipsis, and as much of the end as fits, at least from ``at`` on."""
    head = label.partition(" ")[0]
    rests = [label[k:] for k in range(len(head) + 1, at) if label[k - 1] == " "] + [label[at:].lstrip()]
    texts = [f"{head} {_CUT} {rest}" for rest in rests] + [f"{_CUT} {rest}" for rest in rests]
    return next((text for text in texts if fits(text)), _cut_at_end(f"{_CUT} {rests[-1]}", fits))


def _parting(label: str, mate: str) -> int:
    """Where the first word begins in which two labels differ; in a long word, the character."""
    same = next((i for i, (a, b) in enumerate(zip(label, mate, strict=False)) if a != b), min(len(label), len(mate)))
    word = label.rfind(" ", 0, same) + 1
    return word if same - word <= _LONG_WORD else same
