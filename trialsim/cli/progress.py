"""What the user sees on standard error while waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def waiting(words: str, quiet: bool) -> Iterator[None]:
    """Say on standard error what the user waits for; on a terminal it goes away when done."""
    if quiet:
        yield
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(words):
            yield
    else:
        click.echo(f"{words} ...", err=True)
        yield


@contextmanager
def progress(words: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error; nothing when quiet or not on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        if not quiet:
            click.echo(f"{words} ...", err=True)
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
