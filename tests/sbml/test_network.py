"""What a lesion's network holds, read against the text of docs/model.md."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sbml.others import case
from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.biology.network import Network, lesion_network
from trialsim.spec.agents import INDUCERS


def network(name: str) -> Network:
    lesion = case(name)
    return lesion_network(lesion.cells, lesion.rates)


def ids(items: tuple[object, ...]) -> set[str]:
    return {item.id for item in items}  # type: ignore[attr-defined]


def test_only_what_can_be_reached_is_there() -> None:
    """Catches a network that carries all 95 populations, or drops one that cells can come to."""
    assert ids(network("growth near extinction").species) == {"cycling_residual"}
    # Diploid cells never become competent; the resistant ones are mature at the start, and none come after them.
    expected = {f"senescent_dna_damage_diploid_sensitive_{age}" for age in ("immature", "mature")}
    expected |= {f"senescent_dna_damage_polyploid_sensitive_{age}" for age in ("immature", "mature", "competent")}
    expected |= {f"senescent_dna_damage_polyploid_resistant_{age}" for age in ("mature", "competent")}
    assert ids(network("escape from treatment").species) == expected | {"escaped_dna_damage"}


def test_what_cannot_happen_is_not_written() -> None:
    """Catches reactions of rate zero, and parameters that no law reads."""
    dying = network("dying tumour")
    assert ids(dying.reactions) == {"divide_cycling_residual", "die_cycling_residual"}
    assert ids(dying.parameters) == {"birth_rate", "death_rate"}
    assert dying.definitions == ()
    assert not any(x.startswith("kill") for x in ids(network("everything").reactions))


def test_the_counts_are_those_of_the_lesion() -> None:
    """Catches populations that got another's cells."""
    lesion = case("everything")
    counts = {species.name: species.count for species in network("everything").species}
    for at, name in enumerate(p.names()):
        assert counts.get(name, 0) == lesion.cells[at]


def test_waking_moves_all_dormant_cells_at_once() -> None:
    """Catches cells that wake one by one, which has the same mean."""
    (wake,) = (x for x in network("awakening").reactions if x.id == "wake")
    assert (wake.inputs, wake.outputs) == ((("dormant", 12),), (("cycling_awakened", 12),))
    assert wake.law == "waking_rate * dormant / dormant_at_start"
    assert "wake" not in ids(network("spontaneous senescence").reactions)


def test_killing_follows_inducer_age_and_response() -> None:
    """Catches a senolytic that kills resistant cells, or immature ones in full."""
    laws = {x.id: x.law for x in network("senolytic").reactions if x.id.startswith("kill")}
    dna = "senescent_dna_damage_diploid_sensitive"
    assert laws[f"kill_{dna}_immature"] == f"immature_kill_share * kill_rate_dna_damage * {dna}_immature"
    assert laws[f"kill_{dna}_mature"] == f"kill_rate_dna_damage * {dna}_mature"
    assert laws["kill_cycling_residual"] == "kill_rate_cycling * cycling_residual"
    assert not any("resistant" in x for x in laws)


def test_arrest_is_split_by_ploidy_and_response() -> None:
    """Catches shares that do not add up, or an escaper that keeps its inducer on arrest."""
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.ESCAPED + INDUCERS.index("radiation")] = 5
    rates = r.quiet_rates()
    rates[r.SPONTANEOUS_RATE], rates[r.POLYPLOID_SHARE], rates[r.RESISTANT_SHARE] = 0.01, 0.3, 0.1
    found = {x.outputs[0][0]: x.law for x in lesion_network(cells, rates).reactions}
    assert set(found) == {
        f"senescent_spontaneous_{ploidy}_{response}_immature"
        for ploidy in ("diploid", "polyploid")
        for response in ("sensitive", "resistant")
    }
    rates[r.POLYPLOID_SHARE] = 1.0
    assert len(lesion_network(cells, rates).reactions) == 2


def test_a_mechanism_without_reactions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a mechanism added to the rates that the export passes over in silence."""
    lesion = case("crowded")
    place = r.N_RATES
    monkeypatch.setattr(r, "PARACRINE_ARREST", place, raising=False)
    monkeypatch.setattr(r, "N_RATES", place + 1)
    assert lesion_network(lesion.cells, np.append(lesion.rates, 0.0)).left_out == ()
    assert lesion_network(lesion.cells, np.append(lesion.rates, 0.2)).left_out == ("PARACRINE_ARREST",)
