"""Conventional arms: the event times that a trial sees have the law that the protocol states.

Shares and rates are compared within 5.5 standard errors with fixed seeds: two-sided 4e-8 each, below 1e-6 for all the
comparisons of a test.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conduct import protocol_for_tests as example
from trialsim.analysis.kaplan_meier import kaplan_meier
from trialsim.conduct import conduct_trial
from trialsim.conduct.laws import cumulative_hazard, day_of_hazard, draw_event_day, event_day
from trialsim.endpoints.time_to_event import time_to_event
from trialsim.records import EventKind, PatientRecord, TrialRecord
from trialsim.spec.resolved import Endpoint, FollowUp, ResolvedProtocol
from trialsim.spec.resolved_model import CureMixture, EventModel, Law, PiecewiseExponential, SurvivalCurve, Weibull

MONTH = example.MONTH
PATIENTS = 4000
ERRORS = 5.5
FIXED = settings(deadline=None, derandomize=True)

CURVE = SurvivalCurve(
    days=(0.0, 6 * MONTH, 12 * MONTH, 36 * MONTH), survival=(1.0, 0.9, 0.6, 0.4), plateau=False, source="curve.csv"
)
LAWS: dict[str, Law] = {
    "exponential": PiecewiseExponential(rates=(0.03 / MONTH,), until_days=()),
    "piecewise": PiecewiseExponential(rates=(0.01 / MONTH, 0.0, 0.08 / MONTH), until_days=(6 * MONTH, 12 * MONTH)),
    "weibull": Weibull(shape=1.7, scale_days=30 * MONTH),
    "falling": Weibull(shape=0.6, scale_days=30 * MONTH),
    "cure": CureMixture(cured=0.4, shape=1.3, scale_days=15 * MONTH),
    "curve": CURVE,
}


def survival(name: str, day: float) -> float:
    """The laws' survival, written out here and not as the program has it."""
    months = day / MONTH
    if name == "exponential":
        return math.exp(-0.03 * months)
    if name == "piecewise":
        return math.exp(-0.01 * min(months, 6.0) - 0.08 * max(months - 12.0, 0.0))
    if name in ("weibull", "falling"):
        return math.exp(-((months / 30.0) ** (1.7 if name == "weibull" else 0.6)))
    if name == "cure":
        return 0.4 + 0.6 * math.exp(-((months / 15.0) ** 1.3))
    logs = np.interp(min(months, 36.0), (0.0, 6.0, 12.0, 36.0), np.log((1.0, 0.9, 0.6, 0.4)))
    return float(math.exp(logs) * 0.4 ** (max(months - 36.0, 0.0) / 36.0))


def trial_of(
    control: EventModel,
    treated: EventModel | None = None,
    *,
    patients: int = PATIENTS,
    primary: str = "rfs",
    scans: bool = False,
    dropout: float = 0.0,
) -> ResolvedProtocol:
    """A trial of two arms with laws, followed for 48 months from the last randomisation."""
    base = example.with_patients(example.protocol(), patients)
    arms = {
        name: example.arm(name).model_copy(update={"model": model})
        for name, model in (("control", control), ("navitoclax", treated or control))
    }
    return base.model_copy(
        update={
            "arms": arms,
            "accrual": base.accrual.model_copy(update={"per_day": 20.0, "ramp_days": 0.0}),
            "follow_up": FollowUp(
                minimum_days=48 * MONTH, scans=base.follow_up.scans if scans else (), dropout_per_day=dropout
            ),
            "endpoint": Endpoint(primary=primary),
        }
    )


def run(protocol: ResolvedProtocol, seed: int = 11) -> TrialRecord:
    traits = [{"age": 55.0, "sex": "female", "p53_status": "mutant", "nodes": "positive"}] * protocol.accrual.patients

    def no_cells(*_: object) -> example.MakeBelieveCourse:
        raise AssertionError("an arm with a law makes no patient of cells")

    return conduct_trial(protocol, seed=seed, traits=traits, new_course=no_cells)


