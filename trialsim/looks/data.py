"""The primary endpoint as it stands, for the analysis and for looks."""

from __future__ import annotations

import pandas as pd

from trialsim.analysis import SurvivalData
from trialsim.analysis.frame import joined
from trialsim.analysis.logrank import logrank
from trialsim.endpoints import survival_frame
from trialsim.records import TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def survival_data(protocol: ResolvedProtocol, record: TrialRecord, adtte: pd.DataFrame) -> SurvivalData:
    """The primary endpoint as the analysis takes it.

    Names and levels are the protocol's and mean what they say: no reader that knows of missing values stands between.
    """
    frame = survival_frame(record, protocol, adtte)
    relapses = protocol.endpoint.primary != "os"
    strata = protocol.randomisation.strata
    categories = [column for column in frame.columns if column in protocol.cohort.traits]
    # In a tiny trial an arm may have no patient; the plan keeps its place.
    reference = protocol.analysis.reference if (frame["arm"] == protocol.analysis.reference).any() else ""
    return SurvivalData(
        time_days=frame["time_days"].to_numpy(dtype=float),
        event=frame["event"].to_numpy(dtype=bool),
        arm=frame["arm"].to_numpy(dtype=object),
        strata=joined([frame[factor].to_numpy(dtype=object) for factor in strata]) if strata else None,
        strata_names=tuple(strata),
        event_type=frame["event_type"].to_numpy(dtype=object) if relapses else None,
        cause=frame["cause"].to_numpy(dtype=object) if relapses else None,
        covariates=frame[categories].reset_index(drop=True),
        reference=reference,
    )


def benefit_z(protocol: ResolvedProtocol, data: SurvivalData, arm: str) -> float:
    """The planned test of an arm against the reference, large where the arm does better; 0 where there is none."""
    stratified = protocol.analysis.test == "stratified_logrank"
    z = logrank(data, arm, protocol.analysis.reference, stratified=stratified).z if data.n else None
    return 0.0 if z is None else -z
