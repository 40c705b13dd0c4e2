"""Boundaries against the multivariate normal law, and what must hold for every design."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from trialsim.designs import crossing as crossing_module
from trialsim.designs.boundaries import (
    Boundaries,
    DesignError,
    Futility,
    by_spending,
    check_information,
    efficacy,
    fixed_drift,
    of_shape,
)
from trialsim.designs.crossing import crossing
from trialsim.designs.spending import FAMILIES, Spending, SpendingError, custom_spending, parse_spending

NAMES = ("obrien-fleming", "pocock", "hwang-shih-decani(-4)", "hwang-shih-decani(0)", "kim-demets(3)")
looks = st.lists(st.integers(1, 50), min_size=1, max_size=5).map(lambda steps: (np.cumsum(steps) / sum(steps)).tolist())


def test_two_and_three_looks_are_the_normal_law() -> None:
    """The chance of staying inside, against SciPy's integral. Catches increments with the wrong variance or drift."""
    at, lower, upper, drift = [0.3, 0.55, 1.0], [-0.5, 0.2, -1.0], [2.4, 2.1, 1.9], 1.7
    covariance = [[math.sqrt(min(a, b) / max(a, b)) for b in at] for a in at]
    found = crossing(at, lower, upper, drift)
    for count in (2, 3):
        mean, shared = drift * np.sqrt(at[:count]), np.array(covariance)[:count, :count]
        inside = multivariate_normal.cdf(
            upper[:count], mean, shared, lower_limit=lower[:count], abseps=1e-10, releps=1e-10, maxpts=2_000_000
        )
        assert 1.0 - found.stopped[:count].sum() == pytest.approx(inside, abs=1e-8)


def test_finer_panels_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches panels too wide for looks that lie close together."""
    at = [0.1, 0.11, 0.5, 0.98, 1.0]
    coarse = crossing(at, [-1.0] * 5, [2.2] * 5, 0.8)
    panels = crossing_module._panels
    monkeypatch.setattr(crossing_module, "_panels", lambda low, high, widest: panels(low, high, widest / 2.0))
    fine = crossing(at, [-1.0] * 5, [2.2] * 5, 0.8)
    np.testing.assert_allclose(coarse.upper, fine.upper, rtol=0, atol=1e-13)
    np.testing.assert_allclose(coarse.lower, fine.lower, rtol=0, atol=1e-13)


def test_one_look_is_the_fixed_design() -> None:
    """Catches a two-sided alpha that is not halved, and an inflation of a design that has no looks."""
    for sided in (1, 2):
        design = by_spending([1.0], 0.05, sided, parse_spending("pocock"))
        assert design.upper[0] == pytest.approx(norm.isf(0.05 / sided), abs=1e-12)
        # Two-sided power counts both sides, of which the fixed formula leaves the wrong one out: 1e-5 at power 0.5.
        assert design.inflation(0.9) == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(at=looks, name=st.sampled_from(NAMES), alpha=st.sampled_from([0.01, 0.025, 0.1]), sided=st.sampled_from([1, 2]))
def test_alpha_is_what_is_spent(at: list[float], name: str, alpha: float, sided: int) -> None:
    """Catches a spend that is not the increment, or one lost between looks."""
    design = by_spending(at, alpha, sided, parse_spending(name))
    rejected = np.cumsum(design.operating(0.0).rejected)
    np.testing.assert_allclose(rejected, design.alpha_spent, rtol=1e-8, atol=1e-13)
    assert rejected[-1] == pytest.approx(alpha, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(at=looks, binding=st.booleans(), beta=st.sampled_from([0.1, 0.2, 0.4]))
def test_futility_spends_beta_and_keeps_alpha(at: list[float], binding: bool, beta: float) -> None:
    """Binding: alpha is used up whole. Non-binding: alpha holds without it, and less is used with it."""
    futility = Futility(beta, parse_spending("hwang-shih-decani(-2)"), binding)
    design = by_spending(at, 0.025, 1, parse_spending("obrien-fleming"), futility)
    assert design.drift is not None
    assert design.operating(design.drift).power == pytest.approx(1.0 - beta, abs=1e-10)
    size = design.operating(0.0).power
    if binding:
        assert size == pytest.approx(0.025, abs=1e-10)
    else:
        assert size <= 0.025 + 1e-12
        ignored = crossing(at, [-math.inf] * len(at), design.upper, 0.0)
        assert ignored.upper.sum() == pytest.approx(0.025, abs=1e-12)
    assert all(low <= high for low, high in zip(design.lower, design.upper, strict=True))
    assert design.lower[-1] == design.upper[-1]


def test_binding_futility_makes_efficacy_easier() -> None:
    """Catches a binding rule that is computed like a non-binding one, or the reverse."""
    designs = [
        by_spending([0.5, 1.0], 0.025, 1, parse_spending("obrien-fleming"), Futility(0.1, parse_spending("pocock"), b))
        for b in (False, True)
    ]
    assert designs[1].upper[-1] < designs[0].upper[-1]


def test_a_boundary_depends_on_nothing_later() -> None:
    """Catches alpha shared out over all looks at once, which no trial with unforeseen looks can do."""
    spending = parse_spending("obrien-fleming")
    early = efficacy([0.4, 0.7], spending.spent([0.4, 0.7], 0.025))
    assert by_spending([0.4, 0.7, 1.0], 0.025, 1, spending).upper[:2] == pytest.approx(early, abs=1e-12)
    assert by_spending([0.4, 0.7, 0.8, 1.0], 0.025, 1, spending).upper[:2] == pytest.approx(early, abs=1e-12)


def test_nothing_is_spent_where_nothing_is_to_be_spent() -> None:
    """Catches a look with no alpha that can stop, and a very early O'Brien-Fleming look that loses its 1e-24."""
    design = by_spending([0.3, 0.6, 1.0], 0.025, 1, custom_spending([0.0, 0.4, 1.0]))
    assert design.upper[0] == math.inf
    assert design.alpha_spent == pytest.approx((0.0, 0.01, 0.025))
    assert by_spending([0.05, 1.0], 0.025, 1, parse_spending("obrien-fleming")).upper[0] == pytest.approx(
        norm.isf(2 * norm.sf(norm.isf(0.0125) / math.sqrt(0.05))), rel=1e-9
    )


