"""The agent library: one YAML file per agent, validated, every number with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter

from trialsim.spec.agents import Agent
from trialsim.spec.source import read_document

_AGENT: TypeAdapter[Agent] = TypeAdapter(Agent)


class Library(Mapping[str, Agent]):
    """Agents by name, each in a file of that name which is read when the agent is asked for: a trial gives a few.

    Raises
    ------
    pydantic.ValidationError
        A shipped agent file breaks the schema: a defect of the package, which its tests catch.
    """

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        self._read: dict[str, Agent] = {}

    def __getitem__(self, name: str) -> Agent:
        if name not in self._read:
            self._read[name] = _AGENT.validate_python(read_document(self._files[name]).data)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


@lru_cache(maxsize=1)
def load_library() -> Library:
    """Every agent that ships with trialsim."""
    return Library(Path(__file__).parent / "agents")
