"""The trial and the patient in the terminal."""

from __future__ import annotations

import re

import pytest

from tests.report.sample import contents
from tests.report.sample_protocol import protocol_data, sample_protocol
from tests.saved import read
from trialsim.report import describe_protocol, story_text
from trialsim.report.describe import cycles, day_ranges
from trialsim.report.estimand import duration, estimand, follow_up_words
from trialsim.report.patients import relapse_sentence
from trialsim.reported.stories import PatientStory
from trialsim.spec.resolved import ResolvedProtocol


@pytest.mark.parametrize("arms", [1, 2, 3])
def test_description_fits_the_terminal(arms: int) -> None:
    """Catches a line that wraps at 100 columns."""
    text = describe_protocol(sample_protocol(arms))
    assert max(len(line) for line in text.splitlines()) <= 100


def test_administrations_are_dated_by_cycle() -> None:
    """Catches days counted from 0, a cycle that takes its neighbour's days, a range that swallows a gap."""
    text = describe_protocol(sample_protocol())
    assert re.search(r"cycle  1  week  18  days 127-131, 134-138 and 141-145", text)
    assert re.search(r"cycle  6  week  42  days 295-301", text)
    assert "held below 75" in text
    order = sample_protocol().arms["navitoclax"].orders[-1]
    assert [len(group) for group in cycles(order)] == [7] * 6
    assert day_ranges([0.0, 1.0, 2.0, 9.0]) == "1-3 and 10"


def test_shared_orders_are_listed_once() -> None:
    """Catches a description that repeats the backbone for every arm, or hides what differs from it."""
    text = describe_protocol(sample_protocol(3))
    assert text.count("Doxorubicin 60 mg/m²:") == 1
    assert text.count("As in control: Doxorubicin, Cyclophosphamide, Paclitaxel and Radiotherapy.") == 2
    assert "Navitoclax 50 mg: 42 doses" in text


def test_timeline_columns_are_weeks() -> None:
    """Catches an axis whose numbers don't stand over their weeks."""
    lines = describe_protocol(sample_protocol()).splitlines()
    axis = next(line for line in lines if line.strip().startswith("week"))
    paclitaxel = next(line for line in lines if line.strip().startswith("Paclitaxel  "))
    assert paclitaxel.index("|") == axis.index(" 8") + 1


def test_an_arm_without_treatment_is_told() -> None:
    """Catches a crash on an untreated arm."""
    data = protocol_data()
    for arm in data["arms"].values():
        arm["orders"] = []
    assert describe_protocol(ResolvedProtocol.model_validate(data)).count("no treatment") == 2


def test_estimand_names_the_five_attributes() -> None:
    """Catches an estimand without its intercurrent events, or with death outside a composite that has it."""
    names = [name for name, _ in estimand(sample_protocol())]
    assert names == ["Treatments", "Population", "Variable", "Intercurrent events", "Summary"]
    data = protocol_data() | {"endpoint": {"primary": "ttr"}}
    words = dict(estimand(ResolvedProtocol.model_validate(data)))
    assert "competing event" in words["Intercurrent events"]
    assert "part of the endpoint" in dict(estimand(sample_protocol()))["Intercurrent events"]


def test_labels_with_an_and_of_their_own_are_parted_by_semicolons() -> None:
    """Catches "A and B, C and C and B against A", of which nobody knows how many arms it names."""
    data = protocol_data(3)
    for arm, label in zip(data["arms"].values(), ("A", "A and B", "C"), strict=True):
        arm["label"] = label
    words = dict(estimand(ResolvedProtocol.model_validate(data)))["Treatments"]
    assert words == "A and B; C against A."
    assert ";" not in dict(estimand(sample_protocol(2)))["Treatments"]


def test_an_order_is_listed_under_the_first_arm_that_gives_it() -> None:
    """Catches the same dates told again for every arm but the reference."""
    data = protocol_data(3)
    second, third = list(data["arms"].values())[1:]
    third["orders"] = second["orders"]
    text = describe_protocol(ResolvedProtocol.model_validate(data))
    assert text.count("295-301") == 1
    assert f"As in {second['name']}: Navitoclax." in text


