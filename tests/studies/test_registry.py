"""The registry against the list of findings as it was given, and against misuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from trialsim.errors import UsageError
from trialsim.spec.load import load_cohort
from trialsim.studies.findings.registry import Finding, Measure, all_findings, choose
from trialsim.studies.findings.run import load_group

ROOT = Path(__file__).parents[2]

#: Every finding, and the windows in numbers that its acceptance gives: (measure, rule, numbers). A window that moves
#: moves here too, or the test fails.
GIVEN: dict[str, list[tuple[str, str, tuple[float, ...]]]] = {
    "V01": [
        ("regression, wild type", "within", (25, 45)),
        ("regression, mutant", "within", (60, 80)),
        ("relapse-time ratio", "within", (1.6, 2.8)),
    ],
    "V02": [
        ("complete response, mutant", "within", (36, 72)),
        ("complete response, wild type", "within", (0, 7)),
    ],
    "V04": [("hazard ratio of death", "above", (1,))],
    "V06": [("hazard ratio, ABT-263 after chemotherapy", "below", (1,))],
    "V07": [("sequence against chemotherapy", "above", (1,)), ("chemotherapy against ABT-263", "above", (1,))],
    "V08": [
        ("survivors, MCF-7", "within", (0.29, 8.2)),
        ("survivors, T47D", "within", (0.29, 8.2)),
        ("survivors, MDA-MB-231", "within", (0.29, 8.2)),
        ("survivors, Hs578T", "within", (0.29, 8.2)),
        ("experiments whose interval holds 1", "at_least", (80,)),
    ],
    "V10": [("ratio of initiating cells", "above", (3,))],
    "V11": [("colonies by day 21", "within", (0.3, 3))],
    "V12": [("hazard ratio of relapse", "below", (1,))],
    "V13": [("TSP1 added against control", "below", (1,))],
    "V14": [("kill ratio, radiation against enzalutamide", "above", (5,))],
    "V15": [("time-to-regrowth ratio", "above", (1,))],
    "V16": [
        ("size, both against docetaxel", "below", (1,)),
        ("the same with the immune term off", "at_least", (0.95,)),
    ],
    "V17": [("excess over the sum", "above", (0,))],
    "V18": [("hazard ratio", "below", (1,))],
    "V20": [("change of growth", "inside", (-10, 10))],
    "V22": [
        *(
            (f"hazard, {er}, years {low}-{low + 5}", "within", (0.75 * value, 1.25 * value))
            for er, values in (("ER+", (9.9, 5.4, 2.9, 2.8, 1.3)), ("ER-", (11.5, 3.3, 1.3, 1.2, 1.4)))
            for low, value in zip(range(0, 25, 5), values, strict=True)
        ),
        ("year in which the hazards cross", "within", (3, 6)),
    ],
    "V25": [
        ("nadir, 14/21", "within", (27, 42)),
        ("nadir, lead-in", "within", (36, 52)),
        ("day of the nadir, 14/21", "within", (3, 5)),
    ],
    "V26": [("colonies, with against without", "above", (1,))],
    "V27": [("exponent of the polyploid share", "within", (0.8, 1.2))],
    "V29": [("removal, young against old", "within", (2.5, 6))],
}


def test_every_finding_is_there_and_nothing_else() -> None:
    """Catches a finding that is quietly left out, the two null results first of all."""
    findings = all_findings()
    assert [f.id for f in findings] == list(GIVEN)
    assert {f.id for f in findings if f.null} == {"V08", "V20"}


def test_windows_are_those_that_were_given() -> None:
    """Catches a window that was widened, and a measure that is no longer judged."""
    for finding in all_findings():
        rules = {m.name: m.rule for m in finding.measures}
        for name, rule, numbers in GIVEN[finding.id]:
            assert rules[name] is not None, (finding.id, name)
            assert rules[name][0] == rule, (finding.id, name)  # type: ignore[index]
            assert rules[name][1] == pytest.approx(numbers, abs=1e-3), (finding.id, name)  # type: ignore[index]


def test_every_group_loads_and_every_file_is_used() -> None:
    """Catches a protocol that breaks rules, an arm that is misspelt, and files that no finding uses."""
    groups = [(f, g) for f in all_findings() for g in f.groups.values()]
    used = {group.protocol for _, group in groups}
    assert used == {path.stem for path in (ROOT / "protocols" / "findings").glob("*.yaml")}
    cohorts = set()
    for _, group in groups:
        loaded = load_group(group)
        assert loaded.arm in loaded.protocol.arms
        cohorts.add(loaded.protocol.cohort.name)
    assert {path.stem for path in (ROOT / "cohorts" / "findings").glob("*.yaml")} <= cohorts


def test_protocols_say_what_they_are_and_cohorts_where_their_numbers_come_from() -> None:
    """Catches a protocol without its experiment in a comment at its head, and a number of a cohort without a source."""
    for path in (ROOT / "protocols" / "findings").glob("*.yaml"):
        assert path.read_text(encoding="utf-8").startswith("# "), path.name
    for path in (ROOT / "cohorts" / "findings").glob("*.yaml"):
        for trait in load_cohort(path).traits.values():
            assert all(case.source for case in trait.cases.values()), (path.name, trait.name)


def test_what_was_set_by_a_finding_is_told_in_the_file_too() -> None:
    """Catches a number of a cohort that says "set by V01" and is missing from the table, and the other way round."""
    named = {}
    for path in (ROOT / "cohorts" / "findings").glob("*.yaml"):
        for trait in load_cohort(path).traits.values():
            for case in trait.cases.values():
                if case.source.startswith("set by "):
                    named.setdefault(case.source.split()[2].rstrip(":"), set()).add(trait.name)
    told = {
        f.id: {item.parameter for item in f.set_here if item.where.startswith("cohorts/findings/")}
        for f in all_findings()
        if any(item.where.startswith("cohorts/findings/") for item in f.set_here)
    }
    assert told == named


def test_choose() -> None:
    """Catches an order that is the user's, a case that matters, and an unknown name taken for all."""
    assert [f.id for f in choose(["v11", "V01"])] == ["V01", "V11"]
    assert len(choose([])) == len(GIVEN)
    with pytest.raises(UsageError, match="no finding is called V21: did you mean `V2"):
        choose(["V21"])


