"""Many trials in compiled code: the test of the analysis, the laws that were asked for, the error that was spent."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.designs.published import CASES
from trialsim.analysis.logrank import fleming_harrington, hazard_table
from trialsim.designs import replicate_kernel as kernel
from trialsim.designs.boundaries import DesignError, Futility, by_spending
from trialsim.designs.replicates import (
    BLOCK,
    Arm,
    LivedCourses,
    Population,
    Replicates,
    Schedule,
    as_drawn,
    at_events,
    run,
    run_courses,
)
from trialsim.designs.spending import parse_spending
from trialsim.designs.survival import Group, Steps, SurvivalTrial, constant
from trialsim.rng import Purpose, stream

MEDIAN_24 = constant(math.log(2) / 24)
LOSS = constant(0.002)
#: The published design of the speed target: 400 patients, median 24 months, 240 events.
NULL = Population(400, constant(400 / 24), (Arm((MEDIAN_24,), (LOSS,)),) * 2)
FAMILIES = ("obrien-fleming", "pocock", "hwang-shih-decani(-4)", "kim-demets(3)")
TRIALS = 20_480


def arms(control: Steps, treated: Steps, dropout: Steps) -> tuple[Arm, Arm]:
    return Arm((control,), (dropout,)), Arm((treated,), (dropout,))


def drawn(population: Population, seed: int = 1) -> kernel.Trial:
    trial = kernel.empty_trial(population.patients)
    rng = stream(seed, Purpose.REPLICATES)
    kernel.draw_trial(rng, as_drawn(population), trial)
    return trial


@settings(max_examples=80, deadline=None)
@given(
    size=st.integers(2, 80),
    seed=st.integers(0, 2**32 - 1),
    strata=st.integers(1, 3),
    grid=st.sampled_from([0.5, 0.01, 1e-9]),
    weights=st.sampled_from([(0.0, 0.0), (0.0, 1.0), (0.5, 0.5)]),
)
def test_the_compiled_test_is_that_of_the_analysis(
    size: int, seed: int, strata: int, grid: float, weights: tuple[float, float]
) -> None:
    """Ties, strata, a third arm, patients who come after the cut. Catches one at risk too many, a tie taken in turn."""
    rng = np.random.default_rng(seed)
    entry = np.sort(rng.uniform(0, 10, size))
    arm, stratum = rng.integers(0, 3, size), rng.integers(0, strata, size)
    end = np.ceil(rng.exponential(5.0, size) / grid) * grid
    happened, cut = rng.random(size) < 0.7, 9.0
    score, variance, events = 0.0, 0.0, 0.0
    for s in range(strata):
        chosen = (entry <= cut) & (arm != 2) & (stratum == s)
        seen = happened & (entry + end <= cut)
        time = np.where(entry + end <= cut, end, cut - entry)
        table = hazard_table(time[chosen], seen[chosen], arm[chosen] == 1)
        weight = fleming_harrington(table.survival_before, *weights)
        score -= float(weight @ (table.observed - table.expected))
        variance += float(weight**2 @ table.variance)
        events += float(seen[chosen].sum())
    trial = kernel.Trial(entry, arm, stratum, end, end)
    ended = kernel.Ended(end, end, happened, np.argsort(end))
    found = kernel.compare(cut, 1, trial, ended, False, strata, *weights)
    assert found == pytest.approx((events, score, variance), rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(0, 1e6) | st.just(math.inf), min_size=1, max_size=200), copies=st.sampled_from([1, 70])
)
def test_the_sort_sorts(values: list[float], copies: int) -> None:
    """Times of cure are infinite and sort last. Catches buckets that overflow, equal values, one value alone."""
    times = np.array(values * copies)
    order, starts = np.zeros(len(times), dtype=np.int64), np.zeros(len(times) + 1, dtype=np.int64)
    kernel.sort_into(times, len(times), order, starts)
    assert sorted(order.tolist()) == list(range(len(times)))
    np.testing.assert_array_equal(times[order], np.sort(times))


def test_patients_have_the_laws_that_were_asked_for() -> None:
    """Accrual, strata, blocks, events and dropout of 60,000 patients; 5 standard errors, a false alarm in 2e6 each.

    Catches the rows of two strata or arms exchanged, a rate that holds from the end of its piece, unequal blocks.
    """
    rising, falling, cured = Steps((4.0,), (0.05, 0.2)), Steps((2.0, 6.0), (0.3, 0.1, 0.02)), Steps((10.0,), (0.1, 0.0))
    population = Population(
        60_000,
        Steps((1000.0, 2000.0), (5.0, 10.0, 30.0)),
        (Arm((rising, falling), (LOSS, LOSS)), Arm((cured, rising), (constant(0.0), LOSS))),
        ratio=(1, 2),
        blocks=(3, 6),
        shares=(0.25, 0.75),
    )
    entry, arm, stratum, event, loss = drawn(population)
    assert (np.diff(entry) >= 0).all()
    for time, expected in ((1000.0, 5000.0), (2000.0, 15_000.0), (3000.0, 45_000.0)):
        assert abs((entry <= time).sum() - expected) < 5 * math.sqrt(expected)
    assert abs((stratum == 1).mean() - 0.75) < 5 * math.sqrt(0.75 * 0.25 / 60_000)
    for s in (0, 1):
        given_to = np.cumsum(arm[stratum == s])
        # Never further from two in three than a block of six can be.
        assert abs(given_to - 2 / 3 * np.arange(1, len(given_to) + 1)).max() <= 4 / 3 * 2
        for a in (0, 1):
            here, law = (stratum == s) & (arm == a), population.arms[a]
            for time in (1.0, 3.0, 5.0, 8.0, 40.0):
                left = math.exp(-law.hazard[s].integral(time))
                assert abs((event[here] > time).mean() - left) < 5 * math.sqrt(left * (1 - left) / here.sum()) + 1e-12
            if law.dropout[s].values == (0.0,):
                assert np.isinf(loss[here]).all()
            else:
                assert loss[here].mean() == pytest.approx(500.0, rel=5 / math.sqrt(here.sum()))
    assert np.isinf(event[(stratum == 0) & (arm == 1)]).any()


def test_expected_events_are_those_of_the_closed_form() -> None:
    """At three calendar times, 4 standard errors. Catches entry counted from the first patient."""
    treated = Steps((6.0,), (math.log(2) / 24, 0.6 * math.log(2) / 24))
    population = Population(400, constant(400 / 24), arms(MEDIAN_24, treated, LOSS))
    times = (12.0, 20.0, 60.0)
    found = run(population, Schedule((0,) * 3, (math.inf,) * 3, (-math.inf,) * 3, earliest=times), 4096, seed=3)
    trial = SurvivalTrial(constant(400 / 24), Group(MEDIAN_24, LOSS), Group(treated, LOSS))
    for k, time in enumerate(times[:2]):
        expected = trial.expected(time).events
        assert abs(found.events[:, k].mean() - expected) < 4 * found.events[:, k].std() / 64


@pytest.mark.parametrize("looks", [1, 3, 5])
@pytest.mark.parametrize("family", FAMILIES)
def test_type_one_error(looks: int, family: str) -> None:
    """20,480 trials under no effect: 0.025 within 3 standard errors. Catches bounds on the wrong scale or side."""
    design = by_spending([(k + 1) / looks for k in range(looks)], 0.025, 1, parse_spending(family))
    found = run(NULL, at_events(design, 240), TRIALS, seed=20)
    assert abs(found.power.value - 0.025) < 3 * found.power.se
    np.testing.assert_array_equal(found.events[:, 0], math.ceil(240 / looks))


def test_type_one_error_of_other_allocations() -> None:
    """2:1, stratified, futility that does not bind. Catches an event counted for the wrong arm."""
    design = by_spending([1.0], 0.025, 1, parse_spending("pocock"))
    double = Population(400, NULL.accrual, NULL.arms, ratio=(1, 2), blocks=(3, 6))
    mixed = Population(400, NULL.accrual, (Arm((MEDIAN_24, constant(0.09)), (LOSS, LOSS)),) * 2, shares=(0.6, 0.4))
    futility = Futility(0.1, parse_spending("pocock"))
    sequential = by_spending([0.5, 1.0], 0.025, 1, parse_spending("obrien-fleming"), futility)
    for population, schedule in (
        (double, at_events(design, 240)),
        (mixed, at_events(design, 240, stratified=True)),
        (NULL, at_events(sequential, 240)),
    ):
        assert run(population, schedule, TRIALS, seed=21).power.value < 0.0275
    # Strata that are ignored make the test conservative: the test would notice if they were.
    assert run(mixed, at_events(design, 240), TRIALS, seed=21).power.value < 0.02


def test_power_and_stops_of_a_sequential_design() -> None:
    """HR 0.7, 331 events: Schoenfeld's 0.9, and what the integrals say of stops and of events at the stop.

    The log-rank z has a mean a little below that of its limit, so power may be 0.01 off; 4 standard errors of 8,192
    trials are 0.013. Catches boundaries that belong to other looks.
    """
    design = by_spending(
        [0.5, 0.75, 1.0], 0.025, 1, parse_spending("obrien-fleming"), Futility(0.1, parse_spending("pocock"))
    )
    events = design.inflation(0.9) * 330.37791
    population = Population(700, constant(700 / 24), arms(MEDIAN_24, constant(0.7 * math.log(2) / 24), LOSS))
    found = run(population, at_events(design, events), 8192, seed=5)
    planned = design.operating(design.drift or 0.0)
    for look, expected in enumerate(np.cumsum(planned.rejected), 1):
        assert abs(found.rejected_by(look).value - expected) < 0.01 + 4 * found.rejected_by(look).se
    stopped = found.share(found.ended == kernel.FUTILITY).value
    assert abs(stopped - planned.futile[:-1].sum()) < 0.01 + 4 * math.sqrt(stopped / 8192)
    assert found.expected_events.value == pytest.approx(planned.information * events, rel=0.02)


def test_a_published_simulation_of_fixed_designs() -> None:
    """simtrial's 100 trials of 434 patients: power within 3 of its errors, at 18 months and at 227 events."""
    case = CASES["sim03_simtrial_vs_nSurv"]
    hazard, lost = math.log(2) / case.inputs["median_c"], constant(-math.log(0.95) / 12)
    population = Population(
        case.inputs["n"], Steps((1.0, 2.0), (5.0, 5.0, 47.0)), arms(constant(hazard), constant(0.65 * hazard), lost)
    )
    bound = {"upper": (case.inputs["z_crit"],), "lower": (-math.inf,)}
    planned = run(population, Schedule((0,), earliest=(case.inputs["total_duration"],), **bound), 8192, seed=4)
    target = run(population, Schedule((case.inputs["target_events"],), **bound), 8192, seed=4)
    for found, published in ((planned, "power_planned_duration"), (target, "power_target_events")):
        power = case.expected[published]
        assert abs(found.power.value - power) < 3 * math.sqrt(power * (1 - power) / case.inputs["nsim"])


