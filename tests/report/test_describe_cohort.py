"""A cohort in the terminal: every trait, right numbers, nothing wider than the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from trialsim.cli import cli
from trialsim.errors import UsageError
from trialsim.patient.cohort import quantiles
from trialsim.report.describe_cohort import COLUMNS, describe_cohort, least_trusted
from trialsim.report.marginals import TabulatedDistribution, shares, weights
from trialsim.report.numbers import rounded, words
from trialsim.spec.load import load_cohort
from trialsim.spec.resolved import Distribution, ResolvedCohort
from trialsim.spec.traits import REQUIRED_TRAITS

ROOT = Path(__file__).parents[2]
SOUND = ROOT / "tests" / "invalid" / "sound_cohort.yaml"
SHIPPED = sorted((ROOT / "cohorts").glob("*.yaml"))
WIDTH = 100


def sound(tmp_path: Path, **replaced: str) -> ResolvedCohort:
    """The sound cohort of the tests, with some traits written otherwise."""
    lines = SOUND.read_text().splitlines()
    for trait, form in replaced.items():
        at = next(i for i, line in enumerate(lines) if line.startswith(f"  {trait}:"))
        lines[at] = f"  {trait}: {{{form}, source: test, confidence: low}}"
    (tmp_path / "c.yaml").write_text("\n".join(lines) + "\n")
    return load_cohort(tmp_path / "c.yaml")


def block(text: str, trait: str) -> str:
    """What a description tells of one trait."""
    (found,) = [b for b in text.split("\n\n") if b.startswith((f"{trait}:", f"{trait} ("))]
    return found


def value(law: Distribution, probability: float) -> float:
    return float(quantiles(law, np.array([probability]))[0])


def below(law: Distribution, x: float) -> float:
    """The share of a distribution at or below x, by bisection of its quantile function."""
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if value(law, middle) <= x else (low, middle)
    return low


@pytest.mark.parametrize("path", [SOUND, *SHIPPED], ids=lambda path: path.stem)
def test_every_trait_is_told_within_the_width(path: Path) -> None:
    """Catches a trait or a case left out, a line that the terminal wraps, and a text that changes from call to
    call."""
    cohort = load_cohort(path)
    text = describe_cohort(cohort)
    assert text == describe_cohort(cohort)
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert text.startswith(cohort.title)
    for name, trait in cohort.traits.items():
        told = block(text, words(name))
        if trait.by is not None:
            assert all(words(level) in told for level in trait.cases), name
        for case in trait.cases.values():
            assert " ".join(case.source.split()) in " ".join(told.split()), name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_quantiles_are_those_of_the_cohort(path: Path) -> None:
    """The text has the quantiles that patients are drawn by, of each case; catches the law before truncation, a
    mean for a median, 10 % for 5 %, and a table too coarse for the digits shown."""
    cohort = load_cohort(path)
    text = describe_cohort(cohort)
    for name, trait in cohort.traits.items():
        if trait.levels:
            continue
        told = block(text, words(name))
        for level, case in trait.cases.items():
            law = TabulatedDistribution.of({level: case}, {level: 1.0})
            for p in (0.05, 0.5, 0.95):
                assert law.quantile(p) == pytest.approx(value(case, p), rel=2e-4), name
            low, middle, high = (rounded(law.quantile(p)) for p in (0.05, 0.5, 0.95))
            assert (middle if low == high else f"{middle} ({low} to {high})") in told


def test_mixtures_are_weighted_by_the_parent() -> None:
    """Below the quantile told for all patients lies just that share of them, summed over the cases by the parent's
    shares; catches equal weights and a mean of the cases' quantiles."""
    mixtures = [
        (cohort, trait)
        for cohort in map(load_cohort, SHIPPED)
        for trait in cohort.traits.values()
        if trait.by is not None and all(case.kind not in ("constant", "categorical") for case in trait.cases.values())
    ]
    assert len(mixtures) >= 10
    for cohort, trait in mixtures:
        weight = weights(cohort, trait.name)
        assert sum(weight.values()) == pytest.approx(1.0)
        for p in (0.05, 0.5, 0.95):
            x = TabulatedDistribution.of(trait.cases, weight).quantile(p)
            share = sum(weight[level] * below(case, x) for level, case in trait.cases.items())
            assert share == pytest.approx(p, abs=2e-4), (cohort.name, trait.name)


def test_shares_pass_down_a_chain(tmp_path: Path) -> None:
    """A trait by TP53 status, itself by subtype: catches weights that stop at the first parent."""
    cases = "by: p53_status, cases: {wild_type: {value: 1}, mutant: {value: 2}}"
    cohort = sound(tmp_path, foci=cases)
    assert shares(cohort, "p53_status") == pytest.approx({"wild_type": 0.62, "mutant": 0.38})
    assert weights(cohort, "foci") == pytest.approx({"wild_type": 0.62, "mutant": 0.38})
    assert weights(cohort, "age") == {"*": 1.0}


