"""The agent library: what the schema refuses, what every shipped file holds, and half-lives against published ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from trialsim.report.describe_agent import numbers
from trialsim.spec.agents import (
    INDUCER_LABELS,
    INDUCERS,
    TARGET_LABELS,
    TARGETS,
    Agent,
    Cytotoxic,
    Inducer,
    Pharmacokinetics,
    Radiation,
    Senolytic,
    Target,
    Targeted,
)
from trialsim.structured import one
from trialsim.treatment import library as shipped
from trialsim.treatment import pharmacology as pk
from trialsim.treatment.library import Library, load_library

LIBRARY = load_library()
AGENT: TypeAdapter[Agent] = TypeAdapter(Agent)
#: Steady-state dosing as the notes say: daily mg or (mg, days between doses), and the days of dosing.
USUAL = {
    "abemaciclib": (300.0, 1.0),
    "anti-csf1": (700.0, 21.0),
    "anti-cxcl12": (700.0, 21.0),
    "anti-pd-1": (200.0, 21.0),
    "atr-inhibitor": (300.0, 1.0),
    "alisertib": (100.0, 1.0),
    "bicalutamide": (50.0, 1.0),
    "castration": (22.5, 90.0),
    "enzalutamide": (160.0, 1.0),
    "f3-inhibitor": (700.0, 21.0),
    "letrozole": (2.5, 1.0),
    "nfkb-inhibitor": (100.0, 1.0),
    "palbociclib": (125.0, 1.0),
    "rituximab": (700.0, 21.0),
    "ruxolitinib": (40.0, 1.0),
    "tsp1": (500.0, 7.0),
}


def number(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "made up", "source": "made up for this test", "confidence": "low"}


def targeted(**changes: Any) -> dict[str, Any]:
    """A valid targeted agent as data, infused, with changes; a key that is None is left out."""
    kinetics = {"clearance": number(1.0), "volume": number(10.0), "molar_mass": number(500.0)}
    data: dict[str, Any] = {
        "name": "drug",
        "label": "Drug",
        "kind": "targeted",
        "pk": kinetics,
        "ec50": number(1.0),
        "effects": {"growth": number(0.5)},
        **changes,
    }
    return {key: value for key, value in data.items() if value is not None}


def constants(kinetics: Pharmacokinetics) -> pk.Drug:
    """A drug in the typical patient."""
    drug = one(pk.Drug)
    drug.absorption = 24.0 * kinetics.absorption.value if kinetics.absorption else 0.0
    drug.elimination = 24.0 * kinetics.clearance.value / kinetics.volume.value
    drug.per_mg = 1000.0 / (kinetics.molar_mass.value * kinetics.volume.value)
    drug.hill = 1.0
    return drug


def mean_effect(kinetics: Pharmacokinetics, ec50: float, dose: float, every: float, doses: int) -> float:
    """Mean of E over the interval after the last of equal doses."""
    drug = constants(kinetics)
    for _ in range(doses):
        pk.advance_amounts(drug, every)
        pk.give(drug, dose)
    total, step = 0.0, every / 96
    for _ in range(96):
        total += pk.mean_effect(drug, 1.0, ec50, step) / 96
        pk.advance_amounts(drug, step)
    return total


def test_names_of_inducers_and_targets_are_told_once() -> None:
    """Catches a name that joined the tuple but not the type or the words; the order is the kernel's."""
    assert get_args(Inducer) == INDUCERS
    assert tuple(INDUCER_LABELS) == INDUCERS
    assert get_args(Target) == TARGETS
    assert tuple(TARGET_LABELS) == TARGETS
    assert INDUCERS.index("spontaneous") == 6
    assert INDUCERS[-1] == "enzalutamide"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"effects": {"grwth": number(0.5)}}, "grwth"),
        ({"effects": {"sasp": number(0.5)}}, "sasp"),
        ({"effects": {"growth": number(-0.5)}}, "`effects.growth` is -0.5; it must not be below 0"),
        ({"effects": None}, "needs `effects`, `senescence` or `kill`"),
        ({"senescence": {"inducer": "ageing", "rate": number(0.1)}}, "dna_damage"),
        ({"senescence": {"inducer": "antibody", "rate": number(-0.1)}}, "`senescence.rate` is -0.1"),
        ({"kill": number(-1.0)}, "`kill` is -1"),
        ({"ec50": number(0.0)}, "`ec50` is 0; it must be above 0"),
        ({"pk": {"clearance": number(0.0), "volume": number(1.0), "molar_mass": number(1.0)}}, "`clearance` is 0"),
        ({"dose_unit": "mg/L"}, "mg"),
        ({"potency": number(1.0)}, "potency"),
    ],
)
def test_a_targeted_agent_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    """Catches a misspelt target that would silently do nothing, and numbers that would turn a rate negative."""
    AGENT.validate_python(targeted())
    with pytest.raises(ValidationError) as caught:
        AGENT.validate_python(targeted(**changes))
    assert message in str(caught.value)


