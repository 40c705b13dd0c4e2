"""What a lesion's network holds, read against the text of docs/model.md."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sbml.others import case
from trialsim.biology import network as network_module
from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.biology.network import INFILTRATE, UNITS_PER_LOAD, Network, lesion_network
from trialsim.spec.agents import INDUCERS


def network(name: str) -> Network:
    lesion = case(name)
    return lesion_network(lesion.cells, lesion.rates, lesion.infiltrate)


def copied(rates: r.Rates) -> r.Rates:
    """Rates to change."""
    return rates.copy()  # type: ignore[attr-defined, no-any-return]


def ids(items: tuple[object, ...]) -> set[str]:
    return {item.id for item in items}  # type: ignore[attr-defined]


def test_only_what_can_be_reached_is_there() -> None:
    """Catches a network that carries all 116 populations, or drops one that cells can come to."""
    assert ids(network("growth near extinction").species) == {"cycling_residual"}
    # Diploid cells never become competent; the resistant ones are mature at the start, and none come after them.
    expected = {f"senescent_dna_damage_diploid_sensitive_{age}" for age in ("immature", "mature")}
    expected |= {f"senescent_dna_damage_polyploid_sensitive_{age}" for age in ("immature", "mature", "competent")}
    expected |= {f"senescent_dna_damage_polyploid_resistant_{age}" for age in ("mature", "competent")}
    assert ids(network("escape from treatment").species) == expected | {
        "escaped_dna_damage_sensitive",
        "escaped_dna_damage_resistant",
    }


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
    assert not any(x.startswith("kill_senescent") and "resistant" in x for x in laws)
    assert laws["kill_escaped_dna_damage_resistant"] == "kill_rate_cycling * escaped_dna_damage_resistant"


def test_arrest_is_split_by_ploidy_and_response() -> None:
    """Catches shares that do not add up, or an escaper that keeps its inducer on arrest."""
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.escaped(INDUCERS.index("radiation"), p.SENSITIVE)] = 5
    rates = r.quiet_rates()
    rates.spontaneous_rate, rates.polyploid_share, rates.resistant_share = 0.01, 0.3, 0.1
    found = {x.outputs[0][0]: x.law for x in lesion_network(cells, rates).reactions}
    assert set(found) == {
        f"senescent_spontaneous_{ploidy}_{response}_immature"
        for ploidy in ("diploid", "polyploid")
        for response in ("sensitive", "resistant")
    }
    rates.polyploid_share = 1.0
    assert len(lesion_network(cells, rates).reactions) == 2
    rates.resistant_share = 0.0
    without = lesion_network(cells, rates)
    assert len(without.reactions) == 1
    assert "resistant_share" not in ids(without.parameters)


def test_what_an_escaped_cell_inherits() -> None:
    """Catches resistance to senolytics that is lost on escape, or dealt anew on arrest."""
    laws = {x.id: (x.outputs, x.law) for x in network("inherited resistance").reactions}
    share = {"sensitive": "( 1 dimensionless - resistant_share )", "resistant": "resistant_share"}
    for response, part in share.items():
        outputs, law = laws[f"arrest_escaped_dna_damage_sensitive_diploid_{response}"]
        assert outputs == ((f"senescent_spontaneous_diploid_{response}_immature", 1),)
        assert f" * {part} * escaped" in law
    inherited = [x for x in laws if x.startswith("arrest_escaped_dna_damage_resistant")]
    assert inherited == [
        f"arrest_escaped_dna_damage_resistant_{ploidy}_resistant" for ploidy in ("diploid", "polyploid")
    ]
    assert not any("resistant_share" in laws[x][1] for x in inherited)
    escapes = {x.inputs[0][0]: x.outputs[0][0] for x in network("escape from treatment").reactions if "escape_" in x.id}
    assert escapes == {
        f"senescent_dna_damage_polyploid_{response}_competent": f"escaped_dna_damage_{response}" for response in share
    }


def test_latent_resistance_shows_on_escape() -> None:
    """Catches a lesion at randomisation, in which all count as sensitive, whose escapers are never resistant."""
    lesion = case("escape from treatment")
    rates = copied(lesion.rates)
    rates.latent_resistance = 0.2
    competent = "senescent_dna_damage_polyploid_sensitive_competent"
    laws = {
        x.outputs[0][0]: x.law
        for x in lesion_network(lesion.cells, rates).reactions
        if x.inputs == ((competent, 1),)
        if x.outputs
    }
    assert laws["escaped_dna_damage_resistant"] == f"latent_resistance * escape_rate * {competent}"
    assert laws["escaped_dna_damage_sensitive"].startswith("( 1 dimensionless - latent_resistance ) * ")


def test_reversal_is_of_two_inducers_and_no_escape() -> None:
    """Catches every senescent cell reverting, or reverted cells that count as escapers."""
    reverting = [x for x in network("reversible").reactions if x.id.startswith("revert_")]
    assert len(reverting) == 5
    assert all("_cell_cycle_" in x.id and x.outputs == (("cycling_residual", 1),) for x in reverting)
    cells = np.ones(p.N_POPULATIONS, np.int64)
    rates = r.quiet_rates()
    rates.reversal = 0.1
    inducers = {
        x.inputs[0][0].split("_diploid")[0].split("_polyploid")[0] for x in lesion_network(cells, rates).reactions
    }
    assert inducers == {"senescent_cell_cycle", "senescent_enzalutamide"}


def test_arrested_neighbours_take_the_label_of_what_arrested_them() -> None:
    """Catches paracrine senescence labelled spontaneous, a stream with another drug's label, and absent inducers."""
    moves = {x.id: x.outputs[0][0] for x in network("secretome").reactions if x.id.startswith("persuade_cycling")}
    of_inducer = {id_.split("_by_")[1].split("_diploid")[0].split("_polyploid")[0]: to for id_, to in moves.items()}
    assert set(of_inducer) == {"dna_damage", "spontaneous", "host"}
    assert of_inducer["dna_damage"].startswith("senescent_dna_damage_")
    assert of_inducer["host"].startswith("senescent_spontaneous_")
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.RESIDUAL] = 5
    rates = r.quiet_rates()
    rates.driven_arrest[INDUCERS.index("endocrine")] = 0.02
    driven = {x.outputs[0][0] for x in lesion_network(cells, rates).reactions}
    assert driven == {"senescent_endocrine_diploid_sensitive_immature"}


