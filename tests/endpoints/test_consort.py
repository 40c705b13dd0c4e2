"""The CONSORT diagram counted three times: by the program, from the event log alone, and from ADSL alone.

The trial has everything in it: screening, places for treatment, scans that move or are missed, withdrawal, loss, other
therapy, cross-over, and a cut by events.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
import pytest

from tests.conduct import protocol_for_tests as example
from tests.endpoints.test_reconciliation import PATIENTS, protocol_with_every_ending
from tests.saved import saved
from trialsim.conduct import conduct_trial
from trialsim.endpoints import adsl_frame, events_frame, participant_flow, primary_event
from trialsim.records import TrialRecord
from trialsim.report.flow import flow_boxes
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.resolved_conduct import AfterRelapse, Capacity, Cut, Intercurrent, NewTherapy, Screening

DAY = 1.0 / 365.25


def protocol_with_everything() -> ResolvedProtocol:
    base = protocol_with_every_ending()
    follow_up = base.follow_up.model_copy(
        update={
            "minimum_days": 30.0,
            "dropout_per_day": 0.12 * DAY,
            "lost_per_day": 0.1 * DAY,
            "window_days": 10.0,
            "missed": 0.1,
            "cut": Cut(events=90, day=None, when="latest", no_later_than_days=5000.0),
        }
    )
    others = AfterRelapse(share=0.4, survival_ratio=1.2, arms=("control",), to="navitoclax")
    return base.model_copy(
        update={
            "follow_up": follow_up,
            "accrual": base.accrual.model_copy(
                update={"screening": Screening(failure=0.15, caps={"p53_status": {"mutant": 110}}), "per_day": 1.2}
            ),
            "capacity": Capacity(places={"infusion_chairs": 16}, open_days=(0, 1, 2, 3, 4, 5)),
            "intercurrent": Intercurrent(new_therapy=NewTherapy(per_day=0.1 * DAY, hazard_ratio=1.0), crossover=others),
        }
    )


PROTOCOL = protocol_with_everything()


@pytest.fixture(scope="module")
def trial() -> TrialRecord:
    return conduct_trial(
        PROTOCOL,
        seed=2,
        traits=example.all_traits(4 * PATIENTS),
        new_course=example.Courses(relapse_scale=900.0),
        has_event=primary_event(PROTOCOL),
    )


def from_log(log: pd.DataFrame) -> dict[str, Any]:
    """The flow from events.csv and nothing else: what came first of each patient, and how treatment ended."""
    arms: dict[str, Counter[str]] = {arm: Counter() for arm in PROTOCOL.arms}
    reasons: dict[str, Counter[str]] = {arm: Counter() for arm in PROTOCOL.arms}
    screened, excluded = 0, Counter[str]()
    ends = {"relapse": "relapsed", "death": "died_without_relapse", "withdrew": "withdrew", "lost to follow-up": "lost"}
    for subject, rows in log[log["USUBJID"] != ""].groupby("USUBJID", sort=False):
        kinds, details = rows["kind"].tolist(), rows["detail"].tolist()
        screened += kinds.count("screened")
        if "excluded" in kinds:
            excluded[details[kinds.index("excluded")]] += 1
            continue
        arm = details[kinds.index("randomised")]
        assert set(rows["arm"]) == {arm}, subject
        first = next((ends[kind] for kind in kinds if kind in ends), "event_free_at_cut")
        arms[arm].update(["allocated", "analysed", first])
        if "dose" not in kinds:
            arms[arm]["never_treated"] += 1
            continue
        arms[arm]["started_treatment"] += 1
        if "treatment completed" in kinds:
            arms[arm]["completed_treatment"] += 1
        elif "treatment stopped" in kinds:
            reasons[arm][details[kinds.index("treatment stopped")].split(":")[0]] += 1
        else:
            arms[arm]["on_treatment_at_cut"] += 1
    return {"screened": screened, "excluded": dict(excluded), "arms": arms, "stopped": reasons}


def from_adsl(adsl: pd.DataFrame) -> dict[str, Counter[str]]:
    """The boxes of each arm from ADSL and nothing else."""
    words = {"": "never_treated", "COMPLETED": "completed_treatment", "ONGOING": "on_treatment_at_cut"}
    leaving = {"DEATH": "died_without_relapse", "WITHDRAWAL BY SUBJECT": "withdrew", "LOST TO FOLLOW-UP": "lost"}
    arms: dict[str, Counter[str]] = {arm: Counter() for arm in PROTOCOL.arms}
    for row in adsl.itertuples():
        boxes = arms[row.ARM]
        boxes["allocated"] += 1
        boxes["relapsed" if row.RELDT else leaving.get(row.DCSREAS, "event_free_at_cut")] += 1
        boxes[words.get(row.EOTSTT, f"stopped: {row.DCTREAS}")] += 1
        boxes["started_treatment"] += row.TRTSDT != ""
    return arms


def test_the_flow_is_the_log_counted(trial: TrialRecord) -> None:
    """Catches a box that is filled by another rule than the log's, in any arm."""
    flow, log = saved(participant_flow(trial, PROTOCOL)), from_log(events_frame(trial, PROTOCOL))
    assert flow["screened"] == log["screened"]
    assert flow["excluded"] == log["excluded"]
    assert len(flow["excluded"]) == 2
    for name, arm in flow["arms"].items():
        counted = log["arms"][name]
        for box, number in arm.items():
            if isinstance(number, int):
                assert number == counted[box], (name, box)
        assert {k: v for k, v in arm["stopped_treatment"].items() if v} == dict(log["stopped"][name])


