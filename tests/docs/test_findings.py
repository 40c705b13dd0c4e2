"""docs/findings.md is what the command writes."""

from __future__ import annotations

import pytest

from tests.docs.pages import page, section, tables
from trialsim.studies.findings.registry import all_findings
from trialsim.studies.findings.text import anchor


def test_the_page_tells_every_finding() -> None:
    """Catches a page from before a finding was added, and links that lead nowhere."""
    text = page("findings.md")
    rows = tables(section(text, "All findings"))[0]
    findings = all_findings()
    assert [row[0] for row in rows] == [f"[{f.id}](#{anchor(f'{f.id} {f.title}')})" for f in findings]
    for finding in findings:
        assert f"### {finding.id} {finding.title}\n" in text


@pytest.mark.slow
def test_the_page_is_that_of_a_fresh_run() -> None:
    """Catches numbers that the model no longer gives."""
    from trialsim.studies.findings.run import run_findings
    from trialsim.studies.findings.text import as_page

    assert page("findings.md") == as_page(run_findings(all_findings(), seed=1, jobs=2))
