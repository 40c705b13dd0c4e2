"""`trialsim export --format sbml`: the run's own patients, in a file that another simulator reads."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import libsbml
import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.docs.pages import FLAGSHIP, blocks, page
from tests.patient.lived import Lived
from trialsim.biology.host import KAPPA, rest_burden
from trialsim.biology.network import UNITS_PER_LOAD, lesion_network, population_ids
from trialsim.biology.populations import DORMANT, N_POPULATIONS, RESIDUAL, SENESCENT
from trialsim.biology.sasp import load
from trialsim.cli import cli
from trialsim.errors import UsageError
from trialsim.patient.cohort import sample_traits
from trialsim.patient.lesion_export import PARAMETER_ORIGINS, export_lesion, fixed_origins
from trialsim.patient.prepare import lesion_rates
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.treatment.library import load_library
from trialsim.trial import run_trial, write_data

SEED = 5
FEW = ("accrual.patients=30", "follow_up.minimum=6 mo")


@pytest.fixture(scope="module")
def protocol() -> ResolvedProtocol:
    return load_protocol(FLAGSHIP, load_library(), FEW)


@pytest.fixture(scope="module")
def ran(protocol: ResolvedProtocol, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_data(run_trial(protocol, SEED), folder, command="trialsim run")
    return folder


@pytest.fixture(scope="module")
def courses(protocol: ResolvedProtocol) -> dict[int, Lived]:
    """The trial's patients as it made them, by number."""
    arm = next(iter(protocol.arms.values()))
    traits = sample_traits(protocol.cohort, protocol.accrual.patients, seed=SEED)
    return {n: Lived(n, arm, own, protocol, seed=SEED) for n, own in enumerate(traits, start=1)}


def trialsim(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=True)


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def lesions_with_cells(courses: dict[int, Lived]) -> list[tuple[int, int]]:
    return [(n, at) for n, own in courses.items() for at, cells in enumerate(own.state.cells) if cells.any()]


def test_the_lesion_is_the_one_of_the_run(ran: Path, courses: dict[int, Lived]) -> None:
    """Catches another patient's, another seed's or another lesion's cells, and rates that are not the patient's."""
    checked = lesions_with_cells(courses)
    assert any(courses[n].state.cells[at, DORMANT] for n, at in checked)
    assert any(courses[n].state.cells[at, RESIDUAL] for n, at in checked)
    for patient, lesion in checked[:12]:
        state = courses[patient].state
        model = libsbml.readSBMLFromString(export_lesion(ran, patient, lesion).sbml).getModel()
        counts = {x.getId(): x.getInitialAmount() for x in model.getListOfSpecies()}
        assert [counts.get(id_, 0) for id_ in population_ids()] == state.cells[lesion].tolist()
        told = {x.getId(): x.getValue() for x in model.getListOfParameters()}
        for id_, name in (("birth_rate", "birth"), ("waking_rate", "wake"), ("carrying_capacity", "capacity")):
            assert told.get(id_, getattr(state.rates, name)) == pytest.approx(getattr(state.rates, name), rel=1e-14)


def test_the_notes_say_whose_lesion_it_is(ran: Path, courses: dict[int, Lived]) -> None:
    """Catches notes with another arm than the trial gave, or parameters without a source."""
    patient, lesion = lesions_with_cells(courses)[0]
    exported = export_lesion(ran, patient)
    assert exported.lesion == lesion
    with (ran / "adsl.csv").open(newline="", encoding="utf-8") as file:
        arm = list(csv.DictReader(file))[patient - 1]["ARM"]
    model = libsbml.readSBMLFromString(exported.sbml).getModel()
    notes = model.getNotesString()
    for words in (f"lesion {lesion} (", f"patient {patient} of", f"seed {SEED}", f"the arm {arm} ("):
        assert words in notes
    assert "(source: " in model.getParameter("birth_rate").getNotesString()


def test_parameters_come_from_the_traits_they_name(protocol: ResolvedProtocol) -> None:
    """Catches an origin that is missing or made up: a parameter moves with its traits and gains, and no others."""
    traits = sample_traits(protocol.cohort, 1, seed=SEED)[0] | {"f3_boost": 1.5}

    def values(changed: dict[str, float | str], gains: dict[str, float]) -> dict[str, float]:
        altered = protocol.model_copy(update={"biology": gains})
        rates = lesion_rates(changed, altered.biology)
        cells = np.ones(N_POPULATIONS, np.int64)
        return {x.id: x.value for x in lesion_network(cells, rates).parameters}

    before = values(traits, protocol.biology)
    assert {*PARAMETER_ORIGINS, *fixed_origins()} == set(before) - {"one_cell", "dormant_at_start"}
    moves: dict[str, tuple[set[str], set[str]]] = {id_: (set(), set()) for id_ in before}
    for name, value in traits.items():
        if isinstance(value, float):
            after = values(traits | {name: value * 0.99}, protocol.biology)
            for id_, (found, _) in moves.items():
                found |= set() if math.isclose(after[id_], before[id_], rel_tol=1e-12) else {name}
    for name, gain in protocol.biology.items():
        after = values(traits, protocol.biology | {name: gain * 0.99})
        for id_, (_, found) in moves.items():
            found |= set() if math.isclose(after[id_], before[id_], rel_tol=1e-12) else {name}
    told: dict[str, tuple[set[str], set[str]]] = {id_: (set(), set()) for id_ in before}
    told |= {id_: (set(names), set(gains)) for id_, (names, gains) in PARAMETER_ORIGINS.items()}
    assert moves == told


