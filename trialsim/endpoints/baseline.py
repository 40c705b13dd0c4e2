"""The baseline table: who was randomised to what. No p-values: allocation was random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from trialsim.records import PatientRecord, TrialRecord
from trialsim.reported.trial import Baseline, BaselineTrait, Levels, Quartiles
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.traits import TRAITS

#: The traits of the table, in its order, with the words of its rows.
LABELS = {
    "age": "Age",
    "sex": "Sex",
    "subtype": "Tumour subtype",
    "nodes": "Nodal status",
    "p53_status": "TP53 status",
    "bcl2_class": "Anti-apoptotic dependence",
    "chemo_response": "Response to chemotherapy",
    "doubling_time": "Doubling time",
    "residual_burden": "Residual local burden, if any",
    "foci": "Expected disseminated foci",
    "focus_burden": "Median cells in a focus",
    "spontaneous_senescence_rate": "Spontaneous senescence",
    "dormancy_escape_rate": "Awakening of a dormant focus",
    "senescence_escape_rate": "Escape from senescence",
    "polyploid_fraction": "Polyploid share on arrest",
    "platelet_baseline": "Platelets",
}


def baseline_table(trial: TrialRecord, protocol: ResolvedProtocol) -> Baseline:
    """Medians and quartiles of numbers, counts of levels, by arm; a trait that the cohort lacks has no row.

    Numbers of an arm without patients are None.
    """
    by_arm = {name: [r for r in trial.patients if r.arm == name] for name in protocol.arms}
    rows = []
    for name, label in LABELS.items():
        if name not in protocol.cohort.traits:
            continue
        is_category = TRAITS[name].is_category
        arms = {
            arm: _levels(protocol, name, records) if is_category else _quartiles(name, records)
            for arm, records in by_arm.items()
        }
        rows.append(BaselineTrait(name, label, protocol.cohort.traits[name].unit, arms))
    return Baseline(tuple(rows))


def _levels(protocol: ResolvedProtocol, name: str, records: Sequence[PatientRecord]) -> Levels:
    counts = Counter(str(record.traits[name]) for record in records)
    return Levels({level: counts[level] for level in protocol.cohort.traits[name].levels})


def _quartiles(name: str, records: Sequence[PatientRecord]) -> Quartiles:
    if not records:
        return Quartiles(None, None, None)
    q1, median, q3 = np.quantile([float(record.traits[name]) for record in records], [0.25, 0.5, 0.75])
    return Quartiles(float(median), float(q1), float(q3))
