"""A navitoclax that leaves some cells alone, to tell what its effect goes through."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.spec.resolved import ResolvedProtocol

#: The parameter that is set to 0, by the cells that are spared.
EFFECTS = {"cycling": "cycling_effect", "host": "host_effect"}


def sparing(protocol: ResolvedProtocol, cells: Sequence[str]) -> ResolvedProtocol:
    """The protocol with a navitoclax that kills none of these cells (keys of EFFECTS)."""
    if not cells:
        return protocol
    navitoclax = protocol.agents["navitoclax"]
    effects = {EFFECTS[name]: getattr(navitoclax, EFFECTS[name]) for name in cells}
    none = {name: effect.model_copy(update={"value": 0.0, "low": 0.0}) for name, effect in effects.items()}
    return protocol.model_copy(update={"agents": {**protocol.agents, "navitoclax": navitoclax.model_copy(update=none)}})
