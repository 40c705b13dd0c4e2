"""The orders of a protocol as they stand in the file, and what can be said of one without knowing its arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialsim.spec.agents import Agent, Cytotoxic, Senolytic
from trialsim.spec.expansion import is_given
from trialsim.spec.form import Findings, read_form
from trialsim.spec.resolve_agents import is_written
from trialsim.spec.resolved import DoseRule
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_order import PROGRESSION, Dose, WrittenOrder

#: The typical body that a remedy converts a dose with, by the unit that refers to it.
_BODY = {
    "mg/m2": (1.8, "1.8 m2 of body surface"),
    "mg/kg": (70.0, "70 kg of body weight"),
    "AUC": (115.0, "a filtration of 90 mL/min"),
}


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
    if agent is None and not is_written(findings, order.agent):
        message = f"`{order.agent}` is not in the agent library"
        findings.add((*item.path, "agent"), message, Rule.KNOWN_AGENT, did_you_mean(order.agent, agents))
    elif agent is not None:
        _check_against_agent(findings, item.path, order, agent)
        _check_rule(findings, item.path, order, agent, rules)
    if order.rules and order.rules not in rules:
        message = f"there are no dose rules called `{order.rules}`"
        findings.add((*item.path, "rules"), message, Rule.KNOWN_RULE, did_you_mean(order.rules, rules))
    _check_cycles(findings, item.path, order)


def _check_cycles(findings: Findings, path: KeyPath, order: WrittenOrder) -> None:
    """Cycles, the days within them, and how they come together."""
    every, cycles = order.every, order.cycles
    if every is None and cycles not in (None, 1):
        findings.add((*path, "cycles"), "`cycles` has no `every`", Rule.CYCLES, "every: 21 d")
    if every is not None and cycles is None and order.until is None:
        findings.add((*path, "every"), "`every` has no `cycles`", Rule.CYCLES, "cycles: 6, or until: progression")
    if every is None and order.until == PROGRESSION:
        findings.add((*path, "until"), "there is no `every` to repeat until progression", Rule.CYCLES, "every: 28 d")
    _check_days_of_cycle(findings, path, order)
    chosen = order.in_cycles
    if chosen is None:
        return
    if every is None:
        findings.add((*path, "in_cycles"), "`in_cycles` has no `every`", Rule.IN_CYCLES, "every: 21 d, cycles: 6")
    elif cycles is not None and not any(is_given(order, number) for number in range(1, cycles + 1)):
        findings.add((*path, "in_cycles"), "none of the cycles is given", Rule.IN_CYCLES)
    elif cycles is not None and isinstance(chosen, list) and chosen[-1] > cycles:
        message = f"there is no cycle {chosen[-1]} of {cycles}"
        findings.add((*path, "in_cycles", len(chosen) - 1), message, Rule.IN_CYCLES)


def _check_days_of_cycle(findings: Findings, path: KeyPath, order: WrittenOrder) -> None:
    if order.on_days is not None and order.days_on is not None:
        message = "the order has both `days_on` and `on_days`"
        findings.add((*path, "on_days"), message, Rule.ON_DAYS, "leave one of them out", at_key=True)
        return
    if order.every is None:
        return
    if order.on_days is not None and order.on_days[-1] > order.every:
        message = f"day {order.on_days[-1]} is not in a cycle of {order.every:g} d"
        findings.add((*path, "on_days", len(order.on_days) - 1), message, Rule.ON_DAYS)
    elif (order.days_on or 1) > order.every:
        message = f"{order.days_on or 1} days on do not fit in a cycle of {order.every:g} d"
        findings.add((*path, "days_on" if order.days_on else "every"), message, Rule.DAYS_ON)


def _check_first_doses(findings: Findings, path: KeyPath, order: WrittenOrder, agent: Agent) -> None:
    """A lead-in or loading doses: of a drug, in its unit, one of the two."""
    written = {"lead_in": order.lead_in, "loading": order.loading}
    for key, first in written.items():
        if first is None:
            continue
        if agent.kind == "radiation":
            findings.add((*path, key), f"radiation has no `{key}`", Rule.FIRST_DOSES, at_key=True)
        elif first.dose.unit != agent.dose_unit:
            message = f"{agent.name} is dosed in {agent.dose_unit}, not in {first.dose.unit}"
            remedy = _dose_in(agent.dose_unit, first.dose)
            findings.add((*path, key, "dose"), message, Rule.DOSE_UNIT, remedy)
    if all(first is not None for first in written.values()):
        message = "the order has both `lead_in` and `loading`"
        findings.add((*path, "loading"), message, Rule.FIRST_DOSES, "make two orders of it", at_key=True)


def _check_against_agent(findings: Findings, path: KeyPath, order: WrittenOrder, agent: Agent) -> None:
    if order.dose.unit != agent.dose_unit:
        message = f"{agent.name} is dosed in {agent.dose_unit}, not in {order.dose.unit}"
        findings.add((*path, "dose"), message, Rule.DOSE_UNIT, _dose_in(agent.dose_unit, order.dose))
    _check_first_doses(findings, path, order, agent)
    if agent.kind == "radiation":
        if order.per_week is not None and order.weekdays is not None:
            message = "radiation has either `per_week` or `weekdays`"
            findings.add((*path, "per_week"), message, Rule.RADIATION, "leave one of them out", at_key=True)
        if order.fractions is None:
            findings.add(path, "radiation has no `fractions`", Rule.RADIATION, "fractions: 15, per_week: 5")
        for key in ("every", "cycles", "days_on", "on_days", "in_cycles"):
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


def _check_rule(
    findings: Findings, path: KeyPath, order: WrittenOrder, agent: Agent, rules: Mapping[str, DoseRule | None]
) -> None:
    """A dose rule looks at counts that the agent lowers."""
    rule = rules.get(order.rules) if order.rules else None
    if rule is None:
        return
    on_neutrophils = isinstance(agent, Cytotoxic) and agent.marrow is not None
    on_platelets = isinstance(agent, Senolytic) and agent.platelets is not None
    if rule.limits_platelets and not on_platelets and not (on_neutrophils and rule.limits_neutrophils):
        message = f"{agent.name} does not act on platelets, so platelet rules cannot apply"
        findings.add((*path, "rules"), message, Rule.PLATELET_RULE, "remove `rules`")
    elif rule.limits_neutrophils and not on_neutrophils and not (on_platelets and rule.limits_platelets):
        message = f"{agent.name} does not act on neutrophils, so neutrophil rules cannot apply"
        findings.add((*path, "rules"), message, Rule.NEUTROPHIL_RULE, "remove `rules`")


def _dose_in(unit: str, dose: Dose) -> str:
    """A dose in another unit, for the typical body: the same number would be another dose."""
    size, was = _BODY.get(unit), _BODY.get(dose.unit)
    if unit == "Gy" or dose.unit == "Gy":
        return f"a dose in {unit}"
    amount = dose.amount * (was[0] if was else 1.0) / (size[0] if size else 1.0)
    sizes = " and ".join(words for _, words in filter(None, (was, size)))
    return f"{amount:.3g} {unit}, for {sizes}"