def test_a_published_simulation_of_piecewise_accrual() -> None:
    """gsDesign2's simulated events of 108 patients at five times, to the tolerance in the file."""
    case = CASES["nph02_AHR_sim"]
    early, late = math.log(2) / 9, math.log(2) / 18
    population = Population(
        108,
        Steps((2.0, 4.0), (3.0, 6.0, 9.0)),
        arms(Steps((3.0,), (early, late)), Steps((3.0,), (0.9 * early, 0.6 * late)), constant(0.001)),
    )
    times = tuple(map(float, case.inputs["T"]))
    schedule = Schedule((0,) * 5, (math.inf,) * 5, (-math.inf,) * 5, earliest=times)
    events = run(population, schedule, 8192, seed=5).events.mean(axis=0)
    assert events == pytest.approx(case.expected["sim_events"], abs=case.abs_tol)


@pytest.mark.parametrize(
    ("test", "weights"),
    [("logrank", (0.0, 0.0)), ("FH(0,1)", (0.0, 1.0)), ("FH(0,0.5)", (0.0, 0.5)), ("FH(0.5,0.5)", (0.5, 0.5))],
)
def test_a_published_simulation_of_a_delayed_effect(test: str, weights: tuple[float, float]) -> None:
    """Events and power by look of 10,000 published trials with a 4-month delay, within 3 Monte-Carlo errors of both.

    The bounds are those of gsSurv: O'Brien-Fleming spending of alpha and of a beta of 0.1 at thirds.
    """
    case = CASES["nph04_WLR_delay_sim"]
    published, hazard = case.expected[test], math.log(2) / 15
    population = Population(
        published["N"],
        constant(published["N"] / case.inputs["enroll_duration"]),
        arms(constant(hazard), Steps((4.0,), (hazard, 0.6 * hazard)), constant(0.001)),
    )
    times = tuple(map(float, case.inputs["T"]))
    obf = parse_spending("obrien-fleming")
    design = by_spending([1 / 3, 2 / 3, 1.0], 0.025, 1, obf, Futility(0.1, obf))
    stopping = Schedule((0,) * 3, design.upper, design.lower, earliest=times, weights=weights)
    found = run(population, stopping, 8192, seed=6)
    for look, power in enumerate(published["cum_power"], 1):
        seen = found.rejected_by(look)
        # Printed to two places.
        assert abs(seen.value - power) < 3 * seen.se * math.sqrt(1 + 8192 / 10_000) + 0.005
    schedule = replace(stopping, upper=(math.inf,) * 3, lower=(-math.inf,) * 3)
    found = run(population, schedule, 8192, seed=6)
    for k, events in enumerate(published["events"]):
        error = found.events[:, k].std() * math.sqrt(1 / 8192 + 1 / 10_000)
        assert abs(found.events[:, k].mean() - events) < 3 * error + 0.005


