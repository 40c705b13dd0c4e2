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
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from trialsim.errors import TrialsimError, UsageError

Form = TypeVar("Form")

ADSL = "adsl.csv"
ADTTE = "adtte.csv"
EVENTS = "events.csv"
SUMMARY = "summary.json"
RESULTS = "results.json"
PROTOCOL = "protocol.resolved.yaml"
MANIFEST = "manifest.json"
REPORT = "report.html"
FINDINGS = "findings.json"


@dataclass(frozen=True)
class Manifest:
    """What a run was made by: nothing in it is read off a clock, a host or a path."""

    trialsim: str
    format: int
    version: str
    seed: int
    protocol: str
    command: str
    digests: Mapping[str, str]
    """Of the protocol and of the data."""
    packages: Mapping[str, str]
    """Versions of those that can change a result."""
    python: str


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


def to_json(value: object) -> str:
    """JSON as it is written everywhere: keys in their own order, indented, UTF-8, NaN refused.

    A dataclass is an object of its fields, without those that hold their default.
    """
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False, default=_object) + "\n"


def _object(value: object) -> dict[str, object]:
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    held = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: own for field, own in held if own != field.default}


def read_as(form: type[Form], text: str | bytes, name: str) -> Form:
    """JSON read back as a dataclass. ``name`` is that of the file, for the message.

    Raises
    ------
    UsageError
        It is not JSON, or not of this form; the message says where.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(form).validate_json(text)
    except ValidationError as error:
        first, count = error.errors()[0], error.error_count()
        at = ".".join(map(str, first["loc"]))
        more = f" (and {count - 1} more)" if count > 1 else ""
        raise UsageError(f"{name} is damaged{f', at {at}' if at else ''}: {first['msg']}{more}") from error


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
    """One JSON file of a run folder, as it stands there.

    Raises
    ------
    UsageError
        The folder is not a run folder, or the file is damaged.
    """
    return read_saved(folder, name, dict)


def read_saved(folder: Path, name: str, form: type[Form]) -> Form:
    """One JSON file of a run folder, read back in its form; raises as `read_json`."""
    path = Path(folder) / name
    if not path.is_file():
        raise UsageError(f"{folder} is not a run folder: it has no {name}. Make one with `trialsim run`.")
    return read_as(form, path.read_bytes(), str(path))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run whose results this version can read.

    Raises
    ------
    UsageError
        As :func:`read_json`; or the folder was written by a version with another form.
    """
    manifest = read_json(folder, MANIFEST)
    if manifest.get("format") != FORMAT:
        raise UsageError(
            f"{folder} was written by trialsim {manifest.get('version', 'of another version')}, whose results have "
            f"another form. Run it again: {manifest.get('command', 'trialsim run')}"
        )
    return read_saved(folder, MANIFEST, Manifest)


def write_json(folder: Path, name: str, value: object) -> None:
    (Path(folder) / name).write_text(to_json(value), encoding="utf-8")
