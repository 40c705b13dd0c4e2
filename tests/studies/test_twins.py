"""The same patients under every arm: who they are, and differences with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.studies.protocols import ONLY_CHEMOTHERAPY_AGES, start_protocol
from trialsim.patient.cohort import sample_traits
from trialsim.reported.studies import ArmOutcomes, SavedEstimate
from trialsim.results import read_as, to_json
from trialsim.stories import tell_story
from trialsim.studies.contrasts import contrast, gap, outcome, outcomes
from trialsim.studies.twins import Floats, Twins, live_twins, live_under

PATIENTS = 600
YEAR = 365.25


def twins(relapse: list[float], nadir: float = 200.0) -> Twins:
    days = np.array(relapse)
    return Twins(days, np.full(days.size, nadir), tuple("x" if math.isfinite(day) else "" for day in relapse))


@pytest.fixture(scope="module")
def lived() -> dict[str, Twins]:
    return live_twins(start_protocol(), PATIENTS, seed=4)


# ---- Who the twins are ----------------------------------------------------------------------------------------------


def test_the_number_of_processes_and_other_arms_change_nothing(lived: dict[str, Twins]) -> None:
    """Catches parts that are joined in the wrong order, and streams keyed by part or by arm. Bit for bit."""
    protocol = start_protocol()
    (alone,) = live_under([(protocol, "after-7")], PATIENTS, seed=4, jobs=2)
    np.testing.assert_array_equal(alone.relapse, lived["after-7"].relapse)
    np.testing.assert_array_equal(alone.nadir, lived["after-7"].nadir)
    assert alone.causes == lived["after-7"].causes


def test_a_twin_is_the_patient_of_the_trial(lived: dict[str, Twins]) -> None:
    """Catches a patient off by one, of another part (from number 501 on), or under another arm: `trialsim patient`
    tells the same relapse wherever no competing event came first."""
    protocol = start_protocol()
    traits = sample_traits(protocol.cohort, PATIENTS, seed=4)
    relapsed = [n for n in (*range(1, 30), *range(501, 530)) if lived["after-7"].relapse[n - 1] < 2 * YEAR]
    checked = 0
    for number in relapsed:
        relapse = tell_story(protocol, number, traits, seed=4, arm="after-7").relapse
        if relapse is None:
            continue  # the trial's patient died or withdrew before
        assert relapse.detected_day == lived["after-7"].relapse[number - 1]
        assert relapse.cause == lived["after-7"].causes[number - 1]
        checked += 1
    assert checked > 10


def test_arms_part_only_where_treatment_does(lived: dict[str, Twins]) -> None:
    """Catches arms with patients of their own: what happens before treatments differ is the same."""
    before_112_after = lived["control"].relapse < 99 + 112
    assert before_112_after.sum() > 5
    np.testing.assert_array_equal(
        lived["control"].relapse[before_112_after], lived["after-112"].relapse[before_112_after]
    )
    assert (lived["control"].relapse != lived["after-112"].relapse).any()


# ---- Contrasts ------------------------------------------------------------------------------------------------------


def test_an_arm_against_itself_is_exactly_nothing(lived: dict[str, Twins]) -> None:
    """Catches a contrast of unpaired patients, whose difference has an error of its own."""
    same = contrast(lived["after-7"], lived["after-7"], 5 * YEAR)
    assert same.days_gained == SavedEstimate(0.0, 0.0, 0.0)
    assert same.relapses_averted.value == 0.0
    assert (same.saved, same.harmed, same.same_course) == (0, 0, PATIENTS)
    assert same.relapse_in_both + same.relapse_in_neither == PATIENTS


def test_a_known_difference() -> None:
    """Catches a sign turned round, the horizon left out or not included, and kinds of patients that change places."""
    reference = twins([100.0, 200.0, 300.0, math.inf, 400.0, math.inf])
    arm = twins([150.0, 300.0, math.inf, math.inf, 400.0, 250.0])
    found = contrast(arm, reference, 300.0)
    # Days up to 300: reference 100 200 300 300 300 300, arm 150 300 300 300 300 250.
    assert found.days_gained.value == pytest.approx(100.0 / 6.0, rel=1e-5)
    # Relapsed up to day 300, that day included: reference 1 2 3, arm 1 2 6.
    kinds = ("saved", "harmed", "relapse_in_both", "relapse_in_neither", "same_course")
    assert tuple(getattr(found, kind) for kind in kinds) == (1, 1, 2, 2, 2)
    assert found.relapses_averted.value == 0.0
    turned = contrast(reference, arm, 300.0)
    assert turned.days_gained.value == -found.days_gained.value


def test_a_gap_is_within_patients(lived: dict[str, Twins]) -> None:
    """Catches gains of different patients taken from each other, and a sign: the gap of two arms against one reference
    is one arm against the other, and a gain has no gap to itself."""
    control, after, before = lived["control"], lived["after-7"], lived["before"]
    assert gap((after, control), (before, control), 5 * YEAR) == contrast(after, before, 5 * YEAR).days_gained
    assert gap((after, control), (after, control), 5 * YEAR) == SavedEstimate(0.0, 0.0, 0.0)


def test_an_outcome_counts_what_came_within_time() -> None:
    """Catches causes of later relapses among the earlier ones, and the wrong side of the limit of grade 3."""
    of = Twins(np.array([100.0, 500.0, math.inf]), np.array([49.0, 50.0, 120.0]), ("escape", "growth", ""))
    found = outcome("", of, 365.0)
    assert found.causes == {"escape": 1}
    assert found.relapsed_percent.value == pytest.approx(100.0 / 3.0, rel=1e-5)
    assert found.grade34_thrombocytopenia_percent.value == pytest.approx(100.0 / 3.0, rel=1e-5)
    assert found.relapse_free_days.value == pytest.approx((100.0 + 365.0 + 365.0) / 3.0, rel=1e-5)


def test_the_interval_is_that_of_resampled_patients(lived: dict[str, Twins]) -> None:
    """The standard error against a bootstrap over patients: 4000 resamples know it to 1.1 % (one standard error), so
    six of these are 7 % (false alarm 2e-9). Catches an interval of unpaired arms, which is several times as wide, and a
    missing root of n."""
    arm, reference = lived["before"], lived["control"]
    until = 5 * YEAR
    gained = np.minimum(arm.relapse, until) - np.minimum(reference.relapse, until)
    own = contrast(arm, reference, until).days_gained
    half = 0.5 * (own.upper - own.lower)
    rng = np.random.default_rng(7)
    spread = float(gained[rng.integers(0, PATIENTS, (4000, PATIENTS))].mean(axis=1).std())
    assert half == pytest.approx(1.96 * spread, rel=0.07)
    unpaired = 1.96 * math.sqrt(_variance(arm, until) + _variance(reference, until))
    assert half < 0.5 * unpaired


def _variance(of: Twins, until: float) -> float:
    days: Floats = np.minimum(of.relapse, until)
    return float(days.var(ddof=1) / days.size)


def test_results_are_json_and_name_every_arm(lived: dict[str, Twins]) -> None:
    """Catches numbers that JSON has no word for, and an arm that is not told."""
    protocol = start_protocol()
    found = outcomes(protocol, lived)
    assert read_as(ArmOutcomes, to_json(found), "twins") == found
    assert list(found.arms) == list(protocol.arms)
    assert list(found.contrasts) == ["after-112", "after-7", "before"]
    assert found.months == pytest.approx(60.0)


# ---- Theory ---------------------------------------------------------------------------------------------------------


def test_a_senolytic_before_there_is_anything_to_kill_does_nothing() -> None:
    """Where chemotherapy alone makes senescent cells and navitoclax spares cycling ones, navitoclax before chemotherapy
    has no effect: five standard errors (false alarm 6e-7), with escape raised thirty-fold so that there would be much
    to prevent. Right after chemotherapy the same test must see an effect. Catches a senolytic that acts on what it
    should not, or that outlasts its half-life."""
    switches = (*ONLY_CHEMOTHERAPY_AGES, "agents.navitoclax.cycling_effect=0", "biology.escape=30")
    protocol = start_protocol(*switches, "arms.after-7.add.0.start=0 d after ac")
    arms = [(protocol, arm) for arm in ("control", "before", "after-7")]
    control, before, after = live_under(arms, 3000, seed=1)

    def z(arm: Twins) -> float:
        of = contrast(arm, control, 5 * YEAR).days_gained
        return float(of.value / ((of.upper - of.lower) / 3.92))

    assert abs(z(before)) < 5.0
    assert z(after) > 5.0
