"""Whether what a switch does to subjects is what was demanded of it."""

from __future__ import annotations

from trialsim.studies.paired import PairedComparison


def is_small(found: PairedComparison, margin: float) -> bool:
    """Whether an effect, however sure, lies within what counts as none."""
    return -margin <= found.effect.lower and found.effect.upper <= margin


def as_demanded(found: PairedComparison, demand: str, margin: float) -> bool:
    """Whether a comparison is what was demanded of it (`trialsim.studies.mechanisms.registry.DEMANDS`)."""
    effect, off = found.effect, found.off
    match demand:
        case "raises":
            return effect.lower > 0.0
        case "lowers":
            return effect.upper < 0.0
        case "leaves":
            return is_small(found, margin)
        case "identical":
            return found.changed == 0
        case "keeps":
            return found.on.lower > 0.0 and off.lower > 0.0
        case "makes":
            return effect.lower > 0.0 and -margin <= off.lower and off.upper <= margin
        case "averts":
            return effect.upper < 0.0 and -margin <= off.lower and off.upper <= margin
    raise ValueError(f"nothing is demanded as {demand}")
