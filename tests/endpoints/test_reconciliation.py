"""One trial, four tables: they must tell the same story."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from tests.conduct import protocol_for_tests as example
from tests.endpoints.records_for_tests import NO_ESTIMATES
from tests.saved import saved
from trialsim.conduct import conduct_trial
from trialsim.endpoints import (
    adsl_frame,
    adtte_frame,
    arm_summaries,
    events_frame,
    participant_flow,
    survival_frame,
)
from trialsim.records import TrialRecord
from trialsim.results import to_json
from trialsim.spec.resolved import ResolvedProtocol

PATIENTS = 400


def protocol_with_every_ending() -> ResolvedProtocol:
    """Long treatment and short follow-up, so that some are still on treatment or unscanned at the cut."""
    base = example.with_patients(example.protocol(), PATIENTS)
    arms = base.arms | {
        "observation": example.arm("observation"),
        "navitoclax": example.arm("navitoclax", example.chemotherapy(), example.senolytic(cycles=12)),
    }
    rules = base.randomisation.model_copy(
        update={"ratio": {"control": 1, "navitoclax": 2, "observation": 1}, "block_sizes": (4, 8)}
    )
    follow_up = base.follow_up.model_copy(update={"minimum_days": 60.0, "dropout_per_day": 5e-4, "lost_per_day": 4e-4})
    return base.model_copy(update={"arms": arms, "randomisation": rules, "follow_up": follow_up})


PROTOCOL = protocol_with_every_ending()


@pytest.fixture(scope="module")
def trial() -> TrialRecord:
    courses = example.Courses(relapse_scale=900.0)
    return conduct_trial(PROTOCOL, seed=2, traits=example.all_traits(PATIENTS), new_course=courses)


@pytest.fixture(scope="module")
def adsl(trial: TrialRecord) -> pd.DataFrame:
    return adsl_frame(trial, PROTOCOL)


@pytest.fixture(scope="module")
def adtte(trial: TrialRecord) -> pd.DataFrame:
    return adtte_frame(trial, PROTOCOL)


@pytest.fixture(scope="module")
def log(trial: TrialRecord) -> pd.DataFrame:
    return events_frame(trial, PROTOCOL)


def counts(log: pd.DataFrame, arm: str, kind: str) -> int:
    return int(((log["arm"] == arm) & (log["kind"] == kind)).sum())


def test_flow_balances(trial: TrialRecord, adsl: pd.DataFrame, log: pd.DataFrame) -> None:
    """Catches a patient counted in two boxes of the flow or in none, in any arm."""
    flow = saved(participant_flow(trial, PROTOCOL))
    assert flow["enrolled"] == flow["randomised"] == PATIENTS == len(adsl)
    assert sum(arm["allocated"] for arm in flow["arms"].values()) == PATIENTS
    for name, arm in flow["arms"].items():
        ways = ("relapsed", "died_without_relapse", "withdrew", "lost", "event_free_at_cut")
        assert arm["allocated"] == sum(arm[way] for way in ways) == counts(log, name, "randomised")
        assert arm["allocated"] == arm["started_treatment"] + arm["never_treated"] == arm["analysed"]
        stopped = sum(arm["stopped_treatment"].values())
        ended = arm["completed_treatment"] + stopped + arm["on_treatment_at_cut"]
        assert arm["started_treatment"] == ended
        own = adsl[adsl["ARM"] == name]
        status = Counter(own["EOTSTT"])
        assert (status["COMPLETED"], status["DISCONTINUED"]) == (arm["completed_treatment"], stopped)
        assert (status["ONGOING"], status[""]) == (arm["on_treatment_at_cut"], arm["never_treated"])
        assert arm["completed_treatment"] == counts(log, name, "treatment completed")
        assert arm["relapsed"] == counts(log, name, "relapse") == int((own["RELSITE"] != "").sum())


def test_the_trial_has_every_ending(trial: TrialRecord, adtte: pd.DataFrame) -> None:
    """Keeps the other tests honest: each box and code that they compare is filled at least once."""
    flow = saved(participant_flow(trial, PROTOCOL))["arms"]["navitoclax"]
    assert min(value for key, value in flow.items() if isinstance(value, int) and key != "never_treated") > 0
    assert {"relapse", "withdrew", "lost", "platelets"} <= set(flow["stopped_treatment"])
    assert saved(participant_flow(trial, PROTOCOL))["arms"]["observation"]["never_treated"] > 0
    assert set(adtte["CNSR"]) == {0, 1, 2, 3, 4, 5, 6}


def test_every_event_has_its_row_in_the_log(adtte: pd.DataFrame, log: pd.DataFrame) -> None:
    """Catches an event without a relapse or death row, one on another date, and a source that leads astray."""
    rows = log.set_index(["USUBJID", "seq"])
    sourced = adtte[adtte["SRCDOM"] == "EVENTS"]
    kinds = {"Local Relapse": "relapse", "Distant Relapse": "relapse"}
    for found in sourced.itertuples():
        source = rows.loc[(found.USUBJID, found.SRCSEQ)]
        opened = pd.Timestamp(PROTOCOL.accrual.opens)
        assert (opened + pd.Timedelta(days=int(source["day"]))).date().isoformat() == found.ADT
        if found.CNSR == 0:
            assert source["kind"] == kinds.get(found.EVNTDESC, "death")


def test_flow_agrees_with_the_endpoints(trial: TrialRecord, adtte: pd.DataFrame) -> None:
    """Catches a table that decides by another rule than the flow who relapsed, died or is censored."""
    rfs = adtte[adtte["PARAMCD"] == "RFS"]
    ttr = adtte[adtte["PARAMCD"] == "TTR"]
    for name, arm in saved(participant_flow(trial, PROTOCOL))["arms"].items():
        own = rfs[rfs["ARM"] == name]
        assert int((own["CNSR"] == 0).sum()) == arm["relapsed"] + arm["died_without_relapse"]
        assert int((own["CNSR"] != 0).sum()) == arm["withdrew"] + arm["lost"] + arm["event_free_at_cut"]
        assert int((ttr[ttr["ARM"] == name]["CNSR"] == 6).sum()) == arm["died_without_relapse"]


def test_endpoints_are_ordered(adtte: pd.DataFrame) -> None:
    """Catches an endpoint that comes before what it contains: RFS cannot outlast OS, TTR's events are RFS's."""
    wide = adtte.pivot_table(index="USUBJID", columns="PARAMCD", values="AVAL")
    code = adtte.pivot_table(index="USUBJID", columns="PARAMCD", values="CNSR")
    assert (wide["RFS"] <= wide["OS"]).all()
    assert (wide["TTR"] == wide["RFS"]).all()
    assert ((code["TTR"] == 0) <= (code["RFS"] == 0)).all()
    assert ((code["DRFS"] == 0) <= (code["RFS"] == 0)).all()
    assert (adtte["AVAL"] >= 1).all()
    assert adtte.groupby("PARAMCD").size().eq(PATIENTS).all()


def test_nothing_is_dated_after_the_cut(trial: TrialRecord, adsl: pd.DataFrame, adtte: pd.DataFrame) -> None:
    """Catches planned visits, or deaths that the trial never saw, in the tables."""
    cut = (pd.Timestamp(PROTOCOL.accrual.opens) + pd.Timedelta(days=int(trial.cut_day))).date().isoformat()
    dates = [adsl[name] for name in adsl.columns if name.endswith("DT")] + [adtte["ADT"]]
    assert len(dates) > 6
    assert all((column <= cut).all() for column in dates)
    assert (events_frame(trial, PROTOCOL)["day"] <= trial.cut_day).all()


def test_summary_counts_what_the_tables_count(
    trial: TrialRecord, adsl: pd.DataFrame, adtte: pd.DataFrame, log: pd.DataFrame
) -> None:
    """Catches causes that do not sum to the relapses, reasons that do not sum to the censored, toxicity
    per patient randomised or treated instead of measured, and NaN where there is nothing to average."""
    summary = saved(arm_summaries(trial, PROTOCOL, adtte, NO_ESTIMATES))
    to_json(summary)
    rfs = adtte[adtte["PARAMCD"] == "RFS"]
    for name, arm in summary.items():
        own = adsl[adsl["ARM"] == name]
        assert sum(arm["relapses"].values()) == sum(arm["causes"].values()) == counts(log, name, "relapse")
        assert sum(arm["censored"].values()) == int(((rfs["ARM"] == name) & (rfs["CNSR"] != 0)).sum())
        assert arm["deaths_without_relapse"] == int(
            ((rfs["ARM"] == name) & (rfs["EVNTDESC"] == "Death Without Relapse")).sum()
        )
        if name == "navitoclax":
            labs = log[(log["arm"] == name) & (log["kind"] == "laboratory")]
            low = labs[labs["value"] < 50.0]["USUBJID"].nunique()
            measured = labs["USUBJID"].nunique()
            assert measured < int((own["SAFFL"] == "Y").sum())
            assert arm["grade34_thrombocytopenia_percent"] == pytest.approx(100 * low / measured)
            assert 0 < arm["dose_intensity"] < 1
    assert summary["observation"]["dose_intensity"] is None
    assert summary["control"]["grade34_thrombocytopenia_percent"] is None


@pytest.mark.parametrize("parameter", ["RFS", "OS", "TTR", "DRFS"])
def test_the_analysis_frame_is_the_table(trial: TrialRecord, adtte: pd.DataFrame, parameter: str) -> None:
    """Catches CNSR taken for the event, a cause given to a death or a censored patient, and shuffled rows."""
    frame = survival_frame(trial, PROTOCOL, adtte, parameter=parameter)
    rows = adtte[adtte["PARAMCD"] == parameter].reset_index(drop=True)
    assert frame["event"].tolist() == (rows["CNSR"] == 0).tolist()
    assert frame["time_days"].tolist() == rows["AVAL"].tolist()
    assert frame["arm"].tolist() == rows["ARM"].tolist()
    assert frame["p53_status"].tolist() == rows["P53STAT"].tolist()
    assert frame["nodes"].tolist() == rows["NODES"].tolist()
    relapsed = rows["EVNTDESC"].isin(["Local Relapse", "Distant Relapse"])
    assert (frame["event_type"] == "relapse").tolist() == relapsed.tolist()
    assert (frame["event_type"] != "").tolist() == frame["event"].tolist()
    assert (frame["cause"] != "").tolist() == relapsed.tolist()


def test_the_frame_follows_the_primary_endpoint(trial: TrialRecord, adtte: pd.DataFrame) -> None:
    """Catches RFS analysed whatever the protocol names."""
    survival = PROTOCOL.model_copy(update={"endpoint": PROTOCOL.endpoint.model_copy(update={"primary": "os"})})
    chosen = survival_frame(trial, survival, adtte)
    assert chosen.equals(survival_frame(trial, PROTOCOL, adtte, parameter="OS"))
    assert not chosen.equals(survival_frame(trial, PROTOCOL, adtte))
