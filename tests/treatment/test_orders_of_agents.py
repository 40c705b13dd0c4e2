"""Orders of every kind of agent against the shipped library: what can be scheduled, and what is refused and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trialsim.errors import InvalidInput, Problem
from trialsim.spec.dump import dump_yaml
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import Order
from trialsim.spec.rules import Rule
from trialsim.spec.source import read_document
from trialsim.treatment.library import load_library

ROOT = Path(__file__).parents[2]
FLAGSHIP = ROOT / "protocols" / "breast-adjuvant-navitoclax.yaml"


def ordered(tmp_path: Path, **keys: Any) -> Order:
    """The one order of the flagship's experimental arm, replaced."""
    data = read_document(FLAGSHIP).data
    data["cohort"] = str(FLAGSHIP.parent / data["cohort"])
    data["arms"]["navitoclax"] = {"add": [keys]}
    path = tmp_path / "protocol.yaml"
    path.write_text(dump_yaml(data))
    (order,) = load_protocol(path, load_library()).arms["navitoclax"].orders
    return order


def refused(tmp_path: Path, **keys: Any) -> Problem:
    with pytest.raises(InvalidInput) as caught:
        ordered(tmp_path, **keys)
    (problem,) = caught.value.problems
    return problem


def test_targeted_agents_are_dated_like_others(tmp_path: Path) -> None:
    """Catches a kind that the schedule does not know: 21 of 28 days, twice, everywhere."""
    order = ordered(tmp_path, agent="palbociclib", dose="125 mg", start="day 8", every="28 d", days_on=21, cycles=2)
    assert order.days == tuple(range(7, 28)) + tuple(range(35, 56))
    assert order.cycle_starts == (7.0, 35.0)
    assert (order.dose, order.dose_unit, order.field, order.rule) == (125.0, "mg", "systemic", None)


@pytest.mark.parametrize(
    ("keys", "rule", "message", "remedy"),
    [
        (
            {"agent": "rituximab", "dose": "375 mg/m2"},
            Rule.DOSE_UNIT,
            "rituximab is dosed in mg, not in mg/m2",
            "675 mg, for 1.8 m2 of body surface",
        ),
        (
            {"agent": "anti-pd-1", "dose": "2 mg/kg"},
            Rule.DOSE_UNIT,
            "anti-pd-1 is dosed in mg, not in mg/kg",
            "140 mg, for 70 kg of body weight",
        ),
        (
            {"agent": "cisplatin", "dose": "135 mg"},
            Rule.DOSE_UNIT,
            "cisplatin is dosed in mg/m2, not in mg",
            "75 mg/m2, for 1.8 m2 of body surface",
        ),
        (
            {"agent": "ruxolitinib", "dose": "2 Gy"},
            Rule.DOSE_UNIT,
            "ruxolitinib is dosed in mg, not in Gy",
            "a dose in mg",
        ),
        (
            {"agent": "rituximab", "dose": "700 mg", "fractions": 5},
            Rule.RADIATION,
            "rituximab is not radiation and has no `fractions`",
            "every: 21 d, cycles: 6",
        ),
        (
            {"agent": "anti-csf1", "dose": "700 mg", "field": "local"},
            Rule.FIELD,
            "anti-csf1 goes everywhere: only radiation has a local field",
            "",
        ),
        (
            {"agent": "palbociclib", "dose": "125 mg", "rules": "navitoclax-platelets"},
            Rule.PLATELET_RULE,
            "palbociclib does not act on platelets, so platelet rules cannot apply",
            "remove `rules`",
        ),
        (
            {"agent": "dasatinib-quercetin", "dose": "100 mg", "rules": "navitoclax-platelets"},
            Rule.PLATELET_RULE,
            "dasatinib-quercetin does not act on platelets, so platelet rules cannot apply",
            "remove `rules`",
        ),
        (
            {"agent": "palbocyclib", "dose": "125 mg"},
            Rule.KNOWN_AGENT,
            "`palbocyclib` is not in the agent library",
            "did you mean `palbociclib`?",
        ),
    ],
)
def test_orders_that_an_agent_cannot_take(
    keys: dict[str, Any], rule: Rule, message: str, remedy: str, tmp_path: Path
) -> None:
    """Catches a check that misses the new kind, and a remedy that changes the dose by changing its unit."""
    problem = refused(tmp_path, start="day 1", **keys)
    assert (problem.rule, problem.message, problem.remedy) == (rule, message, remedy)


def test_every_agent_can_be_ordered(tmp_path: Path) -> None:
    """Catches an agent whose unit no dose can be written in."""
    for name, agent in load_library().items():
        extra: dict[str, Any] = {"fractions": 5} if agent.kind == "radiation" else {"every": "21 d", "cycles": 2}
        order = ordered(tmp_path, agent=name, dose=f"2 {agent.dose_unit}", start="day 1", **extra)
        assert order.agent == name
        assert order.field == ("local" if agent.kind == "radiation" else "systemic")
