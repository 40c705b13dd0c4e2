"""Tasks over processes: results in the order of the tasks, whatever the number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing.context import BaseContext
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    weight: Callable[[Task], int] = lambda _: 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """``function`` of each task, in the order of ``tasks``.

    With ``jobs`` 1 everything runs here; otherwise in that many new processes, to which function, tasks and results
    must travel (they are pickled). A task may depend on nothing but itself, so that the results are the same
    either way. ``on_progress(done, total)`` counts in the units of ``weight``.

    An interruption (Ctrl-C) cancels what has not begun, waits for the tasks at work and goes on its way.
    """
    total, done = sum(map(weight, tasks)), 0

    def tell(task: Task) -> None:
        nonlocal done
        done += weight(task)
        if on_progress is not None:
            on_progress(done, total)

    if jobs == 1 or len(tasks) < 2:
        results = []
        for task in tasks:
            results.append(function(task))
            tell(task)
        return results
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=_context(), initializer=_leave_interrupts_to_parent)
    try:
        places: dict[Future[Result], int] = {pool.submit(function, task): at for at, task in enumerate(tasks)}
        found: dict[int, Result] = {}
        for future in as_completed(places):
            at = places[future]
            found[at] = future.result()
            tell(tasks[at])
        return [found[at] for at in range(len(tasks))]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """How new processes come about: never by forking this one, which may hold the locks of a progress bar's thread."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["trialsim.studies.experiment"])
    return context


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
