"""A rule that never holds a dose changes nothing of a patient, to the bit: blood is drawn, and that is all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patient.protocols import order, with_agents
from tests.patient.test_two_loops import FLAGSHIP, SEED, Trial, assert_one_course, conduct, conducted
from trialsim.patient.advance import advance
from trialsim.patient.bank import follow_all
from trialsim.patient.cells import step_cells
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import Course, Entry
from trialsim.patient.state import LOOKED_AT, Copies, Patient, view_in_python
from trialsim.patient.watched import look
from trialsim.records import EventKind, SameDay
from trialsim.schedule import Timetable
from trialsim.spec.agents import Senolytic
from trialsim.spec.resolve import BUILT_IN_RULES
from trialsim.spec.resolved import DoseRule, Order, Pharmacology, ResolvedProtocol


def given_by(protocol: ResolvedProtocol, rule: DoseRule | None) -> ResolvedProtocol:
    """The protocol with one rule, or none, for everything that is given."""

    def changed(order: Order) -> Order:
        return order.model_copy(update={"rule": rule})

    arms = {
        name: arm.model_copy(update={"orders": tuple(map(changed, arm.orders))}) for name, arm in protocol.arms.items()
    }
    return protocol.model_copy(update={"arms": arms})


def made_lethal(protocol: ResolvedProtocol) -> ResolvedProtocol:
    """Low counts kill within days, and navitoclax takes platelets as low as that."""
    agent = protocol.agents["navitoclax"]
    assert isinstance(agent, Senolytic)
    assert agent.platelets is not None
    emax = agent.platelets.emax.model_copy(update={"value": 8.0 * agent.platelets.emax.value})
    harsh = agent.model_copy(update={"platelets": agent.platelets.model_copy(update={"emax": emax})})
    hazards = Pharmacology(neutropenic_death=0.3, thrombocytopenic_death=0.3)
    return protocol.model_copy(update={"pharmacology": hazards, "agents": {**protocol.agents, "navitoclax": harsh}})


#: A rule that looks at both counts and never holds a dose.
IDLE = BUILT_IN_RULES["navitoclax-platelets"].model_copy(
    update={
        "hold_below": 1e-6,
        "resume_above": 1e-6,
        "neutrophils_hold_below": 1e-6,
        "neutrophils_resume_above": 1e-6,
    }
)


#: What the counts of the laboratory are noted in; also what a rule says, and the times at which counts are taken.
OF_THE_LABORATORY = ("platelet_nadir", "neutrophil_nadir")


#: Fields that hold what the last step worked with, whenever that was.
WORKED_IN = {"survey", "quiet", "measured", "killing", "ahead_gut", "ahead_plasma", "ahead_tissue"}


def assert_one_record(own: np.ndarray, other: np.ndarray, said: str) -> None:
    """To the bit, field by field."""
    if own.dtype.names is None:
        np.testing.assert_array_equal(own, other, err_msg=said)
    for name in set(own.dtype.names or ()) - WORKED_IN:
        assert_one_record(own[name], other[name], f"{said}.{name}")


def assert_one_body(own: Patient, other: Patient, said: str) -> None:
    """Alike on one day, in all but counts that were taken and what is there where somebody counts neutrophils."""
    for name in ("lesions", "drugs", "panels", "assays"):
        assert_one_record(getattr(own, name), getattr(other, name), f"{said}: {name}")
    for name in ("now", "cells_at", "lesions", "host", "platelets"):
        assert_one_record(own.body[name], other.body[name], f"{said}: {name}")
    for name in ("cells", "scans"):
        assert_one_record(own.body["streams"][name], other.body["streams"][name], f"{said}: {name}")


def assert_the_same_but_for_blood_counts(plain: Trial, ruled: Trial) -> None:
    """All events but laboratory ones, all that is left of the patients, and what the records say of their bodies."""
    events = [event for event in ruled.record.events if event.kind is not EventKind.LABORATORY]
    assert len(events) < len(ruled.record.events)
    assert events == [event for event in plain.record.events if event.kind is not EventKind.LABORATORY]
    for ours, theirs in zip(plain.record.patients, ruled.record.patients, strict=True):
        assert ours.true_platelet_nadir == theirs.true_platelet_nadir
        assert (ours.relapse, ours.death_day) == (theirs.relapse, theirs.death_day)
        assert ours.death_cause == theirs.death_cause
    for number, course in ruled.courses.items():
        other = plain.courses[number]
        day = max(float(each.patient.body["now"][0]) for each in (course, other))
        assert_one_body(course.look(day), other.look(day), f"patient {number}")


@pytest.mark.parametrize("name", [FLAGSHIP, "lymphoma-r-chop-navitoclax", "nsclc-chemoradiation-navitoclax"])
@pytest.mark.parametrize("lethal", [False, True], ids=["", "lethal"])
def test_a_rule_that_never_holds_changes_nothing(name: str, lethal: bool) -> None:
    """To the bit, whatever it looks at, for every drug and fraction: but for the counts that are taken.

    With low counts lethal many die, on the same days. Catches a laboratory visit that pauses the cells, that draws from
    a stream of theirs, or that dates a death.
    """
    protocol = conducted(name).protocol
    if lethal:
        protocol = made_lethal(protocol)
    plain, idle = (conduct(given_by(protocol, rule)) for rule in (None, IDLE))
    assert_the_same_but_for_blood_counts(plain, idle)
    for arm in protocol.arms:
        assert_one_course(idle, arm, idle.visits(arm))
    dead = {r.patient: r.death_day for r in idle.record.patients if r.death_cause == "toxicity"}
    assert (len(dead) > 20) == lethal
    late = [e for e in idle.record.events if e.patient in dead and e.study_day > (dead[e.patient] or 0.0)]
    assert not late


def test_a_laboratory_that_pauses_the_cells_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant of the test above: one that advances the patient to the visit, as it once did."""
    protocol = conducted(FLAGSHIP).protocol
    plain = conduct(given_by(protocol, None))
    visit = Course.visit

    def pausing(course: Course, day: float) -> tuple[float, list[Entry]]:
        line = course.next_line()[0]
        if line >= 0 and course.patient.lines["kind"][line] == SameDay.LABORATORY:
            advance(course.patient, day, False)
            step_cells(course.patient, False)
        return visit(course, day)

    monkeypatch.setattr(Course, "visit", pausing)
    with pytest.raises(AssertionError):
        assert_the_same_but_for_blood_counts(plain, conduct(given_by(protocol, IDLE)))


