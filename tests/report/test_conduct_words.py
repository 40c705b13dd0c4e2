"""How the page tells of laws, places, cuts, leaving and what comes in between."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conduct import protocol_for_tests as example
from tests.saved import read
from trialsim.report.conduct_tables import intercurrent, waiting
from trialsim.report.estimand import cut_words, estimand, follow_up_words
from trialsim.report.event_models import distribution_words
from trialsim.report.intercurrent import plans_words
from trialsim.report.waiting import capacity_words
from trialsim.reported.trial import IntercurrentEvents, WaitingTimes
from trialsim.spec.resolved import Endpoint, ResolvedProtocol
from trialsim.spec.resolved_conduct import AfterRelapse, Capacity, Cut, Intercurrent, NewTherapy, Strategies
from trialsim.spec.resolved_model import CureMixture, Law, PiecewiseExponential, SurvivalCurve, Weibull

MONTH = example.MONTH
PLAIN = example.protocol()


def changed(**changes: object) -> ResolvedProtocol:
    return PLAIN.model_copy(update=changes)


@pytest.mark.parametrize(
    ("law", "words"),
    [
        (PiecewiseExponential(rates=(0.03 / MONTH,), until_days=()), "exponential with a hazard of 0.03 a month"),
        (
            PiecewiseExponential(rates=(0.05 / MONTH, 0.02 / MONTH), until_days=(6 * MONTH,)),
            "hazard 0.05 a month until 6 months and 0.02 a month from then on",
        ),
        (Weibull(shape=1.5, scale_days=20 * MONTH), "Weibull with shape 1.5 and scale 20 months"),
        (
            CureMixture(cured=0.4, shape=1.0, scale_days=10 * MONTH),
            "40.0% never have the event, the others' times are exponential with scale 10 months",
        ),
        (
            SurvivalCurve(days=(0.0, 24 * MONTH), survival=(1.0, 0.5), plateau=True, source="km.csv"),
            "the curve of km.csv, to 24 months, no events from then on",
        ),
    ],
    ids=["exponential", "piecewise", "weibull", "cure", "curve"],
)
def test_laws(law: Law, words: str) -> None:
    """Catches days told as months, and a parameter that is left out."""
    assert distribution_words(law) == words


def test_places() -> None:
    """Catches a place that is told as without limit, and days of the week that are one off."""
    assert capacity_words(PLAIN) == ""
    places = Capacity(places={"infusion_chairs": 1, "radiotherapy_slots": 9}, open_days=(0, 4), per_site=True)
    told = capacity_words(changed(capacity=places))
    assert told.startswith("Each site has 1 infusion chair and 9 radiotherapy slots a day, on Monday and Friday;")


def test_waits_are_told_by_arm_and_place() -> None:
    """Catches numbers in the wrong column, and a wait of nobody told as a number."""
    assert waiting([]) is None
    entry: dict[str, Any] = {
        "arm": "a", "label": "A", "place": "infusion_chairs", "administrations": 200, "delayed": 50, "mean_days": 1.25,
        "first_mean_days": None, "longest_days": 9.0, "in_vain": 3, "waiting_at_cut": 4,
    }  # fmt: skip
    table = waiting([read(WaitingTimes, entry)])
    assert table is not None
    assert table.rows == (("A, infusion chair", "200", "50 (25%)", "1.2", "not estimable", "9.0", "3", "4"),)
    assert len(table.head) == len(table.rows[0])


def test_cuts() -> None:
    """Catches the later told for the earlier, and a date that is one off."""
    assert cut_words(PLAIN) == "24 months after the last patient is randomised"
    for when, word in (("latest", "last"), ("earliest", "first")):
        cut = Cut(events=90, day=365.0, when=when, no_later_than_days=730.0)
        follow_up = PLAIN.follow_up.model_copy(update={"cut": cut})
        assert cut_words(changed(follow_up=follow_up)) == (
            f"at the {word} of: 24 months after the last patient is randomised; on 2027-01-15; "
            "when 90 patients have had the event, on 2028-01-15 at the latest"
        )


def test_visits_and_leaving() -> None:
    """Catches a window, a chance or a rate that the reader is not told of."""
    changes = {"window_days": 7.0, "missed": 0.05, "lost_per_day": 0.02 / 365.25}
    told = follow_up_words(changed(follow_up=PLAIN.follow_up.model_copy(update=changes)))
    assert "up to 7 days early or late, each missed with a chance of 5.0%." in told
    assert told.endswith("4.9% of patients a year withdraw and 2.0% are lost to follow-up.")


PLANS = Intercurrent(
    new_therapy=NewTherapy(per_day=0.1 / 365.25, hazard_ratio=0.5),
    crossover=AfterRelapse(share=0.4, survival_ratio=1.0, arms=("control",), to="navitoclax"),
    rescue=AfterRelapse(share=0.5, survival_ratio=1.2, arms=("control", "navitoclax"), to=""),
)


def test_plans() -> None:
    """Catches a plan that is not told, and a factor that changes nothing told as one that does."""
    assert plans_words(PLAIN) == ""
    assert plans_words(changed(intercurrent=PLANS)) == (
        "Other anticancer therapy begins at 10 per 100 patient-years before relapse, after which the hazard of "
        "simulated event times is multiplied by 0.5. After relapse 40.0% of The control arm cross over to "
        "The navitoclax arm. After relapse 50.0% of the others have another treatment, which multiplies their time to "
        "death from cancer by 1.2."
    )


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("treatment-policy", "included regardless (treatment policy)"),
        (
            "hypothetical",
            "the effect is that without it: patients are censored at the last scan before it (hypothetical)",
        ),
        ("while-on-treatment", "only what happens before it counts"),
        ("composite", "it is an event of the endpoint (composite)"),
        ("principal-stratum", "in whom it would happen under no arm (principal stratum)"),
    ],
)
def test_estimands(strategy: str, words: str) -> None:
    """Catches one strategy told as another, cross-over told of an endpoint that it cannot touch, and a population or
    variable that does not follow.
    """
    strategies = Strategies(discontinuation=strategy)
    told = dict(estimand(changed(endpoint=Endpoint(primary="rfs", strategies=strategies), intercurrent=PLANS)))
    sentences = told["Intercurrent events"]
    assert f"Early end of study treatment: {words}" in sentences or words in sentences
    assert "Other anticancer therapy before relapse: included regardless" in sentences
    assert "Cross-over" not in sentences
    assert ("Of these, the patients whose" in told["Population"]) == (strategy == "principal-stratum")
    assert ("or to early end of study treatment" in told["Variable"]) == (strategy == "composite")
    survival = dict(estimand(changed(endpoint=Endpoint(primary="os", strategies=strategies), intercurrent=PLANS)))
    assert "Cross-over to another arm's treatment after relapse: included regardless" in survival["Intercurrent events"]


def test_the_default_is_told_in_one_sentence() -> None:
    """Catches words of estimands in a trial that has none."""
    told = dict(estimand(PLAIN))["Intercurrent events"]
    assert told.startswith("Doses held, reduced or stopped: included regardless (treatment policy). Death is part")


def test_counts_of_what_came_in_between() -> None:
    """Catches a table of zeros, and counts of one arm under another's name."""
    zero = dict.fromkeys(("discontinuation", "new_therapy", "crossover", "rescue"), 0)
    saved: dict[str, Any] = {
        "strategies": Strategies(new_therapy="composite").model_dump(),
        "arms": {"a": zero, "b": zero},
        "stratum": None,
    }
    labels = {"a": "A", "b": "B"}
    assert intercurrent(read(IntercurrentEvents, saved), labels) is None
    saved["arms"] = {"a": zero | {"new_therapy": 3}, "b": zero | {"new_therapy": 5, "rescue": 1}}
    table = intercurrent(read(IntercurrentEvents, saved), labels)
    assert table is not None
    assert [row[1:] for row in table.rows] == [("composite", "3", "5"), ("treatment policy", "0", "1")]
