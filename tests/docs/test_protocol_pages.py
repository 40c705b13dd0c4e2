"""docs/protocols/: a page for each protocol that ships, which tells its arms, claims and verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.claims import CASES, LESS, LONGER, NONE, SHORTER, TUMOUR_ALONE, Case, Claim
from benchmarks.protocols import AS_IT_IS, RESULTS, SEED, gives, index, load, measure, verdict
from benchmarks.protocols import page as written
from tests.docs.pages import DOCS, ROOT, page, section, tables, ticked
from trialsim.report.describe import describe_arms

SHIPPED = sorted(path.stem for path in (ROOT / "protocols").glob("*.yaml"))
BY_NAME = {case.protocol: case for case in CASES}
FOUND: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))


def test_every_protocol_has_a_page_and_a_line_of_the_index() -> None:
    """Catches a protocol that ships without its page, and a page of one that no longer does."""
    assert sorted(BY_NAME) == SHIPPED
    assert sorted(path.stem for path in (DOCS / "protocols").glob("*.md")) == sorted(["README", *SHIPPED])
    rows = tables(page("protocols/README.md"))[0]
    assert [row[0] for row in rows] == [f"[{c.protocol}]({c.protocol}.md)" for c in CASES for _ in c.claims]


def test_pages_are_what_the_results_say() -> None:
    """Catches a number or a verdict typed by hand, and a page that is older than its protocol or its claims. Its
    results are those of `benchmarks.protocols`, with its seed and patients."""
    assert list(FOUND) == SHIPPED
    assert page("protocols/README.md") == index(FOUND)
    for case in CASES:
        found = FOUND[case.protocol]
        assert (found["patients"], found["seed"]) == (case.patients, SEED)
        assert page(f"protocols/{case.protocol}.md") == written(case, found)


@pytest.mark.slow
def test_results_are_those_of_a_fresh_run() -> None:
    """Catches results that have gone stale. Minutes."""
    for case in CASES:
        assert measure(case, 2) == FOUND[case.protocol]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_page_tells_its_protocol(name: str) -> None:
    """Catches a page that is older than its protocol: arms, labels, doses and days are those that would run."""
    text, protocol = page(f"protocols/{name}.md"), load(name)
    assert text.startswith(f"# {protocol.title}\n")
    rows = tables(section(text, "Arms"))[0]
    assert [(row[0].strip("`"), row[1]) for row in rows] == [(n, arm.label) for n, arm in protocol.arms.items()]
    assert describe_arms(protocol) in text
    found = tables(section(text, "What becomes of the same patients under every arm"))[0]
    assert [row[0].strip("`") for row in found] == list(protocol.arms)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.protocol)
def test_a_page_tells_each_claim_and_a_verdict_that_follows(case: Case) -> None:
    """Catches a verdict typed by hand, a claim left out, and an explanation that no run is shown for."""
    text = page(f"protocols/{case.protocol}.md")
    rows = tables(section(text, "What the literature says"))[0]
    assert [(row[0], row[1]) for row in rows] == [(claim.says, claim.source) for claim in case.claims]
    for row, claim in zip(rows, case.claims, strict=True):
        than = [claim.than.arm, claim.than.against] if claim.than else []
        assert ticked(row[2]) == [claim.arm, claim.against, *than]
        assert row[6].strip("*") == verdict(_found(row[3], row[5]), claim.direction)
    switched = tables(section(text, "What it goes through"))[0]
    assert [row[0] for row in switched] == [AS_IT_IS, *(switch.words for switch in case.switches)]
    pairs = list(dict.fromkeys((claim.arm, claim.against) for claim in case.claims))
    for row, claim in zip(rows, case.claims, strict=True):
        cells = {line[0]: line[1 + pairs.index((claim.arm, claim.against))] for line in switched}
        if claim.under is not None:
            assert row[3] == cells[claim.under.words]
        else:
            assert row[3] == cells[AS_IT_IS]
        if claim.direction != LESS:
            assert row[7].strip("*") == _verdict_alone(case, claim, cells)


def _verdict_alone(case: Case, claim: Claim, cells: dict[str, str]) -> str:
    given = any(gives(load(case.protocol), arm, "navitoclax") for arm in (claim.arm, claim.against))
    if TUMOUR_ALONE.words not in cells or claim.under is not None or not given:
        return ""
    return verdict(_found(cells[TUMOUR_ALONE.words], ""), claim.direction)


def _found(gained: str, less: str) -> dict[str, dict[str, float]]:
    return {"days_gained": _days(gained)} | ({"less": _days(less)} if less else {})


def _days(cell: str) -> dict[str, float]:
    value, lower, _, upper = cell.replace("−", "-").replace("(", "").replace(")", "").split()
    return {"value": float(value), "lower": float(lower), "upper": float(upper)}


def test_claims_and_switches_are_of_what_ships() -> None:
    """Catches an arm or a key that is misspelt, a claim without a source, and a switch that switches nothing."""
    for case in CASES:
        protocol = load(case.protocol)
        for claim in case.claims:
            assert {claim.arm, claim.against} <= set(protocol.arms)
            assert claim.direction in (LONGER, SHORTER, NONE, LESS)
            assert (claim.direction == LESS) == (claim.than is not None)
            assert claim.source
            for gain in (claim.gain, claim.than):
                if gain is not None and gain.under is not None:
                    assert load(case.protocol, gain.under.set) != protocol, gain.under.words
                    assert {gain.arm, gain.against} <= set(protocol.arms)
            # What a claim holds under is a row of the table, where its number is.
            assert claim.under is None or claim.under in case.switches
        for switch in case.switches:
            assert load(case.protocol, switch.set) != protocol, switch.words
        assert case.why


@pytest.mark.parametrize(
    ("lower", "upper", "verdicts"),
    [
        (1.0, 3.0, ("agrees", "does not agree", "does not agree", "does not agree")),
        (-3.0, -1.0, ("does not agree", "agrees", "does not agree", "agrees")),
        (-1.0, 2.0, (*("cannot be told apart from none",) * 2, "agrees", "cannot be told apart from as much")),
    ],
)
def test_verdicts(lower: float, upper: float, verdicts: tuple[str, ...]) -> None:
    """Catches a side that is turned round, and an interval about 0 that counts as an effect."""
    days = {"value": 0.5 * (lower + upper), "lower": lower, "upper": upper}
    found = {"days_gained": days, "less": days}
    assert tuple(verdict(found, direction) for direction in (LONGER, SHORTER, NONE, LESS)) == verdicts
