"""The table of mechanisms: the registry against the list of mechanisms, readouts and verdicts against known answers,
one small mechanism end to end, and a mutant that it must catch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from trialsim.biology.populations import COMPETENT, N_POPULATIONS, POLYPLOID, RESIDUAL, SENSITIVE, escaped, senescent
from trialsim.errors import UsageError
from trialsim.reported.studies import MechanismsRun
from trialsim.spec.agents import INDUCERS
from trialsim.spec.load import load_protocol
from trialsim.spec.shipped import shipped
from trialsim.spec.traits import GAIN_GROUPS, GAINS
from trialsim.studies.estimates import Estimate
from trialsim.studies.mechanisms.compare import as_demanded, is_small
from trialsim.studies.mechanisms.observe import HERE, FollowedPatients, Setting, WatchedCells, join, live, parts
from trialsim.studies.mechanisms.readouts import READOUTS, populations
from trialsim.studies.mechanisms.registry import DEMANDS, DemandedOutcome, Mechanism, choose, registry
from trialsim.studies.mechanisms.run import run_mechanisms, settings
from trialsim.studies.mechanisms.text import as_page, as_text
from trialsim.studies.paired import PairedComparison, compare
from trialsim.treatment.library import load_library

ROOT = Path(__file__).parents[2]
MARGINS = {"log10 cells": 0.1, "% of subjects": 2.0}


# ---- The registry ---------------------------------------------------------------------------------------------------


def test_every_mechanism_is_there() -> None:
    """Catches a mechanism that is quietly left out."""
    assert [m.id for m in registry().mechanisms] == [f"M{n}" for n in range(1, 23)]


def test_every_switch_is_a_key_that_switches_off() -> None:
    """Catches a switch that is misspelt, and one that turns something up instead of off."""
    for mechanism in registry().mechanisms:
        for experiment in mechanism.experiments:
            key, _, value = experiment.switch.partition("=")
            section, _, gain = key.partition(".")
            if section == "biology":
                assert gain in {*GAINS, *GAIN_GROUPS}, (mechanism.id, key)
                assert value == "0"
            # A switch that sets what is set already switches nothing.
            assert experiment.switch not in experiment.set


def test_every_experiment_loads_and_every_file_is_used() -> None:
    """Catches a protocol that breaks rules, an arm that is misspelt, a switch that a protocol refuses, and files
    that no mechanism uses."""
    used = set()
    for mechanism in registry().mechanisms:
        for experiment in mechanism.experiments:
            used.add(experiment.protocol)
            found = settings(experiment)
            assert set(found) == {(arm, on) for arm in experiment.arms for on in (True, False)}
            for arm in experiment.arms:
                assert found[arm, True].protocol != found[arm, False].protocol, (mechanism.id, experiment.switch)
            if experiment.years is None:
                looks = {o.settings[k] for o in experiment.outcomes for k in ("day", "begin", "end") if k in o.settings}
                assert looks <= set(experiment.days), mechanism.id
            elif experiment.years is not None:
                ends = [o.settings[k] for o in experiment.outcomes for k in ("end", "until") if k in o.settings]
                assert max(ends, default=0.0) <= experiment.years, mechanism.id
    shipped_ones = {f"mechanisms/{path.stem}" for path in (ROOT / "protocols" / "mechanisms").glob("*.yaml")}
    assert shipped_ones <= used


def test_protocols_say_what_they_are() -> None:
    """Catches a protocol without its purpose in a comment at its head, and one that is not valid by itself."""
    for path in (ROOT / "protocols" / "mechanisms").glob("*.yaml"):
        head = path.read_text(encoding="utf-8").split("\n\n")[0]
        assert head.startswith("# "), path.name
        assert "trialsim mechanisms" in head.replace("\n# ", " "), path.name
        assert load_protocol(path, load_library()).name == path.stem


def test_choose() -> None:
    """Catches an order that is the user's, a case that matters, and an unknown name taken for all."""
    assert [m.id for m in choose(["m12", "M1"])] == ["M1", "M12"]
    assert len(choose([])) == 22
    with pytest.raises(UsageError, match="no mechanism is called M23: did you mean `M"):
        choose(["M23"])


