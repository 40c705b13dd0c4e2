"""A small finding from the registry's form to its verdict, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import pytest

from trialsim.report.findings import findings_page, rail
from trialsim.reported.studies import FindingsRun, SavedEstimate
from trialsim.results import read_as, to_json
from trialsim.studies.findings.registry import Finding
from trialsim.studies.findings.run import run_findings
from trialsim.studies.findings.text import anchor, as_page, as_text
from trialsim.studies.pool import run_tasks


def small(**changes: object) -> Finding:
    """120 mice with p53 wild type or mutant, one course of doxorubicin."""

    def group(status: str) -> dict[str, object]:
        return {
            "protocol": "mouse-doxorubicin", "arm": "doxorubicin", "subjects": 120, "look": {"every": 5, "until": 60},
            "set": [f"cohort.traits.p53_status.value={status}"],
        }  # fmt: skip

    written = {
        "id": "V98", "title": "A small one", "experiment": "Mice", "source": "nobody 2026", "evidence": "none",
        "published": "mutant regresses more", "acceptance": "more", "twins": True,
        "set_here": [{"parameter": "chemosensitivity", "value": "2.6", "where": "here", "why": "a test"}],
        "groups": {"wild_type": group("wild_type"), "mutant": group("mutant")},
        "measures": [
            {"name": "regression, mutant", "readout": "regression", "of": ["mutant"], "unit": "%", "within": [30, 95]},
            {"name": "relapse-time ratio", "readout": "time_ratio", "of": ["mutant", "wild_type"],
             "settings": {"since": 4}, "published": "2.2", "above": 1},
            {"name": "regression, wild type", "readout": "regression", "of": ["wild_type"], "unit": "%"},
        ],
    }  # fmt: skip
    return Finding.model_validate(written | changes)


def impossible() -> Finding:
    measure = {"name": "regression", "readout": "regression", "of": ["mutant"], "unit": "%", "above": 100}
    return small(
        id="V97",
        title="Out of reach: more than all",
        measures=[measure],
        set_here=[],
        why_short="Cells do not go below 0.",
    )


@pytest.fixture(scope="module")
def results() -> FindingsRun:
    return run_findings([small(), impossible()], seed=5)


def test_the_number_of_processes_changes_nothing(results: FindingsRun) -> None:
    """Catches streams keyed by process or by order. Bit for bit, with the other findings run or not."""
    told: list[tuple[int, int]] = []
    two = run_findings([small()], seed=5, jobs=2, on_progress=lambda done, total: told.append((done, total)))
    assert two.findings[0] == results.findings[0]
    assert told[-1] == (240, 240)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert run_findings([small()], seed=6).findings != two.findings


def test_verdicts_and_reasons(results: FindingsRun) -> None:
    """Catches a verdict that does not follow from its measures, and a failure without a reason."""
    first, second = results.findings
    assert (results.passed, results.total) == (1, 2)
    assert (first.result, first.reason, first.kind) == ("pass", "", "set")
    assert [row.met for row in first.measures] == [True, True, None]
    assert (second.result, second.kind) == ("falls short", "predicted")
    assert second.reason.startswith("regression is ")
    assert second.reason.endswith("%, wanted: interval above 100")
    assert (first.why, second.why) == ("", "Cells do not go below 0.")


def test_renderings_show_the_same_numbers(results: FindingsRun) -> None:
    """Text, page of the docs and HTML come from one table. Catches a rendering that computes or drops something."""
    text, page, html = (
        as_text(results),
        as_page(results),
        findings_page(read_as(FindingsRun, to_json(results), "findings.json"), "trialsim findings"),
    )
    for finding in results.findings:
        for row in finding.measures:
            for rendering in (text, page, html):
                assert row.told in rendering
                assert row.label in rendering
        assert f"(#{anchor(f'{finding.id} {finding.title}')})" in page
        assert f'<section id="{finding.id}"' in html
    assert "1 of 2" in text
    assert "**1 of 2 pass**" in page
    assert "1 of 2 published findings" in html
    assert page.count("**Falls short:**") == 1
    assert "so predicted: V97." in page
    assert "<script" not in html


def test_anchors_are_those_of_code_hosts() -> None:
    """Catches links within the page that lead nowhere."""
    assert anchor("V01 p53 wild-type, and CDK4/6: sooner") == "v01-p53-wild-type-and-cdk46-sooner"


def test_rails_lie_within_their_width(results: FindingsRun) -> None:
    """Catches an estimate drawn outside, an open window that is closed, and a rail for what is not judged."""
    rows = [row for finding in results.findings for row in finding.measures]
    rails = [rail(row) for row in rows]
    assert rails[2] is None
    for drawn in (rails[0], rails[1], rails[3]):
        assert drawn is not None
        assert 0 <= drawn.left <= drawn.at <= drawn.right <= 100
        assert 0 <= drawn.window_left < drawn.window_right <= 100
    assert rails[1].window_right == 100.0  # type: ignore[union-attr]
    endless = SavedEstimate(8.0, 5.0, "infinite")
    assert rail(replace(rows[1], rule=("above", 1.0), simulated=endless)).right == 100.0  # type: ignore[union-attr]


def _square(x: int) -> int:
    if x < 0:
        raise ValueError(f"{x} is below zero")
    return x * x


@pytest.mark.parametrize("jobs", [1, 2])
def test_tasks_come_back_in_order_and_errors_come_through(jobs: int) -> None:
    """Catches results in the order of completion, and a failure that is swallowed."""
    numbers: Sequence[int] = range(9)
    assert run_tasks(_square, numbers, jobs=jobs) == [x * x for x in numbers]
    with pytest.raises((ValueError, BrokenProcessPool), match="below zero"):
        run_tasks(_square, [1, -1, 2], jobs=jobs)
