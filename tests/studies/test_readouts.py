"""Each readout against hand-made curves of which the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.studies.seen import YEAR, doubling, followed, rng, watched
from trialsim.biology.host import removal_rate
from trialsim.studies.findings.readouts import READOUTS, body, colonies, events, meaning, settings, tumours


def test_every_readout_says_what_it_is() -> None:
    """Catches a readout without the sentence that reports print, or with a setting that has no name."""
    for name in READOUTS:
        assert meaning(name).endswith((".", "%."))
        assert "rng" not in settings(name)
        assert all(isinstance(needed, bool) for needed in settings(name).values())


# ---- Tumours


def test_regression_is_the_mean_of_each_tumours_own_nadir() -> None:
    """Nadirs on different days. Catches the nadir of the mean curve (25 %) in place of the mean nadir (50 %)."""
    group = watched([0, 1, 2], cycling=[[100, 50, 100], [100, 100, 50]])
    assert tumours.regression([group], rng=rng()).value == pytest.approx(50.0)


def test_senescent_cells_are_part_of_the_tumour() -> None:
    """Catches a size that counts dividing cells alone."""
    group = watched([0, 1], cycling=[[100, 10]], senescent=[[0, 60]])
    assert tumours.regression([group], rng=rng()).value == pytest.approx(30.0)


def test_time_to_size_is_read_between_looks_on_the_logarithm() -> None:
    """8 doublings of a day: 1000-fold is on day 9.97. Catches linear interpolation (9.95) and the day of the look."""
    group = doubling(3, 1e6, 1.0, 20)
    assert tumours.time_to_size(group, 1e9) == pytest.approx(math.log2(1000.0))
    coarse = watched([0, 5, 10], cycling=[[1e6, 32e6, 1024e6]])
    assert tumours.time_to_size(coarse, 1e9) == pytest.approx(math.log2(1000.0))
    assert tumours.time_to_size(group, 1e15) == pytest.approx(math.inf)


def test_regrowth_counts_from_after_the_nadir() -> None:
    """Swells, shrinks, comes back. Catches the swelling on day 1 taken for regrowth, and never for day 0."""
    group = watched(
        [0, 1, 2, 3, 4], cycling=[[100, 120, 40, 50, 200], [100, 110, 90, 80, 70], [100, 120, 140, 160, 180]]
    )
    times = tumours.time_to_regrowth(group)
    assert times[0] == pytest.approx(3 + math.log(2) / math.log(4))
    assert times[1] == math.inf
    assert times[2] == 0.0
    assert tumours.days_to_regrowth([group], rng=rng()).value == pytest.approx(times[0])


def test_time_ratio_is_of_medians_from_a_day() -> None:
    """Regrowth on days 12 and 20, counted from day 4: 2. Catches a ratio of times from day 0 (1.67) or upside down."""
    slow = watched([0, 4, 20], cycling=[[100, 50, 100]] * 5)
    fast = watched([0, 4, 12], cycling=[[100, 50, 100]] * 5)
    assert tumours.time_ratio([slow, fast], rng=rng(), since=4).value == pytest.approx(2.0)
    assert tumours.time_ratio([doubling(4, 1e6, 2.0, 30), doubling(4, 1e6, 1.0, 30)], rng=rng(), cells=1e9).value == (
        pytest.approx(2.0)
    )


def test_growth_change_is_that_of_the_rate() -> None:
    """Doubling in 4 instead of 5 days is growth of 25 % more. Catches the change of the time (-20 %)."""
    faster = tumours.growth_change([doubling(4, 1e6, 4.0, 60), doubling(4, 1e6, 5.0, 60)], rng=rng(), cells=1e8)
    assert faster.value == pytest.approx(25.0)
    assert faster.lower == pytest.approx(25.0)


def test_size_ratio_is_geometric_and_keeps_the_last_size_of_the_animals_taken_out() -> None:
    """Catches an arithmetic mean (ratio 5.05), and animals that vanish when they are taken out."""
    first = watched([0, 10], cycling=[[1, 10], [1, 1000]])
    second = watched([0, 10], cycling=[[1, 100], [1, 100]])
    assert tumours.size_ratio([first, second], rng=rng(), day=10).value == pytest.approx(1.0)
    gone = watched([0, 5, 10], cycling=[[1, 100, np.nan], [1, 50, 100]])
    assert tumours.size_ratio([gone, second], rng=rng(), day=10).value == pytest.approx(1.0)


def test_cycling_fold_sees_dividing_cells_alone() -> None:
    """Catches senescent cells counted as dividing."""
    group = watched([0, 7], cycling=[[10, 40], [20, 80]], senescent=[[1000, 900], [1000, 900]])
    assert tumours.cycling_fold([group], rng=rng(), begin=0, end=7).value == pytest.approx(4.0)


def test_synergy_is_zero_for_effects_that_add_on_the_logarithm() -> None:
    """Sizes 100, 50, 20 and 10: halved and fifthed, together a tenth. Catches additivity on sizes, and a wrong sign."""
    sizes = (100.0, 50.0, 20.0)
    alone = [watched([0, 9], cycling=[[1, size]] * 4) for size in sizes]
    together = watched([0, 9], cycling=[[1, 10.0]] * 4)
    assert tumours.synergy([*alone, together], rng=rng(), day=9).value == pytest.approx(0.0, abs=1e-12)
    better = watched([0, 9], cycling=[[1, 5.0]] * 4)
    assert tumours.synergy([*alone, better], rng=rng(), day=9).value == pytest.approx(math.log(2))


def test_response_counts_cells_of_any_state() -> None:
    """Catches a complete response called where senescent cells fill the breast."""
    group = watched([0, 9], cycling=[[1e9, 10], [1e9, 10]], senescent=[[0, 1e7], [0, 0]])
    assert tumours.response_rate([group], rng=rng(), day=9, below=1e5).value == 50.0
    assert tumours.dividing_below([group], rng=rng(), day=9, below=1e5).value == 100.0


def test_survivors_and_folds() -> None:
    """Catches survivors told as a fraction, or against another day."""
    group = watched([0, 3, 14], cycling=[[1e6, 10, 0]] * 2, senescent=[[0, 5e4, 2e4]] * 2)
    assert tumours.survivors([group], rng=rng(), day=14).value == pytest.approx(2.0)
    assert tumours.size_fold([doubling(2, 1e6, 3.0, 9)], rng=rng(), begin=3, end=9).value == pytest.approx(4.0)
    assert tumours.days_to_size([doubling(2, 1e6, 1.0, 9)], rng=rng(), cells=4e6, since=1).value == pytest.approx(1.0)


def test_kill_ratio_is_of_the_shares_killed() -> None:
    """80 % against 10 %: 8. Catches the ratio of survivors, and a division by nothing killed."""

    def left(n: float) -> object:
        return watched([0, 8], senescent=[[100, n]] * 3)

    ratio = tumours.kill_ratio([left(20), left(100), left(90), left(100)], rng=rng(), day=8)  # type: ignore[list-item]
    assert ratio.value == pytest.approx(8.0)
    assert tumours.kill_ratio([left(20), left(100), left(100), left(100)], rng=rng(), day=8).value == math.inf  # type: ignore[list-item]


def test_a_day_that_nobody_looked_on_is_an_error() -> None:
    """Catches a readout that quietly takes another day."""
    with pytest.raises(ValueError, match="nobody looked on day 8"):
        tumours.survivors([doubling(2, 1e6, 1.0, 5)], rng=rng(), day=8)
    with pytest.raises(ValueError, match="taken out"):
        tumours.survivors([watched([0, 8], cycling=[[1, np.nan]])], rng=rng(), day=8)


# ---- Events


def test_hazard_ratio_of_exponential_times() -> None:
    """True ratio 2; the interval is right with 1 - 1e-6 at 4.9 standard errors. Catches arms taken the wrong way."""
    draws = np.random.default_rng(8)
    fast, slow = (followed(draws.exponential(mean, 2000), ends=10.0) for mean in (2.0, 4.0))
    found = events.hazard_ratio([fast, slow], rng=rng())
    se = math.log(found.upper / found.lower) / 3.92
    assert abs(math.log(found.value / 2.0)) < 4.9 * se


def test_twins_have_the_narrower_interval() -> None:
    """The same subjects, all a tenth later. Catches twins taken for strangers."""
    draws = np.random.default_rng(8).exponential(2.0, 400)
    early, late = followed(draws, ends=20.0), followed(draws * 1.1, ends=20.0)
    close = events.hazard_ratio([late, early], rng=rng())
    apart = events.cox((late.relapse, np.isfinite(late.relapse)), (early.relapse, np.isfinite(early.relapse)))
    assert close.value < 1.0
    assert close.upper < 1.0 < apart.upper


def test_death_censors_relapse_and_relapse_does_not_censor_death() -> None:
    """Dies at 1, relapse never; relapses at 2, dies at 3. Catches a relapse counted after death."""
    group = followed([5.0, 2.0, 30.0], [1.0, 3.0, 30.0])
    time, seen = events._times(group, None, "relapse")
    assert time / YEAR == pytest.approx([1.0, 2.0, 25.0])
    assert seen.tolist() == [False, True, False]
    time, seen = events._times(group, None, "either")
    assert time / YEAR == pytest.approx([1.0, 2.0, 25.0])
    assert seen.tolist() == [True, True, False]


def test_null_share_is_what_a_null_says() -> None:
    """Same law in both arms: 95 % of experiments hold 1, within 4.9 standard errors (and Wald's error at n = 20).
    Catches subjects used twice, and intervals that miss far more often."""
    draws = np.random.default_rng(9)
    first, second = (followed(draws.exponential(3.0, 2000), ends=50.0) for _ in range(2))
    found = events.null_share([first, second], rng=rng(), each=20)
    assert found.value == pytest.approx(95.0, abs=100 * 4.9 * math.sqrt(0.95 * 0.05 / 100))
    apart = followed(draws.exponential(0.3, 2000), ends=50.0)
    assert events.null_share([apart, second], rng=rng(), each=20).value < 5.0


def test_annual_hazard_is_events_over_person_years() -> None:
    """Four women: one relapses after half a year, one dies after a quarter. Catches a denominator of women (25 %) and
    person-years that go on after the event."""
    group = followed([0.5, 30.0, 30.0, 30.0], [30.0, 0.25, 30.0, 30.0])
    assert events.annual_hazard([group], rng=rng(), begin=0, end=1).value == pytest.approx(100.0 / 2.75)
    assert events.annual_hazard([group], rng=rng(), begin=5, end=10).value == 0.0


def test_crossing_is_where_two_hazards_meet() -> None:
    """One hazard of 10 % a year; another of 20 % for four years, then 5 %. Smoothed over three years they meet in the
    middle of the fifth, when a third of the three years is old. Catches years counted from 1, and a missing window."""
    draws = np.random.default_rng(4)
    level = followed(draws.exponential(10.0, 20_000))
    early = draws.exponential(5.0, 20_000)
    late = 4.0 + draws.exponential(20.0, 20_000)
    falling = followed(np.where(early < 4.0, early, late))
    found = events.crossing_year([level, falling], rng=rng())
    assert 4.4 < found.value < 4.7
    assert found.lower <= found.value <= found.upper
    twice = followed(draws.exponential(5.0, 20_000))
    assert events.crossing_year([twice, level], rng=rng(), last=6).value == 0.0
    assert events.crossing_year([level, twice], rng=rng(), last=6).value == math.inf


def test_median_survival() -> None:
    """Half dead after 2 years. Catches days told as months."""
    group = followed([30.0] * 4, [1.0, 2.0, 30.0, 30.0])
    assert events.median_months([group], rng=rng()).value == pytest.approx(24.0)
    assert events.median_months([followed([30.0] * 4)], rng=rng()).value == math.inf


# ---- Colonies


def test_escape_frequency_counts_plates_with_dividing_cells() -> None:
    """63.2 % of plates of 1e6 have a colony: one in 1e6. Catches colonies (cells, here 50) in place of plates."""
    rows = [[0, 50]] * 632 + [[0, 0]] * 368
    group = watched([0, 21], escaped=rows, senescent=[[1e6, 9e5]] * 1000)
    assert colonies.escape_frequency([group], rng=rng(), day=21).value == pytest.approx(1.0, rel=2e-3)
    assert colonies.escape_share([group], rng=rng(), day=21).value == pytest.approx(63.2)


def test_escape_ratio_takes_account_of_the_cells_plated() -> None:
    """As many plates with colonies, from half the cells. Catches a ratio of shares (1)."""
    few = watched([0, 21], escaped=[[0, 1]] * 50 + [[0, 0]] * 50, senescent=[[5e5, 0]] * 100)
    many = watched([0, 21], escaped=[[0, 1]] * 50 + [[0, 0]] * 50, senescent=[[1e6, 0]] * 100)
    assert colonies.escape_ratio([few, many], rng=rng(), day=21).value == pytest.approx(2.0)


def test_initiation_is_of_animals_without_a_tumour() -> None:
    """Catches takes counted at any size, and the ratio of takes (1.5) in place of the ratio of frequencies (2)."""
    often = watched([0, 50], cycling=[[1, 1e9]] * 75 + [[1, 1e7]] * 25)
    seldom = watched([0, 50], cycling=[[1, 1e9]] * 50 + [[1, 0]] * 50)
    assert colonies.take_rate([often], rng=rng(), cells=1e8).value == 75.0
    assert colonies.initiation_ratio([often, seldom], rng=rng(), cells=1e8).value == pytest.approx(2.0)


def test_scaling_finds_the_exponent() -> None:
    """Frequencies in proportion to the share: exponent 1; all alike: 0. Catches a slope against the share itself."""

    def plates(frequency: float) -> object:
        empty = round(1000 * math.exp(-frequency))
        return watched([0, 9], escaped=[[0, 0]] * empty + [[0, 1]] * (1000 - empty), senescent=[[1.0, 0.0]] * 1000)

    shares = [0.1, 0.2, 0.4, 0.8]
    rising = colonies.scaling([plates(f) for f in shares], rng=rng(), day=9, against=shares)  # type: ignore[misc]
    assert rising.value == pytest.approx(1.0, abs=0.02)
    assert rising.lower < 1.0 < rising.upper
    level = colonies.scaling([plates(0.5)] * 4, rng=rng(), day=9, against=shares)  # type: ignore[list-item]
    assert level.value == pytest.approx(0.0, abs=1e-9)


# ---- Blood and host


def test_platelet_nadir_is_each_patients_own() -> None:
    """Catches a nadir in 1e9/L, and one that is sought beyond the day."""
    group = watched([0, 4, 14, 30], platelets=[[200, 80, 120, 10], [300, 150, 120, 10]])
    assert body.platelet_nadir([group], rng=rng(), until=21).value == pytest.approx(40.0)
    assert body.nadir_day([group], rng=rng(), until=21).value == pytest.approx(9.0)
    assert body.on_drug_recovery([group], rng=rng(), day=14).value == pytest.approx(1.25)
    other = watched([0, 4], platelets=[[100, 50], [100, 50]])
    assert body.nadir_ratio([other, group], rng=rng(), until=21).value == pytest.approx(1.25)


def test_host_readouts() -> None:
    """Catches a rate read from the burden after treatment, and a relief whose ages are swapped."""
    young, old = watched([0, 28], host=[[0.2, 9.0]] * 2), watched([0, 28], host=[[5.0, 9.0]] * 2)
    assert body.host_removal([young], rng=rng()).value == pytest.approx(removal_rate(0.2))
    ratio = body.host_removal_ratio([young, old], rng=rng()).value
    assert ratio == pytest.approx(removal_rate(0.2) / removal_rate(5.0))

    def burden(x: float) -> object:
        return watched([0, 28], host=[[1.0, x]] * 2)

    relief = body.host_relief_ratio([burden(3), burden(9), burden(1), burden(3)], rng=rng(), day=28)  # type: ignore[list-item]
    assert relief.value == pytest.approx(3.0)
