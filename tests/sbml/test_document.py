"""The SBML text: sound to libsbml, complete, and the same every time."""

from __future__ import annotations

import builtins
import math
import sys
from dataclasses import replace

import libsbml
import pytest

from tests.biology.networks import COUPLED, NETWORKS
from tests.biology.networks import Network as Case
from tests.sbml.others import case
from trialsim.biology.network import Network, lesion_network
from trialsim.biology.populations import DORMANT
from trialsim.biology.rates import Rates
from trialsim.biology.sbml import write_sbml
from trialsim.errors import TrialsimError, UsageError


def network_of(lesion: Case) -> Network:
    return lesion_network(lesion.cells, lesion.rates, lesion.infiltrate)


def text_of(lesion: Case, **words: object) -> str:
    return write_sbml(network_of(lesion), model_id="tested", name=lesion.name, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize("lesion", [*NETWORKS, *COUPLED], ids=lambda n: n.name)
def test_libsbml_finds_nothing_wrong(lesion: Case) -> None:
    """Catches an undeclared id, units that do not match, an attribute missing: errors and warnings alike."""
    document = libsbml.readSBMLFromString(text_of(lesion))
    document.checkConsistency()
    assert [document.getError(at).getMessage() for at in range(document.getNumErrors())] == []
    assert (document.getLevel(), document.getVersion()) == (3, 2)
    model = document.getModel()
    assert (model.getTimeUnits(), model.getSubstanceUnits(), model.getExtentUnits()) == ("day", "item", "item")


def test_numbers_arrive() -> None:
    """Catches counts that are rounded in the text, and rates with fewer than libsbml's 15 digits."""
    lesion = case("everything")
    cells, rates = lesion.cells * 123_456_789_012, lesion.rates.copy()  # type: ignore[attr-defined]
    for name in Rates.__annotations__:
        setattr(rates, name, getattr(rates, name) * (math.pi / 3.0))
    network = lesion_network(cells, rates)
    model = libsbml.readSBMLFromString(write_sbml(network, model_id="tested", name="large")).getModel()
    counts = {x.getId(): x.getInitialAmount() for x in model.getListOfSpecies()}
    assert counts == {x.id: x.count for x in network.species}
    told = {x.getId(): x.getValue() for x in model.getListOfParameters()}
    assert told == pytest.approx({x.id: x.value for x in network.parameters}, rel=1e-14)
    assert model.getNumReactions() == len(network.reactions)
    (woken,) = model.getReaction("wake").getListOfProducts()
    assert woken.getStoichiometry() == cells[DORMANT]


@pytest.mark.parametrize("law", ["birth_rate", "birth_rate * cycling_residual * cycling_residual", "nobody * 2", "2 +"])
def test_a_faulty_law_is_refused(law: str) -> None:
    """Catches a consistency check that checks no units, no names, or nothing."""
    network = network_of(case("dying tumour"))
    faulty = replace(network, reactions=(replace(network.reactions[0], law=law), *network.reactions[1:]))
    with pytest.raises(TrialsimError):
        write_sbml(faulty, model_id="tested", name="faulty")


def test_notes_and_sources_are_kept_as_text() -> None:
    """Catches notes that break the XML or get lost."""
    notes, sources = ["a < b & 'c' > d", "é"], {"birth_rate": "Müller <2020>"}
    model = libsbml.readSBMLFromString(text_of(case("dying tumour"), notes=notes, sources=sources)).getModel()
    assert "<p>a &lt; b &amp; &apos;c&apos; &gt; d</p>" in model.getNotesString().replace("&#x27;", "&apos;")
    assert "<p>é</p>" in model.getNotesString()
    assert "Müller &lt;2020&gt;" in model.getParameter("birth_rate").getNotesString()
    assert model.getParameter("death_rate").getNotesString() == ""
    with pytest.raises(TrialsimError, match="notes"):
        text_of(case("dying tumour"), notes=["\x01"])


def test_the_text_is_the_same_every_time() -> None:
    """Catches a date or an order that changes between two exports."""
    assert text_of(case("everything")) == text_of(case("everything"))


def test_without_libsbml_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a bare ImportError where the user needs to know what to install."""
    monkeypatch.setitem(sys.modules, "libsbml", None)
    with pytest.raises(UsageError, match=r"pip install 'trialsim\[sbml\]'"):
        text_of(case("dying tumour"))


def test_a_broken_libsbml_is_not_told_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches the advice to install what is installed, for a library that cannot load a part of its own."""
    own = ModuleNotFoundError("No module named '_libsbml'", name="_libsbml")
    real = builtins.__import__

    def fails(name: str, *rest: object) -> object:
        if name == "libsbml":
            raise own
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", fails)
    with pytest.raises(ModuleNotFoundError) as caught:
        text_of(NETWORKS[0])
    assert caught.value is own
