"""How much senescent cells of each kind secrete: data with sources (``secretome.yaml``)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import model_validator

from trialsim.spec.agents import INDUCERS, Frozen, Inducer, Sourced
from trialsim.spec.source import read_document


class Secretome(Frozen):
    """Weights of senescent cells in the SASP load, and how fast immune cells follow it."""

    weights: dict[Inducer, Sourced]
    infiltration_time: Sourced

    @model_validator(mode="after")
    def _covers_every_inducer(self) -> Secretome:
        missing = [i for i in INDUCERS if i not in self.weights]
        if missing:
            raise ValueError(f"weights lack {', '.join(missing)}")
        return self


@lru_cache(maxsize=1)
def load_secretome() -> Secretome:
    """The data that ship with trialsim.

    Raises
    ------
    pydantic.ValidationError
        The file breaks the schema: a defect of the package, which its tests catch.
    """
    return Secretome.model_validate(read_document(Path(__file__).with_name("secretome.yaml")).data)
