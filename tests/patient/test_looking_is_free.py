"""Who looks at a patient, and how often, changes nothing of them: the cells are the same to the bit.

Every way to look is held to it: scans of any schedule, biomarkers, stories. Blood is in test_idle_rules.py. Relapse
ends treatment, so cells are compared where no scan ever finds one; where scans find, true days and causes are.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from trialsim.patient.advance import advance
from trialsim.patient.bank import Lives, follow_all
from trialsim.patient.cells import step_cells
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import Course, Courses
from trialsim.patient.state import LOOKED_AT, Copies, view_in_python
from trialsim.patient.watched import look
from trialsim.schedule import Timetable
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol, ScanPeriod
from trialsim.treatment.library import load_library

SHIPPED = Path(__file__).parents[2] / "protocols"
PATIENTS, SEED, UNTIL = 150, 20261201, 5 * 365.25
#: A lesion never gets as large.
UNSEEN = 1e30
#: Fields of a lesion that are its biology, not what the last step worked with.
LASTING = ("cells", "wake_left", "infiltrate", "first_escape", "crossed", "lineages")


@lru_cache(maxsize=4)
def protocol(name: str) -> ResolvedProtocol:
    return load_protocol(SHIPPED / f"{name}.yaml", load_library())


def scanned(base: ResolvedProtocol, every: float, *, limit: float = UNSEEN) -> ResolvedProtocol:
    """The protocol with scans every so many days, exact to the cell, that see lesions of a size."""
    follow_up = base.follow_up.model_copy(update={"scans": (ScanPeriod(every_days=every, until_days=None),)})
    detection = base.detection.model_copy(update={"limit_cells": limit, "error_sd_log10": 0.0})
    return base.model_copy(update={"follow_up": follow_up, "detection": detection})


def followed(world: ResolvedProtocol, arm: str) -> tuple[Lives, dict[int, np.ndarray]]:
    """What became of the patients, and their lesions on the last day."""
    left: dict[int, np.ndarray] = {}

    def keep(number: int, copies: Copies) -> None:
        look(copies, UNTIL)
        left[number] = view_in_python(copies, LOOKED_AT).lesions.copy()  # type: ignore[assignment]

    traits = dict(enumerate(sample_traits(world.cohort, PATIENTS, seed=SEED), start=1))
    timetable = Timetable(world.arms[arm], world.follow_up, UNTIL)
    return follow_all(world, world.arms[arm], timetable, traits, seed=SEED, observe=keep), left


def assert_same_lesions(one: dict[int, np.ndarray], other: dict[int, np.ndarray]) -> None:
    """To the bit; in hundreds of patients something must have happened, or nothing is compared."""
    for number, lesions in one.items():
        for name in LASTING:
            np.testing.assert_array_equal(lesions[name], other[number][name], err_msg=f"patient {number}: {name}")
    assert len({lesions["cells"].tobytes() for lesions in one.values()}) > len(one) // 2


@pytest.mark.parametrize(
    ("name", "arm"),
    [
        ("first-trial", "senolytic"),
        ("breast-adjuvant-navitoclax", "navitoclax"),
        ("glioblastoma-f3-inhibitor", "f3-inhibitor"),
    ],
)
@pytest.mark.parametrize("every", [7.0, 30.4375, 91.0])
def test_scans_do_not_touch_the_cells(name: str, arm: str, every: float) -> None:
    """Scanned weekly, monthly or quarterly, against yearly. Catches a scan at which a step of the cells ends, one that
    draws from their stream, and one that leaves its copy's cells behind."""
    seldom, often = (followed(scanned(protocol(name), days), arm)[1] for days in (365.25, every))
    assert_same_lesions(seldom, often)


@pytest.mark.parametrize("arm", ["control", "senolytic"])
def test_true_days_and_causes_do_not_follow_the_scans(arm: str) -> None:
    """Monthly against six-monthly scans that see: the day on which the limit was reached and the cause are the same to
    the bit, for all that relapse in both. Catches the drift of `scan_schedule.py`: 254 of 268 days, 5 causes."""
    worlds = [scanned(protocol("first-trial"), days, limit=1e9) for days in (182.625, 30.4375)]
    seldom, often = (followed(world, arm)[0] for world in worlds)
    both = seldom.relapsed & often.relapsed
    # One that is found first in another lesion has another day; a month's scans can only find an earlier one.
    same = both & (seldom.of("latent") == often.of("latent"))
    assert (often.of("latent") <= seldom.of("latent"))[both].all()
    assert both.sum() > PATIENTS // 8
    assert same.sum() == both.sum()
    assert [c for c, k in zip(seldom.causes, both, strict=True) if k] == [
        c for c, k in zip(often.causes, both, strict=True) if k
    ]


def test_a_panel_does_not_touch_the_cells() -> None:
    """Who is positive lives as without a panel. Catches a panel that settles the cells, or draws from their stream."""
    base = scanned(protocol("biomarker-guided-navitoclax"), 91.0)
    guided = base.arms["navitoclax-guided"]
    assert guided.guides
    orders = tuple(order.model_copy(update={"give_if": None}) for order in guided.orders)
    free = base.model_copy(update={"arms": {**base.arms, guided.name: guided.model_copy(update={"orders": orders})}})
    lives, asked = followed(base, guided.name)
    positive = np.flatnonzero(lives.of_panels("positive")[:, 0] == 1.0) + 1
    assert PATIENTS // 4 < positive.size < PATIENTS
    given = followed(free, guided.name)[1]
    assert_same_lesions({p: asked[p] for p in positive.tolist()}, given)
    with pytest.raises(AssertionError):
        assert_same_lesions(asked, given)


def visited(world: ResolvedProtocol, arm: str, *, looks: bool, settles: bool = False) -> dict[int, np.ndarray]:
    """Lesions on the last day, with a look on every day before each visit, or without."""
    courses, left = Courses(world, seed=SEED), {}
    timetable = Timetable(world.arms[arm], world.follow_up, UNTIL)
    for number, traits in enumerate(sample_traits(world.cohort, PATIENTS, seed=SEED), start=1):
        course: Course = courses(number, world.arms[arm], traits, timetable.of(number, np.inf, seed=SEED))
        day, seen = course.next_day(), 0.0
        while day < UNTIL:
            if looks:
                for at in np.linspace(seen, day, 4)[1:-1].tolist():
                    course.look(at)
            if settles:
                advance(course.patient, day, False)
                step_cells(course.patient, False)
            seen, day = day, course.visit(day)[0]
        left[number] = course.look(UNTIL).lesions.copy()
    return left


def test_a_look_between_visits_changes_nothing() -> None:
    """Catches a story that takes the patient along."""
    world = scanned(protocol("first-trial"), 91.0)
    plain = visited(world, "senolytic", looks=False)
    assert_same_lesions(plain, visited(world, "senolytic", looks=True))
    with pytest.raises(AssertionError):  # the mutant: whoever looks ends a step
        assert_same_lesions(plain, visited(world, "senolytic", looks=False, settles=True))
