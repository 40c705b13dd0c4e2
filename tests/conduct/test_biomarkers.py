"""Panels in the trial's process: when they are measured, what they decide, what the log says."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from tests.conduct import protocol_for_tests as example
from tests.conduct.test_patient_process import Lived, live
from trialsim.records import EventKind, PanelResult, Reading, SameDay
from trialsim.schedule import arm_schedule
from trialsim.spec.biomarkers import Guide
from trialsim.spec.resolved import Order, ResolvedArm, ScanPeriod

PANEL = Guide(panel="panel", day=28.0, written="day 29")


def guided(name: str, days: tuple[float, ...], guide: Guide = PANEL) -> Order:
    return example.order(name, days, days[:1]).model_copy(update={"give_if": guide})


@dataclass
class Measured(example.MakeBelieveCourse):
    """A course whose panels say what the test wants, by the arm's guide; each of two biomarkers."""

    says: dict[int, tuple[bool, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ("p16", "plasma")

    def measure(self, guide: int) -> PanelResult:
        self.calls.append(("measure", self.now, guide, 0.0))
        said = self.says[guide]
        readings = tuple(Reading(name, yes, True, 7.0, "cells") for name, yes in zip(self.names, said, strict=True))
        return PanelResult("panel", self.now, any(said), True, readings)


def said(lived: Lived) -> list[tuple[float, str, str]]:
    kinds = (EventKind.BIOMARKER, EventKind.NOT_GIVEN, EventKind.TREATMENT_COMPLETED, EventKind.TREATMENT_STOPPED)
    return [(e.study_day, str(e.kind), e.detail) for e in lived.log if e.kind in kinds]


def both(*, positive: bool, **ends: float) -> Lived:
    """Chemotherapy on days 0 to 42, and a guided drug from the day of the measurement on."""
    arm = example.arm("x", example.chemotherapy(), guided("drug", (28.0, 35.0, 70.0)))
    course = Measured(relapse_day=ends.pop("relapse", math.inf), says={0: (positive, False)})
    return live(arm, course, **ends)


def test_the_order_of_a_day() -> None:
    """Catches a panel measured after the day's dose, or before the scan."""
    rule = example.PLATELET_RULE
    order = example.order("drug", (28.0,), (28.0,), rule).model_copy(update={"give_if": PANEL})
    visits = dict(arm_schedule(example.arm("x", order), (ScanPeriod(every_days=14, until_days=None),), 40.0))
    assert [task[0] for task in visits[28.0]] == [
        SameDay.SCAN, SameDay.LABORATORY, SameDay.BIOMARKER, SameDay.DOSE]  # fmt: skip


def test_a_positive_panel_lets_every_dose_be_given() -> None:
    """Catches an order withheld from the positive, and a panel that is not told in the log."""
    lived = both(positive=True)
    assert lived.days(EventKind.DOSE) == [0.0, 14.0, 28.0, 28.0, 35.0, 42.0, 70.0]
    assert said(lived) == [
        (28.0, "biomarker", "p16: positive"),
        (28.0, "biomarker", "plasma: negative"),
        (28.0, "biomarker", "panel: positive"),
        (70.0, "treatment completed", ""),
    ]
    assert [e.value for e in lived.log if e.kind is EventKind.BIOMARKER] == [7.0, 7.0, 1.0]
    assert lived.record.withheld == []
    assert [r.positive for r in lived.record.panels] == [True]


def test_a_negative_panel_withholds_every_dose_of_its_order_alone() -> None:
    """Catches a dose on the day itself, other orders that stop, doses counted as planned, treatment never complete."""
    lived = both(positive=False)
    assert lived.days(EventKind.DOSE) == [0.0, 14.0, 28.0, 42.0]
    assert said(lived)[3:] == [(28.0, "not given", "drug: panel negative"), (42.0, "treatment completed", "")]
    assert lived.record.withheld == ["drug"]
    assert (lived.record.dose_intensity, lived.record.doses_planned) == (1.0, 4)
    assert [call for call in lived.course.calls if call[0] == "give" and call[2] == 1] == []


def test_treatment_is_complete_when_only_the_withheld_was_to_come() -> None:
    """Catches a patient who stays on treatment for ever since the last order is not for them."""
    arm = example.arm("x", example.order("a", (0.0,), (0.0,)), guided("drug", (28.0, 35.0)))
    lived = live(arm, Measured(says={0: (False, False)}))
    assert said(lived)[-1] == (28.0, "treatment completed", "")
    assert lived.record.treatment_stopped == ""


def test_a_patient_with_nothing_to_be_given_is_not_stopped() -> None:
    """Catches platelets named as the reason why a negative patient of a guided arm got nothing."""
    lived = live(example.arm("x", guided("drug", (28.0, 35.0))), Measured(says={0: (False, False)}))
    assert said(lived)[-1] == (28.0, "not given", "drug: panel negative")
    assert (lived.record.treated, lived.record.treatment_stopped) == (False, "")
    assert lived.record.dose_intensity == 1.0


@pytest.mark.parametrize("ends", [{"relapse": 20.0}, {"death": 28.0}, {"dropout": 28.0}, {"cut": 27.0}])
def test_who_has_left_is_not_measured(ends: dict[str, float]) -> None:
    """Catches a panel of a dead or relapsed patient; a relapse seen on the day of the measurement goes before it."""
    lived = both(positive=False, **ends)
    assert lived.days(EventKind.BIOMARKER) == lived.days(EventKind.NOT_GIVEN) == []
    assert lived.record.panels == lived.record.withheld == []
    assert not [call for call in lived.course.calls if call[0] == "measure"]


def test_one_panel_may_decide_on_two_orders_and_two_panels_share_a_biomarker() -> None:
    """Catches a panel measured once per order, and a biomarker that is told twice on a day."""
    second = Guide(panel="other", day=28.0, written="day 29")
    orders = (guided("a", (28.0,)), guided("b", (35.0,)), guided("c", (35.0,), second))
    arm: ResolvedArm = example.arm("x", *orders)
    assert arm.guides == (PANEL, second)
    lived = live(arm, Measured(says={0: (False, False), 1: (True, False)}))
    assert [call[2] for call in lived.course.calls if call[0] == "measure"] == [0, 1]
    assert lived.record.withheld == ["a", "b"]
    assert lived.days(EventKind.DOSE) == [35.0]
    told = [detail for _, kind, detail in said(lived) if kind == "biomarker"]
    assert told == ["p16: negative", "plasma: negative", "panel: negative", "panel: positive"]


def test_a_biomarker_alone_is_told_once() -> None:
    """Catches a row for the biomarker and another for the panel that it is."""
    alone = Guide(panel="panel", day=28.0, written="day 29")
    course = Measured(says={0: (False,)}, names=("panel",))
    lived = live(example.arm("x", guided("drug", (28.0,), alone)), course)
    assert [detail for _, kind, detail in said(lived) if kind == "biomarker"] == ["panel: negative"]