def outcome(**changes: Any) -> dict[str, Any]:
    written = {"name": "x", "readout": "cells", "arm": "doxorubicin", "settings": {"cells": "senescent", "day": 7}}
    return written | {"demand": "raises"} | changes


def mechanism(*outcomes: dict[str, Any], switch: str = "biology.chemo_senescence=0", **changes: Any) -> Mechanism:
    """120 mice, one course of doxorubicin."""
    experiment = {
        "switch": switch, "protocol": "findings/mouse-doxorubicin", "subjects": 120, "days": [0, 7],
        "outcomes": list(outcomes or [outcome()]),
    }  # fmt: skip
    return Mechanism.model_validate({"id": "M1", "claim": "A small one", "experiments": [experiment | changes]})


def test_a_mechanism_that_cannot_fail_is_refused() -> None:
    """Catches a registry that takes anything. One wrong thing at a time."""
    mechanism()
    with pytest.raises(ValidationError, match="a switch without effect would pass"):
        mechanism(outcome(demand="leaves"))
    wrong = [
        outcome(readout="cels"),
        outcome(demand="increases"),
        outcome(settings={"day": 7}),
        outcome(settings={"cells": "all", "day": 7, "month": 1}),
        outcome(readout="relapsed", settings={"end": 1}),
        outcome(where={"readout": "relapsed", "settings": {"end": 1}}),
    ]
    for one in wrong:
        with pytest.raises(ValidationError):
            mechanism(outcome(), one)
    for changes in ({"years": 1}, {"days": []}, {"days": [7, 0]}, {"arm": "doxorubicin"}):
        with pytest.raises(ValidationError):
            mechanism(**changes)


# ---- End to end -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told() -> MechanismsRun:
    one = mechanism(
        outcome(name="more", settings={"cells": "senescent dna_damage", "day": 7}, demand="makes"),
        outcome(name="less", settings={"cells": "senescent", "day": 7}, demand="lowers"),
        outcome(name="untreated", arm="control", demand="identical"),
        outcome(name="beyond", minus="control", demand="raises"),
        outcome(name="at the start", settings={"cells": "cycling", "day": 0}, demand="leaves"),
        outcome(name="only told", demand="shown"),
    )
    return run_mechanisms([one], MARGINS, seed=3)


def test_one_mechanism_end_to_end(told: MechanismsRun) -> None:
    """Catches a verdict that does not follow from the outcomes, and on and off that change places."""
    (row,) = told.mechanisms
    found = {o.name: o for o in row.experiments[0].outcomes}
    assert {name: o.met for name, o in found.items()} == {
        "more": True, "less": False, "untreated": True, "beyond": True, "at the start": True, "only told": None,
    }  # fmt: skip
    assert (row.result, row.short) == ("falls short", ("less",))
    assert found["more"].off.value == 0.0
    assert found["more"].on.lower > 5.0
    assert found["untreated"].changed == 0


def test_a_switch_that_does_nothing_fails() -> None:
    """The mutant of the whole table: a switch without effect must not pass. Here the brake, of which no mouse has
    more or less than the typical tumour."""
    demands = ("raises", "lowers", "makes", "averts")
    one = mechanism(*(outcome(name=demand, demand=demand) for demand in demands), switch="biology.escape_brake=0")
    (row,) = run_mechanisms([one], MARGINS, seed=3).mechanisms
    assert row.short == demands
    assert all(o.changed == 0 for o in row.experiments[0].outcomes)


