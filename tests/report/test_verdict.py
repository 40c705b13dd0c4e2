"""The verdict strip and the numbers in it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.report.sample import concluded, contents
from trialsim.report import numbers
from trialsim.report.verdict import Verdict, truth_sentence, verdicts
from trialsim.spec.resolved import Distribution


def strip(**changes: Any) -> Verdict:
    """The verdict of the main case with parts of its comparison replaced."""
    analysis = contents()["results"]["analysis"]
    comparison = analysis["comparisons"][0]
    for key, value in changes.items():
        if isinstance(comparison.get(key), dict):
            comparison[key] |= value
        else:
            analysis[key] = value
    return verdicts(concluded(analysis))[0]


def test_met_only_below_the_level_and_in_favour() -> None:
    """Catches a verdict that forgets the direction, the level, or which test was planned."""
    assert strip(stratified_logrank={"p": 0.02, "z": -2.1}).outcome == "met"
    assert strip(stratified_logrank={"p": 0.03, "z": -1.9}).outcome == "not met"
    assert strip(stratified_logrank={"p": 0.03, "z": -1.9}, logrank={"p": 0.001, "z": -3.3}).outcome == "not met"
    assert strip(stratified_logrank={"p": 0.99, "z": 2.3}).outcome == "worse"
    assert strip(stratified_logrank={"p": 0.01, "z": 2.6}, sided=2).outcome == "worse"
    assert strip(stratified_logrank={"p": 0.97, "z": 1.9}).outcome == "not met"
    assert strip(stratified_logrank={"p": None, "z": None}).outcome == "unknown"


def test_the_unstratified_test_decides_when_it_was_planned() -> None:
    """Catches a report that always takes the stratified p."""
    analysis = contents()["results"]["analysis"] | {"test": "logrank"}
    analysis["comparisons"][0]["stratified_logrank"] |= {"p": 0.5, "z": 0.0}
    analysis["comparisons"][0]["logrank"] |= {"p": 0.001, "z": -3.1}
    assert verdicts(concluded(analysis))[0].outcome == "met"


def test_hazard_ratio_never_leads_when_hazards_are_not_proportional() -> None:
    """Catches an HR in front of the reader although the test of proportionality rejects."""
    steady, crossing = strip(proportional_hazards={"p": 0.05}), strip(proportional_hazards={"p": 0.049})
    assert steady.tiles[0].label == "Hazard ratio"
    assert crossing.tiles[0].label == "Event-free months, mean difference"
    assert "mean event-free time leads" in crossing.detail
    assert crossing.detail.index("months longer") < crossing.detail.index("hazard ratio of")
    for verdict in (steady, crossing):
        assert {"Hazard ratio", "Event-free months, mean difference", "Log-rank"} <= {t.label for t in verdict.tiles}


def test_values_are_the_analysis_own() -> None:
    """Catches days shown as months, shares as percents, an interval with its sides swapped."""
    comparison = contents()["results"]["analysis"]["comparisons"][0]
    verdict = strip()
    mean, hr = comparison["rmst_difference"], comparison["hazard_ratio"]
    shown = {tile.label: tile for tile in verdict.tiles}
    assert shown["Hazard ratio"].value == f"{hr['estimate']:.2f}"
    assert shown["Hazard ratio"].detail == f"95% CI {hr['lower']:.2f}\u00a0to\u00a0{hr['upper']:.2f}"
    assert shown["Event-free months, mean difference"].value == f"{mean['estimate'] / 30.4375:+.1f}"


def test_the_landmark_is_one_that_patients_still_support() -> None:
    """Catches a landmark read off the tail, where fewer than a tenth are at risk."""
    analysis = contents()["results"]["analysis"]
    last = [arm["landmarks"][-1]["at_risk"] / arm["n"] for arm in analysis["arms"].values()]
    assert min(last) < 0.1
    assert "RFS at 36 months" in {tile.label for tile in verdicts(concluded(analysis))[0].tiles}


def test_truth_is_claimed_for_simulations_only() -> None:
    """Catches observed data sold as known truth."""
    assert "are simulated" in truth_sentence("cells")
    assert truth_sentence("") == "These are observed data, not a simulation."


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.00099, "<\u00a00.001"),
        (0.001, "0.001"),
        (0.0449, "0.045"),
        (0.2, "0.20"),
        (0.999, ">\u00a00.99"),
        (None, "not estimable"),
    ],
)
def test_p_values(p: float | None, text: str) -> None:
    """Catches p = 0.000, p = 1.00 and false precision."""
    assert numbers.p_text(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (241, "241"), (0.14, "0.14"), (30210, "30,210"), (1e9, "10⁹"), (3.1e12, "3.1\u00a0×\u00a010¹²"),
     (1e-7, "10⁻⁷"), (2.7e-5, "2.7\u00a0×\u00a010⁻⁵"), (999999.9, "1,000,000")],
)  # fmt: skip
def test_plain_numbers(value: float, text: str) -> None:
    """Catches a wrong exponent or a lost sign of it."""
    assert numbers.plain_number(value) == text


def test_distributions_in_readers_parameters() -> None:
    """Catches the logarithm's mean shown for the median, and a truncation left out."""
    lognormal = Distribution(kind="lognormal", parameters={"mu": math.log(200), "sigma": 0.5}, upper=900)
    assert numbers.distribution(lognormal).replace("\u00a0", " ") == (
        "log-normal, median 200, 90% 87.9 to 455; at most 900"
    )
    level = Distribution(kind="categorical", levels=("wild_type", "mutant"), probabilities=(0.8, 0.2))
    assert numbers.distribution(level) == "wild type 80%, mutant 20%"
    # Beta(3, 1): mean 3/4, variance 3 / (16 * 5)
    assert numbers.distribution(Distribution(kind="beta", parameters={"a": 3, "b": 1})) == "beta, mean 0.75, sd 0.194"
