"""The protocols and cohorts that come with trialsim."""

from __future__ import annotations

from pathlib import Path

from trialsim.errors import UsageError

#: What `trialsim init` starts from.
FIRST_PROTOCOL, FIRST_COHORT = "protocols/first-trial.yaml", "cohorts/breast-high-risk.yaml"


def shipped(name: str) -> Path:
    """A shipped file by its path from the repository's top; in an installed package it lies in the package."""
    package = Path(__file__).parents[1]
    inside = package / "shipped" / name
    return inside if inside.is_file() else package.parent / name


def start(folder: Path) -> list[Path]:
    """Write a small protocol and its cohort into a new or empty folder; returns their paths, the protocol first.

    Raises
    ------
    UsageError
        The folder is there and not empty, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; it is left alone. Name a new folder.")
        written = []
        for name in (FIRST_PROTOCOL, FIRST_COHORT):
            path = folder / name
            path.parent.mkdir()
            path.write_bytes(shipped(name).read_bytes())
            written.append(path)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror or error}") from error
    return written