def test_the_number_of_processes_changes_nothing(told: MechanismsRun) -> None:
    """Catches streams keyed by process or by order, and parts joined in the order of completion. Bit for bit."""
    one = mechanism(outcome(name="more", settings={"cells": "senescent dna_damage", "day": 7}, demand="makes"))
    counted: list[tuple[int, int]] = []
    two = run_mechanisms([one], MARGINS, seed=3, jobs=2, on_progress=lambda done, total: counted.append((done, total)))
    first = [run.mechanisms[0].experiments[0].outcomes[0] for run in (two, told)]
    assert first[0] == first[1]
    assert counted[-1] == (240, 240)
    other = run_mechanisms([one], MARGINS, seed=4).mechanisms[0].experiments[0].outcomes[0]
    assert other.on != first[0].on


def test_renderings_show_the_same_numbers(told: MechanismsRun) -> None:
    """Text and page come from one table. Catches a rendering that drops an outcome or a failure."""
    text, page = as_text(told), as_page(told)
    for name in ("more", "less", "untreated", "beyond", "at the start", "only told"):
        assert f"{name} [" in text
        assert f"{name} [" in page
    assert "0 of 1 mechanisms pass." in text
    assert "**0 of 1 pass**" in page
    assert "**Falls short:** less." in page
    assert "](#m1-a-small-one)" in page
    assert "### M1 A small one" in page
    assert str(ROOT) not in page + text


def test_a_host_without_senescence_lives() -> None:
    """Catches arrest by neighbours of whom none is there when it is told who they were (a division by zero)."""
    path = shipped("protocols/breast-adjuvant-navitoclax.yaml")
    protocol = load_protocol(path, load_library(), ("biology.host_senescence=0",))
    (part,) = parts(Setting(protocol, "control", 60, years=5.0), 1, 1)
    assert isinstance(live(part), FollowedPatients)


def test_an_f3_inhibitor_reaches_what_radiation_left() -> None:
    """Catches a load that is made up with the weights of a day without drugs (the course did it once)."""
    size = {"readout": "cells", "settings": {"cells": "all", "day": 42}}
    one = mechanism(
        outcome(**size, arm="f3", minus="control", demand="averts"),
        switch="biology.sasp.f3=0", protocol="findings/mouse-glioblastoma-f3", subjects=50, days=[0, 42],
    )  # fmt: skip
    (row,) = run_mechanisms([one], MARGINS, seed=1).mechanisms
    (found,) = row.experiments[0].outcomes
    assert found.met
    assert found.difference.upper < -0.03


# ---- Comparisons ----------------------------------------------------------------------------------------------------


def test_differences_are_of_the_same_subject() -> None:
    """Subjects that differ by 100 and change by 1. Catches an interval that is not that of the paired difference."""
    rng = np.random.default_rng(1)
    off = rng.normal(0.0, 100.0, 400)
    found = compare(off + 1.0 + rng.normal(0.0, 0.1, 400), off)
    assert found.effect.value == pytest.approx(1.0, abs=0.03)
    # Student's interval of 400 differences of standard deviation 0.1: half-width 1.97 x 0.1 / 20.
    assert found.effect.upper - found.effect.lower == pytest.approx(2 * 1.97 * 0.1 / 20, rel=0.15)
    assert found.changed == 400


def test_shares_that_agree_are_not_known_without_error() -> None:
    """Catches an interval of no width where no pair differs; by hand (Agresti & Min 2005), 2 gained of 98."""
    same = compare(np.zeros(98), np.zeros(98), shares=True)
    assert same.effect.value == 0.0
    assert same.effect.upper == pytest.approx(100 * 1.959964 * math.sqrt(1 / 100 / 100))
    on = np.zeros(98)
    on[:2] = 100.0
    gained = compare(on, np.zeros(98), shares=True)
    half = 1.959964 * math.sqrt((0.03 - 0.02**2) / 100)
    assert gained.effect.value == pytest.approx(100 * 2 / 98)
    assert (gained.effect.lower, gained.effect.upper) == pytest.approx((100 * (0.02 - half), 100 * (0.02 + half)))