def test_replicates_keep_when_more_are_run() -> None:
    """Catches a stream that depends on how many trials are run; another seed gives other trials."""
    design = by_spending([0.5, 1.0], 0.025, 1, parse_spending("obrien-fleming"))
    few, many = (run(NULL, at_events(design, 240), count, seed=7) for count in (BLOCK + 10, 3 * BLOCK))
    np.testing.assert_array_equal(few.z, many.z[: BLOCK + 10])
    assert not np.array_equal(few.z, run(NULL, at_events(design, 240), BLOCK + 10, seed=8).z)


def test_looks_never_read_the_future() -> None:
    """Events and losses after the cut are poisoned: the look is the same to the bit."""
    trial = drawn(NULL)
    entry, event, loss = trial.entry, trial.event, trial.loss
    at = (np.array([80]), np.zeros(1), np.array([math.inf]))
    looks = kernel.LookRules(*at, np.array([math.inf]), np.array([-math.inf]), 1, False, 1, 0.0, 0.0)
    before, after = np.zeros((1, 3)), np.zeros((1, 3))
    kernel.look_at(trial, looks, before)
    cut = before[0, kernel.CUT]
    later = entry + np.minimum(event, loss) > cut
    rng = np.random.default_rng(1)
    spoilt = np.where(later, cut - entry + rng.exponential(1.0, len(entry)) + 1e-6, event)
    spoilt[entry > cut] = rng.exponential(1.0, (entry > cut).sum())
    lost = np.where(later, math.inf, loss)
    kernel.look_at(trial._replace(event=spoilt, loss=lost), looks, after)
    np.testing.assert_array_equal(before, after)
    assert later.any()