def test_the_host_and_the_infiltrate_are_the_patient_s(
    ran: Path, courses: dict[int, Lived], protocol: ResolvedProtocol
) -> None:
    """Catches clearance as it is at another age, and an infiltrate that starts from nothing."""
    traits = dict(enumerate(sample_traits(protocol.cohort, protocol.accrual.patients, seed=SEED), start=1))
    checked = 0
    for patient, lesion in lesions_with_cells(courses)[:12]:
        state = courses[patient].state
        model = libsbml.readSBMLFromString(export_lesion(ran, patient, lesion).sbml).getModel()
        counted = model.getSpecies("infiltrate")
        if counted is not None and state.cells[lesion, SENESCENT:].any():
            share = load(state.cells[lesion], state.rates)
            assert counted.getInitialAmount() == round(UNITS_PER_LOAD * share)
            stated = protocol.biology["clearance"] * float(traits[patient]["senescent_clearance_rate"])
            cleared = stated * (KAPPA + rest_burden(60.0, 1.0)) / (KAPPA + state.host.burden)
            assert model.getParameter("clearance_rate").getValue() == pytest.approx(cleared, rel=1e-12)
            checked += 1
    assert checked > 0


def test_the_file_and_standard_output_are_the_same(ran: Path, courses: dict[int, Lived], tmp_path: Path) -> None:
    """Catches a file with more or less in it than what is printed."""
    patient, lesion = lesions_with_cells(courses)[-1]
    words = ("export", ran, "--format", "sbml", "--patient", patient, "--lesion", lesion)
    printed, written = trialsim(*words), trialsim(*words, "--out", tmp_path / "lesion.xml")
    assert printed.exit_code == written.exit_code == 0
    assert (tmp_path / "lesion.xml").read_text(encoding="utf-8") == printed.stdout
    assert f"patient {patient}, lesion {lesion}, " in written.stdout


@pytest.mark.parametrize(
    "words", [("--format", "adam"), ("--format", "parquet"), (), ("--format", "sbml", "--patient", 0)]
)
def test_other_words_are_refused(ran: Path, words: tuple[object, ...]) -> None:
    """Catches a format that is accepted and not written."""
    assert trialsim("export", ran, *words).exit_code == 2


def test_a_lesion_without_cells_lists_those_with_some(ran: Path, courses: dict[int, Lived]) -> None:
    """Catches an empty model where the user named the wrong lesion or patient."""
    present = lesions_with_cells(courses)
    patient, lesion = present[0]
    size = int(courses[patient].state.cells[lesion].sum())
    with pytest.raises(UsageError, match=rf"no cells in lesion 999; lesions with cells: {lesion} \(.*{size:,} cells"):
        export_lesion(ran, patient, 999)
    cured = next(n for n in courses if n not in {n for n, _ in present})
    with pytest.raises(UsageError, match=f"patient {cured} has no tumour cells"):
        export_lesion(ran, cured)
    with pytest.raises(UsageError, match="the trial has 30 patients; there is no number 31"):
        export_lesion(ran, 31)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    """Catches a traceback, or a model made of another kind of folder."""
    with pytest.raises(UsageError, match="not a run folder"):
        export_lesion(tmp_path, 1)
    (tmp_path / "manifest.json").write_text(json.dumps({"trialsim": "analyse"}))
    with pytest.raises(UsageError, match="made by `trialsim analyse`"):
        export_lesion(tmp_path, 1)


def test_a_run_that_would_not_be_repeated_is_refused(ran: Path, courses: dict[int, Lived], tmp_path: Path) -> None:
    """Catches a model of a patient who never was in the trial: edited protocol, other version, files missing."""
    edited = copied(ran, tmp_path / "edited")
    text = (edited / "protocol.resolved.yaml").read_text()
    (edited / "protocol.resolved.yaml").write_text(text.replace("tolerance: 0.05", "tolerance: 0.06"))
    with pytest.raises(UsageError, match="was changed after the run"):
        export_lesion(edited, 1)

    older = copied(ran, tmp_path / "older")
    manifest = json.loads((older / "manifest.json").read_text())
    (older / "manifest.json").write_text(json.dumps(manifest | {"version": "0.0.1"}))
    with pytest.raises(UsageError, match=r"made by trialsim 0\.0\.1"):
        export_lesion(older, 1)
    (older / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if k != "seed"}))
    with pytest.raises(UsageError, match="damaged"):
        export_lesion(older, 1)
    (older / "manifest.json").write_text(json.dumps(manifest))
    for name in ("adsl.csv", "protocol.resolved.yaml"):
        (older / name).unlink()
        with pytest.raises(UsageError, match=name):
            export_lesion(older, lesions_with_cells(courses)[0][0])


def test_the_page_s_example_runs(
    ran: Path,
    courses: dict[int, Lived],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Catches an example in docs/sbml.md that libroadrunner refuses."""
    sizes = {(n, at): int(courses[n].state.cells[at].sum()) for n, at in lesions_with_cells(courses)}
    patient, lesion = min(sizes, key=lambda key: sizes[key])
    monkeypatch.chdir(tmp_path)
    Path("lesion.xml").write_text(export_lesion(ran, patient, lesion).sbml, encoding="utf-8")
    (example,) = blocks(page("sbml.md"), "python")
    assert len(example.splitlines()) <= 10
    exec(compile(example, "docs/sbml.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 5