@pytest.mark.parametrize(
    ("effect", "off", "met"),
    [
        ((1, 0.5, 1.5), (0, -0.1, 0.1), {"raises", "makes"}),
        ((1, 0.5, 1.5), (3, 2.9, 3.1), {"raises", "keeps"}),
        ((1, -0.1, 2.1), (3, 2.9, 3.1), {"keeps"}),
        ((-1, -1.5, -0.5), (0, -0.1, 0.1), {"lowers", "averts"}),
        ((0.05, 0.01, 0.1), (0, -0.3, 0.3), {"raises", "leaves"}),
        ((0, 0, 0), (0, 0, 0), {"leaves"}),
    ],
)
def test_demands(effect: tuple[float, ...], off: tuple[float, ...], met: set[str]) -> None:
    """Each demand against each kind of difference, with a margin of 0.2. Catches a demand that anything meets."""
    on = Estimate(*(a + b for a, b in zip(effect, off, strict=True)))
    found = PairedComparison(on, Estimate(*off), Estimate(*effect), changed=1)
    assert {demand for demand in DEMANDS if as_demanded(found, demand, 0.2)} == met
    assert is_small(found, 0.2) == ("leaves" in met)
    assert as_demanded(found._replace(changed=0), "identical", 0.2)


def test_nothing_is_met_by_nobody() -> None:
    """Catches a demand on subjects of whom there are none that counts as met."""
    for shares in (True, False):
        found = compare(np.zeros(0), np.zeros(0), shares=shares)
        assert not any(as_demanded(found, demand, 1.0) for demand in DEMANDS if demand != "identical")


# ---- Readouts -------------------------------------------------------------------------------------------------------


def seen() -> WatchedCells:
    """Two subjects on days 0 and 7: cycling cells, and cells made senescent by radiation, of which one escaped."""
    cells = np.zeros((2, 2, 2, N_POPULATIONS), np.int64)
    radiation = INDUCERS.index("radiation")
    cells[:, 0, HERE, RESIDUAL] = 1000
    cells[:, 1, HERE, RESIDUAL] = 10
    cells[0, 1, HERE, senescent(radiation, POLYPLOID, SENSITIVE, COMPETENT)] = 90
    cells[0, 1, 1, escaped(radiation, SENSITIVE)] = 1
    platelets = np.array([[250.0, 150.0], [250.0, 150.0]])
    return WatchedCells(np.array([0.0, 7.0]), cells, np.array([[0, 1], [0, 0]]), platelets, np.full((2, 2), 2.0))


def read(name: str, **settings: Any) -> list[float]:
    return READOUTS[name].of(seen(), **settings).tolist()  # type: ignore[no-any-return]


def test_readouts_of_cells() -> None:
    """Known answers. Catches a population, a day or a place that is mixed up."""
    assert read("cells", cells="cycling", day=0.0) == [3.0, 3.0]
    assert read("cells", cells="senescent radiation", day=7.0) == pytest.approx([math.log10(90), 0.0])
    assert read("cells", cells="all", day=7.0, place="here") == pytest.approx([2.0, 1.0])
    assert read("cells", cells="all", day=7.0, place="elsewhere") == [0.0, 0.0]
    assert read("growth", begin=0.0, end=7.0, place="here") == pytest.approx([-1.0, -2.0])
    assert read("smallest", cells="cycling | escaped") == pytest.approx([math.log10(11 / 1000), -2.0])
    assert read("share", cells="senescent", day=7.0, place="here") == pytest.approx([90.0, 0.0])
    assert read("share", cells="escaped", among="dormant", day=7.0) == [100.0, 0.0]
    assert read("present", cells="escaped", day=7.0) == [100.0, 0.0]
    assert read("foci", day=7.0) == [1.0, 0.0]
    assert read("platelets", day=7.0) == [150.0, 150.0]
    assert read("host", day=0.0) == [2.0, 2.0]
    with pytest.raises(ValueError, match="nobody looked on day 3"):
        read("cells", cells="all", day=3.0)


