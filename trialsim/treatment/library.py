"""The agent library: one YAML file per agent, validated, every number with its source."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter

from trialsim.spec.agents import Agent
from trialsim.spec.source import read_document

_AGENT: TypeAdapter[Agent] = TypeAdapter(Agent)


@lru_cache(maxsize=1)
def load_library() -> dict[str, Agent]:
    """Every agent that ships with trialsim, by name.

    Raises
    ------
    pydantic.ValidationError
        A shipped agent file breaks the schema: a defect of the package, which its tests catch.
    """
    agents: dict[str, Agent] = {}
    for path in sorted((Path(__file__).parent / "agents").glob("*.yaml")):
        agent = _AGENT.validate_python(read_document(path).data)
        agents[agent.name] = agent
    return agents
