"""The kernel held to its exact twin: means, variances, extinction, and the mean at sizes no SSA reaches.

Seeds are fixed, so a pass or a failure is the same everywhere. With 24 statistics a network, a right kernel and a new
seed would see some |z| > 3 in about 6 % of networks. (At 6,000 paths one variance of the exact twin lay 3 standard
errors from its value at 120,000; hence 15,000 paths here, and 20,000 in docs/verification.md.)
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from tests.biology.networks import NETWORKS, Network
from tests.biology.twins import compare, exact_paths, kernel_paths
from trialsim.biology import exact, populations
from trialsim.biology import populations as p
from trialsim.biology import rates as r

PATHS = 15_000
#: Enough for a mutant.
FEW = 6000


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.name)
def test_moments_and_extinction_agree(network: Network) -> None:
    """Catches a kernel with any rate, order or share wrong by more than a few per cent."""
    kernel = kernel_paths(network.cells, network.rates, network.until, paths=PATHS, seed=11)
    twin = exact_paths(network.cells, network.rates, network.until, paths=PATHS, seed=12)
    apart = [c for c in compare(kernel, twin) if abs(c.z) > 3.0]
    assert not apart


@pytest.mark.parametrize(
    ("name", "rate", "factor"),
    [
        ("spontaneous senescence", r.SPONTANEOUS_RATE, 0.8),
        ("escape from treatment", r.ESCAPE, 1.2),
        ("escape from treatment", r.COMPETENCE, 1.6),
        ("awakening", r.WAKE, 0.85),
        ("senolytic", r.KILL, 0.8),
        ("growth near extinction", r.DEATH, 1.03),
    ],
)
def test_a_mutant_is_caught(name: str, rate: int, factor: float) -> None:
    """The comparison has the power to fail: a kernel with one rate wrong does not pass it."""
    network = next(n for n in NETWORKS if n.name == name)
    wrong = network.rates.copy()
    wrong[rate] *= factor
    kernel = kernel_paths(network.cells, wrong, network.until, paths=FEW, seed=11)
    twin = exact_paths(network.cells, network.rates, network.until, paths=FEW, seed=12)
    assert max(abs(c.z) for c in compare(kernel, twin)) > 4.5


def test_the_compiled_twin_is_the_plain_one() -> None:
    """Catches a compiled copy that drifted from the readable code: same stream, same final counts."""
    network = next(n for n in NETWORKS if n.name == "everything")
    compiled = exact_paths(network.cells, network.rates, 30.0, paths=3, seed=5)
    rng = np.random.default_rng(5)
    for row in compiled:
        cells = network.cells.copy()
        exact.simulate(cells, network.rates, 30.0, rng)
        np.testing.assert_array_equal(cells, row)


def mean_field(rates: r.Rates) -> np.ndarray:
    """Generator of the linear network's means, built from the text of the model and not from the kernel."""
    n = populations.N_POPULATIONS
    m = np.zeros((n, n))
    arrest = rates[r.SPONTANEOUS_RATE]
    for at in range(populations.SENESCENT):
        if at == p.DORMANT:
            continue
        escaped = at >= p.ESCAPED
        birth = rates[r.ESCAPED_BIRTH if escaped else r.BIRTH]
        death = rates[r.ESCAPED_DEATH if escaped else r.DEATH] + rates[r.KILL_CYCLING]
        m[at, at] += birth - death - arrest
        for ploidy in (0, 1):
            for response in (0, 1):
                poly = rates[r.POLYPLOID_SHARE] if ploidy else 1 - rates[r.POLYPLOID_SHARE]
                part = rates[r.RESISTANT_SHARE] if response else 1 - rates[r.RESISTANT_SHARE]
                m[p.senescent(p.SPONTANEOUS, ploidy, response, 0), at] += arrest * poly * part
    for inducer in range(p.N_INDUCERS):
        for ploidy in (0, 1):
            for response in (0, 1):
                kill = 0.0 if response else rates[r.KILL + inducer]
                young, mature, competent = (p.senescent(inducer, ploidy, response, age) for age in range(3))
                m[young, young] -= rates[r.CLEARANCE] + kill * rates[r.IMMATURE_KILL_SHARE] + rates[r.MATURATION]
                m[mature, young] += rates[r.MATURATION]
                m[mature, mature] -= rates[r.CLEARANCE] + kill
                m[competent, competent] -= rates[r.CLEARANCE] + kill
                if ploidy:
                    m[mature, mature] -= rates[r.COMPETENCE]
                    m[competent, mature] += rates[r.COMPETENCE]
                    m[competent, competent] -= rates[r.ESCAPE]
                    m[p.ESCAPED + inducer, competent] += rates[r.ESCAPE]
    return m


def _large() -> Network:
    base = next(n for n in NETWORKS if n.name == "senolytic")
    rates = base.rates.copy()
    rates[r.SPONTANEOUS_RATE] = 0.01
    return Network("large", base.cells * 1_000_000, rates, 84.0)


def mean_errors(longest: float, tolerance: float) -> dict[str, float]:
    """Relative error of the kernel's mean against the ODE at 1e8 cells, by group."""
    network = _large()
    ode = expm(mean_field(network.rates) * network.until) @ network.cells
    kernel = kernel_paths(
        network.cells, network.rates, network.until, paths=60, seed=3, longest=longest, tolerance=tolerance
    ).mean(0)
    sen = populations.SENESCENT
    parts = {"cycling": slice(0, 3), "escaped": slice(p.ESCAPED, sen), "senescent": slice(sen, None)}
    return {name: float(kernel[part].sum() / ode[part].sum() - 1.0) for name, part in parts.items()}


def test_the_mean_at_1e8_cells_is_the_ode() -> None:
    """Catches a size limit, an overflow, or a flow lost in composition: 1e8 cells, error under 1 % at default steps."""
    assert _large().cells.sum() >= 1e8
    errors = mean_errors(14.0, 0.05)
    assert max(abs(e) for e in errors.values()) < 0.01


def test_the_composition_is_second_order() -> None:
    """Catches a composition that is not symmetric (own flows not halved): its error only halves with the step."""
    coarse, fine = mean_errors(28.0, 10.0), mean_errors(14.0, 10.0)
    worst = max(coarse, key=lambda name: abs(coarse[name]))
    assert abs(coarse[worst]) > 0.004
    assert abs(fine[worst]) < abs(coarse[worst]) / 3.0
