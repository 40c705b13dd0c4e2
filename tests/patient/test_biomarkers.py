"""What biomarkers say of a patient, against laws that are known; and of whom they decide, in both loops."""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.patient.lived import Lived
from trialsim.biology.populations import DORMANT, ESCAPED, N_POPULATIONS, SENESCENT
from trialsim.conduct import conduct_trial
from trialsim.conduct.competing_times import draw_competing_times
from trialsim.patient import markers
from trialsim.patient.bank import Lives, follow_all
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import Course, Courses
from trialsim.patient.state import PATIENT, Assay, Copies, Patient, make_copies, view_in_python
from trialsim.records import EventKind, PatientRecord, Traits, TrialRecord
from trialsim.schedule import PlannedVisits, Timetable
from trialsim.spec.agents import Sourced
from trialsim.spec.biomarkers import Marker, shipped_markers
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.treatment.library import load_library

GUIDED = Path(__file__).parents[2] / "protocols" / "biomarker-guided-navitoclax.yaml"
SEED = 20261122
PATIENTS = 120
ARM = "navitoclax-guided"
#: Measurements of one biomarker; bounds are of four standard errors, which a right program passes but once in 16,000.
N, BOUND = 4000, 4.0


@lru_cache(maxsize=8)
def guided(*overrides: str) -> ResolvedProtocol:
    few = (f"accrual.patients={PATIENTS}", "follow_up.minimum=14 mo", "accrual.ramp=0 d", "accrual.per_month=100")
    return load_protocol(GUIDED, load_library(), (*few, *overrides))


def number(value: float, unit: str = "fraction") -> Sourced:
    return Sourced(value=value, unit=unit, source="chosen for a test", confidence="low")


def patient_with(senescent: int, cycling: int = 0, dormant: int = 0) -> Patient:
    """A patient with two lesions; the senescent cells are spread over lesions and populations."""
    patient = view_in_python(make_copies(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, np.zeros(0, np.uint8)), PATIENT)
    cells = patient.lesions["cells"]
    cells[0, SENESCENT], cells[1, N_POPULATIONS - 1] = senescent - senescent // 3, senescent // 3
    cells[0, 0], cells[1, ESCAPED] = cycling - cycling // 2, cycling // 2
    cells[1, DORMANT] = dormant
    return patient


def read(patient: Patient, assay: Assay, error: float) -> tuple[float, bool, bool]:
    """What was measured with an error, whether it is positive, and in truth."""
    assay.error = error
    markers.read(patient, assay)
    return float(assay.value), bool(assay.positive), bool(assay.truth)


def share_positive(marker: Marker, state: Patient, gain: float = 1.0) -> float:
    """Of N patients in the same state, measured once each."""
    assay = markers.make_assay(marker, guided(f"biology.biomarker_error={gain:g}"))
    errors = [markers.draw_error(marker, 120.0, patient, seed=SEED) for patient in range(1, N + 1)]
    return float(np.mean([read(state, assay, error)[1] for error in errors]))


def assert_share(observed: float, expected: float) -> None:
    assert abs(observed - expected) <= BOUND * math.sqrt(expected * (1.0 - expected) / N), (observed, expected)


def a_test(sensitivity: float, specificity: float) -> Marker:
    return Marker(
        name="test",
        label="test",
        measures="senescent_burden",
        threshold=number(1e4, "cells"),
        sensitivity=number(sensitivity),
        specificity=number(specificity),
    )


def a_score(noise: float, cutoff: float, background: float | None = None) -> Marker:
    return Marker(
        name="score",
        label="score",
        measures="senescent_burden",
        threshold=number(1e4, "cells"),
        noise=number(noise, "log10"),
        cutoff=number(cutoff, "cells"),
        background=None if background is None else number(background, "cells"),
    )


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.75, 0.7), (0.3, 0.95)])
def test_sensitivity_and_specificity_are_recovered(sensitivity: float, specificity: float) -> None:
    """Catches the two exchanged, a complement, wrong cells counted, and a threshold that is not reached by itself."""
    marker = a_test(sensitivity, specificity)
    assert_share(share_positive(marker, patient_with(10_000, cycling=5)), sensitivity)
    assert_share(share_positive(marker, patient_with(9_999, cycling=10**8, dormant=10**6)), 1.0 - specificity)
    assert_share(share_positive(marker, patient_with(0)), 1.0 - specificity)


