"""Distributions in canonical parameters, and the shipped cohorts."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import pytest
from scipy import stats

from trialsim.errors import InvalidInput
from trialsim.spec.load import load_cohort
from trialsim.spec.resolved import Distribution, ResolvedCohort
from trialsim.spec.traits import REQUIRED_TRAITS

ROOT = Path(__file__).parent.parent.parent
SOUND = ROOT / "tests" / "invalid" / "sound_cohort.yaml"
FOCI = "foci: {value: 2, source: test, confidence: low}"


def resolve(tmp_path: Path, trait: str, form: str) -> Distribution:
    """The distribution that `form` gives to a trait of the sound cohort."""
    lines = SOUND.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"  {trait}:"))
    lines[at] = f"  {trait}: {{{form}, source: s, confidence: med}}"
    (tmp_path / "c.yaml").write_text("\n".join(lines) + "\n")
    return load_cohort(tmp_path / "c.yaml").traits[trait].cases["*"]


@pytest.mark.parametrize(
    ("form", "median", "cv"),
    [
        ("median: 100 d, cv: 0.5", 100.0, 0.5),
        ("median: 100 d, cv: 50 %", 100.0, 0.5),
        ("median: 100 d, gsd: 2", 100.0, math.sqrt(math.expm1(math.log(2) ** 2))),
        ("median: 100 d, sd_log10: 0.3", 100.0, math.sqrt(math.expm1((0.3 * math.log(10)) ** 2))),
        ("mean: 241 d, sd: 166 d", 241 / math.sqrt(1 + (166 / 241) ** 2), 166 / 241),
    ],
)
def test_lognormal_spellings(tmp_path: Path, form: str, median: float, cv: float) -> None:
    """SciPy's lognormal with the resolved mu and sigma has the median and the coefficient of variation
    that were written. Catches sigma = cv, and a mean taken for the median."""
    p = resolve(tmp_path, "doubling_time", f"distribution: lognormal, {form}").parameters
    law = stats.lognorm(s=p["sigma"], scale=math.exp(p["mu"]))
    assert math.isclose(law.median(), median, rel_tol=1e-9)
    assert math.isclose(law.std() / law.mean(), cv, rel_tol=1e-9)


def test_beta_from_moments(tmp_path: Path) -> None:
    """SciPy's beta has the written mean and sd: catches nu = m(1-m)/sd^2 without the -1."""
    p = resolve(tmp_path, "dormant_prob", "distribution: beta, mean: 0.3, sd: 10 %").parameters
    law = stats.beta(p["a"], p["b"])
    assert math.isclose(law.mean(), 0.3)
    assert math.isclose(law.std(), 0.1)


@pytest.mark.parametrize(
    ("trait", "form", "expected"),
    [
        ("maturation_time", "value: 2 wk", {"value": 14.0}),
        ("escaper_growth", "distribution: uniform, low: 1, high: 2", {"low": 1.0, "high": 2.0}),
        (
            "dormancy_escape_rate",
            "distribution: loguniform, low: 1e-5 /d, high: 1 /yr",
            {"low": 1e-5, "high": 1 / 365.25},
        ),
        ("dormant_prob", "distribution: beta, a: 2, b: 3", {"a": 2.0, "b": 3.0}),
        ("age", "distribution: normal, mean: 50 yr, sd: 9 yr, min: 20 yr", {"mean": 50.0, "sd": 9.0}),
    ],
)
def test_canonical_parameters(tmp_path: Path, trait: str, form: str, expected: dict[str, float]) -> None:
    """In the trait's internal unit, ages in years: catches an age in days."""
    assert resolve(tmp_path, trait, form).parameters == expected


def test_truncation_and_provenance_are_kept(tmp_path: Path) -> None:
    """Catches `min` and `max` read but not passed on."""
    d = resolve(tmp_path, "doubling_time", "distribution: lognormal, median: 100 d, cv: 0.4, min: 40 d, max: 1 yr")
    assert (d.lower, d.upper, d.source, d.confidence) == (40.0, 365.25, "s", "med")


