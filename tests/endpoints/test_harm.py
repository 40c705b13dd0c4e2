"""What treatment cost: grades at their limits, and doses counted from the log."""

from __future__ import annotations

import pytest

from tests.conduct import protocol_for_tests as example
from tests.saved import read, saved
from trialsim.conduct import conduct_trial
from trialsim.endpoints.harm import grade, harm_table
from trialsim.records import EventKind
from trialsim.report.conduct_tables import harm
from trialsim.reported.trial import Harm

KINDS = {"given": EventKind.DOSE, "held": EventKind.DOSE_HELD, "reduced": EventKind.DOSE_REDUCED}
LABELS = {"control": "Control", "senolytic": "Senolytic"}


@pytest.mark.parametrize(
    ("cells", "count", "expected"),
    [
        ("platelets", 150.0, 0), ("platelets", 149.9, 1), ("platelets", 75.0, 1), ("platelets", 74.9, 2),
        ("platelets", 49.9, 3), ("platelets", 25.0, 3), ("platelets", 24.9, 4),
        ("neutrophils", 2.0, 0), ("neutrophils", 1.5, 1), ("neutrophils", 1.49, 2), ("neutrophils", 0.99, 3),
        ("neutrophils", 0.5, 3), ("neutrophils", 0.49, 4),
    ],
)  # fmt: skip
def test_grades_are_those_of_ctcae(cells: str, count: float, expected: int) -> None:
    """CTCAE v5. Catches a limit that belongs to the grade above it, and limits of one kind of cell for the other."""
    assert grade(count, cells) == expected


def test_the_table_counts_the_log() -> None:
    """Catches events of one arm counted for another, and patients who were never treated among the graded."""
    protocol = example.protocol()
    courses = example.Courses()
    traits = example.all_traits(protocol.accrual.patients)
    trial = conduct_trial(protocol, seed=3, traits=traits, new_course=courses)
    table = saved(harm_table(trial, protocol))
    arm_of = {record.patient: record.arm for record in trial.patients}
    for arm, entry in table.items():
        for words, kind in (
            ("given", EventKind.DOSE),
            ("held", EventKind.DOSE_HELD),
            ("reduced", EventKind.DOSE_REDUCED),
        ):
            mine = [e for e in trial.events if e.kind is kind and arm_of[e.patient] == arm]
            assert entry["doses"][words] == len(mine)
        treated = [record for record in trial.patients if record.arm == arm and record.treated]
        assert entry["treated"] == len(treated)
        if treated:
            assert sum(entry["grades"]["platelets"]) == len(treated)
        assert entry["grades"]["neutrophils"] is None


def test_a_trial_without_holds_and_low_counts_has_no_table() -> None:
    """Catches a table of noughts on every page."""
    quiet = {"treated": 3, "doses": {"given": 9, "held": 0}, "stopped_for_toxicity": 0,
             "grades": {"platelets": [3, 0, 0, 0, 0], "neutrophils": None}}  # fmt: skip
    assert harm(dict.fromkeys(LABELS, read(Harm, quiet)), LABELS) is None
    loud = {**quiet, "doses": {"given": 8, "held": 1}, "grades": {"platelets": [1, 0, 0, 2, 0], "neutrophils": None}}
    table = harm({"control": read(Harm, quiet), "senolytic": read(Harm, loud)}, LABELS)
    assert table is not None
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Doses held"] == ("0", "1")
    assert rows["  grade 3"][1].startswith("2")
    assert "Lowest neutrophils, patients" not in rows