@pytest.mark.parametrize("cells", [0, 3_000, 100_000])
@pytest.mark.parametrize("background", [None, 2_000.0])
def test_a_score_is_normal_on_the_logarithm(cells: int, background: float | None) -> None:
    """Catches a natural logarithm, a variance for a standard deviation, and a background that is left out."""
    marker = a_score(0.7, 2e4, background)
    level = math.log10(cells + (background or 1.0))
    expected = float(stats.norm.sf((math.log10(2e4) - level) / 0.7))
    assert_share(share_positive(marker, patient_with(cells)), expected)


def test_a_score_tells_what_it_read_and_a_test_nothing() -> None:
    """Catches a logarithm in the log of events where a number of cells is meant."""
    score, plain = (markers.make_assay(m, guided()) for m in (a_score(0.5, 1e4, 500.0), a_test(0.9, 0.9)))
    value, positive, truth = read(patient_with(4_500), score, 1.0)
    assert value == pytest.approx(5_000 * 10**0.5)
    assert (positive, truth) == (True, False)
    assert math.isnan(read(patient_with(4_500), plain, 0.5)[0])


def test_a_share_is_that_of_all_cells() -> None:
    """Catches a share of one lesion, of the dividing cells, and 0/0 where there is no tumour."""
    share = a_test(1.0, 1.0).model_copy(update={"measures": "senescent_fraction", "threshold": number(0.25)})
    assay = markers.make_assay(share, guided())
    for state, truth in (
        (patient_with(25, cycling=50, dormant=25), True),
        (patient_with(25, cycling=50, dormant=26), False),
        (patient_with(0), False),
    ):
        assert read(state, assay, 0.5)[1:] == (truth, truth)


def test_the_gain_scales_errors() -> None:
    """Catches a gain that does nothing, one that scales the wrong way, and chances above 1."""
    marker = a_test(0.9, 0.8)
    ill, well = patient_with(10_000), patient_with(10)
    assert_share(share_positive(marker, ill, 2.0), 0.8)
    assert_share(share_positive(marker, well, 2.0), 0.4)
    assert share_positive(marker, well, 100.0) == 1.0
    cutoff = 4.0 + 0.5 * (math.log10(2e5) - 4.0)
    expected = float(stats.norm.sf((cutoff - math.log10(3e4 + 1e3)) / 0.35))
    assert_share(share_positive(a_score(0.7, 2e5, 2e3), patient_with(30_000), 0.5), expected)


@pytest.mark.parametrize("marker", [a_test(0.5, 0.5), a_score(2.0, 1e7, 1e6), *shipped_markers().values()])
def test_without_errors_every_biomarker_tells_the_truth(marker: Marker) -> None:
    """Catches a cut-off or a background that still counts when errors are off."""
    cutoff = None if marker.noise is None else number(1e8, "cells")
    marker = marker.model_copy(update={"threshold": number(1e4, "cells"), "cutoff": cutoff})
    assert share_positive(marker, patient_with(10_000), 0.0) == 1.0
    assert share_positive(marker, patient_with(9_999), 0.0) == 0.0


def test_every_measurement_has_its_own_error() -> None:
    """Catches one draw that serves two biomarkers, days, patients, seeds or replicates, and one that is not kept."""
    marker = a_score(1.0, 1e4)
    other = marker.model_copy(update={"name": "other"})

    def errors(m: Marker, day: float, seed: int, replicate: int) -> list[float]:
        return [markers.draw_error(m, day, p, seed=seed, replicate=replicate) for p in range(1, 1001)]

    first = errors(marker, 120.0, 1, 0)
    assert errors(marker, 120.0, 1, 0) == first
    assert len(set(first)) == 1000
    for another in ((other, 120.0, 1, 0), (marker, 121.0, 1, 0), (marker, 120.0, 2, 0), (marker, 120.0, 1, 1)):
        assert abs(np.corrcoef(first, errors(*another))[0, 1]) < BOUND / math.sqrt(1000)


