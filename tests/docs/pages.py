"""Reading the pages of docs/: fenced blocks, sections, tables, and the names in backticks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FLAGSHIP = ROOT / "protocols" / "breast-adjuvant-navitoclax.yaml"

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TICKED = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    """The contents of the fenced blocks in these languages."""
    return [body for language, body in _FENCE.findall(text) if language in languages]


def commands(text: str) -> list[str]:
    """The command lines of ``sh`` and ``console`` blocks, without prompts and comments."""
    lines = []
    for body in blocks(text, "sh", "console"):
        prompted = any(line.startswith("$ ") for line in body.splitlines())
        for line in body.splitlines():
            if line.startswith("$ "):
                lines.append(line[2:].strip())
            elif line.strip() and not prompted and not line.lstrip().startswith("#"):
                lines.append(line.strip())
    return lines


def section(text: str, heading: str) -> str:
    """What stands under a heading (its text without the hashes), with its subsections."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line))
    level = len(lines[at]) - len(lines[at].lstrip("#"))
    fenced, kept = False, []
    for line in lines[at + 1 :]:
        fenced ^= line.startswith("```")
        found = re.match(r"#+ ", line)
        if found and not fenced and len(found[0]) - 1 <= level:
            break
        kept.append(line)
    return "\n".join(kept)


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a stretch of a page, as rows of cells, without head and rule."""
    found: list[list[list[str]]] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif rows:
            found.append(rows[2:])
            rows = []
    return found


def ticked(text: str) -> list[str]:
    """What stands in backticks."""
    return _TICKED.findall(text)


def first_names(table: list[list[str]]) -> list[str]:
    """The names in backticks in the first column."""
    return [name for row in table for name in ticked(row[0])]
