"""A table of plain text: columns as wide as their widest cell."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The title, then the header and the rows, indented."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])
