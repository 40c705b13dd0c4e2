"""The frame that the analysis layer reads: one endpoint, in plain names."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.endpoints.estimand import COMPOSITE, primary_parameter
from trialsim.endpoints.time_to_event import RELAPSES
from trialsim.records import TrialRecord
from trialsim.spec.resolved import ResolvedProtocol


def survival_frame(
    trial: TrialRecord, protocol: ResolvedProtocol, adtte: pd.DataFrame, *, parameter: str | None = None
) -> pd.DataFrame:
    """One row per patient for ``parameter`` (a PARAMCD; the protocol's primary endpoint by default), of those analysed.

    Columns: ``usubjid``, ``time_days`` (AVAL), ``event`` (CNSR 0), ``arm``, ``event_type`` (``relapse``, ``death``,
    what came in between where that is an event, or empty when censored), ``cause`` (of the relapse that is the event,
    else empty), and the categorical traits that stratify or make a subgroup, and the p53 status.
    """
    rows = adtte[adtte["PARAMCD"] == (parameter or primary_parameter(protocol))]
    analysed = (rows["ANL01FL"] == "Y").to_numpy()
    rows = rows[analysed]
    patients = [record for record, kept in zip(trial.patients, analysed, strict=True) if kept]
    event = (rows["CNSR"] == 0).to_numpy()
    is_relapse = event & rows["EVNTDESC"].isin(RELAPSES.values()).to_numpy()
    causes = np.array([r.relapse.cause if r.relapse else "" for r in patients], dtype=object)
    others = rows["EVNTDESC"].map({words: words.lower() for words in COMPOSITE.values()}).fillna("death").to_numpy()
    frame = pd.DataFrame(
        {
            "usubjid": rows["USUBJID"].to_numpy(),
            "time_days": rows["AVAL"].to_numpy(dtype=float),
            "event": event,
            "arm": rows["ARM"].to_numpy(),
            "event_type": np.where(is_relapse, "relapse", np.where(event, others, "")),
            "cause": np.where(is_relapse, causes, ""),
        }
    )
    wanted = dict.fromkeys((*protocol.randomisation.strata, *protocol.analysis.subgroups, "p53_status"))
    for name in wanted:
        if name in protocol.cohort.traits:
            frame[name] = [str(record.traits[name]) for record in patients]
    return frame
