"""The primary endpoint as it stands, for the analysis and for looks."""

from __future__ import annotations

import pandas as pd

from trialsim.analysis import SurvivalData, from_frame
from trialsim.analysis.logrank import logrank
from trialsim.endpoints import survival_frame
from trialsim.records import TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def survival_data(protocol: ResolvedProtocol, record: TrialRecord, adtte: pd.DataFrame) -> SurvivalData:
    """The primary endpoint as the analysis takes it."""
    frame = survival_frame(record, protocol, adtte)
    categories = [c for c in frame.columns if c in protocol.cohort.traits]
    relapses = protocol.endpoint.primary != "os"
    return from_frame(
        frame,
        time="time_days",
        event="event",
        arm="arm",
        strata=protocol.randomisation.strata,
        covariates=categories,
        event_type="event_type" if relapses else None,
        cause="cause" if relapses else None,
        # In a tiny trial an arm may have no patient; the plan keeps its place.
        reference=protocol.analysis.reference if (frame["arm"] == protocol.analysis.reference).any() else None,
    )


def benefit_z(protocol: ResolvedProtocol, data: SurvivalData, arm: str) -> float:
    """The planned test of an arm against the reference, large where the arm does better; 0 where there is none."""
    stratified = protocol.analysis.test == "stratified_logrank"
    test = logrank(data, arm, protocol.analysis.reference, stratified=stratified) if data.n else None
    return 0.0 if test is None else -test.z
