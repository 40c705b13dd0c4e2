"""The cohorts that ship: whole, sourced, near the literature, and of the right order of magnitude when they run."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import pytest

from tests.docs.pages import first_names, page, section, tables
from trialsim.conduct import conduct_trial
from trialsim.patient.cohort import quantiles, sample_traits
from trialsim.patient.course import Courses
from trialsim.report.marginals import TabulatedDistribution, shares, weights
from trialsim.spec.load import load_cohort, load_protocol
from trialsim.spec.resolved import Distribution, ResolvedCohort
from trialsim.spec.traits import REQUIRED_TRAITS
from trialsim.treatment.library import load_library

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "cohorts").glob("*.yaml"))
#: The cohorts whose residual disease is a prior.
PRIORS = ["aml", "b-cell-lymphoma", "colorectal", "glioblastoma", "nsclc", "prostate-adt", "prostate-node-positive"]
#: Cells that a lesion must have to be seen, where a cohort says that it is not the default of 1e9.
LIMITS = {"prostate-adt": 5e7, "prostate-node-positive": 5e7, "aml": 5e10}


@functools.cache
def shipped(name: str) -> ResolvedCohort:
    return load_cohort(ROOT / "cohorts" / f"{name}.yaml")


def ends(law: Distribution) -> tuple[float, float]:
    """The smallest and the largest value that a patient can practically have."""
    low, high = np.asarray(quantiles(law, np.array([1e-6, 1 - 1e-6])), dtype=np.float64)
    return float(low), float(high)


def test_the_page_lists_the_cohorts() -> None:
    """Catches a cohort that the reference does not list, or lists under a name that is gone."""
    rows = tables(section(page("protocol-file.md"), "Shipped cohorts"))[0]
    assert sorted(first_names(rows)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_an_origin(name: str) -> None:
    """Catches a trait left out, a number without source, and a file called otherwise than its cohort."""
    cohort = shipped(name)
    assert cohort.name == name
    assert list(cohort.traits) == list(REQUIRED_TRAITS)
    assert len(cohort.description) > 100
    for trait in cohort.traits.values():
        assert all(case.source and case.confidence for case in trait.cases.values()), trait.name


@pytest.mark.parametrize("name", PRIORS)
def test_what_is_assumed_says_so(name: str) -> None:
    """Catches an assumption that is passed off as knowledge, and residual disease that calls itself calibrated."""
    cohort = shipped(name)
    for trait in cohort.traits.values():
        for case in trait.cases.values():
            assert case.source.split(":")[0].split(";")[0].split(" ")[0].rstrip(",") in {
                "found", "recalled", "assumed", "prior", "by",
            }, (trait.name, case.source)  # fmt: skip
            if case.source.startswith(("assumed", "prior")):
                assert case.confidence == "low", (trait.name, case.source)
    for key in ("residual_burden", "focus_burden"):
        assert all(case.source.startswith("prior, not calibrated") for case in cohort.traits[key].cases.values())
    assert "not a fit" in cohort.description


#: parameters.csv: median doubling time in days, LQ alpha and alpha/beta, share with TP53 mutated.
LITERATURE = {
    "nsclc": (207, 0.3, 10, 0.62 * 0.46 + 0.28 * 0.81 + 0.1 * 0.65),
    "glioblastoma": (49.6, 0.06, 8, 0.28),
    "prostate-adt": (360, 0.1, 1.8, 0.08),
    "colorectal": (100, 0.3, 5, 0.6),
}


@pytest.mark.parametrize("name", LITERATURE)
def test_numbers_are_those_of_the_literature(name: str) -> None:
    """Catches a slipped decimal, a swapped subtype, a split by subtype that moves the whole cohort's value."""
    doubling, alpha, alpha_beta, mutant = LITERATURE[name]
    cohort = shipped(name)

    def median(trait: str) -> float:
        return TabulatedDistribution.of(cohort.traits[trait].cases, weights(cohort, trait)).quantile(0.5)

    assert median("doubling_time") == pytest.approx(doubling, rel=0.05)
    assert median("radio_alpha") == pytest.approx(alpha)
    assert median("radio_alpha_beta") == pytest.approx(alpha_beta)
    assert shares(cohort, "p53_status")["mutant"] == pytest.approx(mutant, abs=0.005)


@pytest.mark.parametrize("name", NAMES)
def test_nobody_has_relapsed_at_the_start(name: str) -> None:
    """Catches burdens that the first scan would see, by a unit slip or a limit that was forgotten."""
    for key in ("residual_burden", "focus_burden"):
        for case in shipped(name).traits[key].cases.values():
            assert ends(case)[1] < LIMITS.get(name, 1e9), key


