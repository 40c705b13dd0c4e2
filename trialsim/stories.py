"""Single patients, told whole: what they were given, what was seen, and what the simulator knows.

A story is the patient of the trial simulated once more with somebody looking. Looking changes nothing, so the story's
events are the trial's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trialsim.conduct import conduct_one_patient, conduct_trial
from trialsim.endpoints import primary_event, usubjid
from trialsim.errors import UsageError
from trialsim.looks import interim_of
from trialsim.patient.course import Course, Courses
from trialsim.patient.prepare import prepare
from trialsim.patient.state import LOCAL, PATIENT, view_in_python
from trialsim.records import PLATELETS, Event, EventKind, PatientRecord, Traits, TrialRecord
from trialsim.reported.stories import (
    DoseGiven,
    LesionStory,
    PanelSeen,
    PatientStories,
    PatientStory,
    PlateletCounts,
    RelapseStory,
    ScanSeen,
)
from trialsim.rng import TRIAL, Purpose, stream
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.units import DAYS_PER_MONTH

#: Points of a drawn trajectory, at most.
_POINTS = 240
#: What is drawn of the kernel's trace.
_SERIES = ("cycling", "dormant", "senescent", "escaped")

SELECTION = (
    "Drawn at random, by the run's seed, from each arm: one patient whose relapse grew from cells that had escaped "
    "senescence, one who relapsed otherwise, and one who had not relapsed by the data cut although surgery had left "
    "tumour cells, where there are any."
)


def tell_stories(
    protocol: ResolvedProtocol, trial: TrialRecord, traits: Sequence[Traits], *, seed: int
) -> PatientStories:
    """The ``stories`` object of results.json: a few patients of a finished trial."""
    chosen = choose_patients(protocol, trial.patients, traits, seed=seed)
    if protocol.capacity is None:
        # Looks can have moved who gets which arm, so the arm is the one that the trial gave.
        arms = {record.patient: record.arm for record in trial.patients}
        told = [tell_story(protocol, n, traits, seed=seed, arm=arms[n], cut_day=trial.cut_day) for n in chosen]
    else:
        told = _tell_together(protocol, chosen, traits, seed=seed)
    return PatientStories(SELECTION, protocol.detection.limit_cells, tuple(told))


def choose_patients(
    protocol: ResolvedProtocol, patients: Sequence[PatientRecord], traits: Sequence[Traits], *, seed: int
) -> list[int]:
    """Patient numbers, by arm, chosen as :data:`SELECTION` says."""

    def escaped(record: PatientRecord) -> bool:
        return record.relapse is not None and "escape" in record.relapse.cause

    def spared(record: PatientRecord) -> bool:
        if record.relapse is not None or protocol.arms[record.arm].model is not None:
            return False
        own, number = traits[record.patient - 1], record.patient
        start = prepare(own, protocol.arms[record.arm], protocol, patient=number, seed=seed)
        return bool(view_in_python(start, PATIENT).lesions["cells"].any())

    kinds: tuple[Callable[[PatientRecord], bool], ...] = (
        escaped,
        lambda record: record.relapse is not None and record.relapse.cause != "" and not escaped(record),
        spared,
    )
    rng = stream(seed, Purpose.SAMPLING, subject=TRIAL)
    chosen = []
    for arm in protocol.arms:
        for kind in kinds:
            pool = [record.patient for record in patients if record.arm == arm and kind(record)]
            # A draw is made whether or not it is needed, so that an empty pool shifts no later choice.
            at = rng.random()
            if pool:
                chosen.append(pool[int(at * len(pool))])
    return chosen


def tell_story(
    protocol: ResolvedProtocol,
    patient: int,
    traits: Sequence[Traits],
    *,
    seed: int,
    arm: str | None = None,
    cut_day: float | None = None,
) -> PatientStory:
    """One patient's story under the arm the trial gave, or under another.

    ``traits`` are those of all patients of the trial (earlier ones decide which arm this one is given). ``cut_day`` is
    the day of its data cut, which has to be found out where it is not given and depends on events.
    """
    courses = Courses(protocol, seed=seed, traced=[patient])
    trial = conduct_one_patient(
        protocol,
        patient,
        seed=seed,
        traits=traits,
        new_course=courses,
        arm=arm,
        has_event=primary_event(protocol),
        # Looks can end the trial; where its end is known they have no part in the story.
        interim=interim_of(protocol) if cut_day is None else None,
        cut_day=cut_day,
    )
    (record,) = trial.patients
    if not courses.looked_at:
        raise UsageError(
            f"patients of {record.arm} are simulated from event-time distributions, without cells: there is no story"
        )
    return _story(protocol, record, trial.events, courses.looked_at[patient])


def _tell_together(
    protocol: ResolvedProtocol, chosen: Sequence[int], traits: Sequence[Traits], *, seed: int
) -> list[PatientStory]:
    """Stories of patients who wait for the same places as all others: the trial once more, with these looked at."""
    courses = Courses(protocol, seed=seed, traced=chosen)
    trial = conduct_trial(
        protocol,
        seed=seed,
        traits=traits,
        new_course=courses,
        has_event=primary_event(protocol),
        interim=interim_of(protocol),
    )
    records = {record.patient: record for record in trial.patients}
    events: dict[int, list[Event]] = {number: [] for number in chosen}
    for event in trial.events:
        if event.patient in events:
            events[event.patient].append(event)
    return [_story(protocol, records[number], events[number], courses.looked_at[number]) for number in chosen]


def _story(protocol: ResolvedProtocol, record: PatientRecord, events: Sequence[Event], course: Course) -> PatientStory:
    arm, relapse = protocol.arms[record.arm], record.relapse
    rows, lesions = course.trajectory(record.last_contact if relapse is None else relapse.detected)
    shown = rows[_rows_to_keep(np.sum([rows[name] for name in _SERIES], axis=0))]
    counted = [
        (e.study_day, e.value)
        for e in events
        if e.kind is EventKind.LABORATORY and e.detail == PLATELETS and e.value is not None
    ]
    return PatientStory(
        patient=record.patient,
        usubjid=usubjid(protocol, record.patient),
        arm=record.arm,
        arm_label=arm.label,
        traits=dict(record.traits),
        outcome=_outcome(record),
        doses=tuple(_dose(protocol, arm, e) for e in events if e.kind is EventKind.DOSE),
        scans=tuple(ScanSeen(e.study_day, e.detail != "clear") for e in events if e.kind is EventKind.SCAN),
        biomarkers=tuple(
            PanelSeen(
                found.day, found.panel, found.positive, found.truth, {r.marker: r.positive for r in found.readings}
            )
            for found in record.panels
        ),
        withheld=tuple(record.withheld),
        relapse=None
        if relapse is None
        else RelapseStory(
            site=relapse.site,
            latent_day=relapse.latent_day,
            detected_day=relapse.detected,
            cells=relapse.cells,
            limit=protocol.detection.limit_cells,
            cause=relapse.cause,
            lineage=relapse.lineage,
        ),
        death_day=record.death_day,
        time=shown["day"].tolist(),
        series={name: shown[name].tolist() for name in _SERIES},
        platelets=PlateletCounts([day for day, _ in counted], [count for _, count in counted]),
        lesions=tuple(
            LesionStory(
                site="local" if i == LOCAL else "distant",
                cells=int(lesion["cells"].sum()),
                first_escape_day=_day(lesion["first_escape"]),
                crossed_limit_day=_day(lesion["crossed"]),
            )
            for i, lesion in enumerate(lesions)
        ),
    )


def _dose(protocol: ResolvedProtocol, arm: ResolvedArm, event: Event) -> DoseGiven:
    order = next(o for o in arm.orders if o.id == event.detail)
    assert event.value is not None
    return DoseGiven(event.study_day, order.agent, protocol.agents[order.agent].label, event.value / order.dose)


def _outcome(record: PatientRecord) -> str:
    """What happened, in a sentence, without the cause of a relapse (readers find that beside it)."""
    relapse = record.relapse
    days = {
        f"Died of {record.death_cause}": record.death_day,
        "Left the trial": record.withdrew_day,
        "Lost to follow-up": record.lost_day,
    }
    if relapse is not None:
        days = {f"{relapse.site.capitalize()} relapse seen": relapse.detected, **days}
    elif record.death_day is None:
        days["No relapse up to the last contact"] = record.last_contact
    return " ".join(f"{what} at {day / DAYS_PER_MONTH:.1f} months." for what, day in days.items() if day is not None)


def _day(day: float) -> float | None:
    """A study day, or None where it never came."""
    return None if np.isnan(day) else float(day)


def _rows_to_keep(total: NDArray[np.float64]) -> list[int]:
    """Rows of a trajectory that a figure can show: the first and the last one and, in every stretch, those at which the
    total is lowest and highest, so that neither a nadir nor a peak is lost.
    """
    n = total.size
    if n <= _POINTS:
        return list(range(n))
    keep = {0, n - 1}
    for stretch in np.array_split(np.arange(n), _POINTS // 2):
        keep |= {int(stretch[np.argmin(total[stretch])]), int(stretch[np.argmax(total[stretch])])}
    return sorted(keep)
