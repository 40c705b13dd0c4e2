"""docs/mechanisms.md is what the command writes."""

from __future__ import annotations

import pytest

from tests.docs.pages import page, section, tables
from trialsim.studies.mechanisms.registry import registry


def test_the_page_tells_every_mechanism() -> None:
    """Catches a page that is older than the registry: a mechanism, an outcome or a switch that it does not tell."""
    text = page("mechanisms.md")
    rows = tables(section(text, "All mechanisms"))[0]
    mechanisms = registry().mechanisms
    assert [row[0].split("]")[0].strip("[") for row in rows] == [m.id for m in mechanisms]
    for mechanism in mechanisms:
        told = section(text, f"{mechanism.id} {mechanism.claim}")
        for experiment in mechanism.experiments:
            assert experiment.switch in told
            assert f"protocols/{experiment.protocol}.yaml" in told
            for outcome in experiment.outcomes:
                assert f"{outcome.name} [" in told, (mechanism.id, outcome.name)


@pytest.mark.slow
def test_the_page_is_that_of_a_fresh_run() -> None:
    """Catches numbers that were typed by hand or have gone stale. Minutes."""
    from trialsim.studies.mechanisms.run import run_mechanisms
    from trialsim.studies.mechanisms.text import as_page

    found = run_mechanisms(registry().mechanisms, registry().margins, seed=1, jobs=2)
    assert page("mechanisms.md") == as_page(found)
