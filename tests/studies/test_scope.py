"""Every key of a protocol is honoured by twins, declared to have no part in them, or refused."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import pytest

from tests.studies.every_key import HONOURED, TURNED_AWAY, WITHOUT_PART, Edits, protocol_file, walked
from trialsim.errors import InvalidInput, UsageError
from trialsim.results import to_json
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.written_cohort import WrittenCohort
from trialsim.studies import experiment
from trialsim.studies.contrasts import twins_run
from trialsim.studies.mechanisms import observe
from trialsim.studies.scope import REFUSED, UNUSED, UNUSED_OF_COHORT, Way, admit, check_scope
from trialsim.studies.twins import live_twins
from trialsim.treatment.library import load_library

PATIENTS = 150
#: There is one version of the format.
VERSION = "trialsim"
MODEL = "arms.*.model"
NO_PART = {key for group in UNUSED for key in group.keys}
NOT_BY_TWINS = {refused.key for refused in REFUSED if "twins" in refused.by} | {MODEL}


def under(key: str, tops: set[str]) -> bool:
    """Whether a key is one of those, or stands in one."""
    return any(key == top or key.startswith(f"{top}.") for top in tops)


def places(key: str) -> list[str]:
    """Where a key stands: exactly one of these is right."""
    found = {
        "honoured": key in {*HONOURED, VERSION},
        "unused": under(key, NO_PART),
        "refused": under(key, NOT_BY_TWINS),
    }
    return [name for name, yes in found.items() if yes]


def test_every_key_has_one_place() -> None:
    """Catches a key of the format that studies pass over in silence: a new one is in none of the places."""
    assert {key: places(key) for key in walked() if len(places(key)) != 1} == {}
    assert places("follow_up.novelty") == []


def test_no_place_is_of_a_key_that_is_not_there() -> None:
    """Catches a table that holds what the format has lost, and a key without its demonstration."""
    for key in {*HONOURED, *NO_PART, *NOT_BY_TWINS}:
        assert any(under(known, {key}) for known in walked()), key
    assert set(WITHOUT_PART) == NO_PART
    assert set(TURNED_AWAY) | {MODEL} == NOT_BY_TWINS


def load(folder: Path, *edits: Edits) -> ResolvedProtocol:
    return load_protocol(protocol_file(folder / "protocol.yaml", *edits), load_library())


def results_of(protocol: ResolvedProtocol) -> bytes:
    """All that a study of twins tells, and every number behind it."""
    lived = live_twins(protocol, PATIENTS, seed=3)
    told = to_json(twins_run(protocol, lived, PATIENTS, 3, {})).encode()
    arrays = [twins.relapse.tobytes() + twins.nadir.tobytes() for twins in lived.values()]
    return b"".join([told, *arrays, *(",".join(twins.causes).encode() for twins in lived.values())])


@lru_cache(maxsize=64)
def _known(dumped: str) -> bytes:
    return results_of(ResolvedProtocol.model_validate_json(dumped))


def results(folder: Path, *edits: Edits) -> bytes:
    """`results_of` a protocol with edits; what several pairs begin with is run once."""
    return _known(load(folder, *edits).model_dump_json())


@pytest.mark.parametrize("key", HONOURED)
def test_what_is_honoured_changes_the_results(key: str, tmp_path: Path) -> None:
    """Catches a key that the trial obeys and the compiled loop does not: the results would be the same bytes."""
    both, second = HONOURED[key]
    assert results(tmp_path, both) != results(tmp_path, both, second)


@pytest.mark.parametrize("key", WITHOUT_PART)
def test_what_has_no_part_changes_nothing_and_is_named(key: str, tmp_path: Path) -> None:
    """Catches a key in the list that does change a course, and one that a user sets without being told."""
    both, second = WITHOUT_PART[key]
    assert results(tmp_path, both) == results(tmp_path, both, second)
    unused = admit(protocol_file(tmp_path / "protocol.yaml", both, second), load_library(), ()).unused
    named = {".".join("*" if part == "assay" else part for part in name.split(".")) for name in unused}
    assert key in named
    assert all(unused.values())


@pytest.mark.parametrize("key", TURNED_AWAY)
def test_what_would_change_a_course_is_refused_with_its_place(key: str, tmp_path: Path) -> None:
    """Catches results told for a protocol that was not run, a refusal without its place, and one of a value that does
    nothing."""
    acts, idle = TURNED_AWAY[key]
    path = protocol_file(tmp_path / "protocol.yaml", {key: acts})
    with pytest.raises(InvalidInput) as caught:
        admit(path, load_library(), ())
    (problem,) = caught.value.problems
    assert f"`{key}`" in problem.message
    assert f'"{key.split(".")[-1]}"' in path.read_text().splitlines()[problem.line - 1]
    with pytest.raises(UsageError, match=f"`{key}`"):
        live_twins(load(tmp_path, {key: acts}), 5, seed=1)
    words = f"{key}={json.dumps(acts)}"
    with pytest.raises(InvalidInput) as caught:
        admit(protocol_file(path), load_library(), [words])
    assert caught.value.problems[0].file == f"--set {words}"
    if idle is not None:
        admit(protocol_file(path, {key: idle}), load_library(), ())


#: Keys of a cohort that twins honour, each with a value to show it by.
OF_COHORT = {
    "traits": "traits.foci={value: 3, source: made up, confidence: low}",
    "correlations": "correlations=[{traits: [doubling_time, residual_burden], rho: -0.9}]",
    "focus_spread": "focus_spread=3",
}
#: Keys of a cohort that are words; and that decide whether there are cells at all.
WORDS, CELLS = {"trialsim_cohort", "name", "title", "description"}, {"cells"}
DEATHS = {
    "mortality": "mortality.female.rate60=0.2 /yr",
    "post_relapse": "post_relapse.distant_median=2 mo",
}


def test_every_key_of_a_cohort_has_one_place(tmp_path: Path) -> None:
    """Catches deaths that a sweep varies without being told that its patients do not die."""
    assert set(DEATHS) == set(UNUSED_OF_COHORT.keys)
    assert {*OF_COHORT, *WORDS, *CELLS, *DEATHS} == set(WrittenCohort.model_fields)
    path = protocol_file(tmp_path / "protocol.yaml")
    plain = admit(path, load_library(), ())
    for words in OF_COHORT.values():
        other = admit(path, load_library(), [f"cohort.{words}"])
        assert results_of(other.protocol) != results_of(plain.protocol), words
    for words in DEATHS.values():
        own = admit(path, load_library(), [f"cohort.{words}"])
        assert results_of(own.protocol) == results_of(plain.protocol)
        assert own.unused.keys() - plain.unused.keys() == {f"cohort.{words.partition('=')[0]}"}


def test_arms_without_cells_have_no_twins(tmp_path: Path) -> None:
    """Catches an arm of event times that is lived as one of cells that are given nothing."""
    protocol = load(tmp_path, {"arms.senolytic": {"model": {"kind": "exponential", "median": "24 mo"}}})
    ways: tuple[Way, ...] = ("twins", "followed", "watched")
    for way in ways:
        check_scope(protocol, "control", way)
        with pytest.raises(UsageError, match="have no cells"):
            check_scope(protocol, "senolytic", way)


@pytest.mark.parametrize(
    ("edits", "key", "by"),
    [
        ({"arms.senolytic.add.0.rules": "strict"}, "rules", {"watched"}),
        ({"arms.senolytic.add.0.give_if": "assay positive at day 80"}, "give_if", {"watched"}),
        ({"pharmacology.adherence": 0.9}, "adherence", {"watched"}),
        ({"intercurrent.new_therapy": {"rate": "20 %/yr"}}, "new_therapy", {"watched"}),
        ({"intercurrent.rescue": {"share": 0.5}}, "rescue", {"followed"}),
        ({"capacity": {"infusion_chairs": 1}}, "capacity", {"twins", "followed", "watched"}),
        ({"pharmacology.neutropenic_death": "0.001 /d"}, "neutropenic_death", {"twins", "followed", "watched"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_experiments_refuse_what_they_do_not_honour(edits: Edits, key: str, by: set[Way], tmp_path: Path) -> None:
    """Catches a watched group whose doses are given whatever its rules say, and deaths that a followed one passes over;
    and a group that is refused for what it honours."""
    protocol = load(tmp_path, edits)
    begun = {
        "twins": lambda: live_twins(protocol, 1, seed=1),
        "followed": lambda: experiment.chunks(
            experiment.SubjectGroup(protocol, "senolytic", 5, (365.0,), followed=True), 0, 1
        ),
        "watched": lambda: experiment.chunks(experiment.SubjectGroup(protocol, "senolytic", 5, (0.0, 30.0)), 0, 1),
        "followed mechanism": lambda: observe.parts(observe.Setting(protocol, "senolytic", 5, years=1.0), 0, 1),
        "watched mechanism": lambda: observe.parts(observe.Setting(protocol, "senolytic", 5, days=(0.0, 30.0)), 0, 1),
    }
    for name, begin in begun.items():
        if name.split()[0] in by:
            with pytest.raises(UsageError, match=key):
                begin()
        else:
            begin()
