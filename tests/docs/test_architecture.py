"""docs/architecture.md and CONTRIBUTING.md, against the code: what they name is there."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.docs.pages import ROOT, page
from trialsim.conduct.patient_process import PatientProcess
from trialsim.patient.plan import Line
from trialsim.patient.state import Body, Drug, Lesion, OrderState
from trialsim.records import Event, Happened, PatientRecord, Relapse

NAMES = sorted(set(re.findall(r"`(trialsim(?:\.\w+)+)`", page("architecture.md"))))
OF_CONTRIBUTING = sorted(
    set(re.findall(r"`((?:trialsim|tests|cohorts)/[^`]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_page_names_is_there(name: str) -> None:
    """Catches a function or module that moved, or never was."""
    module, found = name, None
    while found is None:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:
            module = module.rpartition(".")[0]
    for attribute in name.removeprefix(module).strip(".").split(".") if module != name else ():
        found = getattr(found, attribute)


def test_the_records_and_fields_are_there() -> None:
    """Catches a record of the page that is called otherwise."""
    text = page("architecture.md")
    known = {
        kind.__name__ for kind in (Body, Lesion, Drug, OrderState, Line, PatientProcess, PatientRecord, Event, Relapse)
    }
    named = {word for word in re.findall(r"`([A-Z]\w+)`", text) if word != "AVALSIM"}
    assert named <= known
    assert {word.removeprefix("Lesion.") for word in re.findall(r"`(Lesion\.\w+)`", text)} <= set(
        Lesion.__annotations__
    )
    assert "first_escape" in Lesion.__annotations__
    assert {word for word in re.findall(r"`Happened\.(\w+)`", text)} <= set(Happened.__members__)


@pytest.mark.parametrize("path", OF_CONTRIBUTING)
def test_the_files_to_touch_are_there(path: str) -> None:
    """Catches a path in CONTRIBUTING.md that leads nowhere."""
    pattern = path.replace("<name>", "*")
    assert list(ROOT.glob(pattern)), path
