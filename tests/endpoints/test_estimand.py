"""Estimands: what each strategy makes of a patient, and that the analysis recovers what it asks for.

Curves are compared with closed forms within 5.5 standard errors (Greenwood), with fixed seeds: 4e-8 each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.conduct import protocol_for_tests as example
from tests.endpoints.records_for_tests import NO_ESTIMATES, patient, relapse
from tests.saved import saved
from trialsim.analysis.kaplan_meier import kaplan_meier
from trialsim.conduct import conduct_one_patient, conduct_trial, conduct_under
from trialsim.endpoints import (
    adtte_frame,
    arm_summaries,
    events_frame,
    intercurrent_events,
    participant_flow,
    primary_event,
    survival_frame,
)
from trialsim.endpoints.estimand import primary_parameter, primary_time
from trialsim.endpoints.time_to_event import time_to_event
from trialsim.records import EventKind, IntercurrentEvent, PatientRecord, TrialRecord
from trialsim.spec.resolved import Endpoint, FollowUp, ResolvedProtocol
from trialsim.spec.resolved_conduct import AfterRelapse, Cut, NewTherapy, Strategies
from trialsim.spec.resolved_conduct import Intercurrent as Plans
from trialsim.spec.resolved_model import EventModel, PiecewiseExponential
from trialsim.trial import mark_principal_stratum

ERRORS = 5.5
MONTH = example.MONTH
EVENTS = ("discontinuation", "new_therapy", "crossover", "rescue")
DAY = 1.0 / 365.25


def asking(strategy: str, primary: str = "rfs", base: ResolvedProtocol | None = None) -> ResolvedProtocol:
    strategies = Strategies(**{kind: strategy for kind in EVENTS if strategy != "principal-stratum"})
    if strategy == "principal-stratum":
        strategies = Strategies(discontinuation=strategy)
    return (base or example.protocol()).model_copy(
        update={"endpoint": Endpoint(primary=primary, strategies=strategies)}
    )


def record(*came: tuple[str, float, float], **changes: object) -> PatientRecord:
    return patient(intercurrent=[IntercurrentEvent(*each) for each in came], **changes)


RELAPSED = relapse()  # seen on day 365.25
NEW = ("new_therapy", 300.0, 274.0)


@pytest.mark.parametrize(
    ("strategy", "primary", "who", "expected"),
    [
        ("treatment-policy", "rfs", record(NEW, relapse=RELAPSED), (365.25, 0, "Distant Relapse")),
        ("hypothetical", "rfs", record(NEW, relapse=RELAPSED), (274.0, 4, "New Therapy")),
        ("while-on-treatment", "rfs", record(NEW, relapse=RELAPSED), (274.0, 4, "New Therapy")),
        ("composite", "rfs", record(NEW, relapse=RELAPSED), (300.0, 0, "New Therapy")),
        ("composite", "rfs", record(("discontinuation", 300.0, 274.0)), (300.0, 0, "Treatment Discontinued")),
        ("hypothetical", "rfs", record(("discontinuation", 300.0, 274.0)), (274.0, 7, "Treatment Discontinued")),
        ("hypothetical", "rfs", record(("new_therapy", 40.0, 0.0)), (0.0, 5, "No Post-Baseline Assessment")),
        # What comes on the day of the event, or after it, changes nothing.
        ("composite", "rfs", record(("new_therapy", 365.25, 274.0), relapse=RELAPSED), (365.25, 0, "Distant Relapse")),
        ("composite", "rfs", record(("crossover", 365.25, 274.0), relapse=RELAPSED), (365.25, 0, "Distant Relapse")),
        # What follows a relapse touches overall survival.
        ("hypothetical", "os", record(("crossover", 365.25, 274.0), relapse=RELAPSED, death_day=600.0),
         (365.25, 4, "New Therapy")),
        ("composite", "os", record(("rescue", 365.25, 274.0), relapse=RELAPSED), (365.25, 0, "Rescue Treatment")),
        ("composite", "drfs", record(("rescue", 365.25, 274.0), relapse=relapse("local")), (365.25, 4, "New Therapy")),
        ("hypothetical", "os", record(NEW), (300.0, 4, "New Therapy")),
        # The first to come decides.
        ("composite", "rfs", record(NEW, ("discontinuation", 200.0, 182.0)), (200.0, 0, "Treatment Discontinued")),
        # After the last scan, and before the cut.
        ("composite", "rfs", record(("new_therapy", 740.0, 730.5)), (740.0, 0, "New Therapy")),
        ("hypothetical", "rfs", record(("new_therapy", 740.0, 730.5)), (730.5, 4, "New Therapy")),
        ("principal-stratum", "rfs", record(("discontinuation", 300.0, 274.0)), (730.5, 1, "Event-Free at Cut-Off")),
    ],
)  # fmt: skip
def test_each_strategy(strategy: str, primary: str, who: PatientRecord, expected: tuple[float, int, str]) -> None:
    """Catches a strategy taken for another, an event of the day after taken for one before, and the wrong scan."""
    time = primary_time(who, asking(strategy, primary))
    assert (time.day, time.censor, time.description) == expected


def test_strategies_are_by_event() -> None:
    """Catches one strategy for all where the protocol names one for each."""
    both = record(("discontinuation", 200.0, 182.0), NEW, relapse=RELAPSED)
    mixed = example.protocol().model_copy(
        update={"endpoint": Endpoint(primary="rfs", strategies=Strategies(new_therapy="composite"))}
    )
    assert primary_time(both, mixed).day == 300.0
    assert primary_parameter(mixed) == "RFSE"
    assert primary_parameter(example.protocol()) == "RFS"


# Laws: an exponential event of hazard H, new therapy at rate L that multiplies the hazard by R.
H, L, R = 0.03 / MONTH, 0.02 / MONTH, 3.0
PATIENTS = 4000


def trial_with_new_therapy() -> tuple[ResolvedProtocol, TrialRecord]:
    base = example.with_patients(example.protocol(), PATIENTS)
    law = EventModel(law=PiecewiseExponential(rates=(H,), until_days=()))
    protocol = base.model_copy(
        update={
            "arms": {name: example.arm(name).model_copy(update={"model": law}) for name in base.arms},
            "accrual": base.accrual.model_copy(update={"per_day": 20.0, "ramp_days": 0.0}),
            "follow_up": FollowUp(minimum_days=48 * MONTH, scans=(), dropout_per_day=0.0),
            "intercurrent": Plans(new_therapy=NewTherapy(per_day=L, hazard_ratio=R)),
        }
    )
    traits = [{"age": 55.0, "sex": "female", "p53_status": "mutant", "nodes": "positive"}] * PATIENTS
    return protocol, conduct_trial(protocol, seed=3, traits=traits, new_course=example.Courses())


@pytest.fixture(scope="module")
def by_law() -> tuple[ResolvedProtocol, TrialRecord]:
    return trial_with_new_therapy()


def policy(t: float) -> float:
    """Survival whatever is given: without new therapy up to t, or with it from u on, over u."""
    without = math.exp(-(H + L) * t)
    rest = H + L - R * H
    return without + L * math.exp(-R * H * t) * (1.0 - math.exp(-rest * t)) / rest


@pytest.mark.parametrize(
    ("strategy", "survival"),
    [
        ("treatment-policy", policy),
        ("hypothetical", lambda t: math.exp(-H * t)),
        ("while-on-treatment", lambda t: math.exp(-H * t)),
        ("composite", lambda t: math.exp(-(H + L) * t)),
    ],
    ids=["treatment-policy", "hypothetical", "while-on-treatment", "composite"],
)
def test_the_analysis_recovers_what_the_estimand_asks_for(
    by_law: tuple[ResolvedProtocol, TrialRecord], strategy: str, survival: Any
) -> None:
    """New therapy triples the hazard. Catches a strategy that computes another's curve: they are points apart."""
    protocol, trial = asking(strategy, base=by_law[0]), by_law[1]
    ends = [primary_time(each, protocol) for each in trial.patients]
    curve = kaplan_meier(np.array([e.latent_day for e in ends]), np.array([e.censor == 0 for e in ends]), 0.95)
    for month in (6.0, 12.0, 24.0, 40.0):
        estimate, _, _, error = curve.at(month * MONTH)
        assert abs(estimate - survival(month * MONTH)) < ERRORS * error, month
    frame = survival_frame(trial, protocol, adtte_frame(trial, protocol))
    assert frame["event"].tolist() == [end.censor == 0 for end in ends]