@pytest.mark.parametrize(
    ("trait", "form", "message"),
    [
        ("dormant_prob", "distribution: lognormal, median: 0.5, cv: 0.5", "could exceed 1"),
        ("dormant_prob", "distribution: normal, mean: 0.5, sd: 0.1, min: 0", "could exceed 1"),
        ("dormant_prob", "value: 1.2", "too large for a fraction"),
        ("foci", "distribution: beta, a: 1, b: 1", "is not a fraction"),
        ("foci", "distribution: uniform, low: 3, high: 2", "`low` is not below `high`"),
        ("foci", "distribution: loguniform, low: 0, high: 2", "cannot start at zero"),
        ("foci", "distribution: lognormal, median: 2, cv: 0", "must be more than zero"),
        ("foci", "distribution: lognormal, median: 2, gsd: 0.5", "above 1"),
        ("foci", "distribution: lognormal, median: 2", "cannot be made from `median`"),
        ("foci", "distribution: lognormal, mean: 2, cv: 0.4", "cannot be made from `cv`, `mean`"),
        ("drug_clearance", "distribution: uniform, low: 0, high: 2", "cannot be zero"),
        ("drug_clearance", "distribution: normal, mean: 1, sd: 0.3, min: 0", "cannot be zero"),
        ("sex", "value: 3", "`3` is not a level of `sex`"),
        ("p53_status", "distribution: categorical, probabilities: {wild: 0.5, mutant: 0.5}", "not a level"),
    ],
)
def test_refused_distributions(tmp_path: Path, trait: str, form: str, message: str) -> None:
    """Laws that could leave the range of their trait, or that have no such parameters."""
    source = SOUND.read_text()
    (tmp_path / "sound.yaml").write_text(source)
    with pytest.raises(InvalidInput) as caught:
        resolve(tmp_path, trait, form) if trait != "p53_status" else _resolve_p53(tmp_path, form)
    assert message in caught.value.problems[0].message


def _resolve_p53(tmp_path: Path, form: str) -> None:
    head, rest = SOUND.read_text().split("  p53_status:\n", 1)
    rest = rest[rest.index("  doubling_time:") :]
    (tmp_path / "c.yaml").write_text(f"{head}  p53_status: {{{form}, source: s, confidence: low}}\n{rest}")
    load_cohort(tmp_path / "c.yaml")


@functools.cache
def shipped(name: str) -> ResolvedCohort:
    return load_cohort(ROOT / "cohorts" / f"{name}.yaml")


@pytest.mark.parametrize("name", ["breast-high-risk", "breast-early"])
def test_shipped_cohort_gives_every_trait_with_a_source(name: str) -> None:
    """Every number that a report prints has its origin."""
    cohort = shipped(name)
    assert list(cohort.traits) == list(REQUIRED_TRAITS)
    for trait in cohort.traits.values():
        for case in trait.cases.values():
            assert case.source
            assert case.confidence


def test_shipped_numbers_are_those_of_the_literature() -> None:
    """Spot checks against the sources named: catches a slipped decimal or a swapped subtype."""
    traits = shipped("breast-high-risk").traits
    basal = traits["doubling_time"].cases["basal"].parameters
    assert math.isclose(math.exp(basal["mu"] + basal["sigma"] ** 2 / 2), 103.0)
    assert math.isclose(traits["p53_status"].cases["basal"].probabilities[1], 176 / 196, abs_tol=5e-4)
    assert math.isclose(traits["p53_status"].cases["luminal_a"].probabilities[1], 80 / 671, abs_tol=5e-4)
    # Calibrated, within the published range of the unresponsive share (Day, Shackney & Peters).
    assert 0.29 <= traits["chemo_response"].cases["*"].probabilities[1] <= 0.67
    assert traits["dormancy_escape_rate"].cases["*"].parameters == {"low": 2.7e-5, "high": 1.6e-4}
    mortality = shipped("breast-high-risk").mortality
    assert (mortality["female"].rate60_per_year, mortality["female"].slope_per_year) == (0.00688, 0.0928)
    assert (mortality["male"].rate60_per_year, mortality["male"].slope_per_year) == (0.01103, 0.086)


def test_high_risk_is_richer_in_fast_p53_mutant_disease() -> None:
    """What makes the cohort high-risk, and the grounds of the Simpson's paradox in it."""

    def mutant_share(cohort: ResolvedCohort) -> float:
        subtype, p53 = cohort.traits["subtype"].cases["*"], cohort.traits["p53_status"]
        shares = zip(subtype.levels, subtype.probabilities, strict=True)
        return sum(share * p53.cases[level].probabilities[1] for level, share in shares)

    assert mutant_share(shipped("breast-high-risk")) > 0.45 > 0.40 > mutant_share(shipped("breast-early"))
