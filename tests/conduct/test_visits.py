"""Visits that move or are missed, and patients who leave: withdrawn, or lost without a word.

Shares and means are compared within 5 standard errors (false alarm 6e-7), with fixed seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from tests.saved import saved
from trialsim.conduct import conduct_trial
from trialsim.endpoints import adsl_frame, adtte_frame, participant_flow
from trialsim.endpoints.time_to_event import time_to_event
from trialsim.records import EventKind, SameDay, TrialRecord
from trialsim.schedule import Own, Timetable, own_visits, scan_days
from trialsim.spec.resolved import FollowUp, ResolvedProtocol

FIXED = settings(max_examples=50, deadline=None, derandomize=True)
ERRORS = 5.0
DAY = 1.0 / 365.25


def follow_up(**changes: float) -> FollowUp:
    return example.protocol().follow_up.model_copy(update=changes)


def moved(days: Sequence[float], patient: int = 1, **changes: float) -> Own:
    return own_visits(days, follow_up(**changes), math.inf, patient, seed=3)


MONTHLY = tuple(30.0 * k for k in range(1, 41))


def test_scans_move_evenly_within_the_window_and_nothing_else_does() -> None:
    """Uniform over the window on either side: mean 0, variance w^2/3. Catches a window of half the width, moves to one
    side only, doses that move along, and moves that add up from visit to visit.
    """
    shifts = []
    for patient in range(1, 101):
        own = moved(MONTHLY, patient, window_days=10.0)
        assert {kind for _, kind, _ in own} == {SameDay.SCAN}
        shifts += [at - day for (at, _, _), day in zip(own, MONTHLY, strict=True)]
    values = np.array(shifts)
    assert np.abs(values).max() <= 10.0
    assert abs(values.mean()) < ERRORS * 10.0 / math.sqrt(3 * values.size)
    # The fourth central moment of a uniform law is w^4/5.
    assert abs(values.var() - 100 / 3) < ERRORS * math.sqrt((1e4 / 5 - (100 / 3) ** 2) / values.size)
    neighbours = np.corrcoef(values.reshape(100, 40)[:, :-1].ravel(), values.reshape(100, 40)[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < ERRORS / math.sqrt(3900)


def test_scans_are_missed_at_the_stated_chance() -> None:
    """Catches a chance of being made taken for one of being missed, and one draw for all of a patient's scans."""
    own = [moved(MONTHLY, patient, missed=0.2) for patient in range(1, 101)]
    missed = np.array([[index for _, _, index in visits] for visits in own])
    assert abs(missed.mean() - 0.2) < ERRORS * math.sqrt(0.2 * 0.8 / missed.size)
    by_patient = missed.sum(axis=1)
    assert abs(by_patient.var(ddof=1) - 40 * 0.16) < ERRORS * 40 * 0.16 * math.sqrt(2 / 99) * 1.1


@FIXED
@given(st.integers(1, 500), st.integers(1, 40), st.floats(0.1, 14.9), st.floats(0.0, 0.9))
def test_the_first_scans_do_not_depend_on_how_many_follow(
    patient: int, kept: int, window: float, chance: float
) -> None:
    """Catches draws that shift with the length of the schedule: the data cut would move scans before it."""
    whole = moved(MONTHLY, patient, window_days=window, missed=chance)
    part = moved(MONTHLY[:kept], patient, window_days=window, missed=chance)

    assert part == whole[:kept]
    days = [day for day, _, _ in whole]
    assert days == sorted(days)
    assert all((day * 2**20).is_integer() for day in days)


def test_nothing_of_the_patients_own_is_the_schedule_of_the_arm() -> None:
    """Catches a copy, which would cost time in every trial, draws that are made for nothing, and doses that move when
    scans do."""
    arm = example.arm("x", example.chemotherapy())
    plain, windowed = (Timetable(arm, follow_up(window_days=days), 400.0) for days in (0.0, 7.0))
    assert plain.of(1, math.inf, seed=3).own == ()
    assert plain.of(1, math.inf, seed=3).of_arm is plain.of_arm is plain.of(2, 5.0, seed=3).of_arm
    assert plain.of(1, 5.0, seed=3).own == ((5.0, SameDay.NEW_THERAPY, 0),)
    kept = windowed.of(1, math.inf, seed=3)
    assert [task for _, tasks in kept.of_arm for task in tasks] == [(SameDay.DOSE, 0)] * 4
    assert len(kept.own) == len(scan_days(follow_up().scans, 400.0))


def trial_of(patients: int = 300, **changes: float) -> tuple[ResolvedProtocol, TrialRecord]:
    base = example.with_patients(example.protocol(), patients)
    protocol = base.model_copy(update={"follow_up": base.follow_up.model_copy(update=changes)})
    record = conduct_trial(
        protocol, seed=7, traits=example.all_traits(patients), new_course=example.Courses(relapse_scale=900.0)
    )
    return protocol, record