def test_populations_by_words() -> None:
    """Catches words that pick too much, and misspelt ones that pick nothing in silence."""
    assert populations("all").all()
    assert populations("cycling").sum() == 3
    assert populations("senescent resistant").sum() == len(INDUCERS) * 6
    assert populations("escaped | cycling").sum() == 3 + 2 * len(INDUCERS)
    for words in ("senescnt", "", "cycling | ", "dormant resistant"):
        with pytest.raises(ValueError, match="no population is"):
            populations(words)


def test_readouts_of_follow_up() -> None:
    """Known answers: relapse after 1 and 4 years by two causes, a death without, one relapse that nothing explains."""
    years = 365.25 * np.array([1.0, 4.0, np.inf, 4.0])
    orders = np.array([[3.0], [0.0], [1.0], [0.0]])
    followed = FollowedPatients(
        3652.5, ("navitoclax",), years, np.array(["local", "distant", "", "distant"]),
        np.array(["residual growth", "TIS escape (radiation)", "", ""]), np.array([90.0, 250.0, 80.0, 250.0]),
        orders, 42.0 - orders, 1.0 - orders / 4, np.array([[1.0], [0.0], [0.0], [0.0]]),
        np.array([[1.0], [1.0], [0.0], [np.nan]]), np.array([[1.0], [0.0], [1.0], [np.nan]]),
    )  # fmt: skip

    def found(name: str, **settings: Any) -> list[float]:
        return READOUTS[name].of(followed, **settings).tolist()  # type: ignore[no-any-return]

    assert found("relapsed", end=10.0) == [100.0, 100.0, 0.0, 100.0]
    assert found("relapsed", begin=1.0, end=4.0) == [0.0, 100.0, 0.0, 100.0]
    assert found("relapsed", end=10.0, cause="escape") == [0.0, 100.0, 0.0, 0.0]
    assert found("relapsed", end=10.0, site="local") == [100.0, 0.0, 0.0, 0.0]
    assert found("early_excess", split=2.0, end=4.0) == [100.0, -100.0, 0.0, -100.0]
    assert found("uncaused") == [0.0, 0.0, 0.0, 100.0]
    assert found("relapse_free", until=3.0) == [1.0, 3.0, 3.0, 3.0]
    assert found("nadir") == [90.0, 250.0, 80.0, 250.0]
    assert found("doses_held", agent="navitoclax") == [3.0, 0.0, 1.0, 0.0]
    assert found("doses_given", agent="navitoclax") == [39.0, 42.0, 41.0, 42.0]
    assert found("reduced", agent="navitoclax") == [100.0, 0.0, 100.0, 0.0]
    assert found("given_up", agent="navitoclax") == [100.0, 0.0, 0.0, 0.0]
    assert found("needs") == [100.0, 0.0, 100.0, 0.0]
    assert found("missed") == [0.0, 0.0, 100.0, 0.0]
    assert found("in_vain") == [0.0, 100.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="gives no doxorubicin"):
        found("doses_held", agent="doxorubicin")
    assert join([followed, followed]).relapse.size == 8  # type: ignore[union-attr]


def test_units_and_kinds_of_readouts() -> None:
    """Catches a share that is averaged as a number, and a readout that is asked of what cannot show it."""
    assert {name for name, r in READOUTS.items() if not r.watched} == {
        "relapsed", "early_excess", "uncaused", "relapse_free", "nadir", "doses_held", "doses_given", "reduced",
        "given_up", "needs", "missed", "in_vain",
    }  # fmt: skip
    assert DemandedOutcome.model_validate(outcome(readout="present")).shares
    assert not DemandedOutcome.model_validate(outcome(readout="present", minus="control")).shares
    assert all(readout.meaning for readout in READOUTS.values())
