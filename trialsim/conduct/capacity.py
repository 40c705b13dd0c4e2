"""Places for treatment: so many patients a day, on some days of the week.

A treatment that is due when every place of the day is taken waits for a later day. Who waits from an earlier day goes
before who is due today; of those who wait, who has begun an order goes before who is to begin one; then who was due
first; of several due at once, the lower number. A patient comes at the time of day at which they were due, so that
delays are whole days.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import simpy

from trialsim.spec.agents import Agent, Cytotoxic, Radiation
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import PlaceKind


def place_of(agent: Agent) -> PlaceKind | None:
    """Radiation takes a slot; a cytotoxic drug, or another without absorption, a chair; tablets and depots neither."""
    if isinstance(agent, Radiation):
        return "radiotherapy_slots"
    if isinstance(agent, Cytotoxic) or agent.pk.absorption is None:
        return "infusion_chairs"
    return None


class Places(simpy.PriorityResource):  # type: ignore[misc]  # simpy has no types
    """The places of one kind. A request succeeds with the calendar day, a whole number, on which there is a place."""

    def __init__(self, env: simpy.Environment, number: int, open_days: tuple[int, ...], first_weekday: int) -> None:
        super().__init__(env, number)
        self._open_days, self._first_weekday = frozenset(open_days), first_weekday
        self._today = -1
        self._alarm_set = False

    def ask(self, *, begun: bool, due: float, patient: int) -> Any:
        """A request for a place from now on; `cancel` takes it back while it waits."""
        return self.request(priority=(not begun, due, patient))

    def _is_open(self, day: int) -> bool:
        return (day + self._first_weekday) % 7 in self._open_days

    def _trigger_put(self, _: Any) -> None:
        """Give out the places of today to those who wait, in their order, and wake up when there are new ones."""
        today = math.floor(self._env.now)
        if today != self._today:
            self._today = today
            self.users.clear()
        while self.put_queue and self._is_open(today) and len(self.users) < self.capacity:
            request = self.put_queue.pop(0)
            self.users.append(request)
            request.succeed(today)
        if self.put_queue and not self._alarm_set:
            self._alarm_set = True
            self._env.process(self._wake(today))

    def _wake(self, today: int) -> Iterator[Any]:
        """Wait for the beginning of the next day with places."""
        then = next(day for day in range(today + 1, today + 8) if self._is_open(day))
        yield self._env.timeout(then - self._env.now)
        self._alarm_set = False
        self._trigger_put(None)


class Clinic:
    """The places of a trial, or of one of its sites."""

    def __init__(self, env: simpy.Environment, protocol: ResolvedProtocol) -> None:
        capacity = protocol.capacity
        assert capacity is not None
        weekday = date.fromisoformat(protocol.accrual.opens).weekday()
        self._places = {
            kind: Places(env, number, capacity.open_days, weekday) for kind, number in capacity.places.items()
        }
        self._agents: Mapping[str, Agent] = protocol.agents

    def kind_for(self, agent: str) -> PlaceKind | None:
        """What an agent needs a place of; None if there is no limit to it."""
        kind = place_of(self._agents[agent])
        return kind if kind in self._places else None

    def ask(self, kind: PlaceKind, *, begun: bool, due: float, patient: int) -> Any:
        """A request for a place of a kind."""
        return self._places[kind].ask(begun=begun, due=due, patient=patient)