def test_the_shapes_of_old() -> None:
    """Pocock's constant is 2.4132 for five looks at 0.05, O'Brien and Fleming's 2.0401 (Jennison & Turnbull 2000)."""
    fifths = [0.2, 0.4, 0.6, 0.8, 1.0]
    assert of_shape(fifths, 0.05, 2, 0.5).upper == pytest.approx([2.413] * 5, abs=5e-4)
    assert of_shape(fifths, 0.05, 2, 0.0).upper[-1] == pytest.approx(2.040, abs=5e-4)


def test_spending_functions_at_known_points() -> None:
    """Values of gsDesign's manual. Catches a family under another's name, gamma of the wrong sign."""
    at = [0.25, 0.5, 0.75, 1.0]
    alpha = {name: parse_spending(name).spent(at, 0.025) for name in NAMES}
    # 2 (1 - Phi(2.241403 / sqrt t)).
    assert alpha["obrien-fleming"] == pytest.approx(2 * norm.sf(norm.isf(0.0125) / np.sqrt(at)), rel=1e-12)
    assert alpha["pocock"][1] == pytest.approx(0.025 * math.log(1 + (math.e - 1) / 2), rel=1e-12)
    assert alpha["hwang-shih-decani(-4)"][1] == pytest.approx(0.025 * (1 - math.exp(2)) / (1 - math.exp(4)), rel=1e-12)
    assert alpha["hwang-shih-decani(0)"] == pytest.approx(0.025 * np.array(at))
    assert alpha["kim-demets(3)"] == pytest.approx(0.025 * np.array(at) ** 3)
    for name in NAMES:
        assert parse_spending(name).spent([1.2], 0.025)[0] == 0.025
        assert parse_spending(parse_spending(name).name) == parse_spending(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("obrien", "no spending function"),
        ("pocock(2)", "no parameter"),
        ("kim-demets(0)", "out of range"),
        ("hwang-shih-decani(1.2.3)", "not a number"),
        ("", "no spending function"),
    ],
)
def test_names_that_mean_nothing(text: str, words: str) -> None:
    """Catches a name that is taken for another, and a parameter that makes spending fall."""
    with pytest.raises(SpendingError, match=words) as error:
        parse_spending(text)
    assert error.value.remedy