def test_the_infiltrate_is_there_where_something_hangs_on_it() -> None:
    """Catches an infiltrate without use, or one that starts from nothing or in other units."""
    assert INFILTRATE not in ids(network("secretome").species)
    (counted,) = (x for x in network("immunity").species if x.id == INFILTRATE)
    assert counted.count == 0.3 * UNITS_PER_LOAD
    lesion = case("immunity")
    for off in (("sasp_immune", "sasp_clearance"), ("immune_kill", "clearance")):
        rates = copied(lesion.rates)
        for name in off:
            setattr(rates, name, 0.0)
        assert INFILTRATE not in ids(lesion_network(lesion.cells, rates, 0.3).species)


def test_diploid_cells_escape_where_polyploidy_is_not_needed() -> None:
    """Catches diploid cells that never ripen, or escape at the full rate."""
    lesion = case("escape from treatment")
    rates = copied(lesion.rates)
    rates.diploid_escape = 0.4
    laws = {x.id: x.law for x in lesion_network(lesion.cells, rates).reactions}
    diploid = "senescent_dna_damage_diploid_sensitive"
    assert laws[f"ripen_{diploid}_mature"] == f"competence_rate * {diploid}_mature"
    assert laws[f"escape_{diploid}_competent"] == f"diploid_escape * escape_rate * {diploid}_competent"


def test_every_rate_is_written() -> None:
    """Catches a rate at work that has no reaction; those of damage and of the host act on nothing in a lesion."""
    cells = np.ones(p.N_POPULATIONS, np.int64)
    rates, names = r.quiet_rates(), list(r.Rates.__annotations__)
    for name, value in zip(names, np.linspace(0.1, 0.2, len(names)).tolist(), strict=True):
        own = getattr(rates, name)
        if np.ndim(own):
            own[:] = value + 1e-6 * np.arange(np.size(own))
        else:
            setattr(rates, name, value)
    rates.capacity, rates.reference = 1e6, 1e3
    written = lesion_network(cells, rates)
    assert written.left_out == ()
    values = {x.value for x in written.parameters}
    missing = {name for name in names if not set(np.ravel(getattr(rates, name)).tolist()) <= values}
    assert missing == {"damage_odds", "host_kill"}


def test_a_mechanism_without_reactions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a mechanism added to the rates that the export passes over in silence."""
    lesion = case("crowded")
    rates = copied(lesion.rates)
    assert lesion_network(lesion.cells, rates).left_out == ()
    monkeypatch.setattr(network_module, "_READ", network_module._READ - {"crowding"})
    assert lesion_network(lesion.cells, rates).left_out == ("crowding",)
