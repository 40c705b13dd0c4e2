"""Options that several commands have, and how their words are read."""

from __future__ import annotations

import csv
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trialsim.errors import UsageError

if TYPE_CHECKING:
    from trialsim.spec.resolved import ResolvedProtocol

PROTOCOL = click.argument("protocol", type=click.Path(path_type=Path))
SET = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a value of the protocol.")
SEED = click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of every draw.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print machine-readable JSON.")
QUIET = click.option("--quiet", is_flag=True, help="No progress on standard error.")


def load(protocol: Path, overrides: tuple[str, ...]) -> ResolvedProtocol:
    """The protocol of a file with its overrides, with the shipped agents; warns of doses beyond experience."""
    from trialsim.spec.high_doses import high_doses
    from trialsim.spec.load import load_protocol
    from trialsim.treatment.library import load_library

    resolved = load_protocol(protocol, load_library(), overrides)
    for words in high_doses(resolved):
        click.echo(f"Warning: {words}", err=True)
    return resolved


def write_text(path: Path, text: str) -> None:
    """Write a file that the user named; a place that cannot be written is the user's to mend."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def names(words: tuple[str, ...]) -> tuple[str, ...]:
    """Column names from repeated options and comma-separated lists; a name with a comma in it stands in quotes."""
    found = [name.strip() for row in csv.reader(words, skipinitialspace=True) for name in row]
    return tuple(name for name in found if name)


def days(option: str, words: str) -> float:
    """A time with its unit, in days."""
    from trialsim.units import UnitError, parse

    try:
        return parse(words, "time")
    except UnitError as error:
        raise UsageError(f"{option} {words}: {error}") from error


def typed_command() -> str:
    """The command line as typed, so that a report says how to make it again; bytes that are no text are escaped."""
    return shlex.join(["trialsim", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode("utf-8")
