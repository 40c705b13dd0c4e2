"""A patient's place in the queues for treatment: what was asked of the clinic, which orders wait, and since when."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import simpy

from trialsim.conduct.capacity import Clinic
from trialsim.conduct.course import QueuedCourse
from trialsim.spec.resolved import ResolvedArm
from trialsim.spec.resolved_conduct import PlaceKind


class _Asked:
    """A request for a place, when each order asked for it (study days), and the orders that wait."""

    __slots__ = ("due", "orders", "request")

    def __init__(self, request: Any) -> None:
        self.request = request
        self.due: dict[int, float] = {}
        self.orders: list[int] = []


class Queue:
    """The requests of one patient, who was randomised on the calendar day ``start``.

    ``course`` has the patient's visits, which move with what waits; ``waits`` the kind of place and the days waited of
    each administration that took one.
    """

    __slots__ = ("_arm", "_asked", "_clinic", "_patient", "_start", "course", "waits")

    def __init__(self, clinic: Clinic, arm: ResolvedArm, course: QueuedCourse, patient: int, start: float) -> None:
        self.course = course
        self.waits: list[tuple[str, float]] = []
        self._clinic, self._arm, self._patient, self._start = clinic, arm, patient, start
        #: What was asked of the clinic last, by kind of place. All orders of a day share one place of a kind.
        self._asked: dict[PlaceKind, _Asked] = {}

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """The kinds of place that an order waits for now."""
        return tuple(kind for kind, asked in self._asked.items() if asked.orders)

    def wait(self, env: simpy.Environment, until: float) -> Generator[Any, Any, bool]:
        """Wait for a place, if an order does, at most until a study day; returns whether there is one."""
        waiting = [asked.request for asked in self._asked.values() if asked.orders]
        if not waiting:
            return False
        if until < math.inf:
            waiting.append(env.timeout(self._start + until - env.now))
        yield env.any_of(waiting)
        found = False
        for asked in self._asked.values():
            if asked.orders and asked.request.triggered:
                found = True
                time_of_day = (self._start + asked.due[asked.orders[0]]) % 1.0
                self._go_on(asked, asked.request.value + time_of_day - self._start)
        return found

    def days_waited(self, day: float, order: int, line: int, *, begun: bool) -> float | None:
        """How long a dose that can be given now has waited; None: there is no place, and its order waits."""
        kind = self._clinic.kind_for(self._arm.orders[order].agent)
        if kind is None:
            return 0.0
        asked = self._asked.get(kind)
        if asked is None or (asked.request.triggered and asked.request.value != math.floor(self._start + day)):
            request = self._clinic.ask(kind, begun=begun, due=self._start + day, patient=self._patient)
            asked = self._asked[kind] = _Asked(request)
        due = asked.due.setdefault(order, day)
        if not asked.request.triggered:
            asked.orders.append(order)
            self.course.hold_back(line)
            return None
        self.waits.append((kind, day - due))
        return day - due

    def leave(self, day: float) -> None:
        """Nothing is asked of the clinic any more; what waited goes on, without doses."""
        for asked in self._asked.values():
            asked.request.cancel()
            self._go_on(asked, day)
        self._asked.clear()

    def _go_on(self, asked: _Asked, day: float) -> None:
        """The orders that waited are due on ``day``."""
        for order in asked.orders:
            self.course.go_on(order, day)
        asked.orders.clear()