def test_a_look_waits_and_does_not_wait_for_ever() -> None:
    """``earliest`` and ``latest`` bound the calendar. Catches a trial with too few events that never ends."""
    late = Schedule((10,), (math.inf,), (-math.inf,), earliest=(30.0,), latest=(99.0,))
    assert (run(NULL, late, 16, seed=1).cut == 30.0).all()
    never = Schedule((401,), (math.inf,), (-math.inf,), latest=(99.0,))
    found: Replicates = run(NULL, never, 16, seed=1)
    assert (found.cut == 99.0).all()
    assert found.expected_duration.value == 99.0


def test_two_sided_trials_stop_for_harm() -> None:
    """Catches the lower boundary of a two-sided design read as futility."""
    design = by_spending([0.5, 1.0], 0.05, 2, parse_spending("pocock"))
    worse = Population(400, NULL.accrual, arms(MEDIAN_24, constant(1.6 * math.log(2) / 24), LOSS))
    found = run(worse, at_events(design, 240), 512, seed=1)
    assert found.share(found.ended == kernel.HARM).value > 0.9
    assert found.power.value < 0.01


@pytest.mark.parametrize(
    "change",
    [
        {"accrual": Steps((12.0,), (10.0, 0.0))},
        {"blocks": (3,)},
        {"ratio": (1, 1, 1)},
        {"shares": (0.5, 0.5)},
        {"shares": (0.9,)},
    ],
)
def test_populations_that_cannot_be(change: dict[str, object]) -> None:
    """Catches accrual that never ends, blocks that cannot hold the ratio, and strata without a law."""
    with pytest.raises(DesignError):
        Population(**{"patients": 400, "accrual": NULL.accrual, "arms": NULL.arms, **change})  # type: ignore[arg-type]