def test_new_therapy_comes_at_its_rate_and_only_before_the_event(by_law: tuple[ResolvedProtocol, TrialRecord]) -> None:
    """Catches a new therapy after a relapse, and a rate that is taken for a share."""
    protocol, trial = by_law
    counts, at_risk = 0, 0.0
    for each in trial.patients:
        end = each.relapse.detected if each.relapse else each.last_contact
        came = [event.day for event in each.intercurrent]
        assert all(day < end for day in came)
        counts += len(came)
        at_risk += came[0] if came else end
    assert abs(counts - L * at_risk) < ERRORS * math.sqrt(L * at_risk)
    told = saved(intercurrent_events(trial, protocol))["arms"]
    assert sum(told[arm]["new_therapy"] for arm in protocol.arms) == counts


def run(protocol: ResolvedProtocol, seed: int = 7, **options: Any) -> TrialRecord:
    return conduct_trial(
        protocol,
        seed=seed,
        traits=example.all_traits(protocol.accrual.patients),
        new_course=example.Courses(relapse_scale=600.0),
        **options,
    )


def test_after_relapse_shares_cross_over_or_are_rescued_and_live_longer() -> None:
    """Shares within 5.5 errors, times multiplied exactly. Catches patients of the other arm who cross over, rescue of
    those who cross over, and survival that is drawn anew.
    """
    base = example.with_patients(example.protocol(), 600)
    cross = AfterRelapse(share=0.4, survival_ratio=2.0, arms=("control",), to="navitoclax")
    rescue = AfterRelapse(share=0.5, survival_ratio=1.5, arms=tuple(base.arms), to="")
    plain, given = run(base), run(base.model_copy(update={"intercurrent": Plans(crossover=cross, rescue=rescue)}))
    seen = {name: {"": 0, "crossover": 0, "rescue": 0} for name in base.arms}
    stretched = 0
    for before, after in zip(plain.patients, given.patients, strict=True):
        assert (before.relapse is None) == (after.relapse is None)
        if after.relapse is None:
            assert not [event for event in after.intercurrent if event.kind in ("crossover", "rescue")]
            continue
        kinds = [event.kind for event in after.intercurrent if event.kind in ("crossover", "rescue")]
        seen[after.arm]["".join(kinds)] += 1
        ratio = {"crossover": 2.0, "rescue": 1.5, "": 1.0}["".join(kinds)]
        if "cancer" in (before.death_cause, after.death_cause) and before.death_cause == after.death_cause:
            assert before.death_day is not None
            assert after.death_day is not None
            lived = before.death_day - before.relapse.detected, after.death_day - after.relapse.detected  # type: ignore[union-attr]
            assert lived[1] == pytest.approx(ratio * lived[0], abs=1e-5)
            stretched += ratio > 1.0
    assert stretched > 15
    control, other = seen["control"], seen["navitoclax"]
    assert other["crossover"] == 0
    for share, counts, kind in ((0.4, control, "crossover"), (0.6 * 0.5, control, "rescue"), (0.5, other, "rescue")):
        n = sum(counts.values())
        assert abs(counts[kind] - share * n) < ERRORS * math.sqrt(share * (1 - share) * n)
    details = {e.detail for e in given.events if e.kind is EventKind.CROSSED_OVER}
    assert details == {"navitoclax"}


