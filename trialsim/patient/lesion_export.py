"""From a run folder to one lesion of one of its patients, as SBML."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialsim import __version__, results
from trialsim.biology.network import Network, lesion_network
from trialsim.biology.populations import DORMANT
from trialsim.biology.sbml import write_sbml
from trialsim.biology.secretome import load_secretome
from trialsim.errors import UsageError
from trialsim.patient.cohort import sample_traits
from trialsim.patient.prepare import prepare
from trialsim.patient.state import LOCAL, PATIENT, Body, view_in_python
from trialsim.records import Traits
from trialsim.spec.load import load_resolved
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol
from trialsim.structured import Counts, named

_Origin = tuple[tuple[str, ...], tuple[str, ...]]


def _all(*origins: _Origin) -> _Origin:
    """Several origins as one, each trait and gain once."""
    traits = dict.fromkeys(name for names, _ in origins for name in names)
    gains = dict.fromkeys(name for _, names in origins for name in names)
    return tuple(traits), tuple(gains)


_NET: _Origin = (("doubling_time",), ())
_CROWDED: _Origin = (("carrying_capacity", "doubling_time_burden"), ("crowding",))
_HOST: _Origin = (("age", "host_senescence"), ("host_senescence",))
_ESCAPE: _Origin = (("senescence_escape_rate", "escape_brake"), ("escape", "escape_brake"))
_ARREST: _Origin = (("spontaneous_senescence_rate",), ("spontaneous_senescence",))
#: The load of a lesion at rest: of its pools of spontaneously senescent cells and of the host.
_LOAD_AT_REST = _all(
    _ARREST,
    (("maturation_time", "escape_latency", "polyploid_fraction", "senescent_clearance_rate"), ("clearance",)),
    _ESCAPE,
    _NET,
    _HOST,
    (("sasp_intensity", "sasp_arrest", "sasp_clearance"), ("sasp.arrest", "sasp.clearance")),
)
_DEATH = _all(
    (("birth_rate",), ()),
    _NET,
    (("sasp_arrest", "immune_kill_rate", "sasp_immunosuppression"), ("sasp.arrest", "immune_killing", "sasp.immune")),
    _LOAD_AT_REST,
)
_ESCAPER: _Origin = (("escaper_establishment", "escaper_growth"), ("escaper.establishment", "escaper.growth"))

#: What each parameter of a drug-free network is computed from: traits of the patient, and gains of the protocol.
PARAMETER_ORIGINS: dict[str, _Origin] = {
    "birth_rate": (("birth_rate",), ()),
    "death_rate": _DEATH,
    "net_growth": _NET,
    "escaped_birth_rate": _all(_ESCAPER, _CROWDED, (("birth_rate",), ()), _NET),
    "escaped_death_rate": _all(_ESCAPER, _CROWDED, _DEATH),
    "escaped_net_growth": _all(_NET, (("escaper_growth",), ("escaper.growth",))),
    "arrest_rate": _ARREST,
    "paracrine_rate": (("sasp_arrest",), ("sasp.arrest",)),
    "immune_kill_rate": (("immune_kill_rate",), ("immune_killing",)),
    "seeding_rate": (("seeding_rate",), ("seeding",)),
    "maturation_rate": (("maturation_time",), ()),
    "competence_rate": (("escape_latency", "maturation_time"), ()),
    "clearance_rate": _all((("senescent_clearance_rate",), ("clearance",)), _HOST),
    "escape_rate": _ESCAPE,
    "reversal_rate": (("senescence_reversal_rate",), ("reversal",)),
    "waking_rate": (("dormancy_escape_rate", "sasp_waking"), ("awakening", "sasp.waking", "host_senescence")),
    "polyploid_share": (("polyploid_fraction",), ()),
    "latent_resistance": (("senolytic_resistant_fraction",), ("senolytic_resistance",)),
    "crowding_strength": ((), ("crowding",)),
    "carrying_capacity": (("carrying_capacity",), ()),
    "reference_burden": (("doubling_time_burden",), ()),
    "growth_at_rest": _all((("sasp_growth",), ("sasp.growth",)), _LOAD_AT_REST),
    "sasp_intensity": (("sasp_intensity",), ()),
    "host_share": _HOST,
    "sasp_growth": (("sasp_growth",), ("sasp.growth",)),
    "sasp_seeding": (("sasp_seeding",), ("sasp.seeding",)),
    "sasp_waking": (("sasp_waking",), ("sasp.waking",)),
    "sasp_clearance": (("sasp_clearance",), ("sasp.clearance",)),
    "sasp_immunosuppression": (("sasp_immunosuppression",), ("sasp.immune",)),
    "sasp_f3": (("f3_boost",), ("sasp.f3",)),
}


def fixed_origins() -> dict[str, str]:
    """Where the parameters come from that are the same in every patient, by id, in words."""
    data = load_secretome()
    numbers = {f"weight_{inducer}": number for inducer, number in data.weights.items()}
    numbers["infiltration_time"] = data.infiltration_time
    told = {
        id_: f"A number of the model (source: {x.source}, confidence {x.confidence})." for id_, x in numbers.items()
    }
    return told | {
        "half_share": "A number of the model (docs/model.md, section 7.18).",
        "units_per_load": "How finely the infiltrate is counted here; the model has it without noise.",
    }


@dataclass(frozen=True)
class LesionExport:
    """A lesion's network, and the SBML that was written of it."""

    patient: int
    lesion: int
    network: Network
    sbml: str


