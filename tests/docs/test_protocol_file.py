"""The reference of protocol and cohort files says what the written models say: every key, default and example."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tests.docs.pages import FLAGSHIP, ROOT, blocks, commands, first_names, page, section, tables, ticked
from trialsim.errors import InvalidInput
from trialsim.spec import written_cohort as wc
from trialsim.spec import written_conduct as wd
from trialsim.spec import written_follow_up as wf
from trialsim.spec import written_intercurrent as wi
from trialsim.spec import written_looks as wk
from trialsim.spec import written_model as wm
from trialsim.spec import written_order as wo
from trialsim.spec import written_protocol as wp
from trialsim.spec.dump import dump_yaml
from trialsim.spec.load import load_protocol
from trialsim.spec.resolve import BUILT_IN_RULES
from trialsim.spec.source import parse_document, read_document
from trialsim.spec.traits import GAINS, TRAITS
from trialsim.treatment.library import load_library
from trialsim.units import DIMENSIONS, DOSE_UNITS

PAGE = page("protocol-file.md")

#: The heading under which a written model is described, and which of its tables holds the model's keys.
PLACES: dict[type[BaseModel], tuple[str, int]] = {
    wp.WrittenProtocol: ("Protocol", 0),
    wo.WrittenOrder: ("Orders", 0),
    wp.WrittenArm: ("Arms", 0),
    wm.ExponentialModel: ("Laws", 0),
    wm.PiecewiseModel: ("Laws", 1),
    wm.HazardPiece: ("Laws", 2),
    wm.WeibullModel: ("Laws", 3),
    wm.CureModel: ("Laws", 4),
    wm.CurveModel: ("Laws", 5),
    wm.RelativeModel: ("Laws", 6),
    wm.RatioPiece: ("Laws", 7),
    wd.WrittenRandomisation: ("Randomisation", 0),
    wd.WrittenAccrual: ("Accrual", 0),
    wd.AccrualPeriod: ("Accrual", 1),
    wd.WrittenSites: ("Accrual", 2),
    wd.OpenEvery: ("Accrual", 3),
    wd.WrittenPause: ("Accrual", 4),
    wp.WrittenFollowUp: ("Follow-up", 0),
    wp.ScanPlan: ("Follow-up", 1),
    wp.ScanStep: ("Follow-up", 2),
    wf.WrittenCut: ("Follow-up", 3),
    wf.WrittenCapacity: ("Capacity", 0),
    wp.WrittenDetection: ("Detection", 0),
    wi.WrittenIntercurrent: ("Intercurrent events", 0),
    wi.WrittenNewTherapy: ("Intercurrent events", 1),
    wi.WrittenCrossover: ("Intercurrent events", 2),
    wi.WrittenRescue: ("Intercurrent events", 3),
    wi.WrittenEndpoint: ("Endpoint", 0),
    wi.WrittenStrategies: ("Endpoint", 1),
    wp.WrittenAnalysis: ("Analysis", 0),
    wk.WrittenLooks: ("Looks", 0),
    wk.WrittenFutility: ("Looks", 1),
    wk.WrittenReEstimate: ("Looks", 2),
    wk.WrittenFavour: ("Looks", 3),
    wk.WrittenEnrich: ("Looks", 4),
    wp.WrittenNumerics: ("Numerics", 0),
    wp.WrittenPharmacology: ("Pharmacology", 0),
    wp.WrittenRule: ("Rules", 0),
    wp.WrittenLimits: ("Rules", 1),
    wo.WrittenLeadIn: ("Orders", 1),
    wo.WrittenLoading: ("Orders", 2),
    wo.WrittenGuide: ("Orders", 3),
    wp.WrittenMarker: ("Biomarkers", 0),
    wp.WrittenPanel: ("Panels", 0),
    wc.WrittenCohort: ("Cohort", 0),
    wc.WrittenCorrelation: ("Correlations", 0),
    wc.WrittenMortality: ("Mortality", 0),
    wc.WrittenGompertz: ("Mortality", 1),
    wc.WrittenPostRelapse: ("Post-relapse", 0),
}
#: Models whose keys are in the two tables of "Distributions".
DISTRIBUTIONS: tuple[type[BaseModel], ...] = (
    wc.WrittenConstant,
    wc.WrittenNormal,
    wc.WrittenLognormal,
    wc.WrittenUniform,
    wc.WrittenLoguniform,
    wc.WrittenBeta,
    wc.WrittenCategorical,
    wc.WrittenCases,
)
#: Plain defaults as the page writes them, where they are not the value itself.
SPELLED = {
    ("WrittenProtocol", "description"): "none",
    ("WrittenRandomisation", "by_site"): "false",
    ("WrittenFutility", "binding"): "false",
    ("WrittenFollowUp", "dropout"): "0",
    ("WrittenFollowUp", "window"): "0",
    ("WrittenFollowUp", "missed"): "0",
    ("WrittenFollowUp", "lost"): "0",
    ("WrittenAccrual", "ramp"): "0",
    ("WrittenAccrual", "screening_failure"): "0",
    ("WrittenDetection", "limit"): "1e9 cells",
    ("WrittenNumerics", "max_step"): "100 d",
    ("WrittenPharmacology", "neutrophils"): "false",
    ("WrittenPharmacology", "adherence"): "1",
    ("WrittenPharmacology", "neutropenic_death"): "0",
    ("WrittenPharmacology", "thrombocytopenic_death"): "0",
    ("WrittenAnalysis", "landmarks"): "[36 mo, 60 mo]",
    ("WrittenCohort", "focus_spread"): "1",
    ("WrittenCapacity", "per_site"): "false",
    ("WrittenCut", "no_later_than"): "30 yr",
    ("WrittenCohort", "cells"): "true",
}


def keys(model: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model that an annotation holds, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for info in annotation.model_fields.values():
            yield from models_in(info.annotation)
        return
    for argument in get_args(annotation):
        yield from models_in(argument)


def table_of(model: type[BaseModel]) -> list[list[str]]:
    heading, number = PLACES[model]
    return tables(section(PAGE, heading))[number]


def test_every_written_model_has_a_place() -> None:
    """Catches a section added to the format that the page does not describe."""
    written = {*models_in(wp.WrittenProtocol), *models_in(wc.WrittenCohort)}
    assert written == {*PLACES, *DISTRIBUTIONS}


@pytest.mark.parametrize("model", PLACES, ids=lambda model: model.__name__)
def test_every_key_is_described(model: type[BaseModel]) -> None:
    """Catches a key that the page lacks or invents, one wrongly called required, and a default that moved."""
    rows = {name: row for row in table_of(model) for name in ticked(row[0])}
    assert set(rows) == set(keys(model))
    for key, info in keys(model).items():
        told = rows[key][2]
        assert (told == "required") == info.is_required(), key
        default = SPELLED.get((model.__name__, key), info.default)
        if not info.is_required() and isinstance(default, str | int | float):
            assert told.strip("`") == str(default), key


def test_spelled_defaults_are_the_models() -> None:
    """Catches a default that moved and whose spelling above was not."""
    moments = {
        ("WrittenFollowUp", "dropout"): 0.0,
        ("WrittenFollowUp", "window"): 0.0,
        ("WrittenFollowUp", "missed"): 0.0,
        ("WrittenFollowUp", "lost"): 0.0,
        ("WrittenAccrual", "ramp"): 0.0,
        ("WrittenAccrual", "screening_failure"): 0.0,
        ("WrittenDetection", "limit"): 1e9,
        ("WrittenNumerics", "max_step"): 100.0,
        ("WrittenPharmacology", "neutrophils"): False,
        ("WrittenPharmacology", "adherence"): 1.0,
        ("WrittenPharmacology", "neutropenic_death"): 0.0,
        ("WrittenPharmacology", "thrombocytopenic_death"): 0.0,
        ("WrittenAnalysis", "landmarks"): [1095.75, 1826.25],
        ("WrittenCohort", "focus_spread"): 1.0,
        ("WrittenCapacity", "per_site"): False,
        ("WrittenCut", "no_later_than"): 30 * 365.25,
        ("WrittenCohort", "cells"): True,
        ("WrittenProtocol", "description"): None,
        ("WrittenRandomisation", "by_site"): False,
        ("WrittenFutility", "binding"): False,
    }
    assert set(moments) == set(SPELLED)
    by_name = {model.__name__: model for model in PLACES}
    for (model, key), value in moments.items():
        assert by_name[model].model_fields[key].default == value


def test_every_distribution_is_described() -> None:
    """Catches a kind of distribution or a parameter that the page lacks or invents."""
    general, kinds = tables(section(PAGE, "Distributions"))
    shared = set(first_names(general))
    told = {ticked(row[0])[0]: set(ticked(row[1])) for row in kinds}
    by_kind = {get_args(m.model_fields["distribution"].annotation)[0]: m for m in DISTRIBUTIONS[1:-1]}
    assert set(told) == set(by_kind)
    for kind, model in by_kind.items():
        assert set(keys(model)) - shared == told[kind], kind
    assert {*keys(wc.WrittenConstant), *keys(wc.WrittenCases), "distribution", "min", "max"} == shared


def test_every_trait_gain_and_agent_is_listed() -> None:
    """Catches a trait, level, gain, agent or built-in rule that the page lacks, invents or describes otherwise."""
    rows = {ticked(row[0])[0]: row for row in tables(section(PAGE, "Traits"))[0]}
    assert set(rows) == set(TRAITS)
    words = {"per_gray": "radiosensitivity", "gray": "radiation dose"}
    for name, trait in TRAITS.items():
        if trait.dimension is not None:
            assert rows[name][1] == words.get(trait.dimension, trait.dimension), name
        elif trait.levels != ("*",):
            assert ticked(rows[name][1]) == list(trait.levels), name
    assert f"A cohort gives all {len(TRAITS)}, save those of the body" in PAGE
    assert first_names(tables(section(PAGE, "Biology"))[0]) == list(GAINS)
    agents = {ticked(row[0])[0]: row for row in tables(section(PAGE, "Agents"))[1]}
    assert set(agents) == set(load_library())
    for name, agent in load_library().items():
        inducer = getattr(agent, "inducer", None) or getattr(getattr(agent, "senescence", None), "inducer", None)
        wanted = [agent.kind, agent.dose_unit, f"`{inducer}`" if inducer else "\N{EN DASH}"]
        assert agents[name][1:] == wanted
    assert all(f"`{name}` is built in" in PAGE for name in BUILT_IN_RULES)


def test_units_are_those_of_the_grammar() -> None:
    """Catches a unit that the page lacks or invents."""
    rows = {row[0]: set(ticked(row[1])) for row in tables(section(PAGE, "Values and units"))[0]}
    names = {
        "time": "time",
        "age": "age",
        "rate": "rate",
        "yearly_rate": "rate per year",
        "cells": "cells",
        "platelets": "platelets, neutrophils",
        "neutrophils": "platelets, neutrophils",
        "per_gray": "radiosensitivity",
        "gray": "radiation dose",
        "filtration": "filtration",
        "fraction": "fraction",
    }
    for dimension, name in names.items():
        assert rows[name] == set(DIMENSIONS[dimension].units), name
    assert rows["dose of a drug"] | {"Gy"} == set(DOSE_UNITS)


def _regimens_of(text: str) -> dict[str, Any]:
    return dict(parse_document(text, "page").data)


@pytest.mark.parametrize("fragment", blocks(PAGE, "yaml"), ids=lambda text: text.split(":", 1)[0])
def test_every_example_is_valid(fragment: str, tmp_path: Path) -> None:
    """Catches an example that the format refuses. A fragment replaces the sections of the shipped files."""
    protocol = read_document(FLAGSHIP).data
    cohort = read_document(FLAGSHIP.parent / protocol["cohort"]).data
    for key, value in _regimens_of(fragment).items():
        if key == "traits":
            cohort["traits"] = cohort["traits"] | value
        else:
            (protocol if key in keys(wp.WrittenProtocol) else cohort)[key] = value
    (tmp_path / "cohort.yaml").write_text(dump_yaml(cohort))
    (tmp_path / "protocol.yaml").write_text(dump_yaml({**protocol, "cohort": "cohort.yaml"}))
    resolved = load_protocol(tmp_path / "protocol.yaml", load_library())
    assert resolved.name == protocol["name"]


def test_overrides_of_the_page_apply() -> None:
    """Catches an override whose path is not in the shipped files."""
    lines = commands(PAGE)
    assert len(lines) == 2
    for line in lines:
        words = shlex.split(line)
        overrides = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
        assert overrides
        load_protocol(ROOT / words[2], load_library(), overrides)


def test_the_error_is_told_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches an example of an error message that the program no longer prints."""
    monkeypatch.chdir(ROOT)
    (shown,) = blocks(section(PAGE, "Errors"), "text")
    problems = []
    for name in dict.fromkeys(re.findall(r"^(tests/invalid/\S+?):", shown, re.MULTILINE)):
        with pytest.raises(InvalidInput) as caught:
            load_protocol(name, load_library())
        problems += caught.value.problems
    assert str(InvalidInput(tuple(problems))) == shown.rstrip("\n")