def test_two_arms_are_compared() -> None:
    """Catches a third arm that is silently left out."""
    three = Population(300, NULL.accrual, (*NULL.arms, NULL.arms[0]), ratio=(1, 1, 1), blocks=(3,))
    with pytest.raises(DesignError, match="two arms"):
        run(three, Schedule((10,), (2.0,), (-math.inf,)), 1, seed=1)


def courses_of(hazard_ratio: float, patients: int = 40_000) -> LivedCourses:
    """Patients of two strata who were lived under both arms, with the same chance in each."""
    rng = np.random.default_rng(17)
    stratum = (rng.random(patients) < 0.4).astype(np.int64)
    hazard = np.where(stratum == 1, 0.08, math.log(2) / 24)
    luck, loss = rng.exponential(size=patients), rng.exponential(500.0, patients)
    return LivedCourses(np.stack([luck / hazard, luck / (hazard * hazard_ratio)]), np.stack([loss, loss]), stratum)


def test_trials_drawn_from_courses_are_those_of_their_law() -> None:
    """40,000 patients lived before against the law they come from: power, expected events, duration.

    The courses' own error is that of 40,000 patients: 0.01 of the hazard ratio's logarithm, 0.02 of power. Catches
    twins that lend each other their times, a stratum lost on the way, patients drawn in order.
    """
    design = by_spending([0.5, 1.0], 0.025, 1, parse_spending("obrien-fleming"))
    schedule = at_events(design, 240, stratified=True)
    law = tuple(Arm((constant(ratio * math.log(2) / 24), constant(ratio * 0.08)), (LOSS, LOSS)) for ratio in (1.0, 0.7))
    population = Population(400, NULL.accrual, law, shares=(0.6, 0.4))
    drawn_from = run_courses(courses_of(0.7), 400, NULL.accrual, schedule, 4096, seed=2)
    of_law = run(population, schedule, 4096, seed=3)
    assert abs(drawn_from.power.value - of_law.power.value) < 0.04 + 4 * math.hypot(
        drawn_from.power.se, of_law.power.se
    )
    assert drawn_from.expected_events.value == pytest.approx(of_law.expected_events.value, rel=0.03)
    assert drawn_from.expected_duration.value == pytest.approx(of_law.expected_duration.value, rel=0.03)


def test_the_same_courses_under_both_arms_are_no_effect() -> None:
    """Twins are never in one trial as a pair, so alpha holds. Catches arms that see different patients."""
    design = by_spending([1.0], 0.025, 1, parse_spending("pocock"))
    found = run_courses(courses_of(1.0, 2000), 400, NULL.accrual, at_events(design, 240), TRIALS // 2, seed=4)
    assert abs(found.power.value - 0.016) < 0.01
    stratified = at_events(design, 240, stratified=True)
    found = run_courses(courses_of(1.0, 2000), 400, NULL.accrual, stratified, TRIALS // 2, seed=4)
    assert found.power.value < 0.025 + 4 * found.power.se


def test_courses_that_cannot_be() -> None:
    """Catches patients with fewer lives than arms, a missing stratum, an accrual that ends."""
    sound = courses_of(1.0, 10)
    for change in ({"event": sound.event[:1]}, {"loss": sound.loss[:, :5]}, {"stratum": sound.stratum[:5]}):
        with pytest.raises(DesignError):
            LivedCourses(**{"event": sound.event, "loss": sound.loss, "stratum": sound.stratum, **change})
    schedule = Schedule((5,), (2.0,), (-math.inf,))
    with pytest.raises(DesignError, match="everybody has come"):
        run_courses(sound, 10, Steps((1.0,), (5.0, 0.0)), schedule, 1, seed=1)
