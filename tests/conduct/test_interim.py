"""Interim looks in the calendar: when they come, what they see, and that nothing follows a stop."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.conduct import protocol_for_tests as example
from tests.conduct.test_data_cut import event_days, with_cut
from tests.conduct.test_data_cut import run as run_plain
from trialsim.conduct import conduct_one_patient, conduct_trial
from trialsim.conduct.interim import Interim, Told
from trialsim.endpoints import adtte_frame, csv_text, primary_event
from trialsim.records import EventKind, TrialRecord
from trialsim.spec.resolved import ResolvedProtocol

ALL = 30
PROTOCOL = with_cut(events=ALL)


class Committee:
    """Stops at one of the looks; keeps what it was shown."""

    def __init__(self, stops_at: int | None = None) -> None:
        self.shown: list[TrialRecord] = []
        self._stops_at = stops_at

    def judge(self, known: TrialRecord) -> Told:
        self.shown.append(known)
        stops = len(self.shown) == self._stops_at
        return Told(f"look {len(self.shown)}", stops)


def run(committee: Committee, targets: Sequence[int] = (10, 20), protocol: ResolvedProtocol = PROTOCOL) -> TrialRecord:
    return conduct_trial(
        protocol,
        seed=7,
        traits=example.all_traits(protocol.accrual.patients),
        new_course=example.Courses(),
        has_event=primary_event(protocol),
        interim=Interim(tuple(targets), committee.judge),
    )


PLAIN = run_plain(PROTOCOL)


def without_looks(trial: TrialRecord) -> TrialRecord:
    events = [event for event in trial.events if event.kind is not EventKind.LOOK]
    return TrialRecord(events, trial.patients, trial.cut_day, trial.cut_by)


def test_looks_that_stop_nothing_change_nothing() -> None:
    """Catches a look that closes patients, draws, or moves the cut."""
    committee = Committee()
    watched = run(committee)
    assert without_looks(watched) == PLAIN
    days = event_days(PLAIN)
    assert [known.cut_day for known in committee.shown] == [days[9], days[19]]
    looks = [event for event in watched.events if event.kind is EventKind.LOOK]
    assert [(event.day, event.detail) for event in looks] == [(days[9], "look 1"), (days[19], "look 2")]


@pytest.mark.parametrize("at", [1, 2])
def test_a_stop_is_a_data_cut_there(at: int) -> None:
    """The trial is the one whose data are cut by that many events, to the last byte of its tables. Catches anything
    from after the stop, and a patient who is still followed."""
    stopped = run(Committee(stops_at=at))
    protocol = with_cut(events=10 * at)
    cut = run_plain(protocol)
    assert stopped.cut_by == f"look {at}"
    assert stopped.cut_day == cut.cut_day
    assert stopped.patients == cut.patients
    assert csv_text(adtte_frame(without_looks(stopped), PROTOCOL)) == csv_text(adtte_frame(cut, protocol))
    assert stopped.events[-1].kind is EventKind.DATA_CUT
    assert stopped.events[-2].kind is EventKind.LOOK


def test_what_a_look_sees_is_what_a_cut_there_leaves() -> None:
    """Catches a patient in follow-up whose last contact is left open, and one of the future."""
    committee = Committee()
    run(committee)
    for known, events in zip(committee.shown, (10, 20), strict=True):
        protocol = with_cut(events=events)
        cut = run_plain(protocol)
        columns = ["USUBJID", "PARAMCD", "AVAL", "CNSR", "ARM"]
        seen, left = adtte_frame(known, PROTOCOL)[columns], adtte_frame(cut, protocol)[columns]
        assert seen.equals(left)


def test_a_look_beyond_the_final_analysis_is_none() -> None:
    """Catches a look at the events of the cut itself, which would look twice at the same data."""
    committee = Committee()
    trial = run(committee, targets=(10, ALL, ALL + 10))
    assert len(committee.shown) == 1
    assert trial.cut_by == f"{ALL} events"


def test_one_patient_of_a_stopped_trial_is_alone_what_it_was() -> None:
    """Catches a lone patient who lives on after the trial has stopped."""
    stopped = run(Committee(stops_at=1))
    for cut_day, interim in ((stopped.cut_day, None), (None, Interim((10, 20), Committee(stops_at=1).judge))):
        alone = conduct_one_patient(
            PROTOCOL,
            5,
            seed=7,
            traits=example.all_traits(60),
            new_course=example.Courses(),
            has_event=primary_event(PROTOCOL),
            interim=interim,
            cut_day=cut_day,
        )
        assert alone.patients == [stopped.patients[4]]
        assert alone.events == [event for event in stopped.events if event.patient == 5]
