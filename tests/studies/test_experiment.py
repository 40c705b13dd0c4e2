"""Subjects of experiments: what is plated, when they are looked at and treated, and whose chance they have."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.patient.cohort import sample_traits
from trialsim.patient.watched import WatchedPatient
from trialsim.studies import experiment as x
from trialsim.studies.findings.registry import GroupOfFinding
from trialsim.studies.findings.run import load_group


def _group(protocol: str, arm: str, subjects: int, until: float, every: float = 1.0, **more: object) -> x.Group:
    look = {"every": every, "until": until}
    return load_group(
        GroupOfFinding.model_validate({"protocol": protocol, "arm": arm, "subjects": subjects, "look": look, **more})
    )


def _run(group: x.Group, place: int = 7, seed: int = 3) -> x.Watched:
    found = x.join([x.run_chunk(task) for task in x.chunks(group, place, seed)])
    assert isinstance(found, x.Watched)
    return found


def test_plated_cells_are_there_and_no_others() -> None:
    """Catches the cohort's own cells left beside the plated ones, and shares of polyploid cells that are not drawn."""
    group = _group("dish-escape", "untreated", 3, 1, plated={"cycling": 10, "escaped": 20, "senescent": 5000})
    seen = _run(group)
    assert seen.cells[:, 0].tolist() == [[10, 0, 20, 5000, 0]] * 3
    traits = sample_traits(group.protocol.cohort, 1, seed=1)[0]
    subject = WatchedPatient(traits, group.protocol.arms["untreated"], group.protocol, patient=1, seed=1)
    x.plate(subject.lesions, x.Plated(senescent=100_000), traits, np.random.default_rng(1))
    polyploid = sum(subject.lesions["cells"][x.LOCAL, x.senescent(0, x.POLYPLOID, r, x.MATURE)] for r in (0, 1))
    # 40 % within 4.9 standard errors.
    assert abs(polyploid - 40_000) < 4.9 * np.sqrt(1e5 * 0.4 * 0.6)


def test_looks_come_before_that_days_doses() -> None:
    """A dose on day 0 and a look on it: the look sees the tumour untreated. Catches the wrong order of a day."""
    dosed = _run(_group("mouse-doxorubicin", "doxorubicin", 2, 1))
    control = _run(_group("mouse-doxorubicin", "control", 2, 1))
    assert np.array_equal(dosed.cells[:, 0], control.cells[:, 0])
    assert (dosed.cells[:, 1, x.CYCLING] < control.cells[:, 1, x.CYCLING]).all()
    assert (dosed.cells[:, 1, x.SENESCENTS] > control.cells[:, 1, x.SENESCENTS]).all()


def test_an_animal_is_taken_out_at_the_limit() -> None:
    """Catches tumours that grow on past the humane endpoint, or lose the look that saw it."""
    seen = _run(_group("mouse-doxorubicin", "control", 20, 60))
    limit = 1e9
    for row in seen.tumour:
        last = int(np.flatnonzero(~np.isnan(row))[-1])
        assert row[last] >= limit
        assert (row[:last] < limit).all()


def test_a_look_changes_nothing() -> None:
    """The same animals looked at every day and every 7 days: alike where both looked, but for where biology pauses.
    Without chance (a tumour that only grows, of 1e8 cells) the sizes agree within 1 %. Catches a look that treats."""
    often, seldom = (_run(_group("mouse-doxorubicin", "control", 5, 7, every)) for every in (1.0, 7.0))
    assert seldom.tumour[:, 1] == pytest.approx(often.tumour[:, 7], rel=0.01)


def test_chunks_cover_the_group_and_have_streams_of_their_own() -> None:
    """250 subjects are three tasks; no two subjects are alike. Catches a chunk that repeats the first one's chance, and
    a last one that is too long."""
    group = _group("mouse-doxorubicin", "control", 250, 1)
    tasks = x.chunks(group, 7, 3)
    assert [task.size for task in tasks] == [100, 100, 50]
    sizes = _run(group).tumour[:, 0]
    assert np.unique(sizes).size == 250


def test_twins_are_the_same_subjects_and_strangers_are_not() -> None:
    """Catches groups that share chance when they should not, and twins that do not."""
    group = _group("mouse-doxorubicin", "control", 10, 1)
    assert np.array_equal(_run(group, place=7).cells, _run(group, place=7).cells)
    assert not np.array_equal(_run(group, place=7).cells, _run(group, place=8).cells)
    assert not np.array_equal(_run(group, seed=3).cells, _run(group, seed=4).cells)


def test_followed_patients_relapse_and_die() -> None:
    """Catches a death from cancer before the relapse it follows, and times beyond the end of follow-up."""
    written = GroupOfFinding(protocol="breast-ibcsg", arm="control", subjects=60, follow_years=15)
    seen = x.join([x.run_chunk(task) for task in x.chunks(load_group(written), 9, 3)])
    assert isinstance(seen, x.Followed)
    relapsed = np.isfinite(seen.relapse)
    assert 10 < relapsed.sum() < 60
    assert (seen.relapse[relapsed] < seen.death[relapsed]).all()
    assert seen.death[np.isfinite(seen.death)].max() <= seen.ends
    assert seen.relapse[relapsed].max() <= seen.ends