def times(records: list[PatientRecord], parameter: str = "RFS") -> tuple[np.ndarray, np.ndarray]:
    """Exact times and whether they are events."""
    ends = [time_to_event(record, parameter) for record in records]
    return np.array([end.latent_day for end in ends]), np.array([end.censor == 0 for end in ends])


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("dropout", [0.0, 0.10 / 365.25])
def test_kaplan_meier_of_a_trial_is_the_laws_survival(name: str, dropout: float) -> None:
    """Catches a law inverted wrongly, a scale taken for a median, months for days, and censoring that tells of events.

    With dropout the curve is Kaplan-Meier's and the error is Greenwood's.
    """
    days, event = times(run(trial_of(EventModel(law=LAWS[name]), dropout=dropout)).patients)
    curve = kaplan_meier(days, event, 0.95)
    for month in (3.0, 9.0, 18.0, 30.0, 44.0):
        estimate, _, _, error = curve.at(month * MONTH)
        assert abs(estimate - survival(name, month * MONTH)) < ERRORS * error, (name, month)


def test_hazards_are_those_of_each_piece() -> None:
    """Events over time at risk in each piece: catches hazards a piece late, and times that start again at a piece."""
    law = PiecewiseExponential(rates=(0.05 / MONTH, 0.01 / MONTH, 0.03 / MONTH), until_days=(4 * MONTH, 20 * MONTH))
    days, event = times(run(trial_of(EventModel(law=law), dropout=0.05 / 365.25)).patients)
    for rate, (begin, end) in zip(law.rates, pairwise((0.0, *law.until_days, math.inf)), strict=True):
        at_risk = float(np.clip(days - begin, 0.0, end - begin).sum())
        happened = int((event & (days > begin) & (days <= end)).sum())
        assert abs(happened - rate * at_risk) < ERRORS * math.sqrt(rate * at_risk)


def test_a_delayed_effect_is_no_effect_until_it_begins() -> None:
    """Each patient under both arms: catches a ratio in the wrong piece, and a draw that depends on the arm.

    Up to the delay the same patient has the event on the same day; from then on hazards are in the ratio.
    """
    law = Weibull(shape=1.4, scale_days=20 * MONTH)
    later = EventModel(law=law, hazard_ratios=(1.0, 0.5), until_days=(6 * MONTH,), relative_to="control")
    plain = np.array([draw_event_day(EventModel(law=law), p, seed=3) for p in range(1, PATIENTS + 1)])
    delayed = np.array([draw_event_day(later, p, seed=3) for p in range(1, PATIENTS + 1)])
    early = plain <= 6 * MONTH
    assert np.array_equal(plain[early], delayed[early])
    assert (delayed[~early] > plain[~early]).all()
    beyond = [cumulative_hazard(law, d) - cumulative_hazard(law, 6 * MONTH) for d in delayed[~early]]
    assert abs(np.mean(beyond) - 2.0) < ERRORS * 2.0 / math.sqrt(len(beyond))


def test_crossing_hazards_and_hazards_of_nothing() -> None:
    """Catches a ratio of 0 that divides by zero, and a ratio that is forgotten after one without hazard."""
    law = PiecewiseExponential(rates=(0.01,), until_days=())
    model = EventModel(law=law, hazard_ratios=(2.0, 0.0, 0.5), until_days=(50.0, 80.0))
    assert event_day(model, 0.5) == pytest.approx(25.0)
    assert event_day(model, 1.0) == pytest.approx(50.0)
    assert event_day(model, 1.2) == pytest.approx(80.0 + 0.2 / 0.005)
    assert event_day(EventModel(law=law, hazard_ratios=(0.0,)), 0.1) == math.inf


def test_who_is_cured_never_has_the_event() -> None:
    """Catches a logarithm of a negative number, and cure that only delays."""
    law = CureMixture(cured=0.4, shape=1.0, scale_days=100.0)
    assert day_of_hazard(law, -math.log(0.4) + 1e-9) == math.inf
    assert day_of_hazard(law, -math.log(0.41)) == pytest.approx(-100.0 * math.log(0.01 / 0.6))