def test_histograms_have_the_shape_of_the_law(tmp_path: Path) -> None:
    """A uniform is flat; catches columns of equal share, a linear axis under a log-uniform, and a scale per row."""
    full = "█" * COLUMNS
    text = describe_cohort(sound(tmp_path))
    assert full in block(text, "escaper growth")
    assert full in block(text, "spontaneous senescence rate")
    (line,) = [s for s in block(text, "doubling time").splitlines() if s.startswith("  all patients")]
    columns = line[32 : 32 + COLUMNS]
    peak = columns.index("█")
    assert 0 < peak < COLUMNS - 1
    assert list(columns[: peak + 1]) == sorted(columns[: peak + 1])


def test_constants_in_a_mixture_are_steps(tmp_path: Path) -> None:
    """Catches a constant smeared over the columns beside it, one that falls off the end of the axis, and a division
    by an empty histogram."""
    cohort = sound(tmp_path, foci="by: nodes, cases: {n0: {value: 1}, n1: {value: 8}}")
    rows = block(describe_cohort(cohort), "foci").splitlines()[2:5]
    assert rows[0].startswith("  all patients")
    assert rows[0][32 : 32 + COLUMNS] == "█" + " " * (COLUMNS - 2) + "█"
    assert rows[1].split() == ["N0", "█", "1"]
    assert rows[2].split() == ["N1", "█", "8"]
    law = TabulatedDistribution.of(cohort.traits["foci"].cases, {"n0": 0.25, "n1": 0.75})
    assert law.histogram(np.array([0.0, 1.0, 7.9, 8.0])) == pytest.approx([0.25, 0.0, 0.75])
    assert law.histogram(np.array([1.0, 7.9, 8.0])) == pytest.approx([0.25, 0.75])


def test_the_text_of_a_small_cohort(tmp_path: Path) -> None:
    """The layout, word for word."""
    text = describe_cohort(sound(tmp_path))
    assert text.startswith("small-cohort\n============\n")
    assert block(text, "p53 status") == (
        "p53 status: TP53 status of the tumour\n"
        "  wild type                     ███████████████·········  62%\n"
        "  mutant                        █████████···············  38%\n"
        "  subtype: luminal\n"
        "    wild type                   ███████████████████·····  80%\n"
        "    mutant                      █████···················  20%\n"
        "  subtype: basal\n"
        "    wild type                   █████···················  20%\n"
        "    mutant                      ███████████████████·····  80%\n"
        "  [low] test"
    )
    assert block(text, "escaper growth") == (
        "escaper growth: net growth of escapers, against cycling cells\n"
        "    1.01 to 1.99, linear scale\n"
        "  all patients                  ████████████████████████  1.5 (1.05 to 1.95)\n"
        "  [low] test"
    )
    assert text.endswith(
        "Correlations\n"
        "------------\n"
        "age with drug clearance: -0.3\n"
        "Within a patient, ln(cells) varies between foci with a standard deviation of 1.\n"
        "\n"
        "Death from other causes\n"
        "-----------------------\n"
        "female: hazard 0.00688 a year at 60, doubling every 7.47 years of age\n"
        "  [high] test\n"
        "male: hazard 0.01103 a year at 60, doubling every 8.06 years of age\n"
        "  [high] test\n"
        "\n"
        "Death from cancer after relapse\n"
        "-------------------------------\n"
        "median 8 yr after a local relapse, 2 yr after a distant one\n"
        "  [low] test\n"
    )


def test_trust_is_that_of_the_weakest_case() -> None:
    """Catches a trait counted by its first case, and low-confidence traits that are not named."""
    cohort = load_cohort(ROOT / "cohorts" / "nsclc.yaml")
    assert [case.confidence for case in cohort.traits["p53_status"].cases.values()] == ["high", "high", "low"]
    assert least_trusted(cohort.traits["p53_status"]) == "low"
    told = " ".join(describe_cohort(cohort).split("\n\n")[1].split())
    assert f"Confidence in {len(REQUIRED_TRAITS)} traits" in told
    low = [words(name) for name, trait in cohort.traits.items() if least_trusted(trait) == "low"]
    assert f"{len(low)} low" in told
    assert f"Low confidence: {', '.join(low)}." in told


def test_long_names_are_cut(tmp_path: Path) -> None:
    """Catches a level of 80 characters that pushes its row over the edge."""
    long = "a" * 80
    text = SOUND.read_text().replace("luminal", long)
    (tmp_path / "c.yaml").write_text(text)
    lines = describe_cohort(load_cohort(tmp_path / "c.yaml")).splitlines()
    assert max(len(line) for line in lines) <= WIDTH
    assert any("…" in line for line in lines)


def test_the_command_takes_a_cohort() -> None:
    """Catches a cohort read as a protocol, and an override that is silently ignored."""
    path = ROOT / "cohorts" / "glioblastoma.yaml"
    ran = CliRunner().invoke(cli, ["describe", str(path)])
    assert ran.exit_code == 0
    assert ran.stdout == describe_cohort(load_cohort(path))
    refused = CliRunner().invoke(cli, ["describe", str(path), "--set", "focus_spread=2"])
    assert isinstance(refused.exception, UsageError)
    assert "--set changes a protocol" in str(refused.exception)
