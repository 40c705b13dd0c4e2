"""What the pages on model and design list is what the code has; links lead somewhere."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.pages import DOCS, ROOT, blocks, first_names, page, section, tables, ticked
from trialsim.biology import draws, host
from trialsim.biology.populations import ESCAPED, N_INDUCERS, N_ORIGINS, N_POPULATIONS, SENESCENT
from trialsim.biology.rates import crowding_factor
from trialsim.biology.sasp import HALF_SHARE
from trialsim.biology.secretome import load_secretome
from trialsim.patient import prepare
from trialsim.records import SameDay
from trialsim.rng import Purpose
from trialsim.spec.agents import INDUCERS, TARGETS
from trialsim.spec.traits import GAINS, SLOTS, TRAITS
from trialsim.treatment import platelets
from trialsim.treatment.library import load_library

MODEL = page("model.md")
DESIGN = page("design.md")
#: Pages that this suite answers for; others may be written later or by a program.
PAGES = ("model.md", "design.md", "treatment.md", "tutorial.md", "protocol-file.md", "outputs.md")


def test_populations() -> None:
    """Catches a population added or dropped."""
    assert f"integer counts of {N_POPULATIONS} populations" in MODEL
    assert f"| cycling ({N_ORIGINS}) |" in MODEL
    assert f"| escaped ({SENESCENT - ESCAPED}) |" in MODEL
    assert f"| senescent ({N_POPULATIONS - SENESCENT}) | {N_INDUCERS} inducers" in MODEL
    assert f"{len(TRAITS)} traits" in MODEL
    assert f"{SLOTS} standard normal draws" in MODEL
    listed = re.search(r"^Inducers: (.*?)\. ", MODEL, re.MULTILINE)
    assert listed is not None
    assert tuple(ticked(listed[1])) == INDUCERS


def test_same_day_order() -> None:
    """Catches an order of events that is not the one in the code."""
    rows = next(t for t in tables(section(MODEL, "3 Process overview and scheduling")) if "RANDOMISED" in str(t))
    assert [tuple(row[0].replace("`", "").split()) for row in rows] == [(str(int(s)), s.name) for s in SameDay]


def test_streams() -> None:
    """Catches a random stream that the page lacks, invents or numbers otherwise."""
    (rows,) = tables(section(MODEL, "8 Random streams"))
    assert {ticked(row[0])[0]: int(row[1]) for row in rows} == {p.name: int(p) for p in Purpose}


def test_gains() -> None:
    """Catches a mechanism that the page lacks or invents."""
    (rows,) = tables(section(MODEL, "9 Gains and switches"))
    assert first_names(rows) == list(GAINS)


def test_agents() -> None:
    """Catches an agent that joined or left the library, or is told as one of another kind."""
    told = {ticked(row[0])[0]: ticked(row[2]) for row in tables(section(MODEL, "6 Input data"))[0]}
    library = load_library().values()
    assert told == {kind: sorted(a.name for a in library if a.kind == kind) for kind in told}
    assert set(told) == {agent.kind for agent in library}


def test_targets_of_targeted_agents() -> None:
    """Catches a target that the page lacks or invents."""
    rows = next(t for t in tables(section(MODEL, "7.11 Drugs between doses")) if "`growth`" in str(t))
    assert sorted(name for row in rows for name in ticked(row[0])) == sorted(TARGETS)


def test_fixed_numbers() -> None:
    """Catches a weight, a range, a source or a constant of the host that moved."""
    (rows,) = tables(section(MODEL, "7.18 Fixed numbers"))
    told = {row[0]: tuple(row[1:]) for row in rows}
    data = load_secretome()
    numbers = {f"wᵢ of `{inducer}`": number for inducer, number in data.weights.items()}
    for name, number in (numbers | {"τ of the infiltrate, days": data.infiltration_time}).items():
        value = f"{number.value:g} ({number.low:g} to {number.high:g})"
        assert told.pop(name) == (value, number.source, number.confidence)
    assert f"time constant τ = {data.infiltration_time.value:g} days" in section(MODEL, "7.4 The load of the secretome")
    values = {name: row[0] for name, row in told.items()}
    assert values == {
        "share at which the load is half its largest": f"{HALF_SHARE:g}",
        "β, κ, η of the host": f"{host.BETA:g}, {host.KAPPA:g}, {host.ETA:g}",
        "human years to a year of a mouse": f"{host.HUMAN_YEARS:.1f}",
        "share of senescent neighbours to a unit of X": f"{host.SHARE_PER_UNIT:g}",
        "age of the host for whom waking and clearance are stated, years": f"{prepare._CLEARANCE_MEASURED_AT:g}",
    }


def test_numbers_of_the_host() -> None:
    """Catches a constant of the host's equation, or the human's age in it, that moved."""
    text = section(MODEL, "7.12 Senescence of the host")
    assert f"β = {host.BETA:g}, κ = {host.KAPPA:g}, η = {host.ETA:g}" in text
    assert f"H = {host.SHARE_PER_UNIT:g} X" in text
    young, middle, old = (host.rest_burden(age, 1.0) for age in (30.0, 50.0, 70.0))
    assert f"rests at X = {young:.2f}, {middle:.2f} and {old:.2f}" in text
    stated, oldest = (host.KAPPA + host.rest_burden(age, 1.0) for age in (60.0, 80.0))
    assert f"At 30 years that is {stated / (host.KAPPA + young):.1f}, at 80 years {stated / oldest:.2f}" in text


def test_numbers_of_the_submodels() -> None:
    """Catches a constant that moved."""
    equations = section(MODEL, "7.13 Platelets")
    assert platelets.TURNOVER == 1 / 9
    assert "C′ = (1/9) (B G D − C) − k(t) C" in equations
    assert platelets.FEEDBACK == 1.0
    assert f"D′ = ((B/C) − D) / {platelets.LAG:g}" in equations
    assert f"G′ = {platelets.RENEWAL:g} (1 − G) − {platelets.DEPLETION:g} G max(0, D − 1)" in equations
    at_one = crowding_factor(1.0, 3.1e12, 1e9, 1.0)
    assert f"({at_one:.1f} times as fast at one cell" in MODEL
    assert f"a variance above {draws.MANY:g}, clones of more than {draws.MANY_CLONES:g} survivors" in MODEL
    assert f"2p / (p + {HALF_SHARE:g})" in section(MODEL, "7.4 The load of the secretome")


def test_layers() -> None:
    """Catches a layer that the diagram has in another place than the contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    wanted = [
        {name.strip().removeprefix("trialsim.") for name in layer.split("|") if "(" not in name} for layer in layers
    ]
    diagram = blocks(section(DESIGN, "1 Layers"), "text")[0]
    drawn = [
        {name.strip() for name in line[:52].split("|")}
        for line in diagram.splitlines()
        if line.strip() not in ("", "|")
    ]
    assert drawn == wanted


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Catches a link to a page, file or heading that does not exist (pages made by a program are not asked for)."""
    text = re.sub(r"^```.*?^```$", "", page(name), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        if file == "verification.md":
            continue
        assert not file or (DOCS / file).is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page(file or name), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, target


def _anchor(heading: str) -> str:
    """The anchor that a heading gets: lower case, punctuation dropped, spaces to hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
