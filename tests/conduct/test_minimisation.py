"""Minimisation, chance alone and lists by site; concealment. Tolerances are 5 standard errors."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from tests.saved import saved
from trialsim.conduct import conduct_trial, randomisation
from trialsim.conduct.minimisation import Minimiser
from trialsim.conduct.randomisation import Randomiser
from trialsim.endpoints.allocation import allocation_table
from trialsim.records import Traits
from trialsim.rng import Purpose
from trialsim.spec.resolved import Randomisation, ResolvedProtocol
from trialsim.spec.resolved_conduct import Minimisation

FIXED = settings(deadline=None, derandomize=True)
ARMS = ("control", "navitoclax")
EVEN = {"control": 1, "navitoclax": 1}
RULES = Minimisation(weights={"p53_status": 2.0, "nodes": 1.0}, coin=0.8, imbalance="range")


def with_rules(**changes: Any) -> ResolvedProtocol:
    rules = Randomisation(ratio=EVEN, block_sizes=(), strata=("p53_status", "nodes"))
    return example.protocol().model_copy(update={"randomisation": rules.model_copy(update=changes)})


BY_CHANCE = with_rules(method="simple")
MINIMISED = with_rules(method="minimisation", minimisation=RULES)
BY_SITE = with_rules(block_sizes=(4,), by_site=True)


def allocate(protocol: ResolvedProtocol, traits: list[Traits], seed: int = 1) -> list[str]:
    randomiser = Randomiser(protocol, seed=seed)
    return [randomiser.assign(own, subject=k, site=1 + k % 3)[0] for k, own in enumerate(traits, start=1)]


def test_the_imbalance_of_an_arm_by_hand() -> None:
    """Catches counts of other levels, weights that are left out, and counts that are not divided by the ratio.

    Two of control and one of navitoclax are wild type; one of navitoclax is node positive. A wild-type, node-positive
    patient leaves |3 - 1/2| of 2:1-scaled counts in one arm and |2 - 2/2| in the other, and so on.
    """
    minimiser = Minimiser(ARMS, (1, 2), RULES)
    minimiser._counts["p53_status", "wild_type"][:] = 2.0, 1.0
    minimiser._counts["p53_status", "mutant"][:] = 9.0, 0.0
    minimiser._counts["nodes", "positive"][:] = 0.0, 1.0
    levels = {"p53_status": "wild_type", "nodes": "positive"}
    found = minimiser.imbalances(levels)
    control = 2.0 * abs(3.0 - 1.0 / 2.0) + 1.0 * abs(1.0 - 1.0 / 2.0)
    navitoclax = 2.0 * abs(2.0 - 2.0 / 2.0) + 1.0 * abs(0.0 - 2.0 / 2.0)
    assert found == pytest.approx([control, navitoclax])
    # The coin of the larger arm: 1 - 0.2 * (3 - 2) / (3 - 1).
    assert minimiser.chances(levels, 0.0) == pytest.approx([0.1, 0.9])


def test_variance_is_that_of_a_sample() -> None:
    """Catches the range where the variance is asked for."""
    rules = RULES.model_copy(update={"imbalance": "variance", "weights": {"nodes": 1.0}})
    minimiser = Minimiser(("a", "b", "c"), (1, 1, 1), rules)
    minimiser._counts["nodes", "positive"][:] = 4.0, 2.0, 0.0
    assert minimiser.imbalances({"nodes": "positive"}) == pytest.approx([19 / 3, 13 / 3, 7 / 3])


@FIXED
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=4),
    st.lists(st.integers(0, 30), min_size=4, max_size=4),
    st.floats(0.5, 1.0),
    st.floats(0.0, 0.999),
)
def test_chances_sum_to_one_and_prefer_the_least(
    ratio: list[int], counts: list[int], coin: float, which: float
) -> None:
    """Catches a preferred arm that is not the least unbalanced, and chances outside 0 to 1."""
    rules = Minimisation(weights={"nodes": 1.0}, coin=coin, imbalance="range")
    minimiser = Minimiser([f"arm {k}" for k in range(len(ratio))], ratio, rules)
    minimiser._counts["nodes", "positive"][:] = counts[: len(ratio)]
    levels = {"nodes": "positive"}
    chances, found = minimiser.chances(levels, which), minimiser.imbalances(levels)
    assert chances.sum() == pytest.approx(1.0)
    assert chances.min() >= 0.0
    preferred = [k for k in range(len(ratio)) if found[k] <= found.min() + 1e-9]
    assert any(chances[k] >= coin - 1e-12 for k in preferred)


def test_patients_split_by_an_unequal_ratio() -> None:
    """Catches one coin for every arm: at 0.7 no more than 70 % could ever be in the larger arm of 1:3.

    What is left of an imbalance is a few patients in 150, over 40 trials less than one in a hundred.
    """
    rules = RULES.model_copy(update={"coin": 0.7})
    protocol = with_rules(method="minimisation", minimisation=rules, ratio={"control": 1, "navitoclax": 3})
    traits = example.all_traits(150)
    arms = [arm for seed in range(40) for arm in allocate(protocol, traits, seed)]
    assert arms.count("navitoclax") / len(arms) == pytest.approx(0.75, abs=0.01)


def test_minimisation_balances_margins_better_than_chance() -> None:
    """Catches a coin that is turned round, and counts that are never kept."""
    traits = example.all_traits(200)

    def unbalance(protocol: ResolvedProtocol) -> float:
        total = 0.0
        for seed in range(30):
            arms = allocate(protocol, traits, seed)
            for factor, level in (("p53_status", "mutant"), ("nodes", "positive")):
                at = Counter(arm for arm, own in zip(arms, traits, strict=True) if own[factor] == level)
                total += abs(at["control"] - at["navitoclax"])
        return total / 60

    assert 2.0 * unbalance(MINIMISED) < unbalance(BY_CHANCE)


def test_chance_alone_keeps_the_ratio_and_no_balance() -> None:
    """Catches hidden blocks: counts have the variance of coin flips."""
    seeds, n = 400, 40
    protocol = with_rules(method="simple", ratio={"control": 1, "navitoclax": 3})
    counts = np.array([allocate(protocol, example.all_traits(n), s).count("navitoclax") for s in range(seeds)])
    assert abs(counts.mean() - 30.0) < 5 * np.sqrt(7.5 / seeds)
    assert abs(counts.var() - 7.5) < 5 * 7.5 * np.sqrt(2.0 / seeds)


def test_chance_alone_does_not_look_at_others() -> None:
    """Catches one stream that patients use up in turn."""
    traits = example.all_traits(30)
    together = allocate(BY_CHANCE, traits)
    alone = [Randomiser(BY_CHANCE, seed=1).assign(own, subject=k, site=1)[0] for k, own in enumerate(traits, 1)]
    assert together == alone


def test_each_site_has_its_own_blocks() -> None:
    """Catches blocks that span sites: within each stratum of a site every four are balanced."""
    traits = example.all_traits(1)[0]
    randomiser = Randomiser(BY_SITE, seed=3)
    arms: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for k in range(1, 61):
        arms[1 + k % 3].append(randomiser.assign(traits, subject=k, site=1 + k % 3)[0])
    for own in arms.values():
        assert all(own[k : k + 4].count("control") == 2 for k in range(0, 20, 4))
    assert arms[1] != arms[2]


@pytest.mark.parametrize("protocol", [BY_CHANCE, MINIMISED, BY_SITE], ids=["simple", "minimisation", "by site"])
def test_an_allocation_depends_on_no_later_patient(protocol: ResolvedProtocol) -> None:
    """Concealment. Catches allocations made for the whole trial at once, or counts that include those to come."""
    traits = example.all_traits(80)
    expected = allocate(protocol, traits)
    for known in (1, 25, 60):
        others: list[Traits] = [own | {"nodes": "negative", "p53_status": "mutant"} for own in traits[known:]]
        assert allocate(protocol, [*traits[:known], *others])[:known] == expected[:known]
        assert allocate(protocol, traits[:known]) == expected[:known]


@pytest.mark.parametrize("protocol", [BY_CHANCE, MINIMISED, BY_SITE], ids=["simple", "minimisation", "by site"])
def test_randomisation_draws_from_its_own_streams_alone(
    protocol: ResolvedProtocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No stream leaks. Catches an allocation drawn from a stream that the patient's fate is drawn from too."""
    asked: list[Purpose] = []
    plain = randomisation.stream

    def watched(seed: int, purpose: Purpose, **key: Any) -> np.random.Generator:
        asked.append(purpose)
        return plain(seed, purpose, **key)

    monkeypatch.setattr(randomisation, "stream", watched)
    allocate(protocol, example.all_traits(20))
    assert set(asked) == {Purpose.RANDOMISATION}


def test_the_imbalance_is_told_as_counted() -> None:
    """Catches the imbalance of one arm only, of the raw difference, and rows that do not add up."""
    protocol = with_rules(
        method="minimisation", minimisation=RULES, by_site=True, ratio={"control": 1, "navitoclax": 2}
    )
    trial = conduct_trial(protocol, seed=2, traits=example.all_traits(120), new_course=example.Courses())
    table = saved(allocation_table(trial, protocol))
    whole = table["rows"][0]
    assert sum(whole["arms"].values()) == 120
    assert whole["imbalance"] == pytest.approx(abs(whole["arms"]["control"] - 40.0))
    for factor in ("p53_status", "nodes"):
        levels = [row for row in table["rows"] if row["factor"] == factor]
        assert sum(sum(row["arms"].values()) for row in levels) == 120
    strata = {(p.stratum) for p in trial.patients}
    worst = 0.0
    for stratum in strata:
        own = [p.arm for p in trial.patients if p.stratum == stratum]
        worst = max(worst, abs(own.count("control") - len(own) / 3))
    assert table["largest_in_stratum"] == pytest.approx(worst)
    assert table["largest_at_a_site"] > 0.0
