"""Orders as written -> every administration dated.

Study day 1 is randomisation and is time 0. A treatment is named by its order's id, its agent or its
regimen; ``after`` counts from the last administration of all that go by the name, ``with`` starts with
their first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trialsim.spec.agents import Agent, Senolytic
from trialsim.spec.biomarkers import Guide
from trialsim.spec.form import Findings, read_form
from trialsim.spec.resolved import DoseRule, Order
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_protocol import Dose, Start, WrittenGuide, WrittenOrder
from trialsim.units import DAYS_PER_YEAR

LATEST_DAY = 200 * DAYS_PER_YEAR
FRACTIONS_PER_WEEK = 5
#: The typical body that a remedy converts a dose with, by the unit that refers to it.
_BODY = {"mg/m2": (1.8, "1.8 m2 of body surface"), "mg/kg": (70.0, "70 kg of body weight")}


@dataclass(frozen=True)
class Item:
    """One order of an arm, with where it stands. ``written`` is None when its form is broken."""

    path: KeyPath
    regimen: str
    agent: str
    id: str
    written: WrittenOrder | None

    def goes_by(self, name: str) -> bool:
        return name in (self.id, self.agent, self.regimen)


def read_items(findings: Findings, path: KeyPath, regimen: str, orders: Sequence[object]) -> list[Item]:
    """The orders at ``path``; what the raw data call agent and id is kept even of a broken one."""
    items = []
    for i, raw in enumerate(orders):
        words = raw if isinstance(raw, dict) else {}
        written = read_form(findings, (*path, i), WrittenOrder)
        agent, name = str(words.get("agent", "")), str(words.get("id", "") or "")
        items.append(Item((*path, i), regimen, agent, name, written))
    return items


def check_order(
    findings: Findings, item: Item, agents: Mapping[str, Agent], rules: Mapping[str, DoseRule | None]
) -> None:
    """What can be said of one order without knowing its arm."""
    order = item.written
    if order is None:
        return
    agent = agents.get(order.agent)
    if agent is None:
        message = f"`{order.agent}` is not in the agent library"
        findings.add((*item.path, "agent"), message, Rule.KNOWN_AGENT, did_you_mean(order.agent, agents))
    else:
        _check_against_agent(findings, item.path, order, agent)
    if order.rules and order.rules not in rules:
        message = f"there are no dose rules called `{order.rules}`"
        findings.add((*item.path, "rules"), message, Rule.KNOWN_RULE, did_you_mean(order.rules, rules))
    if order.every is None and order.cycles not in (None, 1):
        findings.add((*item.path, "cycles"), "`cycles` has no `every`", Rule.CYCLES, "every: 21 d")
    if order.every is not None and order.cycles is None:
        findings.add((*item.path, "every"), "`every` has no `cycles`", Rule.CYCLES, "cycles: 6")
    if order.every is not None and (order.days_on or 1) > order.every:
        message = f"{order.days_on or 1} days on do not fit in a cycle of {order.every:g} d"
        findings.add((*item.path, "days_on" if order.days_on else "every"), message, Rule.DAYS_ON)


def _check_against_agent(findings: Findings, path: KeyPath, order: WrittenOrder, agent: Agent) -> None:
    if order.dose.unit != agent.dose_unit:
        message = f"{agent.name} is dosed in {agent.dose_unit}, not in {order.dose.unit}"
        findings.add((*path, "dose"), message, Rule.DOSE_UNIT, _dose_in(agent.dose_unit, order.dose))
    if agent.kind == "radiation":
        if order.fractions is None:
            findings.add(path, "radiation has no `fractions`", Rule.RADIATION, "fractions: 15, per_week: 5")
        for key in ("every", "cycles", "days_on"):
            if getattr(order, key) is not None:
                message = f"radiation has `fractions` and `per_week`, not `{key}`"
                findings.add((*path, key), message, Rule.RADIATION, at_key=True)
    else:
        for key in ("fractions", "per_week"):
            if getattr(order, key) is not None:
                message = f"{agent.name} is not radiation and has no `{key}`"
                findings.add((*path, key), message, Rule.RADIATION, "every: 21 d, cycles: 6", at_key=True)
        if order.field == "local":
            message = f"{agent.name} goes everywhere: only radiation has a local field"
            findings.add((*path, "field"), message, Rule.FIELD)
    if order.rules and not (isinstance(agent, Senolytic) and agent.platelets is not None):
        message = f"{agent.name} does not act on platelets, so platelet rules cannot apply"
        findings.add((*path, "rules"), message, Rule.PLATELET_RULE, "remove `rules`")


def _dose_in(unit: str, dose: Dose) -> str:
    """A dose in another unit, for the typical body: the same number would be another dose."""
    size, was = _BODY.get(unit), _BODY.get(dose.unit)
    if unit == "Gy" or dose.unit == "Gy":
        return f"a dose in {unit}"
    amount = dose.amount * (was[0] if was else 1.0) / (size[0] if size else 1.0)
    sizes = " and ".join(words for _, words in filter(None, (was, size)))
    return f"{amount:.3g} {unit}, for {sizes}"


def offsets(order: WrittenOrder) -> tuple[list[float], list[float]]:
    """Days of administration and of cycle starts, from the order's own start.

    Fraction k of radiation falls on 7 (k // per_week) + k % per_week: consecutive days, then the rest
    of the week off.
    """
    if order.fractions is not None:
        per_week = order.per_week or FRACTIONS_PER_WEEK
        return [float(7 * (k // per_week) + k % per_week) for k in range(order.fractions)], [0.0]
    starts = [c * (order.every or 0.0) for c in range(order.cycles or 1)]
    return [start + day for start in starts for day in range(order.days_on or 1)], starts


@dataclass
class ArmSchedule:
    """The orders of one arm, dated by following their references."""

    findings: Findings
    arm: str
    items: Sequence[Item]
    agents: Mapping[str, Agent]
    rules: Mapping[str, DoseRule | None]
    _begin: dict[int, float | None] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def orders(self) -> tuple[Order, ...]:
        """Every order that could be dated; the others have their problems noted."""
        ids = self._ids()
        result = []
        for i, item in enumerate(self.items):
            begin = self._start(i)
            if begin is not None and item.written is not None and item.agent in self.agents:
                result.append(self._order(item, item.written, ids[i], begin))
        return tuple(result)

    def _ids(self) -> list[str]:
        """The ids as written, else the agent's name, with ``#2`` and so on for repeats."""
        taken: set[str] = set()
        for item in self.items:
            if item.id in taken:
                message = f"arm `{self.arm}` has two orders with the id `{item.id}`"
                self.findings.add((*item.path, "id"), message, Rule.UNIQUE_ID)
            taken |= {item.id} if item.id else set()
        ids: list[str] = []
        for item in self.items:
            name, count = item.id or item.agent, 1
            while not item.id and (name in ids or name in taken):
                count += 1
                name = f"{item.agent}#{count}"
            ids.append(name)
        return ids

    def _order(self, item: Item, written: WrittenOrder, name: str, begin: float) -> Order:
        days, starts = offsets(written)
        is_radiation = self.agents[item.agent].kind == "radiation"
        reference_fits = begin - written.start.days <= LATEST_DAY
        if begin + days[-1] > LATEST_DAY and reference_fits:
            message = f"the last dose would fall on day {begin + days[-1] + 1:g}"
            self.findings.add((*item.path, "start"), message, Rule.TIMELINE)
        return Order(
            id=name,
            regimen=item.regimen,
            agent=item.agent,
            dose=written.dose.amount,
            dose_unit=written.dose.unit,
            days=tuple(begin + day for day in days),
            cycle_starts=tuple(begin + start for start in starts),
            field=written.field or ("local" if is_radiation else "systemic"),
            rule=self.rules.get(written.rules) if written.rules else None,
            written=written.start.text,
            give_if=self._guide(item, written.give_if, begin) if written.give_if is not None else None,
        )

    def _guide(self, item: Item, written: WrittenGuide, begin: float) -> Guide | None:
        """What decides on an order whose first dose is on ``begin``; None if that cannot be told or comes too late."""
        in_words = isinstance(self.findings.document.get((*item.path, "give_if")), str)
        path = (*item.path, "give_if") if in_words else (*item.path, "give_if", "day")
        start = written.day
        if start.kind == "day":
            day: float | None = start.days
        else:
            named = [j for j, other in enumerate(self.items) if other.goes_by(start.reference)]
            if not named:
                self._unknown_reference(path, start.reference)
                return None
            day = self._from(start, named)
        if day is None:
            return None
        if day > begin + 1e-9:
            message = f"`{written.name}` is measured on day {day + 1:g}, after the first dose on day {begin + 1:g}"
            self.findings.add(path, message, Rule.GIVE_IF_DAY, f"day {begin + 1:g}, or before")
            return None
        return Guide(panel=written.name, day=min(day, begin), written=start.text)

    def _start(self, i: int) -> float | None:
        """The first day of an order, or None when it cannot be told."""
        if i in self._begin:
            return self._begin[i]
        written = self.items[i].written
        if written is None:
            return None
        if written.start.kind == "day":
            begin: float | None = written.start.days
        elif i in self._open:
            self._circular(i)
            return None
        else:
            self._open.add(i)
            begin = self._after_reference(i, written)
            self._open.discard(i)
        self._begin[i] = begin
        return begin

    def _after_reference(self, i: int, written: WrittenOrder) -> float | None:
        name = written.start.reference
        named = [j for j, item in enumerate(self.items) if item.goes_by(name)]
        if not named:
            self._unknown_reference((*self.items[i].path, "start"), name)
            return None
        others = [j for j in named if j != i]
        if not others or (i in named and self.items[i].regimen == name):
            self._circular(i)
            return None
        return self._from(written.start, others)

    def _from(self, start: Start, orders: Sequence[int]) -> float | None:
        """The day of a start that refers to these orders, or None when theirs cannot be told."""
        begins = [self._start(j) for j in orders]
        if any(begin is None for begin in begins):
            return None
        first = [b for b in begins if b is not None]
        if start.kind == "with":
            return min(first)
        lasts = []
        for begin, j in zip(first, orders, strict=True):
            other = self.items[j].written
            lasts.append(begin + offsets(other)[0][-1] if other else begin)
        return max(lasts) + start.days

    def _unknown_reference(self, path: KeyPath, name: str) -> None:
        known = sorted({n for it in self.items for n in (it.id, it.agent, it.regimen) if n not in ("", "add")})
        message = f"arm `{self.arm}` gives no `{name}`"
        self.findings.add(path, message, Rule.START_REFERENCE, did_you_mean(name, known))

    def _circular(self, i: int) -> None:
        written = self.items[i].written
        name = written.start.reference if written else ""
        message = f"`{self.items[i].agent}` and `{name}` wait for each other"
        if self.items[i].goes_by(name):
            message = f"`{self.items[i].agent}` waits for itself"
        remedy = "start one of them on a day: day 1"
        self.findings.add((*self.items[i].path, "start"), message, Rule.CIRCULAR_START, remedy)
