"""Compiled functions on disk, in files that prove to be whole and to be what is asked for.

numba's own cache trusts what it finds. A file that is empty or cut short (a full disk, a stopped copy) ends the program
with whatever its reading raises, or is run as it is; and while two processes compile at once, its index may lead one of
them to what another source or another signature was compiled to. Here a function has one file for each signature, with
no index. It begins with a digest of all that follows, then names the sources that it comes from, then its signature. A
file that fails the first is damaged: it is taken away, told of once, and made anew. One that fails the others is out of
date and written over.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

_DIGEST = hashlib.sha256().digest_size

#: What was told already in this process.
_told: set[str] = set()


class KernelCache(FunctionCache):  # type: ignore[misc]
    """The cache of one function, compiled from sources with a digest.

    Raises
    ------
    RuntimeError
        There is no folder for it that can be written.
    """

    def __init__(self, function: Callable[..., Any], source_digest: str) -> None:
        super().__init__(function)
        self._cache_file = _KernelFiles(Path(self._cache_path), self._impl.filename_base, source_digest)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled; where it cannot be kept, this process goes on with it all the same."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            reason = error.strerror or error
            _tell(
                "unkept", f"Compiled code cannot be kept in {self._cache_path} ({reason}): the next run compiles anew."
            )


class _KernelFiles:
    """Reads and writes the files of one function; a key is a signature, a processor and the function's bytecode."""

    def __init__(self, folder: Path, name: str, source_digest: str) -> None:
        self._folder, self._name = folder, name
        self._stamp = _digest(f"{numba.__version__} {source_digest}".encode())

    def load(self, key: Any) -> Any:
        """What was kept under a key, or None."""
        path = self._path(key)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _tell("unread", f"Compiled code in {path} cannot be read ({error.strerror or error}): it is compiled anew.")
            return None
        seal, body = raw[:_DIGEST], raw[_DIGEST:]
        if seal != _digest(body):
            _take_away(path)
            return None
        stamp, content = body[:_DIGEST], body[_DIGEST:]
        if stamp != self._stamp:
            return None
        known, data = pickle.loads(content)
        return data if known == key else None

    def save(self, key: Any, data: Any) -> None:
        """Keep data under a key: written aside and renamed, so that nobody reads half a file."""
        body = self._stamp + dumps((key, data))
        path = self._path(key)
        aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}.tmp")
        try:
            aside.write_bytes(_digest(body) + body)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        """A file for each signature and processor, which the next version of the function writes over."""
        signature, processor, _ = key
        return self._folder / f"{self._name}.{_digest(f'{signature} {processor}'.encode()).hex()[:16]}.nbc"


def _digest(of: bytes) -> bytes:
    return hashlib.sha256(of).digest()


def _take_away(path: Path) -> None:
    """Remove a damaged file. Of the processes that find it so, the one that removes it tells."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    except OSError:
        pass  # it stays, and is damaged for the next process too
    _tell("damaged", f"Compiled code on disk was damaged and is compiled anew, which may take a minute: {path}")


def _tell(kind: str, words: str) -> None:
    """Say something on standard error, the first time that there is something of its kind to say."""
    if kind not in _told:
        _told.add(kind)
        print(words, file=sys.stderr)