AGENTS = ("navitoclax", "palbociclib", "doxorubicin", "docetaxel", "dasatinib-quercetin", "radiation")


@st.composite
def random_orders(draw: st.DrawFn) -> list[tuple[str, float, tuple[float, ...]]]:
    """A few orders of several agents on random days, some of them twice a day."""
    return [
        (
            draw(st.sampled_from(AGENTS)),
            draw(st.floats(0.2, 3.0)),
            tuple(sorted(draw(st.sets(st.integers(0, 240).map(lambda half: half / 2.0), min_size=1, max_size=30)))),
        )
        for _ in range(draw(st.integers(1, 4)))
    ]


@settings(max_examples=40, derandomize=True, deadline=None)
@given(random_orders(), st.sampled_from([0.0, 0.3]))
def test_rules_that_never_hold_change_nothing_under_random_orders(
    written: list[tuple[str, float, tuple[float, ...]]], hazard: float
) -> None:
    """To the bit, in the compiled loop, with both counts lethal or neither. Catches what the shipped orders miss: doses
    between laboratory visits, several drugs at once, visits after the last dose."""
    pharmacology = Pharmacology(neutrophils=True, neutropenic_death=hazard, thrombocytopenic_death=hazard)
    protocol = with_agents(conducted(FLAGSHIP).protocol).model_copy(update={"pharmacology": pharmacology})
    reference = {"navitoclax": 300.0, "palbociclib": 125.0, "radiation": 2.0, "dasatinib-quercetin": 100.0}
    orders = tuple(
        order(agent, dose * reference.get(agent, 60.0), days).model_copy(update={"id": f"{agent}-{at}"})
        for at, (agent, dose, days) in enumerate(written)
    )
    outcomes, left = [], []
    for rule in (None, IDLE):
        given_arm = protocol.arms["control"].model_copy(
            update={"orders": tuple(one.model_copy(update={"rule": rule}) for one in orders)}
        )
        seen: dict[int, Patient] = {}

        def keep(number: int, copies: Copies, seen: dict[int, Patient] = seen) -> None:
            look(copies, 400.0)
            seen[number] = view_in_python(copies, LOOKED_AT)

        timetable = Timetable(given_arm, protocol.follow_up, 400.0)
        traits = dict(enumerate(sample_traits(protocol.cohort, 6, seed=SEED), start=1))
        lives = follow_all(protocol, given_arm, timetable, traits, seed=SEED, observe=keep)
        outcomes.append({name: lives.of(name) for name in lives.outcomes.dtype.names or ()})
        left.append(seen)
    for name in outcomes[0].keys() - set(OF_THE_LABORATORY):
        np.testing.assert_array_equal(outcomes[0][name], outcomes[1][name], err_msg=name)
    for number, own in left[0].items():
        assert_one_body(own, left[1][number], f"patient {number}")
        np.testing.assert_equal(own.body["marrow"].tobytes(), left[1][number].body["marrow"].tobytes())