@pytest.mark.parametrize("shares", [[], [0.5], [0.5, 0.4, 1.0], [-0.1, 1.0], [0.2, 0.8]])
def test_shares_that_cannot_be(shares: list[float]) -> None:
    """Catches spending that falls, or does not end at the whole."""
    with pytest.raises(SpendingError, match="rise from 0 to 1"):
        custom_spending(shares)


@pytest.mark.parametrize("at", [[], [0.0, 1.0], [0.5, 0.4, 1.0], [0.5, 0.5005, 1.0], [math.nan, 1.0], [-1.0, 1.0]])
def test_looks_that_cannot_be(at: list[float]) -> None:
    """Catches looks that go back, coincide, or stand before the trial."""
    with pytest.raises(DesignError):
        check_information(at)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"information": [0.5, 0.9]}, "the last look"),
        ({"alpha": 0.0}, "no error rate"),
        ({"sided": 3}, "no error rate"),
        ({"sided": 2, "futility": Futility(0.1, Spending("pocock"))}, "one-sided"),
        ({"futility": Futility(0.99, Spending("pocock"))}, "beta"),
        ({"spending": custom_spending([0.5, 0.7, 1.0])}, "3 shares for 2 looks"),
    ],
)
def test_designs_that_cannot_be(change: dict[str, object], words: str) -> None:
    """Catches errors of a design that would come out as a boundary."""
    sound = {"information": [0.5, 1.0], "alpha": 0.025, "sided": 1, "spending": Spending("pocock"), "futility": None}
    with pytest.raises(DesignError, match=words):
        by_spending(**{**sound, **change})  # type: ignore[arg-type]


def test_every_family_has_a_name_that_is_read() -> None:
    """Catches a family that a protocol cannot name."""
    for name in FAMILIES:
        assert parse_spending(name).family == name


def test_power_that_no_drift_gives() -> None:
    """Catches a search that runs to its end of the range and calls that the drift."""
    design: Boundaries = by_spending([1.0], 0.025, 1, parse_spending("pocock"))
    for power in (0.02, 1.0):
        with pytest.raises(DesignError, match="out of range"):
            design.drift_for(power)


def test_power_is_that_of_the_treatments_side() -> None:
    """Two-sided at alpha 0.2 and power 0.3: one analysis is the fixed design, 100 % of its information.

    Catches power with the wrong direction counted here and not there (81.83 %).
    """
    design = by_spending((1.0,), 0.2, 2, parse_spending("obrien-fleming"))
    drift = design.drift_for(0.3)
    assert drift == pytest.approx(fixed_drift(0.2, 2, 0.3), abs=1e-9)
    assert design.inflation(0.3) == pytest.approx(1.0, abs=1e-9)
    found = design.operating(drift)
    assert found.power == pytest.approx(0.3, abs=1e-9)
    assert found.rejected.sum() > found.power + 0.01
    assert design.operating(0.0).rejected.sum() == pytest.approx(0.2, abs=1e-9)


@given(
    at=st.lists(st.floats(0.1, 0.9), max_size=3, unique=True),
    alpha=st.floats(0.01, 0.3),
    power=st.floats(0.35, 0.97),
    sided=st.sampled_from((1, 2)),
)
def test_looks_never_need_less_than_one_analysis(at: list[float], alpha: float, power: float, sided: int) -> None:
    """Catches an inflation below 1, which no design has: two definitions of one power."""
    looks = [*sorted(at), 1.0]
    if min(np.diff([0.0, *looks])) < 0.05:
        return
    assert by_spending(looks, alpha, sided, parse_spending("pocock")).inflation(power) >= 1.0 - 1e-9