def _finding(**changes: object) -> dict[str, object]:
    group = {"protocol": "dish-h1299", "arm": "untreated", "subjects": 2, "look": {"every": 1, "until": 2}}
    measure = {"name": "x", "readout": "regression", "of": ["a"], "within": [0, 1]}
    return {
        "id": "V99", "title": "t", "experiment": "e", "source": "s", "evidence": "found", "published": "p",
        "acceptance": "a", "groups": {"a": group}, "measures": [measure],
    } | changes  # fmt: skip


def test_a_finding_that_cannot_be_judged_is_refused() -> None:
    """Catches a registry that takes anything. One wrong thing at a time."""
    Finding.model_validate(_finding())
    measure = {"name": "x", "readout": "regression", "of": ["a"], "within": [0, 1]}
    wrong = {
        "no rule": {"measures": [{k: v for k, v in measure.items() if k != "within"}]},
        "two rules": {"measures": [measure | {"above": 1}]},
        "unknown readout": {"measures": [measure | {"readout": "regresion"}]},
        "unknown group": {"measures": [measure | {"of": ["b"]}]},
        "unknown setting": {"measures": [measure | {"settings": {"day": 1}}]},
        "missing setting": {"measures": [measure | {"readout": "survivors"}]},
        "neither looked at nor followed": {"groups": {"a": {"protocol": "x", "arm": "y", "subjects": 1}}},
        "unknown key": {"extra": 1},
    }
    for changes in wrong.values():
        with pytest.raises(ValidationError):
            Finding.model_validate(_finding(**changes))
    with pytest.raises(ValidationError, match="did you mean `regression`"):
        Measure.model_validate(measure | {"readout": "regresion"})