def export_lesion(folder: Path, patient: int, lesion: int | None = None) -> LesionExport:
    """One lesion of a run's patient at randomisation, free of drugs, as SBML.

    The patient is made anew from the run's protocol and seed, as the run made it. ``patient`` counts from 1; lesion 0
    is the local bed, the others are disseminated foci. Without a ``lesion``, the first that has cells is taken.

    Raises
    ------
    UsageError
        The folder holds no run, or one that this version would not repeat; there is no such patient; the lesion has
        no cells; python-libsbml is not installed.
    InvalidInput
        The run's protocol is damaged.
    """
    protocol, seed = _read_run(folder)
    if not protocol.cohort.has_cells:
        raise UsageError(f"patients of {protocol.cohort.name} have no cells to export")
    patients = protocol.accrual.patients
    if patient > patients:
        raise UsageError(f"the trial has {patients} patients; there is no number {patient}")
    traits = sample_traits(protocol.cohort, patients, seed=seed)[patient - 1]
    # Nothing of the arm is in a patient at randomisation, so any arm serves.
    any_arm = next(iter(protocol.arms.values()))
    body, lesions = _at_randomisation(traits, any_arm, protocol, patient, seed)
    chosen = _choose(lesions["cells"], patient, lesion)
    network = lesion_network(lesions["cells"][chosen], body.rates, float(lesions["infiltrate"][chosen]))
    sources = {x.id: _origin(protocol, traits, x.id) for x in network.parameters if x.id in PARAMETER_ORIGINS}
    sbml = write_sbml(
        network,
        model_id=f"patient_{patient}_lesion_{chosen}",
        name=f"{protocol.name}: patient {patient}, lesion {chosen}",
        notes=_notes(protocol, seed, patient, _arm_given(folder, protocol, patient), chosen, network),
        sources=sources | fixed_origins(),
    )
    return LesionExport(patient, chosen, network, sbml)


def _read_run(folder: Path) -> tuple[ResolvedProtocol, int]:
    """The protocol and the seed of a run that this version would repeat."""
    manifest = results.read_json(folder, results.MANIFEST)
    if manifest.get("trialsim") != "run":
        raise UsageError(f"{folder} holds no simulated trial: it was made by `trialsim {manifest.get('trialsim')}`")
    path = folder / results.PROTOCOL
    if not path.is_file():
        raise UsageError(f"{folder} is not a whole run folder: it has no {results.PROTOCOL}")
    seed, digests = manifest.get("seed"), manifest.get("digests")
    if not isinstance(seed, int) or not isinstance(digests, Mapping):
        raise UsageError(f"{folder / results.MANIFEST} is damaged: it has no seed or no digests")
    if manifest.get("version") != __version__:
        raise UsageError(
            f"{folder} was made by trialsim {manifest.get('version')}, and this is {__version__}: "
            "its patients may differ. Run the trial again, or use that version."
        )
    if results.digest_bytes(path.read_bytes()) != digests.get("protocol"):
        raise UsageError(f"{path} was changed after the run, so the patients it gives are not those of the run")
    return load_resolved(path), seed


