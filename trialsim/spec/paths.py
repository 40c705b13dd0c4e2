"""The path of a value in a document, as it is written: keys parted by dots, ``arms.control.label``.

A name may have dots in it (`trialsim.spec.values.NAME_PATTERN`), so words of a path are read together where the
document has such a key. Quotes keep a key together wherever that leaves a doubt: ``arms."arm.a".label``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from trialsim.spec.source import KeyPath

_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*\Z""")
#: A piece of an override's path: a quoted key, or anything up to a dot.
_PIECE = re.compile(r"""(?:\s*"[^"]*"\s*|\s*'[^']*'\s*|[^.])*""")
#: The path of an override, up to the first `=` that stands outside quotes.
_PATH = re.compile(r"""(?:"[^"]*"|'[^']*'|[^=])*""")


class Word(NamedTuple):
    """A part of a path as written; a quoted one is a whole key."""

    text: str
    quoted: bool = False


def path_and_value(words: str) -> tuple[str, str, str]:
    """The path, the `=` (empty if there is none) and the value of ``KEY.KEY=VALUE``."""
    end = len(_PATH.match(words)[0])  # type: ignore[index]
    return words[:end], words[end : end + 1], words[end + 1 :]


def words_of(path: str) -> list[Word]:
    """The parts of a path between its dots."""
    words, at = [], 0
    while at <= len(path):
        piece = _PIECE.match(path, at)[0]  # type: ignore[index]
        quoted = _QUOTED.match(piece)
        words.append(Word(piece.strip()) if quoted is None else Word(quoted[1] or quoted[2] or "", True))
        at += len(piece) + 1
    return words


def is_of_cohort(words: str) -> bool:
    """Whether an override goes to the cohort file: its path has ``cohort`` before others. ``cohort=FILE`` has none."""
    first, *others = words_of(path_and_value(words)[0])
    return first.text == "cohort" and bool(others)


def readings(here: Any, words: Sequence[Word]) -> Iterator[KeyPath]:
    """Every path from ``here`` that the words may mean: all of its keys exist, save perhaps the last."""
    if not words:
        yield ()
    elif isinstance(here, list):
        if words[0].text.isdecimal() and int(words[0].text) < len(here):
            at = int(words[0].text)
            yield from ((at, *rest) for rest in readings(here[at], words[1:]))
    elif isinstance(here, dict):
        for key, rest_of_words in _keys(words):
            if key in here:
                yield from ((key, *rest) for rest in readings(here[key], rest_of_words))
            elif not rest_of_words and len(words) == 1:
                yield (key,)


def _keys(words: Sequence[Word]) -> Iterator[tuple[str, Sequence[Word]]]:
    """The keys that the first words may make, and the words that are left."""
    for count in range(1, len(words) + 1):
        if count > 1 and any(word.quoted for word in words[:count]):
            return
        yield ".".join(word.text for word in words[:count]), words[count:]


def is_there(data: Any, path: KeyPath) -> bool:
    """Whether the data have a value at a path."""
    for key in path:
        known = range(len(data)) if isinstance(data, list) else data if isinstance(data, dict) else ()
        if key not in known:
            return False
        data = data[key]
    return True


def path_text(path: KeyPath) -> str:
    """A path as it would be written, with quotes around keys that need them."""
    return ".".join(key if re.fullmatch(r"[\w-]+", key) else f'"{key}"' for key in map(str, path))