def test_a_curve_ends_in_a_plateau_or_goes_on() -> None:
    """Catches a tail that is the last piece's hazard, and survival that goes on from 0."""
    flat = CURVE.model_copy(update={"plateau": True})
    assert day_of_hazard(flat, -math.log(0.39)) == math.inf
    assert day_of_hazard(CURVE, -math.log(0.16)) == pytest.approx(72 * MONTH)
    gone = SurvivalCurve(days=(0.0, 10.0, 20.0), survival=(1.0, 0.5, 0.0), plateau=False, source="")
    assert day_of_hazard(gone, 3.0) == pytest.approx(10.0, abs=1e-6)


@FIXED
@given(st.sampled_from(sorted(LAWS)), st.floats(1e-3, 3.0))
def test_days_invert_the_cumulative_hazard(name: str, hazard: float) -> None:
    """Catches an inverse that is not one, in any piece."""
    day = day_of_hazard(LAWS[name], hazard)
    if day < math.inf:
        assert cumulative_hazard(LAWS[name], day) == pytest.approx(hazard, rel=1e-9)
    else:
        assert name == "cure"
        assert hazard >= -math.log(0.4)


def test_a_relapse_waits_for_the_scan_that_sees_it() -> None:
    """With scans the event is dated by the first scan on or after it; without, by itself.

    Catches a law that is told at once although nobody looked, and a scan that misses what has happened.
    """
    model = EventModel(law=LAWS["exponential"])
    unseen = run(trial_of(model, patients=300))
    scanned = run(trial_of(model, patients=300, scans=True))
    found = 0
    for at_once, waited in zip(unseen.patients, scanned.patients, strict=True):
        if waited.relapse is None:
            continue
        found += 1
        assert at_once.relapse is not None
        assert at_once.relapse.detected == at_once.relapse.latent_day == waited.relapse.latent_day
        assert waited.relapse.last_clear < waited.relapse.latent_day <= waited.relapse.detected
    assert found > 100
    assert not [event for event in unseen.events if event.kind is EventKind.SCAN]


def test_what_dies_depends_on_the_endpoint() -> None:
    """Deaths by a law of overall survival have no cause of their own; beside a law of relapse-free survival nobody dies
    without a relapse; a time to relapse competes with death from other causes. Catches deaths counted twice.
    """
    model = EventModel(law=LAWS["exponential"])
    overall = run(trial_of(model, patients=400, primary="os")).patients
    assert {record.death_cause for record in overall if record.death_day is not None} == {"any cause"}
    assert not any(record.relapse for record in overall)
    assert sum(record.death_day is not None for record in overall) > 250
    free = run(trial_of(model, patients=400)).patients
    assert {record.death_cause for record in free if record.death_day is not None} == {"cancer"}
    relapse = run(trial_of(model, patients=400, primary="ttr")).patients
    assert "other causes" in {record.death_cause for record in relapse}


def test_without_scans_a_patient_is_known_at_any_time() -> None:
    """Censored at the cut or at withdrawal: catches censoring on day 1 for want of a scan, which has no events."""
    protocol = trial_of(EventModel(law=LAWS["exponential"]), patients=300, dropout=0.1 / 365.25)
    trial = run(protocol)
    seen = {0: 0, 1: 0, 3: 0}
    for record in trial.patients:
        time = time_to_event(record, "RFS")
        seen[time.censor] += 1
        if time.censor == 1:
            assert time.day == trial.cut_day - record.randomised_day
        if time.censor == 3:
            assert time.day == record.withdrew_day
    assert min(seen.values()) > 20


def test_one_more_patient_changes_no_earlier_event() -> None:
    """Catches a law's draw that comes from a shared stream."""
    model = EventModel(law=LAWS["weibull"])
    fewer, more = run(trial_of(model, patients=60)), run(trial_of(model, patients=61))
    for before, after in zip(fewer.patients, more.patients[:60], strict=True):
        assert before.arm == after.arm
        if before.relapse is not None:
            assert before.relapse == after.relapse