def test_new_therapy_ends_study_treatment_and_scans_go_on() -> None:
    """Catches doses after another therapy, and follow-up that ends with it."""
    base = example.with_patients(example.protocol(), 150)
    protocol = base.model_copy(
        update={"intercurrent": Plans(new_therapy=NewTherapy(per_day=1 / 200, hazard_ratio=1.0))}
    )
    trial = run(protocol)
    scanned = 0
    for each in trial.patients:
        own = [event for event in trial.events if event.patient == each.patient]
        began = [event.study_day for event in own if event.kind is EventKind.NEW_THERAPY]
        assert began == [event.day for event in each.intercurrent if event.kind == "new_therapy"]
        if began:
            assert not [e for e in own if e.kind is EventKind.DOSE and e.study_day >= began[0]]
            assert each.intercurrent[-1].last_scan == max(
                (e.study_day for e in own if e.kind is EventKind.SCAN and e.study_day <= began[0]), default=0.0
            )
            scanned += any(e.kind is EventKind.SCAN and e.study_day > began[0] for e in own)
    assert scanned > 50
    assert {"new therapy", "relapse"} <= {each.treatment_stopped for each in trial.patients}


def stopping(patients: int = 150) -> ResolvedProtocol:
    base = example.with_patients(example.protocol(), patients)
    rule = example.PLATELET_RULE.model_copy(update={"stop_after_holds": 1})
    senolytic = example.arm("navitoclax", example.chemotherapy(), example.senolytic(rule=rule))
    return asking("principal-stratum", base=base.model_copy(update={"arms": base.arms | {"navitoclax": senolytic}}))


def test_the_principal_stratum_is_who_would_be_stopped_under_no_arm() -> None:
    """Each patient alone under each arm says the same. Catches a stratum that looks at the arm given, in which the
    control arm would keep those whom navitoclax would have stopped.
    """
    protocol = stopping()
    trial, traits = run(protocol), example.all_traits(150)
    mark_principal_stratum(protocol, trial, traits, example.Courses(relapse_scale=600.0), seed=7)

    def would_stop(number: int, arm: str) -> bool:
        lived = conduct_one_patient(
            protocol, number, seed=7, traits=traits, new_course=example.Courses(relapse_scale=600.0), arm=arm
        )
        return any(event.kind == "discontinuation" for event in lived.patients[0].intercurrent)

    for each in trial.patients[::5]:
        assert each.in_stratum == (not any(would_stop(each.patient, arm) for arm in protocol.arms))
    outside = {arm: sum(r.arm == arm and not r.in_stratum for r in trial.patients) for arm in protocol.arms}
    assert min(outside.values()) > 10
    assert not [r for r in trial.patients if r.arm == "control" and r.treatment_stopped == "platelets"]


