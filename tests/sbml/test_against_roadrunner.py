"""A third implementation: libroadrunner's exact SSA on the exported SBML, against the kernel that trials use.

Means, variances, extinction and distribution (Kolmogorov-Smirnov) of the final counts of each group of populations. A
right export fails with a chance of at most 1e-6 a network (`tests.sbml.others.FALSE_ALARM`); seeds are fixed. On the
coupled lesions the kernel's own error of a step adds to chance; at these numbers of paths it is well below it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from tests.biology.networks import COUPLED, NETWORKS
from tests.biology.networks import Network as Case
from tests.biology.twins import kernel_paths
from tests.sbml.others import Counts, case, disagreements, roadrunner_paths
from trialsim.biology.network import Network, Reaction, lesion_network

FEW, MANY = 1500, 5000
#: libroadrunner takes a hundred times as long for a lesion with an infiltrate as for one without.
FEWER = 300


def few(lesion: Case) -> int:
    return FEWER if lesion.name in {n.name for n in COUPLED} and lesion.name != "secretome" else FEW


def network_of(lesion: Case) -> Network:
    network = lesion_network(lesion.cells, lesion.rates, lesion.infiltrate)
    assert network.left_out == ()
    return network


@cache
def _kernel(name: str, paths: int) -> Counts:
    lesion = case(name)
    return kernel_paths(lesion.cells, lesion.rates, lesion.until, paths=paths, seed=31, infiltrate=lesion.infiltrate)


def apart(lesion: Case, network: Network, paths: int) -> dict[tuple[str, str], float]:
    """What differs between the kernel on a lesion and libroadrunner on a network."""
    return disagreements(_kernel(lesion.name, paths), roadrunner_paths(network, lesion.until, paths=paths, seed=32))


@pytest.mark.parametrize("lesion", [*NETWORKS, *COUPLED], ids=lambda n: n.name)
def test_another_simulator_agrees(lesion: Case) -> None:
    """Catches a reaction missing, doubled, wrongly directed or wrongly rated, in the export or in the kernel."""
    assert not apart(lesion, network_of(lesion), few(lesion))


@pytest.mark.slow
@pytest.mark.parametrize("lesion", [*NETWORKS, *COUPLED], ids=lambda n: n.name)
def test_another_simulator_agrees_closely(lesion: Case) -> None:
    """The same with more paths: catches errors half as large."""
    assert not apart(lesion, network_of(lesion), MANY)


def _scaled(parameter: str, factor: float) -> Callable[[Network], Network]:
    def wrong(network: Network) -> Network:
        assert parameter in {x.id for x in network.parameters}
        scaled = (replace(x, value=x.value * factor) if x.id == parameter else x for x in network.parameters)
        return replace(network, parameters=tuple(scaled))

    return wrong


def _one_by_one(network: Network) -> Network:
    """Dormant cells wake each for itself: the same mean, another distribution."""
    wake = next(x for x in network.reactions if x.id == "wake")
    single = replace(wake, inputs=(("dormant", 1),), outputs=(("cycling_awakened", 1),), law="waking_rate * dormant")
    return replace(network, reactions=tuple(single if x is wake else x for x in network.reactions))


def _turned(beginning: str, old: str, new: str) -> Callable[[Network], Network]:
    """Cells of some reactions turn into others; how many is as it was."""

    def wrong(network: Network) -> Network:
        own = {x.id for x in network.species}

        def move(x: Reaction) -> Reaction:
            outputs = tuple((id_.replace(old, new), n) for id_, n in x.outputs)
            assert {id_ for id_, _ in outputs} <= own
            return replace(x, outputs=outputs) if x.id.startswith(beginning) else x

        assert any(x.id.startswith(beginning) for x in network.reactions)
        return replace(network, reactions=tuple(move(x) for x in network.reactions))

    return wrong


def _without(beginning: str) -> Callable[[Network], Network]:
    def wrong(network: Network) -> Network:
        kept = tuple(x for x in network.reactions if not x.id.startswith(beginning))
        assert len(kept) < len(network.reactions)
        return replace(network, reactions=kept)

    return wrong


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("growth near extinction", _scaled("death_rate", 1.1)),
        ("spontaneous senescence", _scaled("arrest_rate", 0.7)),
        ("spontaneous senescence", _scaled("polyploid_share", 0.7)),
        ("escape from treatment", _scaled("escape_rate", 1.5)),
        ("escape from treatment", _scaled("competence_rate", 0.5)),
        ("awakening", _scaled("waking_rate", 0.7)),
        ("awakening", _one_by_one),
        ("everything", _without("clear_")),
        ("senolytic", _scaled("immature_kill_share", 6.0)),
        ("senolytic", _scaled("kill_rate_dna_damage", 0.8)),
        ("crowded", _scaled("crowding_strength", 0.7)),
        ("reversible", _scaled("reversal_rate", 0.7)),
        ("inherited resistance", _turned("arrest_escaped_dna_damage_resistant", "resistant", "sensitive")),
        ("secretome", _without("persuade_")),
        ("secretome", _turned("persuade_", "dna_damage", "spontaneous")),
        ("secretome", _scaled("paracrine_rate", 2.0)),
        ("secretome", _scaled("seeding_rate", 0.3)),
        ("secretome", _scaled("sasp_seeding", 4.0)),
        ("secretome", _scaled("sasp_growth", 4.0)),
        ("secretome", _scaled("growth_at_rest", 2.0)),
        ("immunity", _scaled("sasp_immunosuppression", 0.0)),
        ("immunity", _scaled("sasp_clearance", 3.0)),
        ("immunity", _scaled("infiltration_time", 20.0)),
        ("waking tumour", _scaled("sasp_waking", 0.0)),
    ],
)
def test_a_mutant_is_caught(name: str, wrong: Callable[[Network], Network]) -> None:
    """The comparison has the power to fail: one wrong rate, reaction or law does not pass it."""
    assert apart(case(name), wrong(network_of(case(name))), few(case(name)))