# Whole trials


#: The courses of the patients of the trial's processes, by the trial's overrides.
LEFT: dict[tuple[str, ...], dict[int, Course]] = {}


@lru_cache(maxsize=8)
def conducted(*overrides: str) -> TrialRecord:
    protocol = guided(*overrides)
    traits = sample_traits(protocol.cohort, PATIENTS, seed=SEED)
    left = LEFT.setdefault(overrides, {})
    courses = Courses(protocol, seed=SEED)

    def new_course(patient: int, arm: ResolvedArm, own: Traits, visits: PlannedVisits) -> Course:
        left[patient] = courses(patient, arm, own, visits)
        return left[patient]

    return conduct_trial(protocol, seed=SEED, traits=traits, new_course=new_course)


def of_arm(trial: TrialRecord, arm: str = ARM) -> list[PatientRecord]:
    return [record for record in trial.patients if record.arm == arm]


def given(trial: TrialRecord) -> set[int]:
    """Patients of the guided arm who had navitoclax."""
    own = {record.patient for record in of_arm(trial)}
    doses = {e.patient for e in trial.events if e.kind is EventKind.DOSE and e.detail == "navitoclax"}
    return doses & own


def test_navitoclax_goes_to_the_positive_and_to_nobody_else() -> None:
    """Catches a dose for a negative patient, a positive one who goes without, and a panel by another rule."""
    trial = conducted()
    seen = {"positive": 0, "negative": 0, "wrong": 0}
    for record in of_arm(trial):
        if not record.panels:
            assert record.patient not in given(trial)
            continue
        (result,) = record.panels
        assert result.day == 151.0
        assert [reading.marker for reading in result.readings] == ["sa-beta-gal", "p16", "plasma-sasp"]
        assert result.positive == (sum(reading.positive for reading in result.readings) >= 2)
        assert result.truth == (sum(reading.truth for reading in result.readings) >= 2)
        assert record.withheld == ([] if result.positive else ["navitoclax"])
        assert (record.patient in given(trial)) <= result.positive
        seen["positive" if result.positive else "negative"] += 1
        seen["wrong"] += result.positive != result.truth
    assert len(given(trial)) >= seen["positive"] - 1
    assert min(seen.values()) > 3, seen


def test_perfect_biomarkers_treat_exactly_the_truly_positive() -> None:
    """Catches an error that the gain leaves, in tests, scores or the panel, and a truth that depends on errors."""
    perfect, real = conducted("biology.biomarker_error=0"), conducted()
    for record, other in zip(of_arm(perfect), of_arm(real), strict=True):
        assert [r.truth for r in record.panels] == [r.truth for r in other.panels]
        assert all(r.positive == r.truth for r in record.panels)
    needed = {record.patient for record in of_arm(perfect) if any(r.truth for r in record.panels)}
    left = {r.patient for r in of_arm(perfect) if r.relapse or r.death_day is not None or r.withdrew_day is not None}
    assert given(perfect) <= needed
    assert needed - given(perfect) <= left


def without_panels(record: PatientRecord) -> dict[str, object]:
    return {key: value for key, value in asdict(record).items() if key != "panels"}


def test_a_biomarker_more_changes_nobody_else() -> None:
    """Catches errors drawn from a stream that others use: the other arms, the patients whose panel says the same, and
    what the other biomarkers said are equal to the bit."""
    few, many = (conducted(f"panels.tis-panel.markers={words}", "panels.tis-panel.positive_if=any")
                 for words in ("[p16]", "[p16, imaging, sa-beta-gal]"))  # fmt: skip
    unguided = {name for name in guided().arms if name != ARM}
    for arm in unguided:
        assert of_arm(few, arm) == of_arm(many, arm)
    quiet = [e for e in few.events if e.patient in {r.patient for arm in unguided for r in of_arm(few, arm)}]
    assert quiet == [e for e in many.events if e.patient in {e.patient for e in quiet}]
    same = 0
    for before, after in zip(of_arm(few), of_arm(many), strict=True):
        for was, is_ in zip(before.panels, after.panels, strict=True):
            assert was.readings == is_.readings[:1]
        if [r.positive for r in before.panels] == [r.positive for r in after.panels]:
            assert without_panels(before) == without_panels(after)
            same += 1
    assert 5 < same < len(of_arm(few))