def test_a_number_without_a_source_is_refused() -> None:
    """Catches an anonymous number."""
    anonymous = {key: value for key, value in number(1.0).items() if key != "source"}
    with pytest.raises(ValidationError, match="source"):
        AGENT.validate_python(targeted(ec50=anonymous))


@pytest.mark.parametrize("name", LIBRARY)
def test_a_shipped_agent_is_complete(name: str) -> None:
    """Catches a file under another name, an agent without words, an empty source, a value outside its own range."""
    agent = LIBRARY[name]
    assert (Path(shipped.__file__).parent / "agents" / f"{name}.yaml").is_file()
    assert agent.label
    assert len(agent.note) > 20
    found = dict(numbers(agent))
    assert len(found) >= 4
    for path, given in found.items():
        assert len(given.source) > 3, path
        assert given.unit, path
        assert math.isfinite(given.value), path
        assert given.low is None or given.low <= given.value, path
        assert given.high is None or given.value <= given.high, path


def test_a_size_without_evidence_is_not_trusted() -> None:
    """Catches a number that is only assumed and yet claims more than low confidence (molar masses aside)."""
    boasts = [
        f"{name}: {path}"
        for name, agent in LIBRARY.items()
        for path, given in numbers(agent)
        if given.source.startswith(("assumed", "no data", "direction"))
        and given.confidence != "low"
        and path != "pk.molar_mass"
    ]
    assert not boasts


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("navitoclax", 14.0, 19.0),
        ("palbociclib", 24.0, 34.0),
        ("ruxolitinib", 2.5, 5.8),
        ("dasatinib-quercetin", 3.0, 5.0),
        ("abemaciclib", 17.0, 20.0),
        ("enzalutamide", 67.0, 245.0),
        ("bicalutamide", 120.0, 160.0),
        ("anti-pd-1", 480.0, 576.0),
        ("rituximab", 147.0, 1248.0),
    ],
)
def test_half_lives_are_the_published_ones(name: str, low: float, high: float) -> None:
    """Hours. Catches clearance and volume whose units are mixed up (mL/min, L/day), or of different drugs."""
    agent = LIBRARY[name]
    assert isinstance(agent, (Senolytic, Targeted))
    assert low <= agent.pk.half_life_hours <= high
    drug = constants(agent.pk)
    _, left = pk.amounts_after(0.0, 1.0, drug.absorption, drug.elimination, agent.pk.half_life_hours / 24.0)
    assert left == pytest.approx(0.5)


def test_an_infusion_goes_into_plasma_and_a_tablet_into_the_gut() -> None:
    """Catches an infusion that waits in the gut for ever, since nothing is absorbed."""
    drug = one(pk.Drug)
    drug.elimination = 0.1
    pk.give(drug, 200.0)
    pk.give(drug, 50.0)
    assert (drug.gut, drug.plasma, drug.tissue, drug.rate) == (0.0, 250.0, 0.0, 0.0)
    left = pk.amounts_after(drug.gut, drug.plasma, drug.absorption, drug.elimination, 20.0)
    assert left == pytest.approx((0.0, 250.0 * math.exp(-2.0)))
    drug.absorption = 8.0
    pk.give(drug, 30.0)
    assert (drug.gut, drug.plasma, drug.tissue, drug.rate) == (30.0, 250.0, 0.0, 0.0)


