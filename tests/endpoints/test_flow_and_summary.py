"""Boxes of the flow and numbers of the summary that only unusual patients fill."""

from __future__ import annotations

from dataclasses import replace

from tests.conduct.protocol_for_tests import protocol
from tests.endpoints.records_for_tests import NO_ESTIMATES, patient, relapse, trial_of
from tests.saved import saved
from trialsim.endpoints import adtte_frame, arm_summaries, participant_flow

NEVER_TREATED = {"treated": False, "first_dose": None, "last_dose": None}


def test_who_never_started_did_not_stop() -> None:
    """Catches a death before the first dose counted among the reasons for stopping treatment."""
    early = patient(1, death_day=0.5, treatment_stopped="death", last_scan=0.0, **NEVER_TREATED)
    stopped = patient(2, treatment_stopped="platelets")
    flow = saved(participant_flow(trial_of(early, stopped, patient(3)), protocol()))["arms"]["control"]
    assert (flow["never_treated"], flow["started_treatment"], flow["on_treatment_at_cut"]) == (1, 2, 1)
    assert flow["stopped_treatment"] == {"platelets": 1}


def test_relapse_comes_before_what_follows_it() -> None:
    """Catches a patient who relapsed and then died or withdrew counted by the last event."""
    died = patient(1, relapse=relapse(), last_scan=365.25, death_day=500.0, death_cause="cancer")
    left = patient(2, relapse=relapse("local"), last_scan=365.25, withdrew_day=500.0)
    trial = trial_of(died, left)
    flow = saved(participant_flow(trial, protocol()))["arms"]["control"]
    assert (flow["relapsed"], flow["died_without_relapse"], flow["withdrew"]) == (2, 0, 0)
    summary = saved(arm_summaries(trial, protocol(), adtte_frame(trial, protocol()), NO_ESTIMATES))["control"]
    assert summary["relapses"] == {"local": 1, "distant": 1}
    assert summary["deaths_without_relapse"] == 0


def test_toxicity_is_a_share_of_the_treated_who_were_measured() -> None:
    """Catches the share of those randomised (1 in 4), of those treated, which takes one without a laboratory visit for
    one without harm (1 in 3), and grade 2 (below 75)."""
    records = [
        patient(1, platelet_nadir=49.9),
        patient(2, platelet_nadir=50.0),
        patient(3),
        patient(4, **NEVER_TREATED),
    ]
    trial = trial_of(*records)
    summary = saved(arm_summaries(trial, protocol(), adtte_frame(trial, protocol()), NO_ESTIMATES))["control"]
    assert summary["grade34_thrombocytopenia_percent"] == 50.0


def test_dose_intensity_is_averaged_over_patients_with_doses_planned() -> None:
    """Catches the 1 of a patient who was to have nothing by the cut pulled into the mean."""
    records = [patient(1, dose_intensity=0.5), patient(2, dose_intensity=1.0, doses_planned=0)]
    trial = trial_of(*records)
    summary = saved(arm_summaries(trial, protocol(), adtte_frame(trial, protocol()), NO_ESTIMATES))["control"]
    assert summary["dose_intensity"] == 0.5


def test_causes_are_listed_by_how_common_they_are() -> None:
    """Catches a list whose order follows the patients, which would make equal runs look different."""
    rare = replace(relapse(), cause="a rarer cause")
    seen = (rare, relapse(), relapse("local"))
    records = [patient(number, relapse=found, last_scan=365.25) for number, found in enumerate(seen, start=1)]
    trial = trial_of(*records)
    causes = saved(arm_summaries(trial, protocol(), adtte_frame(trial, protocol()), NO_ESTIMATES))["control"]["causes"]
    assert list(causes.items()) == [("awakened dormancy", 2), ("a rarer cause", 1)]
