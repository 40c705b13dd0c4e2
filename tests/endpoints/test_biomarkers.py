"""Panels against the truth, counted by hand."""

from __future__ import annotations

from typing import Any

from tests.conduct import protocol_for_tests as example
from tests.endpoints.records_for_tests import patient, trial_of
from tests.saved import saved
from trialsim.endpoints import adsl_frame, guided_orders
from trialsim.records import Event, EventKind, PanelResult, PatientRecord, Reading
from trialsim.results import to_json
from trialsim.spec.agents import Sourced
from trialsim.spec.biomarkers import Guide, Marker, Panel
from trialsim.spec.resolved import ResolvedProtocol

GUIDE = Guide(panel="pair", day=60.0, written="day 61")


def number(value: float) -> Sourced:
    return Sourced(value=value, unit="cells", source="chosen for a test", confidence="low")


def protocol() -> ResolvedProtocol:
    base = example.protocol()
    half = number(0.5)
    markers = {
        name: Marker(
            name=name,
            label=name,
            measures="senescent_burden",
            threshold=number(1e4),
            sensitivity=half,
            specificity=half,
        )
        for name in ("p16", "plasma")
    }
    order = example.senolytic().model_copy(update={"give_if": GUIDE})
    arms = base.arms | {
        "guided": example.arm("guided", example.chemotherapy(), order),
        "alone": example.arm("alone", order),
    }
    panels = {"pair": Panel(name="pair", markers=("p16", "plasma"), at_least=1)}
    return base.model_copy(update={"arms": arms, "markers": markers, "panels": panels})


def measured(numbered: int, said: str, true: str, **changes: Any) -> PatientRecord:
    """A patient of the guided arm; ``said`` and ``true`` hold + and - for each biomarker."""
    readings = tuple(
        Reading(name, s == "+", t == "+") for name, s, t in zip(("p16", "plasma"), said, true, strict=True)
    )
    result = PanelResult("pair", 60.0, "+" in said, "+" in true, readings)
    withheld = [] if "+" in said else ["navitoclax"]
    return patient(numbered, **{"arm": "guided", "panels": [result], "withheld": withheld} | changes)


def given(record: PatientRecord) -> Event:
    return Event(record.randomised_day + 70.0, record.patient, 70.0, EventKind.DOSE, "navitoclax", 150.0, "mg")


def test_counts_of_a_guided_arm() -> None:
    """Catches the two by two turned round, a dose of another arm or order counted, and patients never measured."""
    records = [
        measured(1, "++", "++"),
        measured(2, "+-", "++"),
        measured(3, "+-", "--"),
        measured(4, "--", "+-"),
        measured(5, "--", "--"),
        measured(6, "+-", "+-"),
        patient(7, arm="guided"),
        patient(8, arm="navitoclax"),
    ]
    trial = trial_of(*records)
    trial.events[:0] = [given(r) for r in records[:3] + records[7:]]
    (entry,) = (e for e in saved(guided_orders(trial, protocol())) if e["arm"] == "guided")
    to_json(entry)
    counts = {key: entry[key] for key in ("randomised", "measured", "needed", "given", "in_vain", "missed")}
    # Patient 6 is positive and had no dose yet.
    assert counts == {"randomised": 7, "measured": 6, "needed": 4, "given": 3, "in_vain": 1, "missed": 1}
    keys = ("true_positive", "false_positive", "false_negative", "true_negative")
    assert tuple(entry["panel"][key] for key in keys) == (3, 1, 1, 1)
    assert tuple(entry["markers"]["p16"][key] for key in keys) == (3, 1, 1, 1)
    assert tuple(entry["markers"]["plasma"][key] for key in keys) == (1, 0, 1, 4)
    assert (entry["orders"], entry["day"], entry["at_least"]) == (["navitoclax"], 60.0, 1)


def test_without_guided_orders_there_is_nothing_to_tell() -> None:
    """Catches a section and columns in trials without biomarkers."""
    assert saved(guided_orders(trial_of(patient(1)), example.protocol())) == []
    assert not [name for name in adsl_frame(trial_of(patient(1)), example.protocol()) if name.startswith("BM")]


def test_columns_of_adsl() -> None:
    """Catches truth and result exchanged, and a result for who was not measured."""
    records = [measured(1, "+-", "--"), measured(2, "--", "+-"), patient(3, arm="guided"), patient(4)]
    frame = adsl_frame(trial_of(*records), protocol())
    assert list(frame.columns)[-4:] == ["BM1TEST", "BM1DT", "BM1RES", "BM1TRUTH"]
    assert frame["BM1TEST"].tolist() == ["pair", "pair", "", ""]
    assert frame["BM1RES"].tolist() == ["POSITIVE", "NEGATIVE", "", ""]
    assert frame["BM1TRUTH"].tolist() == ["NEGATIVE", "POSITIVE", "", ""]
    assert frame["BM1DT"].tolist() == ["2026-03-26", "2026-03-26", "", ""]


def test_who_was_to_be_given_nothing_had_the_treatment_of_the_arm() -> None:
    """Catches a negative patient of an arm of guided orders alone who counts as untreated, and one never measured who
    does not."""
    nothing = {"treated": False, "first_dose": None, "last_dose": None, "arm": "alone"}
    records = [measured(1, "--", "--", **nothing), patient(2, **nothing), measured(3, "--", "--", treated=False)]
    frame = adsl_frame(trial_of(*records), protocol())
    assert frame["ACTARM"].tolist() == ["alone", "", ""]
    assert frame["SAFFL"].tolist() == ["Y", "N", "N"]
