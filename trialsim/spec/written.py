"""What every written model is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Written(BaseModel):
    """What an author writes: unknown keys are errors, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
