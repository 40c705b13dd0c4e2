"""Compiled functions on disk: what is whole is used, and what is damaged, out of date or another's is not."""

from __future__ import annotations

import errno
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trialsim import compiling, kernel_cache

SOURCE = """
from trialsim.compiling import compiled


@compiled
def more(x):
    return x + 1


@compiled
def twice(x):
    return x * 2
"""


class Sources:
    """A module with compiled functions in a folder of its own; loading it again is what another process does."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "small.py"
        self.write(SOURCE)

    def write(self, source: str) -> None:
        self._path.write_text(source)

    def load(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("small", self._path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def files(self, name: str = "") -> list[Path]:
        return sorted(self._path.parent.glob(f"__pycache__/small.{name}*.nbc"))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    monkeypatch.setattr(kernel_cache, "_told", set())
    return Sources(tmp_path)


def compiled_anew(function: Any) -> int:
    """How many signatures of a compiled function were not found on disk."""
    return sum(function.stats.cache_misses.values())


def test_what_is_whole_is_used(sources: Sources, capfd: pytest.CaptureFixture[str]) -> None:
    """Catches a cache that never finds what it kept, and one that speaks when nothing is wrong."""
    first = sources.load()
    assert (first.more(1), first.more(1.5), compiled_anew(first.more)) == (2, 2.5, 2)
    assert len(sources.files("more")) == 2
    again = sources.load()
    assert (again.more(1), again.more(1.5), compiled_anew(again.more)) == (2, 2.5, 0)
    assert capfd.readouterr().err == ""


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def one_bit_turned(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def overwritten(path: Path) -> None:
    path.write_bytes(b"not what was here" * 100)


@pytest.mark.parametrize("damage", [emptied, cut_short, one_bit_turned, overwritten])
def test_what_is_damaged_is_compiled_anew_and_told_once(
    damage: Callable[[Path], None], sources: Sources, capfd: pytest.CaptureFixture[str]
) -> None:
    """Catches a run that ends with what reading the file raises, machine code run with a bit turned, silence, a message
    for each file, and a file that stays damaged."""
    first = sources.load()
    first.more(1), first.twice(3)
    for path in sources.files():
        damage(path)
    second = sources.load()
    assert (second.more(1), second.twice(3)) == (2, 6)
    assert (compiled_anew(second.more), compiled_anew(second.twice)) == (1, 1)
    told = capfd.readouterr().err
    assert told.count("damaged and is compiled anew") == 1
    assert told.count("\n") == 1
    third = sources.load()
    assert (third.more(1), compiled_anew(third.more)) == (2, 0)
    assert capfd.readouterr().err == ""


def test_what_is_gone_is_compiled_anew(sources: Sources) -> None:
    """Catches an index that leads to a file which is not there."""
    sources.load().more(1)
    for path in sources.files():
        path.unlink()
    again = sources.load()
    assert (again.more(1), compiled_anew(again.more), len(sources.files("more"))) == (2, 1, 1)


def test_code_of_other_sources_is_not_run(
    sources: Sources, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Catches old code that is run after an edit: the function's own bytecode is the same. It is written over, without
    a word."""
    assert sources.load().more(1) == 2
    (path,) = sources.files("more")
    sources.write(SOURCE.replace("x + 1", "x + 7"))
    monkeypatch.setattr(compiling, "source_digest", lambda: "of the edited sources")
    assert sources.load().more(1) == 8
    assert sources.files("more") == [path]
    assert capfd.readouterr().err == ""


def test_code_for_another_signature_is_not_run(sources: Sources) -> None:
    """Catches what two processes that compile at once could do to an index: a number leads to the other's code, which
    reads a float as an integer."""
    first = sources.load()
    first.more(1)
    (whole,) = sources.files("more")
    first.more(1.5)
    (real,) = set(sources.files("more")) - {whole}
    real.write_bytes(whole.read_bytes())
    again = sources.load()
    assert (again.more(1.5), again.more(1)) == (2.5, 2)


def test_a_full_disk_is_told_and_the_run_goes_on(
    sources: Sources, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Catches a run that ends since its compiled code cannot be kept, half a file, and a message for each function."""

    def full(_self: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    module = sources.load()
    assert (module.more(1), module.twice(3)) == (2, 6)
    told = capfd.readouterr().err
    assert told.count("cannot be kept") == 1
    assert "No space left" in told
    assert sources.files() == []
    assert list(sources._path.parent.glob("__pycache__/*.tmp")) == []
