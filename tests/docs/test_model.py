"""What the pages on model and design list is what the code has; links lead somewhere."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.pages import DOCS, ROOT, blocks, first_names, page, section, tables, ticked
from trialsim.biology.populations import ESCAPED, N_INDUCERS, N_ORIGINS, N_POPULATIONS, SENESCENT
from trialsim.biology.rates import crowding_factor
from trialsim.records import SameDay
from trialsim.rng import Purpose
from trialsim.spec.agents import INDUCERS
from trialsim.spec.traits import GAINS, SLOTS, TRAITS
from trialsim.treatment import platelets
from trialsim.treatment.library import load_library

MODEL = page("model.md")
DESIGN = page("design.md")
#: Pages that this suite answers for; others may be written later or by a program.
PAGES = ("model.md", "design.md", "tutorial.md", "protocol-file.md", "outputs.md")


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
    """Catches an agent that joined or left the library: the page says that there are no others."""
    (row,) = [
        row for row in tables(section(MODEL, "10 What is left out, and why it matters"))[0] if "more agents" in row[0]
    ]
    assert all(name in row[0] for name in load_library())
    assert row[0].count(",") + 2 == len(load_library())


def test_numbers_of_the_submodels() -> None:
    """Catches a constant that moved."""
    equations = section(MODEL, "7.9 Platelets")
    assert platelets.TURNOVER == 1 / 9
    assert "C′ = (1/9) (B G D − C) − k(t) C" in equations
    assert platelets.FEEDBACK == 1.0
    assert f"D′ = ((B/C) − D) / {platelets.LAG:g}" in equations
    assert f"G′ = {platelets.RENEWAL:g} (1 − G) − {platelets.DEPLETION:g} G max(0, D − 1)" in equations
    at_one = crowding_factor(1.0, 3.1e12, 1e9, 1.0)
    assert f"({at_one:.1f} times as fast at one cell" in MODEL


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