def _at_randomisation(
    traits: Traits, arm: ResolvedArm, protocol: ResolvedProtocol, patient: int, seed: int
) -> tuple[Body, NDArray[np.void]]:
    """A patient's body and lesions."""
    own = view_in_python(prepare(traits, arm, protocol, patient=patient, seed=seed), PATIENT)
    return named(own.body)[0], named(own.lesions)


def _choose(cells: Counts, patient: int, lesion: int | None) -> int:
    """The lesion asked for, or the first with cells."""
    sizes = cells.sum(axis=1)
    present = [at for at, cells in enumerate(sizes) if cells > 0]
    if not present:
        raise UsageError(f"patient {patient} has no tumour cells at randomisation: there is nothing to export")
    if lesion is None:
        return present[0]
    if lesion not in present:
        told = ", ".join(f"{at} ({_site(at)}, {_size(cells[at])})" for at in present)
        raise UsageError(f"patient {patient} has no cells in lesion {lesion}; lesions with cells: {told}")
    return lesion


def _site(lesion: int) -> str:
    return "local bed" if lesion == LOCAL else "distant"


def _size(cells: Counts) -> str:
    dormant = ", dormant" if cells[DORMANT] > 0 else ""
    return f"{int(cells.sum()):,} cells{dormant}"


def _arm_given(folder: Path, protocol: ResolvedProtocol, patient: int) -> str:
    """The arm that the run gave the patient, from its ADSL."""
    path = folder / results.ADSL
    if not path.is_file():
        raise UsageError(f"{folder} is not a whole run folder: it has no {results.ADSL}")
    for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
        if row.get("SUBJID", "").lstrip("0") == str(patient):
            label = protocol.arms[row["ARM"]].label if row.get("ARM") in protocol.arms else ""
            return f"{row.get('ARM')} ({label})"
    raise UsageError(f"{path} is damaged: it has no patient {patient}")


def _notes(
    protocol: ResolvedProtocol, seed: int, patient: int, arm: str, lesion: int, network: Network
) -> tuple[str, ...]:
    notes = [
        f"One lesion of a virtual patient at randomisation, written by trialsim {__version__}: lesion {lesion} "
        f"({_site(lesion)}) of patient {patient} of trial {protocol.name}, seed {seed}.",
        f"The patient was randomised to the arm {arm}. No drug is in this network.",
        f"Cohort: {protocol.cohort.name}. Gains on mechanisms: "
        + ", ".join(f"{name} {gain:g}" for name, gain in protocol.biology.items())
        + ".",
        "Amounts are cells and laws are events per day; meant for exact stochastic simulation. Each parameter says "
        "what it was computed from.",
        "The lesion is alone: cells that leave it to found foci are gone, its own infiltrate recruits clearance, "
        "and the host's senescent stroma stays as it is.",
    ]
    if network.left_out:
        notes.append(f"Left out, though at work in the patient: {', '.join(network.left_out)}.")
    return tuple(notes)


def _origin(protocol: ResolvedProtocol, traits: Traits, parameter: str) -> str:
    """The traits behind a parameter, with this patient's values, sources and how far they may be trusted."""
    names, gains = PARAMETER_ORIGINS[parameter]
    told = [_trait_origin(protocol, traits, name) for name in names]
    told += [f"gain {gain} = {protocol.biology[gain]:g} (the protocol's)" for gain in gains]
    return "From " + "; ".join(told) + "."


def _trait_origin(protocol: ResolvedProtocol, traits: Traits, name: str) -> str:
    trait = protocol.cohort.traits[name]
    case = trait.cases["*" if trait.by is None else str(traits[trait.by])]
    value: Any = traits[name]
    trust = f", confidence {case.confidence}" if case.confidence else ""
    return f"{name} = {value:.6g} {trait.unit}".rstrip() + f" (source: {case.source or 'not stated'}{trust})"
