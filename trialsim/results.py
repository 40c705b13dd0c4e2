"""The run folder: written whole or not at all, digested, and read back.

A folder is built beside its destination under a temporary name and renamed when complete, so a crash, a
full disk or Ctrl-C leaves either the old folder or none. Digests cover contents only: no clock, host or path.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trialsim.errors import TrialsimError, UsageError

ADSL = "adsl.csv"
ADTTE = "adtte.csv"
EVENTS = "events.csv"
SUMMARY = "summary.json"
RESULTS = "results.json"
PROTOCOL = "protocol.resolved.yaml"
MANIFEST = "manifest.json"
REPORT = "report.html"
FINDINGS = "findings.json"

#: The form of results.json: a page is drawn from the form that it knows.
FORMAT = 2

#: The files whose contents make up a run's digest.
DATA_FILES = (ADSL, ADTTE, EVENTS)

#: How often a folder is put in place anew when another run got there first.
_ATTEMPTS = 20


def digest_bytes(*parts: bytes) -> str:
    """SHA-256 of the parts, each preceded by its length, as hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def to_json(value: Any) -> str:
    """JSON as it is written everywhere: keys in their own order, indented, UTF-8, NaN refused."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def data_digest(folder: Path) -> str:
    """Digest of a run's data files."""
    return digest_bytes(*((folder / name).read_bytes() for name in DATA_FILES))


@contextmanager
def new_folder(destination: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``destination`` when the block ends without an exception.

    An earlier run's folder is replaced; anything else at that place is refused, so that ``--out`` can never
    delete a folder of yours. The block only writes: what goes wrong with a file in it is told as of this folder.

    Raises
    ------
    UsageError
        ``destination`` exists and is not a run folder, or its parent cannot be written.
    """
    destination = Path(destination)
    building = _begin_folder(destination)
    try:
        yield building
        _put_in_place(building, destination)
    except OSError as error:
        raise TrialsimError(f"could not write {destination}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def check_place(destination: Path) -> None:
    """Raise as `new_folder` would for a place that it cannot write, before the work whose results go there."""
    _begin_folder(Path(destination)).rmdir()


def _begin_folder(destination: Path) -> Path:
    """The temporary folder beside a destination that may be written."""
    if destination.exists() and not _is_replaceable(destination):
        raise UsageError(
            f"{destination} exists and is not a trialsim run folder; it is left alone. "
            "Name another folder with --out, or move it away."
        )
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    except OSError as error:
        raise UsageError(f"cannot write to {destination.parent}: {error.strerror}") from error


def _is_replaceable(folder: Path) -> bool:
    return folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))


def _put_in_place(building: Path, destination: Path) -> None:
    """Rename the finished folder to its place, moving an earlier run's away.

    Another run may be doing the same at this moment; whoever comes last wins, and each leaves a whole folder.
    """
    # mkdtemp makes private folders; give this one the mode that a plain mkdir would have.
    mask = os.umask(0)
    os.umask(mask)
    building.chmod(0o777 & ~mask)
    for attempt in range(_ATTEMPTS):
        aside = Path(tempfile.mkdtemp(prefix=f".{destination.name}.old.", dir=destination.parent))
        try:
            with suppress(FileNotFoundError):
                destination.rename(aside / "run")
            try:
                building.rename(destination)
                return
            except OSError:
                taken = destination.exists()
                if (aside / "run").exists() and not taken:
                    (aside / "run").rename(destination)
                if not taken or attempt == _ATTEMPTS - 1:
                    raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """One JSON file of a run folder.

    Raises
    ------
    UsageError
        The folder is not a run folder, or the file is damaged.
    """
    path = Path(folder) / name
    if not path.is_file():
        raise UsageError(f"{folder} is not a run folder: it has no {name}. Make one with `trialsim run`.")
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    if not isinstance(loaded, dict):
        raise UsageError(f"{path} is damaged: not an object")
    return loaded


def read_drawable(folder: Path) -> dict[str, Any]:
    """The results of a run folder, in the form that pages are drawn from.

    Raises
    ------
    UsageError
        As :func:`read_json`; or the folder was written by a version with another form.
    """
    shown, manifest = read_json(folder, RESULTS), read_json(folder, MANIFEST)
    if manifest.get("format") != FORMAT:
        raise UsageError(
            f"{folder} was written by trialsim {manifest.get('version', 'of another version')}, whose results have "
            f"another form. Run it again: {manifest.get('command', 'trialsim run')}"
        )
    return shown


def write_json(folder: Path, name: str, value: Mapping[str, Any]) -> None:
    (Path(folder) / name).write_text(to_json(value), encoding="utf-8")