@pytest.mark.parametrize("fold", [0.0, 0.3, 1.0, 2.0])
def test_a_fold_runs_from_nothing_to_itself(fold: float) -> None:
    """1 + (f - 1) E: catches f^E, f E, and a fold that acts without the drug."""
    assert pk.modulated(fold, 0.0) == 1.0
    assert pk.modulated(fold, 1.0) == pytest.approx(fold)
    assert pk.modulated(fold, 0.5) == pytest.approx(0.5 * (1.0 + fold))


@pytest.mark.parametrize("name", [name for name, agent in LIBRARY.items() if isinstance(agent, Targeted)])
def test_the_usual_dose_acts(name: str) -> None:
    """Half to all of the full effect. Catches an EC50 or a dose that is off by 1000, and clearance per day for hour."""
    agent = LIBRARY[name]
    assert isinstance(agent, Targeted)
    dose, every = USUAL[name]
    assert 0.5 < mean_effect(agent.pk, agent.ec50.value, dose, every, max(4, math.ceil(60 / every))) < 0.99


def test_dasatinib_with_quercetin_kills_as_in_people() -> None:
    """35 % (17-62 %) gone after three daily doses (Hickson 2019). Catches an Emax for another schedule or EC50."""
    agent = LIBRARY["dasatinib-quercetin"]
    assert isinstance(agent, Senolytic)
    drug, exposure = constants(agent.pk), 0.0
    for step in range(14 * 24):
        if step in (0, 24, 48):
            pk.give(drug, 100.0)
        exposure += pk.mean_effect(drug, agent.emax.value, agent.ec50.value, 1 / 24) / 24
        pk.advance_amounts(drug, 1 / 24)
    assert 1.0 - math.exp(-exposure * agent.host_effect.value) == pytest.approx(0.35, abs=0.02)


def test_navitoclax_spares_enzalutamide_induced_cells() -> None:
    """Malaquin 2020: kill ratio above 5; Carpenter 2021: castration-induced cells do die. Catches swapped inducers."""
    agent = LIBRARY["navitoclax"]
    assert isinstance(agent, Senolytic)
    by = {inducer: fold.value for inducer, fold in agent.effect_by_inducer.items()}
    assert set(by) == set(INDUCERS)
    assert by["radiation"] > 5 * by["enzalutamide"]
    assert by["endocrine"] > 5 * by["enzalutamide"]


def test_reversible_senescence_waits_for_the_drug_to_stop() -> None:
    """Catches a cell-cycle drug or enzalutamide whose senescent cells return to the cycle under treatment."""
    for name, agent in LIBRARY.items():
        if isinstance(agent, Targeted) and agent.senescence is not None:
            reversible = agent.senescence.inducer in ("cell_cycle", "enzalutamide")
            assert ("reversal" in agent.effects) == reversible, name
            assert not reversible or agent.effects["reversal"].value == 0.0


def test_selective_senomorphics_leave_the_good_side_alone() -> None:
    """M10: a broad senomorphic loses arrest and recruited clearance, a selective one does not. Catches one for both."""
    good = {"sasp.arrest", "sasp.clearance"}
    for name in ("ruxolitinib", "nfkb-inhibitor"):
        agent = LIBRARY[name]
        assert isinstance(agent, Targeted)
        assert good | {"sasp.immune"} <= set(agent.effects)
    for name in ("anti-cxcl12", "anti-csf1"):
        agent = LIBRARY[name]
        assert isinstance(agent, Targeted)
        assert set(agent.effects) == {"sasp.immune"}


def test_damage_is_done_to_the_host_too() -> None:
    """Catches chemotherapy or radiation without a trace in the stroma (M19)."""
    for name, agent in LIBRARY.items():
        if isinstance(agent, (Cytotoxic, Radiation)):
            assert agent.host_damage is not None, name
            assert agent.host_damage.value > 0.0


def test_an_agent_is_read_when_it_is_asked_for() -> None:
    """Catches a run that reads the files of all agents, of which it gives four, and a file by another name."""
    fresh = Library(Path(shipped.__file__).parent / "agents")
    assert "navitoclax" in fresh
    assert fresh._read == {}
    assert fresh["navitoclax"].name == "navitoclax"
    assert list(fresh._read) == ["navitoclax"]
    assert all(name == agent.name for name, agent in fresh.items())
    with pytest.raises(KeyError):
        fresh["navitoclaxx"]