def test_a_patient_meets_the_same_errors_under_every_arm() -> None:
    """Catches errors keyed by the arm: measured on the same cells, another guided arm's panel says the same."""
    protocol = guided()
    own = sample_traits(protocol.cohort, 5, seed=SEED)[4]
    twin = protocol.arms[ARM].model_copy(update={"name": "twin", "orders": protocol.arms[ARM].orders[::-1]})
    said = []
    for arm in (protocol.arms[ARM], twin):
        lived = Lived(5, arm, own, protocol, seed=SEED)
        lived.measure(0)
        said.append([lived.own.assays[name].tolist() for name in ("error", "value", "positive", "truth")])
    np.testing.assert_array_equal(*said)


def banked(trial: TrialRecord, protocol: ResolvedProtocol) -> tuple[Lives, dict[int, Patient]]:
    arm = protocol.arms[ARM]
    traits = sample_traits(protocol.cohort, PATIENTS, seed=SEED)
    own = {record.patient: traits[record.patient - 1] for record in of_arm(trial)}
    seen: dict[int, Patient] = {}

    def keep(number: int, copies: Copies) -> None:
        seen[number] = view_in_python(copies, PATIENT)

    lives = follow_all(
        protocol,
        arm,
        Timetable(arm, protocol.follow_up, trial.cut_day),
        own,
        seed=SEED,
        ends={p: draw_competing_times(protocol, t, p, seed=SEED).ends for p, t in own.items()},
        cuts={record.patient: trial.cut_day - record.randomised_day for record in of_arm(trial)},
        observe=keep,
    )
    return lives, seen


def both_agree(trial: TrialRecord, protocol: ResolvedProtocol) -> bool:
    """Whether the compiled loop's panels, doses, outcomes and cells are those of the trial's processes, to the bit."""
    lives, seen = banked(trial, protocol)
    agree = [
        getattr(LEFT[()][number].patient, name).tobytes() == getattr(patient, name).tobytes()
        for number, patient in seen.items()
        for name in ("lesions", "drugs", "assays", "panels")
    ]
    for row, record in enumerate(of_arm(trial)):
        (result,) = record.panels or [None]
        said = math.nan if result is None else float(result.positive)
        agree.append(np.array_equal(lives.of_panels("positive")[row], [said], equal_nan=True))
        withheld = [order.id in record.withheld for order in protocol.arms[ARM].orders]
        agree.append(np.array_equal(lives.orders["withheld"][row], withheld))
        relapse = record.relapse
        detected, cells = (relapse.detected, relapse.cells) if relapse else (math.nan, math.nan)
        expected = {
            "relapse": detected,
            "cells": cells,
            "last_scan": record.last_scan if relapse is None else relapse.last_clear,
            "true_platelet_nadir": record.true_platelet_nadir,
            "first_dose": record.first_dose,
            "last_dose": record.last_dose,
        }
        for name, value in expected.items():
            own = math.nan if value is None else value
            agree.append(np.array_equal(lives.of(name)[row], own, equal_nan=True))
        doses = sum(e.kind is EventKind.DOSE and e.patient == record.patient for e in trial.events)
        agree.append(lives.of_orders("administrations")[row].sum() == doses)
    return all(agree)


def test_both_loops_guide_alike() -> None:
    """Catches a bank that measures at another time, with other errors or by another rule, or doses the negative."""
    assert both_agree(conducted(), guided())


@pytest.mark.parametrize(
    "mutant",
    ["panels.tis-panel.positive_if=any", "biomarkers.p16.sensitivity=0.1", "biomarkers.plasma-sasp.noise=2"],
)
def test_a_bank_with_another_panel_is_caught(mutant: str) -> None:
    """Mutants of the test above."""
    assert not both_agree(conducted(), guided(mutant))