def test_the_flow_is_adsl_counted(trial: TrialRecord) -> None:
    """Catches a patient who is in one box of the diagram and in another of ADSL."""
    terms = {
        "relapse": "DISEASE RELAPSE",
        "death": "DEATH",
        "withdrew": "WITHDRAWAL BY SUBJECT",
        "lost": "LOST TO FOLLOW-UP",
        "new therapy": "OTHER",
        "platelets": "ADVERSE EVENT",
    }
    flow, adsl = saved(participant_flow(trial, PROTOCOL))["arms"], from_adsl(adsl_frame(trial, PROTOCOL))
    for name, arm in flow.items():
        for box, number in arm.items():
            if isinstance(number, int) and box != "analysed":
                assert number == adsl[name][box], (name, box)
        for reason, number in arm["stopped_treatment"].items():
            assert number == adsl[name][f"stopped: {terms[reason]}"], (name, reason)


def test_every_box_is_filled_and_adds_up(trial: TrialRecord) -> None:
    """Keeps the others honest, and holds the two identities of the diagram."""
    flow = saved(participant_flow(trial, PROTOCOL))
    assert flow["data_cut"]["by"] == "90 events"
    stops = Counter[str]()
    for arm in flow["arms"].values():
        ends = ("relapsed", "died_without_relapse", "withdrew", "lost", "event_free_at_cut")
        assert arm["allocated"] == sum(arm[box] for box in ends)
        stopped = sum(arm["stopped_treatment"].values())
        assert arm["started_treatment"] == arm["completed_treatment"] + stopped + arm["on_treatment_at_cut"]
        assert arm["allocated"] == arm["started_treatment"] + arm["never_treated"]
        stops.update(arm["stopped_treatment"])
    whole = {box: sum(arm[box] for arm in flow["arms"].values()) for box in ends}
    assert min(whole.values()) > 0
    assert {"relapse", "withdrew", "lost", "new therapy", "platelets"} <= set(stops)
    assert flow["screened"] == flow["randomised"] + sum(flow["excluded"].values())


def test_the_diagram_draws_these_numbers(trial: TrialRecord) -> None:
    """Catches a box of the page that leaves a number out: what is drawn adds up too."""
    drawn = flow_boxes(participant_flow(trial, PROTOCOL))
    assert drawn.screened - sum(line.number for line in drawn.excluded) == drawn.randomised
    assert sum(column.allocated for column in drawn.columns) == drawn.randomised
    for column in drawn.columns:
        boxes = {box.title: box.lines for box in column.boxes}
        assert sum(line.number for line in boxes["Follow-up"]) == column.allocated
        parts = [line.number for line in boxes["Treatment"] if not line.inner and line.words != "started treatment"]
        assert sum(parts) == column.allocated
        inner = sum(line.number for line in boxes["Treatment"] if line.inner)
        assert inner == sum(line.number for line in boxes["Treatment"] if line.words == "stopped early")
