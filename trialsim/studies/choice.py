"""Rows of a registry, asked for by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from trialsim.errors import UsageError
from trialsim.spec.values import did_you_mean


class Named(Protocol):
    """A row with an id."""

    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=Named)


def choose_rows(rows: Sequence[Row], ids: Iterable[str], kind: str) -> list[Row]:
    """The rows asked for, in the registry's order; all when none is named. ``kind`` is what a row is called.

    Raises
    ------
    UsageError
        A name that is no row's.
    """
    known = {row.id: row for row in rows}
    wanted = {name.upper() for name in ids}
    strangers = sorted(wanted - set(known))
    if strangers:
        raise UsageError(f"no {kind} is called {', '.join(strangers)}: {did_you_mean(strangers[0], known)}")
    return [row for name, row in known.items() if not wanted or name in wanted]