@pytest.mark.parametrize("name", NAMES)
def test_births_outrun_growth(name: str) -> None:
    """Catches a birth rate too small for the fastest tumours: death cannot be negative, so they would grow slower
    than their doubling time says. The SASP load is at most twice its intensity, when every cell is senescent. A
    twentieth of the births is room for death."""

    def end(trait: str, at: int) -> float:
        return (min, max)[at](ends(case)[at] for case in shipped(name).traits[trait].cases.values())

    senescence = end("spontaneous_senescence_rate", 1) + 2 * end("sasp_intensity", 1) * end("sasp_arrest", 1)
    losses = senescence + end("immune_kill_rate", 1)
    assert 0.95 * end("birth_rate", 0) > losses + math.log(2) / end("doubling_time", 0)


@pytest.mark.parametrize("name", NAMES)
def test_couplings_are_wide_where_they_are_known_and_absent_where_they_are_not(name: str) -> None:
    """Catches a SASP that works against its direction, a state of irradiated glioblastoma that other tumours have,
    and seeding by a cohort's own spread that is slipped by a decimal."""
    traits = shipped(name).traits
    for trait in ("sasp_growth", "sasp_seeding", "sasp_clearance", "sasp_waking", "f3_boost"):
        assert all(ends(case)[0] >= 1 for case in traits[trait].cases.values()), trait
    assert (ends(traits["f3_boost"].cases["*"])[1] > 1) == (name == "glioblastoma")
    seeds = 1e9 * 2 * 365.25 * np.array(ends(traits["seeding_rate"].cases["*"]))
    assert seeds == pytest.approx(np.array([2.2, 220]) * (0.01 if name == "glioblastoma" else 1), rel=0.01)


CHOP = """
    - {agent: doxorubicin, dose: 50 mg/m2, start: day 1, every: 21 d, cycles: 3}
    - {agent: cyclophosphamide, dose: 750 mg/m2, start: with doxorubicin, every: 21 d, cycles: 3}"""
RADIATION = "\n    - {agent: radiation, dose: 2 Gy, start: day 1, fractions: 30}"
ANTHRACYCLINE = "\n    - {agent: doxorubicin, dose: 60 mg/m2, start: day 1, every: 28 d, cycles: 3}"
#: Treatment, months, and the band in which relapse-free survival lies: the anchor of the cohort's description, 0.15
#: and more to either side. Six standard errors of 400 patients are at most 0.15, so no seed matters.
COURSES = {
    "nsclc": ("", 60, (0.40, 0.80)),
    "glioblastoma": (RADIATION, 12, (0.0, 0.40)),
    "prostate-adt": ("", 60, (0.60, 0.95)),
    "prostate-node-positive": ("", 60, (0.35, 0.75)),
    "colorectal": ("", 60, (0.40, 0.80)),
    "b-cell-lymphoma": (CHOP, 24, (0.50, 0.90)),
    "aml": (ANTHRACYCLINE, 60, (0.10, 0.55)),
}


@pytest.mark.parametrize("name", COURSES)
def test_relapse_has_the_right_order_of_magnitude(name: str, tmp_path: Path) -> None:
    """Catches residual disease in the wrong unit, a doubling time at the wrong burden, treatment that does nothing
    or cures everybody: all of which pass every check of the file."""
    orders, months, (low, high) = COURSES[name]
    regimen = f"regimens:\n  r:{orders}\n" if orders else ""
    give = "[r]" if orders else "[]"
    # Written from the temporary folder, so the path to the cohort is an absolute one.
    (tmp_path / "p.yaml").write_text(
        f"trialsim: 1\nname: p\ncohort: {ROOT}/cohorts/{name}.yaml\n{regimen}"
        f"arms:\n  control: {{give: {give}}}\n  same: {{give: {give}}}\n"
        f"accrual: {{patients: 400, per_month: 400}}\n"
        f"follow_up: {{minimum: {months} mo, scans: {{every: 3 mo}}}}\n"
        f"detection: {{limit: {LIMITS.get(name, 1e9):g} cells, source: test, confidence: low}}\n"
    )
    protocol = load_protocol(tmp_path / "p.yaml", load_library())
    traits = sample_traits(protocol.cohort, 400, seed=1)
    record = conduct_trial(protocol, seed=1, traits=traits, new_course=Courses(protocol, seed=1))
    last = months * 30.4375
    failed = sum(
        (p.relapse is not None and p.relapse.detected <= last) or (p.death_day is not None and p.death_day <= last)
        for p in record.patients
    )
    assert low < 1 - failed / 400 < high