def test_the_tables_and_the_flow_are_of_the_stratum() -> None:
    """Catches patients outside it who are analysed, or lost from the standard endpoints."""
    protocol = stopping()
    trial = run(protocol)
    mark_principal_stratum(protocol, trial, example.all_traits(150), example.Courses(relapse_scale=600.0), seed=7)
    adtte = adtte_frame(trial, protocol)
    inside = sum(each.in_stratum for each in trial.patients)
    assert set(adtte["PARAMCD"]) == {"RFS", "OS", "TTR", "DRFS", "RFSE"}
    assert (adtte[adtte["PARAMCD"] != "RFSE"]["ANL01FL"] == "Y").all()
    frame = survival_frame(trial, protocol, adtte)
    assert len(frame) == inside < 150
    flow = saved(participant_flow(trial, protocol))["arms"]
    assert sum(arm["analysed"] for arm in flow.values()) == inside
    told = saved(intercurrent_events(trial, protocol))
    assert sum(told["stratum"].values()) == inside
    counted = saved(arm_summaries(trial, protocol, adtte, NO_ESTIMATES))
    events = int(frame["event"].sum())
    assert sum(sum(arm["censored"].values()) for arm in counted.values()) == inside - events


def test_everybody_under_one_arm_is_each_patient_under_it() -> None:
    """Catches a trial under one arm whose patients meet other chances, days or cuts."""
    protocol = example.with_patients(example.protocol(), 40)
    traits, courses = example.all_traits(40), example.Courses()
    trial = conduct_trial(protocol, seed=7, traits=traits, new_course=courses)
    under = conduct_under(protocol, "navitoclax", seed=7, traits=traits, new_course=courses, cut_day=trial.cut_day)
    assert {each.arm for each in under.patients} == {"navitoclax"}
    for own, other in zip(trial.patients, under.patients, strict=True):
        if own.arm == "navitoclax":
            assert own == other
        assert own.randomised_day == other.randomised_day


@pytest.mark.parametrize("strategy", ["hypothetical", "composite", "while-on-treatment"])
@pytest.mark.parametrize("primary", ["rfs", "os", "ttr"])
def test_every_row_leads_to_the_log(strategy: str, primary: str) -> None:
    """The row of the log that dates the estimand's endpoint is of that day. Catches the last scan where an earlier one
    dates the censoring, and one order's stop for another's.
    """
    base = example.with_patients(example.protocol(), 150)
    cross = AfterRelapse(share=0.6, survival_ratio=1.2, arms=("control",), to="navitoclax")
    plans = Plans(new_therapy=NewTherapy(per_day=1 / 400, hazard_ratio=1.0), crossover=cross)
    protocol = asking(strategy, primary, base.model_copy(update={"intercurrent": plans}))
    trial = run(protocol)
    rows = adtte_frame(trial, protocol)
    log = events_frame(trial, protocol).set_index(["USUBJID", "seq"])
    own = rows[rows["PARAMCD"] == primary_parameter(protocol)]
    plain = rows[rows["PARAMCD"] == primary.upper()]
    assert (own["AVAL"].to_numpy() <= plain["AVAL"].to_numpy()).all() or strategy == "composite"
    assert (own["CNSR"].to_numpy() != plain["CNSR"].to_numpy()).sum() > 10
    for row in own[own["SRCDOM"] == "EVENTS"].itertuples():
        source = log.loc[(row.USUBJID, row.SRCSEQ)]
        assert source["study_day"] == pytest.approx(row.AVALSIM) or row.EVNTDESC.endswith("Relapse")
        if row.EVNTDESC in ("New Therapy", "Treatment Discontinued") and row.CNSR == 0:
            assert source["kind"] in ("new therapy", "treatment stopped")


def test_a_cut_counts_the_events_of_the_estimand() -> None:
    """Catches a data cut that waits for relapses where new therapy is an event too."""
    base = example.with_patients(example.protocol(), 100)
    plans = Plans(new_therapy=NewTherapy(per_day=1 / 300, hazard_ratio=1.0))
    cut = Cut(events=25, day=None, when="latest", no_later_than_days=4000.0)
    follow_up = base.follow_up.model_copy(update={"minimum_days": 0.0, "cut": cut})
    protocol = asking("composite", base=base.model_copy(update={"intercurrent": plans, "follow_up": follow_up}))
    trial = run(protocol, has_event=primary_event(protocol))
    events = [primary_time(each, protocol) for each in trial.patients]
    assert sum(time.censor == 0 for time in events) == 25
    assert sum(time_to_event(each, "RFS").censor == 0 for each in trial.patients) < 25
