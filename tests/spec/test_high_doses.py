"""Doses beyond any that people were given are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialsim.spec.high_doses import high_doses, highest_doses
from trialsim.spec.load import load_protocol
from trialsim.treatment.library import load_library

PROTOCOLS = Path(__file__).parents[2] / "protocols"
FIRST = PROTOCOLS / "first-trial.yaml"


def told(*overrides: str) -> tuple[str, ...]:
    return high_doses(load_protocol(FIRST, load_library(), overrides))


def test_a_dose_far_above_the_highest_is_told_with_its_source() -> None:
    """Phase 1 went to 475 mg (Kaefer 2014): catches an effect that saturates in silence."""
    (words,) = told("arms.senolytic.add.0.dose=100000 mg")
    assert words.startswith("100,000 mg of navitoclax is 211 times the highest dose")
    assert "475 mg; Kaefer 2014" in words
    assert told("arms.senolytic.add.0.dose=475 mg") == ()
    assert len(told("arms.senolytic.add.0.dose=476 mg")) == 1


def test_an_agent_of_the_protocols_own_falls_under_the_plain_rule() -> None:
    """Catches an agent that may be given by the kilogram because nobody knows it."""
    own = ("agents.mine={like: navitoclax}", "arms.senolytic.add.0.agent=mine", "arms.senolytic.add.0.rules=null")
    assert told(*own, "arms.senolytic.add.0.dose=5000 mg") == ()
    (words,) = told(*own, "arms.senolytic.add.0.dose=20000 mg")
    assert "2 times the highest dose that any drug is known to be given in" in words


@pytest.mark.parametrize("path", sorted(PROTOCOLS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_no_shipped_protocol_is_warned_of(path: Path) -> None:
    """Catches a highest dose below one that is in use, and a dish that is taken for a patient."""
    assert high_doses(load_protocol(path, load_library())) == ()


def test_every_entry_is_of_the_library_and_in_its_unit() -> None:
    """Catches a misspelt agent, whose dose would then be judged by the plain rule."""
    library = load_library()
    for name, dose in highest_doses()["agents"].items():
        assert dose.unit == library[name].dose_unit
    assert set(highest_doses()["unknown"]) == {"mg", "mg/m2", "mg/kg", "AUC", "Gy"}
