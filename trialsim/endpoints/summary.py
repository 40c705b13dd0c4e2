"""The part of summary.json that is counted from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from trialsim.endpoints.estimand import primary_parameter
from trialsim.endpoints.modelled import counted, has_deaths_apart, has_relapses, has_sites
from trialsim.endpoints.status import Ending, outcome
from trialsim.endpoints.time_to_event import CENSORING
from trialsim.records import PatientRecord, TrialRecord
from trialsim.reported.analysis import GroupSummary
from trialsim.reported.trial import ArmSummary, ArmSummaryWithNeutropenia, RelapseSites
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol

#: CTCAE v5: a platelet count below 50e9/L is thrombocytopenia of grade 3, below 25e9/L of grade 4.
GRADE_3_PLATELETS = 50.0
#: And a neutrophil count below 1e9/L is neutropenia of grade 3.
GRADE_3_NEUTROPHILS = 1.0


def arm_summaries(
    trial: TrialRecord, protocol: ResolvedProtocol, adtte: pd.DataFrame, estimates: Mapping[str, GroupSummary]
) -> dict[str, ArmSummary]:
    """What summary.json holds of each arm: its ``estimates``, relapses, deaths, censoring of the primary endpoint,
    causes, dosing and toxicity.

    What an arm does not model is None (`trialsim.endpoints.modelled`). ``dose_intensity`` is the mean over patients
    who had doses planned by the cut, and ``grade34_thrombocytopenia_percent`` the share with a count below 50e9/L of
    the treated patients whose platelets were counted; they are None where nobody had a dose planned, or a count. Where
    neutrophils are simulated, ``grade34_neutropenia_percent`` is the share of treated patients whose true count fell
    below 1e9/L, None where nobody was treated.
    """
    primary = adtte[(adtte["PARAMCD"] == primary_parameter(protocol)) & (adtte["ANL01FL"] == "Y")]
    return {
        name: _summary(
            estimates[name],
            [record for record in trial.patients if record.arm == name],
            Counter(primary[primary["ARM"] == name]["CNSR"].tolist()),
            protocol,
            arm,
        )
        for name, arm in protocol.arms.items()
    }


def _summary(
    estimates: GroupSummary,
    records: Sequence[PatientRecord],
    codes: Counter[int],
    protocol: ResolvedProtocol,
    arm: ResolvedArm,
) -> ArmSummary:
    relapses = [record.relapse for record in records if record.relapse is not None]
    sites = Counter(relapse.site for relapse in relapses)
    causes = Counter(relapse.cause for relapse in relapses if relapse.cause)
    dosed = [record.dose_intensity for record in records if record.doses_planned > 0]
    treated = [record for record in records if record.treated]
    died = sum(outcome(record) is Ending.DIED for record in records)
    by_cause = {cause: causes[cause] for cause in sorted(causes, key=lambda c: (-causes[c], c))}
    summary = ArmSummary(
        **vars(estimates),
        relapses=RelapseSites(
            counted(sites["local"], has_sites(arm)), counted(sites["distant"], has_relapses(protocol, arm))
        ),
        deaths_without_relapse=counted(died, has_deaths_apart(protocol, arm)),
        censored={words.lower(): codes[code] for code, words in CENSORING.items() if codes[code]},
        causes=by_cause if has_sites(arm) else None,
        dose_intensity=sum(dosed) / len(dosed) if dosed else None,
        grade34_thrombocytopenia_percent=_low_percent((r.platelet_nadir for r in treated), GRADE_3_PLATELETS),
    )
    if not protocol.counts_neutrophils:
        return summary
    low = _low_percent((record.true_neutrophil_nadir for record in treated), GRADE_3_NEUTROPHILS)
    return ArmSummaryWithNeutropenia(**vars(summary), grade34_neutropenia_percent=low)


def _low_percent(lowest: Iterable[float | None], limit: float) -> float | None:
    """Of the patients with a count, the share whose lowest one is below ``limit``; None where nobody has one."""
    known = [count for count in lowest if count is not None]
    return 100.0 * sum(count < limit for count in known) / len(known) if known else None
