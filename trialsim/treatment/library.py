"""The agent library: one YAML file per agent, validated, every number with its source."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter

from trialsim.spec.agents import Agent

_AGENT: TypeAdapter[Agent] = TypeAdapter(Agent)


@lru_cache(maxsize=1)
def load_library() -> dict[str, Agent]:
    """Every agent that ships with trialsim, by name.

    Raises
    ------
    pydantic.ValidationError
        A shipped agent file breaks the schema: a defect of the package, which its tests catch.
    """
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    agents: dict[str, Agent] = {}
    folder = files("trialsim.treatment") / "agents"
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.endswith(".yaml"):
            loaded: Any = yaml.load(path.read_text(encoding="utf-8"))
            agent = _AGENT.validate_python(loaded)
            agents[agent.name] = agent
    return agents