def test_a_missed_scan_sees_nothing() -> None:
    """The relapse is seen by the next scan that is made; the missed one is told. Catches a missed scan that counts as
    clear, which would narrow the interval in which the relapse came, and one that censors.
    """
    protocol, trial = trial_of(missed=0.3)
    days = scan_days(protocol.follow_up.scans, 2000.0)
    passed_over = 0
    for record in trial.patients:
        own = [e for e in trial.events if e.patient == record.patient]
        made = [e.study_day for e in own if e.kind is EventKind.SCAN]
        missed = [e.study_day for e in own if e.kind is EventKind.SCAN_MISSED]
        assert sorted(made + missed) == days[: len(made) + len(missed)]
        assert record.last_scan == max(made, default=0.0)
        if record.relapse is not None:
            assert record.relapse.last_clear == max(made[:-1], default=0.0)
            passed_over += any(record.relapse.latent_day <= day < record.relapse.detected for day in missed)
    assert passed_over > 20


def test_missed_scans_find_relapses_later() -> None:
    """Catches scans that are told as missed and are made."""
    detected = [np.mean([r.relapse.detected for r in trial_of(missed=p)[1].patients if r.relapse]) for p in (0.0, 0.5)]
    assert detected[0] < detected[1]


def test_loss_has_its_rate_and_goes_beside_withdrawal() -> None:
    """Exponential, as many as its rate says. Catches one rate for both, one stream for both (who withdraws would be
    lost on the same day), and losses counted as withdrawals.
    """
    _protocol, trial = trial_of(2000, lost_per_day=0.2 * DAY, dropout_per_day=0.1 * DAY)
    at_risk = sum(record.lost_day or record.last_contact for record in trial.patients)
    for days, rate in (
        ([r.lost_day for r in trial.patients if r.lost_day is not None], 0.2 * DAY),
        ([r.withdrew_day for r in trial.patients if r.withdrew_day is not None], 0.1 * DAY),
    ):
        assert abs(len(days) - rate * at_risk) < ERRORS * math.sqrt(rate * at_risk)
    assert not [r for r in trial.patients if r.lost_day is not None and r.withdrew_day is not None]


def test_a_patient_who_is_lost_was_last_seen_at_a_visit() -> None:
    """RFS is censored (2) at the last scan; the last contact is the last visit, or after a relapse the day of loss;
    nothing is told after a loss. Catches a death that is seen although nobody looks, and contact on a day without one.
    """
    _protocol, trial = trial_of(lost_per_day=0.3 * DAY)
    seen = {False: 0, True: 0}
    for record in trial.patients:
        if record.lost_day is None:
            continue
        seen[record.relapse is not None] += 1
        own = [e for e in trial.events if e.patient == record.patient]
        assert own[-1].kind is EventKind.LOST
        assert own[-1].study_day == record.lost_day
        assert record.death_day is None
        overall = time_to_event(record, "OS")
        assert overall.censor == 2
        assert overall.day == record.last_contact
        if record.relapse is not None:
            assert record.last_contact == record.lost_day
            continue
        visits = [e.study_day for e in own if e.kind not in (EventKind.LOST, EventKind.TREATMENT_STOPPED)]
        assert record.last_contact == max(visits) < record.lost_day
        free = time_to_event(record, "RFS")
        assert (free.censor, free.day) == ((2, record.last_scan) if record.last_scan else (5, 0.0))
    assert min(seen.values()) > 15


def test_tables_tell_lost_patients_from_withdrawn_ones() -> None:
    """ADSL, ADTTE and the flow agree. Catches losses that end as event-free at the cut."""
    protocol, trial = trial_of(lost_per_day=0.3 * DAY)
    adsl, adtte = adsl_frame(trial, protocol), adtte_frame(trial, protocol)
    flow = saved(participant_flow(trial, protocol))["arms"]
    lost = adsl["DCSREAS"] == "LOST TO FOLLOW-UP"
    assert set(adsl["SUBJID"][lost]) == {f"{r.patient:05d}" for r in trial.patients if r.lost_day is not None}
    assert (adsl["EOSSTT"][lost] == "DISCONTINUED").all()
    assert (adsl["EOSDT"][lost] == adsl["LSTALVDT"][lost]).all()
    assert set(adsl["DCTREAS"]) >= {"LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT"}
    codes = adtte[adtte["PARAMCD"] == "OS"].set_index("SUBJID")["CNSR"]
    assert (codes[adsl["SUBJID"][lost]] == 2).all()
    for arm, counts in flow.items():
        own = adsl[adsl["ARM"] == arm]
        relapsed = own["RELDT"] != ""
        assert counts["lost"] == int(((own["DCSREAS"] == "LOST TO FOLLOW-UP") & ~relapsed).sum()) > 10
        parts = ("relapsed", "died_without_relapse", "withdrew", "lost", "event_free_at_cut")
        assert sum(counts[part] for part in parts) == counts["allocated"] == len(own)


@pytest.mark.parametrize("changes", [{"window_days": 20.0}, {"missed": 0.3}, {"lost_per_day": 0.3 * DAY}])
def test_one_more_patient_changes_no_earlier_one(changes: dict[str, float]) -> None:
    """Catches visits drawn from a stream that patients share. The logs are compared up to the earlier cut."""
    fewer, more = trial_of(60, **changes)[1], trial_of(61, **changes)[1]
    kept = [event for event in fewer.events if event.kind is not EventKind.DATA_CUT]
    assert kept == [e for e in more.events if 1 <= e.patient <= 60 and e.day <= fewer.cut_day]
