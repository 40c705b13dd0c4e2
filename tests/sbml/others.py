"""Runs a network in libroadrunner and holds its final counts to those of the kernel."""

from __future__ import annotations

import numpy as np
import roadrunner
from numpy.typing import NDArray
from scipy.stats import fisher_exact, ks_2samp, norm

from tests.biology import twins
from tests.biology.networks import COUPLED, NETWORKS
from tests.biology.networks import Network as Case
from trialsim.biology.network import INFILTRATE, Network, population_ids
from trialsim.biology.populations import (
    ESCAPED,
    N_INDUCERS,
    N_POPULATIONS,
    POLYPLOID,
    RESISTANT,
    SENESCENT,
    SPONTANEOUS,
)
from trialsim.biology.sbml import write_sbml

Counts = NDArray[np.int64]

#: Chance that a right network fails its comparison, over all of its statistics (Bonferroni). The tests of means and
#: variances are as good as the normal approximation; those of extinction and of distribution are exact or conservative.
FALSE_ALARM = 1e-6


def case(name: str) -> Case:
    return next(n for n in (*NETWORKS, *COUPLED) if n.name == name)


def roadrunner_paths(network: Network, until: float, *, paths: int, seed: int) -> Counts:
    """Final counts (path x population) by libroadrunner's Gillespie method, from the network's SBML text."""
    model = roadrunner.RoadRunner(write_sbml(network, model_id="tested", name="a lesion"))
    model.setIntegrator("gillespie")
    model.integrator.variable_step_size = False
    model.integrator.seed = seed
    ids = [species.id for species in network.species if species.id != INFILTRATE]
    model.timeCourseSelections = ids
    places = [population_ids().index(id_) for id_ in ids]
    out = np.zeros((paths, N_POPULATIONS), np.int64)
    for path in range(paths):
        model.reset()
        end = np.asarray(model.simulate(0.0, until, 2))[-1]
        assert (end == np.rint(end)).all()
        assert (end >= 0.0).all()
        out[path, places] = end
    return out


def groups(counts: Counts) -> dict[str, NDArray[np.float64]]:
    """What is compared: the groups of the exact twin, and by what inducer and response tell apart."""
    senescent = counts[:, SENESCENT:].reshape(len(counts), N_INDUCERS, 2, 2, -1)
    resistant = senescent[:, :, :, RESISTANT].sum((1, 2, 3)) + counts[:, ESCAPED + RESISTANT : SENESCENT : 2].sum(1)
    of_treatment = senescent.sum((1, 2, 3, 4)) - senescent[:, SPONTANEOUS].sum((1, 2, 3))
    return twins.groups(counts) | {
        "resistant": resistant.astype(float),
        "senescent by treatment": of_treatment.astype(float),
        "polyploid": senescent[:, :, POLYPLOID].sum((1, 2, 3)).astype(float),
    }


def p_values(kernel: Counts, other: Counts) -> dict[tuple[str, str], float]:
    """Two-sided p of each statistic of each group: mean, variance, extinction (Fisher), distribution (KS)."""
    found = {}
    left, right = groups(kernel), groups(other)
    for group, a in left.items():
        b = right[group]
        for statistic, (x, x_error), (y, y_error) in zip(("mean", "variance"), _moments(a), _moments(b), strict=True):
            apart, error = abs(x - y), float(np.hypot(x_error, y_error))
            found[group, statistic] = 1.0 if apart == 0.0 else float(2.0 * norm.sf(apart / error)) if error else 0.0
        table = [[int((x == 0).sum()), int((x > 0).sum())] for x in (a, b)]
        found[group, "extinction"] = float(fisher_exact(table).pvalue)
        found[group, "distribution"] = float(ks_2samp(a, b, method="asymp").pvalue)
    return found


def _moments(x: NDArray[np.float64]) -> tuple[tuple[float, float], tuple[float, float]]:
    """(value, standard error) of mean and variance."""
    variance = x.var(ddof=1)
    fourth = ((x - x.mean()) ** 4).mean()
    return (x.mean(), np.sqrt(variance / len(x))), (variance, np.sqrt(max(fourth - variance**2, 0.0) / len(x)))


def disagreements(kernel: Counts, other: Counts) -> dict[tuple[str, str], float]:
    """The statistics in which the two differ beyond :data:`FALSE_ALARM`, with their p."""
    found = p_values(kernel, other)
    return {statistic: p for statistic, p in found.items() if p < FALSE_ALARM / len(found)}
