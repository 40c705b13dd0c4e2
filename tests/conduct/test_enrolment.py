"""Who comes, when, where, and who is randomised. Tolerances are 5 standard errors (a right program fails such a check
with probability 6e-7); seeds are fixed."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import nbinom

from tests.conduct import protocol_for_tests as example
from tests.saved import saved
from trialsim.conduct import conduct_one_patient, conduct_trial
from trialsim.conduct.accrual import arrival_days, draw_arrivals
from trialsim.conduct.enrolment import Arrival, lay_out, opened_sites
from trialsim.endpoints import adsl_frame, events_frame, participant_flow
from trialsim.errors import TrialsimError, UsageError
from trialsim.patient.cohort import Comers, sample_traits
from trialsim.records import EventKind
from trialsim.spec.expected_accrual import OpenTime, day_of_count, day_of_last, expected_count
from trialsim.spec.resolved import Accrual, ResolvedProtocol
from trialsim.spec.resolved_conduct import AccrualStep, Pause, Screening, Sites

#: The same examples in every run.
FIXED = settings(deadline=None, derandomize=True)
STEPS = (
    AccrualStep(per_day=0.2, until_days=100.0),
    AccrualStep(per_day=1.0, until_days=250.0),
    AccrualStep(per_day=0.5, until_days=None),
)
STEPPED = Accrual(patients=300, per_day=0.5, ramp_days=0.0, sites=1, opens="2026-01-15", steps=STEPS)
RAMPED = STEPPED.model_copy(update={"ramp_days": 150.0})


def protocol(**accrual: object) -> ResolvedProtocol:
    base = example.protocol()
    return base.model_copy(update={"accrual": base.accrual.model_copy(update=accrual)})


def enrol(given: ResolvedProtocol, seed: int = 3) -> tuple[Arrival, ...]:
    return lay_out(given, example.all_traits(20 * given.accrual.patients), seed=seed)


def test_nobody_comes_at_a_rate_of_zero() -> None:
    """5 a month for a month, none for the next, then 15 a month: patient 6 is the first of the third.

    Catches a division by the rate, and a count that is lost or doubled over the stretch of zero.
    """
    month = 30.4375
    steps = (
        AccrualStep(per_day=5 / month, until_days=month),
        AccrualStep(per_day=0.0, until_days=2 * month),
        AccrualStep(per_day=15 / month, until_days=None),
    )
    accrual = STEPPED.model_copy(update={"steps": steps, "per_day": 15 / month, "arrivals": "fixed"})
    assert day_of_count(accrual, np.array([2.5, 5.0, 6.0, 20.0])) == pytest.approx(
        np.array([0.5, 1.0, 2.0 + 1.0 / 15.0, 3.0]) * month
    )
    days = arrival_days(accrual, rng=np.random.default_rng(1))
    assert not np.any((days > month + 1e-5) & (days < 2 * month))
    begins_late = accrual.model_copy(update={"steps": steps[1:]})
    assert float(day_of_count(begins_late, 15.0)) == pytest.approx(3.0 * month)


def test_the_last_patient_is_expected_when_sites_pauses_and_limits_say() -> None:
    """Two sites of 1 a day together, the second open from day 40, at most 60 each, all closed from day 10 to 20.

    By hand: the first has 60 by day 130 (60 / 0.5 and the pause), the second its 40 by day 40 + 80 = 120: day 130 it is
    for 105, and day 120 for 55 + 40. Catches a limit, a pause or an opening that is forgotten.
    """
    sites = Sites(shares=(0.5, 0.5), opens_days=(0.0, 40.0), at_most=60)
    pause = Pause(from_day=10.0, after_patients=None, for_days=10.0)
    accrual = Accrual(
        patients=1, per_day=1.0, ramp_days=0.0, sites=2, opens="2026-01-15", site_plan=sites, pauses=(pause,)
    )
    assert day_of_last(accrual, 95.0) == pytest.approx(120.0)
    assert day_of_last(accrual, 105.0) == pytest.approx(130.0)
    assert day_of_last(accrual, 121.0) == math.inf
    later = accrual.model_copy(update={"pauses": (pause, Pause(from_day=None, after_patients=3, for_days=7.0))})
    assert day_of_last(later, 95.0) == pytest.approx(127.0)


def test_enrolment_that_chance_draws_out_is_told() -> None:
    """Rates that differ by a gamma law of almost no shape: catches days without a date, and a trial that never ends."""
    sites = Sites(shares=(1.0,), opens_days=(0.0,), shape=1e-3)
    with pytest.raises(TrialsimError, match="does not come to an end: it would go on for"):
        enrol(protocol(site_plan=sites, sites=1))


@pytest.mark.parametrize("accrual", [STEPPED, RAMPED], ids=["steps", "steps and a ramp"])
def test_expected_count_is_the_integral_of_the_rate(accrual: Accrual) -> None:
    """Catches a period that starts at zero again, and a ramp that is forgotten or starts anew with each period."""

    def rate(t: float) -> float:
        step = next(s for s in STEPS if s.until_days is None or t < s.until_days)
        return step.per_day * (min(1.0, t / accrual.ramp_days) if accrual.ramp_days else 1.0)

    for day in (0.0, 60.0, 100.0, 149.0, 200.0, 250.0, 600.0):
        edges = [edge for edge in (100.0, 150.0, 250.0) if edge < day]
        by_quadrature = quad(rate, 0.0, day, points=edges or None, epsabs=1e-9, limit=200)[0]
        assert float(expected_count(accrual, day)) == pytest.approx(by_quadrature, abs=1e-6)


@FIXED
@given(st.floats(0.0, 1000.0), st.sampled_from([STEPPED, RAMPED]))
def test_the_inverse_undoes_the_expected_count(count: float, accrual: Accrual) -> None:
    """Catches periods that do not meet."""
    assert float(expected_count(accrual, day_of_count(accrual, count))) == pytest.approx(count, abs=1e-8)


def test_a_single_period_is_the_rate_without_periods() -> None:
    """Catches another draw or another sum for the same process."""
    plain = Accrual(patients=200, per_day=0.8, ramp_days=60.0, sites=1, opens="2026-01-15")
    one = plain.model_copy(update={"steps": (AccrualStep(per_day=0.8, until_days=None),)})
    assert np.allclose(draw_arrivals(plain, seed=3), draw_arrivals(one, seed=3), rtol=0, atol=1e-5)


def test_evenly_spaced_arrivals_come_when_that_many_are_expected() -> None:
    """Catches chance in arrivals that are to have none, and a rate that does not change at its time."""
    fixed = STEPPED.model_copy(update={"arrivals": "fixed"})
    days = arrival_days(fixed, rng=np.random.default_rng(1))
    assert expected_count(fixed, days) == pytest.approx(np.arange(1, 301), abs=1e-4)
    assert days[19] == pytest.approx(100.0, abs=1e-4)
    assert days[20] - days[19] == pytest.approx(1.0, abs=1e-4)


def test_without_its_keys_enrolment_is_what_it_was() -> None:
    """Catches a general path that draws otherwise than the plain one: the same arrivals, the same sites."""
    plain = protocol()
    screened = protocol(screening=Screening(caps={"nodes": {"positive": 1000}}))
    assert [a[1:3] for a in enrol(screened)] == [a[1:3] for a in enrol(plain)]
    assert [a.subject for a in enrol(plain)] == list(range(1, 121))


@pytest.mark.parametrize(
    "keys",
    [
        {"site_plan": Sites(shares=(0.5, 0.3, 0.2), opens_days=(0.0, 30.0, 90.0), shape=2.0), "sites": 3},
        {"site_plan": Sites(shares=(0.5, 0.5), opens_days=(), within_days=60.0, at_most=80), "sites": 2},
        {"pauses": (Pause(from_day=50.0, after_patients=None, for_days=30.0),)},
        {"pauses": (Pause(from_day=None, after_patients=20, for_days=90.0),), "arrivals": "fixed"},
        {"screening": Screening(failure=0.3, caps={"p53_status": {"mutant": 12}})},
        {"steps": STEPS},
    ],
    ids=["sites", "sites at random", "pause", "pause after patients", "screening", "steps"],
)
def test_one_more_patient_moves_no_earlier_one(keys: dict[str, object]) -> None:
    """Catches a shared stream, and arrivals laid out for the number of patients."""
    fewer, more = enrol(protocol(patients=60, **keys)), enrol(protocol(patients=61, **keys))
    assert more[: len(fewer)] == fewer
    assert sum(not a.excluded for a in more) == 61
    assert [a.day for a in more] == sorted(a.day for a in more)


def test_nobody_comes_to_a_site_before_it_opens_and_shares_are_kept() -> None:
    """Catches a site that is open from the start, and rates that are shared out anew as sites open."""
    plan = Sites(shares=(0.6, 0.3, 0.1), opens_days=(0.0, 100.0, 200.0))
    given = protocol(patients=6000, per_day=10.0, ramp_days=0.0, sites=3, site_plan=plan)
    arrivals = lay_out(given, example.all_traits(1), seed=5)
    for site, opens in zip((1, 2, 3), plan.opens_days, strict=True):
        assert min(a.day for a in arrivals if a.site == site) > opens
    early = sum(a.day <= 100.0 for a in arrivals)
    assert abs(early - 600.0) < 5 * np.sqrt(600.0)
    later = Counter(a.site for a in arrivals if 200.0 < a.day <= 500.0)
    for site, share in zip((1, 2, 3), plan.shares, strict=True):
        assert abs(later[site] - 3000.0 * share) < 5 * np.sqrt(3000.0 * share)


def test_sites_differ_by_the_gamma_law() -> None:
    """Counts by site over a fixed time are negative binomial (Anisimov & Fedorov 2007).

    Catches rates that do not differ (variance = mean), and a gamma of another mean or shape. Over 4000 sites, with
    shape 1.5 and mean 4 the variance is 4 + 16/1.5; its standard error is found from the fourth moment.
    """
    sites, shape, mean = 4000, 1.5, 4.0
    plan = Sites(shares=(1.0 / sites,) * sites, opens_days=(0.0,) * sites, shape=shape)
    given = protocol(patients=int(sites * mean * 1.5), per_day=sites / 10.0, ramp_days=0.0, sites=sites, site_plan=plan)
    arrivals = lay_out(given, example.all_traits(1), seed=11)
    assert arrivals[-1].day > 40.0
    counts = np.zeros(sites)
    for arrival in arrivals:
        if arrival.day <= 40.0:
            counts[arrival.site - 1] += 1
    law = nbinom(shape, shape / (shape + mean))
    assert abs(counts.mean() - mean) < 5 * law.std() / np.sqrt(sites)
    kurtosis = float(law.stats(moments="k")) + 3.0
    assert abs(counts.var() - law.var()) < 5 * law.var() * np.sqrt((kurtosis - 1) / sites)
    assert abs(mean - law.var()) > 5 * law.var() * np.sqrt((kurtosis - 1) / sites)


def test_sites_that_open_at_random_do_so_within_the_time() -> None:
    """Catches openings beyond their time, or all at once."""
    plan = Sites(shares=(0.01,) * 100, opens_days=(), within_days=180.0)
    opens = [site.opens for site in opened_sites(protocol(sites=100, site_plan=plan).accrual, seed=2)]
    assert 0.0 <= min(opens) < 20.0
    assert 160.0 < max(opens) < 180.0
    assert abs(np.mean(opens) - 90.0) < 5 * 180.0 / np.sqrt(12 * 100)


def test_a_full_site_takes_nobody_more() -> None:
    """Catches a limit that is counted over all sites, or that lets one too many in."""
    plan = Sites(shares=(0.9, 0.1), opens_days=(0.0, 0.0), at_most=70)
    arrivals = enrol(protocol(sites=2, site_plan=plan))
    assert Counter(a.site for a in arrivals) == {1: 70, 2: 50}


def test_a_pause_takes_arrivals_away_and_gives_them_back_later() -> None:
    """Catches arrivals in the pause, and a pause that shifts what came before it or loses patients."""
    pause = Pause(from_day=40.0, after_patients=None, for_days=25.0)
    plain, paused = enrol(protocol()), enrol(protocol(pauses=(pause,)))
    before = [a for a in plain if a.day <= 40.0]
    assert 5 < len(before) < 60
    assert list(paused[: len(before)]) == before
    assert not [a for a in paused if 40.0 < a.day <= 65.0]
    # The ramp is over at day 60, so that what comes later is a shift by as much as was expected in the pause.
    lost = float(np.diff(expected_count(protocol().accrual, np.array([40.0, 65.0])))[0])
    assert paused[-1].day - plain[-1].day == pytest.approx(lost / 0.8, abs=1e-4)


def test_a_pause_after_patients_begins_with_the_last_of_them() -> None:
    """Catches a pause counted from the opening, or of those screened instead of those randomised."""
    pause = Pause(from_day=None, after_patients=30, for_days=50.0)
    arrivals = enrol(protocol(pauses=(pause,), screening=Screening(failure=0.4)))
    randomised = [a for a in arrivals if not a.excluded]
    assert randomised[29].subject > 30
    assert not [a for a in arrivals if randomised[29].day < a.day <= randomised[29].day + 50.0]
    assert arrivals[randomised[29].subject].day > randomised[29].day + 50.0


def test_pauses_that_touch_are_one() -> None:
    """Catches time taken away twice where pauses overlap."""
    flat = Accrual(patients=1, per_day=1.0, ramp_days=0.0, sites=1, opens="2026-01-15")
    clock = OpenTime(flat)
    for begin, end in ((10.0, 20.0), (30.0, 40.0), (15.0, 32.0)):
        clock.pause(begin, end)
    assert clock.count(50.0) == pytest.approx(20.0)
    assert clock.day(15.0) == pytest.approx(45.0)


def test_screening_fails_as_often_as_stated_and_touches_nobody_else() -> None:
    """Catches a chance that is used twice or turned round, and failures that change the arrivals."""
    arrivals = enrol(protocol(patients=2000, screening=Screening(failure=0.3)))
    failed = sum(bool(a.excluded) for a in arrivals)
    assert abs(failed / len(arrivals) - 0.3) < 5 * np.sqrt(0.3 * 0.7 / len(arrivals))
    assert arrivals[-1].excluded == ""
    plain = enrol(protocol(patients=2000))
    assert [a.day for a in arrivals[:2000]] == [a.day for a in plain]


def test_a_cap_is_reached_and_not_passed() -> None:
    """Catches a cap on all patients, on those who came, or that lets one too many in."""
    given = protocol(screening=Screening(caps={"p53_status": {"mutant": 25}, "nodes": {"positive": 50}}))
    traits, arrivals = example.all_traits(3000), enrol(given)
    kept = [traits[a.subject - 1] for a in arrivals if not a.excluded]
    assert sum(own["p53_status"] == "mutant" for own in kept) <= 25
    assert sum(own["nodes"] == "positive" for own in kept) == 50
    assert {a.excluded for a in arrivals} == {"", "p53_status mutant is full", "nodes positive is full"}
    for arrival in arrivals:
        if arrival.excluded.startswith("nodes"):
            assert traits[arrival.subject - 1]["nodes"] == "positive"


def test_caps_that_nobody_can_meet_are_an_error() -> None:
    """Catches an enrolment that goes on for ever."""
    given = protocol(patients=3, screening=Screening(caps={"nodes": {"positive": 0, "negative": 0}}))
    with pytest.raises(TrialsimError, match="does not come to an end: of 4,000 who came 0 could be randomised"):
        lay_out(given, example.all_traits(4001), seed=1)


def test_a_screened_trial_is_told_by_log_flow_and_adsl_alike() -> None:
    """Catches subjects lost between the log, the flow and ADSL, and numbers given twice."""
    screening = Screening(failure=0.25, caps={"p53_status": {"mutant": 20}})
    given = protocol(patients=80, screening=screening)
    trial = conduct_trial(given, seed=4, traits=example.all_traits(800), new_course=example.Courses())
    flow, adsl, log = saved(participant_flow(trial, given)), adsl_frame(trial, given), events_frame(trial, given)
    kinds = Counter(log["kind"])
    assert flow["screened"] == kinds["screened"] == kinds["excluded"] + kinds["randomised"]
    assert sum(flow["excluded"].values()) == kinds["excluded"] > 20
    assert set(flow["excluded"]) == {"not eligible", "p53_status mutant is full"}
    assert len(adsl) == flow["randomised"] == 80
    excluded = set(log[log["kind"] == "excluded"]["USUBJID"])
    assert len(excluded) == kinds["excluded"]
    assert not excluded & set(adsl["USUBJID"])
    assert [p.patient for p in trial.patients] == sorted(p.patient for p in trial.patients)
    screened = [e for e in trial.events if e.patient == trial.patients[0].patient]
    assert [e.kind for e in screened[:3]] == [EventKind.SCREENED, EventKind.ENROLLED, EventKind.RANDOMISED]


def test_one_patient_of_a_screened_trial_lives_as_in_the_trial() -> None:
    """Catches a lone patient whose arm counts those who were not randomised."""
    given, traits = protocol(patients=50, screening=Screening(failure=0.4)), example.all_traits(800)
    trial = conduct_trial(given, seed=4, traits=traits, new_course=example.Courses())
    last = trial.patients[-1]
    assert last.patient > 60
    alone = conduct_one_patient(given, last.patient, seed=4, traits=traits, new_course=example.Courses())
    assert alone.patients == [last]
    excluded = next(e.patient for e in trial.events if e.kind is EventKind.EXCLUDED)
    with pytest.raises(UsageError, match=f"no patient with the number {excluded} was randomised"):
        conduct_one_patient(given, excluded, seed=4, traits=traits, new_course=example.Courses())


def test_traits_of_comers_do_not_depend_on_who_is_asked_for() -> None:
    """Catches traits sampled in batches that follow the questions."""
    cohort = example.cohort()
    one, other = Comers(cohort, seed=3), Comers(cohort, seed=3)
    assert one[300] == [other[k] for k in range(301)][300]
    assert one[0]["sex"] == sample_traits(cohort, 1, seed=3)[0]["sex"]
    assert one[300]["age"] == pytest.approx(sample_traits(cohort, 301, seed=3)[300]["age"])
