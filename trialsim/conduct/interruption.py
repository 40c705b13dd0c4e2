"""Ctrl-C while compiled code runs.

Python raises KeyboardInterrupt between two of its own instructions, and the glue that hands a random generator to
compiled code is made of such instructions: an exception raised there crashes the process. While a trial is conducted
the signal is therefore noted, and the calendar stops between two events.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether Ctrl-C was pressed; call :meth:`stop_if_asked` where stopping is safe."""

    asked = False

    def stop_if_asked(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def deferred() -> Iterator[Interruption]:
    """Note Ctrl-C inside the block in place of raising at once; raise at the block's end if nobody stopped before.

    Does nothing outside the main thread, where Python delivers no signals, or when the program has its own handler.
    """
    interruption = Interruption()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield interruption
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        interruption.asked = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
    interruption.stop_if_asked()
