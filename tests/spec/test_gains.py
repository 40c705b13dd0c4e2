"""Gains of mechanisms: nested, dotted or for a whole group, in the file and from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.agents_for_tests import library
from trialsim.errors import InvalidInput
from trialsim.spec.gains import members
from trialsim.spec.load import dump_resolved, load_protocol, load_resolved
from trialsim.spec.overrides import apply_overrides
from trialsim.spec.rules import Rule
from trialsim.spec.source import parse_document
from trialsim.spec.traits import GAIN_GROUPS, GAINS

INVALID = Path(__file__).parent.parent / "invalid"
SASP = {name for name in GAINS if name.startswith("sasp.")}


def gains(folder: Path, section: str, *overrides: str) -> dict[str, float]:
    """What is not 1 when the sound protocol has this section (left out when empty) and these overrides."""
    text = (INVALID / "sound_protocol.yaml").read_text().replace("sound_cohort", str(INVALID / "sound_cohort"))
    assert "biology: {escape: 1}\n" in text
    (folder / "p.yaml").write_text(text.replace("biology: {escape: 1}\n", f"{section}\n" if section else ""))
    biology = load_protocol(folder / "p.yaml", library(), overrides).biology
    assert list(biology) == list(GAINS)
    return {name: gain for name, gain in biology.items() if gain != 1.0}


def test_every_dotted_gain_has_its_group_and_every_group_members() -> None:
    """Catches a gain whose group nobody described, so that it could not be nested, and a group called like a gain,
    whose number would then mean two things."""
    assert {name.partition(".")[0] for name in GAINS if "." in name} == set(GAIN_GROUPS)
    assert not set(GAIN_GROUPS) & set(GAINS)
    assert members("escaper") == ("establishment", "growth", "resistance")
    assert {f"sasp.{name}" for name in members("sasp")} == SASP


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ("", {}),
        ("biology: {sasp: {immune: 0, f3: 0.5}, escape: 0}", {"sasp.immune": 0, "sasp.f3": 0.5, "escape": 0}),
        ("biology: {sasp.immune: 0, escaper: {growth: 3}}", {"sasp.immune": 0, "escaper.growth": 3}),
        ("biology: {sasp: {immune: 0}, sasp.f3: 2}", {"sasp.immune": 0, "sasp.f3": 2}),
        ("biology: {sasp: {}}", {}),
        ("biology: {sasp: 0}", dict.fromkeys(SASP, 0)),
        ("biology: {sasp: 0, sasp.immune: 1}", dict.fromkeys(SASP - {"sasp.immune"}, 0)),
        ("biology: {sasp.immune: 2, sasp: 0}", dict.fromkeys(SASP, 0) | {"sasp.immune": 2}),
    ],
)
def test_forms_in_the_file(section: str, wanted: dict[str, float], tmp_path: Path) -> None:
    """Catches a nested member that is read and dropped, a group's number that reaches `escape` for `escaper`, and a
    group that wins over its member, or over it when the group is written last."""
    assert gains(tmp_path, section) == wanted


@pytest.mark.parametrize(
    ("section", "overrides", "wanted"),
    [
        ("", ["sasp.immune=0"], {"sasp.immune": 0}),
        ("", ["sasp=0"], dict.fromkeys(SASP, 0)),
        ("", ["sasp={immune: 0}"], {"sasp.immune": 0}),
        ("biology: {escape: 0}", ["sasp.immune=0"], {"escape": 0, "sasp.immune": 0}),
        ("biology: {sasp: {immune: 0.5, f3: 0}}", ["sasp.immune=0"], {"sasp.immune": 0, "sasp.f3": 0}),
        ("biology: {sasp.immune: 0.5}", ["sasp.immune=1"], {}),
        ("biology: {sasp: {immune: 0.5}}", ["sasp=0"], dict.fromkeys(SASP, 0)),
        ("biology: {sasp.immune: 0.5}", ["sasp=0"], dict.fromkeys(SASP, 0)),
        ("biology: {sasp: 0}", ["sasp.immune=1"], dict.fromkeys(SASP - {"sasp.immune"}, 0)),
        ("", ["sasp.immune=1", "sasp=0"], dict.fromkeys(SASP, 0)),
        ("", ["sasp=0", "sasp.immune=1"], dict.fromkeys(SASP - {"sasp.immune"}, 0)),
        ("biology: {escaper: {growth: 0}}", ["escape=0"], {"escape": 0, "escaper.growth": 0}),
    ],
)
def test_overrides_win_whatever_the_form(
    section: str, overrides: list[str], wanted: dict[str, float], tmp_path: Path
) -> None:
    """Catches an override that needs the section or the group to be there, one that meets what the file says and is
    told as a repetition, one that a more special key of the file outlives, and a group taken by its first letters."""
    assert gains(tmp_path, section, *(f"biology.{words}" for words in overrides)) == wanted


def test_the_document_is_left_as_it_was() -> None:
    """Catches an override that clears a nested gain out of the document that the next run of a sweep starts from."""
    document = parse_document("biology: {sasp: {immune: 0.5, f3: 0}}\n", "t")
    changed = apply_overrides(document, ["biology.sasp.immune=0"]).data
    assert changed == {"biology": {"sasp": {"f3": 0}, "sasp.immune": 0}}
    assert document.data == {"biology": {"sasp": {"immune": 0.5, "f3": 0}}}


@pytest.mark.parametrize(
    ("section", "overrides", "rule", "remedy"),
    [
        ("biology: {sasp: {imune: 0}}", [], Rule.KNOWN_GAIN, "did you mean `immune`?"),
        ("biology: {sasp.imune: 0}", [], Rule.KNOWN_GAIN, "did you mean `sasp.immune`?"),
        ("biology: {saps: {immune: 0}}", [], Rule.KNOWN_GAIN, "did you mean `sasp`?"),
        ("biology: {escape: {growth: 0}}", [], Rule.TYPE, ""),
        ("biology: {sasp: [0]}", [], Rule.TYPE, "sasp: 0, or sasp: {growth: 0}"),
        ("biology: {sasp: true}", [], Rule.TYPE, "sasp: 0, or sasp: {growth: 0}"),
        ("biology: {sasp: 1001}", [], Rule.RANGE, ""),
        ("biology: {sasp: {immune: {x: 1}}}", [], Rule.TYPE, ""),
        ("biology: 0", [], Rule.TYPE, ""),
        ("", ["biology.sasp.imune=0"], Rule.KNOWN_GAIN, "did you mean `sasp.immune`?"),
        ("", ["biology.sasp.immune.x=0"], Rule.KNOWN_GAIN, "did you mean `sasp.immune`?"),
        ("", ["biology.sasp.immune=off"], Rule.TYPE, ""),
        ("biology: 0", ["biology.sasp.immune=0"], Rule.OVERRIDE, "set `biology` itself"),
    ],
)
def test_what_is_wrong_is_told_once_with_its_remedy(
    section: str, overrides: list[str], rule: Rule, remedy: str, tmp_path: Path
) -> None:
    """Catches an unknown member that is taken in silence, and a problem of an override told as one of the file."""
    with pytest.raises(InvalidInput) as caught:
        gains(tmp_path, section, *overrides)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.remedy) == (rule, remedy)
    if overrides:
        assert (problem.line, problem.place) == (0, f"--set {overrides[0]}")
    else:
        assert problem.line == 42


def test_gains_survive_the_record_of_a_run(tmp_path: Path) -> None:
    """Catches a dotted name that the record writes so that it is read back as a mapping."""
    protocol = load_protocol(INVALID / "sound_protocol.yaml", library(), ["biology.sasp.immune=0.25"])
    (tmp_path / "resolved.yaml").write_text(dump_resolved(protocol))
    assert load_resolved(tmp_path / "resolved.yaml").biology == protocol.biology
    assert protocol.biology["sasp.immune"] == 0.25
