"""Ctrl-C is noted while a trial is conducted and raised where stopping is safe."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from trialsim.conduct.interruption import deferred


def test_the_signal_waits_for_a_safe_place() -> None:
    """Catches a KeyboardInterrupt raised in the middle of the block, which compiled code does not survive."""
    reached = []
    with pytest.raises(KeyboardInterrupt), deferred() as interruption:  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the signal")
        interruption.stop_if_asked()
        reached.append("never")
    assert reached == ["after the signal"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_nobody_asked_about_is_raised_at_the_end() -> None:
    """Catches a Ctrl-C that is swallowed."""
    with pytest.raises(KeyboardInterrupt), deferred():
        os.kill(os.getpid(), signal.SIGINT)


def test_other_threads_and_own_handlers_are_left_alone() -> None:
    """Catches a library that takes over the signals of the program it is used in."""
    own = []
    before = signal.signal(signal.SIGINT, lambda *_: own.append(1))
    try:
        with deferred():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert own == [1]

    def in_a_thread() -> None:
        with deferred() as interruption:
            interruption.stop_if_asked()

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
