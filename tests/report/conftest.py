"""The pages that the report's tests look at, and the browser that some of them look with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Browser, find_chromium
from tests.report.sample import contents, page_from
from tests.report.sample_protocol import sample_protocol

#: The runs that every page test should survive: keywords of `sample.contents`.
CASES: dict[str, dict[str, Any]] = {
    "main": {},
    "non-proportional": {"delayed": True},
    "three-arms": {"arms": 3, "n": 450},
    "no-events": {"silent": True, "n": 60},
    "long-labels": {"long": True, "n": 300},
    "four-alike": {"arms": 4, "n": 400, "alike": True, "delayed": True},
    "eight-alike": {"arms": 8, "n": 640, "alike": True},
    "one-arm": {"arms": 1, "n": 100},
    "one-patient": {"arms": 1, "n": 1},
}


def page_of(**case: Any) -> str:
    protocol = sample_protocol(case.get("arms", 2), alike=case.get("alike", False))
    return page_from(protocol, contents(**case))


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Each case's page."""
    return {name: page_of(**case) for name, case in CASES.items()}


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on this machine (looked for chromium, chromium-browser, google-chrome)")
    with Browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="session")
def files(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each case's page as a file."""
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}
