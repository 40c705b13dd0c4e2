"""A table of plain text: columns as wide as their widest cell."""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Rows of cells as lines with the cells of a column under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"{indent}{line}".rstrip() for line in lines]


def text_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The title, then the header and the rows, indented."""
    return "\n".join([title, *columns([header, *rows], "  ")])
