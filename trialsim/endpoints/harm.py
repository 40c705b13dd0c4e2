"""What treatment cost: doses given, held, reduced, delayed, missed; the worst grade of blood counts, by CTCAE v5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trialsim.endpoints.modelled import has_treatment
from trialsim.records import EventKind, PatientRecord, TrialRecord
from trialsim.reported.trial import Harm
from trialsim.spec.resolved import ResolvedProtocol

#: Upper limits of grades 1 to 4, 1e9/L (CTCAE v5; the normal limits are 150 and 2).
GRADES = {"platelets": (150.0, 75.0, 50.0, 25.0), "neutrophils": (2.0, 1.5, 1.0, 0.5)}
_COUNTED = {
    EventKind.DOSE: "given",
    EventKind.DOSE_HELD: "held",
    EventKind.DOSE_REDUCED: "reduced",
    EventKind.DOSE_DELAYED: "delayed",
    EventKind.DOSE_MISSED: "missed",
}


def grade(count: float, cells: str) -> int:
    """The grade of a count: 0 at or above the normal limit, then the number of limits that it is below."""
    return sum(count < limit for limit in GRADES[cells])


def harm_table(trial: TrialRecord, protocol: ResolvedProtocol) -> dict[str, Harm]:
    """By arm: patients treated, doses by what became of them, orders and treatments stopped, and worst grades.

    Grades are those of the lowest true count of treated patients, in a list from grade 0 to grade 4; the laboratory,
    which looks now and then, sees less. Neutrophils are there where they are simulated. Every number of an arm whose
    event times are simulated from a distribution is None: it has no treatment.
    """
    events = {name: Counter[str]() for name in protocol.arms}
    arm_of = {record.patient: record.arm for record in trial.patients}
    for event in trial.events:
        if event.kind in _COUNTED:
            events[arm_of[event.patient]][_COUNTED[event.kind]] += 1
    return {
        name: _harm([record for record in trial.patients if record.arm == name], events[name])
        if has_treatment(arm)
        else Harm(None, dict.fromkeys(_COUNTED.values()), None, dict.fromkeys(GRADES))
        for name, arm in protocol.arms.items()
    }


def _harm(records: Sequence[PatientRecord], doses: Counter[str]) -> Harm:
    treated = [record for record in records if record.treated]
    return Harm(
        treated=len(treated),
        doses={words: doses[words] for words in _COUNTED.values()},
        stopped_for_toxicity=sum(record.treatment_stopped in TOXIC for record in records),
        grades={
            "platelets": _grades([record.true_platelet_nadir for record in treated], "platelets"),
            "neutrophils": _grades([record.true_neutrophil_nadir for record in treated], "neutrophils"),
        },
    )


#: Reasons for stopping treatment that are toxicity.
TOXIC = frozenset(("platelets", "neutrophils"))


def _grades(counts: Sequence[float | None], cells: str) -> tuple[int, ...] | None:
    """Patients by grade; None where nobody has a count."""
    known = [grade(count, cells) for count in counts if count is not None]
    return tuple(known.count(level) for level in range(5)) if known else None
