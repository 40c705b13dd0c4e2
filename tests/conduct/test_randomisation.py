"""Permuted blocks within strata."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from trialsim.conduct.randomisation import Randomiser, allocations, block, strata_labels
from trialsim.errors import TrialsimError
from trialsim.spec.resolved import Distribution, Randomisation, ResolvedProtocol

#: The same examples in every run.
FIXED = settings(deadline=None, derandomize=True)

WILD_POSITIVE = {"p53_status": "wild_type", "nodes": "positive"}
MUTANT_NEGATIVE = {"p53_status": "mutant", "nodes": "negative"}


def with_rules(**changes: object) -> ResolvedProtocol:
    base = example.protocol()
    return base.model_copy(update={"randomisation": base.randomisation.model_copy(update=changes)})


def take(protocol: ResolvedProtocol, traits: dict[str, str], n: int, seed: int = 1) -> list[str]:
    randomiser = Randomiser(protocol, seed=seed)
    return [randomiser.assign(traits, subject=k + 1, site=1)[0] for k in range(n)]


@FIXED
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_every_completed_block_is_balanced(ratio: list[int], multiples: list[int], seed: int) -> None:
    """Catches a block that is drawn with replacement, cut short, or filled in the wrong ratio."""
    arms = [f"arm {k}" for k in range(len(ratio))]
    rng = np.random.default_rng(seed)
    for multiple in multiples:
        filled = Counter(block(arms, ratio, multiple * sum(ratio), rng=rng))
        assert filled == {arm: share * multiple for arm, share in zip(arms, ratio, strict=True)}


@FIXED
@given(st.integers(0, 2**32 - 1))
def test_imbalance_within_a_stratum_is_at_most_half_the_largest_block(seed: int) -> None:
    """Catches simple (coin-flip) randomisation, whose imbalance grows without bound."""
    lists = allocations(("a", "b"), (1, 1), (4, 6), rng=np.random.default_rng(seed))
    signs = [1 if arm == "a" else -1 for arm in islice(lists, 300)]
    assert np.abs(np.cumsum(signs)).max() <= 3


def test_block_sizes_are_drawn_at_random() -> None:
    """After 4 patients arms are level surely in a block of 4, with probability 9/15 in a block of 6.

    So they are level with probability 0.8 when both sizes are as likely. Catches a program that always takes
    one size (1 or 0.6), within 5 standard errors.
    """
    seeds = 2000
    level = sum(Counter(take(example.protocol(), WILD_POSITIVE, 4, seed))["control"] == 2 for seed in range(seeds))
    assert abs(level / seeds - 0.8) < 5 * np.sqrt(0.8 * 0.2 / seeds)


def test_the_first_patient_is_as_likely_in_each_arm() -> None:
    """Catches a block that is not shuffled, or whose first place is predictable."""
    seeds = 2000
    first = sum(take(example.protocol(), WILD_POSITIVE, 1, seed) == ["control"] for seed in range(seeds))
    assert abs(first / seeds - 0.5) < 5 * np.sqrt(0.25 / seeds)


def test_a_stratum_list_does_not_depend_on_who_comes_first() -> None:
    """Catches one stream shared by the strata, and strata numbered as they are met."""
    alone = take(example.protocol(), MUTANT_NEGATIVE, 20)
    randomiser = Randomiser(example.protocol(), seed=1)
    mixed = []
    for k in range(20):
        randomiser.assign(WILD_POSITIVE, subject=2 * k + 1, site=1)
        mixed.append(randomiser.assign(MUTANT_NEGATIVE, subject=2 * k + 2, site=2)[0])
    assert mixed == alone
    assert take(example.protocol(), WILD_POSITIVE, 20) != alone


def test_the_order_of_a_file_does_not_matter() -> None:
    """Catches an allocation read off the order of ratio, block sizes or levels as they were written."""
    expected = take(example.protocol(), WILD_POSITIVE, 40)
    turned = with_rules(ratio={"navitoclax": 1, "control": 1}, block_sizes=(6, 4))
    assert take(turned, WILD_POSITIVE, 40) == expected
    base = example.protocol()
    nodes = base.cohort.traits["nodes"]
    reversed_levels = Distribution(kind="categorical", levels=("negative", "positive"), probabilities=(0.5, 0.5))
    traits = base.cohort.traits | {"nodes": nodes.model_copy(update={"cases": {"*": reversed_levels}})}
    relevelled = base.model_copy(update={"cohort": base.cohort.model_copy(update={"traits": traits})})
    assert take(relevelled, WILD_POSITIVE, 40) == expected


def test_strata_are_all_combinations_of_the_levels() -> None:
    """Catches strata collected from the patients, which would miss the empty ones and shift the numbers."""
    assert strata_labels(example.protocol()) == (
        "mutant / negative",
        "mutant / positive",
        "wild_type / negative",
        "wild_type / positive",
    )
    assert strata_labels(with_rules(strata=())) == ("all",)


def test_unequal_ratio() -> None:
    """Catches a program that reads the ratio by position and not by the arm's name."""
    rules = Randomisation(ratio={"navitoclax": 2, "control": 1}, block_sizes=(6,), strata=())
    protocol = example.protocol().model_copy(update={"randomisation": rules})
    assert Counter(take(protocol, {}, 60)) == {"navitoclax": 40, "control": 20}


def test_a_level_outside_the_cohort_is_an_error_that_names_it() -> None:
    """Catches a silent extra stratum for a misspelt level of a patient read from a file."""
    randomiser = Randomiser(example.protocol(), seed=1)
    with pytest.raises(TrialsimError, match=r"'wild_type / unknown'.*p53_status / nodes.*mutant / negative"):
        randomiser.assign({"p53_status": "wild_type", "nodes": "unknown"}, subject=1, site=1)
