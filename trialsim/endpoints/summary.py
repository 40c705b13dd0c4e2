"""The part of summary.json that is counted from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialsim.endpoints.estimand import primary_parameter
from trialsim.endpoints.status import Outcome, outcome
from trialsim.endpoints.time_to_event import CENSORING
from trialsim.records import PatientRecord, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol

#: CTCAE v5: a platelet count below 50e9/L is thrombocytopenia of grade 3, below 25e9/L of grade 4.
GRADE_3_PLATELETS = 50.0
#: And a neutrophil count below 1e9/L is neutropenia of grade 3.
GRADE_3_NEUTROPHILS = 1.0


def arm_summaries(trial: TrialRecord, protocol: ResolvedProtocol, adtte: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Relapses, deaths, censoring of the primary endpoint, causes, dosing and toxicity of each arm.

    ``dose_intensity`` is the mean over patients who had doses planned by the cut, and
    ``grade34_thrombocytopenia_percent`` the share of treated patients with a measured count below 50e9/L;
    they are None where nobody had a dose planned, or nobody was treated and had a laboratory visit. Where neutrophils
    are simulated, ``grade34_neutropenia_percent`` is the share of treated patients whose true count fell below 1e9/L.
    """
    primary = adtte[(adtte["PARAMCD"] == primary_parameter(protocol)) & (adtte["ANL01FL"] == "Y")]
    return {
        name: _summary([record for record in trial.patients if record.arm == name], primary[primary["ARM"] == name])
        for name in protocol.arms
    }


def _summary(records: Sequence[PatientRecord], primary: pd.DataFrame) -> dict[str, Any]:
    relapses = [record.relapse for record in records if record.relapse is not None]
    sites = Counter(relapse.site for relapse in relapses)
    causes = Counter(relapse.cause for relapse in relapses if relapse.cause)
    codes = Counter(primary["CNSR"].tolist())
    dosed = [record.dose_intensity for record in records if record.doses_planned > 0]
    return {
        "relapses": {"local": sites["local"], "distant": sites["distant"]},
        "deaths_without_relapse": sum(outcome(record) is Outcome.DIED for record in records),
        "censored": {words.lower(): codes[code] for code, words in CENSORING.items() if codes[code]},
        "causes": {cause: causes[cause] for cause in sorted(causes, key=lambda c: (-causes[c], c))},
        "dose_intensity": sum(dosed) / len(dosed) if dosed else None,
        "grade34_thrombocytopenia_percent": _grade_34_percent(records),
    } | _neutropenia(records)


def _neutropenia(records: Sequence[PatientRecord]) -> dict[str, float]:
    counts = [record.true_neutrophil_nadir for record in records if record.treated]
    known = [count for count in counts if count is not None]
    if not known:
        return {}
    return {"grade34_neutropenia_percent": 100.0 * sum(count < GRADE_3_NEUTROPHILS for count in known) / len(known)}


def _grade_34_percent(records: Sequence[PatientRecord]) -> float | None:
    treated = [record.platelet_nadir for record in records if record.treated]
    measured = [nadir for nadir in treated if nadir is not None]
    if not measured:
        return None
    return 100.0 * sum(nadir < GRADE_3_PLATELETS for nadir in measured) / len(treated)
