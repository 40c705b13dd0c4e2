"""Python's collector of cyclic garbage, kept out of a run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Let no cyclic garbage be looked for meanwhile.

    A run keeps all it makes (events, records), so that every search of it finds next to nothing: it took a quarter of
    a trial's time. What was switched off before stays off.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            # What the run made counts as old, or all of it would be searched at once.
            gc.freeze()
            gc.unfreeze()
        gc.enable()