def test_a_label_too_long_for_the_timeline_says_that_it_is_cut() -> None:
    """Catches a name that ends in the middle of a word as if it were whole."""
    data = protocol_data()
    agent = next(iter(data["agents"].values()))
    agent["label"] = "F3 (tissue factor) inhibitor"
    assert "  F3 (tissue facto… " in describe_protocol(ResolvedProtocol.model_validate(data))


def test_scans_at_one_interval_are_told_plainly() -> None:
    """Catches "every 2 months from then on" where there is no before."""
    data = protocol_data()
    data["follow_up"]["scans"] = [{"every_days": 2 * 30.4375, "until_days": None}]
    assert "Scans every 2 months. " in follow_up_words(ResolvedProtocol.model_validate(data))
    data["follow_up"]["scans"].insert(0, {"every_days": 30.4375, "until_days": 365.25})
    told = follow_up_words(ResolvedProtocol.model_validate(data))
    assert "Scans every 30.4375 days until 12 months, every 2 months from then on." in told


def test_durations() -> None:
    """Catches 1095.75 days where 36 months were meant, and months where days were."""
    assert duration(36 * 30.4375) == "36 months"
    assert duration(100) == "100 days"
    assert duration(1) == "1 day"


def test_a_story_fits_and_tells_the_cause() -> None:
    """Catches a story that leaves out doses, scans, the nadir or the lineage."""
    for story in contents()["results"]["stories"]["patients"]:
        text = story_text(read(PatientStory, story))
        assert max(len(line) for line in text.splitlines()) <= 100
        assert f"nadir {min(story['platelets']['value']):.0f}" in text
        assert ("The distant relapse came from TIS escape (DNA damage)" in " ".join(text.split())) is (
            story["relapse"] is not None
        )
    reduced = story_text(read(PatientStory, contents()["results"]["stories"]["patients"][2]))
    # cycles start on days 154 + 28 k; from day 240 on the dose is reduced: 5 + 7 + 7 doses
    assert "19 of them reduced, the least to 75%" in " ".join(reduced.split())


def test_a_bare_story_is_still_a_story() -> None:
    """Catches a crash where a patient had no dose, no scan, no platelets and one saved time."""
    story = contents()["results"]["stories"]["patients"][0] | {
        "doses": [], "scans": [], "platelets": {"time": [], "value": []}, "relapse": None, "time": [0.0],
        "series": {"cycling": [0.0], "dormant": [0.0], "senescent": [0.0], "escaped": [0.0]},
    }  # fmt: skip
    text = story_text(read(PatientStory, story))
    assert text.count("none") >= 2
    assert "Platelets" not in text


def relapse_told(latent: float | None, detected: float = 48.0) -> str:
    relapse = {
        "site": "distant",
        "latent_day": latent,
        "detected_day": detected * 30.4375,
        "cells": 981_758_544.0,
        "limit": 1e9,
        "cause": "residual growth",
        "lineage": {"residual growth": 1.0},
    }
    story = contents()["results"]["stories"]["patients"][0] | {"relapse": relapse}
    return relapse_sentence(read(PatientStory, story))


def test_since_when_a_relapse_could_be_seen() -> None:
    """Catches a day of crossing told of a lesion that had not crossed the limit, its cells rounded up to the limit, and
    months of a lesion that was as large before the trial began."""
    assert relapse_told(46 * 30.4375) == (
        "The distant relapse came from residual growth; it had reached the detection limit in month 46.0, 2.0 months "
        "before it was detected."
    )
    assert relapse_told(46 * 30.4375, 46.0).endswith("in month 46.0, detected at this scan.")
    assert relapse_told(None) == (
        "The distant relapse came from residual growth; the scan called it early: 981,758,544 cells, below the "
        "detection limit of 10⁹."
    )
    assert relapse_told(0.0).endswith("; it was at the detection limit when the patient was randomised.")
