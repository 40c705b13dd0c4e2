"""Arms that a look closes: nobody more is put into them, whatever the method; the others keep their ratio."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from tests.conduct import protocol_for_tests as example
from tests.conduct.test_data_cut import with_cut
from trialsim.conduct import conduct_trial
from trialsim.conduct.interim import Interim, Told
from trialsim.conduct.randomisation import Randomiser
from trialsim.endpoints import primary_event
from trialsim.records import TrialRecord
from trialsim.spec.resolved import Randomisation, ResolvedProtocol
from trialsim.spec.resolved_conduct import Minimisation

RATIO = {"control": 2, "low": 1, "high": 1}
METHODS = {
    "blocks": Randomisation(ratio=RATIO, block_sizes=(4, 8), strata=("p53_status", "nodes")),
    "simple": Randomisation(ratio=RATIO, block_sizes=(4,), strata=("p53_status",), method="simple"),
    "minimisation": Randomisation(
        ratio=RATIO,
        block_sizes=(4,),
        strata=("p53_status", "nodes"),
        method="minimisation",
        minimisation=Minimisation(weights={"p53_status": 1.0, "nodes": 1.0}, coin=0.8, imbalance="range"),
    ),
}


def three_arms(method: str) -> ResolvedProtocol:
    base = with_cut(events=30)
    arms = {name: example.arm(name, example.chemotherapy()) for name in RATIO}
    return base.model_copy(update={"arms": arms, "randomisation": METHODS[method]})


@pytest.mark.parametrize("method", METHODS)
def test_nobody_more_is_put_into_a_closed_arm(method: str) -> None:
    """2,000 patients after the closing split 2:1 between what is open, to 5 standard errors (minimisation and blocks
    nearer). Catches an arm that stays open, a ratio that is lost, and a patient without an arm."""
    randomiser = Randomiser(three_arms(method), seed=5)
    traits = example.all_traits(2400)
    before = [randomiser.assign(traits[n], subject=n + 1, site=1)[0] for n in range(400)]
    assert set(before) == set(RATIO)
    randomiser.close("high")
    after = Counter(randomiser.assign(traits[n], subject=n + 1, site=1)[0] for n in range(400, 2400))
    assert set(after) == {"control", "low"}
    assert abs(after["control"] - 2000 * 2 / 3) < 5 * math.sqrt(2000 * 2 / 9)
    randomiser.close("low")
    assert {randomiser.assign(t, subject=n, site=1)[0] for n, t in enumerate(traits[:50], 3000)} == {"control"}


@pytest.mark.parametrize("method", METHODS)
def test_shares_that_a_look_sets(method: str) -> None:
    """3,000 patients after it, to 5 standard errors; a closed arm's share goes to the others. Catches the old ratio."""
    randomiser = Randomiser(three_arms(method), seed=5)
    traits = example.all_traits(6100)
    before = [randomiser.assign(traits[n], subject=n + 1, site=1)[0] for n in range(100)]
    assert len(set(before)) == 3
    wanted = {"control": 0.2, "low": 0.7, "high": 0.1}
    randomiser.favour(wanted)
    after = Counter(randomiser.assign(traits[n], subject=n + 1, site=1)[0] for n in range(100, 3100))
    for arm, share in wanted.items():
        assert abs(after[arm] - 3000 * share) < 5 * math.sqrt(3000 * share * (1 - share))
    randomiser.close("low")
    later = Counter(randomiser.assign(traits[n], subject=n + 1, site=1)[0] for n in range(3100, 6100))
    assert set(later) == {"control", "high"}
    assert abs(later["control"] - 2000) < 5 * math.sqrt(3000 * 2 / 9)


@pytest.mark.parametrize("method", METHODS)
def test_closing_late_changes_nothing_before(method: str) -> None:
    """Catches a closing that reaches back."""

    def arms_of(closed_after: int) -> list[str]:
        randomiser = Randomiser(three_arms(method), seed=5)
        given = []
        for n, traits in enumerate(example.all_traits(200)):
            if n == closed_after:
                randomiser.close("low")
            given.append(randomiser.assign(traits, subject=n + 1, site=1)[0])
        return given

    assert arms_of(100)[:100] == arms_of(1000)[:100]


def test_a_look_closes_an_arm_and_its_patients_are_followed_on() -> None:
    """Catches a closed arm that still enrols, and patients of it who are dropped from the data."""
    protocol = three_arms("blocks")
    closed: list[float] = []

    def judge(known: TrialRecord) -> Told:
        closed.append(known.cut_day)
        return Told("look", stops=False, closes=("high",))

    trial = conduct_trial(
        protocol,
        seed=7,
        traits=example.all_traits(60),
        new_course=example.Courses(),
        has_event=primary_event(protocol),
        interim=Interim((5,), judge),
    )
    after = [p for p in trial.patients if p.randomised_day > closed[0]]
    assert len(after) > 5
    assert all(p.arm != "high" for p in after)
    earlier = [p for p in trial.patients if p.arm == "high"]
    assert earlier
    assert any(p.randomised_day + p.last_contact > closed[0] + 100.0 for p in earlier)
