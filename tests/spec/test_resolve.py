"""From the shipped and other sound protocols to dated orders and canonical arms."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import pytest

from tests.spec.agents_for_tests import library
from trialsim.spec.load import dump_resolved, load_protocol, load_resolved
from trialsim.spec.resolved import Order, ResolvedProtocol, ScanPeriod
from trialsim.spec.traits import GAINS, REQUIRED_TRAITS

ROOT = Path(__file__).parent.parent.parent
FLAGSHIP = ROOT / "protocols" / "breast-adjuvant-navitoclax.yaml"
SOUND = ROOT / "tests" / "invalid" / "sound_protocol.yaml"
MONTH = 30.4375


@functools.cache
def flagship() -> ResolvedProtocol:
    return load_protocol(FLAGSHIP, library())


def sound(*overrides: str) -> ResolvedProtocol:
    return load_protocol(SOUND, library(), overrides)


def orders(protocol: ResolvedProtocol, arm: str) -> dict[str, Order]:
    return {order.id: order for order in protocol.arms[arm].orders}


def test_flagship_is_dated() -> None:
    """By hand from the protocol. Catches day 1 taken for day 1.0, `after` counted from the first dose or
    from the end of a cycle, fractions on weekends, and days_on that run on."""
    given = orders(flagship(), "navitoclax")
    assert given["doxorubicin"].days == (0, 14, 28, 42)
    assert given["cyclophosphamide"].days == (0, 14, 28, 42)
    assert given["paclitaxel"].days == (56, 70, 84, 98)
    weeks = [126, 133, 140]
    assert given["radiation"].days == tuple(week + day for week in weeks for day in range(5))
    cycles = [158 + 28 * c for c in range(6)]
    assert given["navitoclax"].cycle_starts == tuple(cycles)
    assert given["navitoclax"].days == tuple(start + day for start in cycles for day in range(7))
    assert given["navitoclax"].days[-1] == 304


def test_flagship_orders_carry_dose_field_rule_and_origin() -> None:
    """Catches a field that defaults to local for drugs and a rule that is looked up but not attached."""
    given = orders(flagship(), "navitoclax")
    assert (given["radiation"].dose, given["radiation"].dose_unit, given["radiation"].field) == (2.67, "Gy", "local")
    assert {given[name].field for name in ("doxorubicin", "paclitaxel", "navitoclax")} == {"systemic"}
    assert [given[n].regimen for n in ("doxorubicin", "radiation", "navitoclax")] == ["ddac-t", "breast-rt", "add"]
    rule = given["navitoclax"].rule
    assert rule is not None
    assert (rule.hold_below, rule.resume_above, rule.reduce_percent, rule.stop_after_holds) == (50, 75, 33, 2)
    assert given["doxorubicin"].rule is None
    assert given["navitoclax"].written == "14 d after breast-rt"
    assert "navitoclax" not in orders(flagship(), "control")


def test_flagship_design_in_internal_units() -> None:
    """Every number of the design that carries a unit: catches months of 30 days and yearly rates."""
    p = flagship()
    assert p.accrual.patients == 600
    assert math.isclose(p.accrual.per_day, 25 / MONTH)
    assert p.accrual.ramp_days == 6 * MONTH
    assert p.follow_up.minimum_days == 60 * MONTH
    assert p.follow_up.scans == (
        ScanPeriod(every_days=3 * MONTH, until_days=24 * MONTH),
        ScanPeriod(every_days=6 * MONTH, until_days=None),
    )
    assert math.isclose(p.follow_up.dropout_per_day, -math.log(0.98) / 365.25)
    assert p.randomisation.block_sizes == (4, 6)
    assert p.randomisation.strata == ("p53_status", "nodes")
    assert p.analysis.landmarks_days == (36 * MONTH, 60 * MONTH)
    assert p.analysis.rmst_tau_days == 60 * MONTH
    assert (p.analysis.alpha, p.analysis.sided, p.analysis.test) == (0.025, 1, "logrank")
    assert p.detection.limit_cells == 1e9
    assert p.biology == dict.fromkeys(GAINS, 1.0)
    assert set(p.agents) == {"doxorubicin", "cyclophosphamide", "paclitaxel", "radiation", "navitoclax"}
    assert set(p.cohort.traits) == set(REQUIRED_TRAITS)


def test_arms_and_ratio_are_in_canonical_order_whatever_the_file_says(tmp_path: Path) -> None:
    """Reference first, then by name: a file with its arms turned round is the same trial."""
    text = SOUND.read_text()
    head, rest = text.split("  control:\n", 1)
    control, rest = rest.split("  navitoclax:\n", 1)
    navitoclax, tail = rest.split("randomisation:", 1)
    turned = f"{head}  navitoclax:\n{navitoclax}  control:\n{control}randomisation:{tail}"
    turned = turned.replace("{control: 1, navitoclax: 1}", "{navitoclax: 1, control: 1}")
    (tmp_path / "p.yaml").write_text(turned)
    (tmp_path / "sound_cohort.yaml").write_text((SOUND.parent / "sound_cohort.yaml").read_text())
    assert dump_resolved(load_protocol(tmp_path / "p.yaml", library())) == dump_resolved(sound())
    other = sound("analysis.reference=navitoclax")
    assert list(other.arms) == ["navitoclax", "control"] == list(other.randomisation.ratio)


def test_resolved_protocol_survives_a_round_trip(tmp_path: Path) -> None:
    """Bit for bit, and the text too: catches rounded floats and fields that the dump forgets."""
    text = dump_resolved(flagship())
    (tmp_path / "protocol.resolved.yaml").write_text(text, encoding="utf-8")
    again = load_resolved(tmp_path / "protocol.resolved.yaml")
    assert again == flagship()
    assert list(again.arms) == list(flagship().arms)
    assert dump_resolved(again) == text


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("day 1", 0.0),
        ("day 200", 199.0),
        ("with rt", 42.0 + 14.0 + 42.0 + 28.0),
        ("with paclitaxel", 56.0),
        ("0 d after chemo", 98.0),
        ("1 wk after radiation", 126.0 + 18.0 + 7.0),
        ("2 mo after doxorubicin", 42.0 + 2 * MONTH),
    ],
)
def test_starts(start: str, first: float) -> None:
    """`with` is the first day, `after` the last: doxorubicin 0..42, paclitaxel 56..98, RT 126..144."""
    protocol = sound(f"arms.navitoclax.add.0.start={start}")
    assert orders(protocol, "navitoclax")["navitoclax"].days[0] == first


def test_order_of_lines_does_not_matter_for_references() -> None:
    """A start may refer to a line further down: catches resolution in file order."""
    protocol = sound(
        "regimens.chemo.0.start=14 d after paclitaxel", "regimens.chemo.1.start=day 1", "regimens.chemo.1.cycles=2"
    )
    given = orders(protocol, "control")
    assert given["paclitaxel"].days == (0, 14)
    assert given["doxorubicin"].days[0] == 28


def test_repeated_agents_get_their_own_ids_and_can_be_told_apart() -> None:
    """`#2` for the second, an id where written, and `after` takes an id: catches ids that collide."""
    protocol = sound(
        "regimens.more=[{agent: paclitaxel, dose: 80 mg/m2, start: 7 d after rt},"
        " {agent: doxorubicin, dose: 30 mg/m2, start: 1 d after boost, id: late},"
        " {agent: paclitaxel, dose: 10 mg/m2, start: day 400, id: boost}]",
        "arms.control.give=[chemo, rt, more]",
        "regimens.chemo.0.id=first",
        "regimens.chemo.1.start=14 d after first",
    )
    given = orders(protocol, "control")
    assert list(given) == ["first", "paclitaxel", "radiation", "paclitaxel#2", "late", "boost"]
    assert given["paclitaxel#2"].days == (144 + 7,)
    assert given["late"].days == (400,)


def test_observation_arm_gives_nothing() -> None:
    """An arm without treatment is a trial arm: catches a check that asks for orders."""
    protocol = sound("arms.control.give=[]")
    assert protocol.arms["control"].orders == ()


def test_defaults() -> None:
    """Three arms 1:1:1 when no ratio is given, blocks of twice the sum, tau at the minimum follow-up."""
    protocol = sound(
        "arms.third={give: [rt], add: [{agent: doxorubicin, dose: 60 mg/m2, start: day 1}]}",
        "regimens.rt.0.start=day 120",
        "randomisation={}",
        "analysis={}",
        "detection.limit=1e8 cells",
    )
    assert protocol.randomisation.ratio == {"control": 1, "navitoclax": 1, "third": 1}
    assert protocol.randomisation.block_sizes == (6,)
    assert protocol.randomisation.strata == ()
    assert protocol.analysis.rmst_tau_days == 36 * MONTH
    assert protocol.analysis.landmarks_days == (36 * MONTH, 60 * MONTH)
    assert protocol.arms["third"].label == "third"
    assert protocol.accrual.opens == "2027-03-01"
    assert (protocol.detection.limit_cells, protocol.detection.source) == (1e8, "set in the protocol")


def test_scan_list_form() -> None:
    """The list form says the same as `every ... until` and `then`."""
    listed = sound("follow_up.scans=[{every: 3 mo, until: 24 mo}, {every: 6 mo}]")
    assert listed.follow_up.scans == sound().follow_up.scans


def test_dose_rules_of_the_protocol_stand_beside_the_built_in_ones() -> None:
    """`gentle` is the file's own; the built-in name still works."""
    rule = orders(sound(), "navitoclax")["navitoclax"].rule
    assert rule is not None
    assert (rule.name, rule.hold_below, rule.reduce_percent) == ("gentle", 75.0, 25.0)
    other = orders(sound("arms.navitoclax.add.0.rules=navitoclax-platelets"), "navitoclax")["navitoclax"].rule
    assert other is not None
    assert other.hold_below == 50.0
